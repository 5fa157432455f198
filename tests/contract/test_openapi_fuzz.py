"""schemathesis over the document of a running service that holds records.

No 5xx but the 501 that are described, no status, media type, header or body that is not described;
whether what is sent fits the document or breaks it; in the standard profile and in the conformance
profile.  MOIETY_FUZZ_EXAMPLES: how many requests each operation gets of each kind.
"""

import os
from uuid import uuid4

import pytest

from tests.fixtures.clinical_documents import (
    BASE,
    contribution,
    folder,
    open_ehr,
    uid_of,
    upload,
    version,
    vital_signs,
)
from tests.fixtures.fix_services import conforming, served
from tests.fixtures.openapi_document import document, examples, operations

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = os.environ.get("MOIETY_FUZZ_EXAMPLES")
LAST = ("delete", "admin")
"""What takes records away comes after all else."""


@pytest.fixture(params=["standard", "conformance"])
def service(request, clinical_database):
    """A service that signs webhooks, in each profile."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings

    hooks = {"webhook_key": "a key of the test", "webhook_targets": "private",
             "webhook_pause": 600.0}  # fmt: skip
    if request.param == "conformance":
        with conforming(clinical_database, **hooks) as service:
            yield service
        return
    settings = Settings(database_url=clinical_database.url(), **hooks)
    with served("clinical", create_app(settings), clinical_database) as service:
        yield service


@pytest.fixture
def known(service):
    """Records of every kind; operation → what its path says to reach them."""
    with service.client() as client:
        upload(client)
        ehr_id = open_ehr(client)
        place = f"{BASE}/ehr/{ehr_id}"
        composition = uid_of(client.post(f"{place}/composition", json=vital_signs()))
        directory = uid_of(client.post(f"{place}/directory", json=folder("root", folder("a"))))
        status = uid_of(client.get(f"{place}/ehr_status"))
        change = client.post(f"{place}/contribution", json=contribution(version(vital_signs(2))))
        query = f"{BASE}/definition/query/fuzz::all"
        q = "SELECT c/uid/value FROM EHR e CONTAINS COMPOSITION c"
        client.put(query, content=q, headers={"Content-Type": "text/plain"}).raise_for_status()
        hook = client.post("/webhooks", json={"url": "https://example.org/hook"}).json()["id"]
    return {
        "ehr_id": ehr_id,
        "version_uid": {"status": status, "directory": directory, "": composition},
        "uid_based_id": {"status": status.partition("::")[0], "": composition.partition("::")[0]},
        "versioned_object_uid": composition.partition("::")[0],
        "contribution_uid": uid_of(change),
        "template_id": "moiety_vital_signs.v1",
        "qualified_query_name": "fuzz::all",
        "version": "1.0.0",
        "name": "fuzz::all",
        "composition_id": str(uuid4()),
        "directory_id": str(uuid4()),
        "webhook_id": hook,
        "key": "ward",
    }


def reached(known, operation):
    """The segments of an operation's path."""
    found = {}
    for name in [one.name for one in operation.path_parameters]:
        value = known.get(name)
        if isinstance(value, dict):
            value = next(one for part, one in value.items() if part in operation.path)
        found[name] = value
    return found


def fault(case, answer):
    """What of an answer is not described, if anything is."""
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi import checks

    described = case.operation.definition.raw["responses"]
    told = described.get(str(answer.status_code), {})
    if answer.status_code >= 500 and (answer.status_code != 501 or not told):
        return f"{answer.status_code}"
    wanted = [checks.status_code_conformance, checks.response_headers_conformance]
    if answer.content:
        wanted += [checks.content_type_conformance, checks.response_schema_conformance]
    elif "content" in told and told.get("x-body") != "preferred":
        return f"{answer.status_code} without a body"
    try:
        case.validate_response(answer, checks=wanted)
    except FailureGroup as group:
        return " / ".join(str(one) for one in group.exceptions)
    return None


def strategies(operation, known):
    """Requests that fit and that break the document, with any path and with one that leads to a
    record; and its own examples under other headers and parameters.
    """
    from schemathesis import GenerationMode

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        if mode is GenerationMode.NEGATIVE and not (
            list(operation.iter_parameters()) or operation.body
        ):
            continue  # nothing to break
        yield operation.as_strategy(mode)
        if segments := reached(known, operation):
            yield operation.as_strategy(mode, path_parameters=segments)
    for media, value in examples(document(), operation.definition.raw):
        yield operation.as_strategy(
            path_parameters=reached(known, operation) or None, body=value, media_type=media
        )


def as_it_is(_context, value):
    """A text is sent as it stands; whatever else was made up, as its words."""
    return value.encode() if isinstance(value, str) else str(value).encode()


# The service's thread draws random numbers while hypothesis watches for that in its own.
@pytest.mark.behaviour("described")
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.slow
def test_no_request_is_answered_otherwise_than_described(service, known):
    """Each operation, with requests that fit the document and requests that break it."""
    from hypothesis import HealthCheck, Phase, given, settings

    schemathesis.serializer("application/x-ndjson", "application/xml")(as_it_is)
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    conforms = service.app.state.here["main"].settings.profile == "conformance"
    headers = {} if conforms else {"Authorization": f"Bearer {service.key()}"}
    limits = settings(
        max_examples=int(EXAMPLES or (2 if conforms else 4)), deadline=None, database=None,
        derandomize=True, phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    found, faults, seen = [one.ok() for one in schema.get_all_operations()], {}, {}
    found.sort(key=lambda one: [part in f"{one.method} {one.path}" for part in LAST])

    def run(case):
        # A fault is noted and not raised: what was deleted is not there for a second try.
        if case.path == "/events":
            case.headers = {**(case.headers or {}), "Accept": "application/json"}
        answer = case.call(headers=headers, timeout=30)
        seen.setdefault(case.operation.label, []).append(answer.status_code)
        wrong = fault(case, answer)
        if wrong:
            faults.setdefault((case.operation.label, wrong), case.as_curl_command())

    for operation in found:
        for strategy in strategies(operation, known):
            limits(given(strategy)(run))()
    assert {} == faults
    assert set(operations(document())) == {(one.method, one.path) for one in found}
    good = [label for label, some in seen.items() if min(some) < 300]
    print(sum(map(len, seen.values())), "requests;", len(good), "operations answered 2xx")
    assert len(good) > len(found) / 2
