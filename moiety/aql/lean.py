"""A branch without the rows that only prove what the template says already.

A path may lead nowhere, so its row is joined as one that may be missing; where WHERE can only be
true with a row there, an aggregate counts nothing else, or the template demands it, it is a row
like any other.
Then a row that nothing asks is left out, if every row inside it stands in exactly one such: the
template nodes tell (`lean`). One group is asked of one table so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from moiety.aql import plan as p
from moiety.aql.request import Request
from moiety.aql.spots import owner
from moiety.openehr.template import Attribute, Template


def lean(branch: p.Branch, request: Request, template: Template) -> p.Branch:
    """The same rows from fewer tables."""
    made = _certain(replace(branch, sources=_required(branch, request)), template)
    used = _used((made.cells, made.where))
    number = 0
    while number < len(made.sources):
        inner = _stand_in(made, used, number, template)
        if inner is None:
            number += 1
            continue
        made = _without(made, number, inner)
        used = _used((made.cells, made.where))
        number = 0
    return made


# --- what must be there ----------------------------------------------------------------------


def _required(branch: p.Branch, request: Request) -> tuple[p.Source, ...]:
    asked = set(true_needs(branch.where)) | _counted(branch, request)
    for number in sorted(asked, reverse=True):
        inside = branch.sources[number].inside
        while inside >= 0:
            asked.add(inside)
            inside = branch.sources[inside].inside
    return tuple(
        replace(source, optional=source.optional and number not in asked)
        for number, source in enumerate(branch.sources)
    )


def _certain(branch: p.Branch, template: Template) -> p.Branch:
    """Rows that the template demands are there wherever the row around them is."""
    sources = list(branch.sources)
    for number, source in enumerate(sources):
        around = [n for _, n in branch.nodes[source.inside]] if source.inside >= 0 else [0]
        may_lack = source.inside >= 0 and sources[source.inside].optional
        if source.optional and source.direct and source.name is None and not may_lack:
            inner = [n for _, n in branch.nodes[number]]
            sure = all(any(_demanded(template, y, x) for y in inner) for x in around)
            sources[number] = replace(source, optional=not sure)
    return replace(branch, sources=tuple(sources))


def _demanded(template: Template, inner: int, outer: int) -> bool:
    """Whether no valid composition has the outer node without the inner one."""
    number = inner
    while number > outer:
        node = template.nodes[number]
        for attribute in template.nodes[node.parent].attributes:
            if number in attribute.children and not _fills(template, number, attribute):
                return False
        number = node.parent
    return number == outer


def _fills(template: Template, number: int, attribute: Attribute) -> bool:
    if attribute.multiple:
        return template.nodes[number].minimum > 0
    return attribute.minimum > 0 and len(attribute.children) == 1


def _counted(branch: p.Branch, request: Request) -> frozenset[int]:
    """Sources without which no aggregate of the request counts a row."""
    outputs = request.outputs
    if not request.aggregated or any(output.cell is None for output in outputs):
        return frozenset()
    cells = (branch.cells[output.cell] for output in outputs if output.cell is not None)
    return _common(
        _needs(cell.presence or p.Present(tuple(a.expression for a in cell.alternatives)))
        for cell in cells
    )


def _needs(node: p.Expression) -> frozenset[int]:
    """Sources without which an expression is null."""
    match node:
        case p.Leaf(source=source) | p.Row(source=source):
            return frozenset({source})
        case p.Constant(source=source) if source >= 0:
            return frozenset({source})
        case p.Present(parts=parts):
            return _common(_needs(part) for part in parts)
        case _:
            return frozenset()


def _common(found: Iterable[frozenset[int]]) -> frozenset[int]:
    every = list(found)
    return reduce(frozenset.__and__, every) if every else frozenset()


def _all(found: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*found)


def true_needs(node: p.Condition) -> frozenset[int]:
    """Sources without which a condition is not true."""
    match node:
        case p.Every(parts=parts):
            return _all(true_needs(part) for part in parts)
        case p.Some(parts=parts) | p.First(parts=parts):
            return _common(true_needs(part) for part in parts)
        case p.Negated(part=part):
            return false_needs(part)
        case p.Given(expression=expression):
            return _needs(expression)
        case _:
            return _known_needs(node)


def false_needs(node: p.Condition) -> frozenset[int]:
    """Sources without which a condition is not false."""
    match node:
        case p.Every(parts=parts) | p.First(parts=parts):
            return _common(false_needs(part) for part in parts)
        case p.Some(parts=parts):
            return _all(false_needs(part) for part in parts)
        case p.Negated(part=part):
            return true_needs(part)
        case p.Given():
            return frozenset()
        case _:
            return _known_needs(node)


def _known_needs(node: p.Condition) -> frozenset[int]:
    """Sources without which a comparison is unknown."""
    match node:
        case p.Compared():
            return _needs(node.left) | _needs(node.right)
        case p.OneOf() | p.Likened() | p.Decided():
            return _needs(node.expression)
        case _:
            return frozenset()


# --- what nothing asks ---------------------------------------------------------------------------


def _used(node: Any) -> set[int]:
    """Sources that expressions name."""
    if isinstance(node, p.Leaf | p.Row | p.Constant):
        return {node.source}
    if isinstance(node, tuple):
        return set().union(*(_used(part) for part in node))
    if hasattr(node, "__dataclass_fields__"):
        return set().union(*(_used(getattr(node, name)) for name in node.__dataclass_fields__))
    return set()


def _stand_in(branch: p.Branch, used: set[int], number: int, template: Template) -> int | None:
    """The one source inside that proves a source, where nothing else needs it."""
    source = branch.sources[number]
    inner = [n for n, each in enumerate(branch.sources) if each.inside == number]
    if number in used or source.optional or source.name is not None or len(inner) != 1:
        return None
    if branch.sources[inner[0]].optional:
        return None
    return inner[0] if _proves(branch, inner[0], number, template) else None


def _proves(branch: p.Branch, inner: int, outer: int, template: Template) -> bool:
    """Whether each row of `inner` stands in exactly one of `outer`, and that where it should."""
    source = branch.sources[outer]
    around = branch.nodes[source.inside] if source.inside >= 0 else frozenset[p.Key]()
    for _, node in branch.nodes[inner]:
        holders = _holding(template, branch.nodes[outer], node)
        if len(holders) != 1:
            return False
        if branch.sources[inner].direct and _above(template, node) != holders[0]:
            return False
        for further in _holding(template, around, node):
            near = _above(template, holders[0]) == further
            if further >= holders[0] or (source.direct and not near):
                return False
    return True


def _holding(template: Template, nodes: Iterable[p.Key], inner: int) -> list[int]:
    return [n for _, n in nodes if n < inner <= template.nodes[n].last]


def _above(template: Template, number: int) -> int:
    """The nearest node with rows of its own around a node."""
    return owner(template, template.nodes[number].parent).number


def _without(branch: p.Branch, number: int, inner: int) -> p.Branch:
    """The branch without a source; what was inside it is inside what it was inside."""
    sources = list(branch.sources)
    inside = sources[number].inside
    sources[inner] = replace(sources[inner], inside=inside, direct=False)
    kept = [n for n in range(len(sources)) if n != number]
    place = {old: new for new, old in enumerate(kept)} | {-1: -1}
    return replace(
        branch,
        sources=tuple(replace(sources[n], inside=place[sources[n].inside]) for n in kept),
        nodes=tuple(branch.nodes[n] for n in kept),
        cells=_moved(branch.cells, place),
        where=_moved(branch.where, place),
    )


def _moved(node: Any, place: Mapping[int, int]) -> Any:
    if isinstance(node, p.Leaf | p.Row | p.Constant):
        return replace(node, source=place[node.source])
    if isinstance(node, tuple):
        return tuple(_moved(part, place) for part in node)
    if hasattr(node, "__dataclass_fields__"):
        parts = {name: _moved(getattr(node, name), place) for name in node.__dataclass_fields__}
        return replace(node, **parts)
    return node


# --- what a table holds ------------------------------------------------------------------------


def with_tables(
    branches: Sequence[p.Branch], templates: Mapping[int, Template]
) -> tuple[p.Branch, ...]:
    """The branches, told all that their tables can hold."""
    wanted = {source.table for branch in branches for source in branch.sources}
    found: dict[str, dict[int, frozenset[int]]] = {table: {} for table in wanted}
    for key, template in templates.items():
        groups = {k: g.table for k, g in template.groups.items() if g.table in wanted}
        nodes: dict[str, set[int]] = {}
        for node in template.nodes if groups else ():
            if node.group in groups:
                nodes.setdefault(groups[node.group], set()).add(node.number)
        for table, numbers in nodes.items():
            found[table][key] = frozenset(numbers)
    return tuple(
        replace(branch, every=tuple(found[source.table] for source in branch.sources))
        for branch in branches
    )
