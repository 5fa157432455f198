"""`moiety secrets`: every password, URL and key of a deployment in containers, a file each.

docker-compose.yml hands each container its own of them.  A file that exists is never written again:
a database keeps the passwords that it was made with, and the vault's keys open what they sealed.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from moiety.embedded import DATABASES
from moiety.kit import credentials

SERVICE_USER = 10001
"""Whose the services' files are: the user of deploy/Dockerfile."""
SERVER_USER = 999
"""Whose the servers' files are: `postgres` of the official image."""


def make(folder: Path, organisation: str, *, host: str) -> list[Path]:
    """Write the files that are missing, mode 0600, and return them.

    `host`: where a database answers, with {name} for its name.  As root each file is given to the
    user that reads it in its container.  Raises ValueError for a name that is no organisation's.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    made = [file for name in DATABASES for file in _of_database(folder / name, name, host)]
    webhooks = _write(folder / "clinical/webhook_key", secrets.token_hex(32), SERVICE_USER)
    accesses = [
        file
        for service in ("clinical", "demographic")
        for file in _write(folder / service / "access_key", secrets.token_hex(32), SERVICE_USER)
    ]
    screens = _of_screen(folder, organisation)
    return [*made, *webhooks, *accesses, *screens, *_of_vault(folder / "vault", organisation)]


def _of_database(folder: Path, name: str, host: str) -> Iterator[Path]:
    folder.mkdir(mode=0o700, exist_ok=True)
    for role in ("superuser", "migrator", "app"):
        # Hexadecimal, since it also stands in a URL.
        yield from _write(folder / f"{role}_password", secrets.token_hex(24), SERVER_USER)
    for role in ("migrator", "app"):
        password = (folder / f"{role}_password").read_text()
        url = f"postgresql://{name}_{role}:{password}@{host.format(name=name)}:5432/{name}"
        yield from _write(folder / f"{role}_url", url, SERVICE_USER)


def _of_screen(folder: Path, organisation: str) -> Iterator[Path]:
    """What a record's own words are compared with: one key for the two services who know words,
    and one each for asking the vault, which has neither.
    """
    services = ("clinical", "demographic")
    there = [one for one in services if (folder / one / "screen_key").exists()]
    shared = (folder / there[0] / "screen_key").read_text() if there else secrets.token_hex(32)
    for service in services:
        yield from _write(folder / service / "screen_key", shared, SERVICE_USER)
        key = str(credentials.mint(organisation))
        yield from _write(folder / service / "vault_key", key, SERVICE_USER)


def _of_vault(folder: Path, organisation: str) -> Iterator[Path]:
    from linkage_vault.keys import create_key_file
    from linkage_vault.people_keys import create_people_key_file, people_key_path

    yield from _write(folder / "clinical_key", str(credentials.mint(organisation)), SERVICE_USER)
    keys = folder / "keys"
    if not keys.exists():
        create_key_file(keys)
        _give(keys, SERVICE_USER)
        yield keys
    people = people_key_path(keys)
    if not people.exists():
        create_people_key_file(people, organisation)
        _give(people, SERVICE_USER)
        yield people


def _write(file: Path, text: str, owner: int) -> Iterator[Path]:
    if file.exists():
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(text)
    _give(file, owner)
    yield file


def _give(file: Path, owner: int) -> None:
    if os.geteuid() == 0:
        os.chown(file, owner, owner)
