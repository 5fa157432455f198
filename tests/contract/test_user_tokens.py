"""Tokens of people at the other services: one audience each, by the vault's key set."""

import json
import threading
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from moiety.commands import issue
from moiety.kit import user_tokens
from moiety.kit.errors import Forbidden, Unauthenticated
from moiety.wire import crossing, people
from moiety.wire import vault as wire
from moiety.wire.exchange import connect
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_people import bearing
from tests.fixtures.fix_services import served

BASE = "/vault/v1"
DOORS = {
    "clinical": ("GET", "/openehr/v1/definition/template/adl1.4"),
    "demographic": ("GET", "/fhir/R4/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9991234578"),
    "vault": ("GET", f"{BASE}/trail/head"),
}  # fmt: skip
"""A door of each service, and what it answers to whoever may."""


@pytest.fixture(scope="module")
def services(cluster, vault_service):
    """Clinical and demographic beside the vault, which publishes its keys to them."""
    from clinical_api.app import create_app as clinical
    from clinical_api.settings import Settings as ClinicalSettings
    from demographic_api.app import create_app as demographic
    from demographic_api.settings import Settings as DemographicSettings

    keys = f"{vault_service.url}{BASE}/keys"
    with copied(cluster, "clinical") as one, copied(cluster, "demographic") as other:
        clinical_app = clinical(ClinicalSettings(database_url=one.url(), vault_keys_url=keys))
        demographic_app = demographic(
            DemographicSettings(database_url=other.url(), vault_keys_url=keys)
        )
        with (
            served("clinical", clinical_app, one) as c,
            served("demographic", demographic_app, other) as d,
        ):
            yield {"clinical": c, "demographic": d, "vault": vault_service}


def knock(service, token):
    """The status of a service's door for a credential."""
    method, path = DOORS[service.name]
    with bearing(service.url, token) as client:
        return client.request(method, path).status_code


def test_every_credential_opens_its_own_service_and_is_401_at_every_other(
    services, console, signed_in, service_key
):
    """API keys of three services, a token for each audience, a narrow one: the whole product."""
    session, _, _ = signed_in("clinician", "auditor")
    captured = {
        **{f"key {name}": (name, service.key()) for name, service in services.items()},
        **{f"token {name}": (name, people.token(console, session, name)) for name in services},
    }
    for what, (home, token) in captured.items():
        for name, service in services.items():
            expected = 200 if name == home else 401
            assert expected == knock(service, token), (what, name)
    clinical = people.token(console, session, "clinical")
    with bearing(services["vault"].url, service_key("vault:exchange-clinical")) as program:
        narrow = people.exchange(program, clinical, scope="unseal")
    for name in ("clinical", "demographic"):
        assert 401 == knock(services[name], narrow)
    assert 401 == knock(services["clinical"], people.token(console, session, "imaging"))
    assert 401 == knock(services["clinical"], session)


def test_roles_are_scopes_at_each_service_by_one_table(services, console, signed_in):
    """A registrar registers and commits nothing; a clinician commits; a researcher queries."""
    doors = {
        "person": ("demographic", "POST", "/fhir/R4/Patient"),
        "commit": ("clinical", "POST", f"/openehr/v1/ehr/{uuid4()}/composition"),
        "query": ("clinical", "POST", "/openehr/v1/query/aql"),
    }
    allowed = {
        "registrar": {"person"},
        "clinician": {"commit", "query"},
        "researcher": {"query"},
        "administrator": set(),
        "approver": set(),
    }
    for role, may in allowed.items():
        session, _, _ = signed_in(role)
        for door, (name, method, path) in doors.items():
            with bearing(services[name].url, people.token(console, session, name)) as client:
                status = client.request(method, path, json={"q": "SELECT 1"}).status_code
            assert (status == 403) == (door not in may), (role, door, status)
    for service, by_role in user_tokens.SCOPES.items():
        assert all(scopes <= issue.SCOPES[service] for scopes in by_role.values())


def test_a_person_is_known_to_each_service_by_another_id(services, console, signed_in):
    """Pairwise subjects: no two audiences' tokens share the user's id."""
    session, person, _ = signed_in("clinician")
    subjects = [
        user_tokens.peek(people.token(console, session, name), 1)["sub"] for name in services
    ]
    again = user_tokens.peek(people.token(console, session, "clinical"), 1)["sub"]
    assert 3 == len(set(subjects))
    assert again == subjects[0]
    assert str(person.user_id) not in subjects[:2]


# --- exchange ------------------------------------------------------------------------------------


