"""`moiety up`: the desk, until it is stopped."""

import signal
import threading
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from moiety.commands import conformance, desk, issue, nightly
from moiety.commands.desk import Desk, DeskError

FIRST_KEYS: tuple[tuple[str, str, frozenset[str], frozenset[str]], ...] = (
    (
        "clinical app",
        "clinical",
        issue.SCOPES["clinical"] - {"ehr:create", "admin:delete", "access:read"},
        frozenset(),
    ),
    ("researcher", "clinical", frozenset({"query:read"}), frozenset()),
    ("registrar", "demographic", issue.SCOPES["demographic"], frozenset()),
    ("clinician", "demographic", frozenset({"person:read"}), frozenset()),
    ("registrar", "vault", frozenset({"vault:use"}), frozenset({"registrar"})),
    ("clinician", "vault", frozenset({"vault:use"}), frozenset({"clinician"})),
    ("linkage officer", "vault", frozenset({"vault:use"}), frozenset({"linkage_officer"})),
    ("approver", "vault", frozenset({"vault:use"}), frozenset({"approver"})),
    ("auditor", "vault", frozenset({"vault:use"}), frozenset({"auditor"})),
    ("sign-in program", "vault", frozenset({"vault:sign-in"}), frozenset()),
)
"""Who gets a key at the first start: name, service, scopes, roles in the vault."""


def up(home: Path, port_base: int) -> None:
    """Run every service until SIGINT or SIGTERM; say `ready` on stdout when all answer.

    Raises DeskError for a home of the conformance profile.
    """
    if (home / conformance.MARK).exists():
        raise DeskError(f"{home} is a home of the conformance profile: name another with --home.")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console = Console(stderr=True)
    with desk.running(home, port_base) as running:
        desk.remember(running)
        _introduce(console, running)
        if not (running.home / "first-keys-issued").exists():
            _print_first_keys(running)
            (running.home / "first-keys-issued").touch()
        print("ready", flush=True)
        with nightly.kept(running):
            stop.wait()
        console.print("Stopping …")


def _introduce(console: Console, running: Desk) -> None:
    console.print(
        "[bold]A desk for trying Moiety out.[/bold] It keeps every half and every key on this one "
        "disk, so it protects nobody: put nothing real in it."
    )
    for service in desk.OFFSETS:
        console.print(f"  {service:12} {running.url(service)}")
    console.print(f"  state in     {running.home}")


def _print_first_keys(running: Desk) -> None:
    table = Table("who", "service", "key", title="The first keys, shown this once")
    table.columns[2].no_wrap = True
    for who, service, scopes, roles in FIRST_KEYS:
        url = running.database(service, "migrator")
        user_id = issue.user(url, who, roles) if roles else None
        token = issue.key(
            url, service, desk.ORGANISATION,
            label=f"first {who}", scopes=scopes, life=timedelta(days=90), user_id=user_id,
        )  # fmt: skip
        table.add_row(who, service, str(token))
    Console(stderr=True, width=140).print(table)
