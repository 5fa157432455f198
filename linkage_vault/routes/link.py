"""Opening a record for a person, and crossing the bridge in either direction."""

import msgspec
from fastapi import APIRouter, Response

from linkage_vault import decisions, links
from linkage_vault.deps import TheRequester, TheVault
from moiety.kit.bodies import Body
from moiety.wire.decoding import decode
from moiety.wire.vault import (
    EhrAnswer,
    EhrsAnswer,
    Link,
    LinkMany,
    PersonAnswer,
    ResolveEhr,
    ResolveMany,
    ResolvePerson,
)

router = APIRouter(tags=["link"])


@router.post("/link")
def link(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """201 with the EHR given to the person, 200 with the one that the person had."""
    message = decode(body, Link)
    opened = links.open_record(vault, requester, message.person_id, is_further=message.is_further)
    return answer(EhrAnswer(opened.ehr_id), status=201 if opened.is_new else 200)


@router.post("/link/bulk")
def link_many(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """The EHRs of up to 1,000 persons, new or had before, in the order of the persons."""
    message = decode(body, LinkMany)
    opened = links.open_records(
        vault, requester, message.person_ids, approval_id=message.approval_id,
        reason=message.reason, basis=decisions.read_basis(message.legal_basis),
    )  # fmt: skip
    return answer(EhrsAnswer([one.ehr_id for one in opened]))


@router.post("/resolve/person")
def resolve_person(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Which EHR is this person's."""
    message = decode(body, ResolvePerson)
    purpose = decisions.read_purpose(message.purpose_of_use)
    found = links.resolve_person(vault, requester, message.person_id, purpose=purpose)
    return answer(EhrAnswer(found.ehr_id, list(found.others)))


@router.post("/resolve/person/bulk")
def resolve_persons(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """The EHRs of up to 1,000 persons, in their order; null for one without."""
    message = decode(body, ResolveMany)
    purpose = decisions.read_purpose(message.purpose_of_use)
    found = links.resolve_persons(
        vault, requester, message.person_ids, purpose=purpose, approval_id=message.approval_id,
        reason=message.reason, basis=decisions.read_basis(message.legal_basis),
    )  # fmt: skip
    return answer(EhrsAnswer([one.ehr_id if one else None for one in found]))


@router.post("/resolve/ehr")
def resolve_ehr(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Whose EHR is this."""
    message = decode(body, ResolveEhr)
    purpose = decisions.read_purpose(message.purpose_of_use)
    person_id = links.resolve_ehr(
        vault,
        requester,
        message.ehr_id,
        purpose=purpose,
        reason=message.reason,
        basis=decisions.read_basis(message.legal_basis),
        approval_id=message.approval_id,
    )
    return answer(PersonAnswer(person_id))


def answer(message: msgspec.Struct, *, status: int = 200) -> Response:
    """A message as JSON that no cache keeps."""
    return Response(
        msgspec.json.encode(message),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
