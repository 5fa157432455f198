"""Records screened again: written while the vault was away, or of a person who has changed since.

Every version of the record is asked about, the history too.  Own words that are found are sealed as
they would have been at the door: the document is exchanged, and its typed rows go, so that queries
read the document itself.  Audits, attestations, originals of imported versions and tags are looked
at too.
Killed in between, the work begins again where the record still waits.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError

from clinical_api import documents, tables, tags
from clinical_api.own_words import (
    OwnWords,
    Screened,
    Sealed,
    attestation_place,
    original_place,
)
from clinical_api.screen import Found
from moiety.kit.errors import ServiceError, TooMany
from moiety.kit.threads import at_intervals, threads
from moiety.wire import screening

_MOST = 100  # records a look
_KEY = "screen"  # who did it, in the commit log


@contextmanager
def keep_screened(engine: sa.Engine, own: OwnWords, *, interval: float) -> Iterator[None]:
    """Runs the worker while the context lasts; `interval` is the pause between looks in seconds."""
    with threads(at_intervals(interval, partial(_look, engine, own)), name="rescreening"):
        yield


def screen_waiting(engine: sa.Engine, own: OwnWords) -> int:
    """Screens every record that waits, up to a hundred from each side; how many there were.

    Raises ServiceError when the vault is away: the records go on waiting.
    """
    with engine.connect() as connection:
        later = connection.scalars(
            sa.select(tables.screen_later.c.ehr_id).distinct().limit(_MOST)
        ).all()
    due = screening.due(own.client, limit=_MOST)
    screened = [one for one in {*later, *due} if _is_screened(engine, own, one)]
    if done := sorted({*due}.intersection(screened)):
        screening.done(own.client, done)
    return len(screened)


def _is_screened(engine: sa.Engine, own: OwnWords, ehr_id: UUID) -> bool:
    """Screens one record; of one that was asked about too much today, the rest waits."""
    try:
        screen_record(engine, own, ehr_id)
    except TooMany:
        return False
    return True


def screen_record(engine: sa.Engine, own: OwnWords, ehr_id: UUID) -> int:
    """Screens every version of one record; how many were changed.  Raises ServiceError."""
    changed = 0
    for kind in tables.KINDS.values():
        for table in (kind.head, kind.history):
            with engine.connect() as connection:
                waiting = connection.scalars(
                    sa.select(table.c.row_key).where(
                        table.c.ehr_id == ehr_id, table.c.document.is_not(None)
                    )
                ).all()
            changed += sum(_screen_version(engine, own, table, ehr_id, key) for key in waiting)
    changed += _screen_audits(engine, own, ehr_id) + _screen_beside(engine, own, ehr_id)
    changed += _screen_tags(engine, own, ehr_id)
    with engine.begin() as connection:
        later = tables.screen_later
        connection.execute(later.delete().where(later.c.ehr_id == ehr_id))
    return changed


_AUDITS = " UNION ALL ".join(
    f"SELECT '{table}', {key}::text, {place}, audit FROM {table} WHERE ehr_id = :ehr_id"
    for table, key, place in [
        ("contribution", "contribution_id", "contribution_id::text"),
        *(
            (one.name, "row_key", "object_id || '::' || version")
            for kind in tables.KINDS.values()
            for one in (kind.head, kind.history)
        ),
    ]
)
_RESEAL = sa.text("SELECT reseal.audit(:kind, :ehr_id, :place, :said, :key_id)").bindparams(
    sa.bindparam("said", type_=JSONB)
)


def _screen_audits(engine: sa.Engine, own: OwnWords, ehr_id: UUID) -> int:
    """What commits say of themselves, each wording asked about once; how many were changed."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text(_AUDITS), {"ehr_id": ehr_id}).all()
    known: dict[bytes, Screened] = {}
    changed = 0
    for kind, key, place, audit in rows:
        text = msgspec.json.encode(audit, order="sorted")
        if text not in known:
            known[text] = own.look(ehr_id, text)
        if (said := known[text].text) is None:
            continue
        given = {"kind": kind, "place": key, "said": msgspec.json.decode(said)}
        changed += _reseal(engine, _RESEAL, ehr_id, given, place, known[text].sealed)
    return changed


