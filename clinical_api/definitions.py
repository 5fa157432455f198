"""Operational templates through their life: uploaded, in force, changed, put out of force.

A template has revisions.  A compatible change makes a new one beside the old: new documents are
checked by it, and those written before are read and queried by the one they were written with.  An
incompatible change is another template, and is refused under the old id.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from clinical_api import documents, hot_paths, removals, tables
from moiety.kit.errors import Conflict, Malformed, NotFound, Unprocessable
from moiety.openehr.comparison import Difference, differences
from moiety.openehr.errors import TemplateError
from moiety.openehr.opt import parse_opt
from moiety.openehr.template import Template


@dataclass(frozen=True, slots=True)
class Definition:
    """What a list of templates says of each."""

    template_id: str
    concept: str
    archetype_id: str
    created_timestamp: str


@dataclass(frozen=True, slots=True)
class Revision:
    """What a list of a template's revisions says of each."""

    revision: int
    created_timestamp: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """The revision that a change led to, and in what it differs from the one before."""

    template_id: str
    revision: int
    differences: Sequence[Difference]


def add(connection: sa.Connection, xml: bytes, *, made: datetime | None = None) -> Template:
    """Store a template and make its leaf tables, in one transaction.  `made`: when, if not now.

    Raises Malformed for an OPT that is broken or holds an unsupported construct, and Conflict for
    a template id that exists.
    """
    template = read(xml)
    row = insert(tables.template).values(
        template_id=template.template_id, **_row(template, xml, made)
    )
    added = connection.execute(
        row.on_conflict_do_nothing(index_elements=["template_id"]).returning(sa.literal(1))
    )
    if added.first() is None:
        raise Conflict(
            f"Operational template with this template ID already exists: {template.template_id}"
        )
    _in_force(connection, template)
    return template


def change(
    connection: sa.Connection, template_id: str, xml: bytes, *, made: datetime | None = None
) -> Changed:
    """Put a new revision of a template in force, if what the old one admits stays valid.

    The same template again changes nothing.  Raises NotFound; Malformed for a broken OPT or one of
    another id; Conflict, with the list of differences, for an incompatible change.
    """
    row = _locked(connection, template_id)
    template = _read_same(xml, template_id)
    before = documents.unpack(row.operational_template)
    if before == xml:
        return Changed(template_id, row.revision, [])
    found = differences(parse_opt(before), template)
    if any(one.breaking for one in found):
        raise Conflict(
            "Documents that this template admits would break the new one: give it another id.",
            findings=[
                {"path": one.path, "rule": one.kind, "expected": one.detail}
                for one in found
                if one.breaking
            ],
        )
    t = tables.template
    kept = ("template_key", "template_id", "revision", "time_created", "operational_template")
    connection.execute(
        tables.template_superseded.insert().from_select(
            kept, sa.select(*(t.c[name] for name in kept)).where(t.c.template_id == template_id)
        )
    )
    revision = row.revision + 1
    connection.execute(
        t.update()
        .where(t.c.template_id == template_id)
        .values(revision=revision, **_row(template, xml, made))
    )
    _in_force(connection, template)
    return Changed(template_id, revision, found)


def replace(connection: sa.Connection, template_id: str, xml: bytes) -> Template:
    """Put another template in the place of one that nothing was written with.

    Raises NotFound, Malformed, and Unprocessable for one that is used.
    """
    if revision_of(connection, template_id) is None:
        raise NotFound(f"Template with template_id '{template_id}' does not exist")
    template = _read_same(xml, template_id)
    removals.delete_template(connection, template_id)
    add(connection, xml)
    return template


def set_active(connection: sa.Connection, template_id: str, *, active: bool) -> None:
    """Whether new documents may be written with a template.  Raises NotFound."""
    t = tables.template
    done = connection.execute(
        t.update().where(t.c.template_id == template_id).values(active=active)
    )
    if not done.rowcount:
        raise _unknown()
    connection.execute(tables.registry.update().values(version=uuid4()))


def delete(connection: sa.Connection, template_id: str) -> None:
    """Delete a template that nothing was written with.  Raises NotFound, and Conflict if used."""
    try:
        removals.delete_template(connection, template_id)
    except Unprocessable as error:
        raise Conflict(error.message) from None


