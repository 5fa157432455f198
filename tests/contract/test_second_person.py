"""Four eyes for what changes links: moves and erasures, by the same rules as approvals."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from linkage_vault import erasure, link_pairs, link_tasks, linked, links, trail
from linkage_vault.people_tables import app_user
from linkage_vault.trail import open_leaf
from linkage_vault.users import Role
from moiety.kit.errors import Conflict, Forbidden, NotFound
from tests.fixtures.fix_links import fill, somebody

REASON = "Wrong person at the desk, case 12"


def move(vault, officer, ehr_id):
    """Ask for a move; how it is consented to."""
    task_id = linked.ask_move(vault, officer, ehr_id, to_person=uuid4(), reason=REASON)
    return lambda who: linked.consent_to_move(vault, who, task_id)


def erase(vault, officer, ehr_id):
    """Ask for an erasure; how it is consented to."""
    task_id = erasure.ask_erasure(vault, officer, ehr_id, mode="cut", reason=REASON)
    return lambda who: erasure.consent_to_erasure(vault, who, task_id)


@pytest.fixture
def house(lone):
    """A vault with an officer, an approver, and a record that exists."""
    vault, _, database = lone
    fill(vault, 4)
    people = {one: somebody(database, one) for one in ("registrar", "linkage_officer", "approver")}
    person_id = uuid4()
    ehr_id = links.open_record(vault, people["registrar"], person_id).ehr_id
    return vault, database, people, person_id, ehr_id


def stays(vault, person_id, ehr_id):
    """Whether the record is still the person's."""
    with vault.engine.connect() as connection:
        pair = link_pairs.find_pair(connection, vault.keys, "ehr", ehr_id)
    return pair is not None and pair.person_id == person_id


def change(database, user_id, **values):
    """A user as an administrator changes one."""
    url = sa.make_url(database.url("migrator")).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(app_user.update().where(app_user.c.user_id == user_id).values(**values))
    engine.dispose()


def last(vault):
    """Action and outcome of the newest entry."""
    with vault.engine.connect() as connection:
        entry = open_leaf(vault.keys, next(trail.newest(connection)))
    return entry.action, entry.outcome


@pytest.mark.parametrize("ask", [move, erase])
def test_neither_who_asked_nor_the_same_human_nor_another_role_consents(house, ask):
    """Each refusal stands in the trail; the control: an approver who is somebody else does it,
    once.
    """
    vault, database, people, person_id, ehr_id = house
    asked = people["linkage_officer"]
    both = replace(asked, roles=asked.roles | {Role.APPROVER})
    second = somebody(database, "approver")
    change(database, second.user_id, staff_id=asked.staff_id)
    second = replace(second, staff_id=asked.staff_id)
    program = replace(people["approver"], user_id=None, staff_id=None)
    consent = ask(vault, both, ehr_id)
    for who in (both, second, people["registrar"], people["linkage_officer"], program):
        with pytest.raises(Forbidden):
            consent(who)
        assert "refused" == last(vault)[1]
    assert stays(vault, person_id, ehr_id)
    consent(people["approver"])
    assert not stays(vault, person_id, ehr_id)
    with pytest.raises(NotFound):
        consent(people["approver"])


@pytest.mark.parametrize("ask", [move, erase])
def test_the_same_line_consents_only_where_it_is_not_forbidden(house, ask):
    """As with approvals: MOIETY_VAULT_APPROVER_OTHER_LINE."""
    vault, database, people, person_id, ehr_id = house
    for role in ("linkage_officer", "approver"):
        change(database, people[role].user_id, manager_id="S-boss")
    strict = replace(vault, rules=replace(vault.rules, approver_other_line=True))
    with pytest.raises(Forbidden):
        ask(strict, people["linkage_officer"], ehr_id)(people["approver"])
    assert stays(vault, person_id, ehr_id)
    ask(vault, people["linkage_officer"], ehr_id)(people["approver"])
    assert not stays(vault, person_id, ehr_id)


@pytest.mark.parametrize("ask", [move, erase])
def test_a_request_ends_with_its_day_and_with_the_account_of_who_asked(house, ask, monkeypatch):
    """By the database's clock; and nobody consents for somebody who has left."""
    vault, database, people, person_id, ehr_id = house
    with monkeypatch.context() as later:
        later.setattr(link_tasks, "LIFE", timedelta(seconds=-1))
        with pytest.raises(NotFound):
            ask(vault, people["linkage_officer"], ehr_id)(people["approver"])
    consent = ask(vault, people["linkage_officer"], ehr_id)
    change(database, people["linkage_officer"].user_id, active=False)
    with pytest.raises(Forbidden):
        consent(people["approver"])
    assert stays(vault, person_id, ehr_id)
    change(database, people["linkage_officer"].user_id, active=True)
    consent(people["approver"])
    assert not stays(vault, person_id, ehr_id)


def test_a_consent_fits_its_own_request_alone(house):
    """A move's task erases nothing and an erasure's moves nothing; a record that is meanwhile
    somebody else's stays theirs.
    """
    vault, _, people, person_id, ehr_id = house
    officer, approver = people["linkage_officer"], people["approver"]
    moving = linked.ask_move(vault, officer, ehr_id, to_person=uuid4(), reason=REASON)
    erasing = erasure.ask_erasure(vault, officer, ehr_id, mode="cut", reason=REASON)
    with pytest.raises(NotFound):
        erasure.consent_to_erasure(vault, approver, moving)
    with pytest.raises(NotFound):
        linked.consent_to_move(vault, approver, erasing)
    assert stays(vault, person_id, ehr_id)
    first, other = uuid4(), move(vault, officer, ehr_id)
    task_id = linked.ask_move(vault, officer, ehr_id, to_person=first, reason=REASON)
    linked.consent_to_move(vault, approver, task_id)
    with pytest.raises(Conflict):
        other(approver)
    assert stays(vault, first, ehr_id)