def test_a_service_acts_for_a_user_with_one_narrow_call(services, console, signed_in, service_key):
    """RFC 8693: for a token of its own audience, for what the table allows, once, for a minute."""
    session, person, _ = signed_in("clinician", "auditor")
    shown = people.token(console, session, "demographic")
    with bearing(services["vault"].url, service_key("vault:exchange-demographic")) as program:
        narrow = people.exchange(program, shown, scope="record_care")
        claims = user_tokens.peek(narrow, 1)
        assert ("vault", "record_care", str(person.user_id)) == (
            claims["aud"], claims["scope"], claims["sub"],
        )  # fmt: skip
        assert claims["exp"] - claims["iat"] <= 60
        with bearing(services["vault"].url, narrow) as client:
            # Not what it is for, though the user may: refused, and the token is used up.
            assert 403 == client.get(f"{BASE}/trail/head").status_code
            assert 401 == client.get(f"{BASE}/trail/head").status_code
        for scope in ("resolve_person", "resolve_ehr", "link", "record_care link", ""):
            with pytest.raises(Forbidden):
                people.exchange(program, shown, scope=scope)
        for other in ("clinical", "vault"):
            with pytest.raises(Unauthenticated):
                people.exchange(program, people.token(console, session, other), scope="record_care")
        with pytest.raises(Unauthenticated):
            people.exchange(program, narrow, scope="record_care")
        people.end_session(console, session)
        with pytest.raises(Unauthenticated):
            people.exchange(program, shown, scope="record_care")


def test_a_program_that_speaks_for_no_service_exchanges_nothing(
    services, console, signed_in, service_key
):
    """The console's key, and one that claims two services."""
    session, _, _ = signed_in("clinician")
    shown = people.token(console, session, "clinical")
    with pytest.raises(Forbidden):
        people.exchange(console, shown, scope="unseal")
    both = service_key("vault:exchange-clinical", "vault:exchange-demographic")
    with bearing(services["vault"].url, both) as program, pytest.raises(Forbidden):
        people.exchange(program, shown, scope="unseal")


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"grant_type=password&username=a",
        b"grant_type=refresh_token&refresh_token=a&refresh_token=b",
        b"\xff\xfe",
        b"grant_type=urn:ietf:params:oauth:grant-type:token-exchange",
        b"grant_type=client_credentials",
    ],
)
def test_broken_forms_are_refused_without_an_echo(console, form):
    """400 or 403, in the one shape."""
    answer = console.post(f"{BASE}/token", content=form)
    assert answer.status_code in {400, 403}
    assert {"error", "message", "code", "trace_id"} <= set(answer.json())


def test_the_clinical_services_key_never_receives_a_person(
    services, service_key, caller, filled_pool, approved
):
    """Every door of the vault, asked with it: refused, or an answer without a person's id."""
    person_id = uuid4()
    ehr_id = wire.link(caller("registrar"), person_id)
    officer = caller("linkage_officer")
    approval_id = approved(officer, ehr_id)
    bodies = {
        "person_id": str(person_id), "ehr_id": str(ehr_id), "purpose_of_use": "TREAT",
        "reason": "a reason of the right length", "approval_id": str(approval_id),
        "legal_basis": "public_interest",
    }  # fmt: skip
    fields = {
        "/resolve/ehr": ("ehr_id", "purpose_of_use", "reason", "approval_id", "legal_basis"),
        "/resolve/person": ("person_id", "purpose_of_use"),
        "/link": ("person_id",),
        "/trail/search": ("ehr_id",),
    }
    app = services["vault"].app
    key = service_key("screen:ask", "vault:exchange-clinical", "vault:use")
    asked = 0
    with bearing(services["vault"].url, key) as client:
        for path, operations in app.openapi()["paths"].items():
            if not path.startswith(BASE):
                continue
            for method in operations:
                body = {name: bodies[name] for name in fields.get(path.removeprefix(BASE), ())}
                answer = client.request(method, path, json=body or None)
                assert str(person_id) not in answer.text, path
                assert "person_id" not in answer.text or not answer.is_success, path
                asked += 1
    assert asked > 20
    # The control: the same question by who may is answered with the person.
    crossing.read_approvals(officer)
    answer = officer.post(
        f"{BASE}/resolve/ehr",
        json={**{name: bodies[name] for name in fields["/resolve/ehr"]},
              "purpose_of_use": "PATSFTY", "reason": "Recalled implant, batch of May"},
    )  # fmt: skip
    assert str(person_id) in answer.text


# --- key sets ------------------------------------------------------------------------------------


@contextmanager
def demographic_by(cluster, url):
    """A demographic service that fetches its key set at `url`."""
    from demographic_api.app import create_app
    from demographic_api.settings import Settings

    with copied(cluster, "demographic") as copy:
        app = create_app(Settings(database_url=copy.url(), vault_keys_url=url))
        with served("demographic", app, copy) as service:
            yield service


