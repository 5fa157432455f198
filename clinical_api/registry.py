"""The templates of one organisation, compiled once per process.

An uploaded template changes the registry's version; whoever asks with a stale copy reads what is
new.  A revision is never changed in place, so a compiled one stays right for ever.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from uuid import UUID

import sqlalchemy as sa
from anyio.to_thread import run_sync

from clinical_api import documents, tables
from moiety.change_control.statements import Children
from moiety.kit.reads import Reads
from moiety.openehr.constraints import ValueSet
from moiety.openehr.opt import parse_opt
from moiety.openehr.simplified.forms import Forms
from moiety.openehr.simplified.forms import prepare as prepare_forms
from moiety.openehr.template import Template
from moiety.openehr.validate import CompiledTemplate, compile_template

_FRESH = 1.0


@dataclass(frozen=True, eq=False)
class Known:
    """A revision of a template.

    `kinds`: the kind of each column of its leaf tables, by name; `former`: the keys of the
    revisions before it, which its documents may follow.
    """

    template_key: int
    template: Template
    compiled: CompiledTemplate
    kinds: Mapping[str, str]
    former: frozenset[int] = frozenset()

    @cached_property
    def place(self) -> Callable[[str, tuple[str, ...]], Children]:
        """Where rows of a leaf table with these columns go; remembered, for it is always asked."""
        kinds = self.kinds

        @lru_cache(maxsize=4096)
        def place(table: str, columns: tuple[str, ...]) -> Children:
            named = tuple((name, kinds[name]) for name in columns)
            return Children(f"leaf.{table}", "row_key", named)

        return place

    @cached_property
    def forms(self) -> Forms:
        """What the simplified formats need of it; made when first asked for."""
        return prepare_forms(self.template)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry at one version: every revision by key, those in force by template id too.

    `hot`: the leaf columns that have, or will have, an index of their own.
    """

    version: UUID | None
    by_id: Mapping[str, Known]
    by_key: Mapping[int, Known]
    hot: frozenset[tuple[str, str]] = frozenset()

    @property
    def templates(self) -> dict[int, Template]:
        """Template key → template, as the query compiler wants them."""
        return {key: known.template for key, known in self.by_key.items()}


class Registry:
    """A process's copy; safe to use from several threads."""

    def __init__(self, member: ValueSet | None = None) -> None:
        """`member` is asked for codes whose value set a template only names."""
        self._member = member
        self._snapshot = Snapshot(None, {}, {})
        self._lock = threading.Lock()
        self._fresh_until = 0.0

    async def refresh(self, engine: sa.Engine, reads: Reads) -> None:
        """Once a second, ask whether the templates have changed; if so, read them."""
        now = time.monotonic()
        if now < self._fresh_until:
            return
        self._fresh_until = now + _FRESH
        rows = await reads.ask(b"SELECT version FROM registry", ())
        if rows and rows[0][0] != self._snapshot.version:
            await run_sync(self._update, engine)

    def forget(self) -> None:
        """Ask at the next `refresh`: this process has changed a template."""
        self._fresh_until = 0.0

    def _update(self, engine: sa.Engine) -> None:
        with engine.connect() as connection:
            self.current(connection)

    def find(self, engine: sa.Engine, template_id: str) -> Known | None:
        """The template, read from the database if this process has not seen it yet."""
        if known := self._snapshot.by_id.get(template_id):
            return known
        with engine.connect() as connection:
            return self.current(connection).by_id.get(template_id)

    def find_key(self, engine: sa.Engine, template_key: int) -> Known | None:
        """The template of a key, whether or not it is in force."""
        if known := self._snapshot.by_key.get(template_key):
            return known
        with engine.connect() as connection:
            return self.current(connection).by_key.get(template_key)

    def seen(self, template_id: str) -> Known | None:
        """The template, if this process has compiled it."""
        return self._snapshot.by_id.get(template_id)

    @property
    def known(self) -> Snapshot:
        """The registry as this process has it, which may be stale: no database is asked."""
        return self._snapshot

    def current(self, connection: sa.Connection) -> Snapshot:
        """The registry as this connection's transaction sees it."""
        version = connection.scalar(sa.select(tables.registry.c.version))
        if version != self._snapshot.version:
            with self._lock:
                self._snapshot = _read(connection, version, self._snapshot, self._member)
        return self._snapshot


def _read(
    connection: sa.Connection, version: UUID | None, before: Snapshot, member: ValueSet | None
) -> Snapshot:
    """The templates as they are now; what is compiled already is taken as it is."""
    t, old = tables.template, tables.template_superseded
    in_force = dict[int, bool]()
    former: dict[str, set[int]] = {}
    for key, active in connection.execute(sa.select(t.c.template_key, t.c.active)):
        in_force[key] = active
    for key, template_id in connection.execute(sa.select(old.c.template_key, old.c.template_id)):
        in_force[key] = False
        former.setdefault(template_id, set()).add(key)
    by_key = {key: known for key, known in before.by_key.items() if key in in_force}
    for table in (t, old):
        new = sa.select(table.c.template_key, table.c.operational_template).where(
            table.c.template_key.not_in(list(by_key))
        )
        for key, packed in connection.execute(new):
            template = parse_opt(documents.unpack(packed))
            by_key[key] = Known(
                key, template, compile_template(template, member=member), _kinds(template),
                frozenset(former.get(template.template_id, ())),
            )  # fmt: skip
    by_id = {known.template.template_id: known for key, known in by_key.items() if in_force[key]}
    h = tables.hot_index
    hot = connection.execute(sa.select(h.c.table_name, h.c.column_name)).all()
    return Snapshot(version, by_id, by_key, frozenset((table, column) for table, column in hot))


_PLACE = dict.fromkeys(("num", "cap", "par", "template_key", "node"), "small")


def _kinds(template: Template) -> dict[str, str]:
    columns = (column for group in template.groups.values() for column in group.columns)
    return _PLACE | {column.name: column.kind for column in columns}
