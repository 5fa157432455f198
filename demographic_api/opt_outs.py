"""The national list of data opt-outs: read once, matched, told to the vault, forgotten.

The list is of NHS numbers, and only this service knows whose they are.  The vault is told of every
person by id: opted out, or free.  No number goes there, and nothing of the list is kept here.
"""

from collections.abc import Iterator
from datetime import date
from typing import Literal
from uuid import UUID

import httpx
import sqlalchemy as sa

from demographic_api import nhs_number
from demographic_api.tables import identifier, person
from moiety.kit.errors import Unprocessable
from moiety.wire import opt_outs
from moiety.wire.opt_outs import Snapshot

Kind = Literal["opted_out", "cleaned"]
_FAULTS = 20


def read_list(content: bytes) -> frozenset[int]:
    """The NHS numbers of a list: one a line, before a comma if there are more columns.

    Raises Unprocessable with the lines that hold none, and nothing of what they hold.
    """
    found: set[int] = set()
    findings: list[dict[str, str]] = []
    for number, line in enumerate(content.splitlines(), 1):
        text = line.partition(b",")[0].strip()
        if not text:
            continue
        digits = nhs_number.normalise(text.decode("ascii", "replace"))
        if digits is not None:
            found.add(int(digits))
        elif len(findings) < _FAULTS:
            findings.append({"path": f"line {number}", "rule": "NHS number, Modulus 11"})
    if findings:
        raise Unprocessable("The list holds lines without an NHS number.", findings=findings)
    return frozenset(found)


def load(
    engine: sa.Engine, vault: httpx.Client, as_of: date, numbers: frozenset[int], *, kind: Kind
) -> Snapshot:
    """Tells the vault of every person and returns what it counted.

    `opted_out`: a list of those who opted out; a number that was superseded counts too.  `cleaned`:
    a list that came back without them; whose present number is missing is taken to have opted out.
    A person without a number cannot be on a list, and is free.
    Raises Unprocessable for a day that the vault does not take, and Unavailable without it.
    """
    pages = (_sorted(page, numbers, kind) for page in _pages(engine))
    return opt_outs.load(vault, as_of, pages)


def _sorted(
    page: list[tuple[UUID, list[str], list[str]]], numbers: frozenset[int], kind: Kind
) -> tuple[list[UUID], list[UUID]]:
    opted_out: list[UUID] = []
    free: list[UUID] = []
    for person_id, present, superseded in page:
        if kind == "cleaned":
            is_out = any(int(number) not in numbers for number in present)
        else:
            is_out = any(int(number) in numbers for number in (*present, *superseded))
        (opted_out if is_out else free).append(person_id)
    return opted_out, free


def _pages(engine: sa.Engine) -> Iterator[list[tuple[UUID, list[str], list[str]]]]:
    """Every person with the present and the superseded numbers, in the order of random ids.

    One snapshot of the database, a page at a time.
    """
    is_number = identifier.c.system == nhs_number.SYSTEM
    joined = person.outerjoin(
        identifier, (identifier.c.person_id == person.c.person_id) & is_number
    )
    values = sa.func.array_agg(identifier.c.value)
    present = values.filter(identifier.c.is_current)
    superseded = values.filter(~identifier.c.is_current)
    query = (
        sa.select(person.c.person_id, present, superseded)
        .select_from(joined)
        .group_by(person.c.person_id)
        .order_by(person.c.person_id)
        .limit(opt_outs.MOST)
    )
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        rows = connection.execute(query).all()
        while rows:
            yield [(row[0], row[1] or [], row[2] or []) for row in rows]
            rows = connection.execute(query.where(person.c.person_id > rows[-1][0])).all()
