"""`moiety keys rotate`: key-encryption key, blind-index keys, or the key of a project.

It runs where the key file is, as the user whose file it is, with the database URL of the migrator.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from moiety.commands.options import DatabaseOption, HomeOption, Stop, home_of, out

if TYPE_CHECKING:
    from linkage_vault.rotation import Outcome
    from linkage_vault.settings import Settings

Told = Callable[[int, int], None]


OrganisationOption = Annotated[str, typer.Option(help="The organisation whose key it is.")]
BatchOption = Annotated[int, typer.Option(min=1, max=20_000, help="Rows a transaction.")]


def rotate_kek(
    organisation: OrganisationOption = "main",
    batch: BatchOption = 2000,
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Rotate the key that wraps the keys of links, online; the old one is destroyed at the end.

    Killed in the middle, run it again. Away from a desk it reads the vault's own settings
    (MOIETY_VAULT_…) from the environment.
    """
    _rotate("kek", organisation, batch, home, database_url_file)


def rotate_index(
    organisation: OrganisationOption = "main",
    batch: BatchOption = 2000,
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Rotate the keys of the blind indexes, by which links are found. As `kek`."""
    _rotate("index", organisation, batch, home, database_url_file)


def rotate_project(
    project_id: Annotated[UUID, typer.Argument(help="The project.")],
    organisation: OrganisationOption = "main",
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Make a new key for a project's pseudonyms; earlier ones still lead back."""
    from linkage_vault.key_ring import BadKeys
    from moiety.commands import occasion
    from moiety.kit.errors import ServiceError

    settings = _settings(home_of(home), away=database_url_file is not None)
    with occasion.database(home_of(home), "vault", database_url_file) as url:
        try:
            version = _project(url, settings, organisation, project_id)
        except (BadKeys, ServiceError, ValueError) as error:
            raise Stop(f"Nothing was rotated: {error}") from None
    out.print(f"The project's key is version {version} now.")


def _rotate(
    what: str, organisation: str, batch: int, home: Path | None, database_url_file: Path | None
) -> None:
    from linkage_vault.key_ring import BadKeys
    from moiety.commands import occasion
    from moiety.kit.errors import ServiceError

    settings = _settings(home_of(home), away=database_url_file is not None)
    with occasion.database(home_of(home), "vault", database_url_file) as url:
        try:
            outcome = _with_progress(partial(run, what, url, settings, organisation, batch=batch))
        except (BadKeys, ServiceError) as error:
            raise Stop(f"Nothing more was rotated: {error}") from None
    out.print(
        f"{outcome.moved} rows are under version {outcome.version} of the {what} key now;"
        " older versions are destroyed."
    )


def run(
    what: str,
    url: str,
    settings: "Settings",
    organisation: str,
    *,
    batch: int,
    told: Told = lambda _done, _all: None,
    settle: float | None = None,
) -> "Outcome":
    """Rotates `kek` or `index` as the owner of the tables at `url`."""
    from linkage_vault import provision, rotation
    from linkage_vault.keys import add_version, drop_versions
    from moiety.kit.engines import open_engine

    where = provision.places(settings, organisation)
    keys = provision.load(settings, organisation)
    engine = open_engine(url, connections=2)
    more = {"told": told, "batch": batch, "settle": rotation.SETTLE if settle is None else settle}
    try:
        provision.count_uses(settings, keys, engine)
        if what == "kek":
            in_file = keys.provider if settings.kek == "file" else provision.file_kek(keys, where)
            return rotation.rotate_kek(engine, keys, in_file, **more)  # type: ignore[arg-type]  # settings.kek says which provider it is
        return rotation.rotate_index(
            engine, keys,
            partial(add_version, where.key_file, "index", where.passphrase),
            lambda below: drop_versions(
                where.key_file, "index", below=below, passphrase=where.passphrase
            ),
            **more,  # type: ignore[arg-type]
        )  # fmt: skip
    finally:
        engine.dispose()
        if keys.shreds is not None:
            keys.shreds.close()


def _project(url: str, settings: "Settings", organisation: str, project_id: UUID) -> int:
    from linkage_vault import project_keys, provision
    from moiety.kit.engines import open_engine

    keys = provision.load(settings, organisation)
    engine = open_engine(url, connections=1)
    try:
        with engine.begin() as connection:
            if project_keys.newest(connection, project_id) is None:
                raise ValueError("there is no such project, or it has no key.")
            return project_keys.rotate(connection, keys, project_id)
    finally:
        engine.dispose()


def _with_progress(work: Callable[..., "Outcome"]) -> "Outcome":
    from rich.progress import Progress

    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("Rotating", total=None)
        return work(told=lambda done, total: bar.update(task, completed=done, total=total))


def _settings(home: Path, *, away: bool) -> "Settings":
    from linkage_vault.settings import Settings

    if away:
        return Settings.from_env(os.environ)
    folder = home / "secrets/vault"
    return Settings.from_env(_of_desk(folder))


def _of_desk(folder: Path) -> Mapping[str, str]:
    return {
        "MOIETY_VAULT_KEY_FILE": str(folder / "keys.json"),
        "MOIETY_VAULT_DATABASE_URL_FILE": str(folder / "database_url"),
        "MOIETY_VAULT_SHRED_DATABASE_URL_FILE": str(folder / "shred_database_url"),
    }
