"""The clinical service, put together: `uvicorn --factory clinical_api.app:create_app`."""

import os
from collections.abc import Mapping

from fastapi import FastAPI

from clinical_api import deps, tables
from clinical_api.routes import composition, definition, ehr, query
from clinical_api.settings import Settings
from moiety.kit import app as kit
from moiety.kit.database import Organisations, read_urls


def create_app(environ: Mapping[str, str] | None = None) -> FastAPI:
    """The openEHR repository, by the settings of `environ` (default: the process's own)."""
    settings = Settings.from_env(os.environ if environ is None else environ)
    urls = read_urls(settings.organisation, settings.database_url, settings.organisations_folder)
    return kit.create(
        "Moiety clinical repository",
        service="clinical",
        organisations=Organisations(urls, connections=settings.connections),
        keys=tables.api_key,
        routers=(ehr.router, composition.router, definition.router, query.router),
        threads=settings.threads,
        body_limit=settings.body_limit,
        while_running=(lambda app: deps.organisations(app, settings),),
    )
