"""A FHIR terminology server: what AQL asks it, what templates ask it, and how it may fail."""

import contextlib
import time

import pytest

from clinical_api.app import create_app
from clinical_api.settings import Settings
from moiety.kit.errors import Unavailable, Unprocessable
from moiety.kit.settings import SettingsError
from moiety.wire import terminology
from tests.fixtures import terminology_peer
from tests.fixtures.clinical_documents import ADL, BASE, TEMPLATES, XML, open_ehr
from tests.fixtures.fix_services import served
from tests.fixtures.terminology_peer import JOINTS, MANY, SNOMED, Peer
from tests.unit.openehr import documents

R4 = "hl7.org/fhir/R4"
TOKEN = "a token of the test"


@pytest.fixture
def peer():
    """A terminology server: (it, its base)."""
    told = Peer()
    with served("terminology", told.app, None) as service:
        yield told, f"{service.url}/fhir"


@pytest.fixture
def client(peer):
    """A client of it that waits two seconds."""
    made = terminology.connect(peer[1], TOKEN, seconds=2.0)
    with contextlib.closing(made):
        yield made


# --- AQL


@pytest.mark.parametrize(
    "parameters",
    [
        f"{SNOMED}?fhir_vs=isa/3723001",
        f"url={SNOMED}?fhir_vs=isa/3723001",
        f"url={SNOMED}%3Ffhir_vs%3Disa/3723001",
        f"//fhir.hl7.org/ValueSet/$expand?url={SNOMED}?fhir_vs=isa/3723001",
        f"ValueSet/$expand?url={SNOMED}?fhir_vs=isa/3723001",
        f"{SNOMED}?fhir_vs=isa/3723001&activeOnly=true",
    ],
)
@pytest.mark.parametrize("service", [R4, "hl7.org/fhir/4.0", "http://hl7.org/fhir/r4"])
def test_a_value_set_is_expanded_however_it_is_written(peer, client, service, parameters):
    """As AQL 1.1 writes the parameters of TERMINOLOGY, and as existing systems do."""
    assert ["396275006", "3723001"] == terminology.ask(client, "expand", service, parameters)
    path, asked, authorization = peer[0].asked[-1]
    assert "ValueSet/$expand" == path
    assert f"{SNOMED}?fhir_vs=isa/3723001" == asked["url"]
    assert f"Bearer {TOKEN}" == authorization


def test_a_long_value_set_is_read_page_by_page(peer, client):
    """All of its codes, each once."""
    codes = terminology.ask(client, "expand", R4, MANY)
    assert [str(number) for number in range(2500)] == codes
    assert ["0", "1000", "2000"] == [asked["offset"] for _, asked, _ in peer[0].asked]


def test_a_heading_is_no_code(client):
    """Of a grouped expansion the codes count, however deep they stand."""
    assert ["396275006", "3723001"] == terminology.ask(client, "expand", R4, f"url={JOINTS}")


def test_a_value_set_that_is_too_long_is_refused(peer, client):
    """A query can't hold a million codes."""
    terminology_peer.MEMBERS["urn:endless"] = [str(n) for n in range(60_000)]
    try:
        with pytest.raises(Unprocessable, match="more than 50000 codes"):
            terminology.ask(client, "expand", R4, "url=urn:endless")
    finally:
        del terminology_peer.MEMBERS["urn:endless"]


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("validate", f"system={SNOMED}&code=396275006&url={SNOMED}?fhir_vs&display=OA", True),
        ("validate", f"system={SNOMED}&code=1&url={JOINTS}", False),
        ("VALIDATE", f"system={SNOMED}&code=928000", True),
        ("validate", f"system={SNOMED}&code=1", False),
        ("subsumes", f"system={SNOMED}&codeA=928000&codeB=396275006", True),
        ("subsumes", f"system={SNOMED}&codeA=928000&codeB=928000", True),
        ("subsumes", f"system={SNOMED}&codeA=396275006&codeB=928000", False),
        ("map", f"system={SNOMED}&code=396275006&target=http://hl7.org/fhir/sid/icd-10", ["M19.9"]),
        ("map", f"system={SNOMED}&code=928000", []),
        ("lookup", f"system={SNOMED}&code=396275006", ["Osteoarthritis", "OA"]),
    ],
)
def test_the_other_operations_of_terminology(client, operation, parameters, expected):
    """AQL 1.1, TERMINOLOGY: a truth, or what was found."""
    assert expected == terminology.ask(client, operation, R4, parameters)