def read(xml: bytes) -> Template:
    """Parse an OPT.  Raises Malformed, with the place and the construct."""
    try:
        return parse_opt(xml)
    except TemplateError as error:
        place = {"path": error.place, "rule": error.construct, "expected": error.reason}
        raise Malformed(
            "The operational template can't be used: see `validationErrors`.", findings=[place]
        ) from None


def all_of(connection: sa.Connection) -> list[Definition]:
    """Every template that new documents may be written with, by id."""
    t = tables.template
    rows = connection.execute(
        sa.select(t.c.template_id, t.c.concept, t.c.archetype_id, t.c.time_created)
        .where(t.c.active)
        .order_by(t.c.template_id)
    )
    return [Definition(i, c, a, made.isoformat()) for i, c, a, made in rows]


def get(connection: sa.Connection, template_id: str, revision: int | None = None) -> bytes:
    """The XML as it was uploaded: of the newest revision, or of one.  Raises NotFound."""
    t, s = tables.template, tables.template_superseded
    found = [
        sa.select(table.c.operational_template).where(
            table.c.template_id == template_id,
            sa.true() if revision is None else table.c.revision == revision,
        )
        for table in ((t,) if revision is None else (t, s))
    ]
    packed = connection.scalar(sa.union_all(*found))
    if packed is None:
        raise _unknown()
    return documents.unpack(packed)


def revision_of(connection: sa.Connection, template_id: str) -> int | None:
    """The number of the newest revision of a template; None for one that is not here."""
    t = tables.template
    return connection.scalar(sa.select(t.c.revision).where(t.c.template_id == template_id))


def revisions(connection: sa.Connection, template_id: str) -> list[Revision]:
    """Every revision of a template, the newest first.  Raises NotFound."""
    t, s = tables.template, tables.template_superseded
    found = sa.union_all(
        *(
            sa.select(table.c.revision, table.c.time_created, in_force.label("in_force")).where(
                table.c.template_id == template_id
            )
            for table, in_force in ((t, t.c.active), (s, sa.false()))
        )
    ).order_by(sa.desc("revision"))
    rows = connection.execute(found).all()
    if not rows:
        raise _unknown()
    return [Revision(number, made.isoformat(), in_force) for number, made, in_force in rows]


# --- parts ---------------------------------------------------------------------------------------


def _row(template: Template, xml: bytes, made: datetime | None) -> dict[str, Any]:
    """What a revision has anew."""
    return {
        "template_key": secrets.randbits(31),
        "concept": template.concept,
        "archetype_id": template.archetype_id,
        "time_created": made or datetime.now(UTC),
        "operational_template": documents.pack(xml),
    }


def _in_force(connection: sa.Connection, template: Template) -> None:
    """Make or widen the leaf tables, and let every process know."""
    connection.execute(
        sa.text("SELECT leaf.extend(CAST(:wanted AS jsonb))"),
        {"wanted": json.dumps(_leaf(template))},
    )
    hot_paths.follow(connection, template)
    connection.execute(tables.registry.update().values(version=uuid4()))


def _locked(connection: sa.Connection, template_id: str) -> Any:
    t = tables.template
    row = connection.execute(
        sa.select(t).where(t.c.template_id == template_id).with_for_update()
    ).first()
    if row is None:
        raise _unknown()
    return row


def _read_same(xml: bytes, template_id: str) -> Template:
    template = read(xml)
    if template.template_id != template_id:
        raise Malformed(
            "The operational template bears another id than the one that it is sent to.",
            findings=[{"path": "template/template_id/value", "rule": "id", "expected": "the same"}],
        )
    return template


def _unknown() -> NotFound:
    return NotFound("There is no template of this id.")


def _leaf(template: Template) -> list[dict[str, Any]]:
    """Texts last: what stands behind them in a row takes longer to reach."""
    return [
        {
            "table": group.table,
            "columns": [
                {"name": column.name, "kind": column.kind}
                for column in sorted(group.columns, key=lambda column: column.kind == "text")
            ],
        }
        for group in template.groups.values()
    ]
