"""What stands here with sealed words, for a reader of care: asked of the vault, which decides."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec
from anyio.to_thread import run_sync
from fastapi import Request

from clinical_api import documents, histories, own_words, tags
from clinical_api.deps import Organisation
from clinical_api.histories import Trees, Whole
from clinical_api.own_words import Part, Sealed
from clinical_api.tags import Tag
from moiety.change_control.tables import Versioned
from moiety.change_control.versions import Version
from moiety.kit.credentials import Caller
from moiety.kit.errors import Malformed


@dataclass(frozen=True, slots=True)
class Target:
    """A versioned object of an EHR."""

    kind: Versioned
    owner: UUID
    object_id: UUID


async def whole(
    request: Request, caller: Caller, here: Organisation, target: Target, version: Version,
    beside: Trees | None = None,
) -> Version:  # fmt: skip
    """A version and its audit as they were written, for a reader who says for whom; any other as
    they are kept.  `beside`: what else is shown of it, changed in place.
    """
    if not own_words.is_for_a_person(request.headers):
        return version
    text = None if version.document is None else documents.unpack(version.document)
    document = None if text is None else msgspec.json.decode(text)
    place = own_words.version_place(version.object_id, version.version)
    audit = histories.thawed(version.audit)
    parts = await _beside(here, target.owner, {place: audit, **(beside or {})})
    if document is not None:
        parts += await _of_version(here, target, version.version, document)
    if not await run_sync(_put_back, request, caller, here, target.owner, parts):
        return version
    packed = None if document is None else documents.pack(msgspec.json.encode(document))
    return replace(version, document=packed, audit=audit)


async def unsealed(
    request: Request, caller: Caller, here: Organisation, target: Target, number: int, text: bytes
) -> bytes:
    """A document with its sealed words, for the person on whose behalf the client asks.

    Raises Malformed without a purpose, and Forbidden where the person may not.
    """
    document = msgspec.json.decode(text)
    parts = await _of_version(here, target, number, document)
    if not await run_sync(_put_back, request, caller, here, target.owner, parts):
        return text
    return msgspec.json.encode(document)


def whole_beside(request: Request, caller: Caller, here: Organisation, owner: UUID) -> Whole:
    """What is said beside documents, as `whole` for a version."""

    async def put_back(trees: Trees) -> None:
        if own_words.is_for_a_person(request.headers):
            parts = await _beside(here, owner, trees)
            await run_sync(_put_back, request, caller, here, owner, parts)

    return put_back


def whole_tags(
    request: Request, caller: Caller, here: Organisation, owner: UUID, found: Sequence[Tag]
) -> list[Tag]:
    """Tags as they were written, as `whole` for a version."""
    if not own_words.is_for_a_person(request.headers):
        return list(found)
    told = tags.parts(found)
    _put_back(request, caller, here, owner, [part for _, _, some in told for part in some])
    written = {tag.tag_id: replace(tag, key=key, value=value) for tag, (key, value), _ in told}
    return [written.get(tag.tag_id, tag) for tag in found]


def _put_back(
    request: Request, caller: Caller, here: Organisation, owner: UUID, parts: Sequence[Part]
) -> bool:
    """Puts the words back; False where nothing was sealed or nobody stands behind the request.

    Raises Malformed without a purpose, and Forbidden where the person may not.
    """
    if here.own_words is None:
        return False
    purpose = request.headers.get(own_words.PURPOSE)
    if purpose is None:
        raise Malformed(f"A read for a person says its purpose in {own_words.PURPOSE}.")
    if not parts:
        return False
    if (user := request.headers.get(own_words.USER)) is None:
        if caller.token_id is None:
            return False  # a program reads for itself
        shown = request.headers["authorization"].partition(" ")[2].strip()
        user = here.own_words.exchanged(shown)
    here.own_words.unseal(owner, parts, purpose=purpose, user=user.removeprefix("Bearer "))
    return True


async def _of_version(here: Organisation, target: Target, number: int, document: Any) -> list[Part]:
    sealed = await histories.sealed_of(
        here.reads, target.kind, target.owner, target.object_id, number
    )
    return [Part(document, one) for one in sealed]


async def _beside(here: Organisation, owner: UUID, trees: Trees) -> list[Part]:
    """What was sealed out of what is said beside documents, by its places."""
    rows = await here.reads.ask(_AUDIT_WORDS, (owner, list(trees)))
    return [
        Part(trees[place], Sealed(UUID(seal_id), base64.b64decode(box)))
        for place, seal_id, box in rows
    ]


_AUDIT_WORDS = (
    b"SELECT place, seal_id, box FROM audit_words WHERE ehr_id = $1 AND place = ANY($2)"
    b" ORDER BY place, number"
)
