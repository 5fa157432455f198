"""The own-identifier screen: which of a document's words are its subject's, without the words.

The demographic service tells the tokens of a person's identifiers, under a key that this vault does
not have.  The clinical service asks with tokens of a document's words, blinded for each question.
Equality is all that is seen here, and indexes of its own words all that clinical is told.

Every question costs the same, whether or not the record belongs to anybody: 512 tokens are blinded
and compared, random ones where there are none.  Guessing is bounded by how many tokens may be asked
of one record in a day; beyond that the answer is 429, an alarm and an entry.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import decisions, guesses, rescreens
from linkage_vault.blind_index import blind_index, index_of
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.link_pairs import Found, Looking, open_found
from linkage_vault.screen_tables import own_words, rescreen
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.vault import Vault
from moiety.deid.own import tokens
from moiety.deid.own.variants import MOST
from moiety.kit.arrays import Octets
from moiety.kit.errors import Malformed, TooMany
from moiety.wire.decoding import decode
from moiety.wire.screening import Question, Screen

_SIZE = MOST * tokens.SIZE
_NOBODY = secrets.token_bytes(_SIZE)


def tell(vault: Vault, person_id: UUID, told: bytes) -> None:
    """Keeps the tokens of a person, 16 octets each, in place of those before.

    The person's record, if it was ever screened, will be screened again.  Raises Malformed.
    """
    if len(told) % tokens.SIZE or len(told) > _SIZE:
        raise Malformed(f"Tokens are {tokens.SIZE} octets each, at most {MOST}.")
    padded = told + secrets.token_bytes(_SIZE - len(told))
    index = blind_index(vault.keys, "screen", person_id)
    with vault.engine.begin() as connection:
        row = connection.execute(
            sa.select(own_words.c.words_id, own_words.c.version)
            .where(own_words.c.person_index == index)
            .with_for_update()
        ).one_or_none()
        words_id, version = (row.words_id, row.version + 1) if row else (uuid4(), 1)
        sealed = seal(vault.keys.links.current, padded, _place(words_id, version), size=_SIZE + 2)
        values = {"version": version, "person_index": index, "sealed": sealed}
        connection.execute(
            insert(own_words)
            .values(words_id=words_id, **values)
            .on_conflict_do_update(index_elements=["words_id"], set_=values)
        )
        rescreens.mark(connection, vault.keys, person_id)
    # A record that was screened for the first time meanwhile may not have been seen above, and its
    # question was answered with the words before.  Now one of the two is sure to see the other.
    with vault.engine.begin() as connection:
        rescreens.mark(connection, vault.keys, person_id)


class Call(NamedTuple):
    """What one service asks at once: a `Screen` in JSON."""

    requester: Requester
    body: bytes


def ask_each(vault: Vault, calls: Sequence[Call]) -> list[list[list[int]] | Exception]:
    """For each question of each call the places of the tokens that are its subject's own.

    A call has its error in place of its answers: Malformed, or TooMany, after an entry in the
    trail, for a record of which too much was asked today, by the calls before it too.
    """
    read = [_read(call.body) for call in calls]
    asked: Counter[UUID] = Counter()
    for _, sizes in read:
        asked.update(sizes)
    counting = guesses.Counting(vault, asked)
    looking = Looking(vault.keys, [("ehr", ehr_id) for ehr_id in asked])
    index = index_of(vault.keys, "screen")
    marks = {ehr_id: index(ehr_id.bytes) for ehr_id in asked}
    sums, marked, *rows = vault.singles.each(
        [counting.asked, (_MARKED, {"indexes": Octets(marks.values())}), *looking.asked]
    )
    found = looking.found(rows, vault.singles)
    refused = _refused(counting.totals(sums), [sizes for _, sizes in read])
    allowed = {
        ehr_id for (_, sizes), over in zip(read, refused, strict=True) if over is None
        for ehr_id in sizes
    }  # fmt: skip
    # Before the words are read (see `tell`); in one order, so that two turns never wait in a ring.
    if missing := {marks[ehr_id] for ehr_id in allowed}.difference(one for (one,) in marked):
        vault.singles.all(_MARK, {"indexes": Octets(sorted(missing))})
    known = _known(vault, {one: rows for one, rows in found.items() if one[1] in allowed})
    answers: list[list[list[int]] | Exception] = []
    for call, (questions, _), over in zip(calls, read, refused, strict=True):
        if isinstance(questions, Malformed):
            answers.append(questions)
        elif over is not None:
            answers.append(_alarm(vault, call.requester, over))
        else:
            answers.append(
                [
                    tokens.compare(one.nonce, one.blinded, known.get(one.ehr_id, _NOBODY))
                    for one in questions
                ]
            )
    return answers


def due(vault: Vault, *, limit: int) -> list[UUID]:
    """Records whose person's identifiers changed since they were screened, in no order."""
    with vault.engine.connect() as connection:
        rows = connection.execute(sa.select(rescreen).order_by(rescreen.c.slot_id).limit(limit))
        return [
            UUID(
                bytes=open_sealed(
                    vault.keys.links.by_version, row.sealed, rescreens.place_of(row.slot_id)
                )
            )
            for row in rows
        ]


