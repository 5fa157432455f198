"""What stands before a crossing: grants, care, broken glass; limits, canaries and alerts."""

import json
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from linkage_vault import alerts, decisions, housekeeping, targets
from linkage_vault.decisions import Action, Ask
from linkage_vault.people_tables import (
    access_grant,
    alert,
    alert_due,
    break_glass,
    care,
    usage,
    usage_subject,
)
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.rules import Limit
from linkage_vault.settings import Settings
from moiety.commands import issue
from moiety.kit.errors import (
    Forbidden,
    Malformed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from moiety.kit.settings import SettingsError
from moiety.wire import crossing
from moiety.wire import vault as wire
from moiety.wire.crossing import BreakGlass, Canaries, CanaryIds, Care, CareEnds, GiveGrant
from tests.fixtures.fix_services import served
from tests.fixtures.fix_vault import requester_of

EMERGENCY = "Unconscious in resus, no carer reachable"


@pytest.fixture
def strict(vault):
    """The vault where care must have been recorded before it is used."""
    return replace(vault, rules=replace(vault.rules, care="required"))


def ask(person_id, purpose=PurposeOfUse.TREAT):
    """A clinician's question."""
    return [Ask(Action.RESOLVE_PERSON, person_id, purpose)]


def granted(approver, holder, vault, **changed):
    """A grant of person → EHR to a client's user."""
    said = {
        "user_id": requester_of(holder, vault).user_id,
        "action": "resolve_person",
        "purpose_of_use": "TREAT",
        "legal_basis": "direct_care",
        "reason": "Cover for a colleague on leave",
        "not_after": datetime.now(UTC) + timedelta(days=1),
        "uses": 10,
        "subjects": 10,
        **changed,
    }
    return crossing.give_grant(approver, GiveGrant(**said))


# --- grants --------------------------------------------------------------------------------------


def test_a_grant_opens_one_direction_for_one_purpose_until_it_is_revoked(caller, strict):
    """Refused without it, and for another purpose; revoked, at the next call."""
    approver, clinician = caller("approver"), caller("clinician")
    who = requester_of(clinician, strict)
    assert not decisions.weigh(strict, who, ask(uuid4())).allowed
    grant_id = granted(approver, clinician, strict)
    verdict = decisions.weigh(strict, who, ask(uuid4()))
    assert (True, "grant", grant_id) == (verdict.allowed, verdict.kind, verdict.grant_id)
    assert not decisions.weigh(strict, who, ask(uuid4(), PurposeOfUse.COC)).allowed
    stranger = requester_of(caller("clinician"), strict)
    assert not decisions.weigh(strict, stranger, ask(uuid4())).allowed
    shown = {one.grant_id: one for one in crossing.read_grants(approver)}[grant_id]
    assert (9, 9, False) == (shown.uses_left, shown.subjects_left, shown.revoked)
    crossing.revoke_grant(caller("auditor"), grant_id)
    assert not decisions.weigh(strict, who, ask(uuid4())).allowed


def test_a_grant_is_bounded_in_uses_and_in_persons(caller, strict):
    """Three uses of two persons: the third person does not fit, nor the fourth use."""
    approver, clinician = caller("approver"), caller("clinician")
    who = requester_of(clinician, strict)
    one, two, three = uuid4(), uuid4(), uuid4()
    granted(approver, clinician, strict, uses=4, subjects=2)
    found = [
        decisions.weigh(strict, who, ask(person)).allowed
        for person in (one, two, three, one, two, one)
    ]
    assert [True, True, False, True, True, False] == found


def test_a_grant_begins_and_ends_by_the_databases_clock(caller, strict, vault_admin):
    """One of tomorrow and one that is over open nothing."""
    approver, clinician = caller("approver"), caller("clinician")
    who = requester_of(clinician, strict)
    now = datetime.now(UTC)
    granted(
        approver, clinician, strict,
        not_before=now + timedelta(hours=1), not_after=now + timedelta(hours=2),
    )  # fmt: skip
    assert not decisions.weigh(strict, who, ask(uuid4())).allowed
    grant_id = granted(approver, clinician, strict)
    assert decisions.weigh(strict, who, ask(uuid4())).allowed
    with vault_admin.begin() as connection:
        connection.execute(
            access_grant.update()
            .where(access_grant.c.grant_id == grant_id)
            .values(not_after=sa.func.now())
        )
    assert not decisions.weigh(strict, who, ask(uuid4())).allowed


def test_nobody_grants_to_themselves_or_what_no_grant_allows(caller, vault):
    """Own account, a second account, a role that it does not help, a direction that takes none."""
    human = str(uuid4())
    approver = caller("approver", "clinician", staff_id=human)
    for holder in (approver, caller("clinician", staff_id=human), caller("researcher")):
        with pytest.raises(Forbidden):
            granted(approver, holder, vault)
    officer = caller("linkage_officer")
    with pytest.raises(Forbidden):
        granted(approver, officer, vault, action="resolve_ehr", purpose_of_use="PATSFTY")
    clinician = caller("clinician")
    now = datetime.now(UTC)
    for times in (
        {"not_after": now - timedelta(hours=1)},
        {"not_after": now + timedelta(days=91)},
        {"not_before": now + timedelta(days=2)},
        {"not_after": (now + timedelta(hours=1)).replace(tzinfo=None)},
    ):
        with pytest.raises(Malformed):
            granted(approver, clinician, vault, **times)
    with pytest.raises(Forbidden):
        granted(caller("clinician"), clinician, vault)


def test_a_grant_used_from_many_sides_at_once_is_used_no_more_than_it_allows(caller, strict):
    """Twelve threads, five uses."""
    from concurrent.futures import ThreadPoolExecutor

    approver, clinician = caller("approver"), caller("clinician")
    who = requester_of(clinician, strict)
    granted(approver, clinician, strict, uses=5, subjects=100)
    with ThreadPoolExecutor(6) as threads:
        found = list(
            threads.map(lambda _: decisions.weigh(strict, who, ask(uuid4())).allowed, range(12))
        )
    assert 5 == sum(found)


# --- care ----------------------------------------------------------------------------------------


def test_care_must_stand_where_it_is_required(caller, strict, vault, filled_pool):
    """Refused before, allowed after a registrar has recorded it, refused when it has ended."""
    registrar, clinician = caller("registrar"), caller("clinician")
    who, person_id = requester_of(clinician, vault), uuid4()
    assert not decisions.weigh(strict, who, ask(person_id)).allowed
    crossing.record_care(registrar, Care(person_id, who.user_id))
    verdict = decisions.weigh(strict, who, ask(person_id))
    assert (True, "care") == (verdict.allowed, verdict.kind)
    assert not decisions.weigh(strict, who, ask(uuid4())).allowed
    crossing.end_care(registrar, CareEnds(person_id, who.user_id))
    assert not decisions.weigh(strict, who, ask(person_id)).allowed
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    crossing.record_care(registrar, Care(person_id, who.user_id, yesterday))
    assert not decisions.weigh(strict, who, ask(person_id)).allowed


def test_nobody_records_their_own_care_where_it_is_required(caller, strict, vault):
    """A clinician may elsewhere; for another never; for somebody who is no clinician nobody."""
    from linkage_vault import caring

    clinician, other = caller("clinician"), caller("clinician")
    who = requester_of(clinician, vault)
    with pytest.raises(Forbidden):
        caring.record(strict, who, Care(uuid4()))
    caring.record(vault, who, Care(uuid4()))
    with pytest.raises(Forbidden):
        caring.record(vault, who, Care(uuid4(), requester_of(other, vault).user_id))
    with pytest.raises(NotFound):
        crossing.record_care(caller("registrar"), Care(uuid4(), uuid4()))


def test_the_first_resolve_records_care_and_the_table_tells_nothing(caller, vault, filled_pool):
    """Two clinicians of one person have marks that are not equal, and no id stands there."""
    person_id = uuid4()
    ehr_id = wire.link(caller("registrar"), person_id)
    clinicians = [caller("clinician"), caller("clinician")]
    for clinician in clinicians:
        wire.resolve_person(clinician, person_id, purpose_of_use="TREAT")
        wire.resolve_person(clinician, person_id, purpose_of_use="TREAT")
    users = [requester_of(client, vault).user_id for client in clinicians]
    with vault.engine.connect() as connection:
        rows = connection.execute(sa.select(care).where(care.c.user_id.in_(users))).all()
    assert 2 == len(rows)
    marks = [mark for row in rows for mark in (row.mark, row.record_mark)]
    assert 4 == len(set(marks))
    assert not any(id_.bytes in marks for id_ in (person_id, ehr_id))


# --- broken glass --------------------------------------------------------------------------------


def test_glass_is_broken_for_one_person_told_at_once_and_ends(caller, strict, vault_admin):
    """Refused before; after it this person and no other, for purposes that say so, an hour."""
    clinician, auditor = caller("clinician"), caller("auditor")
    who, person_id = requester_of(clinician, strict), uuid4()
    emergency = ask(person_id, PurposeOfUse.BTG)
    assert not decisions.weigh(strict, who, emergency).allowed
    made = crossing.break_glass(clinician, BreakGlass(person_id, "BTG", EMERGENCY))
    now = datetime.now(UTC)
    assert timedelta(minutes=59) < made.until - now <= timedelta(minutes=61)
    assert timedelta(days=6) < made.review_due - now <= timedelta(days=8)
    told = [one for one in crossing.read_alerts(auditor) if one["kind"] == "break_glass"]
    assert str(made.break_glass_id) in {one["break_glass_id"] for one in told}
    assert str(person_id) not in str(told)
    verdict = decisions.weigh(strict, who, emergency)
    assert (True, "break_glass") == (verdict.allowed, verdict.kind)
    assert not decisions.weigh(strict, who, ask(uuid4(), PurposeOfUse.BTG)).allowed
    assert not decisions.weigh(strict, who, ask(person_id, PurposeOfUse.TREAT)).allowed
    with vault_admin.begin() as connection:
        connection.execute(
            break_glass.update()
            .where(break_glass.c.break_glass_id == made.break_glass_id)
            .values(until=sa.func.now())
        )
    assert not decisions.weigh(strict, who, emergency).allowed


def test_who_may_break_glass_and_with_what(caller):
    """A clinician with a purpose and a reason of twenty characters."""
    clinician = caller("clinician")
    with pytest.raises(Malformed):
        crossing.break_glass(clinician, BreakGlass(uuid4(), "BTG", "too short"))
    with pytest.raises(Forbidden):
        crossing.break_glass(clinician, BreakGlass(uuid4(), "TREAT", EMERGENCY))
    for role in ("registrar", "researcher", "linkage_officer", "administrator", "approver"):
        with pytest.raises(Forbidden):
            crossing.break_glass(caller(role), BreakGlass(uuid4(), "BTG", EMERGENCY))


def test_an_overdue_review_blocks_the_next_under_any_account(caller, vault_admin):
    """Within the week it goes on; after it no more, until somebody else has reviewed it."""
    human = str(uuid4())
    clinician = caller("clinician", staff_id=human)
    second = caller("clinician", staff_id=human)
    made = crossing.break_glass(clinician, BreakGlass(uuid4(), "ETREAT", EMERGENCY))
    crossing.break_glass(clinician, BreakGlass(uuid4(), "ETREAT", EMERGENCY))
    with vault_admin.begin() as connection:
        connection.execute(
            break_glass.update()
            .where(break_glass.c.break_glass_id == made.break_glass_id)
            .values(review_due=sa.func.now() - timedelta(seconds=1))
        )
    for client in (clinician, second):
        with pytest.raises(Forbidden, match="not reviewed in time"):
            crossing.break_glass(client, BreakGlass(uuid4(), "ETREAT", EMERGENCY))
    own = caller("auditor", staff_id=human)
    with pytest.raises(Forbidden):
        crossing.review(own, made.break_glass_id, justified=True)
    auditor = caller("auditor")
    shown = next(
        one
        for one in crossing.read_broken_glass(auditor)
        if one.break_glass_id == made.break_glass_id
    )
    assert (EMERGENCY, True) == (shown.reason, shown.overdue)
    crossing.review(auditor, made.break_glass_id, justified=True)
    crossing.break_glass(second, BreakGlass(uuid4(), "ETREAT", EMERGENCY))


def test_an_unjustified_one_alarms(caller):
    """The finding goes to the same two roles."""
    made = crossing.break_glass(caller("clinician"), BreakGlass(uuid4(), "BTG", EMERGENCY))
    approver = caller("approver")
    crossing.review(approver, made.break_glass_id, justified=False)
    kinds = {
        one["kind"]
        for one in crossing.read_alerts(approver)
        if one.get("break_glass_id") == str(made.break_glass_id)
    }
    assert {"break_glass", "break_glass_unjustified"} == kinds


# --- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "allowed", "wait"),
    [
        (Limit(minute=3, day=100, subjects=100), 3, "60"),
        (Limit(minute=100, day=4, subjects=100), 4, "3600"),
        (Limit(minute=100, day=100, subjects=2), 2, "3600"),
    ],
)
def test_a_user_asks_so_much_and_no_more(caller, vault, one_minute, limit, allowed, wait):
    """429 with Retry-After, written down, told once; a new process counts on."""
    bounded = replace(vault, rules=replace(vault.rules, user=limit), told=set())
    who = requester_of(caller("clinician"), vault)
    found = [decisions.weigh(bounded, who, ask(uuid4())) for _ in range(allowed + 2)]
    assert [True] * allowed + [False, False] == [verdict.allowed for verdict in found]
    error = found[-1].error()
    assert isinstance(error, TooMany)
    assert wait == error.headers["Retry-After"]
    restarted = replace(bounded, told=set())
    assert "limited" == decisions.weigh(restarted, who, ask(uuid4())).outcome
    told = [
        one
        for one in crossing.read_alerts(caller("auditor"))
        if one["kind"] == "limit" and one["user_id"] == str(who.user_id)
    ]
    assert 2 == len(told)  # one a process


