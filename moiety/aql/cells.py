"""A spot in a row → a cell: its columns, and what they are when they are compared or ordered."""

from collections.abc import Mapping

from moiety.aql.plan import Alternative, Cell, Constant, Expression, Head, Leaf, Present, Row
from moiety.aql.spots import Spot, Untold, columns, is_row, under
from moiety.aql.values import CALENDAR, DURATION, TEMPORAL
from moiety.openehr.groups import value_types
from moiety.openehr.leaves import VALUES, Column
from moiety.openehr.template import Template

_LEAVES = frozenset(path for leaves in VALUES.values() for path, _ in leaves)
_TEXTS = frozenset({"DV_TEXT", "DV_CODED_TEXT", "DV_URI", "DV_EHR_URI", "DV_PARSABLE"})
_MAGNITUDES = ("magnitude", "value")

Guards = tuple[tuple[str, str], ...]


_SUBJECT = "ehr_status/subject/external_ref"
_OF_EHR: Mapping[str, Cell] = {
    "": Cell((), whole=True, presence=Head("ehr_id")),
    "ehr_id/value": Cell((Alternative("text", Head("ehr_id")),)),
    "system_id/value": Cell((Alternative("text", Head("system_id")),)),
    "time_created/value": Cell((Alternative("timestamp", Head("time_created")),), CALENDAR),
    f"{_SUBJECT}/id/value": Cell((Alternative("text", Head("subject_id")),)),
    f"{_SUBJECT}/namespace": Cell((Alternative("text", Head("subject_namespace")),)),
    "ehr_status/is_modifiable": Cell((Alternative("boolean", Head("modifiable")),)),
    "ehr_status/is_queryable": Cell((Alternative("boolean", Head("queryable")),)),
}
_AUDIT = "commit_audit"
_CHANGE = f"{_AUDIT}/change_type"
_OPENEHR = Cell((Alternative("text", Constant("openehr")),))
_OF_VERSION: Mapping[str, Cell] = {
    "": Cell((), whole=True, presence=Head("row")),
    "uid/value": Cell((Alternative("text", Head("uid")),)),
    "preceding_version_uid/value": Cell((Alternative("text", Head("preceding_uid")),)),
    "contribution/id/value": Cell((Alternative("text", Head("contribution_id")),)),
    "lifecycle_state/value": Cell((Alternative("text", Head("lifecycle_value")),)),
    "lifecycle_state/defining_code/code_string": Cell(
        (Alternative("text", Head("lifecycle_code")),)
    ),
    "lifecycle_state/defining_code/terminology_id/value": _OPENEHR,
    f"{_AUDIT}/time_committed/value": Cell(
        (Alternative("timestamp", Head("time_committed")),), CALENDAR
    ),
    f"{_AUDIT}/system_id": Cell((Alternative("text", Head("audit_system")),)),
    f"{_AUDIT}/description/value": Cell((Alternative("text", Head("audit_description")),)),
    f"{_AUDIT}/committer/name": Cell((Alternative("text", Head("committer_name")),)),
    f"{_CHANGE}/value": Cell((Alternative("text", Head("change_value")),)),
    f"{_CHANGE}/defining_code/preferred_term": Cell((Alternative("text", Head("change_value")),)),
    f"{_CHANGE}/defining_code/code_string": Cell((Alternative("text", Head("change_code")),)),
    f"{_CHANGE}/defining_code/terminology_id/value": _OPENEHR,
}


def cell_of_ehr(tail: tuple[str, ...]) -> Cell:
    """An attribute of the EHR. Raises Untold for what its head does not tell."""
    return _of_head(_OF_EHR, tail, "an attribute of the EHR without a column")


def cell_of_version(tail: tuple[str, ...]) -> Cell:
    """An attribute of the VERSION of a composition. Raises Untold for what its head does not
    tell.
    """
    return _of_head(_OF_VERSION, tail, "an attribute of a version without a column")


def _of_head(known: Mapping[str, Cell], tail: tuple[str, ...], reason: str) -> Cell:
    found = known.get("/".join(tail))
    if found is None:
        raise Untold(reason)
    return found


