"""The key ring of an organisation as its settings have it: key file, KEK provider, shred store.

`guard` compares the keys with what the database holds, before the first request.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault import kek_transit, key_guard
from linkage_vault.kek_file import FileKek
from linkage_vault.key_ring import BadKeys, KeyRing
from linkage_vault.key_uses import Uses
from linkage_vault.keys import add_version, drop_versions, load_key_file
from linkage_vault.settings import PREFIX, Settings
from linkage_vault.shred_store import LONGEST_RETENTION, ShredStore
from moiety.kit.engines import open_engine
from moiety.kit.errors import Unavailable
from moiety.kit.settings import SettingsError

LOOK = 0.5  # seconds between looks at the key files


@dataclass(frozen=True, slots=True)
class Places:
    """Where the keys of one organisation are."""

    key_file: Path
    passphrase: str | None
    shred_url: str | None
    transit_key: str


def places(settings: Settings, organisation: str) -> Places:
    """The places of an organisation.  Raises SettingsError without a key file."""
    folder = settings.organisations_folder
    if folder is not None:
        return Places(
            folder / f"{organisation}.keys",
            _text(folder / f"{organisation}.passphrase"),
            _text(folder / f"{organisation}.shred"),
            f"{settings.transit_key}-{organisation}",
        )
    if settings.key_file is None:
        raise SettingsError(f"The vault does not start without its keys: set {PREFIX}_KEY_FILE.")
    return Places(
        settings.key_file,
        settings.key_passphrase,
        settings.shred_database_url,
        settings.transit_key,
    )


def load(settings: Settings, organisation: str) -> KeyRing:
    """The keys of an organisation, with who wraps and with the shred store.  No database is asked.

    Raises SettingsError, one sentence.
    """
    where = places(settings, organisation)
    try:
        ring = load_key_file(where.key_file, where.passphrase)
        _provide(settings, where, ring)
    except BadKeys as error:
        raise SettingsError(f"The vault does not start. {error}") from None
    if where.shred_url is None:
        structlog.get_logger().warning("no shred store", organisation=organisation)
        return ring
    days = timedelta(days=settings.shred_backup_days)
    if not timedelta(0) <= days <= LONGEST_RETENTION:
        raise SettingsError(f"{PREFIX}_SHRED_BACKUP_DAYS is 0 to {LONGEST_RETENTION.days}.")
    ring.shreds = ShredStore(
        open_engine(where.shred_url, connections=settings.connections), retention=days
    )
    return ring


def count_uses(settings: Settings, ring: KeyRing, engine: sa.Engine) -> None:
    """Lets every use of the key-encryption key be counted in the organisation's database."""
    ring.uses = Uses(engine, limit=settings.key_uses)


def guarded(
    rings: Mapping[str, KeyRing], engines: Callable[[str], sa.Engine]
) -> AbstractContextManager[None]:
    """While the service runs: first the comparison with the database, at the end the connections.

    Raises SettingsError for keys that the database gives away.  A database that is away can't be
    asked and has no requests either; that is logged.
    """
    return _guarded(rings, engines)


@contextmanager
def _guarded(rings: Mapping[str, KeyRing], engines: Callable[[str], sa.Engine]) -> Iterator[None]:
    for name, ring in rings.items():
        _compare(ring, engines(name))
    stop = threading.Event()
    threading.Thread(target=_follow, args=(rings, stop), name="key files", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
        for ring in rings.values():
            if ring.shreds is not None:
                ring.shreds.close()


def _compare(ring: KeyRing, engine: sa.Engine) -> None:
    try:
        ring.provider.check()
        with engine.connect() as connection:
            key_guard.refuse_exposed(connection, ring)
    except (SQLAlchemyError, Unavailable) as error:
        structlog.get_logger().warning("keys not looked at", error_kind=type(error).__name__)
    except BadKeys as error:
        engine.dispose()
        raise SettingsError(f"The vault does not start. {error}") from None


def _follow(rings: Mapping[str, KeyRing], stop: threading.Event) -> None:
    """Takes up what a rotation writes into the key files."""
    while not stop.wait(LOOK):
        for ring in rings.values():
            try:
                ring.refresh()
            except BadKeys as error:
                structlog.get_logger().error("key file not read", error_kind=type(error).__name__)


def _provide(settings: Settings, where: Places, ring: KeyRing) -> None:
    if settings.kek == "file":
        ring.use(file_kek(ring, where))
        return
    if settings.kek != "transit":
        raise SettingsError(f"{PREFIX}_KEK is `file` or `transit`.")
    if not settings.transit_url or settings.transit_token is None:
        raise SettingsError(f"{PREFIX}_KEK=transit needs …_TRANSIT_URL and …_TRANSIT_TOKEN_FILE.")
    ring.use(
        kek_transit.connect(
            settings.transit_url, settings.transit_token, where.transit_key,
            mount=settings.transit_mount, keys=ring,
        )
    )  # fmt: skip


def file_kek(ring: KeyRing, where: Places) -> FileKek:
    """The `kek` entry of the key file, with what a rotation needs to change it."""
    add = partial(add_version, where.key_file, "kek", where.passphrase)
    return FileKek(
        ring,
        add=add,
        drop=lambda below: drop_versions(
            where.key_file, "kek", below=below, passphrase=where.passphrase
        ),
    )


def _text(file: Path) -> str | None:
    return file.read_text().strip() if file.exists() else None
