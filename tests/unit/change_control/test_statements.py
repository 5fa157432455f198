"""Statements: one row each, every parameter named once, no value in the text."""

import re

import pytest

from clinical_api import tables, versions
from moiety.change_control import statements
from moiety.change_control.statements import Children
from moiety.kit.commits import positional

GROUPS = tuple(
    Children(
        f"leaf.g_{number:016x}", "row_key",
        (("num", "small"), ("cap", "small"), ("par", "small"), ("template_key", "small"),
         ("node", "small"), *((f"c_{column:016x}", "real") for column in range(4))),
    )
    for number in range(4)
)  # fmt: skip
GONE = tuple(group.table.removeprefix("leaf.") for group in GROUPS)


def every_statement():
    """One of each make, for the kinds that the clinical service has."""
    composition, owner = tables.composition, tables.OWNER
    rows = (*GROUPS, versions.FINDINGS)
    yield "create", statements.create(composition, owner, rows, client_id=True)
    yield "update", statements.update(composition, owner, rows, GONE)
    yield "restore", statements.restore(composition, owner, rows)
    yield "delete", statements.delete(composition, owner, GONE)
    yield "status", statements.update(tables.ehr_status, tables.STATUS_OWNER, (), ())
    yield "begin", statements.begin(tables.ehr_status, tables.ehr, (versions.FINDINGS,))
    yield "contribute", statements.contribute(composition, owner)
    yield "part", statements.update(composition, owner, rows, GONE, alone=False)


@pytest.mark.parametrize(("name", "text"), list(every_statement()))
def test_a_statement_names_every_parameter_once(name, text):
    """A parameter that stands twice in the text is sent once."""
    sent, names = positional(text)
    assert len(set(names)) == len(names), name
    assert {int(number) for number in re.findall(rb"\$(\d+)", sent)} == set(
        range(1, len(names) + 1)
    )


def test_a_statement_of_several_brings_no_contribution_of_its_own():
    """Told that it is not alone, it leaves contribution, log and first-write mark to another."""
    kind, owner = tables.folder, tables.OWNER
    alone = statements.create(kind, owner, (), client_id=False)
    part = statements.create(kind, owner, (), client_id=False, alone=False)
    for words in ("INTO contribution", "INTO commit_log", "UPDATE ehr "):
        assert words in alone
        assert words not in part


def test_every_value_is_a_parameter():
    """No statement holds a literal but its own words and codes."""
    for _, text in every_statement():
        literals = set(re.findall(r"'([^']*)'", text))
        assert literals <= {"accepted", "composition", "ehr_status", "ehr", "contribution"}
