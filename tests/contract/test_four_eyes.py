"""Approvals: one person asks, another approves, and it fits that question once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from linkage_vault import approvals, decisions, links
from linkage_vault.people_tables import approval
from moiety.kit.errors import Conflict, Forbidden, Malformed, Unprocessable
from moiety.wire import crossing
from moiety.wire import vault as wire
from moiety.wire.crossing import AskApproval
from tests.fixtures.fix_vault import REASON, requester_of

BASIS = "public_interest"


@pytest.fixture
def record(caller, filled_pool):
    """A person and the record."""
    person_id = uuid4()
    return person_id, wire.link(caller("registrar"), person_id)


def asked(client, *ids, reason=REASON, purpose="PATSFTY", basis=BASIS):
    """A request for an approval."""
    request = AskApproval("resolve_ehr", list(ids), purpose, basis, reason)
    return crossing.ask_approval(client, request)


def use(client, ehr_id, approval_id, **changed):
    """The question itself."""
    said = {"purpose_of_use": "PATSFTY", "reason": REASON, "legal_basis": BASIS, **changed}
    return wire.resolve_ehr(client, ehr_id, approval_id=approval_id, **said)


def test_asked_approved_answered_once(caller, record):
    """The approver sees why and how many, a handle, no id and no answer."""
    person_id, ehr_id = record
    officer, approver = caller("linkage_officer"), caller("approver")
    made = asked(officer, ehr_id)
    with pytest.raises(Forbidden):
        use(officer, ehr_id, made.approval_id)  # not approved yet
    shown = next(
        one for one in crossing.read_approvals(approver) if one.approval_id == made.approval_id
    )
    assert ("resolve_ehr", 1, "PATSFTY", BASIS, REASON, "open") == (
        shown.action, shown.count, shown.purpose_of_use, shown.legal_basis, shown.reason,
        shown.state,
    )  # fmt: skip
    assert not any(str(id_) in str(shown) for id_ in record)
    assert shown.request_hash == made.request_hash
    again = asked(officer, ehr_id, reason="Another reason altogether")
    handles = {one.approval_id: one.handles for one in crossing.read_approvals(officer)}
    assert handles[again.approval_id] == handles[made.approval_id]
    crossing.decide(approver, made.approval_id, made.request_hash, approve=True)
    assert person_id == use(officer, ehr_id, made.approval_id)
    with pytest.raises(Forbidden):
        use(officer, ehr_id, made.approval_id)


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "Another reason altogether"},
        {"purpose_of_use": "HLEGAL"},
        {"legal_basis": "legal_obligation"},
        {"legal_basis": None},
    ],
)
def test_a_changed_question_does_not_fit(caller, record, approved, changed):
    """Refused, and the approval is still good for what was approved."""
    person_id, ehr_id = record
    officer = caller("linkage_officer")
    approval_id = approved(officer, ehr_id)
    with pytest.raises(Forbidden):
        use(officer, ehr_id, approval_id, **changed)
    assert person_id == use(officer, ehr_id, approval_id)


def test_another_id_or_another_asker_does_not_fit(caller, record, approved, filled_pool):
    """Somebody else's approval, and one of another record."""
    _, ehr_id = record
    other = wire.link(caller("registrar"), uuid4())
    officer, colleague = caller("linkage_officer"), caller("linkage_officer")
    approval_id = approved(officer, ehr_id)
    with pytest.raises(Forbidden):
        use(officer, other, approval_id)
    with pytest.raises(Forbidden):
        use(colleague, ehr_id, approval_id)
    with pytest.raises(Forbidden):
        use(officer, ehr_id, uuid4())
    both = approved(officer, ehr_id, other)
    with pytest.raises(Forbidden):
        use(officer, ehr_id, both)  # a part of what was approved is another question


def test_nobody_approves_their_own_under_any_account(caller, record):
    """The same account with both roles, and a second account of the same human."""
    _, ehr_id = record
    both = caller("linkage_officer", "approver")
    made = asked(both, ehr_id)
    with pytest.raises(Forbidden):
        crossing.decide(both, made.approval_id, made.request_hash, approve=True)
    human = str(uuid4())
    first = caller("linkage_officer", staff_id=human)
    second = caller("approver", staff_id=human)
    made = asked(first, ehr_id)
    with pytest.raises(Forbidden):
        crossing.decide(second, made.approval_id, made.request_hash, approve=True)
    crossing.decide(caller("approver"), made.approval_id, made.request_hash, approve=True)


