"""What becomes of links: many at once, merges and back, moves, adoption; nothing is joined."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from linkage_vault import (
    caring,
    link_pairs,
    link_tasks,
    linked,
    links,
    merging,
    people_tables,
    tables,
)
from linkage_vault.link_rows import Pair
from linkage_vault.merges import Merge
from linkage_vault.purposes import PurposeOfUse as P
from moiety.kit.errors import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Unavailable,
    Unprocessable,
)
from moiety.wire import linking
from moiety.wire import vault as wire
from moiety.wire.crossing import Care, CareEnds
from tests.fixtures.fix_links import fill, somebody

REASON = "Duplicate registration at the desk"


def whole(vault):
    """Every row of the tables that say who has which EHR."""
    found = {}
    with vault.engine.connect() as connection:
        for table in (tables.link, tables.link_key, tables.person_merge, tables.link_task):
            found[table.name] = sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
    return found


@pytest.fixture
def staff(lone):
    """People of each role that these tests need."""
    _, _, database = lone
    return {role: somebody(database, role) for role in ("registrar", "linkage_officer", "approver")}


def resolved(vault, staff, person_id):
    """What a registrar is told of a person."""
    return links.resolve_person(vault, staff["registrar"], person_id, purpose=P.TREAT)


def owner(vault, ehr_id):
    """The person whom an EHR leads to."""
    with vault.engine.connect() as connection:
        return link_pairs.find_pair(connection, vault.keys, "ehr", ehr_id).person_id


# --- many ----------------------------------------------------------------------------------------


def test_a_thousand_are_made_and_resolved_in_one_call_each(lone, staff):
    """In the order asked, the same again, null for who has none, an entry in the trail for each."""
    vault, _, _ = lone
    fill(vault, 1005)
    persons = [uuid4() for _ in range(1000)]
    first = links.open_records(vault, staff["registrar"], persons)
    again = links.open_records(vault, staff["registrar"], persons[::-1])[::-1]
    assert [one.ehr_id for one in first] == [one.ehr_id for one in again]
    assert (True, False) == (all(one.is_new for one in first), any(one.is_new for one in again))
    assert 1000 == len({one.ehr_id for one in first})
    asked = [persons[7], uuid4(), persons[3]]
    found = links.resolve_persons(vault, staff["registrar"], asked, purpose=P.TREAT)
    assert [first[7].ehr_id, None, first[3].ehr_id] == [one and one.ehr_id for one in found]
    with vault.engine.connect() as connection:
        written = sa.select(sa.func.count()).select_from(tables.trail_leaf)
        assert 4 == connection.scalar(written), "a decision each, and one for who is unknown"
        pairs = link_pairs.find_pairs(connection, vault.keys, "ehr", [one.ehr_id for one in first])
    assert dict(zip((one.ehr_id for one in first), persons, strict=True)) == {
        ehr_id: pair.person_id for ehr_id, pair in pairs.items()
    }


def test_many_are_made_all_or_none(lone, staff):
    """A pool too small for all gives nobody an EHR and loses none of its own."""
    vault, _, _ = lone
    fill(vault, 3)
    persons = [uuid4() for _ in range(4)]
    with pytest.raises(Unavailable):
        links.open_records(vault, staff["registrar"], persons)
    with pytest.raises(Forbidden):
        resolved(vault, staff, persons[0])
    assert 3 == len(
        {one.ehr_id for one in links.open_records(vault, staff["registrar"], persons[:3])}
    )


def test_registrars_of_many_at_once_give_each_person_one_ehr(lone, staff):
    """Overlapping lists in different orders: no deadlock, and one EHR a person."""
    vault, _, _ = lone
    fill(vault, 400)
    persons = [uuid4() for _ in range(60)]
    lists = [persons[::-1] if turn % 2 else persons for turn in range(6)]
    with ThreadPoolExecutor(6) as threads:
        found = list(
            threads.map(lambda one: links.open_records(vault, staff["registrar"], one), lists)
        )
    given = [
        {person: opened.ehr_id for person, opened in zip(one, many, strict=True)}
        for one, many in zip(lists, found, strict=True)
    ]
    assert all(given[0] == other for other in given)
    assert 60 == len(set(given[0].values()))


def test_the_door_refuses_more_than_a_thousand_and_bulk_without_a_second_person(caller):
    """400 over the limit; the deployment's own threshold of bulk asks for approval or grant."""
    registrar = caller("registrar")
    with pytest.raises(Malformed):
        wire.link_many(registrar, [uuid4() for _ in range(1001)])
    with pytest.raises(Forbidden):
        wire.link_many(registrar, [uuid4(), uuid4()])


