"""Projects: people propose, review and run them; the clinical service asks for their policy."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from linkage_vault import opt_outs, projects, pseudonyms
from linkage_vault.deps import Program, TheRequester, TheVault, using
from linkage_vault.routes.link import answer
from moiety.kit.bodies import Body
from moiety.wire import opt_outs as wire
from moiety.wire.decoding import decode
from moiety.wire.projects import Amend, AskPolicy, Move, Propose, Pseudonymise, Reidentify

router = APIRouter(prefix="/project", tags=["project"])
Using = Annotated[Program, Depends(using)]


@router.get("")
def read(vault: TheVault, requester: TheRequester) -> Response:
    """Projects that one may see."""
    return answer(projects.read_projects(vault, requester))


@router.post("")
def propose(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """A new project, as a draft."""
    plan = decode(body, Propose).definition
    return answer(projects.propose(vault, requester, plan), status=201)


@router.post("/amend")
def amend(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Another definition for a draft."""
    return answer(projects.amend(vault, requester, decode(body, Amend)))


@router.post("/step")
def move(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Submit, return, approve, start, pause, amend, close; destroy the keys of a closed one."""
    return answer(projects.move(vault, requester, decode(body, Move)))


@router.post("/pseudonym")
def pseudonymise(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """From records to pseudonyms."""
    return answer(pseudonyms.pseudonymise(vault, requester, decode(body, Pseudonymise)))


@router.post("/ehr")
def reidentify(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """From pseudonyms to records."""
    return answer(pseudonyms.reidentify(vault, requester, decode(body, Reidentify)))


@router.post("/policy")
def policy(program: Using, body: Body) -> Response:
    """The policy of a running project, for the clinical service."""
    message = decode(body, AskPolicy)
    return answer(
        projects.policy(
            program.vault, program.requester, message.project_id, version=message.version
        )
    )


@router.post("/clean")
def clean(program: Using, body: Body) -> Response:
    """Who of a cohort may be used, for the clinical service."""
    message = decode(body, wire.Clean)
    return answer(opt_outs.clean_cohort(program.vault, program.requester, message))
