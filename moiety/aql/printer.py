"""Tree → text: `render(query)`, such that parsing the text gives the tree again.

`_executed_aql` of a result is written with it. One function a kind of node, found by the type.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

from moiety.aql import ast
from moiety.aql.lexer import quote
from moiety.aql.signatures import signature


@singledispatch
def render(node: Any) -> str:
    """AQL of a tree or a part of one. Raises TypeError for what is no part of a tree."""
    raise TypeError(type(node).__name__)


@render.register
def _(node: ast.Literal) -> str:
    if isinstance(node.value, str):
        return quote(node.value)
    if node.value is None or isinstance(node.value, bool):
        return str(node.value).upper().replace("NONE", "NULL")
    return repr(node.value)


@render.register
def _(node: ast.Parameter) -> str:
    return f"${node.name}"


@render.register
def _(node: ast.NodeCode) -> str:
    return node.code


@render.register(ast.TermCode)
@render.register(ast.Uri)
def _(node: ast.TermCode | ast.Uri) -> str:
    return node.text


@render.register
def _(node: tuple) -> str:  # type: ignore[type-arg]  # singledispatch takes plain classes: steps
    return "/".join(render(step) for step in node)


@render.register
def _(node: ast.Step) -> str:
    return node.attribute + _bracketed(node.predicate)


def _bracketed(predicate: ast.Predicate | None) -> str:
    return f"[{render(predicate)}]" if predicate is not None else ""


@render.register
def _(node: ast.Node) -> str:
    return render(node.code) + (f", {render(node.name)}" if node.name is not None else "")


@render.register
def _(node: ast.Test) -> str:
    return f"{render(node.path)}{node.operator}{render(node.operand)}"


@render.register
def _(node: ast.Pattern) -> str:
    return f"{render(node.path)} matches {{/{node.regex}/}}"


@render.register
def _(node: ast.All) -> str:
    return " AND ".join(render(operand) for operand in node.operands)


@render.register
def _(node: ast.Any) -> str:
    return " OR ".join(render(operand) for operand in node.operands)


@render.register
def _(node: ast.Path) -> str:
    steps = f"/{render(node.steps)}" if node.steps else ""
    return node.variable + _bracketed(node.predicate) + steps


@render.register
def _(node: ast.Call) -> str:
    return f"{node.name}({', '.join(render(argument) for argument in node.arguments)})"


@render.register
def _(node: ast.Terminology) -> str:
    arguments = (node.operation, node.service, node.parameters)
    return f"TERMINOLOGY({', '.join(quote(argument) for argument in arguments)})"


@render.register
def _(node: ast.Aggregate) -> str:
    argument = render(node.argument) if node.argument is not None else "*"
    return f"{node.name}({'DISTINCT ' if node.distinct else ''}{argument})"


@render.register
def _(node: ast.Compare) -> str:
    return f"{render(node.left)} {node.operator} {render(node.right)}"


@render.register
def _(node: ast.Like) -> str:
    return f"{render(node.path)} LIKE {render(node.pattern)}"


@render.register
def _(node: ast.Matches) -> str:
    return f"{render(node.path)} matches {{{', '.join(render(value) for value in node.values)}}}"


@render.register
def _(node: ast.Exists) -> str:
    return f"EXISTS {render(node.path)}"


@render.register
def _(node: ast.Not) -> str:
    return f"NOT {_grouped(node.condition)}"


@render.register
def _(node: ast.And) -> str:
    return " AND ".join(_grouped(operand) for operand in node.operands)


@render.register
def _(node: ast.Or) -> str:
    return " OR ".join(_grouped(operand) for operand in node.operands)


@render.register
def _(node: ast.Class) -> str:
    variable = f" {node.variable}" if node.variable is not None else ""
    return node.rm_type + variable + _bracketed(node.predicate)


@render.register
def _(node: ast.Version) -> str:
    variable = f" {node.variable}" if node.variable is not None else ""
    if node.scope is None:
        return f"VERSION{variable}"
    return f"VERSION{variable}[{node.scope if isinstance(node.scope, str) else render(node.scope)}]"


@render.register
def _(node: ast.Contains) -> str:
    child = _grouped(node.child) if not isinstance(node.child, ast.Contains) else render(node.child)
    return f"{render(node.parent)} {'NOT ' if node.negated else ''}CONTAINS {child}"


@render.register
def _(node: ast.Both) -> str:
    return " AND ".join(_grouped(operand) for operand in node.operands)


@render.register
def _(node: ast.Either) -> str:
    return " OR ".join(_grouped(operand) for operand in node.operands)


def _grouped(node: Any) -> str:
    compound = (ast.And, ast.Or, ast.Both, ast.Either, ast.Contains)
    return f"({render(node)})" if isinstance(node, compound) else render(node)


@render.register
def _(node: ast.Column) -> str:
    return render(node.expression) + (f" AS {node.alias}" if node.alias is not None else "")


@render.register
def _(node: ast.Order) -> str:
    return render(node.path) + (" DESC" if node.descending else " ASC")


@render.register
def _(node: ast.Top) -> str:
    return f"TOP {node.count}{' BACKWARD' if node.backward else ''}"


@render.register
def _(node: ast.Query) -> str:
    clauses = [
        "SELECT" + (" DISTINCT" if node.distinct else ""),
        render(node.top) if node.top is not None else "",
        ", ".join(render(column) for column in node.columns),
        f"FROM {render(node.source)}",
        f"WHERE {render(node.where)}" if node.where is not None else "",
        f"GROUP BY {', '.join(render(path) for path in node.group)}" if node.group else "",
        f"HAVING {render(node.having)}" if node.having is not None else "",
        f"ORDER BY {', '.join(render(key) for key in node.order)}" if node.order else "",
        f"LIMIT {node.limit}" if node.limit is not None else "",
        f"OFFSET {node.offset}" if node.offset is not None else "",
    ]
    return " ".join(clause for clause in clauses if clause)


# --- one text for many values ----------------------------------------------------------------

_OPEN = re.compile("'\x00([0-9]+):([a-z ]*)\x00'")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with gaps: `pieces` are texts, and between them slots with what is alike there.
    `paged`: the slot of a limit that follows, and after it that of an offset; -1 for none.
    """

    pieces: tuple[str, ...]
    slots: tuple[tuple[int, str], ...]
    paged: int

    def with_values(self, given: Sequence[Any]) -> str:
        """The text with values in its gaps."""
        made = [self.pieces[0]]
        for (slot, alike), piece in zip(self.slots, self.pieces[1:], strict=True):
            made += (_written(given[slot], alike), piece)
        if self.paged >= 0:
            made.append(f" LIMIT {given[self.paged]} OFFSET {given[self.paged + 1]}")
        return "".join(made)


