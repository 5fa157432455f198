"""The OpenAPI document: complete, true to the routes, and to the specification where it is here."""

import ast
import inspect
import textwrap
from pathlib import Path

import jsonschema
import pytest
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from moiety.kit.auth import Require
from tests.fixtures.openapi_document import (
    METHODS,
    PREFIX,
    app,
    document,
    operations,
    parameters,
    plain,
    resolved,
    validator,
)

SPECIFICATION = Path(__file__).parents[3] / "shared/data/spec/its-rest/specifications"
BY_HAND = {
    "negotiation.answer_form": {"Accept", "format"},
    "definition._media": {"Accept", "format"},
    "definition_adl2._answer": {"Accept"},
    "negotiation.body_form": {"format"},
    "commit_headers.audit_of": {"openehr-version", "openehr-audit-details"},
    "tag_headers.read": {"openehr-item-tag", "openehr-version-item-tag"},
    "composition._template_id": {"openehr-template-id", "templateId"},
    "query_media.media_of": {"Accept", "format"},
    "query._read": {"ehr_id"},
    "query._extended": {"extensions"},
    "query._of_url": {"ehr_id", "query_parameters"},
}
"""Functions of the routes that read the request themselves, and what they read."""


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
    """Parameters of query and header, and which must be there."""
    there = document()
    inferred = get_openapi(title="x", version="0", routes=app().routes)
    told = {(method, plain(path)): one for (method, path), one in operations(there).items()}
    for (method, path), one in operations(inferred).items():
        ours = parameters(there, told[method, plain(path)], "query", "header")
        for name, required in parameters(inferred, one, "query", "header").items():
            assert name in ours, (method, path, name)
            assert required == ours[name] or name == "If-Match", (method, path, name)


def test_what_a_route_reads_by_itself_is_described():
    """Formats, commit headers, tags, templates: where its functions read them alone."""
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
    """module.name of every function of the routes that a function calls, itself or through them."""
    seen = set() if seen is None else seen
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if not isinstance(node, ast.Call):
            continue
        first, *steps = ast.unparse(node.func).split(".")
        target = function.__globals__.get(first)
        for step in steps:
            target = getattr(target, step, None)
        if inspect.isfunction(target) and target.__module__.startswith("clinical_api.routes"):
            name = f"{target.__module__.rpartition('.')[2]}.{target.__name__}"
            if name not in seen:
                seen.add(name)
                called(target, seen)
    return seen


# --- the document itself -------------------------------------------------------------------------


def contents(there):
    """(place, media type, what is said of it) of every body, sent or answered."""
    for (method, path), told in operations(there).items():
        bodies = [told.get("requestBody", {}), *told["responses"].values()]
        for body in bodies:
            for media, about in resolved(there, body).get("content", {}).items():
                yield f"{method} {path}", media, about


def references(told):
    """Every reference in a part of the document."""
    if isinstance(told, dict):
        for key, one in told.items():
            if key == "$ref":
                yield one
            else:
                yield from references(one)
    elif isinstance(told, list):
        for one in told:
            yield from references(one)


def test_every_reference_leads_somewhere_and_every_part_is_used():
    """No component is missing, and none is left over."""
    there = document()
    found = set(references(there))
    there_are = {
        f"#/components/{kind}/{name}"
        for kind, parts in there["components"].items()
        for name in parts
        if kind != "securitySchemes"
    }
    never_answered = {"#/components/responses/Defect"}
    assert there_are - never_answered == found


