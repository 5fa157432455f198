"""The clinical service, put together: `uvicorn --factory clinical_api.app:create_app`."""

import os
from collections.abc import Sequence
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from clinical_api import conformance, deps, tables
from clinical_api.doors import Doors
from clinical_api.events.running import running
from clinical_api.openapi.document import whole
from clinical_api.routes import (
    access,
    admin,
    bulk,
    composition,
    contribution,
    definition,
    definition_adl2,
    directory,
    ehr,
    ehr_status,
    events,
    organisation,
    query,
    stored_query,
    tag,
    versioned_composition,
    webhooks,
)
from clinical_api.routes import conformance as beside_openehr
from clinical_api.settings import PREFIX, Settings
from moiety.kit import accesses, user_tokens
from moiety.kit import app as kit
from moiety.kit.accesses import AccessLog
from moiety.kit.database import Organisations, read_urls
from moiety.kit.settings import SettingsError


def _below(prefix: str, *routers: APIRouter) -> APIRouter:
    """Routes under a prefix."""
    again = APIRouter(prefix=prefix)
    for router in routers:
        again.include_router(router)
    return again


ROUTERS: tuple[APIRouter, ...] = (
    ehr.router,
    ehr_status.router,
    directory.router,
    composition.router,
    versioned_composition.router,
    contribution.router,
    definition.router,
    definition_adl2.router,
    stored_query.router,
    query.router,
    query.by_url,
    tag.router,
    _below("/openehr/v1", admin.router),
)


BESIDE: tuple[APIRouter, ...] = (
    events.router, webhooks.router, bulk.router, organisation.router, access.router,
)  # fmt: skip
"""What the openEHR REST API does not know."""


@cache
def _routes(profile: str) -> Sequence[BaseRoute]:
    """The routes that a profile has."""
    if profile != "conformance":
        return kit.tree(*ROUTERS, *BESIDE)
    mounted = conformance.mounted(ROUTERS, admin.router)
    return kit.tree(*ROUTERS, *BESIDE, mounted, beside_openehr.router)


def _access_logs(settings: Settings, organisations: Organisations) -> dict[str, AccessLog]:
    try:
        return accesses.logs_of(
            organisations, tables.access_log, names=list(organisations), key=settings.access_key,
            folder=settings.organisations_folder,
        )  # fmt: skip
    except accesses.BadAccessKey as error:
        raise SettingsError(f"{PREFIX}_ACCESS_KEY_FILE: {error}.") from None


def create_app(settings: Settings | None = None) -> FastAPI:
    """The openEHR repository, by `settings` (default: those of the environment)."""
    settings = settings or Settings.from_env(os.environ)
    conforming = settings.profile == "conformance"
    if conforming:
        settings = conformance.settings_of(settings)
    urls = read_urls(settings.organisation, settings.database_url, settings.organisations_folder)
    organisations = Organisations(urls, connections=settings.connections)
    app = kit.create(
        "Moiety clinical repository",
        service="clinical",
        organisations=organisations,
        keys=tables.api_key,
        routes=_routes(settings.profile),
        threads=settings.threads,
        body_limit=settings.body_limit,
        traces_url=settings.traces_url,
        user_tokens=user_tokens.by_url(settings.vault_keys_url, "clinical"),
        records="ehr_id",
        streamed_paths=bulk.STREAMED,
        while_running=(
            lambda app: deps.organisations(app, settings),
            lambda app: accesses.keep_written(app.state.access_logs),
            lambda app: running(app, urls, deps.pulses(app), settings),
            *((conformance.guarded,) if conforming else ()),
        ),
    )
    app.state.access_logs = _access_logs(settings, organisations)
    app.openapi = whole  # type: ignore[method-assign]  # FastAPI's own way to another document
    # Inside the telemetry, whose trace id an error names, and outside all else.
    app.user_middleware.insert(1, Middleware(Doors, settings=settings))
    if conforming:
        app.user_middleware.insert(1, Middleware(conformance.Gate, settings=settings))
    return app