def test_without_a_key_set_no_token_is_believed(cluster, console, signed_in, closed_port):
    """The vault is away and no set was ever had: 503, and API keys go on."""
    session, _, _ = signed_in("registrar")
    token = people.token(console, session, "demographic")
    with demographic_by(cluster, f"http://127.0.0.1:{closed_port}{BASE}/keys") as service:
        assert 503 == knock(service, token)
        assert 200 == knock(service, service.key())


def test_a_service_told_of_no_vault_takes_no_token(cluster, console, signed_in, demographic):
    """401, as for any credential that is not of this service."""
    session, _, _ = signed_in("registrar")
    assert 401 == knock(demographic, people.token(console, session, "demographic"))


class Publisher:
    """A key set that a test changes, and counts the fetches of."""

    def __init__(self, keys):
        self.keys = keys
        self.fetched = 0
        self.away = False

    def app(self):
        """The application."""
        return Starlette(routes=[Route("/keys", self.answer)])

    async def answer(self, _request):
        """The set, or nothing."""
        self.fetched += 1
        return JSONResponse({}, 503) if self.away else JSONResponse({"keys": self.keys})


def test_a_kept_key_set_serves_its_minute_and_no_longer(
    cluster, console, signed_in, vault_service, monkeypatch
):
    """Fetched once for many calls, again for an unknown name, believed for its minute alone."""
    monkeypatch.setattr(user_tokens, "_AGAIN", 0.0)
    real = httpx.get(f"{vault_service.url}{BASE}/keys", trust_env=False).json()["keys"]
    publisher = Publisher(real)
    session, _, _ = signed_in("registrar")
    token = people.token(console, session, "demographic")
    with (
        served("keys", publisher.app(), None) as published,
        demographic_by(cluster, f"{published.url}/keys") as service,
    ):
        assert [200] * 5 == [knock(service, token) for _ in range(5)]
        assert 1 == publisher.fetched
        kept = service.app.state.user_tokens.keys
        publisher.away = True
        kept._kept = 0.0  # its minute is over
        assert 503 == knock(service, token)
        publisher.away, publisher.keys = False, [{**real[0], "kid": "main.another"}]
        kept._kept = 60.0
        kept._fetched = float("-inf")
        assert 401 == knock(service, token)  # the key that signed it was withdrawn
        publisher.keys = real
        assert 200 == knock(service, token)  # an unknown name is asked for again


# --- an outside OpenID Connect provider ----------------------------------------------------------


class OpenIdProvider:
    """A small provider with real keys: discovery, key set, and ID tokens as a test wants them."""

    def __init__(self):
        from joserfc.jwk import RSAKey

        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.url = ""
        self.issuer = None

    def app(self):
        """The application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/jwks", self.jwks),
            ]
        )

    async def configuration(self, _request):
        """OpenID Connect Discovery 1.0."""
        return JSONResponse({"issuer": self.issuer or self.url, "jwks_uri": f"{self.url}/jwks"})

    async def jwks(self, _request):
        """The public keys."""
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def id_token(self, subject, *, key=None, **claims):
        """An ID token; `claims` bend it."""
        import time

        from joserfc import jwt

        now = int(time.time())
        said = {"iss": self.url, "sub": subject, "aud": "moiety", "iat": now, "exp": now + 300,
                "jti": uuid4().hex, **claims}  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "one"}, said, key or self.key)


@pytest.fixture
def provided(cluster, vault_settings, tmp_path):
    """A vault whose people sign in at a provider, the provider, and a program's client."""
    from dataclasses import replace

    from linkage_vault.app import create_app
    from linkage_vault.people_keys import people_key_path

    provider = OpenIdProvider()
    with served("provider", provider.app(), None) as running, copied(cluster, "vault") as copy:
        provider.url = running.url
        settings = replace(
            vault_settings,
            database_url=copy.url(),
            people_key_file=people_key_path(vault_settings.key_file),
            oidc_issuer=running.url,
            oidc_client="moiety",
        )
        with served("vault", create_app(settings), copy) as service:
            key = service.key("vault:sign-in")
            with connect(service.url, str(key)) as program:
                yield service, provider, program


