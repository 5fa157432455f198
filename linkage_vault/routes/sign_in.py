"""Signing in, tokens, and the key set that checks them."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from linkage_vault import sessions, sign_in, token_requests, tokens
from linkage_vault.deps import SIGN_IN, AProgram, AProgramsVault
from linkage_vault.routes.link import answer
from moiety.kit.auth import Require
from moiety.kit.bodies import Body
from moiety.kit.credentials import Caller
from moiety.wire.decoding import decode
from moiety.wire.people import Confirm, Enrol, Factor, Session, SignIn

router = APIRouter(tags=["sign-in"])
TheProgram = Annotated[Caller, Depends(Require(SIGN_IN))]


@router.get("/keys")
def keys(request: Request) -> Response:
    """The key set (RFC 7517) that user tokens are checked with; open to everybody."""
    vaults = request.app.state.vaults.values()
    found = tokens.key_set(vault.people_keys for vault in vaults)
    return Response(
        msgspec.json.encode(found.as_dict(private=False)),
        media_type="application/json",
        headers={"Cache-Control": "public, max-age=60"},
    )


@router.post("/sign-in")
def signing_in(
    program: TheProgram, vault: AProgramsVault, request: Request, body: Body
) -> Response:
    """Open a session with login, password and code."""
    message = decode(body, SignIn)
    token_requests.demand_passwords(request.app.state.provider)
    secret = sign_in.sign_in_with(vault, program, message.login, message.password, message.code)
    return answer(Session(secret), status=201)


@router.post("/enrol", dependencies=[Depends(Require(SIGN_IN))])
def enrol(vault: AProgramsVault, request: Request, body: Body) -> Response:
    """Set a password with an invitation; answers the second factor."""
    message = decode(body, Enrol)
    token_requests.demand_passwords(request.app.state.provider)
    factor = sign_in.enrol(vault, message.login, message.invitation, message.password)
    return answer(Factor(factor.uri), status=201)


@router.post("/enrol/confirm", dependencies=[Depends(Require(SIGN_IN))])
def confirm(vault: AProgramsVault, body: Body) -> Response:
    """End the enrolment with a first code."""
    message = decode(body, Confirm)
    sign_in.confirm(vault, message.login, message.invitation, message.code)
    return Response(status_code=204)


@router.post("/session/end")
def end(program: TheProgram, vault: AProgramsVault, body: Body) -> Response:
    """End a session; its tokens open nothing here from now on."""
    message = decode(body, Session)
    with vault.engine.begin() as connection:
        found = sessions.find(connection, message.session, program.key_id)
        sessions.end(connection, found.session_id)
    return Response(status_code=204)


@router.post("/token")
async def token(program: AProgram, vault: AProgramsVault, request: Request, body: Body) -> Response:
    """A user token: of a session, for a service's token (RFC 8693), or for an outside ID token."""
    form = token_requests.read_form(body)
    match token_requests.kind_of(form):
        case "refresh":
            made = await run_in_threadpool(token_requests.refresh, vault, program, form)
        case "outside":
            provider = request.app.state.provider
            made = await run_in_threadpool(
                token_requests.from_outside, vault, program, form, provider
            )
        case _:
            checks = request.app.state.user_tokens
            shown = await token_requests.shown_by(program, form, checks)
            made = await run_in_threadpool(token_requests.for_service, vault, program, form, shown)
    return answer(made)
