"""`moiety up --profile conformance`: the clinical service for test suites, on this machine alone.

It runs on loopback with a home of its own: a folder that was a desk is not taken, nor is one of
these taken for a desk, so records that were kept by the rules never come under none.
"""

import json
import signal
import threading
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from moiety.commands import desk, issue
from moiety.commands.desk import Desk, DeskError

USERS = {
    "admin": ("ehrbase-admin", "EvenMoreSecretPassword"),
    "user": ("ehrbase-user", "SuperSecretPassword"),
}
"""Names and passwords that clients of EHRbase know from its documentation."""
MARK = "conformance-only"


def up(home: Path, port_base: int, auth: str) -> None:
    """Run the clinical service until SIGINT or SIGTERM; say `ready` on stdout when it answers.

    Raises DeskError for a home that was a desk.
    """
    _claim(home)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = {"PROFILE": "conformance", "CONFORMANCE_AUTH": auth}
    settings["CONFORMANCE_USERS_FILE"] = str(home.absolute() / "secrets/clinical/users")
    console = Console(stderr=True)
    with desk.running(
        home, port_base, {"clinical": settings}, names=("clinical",), prepare=_write_users
    ) as running:
        desk.remember(running)
        _introduce(console, running, auth)
        print("ready", flush=True)
        stop.wait()
        console.print("Stopping …")


def _claim(home: Path) -> None:
    """Mark a new home as one of this profile."""
    if (home / MARK).exists():
        return
    if home.exists() and any(home.iterdir()):
        raise DeskError(
            f"{home} is not a home of the conformance profile: name a new folder with --home."
        )
    home.mkdir(parents=True, exist_ok=True)  # its server may run as another user
    (home / MARK).touch()


def _write_users(running: Desk) -> None:
    """The users, each with a key that is good for a while yet."""
    file = running.home / "secrets/clinical/users"
    if file.exists() and all(
        issue.is_valid(running.database("clinical"), one["key"], days=7)
        for one in json.loads(file.read_text()).values()
    ):
        return
    users = {}
    for who, (name, password) in USERS.items():
        scopes = issue.SCOPES["clinical"]
        token = issue.key(
            running.database("clinical", "migrator"), "clinical", desk.ORGANISATION,
            label=f"conformance {who}", life=timedelta(days=90),
            scopes=scopes if who == "admin" else scopes - issue.UNUSUAL,
        )  # fmt: skip
        users[who] = {"name": name, "password": password, "key": str(token)}
    desk.secret(running.home, "clinical", "users", json.dumps(users))


def _introduce(console: Console, running: Desk, auth: str) -> None:
    console.print(
        "[bold]The conformance profile.[/bold] Whoever reaches it may read and delete everything, "
        "so it answers on this machine alone: put nothing real in it."
    )
    console.print(f"  openEHR   {running.url('clinical')}/ehrbase/rest/openehr/v1")
    console.print(f"  admin     {running.url('clinical')}/ehrbase/rest/admin")
    console.print(f"  state in  {running.home}")
    if auth == "basic":
        for who, (name, password) in USERS.items():
            console.print(f"  {who:9} {name} / {password}")