# --- merge ---------------------------------------------------------------------------------------


def test_a_merge_keeps_both_ehrs_and_leaves_a_task_and_unmerge_is_exact(lone, staff):
    """Both ids lead to the survivor's EHR with the other beside it; taken back, every row is as
    it was.
    """
    vault, _, _ = lone
    fill(vault, 10)
    old, kept = uuid4(), uuid4()
    ehrs = {p: links.open_record(vault, staff["registrar"], p).ehr_id for p in (old, kept)}
    before = whole(vault)
    task_id = merging.merge(vault, staff["registrar"], Merge(old, kept), reason=REASON)
    for person in (old, kept):
        found = resolved(vault, staff, person)
        assert (ehrs[kept], (ehrs[old],)) == (found.ehr_id, found.others)
    assert {kept} == {owner(vault, ehr_id) for ehr_id in ehrs.values()}
    assert links.open_record(vault, staff["registrar"], old).ehr_id == ehrs[kept]
    with vault.engine.connect() as connection:
        ((found_id, task),) = link_tasks.pending(connection, vault.keys)
    assert (task_id, {*ehrs.values()}) == (found_id, {*task.ehr_ids})
    assert merging.merge(vault, staff["registrar"], Merge(old, kept), reason=REASON) is None
    merging.unmerge(vault, staff["registrar"], Merge(old, kept), reason=REASON)
    assert before == whole(vault)
    assert [(ehrs[p], ()) for p in ehrs] == [
        (one.ehr_id, one.others) for one in (resolved(vault, staff, p) for p in ehrs)
    ]


def test_merges_that_make_no_sense_are_refused(lone, staff):
    """Into itself, of or into who was merged already, in a circle, and unmade twice."""
    vault, _, _ = lone
    one, two, three = uuid4(), uuid4(), uuid4()
    with pytest.raises(Unprocessable):
        merging.merge(vault, staff["registrar"], Merge(one, one), reason=REASON)
    assert merging.merge(vault, staff["registrar"], Merge(one, two), reason=REASON) is None
    for pair in (Merge(one, three), Merge(two, one), Merge(three, one)):
        with pytest.raises(Conflict):
            merging.merge(vault, staff["registrar"], pair, reason=REASON)
    with pytest.raises(NotFound):
        merging.unmerge(vault, staff["registrar"], Merge(one, three), reason=REASON)
    merging.unmerge(vault, staff["registrar"], Merge(one, two), reason=REASON)
    with pytest.raises(NotFound):
        merging.unmerge(vault, staff["registrar"], Merge(one, two), reason=REASON)


def test_merge_through_the_door(caller, filled_pool):
    """The wire's messages, a role that may and one that may not."""
    registrar = caller("registrar")
    one, two = uuid4(), uuid4()
    for person in (one, two):
        wire.link(registrar, person)
    assert linking.merge(registrar, one, two, reason=REASON) is not None
    tasks = linking.read_tasks(caller("linkage_officer"))
    assert {str(one)} == {task.asked["merged"] for task in tasks if task.kind == "ehr_merge"}
    linking.settle(caller("linkage_officer"), tasks[0].task_id, reason=REASON)
    linking.unmerge(registrar, one, two, reason=REASON)
    with pytest.raises(Forbidden):
        linking.merge(caller("clinician"), one, two, reason=REASON)


# --- care of merged persons ----------------------------------------------------------------------


def cares(vault):
    """Every row of care."""
    with vault.engine.connect() as connection:
        return sorted(map(tuple, connection.execute(sa.select(people_tables.care))), key=repr)


@pytest.fixture
def hospital(lone, staff):
    """Two persons with an EHR each, a carer of each, where care must be recorded beforehand."""
    vault, _, database = lone
    strict = replace(vault, rules=replace(vault.rules, care="required"))
    fill(vault, 6)
    old, kept = uuid4(), uuid4()
    ehrs = {p: links.open_record(vault, staff["registrar"], p).ehr_id for p in (old, kept)}
    carers = {p: somebody(database, "clinician") for p in (old, kept)}
    for person, carer in carers.items():
        caring.record(vault, staff["registrar"], Care(person, carer.user_id))
        links.resolve_person(strict, carer, person, purpose=P.TREAT)
    return strict, old, kept, ehrs, carers


