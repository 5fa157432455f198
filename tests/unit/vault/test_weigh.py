"""How a decision is made of what stands: in which order, what is used up, and what is written."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from linkage_vault import alerts, decisions, policy, standing, suspensions, trail
from linkage_vault.decisions import Action, Ask, Verdict
from linkage_vault.people_keys import create_people_key_file, load_people_keys
from linkage_vault.purposes import LegalBasis, PurposeOfUse
from linkage_vault.requesters import Requester
from linkage_vault.rules import Limit, Rules
from linkage_vault.standing import Standing
from linkage_vault.users import Role
from moiety.kit.errors import Forbidden, TooMany, Unprocessable

NOTHING = Standing({}, canary=False, care=None, grant_id=None, break_glass_id=None,
                   approval_until=None)  # fmt: skip
PERSON = UUID("6d1f6d1e-0000-4000-8000-000000000001")
USER = UUID("6d1f6d1e-0000-4000-8000-000000000002")
GRANT, GLASS, APPROVAL = uuid4(), uuid4(), uuid4()
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(monkeypatch, tmp_path):
    """A vault whose database is a few values that a test sets, and what was done to it."""
    path = tmp_path / "vault.people"
    create_people_key_file(path, "main")
    made = SimpleNamespace(
        found=NOTHING, asked=[], grants=[], approvals=[], alerts=[], suspended=[], entries=[],
        grant_reaches=True, approval_fits=True,
        vault=SimpleNamespace(
            rules=Rules(care="required"), told=set(), people_keys=load_people_keys(path)
        ),
    )  # fmt: skip

    def look(question):
        made.asked.append(question)
        used = made.found.used or dict.fromkeys(question.principals, (1, 1, 1))
        return replace(made.found, used=used)

    def look_beside(vault, questions, beside):
        assert vault is made.vault
        return [look(question) for question in questions], [[] for _ in beside]

    def use_grant(vault, grant_id, subjects):
        assert vault is made.vault
        made.grants.append((grant_id, subjects))
        return made.grant_reaches

    def use_approval(vault, approval_id, user_id, request_hash):
        assert vault is made.vault
        made.approvals.append((approval_id, user_id, request_hash))
        return made.approval_fits

    monkeypatch.setattr(standing, "look_beside", look_beside)
    monkeypatch.setattr(standing, "use_grant", use_grant)
    monkeypatch.setattr(standing, "use_approval", use_approval)

    def keep(where):
        def kept(vault, *what, **more):
            assert vault is made.vault
            where(*what, **more)

        return kept

    monkeypatch.setattr(
        alerts, "sound", keep(lambda kind, facts: made.alerts.append((kind, facts)))
    )
    monkeypatch.setattr(
        suspensions, "suspend", keep(lambda who, *, reason: made.suspended.append((who, reason)))
    )
    monkeypatch.setattr(trail, "record", keep(made.entries.append))
    monkeypatch.setattr(trail, "record_all", keep(made.entries.extend))

    def alike(entry, told):
        made.entries += [
            structs.replace(entry, outcome=outcome, subject=subject) for outcome, subject in told
        ]

    monkeypatch.setattr(trail, "record_alike", keep(alike))
    return made


def who(*roles, **more):
    """A person with roles."""
    return Requester("k1", USER, "Ada", frozenset(Role(r) for r in roles), **more)


def ask(action=Action.RESOLVE_PERSON, purpose=PurposeOfUse.TREAT, subject=PERSON, **more):
    """One question."""
    return Ask(action, subject, purpose, **more)


def named(**more):
    """A linkage officer's question."""
    said = {"reason": "a reason", "basis": LegalBasis.CONSENT, "approval_id": APPROVAL, **more}
    return ask(Action.RESOLVE_EHR, PurposeOfUse.PATSFTY, **said)


def weigh(world, requester, *asks):
    """The verdict."""
    return decisions.weigh(world.vault, requester, list(asks))


