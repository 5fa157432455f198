"""What a route asks for: the organisation's vault, and the requester with roles."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from linkage_vault import exchange, links, people, screening, token_requests
from linkage_vault.decisions import Case, Requester
from linkage_vault.link_pairs import Records
from linkage_vault.links import Opened, Opening
from linkage_vault.vault import Vault
from moiety.kit.auth import Require, identify, organisation_of
from moiety.kit.credentials import BESIDE, CALLER, Caller
from moiety.kit.errors import Forbidden, Unauthenticated
from moiety.kit.gathering import Gathering
from moiety.kit.reads import Together

SCOPE = "vault:use"
OPERATE = "vault:operate"
ASK = "screen:ask"
TELL = "screen:tell"
SIGN_IN = token_requests.SIGN_IN
EXCHANGES = frozenset(f"vault:exchange-{name}" for name in exchange.FOR_SERVICES)
"""Scopes of services that exchange their users' tokens here, one a service."""
USE_PROJECT = "project:use"
LOAD_OPT_OUTS = "opt-out:load"


async def find_vault(request: Request, caller: Annotated[Caller, Depends(Require(SCOPE))]) -> Vault:
    """Database, keys and rules of the organisation that the credential names."""
    vaults: Mapping[str, Vault] = request.app.state.vaults
    return vaults[caller.organisation]


async def find_requester(
    request: Request,
    caller: Annotated[Caller, Depends(Require(SCOPE))],
    vault: Annotated[Vault, Depends(find_vault)],
) -> Requester:
    """The person behind the credential, with the roles of this moment.

    Somebody without a role passes here and is refused, in writing, by the decision.
    Raises Unauthenticated for a credential that was suspended.
    """
    operates = OPERATE in caller.scopes
    known = request.scope.get(BESIDE, ())
    asked = _people_of(request, caller)
    return await people.requester(asked, vault, caller, operates=operates, known=known)


async def find_program(caller: Annotated[Caller, Depends(Require(SIGN_IN, EXCHANGES))]) -> Caller:
    """A program that people sign in through, or a service that acts for them."""
    return caller


async def find_programs_vault(
    request: Request, program: Annotated[Caller, Depends(find_program)]
) -> Vault:
    """The vault of the organisation that a program's key names."""
    vaults: Mapping[str, Vault] = request.app.state.vaults
    return vaults[program.organisation]


@dataclass(frozen=True, slots=True)
class Crossings:
    """Where the crossings of one organisation that come at once are worked on together."""

    vault: Vault
    opening: Gathering[Opening, Opened]
    resolving: Gathering[Case, Records]
    screening: Gathering[screening.Call, list[list[int]]]


def crossings_of(vault: Vault) -> Crossings:
    """For the life of the process."""
    return Crossings(
        vault,
        Gathering(lambda openings: links.open_each(vault, openings)),
        Gathering(lambda cases: links.resolve_each(vault, cases)),
        Gathering(lambda calls: screening.ask_each(vault, calls)),
    )


async def find_crossings(request: Request) -> Crossings:
    """Those of the organisation that the credential names; what it may is the route's to ask."""
    caller: Caller | None = request.scope.get(CALLER)
    if caller is None:
        name = organisation_of(request.headers.get("authorization"))
        request.app.state.organisations.engine(name)
    else:
        name = caller.organisation
    found: Crossings = request.app.state.crossings[name]
    return found


MayUse = Annotated[Caller, Depends(Require(SCOPE))]
MayScreen = Annotated[Caller, Depends(Require(ASK))]
TheCrossings = Annotated[Crossings, Depends(find_crossings)]
TheVault = Annotated[Vault, Depends(find_vault)]
TheRequester = Annotated[Requester, Depends(find_requester)]


def asking(
    request: Request, caller: Annotated[Caller, Depends(Require(ASK))]
) -> tuple[Vault, Requester]:
    """The clinical service, as itself."""
    vaults: Mapping[str, Vault] = request.app.state.vaults
    return vaults[caller.organisation], as_itself(caller)


def as_itself(caller: Caller) -> Requester:
    """A service that asks for nobody else."""
    return Requester(caller.key_id, None, None, frozenset())


def telling(request: Request, caller: Annotated[Caller, Depends(Require(TELL))]) -> Vault:
    """The vault that the demographic service tells."""
    vaults: Mapping[str, Vault] = request.app.state.vaults
    return vaults[caller.organisation]


async def behind(request: Request) -> Caller:
    """The person on whose behalf a service asks: a credential of this vault beside the service's.

    Raises Unauthenticated without a valid one, Forbidden for one that may not use the vault.
    """
    caller = await identify(request, header="moiety-user")
    if SCOPE not in caller.scopes:
        raise Forbidden("The person's credential is not for the vault.")
    return caller


async def find_user_behind(
    request: Request,
    caller: Annotated[Caller, Depends(behind)],
    service: Annotated[Caller, Depends(Require(ASK))],
) -> Requester:
    """The person behind a service's question, with the roles of this moment.

    Raises Unauthenticated where the two are of different organisations.
    """
    if caller.organisation != service.organisation:
        raise Unauthenticated
    vaults: Mapping[str, Vault] = request.app.state.vaults
    vault = vaults[caller.organisation]
    found = await people.requester(_people_of(request, caller), vault, caller, operates=False)
    return replace(found, service=service.key_id)


UserBehind = Annotated[Requester, Depends(find_user_behind)]
AProgram = Annotated[Caller, Depends(find_program)]
AProgramsVault = Annotated[Vault, Depends(find_programs_vault)]


@dataclass(frozen=True, slots=True)
class Program:
    """A service that asks as itself, and the vault of its organisation."""

    vault: Vault
    requester: Requester


async def using(
    request: Request, caller: Annotated[Caller, Depends(Require(USE_PROJECT))]
) -> Program:
    """The clinical service, which runs queries of projects."""
    return await _program(request, caller)


async def loading(
    request: Request, caller: Annotated[Caller, Depends(Require(LOAD_OPT_OUTS))]
) -> Program:
    """The demographic service, which reads the national list of opt-outs."""
    return await _program(request, caller)


async def telling_as(
    request: Request, caller: Annotated[Caller, Depends(Require(TELL))]
) -> Program:
    """The demographic service, which tells what it did."""
    return await _program(request, caller)


async def _program(request: Request, caller: Caller) -> Program:
    """Raises Forbidden for a person, and Unauthenticated for a suspended key."""
    if caller.user_id is not None:
        raise Forbidden("This is asked by a service, with a key of its own.")
    vaults: Mapping[str, Vault] = request.app.state.vaults
    vault = vaults[caller.organisation]
    asked = _people_of(request, caller)
    return Program(vault, await people.requester(asked, vault, caller, operates=False))


def _people_of(request: Request, caller: Caller) -> Together:
    found: Together = request.app.state.people[caller.organisation]
    return found
