"""What the commands share: options, the terminal, and the one way to stop with a sentence."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

HomeOption = Annotated[
    Path | None,
    typer.Option(help="Folder that keeps the desk's state.", show_default="a folder of your own"),
]
PortOption = Annotated[
    int, typer.Option(help="Clinical answers at +1, demographic at +2, the vault at +3.")
]
DatabaseOption = Annotated[
    Path | None,
    typer.Option(
        "--database-url-file",
        help="File with the service's database URL as its migrator role, away from a desk.",
    ),
]
out = Console(soft_wrap=True)


class Stop(typer.Exit):
    """One plain sentence on stderr, and exit code 2."""

    def __init__(self, sentence: str) -> None:
        print(sentence, file=sys.stderr)
        super().__init__(2)


def home_of(home: Path | None) -> Path:
    """The desk's folder: the one that was named, or the user's own."""
    from moiety import embedded

    return home or embedded.default_state() / "desk"
