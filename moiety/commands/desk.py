"""A desk: every service on one machine, for trying Moiety out.

A home folder holds the embedded PostgreSQL, the secrets of each service in files of its own, and
the logs.  Each service is a process that is given its own secrets and no other's.  A service or
server that dies is started again.
"""

import contextlib
import ctypes
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg

from moiety import embedded
from moiety.commands import issue
from moiety.embedded import Cluster

ORGANISATION = "main"
OFFSETS: Mapping[str, int] = {"clinical": 1, "demographic": 2, "vault": 3}
FACTORIES: Mapping[str, str] = {
    "clinical": "clinical_api.app:create_app",
    "demographic": "demographic_api.app:create_app",
    "vault": "linkage_vault.app:create_app",
}
_START_PATIENCE = 30.0


class DeskError(RuntimeError):
    """The desk can't be set up; the sentence says why and what to do."""


@dataclass
class Desk:
    """A running desk."""

    home: Path
    port_base: int
    cluster: Cluster
    overrides: Mapping[str, Mapping[str, str]]
    names: Sequence[str] = tuple(OFFSETS)
    services: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def url(self, service: str) -> str:
        """Where a service answers."""
        return f"http://127.0.0.1:{self.port_base + OFFSETS[service]}"

    def database(self, name: str, kind: str = "app") -> str:
        """The URL of a service's database, as its app or migrator role."""
        return self.cluster.url(f"{name}_{kind}", name)


@contextlib.contextmanager
def running(
    home: Path,
    port_base: int,
    overrides: Mapping[str, Mapping[str, str]] | None = None,
    *,
    names: Sequence[str] = tuple(OFFSETS),
    prepare: Callable[[Desk], None] = lambda _: None,
) -> Iterator[Desk]:
    """A desk whose services all answer.  `overrides`: settings by service, NAME → value.

    `names`: the services, if not all; `prepare` is called before they start.
    Raises DeskError or embedded.EmbeddedError.
    """
    for service in names:
        _demand_free(port_base + OFFSETS[service], service)
    with embedded.running(home) as cluster:
        desk = Desk(home.absolute(), port_base, cluster, overrides or {}, names)
        migrate(desk)
        _write_secrets(desk)
        prepare(desk)
        watcher = threading.Thread(target=_watch, args=(desk,), daemon=True)
        try:
            for service in names:
                desk.services[service] = _launch(desk, service)
            _await_all(desk)
            watcher.start()
            yield desk
        finally:
            desk.stopping.set()
            _stop(desk)
            if desk.cluster is not cluster:  # the watcher replaced a server that had died
                embedded.stop(desk.cluster)


@contextlib.contextmanager
def restarted(desk: Desk, service: str, overrides: Mapping[str, str]) -> Iterator[None]:
    """One service with other settings for a while, then as it was."""
    usual = desk.overrides
    try:
        _restart(desk, service, {**usual, service: {**usual.get(service, {}), **overrides}})
        yield
    finally:
        _restart(desk, service, usual)


def _restart(desk: Desk, service: str, overrides: Mapping[str, Mapping[str, str]]) -> None:
    desk.overrides = overrides
    old = desk.services.pop(service)
    old.terminate()
    old.wait(15)
    desk.services[service] = _launch(desk, service)
    _await(desk, service)


def migrate(desk: Desk) -> None:
    """Bring every database to the newest revision; nothing is loaded when all are there."""
    for name in embedded.DATABASES:
        url = desk.database(name, "migrator")
        if _revision(url) == _newest(name):
            continue
        from alembic import command
        from alembic.config import Config

        variable = f"{name.upper()}_MIGRATION_URL"
        os.environ[variable] = url
        try:
            command.upgrade(Config(embedded.resource("alembic.ini"), ini_section=name), "head")
        finally:
            del os.environ[variable]


def _revision(url: str) -> str | None:
    with psycopg.connect(url) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        return row[0] if row else None


def _newest(name: str) -> str:
    """The newest revision: files are named <number>_<slug>.py."""
    folder = embedded.resource("alembic") / name
    return max(match[1] for f in folder.iterdir() if (match := re.match(r"(\d{4})_", f.name)))


