"""Crossings that come at once: one turn, and to each what it would have been told alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from linkage_vault import (
    decisions,
    link_rows,
    linked,
    links,
    minting,
    standing,
    tables,
    trail,
    verification,
)
from linkage_vault.appending import Appends
from linkage_vault.decisions import Action, Ask, Case
from linkage_vault.links import Opened, Opening, Records
from linkage_vault.people_tables import usage
from linkage_vault.purposes import PurposeOfUse as P
from linkage_vault.seal import Tampered
from moiety.kit.errors import Conflict, Forbidden, TooMany, Unavailable
from moiety.wire import vault as wire
from tests.fixtures.fix_links import fill, somebody


@pytest.fixture
def registrar(lone):
    """Somebody who opens records."""
    return somebody(lone[2], "registrar")


def resolving(requester, subject, action=Action.RESOLVE_PERSON):
    """One question."""
    return Case(requester, [Ask(action, subject, P.TREAT)])


def entries(vault):
    """(outcome, subject) of the whole trail, in order."""
    with vault.engine.connect() as connection:
        opened = [trail.open_leaf(vault.keys, leaf) for leaf in trail.leaves(connection)]
    return [(one.outcome, one.subject) for one in opened]


def test_to_each_what_it_would_be_told_alone(lone, registrar):
    """Known, unknown, refused and twice the same, in one turn and one by one."""
    vault, _, database = lone
    fill(vault, 5)
    people = [uuid4() for _ in range(3)]
    given = [links.open_record(vault, registrar, one).ehr_id for one in people]
    nobody = somebody(database, "researcher")
    cases = [
        resolving(registrar, people[0]), resolving(registrar, uuid4()),
        resolving(nobody, people[1]), resolving(registrar, people[2]),
        resolving(registrar, people[0]),
    ]  # fmt: skip
    before = len(entries(vault))
    told = links.resolve_each(vault, cases)
    assert [given[0], None, None, given[2], given[0]] == [
        one.ehr_id if isinstance(one, Records) else None for one in told
    ]
    assert [Forbidden] * 2 == [type(one) for one in told if isinstance(one, Exception)]
    assert str(told[1]) == str(told[2])
    written = entries(vault)[before:]
    assert ["allowed", "unknown", "refused", "allowed", "allowed"] == [one for one, _ in written]
    assert [case.asks[0].subject for case in cases] == [subject for _, subject in written]


def test_many_who_register_at_once_get_one_ehr_a_person(lone, registrar):
    """Of a person who is named three times in a turn one opened the record, two found it."""
    vault, _, _ = lone
    fill(vault, 4)
    twice, once = uuid4(), uuid4()
    told = links.open_each(vault, [Opening(registrar, one) for one in (twice, once, twice, twice)])
    assert [True, True, False, False] == [one.is_new for one in told]
    assert 2 == len({one.ehr_id for one in told})
    assert told[0].ehr_id == told[2].ehr_id == told[3].ehr_id


def test_what_one_cannot_have_takes_nothing_from_the_others(lone, registrar):
    """A closed link, an empty pool and a refusal are each its own asker's."""
    vault, _, database = lone
    fill(vault, 3)
    closed, new = uuid4(), [uuid4() for _ in range(3)]
    links.open_record(vault, registrar, closed)
    officer = somebody(database, "linkage_officer")
    ehr_id = links.resolve_person(vault, registrar, closed, purpose=P.TREAT).ehr_id
    linked.close(vault, officer, ehr_id, is_closed=True, reason="Moved abroad for good")
    told = links.open_each(
        vault,
        [Opening(registrar, closed), *(Opening(registrar, one) for one in new),
         Opening(somebody(database, "researcher"), uuid4())],
    )  # fmt: skip
    kinds = [type(one) for one in told]
    assert Conflict is kinds[0]
    assert [Opened, Opened, Unavailable] == kinds[1:4]
    assert Forbidden is kinds[4]


