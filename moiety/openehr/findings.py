"""What a walk over a document finds, and how it tells the place.

A trail is the way from the root to an object: (trail of the parent, attribute, object), None
above the root. It is turned into a path only when something is found.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from moiety.openehr import rm
from moiety.openehr.ids import find_archetype_name
from moiety.openehr.leaves import Residue
from moiety.openehr.times import (
    date_seconds,
    date_time_seconds,
    duration_seconds,
    time_seconds,
)

Trail: TypeAlias = tuple["Trail | None", str, object]
Row: TypeAlias = dict[str, object]

LIMIT_FINDINGS = 500
"""Each costs a walk back to the root: a document of faults alone must not take minutes."""

_AT_CODE = re.compile(r"(?:at|id)[0-9]{1,6}(?:\.[0-9]{1,4}){0,9}")

_PARSERS: dict[type[rm.Any], Callable[[str], float]] = {
    rm.DvDate: date_seconds,
    rm.DvTime: time_seconds,
    rm.DvDateTime: date_time_seconds,
    rm.DvDuration: duration_seconds,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a document.

    `path` is an AQL path, with an ordinal behind the node id where siblings share it; `rule`
    one of: required, invariant, type, existence, occurrences, cardinality, code, units, range,
    precision, pattern, value, label, slot, template. `expected` speaks of model and template,
    `found` names a kind ("missing", "DV_TEXT", "3 nodes"), never a value of the document.
    `structural`: the document is no proper reference model object (400 rather than 422).
    """

    path: str
    rule: str
    expected: str
    found: str
    structural: bool = False


def too_deep() -> Finding:
    """The one finding of a document that no walk can get to the bottom of."""
    return Finding("/", "required", "fewer levels of nesting", "too many levels", structural=True)


class Walk:
    """The state of one walk: what was found, the rows so far, the residue."""

    __slots__ = (
        "findings",
        "known",
        "outside",
        "remarks",
        "residue",
        "rows",
        "same_language",
        "template_key",
    )

    def __init__(self, template_key: int = 0) -> None:
        self.template_key = template_key
        self.same_language = True  # document and template
        self.findings: list[Finding] = []
        self.remarks: list[Finding] = []
        self.rows: list[tuple[str, Row]] = []
        self.residue = 0
        self.outside: int = Residue.UNMATCHED  # what nodes without a template node count as
        self.known: dict[tuple[type[rm.Any], str], float | None] = {}

    def add(
        self,
        trail: Trail,
        below: str,
        rule: str,
        *,
        expected: str,
        found: str,
        structural: bool = False,
        remark: bool = False,
    ) -> None:
        """Note a finding at `below` (a relative path, or "") under the trail's object.

        After LIMIT_FINDINGS the document has been told enough: the rest is counted nowhere.
        """
        if len(self.findings) + len(self.remarks) >= LIMIT_FINDINGS:
            return
        path = render(trail) + (f"/{below}" if below else "")
        finding = Finding(path or "/", rule, expected, found, structural)
        (self.remarks if remark else self.findings).append(finding)

    def open_row(self, table: str, above: Row, node: int) -> Row:
        """A new row of `table` under the row `above`, for template node `node`."""
        row: Row = {
            "num": len(self.rows),
            "cap": len(self.rows),
            "par": above.get("num", -1),
            "template_key": self.template_key,
            "node": node,
        }
        self.rows.append((table, row))
        return row

    @contextmanager
    def in_open_slot(self) -> Iterator[None]:
        """What is met inside counts as content of a slot that the template leaves open."""
        outside, self.outside = self.outside, Residue.OPEN_SLOT
        yield
        self.outside = outside

    def least_of(
        self,
        checks: list[Callable[[object, Row, Trail, "Walk"], None]],
        thing: object,
        *,
        row: Row,
        trail: Trail,
    ) -> None:
        """Make the checks one after the other; keep the findings of the most content one."""
        findings, remarks = len(self.findings), len(self.remarks)
        best: tuple[list[Finding], list[Finding]] | None = None
        for check in checks:
            check(thing, row, trail, self)
            if len(self.findings) == findings:
                return
            found = (self.findings[findings:], self.remarks[remarks:])
            del self.findings[findings:], self.remarks[remarks:]
            if best is None or len(found[0]) < len(best[0]):
                best = found
        if best is not None:
            self.findings += best[0]
            self.remarks += best[1]

    def seconds(
        self, moment: rm.DvDate | rm.DvTime | rm.DvDateTime | rm.DvDuration
    ) -> float | None:
        """The magnitude of a temporal value; None where its text is none."""
        text = moment.value
        if text is None:
            return None
        key = (type(moment), text)
        try:
            return self.known[key]
        except KeyError:
            pass
        try:
            found = _PARSERS[type(moment)](text)
        except ValueError:
            found = None
        self.known[key] = found
        return found


def render(trail: Trail | None) -> str:
    """The path of a trail; node ids that are none in form are told by position alone."""
    if trail is None:
        return ""
    parent, attribute, thing = trail
    if parent is None:
        return ""
    return f"{render(parent)}/{attribute}{_predicate(parent[2], attribute, thing)}"


def _predicate(owner: object, attribute: str, thing: object) -> str:
    siblings = getattr(owner, attribute, None)
    node_id = _safe_node_id(thing)
    if not isinstance(siblings, list):
        return f"[{node_id}]" if node_id else ""
    if node_id is None:
        return "".join(f"[{i + 1}]" for i, item in enumerate(siblings) if item is thing)
    same = [item for item in siblings if getattr(item, "archetype_node_id", None) == node_id]
    ordinals = (f"[{i + 1}]" for i, item in enumerate(same) if item is thing)
    return f"[{node_id}]" + ("".join(ordinals) if len(same) > 1 else "")


def _safe_node_id(thing: object) -> str | None:
    node_id = getattr(thing, "archetype_node_id", None)
    if not isinstance(node_id, str):
        return None
    if _AT_CODE.fullmatch(node_id) or find_archetype_name(node_id):
        return node_id
    return None
