"""The demo's last steps: steal the databases, and look for what must not be in them.

Each search proves first that it can find: a number planted with the screen off, a pair of ids
planted in the vault.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import psycopg
from psycopg import sql
from rich.console import Console

from moiety import embedded
from moiety.commands import desk
from moiety.commands.demo import records, stolen
from moiety.commands.demo.actors import Cast, demand
from moiety.commands.demo.people import Person
from moiety.commands.demo.stolen import Stolen
from moiety.commands.desk import Desk

_SEED = 20261122


def steal_clinical(console: Console, running: Desk, cast: Cast, crowd: Sequence[Person]) -> None:
    """Steal the clinical database and look for everybody in it."""
    superuser = running.cluster.url("postgres", "clinical")
    words = sorted({word for person in crowd for word in person.tell_tales()})
    ehr_id = next(iter(cast.links.values()))
    token, letter = _identifying_letter(crowd[0])
    refused = cast.app.post(f"/openehr/v1/ehr/{ehr_id}/composition", content=letter)
    demand(refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY, "the screen lets a number in")
    demand(token not in refused.text, "the refusal repeats the number")
    with console.status("Stealing the clinical database, inflating every document …"):
        with _planted(running, cast, ehr_id, letter):
            control = _told(stolen.steal(superuser), words)
        database = stolen.steal(superuser)
        found = _told(database, words)
    demand(control == [token], "the search is blind: it misses the number planted for control")
    demand(not found, f"{len(found)} identifying words of patients stand in the clinical database")
    console.print(
        "[green]✓[/green] The screen refuses a letter with an NHS number in it (422, path and kind "
        "only); with the screen off, for control, the letter gets in"
    )
    console.print(
        f"[green]✓[/green] A thief takes the clinical database ({database.size // 1024} kB, "
        f"{database.documents} documents inflated). The search finds the number planted for "
        f"control (1 of 1); it is removed again; of the {len(words)} names, numbers, addresses "
        "and birth dates registered, none is found"
    )


def _told(database: Stolen, words: Sequence[str]) -> list[str]:
    return [word for word in words if database.holds(word)]


def _identifying_letter(person: Person) -> tuple[str, bytes]:
    """A document whose text holds a registered person's NHS number, and that number."""
    document = next(records.write(1, _SEED, datetime.now(UTC)))
    name = b'"name":{"_type":"DV_TEXT","value":"'
    words = f"NHS no {person.nhs_number} ".encode()
    return person.nhs_number, document.replace(name, name + words, 1)


def compare_halves(console: Console, running: Desk, cast: Cast) -> None:
    """Steal every database and look for anything that joins two of them."""
    urls = [running.cluster.url("postgres", name) for name in embedded.DATABASES]
    with console.status("Stealing every database and comparing them …"):
        with _crossed(urls[2], cast):
            control = stolen.shared(stolen.steal(url) for url in urls)
        halves = [stolen.steal(url) for url in urls]
        joined = stolen.shared(halves)
    pair = {one.bytes for one in next(iter(cast.links.items()))}
    demand(pair <= control, "the comparison is blind: it misses a pair of ids planted in the vault")
    demand(not joined, f"{len(joined)} values stand in two of the databases")
    ids = {one.bytes for link in cast.links.items() for one in link}
    demand(not ids & halves[2].values, "the vault holds an id in clear")
    count = sum(len(half.values) for half in halves)
    console.print(
        "[green]✓[/green] A thief takes every database, the shred store too. The comparison finds "
        "a pair of ids planted in the vault for control (2 of 2); of their "
        f"{count} values none stands in two, and none of the {len(ids)} ids stands in the "
        "vault in clear"
    )


@contextmanager
def _crossed(superuser: str, cast: Cast) -> Iterator[None]:
    """A vault that keeps one pair in clear, for as long as the control needs it."""
    person_id, ehr_id = next(iter(cast.links.items()))
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("CREATE TABLE planted (person_id uuid, ehr_id uuid)")
        connection.execute("INSERT INTO planted VALUES (%s, %s)", (person_id, ehr_id))
        try:
            yield
        finally:
            connection.execute("DROP TABLE planted")


@contextmanager
def _planted(running: Desk, cast: Cast, ehr_id: UUID, letter: bytes) -> Iterator[None]:
    """The letter stored with the screen off, for as long as the control needs it."""
    off = {"SCREEN_NATIONAL": "off", "SCREEN_OTHER": "off"}
    with desk.restarted(running, "clinical", off):
        answer = cast.app.post(f"/openehr/v1/ehr/{ehr_id}/composition", content=letter)
    demand(answer.status_code == httpx.codes.CREATED, "the control was refused")
    uid = answer.headers["ETag"].strip('"').split("::")[0]
    try:
        yield
    finally:
        with psycopg.connect(running.cluster.url("postgres", "clinical")) as connection:
            _erase(connection, ehr_id, UUID(uid))


def _erase(connection: psycopg.Connection[Any], ehr_id: UUID, object_id: UUID) -> None:
    """Remove the planted document and its rows; only a superuser can."""
    row = connection.execute(
        "DELETE FROM composition WHERE ehr_id = %s AND object_id = %s"
        " RETURNING row_key, groups, contribution_id",
        (ehr_id, object_id),
    ).fetchone()
    row_key, groups, contribution_id = row or (0, [], None)
    for group in groups:
        statement = sql.SQL("DELETE FROM leaf.{} WHERE ehr_id = %s AND row_key = %s")
        connection.execute(statement.format(sql.Identifier(group)), (ehr_id, row_key))
    connection.execute("DELETE FROM contribution WHERE contribution_id = %s", (contribution_id,))
