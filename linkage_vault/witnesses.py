"""Witnesses: signed heads sent to where the vault's operators cannot change them.

A trail that was cut or wholly rebuilt agrees with itself; only a head that was kept elsewhere shows
it.  Each target gets every new head once, at an interval and not at every decision: the times at
which heads arrive tell no more than that something was asked meanwhile.  A target that is away
is tried again at the next look, with the head of that moment, which covers all before it.

A file that is a witness is also asked: when its last head is not of this trail, that is an alarm.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault import proofs, targets, trail
from linkage_vault.keys import public_octets
from linkage_vault.targets import Target
from linkage_vault.tree_heads import TreeHead
from linkage_vault.vault import Vault
from moiety.kit.threads import threads


class Rewritten(Exception):
    """A witness keeps a head that this trail does not extend."""


def read_targets(text: str) -> list[Target]:
    """The witnesses of a setting, separated by spaces.  Raises SettingsError."""
    return targets.read_targets(text, what="A witness")


@contextmanager
def keep_told(vault: Vault, kept: Sequence[Target], *, interval: float) -> Iterator[None]:
    """Sends new heads while the context lasts; without targets nothing runs."""
    if not kept:
        yield
        return
    work = partial(_work, vault, kept, interval)
    with threads(work, name="witnesses", patience=targets.TIMEOUT):
        yield


def tell(vault: Vault, target: Target, *, after: int) -> int:
    """Sends the newest head to one target if it covers more than `after` entries; its size.

    Raises OSError and httpx.HTTPError when the target is away, Rewritten when it knows better.
    """
    with vault.engine.connect() as connection:
        head = trail.latest_head(connection, vault.keys)
        if head.size <= after:
            return after
        if target.kind == "file":
            _compare(connection, head, Path(target.address))
    targets.send(target, line_of(vault, head))
    return head.size


def line_of(vault: Vault, head: TreeHead) -> str:
    """A head as witnesses keep it: one line of JSON, as GET /vault/v1/trail/head answers."""
    return json.dumps({
        "size": head.size,
        "root": head.root.hex(),
        "signature": head.signature.hex(),
        "public_key": public_octets(vault.keys.tree_head_public).hex(),
    })  # fmt: skip


def _compare(connection: sa.Connection, head: TreeHead, file: Path) -> None:
    """Raises Rewritten where the last head in the file is not of the tree that `head` covers."""
    lines = file.read_text().splitlines() if file.exists() else []
    kept = json.loads(lines[-1]) if lines else {"size": 0}
    if kept["size"] == 0:
        return
    if kept["size"] > head.size or _root_at(connection, kept["size"]) != kept["root"]:
        raise Rewritten


def _root_at(connection: sa.Connection, size: int) -> str | None:
    """The root of the first `size` entries, from the leaves as they are now."""
    ranges = [(0, size)]
    try:
        return proofs.roots(connection, ranges)[0].hex()
    except ValueError:
        return None


def _work(vault: Vault, kept: Sequence[Target], interval: float, stop: threading.Event) -> None:
    told = dict.fromkeys(kept, 0)
    while not stop.is_set():
        for target in kept:
            told[target] = _try(vault, target, told[target])
        stop.wait(interval)


def _try(vault: Vault, target: Target, after: int) -> int:
    log = structlog.get_logger()
    try:
        return tell(vault, target, after=after)
    except Rewritten:
        log.error("trail rewritten", peer=target.kind)  # noqa: TRY400  a trace would tell no more
    except (*targets.ERRORS, SQLAlchemyError, ValueError, KeyError) as error:
        log.warning("witness not told", error_kind=type(error).__name__, peer=target.kind)
    return after
