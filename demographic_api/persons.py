"""Register, read and update a person.  A version is added, never changed."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
import zstandard
from msgspec import UNSET
from sqlalchemy.dialects.postgresql import insert

from demographic_api import patients, tables, words
from demographic_api.fhir import Patient, VersionMeta, given
from demographic_api.tables import person, person_history
from moiety.kit.errors import Conflict, NotFound, VersionConflict

_LONGEST_DOCUMENT = 1 << 20


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a person."""

    person_id: UUID
    number: int
    patient: Patient

    def resource(self) -> Patient:
        """The Patient as it is answered, with its id and version."""
        profile = UNSET if self.patient.meta is UNSET else self.patient.meta.profile
        meta = VersionMeta(versionId=str(self.number), profile=profile)
        return msgspec.structs.replace(self.patient, id=str(self.person_id), meta=meta)


def register(connection: sa.Connection, patient: Patient) -> Version:
    """Registers a person under a new random id.

    Raises Unprocessable for a Patient that breaks a rule, and Conflict when the NHS number is
    another person's already.
    """
    version = Version(uuid4(), 1, patients.check(patient))
    document = compress(version.patient)
    connection.execute(
        person.insert().values(
            person_id=version.person_id,
            version=1,
            birth_date=_birth_date(version.patient),
            document=document,
        )
    )
    _add_version(connection, version, document)
    return version


def read(connection: sa.Connection, person_id: UUID) -> Version:
    """The latest version of a person.  Raises NotFound."""
    query = sa.select(person.c.version, person.c.document).where(person.c.person_id == person_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return Version(person_id, row.version, expand(row.document))


def read_version(connection: sa.Connection, person_id: UUID, number: int) -> Version:
    """One version of a person.  Raises NotFound."""
    history = person_history.c
    query = sa.select(history.document).where(
        history.person_id == person_id, history.version == number
    )
    document = connection.scalar(query)
    if document is None:
        raise NotFound
    return Version(person_id, number, expand(document))


def update(
    connection: sa.Connection, person_id: UUID, patient: Patient, *, preceding: int
) -> Version:
    """Replaces version `preceding`, which must be the latest.

    Raises NotFound, VersionConflict with the latest `ETag`, and what `register` raises.
    """
    checked = patients.check(patient)
    _demand_living(connection, person_id)
    locked = sa.select(person.c.version).where(person.c.person_id == person_id).with_for_update()
    latest = connection.scalar(locked)
    if latest is None:
        raise NotFound
    if latest != preceding:
        raise VersionConflict(headers={"ETag": etag(latest)})
    version = Version(person_id, latest + 1, checked)
    document = compress(checked)
    connection.execute(
        person.update()
        .where(person.c.person_id == person_id)
        .values(version=version.number, birth_date=_birth_date(checked), document=document)
    )
    for table in (tables.identifier, tables.person_name):
        connection.execute(table.delete().where(table.c.person_id == person_id))
    _add_version(connection, version, document)
    return version


def put_document(
    connection: sa.Connection, person_id: UUID, number: int, document: bytes
) -> Version:
    """Adds a version whose document is given; what searches compare stays as it is."""
    version = Version(person_id, number, expand(document))
    row = person.update().where(person.c.person_id == person_id)
    connection.execute(row.values(version=number, document=document))
    connection.execute(_history_row(version, document))
    return version


def leave_words_due(connection: sa.Connection, person_id: UUID) -> None:
    """The vault is to be told this person's words."""
    waiting = insert(tables.words_due).values(person_id=person_id, ticket=secrets.randbits(63))
    connection.execute(
        waiting.on_conflict_do_update(
            index_elements=["person_id"], set_={"ticket": waiting.excluded.ticket}
        )
    )


def etag(number: int) -> str:
    """A version as FHIR's weak `ETag`."""
    return f'W/"{number}"'


def expand(document: bytes) -> Patient:
    """A stored Patient."""
    octets = zstandard.ZstdDecompressor().decompress(document, max_output_size=_LONGEST_DOCUMENT)
    return msgspec.json.decode(octets, type=Patient)


def _add_version(connection: sa.Connection, version: Version, document: bytes) -> None:
    connection.execute(_history_row(version, document))
    if identifiers := _identifier_rows(version):
        statement = insert(tables.identifier).values(identifiers).on_conflict_do_nothing()
        added = connection.execute(statement.returning(tables.identifier.c.number)).all()
        if len(added) != len(identifiers):
            raise Conflict("Another person has this NHS number.")
    connection.execute(tables.person_name.insert(), _name_rows(version))
    leave_words_due(connection, version.person_id)


def _history_row(version: Version, document: bytes) -> sa.Insert:
    return person_history.insert().values(
        person_id=version.person_id,
        version=version.number,
        month=datetime.now(UTC).date().replace(day=1),
        document=document,
    )


def _demand_living(connection: sa.Connection, person_id: UUID) -> None:
    merged = tables.person_merge.c.person_id
    if connection.scalar(sa.select(merged).where(merged == person_id)) is not None:
        raise Conflict("This person was merged into another: update that one, or take it back.")


def _identifier_rows(version: Version) -> list[dict[str, object]]:
    return [
        {
            "person_id": version.person_id,
            "number": number,
            "system": identifier.system,
            "value": identifier.value,
            "is_current": patients.is_current(identifier),
        }
        for number, identifier in enumerate(given(version.patient.identifier))
    ]


def _name_rows(version: Version) -> Sequence[dict[str, object]]:
    """Each part of each name, and each later word of a part, so that a search may begin there."""
    found: set[tuple[str, str]] = set()
    for name in given(version.patient.name):
        for kind, value in patients.name_parts(name):
            whole = words.normalise(value)
            found.add((kind, whole))
            found.update((kind, word) for word in whole.split()[1:])
    return [
        {"person_id": version.person_id, "number": number, "kind": kind, "word": word}
        for number, (kind, word) in enumerate(sorted(found))
    ]


def _birth_date(patient: Patient) -> str | None:
    return None if patient.birthDate is UNSET else patient.birthDate


def compress(patient: Patient) -> bytes:
    """A Patient as it is stored."""
    return zstandard.ZstdCompressor().compress(msgspec.json.encode(patient))
