"""The tables that compiled queries read: heads, EHRs and the leaf tables of groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from moiety.aql.plan import Branch, Leaf, Place
from moiety.openehr.leaves import ROWS_VERSION

TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "real": sa.Double(),
    "instant": sa.Double(),
    "integer": sa.BigInteger(),
    "text": sa.Text(collation="C"),
    "boolean": sa.Boolean(),
    "document": BYTEA(),
    "timestamp": sa.DateTime(timezone=True),
    "presence": sa.Integer(),
    "ehr": sa.Uuid(),
    "version": sa.BigInteger(),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """The tables of one kind of content: the latest versions, and those before. Both have ehr_id,
    object_id, version, document, contribution_id, change_type, lifecycle_state, time_committed
    and audit.
    """

    head: sa.FromClause
    history: sa.FromClause


@dataclass(frozen=True, slots=True)
class Heads:
    """The tables of EHRs and of what they contain, as the service names them, and the system id
    of uids.

    `kinds`: COMPOSITION, EHR_STATUS and FOLDER; heads of compositions also have row_key,
    template_key, rows_version and residue. `ehr` has ehr_id, system_id, time_created, pooled, and
    what the latest status says: modifiable, queryable, subject_namespace, subject_id,
    opaque_subject. `detail` and `attestation` stand beside versions. `hot`: the leaf columns that
    an operator has declared to be asked often.
    """

    kinds: Mapping[str, Kept]
    ehr: sa.FromClause
    detail: sa.FromClause
    attestation: sa.FromClause
    system_id: str
    hot: frozenset[Place] = frozenset()

    @property
    def composition(self) -> sa.FromClause:
        """The latest versions of compositions."""
        return self.kinds["COMPOSITION"].head

    def kept(self, kind: str) -> Kept:
        """The tables of a kind of content."""
        return self.kinds[kind]


CURRENT: sa.ColumnElement[int] = sa.literal_column(str(ROWS_VERSION))
NONE: sa.ColumnElement[int] = sa.literal_column("0")
"""Constants of the code, written out, so that a partial index on doubtful heads can serve."""


_PLACE = (("num", sa.Integer()), ("cap", sa.Integer()), ("par", sa.Integer()))


def leaf_table(branch: Branch, number: int) -> sa.TableClause:
    """The table of a source, with the columns that the branch names in it."""
    used = {"": "integer"}
    for leaf in leaves(branch):
        if leaf.source == number:
            used[leaf.column] = leaf.kind
            used.update((name, "text") for name, _ in leaf.guards)
    name = branch.sources[number].name
    if name is not None:
        used[name[0]] = "text"
    columns: Sequence[sa.ColumnClause[Any]] = [
        sa.column("ehr_id", sa.Uuid()),
        sa.column("row_key", sa.BigInteger()),
        *(sa.column(place, kind) for place, kind in _PLACE),
        sa.column("template_key", sa.Integer()),
        sa.column("node", sa.Integer()),
        *(sa.column(column, TYPES[kind]) for column, kind in used.items() if column),
    ]
    return sa.table(branch.sources[number].table, *columns, schema="leaf")


def leaves(branch: Branch) -> list[Leaf]:
    """Every leaf column that a branch names."""
    found: list[Leaf] = []
    _gather((branch.cells, branch.where), found)
    return found


def _gather(node: Any, found: list[Leaf]) -> None:
    if isinstance(node, Leaf):
        found.append(node)
    elif isinstance(node, tuple):
        for part in node:
            _gather(part, found)
    elif hasattr(node, "__dataclass_fields__"):
        for name in node.__dataclass_fields__:
            _gather(getattr(node, name), found)