def test_what_is_looked_for_names_the_question(world):
    """User, key, action, purpose, subjects, project and approval; through a program, its key."""
    project_id = uuid4()
    weigh(world, who("clinician"), ask(project_id=project_id, approval_id=APPROVAL))
    (question,) = world.asked
    assert (USER, "k1", "resolve_person", "TREAT", [PERSON], project_id, APPROVAL) == (
        question.user_id, question.key_id, question.action, question.purpose, question.subjects,
        question.project_id, question.approval_id,
    )  # fmt: skip
    assert ["key:k1", f"user:{USER}"] == question.principals
    weigh(world, who("clinician", service="console"), ask(purpose=None))
    assert ("console", "") == (world.asked[1].key_id, world.asked[1].purpose)
    assert ["key:k1"] == replace(question, user_id=None).principals


def test_what_is_no_crossing_is_neither_counted_nor_looked_up(world):
    """The policy alone decides."""
    read = Ask(Action.READ_TRAIL)
    assert weigh(world, who("auditor"), read).allowed
    assert not weigh(world, who("clinician"), read).allowed
    assert [] == world.asked


def test_a_narrow_token_asks_what_it_names_and_nothing_else(world):
    """Refused before anything is looked up, whatever the role."""
    narrow = who("auditor", "registrar", actions=frozenset({"read_head"}))
    assert weigh(world, narrow, Ask(Action.READ_HEAD)).allowed
    for other in (Ask(Action.READ_TRAIL), ask()):
        verdict = weigh(world, narrow, other)
        assert (False, "refused") == (verdict.allowed, verdict.outcome)
    assert [] == world.asked


def test_the_least_that_is_enough_is_used(world):
    """Role alone, then care, approval, grant, broken glass: what is not needed is not used up."""
    everything = replace(
        NOTHING, care=b"mark", grant_id=GRANT, break_glass_id=GLASS, approval_until=UNTIL
    )
    world.found = everything
    verdict = weigh(world, who("clinician"), ask(approval_id=APPROVAL))
    assert (True, "care", b"mark", None) == (
        verdict.allowed, verdict.kind, verdict.care_record, verdict.grant_id,
    )  # fmt: skip
    assert ([], []) == (world.grants, world.approvals)
    world.found = replace(everything, care=None)
    verdict = weigh(world, who("clinician"), ask())
    assert (True, "grant", GRANT, None) == (
        verdict.allowed, verdict.kind, verdict.grant_id, verdict.care_record,
    )  # fmt: skip
    assert [(GRANT, [PERSON])] == world.grants
    world.found = replace(everything, care=None, grant_id=None)
    verdict = weigh(world, who("clinician"), ask(purpose=PurposeOfUse.BTG))
    assert (True, "break_glass", None) == (verdict.allowed, verdict.kind, verdict.grant_id)
    world.found = NOTHING
    verdict = weigh(world, who("registrar"), ask())
    assert (True, None, "refused") == (verdict.allowed, verdict.kind, verdict.outcome)
    verdict = weigh(world, who("clinician"), ask())
    assert (False, "refused", None) == (verdict.allowed, verdict.outcome, verdict.kind)


def test_a_grant_that_does_not_reach_leaves_what_else_stands(world):
    """Used up meanwhile: refused; with broken glass, that."""
    world.grant_reaches = False
    world.found = replace(NOTHING, grant_id=GRANT, break_glass_id=GLASS)
    assert not weigh(world, who("clinician"), ask()).allowed
    both = weigh(world, who("clinician"), ask(purpose=PurposeOfUse.ETREAT))
    assert (True, "break_glass") == (both.allowed, both.kind)


def test_a_grant_of_no_use_is_not_used_up(world):
    """Another role, a direction that takes none."""
    world.found = replace(NOTHING, grant_id=GRANT)
    assert not weigh(world, who("researcher"), ask()).allowed
    assert not weigh(world, who("linkage_officer"), named()).allowed
    assert [] == world.grants


def test_an_approval_is_used_with_the_hash_of_this_very_question(world):
    """What is passed to the database is made of the question; a misfit is a refusal."""
    world.found = replace(NOTHING, approval_until=UNTIL)
    verdict = weigh(world, who("linkage_officer"), named())
    expected = decisions.request_hash(world.vault, USER, [named()], UNTIL)
    assert [(APPROVAL, USER, expected)] == world.approvals
    assert (True, "approved", APPROVAL, expected) == (
        verdict.allowed, verdict.kind, verdict.approval_id, verdict.request_hash,
    )  # fmt: skip
    assert not weigh(world, who("linkage_officer"), named(approval_id=None)).allowed
    assert 1 == len(world.approvals)
    world.approval_fits = False
    verdict = weigh(world, who("linkage_officer"), named())
    assert (False, None, None) == (verdict.allowed, verdict.approval_id, verdict.request_hash)
    assert not weigh(world, who("linkage_officer"), named(approval_id=None)).allowed
    world.approvals.clear()
    assert not weigh(world, who("researcher"), named()).allowed
    nobody = Requester("k1", None, None, frozenset({Role.LINKAGE_OFFICER}))
    assert not weigh(world, nobody, named()).allowed
    assert [] == world.approvals