_ATTESTATIONS = sa.text(
    "SELECT attestation_id, object_id, version, attestation FROM attestation WHERE ehr_id = :ehr_id"
)
_ORIGINALS = sa.text(
    "SELECT object_id, version, detail -> 'original' FROM version_detail"
    " WHERE ehr_id = :ehr_id AND detail ? 'original'"
)
_RESEAL_ATTESTATION = sa.text("SELECT reseal.attestation(:ehr_id, :attestation, :said, :key_id)")
_RESEAL_ORIGINAL = sa.text(
    "SELECT reseal.original(:ehr_id, :object_id, :version, :said, :key_id)"
).bindparams(sa.bindparam("said", type_=JSONB))


def _screen_beside(engine: sa.Engine, own: OwnWords, ehr_id: UUID) -> int:
    """Attestations, and what imported versions came as; how many were changed."""
    with engine.connect() as connection:
        attested = connection.execute(_ATTESTATIONS, {"ehr_id": ehr_id}).all()
        imported = connection.execute(_ORIGINALS, {"ehr_id": ehr_id}).all()
    changed = 0
    for attestation_id, object_id, version, packed in attested:
        outcome = own.look(ehr_id, documents.unpack(packed))
        if outcome.text is None:
            continue
        given = {"attestation": attestation_id, "said": documents.pack(outcome.text)}
        place = attestation_place(object_id, version, attestation_id)
        changed += _reseal(engine, _RESEAL_ATTESTATION, ehr_id, given, place, outcome.sealed)
    for object_id, version, original in imported:
        outcome = own.look(ehr_id, msgspec.json.encode(original))
        if outcome.text is None:
            continue
        said = msgspec.json.decode(outcome.text)
        given = {"object_id": object_id, "version": version, "said": said}
        place = original_place(object_id, version)
        changed += _reseal(engine, _RESEAL_ORIGINAL, ehr_id, given, place, outcome.sealed)
    return changed


def _reseal(
    engine: sa.Engine,
    statement: sa.TextClause,
    ehr_id: UUID,
    given: dict[str, Any],
    place: str,
    sealed: Sealed | None,
) -> int:
    """Exchanges what is said beside documents and keeps what was sealed out of it, or neither."""
    with engine.begin() as connection:
        done: int = connection.scalar(statement, given | {"ehr_id": ehr_id, "key_id": _KEY}) or 0
        if done:
            _keep(connection, ehr_id, place, sealed)
    return done


def _keep(connection: sa.Connection, ehr_id: UUID, place: str, sealed: Sealed | None) -> None:
    """The box of an audit, beside those that it has."""
    words = tables.audit_words
    if sealed is None:
        return
    highest = connection.scalar(
        sa.select(sa.func.max(words.c.number)).where(
            words.c.ehr_id == ehr_id, words.c.place == place
        )
    )
    row = {
        "ehr_id": ehr_id, "place": place, "number": 0 if highest is None else highest + 1,
        "seal_id": str(sealed.seal_id), "box": base64.b64encode(sealed.box).decode(),
    }  # fmt: skip
    connection.execute(words.insert().values(row))


def _screen_tags(engine: sa.Engine, own: OwnWords, ehr_id: UUID) -> int:
    """The values of the record's tags; how many were changed."""
    t = tables.item_tag
    wanted = sa.select(t.c.tag_id, t.c.value, t.c.sealed).where(
        t.c.ehr_id == ehr_id, t.c.value.is_not(None)
    )
    with engine.connect() as connection:
        rows = connection.execute(wanted).all()
    # A tag is its key and its value; the key is left as it is, for it names the tag.
    outcome = own.look(ehr_id, msgspec.json.encode([(None, row.value) for row in rows]))
    if outcome.text is None:
        return 0
    told = msgspec.json.decode(outcome.text, type=list[tuple[None, str]])
    changed = 0
    with engine.begin() as connection:
        for number, (row, (_, value)) in enumerate(zip(rows, told, strict=True)):
            if value == row.value:
                continue
            new = tags.boxes(outcome.sealed, number, is_in_it=True) or []
            values = {"value": value, "sealed": [*(row.sealed or ()), *msgspec.to_builtins(new)]}
            # And still is: who wrote another meanwhile was screened then.
            this = (t.c.ehr_id == ehr_id, t.c.tag_id == row.tag_id, t.c.value == row.value)
            changed += connection.execute(t.update().where(*this).values(values)).rowcount
    return changed


