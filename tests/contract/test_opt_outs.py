"""The national list through the demographic service's door: who is named to the vault, and how."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demographic_api import nhs_number, opt_outs
from demographic_api.app import create_app
from demographic_api.settings import Settings
from linkage_vault.project_tables import opt_out
from moiety.kit.errors import Unprocessable
from moiety.wire import demographic as wire
from moiety.wire import opt_outs as wire_opt_outs
from moiety.wire import vault as wire_vault
from moiety.wire.exchange import connect
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_projects import running
from tests.fixtures.fix_services import served

TODAY = datetime.now(UTC).date().isoformat()
PATH = "/demographic/v1/opt-outs"


def number_of(stem):
    """A valid number from the range that is never issued."""
    digits = f"999{stem:06d}"
    check = nhs_number.check_digit(digits)
    return number_of(stem + 500_000) if check is None else digits + check


def patient(number=None, old=None):
    """A person with a present and a superseded number."""
    system = nhs_number.SYSTEM
    identifiers = [
        *([{"system": system, "value": number}] if number else []),
        *([{"system": system, "value": old, "use": "old"}] if old else []),
    ]
    named = {"resourceType": "Patient", "name": [{"family": "Fletcher", "given": ["Ann"]}]}
    return {**named, "identifier": identifiers} if identifiers else named


@pytest.fixture
def heard():
    """What a vault was told, request by request."""
    return []


@pytest.fixture
def stub(heard):
    """A vault that takes every list and remembers what it heard."""

    async def take(request):
        body = await request.body()
        heard.append((request.url.path, body))
        if request.url.path.endswith("/begin"):
            return JSONResponse({"snapshot_id": str(uuid4())}, 201)
        if request.url.path.endswith("/finish"):
            return JSONResponse({"as_of": TODAY, "persons": 0, "opted_out": 0})
        return Response(status_code=204)

    routes = [Route("/{path:path}", take, methods=["POST"])]
    with served("vault", Starlette(routes=routes), None) as service:
        yield service


@pytest.fixture
def own(cluster):
    """A function that runs a demographic service of this test's own beside a vault."""
    from contextlib import ExitStack

    stack = ExitStack()

    def make(vault_url, vault_key="none"):
        copy = stack.enter_context(copied(cluster, "demographic"))
        settings = Settings(
            database_url=copy.url(), vault_url=vault_url, vault_key=vault_key, screen_key="00" * 32
        )
        return stack.enter_context(served("demographic", create_app(settings), copy))

    with stack:
        yield make


def load(client, numbers, **parameters):
    """A list at the door."""
    text = "".join(f"{number}\n" for number in numbers)
    return client.post(PATH, content=text, params={"as_of": TODAY, **parameters})


def told(heard):
    """Persons as the vault was told of them: opted out, and free."""
    import msgspec

    messages = [msgspec.json.decode(body, type=wire_opt_outs.Add)
                for path, body in heard if path.endswith("/add")]  # fmt: skip
    return (
        {one for m in messages for one in m.opted_out},
        {one for m in messages for one in m.free},
    )


def registered(client, *patients):
    """Their ids."""
    return [wire.create_patient(client, one).person_id for one in patients]


def test_every_person_is_named_opted_out_or_free_and_no_number_crosses(own, stub, heard):
    """Present and superseded numbers count; who is not on the list, or has no number, is free."""
    service = own(stub.url)
    with service.client() as client:
        present, former, other, without = registered(
            client, patient(number_of(1)), patient(number_of(2), old=number_of(3)),
            patient(number_of(4)), patient(),
        )  # fmt: skip
        heard.clear()
        answer = load(client, [number_of(1), number_of(3), number_of(99)])
    assert 200 == answer.status_code
    own_messages = [one for one in heard if "/opt-out/" in one[0]]
    assert ({present, former}, {other, without}) == told(own_messages)
    sent = b"".join(path.encode() + body for path, body in own_messages)
    assert present.hex in sent.decode().replace("-", ""), "the control: what is sent is seen"
    for stem in (1, 2, 3, 4, 99):
        assert number_of(stem).encode() not in sent
    assert not re.search(rb"\b\d{10}\b", sent)


def test_a_cleaned_list_takes_out_whose_present_number_is_missing(own, stub, heard):
    """A superseded number in it does not vouch for the person."""
    service = own(stub.url)
    with service.client() as client:
        kept, gone, only_former, without = registered(
            client, patient(number_of(1)), patient(number_of(2)),
            patient(number_of(3), old=number_of(4)), patient(),
        )  # fmt: skip
        assert 200 == load(client, [number_of(1), number_of(4)], kind="cleaned").status_code
    assert ({gone, only_former}, {kept, without}) == told(heard)