def test_the_hash_binds_everything_that_was_asked(world, monkeypatch):
    """Each part changed gives another; the order of ids gives the same; the key is the vault's."""
    base = [named(), named(subject=USER)]

    def bound(asks=base, user=USER, until=UNTIL):
        return decisions.request_hash(world.vault, user, asks, until)

    other = uuid4()
    changed = [
        bound(base[:1]),
        bound([*base, named(subject=other)]),
        bound([one._replace(action=Action.RESOLVE_PERSON) for one in base]),
        bound([one._replace(purpose=PurposeOfUse.HLEGAL) for one in base]),
        bound([one._replace(purpose=None) for one in base]),
        bound([one._replace(basis=LegalBasis.SECTION_251) for one in base]),
        bound([one._replace(basis=None) for one in base]),
        bound([one._replace(reason="another") for one in base]),
        bound([one._replace(reason=None) for one in base]),
        bound([one._replace(project_id=other) for one in base]),
        bound([one._replace(project_id=USER) for one in base]),
        bound(user=other),
        bound(until=UNTIL + timedelta(seconds=1)),
    ]
    assert len({bound(), *changed}) == len(changed) + 1
    assert bound() == bound(base[::-1])
    assert bound() == bound(until=UNTIL.astimezone(tz=None))
    assert 32 == len(bound())
    here = bound()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    there = bound()
    monkeypatch.undo()
    time.tzset()
    assert here == there
    same = base[0]._replace(purpose=None, basis=None, reason=None, project_id=None)
    assert bound([same]) == bound([same._replace(reason="")])


def test_the_first_use_records_care_where_that_is_the_rule(world):
    """One person, towards the record, by who may in care; nowhere else."""
    world.vault.rules = Rules(care="record", bulk=1)
    verdict = weigh(world, who("clinician"), ask())
    assert (True, "care_recorded", b"") == (verdict.allowed, verdict.kind, verdict.care_record)
    for requester, question in (
        (who("researcher"), ask()),
        (who("clinician"), ask(purpose=PurposeOfUse.HRESCH)),
        (who("clinician"), ask(Action.RESOLVE_EHR)),
    ):
        verdict = weigh(world, requester, question)
        assert (False, None) == (verdict.allowed, verdict.kind)
    assert not weigh(world, who("clinician"), ask(), ask(subject=USER)).allowed


def test_more_than_the_bulk_limit_is_bulk(world):
    """At the limit not yet; above it only with a second person; the verdict says how many."""
    world.vault.rules = Rules(bulk=2)
    asks = [ask(subject=uuid4()) for _ in range(3)]
    assert weigh(world, who("registrar"), *asks[:2]).allowed
    verdict = weigh(world, who("registrar"), *asks)
    assert (False, 3) == (verdict.allowed, verdict.count)
    assert weigh(world, who("registrar"), asks[0]).count is None
    assert 2 == weigh(world, who("registrar"), *asks[:2]).count
    world.found = replace(NOTHING, grant_id=GRANT)
    verdict = weigh(world, who("registrar"), *asks)
    assert (True, "grant", 3) == (verdict.allowed, verdict.kind, verdict.count)
    assert [one.subject for one in asks] == world.grants[0][1]