@pytest.mark.parametrize(
    ("operation", "service", "parameters", "message"),
    [
        ("expand", "ots.oceanhealthsystems.com", JOINTS, "hl7.org/fhir/R4"),
        ("expand", "hl7.org/fhir/1.0", JOINTS, "hl7.org/fhir/R4"),
        ("translate", R4, JOINTS, "expand, validate, subsumes, map, lookup"),
        ("expand", R4, "", "lacks url"),
        ("validate", R4, f"url={JOINTS}", "lacks code"),
        ("subsumes", R4, f"system={SNOMED}&codeA=1", "lacks codeB"),
        ("expand", R4, f"url={JOINTS}&code=1", "does not take code"),
        ("expand", R4, "url=urn:nobody-has-it", r"refuses /ValueSet/\$expand \(not-found\)"),
        ("lookup", R4, f"system={SNOMED}&code=1", r"refuses /CodeSystem/\$lookup \(not-found\)"),
    ],
)
def test_what_can_not_be_asked_is_refused_with_a_sentence(
    client, operation, service, parameters, message
):
    """It says what would be understood; what the server said is not repeated."""
    with pytest.raises(Unprocessable, match=message) as refused:
        terminology.ask(client, operation, service, parameters)
    assert "396275006" not in refused.value.message


@pytest.mark.parametrize(
    "uri",
    [
        f"terminology://fhir.hl7.org/ValueSet/$expand?url={SNOMED}?fhir_vs=isa/3723001",
        f"terminology://fhir.hl7.org/ValueSet?url={JOINTS}",
        f"terminology://fhir.hl7.org//ValueSet/$validate-code?url={JOINTS}",
        "terminology://snomed.info/sct?fhir_vs=isa/3723001",
        "terminology://Snomed-CT/hierarchy?rootConceptId=3723001",
        "terminology://example.org/fhir/ValueSet/joint-disorders",
    ],
)
def test_a_terminology_uri_is_expanded(client, uri):
    """As `matches { terminology://… }` writes it."""
    assert ["396275006", "3723001"] == terminology.expand_uri(client, uri)


@pytest.mark.parametrize(
    "uri",
    ["terminology://loinc/x", "terminology:SNOMED-CT", "http://x/y", "terminology://", "ac0001",
     f"terminology://fhir.hl7.org/CodeSystem?url={SNOMED}"],
)  # fmt: skip
def test_a_uri_that_names_no_value_set_is_refused(client, uri):
    """With the form that would be understood."""
    with pytest.raises(Unprocessable, match="names no value set"):
        terminology.expand_uri(client, uri)


def test_an_answer_is_kept(peer, client):
    """The same question does not go out twice."""
    for _ in range(3):
        terminology.ask(client, "expand", R4, JOINTS)
    assert 1 == len(peer[0].asked)


# --- how it may fail


@pytest.mark.parametrize(
    "mood",
    ["slow", "drip", "broken", "busy", "closed", "garbage", "nested", "another", "empty", "gone"],
)
def test_whatever_the_server_does_the_answer_is_503_and_soon(peer, client, mood):
    """Never a hang, never its own words."""
    peer[0].mood = mood
    started = time.monotonic()
    with pytest.raises(Unavailable, match="terminology server") as failed:
        terminology.ask(client, "expand", R4, JOINTS)
    assert time.monotonic() - started < 10
    assert "396275006" not in failed.value.message


def test_an_endless_answer_is_cut(peer, client):
    """At 16 MiB."""
    peer[0].mood = "huge"
    with pytest.raises((Unprocessable, Unavailable)):
        terminology.ask(client, "expand", R4, JOINTS)