def test_persons_are_told_in_pages_in_the_order_of_their_ids(own, stub, heard, monkeypatch):
    """All of them, once; the order tells nothing of their registration."""
    service = own(stub.url)
    monkeypatch.setattr(wire_opt_outs, "MOST", 3)
    with service.client() as client:
        persons = registered(client, *(patient() for _ in range(8)))
        assert 200 == load(client, []).status_code
    pages = [body for path, body in heard if path.endswith("/add")]
    assert 3 == len(pages)
    found = [UUID(one) for page in pages for one in re.findall(r"[0-9a-f-]{36}", page.decode())[1:]]
    assert sorted(persons) == sorted(found)
    import msgspec

    free = [one for page in pages for one in msgspec.json.decode(page, type=wire_opt_outs.Add).free]
    assert free == sorted(persons, key=lambda one: one.bytes)


@pytest.mark.parametrize("line", ["9990000000", "Ann Fletcher", "12345", "９９９００００１０１"])
def test_a_line_without_a_number_is_named_by_its_place_and_not_repeated(own, stub, heard, line):
    """422 before anything is told; blank lines and further columns do not matter."""
    service = own(stub.url)
    with service.client() as client:
        answer = client.post(
            PATH, params={"as_of": TODAY}, content=f"{number_of(1)},x,y\r\n\n{line}\n".encode()
        )
    assert 422 == answer.status_code
    assert "line 3" in answer.text
    assert line not in answer.text
    assert not [path for path, _ in heard if "/opt-out/" in path]


def test_nothing_of_the_list_is_kept(own, stub):
    """No table of the demographic database grows by a load, and none holds a number of the list."""
    service = own(stub.url)
    engine = sa.create_engine(
        sa.make_url(service.database.url("migrator")).set(drivername="postgresql+psycopg")
    )

    def contents():
        with engine.connect() as connection:
            names = connection.scalars(sa.text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind = 'r'"
            )).all()  # fmt: skip
            return {name: sorted(map(str, connection.execute(sa.text(f'SELECT * FROM "{name}"'))))
                    for name in names if name not in {"api_key", "words_due"}}  # fmt: skip

    with service.client() as client:
        registered(client, patient(number_of(1)))
        before = contents()
        assert 200 == load(client, [number_of(1), number_of(55)]).status_code
    assert before == contents()
    assert number_of(1) in str(before), "the control: a person's own number is found there"
    assert number_of(55) not in str(contents())
    engine.dispose()


def test_the_door_needs_its_scope_and_a_vault(own, stub, demographic):
    """403 for a registrar's key; 409 where the settings name no vault."""
    service = own(stub.url)
    with service.client("person:read", "person:write") as registrar:
        assert 403 == load(registrar, []).status_code
    with demographic.client("opt-out:load") as client:
        assert 409 == load(client, []).status_code


def test_from_list_to_cohort(own, caller, vault_service, vault, people, filled_pool, service):
    """Three services: who is on the list is missing from the cohort; who came later, unchecked."""
    header = caller(program=True, scopes=("opt-out:load", "screen:tell")).headers["Authorization"]
    demographic = own(vault_service.url, header.removeprefix("Bearer "))
    registrar = caller("registrar")
    with demographic.client() as client:
        listed, free = registered(client, patient(number_of(1)), patient(number_of(2)))
        answer = load(client, [number_of(1)])
        assert {"as_of": TODAY, "persons": 2, "opted_out": 1} == answer.json()
        (late,) = registered(client, patient(number_of(3)))
        tomorrow = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()
        assert 422 == load(client, [], as_of=tomorrow).status_code
    ehrs = {one: wire_vault.link(registrar, one) for one in (listed, free, late)}
    made = running(people, exemption=None)
    cleaned = wire_opt_outs.clean(service, made.project_id, list(ehrs.values()))
    assert ([ehrs[free]], 1, 1) == (cleaned.kept, cleaned.opted_out, cleaned.unchecked)
    with vault.engine.connect() as connection:
        marks = set(connection.scalars(sa.select(opt_out.c.mark)))
    assert 2 == len(marks)
    for stem in (1, 2, 3):
        assert not [mark for mark in marks if number_of(stem).encode() in mark]


def test_a_fault_in_a_long_list_is_found_at_its_line():
    """Modulus 11 of each line; a fault is found at its line."""
    lines = [number_of(stem) for stem in range(20_000)]
    assert len(set(lines)) == len(opt_outs.read_list("\n".join(lines).encode()))
    lines[15_000] = "9990000000"
    with pytest.raises(Unprocessable) as caught:
        opt_outs.read_list("\n".join(lines).encode())
    assert [{"path": "line 15001", "rule": "NHS number, Modulus 11"}] == caught.value.findings


def test_the_wire_client_ends_where_the_vault_refuses(closed_port):
    """Unavailable without a vault, before any page is asked for."""
    from moiety.kit.errors import Unavailable

    asked = []

    def pages():
        asked.append(1)
        yield [], []

    client = connect(f"http://127.0.0.1:{closed_port}", "none", timeout=1)
    with client, pytest.raises(Unavailable):
        wire_opt_outs.load(client, datetime.now(UTC).date(), pages())
    assert not asked
