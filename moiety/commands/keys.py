"""`moiety keys`: make, let in, list and revoke the API keys of a service."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from moiety.commands.options import DatabaseOption, HomeOption, Stop, home_of, out

commands = typer.Typer(no_args_is_help=True, help="API keys: make, list and revoke them.")
rotate = typer.Typer(no_args_is_help=True, help="The vault's own keys: new ones beside the old.")
commands.add_typer(rotate, name="rotate")


@commands.command("create")
def create_key(
    service: Annotated[str, typer.Argument(help="clinical, demographic or vault.")],
    label: Annotated[str, typer.Option(help="What the key is for; shown in lists.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may do; repeat for more. Default: all but admin:delete."),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="Vault only: makes a user with this role, whose personal key it is."),
    ] = None,
    staff_id: Annotated[
        str | None,
        typer.Option(help="With --role: the human's number; two accounts of one share it."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--from", help="Network that it may come from, as 10.1.0.0/16; repeat."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=90, help="Days until it expires.")] = 90,
    organisation: Annotated[str, typer.Option(help="The organisation it names.")] = "main",
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Make an API key and print it, this once.

    `moiety keys create clinical --label "ward app" --scope composition:write --scope ehr:read`
    """
    from moiety.commands import issue, occasion

    if service not in issue.SCOPES:
        raise Stop(f"There is no service {service}: clinical, demographic or vault.")
    with occasion.database(home_of(home), service, database_url_file) as url:
        try:
            user_id = issue.user(url, label, frozenset(role), staff_id=staff_id) if role else None
            token = issue.key(
                url, service, organisation,
                label=label, scopes=frozenset(scope or _default_scopes(service)),
                life=timedelta(days=days), user_id=user_id, sources=source,
            )  # fmt: skip
        except ValueError as error:
            raise Stop(f"No key was made: {error}.") from None
    print(token)


@commands.command("admit")
def admit_key(
    service: Annotated[str, typer.Argument(help="clinical, demographic or vault.")],
    key_file: Annotated[Path, typer.Argument(help="File with the key, from `moiety secrets`.")],
    label: Annotated[str, typer.Option(help="What the key is for; shown in lists.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; repeat for more.")],
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Let in a key that was made before the database was there. A second time does nothing.

    It lives 90 days from now.
    """
    from moiety.commands import issue, occasion

    if service not in issue.SCOPES:
        raise Stop(f"There is no service {service}: clinical, demographic or vault.")
    with occasion.database(home_of(home), service, database_url_file) as url:
        try:
            new = issue.admit(
                url, service, key_file.read_text(), label=label, scopes=frozenset(scope)
            )
        except ValueError as error:
            raise Stop(f"No key was let in: {error}.") from None
    out.print("The key is let in." if new else "The key was in already.")


@commands.command("list")
def list_keys(
    service: Annotated[str, typer.Argument(help="clinical, demographic or vault.")],
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Show every key of a service: id, label, scopes, expiry, month of last use. No secrets."""
    from rich.table import Table

    from moiety.commands import issue, occasion

    table = Table("key id", "label", "scopes", "expires", "last used", "from", "state")
    with occasion.database(home_of(home), service, database_url_file) as url:
        for key in issue.all_keys(url):
            table.add_row(
                key.key_id, key.label, " ".join(key.scopes), str(key.expires),
                f"{key.last_used:%Y-%m}" if key.last_used else "never",
                " ".join(key.sources or ["anywhere"]), "revoked" if key.revoked else "in force",
            )  # fmt: skip
    out.print(table)


@commands.command("revoke")
def revoke_key(
    service: Annotated[str, typer.Argument(help="clinical, demographic or vault.")],
    key_id: Annotated[str, typer.Argument(help="The key's id: its third part, or from the list.")],
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """End a key. Its next call is refused."""
    from moiety.commands import issue, occasion

    with occasion.database(home_of(home), service, database_url_file) as url:
        if not issue.revoke(url, key_id):
            raise Stop(f"The {service} service has no key {key_id}.")
    out.print(f"Key {key_id} is revoked.")


@rotate.command("tokens")
def rotate_tokens(
    file: Annotated[
        Path | None,
        typer.Option("--people-key-file", help="The vault's keys for people; default: the desk's."),
    ] = None,
    organisation: Annotated[str, typer.Option(help="The organisation it is of.")] = "main",
    home: HomeOption = None,
) -> None:
    """Put a new key that signs user tokens beside the one in use; no restart, no failed call.

    It signs two minutes later, when every service has fetched it. The key before the one in use
    goes: run this twice, twelve minutes apart, to be rid of a key at once.
    """
    from linkage_vault.keys import BadKeys
    from linkage_vault.people_keys import add_signing_key, people_key_path

    path = file or people_key_path(home_of(home) / "secrets/vault/keys.json")
    try:
        new, gone = add_signing_key(path, organisation)
    except BadKeys as error:
        raise Stop(str(error)) from None
    out.print(f"{new} signs from two minutes on. Gone: {', '.join(gone) or 'none'}.")


def _default_scopes(service: str) -> frozenset[str]:
    from moiety.commands import issue

    return {"vault": frozenset({"vault:use"})}.get(service, issue.SCOPES[service] - issue.UNUSUAL)
