"""Decisions: every action × role × purpose, against a table written out by hand."""

import itertools

import pytest

from linkage_vault.decisions import Action, Ask, is_allowed, read_purpose
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.users import Role
from moiety.kit.errors import Unprocessable

# role: (action, purposes).  A dash stands for no purpose at all.
ALLOWED = """
registrar        link            PATADMIN
registrar        resolve_person  HOPERAT PATADMIN RECORDMGT PATRQT TREAT
clinician        resolve_person  TREAT ETREAT ERTREAT COC CAREMGT HOPERAT
linkage_officer  resolve_ehr     TREAT ETREAT PATSFTY PATRQT PUBHLTH HLEGAL HCOMPL DISASTER THREAT
linkage_officer  read_trail      -
linkage_officer  read_head       -
auditor          read_trail      -
auditor          read_head       -
operator         read_head       -
operator         read_pool       -
"""


def test_exactly_the_listed_combinations_are_allowed():
    """Anything not in the table is refused: 7 roles, 6 actions, 57 purposes and none."""
    expected = {
        (role, action, None if purpose == "-" else purpose)
        for role, action, *purposes in map(str.split, ALLOWED.strip().splitlines())
        for purpose in purposes
    }
    purposes = [*PurposeOfUse, None]
    found = {
        (role.value, action.value, purpose)
        for role, action, purpose in itertools.product(Role, Action, purposes)
        if is_allowed(frozenset({role}), Ask(action, purpose=purpose))
    }
    assert expected == found


def test_nobody_without_a_role_may_do_anything():
    """A key of a removed user, or of a program, opens nothing."""
    asks = [Ask(action, purpose=p) for action in Action for p in (None, *PurposeOfUse)]
    assert not any(is_allowed(frozenset(), ask) for ask in asks)


def test_roles_add_up_and_never_mix():
    """Two roles allow what either allows, and no purpose of one with the action of the other."""
    both = frozenset({Role.CLINICIAN, Role.LINKAGE_OFFICER})
    assert is_allowed(both, Ask(Action.RESOLVE_EHR, purpose=PurposeOfUse.PATSFTY))
    assert not is_allowed(both, Ask(Action.RESOLVE_PERSON, purpose=PurposeOfUse.PATSFTY))


@pytest.mark.parametrize("code", ["", "treat", "TREATMENT", "9990000042"])
def test_an_unknown_purpose_is_refused_without_an_echo(code):
    """The answer names the path and the rule, not what was sent."""
    with pytest.raises(Unprocessable) as caught:
        read_purpose(code)
    assert [{"path": "$.purpose_of_use", "rule": "HL7 PurposeOfUse"}] == caught.value.findings
    assert not code or code not in caught.value.message
