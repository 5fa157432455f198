"""`moiety clinical queries`: what queries cost, told by the service that ran them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from moiety.commands.options import HomeOption, Stop, home_of, out

if TYPE_CHECKING:
    import httpx

commands = typer.Typer(no_args_is_help=True, help="What queries cost, and what they lack.")


@commands.command()
def slow(
    most: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")] = 10,
    url: Annotated[
        str | None, typer.Option(help="Clinical service to ask, instead of a desk.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File with its API key (scope statistics:read).")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Show the queries that cost most since the service began, and the commands that index what
    they look for.

    Queries stand without their values. Each process of a service tells of its own.
    """
    from moiety.commands import desk, occasion

    try:
        with occasion.clinical(home_of(home), url, key_file) as client:
            show(out, asked(client, most))
    except desk.DeskError as error:
        raise Stop(str(error)) from None


def asked(client: "httpx.Client", most: int) -> list[dict[str, Any]]:
    """The forms of query, dearest first.  Raises Stop where the service does not tell."""
    answer = client.get("/openehr/v1/query/aql/slow", params={"limit": most})
    if answer.status_code != 200:
        raise Stop(f"The service does not tell: {answer.status_code} {answer.reason_phrase}.")
    queries: list[dict[str, Any]] = answer.json()["queries"]
    return queries


def show(console: Console, queries: list[dict[str, Any]]) -> None:
    """Each form with its figures and what it lacks, as text to copy."""
    for one in queries:
        classes = ", ".join(f"{name} {count}" for name, count in one["plan_classes"].items())
        figures = (
            f"{one['seconds_total']:.3f} s in {one['count']} runs, mean {one['seconds_mean']:.4f},"
            f" longest {one['seconds_max']:.3f}; {one['rows']} rows; {one['failed']} failed;"
            f" {classes}"
        )
        console.print(figures, markup=False, highlight=False)
        console.print(f"  {one['aql']}", markup=False, highlight=False)
        for command in one["lacks"]:
            console.print(f"  {command}", markup=False, highlight=False)
    console.print(f"{len(queries)} {'form' if len(queries) == 1 else 'forms'} of query.")
