"""The worker that keeps the pool filled with EHRs of nobody.

It waits until half of the pool is used and then mints in batches, shuffled before they are stored:
neither the time nor the order of minting follows the registrations.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

import httpx
import structlog
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault import pool
from linkage_vault.vault import Vault
from moiety.kit.errors import ServiceError
from moiety.kit.threads import PATIENCE, threads
from moiety.wire import clinical

BATCH = 50


@contextmanager
def keep_filled(
    vault: Vault, client: httpx.Client, *, target: int, interval: float
) -> Iterator[None]:
    """Runs the worker while the context lasts; `interval` is the pause between looks in seconds."""
    work = partial(_work, vault, client, target, interval)
    with closing(client), threads(work, name="minting", patience=client.timeout.read or PATIENCE):
        yield


def fill(vault: Vault, client: httpx.Client, *, target: int, stop: threading.Event) -> int:
    """Mints up to `target` when less than half is left; returns how many EHRs were added."""
    with vault.engine.connect() as connection:
        missing = target - pool.count(connection)
    if 2 * missing <= target:
        return 0
    added = 0
    for size in _batches(missing):
        if not stop.is_set():
            added += _mint(vault, client, size)
    return added


def _batches(missing: int) -> list[int]:
    whole, rest = divmod(missing, BATCH)
    return [BATCH] * whole + ([rest] if rest else [])


def _mint(vault: Vault, client: httpx.Client, size: int) -> int:
    ehr_ids = [clinical.open_ehr(client) for _ in range(size)]
    random.SystemRandom().shuffle(ehr_ids)
    with vault.engine.begin() as connection:
        return pool.put(connection, vault.keys, ehr_ids)


def _work(
    vault: Vault, client: httpx.Client, target: int, interval: float, stop: threading.Event
) -> None:
    log = structlog.get_logger()
    while not stop.is_set():
        try:
            added = fill(vault, client, target=target, stop=stop)
        except (ServiceError, SQLAlchemyError) as error:
            log.warning("pool not filled", error_kind=type(error).__name__, peer="clinical")
            added = 0
        if added:
            log.info("pool filled", count=added)
        stop.wait(interval)
