"""`moiety deid review`: the words of it.  The work is imported when a command runs."""

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from moiety.commands.options import Stop

commands = typer.Typer(
    no_args_is_help=True, help="Have people read a sample, and say what it proves."
)


@commands.command()
def sample(
    source: Annotated[Path, typer.Argument(metavar="OUT", help="What is to be released.")],
    folder: Annotated[Path, typer.Argument(help="A new folder, as safe as the texts.")],
    seed: Annotated[
        str | None,
        typer.Option(help="Draw by this seed again.", show_default="a new one, written down"),
    ] = None,
    stratum: Annotated[
        str | None,
        typer.Option(help="Share the sample out by this field (kept with `--keep`): type, author."),
    ] = None,
    at_least: Annotated[
        int, typer.Option(min=0, max=500, help="Documents of each stratum, beyond the sample.")
    ] = 0,
    canaries: Annotated[
        int, typer.Option(min=0, max=500, help="Invented identifiers to plant, to try reviewers.")
    ] = 0,
    removed: Annotated[
        Path | None,
        typer.Option(help="Where spans stand, by id, when OUT has none (surrogates)."),
    ] = None,
) -> None:
    """Draw one document in a hundred, at least 100 and at most 500, and write a page to read them.

    The folder gets `review.html`, which opens in any browser and asks nothing of a network,
    `sample.jsonl` and `manifest.json` (seed, population, planted identifiers: keep it from the
    reviewers). Reviewers save their findings from the page, as places and kinds without words.

    `moiety deid review sample safe.jsonl review/`
    """
    from moiety.commands.deid import sample as work

    asked = work.Asked(source, folder, seed, stratum, at_least, canaries, removed)
    manifest = work.draw(asked)
    beside = f" and {manifest['extra']} beside" if manifest["extra"] else ""
    print(
        f"{manifest['sample']} of {manifest['population']} documents{beside}; "
        f"seed {manifest['seed']}; open {folder / work.PAGE}"
    )


@commands.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder of the sample.")],
    findings: Annotated[list[Path], typer.Argument(help="Findings, one file a reviewer.")],
    register: Annotated[
        Path | None, typer.Option(help="Write what was left as CSV, for the findings register.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say what the findings prove: exact lower bounds, per kind, and whether the gate is open.

    Exit code 0: at least 95 % are proven, of documents and of identifiers, and no NHS or hospital
    number was left. 1: not.
    """
    from moiety.commands.deid import report as work

    told = work.report(folder, findings)
    if as_json:
        print(json.dumps(told.as_json()))
    else:
        print("\n".join(work.show(told)))
    if register is not None:
        rows = list(work.register(folder, findings))
        try:
            with register.open("w", newline="") as file:
                names = ("number", "id", "label", "whose", "start", "end", "reviewer")
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(rows)
        except OSError as error:
            raise Stop(f"{register} can't be written: {error.strerror}.") from None
        print(f"{len(rows)} findings in {register}", file=sys.stderr)
    if told.reasons:
        raise typer.Exit(1)


@commands.command()
def gold(
    folder: Annotated[Path, typer.Argument(help="The folder of a sample, drawn from spans.")],
    findings: Annotated[list[Path], typer.Argument(help="Findings, one file a reviewer.")],
    out: Annotated[Path, typer.Option(help="Where the lines go; they hold identities.")],
) -> None:
    """Write the documents that were read as gold lines: to evaluate with, and to train on.

    Draw the sample from the output of `moiety deid text` without --replace.
    """
    from moiety.commands.deid import gold as work
    from moiety.commands.deid.jsonl import line_of

    lines = [line_of(line) for line in work.gold(folder, findings)]
    try:
        out.write_bytes(b"".join(lines))
    except OSError as error:
        raise Stop(f"{out} can't be written: {error.strerror}.") from None
    print(f"{len(lines)} documents in {out}", file=sys.stderr)
