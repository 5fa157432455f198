"""How links, and what belongs to them, are sealed: a data key each, wrapped and stored apart.

    parcel   = data key (32, random) || handle in the shred store (16)
    wrapped  = KekProvider.wrap(parcel), bound to table, row and version
    link key = HKDF(data key, secret of the handle)          without a shred store: the data key
    sealed   = AES-256-GCM(link key, value), bound to table, row, column, schema and version

So a link opens only where four things meet: the row, its wrapped key, the key-encryption key, and
the secret in the shred store.
"""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from linkage_vault.kek import NotUnwrapped, Parcel, Wrapped
from linkage_vault.key_ring import KEY_SIZE, KeyRing
from linkage_vault.seal import (
    Place,
    Tampered,
    derive_link_key,
    encode_place,
    open_apart,
    open_sealed,
    seal_apart,
)

_NO_HANDLE = bytes(16)


class Sealed(NamedTuple):
    """What is stored of one sealed value."""

    sealed: bytes
    wrapped: bytes
    kek_version: int


def seal_all(
    keys: KeyRing,
    values: Sequence[tuple[Place, bytes]],
    *,
    size: int,
    is_shreddable: bool = False,
) -> list[Sealed]:
    """Values sealed in their places; shreddable ones get a secret in the shred store first.

    Raises Unavailable when key service or shred store is away, or the key was used up.
    """
    places = [place for place, _ in values]
    data_keys = [secrets.token_bytes(KEY_SIZE) for _ in values]
    with_store = is_shreddable and keys.shreds is not None
    handles = [uuid4().bytes if with_store else _NO_HANDLE for _ in values]
    parcels = [
        Parcel(data_key + handle, _wrap_place(place))
        for data_key, handle, place in zip(data_keys, handles, places, strict=True)
    ]
    wrapped = keys.provider.wrap(parcels)
    if with_store and keys.shreds is not None:
        made = keys.shreds.new(handles)
        data_keys = [derive_link_key(*each) for each in zip(data_keys, made, places, strict=True)]
    return [
        Sealed(seal_apart(data_key, value, place, size=size), one.octets, one.version)
        for data_key, (place, value), one in zip(data_keys, values, wrapped, strict=True)
    ]


def open_all(keys: KeyRing, rows: Sequence[tuple[Place, Any]]) -> list[bytes | None]:
    """The values of rows with `sealed`, `wrapped` and `kek_version`, in their order.

    None where the secret was destroyed in the shred store: such a value never opens again.
    Raises Tampered, and Unavailable as `seal_all` does.
    """
    apart = [(place, row) for place, row in rows if row.wrapped is not None]
    opened = dict(zip((id(row) for _, row in apart), _open_apart(keys, apart), strict=True))
    return [
        opened[id(row)]
        if row.wrapped is not None
        else open_sealed(keys.links.by_version, row.sealed, place)
        for place, row in rows
    ]


def handles_of(keys: KeyRing, rows: Sequence[tuple[Place, Any]]) -> list[bytes]:
    """The handles in the shred store of rows that have one."""
    apart = [(place, row) for place, row in rows if row.wrapped is not None]
    handles = [content[KEY_SIZE:] for content in _unwrap(keys, apart)]
    return [handle for handle in handles if handle != _NO_HANDLE]


class Moved(NamedTuple):
    """A key that was wrapped anew; `is_bare`: it has no secret in the shred store."""

    wrapped: Wrapped
    is_bare: bool


def rewrap_all(keys: KeyRing, rows: Sequence[tuple[Place, Any]]) -> list[Moved]:
    """The wrapped keys of rows under the current key-encryption key; seals stay as they are."""
    places = [_wrap_place(place) for place, _ in rows]
    contents = _unwrap(keys, rows, places)
    wrapped = keys.provider.wrap([Parcel(*each) for each in zip(contents, places, strict=True)])
    return [
        Moved(one, content[KEY_SIZE:] == _NO_HANDLE)
        for one, content in zip(wrapped, contents, strict=True)
    ]


def _open_apart(keys: KeyRing, rows: Sequence[tuple[Place, Any]]) -> list[bytes | None]:
    contents = _unwrap(keys, rows)
    data_keys = [content[:KEY_SIZE] for content in contents]
    handles = [content[KEY_SIZE:] for content in contents]
    shred_secrets = _find_secrets(keys, handles)
    found: list[bytes | None] = []
    for data_key, handle, (place, row) in zip(data_keys, handles, rows, strict=True):
        link_key: bytes | None = data_key
        if handle != _NO_HANDLE:
            secret = shred_secrets.get(handle)
            link_key = None if secret is None else derive_link_key(data_key, secret, place)
        found.append(None if link_key is None else open_apart(link_key, bytes(row.sealed), place))
    return found


def _find_secrets(keys: KeyRing, handles: Sequence[bytes]) -> dict[bytes, bytes]:
    wanted = {handle for handle in handles if handle != _NO_HANDLE}
    if not wanted:
        return {}
    if keys.shreds is None:
        raise Tampered("a link needs the shred store, and this vault was started without one")
    return keys.shreds.find(wanted)


def _unwrap(
    keys: KeyRing, rows: Sequence[tuple[Place, Any]], places: Sequence[bytes] = ()
) -> list[bytes]:
    """`places`: what each wrapping is bound to, where it is known already."""
    if not rows:
        return []
    wrapped = [Wrapped(row.kek_version, bytes(row.wrapped)) for _, row in rows]
    try:
        return keys.provider.unwrap(wrapped, places or [_wrap_place(place) for place, _ in rows])
    except NotUnwrapped:
        table = rows[0][0].table
        raise Tampered(f"a wrapped key of {table} does not open in its place") from None


def _wrap_place(place: Place) -> bytes:
    version = place.version.to_bytes(8, "big")
    return encode_place(b"moiety/vault/wrapped/1", place, b"wrapped", version)
