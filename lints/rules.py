"""Our own rules, each with the leak or lie it prevents.  `python lints/rules.py` checks the tree.

one-door-to-commit    `.commit()` stands only in moiety/kit/commits.py and moiety/kit/database.py.
                      A COMMIT elsewhere could come after the answer, or halve a contribution.
scoped-writer         `Depends(<generator>)` names scope="function".  FastAPI's default scope runs
                      the code after `yield`, and with it the COMMIT, once the client has its 201.
silent-errors         A raise or a log call interpolates no name that holds a record's content.
                      Messages end in logs, traces and other people's screens.
door-to-keys          `.reveal()` of a key stands only where a primitive takes it, in KEY_DOORS.
                      Elsewhere it is on its way to a log or a header.
door-to-traces        opentelemetry is imported only in moiety/kit/collector.py, behind its filter.
                      An instrumentation elsewhere would note paths, statements and messages.
no-select-of-a-half   clinical_api never names the demographic or vault database, and so on round:
                      a connection string in the wrong service would undo the split.

A line that must break a rule says so: `# lint: <rule>: <reason>`.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("moiety", "clinical_api", "demographic_api", "linkage_vault")
COMMIT_DOORS = {"moiety/kit/commits.py", "moiety/kit/database.py"}
KEY_DOORS = {
    f"linkage_vault/{name}.py" for name in ("seal", "blind_index", "keys", "key_ring", "kek_file")
}
CONTENT = frozenset(
    {"value", "body", "document", "composition", "content", "magnitude", "patient", "person",
     "nhs_number", "digits", "row", "rows", "plaintext", "secret", "payload", "xml", "resource"}
)  # fmt: skip
TRACE_DOOR = "moiety/kit/collector.py"
LOG_CALLS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
HALVES = {
    "clinical_api": ("demographic", "vault"),
    "demographic_api": ("clinical", "vault"),
    "linkage_vault": ("demographic",),
}


@dataclass(frozen=True)
class Fault:
    """A line that breaks a rule."""

    file: str
    line: int
    rule: str
    why: str

    def __str__(self) -> str:
        """As compilers print it."""
        return f"{self.file}:{self.line}: {self.rule}: {self.why}"


def check(source: str, file: str) -> list[Fault]:
    """Every fault of one file that its own line does not excuse."""
    tree = ast.parse(source)
    lines = source.splitlines()
    return [
        fault
        for rule in (
            one_door_to_commit,
            scoped_writer,
            silent_errors,
            door_to_keys,
            door_to_traces,
            no_select_of_a_half,
        )
        for fault in rule(tree, file)
        if f"# lint: {fault.rule}:" not in lines[fault.line - 1]
    ]


def one_door_to_commit(tree: ast.AST, file: str) -> Iterator[Fault]:
    """`.commit()` outside its two doors."""
    if file in COMMIT_DOORS:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "commit" and not node.args:
            yield Fault(file, node.lineno, "one-door-to-commit", "a COMMIT outside moiety.kit")


def scoped_writer(tree: ast.AST, file: str) -> Iterator[Fault]:
    """`Depends` on a generator function of this file, without scope="function"."""
    generators = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in ast.walk(node))
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and _called(node) == "Depends" and node.args):
            continue
        target = node.args[0]
        name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
        scoped = any(
            k.arg == "scope" and getattr(k.value, "value", None) == "function"
            for k in node.keywords
        )
        if (name in generators or name in {"writer", "reader"}) and not scoped:
            yield Fault(file, node.lineno, "scoped-writer", "the COMMIT would follow the answer")


def silent_errors(tree: ast.AST, file: str) -> Iterator[Fault]:
    """An f-string in a raise or a log call with the content of a record in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            inside: ast.AST = node.exc
        elif isinstance(node, ast.Call) and _called(node) in LOG_CALLS:
            inside = node
        else:
            continue
        for name, line in _interpolated(inside):
            if name in CONTENT:
                yield Fault(file, line, "silent-errors", f"`{name}` may hold a record's content")


def door_to_keys(tree: ast.AST, file: str) -> Iterator[Fault]:
    """`.reveal()` outside its doors."""
    if file in KEY_DOORS:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "reveal":
            yield Fault(file, node.lineno, "door-to-keys", "a key in the clear outside its doors")


def door_to_traces(tree: ast.AST, file: str) -> Iterator[Fault]:
    """An import of opentelemetry outside its door."""
    if file == TRACE_DOOR:
        return
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(name.split(".")[0] == "opentelemetry" for name in names):
            yield Fault(file, node.lineno, "door-to-traces", "spans pass the filter of collector")


def no_select_of_a_half(tree: ast.AST, file: str) -> Iterator[Fault]:
    """A service that names another half's database role or setting."""
    others = HALVES.get(file.split("/", maxsplit=1)[0], ())
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        for other in others:
            if f"{other}_app" in node.value or f"MOIETY_{other.upper()}_DATABASE" in node.value:
                yield Fault(file, node.lineno, "no-select-of-a-half", f"names the {other} database")


def _called(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _interpolated(node: ast.AST) -> Iterator[tuple[str, int]]:
    for part in ast.walk(node):
        if isinstance(part, ast.FormattedValue):
            inner = part.value
            name = inner.id if isinstance(inner, ast.Name) else getattr(inner, "attr", "")
            yield name, part.lineno


def main() -> int:
    """Check every package; 1 when there is a fault."""
    faults = [
        fault
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for fault in check(path.read_text(), str(path.relative_to(ROOT)))
    ]
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
