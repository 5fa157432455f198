"""The screen at the vault: indexes of one's own words and nothing else, whoever asks."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from linkage_vault import guesses, housekeeping, link_pairs, link_rows, rescreens, screening
from linkage_vault.link_rows import Pair
from linkage_vault.requesters import Requester
from linkage_vault.screen_tables import screen_guess
from linkage_vault.sealed_words import box_key
from moiety.deid.own import candidates, tokens, variants
from moiety.deid.own.variants import Name, Subject
from moiety.kit.boxes import boxes_for
from moiety.kit.errors import Forbidden, Malformed, NotFound, TooMany
from moiety.wire import screening as wire
from moiety.wire import vault as links
from moiety.wire.screening import LABEL, Box, Question, Screen, Unseal, bound_of
from tests.fixtures.fix_links import opened

NOBODY = Requester("0123456789ab", None, None, frozenset())
TOKEN = tokens.tokens_of(bytes(range(100, 132)))
PERSON = Subject(
    names=(Name(("Wilhelmina",), ("Oyelaran",)),), birth_date="1931-07-22", postcodes=("YO62 5AB",)
)
LETTER = "Dear colleague, Mrs Oyelaran (22/7/31, of YO62 5AB) came to Dr Piotr Hale's clinic."


@pytest.fixture(scope="module")
def clinical(caller):
    """The clinical service's key."""
    return caller(program=True, scopes=("screen:ask",))


@pytest.fixture(scope="module")
def demographic(caller):
    """The demographic service's key."""
    return caller(program=True, scopes=("screen:tell",))


def count(vault, asked):
    """Counts tokens for records; those of which too much was asked."""
    counting = guesses.Counting(vault, asked)
    totals = counting.totals(vault.singles.all(*counting.asked))
    return {one for one, total in totals.items() if total > guesses.DAILY}


def call(*questions):
    """A call of the clinical service."""
    return screening.Call(NOBODY, msgspec.json.encode(Screen(list(questions))))


def told(person=PERSON):
    """A person's tokens, as the demographic service makes them."""
    return b"".join(TOKEN(form) for form in variants.forms_of(person))


def question(ehr_id, text=LETTER):
    """A question about a text, and the form behind each place."""
    forms = [form for one in candidates.find(text) for form in one.forms]
    nonce = tokens.fresh_nonce()
    asked = tokens.blind(nonce, b"".join(map(TOKEN, forms)))
    return Question(ehr_id, nonce, asked), forms


def own(client, ehr_id, text=LETTER):
    """The forms of a text that are the subject's own."""
    asked, forms = question(ehr_id, text)
    return {forms[place] for place in wire.screen(client, [asked])[0]}


@pytest.fixture
def record(caller, filled_pool):
    """A person with a record."""
    person_id = uuid4()
    return person_id, links.link(caller("registrar"), person_id)


def test_a_record_s_own_words_are_told_and_no_other_s(clinical, demographic, record):
    """Before the person is told, after, and of another record: the control is the second."""
    person_id, ehr_id = record
    assert set() == own(clinical, ehr_id)
    wire.tell(demographic, person_id, told())
    assert {"n:oyelaran", "d:1931-07-22", "p:YO625AB"} <= own(clinical, ehr_id)
    assert not {"n:piotr", "n:hale", "n:clinic"} & own(clinical, ehr_id)
    assert set() == own(clinical, uuid4())


def test_many_documents_are_asked_of_in_one_call(clinical, demographic, record):
    """Each gets its own answer, in order."""
    person_id, ehr_id = record
    wire.tell(demographic, person_id, told())
    asked = [question(one)[0] for one in (uuid4(), ehr_id, uuid4(), ehr_id)]
    found = wire.screen(clinical, asked)
    assert [False, True, False, True] == [bool(places) for places in found]


def test_equal_questions_do_not_look_alike(record):
    """A fresh nonce each: nobody between can tell that two letters hold one word."""
    _, ehr_id = record
    first, second = question(ehr_id)[0], question(ehr_id)[0]
    assert not set(tokens.split(first.blinded)) & set(tokens.split(second.blinded))
    same = tokens.blind(first.nonce, TOKEN("n:oyelaran"))
    assert same in tokens.split(first.blinded), "the control: under one nonce they are equal"


