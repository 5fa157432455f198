"""Key-encryption keys behind one interface: who wraps and unwraps the data keys of links.

A provider holds the key-encryption key (KEK) somewhere that is not the database: in a file
(`kek_file`) or in a key service (`kek_transit`).  Callers hand over many at once, since a call to a
service costs milliseconds.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

PARCEL_SIZE = 48  # octets in a wrapping: a data key of 32 and a handle of 16


class Parcel(NamedTuple):
    """What is wrapped, and the place that the wrapping is bound to (associated data)."""

    content: bytes
    place: bytes

    def __repr__(self) -> str:
        """Nothing of it."""
        return "<parcel>"


class Wrapped(NamedTuple):
    """A wrapped parcel as it is stored: the version of the key, and octets of one length."""

    version: int
    octets: bytes


class NotUnwrapped(Exception):
    """A wrapping does not open: changed, moved, or of a key that is not there (any more)."""


class KekProvider(Protocol):
    """Wraps, unwraps, rotates and destroys versions of one key-encryption key.

    Every method may raise Unavailable where the key service is away.
    """

    def check(self) -> None:
        """Raises BadKeys for a key that is not fit for this."""

    def current(self) -> int:
        """The version that wraps."""

    def known(self) -> int:
        """The version that wraps, as far as is known here without asking."""

    def wrap(self, parcels: Sequence[Parcel]) -> list[Wrapped]:
        """Parcels wrapped under the current version, in their order."""

    def unwrap(self, wrapped: Sequence[Wrapped], places: Sequence[bytes]) -> list[bytes]:
        """The contents, in their order.  Raises NotUnwrapped when one of them does not open."""

    def rotate(self) -> int:
        """Makes a new current version, unless an unfinished rotation left one; its number."""

    def destroy(self, *, below: int) -> None:
        """Destroys every version below one: nothing that it wrapped opens again."""
