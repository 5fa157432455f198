"""Following merges of persons, and what becomes of links after they were made."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Response

from linkage_vault import linked, merging
from linkage_vault.deps import Program, TheRequester, TheVault, telling_as
from linkage_vault.link_rows import Pair
from linkage_vault.merges import Merge
from linkage_vault.routes.link import answer
from moiety.kit.bodies import Body
from moiety.wire import linking
from moiety.wire.decoding import decode

router = APIRouter(tags=["link"])
Telling = Annotated[Program, Depends(telling_as)]


@router.post("/merge")
def merge(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """One person lives on in another; names the task that waits when both have EHRs."""
    message = decode(body, linking.Merge)
    both = Merge(message.merged, message.survivor)
    return answer(linking.TaskAnswer(merging.merge(vault, requester, both, reason=message.reason)))


@router.post("/unmerge")
def unmerge(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Takes a merge back."""
    message = decode(body, linking.Merge)
    both = Merge(message.merged, message.survivor)
    merging.unmerge(vault, requester, both, reason=message.reason)
    return answer(linking.TaskAnswer(None))


@router.post("/merge/told", status_code=204)
def told(program: Telling, body: Body) -> Response:
    """The demographic service merged two persons, or took that back."""
    message = decode(body, linking.Told)
    both = Merge(message.merged, message.survivor)
    merging.follow(program.vault, program.requester, both, is_undone=message.is_undone)
    return Response(status_code=204)


@router.post("/close")
def close(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Closes a link, or opens it again."""
    message = decode(body, linking.Close)
    linked.close(
        vault, requester, message.ehr_id, is_closed=message.is_closed, reason=message.reason
    )
    return answer(linking.TaskAnswer(None))


@router.post("/restrict")
def restrict(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Forbids secondary use of a record, or allows it again."""
    message = decode(body, linking.Restrict)
    linked.restrict(
        vault, requester, message.ehr_id,
        is_restricted=message.is_restricted, reason=message.reason,
    )  # fmt: skip
    return answer(linking.TaskAnswer(None))


@router.post("/move")
def move(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Asks for an EHR to be another person's: 202 with the task for a second person."""
    message = decode(body, linking.Move)
    task_id = linked.ask_move(
        vault, requester, message.ehr_id, to_person=message.to_person, reason=message.reason
    )
    return answer(linking.TaskAnswer(task_id), status=202)


@router.post("/move/consent")
def consent(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Moves the EHR that another person asked for."""
    linked.consent_to_move(vault, requester, decode(body, linking.Consent).task_id)
    return answer(linking.TaskAnswer(None))


@router.post("/adopt")
def adopt(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Links up to 1,000 EHRs that exist to the persons whose they are."""
    message = decode(body, linking.Adopt)
    pairs = [Pair(pair.person_id, pair.ehr_id) for pair in message.pairs]
    outcomes = linked.adopt(vault, requester, pairs, reason=message.reason)
    return answer(linking.AdoptAnswer(outcomes))


@router.get("/tasks")
def tasks(vault: TheVault, requester: TheRequester) -> Response:
    """What waits for a second person or a decision."""
    shown = []
    for task_id, request in linked.read_tasks(vault, requester):
        asked = msgspec.to_builtins(request)
        shown.append(linking.Task(task_id, asked.pop("type"), asked))
    return answer(linking.TasksAnswer(shown))


@router.post("/tasks/settle")
def settle(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Ends the task that two EHRs of one person left."""
    message = decode(body, linking.Settle)
    linked.settle(vault, requester, message.task_id, reason=message.reason)
    return answer(linking.TaskAnswer(None))
