"""The compose file as an operator meets it: up, migrated, used over HTTP, walled off."""

import json
import random
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moiety.commands.demo import people, records
from moiety.kit.errors import Forbidden, Unavailable
from moiety.wire import demographic, vault
from moiety.wire.exchange import call

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "moiety/commands/demo/templates"
SERVICES = ("clinical", "demographic", "vault")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ready(stack):
    """The stack, every service ready."""
    stack.await_ready()
    print(f"images: {stack.images}")
    return stack


@pytest.fixture
def client(ready):
    """Makes clients with new keys, and closes them."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(ready.client(*options))


def test_the_story_of_an_admission(client):
    """A template, a person, a record opened, a document, a query, a crossing: all by HTTP."""
    app = client("clinical", "--label=app", "--scope=definition:write",
                       "--scope=composition:write", "--scope=query:read")  # fmt: skip
    for file in sorted(TEMPLATE.glob("*.opt")):
        answer = app.post(
            "/openehr/v1/definition/template/adl1.4", content=file.read_bytes(),
            headers={"Content-Type": "application/xml"},
        )  # fmt: skip
        assert 201 == answer.status_code
    desk = client("demographic", "--label=desk")
    person = people.register(20, 1)[0]
    created = demographic.create_patient(desk, person.patient())
    registrar = client("vault", "--label=R. Registrar", "--role=registrar")
    ehr_id = _linked(registrar, created.person_id)
    document = json.dumps(records.vital_signs(random.Random(1), datetime.now(UTC)))
    committed = app.post(f"/openehr/v1/ehr/{ehr_id}/composition", content=document)
    assert 201 == committed.status_code
    query = "SELECT c/uid/value FROM EHR e CONTAINS COMPOSITION c"
    rows = call(app, "POST", "/openehr/v1/query/aql", json={"q": query}).json()["rows"]
    assert 1 == len(rows)
    clinician = client("vault", "--label=C. Clinician", "--role=clinician")
    crossed = vault.resolve_person(clinician, created.person_id, purpose_of_use="TREAT")
    assert ehr_id == crossed
    with pytest.raises(Forbidden):
        vault.resolve_ehr(clinician, ehr_id, purpose_of_use="PATSFTY", reason="may not, by role")


def _linked(registrar, person_id):
    """Link as soon as the vault's pool has been filled by the clinical service."""
    until = time.monotonic() + 60
    while True:
        try:
            return vault.link(registrar, person_id)
        except Unavailable:
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_its_own_database_and_no_other(ready, service):
    """Neither by name nor by any address; the control is its own database, by both."""
    reached = {
        database: {
            host: ready.reaches(service, host)
            for host in (f"{database}-db", *ready.addresses(f"{database}-db"))
        }
        for database in SERVICES
    }
    own = reached.pop(service)
    print(f"{service}: own {own}, others {reached}")
    assert {True} == set(own.values())
    assert {False} == {open_ for others in reached.values() for open_ in others.values()}


@pytest.mark.parametrize("others", [("clinical", "demographic"), ("demographic", "clinical")])
def test_services_that_have_no_business_do_not_reach_each_other(ready, others):
    """Clinical and demographic never call each other."""
    here, there = others
    hosts = (there, *ready.addresses(there))
    assert {False} == {ready.reaches(here, host, 8000) for host in hosts}


def test_each_half_and_the_vault_reach_each_other(ready):
    """The control of the test above: the calls between services that there are, are open."""
    assert ready.reaches("vault", "clinical", 8000)
    assert ready.reaches("clinical", "vault", 8000)
    assert ready.reaches("demographic", "vault", 8000)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_is_hardened(ready, service):
    """Another user than root, no capability, no new privileges, nothing writable but /tmp."""
    for name, user in ((service, "10001:10001"), (f"{service}-db", "999:999")):
        one = json.loads(ready.podman("inspect", ready.container(name)).stdout)[0]
        assert user == one["Config"]["User"]
        assert [] == one["EffectiveCaps"] or one["EffectiveCaps"] is None
        assert one["HostConfig"]["ReadonlyRootfs"]
        status = ready.podman("exec", ready.container(name), "cat", "/proc/self/status").stdout
        facts = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
        assert ("1", 0) == (facts["NoNewPrivs"].strip(), int(facts["CapEff"], 16))
        write = ready.podman("exec", ready.container(name), "touch", "/app-write", check=False)
        assert 0 != write.returncode


def test_an_image_holds_its_own_service_alone(ready):
    """No other service's folder, no test and no secret is in an image."""
    for service, package in (("clinical", "clinical_api"), ("demographic", "demographic_api"),
                             ("vault", "linkage_vault")):  # fmt: skip
        listed = ready.podman("exec", ready.container(service), "ls", "/app", "/app/alembic")
        names = set(listed.stdout.split())
        assert {package, "moiety", "alembic.ini", service, "env.py"} <= names
        assert not names & ({"clinical_api", "demographic_api", "linkage_vault"} - {package})
        assert not names & (set(SERVICES) - {service})
        assert "tests" not in names


def test_the_health_check_passes(ready):
    """HEALTHCHECK of each image and of each database says healthy."""
    for service in SERVICES:
        for name in (service, f"{service}-db"):
            assert 0 == ready.podman("healthcheck", "run", ready.container(name)).returncode


def test_a_server_knows_its_own_roles_alone(ready):
    """The clinical server has no role or database of another half."""
    for service in SERVICES:
        asked = "SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT rolname::text AS n FROM pg_roles"
        asked += " WHERE rolname !~ '^pg_' UNION SELECT datname FROM pg_database) AS every"
        found = ready.podman(
            "exec", ready.container(f"{service}-db"), "psql", "-U", "postgres", "-Atc", asked
        ).stdout.split()
        own = {service, f"{service}_app", f"{service}_migrator"}
        assert own | {"postgres", "template0", "template1"} == set(found)


def test_a_database_that_dies_comes_back_and_the_service_with_it(ready):
    """A killed server makes /ready say no, and its restart alone makes it say yes again."""
    ready.podman("kill", "--signal", "KILL", ready.container("clinical-db"))
    assert not ready.is_ready("clinical")
    ready.podman("start", ready.container("clinical-db"))
    ready.await_ready()
