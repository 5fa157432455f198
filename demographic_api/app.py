"""create_app: the demographic service put together."""

import os

from fastapi import FastAPI

from demographic_api import outcomes, routes
from demographic_api.settings import Settings
from demographic_api.tables import api_key
from moiety.kit import app as kit
from moiety.kit import user_tokens
from moiety.kit.database import Organisations, read_urls
from moiety.wire.demographic import BASE

_ROUTES = kit.tree(routes.router)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service.  Raises SettingsError with one sentence."""
    settings = settings or Settings.from_env(os.environ)
    urls = read_urls(settings.organisation, settings.database_url, settings.organisations_folder)
    return kit.create(
        "Moiety demographic service",
        service="demographic",
        organisations=Organisations(urls, connections=settings.connections),
        keys=api_key,
        routes=_ROUTES,
        threads=settings.threads,
        body_limit=settings.body_limit,
        traces_url=settings.traces_url,
        user_tokens=user_tokens.by_url(settings.vault_keys_url, "demographic"),
        open_paths=frozenset({f"{BASE}/metadata"}),
        render=outcomes.render,
    )
