"""What population queries have to themselves: connections, threads, turns and worker processes.

Nothing of it is shared with commits or with queries of one EHR, so a heavy query waits for nobody
and nobody waits for it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa

from clinical_api.evaluating import Evaluators
from clinical_api.queries import snapshots
from clinical_api.settings import Settings
from clinical_api.turns import Turns
from moiety.kit.engines import open_engine

# A role's own limit stays where it is lower; zero is none.
_LIMITED = (
    "SELECT set_config('statement_timeout', least(nullif(setting::int, 0), {limit})::text, false)"
    " FROM pg_settings WHERE name = 'statement_timeout'"
)


@dataclass(frozen=True, slots=True)
class Population:
    """What one organisation's population queries run on; the workers are all organisations'."""

    engine: sa.Engine
    turns: Turns
    evaluators: Evaluators


@contextmanager
def populations(engines: Mapping[str, sa.Engine], settings: Settings) -> Iterator[
    Mapping[str, Population]
]:  # fmt: skip
    """For each organisation what it needs, as long as the service runs; nothing is opened yet."""
    evaluators = Evaluators(_workers(settings))
    made = {
        name: Population(
            snapshots(_pool(engine.url, settings)),
            Turns(
                each=settings.query_concurrency,
                together=settings.query_connections,
                patience=settings.query_patience,
            ),
            evaluators,
        )
        for name, engine in engines.items()
    }
    try:
        yield made
    finally:
        for one in made.values():
            one.engine.dispose()
        evaluators.close()


def _workers(settings: Settings) -> int:
    """About half of the processors, where nothing is said: the other half serves."""
    if settings.query_workers >= 0:
        return settings.query_workers
    return max(1, (os.cpu_count() or 1) // 2)


def _pool(url: sa.URL, settings: Settings) -> sa.Engine:
    engine = open_engine(url, connections=settings.query_connections)
    limit = _LIMITED.format(limit=max(1, round(settings.query_seconds * 1000)))

    @sa.event.listens_for(engine, "connect")
    def limited(connection: "psycopg.Connection[tuple[str]]", _record: object) -> None:
        connection.autocommit = True  # for a setting of the session, which no rollback undoes
        connection.execute(limit)
        connection.autocommit = False

    return engine