def done(vault: Vault, ehr_ids: Sequence[UUID]) -> None:
    """These records were screened again."""
    indexes = [blind_index(vault.keys, "screen", ehr_id) for ehr_id in ehr_ids]
    with vault.engine.begin() as connection:
        connection.execute(rescreen.delete().where(rescreen.c.screened_index.in_(indexes)))


def _read(body: bytes) -> tuple[list[Question] | Malformed, Counter[UUID]]:
    """The questions of a call, and how many tokens of each record they ask."""
    sizes: Counter[UUID] = Counter()
    try:
        questions = decode(body, Screen).questions
    except Malformed as error:
        return error, sizes
    if any(len(one.blinded) % tokens.SIZE for one in questions):
        return Malformed(f"Tokens are {tokens.SIZE} octets each."), sizes
    for one in questions:
        sizes[one.ehr_id] += len(one.blinded) // tokens.SIZE
    return questions, sizes


def _refused(totals: Mapping[UUID, int], calls: Sequence[Mapping[UUID, int]]) -> list[UUID | None]:
    """Of each call a record of which too much was asked with it, counted as they came."""
    counted = Counter(totals)
    for sizes in calls:
        counted.subtract(sizes)
    refused = []
    for sizes in calls:
        counted.update(sizes)
        refused.append(next((one for one in sizes if counted[one] > guesses.DAILY), None))
    return refused


def _alarm(vault: Vault, requester: Requester, ehr_id: UUID) -> TooMany:
    structlog.get_logger().error("screen guessed at", place="/screen")
    decisions.write_down(vault, requester, Ask(Action.SCREEN, ehr_id), outcome="refused")
    return TooMany(
        "More words were asked about this record today than letters hold.",
        headers={"Retry-After": "3600"},
    )


def _known(vault: Vault, found: Found) -> dict[UUID, bytes]:
    """The tokens of the persons of some records."""
    index = index_of(vault.keys, "screen")
    of_persons: dict[bytes, list[UUID]] = defaultdict(list)
    for (_, ehr_id), records in open_found(vault.singles, vault.keys, found).items():
        of_persons[index(records.person_id.bytes)].append(ehr_id)
    words = vault.singles.all(_WORDS, {"indexes": Octets(of_persons)})
    return {
        ehr_id: open_sealed(vault.keys.links.by_version, sealed, _place(words_id, version))
        for person, words_id, version, sealed in words
        for ehr_id in of_persons[person]
    }


def _place(words_id: UUID, version: int) -> Place:
    return Place("own_words", str(words_id), "sealed", version)


_MARKED = "SELECT screened_index FROM screened WHERE screened_index = ANY(%(indexes)b::bytea[])"
_MARK = """
INSERT INTO screened (screened_index) SELECT unnest(%(indexes)b::bytea[]) ON CONFLICT DO NOTHING
"""
_WORDS = """
SELECT person_index, words_id, version, sealed FROM own_words
WHERE person_index = ANY(%(indexes)b::bytea[])
"""
