"""create_app: the demographic service put together."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from fastapi import FastAPI

from demographic_api import outcomes, routes
from demographic_api.routes import opt_out
from demographic_api.settings import PREFIX, Settings
from demographic_api.tables import access_log, api_key
from demographic_api.telling import follow_on_ready, keep_told, waiting_gauge
from moiety.deid.own.tokens import tokens_of
from moiety.kit import accesses, user_tokens
from moiety.kit import app as kit
from moiety.kit.accesses import AccessLog
from moiety.kit.database import Organisations, read_urls
from moiety.kit.settings import SettingsError
from moiety.wire.demographic import BASE
from moiety.wire.exchange import connect

_ROUTES = kit.tree(routes.router)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service.  Raises SettingsError with one sentence."""
    settings = settings or Settings.from_env(os.environ)
    urls = read_urls(settings.organisation, settings.database_url, settings.organisations_folder)
    organisations = Organisations(urls, connections=settings.connections)
    told = _screen_keys(settings, urls)
    _demand_screen_keys(told)
    app = kit.create(
        "Moiety demographic service",
        service="demographic",
        organisations=organisations,
        keys=api_key,
        routes=_ROUTES,
        threads=settings.threads,
        body_limit=settings.body_limit,
        traces_url=settings.traces_url,
        user_tokens=user_tokens.by_url(settings.vault_keys_url, "demographic"),
        records="person_id",
        open_paths=frozenset({f"{BASE}/metadata"}),
        streamed_paths=frozenset({opt_out.LIST}),
        render=outcomes.render,
        while_running=[
            lambda app: _with_vaults(app, settings, urls),
            lambda app: accesses.keep_written(app.state.access_logs),
            lambda app: _telling(app, settings, organisations, told),
        ],
    )
    app.state.access_logs = _access_logs(settings, organisations)
    return app


def _access_logs(settings: Settings, organisations: Organisations) -> dict[str, AccessLog]:
    try:
        return accesses.logs_of(
            organisations, access_log, names=list(organisations), key=settings.access_key,
            folder=settings.organisations_folder,
        )  # fmt: skip
    except accesses.BadAccessKey as error:
        raise SettingsError(f"{PREFIX}_ACCESS_KEY_FILE: {error}.") from None


@contextmanager
def _with_vaults(app: FastAPI, settings: Settings, urls: Mapping[str, str]) -> Iterator[None]:
    """A client of the vault for each organisation that has a key for it."""
    with ExitStack() as open_clients:
        app.state.vaults = {
            name: open_clients.enter_context(connect(settings.vault_url, key, timeout=60.0))
            for name in urls
            if settings.vault_url and (key := _vault_key(settings, name))
        }
        yield


def _vault_key(settings: Settings, organisation: str) -> str | None:
    if settings.organisations_folder is None:
        return settings.vault_key
    file = settings.organisations_folder / f"{organisation}.vault"
    return file.read_text().strip() if file.exists() else None


def _screen_keys(settings: Settings, urls: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """For each organisation that tells the vault of its persons: the vault's key, the screen's."""
    if not settings.vault_url:
        return {}
    folder = settings.organisations_folder
    if folder is None:
        return {settings.organisation: (settings.vault_key or "", settings.screen_key or "")}
    files = {name: (folder / f"{name}.vault", folder / f"{name}.screen") for name in urls}
    return {
        name: (vault.read_text().strip(), screen.read_text().strip())
        for name, (vault, screen) in files.items()
        if vault.exists() and screen.exists()
    }


def _demand_screen_keys(told: Mapping[str, tuple[str, str]]) -> None:
    try:
        for _, screen_key in told.values():
            tokens_of(bytes.fromhex(screen_key))
    except ValueError:
        raise SettingsError(f"{PREFIX}_SCREEN_KEY_FILE holds no 64 hexadecimal digits.") from None


@contextmanager
def _telling(
    app: FastAPI,
    settings: Settings,
    organisations: Organisations,
    told: Mapping[str, tuple[str, str]],
) -> Iterator[None]:
    """The workers of each organisation that tells the vault of its persons."""
    gauge = waiting_gauge(app.state.registry)
    engines = {name: organisations.engine(name) for name in told}
    if told:
        follow_on_ready(app, list(engines.values()))
    with ExitStack() as workers:
        for name, (vault_key, screen_key) in told.items():
            token = tokens_of(bytes.fromhex(screen_key))
            client = connect(settings.vault_url, vault_key)
            workers.enter_context(keep_told(engines[name], client, token, gauge, name))
        yield