def test_an_approver_of_the_same_line_is_refused_where_it_is_configured(caller, record, vault):
    """Both report to one manager: refused with the switch, allowed without."""
    _, ehr_id = record
    manager = str(uuid4())
    officer = caller("linkage_officer", manager_id=manager)
    approver = caller("approver", manager_id=manager)
    made = asked(officer, ehr_id)
    message = crossing.Decide(made.approval_id, made.request_hash, approve=True)
    strict = replace(vault, rules=replace(vault.rules, approver_other_line=True))
    with pytest.raises(Forbidden):
        approvals.decide(strict, requester_of(approver, vault), message)
    approvals.decide(vault, requester_of(approver, vault), message)


def test_an_approver_who_lost_the_role_approves_no_more(caller, record, approved, vault_admin):
    """Between approval and use: without the role, or deactivated, it does not count."""
    person_id, ehr_id = record
    officer, approver = caller("linkage_officer"), caller("approver")
    for change, back in (
        ("roles = '{auditor}'", "roles = '{approver}'"),
        ("active = false", "active = true"),
    ):
        made = asked(officer, ehr_id)
        crossing.decide(approver, made.approval_id, made.request_hash, approve=True)
        who = f"(SELECT decided_by FROM approval WHERE approval_id = '{made.approval_id}')"
        _run(vault_admin, f"UPDATE app_user SET {change} WHERE user_id = {who}")
        with pytest.raises(Forbidden):
            use(officer, ehr_id, made.approval_id)
        _run(vault_admin, f"UPDATE app_user SET {back} WHERE user_id = {who}")
        assert person_id == use(officer, ehr_id, made.approval_id)  # the control


def test_expired_requests_and_approvals_are_over(caller, record, vault_admin):
    """By the database's clock: an open one can't be approved, an approved one can't be used."""
    _, ehr_id = record
    officer, approver = caller("linkage_officer"), caller("approver")
    made, late = asked(officer, ehr_id), asked(officer, ehr_id)
    assert timedelta(hours=23) < made.until - late.until + timedelta(hours=24)
    crossing.decide(approver, made.approval_id, made.request_hash, approve=True)
    with vault_admin.begin() as connection:
        connection.execute(
            approval.update()
            .where(approval.c.approval_id.in_([made.approval_id, late.approval_id]))
            .values(until=sa.func.now())
        )
    with pytest.raises(Forbidden):
        use(officer, ehr_id, made.approval_id)
    with pytest.raises(Conflict):
        crossing.decide(approver, late.approval_id, late.request_hash, approve=True)


def test_a_rejected_request_and_one_not_as_it_was_read(caller, record):
    """Rejected stays rejected; another hash is another request."""
    _, ehr_id = record
    officer, approver = caller("linkage_officer"), caller("approver")
    made = asked(officer, ehr_id)
    with pytest.raises(Conflict):
        crossing.decide(approver, made.approval_id, "ab" * 32, approve=True)
    crossing.decide(approver, made.approval_id, made.request_hash, approve=False)
    with pytest.raises(Conflict):
        crossing.decide(approver, made.approval_id, made.request_hash, approve=True)
    with pytest.raises(Forbidden):
        use(officer, ehr_id, made.approval_id)


def test_one_approval_used_from_many_sides_at_once_answers_one(caller, record, approved):
    """Eight threads, one answer."""
    _, ehr_id = record
    officer = caller("linkage_officer")
    approval_id = approved(officer, ehr_id)

    def attempt(_):
        try:
            return use(officer, ehr_id, approval_id)
        except Forbidden:
            return None

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(attempt, range(8)))
    assert 1 == sum(one is not None for one in found)


def test_what_no_approval_would_allow_is_not_asked(caller, record):
    """A role that may not even so, an action that is none, a purpose and basis that are none."""
    _, ehr_id = record
    for role in ("registrar", "clinician"):
        with pytest.raises(Forbidden):
            asked(caller(role), ehr_id)
    officer = caller("linkage_officer")
    for action in ("read_trail", "list", "anything"):
        with pytest.raises(Malformed):
            crossing.ask_approval(officer, AskApproval(action, [ehr_id], "PATSFTY", BASIS, REASON))
    with pytest.raises(Unprocessable):
        asked(officer, ehr_id, purpose="CURIOSITY")
    with pytest.raises(Unprocessable):
        asked(officer, ehr_id, basis="because")