def test_every_schema_is_one_and_every_example_fits_it():
    """Draft 2020-12, as OpenAPI 3.1 has it."""
    there = document()
    for schema in there["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    shown = 0
    for place, media, about in contents(there):
        assert about["schema"], place
        for example in about.get("examples", {}).values():
            assert isinstance(example["value"], str) or "json" in media, place
            validator(there, about["schema"]).validate(example["value"])
            shown += 1
    for one in there["components"]["parameters"].values():
        if "example" in one:
            validator(there, one["schema"]).validate(one["example"])
    assert shown >= 20


def test_the_document_is_served_without_a_key(clinical):
    """As any tool asks for it."""
    import httpx

    assert document() == httpx.get(f"{clinical.url}/openapi.json", trust_env=False).json()


# --- the specification ---------------------------------------------------------------------------

EVERYWHERE = {
    "parameter Content-Type": "OpenAPI 3 tells it by the media types of the body",
    "header Content-Type": "OpenAPI 3 tells it by the media types of the answer",
}
"""What the specification's files say of many operations and ours of none, and why."""
_AS_JSON = {"parameter Accept": "the answer is JSON, whatever is asked for"}
DEVIATIONS = {
    "options": {"path": "it is asked at the base path, without a slash after it", **_AS_JSON},
    "definition_template_adl1.4_list": {**_AS_JSON},
    "definition_template_adl2_list": {**_AS_JSON},
    "definition_template_adl2_upload": {"parameter Accept": "text/plain, whatever is asked for"},
    "directory_update": dict.fromkeys(
        ("header openehr-item-tag", "header openehr-version-item-tag"),
        "a directory has no resource of tags, and the request brings none",
    ),
    "definition_query_list": {**_AS_JSON},
    "definition_query_store.yaml": {**_AS_JSON},
    "definition_query_version_get": {**_AS_JSON},
    "definition_query_version_store.yaml": {**_AS_JSON},
    "admin_ehr_delete": {"status 202": "what is deleted is gone when it is answered"},
    "admin_ehr_delete_all": {"status 202": "what is deleted is gone when it is answered"},
}  # fmt: skip


def specified():
    """Operation id → (method, path), parameters, headers by status, media types of the body."""
    import yaml

    def read(file):
        return yaml.safe_load(file.read_text()), file.parent

    def follow(told, base):
        while "$ref" in told:
            told, base = read((base / told["$ref"]).resolve())
        return told, base

    for name in ("ehr", "query", "definition", "admin", "system"):
        there, base = read(SPECIFICATION / f"{name}.openapi.yaml")
        for path, methods in there["paths"].items():
            for method in METHODS:
                if method not in methods:
                    continue
                told, place = follow(methods[method], base)
                asked = [follow(one, place)[0] for one in told.get("parameters", [])]
                answers = {
                    status: set(follow(one, place)[0].get("headers", {}))
                    for status, one in told["responses"].items()
                }
                body = follow(told.get("requestBody", {}), place)[0].get("content", {})
                found = {(one["name"], one["in"], one.get("required", False)) for one in asked}
                where = (method, plain(path.partition("{?")[0]))
                yield told["operationId"], where, found, answers, set(body)


@pytest.mark.skipif(not SPECIFICATION.is_dir(), reason="no shared specification here")
def test_the_document_says_what_the_specification_says():
    """Of each of its operations: path, parameters, statuses, headers, media types; each deviation
    has its reason above, and none there is out of date.
    """
    there = document()
    ours = {told["operationId"]: (key, told) for key, told in operations(there).items()}
    found = {}
    count = 0
    for name, where, asked, answers, body in specified():
        (method, path), told = ours[name]
        deviations = set()
        if where != (method, plain(path.removeprefix(PREFIX))):
            deviations.add("path")
        params = [resolved(there, one) for one in told.get("parameters", [])]
        mine = {(one["name"], one["in"], one.get("required", False)) for one in params}
        # A path's parameter may be called otherwise: its place says which it is.
        deviations |= {f"parameter {one[0]}" for one in asked - mine if one[1] != "path"}
        for status, heads in answers.items():
            if status not in told["responses"]:
                deviations.add(f"status {status}")
                continue
            told_heads = resolved(there, told["responses"][status]).get("headers", {})
            deviations |= {f"header {one}" for one in heads - set(told_heads)}
        deviations |= {
            f"media {one}" for one in body - set(told.get("requestBody", {}).get("content", {}))
        }
        if deviations - set(EVERYWHERE):
            found[name] = deviations - set(EVERYWHERE)
        count += 1
    assert count == 55
    assert {name: set(why) for name, why in DEVIATIONS.items()} == found