def test_two_records_of_one_person_are_both_asked_of(caller, clinical, demographic, record, vault):
    """In one call: each has its answer, whichever comes first."""
    person_id, ehr_id = record
    further = uuid4()
    with vault.engine.begin() as connection:
        link_rows.add(connection, vault.keys, [Pair(person_id, further)], is_further=True)
    wire.tell(demographic, person_id, told())
    found = wire.screen(clinical, [question(one)[0] for one in (ehr_id, further, ehr_id)])
    assert [True] * 3 == [bool(places) for places in found]


def test_a_record_screened_while_its_person_is_told_waits_or_was_asked_of_the_new(
    record, vault, monkeypatch
):
    """The first question comes when the words are written and not yet committed."""
    person_id, ehr_id = record
    asked, _ = question(ehr_id)
    mark, answers = rescreens.mark, []

    def first_asked(connection, keys, person):
        mark(connection, keys, person)
        if not answers:
            answers.extend(screening.ask_each(vault, [call(asked)])[0])

    monkeypatch.setattr(rescreens, "mark", first_asked)
    screening.tell(vault, person_id, told())
    assert [[]] == answers, "the words before: none"
    assert ehr_id in screening.due(vault, limit=1000)


def test_calls_that_come_at_once_are_answered_as_one_by_one(
    demographic, record, vault, monkeypatch
):
    """Each its own answer or error: the third asks too much with the first, a stranger does not."""
    person_id, ehr_id = record
    wire.tell(demographic, person_id, told())
    asked, other = question(ehr_id)[0], question(uuid4())[0]
    broken = msgspec.structs.replace(asked, blinded=b"15 octets of it")
    half = len(tokens.split(asked.blinded))
    monkeypatch.setattr(guesses, "DAILY", 2 * half)
    calls = [call(asked), call(broken), call(asked, other), call(other), call(other, asked),
             call(other), screening.Call(NOBODY, b"{")]  # fmt: skip
    found = screening.ask_each(vault, calls)
    places = found[0][0]
    assert places
    assert [[places], [places, []], [[]]] == [found[0], found[2], found[3]]
    kinds = [type(one) for one in found]
    assert [list, Malformed, list, list, TooMany, TooMany, Malformed] == kinds
    assert TooMany is type(screening.ask_each(vault, [call(asked)])[0])


def test_a_service_that_blinds_in_another_way_is_refused(clinical):
    """Its tokens would never be equal, and nobody would notice: 400 in place of no findings."""
    old = {"ehr_id": str(uuid4()), "nonce": "A" * 22 + "==", "tokens": "A" * 22 + "=="}
    new = {**old, "blinded": old["tokens"]}
    del new["tokens"]
    statuses = [
        clinical.post("/vault/v1/screen", json={"questions": [one]}).status_code
        for one in (old, new)
    ]
    assert [400, 200] == statuses


def test_a_record_waits_for_a_second_screen_when_its_person_changes(
    clinical, demographic, record, vault
):
    """Only if it was screened before: a record that was only handed out is never named."""
    person_id, ehr_id = record
    wire.tell(demographic, person_id, told())
    assert ehr_id not in wire.due(clinical, limit=1000)
    own(clinical, ehr_id)
    wire.tell(demographic, person_id, told())
    wire.tell(demographic, person_id, told())
    assert 1 == wire.due(clinical, limit=1000).count(ehr_id)
    wire.done(clinical, [ehr_id])
    assert ehr_id not in wire.due(clinical, limit=1000)


def test_guessing_is_bounded_and_leaves_an_entry(clinical, record, monkeypatch, vault):
    """More tokens than letters hold: 429, and the trail says that somebody guessed."""
    monkeypatch.setattr(guesses, "DAILY", 100)
    _, ehr_id = record
    asked = question(ehr_id)[0]
    times = 100 // len(tokens.split(asked.blinded))
    for _ in range(times):
        wire.screen(clinical, [asked])
    with pytest.raises(TooMany):
        wire.screen(clinical, [asked])
    other = question(uuid4(), "Seen today.")[0]
    assert [[]] == wire.screen(clinical, [other])


