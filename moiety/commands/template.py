"""`moiety template`: what a template says of itself, before any document follows it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer(no_args_is_help=True, help="Look at templates before they are uploaded.")


@commands.callback()
def root() -> None:
    """Keep `lint` a command of its own while it is the only one."""


@commands.command()
def lint(
    files: Annotated[
        list[Path], typer.Argument(help="Operational templates (OPT 1.4), or folders of *.opt.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout instead of tables.")
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also what the reference model gives every node, unless closed."
        ),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this kind; repeat for more (free_text, party, slot, …)."),
    ] = None,
) -> None:
    """List the paths of templates where identity could leak into a record, with advice.

    Looked for: free text that no list closes, parties that may be named, identifiers, attachments,
    formatted text, URIs, values of any type, open slots, feeder audits, and nodes whose own name
    asks for identity (*date of birth*, *next of kin*). Each comes with its AQL path.

    `likely` places are known to hold identities in practice, `possible` ones merely can.

    Exit code 0: no place that a template itself asks for. 1: some are listed. 2: a file could not
    be read; the others are listed all the same.

    `moiety template lint vital_signs.opt`, `moiety template lint --json templates/ | jq`
    """
    from moiety.commands import lint as work

    try:
        code = work.lint(files, as_json=as_json, everything=everything, only=only)
    except ValueError as error:
        print(f"Nothing was read: {error}.", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(code)
