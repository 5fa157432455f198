"""The templates of one organisation, compiled once per process.

An uploaded template changes the registry's version; whoever asks with a stale copy reads what is
new.  Templates are never changed in place, so a compiled one stays right for ever.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from clinical_api import documents, tables
from moiety.openehr.opt import parse_opt
from moiety.openehr.template import Template
from moiety.openehr.validate import CompiledTemplate, compile_template


@dataclass(frozen=True, slots=True)
class Known:
    """A template in force.  `kinds`: the kind of each column of its leaf tables, by name."""

    template_key: int
    template: Template
    compiled: CompiledTemplate
    kinds: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry at one version."""

    version: UUID | None
    by_id: Mapping[str, Known]
    by_key: Mapping[int, Known]

    @property
    def templates(self) -> dict[int, Template]:
        """Template key → template, as the query compiler wants them."""
        return {key: known.template for key, known in self.by_key.items()}


class Registry:
    """A process's copy; safe to use from several threads."""

    def __init__(self) -> None:
        self._snapshot = Snapshot(None, {}, {})
        self._lock = threading.Lock()

    def find(self, engine: sa.Engine, template_id: str) -> Known | None:
        """The template, read from the database if this process has not seen it yet."""
        if known := self._snapshot.by_id.get(template_id):
            return known
        with engine.connect() as connection:
            return self.current(connection).by_id.get(template_id)

    def seen(self, template_id: str) -> Known | None:
        """The template, if this process has compiled it."""
        return self._snapshot.by_id.get(template_id)

    def current(self, connection: sa.Connection) -> Snapshot:
        """The registry as this connection's transaction sees it."""
        version = connection.scalar(sa.select(tables.registry.c.version))
        if version != self._snapshot.version:
            with self._lock:
                self._snapshot = _read(connection, version, self._snapshot)
        return self._snapshot


def _read(connection: sa.Connection, version: UUID | None, before: Snapshot) -> Snapshot:
    table = tables.template
    new = sa.select(table.c.template_key, table.c.operational_template).where(
        table.c.template_key.not_in(list(before.by_key))
    )
    by_key = dict(before.by_key)
    for key, packed in connection.execute(new):
        template = parse_opt(documents.unpack(packed))
        by_key[key] = Known(key, template, compile_template(template), _kinds(template))
    return Snapshot(version, {k.template.template_id: k for k in by_key.values()}, by_key)


_PLACE = dict.fromkeys(("num", "cap", "par", "template_key", "node"), "small")


def _kinds(template: Template) -> dict[str, str]:
    columns = (column for group in template.groups.values() for column in group.columns)
    return _PLACE | {column.name: column.kind for column in columns}
