"""A version with its sealed words, for a reader of care: asked of the vault, which decides."""

from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import Request

from clinical_api import documents, histories, own_words
from clinical_api.deps import Organisation
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
    request: Request, caller: Caller, here: Organisation, target: Target, version: Version
) -> Version:
    """A version as it was written, for a reader who says for whom; any other as it is kept."""
    if version.document is None or not own_words.is_for_a_person(request.headers):
        return version
    text = documents.unpack(version.document)
    text = await unsealed(request, caller, here, target, version.version, text)
    return replace(version, document=documents.pack(text))


async def unsealed(
    request: Request, caller: Caller, here: Organisation, target: Target, number: int, text: bytes
) -> bytes:
    """A document with its sealed words, for the person on whose behalf the client asks.

    Raises Malformed without a purpose, and Forbidden where the person may not.
    """
    if here.own_words is None:
        return text
    purpose = request.headers.get(own_words.PURPOSE)
    if purpose is None:
        raise Malformed(f"A read for a person says its purpose in {own_words.PURPOSE}.")
    sealed = await histories.sealed_of(
        here.reads, target.kind, target.owner, target.object_id, number
    )
    if not sealed:
        return text
    if (user := request.headers.get(own_words.USER)) is None:
        if caller.token_id is None:
            return text  # a program reads for itself: nobody stands behind it
        shown = request.headers["authorization"].partition(" ")[2].strip()
        user = await run_sync(here.own_words.exchanged, shown)
    user = user.removeprefix("Bearer ")
    return await run_sync(
        partial(here.own_words.unseal, target.owner, text, sealed, purpose=purpose, user=user)
    )
