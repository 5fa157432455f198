"""Typed rows: which values of a composition have columns, and how those are named.

A group is a place that may hold several nodes (composition, section, entry, activity, event,
archetype root, repeating cluster or element); a column is a path of single values below it.
Names derive from keys alone, so the registry of tables is a function of the templates.
"""

import enum
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["real", "integer", "text", "boolean", "instant"]

ROWS_VERSION = 1
"""Raised when the emission of rows changes: heads with a lower version are emitted again."""


class Residue(enum.IntFlag):
    """Content of a composition that its rows do not tell. A typed plan trusts rows only
    where no bit concerns the query; the document evaluator answers for the rest.
    """

    OPEN_SLOT = 1
    """A slot that the template leaves open holds content."""
    UNMATCHED = 2
    """Archetyped nodes stand under an attribute that the template does not mention."""
    FEEDER_AUDIT = 4
    """A feeder audit holds archetyped structure (other_details)."""


@dataclass(frozen=True, slots=True)
class Column:
    """A path of single values below a group node ("data[at0003]/items[at0004]/value/magnitude").

    `kind` decides the SQL type: real float8, integer int8, text text COLLATE "C", boolean
    bool, instant float8. An instant stands beside the text column of the same path.
    """

    path: str
    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """One table of rows: the place `key` in an archetype, whichever template uses it."""

    key: str
    rm_type: str
    table: str
    columns: tuple[Column, ...]


def table_name(key: str) -> str:
    """The table of a group: g_ and 16 hexadecimal digits of SHA-256 of its key."""
    return "g_" + sha256(key.encode()).hexdigest()[:16]


def column_name(path: str, kind: Kind) -> str:
    """The column of a path and kind: c_ and 16 hexadecimal digits of SHA-256."""
    return "c_" + sha256(f"{path}|{kind}".encode()).hexdigest()[:16]


_CODE: tuple[tuple[str, Kind], ...] = (
    ("defining_code/code_string", "text"),
    ("defining_code/terminology_id/value", "text"),
)
_MOMENT: tuple[tuple[str, Kind], ...] = (("value", "text"), ("value", "instant"))


def _below(prefix: str, leaves: tuple[tuple[str, Kind], ...]) -> tuple[tuple[str, Kind], ...]:
    return tuple((f"{prefix}/{path}", kind) for path, kind in leaves)


_CODED: tuple[tuple[str, Kind], ...] = (("value", "text"), *_CODE)

VALUES: dict[str, tuple[tuple[str, Kind], ...]] = {
    "DV_TEXT": _CODED,  # a coded text may stand wherever a text may
    "DV_CODED_TEXT": _CODED,
    "DV_QUANTITY": (("magnitude", "real"), ("units", "text"), ("precision", "integer")),
    "DV_COUNT": (("magnitude", "integer"),),
    "DV_ORDINAL": (("value", "integer"), *_below("symbol", _CODED)),
    "DV_SCALE": (("value", "real"), *_below("symbol", _CODED)),
    "DV_PROPORTION": (
        ("numerator", "real"),
        ("denominator", "real"),
        ("type", "integer"),
        ("precision", "integer"),
    ),
    "DV_BOOLEAN": (("value", "boolean"),),
    "DV_DATE": _MOMENT,
    "DV_TIME": _MOMENT,
    "DV_DATE_TIME": _MOMENT,
    "DV_DURATION": _MOMENT,
    "DV_IDENTIFIER": (("id", "text"), ("type", "text"), ("issuer", "text"), ("assigner", "text")),
    "DV_URI": (("value", "text"),),
    "DV_EHR_URI": (("value", "text"),),
    "DV_PARSABLE": (("value", "text"), ("formalism", "text")),
}
"""Data type → paths below the value that have columns. A type that is absent has none."""

_NAMED: tuple[tuple[str, Kind], ...] = (("name/value", "text"),)
_GROUPED: tuple[tuple[str, Kind], ...] = (*_NAMED, ("uid/value", "text"))
_EVENT: tuple[tuple[str, Kind], ...] = _below("time", _MOMENT)

NODES: dict[str, tuple[tuple[str, Kind], ...]] = {
    "COMPOSITION": (
        ("language/code_string", "text"),
        ("territory/code_string", "text"),
        *_below("category", (("value", "text"), ("defining_code/code_string", "text"))),
        ("composer/name", "text"),
        *_below("context/start_time", _MOMENT),
        *_below("context/end_time", _MOMENT),
        *_below("context/setting", (("value", "text"), ("defining_code/code_string", "text"))),
    ),
    "HISTORY": _below("origin", _MOMENT),
    "EVENT": (*_EVENT, ("_type", "text"), *_below("width", _MOMENT)),
    "POINT_EVENT": _EVENT,
    "INTERVAL_EVENT": (*_EVENT, *_below("width", _MOMENT)),
    "ACTION": (
        *_below("time", _MOMENT),
        *_below("ism_transition/current_state", _CODED[:2]),
        *_below("ism_transition/careflow_step", _CODED[:2]),
    ),
    "INSTRUCTION": (("narrative/value", "text"), *_below("expiry_time", _MOMENT)),
    "ELEMENT": (("null_flavour/defining_code/code_string", "text"),),
}
"""Class of a template node → paths of its own that have columns, beside its name and uid.
EVENT is abstract: where a template leaves the choice, `_type` tells which event came."""

GROUP_TYPES = frozenset(
    {
        "COMPOSITION",
        "SECTION",
        "OBSERVATION",
        "EVALUATION",
        "INSTRUCTION",
        "ACTION",
        "ADMIN_ENTRY",
        "GENERIC_ENTRY",
        "ACTIVITY",
        "EVENT",
        "POINT_EVENT",
        "INTERVAL_EVENT",
    }
)
"""Classes whose nodes always have rows of their own."""

NAMED_TYPES = frozenset({"CLUSTER", "ELEMENT"})
"""Classes whose name is a column even inside another's row: it also tells that they exist."""


def node_leaves(rm_type: str, *, grouped: bool) -> tuple[tuple[str, Kind], ...]:
    """The paths of a template node's own class that have columns."""
    own = NODES.get(rm_type, ())
    if grouped:
        return _GROUPED + own
    return _NAMED + own if rm_type in NAMED_TYPES else own
