"""The clinical service, put together: `uvicorn --factory clinical_api.app:create_app`."""

import os

from fastapi import FastAPI

from clinical_api import deps, tables
from clinical_api.routes import composition, definition, ehr, query
from clinical_api.settings import Settings
from moiety.kit import app as kit
from moiety.kit.database import Organisations, read_urls


def create_app(settings: Settings | None = None) -> FastAPI:
    """The openEHR repository, by `settings` (default: those of the environment)."""
    settings = settings or Settings.from_env(os.environ)
    urls = read_urls(settings.organisation, settings.database_url, settings.organisations_folder)
    return kit.create(
        "Moiety clinical repository",
        service="clinical",
        organisations=Organisations(urls, connections=settings.connections),
        keys=tables.api_key,
        routers=(ehr.router, composition.router, definition.router, query.router),
        threads=settings.threads,
        body_limit=settings.body_limit,
        traces_url=settings.traces_url,
        while_running=(lambda app: deps.organisations(app, settings),),
    )
