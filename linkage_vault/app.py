"""create_app: the vault put together."""

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from joserfc.jwk import KeySet
from starlette.middleware import Middleware

from linkage_vault import alerts, housekeeping, people, policy, provision, routes, tokens, witnesses
from linkage_vault.access_report import Sources
from linkage_vault.deps import crossings_of
from linkage_vault.even_answers import EvenAnswers
from linkage_vault.key_ring import KeyRing
from linkage_vault.keys import BadKeys
from linkage_vault.minting import keep_filled
from linkage_vault.oidc import Provider
from linkage_vault.people_keys import PeopleKeyFile, people_key_path
from linkage_vault.people_tables import api_key
from linkage_vault.personal import auditor_key_of
from linkage_vault.settings import PREFIX, Settings
from linkage_vault.vault import Vault
from moiety.kit import app as kit
from moiety.kit.database import Organisations, read_urls
from moiety.kit.reads import Together
from moiety.kit.settings import SettingsError
from moiety.kit.user_tokens import UserTokens
from moiety.wire.exchange import connect
from moiety.wire.vault import BASE

_EVEN = frozenset({f"{BASE}/resolve/person", f"{BASE}/resolve/ehr"})
_ROUTES = kit.tree(routes.router)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service.  Raises SettingsError, one sentence, without safe keys for each organisation."""
    settings = settings or Settings.from_env(os.environ)
    urls = read_urls(settings.organisation, settings.database_url, settings.organisations_folder)
    rings = {name: provision.load(settings, name) for name in urls}
    _demand_policy()
    organisations = Organisations(urls, connections=settings.connections, look_up=people.KEYS)
    vaults = {
        name: _vault(settings, name, organisations.engine(name), ring)
        for name, ring in rings.items()
    }
    for name, ring in rings.items():
        provision.count_uses(settings, ring, organisations.engine(name))
    workers = [
        lambda _app: provision.guarded(rings, organisations.engine),
        *(
            _minting(settings, vaults[name], key)
            for name, key in _clinical_keys(settings, urls).items()
        ),
        *(_witnessing(settings, vault) for vault in vaults.values()),
        *(_housekeeping(vault) for vault in vaults.values()),
        *(_alerting(vault) for vault in vaults.values()),
        lambda app: _with_sources(app, settings, urls),
    ]
    app = kit.create(
        "Moiety linkage vault",
        service="vault",
        organisations=organisations,
        keys=api_key,
        routes=_ROUTES,
        threads=settings.threads,
        body_limit=settings.body_limit,
        traces_url=settings.traces_url,
        while_running=workers,
        open_paths=frozenset({f"{BASE}/keys"}),
        user_tokens=UserTokens("vault", _own_keys(vaults)),
    )
    app.state.provider = _provider(settings)
    app.user_middleware.insert(1, Middleware(EvenAnswers, step=settings.step, paths=_EVEN))
    app.state.vaults = vaults
    app.state.people = {name: Together(organisations.reads(name), people.WHO) for name in vaults}
    app.state.crossings = {name: crossings_of(vault) for name, vault in vaults.items()}
    app.state.sources = {}
    app.state.pool_target = settings.pool_target
    return app


def _vault(settings: Settings, name: str, engine: sa.Engine, ring: KeyRing) -> Vault:
    """One organisation's database, keys and rules.  Raises SettingsError."""
    return Vault(
        engine,
        ring,
        _auditor(settings, name),
        ehrs_per_person=settings.ehrs_per_person,
        people=_load_people(_people_key_file(settings, name)),
        rules=settings.rules(),
    )


def _load_people(path: Path) -> PeopleKeyFile:
    try:
        return PeopleKeyFile(path)
    except BadKeys as error:
        raise SettingsError(f"The vault does not start. {error}") from None


def _people_key_file(settings: Settings, organisation: str) -> Path:
    if settings.organisations_folder is None and settings.people_key_file is not None:
        return settings.people_key_file
    return people_key_path(provision.places(settings, organisation).key_file)


def _housekeeping(vault: Vault) -> Callable[[FastAPI], AbstractContextManager[object]]:
    return lambda _app: housekeeping.kept(vault)