# --- secrets ---------------------------------------------------------------------------------


def _write_secrets(desk: Desk) -> None:
    for service in desk.names:
        secret(desk.home, service, "database_url", desk.database(service))
    if not (_folder(desk.home, "clinical") / "webhook_key").exists():
        secret(desk.home, "clinical", "webhook_key", secrets.token_hex(32))
    if "vault" not in desk.names:
        return
    secret(desk.home, "vault", "shred_database_url", desk.database("shred"))
    _vault_keys(_folder(desk.home, "vault") / "keys.json")
    _auditor_key(desk.home)
    for service, scopes in _OF_VAULT.items():
        if service in desk.names:
            access = _folder(desk.home, service) / "access_key"
            if not access.exists():
                secret(desk.home, service, "access_key", secrets.token_hex(32))
            _keep_key(desk, service, "vault", scopes)
    _screen_keys(desk)


_OF_VAULT: Mapping[str, frozenset[str]] = {
    "clinical": frozenset({"ehr:create", "access:read"}),
    "demographic": frozenset({"access:read"}),
}
"""What the vault's own keys may do: open EHRs for its pool, and ask who read what."""


def _keep_key(desk: Desk, service: str, owner: str, scopes: frozenset[str]) -> None:
    """The key that `owner` has for `service`: a new one where none lives and may do all that."""
    file = _folder(desk.home, owner) / f"{service}_key"
    url = desk.database(service, "migrator")
    if file.exists() and issue.is_valid(url, file.read_text(), days=7, scopes=scopes):
        return
    token = issue.key(
        url, service, ORGANISATION,
        label=f"{owner} service", scopes=scopes, life=timedelta(days=90),
    )  # fmt: skip
    secret(desk.home, owner, f"{service}_key", str(token))


_AT_VAULT: Mapping[str, frozenset[str]] = {
    "clinical": frozenset({"screen:ask", "project:use", "vault:exchange-clinical"}),
    "demographic": frozenset({"screen:tell", "opt-out:load", "vault:exchange-demographic"}),
}
"""What the services' own keys may do at the vault."""


def _screen_keys(desk: Desk) -> None:
    """What the own-identifier screen needs: one key for the two who know words, one each for the
    vault; the vault has neither words nor that key.
    """
    shared = _folder(desk.home, "screen") / "key"
    if not shared.exists():
        secret(desk.home, "screen", "key", secrets.token_hex(32))
    for service, scopes in _AT_VAULT.items():
        if service not in desk.names:
            continue
        secret(desk.home, service, "screen_key", shared.read_text())
        _keep_key(desk, "vault", service, scopes)


def _vault_keys(file: Path) -> None:
    from linkage_vault.people_keys import create_people_key_file, people_key_path

    if not file.exists():
        from linkage_vault.keys import create_key_file

        create_key_file(file)
    if not people_key_path(file).exists():
        create_people_key_file(people_key_path(file), ORGANISATION)


def _auditor_key(home: Path) -> None:
    """The key that alone opens the personal values of the trail; a real auditor keeps it away."""
    from moiety.commands.trail import auditor_public_key, create_auditor_key

    file = _folder(home, "auditor") / "private_key"
    if not file.exists():
        create_auditor_key(file)
    secret(home, "vault", "auditor_key", auditor_public_key(file))


def _folder(home: Path, service: str) -> Path:
    folder = home / "secrets" / service
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def secret(home: Path, service: str, name: str, value: str) -> Path:
    """Write a file that one service reads, and nobody else."""
    file = _folder(home, service) / name
    file.touch(mode=0o600)
    file.write_text(value)
    return file


