"""Decisions: every action × role × purpose × what stands, against tables written out by hand."""

import itertools
from dataclasses import fields, replace

import cedarpy
import pytest

from linkage_vault import policy
from linkage_vault.decisions import CROSSINGS, Action, read_basis, read_purpose
from linkage_vault.policy import BadPolicy, Facts
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.users import Role
from moiety.kit.errors import Unprocessable

CARE = "TREAT ETREAT ERTREAT COC CAREMGT"
RESEARCH = (
    "HRESCH TRAIN HDM HOPERAT GOV HPRGRP BIORCH CLINTRCH DSRCH POARCH TRANSRCH HQUALIMP PUBHLTH"
)

# role, action, what has to stand (a + between what must stand together), purposes.
# A dash stands for nothing at all; a star for any purpose and for none.
ALLOWED = f"""
registrar        link                 -                       PATADMIN
registrar        resolve_person       -                       HOPERAT PATADMIN RECORDMGT PATRQT TREAT
clinician        resolve_person       care                    {CARE} HOPERAT
clinician        resolve_person       grant                   {CARE} HOPERAT
clinician        resolve_person       broken                  BTG ETREAT
clinician        resolve_ehr          care                    {CARE}
linkage_officer  resolve_ehr          approved+basis          TREAT ETREAT PATSFTY PATRQT PUBHLTH HLEGAL HCOMPL DISASTER THREAT
linkage_officer  ehr_to_pseudonym     project+basis+grant     {RESEARCH}
linkage_officer  ehr_to_pseudonym     project+basis+approved  {RESEARCH}
linkage_officer  pseudonym_to_ehr     project+basis+approved  PATSFTY PATRQT PUBHLTH HLEGAL HCOMPL TREAT THREAT
linkage_officer  list                 grant                   RECORDMGT HCOMPL
clinician        unseal               care                    {CARE}
clinician        unseal               grant                   {CARE}
linkage_officer  read_trail           -                       -
linkage_officer  read_head            -                       -
auditor          read_trail           -                       -
auditor          read_head            -                       -
operator         read_head            -                       -
operator         read_pool            -                       -
registrar        merge                -                       PATADMIN
registrar        unmerge              -                       PATADMIN
linkage_officer  merge                -                       PATADMIN
linkage_officer  unmerge              -                       PATADMIN
linkage_officer  close                -                       RECORDMGT
linkage_officer  restrict             -                       RECORDMGT
linkage_officer  move                 -                       RECORDMGT
linkage_officer  adopt                -                       RECORDMGT
linkage_officer  erase                -                       RECORDMGT
linkage_officer  settle_task          -                       RECORDMGT
linkage_officer  read_tasks           -                       *
approver         read_tasks           -                       *
approver         consent_to_move      -                       RECORDMGT
approver         consent_to_erasure   -                       RECORDMGT
administrator    manage_users         -                       *
clinician        record_care          -                       *
registrar        record_care          -                       *
approver         give_grant           -                       *
approver         revoke_grant         -                       *
auditor          revoke_grant         -                       *
approver         read_grants          -                       *
auditor          read_grants          -                       *
linkage_officer  request              -                       *
clinician        request              -                       *
registrar        request              -                       *
approver         approve              -                       *
linkage_officer  read_requests        -                       *
clinician        read_requests        -                       *
registrar        read_requests        -                       *
approver         read_requests        -                       *
auditor          read_requests        -                       *
clinician        break_glass          -                       BTG ETREAT
approver         review_break_glass   -                       *
auditor          review_break_glass   -                       *
approver         read_alerts          -                       *
auditor          read_alerts          -                       *
auditor          manage_canaries      -                       *
researcher       propose_project      -                       *
linkage_officer  propose_project      -                       *
approver         review_project       -                       *
approver         destroy_project_key  -                       *
linkage_officer  run_project          -                       *
linkage_officer  close_project        -                       *
approver         close_project        -                       *
auditor          close_project        -                       *
researcher       read_projects        -                       *
linkage_officer  read_projects        -                       *
approver         read_projects        -                       *
auditor          read_projects        -                       *
registrar        record_objection     -                       *
linkage_officer  record_objection     -                       *
auditor          read_access          -                       *
linkage_officer  gather_subject_access  approved+basis        PATRQT
"""  # noqa: E501  a table
FLAGS = tuple(field.name for field in fields(Facts) if field.type in {bool, "bool"})
PROGRAMS_MAY = frozenset({"read_trail", "read_head", "read_pool"})


def rules():
    """The table: (role, action) → the ways in, each with its purposes."""
    found = {}
    for line in ALLOWED.strip().splitlines():
        role, action, needs, *purposes = line.split()
        needed = frozenset() if needs == "-" else frozenset(needs.split("+"))
        found.setdefault((role, action), []).append((needed, frozenset(purposes)))
    return found


RULES = rules()


def expected(roles, action, facts):
    """What the table says, and the rules above all tables."""
    crossing = Action(action) in CROSSINGS
    if crossing and (not facts.person or "administrator" in roles):
        return False
    if crossing and facts.bulk and not (facts.approved or facts.grant):
        return False
    if not facts.person and action not in PROGRAMS_MAY:
        return False
    stands = {name for name in FLAGS if getattr(facts, name)} | (
        {"basis"} if facts.basis else set()
    )
    for role in roles:
        for needed, purposes in RULES.get((role, action), ()):
            fits = "*" in purposes or (facts.purpose or "-") in purposes
            if fits and needed <= stands:
                return True
    return False


