"""The workers that tell the vault: a person's tokens after every change, and merges of persons.

That the vault is to be told is written in the transaction of the change, so nothing is forgotten:
not when the vault is away, nor when this process is killed.  A row is held while it is told, and
goes when the vault has it; what was told and not acknowledged is told again.

Persons wait in no order, and a change that comes meanwhile leaves a row of its own.  Merges wait in
theirs, since each rests on the one before; one that the vault does not take holds up the others.
No row has a time.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

import httpx
import sqlalchemy as sa
import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.exc import SQLAlchemyError

from demographic_api import merging, own_words
from demographic_api.tables import merge_due, words_due
from moiety.kit.errors import ServiceError
from moiety.kit.threads import PATIENCE, threads
from moiety.wire import linking, screening

_PAUSE = 0.2  # seconds between looks
_LONGEST_PAUSE = 30.0


def waiting_gauge(registry: CollectorRegistry) -> Gauge:
    """How many merges wait for the vault, by organisation."""
    return Gauge(
        "moiety_demographic_merges_waiting",
        "Merges, and merges taken back, that the vault was not told of yet",
        ["organisation"],
        registry=registry,
    )


def follow_on_ready(app: FastAPI, engines: list[sa.Engine]) -> None:
    """Lets /ready say whether the vault is behind with merges."""
    app.state.conditions["merges"] = lambda: (
        "waiting for the vault" if any(map(merges_waiting, engines)) else "told to the vault"
    )


@contextmanager
def keep_told(
    engine: sa.Engine, client: httpx.Client, token: Callable[[str], bytes], gauge: Gauge, name: str
) -> Iterator[None]:
    """Runs both workers while the context lasts; closes the client at the end."""
    gauge.labels(name).set_function(lambda: _counted(engine))
    steps = (lambda: tell_one(engine, client, token), lambda: tell_merge(engine, client))
    works = [partial(_work, one) for one in steps]
    with closing(client), threads(*works, name="telling", patience=client.timeout.read or PATIENCE):
        yield


def tell_one(engine: sa.Engine, client: httpx.Client, token: Callable[[str], bytes]) -> bool:
    """Tells the vault of one person who waits; False when nobody does.

    Raises ServiceError when the vault does not take it: the person goes on waiting.
    """
    chosen = (
        sa.select(words_due.c.person_id)
        .order_by(words_due.c.ticket)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with engine.begin() as connection:
        person_id = connection.scalar(chosen)
        if person_id is None:
            return False
        if patients := merging.read_family(connection, person_id):
            screening.tell(client, person_id, own_words.tokens_of(patients, token))
        connection.execute(words_due.delete().where(words_due.c.person_id == person_id))
    return True


def tell_merge(engine: sa.Engine, client: httpx.Client) -> bool:
    """Tells the vault of the first merge that waits; False when none does.

    Another process that tells the same one is waited for: none is overtaken.
    Raises ServiceError when the vault does not take it: it goes on waiting.
    """
    first = sa.select(merge_due).order_by(merge_due.c.place).limit(1).with_for_update()
    with engine.begin() as connection:
        row = connection.execute(first).one_or_none()
        if row is None:
            return False
        linking.tell_merge(client, row.person_id, row.survivor_id, is_undone=row.is_undone)
        connection.execute(merge_due.delete().where(merge_due.c.place == row.place))
    return True


def merges_waiting(engine: sa.Engine) -> int:
    """How many merges the vault was not told of."""
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(merge_due)) or 0


def _counted(engine: sa.Engine) -> float:
    """The same for a collector of metrics, to whom a database that is away is no number."""
    try:
        return merges_waiting(engine)
    except SQLAlchemyError:
        return math.nan


def _work(step: Callable[[], bool], stop: threading.Event) -> None:
    log = structlog.get_logger()
    pause = _PAUSE
    while not stop.is_set():
        try:
            found, pause = step(), _PAUSE
        except (ServiceError, SQLAlchemyError) as error:
            log.warning("vault not told", error_kind=type(error).__name__, peer="vault")
            found, pause = False, min(2 * pause, _LONGEST_PAUSE)
        if not found:
            stop.wait(pause)