@pytest.mark.parametrize(
    ("used", "over", "wait"),
    [((5, 1, 1), "minute", "60"), ((1, 5, 1), "day", "3600"), ((1, 1, 5), "subjects", "3600")],
)
@pytest.mark.parametrize("principal", [f"user:{USER}", "key:k1"])
def test_a_limit_of_the_user_or_the_program_refuses_with_a_time_to_wait(
    world, used, over, wait, principal
):
    """At the limit allowed, above it refused; told once; the kind says which."""
    at, above = {"key:k1": (4, 4, 4), f"user:{USER}": (4, 4, 4)}, {}
    world.vault.rules = Rules(user=Limit(4, 4, 4), program=Limit(4, 4, 4))
    world.found = replace(NOTHING, used=at)
    assert weigh(world, who("registrar"), ask()).allowed
    above = {**dict.fromkeys(at, (1, 1, 1)), principal: used}
    world.found = replace(NOTHING, used=above)
    for _ in range(2):
        verdict = weigh(world, who("registrar"), ask())
        assert (False, "limited", over) == (verdict.allowed, verdict.outcome, verdict.kind)
    error = verdict.error()
    assert isinstance(error, TooMany)
    assert wait == error.headers["Retry-After"]
    told = {"limit": over, "key_id": "k1", "user_id": str(USER)}
    assert [("limit", told)] == world.alerts


def test_each_limit_is_told_of_once_a_day_and_person(world):
    """Another limit, or another person, is told of again."""
    world.vault.rules = Rules(user=Limit(4, 4, 4))
    used = {"minute": (5, 1, 1), "day": (1, 5, 1)}
    for limit in ("minute", "day", "minute", "day"):
        world.found = replace(NOTHING, used={"key:k1": (1, 1, 1), f"user:{USER}": used[limit]})
        weigh(world, who("registrar"), ask())
    assert ["minute", "day"] == [facts["limit"] for _, facts in world.alerts]


def test_basis_and_project_of_the_question_reach_the_policy(world):
    """A pseudonym's record is found in a project, on a basis: without either it is refused."""
    world.found = replace(NOTHING, approval_until=UNTIL)
    question = named(project_id=PERSON)._replace(action=Action.PSEUDONYM_TO_EHR)
    assert weigh(world, who("linkage_officer"), question).allowed
    for less in (question._replace(project_id=None), question._replace(basis=None)):
        assert not weigh(world, who("linkage_officer"), less).allowed


def test_the_policy_may_be_asked_with_facts_of_ones_own(world):
    """What would be: of this requester, this question and these facts."""
    facts = policy.Facts(purpose="TREAT", person=True, care=True)
    assert decisions.is_allowed(who("clinician"), ask(), facts)
    assert not decisions.is_allowed(who("researcher"), ask(), facts)
    assert not decisions.is_allowed(who("clinician"), ask(Action.LINK), facts)
    assert not decisions.is_allowed(who("clinician"), ask(), replace(facts, care=False))


def test_words_of_a_message_become_purposes_and_bases():
    """Known ones; no basis is none; another is told which there are."""
    assert PurposeOfUse.TREAT is decisions.read_purpose("TREAT")
    assert LegalBasis.CONSENT is decisions.read_basis("consent")
    assert decisions.read_basis(None) is None
    with pytest.raises(Unprocessable) as caught:
        decisions.read_basis("because")
    assert "A legal basis is one of direct_care, consent, " in caught.value.message
    with pytest.raises(Unprocessable) as caught:
        decisions.read_purpose("because")
    assert "This is no HL7 purpose of use." == caught.value.message


def test_each_principal_has_its_own_limit(world):
    """The user's is not the program's, and the other way round."""
    world.vault.rules = Rules(user=Limit(1, 1, 1), program=Limit(9, 9, 9))
    world.found = replace(NOTHING, used={"key:k1": (9, 9, 9), f"user:{USER}": (1, 1, 1)})
    assert weigh(world, who("registrar"), ask()).allowed
    world.vault.rules = Rules(user=Limit(9, 9, 9), program=Limit(1, 1, 1))
    assert not weigh(world, who("registrar"), ask()).allowed


def test_a_canary_suspends_and_tells_before_any_policy(world):
    """Whatever stands, and whoever asks."""
    world.found = replace(NOTHING, canary=True, care=b"")
    for requester in (who("clinician"), who("researcher")):
        verdict = weigh(world, requester, ask())
        assert (False, "canary") == (verdict.allowed, verdict.outcome)
        assert isinstance(verdict.error(), Forbidden)
    assert [(requester, "canary")] == world.suspended[1:]
    assert [("canary", {"key_id": "k1", "user_id": str(USER)})] * 2 == world.alerts
    weigh(world, Requester("k2", None, None, frozenset()), ask())
    assert ("canary", {"key_id": "k2"}) == world.alerts[2]


