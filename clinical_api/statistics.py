"""How much an organisation has: EHRs in use, versions, octets, templates, queries.

Counted at most once in a quarter of an hour, and told as of its beginning: whoever could watch the
number of EHRs from second to second would see when each is used first.  EHRs in the pool do not
count.  Large tables are estimated from what the server knows of them anyway.
"""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa
from anyio.to_thread import run_sync
from prometheus_client import CollectorRegistry, Gauge

from clinical_api import tables

PERIOD = timedelta(minutes=15)
_FIRST = 60.0
_COUNTED = 100_000
"""Rows up to which a table is counted rather than estimated."""


class Count(msgspec.Struct, frozen=True):
    """Versions of one kind: those that stand, and those before them."""

    current: int
    former: int


class Statistics(msgspec.Struct, frozen=True):
    """What an organisation has, about the time `as_of`.  `estimated`: not all was counted."""

    as_of: datetime
    ehrs: int
    versions: Mapping[str, Count]
    octets: int
    templates: int
    compositions: Mapping[str, int]
    queries: int
    estimated: bool


class Gauges:
    """The same as metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(f"moiety_{name}", about, ("organisation", *labels), registry=registry)

        self.ehrs = gauge("ehrs", "EHRs in use")
        self.versions = gauge("versions", "Versions", "kind", "state")
        self.octets = gauge("database_octets", "Octets on disk")
        self.templates = gauge("templates", "Operational templates")
        self.queries = gauge("stored_queries", "Stored queries")

    def show(self, organisation: str, found: Statistics) -> None:
        """Set them."""
        self.ehrs.labels(organisation).set(found.ehrs)
        for kind, count in found.versions.items():
            self.versions.labels(organisation, kind, "current").set(count.current)
            self.versions.labels(organisation, kind, "former").set(count.former)
        self.octets.labels(organisation).set(found.octets)
        self.templates.labels(organisation).set(found.templates)
        self.queries.labels(organisation).set(found.queries)


class Kept:
    """The statistics of one organisation, counted when they are asked for in a new period."""

    def __init__(self, organisation: str, engine: sa.Engine, gauges: Gauges) -> None:
        self._organisation, self._engine, self._gauges = organisation, engine, gauges
        self._found: Statistics | None = None
        self._lock = threading.Lock()

    def current(self) -> Statistics:
        """Those of this period."""
        begun = period(datetime.now(UTC))
        with self._lock:
            if self._found is None or self._found.as_of != begun:
                with self._engine.connect() as connection:
                    self._found = take(connection, begun)
                self._gauges.show(self._organisation, self._found)
            return self._found


def period(now: datetime) -> datetime:
    """The beginning of the period that `now` is in."""
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)


async def keep(one: Kept) -> None:
    """Count once a period for the metrics, for ever."""
    await asyncio.sleep(_FIRST)
    while True:
        with suppress(sa.exc.SQLAlchemyError):  # away: the next period will tell
            await run_sync(one.current)
        await asyncio.sleep(PERIOD.total_seconds())


def take(connection: sa.Connection, as_of: datetime) -> Statistics:
    """Count or estimate.  `as_of` is what is told for the time."""
    known = {name: max(0, int(rows)) for name, rows in connection.execute(sa.text(_KNOWN))}
    estimated = any(rows > _COUNTED for rows in known.values())

    def rows_of(table: sa.Table) -> int:
        if known.get(table.name, 0) > _COUNTED:
            return known[table.name]
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    pooled = connection.scalar(sa.select(sa.func.count()).where(tables.ehr.c.pooled)) or 0
    return Statistics(
        as_of=as_of,
        ehrs=max(0, rows_of(tables.ehr) - pooled),
        versions={
            name: Count(rows_of(kind.head), rows_of(kind.history))
            for name, kind in tables.KINDS.items()
            if name != "EHR_STATUS"  # one for each EHR, and those of the pool would show in it
        },
        octets=connection.scalar(sa.text(_OCTETS)) or 0,
        templates=rows_of(tables.template),
        compositions=_by_template(connection, known.get("composition", 0)),
        queries=rows_of(tables.stored_query),
        estimated=estimated,
    )


def _by_template(connection: sa.Connection, rows: int) -> dict[str, int]:
    """Compositions by template; of a large table, by a sample of its pages."""
    sampled, share = "", 1.0
    if rows > _COUNTED:
        share = max(_COUNTED / rows, 0.001)
        sampled = f" TABLESAMPLE SYSTEM ({share * 100})"
    found = connection.execute(sa.text(_BY_TEMPLATE.format(sampled=sampled)))
    return {template_id: round(count / share) for template_id, count in found if template_id}


_KNOWN = "SELECT relname, reltuples FROM pg_class WHERE relnamespace = 'public'::regnamespace"
# Pages of what the pool alone fills are not worth telling: sizes go in steps of a mebibyte.
_OCTETS = (
    "SELECT (coalesce(sum(pg_total_relation_size(oid)), 0) / 1048576)::bigint * 1048576"
    " FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace IN ('public'::regnamespace, 'leaf'::regnamespace)"
)
_BY_TEMPLATE = (
    "SELECT coalesce(t.template_id, s.template_id), sum(c.n)::bigint FROM (SELECT template_key,"
    " count(*) AS n FROM composition{sampled} GROUP BY template_key) c"
    " LEFT JOIN template t USING (template_key) LEFT JOIN template_superseded s"
    " USING (template_key) GROUP BY 1 ORDER BY 1"
)
