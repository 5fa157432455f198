"""Pseudonyms of a project: a keyed permutation of the 128-bit id.

    subkey    = HKDF-SHA-256(project key, info = label ‖ domain ‖ kind), 32 octets
    pseudonym = AES-256(subkey, id)                 one block, printed as a UUID

AES with a fixed key permutes the 128-bit strings, and an id is one such string.  So no two ids
share a pseudonym, none has to be stored, and the holder of the key, nobody else, goes back.  A mode
of operation hides repeats among the blocks of one message; here the same id shall give the same
pseudonym and every block is a message of its own, so the block cipher is called plainly.  All ids
of one call go through it as one buffer, which is what the cipher interface names ECB.

Each project has a random key, and each kind of id and each recipient's domain a subkey: pseudonyms
of other projects, kinds and domains are unrelated.  The version bits of a pseudonym mean nothing.
It has no authenticity: any UUID leads back to *some* id, so who reverses one looks whether that id
exists.  Source: FIPS 197 (AES), RFC 5869 (HKDF), RFC 9562 (UUID).
"""

import hmac
from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
_BLOCK = 16
_LABEL = b"moiety/project/pseudonym/1"
_SHIFT_LABEL = b"moiety/project/date-shift/1"


class Kind(StrEnum):
    """What an id stands for; the words are part of the derivation and never change."""

    EHR = "ehr"
    VERSIONED_OBJECT = "versioned_object"
    CONTRIBUTION = "contribution"
    PARTY = "party"  # a composer, committer or participant


class Pseudonyms:
    """Both directions in one project for one recipient's domain.

    Raises ValueError for a key of other than 32 octets.
    """

    def __init__(self, key: bytes, domain: UUID) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError(f"a project's key has {KEY_SIZE} octets")
        self._ciphers = {kind: Cipher(_algorithm(key, domain, kind), ECB()) for kind in Kind}  # noqa: S305  single blocks, see above

    def __repr__(self) -> str:
        """No key."""
        return "<pseudonyms>"

    def pseudonymise(self, kind: Kind, ids: Iterable[UUID]) -> list[UUID]:
        """The pseudonym of each id, in their order."""
        return _split(self._ciphers[kind].encryptor().update(_joined(ids)))

    def reverse(self, kind: Kind, pseudonyms: Iterable[UUID]) -> list[UUID]:
        """The id behind each pseudonym, in their order; of a UUID that is none, some other UUID."""
        return _split(self._ciphers[kind].decryptor().update(_joined(pseudonyms)))


def date_shift_seed(key: bytes) -> bytes:
    """The 32 octets from which a project's shifts of dates are made; they do not tell the key."""
    return _derive(key, _SHIFT_LABEL)


def shift_days(seed: bytes, ehr_id: UUID, *, most: int) -> int:
    """By how many days all dates of one EHR move in a project: from -`most` to `most`, never 0.

    One shift a record keeps the days between its events; `most` is at least 1.
    """
    drawn = int.from_bytes(hmac.digest(seed, ehr_id.bytes, "sha256"), "big") % (2 * most)
    return drawn - most if drawn < most else drawn - most + 1


def _algorithm(key: bytes, domain: UUID, kind: Kind) -> AES256:
    return AES256(_derive(key, b"/".join((_LABEL, domain.bytes, kind.value.encode()))))


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_SIZE, salt=None, info=info).derive(key)


def _joined(ids: Iterable[UUID]) -> bytes:
    return b"".join([one.bytes for one in ids])


def _split(blocks: bytes) -> list[UUID]:
    return [UUID(bytes=blocks[at : at + _BLOCK]) for at in range(0, len(blocks), _BLOCK)]
