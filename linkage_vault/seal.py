"""Sealing under fresh data keys, AES-256-GCM, bound to the place where the value is stored.

An envelope, lengths in octets:

    +--------+-------------+------------------+-------+------------+-----+
    | format | KEK version |   wrapped DEK    | nonce | ciphertext | tag |
    |   1    |  4, big end |  40 (RFC 3394)   |  12   |    size    | 16  |
    +--------+-------------+------------------+-------+------------+-----+

    ciphertext = AES-256-GCM(DEK, nonce, length (2, big end) || plaintext || zeros, associated data)

The data key (DEK) is random and is kept wrapped only.  It encrypts one plaintext, or those of one
`Batch`, whose nonces are counted up from a random one, so a nonce can never meet its key twice.  A
batch's envelopes hold the same wrapped key, which tells that they were sealed together, and no
more: each opens in its own place alone.  The associated data is a length-prefixed encoding of
table, row, column, row version and KEK version: an envelope moved to another row or column, put
back from an older version of its row, or re-labelled for another KEK does not open.  All envelopes
of a column have one length.  What opening does *not* prove: that the row was not deleted, and that
it is the newest; the row version comes from the same database.

Links are sealed in another format, whose data key is wrapped and stored apart (`link_seals`):

    +--------+-------+------------+-----+
    | format | nonce | ciphertext | tag |
    |   2    |  12   |    size    | 16  |
    +--------+-------+------------+-----+

Its associated data is table, row, column, version of this schema and version of the data key, which
is that of the row: rotating the key-encryption key leaves the row as it is.
"""

import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from linkage_vault.key_ring import KEY_SIZE, Kek
from linkage_vault.macs import mac_once

FORMAT = 1
FORMAT_APART = 2
SCHEMA = 2
WRAPPED_SIZE = KEY_SIZE + 8
NONCE_SIZE = 12
TAG_SIZE = 16
LENGTH_SIZE = 2
HEADER_SIZE = 1 + 4 + WRAPPED_SIZE + NONCE_SIZE
_APART = bytes([FORMAT_APART])
_NONCES = 1 << 8 * NONCE_SIZE


class Tampered(Exception):
    """A sealed value does not open in its place: changed, moved, replayed or of an unknown key."""


class Place(NamedTuple):
    """Where a sealed value is stored: what the associated data binds it to."""

    table: str
    row: str
    column: str
    version: int


class Column(NamedTuple):
    """A column of a table, and the version of its rows: a place but for the row."""

    table: str
    name: str
    version: int

    def place(self, row: int) -> Place:
        """Where the value of a numbered row is."""
        return Place(self.table, str(row), self.name, self.version)


def encode_lengths(*parts: bytes) -> bytes:
    """Parts with their count and lengths in front, so that no two lists encode alike.

    The pre-authentication encoding of DSSE and PASETO: 64-bit little-endian numbers.
    """
    counted = [len(part).to_bytes(8, "little") + part for part in parts]
    return len(parts).to_bytes(8, "little") + b"".join(counted)


def encode_place(label: bytes, place: Place, *rest: bytes) -> bytes:
    """`encode_lengths` of a label, a place's table and row, and the rest."""
    return _encode_row(_around_row(label, place.table, rest), place.row)


def _encode_row(around: tuple[bytes, bytes], row: str) -> bytes:
    octets = row.encode()
    return b"".join((around[0], len(octets).to_bytes(8, "little"), octets, around[1]))


