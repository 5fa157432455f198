"""`moiety trail`: verify the trail, make an auditor's key, show what only the auditor may read."""

from pathlib import Path
from typing import Annotated

import typer

from moiety.commands.options import DatabaseOption, HomeOption, Stop, home_of, out

commands = typer.Typer(no_args_is_help=True, help="The vault's trail of every crossing.")


@commands.command("verify")
def verify_trail(
    witness: Annotated[
        Path | None, typer.Option(help="Signed heads kept elsewhere, one JSON object a line.")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option(help="The trail's public key, 64 hex digits; default: the desk's.")
    ] = None,
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Check the whole trail against its signed heads; exit 1 at the first fault.

    A trail that was cut or rebuilt whole agrees with itself: only heads that a witness kept on
    another machine show it, so keep what GET /vault/v1/trail/head answers, and pass it here.
    """
    from moiety.commands import occasion
    from moiety.commands import trail as work

    with occasion.database(home_of(home), "vault", database_url_file) as url:
        try:
            key = public_key or occasion.trail_public_key(home_of(home))
            report = work.verify(url, key, witness)
        except ValueError as error:
            raise Stop(f"Nothing was verified: {error}.") from None
    work.show(out, report)
    if report.fault:
        raise typer.Exit(1)


@commands.command("auditor-key")
def create_auditor_key(file: Annotated[Path, typer.Argument(help="Where the key goes.")]) -> None:
    """Make the auditor's key: FILE keeps the private half, the public half is printed.

    Give the public half to the vault (MOIETY_VAULT_AUDITOR_KEY) and keep the file away from it:
    subjects and reasons of the trail are then read with this file and in no other way.
    """
    from moiety.commands import trail as work

    try:
        work.create_auditor_key(file)
    except FileExistsError:
        raise Stop(f"{file} exists already and is not overwritten.") from None
    out.print(work.auditor_public_key(file))


@commands.command("disclose")
def disclose_trail(
    auditor_key: Annotated[Path, typer.Option(help="The file of the auditor's private key.")],
    first: Annotated[int, typer.Option(help="The first position to show.", min=0)] = 0,
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Show whom entries were about and the reasons given, which no service can read.

    Each line is checked against the commitment in the tree; exit 1 if one does not hold.
    """
    from linkage_vault.seal import Tampered
    from moiety.commands import occasion
    from moiety.commands import trail as work

    with occasion.database(home_of(home), "vault", database_url_file) as url:
        try:
            found = work.disclose(url, auditor_key, first=first)
        except (ValueError, Tampered) as error:
            raise Stop(f"Nothing was disclosed: {error}.") from None
    if not work.show_disclosed(out, found):
        raise typer.Exit(1)