def _environment(desk: Desk, service: str) -> dict[str, str]:
    """What one service may know: its own settings and secret files, nothing of the others."""
    prefix = f"MOIETY_{service.upper()}"
    folder = _folder(desk.home, service)
    found = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        f"{prefix}_ORGANISATION": ORGANISATION,
        f"{prefix}_DATABASE_URL_FILE": str(folder / "database_url"),
    }
    if service == "vault":
        found |= {
            f"{prefix}_KEY_FILE": str(folder / "keys.json"),
            f"{prefix}_SHRED_DATABASE_URL_FILE": str(folder / "shred_database_url"),
            f"{prefix}_CLINICAL_URL": desk.url("clinical"),
            f"{prefix}_CLINICAL_KEY_FILE": str(folder / "clinical_key"),
            f"{prefix}_DEMOGRAPHIC_URL": desk.url("demographic"),
            f"{prefix}_DEMOGRAPHIC_KEY_FILE": str(folder / "demographic_key"),
            f"{prefix}_AUDITOR_KEY": (folder / "auditor_key").read_text(),
        }
    if service in {"clinical", "demographic"} and "vault" in desk.names:
        found |= {
            f"{prefix}_VAULT_KEYS_URL": f"{desk.url('vault')}/vault/v1/keys",
            f"{prefix}_VAULT_URL": desk.url("vault"),
            f"{prefix}_VAULT_KEY_FILE": str(folder / "vault_key"),
            f"{prefix}_SCREEN_KEY_FILE": str(folder / "screen_key"),
            f"{prefix}_ACCESS_KEY_FILE": str(folder / "access_key"),
        }
    if service == "clinical":
        found |= {
            f"{prefix}_WEBHOOK_KEY_FILE": str(folder / "webhook_key"),
            # A receiver on this machine can be tried, as everything here.
            f"{prefix}_WEBHOOK_TARGETS": "private",
        }
    return found | {f"{prefix}_{k}": v for k, v in desk.overrides.get(service, {}).items()}


# --- processes -------------------------------------------------------------------------------


def _demand_free(port: int, service: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DeskError(
                f"Port {port}, which the {service} service needs, is taken:"
                " stop what uses it, or choose others with --port-base."
            ) from None


def _launch(desk: Desk, service: str) -> "subprocess.Popen[bytes]":
    logs = desk.home / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    command = [
        sys.executable, "-m", "uvicorn", "--factory", FACTORIES[service],
        "--host", "127.0.0.1", "--port", str(desk.port_base + OFFSETS[service]),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header",
        "--log-level", "warning", "--timeout-graceful-shutdown", "10",
        "--timeout-keep-alive", "75",
    ]  # fmt: skip
    libc = ctypes.CDLL(None)
    with (logs / f"{service}.log").open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=_environment(desk, service),
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(1, signal.SIGTERM),  # noqa: PLW1509  dies with us
        )  # fmt: skip


def _await_all(desk: Desk) -> None:
    for service in desk.names:
        _await(desk, service)


def _await(desk: Desk, service: str) -> None:
    until = time.monotonic() + _START_PATIENCE
    while time.monotonic() < until:
        if desk.services[service].poll() is not None:
            break
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{desk.url(service)}/ready", timeout=5).is_success:
                return
        time.sleep(0.05)
    log = (desk.home / "logs" / f"{service}.log").read_bytes()[-600:].decode(errors="replace")
    raise DeskError(f"The {service} service did not start. The end of its log:\n{log}")


def _watch(desk: Desk) -> None:
    """Start again what has died: the server first, since the services need it."""
    while not desk.stopping.wait(0.3):
        if desk.cluster.process.poll() is not None:
            with contextlib.suppress(embedded.EmbeddedError):
                desk.cluster = embedded.start(desk.home, {})
        for service, process in list(desk.services.items()):
            if process.poll() is not None and not desk.stopping.is_set():
                desk.services[service] = _launch(desk, service)


def _stop(desk: Desk) -> None:
    for process in desk.services.values():
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    for process in desk.services.values():
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port_base() -> int:
    """A base whose ports are free now, for desks that nobody needs to find.

    Below 32768, where Linux takes the ports of outgoing connections from: one of those could have
    the port by the time that the desk opens it.
    """
    while True:
        base = 20000 + secrets.randbelow(12000)
        with contextlib.suppress(DeskError):
            for service, offset in OFFSETS.items():
                _demand_free(base + offset, service)
            return base


def remember(desk: Desk) -> None:
    """Leave the ports where other commands find them."""
    (desk.home / "ports.json").write_text(json.dumps({"port_base": desk.port_base}))