def test_the_same_person_again_is_no_new_person(caller, vault):
    """Distinct subjects count once a day, and for each user anew."""
    limit = Limit(minute=1000, day=1000, subjects=1)
    bounded = replace(vault, rules=replace(vault.rules, user=limit), told=set())
    person_id = uuid4()
    for _ in range(2):
        who = requester_of(caller("clinician"), vault)
        assert all(decisions.weigh(bounded, who, ask(person_id)).allowed for _ in range(3))
        assert not decisions.weigh(bounded, who, ask(uuid4())).allowed


def test_a_programs_limit_counts_all_its_users_together(caller, vault):
    """Two people through one program share what it may ask."""
    bounded = replace(
        vault, rules=replace(vault.rules, program=Limit(minute=1000, day=1000, subjects=3)),
        told=set(),
    )  # fmt: skip
    program = uuid4().hex[:12]
    people = [
        replace(requester_of(caller("clinician"), vault), key_id=program, service=program)
        for _ in range(2)
    ]
    found = [decisions.weigh(bounded, who, ask(uuid4())).allowed for who in people * 2]
    assert [True, True, True, False] == found


def test_a_limit_over_http_is_429_and_costs_no_answer(caller, vault_service, vault):
    """The route's own answer, and the entry in the trail."""
    from linkage_vault import trail

    clinician = caller("clinician")
    who = requester_of(clinician, vault)
    with vault.engine.begin() as connection:
        connection.execute(
            usage.insert().values(
                principal=f"user:{who.user_id}", day=datetime.now(UTC).date(), minute=0,
                minute_calls=0, calls=vault.rules.user.day, subjects=0,
            )
        )  # fmt: skip
    with pytest.raises(TooMany) as caught:
        wire.resolve_person(clinician, uuid4(), purpose_of_use="TREAT")
    assert "3600" == caught.value.headers["Retry-After"]
    with vault.engine.connect() as connection:
        newest = next(iter(trail.newest(connection)))
    assert ("limited", "day") == (
        trail.open_leaf(vault.keys, newest).outcome,
        trail.open_leaf(vault.keys, newest).kind,
    )


