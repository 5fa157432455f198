"""`moiety backup` and `moiety restore`: one database at a time, keys never.

A backup is two files: `<name>.dump` (pg_dump, custom format) and `<name>.json`, its manifest with
the SHA-256 of the dump, the schema's revision and the rows of each table, counted in the very
snapshot that was dumped.  The digest finds damage; against somebody who can write both files only a
copy of the manifest elsewhere helps, as heads at a witness do for the trail.

A dump holds no key, so its files may not stand beside any; and the halves stay apart: a folder
takes the backups of one database.
"""

import hashlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from moiety import __version__, embedded

FORMAT = "moiety-backup/1"
_KEY_MARKS = (b'"tree_head"', b'"kdf": "scrypt"')
_VARIABLES = {
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER",
    "password": "PGPASSWORD", "dbname": "PGDATABASE", "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}  # fmt: skip
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)' ORDER BY 1, 2
"""


class BackupError(RuntimeError):
    """A backup or restore that can't be done, or is not what its manifest says."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a dump holds.  `tables`: rows by schema and name."""

    format: str
    database: str
    moiety: str
    server: str
    revision: str
    tables: dict[str, int]
    size: int
    sha256: str


def back_up(url: str, name: str, folder: Path) -> Manifest:
    """Dump a database, as its migrator, into a folder.  Raises BackupError.

    1. refuse a folder with keys or with another half in it; 2. take a snapshot; 3. count its rows;
    4. dump the same snapshot; 5. write the manifest last, so that a backup without one is none.
    """
    folder = folder.absolute()
    _refuse_keys(folder)
    dump, manifest_file = _files(folder, name)
    _refuse_present(folder, name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        snapshot = _text(connection, "SELECT pg_export_snapshot()")
        tables, revision = _count(connection), _revision(connection)
        dump.touch(mode=0o600)
        _run("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={dump}")
        server = _text(connection, "SHOW server_version")
    manifest = Manifest(
        FORMAT, name, __version__, server, revision, tables, dump.stat().st_size, _digest(dump)
    )
    manifest_file.touch(mode=0o600)
    manifest_file.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def verify(folder: Path, name: str) -> Manifest:
    """The manifest of a backup whose dump is as it was written.  Raises BackupError."""
    dump, manifest_file = _files(folder, name)
    try:
        manifest = msgspec.json.decode(manifest_file.read_bytes(), type=Manifest)
        size = dump.stat().st_size
    except OSError as error:
        raise BackupError(f"{error.filename} can't be read: {error.strerror}.") from None
    except msgspec.DecodeError:
        raise BackupError(f"{manifest_file} is not the manifest of a backup.") from None
    if (manifest.format, manifest.database) != (FORMAT, name):
        raise BackupError(f"{manifest_file} is not of a {name} database, or of another format.")
    if size != manifest.size or _digest(dump) != manifest.sha256:
        raise BackupError(f"{dump} is not as it was written: its SHA-256 differs.")
    return manifest


def restore(url: str, name: str, folder: Path) -> Manifest:
    """Load a verified backup into an empty database, as its migrator.  Raises BackupError.

    1. verify the dump; 2. demand an empty database; 3. load it in one transaction; 4. apply the
    grants of this release; 5. compare revision and rows with the manifest; 6. let events begin anew
    after those that were restored, since transaction numbers start again here.
    """
    manifest = verify(folder, name)
    with psycopg.connect(url) as connection:
        if connection.execute(_TABLES).fetchone() is not None:
            raise BackupError(f"The {name} database is not empty: a backup goes into an empty one.")
    dump, _ = _files(folder.absolute(), name)
    database = conninfo_to_dict(url)["dbname"]
    _run(
        "pg_restore", url, "--exit-on-error", "--single-transaction", "--no-owner",
        f"--dbname={database}", str(dump),
    )  # fmt: skip
    grants = embedded.resource("alembic") / name / "grants.sql"
    with psycopg.connect(url) as connection:
        connection.execute(grants.read_bytes())
    with psycopg.connect(url) as connection:
        differing = _differences(manifest.tables, _count(connection))
        if differing or _revision(connection) != manifest.revision:
            raise BackupError(
                f"What was loaded differs from the manifest in {len(differing)} tables or in its"
                f" revision: {', '.join(differing[:5]) or 'revision'}. Drop it."
            )
        if connection.execute("SELECT to_regproc('begin_event_era')").fetchone() != (None,):
            connection.execute("SELECT begin_event_era()")
    return manifest


def drill(name: str, folder: Path, *, public_key: str | None) -> tuple[Manifest, str]:
    """Restore into a server made for it and thrown away; the manifest and a word on the trail.

    Raises BackupError, also when the trail of a vault does not verify under `public_key` (hex).
    """
    state = embedded.default_state() / f"drill-{secrets.token_hex(4)}"
    state.parent.mkdir(parents=True, exist_ok=True)
    try:
        with embedded.running(state) as cluster:
            url = cluster.url(f"{name}_migrator", name)
            manifest = restore(url, name, folder)
            return manifest, _check_trail(url, public_key) if name == "vault" else "no trail here"
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _check_trail(url: str, public_key: str | None) -> str:
    from moiety.commands import trail

    if public_key is None:
        return "the trail was not verified, for want of its public key"
    report = trail.verify(url, public_key, None)
    if report.fault is not None:
        raise BackupError(f"The trail has a fault at entry {report.fault.position}.")
    return f"the trail of {report.size} entries verifies"


# --- parts -----------------------------------------------------------------------------------


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.dump", folder / f"{name}.json"


def _refuse_keys(folder: Path) -> None:
    """No vault key in the folder or beside it, and no desk around it, which holds every key."""
    for place in (folder, *folder.parents):
        if (place / "prepared").exists() and (place / "passwords").exists():
            raise BackupError(f"{folder} lies in the desk {place}, beside its keys. Take another.")
    near = [f for place in (folder, folder.parent) for f in (*place.glob("*"), *place.glob("*/*"))]
    if any(_is_key_file(file) for file in near):
        raise BackupError(f"The vault's keys lie in or beside {folder}: keep the two apart.")


def _is_key_file(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size < 65536 and _holds_keys(file.read_bytes())
    except OSError:
        return False  # not ours to read, so not written by who reads the dumps


def _holds_keys(content: bytes) -> bool:
    return any(mark in content for mark in _KEY_MARKS)


def _refuse_present(folder: Path, name: str) -> None:
    for other in embedded.DATABASES:
        if any(file.exists() for file in _files(folder, other)):
            what = "a backup already" if other == name else f"a backup of the {other} database"
            raise BackupError(f"{folder} holds {what}: take a folder of its own for each.")


def _run(program: str, url: str, *arguments: str) -> None:
    """A program of PostgreSQL, told by variables whom to connect to: arguments are seen by all."""
    told = {
        _VARIABLES[key]: str(v) for key, v in conninfo_to_dict(url).items() if key in _VARIABLES
    }
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **told}
    done = subprocess.run(
        [_program(program), *arguments], env=environment, check=False, capture_output=True
    )
    if done.returncode:
        # The first line alone: those that follow may quote rows.
        first = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise BackupError(f"{program} failed: {first}")


def _program(name: str) -> str:
    try:
        found: Path | None = embedded.binaries() / name
    except embedded.EmbeddedError:
        found = None
    if found is not None and os.access(found, os.X_OK):
        return str(found)
    if on_path := shutil.which(name):
        return on_path
    raise BackupError(f"There is no {name}: install PostgreSQL's client programs.")


def _count(connection: psycopg.Connection) -> dict[str, int]:
    names: Sequence[tuple[str, str]] = connection.execute(_TABLES).fetchall()
    return {
        f"{schema}.{table}": int(
            _text(
                connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
            )
        )
        for schema, table in names
    }


def _revision(connection: psycopg.Connection) -> str:
    try:
        return _text(connection, "SELECT version_num FROM public.alembic_version")
    except psycopg.errors.UndefinedTable:
        raise BackupError("The database was never migrated: there is nothing to keep.") from None


def _text(connection: psycopg.Connection, query: "sql.Composed | str") -> str:
    row = connection.execute(query).fetchone()
    return str(row[0]) if row else ""


def _differences(wanted: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    return sorted(t for t in wanted.keys() | found.keys() if wanted.get(t) != found.get(t))


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
