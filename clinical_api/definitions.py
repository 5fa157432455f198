"""Operational templates: uploaded once, then in force."""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from clinical_api import documents, tables
from moiety.kit.errors import Conflict, Malformed, NotFound
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


def add(connection: sa.Connection, xml: bytes) -> Template:
    """Store a template and make its leaf tables, in one transaction.

    Raises Malformed for an OPT that is broken or holds an unsupported construct, and Conflict for
    a template id that exists.
    """
    template = read(xml)
    row = insert(tables.template).values(
        template_key=secrets.randbits(31),
        template_id=template.template_id,
        concept=template.concept,
        archetype_id=template.archetype_id,
        time_created=datetime.now(UTC),
        operational_template=documents.pack(xml),
    )
    added = connection.execute(
        row.on_conflict_do_nothing(index_elements=["template_id"]).returning(sa.literal(1))
    )
    if added.first() is None:
        raise Conflict(
            f"Operational template with this template ID already exists: {template.template_id}"
        )
    connection.execute(
        sa.text("SELECT leaf.extend(CAST(:wanted AS jsonb))"),
        {"wanted": json.dumps(_leaf(template))},
    )
    connection.execute(tables.registry.update().values(version=uuid4()))
    return template


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
    """Every template, by id."""
    t = tables.template
    rows = connection.execute(
        sa.select(t.c.template_id, t.c.concept, t.c.archetype_id, t.c.time_created).order_by(
            t.c.template_id
        )
    )
    return [Definition(i, c, a, made.isoformat()) for i, c, a, made in rows]


def get(connection: sa.Connection, template_id: str) -> bytes:
    """The XML as it was uploaded.  Raises NotFound."""
    t = tables.template
    packed = connection.scalar(
        sa.select(t.c.operational_template).where(t.c.template_id == template_id)
    )
    if packed is None:
        raise NotFound("There is no template of this id.")
    return documents.unpack(packed)


def _leaf(template: Template) -> list[dict[str, Any]]:
    return [
        {
            "table": group.table,
            "columns": [{"name": column.name, "kind": column.kind} for column in group.columns],
        }
        for group in template.groups.values()
    ]