@lru_cache(maxsize=256)
def _around_row(label: bytes, table: str, rest: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """What stands before and after the row, which alone changes from value to value."""
    count = (3 + len(rest)).to_bytes(8, "little")
    return count + encode_lengths(label, table.encode())[8:], encode_lengths(*rest)[8:]


def seal(kek: Kek, plaintext: bytes, place: Place, *, size: int) -> bytes:
    """The envelope of `plaintext`, padded to `size` octets with its length, for one place.

    Raises `ValueError` when the plaintext does not fit: a longer envelope would tell it apart.
    """
    return Batch(kek).seal(plaintext, place, size=size)


class Batch:
    """Envelopes that are sealed together, by one thread, under one fresh data key.

    For values that are stored in one transaction: making and wrapping a key costs more than sealing
    with it.
    """

    def __init__(self, kek: Kek) -> None:
        dek = secrets.token_bytes(KEY_SIZE)
        self._cipher = AESGCM(dek)
        wrapped = aes_key_wrap(kek.secret.reveal(), dek)
        self._head = bytes([FORMAT]) + kek.version.to_bytes(4, "big") + wrapped
        self._kek_version = kek.version
        self._nonce = int.from_bytes(secrets.token_bytes(NONCE_SIZE), "big")
        self._around = dict[Column, tuple[bytes, bytes]]()

    def seal(self, plaintext: bytes, place: Place, *, size: int) -> bytes:
        """As `seal` does, which is a batch of one."""
        padded = _pad(plaintext, place, size)
        nonce = self._nonce.to_bytes(NONCE_SIZE, "big")
        self._nonce = (self._nonce + 1) % _NONCES
        bound = _associated_data(place, self._kek_version)
        return b"".join((self._head, nonce, self._cipher.encrypt(nonce, padded, bound)))

    def seal_at(self, column: Column, row: int, plaintext: bytes, *, size: int) -> bytes:
        """As `seal` in the place of a column whose rows are numbered, in half the time."""
        around = self._around.get(column)
        if around is None:
            around = self._around[column] = _around_sealed(*column, self._kek_version)
        padded = len(plaintext).to_bytes(LENGTH_SIZE, "big") + plaintext.ljust(
            size - LENGTH_SIZE, b"\0"
        )
        if len(padded) != size:
            raise ValueError(f"a value of {column.table}.{column.name} exceeds {size} octets")
        nonce = self._nonce.to_bytes(NONCE_SIZE, "big")
        self._nonce = (self._nonce + 1) % _NONCES
        digits = b"%d" % row
        counted = around[0] + len(digits).to_bytes(8, "little") + digits + around[1]
        return self._head + nonce + self._cipher.encrypt(nonce, padded, counted)


def open_sealed(keks: Mapping[int, Kek], envelope: bytes, place: Place) -> bytes:
    """The plaintext of an envelope found in `place`; raises `Tampered`, with the place's column.

    One message for every reason: which check failed is of use only to the one who tampered.
    """
    try:
        return _open(keks, bytes(envelope), place)
    except (InvalidTag, InvalidUnwrap, KeyError, ValueError):
        raise Tampered(f"a sealed value of {place.table}.{place.column} does not open") from None


def seal_apart(data_key: bytes, plaintext: bytes, place: Place, *, size: int) -> bytes:
    """The envelope of `plaintext` under a data key that encrypts nothing else, for one place.

    Raises `ValueError` as `seal` does.
    """
    padded = _pad(plaintext, place, size)
    nonce = secrets.token_bytes(NONCE_SIZE)
    ciphertext = AESGCM(data_key).encrypt(nonce, padded, _bound(place))
    return _APART + nonce + ciphertext


def open_apart(data_key: bytes, envelope: bytes, place: Place) -> bytes:
    """The plaintext of an envelope that `seal_apart` made; raises `Tampered`."""
    nonce, ciphertext = envelope[1 : 1 + NONCE_SIZE], envelope[1 + NONCE_SIZE :]
    try:
        if envelope[:1] == _APART:
            return _unpad(AESGCM(data_key).decrypt(nonce, ciphertext, _bound(place)))
    except (InvalidTag, ValueError):
        pass
    raise Tampered(f"a sealed value of {place.table}.{place.column} does not open")


def derive_link_key(data_key: bytes, shred_secret: bytes, place: Place) -> bytes:
    """The key of a link, for which both the data key and the shred store's secret are needed.

    HKDF-SHA-256 (RFC 5869) with the secret as its salt, of one block: extract, then expand.
    """
    info = encode_place(b"moiety/vault/link-key/1", place)
    return mac_once(mac_once(shred_secret, data_key), info + b"\x01")


def reseal(keks: Mapping[int, Kek], kek: Kek, envelope: bytes, place: Place) -> bytes:
    """The same value in the same place under another key-encryption key.  Raises `Tampered`."""
    size = len(envelope) - HEADER_SIZE - TAG_SIZE
    return seal(kek, open_sealed(keks, envelope, place), place, size=size)


def _open(keks: Mapping[int, Kek], envelope: bytes, place: Place) -> bytes:
    if len(envelope) < HEADER_SIZE + LENGTH_SIZE + TAG_SIZE or envelope[0] != FORMAT:
        raise ValueError
    kek = keks[int.from_bytes(envelope[1:5], "big")]
    wrapped, nonce = envelope[5 : 5 + WRAPPED_SIZE], envelope[5 + WRAPPED_SIZE : HEADER_SIZE]
    dek = aes_key_unwrap(kek.secret.reveal(), wrapped)
    associated_data = _associated_data(place, kek.version)
    return _unpad(AESGCM(dek).decrypt(nonce, envelope[HEADER_SIZE:], associated_data))


def _pad(plaintext: bytes, place: Place, size: int) -> bytes:
    if len(plaintext) + LENGTH_SIZE > size:
        raise ValueError(f"a value of {place.table}.{place.column} exceeds {size} octets")
    return (len(plaintext).to_bytes(LENGTH_SIZE, "big") + plaintext).ljust(size, b"\0")


def _unpad(padded: bytes) -> bytes:
    end = LENGTH_SIZE + int.from_bytes(padded[:LENGTH_SIZE], "big")
    if end > len(padded):
        raise ValueError
    return padded[LENGTH_SIZE:end]


def _associated_data(place: Place, kek_version: int) -> bytes:
    table, row, column, version = place
    return _encode_row(_around_sealed(table, column, version, kek_version), row)


@lru_cache(maxsize=256)
def _around_sealed(table: str, column: str, version: int, kek_version: int) -> tuple[bytes, bytes]:
    rest = (column.encode(), version.to_bytes(8, "big"), kek_version.to_bytes(4, "big"))
    return _around_row(b"moiety/vault/seal/1", table, rest)


def _bound(place: Place) -> bytes:
    table, row, column, version = place
    return _encode_row(_around_bound(table, column, version), row)


@lru_cache(maxsize=256)
def _around_bound(table: str, column: str, version: int) -> tuple[bytes, bytes]:
    rest = (column.encode(), SCHEMA.to_bytes(4, "big"), version.to_bytes(8, "big"))
    return _around_row(b"moiety/vault/seal/2", table, rest)
