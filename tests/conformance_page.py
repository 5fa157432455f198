"""docs/conformance.md: which test shows which operation and promise of the clinical API.

    python tests/conformance_page.py           run those tests and write the page
    python tests/conformance_page.py --check   1 if the page is out of date (results aside)

Tests say what they show with the markers `row(operation)` and `behaviour(id)`; the ids and their
sentences stand in behaviours.toml.
"""

import ast
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "conformance.md"
CHAPTERS = {
    "GENERAL": ("SYSTEM",), "EHR": ("EHR",), "EHR_STATUS": ("EHR_STATUS",),
    "COMPOSITION": ("COMPOSITION",), "CONTRIBUTION": ("CONTRIBUTION",),
    "DIRECTORY": ("DIRECTORY",), "DEFINITION": ("DEFINITION",), "QUERY": ("QUERY",),
    "ADMIN": ("ADMIN",), "TAGS": ("ITEM_TAG",),
}  # fmt: skip
"""Chapter → the tags of its operations in the OpenAPI document."""
HEAD = """\
# Conformance

Which test shows which operation and promise of the clinical API, and how it went.
The chapters are those of the openEHR conformance schedule, with GENERAL before them.
`python tests/conformance_page.py` writes this page; a test sees that nothing is missing in it.
`skip`: the test needs sample data or a program that was not there.
"""


def marks():
    """Marker → its argument → the tests that bear it, as file::function."""
    found = {"row": defaultdict(list), "behaviour": defaultdict(list)}
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(file.read_text()).body:
            for mark in getattr(node, "decorator_list", ()):
                name = ast.unparse(mark.func) if isinstance(mark, ast.Call) else ""
                kind = name.removeprefix("pytest.mark.")
                if kind in found:
                    for one in mark.args:
                        test = f"{file.relative_to(TESTS.parent)}::{node.name}"
                        found[kind][one.value].append(test)
    return found


def promises():
    """Chapter → id → sentence."""
    return tomllib.loads((TESTS / "behaviours.toml").read_text())


def rows():
    """Chapter → (operation, method and path) of the document, in its order."""
    from clinical_api.openapi.document import BASE, whole

    chapter_of = {tag: chapter for chapter, tags in CHAPTERS.items() for tag in tags}
    found = defaultdict(list)
    for path, methods in whole()["paths"].items():
        for method, told in methods.items():
            if path.startswith(BASE):
                shown = f"{method.upper()} {path.removeprefix(BASE) or '/'}"
                found[chapter_of[told["tags"][0]]].append((told["operationId"], shown))
    return found


def run(tests):
    """Test → pass, fail or skip, as pytest tells it now."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "-n", "auto",
                   "--maxprocesses=4", "--dist=worksteal", *sorted(tests)]  # fmt: skip
        subprocess.run(command, cwd=TESTS.parent, check=False)
        cases = ET.parse(report).iter("testcase")
        told = defaultdict(set)
        for case in cases:
            file = case.get("classname", "").replace(".", "/") + ".py"
            test = f"{file}::{case.get('name', '').partition('[')[0]}"
            kinds = {child.tag for child in case}
            told[test].add("fail" if kinds & {"failure", "error"} else
                           "skip" if "skipped" in kinds else "pass")  # fmt: skip
    order = ("fail", "pass", "skip")
    return {test: next(one for one in order if one in some) for test, some in told.items()}


def page(results):
    """The page."""
    found, told = marks(), promises()
    parts = [HEAD]
    for chapter, operations in ((one, rows()[one]) for one in CHAPTERS):
        parts.append(f"\n## {chapter}\n\n| Operation | Call | Test | Result |\n|---|---|---|---|\n")
        parts += [
            _line((f"`{name}`", f"`{call}`"), found["row"][name], results)
            for name, call in operations
        ]
        parts.append("\n| Promise | Test | Result |\n|---|---|---|\n")
        parts += [
            _line((sentence,), found["behaviour"][name], results)
            for name, sentence in told[chapter].items()
        ]
    return "".join(parts)


def _line(cells, tests, results):
    names = "<br>".join(f"{Path(one.partition('::')[0]).stem}::{one.partition('::')[2]}"
                        for one in tests)  # fmt: skip
    went = "<br>".join(results.get(one, "not run") for one in tests)
    return f"| {' | '.join(cells)} | {names or '—'} | {went or '—'} |\n"


def without_results(text):
    """The page but for how the tests went."""
    return re.sub(r"\| (?:(?:pass|fail|skip|not run)(?:<br>)?)+ \|$", "|", text, flags=re.MULTILINE)


def main():
    """Write the page, or compare it."""
    if "--check" in sys.argv:
        same = without_results(page({})) == without_results(PAGE.read_text())
        if not same:
            print("docs/conformance.md is out of date: python tests/conformance_page.py")
        return 0 if same else 1
    tests = {one for kind in marks().values() for some in kind.values() for one in some}
    PAGE.write_text(page(run(tests)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
