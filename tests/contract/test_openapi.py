"""The OpenAPI document: complete, true to the routes, and to the specification where it is here."""

import ast
import inspect
import re
import textwrap
from pathlib import Path

from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from moiety.kit.auth import Require

SPECIFICATION = Path(__file__).parents[3] / "shared/data/spec/its-rest/specifications"
METHODS = ("get", "post", "put", "delete", "options")
PREFIX = "/openehr/v1"
BY_HAND = {
    "answer_form": {"Accept", "format"},
    "_media": {"Accept", "format"},
    "best_form": {"Accept"},
    "body_form": {"format"},
    "audit_of": {"openehr-version", "openehr-audit-details"},
    "tag_headers.read": {"openehr-item-tag", "openehr-version-item-tag"},
    "_template_id": {"openehr-template-id", "templateId"},
    "_of_url": {"ehr_id", "query_parameters"},
}
"""Functions of the routes that read the request themselves, and what they read."""


def app():
    """The service, without a database."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings

    return create_app(Settings(database_url="postgresql://nowhere"))


def document():
    """What it says of itself."""
    from clinical_api.openapi.document import whole

    return whole()


def plain(path):
    """A path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def resolved(there, told):
    """`told`, or what it refers to."""
    while "$ref" in told:
        found = there
        for step in told["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        told = found
    return told


def operations(there):
    """(method, path) → operation."""
    return {
        (method, path): told
        for path, methods in there["paths"].items()
        for method, told in methods.items()
        if method in METHODS
    }


def parameters(there, told, *places):
    """Name → whether it is required, of the parameters in some places."""
    found = [resolved(there, one) for one in told.get("parameters", [])]
    return {one["name"]: one.get("required", False) for one in found if one["in"] in places}


def endpoints():
    """(method, path without names) → endpoint and its dependencies."""
    return {
        (method.lower(), plain(route.path)): route
        for route in iter_route_contexts(app().routes)
        if getattr(route, "dependant", None) is not None
        for method in route.methods or ()
    }


# --- the routes ----------------------------------------------------------------------------------


def test_every_route_is_described_and_nothing_else():
    """Methods, paths and operation ids; OPTIONS is answered in front of the routes."""
    told = {
        (method, plain(path)): one["operationId"]
        for (method, path), one in operations(document()).items()
        if method != "options"
    }
    service = app()
    inferred = get_openapi(title="x", version="0", routes=service.routes)
    served = {
        (method, plain(path)): one["operationId"].partition("_health")[0]
        for (method, path), one in operations(inferred).items()
    }
    unnamed = {("get", "/health"), ("get", "/ready"), ("get", "/metrics")}
    assert set(served) == set(told)
    assert {key: served[key] for key in served if key not in unnamed} == {
        key: told[key] for key in told if key not in unnamed
    }
    ids = [one["operationId"] for one in operations(document()).values()]
    assert sorted(set(ids)) == sorted(ids)


def test_what_fastapi_reads_of_a_request_is_described():
    """Parameters of query and header, and which must be there; If-Match is asked for by the route."""
    there = document()
    inferred = get_openapi(title="x", version="0", routes=app().routes)
    told = {(method, plain(path)): one for (method, path), one in operations(there).items()}
    for (method, path), one in operations(inferred).items():
        ours = parameters(there, told[method, plain(path)], "query", "header")
        for name, required in parameters(inferred, one, "query", "header").items():
            assert name in ours, (method, path, name)
            assert required == ours[name] or name == "If-Match", (method, path, name)


def test_what_a_route_reads_by_itself_is_described():
    """Formats, commit headers, tags, templates: where its own functions read them, and only there."""
    there = document()
    hands = set().union(*BY_HAND.values())
    routes = endpoints()
    for (method, path), told in operations(there).items():
        if method == "options" or "/events" in path:
            continue  # answered in front of the routes; and by Accept alone, as its media types say
        route = routes[method, plain(path)]
        read = {one for name in called(route.endpoint) for one in BY_HAND.get(name, ())}
        declared = {one.alias for one in route.dependant.query_params}
        ours = set(parameters(there, told, "query", "header")) & hands - declared
        if path.startswith(f"{PREFIX}/query"):
            read |= {"ehr_id"}
        assert read - declared == ours, (method, path)


def test_every_operation_names_the_scope_that_its_route_requires():
    """And takes a body where the route reads one."""
    from moiety.kit.bodies import read_body

    routes = endpoints()
    for (method, path), told in operations(document()).items():
        if method == "options":
            continue
        calls = [one.call for one in routes[method, plain(path)].dependant.dependencies]
        scopes = [one.scope for one in calls if isinstance(one, Require)]
        assert [scope for one in told["security"] for scope in one["api_key"]] == scopes, path
        streamed = path == "/bulk/import"
        assert (read_body in calls or streamed) == ("requestBody" in told), (method, path)


def called(function, seen=None):
    """The names of everything that a function of the routes calls, and what those call there."""
    seen = set() if seen is None else seen
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in seen:
            continue
        seen.add(name)
        target = function.__globals__.get(name.partition(".")[0])
        for step in name.split(".")[1:]:
            target = getattr(target, step, None)
        if inspect.isfunction(target) and target.__module__.startswith("clinical_api.routes"):
            seen.add(target.__name__)
            called(target, seen)
    return seen
