"""Projects at the vault's door: states, hands, pseudonyms both ways, policy, keys, registers."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import msgspec
import pytest
import sqlalchemy as sa

from linkage_vault import opt_outs, project_keys, projects, trail
from linkage_vault.project_states import STEPS
from linkage_vault.project_tables import opt_out, opt_out_snapshot, project, project_key
from moiety.commands import issue
from moiety.kit.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from moiety.wire import crossing, linking
from moiety.wire import opt_outs as wire_opt_outs
from moiety.wire import projects as wire
from moiety.wire import trail as wire_trail
from moiety.wire import vault as wire_vault
from moiety.wire.exchange import connect
from tests.fixtures.fix_projects import (
    DAY,
    REASON,
    allow,
    plan,
    running,
    to_ehrs,
    to_pseudonyms,
)

BASE = "/vault/v1"


def change(vault_admin, project_id, **values):
    """Columns of a project, as nobody could through the door."""
    with vault_admin.begin() as connection:
        this = project.c.project_id == project_id
        connection.execute(project.update().where(this).values(**values))


def last_entries(people, count):
    """The newest entries of the trail, before the reading itself."""
    return wire_trail.read_trail(people["auditor"], limit=count + 1)[1:]


# --- states and hands ----------------------------------------------------------------------------


def test_a_project_goes_from_draft_to_running_to_closed_and_each_step_is_in_the_trail(people):
    """Proposed, submitted, approved by another, started by a third, closed; who and why."""
    made = wire.propose(people["researcher"], plan(people))
    assert ("draft", 1, []) == (made.state, made.version, made.key_versions)
    for who, step, state in (
        ("researcher", "submit", "review"), ("approver", "return", "draft"),
        ("researcher", "submit", "review"), ("approver", "approve", "approved"),
        ("linkage_officer", "start", "running"), ("linkage_officer", "pause", "approved"),
        ("linkage_officer", "start", "running"), ("auditor", "close", "closed"),
    ):  # fmt: skip
        made = wire.move(people[who], made, step, REASON)
        assert state == made.state
    assert [1] == made.key_versions, "starting again makes no second key"
    entries = [e for e in last_entries(people, 12) if e.project_id == made.project_id]
    assert ["close", "start", "pause", "start", "approve", "submit", "return", "submit",
            "propose"] == [entry.kind for entry in entries]  # fmt: skip
    assert {REASON, None} == {entry.reason for entry in entries}
    assert "auditor" == entries[0].role


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "role",
    [
        "researcher",
        "linkage_officer",
        "approver",
        "auditor",
        "registrar",
        "clinician",
        "administrator",
    ],
)
def test_every_step_by_every_role(people, vault_admin, step, role):
    """The table of who may do which step, tried through the door; a refusal is written down."""
    may = {
        "submit": {"researcher", "linkage_officer"}, "return": {"approver"},
        "approve": {"approver"}, "start": {"linkage_officer"}, "pause": {"linkage_officer"},
        "amend": {"researcher", "linkage_officer"},
        "close": {"linkage_officer", "approver", "auditor"}, "destroy_key": {"approver"},
    }  # fmt: skip
    made = wire.propose(people["researcher"], plan(people))
    state = min(STEPS[step].before)
    change(vault_admin, made.project_id, state=state)
    made = msgspec.structs.replace(made, state=state)
    if role in may[step]:
        assert STEPS[step].after == wire.move(people[role], made, step, REASON).state
        return
    with pytest.raises(Forbidden):
        wire.move(people[role], made, step, REASON)
    entry = last_entries(people, 1)[0]
    assert ("refused", STEPS[step].action, made.project_id) == (
        entry.outcome, entry.action, entry.project_id,
    )  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_a_step_begins_only_where_the_table_says(people, vault_admin, step):
    """From every other state it is a conflict that names the state."""
    who = {"return": "approver", "approve": "approver", "start": "linkage_officer",
           "pause": "linkage_officer", "close": "approver", "destroy_key": "approver"}  # fmt: skip
    made = wire.propose(people["researcher"], plan(people))
    for state in ("draft", "review", "approved", "running", "closed"):
        if state in STEPS[step].before:
            continue
        change(vault_admin, made.project_id, state=state)
        with pytest.raises(Conflict, match=state):
            wire.move(people[who.get(step, "researcher")], made, step, REASON)


def test_nobody_approves_what_is_theirs_under_any_account(people, caller, vault_service):
    """The proposer, the proposer's other account, and a member: refused; another person may."""
    url = vault_service.database.url("migrator")

    def account(staff_id, *roles):
        user_id = issue.user(url, "Test User", frozenset(roles), staff_id=staff_id)
        key = issue.key(url, "vault", "main", label="test", scopes=frozenset({"vault:use"}),
                        life=DAY, user_id=user_id)  # fmt: skip
        return user_id, connect(vault_service.url, str(key))

    staff_id, other_staff_id = str(uuid4()), str(uuid4())
    _, both = account(staff_id, "researcher", "approver")
    _, second_account = account(staff_id, "approver")
    member_id, member = account(other_staff_id, "researcher", "approver")
    made = wire.propose(both, plan(people, members=[people["member_id"], member_id]))
    made = wire.move(both, made, "submit", REASON)
    for client in (both, second_account, member):
        with pytest.raises(Forbidden, match="somebody else"):
            wire.move(client, made, "approve", REASON)
    assert "approved" == wire.move(people["second"], made, "approve", REASON).state
    for client in (both, second_account, member):
        client.close()