def _screen_version(
    engine: sa.Engine, own: OwnWords, table: sa.Table, ehr_id: UUID, row_key: int
) -> bool:
    """One version, whose row is held so that no successor takes it to the history meanwhile."""
    chosen = sa.select(table.c.document).where(table.c.ehr_id == ehr_id, table.c.row_key == row_key)
    is_head = table in {kind.head for kind in tables.KINDS.values()}
    with engine.begin() as connection:
        document = connection.scalar(chosen.with_for_update() if is_head else chosen)
        if document is None:
            return False  # it has gone to the history, which is looked at next
        outcome = own.look(ehr_id, documents.unpack(document))
        if outcome.text is None:
            return False
        _exchange(connection, table, ehr_id, row_key, outcome)
    return True


def _exchange(
    connection: sa.Connection, table: sa.Table, ehr_id: UUID, row_key: int, outcome: Screened
) -> None:
    if table is tables.composition.head:
        _forget_rows(connection, ehr_id, row_key)
    connection.execute(
        sa.text("SELECT reseal.version(:kind, :ehr_id, :row_key, :document, :key_id)"),
        {
            "kind": table.name, "ehr_id": ehr_id, "row_key": row_key,
            "document": documents.pack(outcome.text or b""), "key_id": _KEY,
        },
    )  # fmt: skip
    place = {"ehr_id": ehr_id, "row_key": row_key}
    if outcome.sealed is not None:
        connection.execute(
            tables.sealed_words.insert().values(
                **place,
                number=_next(connection, tables.sealed_words, ehr_id, row_key),
                seal_id=str(outcome.sealed.seal_id),
                box=base64.b64encode(outcome.sealed.box).decode(),
            )
        )
    _note(connection, ehr_id, row_key, outcome.found)


def _forget_rows(connection: sa.Connection, ehr_id: UUID, row_key: int) -> None:
    """The version's typed rows, which hold the words too; queries read its document from now on."""
    head = tables.composition.head
    here = (head.c.ehr_id == ehr_id, head.c.row_key == row_key)
    for group in connection.scalar(sa.select(head.c.groups).where(*here)) or ():
        leaf = sa.table(group, sa.column("ehr_id"), sa.column("row_key"), schema="leaf")
        connection.execute(leaf.delete().where(leaf.c.ehr_id == ehr_id, leaf.c.row_key == row_key))
    connection.execute(head.update().where(*here).values(groups=[], rows_version=0))


def _note(connection: sa.Connection, ehr_id: UUID, row_key: int, found: Sequence[Found]) -> None:
    first = _next(connection, tables.screen_finding, ehr_id, row_key)
    rows = [
        {"ehr_id": ehr_id, "row_key": row_key, "number": first + number, **one.place()}
        for number, one in enumerate(found)
    ]
    if rows:
        connection.execute(tables.screen_finding.insert(), rows)


def _next(connection: sa.Connection, table: sa.Table, ehr_id: UUID, row_key: int) -> int:
    highest = connection.scalar(
        sa.select(sa.func.max(table.c.number)).where(
            table.c.ehr_id == ehr_id, table.c.row_key == row_key
        )
    )
    return 0 if highest is None else highest + 1


def _look(engine: sa.Engine, own: OwnWords) -> None:
    log = structlog.get_logger()
    try:
        count = screen_waiting(engine, own)
    except (ServiceError, SQLAlchemyError) as error:
        log.warning("not screened again", error_kind=type(error).__name__, peer="vault")
        return
    if count:
        log.info("screened again", count=count)