def test_more_than_one_id_needs_a_second_person_whoever_asks(caller, vault, approved):
    """A clinician in care, too: one decision about many, by an approval of the exact set."""
    from linkage_vault.decisions import Action, Ask
    from linkage_vault.purposes import LegalBasis, PurposeOfUse

    client = caller("registrar")
    requester = requester_of(client, vault)
    persons = [uuid4() for _ in range(3)]

    def asks(ids, approval_id=None):
        return [
            Ask(Action.RESOLVE_PERSON, id_, PurposeOfUse.RECORDMGT, REASON, LegalBasis.CONSENT,
                approval_id)
            for id_ in ids
        ]  # fmt: skip

    assert decisions.weigh(vault, requester, asks(persons[:1])).allowed  # the control
    assert not decisions.weigh(vault, requester, asks(persons)).allowed
    approval_id = approved(
        client, *persons, action="resolve_person", purpose="RECORDMGT", basis="consent"
    )
    assert not decisions.weigh(vault, requester, asks(persons[:2], approval_id)).allowed
    verdict = decisions.weigh(vault, requester, asks(persons[::-1], approval_id))
    assert (True, "approved", 3) == (verdict.allowed, verdict.kind, verdict.count)
    assert not decisions.weigh(vault, requester, asks(persons, approval_id)).allowed


def test_bulk_doors_open_with_an_approval_of_the_exact_set(caller, approved, filled_pool):
    """Opening and finding many records: refused without, answered with, refused again."""
    registrar = caller("registrar")
    persons = [uuid4() for _ in range(3)]
    said = {"reason": REASON, "legal_basis": "direct_care"}
    bodies = {
        "/link/bulk": {"person_ids": [str(one) for one in persons], **said},
        "/resolve/person/bulk": {
            "person_ids": [str(one) for one in persons], "purpose_of_use": "RECORDMGT", **said,
        },
    }  # fmt: skip
    actions = {"/link/bulk": ("link", "PATADMIN"),
               "/resolve/person/bulk": ("resolve_person", "RECORDMGT")}  # fmt: skip
    found = []
    for path, body in bodies.items():
        action, purpose = actions[path]
        assert 403 == registrar.post(f"{wire.BASE}{path}", json=body).status_code
        approval_id = approved(
            registrar, *persons, action=action, purpose=purpose, basis="direct_care"
        )
        body["approval_id"] = str(approval_id)
        part = {**body, "person_ids": body["person_ids"][:2]}
        assert 403 == registrar.post(f"{wire.BASE}{path}", json=part).status_code
        answer = registrar.post(f"{wire.BASE}{path}", json=body)
        assert 200 == answer.status_code
        found.append(answer.json()["ehr_ids"])
        assert 403 == registrar.post(f"{wire.BASE}{path}", json=body).status_code
    assert found[0] == found[1]
    assert 3 == len(set(found[0]))


def test_the_trail_binds_the_answer_to_the_approval(caller, record, approved, vault):
    """Request, decision and use carry one approval and one hash."""
    from linkage_vault import trail

    _, ehr_id = record
    officer = caller("linkage_officer")
    approval_id = approved(officer, ehr_id)
    use(officer, ehr_id, approval_id)
    with vault.engine.connect() as connection:
        entries = [trail.open_leaf(vault.keys, leaf) for leaf in trail.leaves(connection)][-3:]
    assert ["request", "approve", "resolve_ehr"] == [entry.action for entry in entries]
    assert {approval_id} == {entry.approval_id for entry in entries}
    assert 1 == len({entry.request_hash for entry in entries})
    assert ["linkage_officer", "approver", "linkage_officer"] == [e.role for e in entries]


def test_a_request_is_stored_without_its_ids(caller, record, vault):
    """Neither the id nor a plain hash of it stands in the table; sealed lengths are two."""
    import hashlib

    _, ehr_id = record
    officer = caller("linkage_officer")
    asked(officer, ehr_id)
    asked(officer, *(uuid4() for _ in range(500)))
    with vault.engine.connect() as connection:
        mine = approval.c.action == "resolve_ehr"
        rows = connection.execute(sa.select(approval).where(mine)).all()
    dump = b"".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )
    for form in (ehr_id.bytes, str(ehr_id).encode(), hashlib.sha256(ehr_id.bytes).digest()):
        assert form not in dump
    assert len({len(row.sealed) for row in rows if row.sealed}) <= 2


def test_care_opens_the_way_back_without_an_approval(caller, record, vault):
    """A clinician who found the record by the person is told whose it is, and no other."""
    person_id, ehr_id = record
    clinician, stranger = caller("clinician"), caller("clinician")
    wire.resolve_person(clinician, person_id, purpose_of_use="TREAT")
    found = wire.resolve_ehr(clinician, ehr_id, purpose_of_use="TREAT", reason=REASON)
    assert person_id == found
    with pytest.raises(Forbidden):
        wire.resolve_ehr(stranger, ehr_id, purpose_of_use="TREAT", reason=REASON)
    with pytest.raises(Forbidden):
        wire.resolve_ehr(clinician, ehr_id, purpose_of_use="PATSFTY", reason=REASON)
    assert links  # the work function behind both


def _run(engine, statement):
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
