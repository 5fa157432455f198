"""Rotating keys while the vault answers: every row moves to the new key, then the old key goes.

    1. a new version in the key file or key service; a version that a run before left is taken up
    2. the fence is raised: after its commit nothing is written with an older version
    3. rows move, a batch a transaction; a reader finds a row under its old key or its new one
    4. when nothing is left, and every process has had time to read the key file, and again nothing
       is left: the old versions are destroyed

A run that is killed anywhere is simply run again.  Whoever runs it owns the tables: the service's
own role can't change a seal.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from linkage_vault import fences
from linkage_vault.kek_file import FileKek
from linkage_vault.key_ring import KeyRing
from linkage_vault.rotation_steps import Step, index_steps, kek_steps

BATCH = 2000
SETTLE = 2.0  # seconds: four times as long as a process takes to see a changed key file
Told = Callable[[int, int], None]
"""Called with the rows that are done and all rows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The version that is in force now, and how many rows were moved to it."""

    version: int
    moved: int


def rotate_kek(
    engine: sa.Engine,
    keys: KeyRing,
    file_kek: FileKek,
    *,
    told: Told = lambda _done, _all: None,
    batch: int = BATCH,
    settle: float = SETTLE,
) -> Outcome:
    """Rotates the key-encryption key: wrapped data keys are wrapped anew, seals stay as they are.

    Links of version 0.1.0, whose data key lies in the seal, and links without a secret in the shred
    store, are sealed anew.  With a key service the key file's own `kek` rotates too, which seals
    what is no link.  Raises Unavailable, and Tampered for a row that does not open.
    """
    in_file = file_kek.rotate()
    version = in_file if keys.provider is file_kek else keys.provider.rotate()
    fence = version if keys.provider is file_kek else 0
    steps = kek_steps(keys, version)
    time.sleep(settle)  # before rows move that only a process with the new file can open
    moved = _run(engine, "kek", fence, steps, told=told, batch=batch, settle=settle)
    keys.provider.destroy(below=version)
    if keys.provider is not file_kek:
        file_kek.destroy(below=in_file)
    return Outcome(version, moved)


def rotate_index(
    engine: sa.Engine,
    keys: KeyRing,
    add: Callable[[], int],
    drop: Callable[[int], object],
    *,
    told: Told = lambda _done, _all: None,
    batch: int = BATCH,
    settle: float = SETTLE,
) -> Outcome:
    """Rotates the blind-index keys: links are opened, and indexed anew.

    `add` makes a version in the key file, `drop` destroys all below one.  A link whose secret was
    destroyed can't be indexed, and goes: it is one that a restored backup brought back.
    """
    version = add()
    keys.refresh()
    steps = index_steps(keys)
    moved = _run(engine, "index", version, steps, told=told, batch=batch, settle=settle)
    drop(version)
    keys.refresh()
    return Outcome(version, moved)


def _run(
    engine: sa.Engine,
    purpose: str,
    fence: int,
    steps: Sequence[Step],
    *,
    told: Told,
    batch: int,
    settle: float,
) -> int:
    with engine.begin() as connection:
        fences.raise_to(connection, purpose, fence)
    moved = 0
    with engine.connect() as connection:
        total = sum(step.waiting(connection) for step in steps)
    told(0, total)
    while left := _move_all(engine, steps, batch, partial(_tell, told, moved, total)):
        moved += left
        time.sleep(settle)
    return moved


def _tell(told: Told, before: int, total: int, done: int) -> None:
    told(before + done, total)


def _move_all(
    engine: sa.Engine, steps: Sequence[Step], batch: int, told: Callable[[int], None]
) -> int:
    """Moves what waits; rows that another transaction holds are waited for.  How many moved."""
    moved = 0
    for step in steps:
        while True:
            with engine.begin() as connection:
                done = step.move(connection, batch)
            moved += done
            told(moved)
            if not done:
                with engine.connect() as connection:
                    if not step.waiting(connection):
                        break
                time.sleep(0.05)
    return moved
