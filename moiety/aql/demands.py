"""What the values of a query must be, beside their type: ids of versions, patterns of LIKE.

A plan serves many values, so they are looked at in every run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from moiety.aql import ast
from moiety.aql.errors import AqlError
from moiety.aql.signatures import is_uuid

_VERSION: Final = re.compile(r"(?P<object>[^:]+)::(?P<system>[^:]+)::[1-9][0-9]{0,8}")
_KEPT: Final = frozenset({"COMPOSITION", "EHR_STATUS", "VERSION"})
"""Classes whose uid is that of a version here; a folder in a directory has one of its own."""
_STRAY: Final = re.compile(r"(?:[^\\]|\\[*?\\])*\\(?:[^*?\\]|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Demand:
    """A value and what it has to be; in another run, that of its slot."""

    kind: Literal["uid", "pattern"]
    literal: ast.Literal

    def check(self, given: Sequence[Any], system_id: str) -> None:
        """Raises AqlError where a value is something else."""
        told = given[self.literal.slot] if self.literal.slot >= 0 else self.literal.value
        for value in told if isinstance(told, list | tuple) else (told,):
            fault = _FAULTS[self.kind](value, system_id) if isinstance(value, str) else None
            if fault is not None:
                raise AqlError(self.literal.at.line, self.literal.at.column, fault)


def demands(
    query: ast.Query, variables: Mapping[str, ast.Class | ast.Version]
) -> tuple[Demand, ...]:
    """The demands of a query whose parameters are in place."""
    return tuple(dict.fromkeys(_demands(query, variables)))


def _demands(
    query: ast.Query, variables: Mapping[str, ast.Class | ast.Version]
) -> Iterator[Demand]:
    for part in ast.walk(query.where):
        match part:
            case ast.Like(pattern=ast.Literal() as pattern):
                yield Demand("pattern", pattern)
            case ast.Compare(left=ast.Path() as path, operator="=" | "!="):
                if _is_uid(path, variables) and isinstance(part.right, ast.Literal):
                    yield Demand("uid", part.right)
            case ast.Matches(path=ast.Path() as path) if _is_uid(path, variables):
                values = (each for each in part.values if isinstance(each, ast.Literal))
                yield from (Demand("uid", value) for value in values)


def _is_uid(path: ast.Path, variables: Mapping[str, ast.Class | ast.Version]) -> bool:
    source = variables.get(path.variable.lower())
    steps = [step.attribute for step in path.steps]
    return source is not None and source.rm_type in _KEPT and steps == ["uid", "value"]


def _fault_of_uid(value: str, system_id: str) -> str | None:
    if is_uuid(value.lower()):
        return None
    found = _VERSION.fullmatch(value)
    if found is None or not is_uuid(found["object"].lower()):
        return "an id: the value is not a valid OBJECT_VERSION_ID/UID"
    if found["system"] != system_id:
        return f"an id of this system: the value does not match this server ({system_id})"
    return None


def _fault_of_pattern(value: str, _system_id: str) -> str | None:
    if _STRAY.match(value):
        return "a pattern (Invalid LIKE pattern: a backslash stands before `*`, `?` or another)"
    return None


_FAULTS: Final = {"uid": _fault_of_uid, "pattern": _fault_of_pattern}