def test_counts_are_marks_and_what_is_over_goes(caller, vault, vault_admin):
    """No id of a subject in the counts; yesterday's marks are deleted."""
    who, person_id = requester_of(caller("clinician"), vault), uuid4()
    decisions.weigh(vault, who, ask(person_id))
    with vault.engine.connect() as connection:
        marks = list(connection.scalars(sa.select(usage_subject.c.mark)))
    assert marks
    assert person_id.bytes not in marks
    with vault_admin.begin() as connection:
        connection.execute(
            usage_subject.insert().values(
                mark=b"yesterday's mark", day=datetime.now(UTC).date() - timedelta(days=1)
            )
        )
    assert housekeeping.clean(vault) >= 1
    with vault.engine.connect() as connection:
        left = set(connection.scalars(sa.select(usage_subject.c.mark)))
    assert b"yesterday's mark" not in left
    assert set(marks) <= left


# --- canaries and alerts -------------------------------------------------------------------------


def test_a_canary_suspends_whoever_asks_and_alarms_within_a_minute(
    caller, vault_service, filled_pool
):
    """The answer is that of any refusal; the key opens nothing more until an operator lifts it."""
    auditor, clinician = caller("auditor"), caller("clinician")
    bird = uuid4()
    wire.link(caller("registrar"), bird)
    crossing.plant_canaries(auditor, Canaries([bird], "ward 4"))
    wire.link(caller("registrar"), uuid4())
    started = time.monotonic()
    body = {"person_id": str(bird), "purpose_of_use": "TREAT"}
    answer = clinician.post("/vault/v1/resolve/person", json=body)
    assert 403 == answer.status_code
    told = [one for one in crossing.read_alerts(auditor) if one["kind"] == "canary"]
    assert time.monotonic() - started < 60
    key_id = clinician.headers["Authorization"].split("_")[2]
    assert key_id in {one["key_id"] for one in told}
    assert str(bird) not in str(told)
    with pytest.raises(Unauthenticated):
        wire.resolve_person(clinician, uuid4(), purpose_of_use="TREAT")
    url = vault_service.database.url("migrator")
    user_id = next(one["user_id"] for one in told if one["key_id"] == key_id)
    assert issue.release(url, f"key:{key_id}")
    with pytest.raises(Unauthenticated):  # the person is suspended too
        wire.resolve_person(clinician, uuid4(), purpose_of_use="TREAT")
    assert issue.release(url, f"user:{user_id}")
    with pytest.raises(Forbidden):
        wire.resolve_person(clinician, uuid4(), purpose_of_use="TREAT")
    crossing.remove_canaries(auditor, CanaryIds([bird]))
    assert wire.resolve_person(clinician, bird, purpose_of_use="TREAT")


