"""The worker that tells the vault a person's tokens, after every registration and change.

That a person is to be told is written in the transaction of the change, so nothing is forgotten:
not when the vault is away, nor when this process is killed.  A row is held while its person is
told; a change that comes meanwhile waits for it and leaves a row of its own.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from demographic_api import own_words
from demographic_api.persons import expand
from demographic_api.tables import person, words_due
from moiety.kit.errors import ServiceError
from moiety.wire import screening

_PAUSE = 0.2  # seconds between looks


@contextmanager
def keep_told(
    engine: sa.Engine, client: httpx.Client, token: Callable[[str], bytes]
) -> Iterator[None]:
    """Runs the worker while the context lasts; closes the client at the end."""
    stop = threading.Event()
    work = threading.Thread(
        target=_work, args=(engine, client, token, stop), name="telling", daemon=True
    )
    work.start()
    try:
        yield
    finally:
        stop.set()
        work.join(timeout=client.timeout.read)
        client.close()


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
        document = connection.scalar(
            sa.select(person.c.document).where(person.c.person_id == person_id)
        )
        if document is not None:
            screening.tell(client, person_id, own_words.tokens_of(expand(document), token))
        connection.execute(words_due.delete().where(words_due.c.person_id == person_id))
    return True


def _work(
    engine: sa.Engine, client: httpx.Client, token: Callable[[str], bytes], stop: threading.Event
) -> None:
    log = structlog.get_logger()
    pause = _PAUSE
    while not stop.is_set():
        try:
            found, pause = tell_one(engine, client, token), _PAUSE
        except (ServiceError, SQLAlchemyError) as error:
            log.warning("vault not told", error_kind=type(error).__name__, peer="vault")
            found, pause = False, min(2 * pause, 30.0)
        if not found:
            stop.wait(pause)
