"""`moiety users`: the people of the vault, as its operator makes the first of them."""

from typing import Annotated

import typer

from moiety.commands.options import DatabaseOption, HomeOption, Stop, home_of, out

commands = typer.Typer(no_args_is_help=True, help="People of the vault: accounts, roles, ways in.")


@commands.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="As auditors read it.")],
    role: Annotated[list[str], typer.Option(help="A role; repeat for more.")],
    login: Annotated[str | None, typer.Option(help="With which the user signs in.")] = None,
    staff_id: Annotated[
        str | None, typer.Option(help="The human's number; two accounts of one human share it.")
    ] = None,
    manager_id: Annotated[
        str | None, typer.Option(help="The staff id of the line manager.")
    ] = None,
    outside_id: Annotated[
        str | None, typer.Option(help="How an outside OpenID provider names the user.")
    ] = None,
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Make an account; with --login also a code to enrol with, shown this once."""
    from sqlalchemy.exc import IntegrityError

    from moiety.commands import issue, occasion

    with occasion.database(home_of(home), "vault", database_url_file) as url:
        try:
            user_id = issue.user(
                url, name, frozenset(role), staff_id=staff_id, login=login, manager_id=manager_id,
                outside_id=outside_id,
            )  # fmt: skip
        except IntegrityError:
            raise Stop("No account was made: the login or outside id is taken.") from None
        except ValueError as error:
            raise Stop(f"No account was made: {error}.") from None
        out.print(f"Account {user_id}")
        if login:
            out.print("Invitation, good for 72 hours:")
            print(issue.invitation(url, user_id))


@commands.command("invite")
def invite_user(
    login: Annotated[str, typer.Argument(help="Whose way in is made anew.")],
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """A code to enrol with, shown this once; what signed in before no longer does."""
    from moiety.commands import issue, occasion

    with occasion.database(home_of(home), "vault", database_url_file) as url:
        user_id = issue.account(url, login)
        if user_id is None:
            raise Stop(f"There is no login {login}.")
        print(issue.invitation(url, user_id))


@commands.command("change")
def change_user(
    login: Annotated[str, typer.Argument(help="Whose account.")],
    role: Annotated[
        list[str] | None, typer.Option(help="The roles from now on; repeat for more.")
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Give back, or take away.")
    ] = None,
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Change roles, or take away an account: felt at the next call."""
    from moiety.commands import issue, occasion

    with occasion.database(home_of(home), "vault", database_url_file) as url:
        try:
            roles = None if role is None else frozenset(role)
            if not issue.change_user(url, login, roles=roles, active=active):
                raise Stop(f"There is no login {login}.")
        except ValueError as error:
            raise Stop(f"Nothing was changed: {error}.") from None
    out.print(f"The account of {login} is changed.")


@commands.command("list")
def list_users(home: HomeOption = None, database_url_file: DatabaseOption = None) -> None:
    """Every account with its roles and staff id."""
    from rich.table import Table

    from moiety.commands import issue, occasion

    table = Table("name", "login", "staff id", "roles", "state")
    with occasion.database(home_of(home), "vault", database_url_file) as url:
        for row in issue.accounts(url):
            state = "active" if row.active else "inactive"
            table.add_row(row.name, row.login or "–", row.staff_id, " ".join(row.roles), state)
    out.print(table)


@commands.command("release")
def release(
    principal: Annotated[
        str, typer.Argument(help="What was suspended: key:<key id> or user:<user id>.")
    ],
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Lift a suspension, once it is clear why a canary was asked about."""
    from moiety.commands import issue, occasion

    with occasion.database(home_of(home), "vault", database_url_file) as url:
        if not issue.release(url, principal):
            raise Stop(f"{principal} is not suspended.")
    out.print(f"{principal} may ask again.")