def test_people_sign_in_at_an_outside_provider(provided):
    """Its ID token opens a session of the account it names, once; passwords are not taken."""
    service, provider, program = provided
    url = service.database.url("migrator")
    subject = uuid4().hex
    user_id = issue.user(
        url, "Ada Outside", frozenset({"auditor"}), staff_id="S7", outside_id=subject
    )
    id_token = provider.id_token(subject)
    made = people.sign_in_outside(program, id_token)
    assert str(user_id) == user_tokens.peek(made.access_token, 1)["sub"]
    with bearing(service.url, made.access_token) as client:
        assert 200 == client.get(f"{BASE}/trail/head").status_code
    assert people.token(program, made.refresh_token, "clinical")
    with pytest.raises(Forbidden):
        people.sign_in_outside(program, id_token)
    body = {"login": "ada", "password": "x" * 20, "code": "000000"}
    assert 501 == program.post(f"{BASE}/sign-in", json=body).status_code


def test_no_bent_id_token_signs_in(provided):
    """Each claim bent, another key, a stranger's account; the control signs in."""
    from joserfc.jwk import RSAKey

    service, provider, program = provided
    subject = uuid4().hex
    url = service.database.url("migrator")
    issue.user(url, "Ada Outside", frozenset({"auditor"}), staff_id="S7", outside_id=subject)
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    bent = [
        provider.id_token(subject, iss="https://elsewhere.example"),
        provider.id_token(subject, aud="another"),
        provider.id_token(subject, aud=["moiety", "another"]),
        provider.id_token(subject, azp="another"),
        provider.id_token(subject, exp=1),
        provider.id_token(subject, iat=99_999_999_999),
        provider.id_token(subject, nonce="not what was asked"),
        provider.id_token(uuid4().hex),
        provider.id_token(subject, key=stranger),
        "a.b.c",
    ]
    for token in bent:
        with pytest.raises(Unauthenticated):
            people.sign_in_outside(program, token)
    assert people.sign_in_outside(program, provider.id_token(subject)).access_token


def test_a_provider_that_calls_itself_otherwise_is_not_believed(provided):
    """The issuer of its configuration is another: no keys, 503."""
    _, provider, program = provided
    provider.issuer = "https://elsewhere.example"
    form = {
        "grant_type": people.TOKEN_EXCHANGE, "subject_token": provider.id_token("x"),
        "subject_token_type": people.ID_TOKEN, "audience": "vault",
    }  # fmt: skip
    assert 503 == program.post(f"{BASE}/token", data=form).status_code


# --- API keys ------------------------------------------------------------------------------------


def test_a_key_bound_to_a_network_opens_nothing_from_elsewhere(services):
    """This machine is inside one network and outside the other."""
    service = services["demographic"]
    made = {
        network: issue.key(
            service.database.url("migrator"), "demographic", "main", label="bound",
            scopes=issue.SCOPES["demographic"], sources=[network],
        )
        for network in ("127.0.0.0/8", "192.0.2.0/24")
    }  # fmt: skip
    assert [200, 401] == [knock(service, key) for key in made.values()]
    with pytest.raises(ValueError, match="IPv4 or IPv6"):
        issue.key(
            service.database.url("migrator"), "demographic", "main", label="bound",
            scopes=frozenset(), sources=["the ward"],
        )  # fmt: skip


def test_two_keys_of_one_program_live_side_by_side_and_the_month_of_use_is_kept(services):
    """Rotation: both open until the old one is revoked; the list shows which are used."""
    import time

    service = services["demographic"]
    url = service.database.url("migrator")
    old, new = service.key(), service.key()
    assert [200, 200] == [knock(service, key) for key in (old, new)]
    unused = service.key()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        used = {row.key_id: row.last_used for row in issue.all_keys(url)}
        if used[old.key_id] and used[new.key_id]:
            break
    assert (1, 1) == (used[old.key_id].day, used[new.key_id].day)
    assert used[unused.key_id] is None
    assert issue.revoke(url, old.key_id)
    assert [401, 200] == [knock(service, key) for key in (old, new)]


def test_a_token_in_a_url_is_refused_with_advice(services, console, signed_in):
    """It would end up in logs, as a key would."""
    session, _, _ = signed_in("registrar")
    token = people.token(console, session, "demographic")
    answer = httpx.get(
        f"{services['demographic'].url}/fhir/R4/Patient?access_token={token}", trust_env=False
    )
    assert 401 == answer.status_code
    assert "ends up in logs" in json.dumps(answer.json())


def test_tokens_are_checked_side_by_side(services, console, signed_in):
    """Many threads, one fetch, no token of one mistaken for another's."""
    sessions = [signed_in("registrar")[0] for _ in range(2)]
    tokens = [people.token(console, session, "demographic") for session in sessions]
    found = []

    def work(token):
        found.extend(knock(services["demographic"], token) for _ in range(5))

    threads = [threading.Thread(target=work, args=(token,)) for token in tokens * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [200] * 30 == found