def cell_of_composition(template: Template, tail: tuple[str, ...]) -> Cell | None:
    """What the head of a composition tells; None where its row of leaves has to."""
    match tail:
        case ():
            document = Alternative("document", Head("document"))
            return Cell((document,), whole=True, presence=Head("row"))
        case ("uid", "value"):
            return Cell((Alternative("text", Head("uid")),))
        case ("archetype_details", "template_id", "value"):
            return Cell((Alternative("text", Head("template_id")),))
        case ("archetype_node_id",):
            return Cell((Alternative("text", Constant(template.archetype_id)),))
        case _:
            return None


def cell_of_row(template: Template, spot: Spot, source: int, guards: Guards) -> Cell:
    """What a row tells at a spot. Raises Untold where it tells nothing of it."""
    found = columns(template, spot)
    if found:
        rank = _rank(template, spot) if any(c.kind == "instant" for c in found) else 0
        return Cell(tuple(_alternative(c, source, guards) for c in found), rank)
    if not spot.tail:
        return Cell((), whole=True, presence=node_presence(template, spot, source, guards))
    if spot.tail == ("archetype_node_id",) and is_row(template, spot.nodes[0]):
        node_id = template.nodes[spot.nodes[0]].node_id
        return Cell((Alternative("text", Constant(node_id, source)),))
    if _is_element(template, spot) and "/".join(spot.tail[1:]) in _LEAVES:
        return Cell(())
    return _object(template, spot, source, guards)


def _alternative(column: Column, source: int, guards: Guards) -> Alternative:
    return Alternative(column.kind, Leaf(source, column.name, column.kind, guards))


def _object(template: Template, spot: Spot, source: int, guards: Guards) -> Cell:
    """A value that is an object: magnitudes below it, and whether anything stands there."""
    below = under(template, spot)
    element = _is_element(template, spot) and spot.tail == ("value",)
    instants = [c for c in columns(template, spot, "value") if c.kind == "instant"]
    if not below or not (element or instants or spot.tail[-1] == "name"):
        raise Untold("a path without columns")
    numbers = [c for c in below if element and _is_magnitude(c, spot)]
    alternatives = tuple(_alternative(c, source, guards) for c in (*instants, *numbers))
    rank = _rank(template, spot) if instants else 0
    if element and "DV_PROPORTION" in _types(template, spot):
        rank = -1
    there = Present(tuple(_alternative(c, source, guards).expression for c in below))
    return Cell(alternatives, rank, whole=True, presence=there)


def _is_magnitude(column: Column, spot: Spot) -> bool:
    leaf = column.path.rsplit("/", 1)[-1]
    direct = column.path.endswith(f"{'/'.join(spot.tail)}/{leaf}")
    return direct and leaf in _MAGNITUDES and column.kind in {"integer", "real"}


def node_presence(template: Template, spot: Spot, source: int, guards: Guards) -> Expression | None:
    """What is not null where a node stands: its row, or its name in the row around it."""
    if is_row(template, spot.nodes[0]):
        return Row(source)
    names = columns(template, spot, "name/value")
    return _alternative(names[0], source, guards).expression if names else None


def _is_element(template: Template, spot: Spot) -> bool:
    nodes = (template.nodes[n] for n in spot.nodes)
    return spot.tail[:1] == ("value",) and all(node.rm_type == "ELEMENT" for node in nodes)


def _types(template: Template, spot: Spot) -> set[str]:
    return {t for n in spot.nodes for t in value_types(template.nodes[n], template.nodes)}


def _rank(template: Template, spot: Spot) -> int:
    """The one temporal rank of the values at a spot; -1 where they may have several, or may be
    texts beside times.
    """
    if not _is_element(template, spot):
        return DURATION if "width" in spot.tail else CALENDAR
    types = _types(template, spot)
    ranks = {TEMPORAL[name] for name in types & TEMPORAL.keys()}
    if len(ranks) != 1:
        return -1
    rank = ranks.pop()
    return -1 if rank != DURATION and spot.tail != ("value",) and types & _TEXTS else rank
