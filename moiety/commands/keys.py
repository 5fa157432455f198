"""`moiety keys`: make, let in, list and revoke the API keys of a service."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from moiety.commands.options import DatabaseOption, HomeOption, Stop, home_of, out

commands = typer.Typer(no_args_is_help=True, help="API keys: make, list and revoke them.")


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
                life=timedelta(days=days), user_id=user_id,
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
    """Show every key of a service: id, label, scopes, expiry. Secrets are not kept anywhere."""
    from rich.table import Table

    from moiety.commands import issue, occasion

    table = Table("key id", "label", "scopes", "expires", "state")
    with occasion.database(home_of(home), service, database_url_file) as url:
        for key_id, label, scopes, expires, revoked in issue.all_keys(url):
            state = "revoked" if revoked else "in force"
            table.add_row(str(key_id), str(label), " ".join(scopes), str(expires), state)
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


def _default_scopes(service: str) -> frozenset[str]:
    from moiety.commands import issue

    return {"vault": frozenset({"vault:use"})}.get(service, issue.SCOPES[service] - issue.UNUSUAL)
