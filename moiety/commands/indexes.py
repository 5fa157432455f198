"""`moiety clinical index`: paths that are asked often, declared so that queries find them fast."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from moiety.commands.options import DatabaseOption, HomeOption, Stop, home_of, out

commands = typer.Typer(no_args_is_help=True, help="Paths that are asked often, and their indexes.")

PathArgument = Annotated[
    str,
    typer.Argument(
        metavar="PATH", help="Archetype id, / and path: openEHR-EHR-OBSERVATION.….v1/data[at0001]/…"
    ),
]


@commands.command()
def add(
    path: PathArgument, home: HomeOption = None, database_url_file: DatabaseOption = None
) -> None:
    """Declare a path and build its indexes. The service goes on reading and writing meanwhile.

    A path ends in a value, as `…/items[at0004]/value/magnitude` or
    `…/value/defining_code/code_string`. It is worth an index where population queries pick few
    rows by it, or order by it with a LIMIT; queries of one EHR are fast without.

    The same command again builds what was interrupted.
    """
    from clinical_api import hot_paths
    from moiety.commands import issue

    with _database(home, database_url_file) as url:
        with issue.engine(url).begin() as connection:
            columns = sorted(hot_paths.declare(connection, path))
        for column in columns:
            hot_paths.build(url, column)
    out.print(f"{len(columns)} {'index is' if len(columns) == 1 else 'indexes are'} ready.")


@commands.command()
def remove(
    path: PathArgument, home: HomeOption = None, database_url_file: DatabaseOption = None
) -> None:
    """Take a declaration back and drop the indexes that no other path needs."""
    from clinical_api import hot_paths
    from moiety.commands import issue

    with _database(home, database_url_file) as url:
        with issue.engine(url).begin() as connection:
            columns = sorted(hot_paths.withdraw(connection, path))
        for column in columns:
            hot_paths.drop(url, column)
    out.print(f"{len(columns)} {'index' if len(columns) == 1 else 'indexes'} dropped.")


@commands.command()
def build(home: HomeOption = None, database_url_file: DatabaseOption = None) -> None:
    """Build every index that a declared path lacks, as after a new template or a broken build."""
    from clinical_api import hot_paths
    from moiety.commands import issue

    with _database(home, database_url_file) as url:
        with issue.engine(url).connect() as connection:
            lacking = {i.column for i in hot_paths.listed(connection) if i.state != "ready"}
        for column in sorted(lacking):
            hot_paths.build(url, column)
    out.print(f"{len(lacking)} built.")


@commands.command("list")
def list_all(home: HomeOption = None, database_url_file: DatabaseOption = None) -> None:
    """Show the declared paths: state, size and use of each index."""
    from clinical_api import hot_paths
    from moiety.commands import issue

    table = Table("path", "index of", "state", "octets", "times used")
    with (
        _database(home, database_url_file) as url,
        issue.engine(url).connect() as connection,
    ):
        for one in hot_paths.listed(connection):
            column = f"{one.column.table}.{one.column.column} ({one.column.kind})"
            table.add_row(one.path, column, one.state, str(one.size), str(one.scans))
    out.print(table)


@contextmanager
def _database(home: Path | None, url_file: Path | None) -> Iterator[str]:
    """The migrator's URL; what goes wrong is one sentence on stderr, and exit code 2."""
    from moiety.commands import desk, occasion
    from moiety.kit.errors import ServiceError

    try:
        with occasion.database(home_of(home), "clinical", url_file) as url:
            yield url
    except (desk.DeskError, ServiceError) as error:
        raise Stop(str(error)) from None