def test_what_is_approved_is_what_was_read(people):
    """A draft changed after it was read is not submitted; a change of what runs makes a draft."""
    read = wire.propose(people["researcher"], plan(people))
    changed = wire.amend(people["researcher"], read, plan(people, title="Another title"))
    with pytest.raises(Conflict, match="read it again"):
        wire.move(people["researcher"], read, "submit", REASON)
    made = wire.move(people["researcher"], changed, "submit", REASON)
    with pytest.raises(Conflict, match="review"):
        wire.amend(people["researcher"], made, plan(people))
    made = wire.move(people["approver"], made, "approve", REASON)
    assert made.approved_by is not None
    made = wire.move(people["researcher"], made, "amend", REASON)
    assert ("draft", None) == (made.state, made.approved_by)


def test_a_draft_is_changed_by_its_proposer_alone(people, caller):
    """Another officer is refused, and another researcher does not even learn of it."""
    made = wire.propose(people["researcher"], plan(people))
    with pytest.raises(Forbidden, match="who proposed it"):
        wire.amend(caller("linkage_officer"), made, plan(people))
    with pytest.raises(Forbidden, match="no answer to this"):
        wire.amend(caller("researcher"), made, plan(people))


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"until": projects.today()}, "$.definition.until"),
        ({"basis": wire.Basis("section_251", "23/CAG/0042")}, "$.definition.basis.until"),
        ({"basis": wire.Basis("other", "Regulation 3", projects.today() - DAY)},
         "$.definition.basis.until"),
        ({"members": [uuid4()]}, "$.definition.members[0]"),
        ({"templates": [wire.TemplateAccess("same"), wire.TemplateAccess("same")]},
         "$.definition.templates"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_path(people, more, path):
    """Ended before it begins, section 251 without an end, members who are not there."""
    with pytest.raises(Unprocessable) as caught:
        wire.propose(people["researcher"], plan(people, **more))
    assert path in [finding["path"] for finding in caught.value.findings]


def test_a_researcher_sees_the_projects_of_their_own(people, caller):
    """Not those of others; officers and approvers see all."""
    made = wire.propose(people["researcher"], plan(people))
    seen = {who: {one.project_id for one in wire.read_projects(people[who])}
            for who in ("researcher", "linkage_officer", "approver", "auditor")}  # fmt: skip
    assert all(made.project_id in one for one in seen.values())
    assert made.project_id not in {p.project_id for p in wire.read_projects(caller("researcher"))}
    with pytest.raises(Forbidden):
        wire.read_projects(people["clinician"])


def test_of_two_who_take_the_same_step_at_once_one_does(people, caller, vault):
    """The other is told to read again; one step, one key."""
    made = wire.propose(people["researcher"], plan(people))
    made = wire.move(people["researcher"], made, "submit", REASON)
    made = wire.move(people["approver"], made, "approve", REASON)
    officers = [caller("linkage_officer") for _ in range(6)]

    def start(client):
        try:
            return wire.move(client, made, "start", REASON).version
        except Conflict:
            return None

    with ThreadPoolExecutor(6) as threads:
        done = list(threads.map(start, officers))
    assert [made.version + 1] == [version for version in done if version]
    with vault.engine.connect() as connection:
        assert [1] == project_keys.versions(connection, made.project_id)


def test_without_a_trail_no_step_is_taken_and_no_key_or_pseudonym_comes_out(
    people, persons, service, vault_admin, vault
):
    """503 everywhere, and everything is as it was; then each is done (the control)."""
    ehr_ids = list(persons(1).values())
    made = running(people)
    approval_id = allow(people, "ehr_to_pseudonym", ehr_ids, made.project_id)
    pseudonym = {"project_id": str(made.project_id), "ehr_ids": [str(ehr_ids[0])],
                 "reason": REASON, "approval_id": str(approval_id)}  # fmt: skip
    step = {"project_id": str(made.project_id), "version": made.version, "step": "pause",
            "reason": REASON}  # fmt: skip
    questions = [
        (service, "/project/policy", {"project_id": str(made.project_id)}),
        (people["linkage_officer"], "/project/step", step),
        (people["registrar"], "/opt-out/objection", {"person_id": str(uuid4()), "reason": REASON}),
        (people["linkage_officer"], "/project/pseudonym", pseudonym),
    ]
    with vault_admin.begin() as connection:
        connection.exec_driver_sql("REVOKE INSERT ON trail_leaf FROM vault_app")
    try:
        answers = [client.post(BASE + path, json=body) for client, path, body in questions]
    finally:
        with vault_admin.begin() as connection:
            connection.exec_driver_sql("GRANT INSERT ON trail_leaf TO vault_app")
    assert [503] * 4 == [answer.status_code for answer in answers]
    with vault.engine.connect() as connection:
        found = projects.find(connection, made.project_id)
    assert ("running", made.version) == (found.state, found.version)
    again = [client.post(BASE + path, json=body).status_code for client, path, body in questions]
    assert [200, 200, 204] == again[:3]


# --- pseudonyms ----------------------------------------------------------------------------------


def test_records_get_pseudonyms_that_lead_back_inside_the_project_alone(people, persons):
    """Both directions in bulk, in order; another project's are unrelated; none is a stranger's."""
    ehr_ids = list(persons(30).values())
    one, other = running(people), running(people)
    found = to_pseudonyms(people, one.project_id, ehr_ids).pseudonyms
    assert 30 == len(set(found)) == len(set(found) - set(ehr_ids))
    assert found[3:5] == to_pseudonyms(people, one.project_id, ehr_ids[3:5]).pseudonyms
    elsewhere = to_pseudonyms(people, other.project_id, ehr_ids).pseudonyms
    assert not set(found) & set(elsewhere)
    assert ehr_ids == to_ehrs(people, one.project_id, found)
    mixed = [found[0], elsewhere[1], uuid4()]
    assert [ehr_ids[0], None, None] == to_ehrs(people, one.project_id, mixed)


def test_another_recipient_of_one_project_has_another_domain(people, persons):
    """The same project for another organisation: other pseudonyms, under the same key."""
    ehr_ids = list(persons(3).values())
    made = running(people)
    first = to_pseudonyms(people, made.project_id, ehr_ids).pseudonyms
    made = wire.move(people["researcher"], made, "amend", REASON)
    made = wire.amend(people["researcher"], made, plan(people, recipient="Elsewhere Ltd"))
    for who, step in (("researcher", "submit"), ("approver", "approve"),
                      ("linkage_officer", "start")):  # fmt: skip
        made = wire.move(people[who], made, step, REASON)
    assert [1] == made.key_versions
    assert not set(first) & set(to_pseudonyms(people, made.project_id, ehr_ids).pseudonyms)


def test_a_pseudonym_needs_the_direction_the_project_and_an_approval_of_this_very_question(
    people, persons
):
    """Without approval, by a researcher, with other ids, or backwards with the forward approval."""
    ehr_ids = list(persons(2).values())
    made = running(people)
    project_id, officer = made.project_id, people["linkage_officer"]
    with pytest.raises(Forbidden):
        wire.pseudonymise(officer, wire.Pseudonymise(project_id, ehr_ids, REASON))
    approval_id = allow(people, "ehr_to_pseudonym", ehr_ids, project_id)
    for client, ids in ((people["researcher"], ehr_ids), (officer, ehr_ids[:1])):
        with pytest.raises(Forbidden):
            wire.pseudonymise(client, wire.Pseudonymise(project_id, ids, REASON, approval_id))
    backwards = wire.Reidentify(project_id, ehr_ids, "PATSFTY", "public_interest", REASON,
                                approval_id)  # fmt: skip
    with pytest.raises(Forbidden):
        wire.reidentify(officer, backwards)
    message = wire.Pseudonymise(project_id, ehr_ids, REASON, approval_id)
    assert None not in wire.pseudonymise(officer, message).pseudonyms, "the control: now it fits"
    with pytest.raises(Forbidden):
        wire.pseudonymise(officer, message)  # and once


def test_an_approval_for_one_project_is_none_for_another(people, persons):
    """The project is bound into the approval."""
    ehr_ids = list(persons(2).values())
    one, other = running(people), running(people)
    approval_id = allow(people, "ehr_to_pseudonym", ehr_ids, one.project_id)
    message = wire.Pseudonymise(other.project_id, ehr_ids, REASON, approval_id)
    with pytest.raises(Forbidden):
        wire.pseudonymise(people["linkage_officer"], message)


def test_a_thousand_in_one_call_and_not_one_more(people, persons):
    """The bound of the message."""
    made = running(people)
    known = list(persons(5).values())
    ids = known + [uuid4() for _ in range(995)]
    found = to_pseudonyms(people, made.project_id, ids).pseudonyms
    assert None not in found[:5]
    assert [None] * 995 == found[5:]
    body = {"project_id": str(made.project_id), "ehr_ids": [str(uuid4()) for _ in range(1001)],
            "reason": REASON}  # fmt: skip
    answer = people["linkage_officer"].post(f"{BASE}/project/pseudonym", json=body)
    assert 400 == answer.status_code


def test_both_directions_are_in_the_trail_about_the_record(people, persons, vault):
    """So the person's report finds them by either id."""
    (person_id, ehr_id), *_ = persons(1).items()
    made = running(people)
    found = to_pseudonyms(people, made.project_id, [ehr_id]).pseudonyms
    to_ehrs(people, made.project_id, found)
    search = wire_trail.TrailSearch(person_id=person_id)
    entries = wire_trail.search_trail(people["auditor"], search)
    assert [("pseudonym_to_ehr", made.project_id), ("ehr_to_pseudonym", made.project_id)] == [
        (entry.action, entry.project_id) for entry in entries if entry.project_id
    ]


@pytest.mark.parametrize(
    ("state", "plan_of", "sentence"),
    [
        ("approved", {}, "not running"),
        ("running", {"until": projects.today() - DAY}, "project has ended"),
        ("running", {"basis": wire.Basis("section_251", "x 1", projects.today() - DAY)},
         "legal basis"),
    ],
)  # fmt: skip
def test_what_allows_a_project_is_looked_at_for_every_use(
    people, persons, service, vault_admin, state, plan_of, sentence
):
    """Not running, ended, or past its section 251: no pseudonym, no policy; before, both."""
    ehr_ids = list(persons(2).values())
    made = running(people)
    assert wire.ask_policy(service, made.project_id) is not None
    ended = msgspec.json.encode(plan(people, **plan_of))
    change(vault_admin, made.project_id, state=state, definition=ended)
    approval_id = allow(people, "ehr_to_pseudonym", ehr_ids, made.project_id)
    message = wire.Pseudonymise(made.project_id, ehr_ids, REASON, approval_id)
    with pytest.raises(Conflict, match=sentence):
        wire.pseudonymise(people["linkage_officer"], message)
    with pytest.raises(Forbidden):
        wire.pseudonymise(people["clinician"], message)
    with pytest.raises(Conflict, match=sentence):
        wire.ask_policy(service, made.project_id)
    assert "refused" == last_entries(people, 1)[0].outcome


def test_a_canary_behind_a_pseudonym_suspends_whoever_asks(people, persons, caller):
    """Asked for with an approval like any other; the control, an ordinary record, was answered."""
    ordinary, bird = persons(2).values()
    made = running(people)
    found = to_pseudonyms(people, made.project_id, [ordinary, bird]).pseudonyms
    officer = caller("linkage_officer")
    crossing.plant_canaries(people["auditor"], crossing.Canaries([bird], "bird"))
    its_own = {**people, "linkage_officer": officer}

    assert [ordinary] == to_ehrs(its_own, made.project_id, found[:1])
    with pytest.raises(Forbidden):
        to_ehrs(its_own, made.project_id, found[1:])
    assert "canary" == last_entries(people, 1)[0].outcome
    with pytest.raises(Unauthenticated):
        wire.read_projects(officer)


def test_no_answer_tells_a_project_that_is_unknown_from_one_that_is_forbidden(people, persons):
    """Status and words are equal at every door for whoever may not; the control: with what it
    needs the same question about the one that exists is answered.
    """
    ehr_ids = list(persons(1).values())
    made, unknown = running(people), uuid4()
    found = to_pseudonyms(people, made.project_id, ehr_ids).pseudonyms
    draft = wire.propose(people["linkage_officer"], plan(people))

    def answers(project_id, draft_id):
        asked = {
            "/project/pseudonym": wire.Pseudonymise(project_id, ehr_ids, REASON),
            "/project/ehr": wire.Reidentify(
                project_id, found, "PATSFTY", "public_interest", REASON),
            "/project/amend": wire.Amend(draft_id, 1, plan(people)),
            "/project/step": wire.Move(draft_id, 1, "submit", REASON),
        }  # fmt: skip
        told = {}
        for path, message in asked.items():
            who = (
                "linkage_officer"
                if path in {"/project/pseudonym", "/project/ehr"}
                else "researcher"
            )
            answer = people[who].post(BASE + path, content=msgspec.json.encode(message))
            body = answer.json()
            del body["trace_id"]
            told[path] = answer.status_code, body
        return told

    assert answers(made.project_id, draft.project_id) == answers(unknown, unknown)
    assert {403} == {status for status, _ in answers(unknown, unknown).values()}
    assert ehr_ids == to_ehrs(people, made.project_id, found)
    assert "review" == wire.move(people["linkage_officer"], draft, "submit", REASON).state


# --- keys ----------------------------------------------------------------------------------------


def test_when_the_key_is_destroyed_nobody_goes_either_way_and_others_do(
    people, persons, service, vault
):
    """By another person than who closed it; a closed project with its key still leads back."""
    ehr_ids = list(persons(3).values())
    made, other = running(people), running(people)
    found = to_pseudonyms(people, made.project_id, ehr_ids).pseudonyms
    others = to_pseudonyms(people, other.project_id, ehr_ids).pseudonyms
    made = wire.move(people["approver"], made, "close", REASON)
    assert ehr_ids == to_ehrs(people, made.project_id, found), "closed, the key still leads back"
    with pytest.raises(Forbidden, match="somebody else"):
        wire.move(people["approver"], made, "destroy_key", REASON)
    made = wire.move(people["second"], made, "destroy_key", REASON)
    assert [] == made.key_versions
    with pytest.raises(Conflict, match="destroyed"):
        to_ehrs(people, made.project_id, found)
    with pytest.raises(Conflict):
        to_pseudonyms(people, made.project_id, ehr_ids)
    with pytest.raises(Conflict):
        wire.ask_policy(service, made.project_id)
    assert ehr_ids == to_ehrs(people, other.project_id, others)
    with vault.engine.connect() as connection:
        assert 0 == connection.scalar(
            sa.select(sa.func.count()).select_from(project_key)
            .where(project_key.c.project_id == made.project_id)
        )  # fmt: skip


def test_a_new_version_of_the_key_makes_new_pseudonyms_and_the_old_lead_back(
    people, persons, service, vault
):
    """The service takes the new one up at its next question; the version names the old."""
    ehr_ids = list(persons(3).values())
    made = running(people)
    before = to_pseudonyms(people, made.project_id, ehr_ids).pseudonyms
    held = wire.ask_policy(service, made.project_id)
    assert wire.ask_policy(service, made.project_id, held.version) is None
    with vault.engine.begin() as connection:
        assert 2 == project_keys.rotate(connection, vault.keys, made.project_id)
    renewed = wire.ask_policy(service, made.project_id, held.version)
    assert (2, 1) == (renewed.key_version, held.key_version)
    assert renewed.key != held.key
    after = to_pseudonyms(people, made.project_id, ehr_ids).pseudonyms
    assert not set(before) & set(after)
    assert ehr_ids == to_ehrs(people, made.project_id, before, key_version=1)
    assert [None] * 3 == to_ehrs(people, made.project_id, before)


def test_keys_lie_sealed_each_in_its_row(people, vault, vault_admin, service):
    """One length, no key in the dump; exchanged between projects they do not open."""
    one, other = running(people), running(people)
    key = wire.ask_policy(service, one.project_id).key
    with vault_admin.begin() as connection:
        rows = {row.project_id: row.sealed for row in connection.execute(sa.select(project_key))}
        assert 1 == len({len(sealed) for sealed in rows.values()})
        assert not any(key in sealed for sealed in rows.values())
        for project_id, sealed in ((one.project_id, rows[other.project_id]),
                                   (other.project_id, rows[one.project_id])):  # fmt: skip
            _put(connection, project_id, sealed)
    answers = [service.post(f"{BASE}/project/policy", json={"project_id": str(p.project_id)})
               for p in (one, other)]  # fmt: skip
    with vault_admin.begin() as connection:
        for project_id in (one.project_id, other.project_id):
            _put(connection, project_id, rows[project_id])
    assert [500, 500] == [answer.status_code for answer in answers]
    assert key == wire.ask_policy(service, one.project_id).key


def _put(connection, project_id, sealed):
    this = project_key.c.project_id == project_id
    connection.execute(project_key.update().where(this).values(sealed=sealed))


def test_keys_are_sealed_anew_under_a_new_key_encryption_key(people, vault, service):
    """Rows of the older version alone, and the project's key stays what it was."""
    import secrets
    from types import MappingProxyType

    from linkage_vault.keys import Kek, Keks, Secret

    made = running(people)
    key = wire.ask_policy(service, made.project_id).key
    old = vault.keys.links
    newer = Kek(2, Secret(secrets.token_bytes(32)))
    both = Keks(newer, MappingProxyType({**old.by_version, 2: newer}))

    class Ring:
        links = both

    with vault.engine.connect() as connection:
        total = connection.scalar(sa.select(sa.func.count()).select_from(project_key))
        done = [project_keys.rewrap(connection, Ring, most=2)]
        while done[-1]:
            done.append(project_keys.rewrap(connection, Ring, most=2))
        assert total == sum(done)
        Ring.links = Keks(newer, MappingProxyType({2: newer}))
        assert key == project_keys.open_key(connection, Ring, made.project_id, 1)
        connection.rollback()


# --- policy --------------------------------------------------------------------------------------


def test_the_policy_tells_all_that_a_query_must_keep_to(people, service):
    """Templates, paths, thresholds, dates, members, end; its text shows no key."""
    made = running(people, disclosure=wire.Disclosure(10, 10), date_shift_days=15)
    held = wire.ask_policy(service, made.project_id)
    assert (made.project_id, "HRESCH", 10, 10, 15, [people["member_id"]]) == (
        held.project_id, held.purpose_of_use, held.disclosure.minimum_group,
        held.disclosure.rounding, held.date_shift_days, held.members,
    )  # fmt: skip
    assert [wire.TemplateAccess("moiety_blood_pressure", ("/content",))] == held.templates
    assert projects.today() + 30 * DAY == held.until, "the earlier of project and legal basis"
    assert (32, 32) == (len(held.key), len(held.date_shift_seed))
    assert held.key.hex() not in repr(held)
    entry = last_entries(people, 1)[0]
    assert ("use_project", "allowed", None) == (entry.action, entry.outcome, entry.user_id)


def test_the_policy_is_for_a_service_alone(people, service, caller):
    """People have no part in it, whatever their role; nor has a key of another scope."""
    made = running(people)
    body = {"project_id": str(made.project_id)}
    everyone = (*(people[r] for r in ("linkage_officer", "approver", "researcher")),
                caller("linkage_officer", scopes=("vault:use", "project:use")),
                caller(program=True, scopes=("vault:use", "vault:operate")))  # fmt: skip
    assert {403} == {one.post(f"{BASE}/project/policy", json=body).status_code for one in everyone}
    assert 200 == service.post(f"{BASE}/project/policy", json=body).status_code
    with pytest.raises(NotFound):
        wire.ask_policy(service, uuid4())


def test_a_policy_that_is_confirmed_is_not_sent_again_nor_written_down_again(people, service):
    """The key crosses once; every change of the project sends it anew, or ends it."""
    made = running(people)
    held = wire.ask_policy(service, made.project_id)
    position = wire_trail.read_trail(people["auditor"], limit=1)[0].position
    assert wire.ask_policy(service, made.project_id, held.version) is None
    assert position + 1 == wire_trail.read_trail(people["auditor"], limit=1)[0].position
    wire.move(people["linkage_officer"], made, "pause", REASON)
    with pytest.raises(Conflict, match="not running"):
        wire.ask_policy(service, made.project_id, held.version)


# --- registers -----------------------------------------------------------------------------------


def load(loader, *, out=(), free=(), as_of=None):
    """A snapshot of the national list."""
    return wire_opt_outs.load(loader, as_of or projects.today(), [(list(out), list(free))])


def test_who_opted_out_objected_or_was_never_checked_is_removed_and_counted(
    people, persons, loader, service, caller
):
    """Each cause alone; the pseudonyms of the rest come, those of the removed are withheld."""
    given = persons(7)
    out, _unchecked, objecting, elsewhere, *free = given
    load(loader, out=[out], free=[objecting, elsewhere, *free])
    made = running(people, exemption=None)
    registrar = caller("registrar")
    wire_opt_outs.object_to(registrar, wire_opt_outs.Object(objecting, REASON))
    other = running(people, exemption=None)
    wire_opt_outs.object_to(registrar, wire_opt_outs.Object(elsewhere, REASON, other.project_id))
    stranger = uuid4()
    ehr_ids = [*given.values(), stranger]
    cleaned = wire_opt_outs.clean(service, made.project_id, ehr_ids)
    assert [given[one] for one in (elsewhere, *free)] == cleaned.kept
    assert (3, 1, 1, 1, 1, 0) == (
        cleaned.removed, cleaned.unknown, cleaned.opted_out, cleaned.unchecked, cleaned.objected,
        cleaned.without_consent,
    )  # fmt: skip
    assert projects.today() == cleaned.as_of
    answer = to_pseudonyms(people, made.project_id, ehr_ids)
    assert (3, projects.today()) == (answer.removed, answer.as_of)
    shown = dict(zip(ehr_ids, answer.pseudonyms, strict=True))
    assert cleaned.kept == [ehr_id for ehr_id, pseudonym in shown.items() if pseudonym]
    in_other = wire_opt_outs.clean(service, other.project_id, ehr_ids)
    assert given[elsewhere] not in in_other.kept
    assert (4, 2) == (in_other.removed, in_other.objected)
    wire_opt_outs.object_to(registrar, wire_opt_outs.Object(objecting, REASON, withdrawn=True))
    assert given[objecting] in wire_opt_outs.clean(service, made.project_id, ehr_ids).kept


def test_a_restricted_record_is_removed_whatever_the_project_is_exempt_from(
    people, persons, service
):
    """As an objection; allowed again, it comes back (the control)."""
    ehr_id, other = persons(2).values()
    made = running(people)
    officer = people["linkage_officer"]
    linking.restrict(officer, ehr_id, is_restricted=True, reason=REASON)
    cleaned = wire_opt_outs.clean(service, made.project_id, [ehr_id, other])
    assert ([other], 1, 1) == (cleaned.kept, cleaned.removed, cleaned.objected)
    linking.restrict(officer, ehr_id, is_restricted=False, reason=REASON)
    again = wire_opt_outs.clean(service, made.project_id, [ehr_id, other])
    assert ([ehr_id, other], 0) == (again.kept, again.removed)


def test_an_exemption_sets_the_national_list_aside_and_no_objection(
    people, persons, loader, service, caller
):
    """Approved with the project by its approver; the control above removed the same person."""
    given = persons(2)
    out, objecting = given
    load(loader, out=[out], free=[objecting])
    wire_opt_outs.object_to(caller("registrar"), wire_opt_outs.Object(objecting, REASON))
    made = running(people)
    cleaned = wire_opt_outs.clean(service, made.project_id, list(given.values()))
    assert ([given[out]], None) == (cleaned.kept, cleaned.as_of)


@pytest.mark.parametrize(("days", "refused"), [(7, False), (8, True)])
def test_a_list_that_is_too_old_is_refused_with_its_age(
    people, persons, loader, service, vault_admin, days, refused
):
    """Seven days pass and eight do not; neither cohort nor pseudonym comes out."""
    given = persons(2)
    with vault_admin.begin() as connection:
        connection.execute(opt_out_snapshot.delete())
    load(loader, free=list(given), as_of=projects.today() - days * DAY)
    made = running(people, exemption=None)
    ehr_ids = list(given.values())
    if not refused:
        assert ehr_ids == wire_opt_outs.clean(service, made.project_id, ehr_ids).kept
        return
    with pytest.raises(Conflict, match="8 days old"):
        wire_opt_outs.clean(service, made.project_id, ehr_ids)
    assert "stale" == last_entries(people, 1)[0].outcome
    with pytest.raises(Conflict, match="8 days old"):
        to_pseudonyms(people, made.project_id, ehr_ids)


def test_without_any_list_nothing_comes_out(people, persons, service, vault_admin):
    """Refused, with the reason."""
    with vault_admin.begin() as connection:
        connection.execute(opt_out_snapshot.delete())
    made = running(people, exemption=None)
    with pytest.raises(Conflict, match="No list"):
        wire_opt_outs.clean(service, made.project_id, list(persons(1).values()))


def test_by_consent_only_those_whose_consent_is_live_today(people, persons, service, caller):
    """Begun, not ended, not withdrawn; the national list is not asked where each one agreed."""
    today = projects.today()
    given = persons(6)
    live, ending, future, past, withdrawn, _ = given
    basis = wire.Basis("consent", "Consent form 4")
    made = running(people, basis=basis, exemption=None)
    registrar = caller("registrar")
    for person_id, since, until in ((live, today, None), (ending, today - DAY, today),
                                    (future, today + DAY, None),
                                    (past, today - 9 * DAY, today - DAY),
                                    (withdrawn, today, None)):  # fmt: skip
        wire_opt_outs.consent_to(
            registrar,
            wire_opt_outs.Consent(person_id, made.project_id, REASON, since=since, until=until),
        )
    ehr_ids = list(given.values())
    kept = [given[live], given[ending], given[withdrawn]]
    assert kept == wire_opt_outs.clean(service, made.project_id, ehr_ids).kept
    message = wire_opt_outs.Consent(withdrawn, made.project_id, REASON, today, withdrawn=True)
    wire_opt_outs.consent_to(registrar, message)
    cleaned = wire_opt_outs.clean(service, made.project_id, ehr_ids)
    assert (kept[:2], 4, None) == (cleaned.kept, cleaned.without_consent, cleaned.as_of)


def test_a_snapshot_is_in_force_when_it_is_whole_and_no_earlier(
    people, persons, loader, service, vault
):
    """Half loaded it changes nothing; finished, the one before it is gone, marks and all."""
    given = persons(2)
    first, second = given
    load(loader, free=[first, second])
    made = running(people, exemption=None)
    ehr_ids = list(given.values())
    begun = wire_vault.ask(loader, "/opt-out/begin", wire_opt_outs.Begin(projects.today()),
                           wire_opt_outs.Begun)  # fmt: skip
    for out, free in (([first], []), ([], [first, second])):
        message = wire_opt_outs.Add(begun.snapshot_id, out, free)
        loader.post(f"{BASE}/opt-out/add", json=msgspec.to_builtins(message)).raise_for_status()
    assert ehr_ids == wire_opt_outs.clean(service, made.project_id, ehr_ids).kept
    done = wire_vault.ask(loader, "/opt-out/finish", wire_opt_outs.Finish(begun.snapshot_id),
                          wire_opt_outs.Snapshot)  # fmt: skip
    assert (2, 1) == (done.persons, done.opted_out), "said twice, opted out stands"
    assert [given[second]] == wire_opt_outs.clean(service, made.project_id, ehr_ids).kept
    with vault.engine.connect() as connection:
        kept = set(connection.scalars(sa.select(opt_out.c.snapshot_id).distinct()))
    assert {begun.snapshot_id} == kept
    late = wire_opt_outs.Add(begun.snapshot_id, [second], [])
    answer = loader.post(f"{BASE}/opt-out/add", json=msgspec.to_builtins(late))
    assert 404 == answer.status_code


@pytest.mark.parametrize("days", [1, -400])
def test_a_list_of_a_day_to_come_or_before_the_present_one_is_refused(loader, days):
    """Neither the future nor the past."""
    load(loader)
    with pytest.raises(Unprocessable):
        load(loader, as_of=projects.today() + days * DAY)


def test_registers_hold_marks_that_nothing_joins(people, persons, loader, vault, caller):
    """No person's id in the tables; one person's marks differ by register, project and snapshot."""
    (person_id, ehr_id), *_ = persons(1).items()
    load(loader, out=[person_id])
    keys = vault.people_keys
    registrar = caller("registrar")
    wire_opt_outs.object_to(registrar, wire_opt_outs.Object(person_id, REASON))
    marks = {
        opt_outs._mark_of_list(keys, uuid4(), person_id),
        opt_outs._mark_of_list(keys, uuid4(), person_id),
        opt_outs._mark(keys, "objection", None, person_id),
        opt_outs._mark(keys, "objection", uuid4(), person_id),
        opt_outs._mark(keys, "consent", uuid4(), person_id),
    }
    assert 5 == len(marks)
    with vault.engine.connect() as connection:
        stored = b"".join(
            value if isinstance(value, bytes) else str(value).encode()
            for name in ("objection", "opt_out", "consent")
            for row in connection.execute(sa.text(f"SELECT * FROM {name}"))
            for value in row
        )
    assert opt_outs._mark(keys, "objection", None, person_id) in stored, "the control"
    for id_ in (person_id, ehr_id):
        assert id_.bytes not in stored
        assert str(id_).encode() not in stored


def test_registers_are_kept_by_those_who_may(people, loader, caller):
    """A clinician records no objection; a person's key loads no list."""
    message = wire_opt_outs.Object(uuid4(), REASON)
    with pytest.raises(Forbidden):
        wire_opt_outs.object_to(people["clinician"], message)
    for client in (people["linkage_officer"], caller("registrar", scopes=("opt-out:load",))):
        with pytest.raises(Forbidden):
            load(client)


def test_the_trail_still_verifies(vault):
    """After all of the above."""
    from linkage_vault.verification import verify

    with vault.engine.connect() as connection:
        heads, rows = list(trail.heads(connection)), list(trail.leaves(connection))
    assert verify(rows, heads, vault.keys.tree_head_public).fault is None
