"""A desk for one command: the one that runs from this home, or one started for the occasion."""

import contextlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg

from moiety import embedded
from moiety.commands import desk, issue
from moiety.commands.desk import DeskError
from moiety.wire.exchange import connect


@contextlib.contextmanager
def database(home: Path, service: str, url_file: Path | None) -> Iterator[str]:
    """The URL of a service's database: of a deployment, of the running desk, or of one started now.

    On a desk it is that of the migrator, which alone may make keys and users.  Raises DeskError
    where none can be had.
    """
    if url_file is not None:
        yield url_file.read_text().strip()
        return
    if url := _running_url(home, service):
        yield url
        return
    if not (home / "prepared").exists():
        raise DeskError(f"There is no desk in {home}: start one with `moiety up`, or name another.")
    with embedded.running(home) as cluster:
        yield cluster.url(f"{service}_migrator", service)


@contextlib.contextmanager
def server(home: Path, service: str, url_file: Path | None) -> Iterator[str]:
    """As `database`, and where there is no desk yet, of one whose databases are made now, empty."""
    if url_file is None and not (home / "prepared").exists():
        with embedded.running(home) as cluster:
            yield cluster.url(f"{service}_migrator", service)
        return
    with database(home, service, url_file) as url:
        yield url


@contextlib.contextmanager
def clinical(home: Path, url: str | None, key_file: Path | None) -> Iterator[httpx.Client]:
    """A client of a clinical service that may open EHRs, define templates and commit."""
    if url is not None:
        if key_file is None:
            raise DeskError("--url needs --key-file, a file with an API key of that service.")
        with connect(url, key_file.read_text().strip(), timeout=60) as client:
            yield client
        return
    with contextlib.ExitStack() as stack:
        if (database_url := _running_url(home, "clinical")) is None:
            running = stack.enter_context(desk.running(home, desk.free_port_base()))
            database_url, port_base = running.database("clinical", "migrator"), running.port_base
        else:
            port_base = json.loads((home / "ports.json").read_text())["port_base"]
        token = issue.key(
            database_url, "clinical", desk.ORGANISATION,
            label="moiety load", scopes=issue.SCOPES["clinical"], life=timedelta(days=1),
        )  # fmt: skip
        address = f"http://127.0.0.1:{port_base + desk.OFFSETS['clinical']}"
        yield stack.enter_context(connect(address, str(token), timeout=60))
        issue.revoke(database_url, token.key_id)


def trail_public_key(home: Path) -> str:
    """The public key of the desk's trail, as hexadecimal digits."""
    from linkage_vault.keys import load_key_file, public_octets

    ring = load_key_file(home / "secrets/vault/keys.json")
    return public_octets(ring.tree_head_public).hex()


def _running_url(home: Path, service: str) -> str | None:
    """The database URL of a desk that runs from `home`, as its migrator, or None."""
    if not (home / "prepared").exists():
        return None
    url = embedded.url(home.absolute(), f"{service}_migrator", service)
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return None
    return url
