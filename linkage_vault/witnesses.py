"""Witnesses: signed heads sent to where the vault's operators cannot change them.

A trail that was cut or wholly rebuilt agrees with itself; only a head that was kept elsewhere shows
it.  Each target gets every new head once, at an interval and not at every decision: the times at
which heads arrive tell no more than that something was asked meanwhile.  A target that is away
is tried again at the next look, with the head of that moment, which covers all before it.

A file that is a witness is also asked: when its last head is not of this trail, that is an alarm.
"""

import json
import logging
import logging.handlers
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault import trail
from linkage_vault.keys import public_octets
from linkage_vault.tree_heads import TreeHead
from linkage_vault.vault import Vault
from moiety.kit.settings import SettingsError

_TIMEOUT = 10.0  # seconds
_SCHEMES = ("file", "syslog", "http", "https")


@dataclass(frozen=True, slots=True)
class Target:
    """Where heads go: `kind` is file, syslog or http; `address` a path, host:port or URL."""

    kind: str
    address: str


class Rewritten(Exception):
    """A witness keeps a head that this trail does not extend."""


def read_targets(text: str) -> list[Target]:
    """The targets of a setting, separated by spaces.  Raises SettingsError."""
    return [_target(word) for word in text.split()]


@contextmanager
def keep_told(vault: Vault, targets: Sequence[Target], *, interval: float) -> Iterator[None]:
    """Sends new heads while the context lasts; without targets nothing runs."""
    if not targets:
        yield
        return
    stop = threading.Event()
    work = threading.Thread(
        target=_work, args=(vault, targets, interval, stop), name="witnesses", daemon=True
    )
    work.start()
    try:
        yield
    finally:
        stop.set()
        work.join(timeout=_TIMEOUT)


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
    _SENDERS[target.kind](target.address, line_of(vault, head))
    return head.size


def line_of(vault: Vault, head: TreeHead) -> str:
    """A head as witnesses keep it: one line of JSON, as GET /vault/v1/trail/head answers."""
    return json.dumps({
        "size": head.size,
        "root": head.root.hex(),
        "signature": head.signature.hex(),
        "public_key": public_octets(vault.keys.tree_head_public).hex(),
    })  # fmt: skip


def _target(word: str) -> Target:
    scheme, _, rest = word.partition(":")
    if scheme not in _SCHEMES or not rest:
        raise SettingsError(
            "A witness is file:/path, syslog:host:port, or an http or https address."
        )
    if scheme == "file":
        return Target("file", rest)
    if scheme == "syslog":
        return Target("syslog", _host_and_port(rest))
    if not urlsplit(word).hostname:
        raise SettingsError("A witness's address has a host: https://host/path.")
    return Target("http", word)


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not (host and port.isdecimal()):
        raise SettingsError("A witness's syslog is syslog:host:port.")
    return text


def _append_line(path: str, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def _log_line(address: str, line: str) -> None:
    host, _, port = address.rpartition(":")
    sender = logging.handlers.SysLogHandler((host, int(port)))
    try:
        sender.emit(logging.LogRecord("moiety", logging.INFO, "", 0, line, None, None))
    finally:
        sender.close()


def _post_line(url: str, line: str) -> None:
    headers = {"Content-Type": "application/json"}
    httpx.post(url, content=line, headers=headers, timeout=_TIMEOUT).raise_for_status()


_SENDERS = {"file": _append_line, "syslog": _log_line, "http": _post_line}


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
        return trail.roots(connection, ranges)[0].hex()
    except ValueError:
        return None


def _work(vault: Vault, targets: Sequence[Target], interval: float, stop: threading.Event) -> None:
    told = dict.fromkeys(targets, 0)
    while not stop.is_set():
        for target in targets:
            told[target] = _try(vault, target, told[target])
        stop.wait(interval)


def _try(vault: Vault, target: Target, after: int) -> int:
    log = structlog.get_logger()
    try:
        return tell(vault, target, after=after)
    except Rewritten:
        log.error("trail rewritten", peer=target.kind)  # noqa: TRY400  a trace would tell no more
    except (OSError, httpx.HTTPError, SQLAlchemyError, ValueError, KeyError) as error:
        log.warning("witness not told", error_kind=type(error).__name__, peer=target.kind)
    return after