def test_a_server_that_is_away_is_not_waited_for_by_everybody(peer, client):
    """After one time-out the next question is answered at once, for some seconds."""
    peer[0].mood = "slow"
    for _ in range(20):
        with pytest.raises(Unavailable):
            terminology.ask(client, "expand", R4, JOINTS)
    assert 1 == len(peer[0].asked)


def test_nobody_listens(closed_port):
    """No server at all is 503 too."""
    made = terminology.connect(f"http://127.0.0.1:{closed_port}")
    with contextlib.closing(made), pytest.raises(Unavailable, match="does not answer"):
        terminology.ask(made, "expand", R4, JOINTS)


# --- templates


def bound(uri):
    """The demo's problem list, its condition bound to a value set held elsewhere."""
    text = (TEMPLATES / "problem_diagnosis.opt").read_text()
    mark = 'xsi:type="C_CODE_PHRASE">'
    start = text.rindex(mark, 0, text.index("SNOMED-CT"))
    before, after = text[:start], text[start + len(mark) :]
    phrase, rest = after.split("</children>", 1)
    head, _, tail = phrase.partition("<terminology_id>")
    tail = tail.partition("</terminology_id>")[2]
    free = '<children xsi:type="C_COMPLEX_OBJECT">'  # the template allows a plain text too
    kept, _, alternative = rest.partition(free)
    assert "DV_TEXT" in alternative.partition("</children>")[0]
    rest = kept + alternative.partition("</children>")[2]
    made = f"{head}<referenceSetUri>{uri}</referenceSetUri>{tail}</children>{rest}"
    return (before + mark.replace("PHRASE", "REFERENCE") + made).encode()


def problem(code, system="SNOMED-CT"):
    """A problem list with one condition."""
    tree = documents.problem_diagnosis()
    (entry,) = tree["content"]
    entry["data"]["items"][0]["value"] = documents.coded("Condition", code, system)
    return tree


@contextlib.contextmanager
def asking(database, url, **settings):
    """The clinical service with a terminology server, a client, and an EHR."""
    app = create_app(
        Settings(
            database_url=database.url(), terminology_url=url, terminology_timeout=2.0, **settings
        )
    )
    with served("clinical", app, database) as service, service.client() as one:
        yield one


def upload_bound(client, uri=f"terminology://fhir.hl7.org/ValueSet/$expand?url={JOINTS}"):
    """Upload the template."""
    answer = client.post(ADL, content=bound(uri), headers=XML)
    assert 201 == answer.status_code, answer.text


def contribution(*compositions):
    """A contribution of new compositions."""
    return {
        "versions": [
            {
                "commit_audit": {"change_type": documents.coded("creation", "249", "openehr")},
                "lifecycle_state": documents.coded("complete", "532", "openehr"),
                "data": one,
            }
            for one in compositions
        ],
        "audit": {"change_type": documents.coded("creation", "249", "openehr")},
    }


def doors(client, ehr_id, tree):
    """The answers of every door that takes a composition."""
    line = {"ehr_id": ehr_id, "contribution": {"versions": [{"data": tree}]}}
    yield client.post(f"{BASE}/ehr/{ehr_id}/composition", json=tree)
    yield client.post(f"{BASE}/ehr/{ehr_id}/contribution", json=contribution(tree))
    yield client.post("/bulk/import", json=line)


@pytest.mark.behaviour("composition.value_sets")
def test_a_code_of_a_value_set_held_elsewhere_is_asked_for(clinical_database, peer):
    """At every door; what does not belong to it is refused with its path and without the code."""
    with asking(clinical_database, peer[1]) as client:
        upload_bound(client)
        ehr_id = open_ehr(client)
        for answer in doors(client, ehr_id, problem("396275006")):
            assert answer.is_success, answer.text
        assert 1 == len(peer[0].asked)
        assert {"url": JOINTS, "system": SNOMED, "code": "396275006"} == peer[0].asked[0][1]
        one, several, bulk = doors(client, ehr_id, problem("928000"))
        assert [422] * 3 == [one.status_code, several.status_code, bulk.status_code]
        (finding,) = one.json()["validationErrors"]
        assert finding["path"].endswith("defining_code/code_string")
        assert JOINTS in finding["expected"]
        assert "928000" not in one.text + several.text + bulk.text
        assert 2 == len(peer[0].asked)