def finds(vault, carer, person_id):
    """Whether a clinician is answered."""
    try:
        links.resolve_person(vault, carer, person_id, purpose=P.TREAT)
    except Forbidden:
        return False
    return True


def test_care_moves_with_a_merge_and_comes_back_with_its_end(hospital, staff):
    """Before, each carer finds one person; merged, both find both; afterwards all is as it was."""
    vault, old, kept, ehrs, carers = hospital
    before, both = cares(vault), (old, kept)
    alone = {(c, p): c == p for c in both for p in both}
    assert alone == {(c, p): finds(vault, carers[c], p) for c in both for p in both}
    merging.merge(vault, staff["registrar"], Merge(old, kept), reason=REASON)
    assert all(finds(vault, carers[c], p) for c in both for p in both)
    for person in both:
        named = links.resolve_ehr(
            vault, carers[person], ehrs[person], purpose=P.TREAT, reason=REASON
        )
        assert kept == named
    merging.unmerge(vault, staff["registrar"], Merge(old, kept), reason=REASON)
    assert before == cares(vault)
    assert alone == {(c, p): finds(vault, carers[c], p) for c in both for p in both}


def test_who_cared_for_both_is_known_by_both_records_after_the_merge_as_before(hospital, staff):
    """One carer of two persons who become one: no mark of a record stands twice, none is lost."""
    vault, old, kept, ehrs, carers = hospital
    carer = carers[old]
    caring.record(vault, staff["registrar"], Care(kept, carer.user_id))
    assert finds(vault, carer, kept)
    before = cares(vault)
    merging.merge(vault, staff["registrar"], Merge(old, kept), reason=REASON)
    assert finds(vault, carer, old)
    assert finds(vault, carer, kept)
    merging.unmerge(vault, staff["registrar"], Merge(old, kept), reason=REASON)
    assert before == cares(vault)
    for person in (old, kept):
        assert person == links.resolve_ehr(
            vault, carer, ehrs[person], purpose=P.TREAT, reason=REASON
        )


def test_care_that_begins_or_ends_meanwhile_is_of_the_one_person_they_are(hospital, staff):
    """Ended for one it has ended for both; begun it stays with the survivor, whose it was."""
    vault, old, kept, _, carers = hospital
    merging.merge(vault, staff["registrar"], Merge(old, kept), reason=REASON)
    caring.end(vault, staff["registrar"], CareEnds(kept, carers[old].user_id))
    assert not finds(vault, carers[old], old)
    assert not finds(vault, carers[old], kept)
    caring.record(vault, staff["registrar"], Care(old, carers[old].user_id))
    assert finds(vault, carers[old], old)
    assert finds(vault, carers[old], kept)
    merging.unmerge(vault, staff["registrar"], Merge(old, kept), reason=REASON)
    assert (False, True) == (finds(vault, carers[old], old), finds(vault, carers[old], kept))


def test_who_cared_for_whom_an_ehr_was_moved_from_is_not_told_whose_it_is_now(hospital, staff):
    """Before the move the carer is told; after it the record is somebody else's, and who cares for
    that one is known by it.
    """
    vault, old, kept, ehrs, carers = hospital
    asks = {"purpose": P.TREAT, "reason": REASON}
    assert old == links.resolve_ehr(vault, carers[old], ehrs[old], **asks)
    task_id = linked.ask_move(
        vault, staff["linkage_officer"], ehrs[old], to_person=kept, reason=REASON
    )
    linked.consent_to_move(vault, staff["approver"], task_id)
    with pytest.raises(Forbidden):
        links.resolve_ehr(vault, carers[old], ehrs[old], **asks)
    assert finds(vault, carers[kept], kept)


# --- close, further, move, adopt -----------------------------------------------------------------


def test_a_closed_link_is_not_found_by_its_person_until_it_is_opened_again(lone, staff):
    """The EHR still leads to the person; no second EHR is handed out meanwhile."""
    vault, _, _ = lone
    fill(vault, 4)
    person, officer = uuid4(), staff["linkage_officer"]
    ehr_id = links.open_record(vault, staff["registrar"], person).ehr_id
    linked.close(vault, officer, ehr_id, is_closed=True, reason=REASON)
    with pytest.raises(Forbidden):
        resolved(vault, staff, person)
    with pytest.raises(Conflict):
        links.open_record(vault, staff["registrar"], person)
    assert person == owner(vault, ehr_id)
    linked.close(vault, officer, ehr_id, is_closed=False, reason=REASON)
    assert ehr_id == resolved(vault, staff, person).ehr_id
    with pytest.raises(NotFound):
        linked.close(vault, officer, uuid4(), is_closed=True, reason=REASON)


