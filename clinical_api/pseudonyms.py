"""How ids and dates look inside a project: what a researcher is shown, and what they send back.

An id goes both ways, since a researcher's query names records by pseudonyms.  A version uid keeps
its form, object::system::version, with the object's pseudonym; what has no UUID has no pseudonym.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from moiety.deid.pseudonyms import Kind, Pseudonyms, shift_days


@dataclass(frozen=True, slots=True)
class Disguise:
    """One project's pseudonyms and shifts of dates."""

    pseudonyms: Pseudonyms
    seed: bytes = field(repr=False)
    most: int

    def ehr_ids(self, ehr_ids: Iterable[UUID]) -> list[UUID]:
        """The pseudonyms of records."""
        return self.pseudonyms.pseudonymise(Kind.EHR, ehr_ids)

    def ehr_ids_behind(self, pseudonyms: Iterable[UUID]) -> list[UUID]:
        """The records behind pseudonyms; a UUID that is none leads to no record."""
        return self.pseudonyms.reverse(Kind.EHR, pseudonyms)

    def version_uid(self, uid: str) -> str:
        """The uid of a version or versioned object.  Raises ValueError without a UUID in front."""
        return _of_object(uid, self.pseudonyms.pseudonymise)

    def version_uid_behind(self, uid: str) -> str:
        """The way back.  Raises ValueError."""
        return _of_object(uid, self.pseudonyms.reverse)

    def contribution(self, uid: UUID) -> UUID:
        """The pseudonym of a contribution."""
        return self.pseudonyms.pseudonymise(Kind.CONTRIBUTION, [uid])[0]

    def party(self, id_: UUID) -> UUID:
        """The pseudonym of a composer, committer or participant who has an id."""
        return self.pseudonyms.pseudonymise(Kind.PARTY, [id_])[0]

    def shift(self, ehr_id: UUID) -> timedelta:
        """By how much all dates of a record move."""
        return timedelta(days=shift_days(self.seed, ehr_id, most=self.most) if self.most else 0)


def _of_object(uid: str, way: Callable[[Kind, Iterable[UUID]], list[UUID]]) -> str:
    object_id, separator, rest = uid.partition("::")
    return f"{way(Kind.VERSIONED_OBJECT, [UUID(object_id)])[0]}{separator}{rest}"