def rendered(query: ast.Query, *, paged: int) -> Rendered:
    """The text of a bound query, with a gap for each of its slots; what names an EHR or a
    composition by its id stands in FROM, as existing clients know it.
    """
    found = _OPEN.split(render(ast.changed(_named_in_source(query), _opened)))
    slots = tuple((int(n), alike) for n, alike in zip(found[1::3], found[2::3], strict=True))
    return Rendered(tuple(found[::3]), slots, paged)


_IDS = {"EHR": ("ehr_id", "value"), "COMPOSITION": ("uid", "value")}


def _named_in_source(query: ast.Query) -> ast.Query:
    """The query with `e/ehr_id/value = x` and `c/uid/value = x` moved from WHERE to FROM."""
    where = query.where
    parts = where.operands if isinstance(where, ast.And) else (where,) if where else ()
    asked: dict[str, ast.Test] = {}
    left: list[ast.Condition] = []
    for part in parts:
        found = _id_test(part, query.source)
        if found is None or found[0] in asked:
            left.append(part)
        else:
            asked[found[0]] = found[1]
    if not asked:
        return query

    def placed(item: Any) -> Any:
        if not isinstance(item, ast.Class) or (item.variable or "").lower() not in asked:
            return None
        test = asked[(item.variable or "").lower()]
        old = item.predicate
        others = old.operands if isinstance(old, ast.All) else (old,) if old is not None else ()
        return replace(item, predicate=ast.All((*others, test)) if others else test)

    remaining = left[0] if len(left) == 1 else ast.And(tuple(left)) if left else None
    return replace(query, source=ast.changed(query.source, placed), where=remaining)


def _id_test(part: ast.Condition, source: ast.Source) -> tuple[str, ast.Test] | None:
    """The variable that a condition names by its id, and the condition as it stands in brackets."""
    match part:
        case ast.Compare(left=ast.Path() as path, operator="=", right=ast.Literal() as value):
            steps = tuple(step.attribute for step in path.steps)
            plain = path.predicate is None and not any(step.predicate for step in path.steps)
            for item in ast.walk(source) if plain else ():
                named = isinstance(item, ast.Class) and (item.variable or "").lower()
                if named and named == path.variable.lower() and not _is_any(item.predicate):
                    fits = _IDS.get(item.rm_type) == steps
                    return (named, ast.Test(path.steps, "=", value)) if fits else None
    return None


def _is_any(predicate: ast.Predicate | None) -> bool:
    return isinstance(predicate, ast.Any)


def _opened(part: Any) -> Any:
    if isinstance(part, ast.Literal) and part.slot >= 0:
        return replace(part, value=f"\x00{part.slot}:{part.alike}\x00")
    return None


def _written(given: Any, alike: str) -> str:
    members = [member for member in given if signature(member) == alike] if alike else [given]
    return ", ".join(render(ast.Literal(member)) for member in members)
