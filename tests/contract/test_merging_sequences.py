"""Any sequence of registrations, links, merges, unmerges and moves keeps the invariants."""

from contextlib import ExitStack
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from linkage_vault import link_pairs, linked, links, merges, merging
from linkage_vault.merges import Merge
from linkage_vault.purposes import PurposeOfUse as P
from moiety.kit.errors import Conflict, Forbidden, NotFound, Unprocessable
from tests.fixtures.fix_links import alone, fill, opened, somebody

REASON = "A sequence that nobody planned"


@pytest.fixture(scope="module")
def kept(cluster, tmp_path_factory):
    """A vault for all sequences, with a pool that suffices."""
    folder = tmp_path_factory.mktemp("sequences")
    with ExitStack() as stack:
        config, database, _ = stack.enter_context(alone(cluster, folder))
        vault = stack.enter_context(opened(config))
        fill(vault, 400)
        staff = {r: somebody(database, r) for r in ("registrar", "linkage_officer", "approver")}
        yield vault, staff


def test_any_sequence(kept):  # noqa: C901  a model with its rules
    """Against a model: who was merged into whom, and whose each EHR is."""
    vault, staff = kept

    class Sequence(RuleBasedStateMachine):
        persons = Bundle("persons")

        def __init__(self):
            super().__init__()
            self.into, self.owner = {}, {}

        def end(self, person):
            """Who lives for a person, in the model; a circle would not end."""
            seen = set()
            while person in self.into:
                assert person not in seen
                seen.add(person)
                person = self.into[person]
            return person

        @rule(target=persons)
        def register(self):
            return uuid4()

        @rule(person=persons)
        def link(self, person):
            has_one = {self.end(own) for own in self.owner.values()}
            made = links.open_record(vault, staff["registrar"], person)
            assert made.is_new is (self.end(person) not in has_one)
            if made.is_new:
                assert made.ehr_id not in self.owner
                self.owner[made.ehr_id] = self.end(person)
            else:
                assert self.end(self.owner[made.ehr_id]) == self.end(person)

        @rule(one=persons, other=persons)
        def merge(self, one, other):
            allowed = one != other and one not in self.into and other not in self.into
            again = self.into.get(one) == other
            try:
                merging.merge(vault, staff["registrar"], Merge(one, other), reason=REASON)
            except (Conflict, Unprocessable):
                assert not allowed
                assert not again
            else:
                assert allowed or again
                self.into[one] = other

        @rule(one=persons, other=persons)
        def unmerge(self, one, other):
            try:
                merging.unmerge(vault, staff["registrar"], Merge(one, other), reason=REASON)
            except NotFound:
                assert self.into.get(one) != other
            else:
                assert self.into.pop(one) == other

        @rule(one=persons, number=st.integers(0, 50))
        def move(self, one, number):
            if not self.owner:
                return
            ehr_id = sorted(self.owner)[number % len(self.owner)]
            try:
                task = linked.ask_move(
                    vault, staff["linkage_officer"], ehr_id, to_person=one, reason=REASON
                )
            except Conflict:
                assert self.owner[ehr_id] == one
                return
            linked.consent_to_move(vault, staff["approver"], task)
            self.owner[ehr_id] = one

        @invariant()
        def every_ehr_leads_to_exactly_one_living_person(self):
            with vault.engine.connect() as connection:
                pairs = link_pairs.find_pairs(connection, vault.keys, "ehr", list(self.owner))
                ends = merges.living(connection, vault.keys, set(self.owner.values()))
            assert {e: self.end(p) for e, p in self.owner.items()} == {
                e: pair.person_id for e, pair in pairs.items()
            }
            assert all(self.end(person) == end for person, end in ends.items())

        @invariant()
        def every_person_leads_to_all_ehrs_of_the_one_who_lives(self):
            for person in {*self.owner.values(), *self.into}:
                own = {e for e, p in self.owner.items() if self.end(p) == self.end(person)}
                try:
                    found = links.resolve_person(vault, staff["registrar"], person, purpose=P.TREAT)
                except Forbidden:
                    assert not own
                else:
                    assert own == {found.ehr_id, *found.others}

    case = Sequence.TestCase
    case.settings = settings(
        max_examples=12, stateful_step_count=18, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    case().runTest()