def test_the_sum_outlives_the_process_and_is_shared_by_all(lone):
    """Two processes count together, one after a restart goes on, the next day begins anew; eight
    threads that count one record at once lose nothing.
    """
    vault, settings, _ = lone
    ehr_id, other = uuid4(), uuid4()
    half = guesses.DAILY // 2
    assert set() == count(vault, {ehr_id: half, other: 1})
    with opened(settings) as second:
        assert set() == count(second, {ehr_id: half})
        assert {ehr_id} == count(second, {ehr_id: 1, other: 1})
    assert {ehr_id} == count(vault, {ehr_id: 0})
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: count(vault, {other: 100, uuid4(): 1}), range(200)))
    with vault.engine.begin() as connection:
        rows = connection.execute(sa.select(screen_guess)).all()
        assert {2 * half + 1, 20_002, 1} == {row.asked for row in rows}
        assert not {ehr_id.bytes, other.bytes} & {bytes(row.mark) for row in rows}
        connection.execute(screen_guess.update().values(day=screen_guess.c.day - 1))
    assert len(rows) <= housekeeping.clean(vault)
    assert set() == count(vault, {ehr_id: half})


def test_each_door_wants_its_own_scope(clinical, demographic, caller, record):
    """Who may ask may not tell, and the reverse; a person's key may neither."""
    person_id, ehr_id = record
    with pytest.raises(Forbidden):
        wire.tell(clinical, person_id, told())
    with pytest.raises(Forbidden):
        wire.screen(demographic, [question(ehr_id)[0]])
    with pytest.raises(Forbidden):
        wire.due(caller("administrator", "clinician"), limit=1)
    with pytest.raises(Malformed):
        wire.tell(demographic, person_id, b"x" * 17)


# --- sealed words --------------------------------------------------------------------------------


def test_a_reader_of_care_gets_sealed_words_back_and_the_trail_says_so(
    clinical, caller, record, vault
):
    """Behind the clinical service's key stands a person; both are needed."""
    person_id, ehr_id = record
    boxes = boxes_for(wire.public_key(clinical), label=LABEL)
    uid = f"{uuid4()}::moiety.local::1"
    box = boxes.seal(b"Oyelaran", bound_of(ehr_id, uid), size=256)
    message = Unseal(ehr_id, "TREAT", [Box(uid, box)])
    in_care = caller("clinician")
    clinician, researcher = key_of(in_care), key_of(caller("researcher"))
    with pytest.raises(Forbidden):
        wire.unseal(clinical, message, user=clinician)  # nobody has said that they care for them
    links.resolve_person(in_care, person_id, purpose_of_use="TREAT")
    assert [b"Oyelaran"] == wire.unseal(clinical, message, user=clinician)
    with pytest.raises(Forbidden):
        wire.unseal(clinical, message, user=researcher)
    with pytest.raises(Forbidden):
        wire.unseal(clinical, Unseal(ehr_id, "HRESCH", [Box(uid, box)]), user=clinician)
    with pytest.raises(Forbidden):
        wire.unseal(clinical, Unseal(uuid4(), "TREAT", [Box(uid, box)]), user=clinician)
    for other in (
        Unseal(ehr_id, "TREAT", [Box(uid.replace("::1", "::2"), box)]),
        Unseal(ehr_id, "TREAT", [Box(uid, box[:-1] + bytes([box[-1] ^ 1]))]),
    ):
        with pytest.raises(NotFound):
            wire.unseal(clinical, other, user=clinician)
    answer = clinical.post("/vault/v1/unseal", json={})
    assert 401 == answer.status_code
    assert box_key(vault.keys).public == wire.public_key(clinical)


def test_a_question_takes_as_long_whether_or_not_there_is_a_person(vault, record, demographic):
    """The work is the same: 512 tokens are blinded and compared."""
    person_id, ehr_id = record
    wire.tell(demographic, person_id, told())
    asked = [("ehr", one) for one in (ehr_id, uuid4())]
    known = screening._known(vault, link_pairs.look(vault.singles, vault.keys, asked))
    assert {ehr_id} == set(known)
    assert variants.MOST * tokens.SIZE == len(known[ehr_id]) == len(screening._NOBODY)


def key_of(client: httpx.Client):
    """The key that a client sends."""
    return client.headers["Authorization"].removeprefix("Bearer ")