def test_an_alert_is_acknowledged_once_by_who_may_read_it(caller):
    """It leaves the list; an unknown one is 404; other roles read none."""
    crossing.break_glass(caller("clinician"), BreakGlass(uuid4(), "BTG", EMERGENCY))
    auditor = caller("auditor")
    alert = crossing.read_alerts(auditor)[-1]
    crossing.acknowledge(auditor, alert["alert_id"])
    assert alert["alert_id"] not in {one["alert_id"] for one in crossing.read_alerts(auditor)}
    with pytest.raises(NotFound):
        crossing.acknowledge(auditor, alert["alert_id"])
    for role in ("clinician", "registrar", "administrator", "linkage_officer", "operator"):
        with pytest.raises(Forbidden):
            crossing.read_alerts(caller(role))


def telling(vault, *words):
    """The vault with receivers of alerts."""
    found = tuple(targets.read_targets(" ".join(words), what="A receiver"))
    return replace(vault, rules=replace(vault.rules, alert_targets=found))


def test_alerts_go_to_files_syslog_and_addresses(vault, tmp_path):
    """Each receiver gets kind and who, never whom: over HTTP, as a datagram, by TCP, in a file."""
    taken = []

    async def take(request):
        taken.append(await request.json())
        return Response(status_code=204)

    with (
        served("alerts", Starlette(routes=[Route("/", take, methods=["POST"])]), None) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.create_server(("127.0.0.1", 0)) as stream,
    ):
        datagrams.bind(("127.0.0.1", 0))
        datagrams.settimeout(20)
        stream.settimeout(20)
        told = telling(
            vault, f"{receiver.url}/", f"syslog:127.0.0.1:{datagrams.getsockname()[1]}",
            f"syslog+tcp:127.0.0.1:{stream.getsockname()[1]}", f"file:{tmp_path}/alerts",
        )  # fmt: skip
        with alerts.keep_told(told, interval=0.05):
            alerts.sound(told, "canary", {"key_id": "abc"})
            connection, _ = stream.accept()
            with connection:
                framed = connection.recv(4000)
            datagram = datagrams.recv(4000)
            until(lambda: taken and (tmp_path / "alerts").exists() and nobody_waits(vault))
    length, _, message = framed.partition(b" ")
    assert int(length) == len(message)
    assert message.startswith(b"<81>1 - - moiety-vault - - - {")
    lines = [message, datagram, (tmp_path / "alerts").read_bytes()]
    facts = [json.loads(line[line.index(b"{") :]) for line in lines] + taken
    assert 4 == len(facts)
    assert all(facts[0] == one for one in facts)
    assert ("canary", "abc") == (facts[0]["kind"], facts[0]["key_id"])


