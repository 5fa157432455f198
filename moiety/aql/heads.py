"""What heads tell without a document: of an EHR and its status, of a version and its commit."""

from typing import Any, Final

import sqlalchemy as sa

from moiety.openehr.rubrics import RUBRICS

OF_EHR: Final = frozenset(
    {"system_id", "time_created", "subject_id", "subject_namespace", "modifiable", "queryable"}
)
"""What the row of an EHR tells, by the names that plans have for it (plan.Head)."""


def of_ehr(e: sa.FromClause, what: str) -> sa.ColumnElement[Any]:
    """What the row of an EHR tells, of its status too."""
    if what == "subject_id":
        known = sa.cast(e.c.subject_id, sa.Text())
        return sa.func.coalesce(known, e.c.opaque_subject, type_=sa.Text())
    column: sa.ColumnElement[Any] = e.c[what]
    return column


_GROUPS: Final = {
    "change": ("change_type", "audit change type"),
    "lifecycle": ("lifecycle_state", "version lifecycle state"),
}
_IN_AUDIT: Final = {
    "audit_system": ("system_id",),
    "audit_description": ("description", "value"),
    "committer_name": ("committer", "name"),
}


def of_version(h: sa.FromClause, what: str) -> sa.ColumnElement[Any]:
    """What the head of a version tells of it."""
    if what in _IN_AUDIT:
        *around, last = _IN_AUDIT[what]
        part: Any = h.c.audit
        for name in around:
            part = part[name]
        found: sa.ColumnElement[Any] = part[last].astext
        return found
    if what in {"time_committed", "contribution_id"}:
        column: sa.ColumnElement[Any] = h.c[what]
        return column if what == "time_committed" else sa.cast(column, sa.Text())
    name, _, form = what.partition("_")
    column, group = h.c[_GROUPS[name][0]], RUBRICS[_GROUPS[name][1]]
    if form == "code":
        return sa.cast(column, sa.Text())
    return sa.case(
        *(
            (column == sa.literal_column(str(int(code)), sa.Integer()), text)
            for code, text in group.items()
        )
    )