def test_a_restricted_record_has_no_secondary_use_and_care_goes_on(lone, staff):
    """The flag is what projects ask for; resolving in care is as before."""
    vault, _, _ = lone
    fill(vault, 4)
    ehrs = [links.open_record(vault, staff["registrar"], uuid4()).ehr_id for _ in range(2)]
    linked.restrict(vault, staff["linkage_officer"], ehrs[0], is_restricted=True, reason=REASON)
    with vault.engine.connect() as connection:
        assert {ehrs[0]} == link_pairs.find_restricted(connection, vault.keys, ehrs)
    assert owner(vault, ehrs[0]) is not None


def test_a_second_ehr_only_by_policy(lone, staff):
    """One by default; where the policy says two, the second is answered beside the first."""
    vault, _, _ = lone
    fill(vault, 6)
    person = uuid4()
    first = links.open_record(vault, staff["registrar"], person).ehr_id
    with pytest.raises(Conflict):
        links.open_record(vault, staff["registrar"], person, is_further=True)
    two = replace(vault, ehrs_per_person=2)
    second = links.open_record(two, staff["registrar"], person, is_further=True).ehr_id
    with pytest.raises(Conflict):
        links.open_record(two, staff["registrar"], person, is_further=True)
    found = resolved(vault, staff, person)
    assert (first, (second,)) == (found.ehr_id, found.others)


def test_an_ehr_moves_with_the_consent_of_a_second_person_alone(lone, staff):
    """Not of who asked, not of the same human in another account, not twice, not after a day."""
    from datetime import timedelta

    vault, _, database = lone
    fill(vault, 6)
    wrong, right = uuid4(), uuid4()
    ehr_id = links.open_record(vault, staff["registrar"], wrong).ehr_id
    officer = replace(
        staff["linkage_officer"], roles=staff["linkage_officer"].roles | staff["approver"].roles
    )
    task_id = linked.ask_move(vault, officer, ehr_id, to_person=right, reason=REASON)
    other_account = replace(somebody(database, "approver"), staff_id=officer.staff_id)
    for same in (officer, other_account, staff["registrar"]):
        with pytest.raises(Forbidden):
            linked.consent_to_move(vault, same, task_id)
    assert wrong == owner(vault, ehr_id)
    linked.consent_to_move(vault, staff["approver"], task_id)
    assert right == owner(vault, ehr_id)
    assert ehr_id == resolved(vault, staff, right).ehr_id
    with pytest.raises(Forbidden):
        resolved(vault, staff, wrong)
    with pytest.raises(NotFound):
        linked.consent_to_move(vault, staff["approver"], task_id)
    late = linked.ask_move(vault, officer, ehr_id, to_person=wrong, reason=REASON)
    life, link_tasks.LIFE = link_tasks.LIFE, timedelta(seconds=-1)
    try:
        with pytest.raises(NotFound):
            linked.consent_to_move(vault, staff["approver"], late)
    finally:
        link_tasks.LIFE = life


def test_existing_ehrs_are_adopted_in_bulk(lone, staff):
    """Linked once, present the second time, a conflict where either side has another link."""
    vault, _, _ = lone
    pooled = fill(vault, 3)
    pairs = [Pair(uuid4(), uuid4()) for _ in range(500)] + [Pair(uuid4(), pooled[0])]
    officer = staff["linkage_officer"]
    assert {"linked"} == {*linked.adopt(vault, officer, pairs, reason=REASON)}
    assert {"present"} == {*linked.adopt(vault, officer, pairs, reason=REASON)}
    crossed = [
        Pair(pairs[0].person_id, uuid4()),
        Pair(uuid4(), pairs[1].ehr_id),
        Pair(pairs[2].person_id, pairs[3].ehr_id),
        twice := Pair(uuid4(), uuid4()),
        Pair(twice.person_id, uuid4()),
    ]
    said = linked.adopt(vault, officer, crossed, reason=REASON)
    assert ["conflict", "conflict", "conflict", "linked", "conflict"] == said
    assert all(owner(vault, pair.ehr_id) == pair.person_id for pair in pairs[:20])
    taken = links.open_records(vault, staff["registrar"], [uuid4(), uuid4()])
    assert pooled[0] not in {one.ehr_id for one in taken}
