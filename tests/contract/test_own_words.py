"""A letter full of its patient's details, through three real services: none stays in clear."""

import json
import random
import secrets
import time
from contextlib import ExitStack, closing, contextmanager
from uuid import UUID, uuid4

import psycopg
import pytest

from clinical_api.app import create_app as create_clinical
from clinical_api.settings import Settings as ClinicalSettings
from demographic_api.app import create_app as create_demographic
from demographic_api.settings import Settings as DemographicSettings
from linkage_vault import trail
from linkage_vault.trail import open_leaf
from moiety.commands.demo import records
from moiety.commands.demo.stolen import steal
from moiety.wire import demographic as persons
from moiety.wire import people, screening
from moiety.wire import vault as links
from moiety.wire.exchange import connect
from tests.fixtures.clinical_documents import (
    BASE,
    NOW,
    audit,
    contribution,
    folder,
    open_ehr,
    upload,
    version,
)
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served

PATIENT = {
    "resourceType": "Patient",
    "name": [{"family": "Featherstone-Adeyemi", "given": ["Margaret", "Ngozi"]}],
    "birthDate": "1952-11-03",
    "identifier": [
        {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9991234562"},
        {"system": "urn:hospital:mrn", "value": "QX7719034"},
    ],
    "telecom": [
        {"system": "phone", "value": "0113 496 0471"},
        {"system": "email", "value": "m.featherstone@example.org"},
    ],
    "address": [{"line": ["14 Brackenfell Close"], "city": "Pateley", "postalCode": "HG3 5LX"}],
}
LETTER = (
    "Dear Dr Osei, thank you for seeing Mrs Margaret Featherstone-Adeyemi (Peggy to her family,"
    " initials M.F.), born 3rd November 1952 (03/11/52), MRN QX 7719034 and qx7719034,"
    " of 14 Brackenfell Cl, Pateley, hg3 5lx, telephone +44 (0)113 496 0471 or 0113-496-0471,"
    " M.Featherstone@example.org. MARGARET walked well; Margraet and Featherston are slips."
    " Warfarin 3 mg daily, INR 2.4 on 4 November 2026, BP 120/80."
)
# What a thief would look for, in the ways the letter has it.
DETAILS = (
    "Margaret", "Featherstone", "Adeyemi", "Peggy", "M.F.", "3rd November 1952", "03/11/52",
    "7719034", "Brackenfell", "Pateley", "hg3 5lx", "496 0471", "496-0471",
    "M.Featherstone@example.org", "Margraet", "Featherston",
)  # fmt: skip
MEDICINE = ("Warfarin 3 mg daily", "INR 2.4 on 4 November 2026", "BP 120/80", "Dr Osei")


class Desk:
    """Three services that know each other as their keys allow, and clients of each."""

    def __init__(self, clinical, demographic, caller):
        self.clinical, self.demographic, self.caller = clinical, demographic, caller
        self.app = clinical.client()
        self.registrar = connect(demographic.url, str(demographic.key()))
        self.at_vault = caller("registrar")

    def register(self, patient=PATIENT):
        """A person and the record opened for them."""
        person_id = persons.create_patient(self.registrar, patient).person_id
        return person_id, links.link(self.at_vault, person_id)

    def told(self):
        """Wait until the vault knows everybody."""
        for _ in range(200):
            if not self._waiting():
                return
            time.sleep(0.05)
        raise AssertionError("the vault was not told")

    def _waiting(self):
        import psycopg

        with psycopg.connect(self.demographic.database.url("migrator")) as connection:
            return connection.execute("SELECT count(*) FROM words_due").fetchone()[0]

    def commit(self, ehr_id, document, **headers):
        """Commit a composition; its object id."""
        answer = self.app.post(f"{BASE}/ehr/{ehr_id}/composition", json=document, headers=headers)
        assert 201 == answer.status_code, answer.text
        return answer.headers["ETag"].strip('"').split("::")[0]

    def read(self, ehr_id, object_id, **headers):
        """A composition's octets."""
        return self.app.get(f"{BASE}/ehr/{ehr_id}/composition/{object_id}", headers=headers)

    def close(self):
        """End the clients."""
        self.app.close()
        self.registrar.close()


@contextmanager
def desk(cluster, vault_service, caller, **settings):
    """Clinical and demographic services beside the vault; `settings` of the clinical one."""
    screen_key = secrets.token_hex(32)
    asks = vault_service.key("screen:ask", "vault:exchange-clinical")
    keys = {"ask": str(asks), "tell": str(vault_service.key("screen:tell"))}
    with ExitStack() as stack:
        clinical_db = stack.enter_context(copied(cluster, "clinical"))
        demographic_db = stack.enter_context(copied(cluster, "demographic"))
        known = {"vault_url": vault_service.url, "screen_key": screen_key,
                 "vault_keys_url": f"{vault_service.url}{links.BASE}/keys"} | settings  # fmt: skip
        clinical = stack.enter_context(served("clinical", create_clinical(ClinicalSettings(
            database_url=clinical_db.url(), vault_key=keys["ask"], **known,
        )), clinical_db))  # fmt: skip
        demographic = stack.enter_context(served("demographic", create_demographic(
            DemographicSettings(database_url=demographic_db.url(), vault_url=vault_service.url,
                                vault_key=keys["tell"], screen_key=screen_key)
        ), demographic_db))  # fmt: skip
        found = Desk(clinical, demographic, caller)
        stack.callback(found.close)
        upload(found.app, "discharge_letter")
        forget_what_waits(vault_service.url, keys["ask"])
        yield found


def forget_what_waits(url, key):
    """Records of other desks at the same vault are nothing to this one."""
    with closing(connect(url, key)) as client:
        screening.done(client, sorted(screening.due(client, limit=1000)))


@pytest.fixture(scope="module")
def sealing(cluster, vault_service, caller):
    """A desk that seals."""
    with desk(cluster, vault_service, caller) as found:
        yield found


def letter(text=LETTER):
    """A discharge letter with one paragraph of our own."""
    document = records.discharge_letter(random.Random(1), NOW)
    paragraphs = document["content"][2]["items"][0]["data"]["items"]
    paragraphs[0]["value"]["value"] = text
    return document


def key_of(client):
    """The credential that a client sends."""
    return client.headers["Authorization"].removeprefix("Bearer ")


def in_care(desk_, person_id):
    """A clinician who cares for a person, as headers of a read."""
    clinician = desk_.caller("clinician")
    links.resolve_person(clinician, person_id, purpose_of_use="TREAT")
    return {"Moiety-User": f"Bearer {key_of(clinician)}", "Moiety-Purpose-Of-Use": "TREAT"}


def test_a_letter_is_sealed_read_whole_by_care_and_holds_nothing_for_a_thief(
    sealing, cluster, vault_service, caller, filled_pool, vault, clinical_stub
):
    """Byte-equal to what is stored with the screen off; the control finds every detail there."""
    person_id, ehr_id = record_of(sealing)
    object_id = sealing.commit(ehr_id, letter())
    plain = sealing.read(ehr_id, object_id)
    whole = sealing.read(ehr_id, object_id, **in_care(sealing, person_id))
    assert 200 == plain.status_code == whole.status_code
    print(plain.json()["content"][2]["items"][0]["data"]["items"][0]["value"])
    assert "[NAME]" in plain.text
    assert "[DATE_OF_BIRTH]" in plain.text
    stolen = steal(sealing.clinical.database.url("postgres"))
    assert stolen.documents > 0
    assert [] == [one for one in DETAILS if stolen.holds(one)]
    assert [] == [one for one in MEDICINE if not stolen.holds(one)]
    with desk(cluster, vault_service, caller, screen_own="off", screen_other="off") as off:
        same = open_ehr(off.app)
        other = off.commit(same, letter())
        expected = off.read(same, other)
        control = steal(off.clinical.database.url("postgres"))
    assert [] == [one for one in DETAILS if not control.holds(one)]
    assert expected.content.replace(other.encode(), object_id.encode()) == whole.content
    print(f"\nthief: 0 of {len(DETAILS)} details; control: {len(DETAILS)} of {len(DETAILS)}")


def record_of(found, patient=PATIENT):
    """A new person's record, the vault told; the NHS number a new one of the test range."""
    number = next(NUMBERS)
    mine = json.loads(json.dumps(patient))
    mine["identifier"][0]["value"] = number
    person_id, ehr_id = found.register(mine)
    _exists(found, ehr_id)
    found.told()
    return person_id, ehr_id


def _exists(found, ehr_id):
    """The pool of these tests is minted by a stub: the EHR is opened here under its id."""
    answer = found.app.put(f"{BASE}/ehr/{ehr_id}")
    assert 201 == answer.status_code, answer.text


def _numbers():
    from moiety.deid import national_numbers

    for body in range(999_200_000, 999_300_000):
        for check in range(10):
            number = f"{body}{check}"
            if national_numbers.kind_of(number) == "NHS_NUMBER":
                yield number


NUMBERS = _numbers()


def test_who_has_no_right_reads_the_placeholders_and_the_trail_says_who_asked(
    sealing, filled_pool, vault
):
    """No care, no purpose, another role: never the words."""
    person_id, ehr_id = record_of(sealing)
    object_id = sealing.commit(ehr_id, letter())
    stranger = {"Moiety-User": f"Bearer {key_of(sealing.caller('clinician'))}",
                "Moiety-Purpose-Of-Use": "TREAT"}  # fmt: skip
    assert 403 == sealing.read(ehr_id, object_id, **stranger).status_code
    right = in_care(sealing, person_id)
    assert (
        400 == sealing.read(ehr_id, object_id, **{"Moiety-User": right["Moiety-User"]}).status_code
    )
    research = right | {"Moiety-Purpose-Of-Use": "HRESCH"}
    assert 403 == sealing.read(ehr_id, object_id, **research).status_code
    assert 401 == sealing.read(ehr_id, object_id, **right | {"Moiety-User": "Bearer x"}).status_code
    assert 200 == sealing.read(ehr_id, object_id, **right).status_code


def test_a_later_version_is_sealed_too_and_each_version_has_its_own_words(sealing, filled_pool):
    """The first version still reads whole after the second."""
    person_id, ehr_id = record_of(sealing)
    first = sealing.app.post(f"{BASE}/ehr/{ehr_id}/composition", json=letter("Seen: Ngozi."))
    uid = first.headers["ETag"].strip('"')
    second = sealing.app.put(
        f"{BASE}/ehr/{ehr_id}/composition/{uid.split('::')[0]}",
        json=letter("Seen again: Adeyemi."), headers={"If-Match": uid},
    )  # fmt: skip
    assert second.is_success, second.text
    right = in_care(sealing, person_id)
    for one, word in ((uid, "Ngozi"), (second.headers["ETag"].strip('"'), "Adeyemi")):
        assert word not in sealing.read(ehr_id, one).text
        assert word in sealing.read(ehr_id, one, **right).text


def test_a_contribution_and_a_directory_are_sealed_as_well(sealing, filled_pool):
    """Every door that takes documents."""
    _, ehr_id = record_of(sealing)
    answer = sealing.app.post(
        f"{BASE}/ehr/{ehr_id}/contribution", json=contribution(version(letter()))
    )
    assert 201 == answer.status_code, answer.text
    answer = sealing.app.post(f"{BASE}/ehr/{ehr_id}/directory", json=folder("root"))
    assert 201 == answer.status_code, answer.text
    stolen = steal(sealing.clinical.database.url("postgres"))
    assert [] == [one for one in DETAILS if stolen.holds(one)]


def test_every_read_of_a_version_gives_care_readers_the_letter_whole_and_nobody_else(
    sealing, filled_pool, vault
):
    """VERSION of an id, of a time and the latest; placeholders without a person, 403 without the
    right; each whole answer has its entry in the trail.
    """
    person_id, ehr_id = record_of(sealing)
    object_id = sealing.commit(ehr_id, letter("Seen: Ngozi."))
    right = in_care(sealing, person_id)
    stranger = right | {"Moiety-User": f"Bearer {key_of(sealing.caller('clinician'))}"}
    uid = sealing.read(ehr_id, object_id).headers["ETag"].strip('"')
    place = f"{BASE}/ehr/{ehr_id}/versioned_composition/{object_id}/version"
    time_ = sealing.app.get(place).json()["commit_audit"]["time_committed"]["value"]
    before = unsealings(vault)
    for path in (place, f"{place}/{uid}", f"{place}?version_at_time={time_.replace('+', '%2B')}"):
        assert "[NAME]" in sealing.app.get(path).text
        whole = sealing.app.get(path, headers=right)
        assert 200 == whole.status_code, whole.text
        assert ("Ngozi" in whole.text, "[NAME]" in whole.text) == (True, False)
        xml = sealing.app.get(path, headers=right | {"Accept": "application/xml"})
        assert "Ngozi" in xml.text
        assert 403 == sealing.app.get(path, headers=stranger).status_code
    assert (before[0] + 6, before[1] + 3) == unsealings(vault)
    history = f"{BASE}/ehr/{ehr_id}/versioned_composition/{object_id}/revision_history"
    assert 200 == sealing.app.get(history, headers=right).status_code


def unsealings(vault):
    """How many unsealings stand in the trail: allowed, refused."""
    with vault.engine.connect() as connection:
        entries = [open_leaf(vault.keys, leaf) for leaf in trail.leaves(connection)]
    found = [entry.outcome for entry in entries if entry.action == "unseal"]
    return found.count("allowed"), found.count("refused")


def test_after_a_merge_both_records_are_screened_for_the_words_of_both(
    cluster, vault_service, caller, filled_pool
):
    """A former name of the merged registration is found in the survivor's record, and the reverse;
    the control: before the merge, and after its end, each record knows its own person alone.
    """
    from clinical_api.rescreening import screen_waiting

    with desk(cluster, vault_service, caller, screen_interval=3600.0) as found:
        former = {**PATIENT, "name": [{"family": "Lindqvist-Obi", "given": ["Margaret"]}]}
        old, old_ehr = record_of(found, former)
        kept, kept_ehr = record_of(found)
        here = found.clinical.app.state.here["main"]

        def seen(ehr_id, text):
            return "[NAME]" in found.read(ehr_id, found.commit(ehr_id, letter(text))).text

        names = ("Seen: Lindqvist.", "Seen: Featherstone.")
        alone = {(old_ehr, names[0]): True, (old_ehr, names[1]): False,
                 (kept_ehr, names[0]): False, (kept_ehr, names[1]): True}  # fmt: skip
        assert alone == {one: seen(*one) for one in alone}
        before = found.commit(kept_ehr, letter(names[0]))
        persons.merge_patients(found.registrar, old, kept)
        merged(found)
        assert all(seen(*one) for one in alone)
        assert "Lindqvist" in found.read(kept_ehr, before).text
        # Other tests' records may wait at the same vault.
        assert {old_ehr, kept_ehr} <= {*screening.due(here.own_words.client)}
        screen_waiting(here.engine, here.own_words)
        assert "Lindqvist" not in found.read(kept_ehr, before).text
        persons.unmerge_patients(found.registrar, old, kept)
        merged(found)
        assert alone == {one: seen(*one) for one in alone}
        screen_waiting(here.engine, here.own_words)


def merged(found):
    """Wait until the vault knows of every merge, and of every word."""
    import psycopg

    for _ in range(200):
        with psycopg.connect(found.demographic.database.url("migrator")) as connection:
            if connection.execute("SELECT count(*) FROM merge_due").fetchone() == (0,):
                break
        time.sleep(0.05)
    found.told()


SAID = "For Margaret Featherstone-Adeyemi, born 03/11/1952, of HG3 5LX"
SAID_DETAILS = ("Margaret", "Featherstone", "Adeyemi", "03/11/1952", "HG3 5LX")


def attested_and_imported():
    """A contribution whose versions say `SAID` in an attestation, and in what they came as."""
    said = {"_type": "DV_TEXT", "value": SAID}
    attestation = {
        "_type": "ATTESTATION", "is_pending": False, "description": said,
        "reason": {"_type": "DV_TEXT", "value": "read and signed"},
    }  # fmt: skip
    item = version(letter("Well.")) | {
        "uid": {"_type": "OBJECT_VERSION_ID", "value": f"{uuid4()}::elsewhere::4"},
        "contribution": {
            "_type": "OBJECT_REF", "namespace": "elsewhere", "type": "CONTRIBUTION",
            "id": {"_type": "HIER_OBJECT_ID", "value": str(uuid4())},
        },
    }  # fmt: skip
    item["commit_audit"] = item["commit_audit"] | {"description": said}
    imported = {"_type": "IMPORTED_VERSION", "commit_audit": audit(), "item": item}
    return contribution(version(letter("Well."), attestations=[attestation]), imported)


def say_beside(found, ehr_id):
    """The words of `SAID` through every door beside the content of a document."""
    described = {"openehr-audit-details": f'description="{SAID}"'}
    tagged = {"openehr-item-tag": f'key="note",value="{SAID}"'}
    url = f"{BASE}/ehr/{ehr_id}"
    first = found.app.post(f"{url}/composition", json=letter("Well."), headers=described | tagged)
    uid = first.headers["ETag"].strip('"')
    object_id = uid.split("::")[0]
    status = found.app.get(f"{url}/ehr_status")
    match = {"If-Match": status.headers["ETag"]}
    sent = contribution(version(letter("Well.")))
    sent["audit"]["description"] = {"_type": "DV_TEXT", "value": SAID}
    sent["versions"][0]["commit_audit"]["description"] = {"_type": "DV_TEXT", "value": SAID}
    answers = [
        first,
        found.app.put(f"{url}/composition/{object_id}/tags", json=[{"key": "a", "value": SAID}]),
        found.app.put(f"{url}/ehr_status", json=status.json(), headers=described | tagged | match),
        found.app.post(f"{url}/directory", json=folder("root"), headers=described),
        found.app.post(f"{url}/contribution", json=sent),
        found.app.post(f"{url}/contribution", json=attested_and_imported()),
        found.app.delete(f"{url}/composition/{uid}", headers=described),
    ]
    assert [] == [one.text for one in answers if not one.is_success]


def test_what_is_said_beside_a_document_is_screened_like_it(
    sealing, cluster, vault_service, caller, filled_pool
):
    """Commit headers, audits of contributions and tags hold no own words; the control is the same
    with the screen off, where a thief finds each.
    """
    _, ehr_id = record_of(sealing)
    say_beside(sealing, ehr_id)
    stolen = steal(sealing.clinical.database.url("postgres"))
    assert [] == [one for one in SAID_DETAILS if stolen.holds(one)]
    assert stolen.holds("[NAME]")
    with desk(cluster, vault_service, caller, screen_own="off", screen_other="off") as off:
        say_beside(off, open_ehr(off.app))
        control = steal(off.clinical.database.url("postgres"))
    assert [] == [one for one in SAID_DETAILS if not control.holds(one)]


def said_beside(found, ehr_id, **headers):
    """What reads of audits and tags say, by where it stands; `headers` name a reader."""
    url = f"{BASE}/ehr/{ehr_id}"
    with psycopg.connect(found.clinical.database.url("postgres")) as connection:
        versions = connection.execute(
            "SELECT object_id, version FROM composition WHERE ehr_id = %(id)s UNION ALL"
            " SELECT object_id, version FROM composition_history WHERE ehr_id = %(id)s",
            {"id": ehr_id},
        ).fetchall()
        contributions = connection.execute(
            "SELECT contribution_id FROM contribution WHERE ehr_id = %s", (ehr_id,)
        ).fetchall()
    system = found.app.get(f"{url}/ehr_status").json()["uid"]["value"].split("::")[1]
    places = [f"versioned_composition/{one}/version/{one}::{system}::{n}" for one, n in versions]
    places += [f"contribution/{one}" for (one,) in contributions]
    objects = {one for one, _ in versions}
    places += [f"versioned_composition/{one}/revision_history" for one in objects]
    answers = {place: found.app.get(f"{url}/{place}", headers=headers)
               for place in [*places, "versioned_ehr_status/version", "tags"]}  # fmt: skip
    assert {200} == {one.status_code for one in answers.values()}
    return {place: one.json() for place, one in answers.items()}


def described(told):
    """What audits and attestations say, by where each stands; and the values of the tags."""

    def descriptions(tree, place):
        if isinstance(tree, list):
            for number, one in enumerate(tree):
                yield from descriptions(one, f"{place}[{number}]")
        elif isinstance(tree, dict):
            if tree.get("_type") in {"AUDIT_DETAILS", "ATTESTATION"} and "description" in tree:
                yield place, tree["description"]["value"]
            for name in ("audit", "audits", "commit_audit", "items", "item", "attestations"):
                yield from descriptions(tree.get(name), f"{place}/{name}")

    texts = {place: text for name, one in told.items() for place, text in descriptions(one, name)}
    return texts, [one["value"] for one in told.get("tags", ())]


def test_what_was_said_beside_a_document_is_read_whole_by_care(sealing, filled_pool):
    """Audits of versions and contributions, deletions too, attestations, originals of imported
    versions, histories of revisions and tags: byte-equal to what was written, for a reader with the
    right; placeholders, and 403, for others.
    """
    person_id, ehr_id = record_of(sealing)
    say_beside(sealing, ehr_id)
    shown = said_beside(sealing, ehr_id)
    plain, tags = described(shown)
    assert len(plain) >= 15
    for end in ("/item/commit_audit", "/attestations[0]", "/items[0]/audits[1]"):
        assert [one for one in plain if one.endswith(end)]
    assert 2 == len(tags)
    for one in (*plain.values(), *tags):
        assert "[NAME]" in one
        assert [] == [word for word in SAID_DETAILS if word in one]
    right = in_care(sealing, person_id)
    whole, tags = described(said_beside(sealing, ehr_id, **right))
    assert plain.keys() == whole.keys()
    assert {SAID} == {*whole.values(), *tags}
    stranger = right | {"Moiety-User": f"Bearer {key_of(sealing.caller('clinician'))}"}
    for place in (one for one in shown if one == "tags" or described({one: shown[one]})[0]):
        answer = sealing.app.get(f"{BASE}/ehr/{ehr_id}/{place}", headers=stranger)
        assert 403 == answer.status_code, answer.text
        assert "Featherstone" not in answer.text


def test_tags_in_the_headers_of_an_answer_are_whole_for_care_alone(sealing, filled_pool):
    """Of a composition and of the status; an answer to the writer names placeholders."""
    person_id, ehr_id = record_of(sealing)
    url = f"{BASE}/ehr/{ehr_id}"
    tagged = {"openehr-item-tag": f'key="note",value="{SAID}"'}
    first = sealing.app.post(f"{url}/composition", json=letter("Well."), headers=tagged)
    assert "Featherstone" not in first.headers["openehr-item-tag"]
    status = sealing.app.get(f"{url}/ehr_status")
    match = {"If-Match": status.headers["ETag"]}
    sealing.app.put(f"{url}/ehr_status", json=status.json(), headers=tagged | match)
    right = in_care(sealing, person_id)
    stranger = right | {"Moiety-User": f"Bearer {key_of(sealing.caller('clinician'))}"}
    for place in (f"composition/{first.headers['ETag'].strip(chr(34))}", "ehr_status"):
        plain = sealing.app.get(f"{url}/{place}")
        assert "[NAME]" in plain.headers["openehr-item-tag"]
        whole = sealing.app.get(f"{url}/{place}", headers=right)
        assert f'key="note",value="{SAID}"' == whole.headers["openehr-item-tag"]
        assert plain.content == whole.content
        assert 403 == sealing.app.get(f"{url}/{place}", headers=stranger).status_code


def test_a_tag_that_is_written_again_forgets_the_words_of_before(sealing, filled_pool):
    """A box goes with the value that it belongs to; of several tags each has its own words."""
    person_id, ehr_id = record_of(sealing)
    object_id = sealing.commit(ehr_id, letter("Well."))
    url = f"{BASE}/ehr/{ehr_id}/composition/{object_id}/tags"
    right = in_care(sealing, person_id)
    for values in (["Ngozi", "none", "of HG3 5LX"], ["none", "Adeyemi and Margaret", "Ngozi"]):
        sent = [{"key": f"k{n}", "value": value} for n, value in enumerate(values)]
        assert sealing.app.put(url, json=sent).is_success
        plain = [one["value"] for one in sealing.app.get(url).json()]
        assert [one == "none" for one in values] == [one == "none" for one in plain]
        assert "Ngozi" not in plain
        assert values == [one["value"] for one in sealing.app.get(url, headers=right).json()]


def test_what_was_said_while_the_vault_was_away_is_screened_later(
    cluster, vault_service, caller, filled_pool
):
    """Tags, audits, attestations and originals wait with their record, those of a deletion too;
    and a reader of care gets them whole afterwards.
    """
    from clinical_api.rescreening import screen_waiting

    with desk(cluster, vault_service, caller, screen_interval=3600.0) as found:
        person_id, ehr_id = record_of(found)
        here = found.clinical.app.state.here["main"]
        client = here.own_words.client
        here.own_words.client = connect("http://127.0.0.1:9", "none", timeout=0.2)
        say_beside(found, ehr_id)
        here.own_words.client.close()
        here.own_words.client = client
        assert steal(found.clinical.database.url("postgres")).holds("Featherstone")
        assert 1 == screen_waiting(here.engine, here.own_words)
        stolen = steal(found.clinical.database.url("postgres"))
        assert [] == [one for one in SAID_DETAILS if stolen.holds(one)]
        assert 0 == screen_waiting(here.engine, here.own_words)
        texts, tags = described(said_beside(found, ehr_id, **in_care(found, person_id)))
        assert {SAID} == {*texts.values(), *tags}
        whole, tags = described(said_beside(found, ehr_id, **in_care(found, person_id)))
        assert {SAID} == {*whole.values(), *tags}


def test_a_writer_is_not_told_that_a_word_was_found(sealing, filled_pool):
    """The answers to a letter with own words and to one without are alike."""
    _, ehr_id = record_of(sealing)
    answers = [
        sealing.app.post(f"{BASE}/ehr/{ehr_id}/composition", json=letter(text))
        for text in ("Seen: Ngozi.", "Seen: Bernd.")
    ]
    first, second = ({k for k in one.headers if k != "date"} for one in answers)
    assert first == second
    assert [201, 201] == [one.status_code for one in answers]
    assert answers[0].text == answers[1].text == ""


def test_without_the_vault_a_version_is_marked_or_refused(
    cluster, vault_service, caller, closed_port
):
    """By policy: committed and screened later, or 503 and nothing committed."""
    import psycopg

    away = {"vault_url": f"http://127.0.0.1:{closed_port}"}
    with desk(cluster, vault_service, caller, **away) as later:
        ehr_id = open_ehr(later.app)
        later.commit(ehr_id, letter())
        with psycopg.connect(later.clinical.database.url("migrator")) as connection:
            marked = connection.execute("SELECT ehr_id FROM screen_later").fetchall()
            kinds = connection.execute("SELECT DISTINCT kind FROM screen_finding").fetchall()
        assert [(UUID(ehr_id),)] == marked
        assert ("UNSCREENED",) in kinds
    with desk(cluster, vault_service, caller, screen_away="refuse", **away) as refusing:
        ehr_id = open_ehr(refusing.app)
        answer = refusing.app.post(f"{BASE}/ehr/{ehr_id}/composition", json=letter())
        assert (503, "Unavailable") == (answer.status_code, answer.json()["code"])
        with psycopg.connect(refusing.clinical.database.url("migrator")) as connection:
            assert (0,) == connection.execute("SELECT count(*) FROM composition").fetchone()


def test_record_keeps_the_letter_and_the_places(cluster, vault_service, caller, filled_pool):
    """With the policy `record` nothing is changed; findings name kind and place."""
    import psycopg

    with desk(cluster, vault_service, caller, screen_own="record") as recording:
        _, ehr_id = record_of(recording)
        object_id = recording.commit(ehr_id, letter())
        assert "Featherstone" in recording.read(ehr_id, object_id).text
        with psycopg.connect(recording.clinical.database.url("migrator")) as connection:
            kinds = {kind for (kind,) in connection.execute("SELECT kind FROM screen_finding")}
        assert {"OWN_NAME", "OWN_DATE_OF_BIRTH", "OWN_POSTCODE", "OWN_ADDRESS"} <= kinds


def test_a_record_is_screened_again_when_the_vault_was_away_or_the_person_changed(
    cluster, vault_service, caller, filled_pool
):
    """Head and history, documents and typed rows; readers of care still get every version whole."""
    from clinical_api.rescreening import screen_waiting

    with desk(cluster, vault_service, caller, screen_interval=3600.0) as found:
        person_id, ehr_id = record_of(found)
        here = found.clinical.app.state.here["main"]
        own, client = here.own_words, here.own_words.client
        here.own_words.client = connect("http://127.0.0.1:9", "none", timeout=0.2)
        first = found.commit(ehr_id, letter())
        uid = found.read(ehr_id, first).headers["ETag"].strip('"')
        second = found.app.put(
            f"{BASE}/ehr/{ehr_id}/composition/{first}", json=letter("Featherstone again."),
            headers={"If-Match": uid},
        )  # fmt: skip
        assert second.is_success
        own.client.close()
        own.client = client
        database = found.clinical.database.url("postgres")
        assert steal(database).holds("Featherstone"), "the control: unscreened, it is there"
        assert 1 == screen_waiting(here.engine, own)
        assert [] == [one for one in DETAILS if steal(database).holds(one)]
        right = in_care(found, person_id)
        assert "3rd November 1952" in found.read(ehr_id, uid, **right).text
        assert "Featherstone again." in found.read(ehr_id, first, **right).text
        assert 0 == screen_waiting(here.engine, own)
        rows = found.app.post(
            f"{BASE}/query/aql", json={"q": "SELECT count(*) FROM EHR e CONTAINS COMPOSITION c"}
        )
        assert [[1]] == rows.json()["rows"]

        found.commit(ehr_id, letter("Now known as Quillfeather."))
        assert steal(database).holds("Quillfeather"), "it was nobody's name then"
        married = json.loads(json.dumps(PATIENT))
        married["identifier"] = married["identifier"][1:]
        married["name"].append({"family": "Quillfeather", "use": "official"})
        _change(found, person_id, married)
        found.told()
        assert 1 == screen_waiting(here.engine, own)
        assert not steal(database).holds("Quillfeather")


def _change(found, person_id, patient):
    """The next version of a person."""
    url = f"/fhir/R4/Patient/{person_id}"
    now = found.registrar.get(url)
    assert now.is_success, now.text
    answer = found.registrar.put(
        url, json=patient | {"id": str(person_id)}, headers={"If-Match": now.headers["ETag"]}
    )
    assert answer.is_success, answer.text


def test_what_a_bulk_load_brings_is_asked_about_afterwards(
    cluster, vault_service, caller, filled_pool
):
    """A line of a letter, loaded; then the record waits, and is sealed."""
    from clinical_api.rescreening import screen_waiting

    with desk(cluster, vault_service, caller, screen_interval=3600.0) as found:
        _, ehr_id = record_of(found)
        line = json.dumps({"ehr_id": str(ehr_id), "contribution": contribution(version(letter()))})
        loading = found.clinical.client("bulk:import")
        answer = loading.post(
            "/bulk/import", content=line + "\n", headers={"Content-Type": "application/x-ndjson"}
        )
        assert answer.is_success, answer.text
        here = found.clinical.app.state.here["main"]
        database = found.clinical.database.url("postgres")
        assert steal(database).holds("Featherstone"), "the control: loaded, it is there"
        assert 1 == screen_waiting(here.engine, here.own_words)
        assert [] == [one for one in DETAILS if steal(database).holds(one)]
        loading.close()


def test_a_signed_in_clinician_reads_whole_with_the_token_for_this_service(
    sealing, filled_pool, signed_in, console
):
    """Exchanged for one narrow call each time; without care, or when it is over, none opens."""
    person_id, ehr_id = record_of(sealing)
    object_id = sealing.commit(ehr_id, letter())
    session, _, at_vault = signed_in("clinician")
    token = people.token(console, session, "clinical")
    shown = {"Authorization": f"Bearer {token}", "Moiety-Purpose-Of-Use": "TREAT"}
    assert 403 == sealing.read(ehr_id, object_id, **shown).status_code
    links.resolve_person(at_vault, person_id, purpose_of_use="TREAT")
    assert "Featherstone" in sealing.read(ehr_id, object_id, **shown).text
    assert "Featherstone" in sealing.read(ehr_id, object_id, **shown).text
    plain = sealing.read(ehr_id, object_id, Authorization=shown["Authorization"])
    assert (200, False) == (plain.status_code, "Featherstone" in plain.text)
    people.end_session(console, session)
    assert 401 == sealing.read(ehr_id, object_id, **shown).status_code


def test_what_the_vault_refuses_is_not_the_writer_s_fault_and_goes_on_waiting(
    cluster, vault_service, caller, filled_pool, monkeypatch
):
    """Too much asked of one record: committed and marked; a worker that is refused forgets nothing,
    and other records do not wait behind it.
    """
    import psycopg

    from clinical_api.rescreening import screen_waiting
    from linkage_vault import guesses

    def waiting(found):
        with psycopg.connect(found.clinical.database.url("migrator")) as connection:
            return {one for (one,) in connection.execute("SELECT ehr_id FROM screen_later")}

    with desk(cluster, vault_service, caller, screen_interval=3600.0) as found:
        _, much = record_of(found)
        _, other = record_of(found)
        here = found.clinical.app.state.here["main"]
        monkeypatch.setattr(guesses, "DAILY", 10)
        found.commit(much, letter())
        found.commit(other, letter())
        assert {much, other} == waiting(found)
        screen_waiting(here.engine, here.own_words)  # what others left at this vault, too
        assert {much, other} == waiting(found)
        with monkeypatch.context() as less:
            less.setattr(guesses, "DAILY", 400_000)
            vault = vault_service.app.state.vaults["main"]
            vault.singles.all(*guesses.Counting(vault, {UUID(str(much)): 400_000}).asked)
            screen_waiting(here.engine, here.own_words)
        assert {much} == waiting(found)


def test_a_worker_that_loses_the_vault_on_the_way_forgets_nothing(
    cluster, vault_service, caller, filled_pool
):
    """The vault answers which records are due, and is away when their words are asked about."""
    import psycopg

    from clinical_api.rescreening import screen_record
    from moiety.kit.errors import Unavailable

    with desk(cluster, vault_service, caller, screen_interval=3600.0) as found:
        _, ehr_id = record_of(found)
        own = found.clinical.app.state.here["main"].own_words
        client, own.client = own.client, connect("http://127.0.0.1:9", "none", timeout=0.2)
        found.commit(ehr_id, letter())
        with pytest.raises(Unavailable):
            screen_record(found.clinical.app.state.here["main"].engine, own, ehr_id)
        own.client.close()
        own.client = client
        with psycopg.connect(found.clinical.database.url("migrator")) as connection:
            assert (1,) == connection.execute("SELECT count(*) FROM screen_later").fetchone()