def nobody_waits(vault):
    """Whether every receiver has every alert."""
    with vault.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(alert_due)) == 0


def until(found):
    """Wait for something to be so."""
    for _ in range(400):
        if found():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_a_receiver_that_is_away_is_told_later_and_holds_nothing_up(vault):
    """The alert waits in the database, over a restart of the process; once the receiver is there it
    has each alert once.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = telling(vault, f"syslog+tcp:127.0.0.1:{port}")
    started = time.monotonic()
    with alerts.keep_told(told, interval=0.05):
        alerts.sound(told, "canary", {"key_id": "first"})
        alerts.sound(told, "canary", {"key_id": "second"})
        assert time.monotonic() - started < 2
        time.sleep(0.2)
    assert not nobody_waits(vault)
    with socket.create_server(("127.0.0.1", port)) as stream:
        stream.settimeout(20)
        came = []
        with alerts.keep_told(told, interval=0.05):
            for _ in range(2):
                connection, _ = stream.accept()
                with connection:
                    came.append(json.loads(connection.recv(4000).partition(b"- - - ")[2]))
            until(lambda: nobody_waits(vault))
    assert {"first", "second"} == {one["key_id"] for one in came}


def test_what_waits_for_a_receiver_that_is_no_more_goes(vault):
    """The control: of a receiver that the settings still name it stays."""
    gone, kept = telling(vault, "file:/nowhere/a"), telling(vault, "file:/nowhere/b")
    for one in (gone, kept):
        alerts.sound(one, "canary", {"key_id": "abc"})
    housekeeping.clean(kept)
    with vault.engine.begin() as connection:
        left = connection.scalars(sa.select(alert_due.c.target)).all()
        assert [alerts.name_of(kept.rules.alert_targets[0])] == [bytes(one) for one in left]
        connection.execute(alert_due.delete())


@pytest.mark.parametrize("text", ["ftp://x", "syslog+tcp:host", "file:", "https:///path"])
def test_a_receiver_that_is_no_address_stops_the_start(text):
    """One sentence that says what a receiver looks like."""
    with pytest.raises(SettingsError, match="receiver of alerts"):
        Settings(alerts=text).rules()


def test_without_the_trail_no_glass_is_broken_and_nobody_is_told_anything(
    caller, vault, vault_admin, filled_pool
):
    """503 at both doors, no way is opened, no alert sounded; the control: with the trail back, both
    are answered.
    """
    clinician = caller("clinician")
    before, now = uuid4(), uuid4()
    ehrs = {one: wire.link(caller("registrar"), one) for one in (before, now)}
    crossing.break_glass(clinician, BreakGlass(before, "BTG", EMERGENCY))

    def state():
        with vault.engine.connect() as connection:
            return [
                connection.scalar(sa.select(sa.func.count()).select_from(table))
                for table in (break_glass, alert)
            ]

    there = state()
    with vault_admin.begin() as connection:
        connection.execute(sa.text("REVOKE INSERT ON trail_leaf FROM vault_app"))
    try:
        with pytest.raises(Unavailable):
            crossing.break_glass(clinician, BreakGlass(now, "BTG", EMERGENCY))
        answer = clinician.post(
            "/vault/v1/resolve/person", json={"person_id": str(before), "purpose_of_use": "BTG"}
        )
        assert 503 == answer.status_code
        assert str(ehrs[before]) not in answer.text
        assert there == state()
    finally:
        with vault_admin.begin() as connection:
            connection.execute(sa.text("GRANT INSERT ON trail_leaf TO vault_app"))
    crossing.break_glass(clinician, BreakGlass(now, "BTG", EMERGENCY))
    for one in (before, now):
        assert ehrs[one] == wire.resolve_person(clinician, one, purpose_of_use="BTG")
