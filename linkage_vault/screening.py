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
from uuid import UUID, uuid4

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import decisions, guesses, rescreens
from linkage_vault.blind_index import blind_index, index_of
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.link_pairs import Looking, open_found
from linkage_vault.screen_tables import own_words, rescreen
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.vault import Vault
from moiety.deid.own import tokens
from moiety.deid.own.variants import MOST
from moiety.kit.arrays import Octets
from moiety.kit.errors import Malformed, TooMany
from moiety.wire.screening import Question

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


def ask(vault: Vault, requester: Requester, questions: Sequence[Question]) -> list[list[int]]:
    """For each question the places of the tokens that are its subject's own.

    Raises TooMany, after an entry in the trail, for a record of which too much was asked today.
    """
    asked: Counter[UUID] = Counter()
    for question in questions:
        if len(question.blinded) % tokens.SIZE:
            raise Malformed(f"Tokens are {tokens.SIZE} octets each.")
        asked[question.ehr_id] += len(question.blinded) // tokens.SIZE
    known = _known(vault, requester, asked)
    return [
        tokens.compare(question.nonce, question.blinded, known.get(question.ehr_id, _NOBODY))
        for question in questions
    ]


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


def _alarm(vault: Vault, requester: Requester, ehr_id: UUID) -> None:
    structlog.get_logger().error("screen guessed at", place="/screen")
    decisions.write_down(vault, requester, Ask(Action.SCREEN, ehr_id), outcome="refused")
    raise TooMany(
        "More words were asked about this record today than letters hold.",
        headers={"Retry-After": "3600"},
    )


def _known(vault: Vault, requester: Requester, asked: Mapping[UUID, int]) -> dict[UUID, bytes]:
    """The tokens of the persons of some records; the records are marked as screened.

    `asked`: how many tokens of each.  Raises TooMany.
    """
    keys, counting = vault.keys, guesses.Counting(vault, asked)
    index = index_of(keys, "screen")
    wanted = {index(ehr_id.bytes) for ehr_id in asked}
    looking = Looking(keys, [("ehr", ehr_id) for ehr_id in asked])
    sums, marked, *rows = vault.singles.each(
        [counting.asked, (_MARKED, {"indexes": Octets(wanted)}), *looking.asked]
    )
    for ehr_id in counting.exceeded(sums):
        _alarm(vault, requester, ehr_id)
    # In one order, so that two batches never wait in a ring; before the words are read (`tell`).
    if missing := sorted(wanted.difference(one for (one,) in marked)):
        vault.singles.all(_MARK, {"indexes": Octets(missing)})
    found = open_found(vault.singles, keys, looking.found(rows, vault.singles))
    of_persons: dict[bytes, list[UUID]] = defaultdict(list)
    for (_, ehr_id), records in found.items():
        of_persons[index(records.person_id.bytes)].append(ehr_id)
    words = vault.singles.all(_WORDS, {"indexes": Octets(of_persons)})
    return {
        ehr_id: open_sealed(keys.links.by_version, sealed, _place(words_id, version))
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