def asked(questions):
    """The policy's answers to (roles, action, facts), many at a time."""
    current = policy.current()
    by_roles = {}
    for number, (roles, action, facts) in enumerate(questions):
        by_roles.setdefault(roles, []).append((number, action, facts))
    found = {}
    for roles, group in by_roles.items():
        requests = [policy.request(action, facts) for _, action, facts in group]
        answers = cedarpy.is_authorized_batch(
            requests, current.policies, policy.entities(roles), current.schema
        )
        found |= {
            number: answer.allowed for (number, _, _), answer in zip(group, answers, strict=True)
        }
    return [found[number] for number in range(len(questions))]


def compare(questions):
    """Ask, and name every question whose answer is not the table's."""
    wrong = [
        question
        for question, answer in zip(questions, asked(questions), strict=True)
        if answer is not expected(*question)
    ]
    assert not wrong[:5]
    return len(questions)


def test_every_role_action_and_purpose_with_everything_and_with_nothing_standing():
    """Each purpose and none of them; with all that can stand, and with nothing of it."""
    everything = Facts(basis="consent", **dict.fromkeys(FLAGS, True))
    nothing = Facts(person=True)
    questions = [
        (frozenset({role.value}), action.value, replace(facts, purpose=purpose))
        for role, action, purpose, facts in itertools.product(
            Role, Action, ["", *(p.value for p in PurposeOfUse)], (everything, nothing)
        )
    ]
    assert compare(questions) == len(Role) * len(Action) * (len(PurposeOfUse) + 1) * 2


def test_every_crossing_with_every_combination_of_what_can_stand():
    """Each of the 512 combinations, for the purposes that stand for their kinds."""
    purposes = ("TREAT", "ETREAT", "BTG", "PATADMIN", "PATSFTY", "HRESCH", "RECORDMGT")
    combinations = [
        Facts(basis=basis, **dict(zip(FLAGS, values, strict=True)))
        for basis in ("", "consent")
        for values in itertools.product((False, True), repeat=len(FLAGS))
    ]
    roles = ("registrar", "clinician", "linkage_officer", "administrator")
    questions = [
        (frozenset({role}), action.value, replace(facts, purpose=purpose))
        for role, action, purpose, facts in itertools.product(
            roles, sorted(CROSSINGS), purposes, combinations
        )
    ]
    assert compare(questions) == 4 * 8 * 7 * 256


def test_nobody_without_a_role_may_do_anything():
    """A key of a removed user, or of a program, opens nothing."""
    everything = Facts(basis="consent", **dict.fromkeys(FLAGS, True))
    questions = [
        (frozenset(), action.value, replace(everything, purpose=purpose))
        for action in Action
        for purpose in ("", *PurposeOfUse)
    ]
    assert not any(asked(questions))


def test_roles_add_up_never_mix_and_an_administrator_crosses_in_no_direction():
    """Two roles allow what either allows; an administrator's other roles open no crossing."""
    pairs = [frozenset({a.value, b.value}) for a, b in itertools.combinations(Role, 2)]
    facts = [
        Facts(purpose=purpose, basis="consent", person=True, care=True, approved=True)
        for purpose in ("TREAT", "PATADMIN", "PATSFTY", "HLEGAL", "")
    ]
    questions = [(pair, a.value, f) for pair, a, f in itertools.product(pairs, Action, facts)]
    compare(questions)
    both = frozenset({"clinician", "linkage_officer"})
    care = Facts(purpose="PATSFTY", person=True, care=True)
    assert not policy.permits(both, "resolve_person", care)


def test_schema_and_actions_are_the_same_list():
    """An action that only one of them knows is refused, or can't be asked: neither is meant."""
    for action in Action:
        answer = cedarpy.is_authorized(
            policy.request(action.value, Facts()),
            policy.current().policies,
            policy.entities(frozenset()),
            policy.current().schema,
        )
        assert [] == answer.diagnostics.errors, action
        assert (action in CROSSINGS) == ("cross" in groups_of(action.value))


def groups_of(action):
    """The groups of an action, as the schema has them: those whose forbid it falls under."""
    text = 'permit (principal, action in Action::"cross", resource);'
    found = policy.read({policy.SCHEMA: schema_text(), "one.cedar": text})
    return {"cross"} if policy.ask(found, frozenset({"x"}), action, Facts()) else set()


def schema_text():
    """The schema's own text."""
    from importlib.resources import files

    return files("linkage_vault").joinpath("policies", policy.SCHEMA).read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        'permit (principal, action == Action::"no_such", resource);',
        "permit (principal, action, resource) when { context.colour };",
        "permit (principal, action",
    ],
)
def test_a_policy_that_does_not_fit_its_schema_is_refused(text):
    """An unknown action, an unknown fact and half a sentence: the service would not start."""
    with pytest.raises(BadPolicy):
        policy.read({policy.SCHEMA: schema_text(), "one.cedar": text})


def test_a_policy_that_permits_all_shows_that_the_tables_can_fail():
    """The control: one permit too many, and the comparison above would name it."""
    text = "permit (principal, action, resource);"
    loose = policy.read({policy.SCHEMA: schema_text(), "one.cedar": text})
    question = (frozenset({"researcher"}), "resolve_ehr", Facts(purpose="HRESCH", person=True))
    assert policy.ask(loose, *question) is not expected(*question)


@pytest.mark.parametrize("code", ["", "treat", "TREATMENT", "9990000042"])
def test_an_unknown_purpose_or_basis_is_refused_without_an_echo(code):
    """The answer names the path and the rule, not what was sent."""
    with pytest.raises(Unprocessable) as caught:
        read_purpose(code)
    assert [{"path": "$.purpose_of_use", "rule": "HL7 PurposeOfUse"}] == caught.value.findings
    assert not code or code not in caught.value.message
    with pytest.raises(Unprocessable) as caught:
        read_basis(code)
    assert [{"path": "$.legal_basis", "rule": "legal basis"}] == caught.value.findings