def test_a_row_that_was_tampered_with_alarms_its_own_asker_alone(lone, registrar):
    """The others of the turn have their answers."""
    vault, _, database = lone
    fill(vault, 2)
    good, bad = uuid4(), uuid4()
    ehr_id = links.open_record(vault, registrar, good).ehr_id
    links.open_record(vault, registrar, bad)
    with vault.engine.connect() as connection:
        row = link_rows.find(connection, vault.keys, "person", [bad])[bad][0]
    url = sa.make_url(database.url("migrator")).set(drivername="postgresql+psycopg")
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        turned = bytes([*row.sealed[:-1], row.sealed[-1] ^ 1])
        connection.execute(
            tables.link.update().where(tables.link.c.link_id == row.link_id).values(sealed=turned)
        )
    told = links.resolve_each(
        vault,
        [resolving(registrar, good), resolving(registrar, bad), resolving(registrar, uuid4())],
    )
    assert [ehr_id, Tampered, Forbidden] == [told[0].ehr_id, type(told[1]), type(told[2])]


def test_a_turn_is_counted_as_if_one_came_after_another(lone, one_minute):
    """The third of three calls at once is over a limit of two, whoever's are between."""
    vault, _, database = lone
    one, other = somebody(database, "registrar"), somebody(database, "registrar")
    strict = replace(
        vault, rules=replace(vault.rules, user=replace(vault.rules.user, minute=2)), told=set()
    )
    cases = [resolving(who, uuid4()) for who in (one, other, one, one, other)]
    found = decisions.weigh_all(strict, cases)
    limited = [verdict.outcome == "limited" for verdict in found]
    assert [False, False, False, True, False] == limited
    told = links.resolve_each(strict, [resolving(one, uuid4())])
    assert isinstance(told[0], TooMany)


def test_totals_are_those_of_calls_one_by_one(lone):
    """Calls and distinct subjects of each principal, with the same subject asked twice."""
    vault, _, database = lone
    one, other = somebody(database, "registrar"), somebody(database, "registrar")
    a, b = uuid4(), uuid4()
    cases = [resolving(one, a), resolving(other, a), resolving(one, a), resolving(one, b)]
    questions = [decisions._question(case) for case in cases]
    found, _ = standing.look_beside(vault, questions, [])
    mine = f"user:{one.user_id}"
    assert [(1, 1, 1), (2, 2, 1), (3, 3, 2)] == [
        stands.used[mine] for stands in found if mine in stands.used
    ]
    with vault.engine.connect() as connection:
        rows = connection.execute(sa.select(usage.c.principal, usage.c.calls, usage.c.subjects))
        totals = {row.principal: (row.calls, row.subjects) for row in rows}
    assert (3, 2) == totals[mine]
    assert (1, 1) == totals[f"user:{other.user_id}"]


def test_two_processes_that_append_at_once_make_one_tree(lone, registrar):
    """Each remembers a head that the other has outgrown: every entry is there once, in one tree."""
    vault, _, _ = lone
    vaults = [replace(vault, appends=Appends()) for _ in range(2)]
    subjects = [uuid4() for _ in range(40)]

    def ask(number):
        question = Ask(Action.RESOLVE_PERSON, subjects[number], P.TREAT)
        with pytest.raises(Forbidden):
            links.resolve(vaults[number % 2], registrar, question)

    before = len(entries(vault))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(40)))
    assert set(subjects) == {subject for _, subject in entries(vault)[before:]}
    assert 40 == len(entries(vault)) - before
    with vault.engine.connect() as connection:
        heads = list(trail.heads(connection))
        rows = list(trail.leaves(connection))
    report = verification.verify(rows, heads, vault.keys.tree_head_public)
    assert (before + 40, None) == (report.size, report.fault)


def test_over_http_a_turn_answers_each_its_own(caller, vault, clinical_stub):
    """Forty at once through the service: each client reads the EHR of its own person."""
    minting.fill(vault, clinical_stub, target=100, stop=threading.Event())
    registrar = caller("registrar")
    people = [uuid4() for _ in range(40)]
    with ThreadPoolExecutor(16) as threads:
        given = list(threads.map(lambda one: wire.link(registrar, one), people))
        read = list(
            threads.map(
                lambda one: wire.resolve_person(registrar, one, purpose_of_use="TREAT"), people
            )
        )
    assert 40 == len(set(given))
    assert given == read
