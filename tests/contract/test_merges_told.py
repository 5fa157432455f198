"""A merge in the demographic service reaches the vault by itself: in order, once and again."""

import itertools
import time
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from demographic_api import merging, telling
from demographic_api.app import create_app
from demographic_api.settings import Settings
from demographic_api.tables import merge_due
from moiety.commands.demo import people
from moiety.kit.errors import Conflict, Forbidden, ServiceError
from moiety.wire import demographic as persons
from moiety.wire import linking
from moiety.wire import vault as wire
from moiety.wire.exchange import connect
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served

REASON = "Duplicate registration at the desk"


@pytest.fixture(scope="module")
def halves(cluster, vault_service):
    """A demographic service that tells the vault, and a registrar's client of it."""
    with copied(cluster, "demographic") as copy:
        settings = Settings(
            database_url=copy.url(), vault_url=vault_service.url, screen_key="5c" * 32,
            vault_key=str(vault_service.key("screen:tell")),
        )  # fmt: skip
        with (
            served("demographic", create_app(settings), copy) as service,
            connect(service.url, str(service.key())) as desk,
        ):
            yield service, desk


@pytest.fixture
def unheard(cluster, closed_port):
    """A demographic service whose vault is away: the service and a registrar's client."""
    with copied(cluster, "demographic") as copy:
        settings = Settings(
            database_url=copy.url(), vault_url=f"http://127.0.0.1:{closed_port}",
            vault_key="mty_main_0_0", screen_key="5c" * 32,
        )  # fmt: skip
        with (
            served("demographic", create_app(settings), copy) as service,
            connect(service.url, str(service.key())) as desk,
        ):
            yield service, desk


def register(desk, number, seed):
    """Persons; their ids."""
    made = (persons.create_patient(desk, one.patient()) for one in people.register(number, seed))
    return [one.person_id for one in made]


def until(found):
    """Wait for something to be so."""
    for _ in range(200):
        if found():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def engine_of(service):
    """The service's own engine."""
    return service.app.state.organisations.engine("main")


def said(service, path):
    """What an open door of a service says."""
    return httpx.get(f"{service.url}{path}", trust_env=False)


def test_a_merge_and_its_end_reach_the_vault_by_themselves(halves, caller, filled_pool):
    """Both persons lead to the survivor's EHR; a task waits; taken back, each leads to its own."""
    service, desk = halves
    registrar = caller("registrar")
    old, kept = register(desk, 2, 81)
    ehrs = [wire.link(registrar, one) for one in (old, kept)]

    def resolved():
        return [wire.resolve_person(registrar, one, purpose_of_use="TREAT") for one in (old, kept)]

    assert ehrs == resolved()
    persons.merge_patients(desk, old, kept)
    until(lambda: resolved() == [ehrs[1], ehrs[1]])
    tasks = linking.read_tasks(caller("linkage_officer"))
    asked = [task.asked for task in tasks if task.kind == "ehr_merge"]
    assert [str(old)] == [one["merged"] for one in asked if one["merged"] == str(old)]
    persons.unmerge_patients(desk, old, kept)
    until(lambda: resolved() == ehrs)
    assert 0 == telling.merges_waiting(engine_of(service))


def test_the_vault_away_merges_wait_in_order_and_readiness_and_metrics_say_so(
    unheard, vault_service, caller
):
    """A chain made, in part undone and made anew is told in that order once the vault is there."""
    service, desk = unheard
    one, two, three = register(desk, 3, 82)
    assert "told to the vault" == said(service, "/ready").json()["merges"]
    persons.merge_patients(desk, one, two)
    persons.merge_patients(desk, two, three)
    persons.unmerge_patients(desk, one, two)
    persons.merge_patients(desk, one, three)
    assert "waiting for the vault" == said(service, "/ready").json()["merges"]
    metric = 'moiety_demographic_merges_waiting{organisation="main"} 4.0'
    until(lambda: metric in said(service, "/metrics").text)
    engine = engine_of(service)
    with connect(service.url, "none") as wrong, pytest.raises(ServiceError):
        telling.tell_merge(engine, wrong)  # a peer that takes it not
    assert 4 == telling.merges_waiting(engine)
    with connect(vault_service.url, str(vault_service.key("screen:tell"))) as client:
        told = itertools.takewhile(bool, (telling.tell_merge(engine, client) for _ in range(9)))
        assert 4 == len(list(told))
    registrar = caller("registrar")
    for merged in (one, two):
        with pytest.raises(Conflict):  # it lives on in the third already
            linking.merge(registrar, merged, uuid4(), reason=REASON)
        linking.unmerge(registrar, merged, three, reason=REASON)


def test_without_their_order_the_same_merges_are_refused(vault_service, unheard):
    """The control: backwards, the vault meets a person who was merged already."""
    service, desk = unheard
    one, two, three = register(desk, 3, 83)
    persons.merge_patients(desk, one, two)
    persons.merge_patients(desk, two, three)
    engine = engine_of(service)
    with engine.begin() as connection:
        connection.execute(merge_due.update().values(place=3 - merge_due.c.place + 10))
    with connect(vault_service.url, str(vault_service.key("screen:tell"))) as client:
        assert telling.tell_merge(engine, client)
        with pytest.raises(Conflict):
            telling.tell_merge(engine, client)
    assert 1 == telling.merges_waiting(engine)  # and nothing is lost


def test_what_was_told_and_not_acknowledged_is_told_again(vault_service, caller):
    """Twice the same is once, and so is its end; another's merge is no end of this one."""
    old, kept = uuid4(), uuid4()
    with connect(vault_service.url, str(vault_service.key("screen:tell"))) as client:
        for undone in (False, False, True, True):
            linking.tell_merge(client, old, kept, is_undone=undone)
        linking.merge(caller("registrar"), old, kept, reason=REASON)
        linking.tell_merge(client, old, kept, is_undone=False)
        with pytest.raises(Conflict):
            linking.tell_merge(client, old, uuid4(), is_undone=True)
        linking.tell_merge(client, old, kept, is_undone=True)


def test_only_the_demographic_service_tells(vault_service, caller):
    """Neither the clinical service's key nor a person's, with whatever role."""
    with connect(vault_service.url, str(vault_service.key("screen:ask"))) as clinical:
        for client in (clinical, caller("registrar"), caller("registrar", scopes=("screen:tell",))):
            with pytest.raises(Forbidden):
                linking.tell_merge(client, uuid4(), uuid4(), is_undone=False)


def test_nothing_that_waits_or_waited_has_a_time_and_places_begin_anew(unheard, vault_service):
    """The queue has four columns, none of them a time; once empty it counts from one again."""
    service, desk = unheard
    engine = engine_of(service)
    kinds = {type(column.type) for column in merge_due.columns}
    assert {sa.Integer, sa.Uuid, sa.Boolean} == kinds
    for seed in (84, 85):
        one, two = register(desk, 2, seed)
        persons.merge_patients(desk, one, two)
        with engine.connect() as connection:
            assert [1] == list(connection.scalars(sa.select(merge_due.c.place)))
        with connect(vault_service.url, str(vault_service.key("screen:tell"))) as client:
            assert telling.tell_merge(engine, client)


def test_a_merge_that_is_rolled_back_is_never_told(unheard):
    """The queue's row is of the same transaction."""
    service, desk = unheard
    one, two = register(desk, 2, 86)
    engine = engine_of(service)
    with engine.connect() as connection, connection.begin() as transaction:
        merging.merge(connection, one, two)
        transaction.rollback()
    assert 0 == telling.merges_waiting(engine)
    with connect(service.url, "none") as client:
        assert not telling.tell_merge(engine, client)