def test_a_refusal_is_written_down_and_raised_once(world):
    """One entry, of the one subject; of many, one with their count and none of their ids."""
    with pytest.raises(Forbidden) as caught:
        decisions.demand(world.vault, who("researcher"), ask(reason="a reason"))
    assert decisions.REFUSED == caught.value.message
    (entry,) = world.entries
    assert ("resolve_person", "refused", PERSON, None) == (
        entry.action, entry.outcome, entry.subject, entry.count,
    )  # fmt: skip
    many = [ask(subject=uuid4()) for _ in range(3)]
    with pytest.raises(Forbidden):
        decisions.demand_all(world.vault, who("researcher"), many)
    assert (None, 3, "refused") == (
        world.entries[1].subject, world.entries[1].count, world.entries[1].outcome,
    )  # fmt: skip
    assert decisions.demand(world.vault, who("registrar"), ask()).allowed
    assert 2 == len(world.entries)


def test_a_limit_is_raised_as_such_and_written_down_as_such(world):
    """429, not 403; the trail's word is `limited`."""
    world.found = replace(NOTHING, used={"key:k1": (9**9, 1, 1), f"user:{USER}": (1, 1, 1)})
    with pytest.raises(TooMany):
        decisions.demand(world.vault, who("registrar"), ask())
    assert ("limited", "minute") == (world.entries[0].outcome, world.entries[0].kind)


def test_an_entry_says_all_that_the_decision_rests_on(world):
    """Who, as what, through which program, why, on which basis, by which grant and approval."""
    project_id, bound = uuid4(), b"h" * 32
    verdict = Verdict(True, "x", "approved", GRANT, APPROVAL, bound, 7)
    requester = who("linkage_officer", "auditor", service="console")
    question = named(project_id=project_id)
    before = datetime.now(UTC)
    decisions.write_down(world.vault, requester, question, outcome="allowed", verdict=verdict)
    (entry,) = world.entries
    assert before <= entry.at <= datetime.now(UTC)
    assert entry.at.tzinfo is UTC
    assert (
        "resolve_ehr", "allowed", USER, "Ada", "k1", "PATSFTY", "a reason", PERSON,
        "auditor+linkage_officer", "consent", GRANT, APPROVAL, project_id, "console", bound,
        "approved", 7,
    ) == (
        entry.action, entry.outcome, entry.user_id, entry.user_name, entry.key_id,
        entry.purpose_of_use, entry.reason, entry.subject, entry.role, entry.legal_basis,
        entry.grant_id, entry.approval_id, entry.project_id, entry.service, entry.request_hash,
        entry.kind, entry.count,
    )  # fmt: skip
    decisions.write_down(world.vault, who(), Ask(Action.READ_HEAD), outcome="refused")
    assert (None, None, None, None) == (
        world.entries[1].role, world.entries[1].kind, world.entries[1].count,
        world.entries[1].grant_id,
    )  # fmt: skip


def test_many_entries_are_written_together_each_with_its_outcome(world):
    """As many outcomes as asks, or none is written."""
    asks = [ask(subject=uuid4()) for _ in range(2)]
    verdict = Verdict(True, kind="grant", grant_id=GRANT)
    decisions.write_down_all(
        world.vault, who("registrar"), asks, ["allowed", "unknown"], verdict=verdict
    )
    assert ["allowed", "unknown"] == [entry.outcome for entry in world.entries]
    assert [one.subject for one in asks] == [entry.subject for entry in world.entries]
    assert {GRANT} == {entry.grant_id for entry in world.entries}
    with pytest.raises(ValueError, match="shorter"):
        decisions.write_down_all(world.vault, who("registrar"), asks, ["allowed"])
    assert 2 == len(world.entries)


def test_a_verdict_is_a_refusal_unless_it_says_otherwise():
    """The defaults of a verdict, and what a refusal of another kind is answered with."""
    verdict = Verdict(allowed=False)
    assert ("refused", None, None, None, None, None, None) == (
        verdict.outcome, verdict.kind, verdict.grant_id, verdict.approval_id,
        verdict.request_hash, verdict.count, verdict.care_record,
    )  # fmt: skip
    error = verdict.error()
    assert isinstance(error, Forbidden)
    assert decisions.REFUSED == error.message
    limited = Verdict(allowed=False, outcome="limited").error()
    assert "3600" == limited.headers["Retry-After"]