def test_whole_code_systems_are_asked_for_too(clinical_database, peer):
    """`terminology://fhir.hl7.org/CodeSystem?url=…`: any code of it, and of no other."""
    with asking(clinical_database, peer[1]) as client:
        upload_bound(client, f"terminology://fhir.hl7.org/CodeSystem?url={SNOMED}")
        place = f"{BASE}/ehr/{open_ehr(client)}/composition"
        assert 201 == client.post(place, json=problem("928000")).status_code
        assert 422 == client.post(place, json=problem("1")).status_code
        assert 422 == client.post(place, json=problem("928000", "LOINC")).status_code


def test_what_is_wrong_without_asking_is_told_first(clinical_database, peer):
    """The server is not bothered with a document that is refused anyhow."""
    with asking(clinical_database, peer[1]) as client:
        upload_bound(client)
        tree = problem("396275006")
        tree["content"][0]["data"]["items"][1]["value"] = documents.text("no date")
        answer = client.post(f"{BASE}/ehr/{open_ehr(client)}/composition", json=tree)
        assert answer.status_code in {400, 422}
        assert [] == peer[0].asked


@pytest.mark.behaviour("composition.value_sets_away")
@pytest.mark.parametrize("mood", ["slow", "broken", "garbage"])
@pytest.mark.parametrize(("policy", "status"), [("refuse", 503), ("accept", 201)])
def test_without_the_server_the_policy_decides(clinical_database, peer, mood, policy, status):
    """Refused, to be tried again; or accepted unasked.  Soon, in both cases."""
    peer[0].mood = mood
    with asking(clinical_database, peer[1], terminology_away=policy) as client:
        upload_bound(client)
        place = f"{BASE}/ehr/{open_ehr(client)}/composition"
        started = time.monotonic()
        answer = client.post(place, json=problem("396275006"))
        assert time.monotonic() - started < 15
        assert status == answer.status_code, answer.text
        assert "396275006" not in answer.text
        if status == 503:
            assert "terminology server" in answer.json()["message"]
            assert "Retry-After" in answer.headers


@pytest.mark.parametrize(("policy", "status"), [("refuse", 422), ("accept", 201)])
def test_a_value_set_that_the_server_does_not_know(clinical_database, peer, policy, status):
    """As without the server; the refusal names the value set, which is the template's."""
    with asking(clinical_database, peer[1], terminology_away=policy) as client:
        upload_bound(client, "terminology://example.org/fhir/ValueSet/unknown")
        place = f"{BASE}/ehr/{open_ehr(client)}/composition"
        answer = client.post(place, json=problem("396275006"))
        assert status == answer.status_code, answer.text
        if status == 422:
            assert "ValueSet/unknown" in answer.json()["validationErrors"][0]["expected"]


def test_nothing_is_asked_where_no_server_is_set(clinical, peer):
    """As ever: a value set held elsewhere passes."""
    with clinical.client() as client:
        upload_bound(client)
        place = f"{BASE}/ehr/{open_ehr(client)}/composition"
        assert 201 == client.post(place, json=problem("928000")).status_code
    assert [] == peer[0].asked


@pytest.mark.parametrize(
    ("name", "value"), [("URL", "ftp://x"), ("URL", "tx.example.org"), ("AWAY", "perhaps")]
)
def test_a_setting_that_makes_no_sense_stops_the_start(name, value):
    """With a sentence that names it."""
    setting = f"MOIETY_CLINICAL_TERMINOLOGY_{name}"
    with pytest.raises(SettingsError, match=setting):
        Settings.from_env({setting: value})
