"""The document, put together: the whole, and what a prefix selects of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from clinical_api.openapi import admin, beside, composition, definition, directory, ehr, query, tags
from clinical_api.openapi.parameters import HEADERS, PARAMETERS
from clinical_api.openapi.parts import REFUSALS, Operation, answer, json, operation
from clinical_api.openapi.schemas import SCHEMAS, ref
from moiety import __version__

BASE = "/openehr/v1"
_SYSTEM = (
    operation(
        "options", "", "options", "Ask what this server is, and which methods it has",
        scope=None, answers={200: answer("This server.", json(ref("ABOUT")), "Allow")},
        more="OPTIONS of any resource is 204 with its methods in `Allow`; HEAD is GET without the"
        " body.",
    ),
)  # fmt: skip
_OPENEHR: Mapping[str, Iterable[Operation]] = {
    "SYSTEM": _SYSTEM,
    "EHR": ehr.EHR,
    "EHR_STATUS": ehr.EHR_STATUS,
    "COMPOSITION": composition.COMPOSITION,
    "DIRECTORY": directory.DIRECTORY,
    "CONTRIBUTION": directory.CONTRIBUTION,
    "ITEM_TAG": tags.ITEM_TAG,
    "DEFINITION": (*definition.ADL14, *definition.ADL2, *definition.STORED_QUERY),
    "QUERY": query.QUERY,
    "ADMIN": admin.ADMIN,
}
_BESIDE: Mapping[str, Iterable[Operation]] = {
    "EVENTS": beside.EVENTS,
    "BULK": beside.BULK,
    "ORGANISATION": beside.ORGANISATION,
    "operations": beside.OPERATIONS,
}
_ABOUT = """\
An openEHR repository whose records never know whose they are.

Every call but those of `operations` carries an API key, and each operation names the scope that it
needs.  An error has one shape (`ERROR`), in JSON or, where Accept asks for it, in XML; its message
never holds a value of a record.  500 is not listed: it is a defect of the service, and its body is
of that shape too.  ETags are strong or weak, as the deployment says; If-Match is read in any form.
"""
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "mty_<organisation>_<key id>_<secret>",
    "description": "An API key; the name beside it is the scope that the key must have.",
}


def whole() -> dict[str, Any]:
    """The document of the clinical service (OpenAPI 3.1)."""
    paths: dict[str, dict[str, Any]] = {}
    for prefix, sections in ((BASE, _OPENEHR), ("", _BESIDE)):
        for tag, operations in sections.items():
            for method, path, told in operations:
                paths.setdefault(prefix + path, {})[method] = {"tags": [tag], **told}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Moiety clinical repository",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in (*_OPENEHR, *_BESIDE)],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "parameters": PARAMETERS,
            "headers": dict(HEADERS),
            "responses": REFUSALS,
            "securitySchemes": {"api_key": _KEY},
        },
    }


def selected(
    title: str, place: Callable[[str], str | None], *, server: str = "/"
) -> dict[str, Any]:
    """The document of some paths under other names: `place` gives each its name, or None.

    `server` stands before those names.  Every component stays, also those that no path needs.
    """
    document = whole()
    named = {place(path): methods for path, methods in document["paths"].items()}
    return {
        **document,
        "info": {**document["info"], "title": title},
        "servers": [{"url": server}],
        "paths": {path: methods for path, methods in named.items() if path is not None},
    }
