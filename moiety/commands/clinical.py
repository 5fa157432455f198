"""`moiety clinical`: work on the clinical database as a whole."""

from rich.console import Console

from clinical_api import consistency
from clinical_api.consistency import Checked
from moiety.commands import issue


def check(database_url: str, *, with_documents: bool) -> list[Checked]:
    """Every sentence that the clinical tables must keep true, with what breaks it."""
    engine = issue.engine(database_url).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    with engine.connect() as connection:
        return list(consistency.check(connection, with_documents=with_documents))


def show(console: Console, found: list[Checked]) -> bool:
    """The sentences that are broken, and a last line; whether all are kept."""
    broken = [one for one in found if one.broken]
    for one in broken:
        console.print(f"[red]{one.broken} break: {one.sentence}.[/red]")
    console.print(f"{len(found) - len(broken)} of {len(found)} sentences hold.")
    return not broken
