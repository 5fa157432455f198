"""What the documents of a query must hold: kinds of content, versions, statuses, whole EHRs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from moiety.aql import ast
from moiety.aql.checks import sources
from moiety.aql.classes import concrete

CONTENTS: Final = ("COMPOSITION", "EHR_STATUS", "FOLDER")
"""What an EHR contains, each under version control."""

_EVERYWHERE: Final = (
    concrete("ITEM") | concrete("ITEM_STRUCTURE") | {"FEEDER_AUDIT", "FEEDER_AUDIT_DETAILS"}
)
"""Classes whose objects stand in any content."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`kinds`: the contents to look at. `wrapped`: each in its VERSION; `former`: those before the
    latest and deletions too. `status`: the EHR_STATUS of the EHR. `whole`: all contents of an EHR
    together, for one row may bind several, or the lack of any.
    """

    kinds: frozenset[str]
    wrapped: bool
    former: bool
    status: bool
    whole: bool

    @property
    def plain(self) -> bool:
        """Whether latest compositions alone are asked for."""
        return self.kinds == {"COMPOSITION"} and not (self.wrapped or self.former or self.whole)


def needs(query: ast.Query) -> Needs:
    """What a query needs, by its text alone."""
    versions = [item for item in sources(query.source) if isinstance(item, ast.Version)]
    return Needs(
        kinds=kinds(query.source),
        wrapped=bool(versions),
        former=any(takes_former(version) for version in versions),
        status=any(_leads_to_status(part, query) for part in ast.walk(query)),
        whole=spans(query.source),
    )


def takes_former(version: ast.Version) -> bool:
    """Whether a VERSION of FROM may be one before the latest: a condition asks all of them."""
    return version.scope is not None and version.scope != "LATEST_VERSION"


def spans(source: ast.Source) -> bool:
    """Whether one row may need several contents of an EHR, or the lack of any."""
    match source:
        case ast.Contains(parent=ast.Class(rm_type="EHR")):
            return (
                source.negated
                or isinstance(source.child, ast.Both | ast.Either)
                or spans(source.child)
            )
        case ast.Contains(parent=ast.Class(rm_type="FOLDER")):
            return _leaves_folders(source.child)
        case ast.Contains(parent=ast.Version()):
            return spans(source.child)
        case _:
            return isinstance(source, ast.Both | ast.Either)


def _leaves_folders(source: ast.Source) -> bool:
    return any(
        isinstance(item, ast.Version) or item.rm_type != "FOLDER" for item in sources(source)
    )


def kinds(source: ast.Source) -> frozenset[str]:
    """The contents in which what FROM names can stand."""
    return frozenset(_kinds(source))


def _kinds(source: ast.Source) -> Iterator[str]:
    match source:
        case ast.Contains(parent=ast.Class(rm_type="EHR") | ast.Version()):
            yield from _kinds(source.child) if not _is_any(source) else CONTENTS
        case ast.Contains(parent=ast.Class(rm_type="FOLDER")):
            yield "FOLDER"
            yield from _kinds(source.child)
        case ast.Contains():
            yield from _of_class(source.parent)
        case ast.Both() | ast.Either():
            for operand in source.operands:
                yield from _kinds(operand)
        case ast.Class() | ast.Version():
            yield from _of_class(source)


def _is_any(source: ast.Contains) -> bool:
    """NOT CONTAINS of a VERSION asks every version for what it lacks."""
    return source.negated and isinstance(source.parent, ast.Version)


def _of_class(item: ast.Class | ast.Version) -> Iterator[str]:
    if isinstance(item, ast.Version):
        yield from CONTENTS
        return
    classes = concrete(item.rm_type)
    if classes & _EVERYWHERE:
        yield from CONTENTS
        return
    yield from classes & {"EHR_STATUS", "FOLDER"}
    if classes - {"EHR_STATUS", "FOLDER", "EHR"}:
        yield "COMPOSITION"


def _leads_to_status(part: object, query: ast.Query) -> bool:
    if isinstance(part, ast.Class):
        steps = (step for step in ast.walk(part.predicate) if isinstance(step, ast.Step))
        of_ehr = part.rm_type == "EHR"
        return of_ehr and any(step.attribute == "ehr_status" for step in steps)
    if not isinstance(part, ast.Path) or (part.steps and part.steps[0].attribute != "ehr_status"):
        return False
    return _is_ehr(part.variable, query.source)  # a whole EHR refers to its status


def _is_ehr(variable: str, source: ast.Source) -> bool:
    return any(
        isinstance(item, ast.Class)
        and item.rm_type == "EHR"
        and (item.variable or "").lower() == variable.lower()
        for item in sources(source)
    )