def _alerting(vault: Vault) -> Callable[[FastAPI], AbstractContextManager[object]]:
    return lambda _app: alerts.keep_told(vault)


def _own_keys(vaults: Mapping[str, Vault]) -> Callable[[str], Awaitable[KeySet]]:
    """The key set that this service publishes, without asking itself for it."""

    async def found(_kid: str) -> KeySet:
        return tokens.key_set(vault.people_keys for vault in vaults.values())

    return found


def _provider(settings: Settings) -> Provider | None:
    if not settings.oidc_issuer:
        return None
    if not settings.oidc_client:
        raise SettingsError(f"{PREFIX}_OIDC_ISSUER needs {PREFIX}_OIDC_CLIENT.")
    return Provider(settings.oidc_issuer, settings.oidc_client, settings.oidc_claim)


def _demand_policy() -> None:
    try:
        policy.current()
    except ValueError as error:
        raise SettingsError(f"The vault does not start. Its policy is not valid: {error}") from None


def _clinical_keys(settings: Settings, urls: Mapping[str, str]) -> dict[str, str]:
    """The key for minting EHRs of each organisation that has one."""
    if not settings.clinical_url:
        return {}
    if settings.organisations_folder is None:
        if settings.clinical_key is None:
            raise SettingsError(f"{PREFIX}_CLINICAL_URL needs {PREFIX}_CLINICAL_KEY_FILE.")
        return {settings.organisation: settings.clinical_key}
    files = {name: settings.organisations_folder / f"{name}.clinical" for name in urls}
    return {name: file.read_text().strip() for name, file in files.items() if file.exists()}


def _demographic_keys(settings: Settings, urls: Mapping[str, str]) -> dict[str, str]:
    """The key for the log of reads about persons of each organisation that has one."""
    if not settings.demographic_url:
        return {}
    if settings.organisations_folder is None:
        if settings.demographic_key is None:
            raise SettingsError(f"{PREFIX}_DEMOGRAPHIC_URL needs {PREFIX}_DEMOGRAPHIC_KEY_FILE.")
        return {settings.organisation: settings.demographic_key}
    files = {name: settings.organisations_folder / f"{name}.demographic" for name in urls}
    return {name: file.read_text().strip() for name, file in files.items() if file.exists()}


@contextmanager
def _with_sources(app: FastAPI, settings: Settings, urls: Mapping[str, str]) -> Iterator[None]:
    """Clients for the logs of the other services, for as long as the service runs."""
    records, persons = _clinical_keys(settings, urls), _demographic_keys(settings, urls)
    with ExitStack() as clients:

        def client(url: str, key: str | None) -> httpx.Client | None:
            return None if key is None else clients.enter_context(connect(url, key, timeout=30.0))

        app.state.sources = {
            name: Sources(
                client(settings.clinical_url, records.get(name)),
                client(settings.demographic_url, persons.get(name)),
            )
            for name in urls
        }
        yield


def _auditor(settings: Settings, organisation: str) -> bytes | None:
    """Whose box the trail's personal values are put in."""
    text = settings.auditor_key
    if settings.organisations_folder is not None:
        file = settings.organisations_folder / f"{organisation}.auditor"
        text = file.read_text().strip() if file.exists() else ""
    try:
        return auditor_key_of(text) if text else None
    except ValueError:
        raise SettingsError(
            f"{PREFIX}_AUDITOR_KEY is a public key of 64 hexadecimal digits;"
            " `moiety trail auditor-key FILE` makes one."
        ) from None


def _minting(
    settings: Settings, vault: Vault, key: str
) -> Callable[[FastAPI], AbstractContextManager[object]]:
    start = partial(
        keep_filled,
        vault,
        connect(settings.clinical_url, key),
        target=settings.pool_target,
        interval=settings.pool_interval,
    )
    return lambda _app: start()


def _witnessing(
    settings: Settings, vault: Vault
) -> Callable[[FastAPI], AbstractContextManager[object]]:
    targets = witnesses.read_targets(settings.witnesses)
    return lambda _app: witnesses.keep_told(vault, targets, interval=settings.witness_interval)
