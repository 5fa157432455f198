"""Compositions without identities: every text, with its path, and a composition afterwards."""

import json
import subprocess
import sys

import pytest

from moiety.openehr import canonical, rm, validate
from tests.unit.openehr import documents

PHONE, MAIL = "07700 900123", "a.smith@example.com"


def deid(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "moiety", "deid", *map(str, arguments)],
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


@pytest.fixture
def folder(tmp_path):
    """A letter with identities in every kind of place, in a folder of its own."""
    letter = documents.discharge_letter()
    words = letter["content"][1]["items"][0]
    letter["content"][1]["items"][0] = json.loads(
        json.dumps(words).replace("All went well.", f"All went well, ring {PHONE}.")
    )
    stay = letter["content"][0]
    stay["feeder_audit"] = {
        "_type": "FEEDER_AUDIT",
        "originating_system_audit": {"_type": "FEEDER_AUDIT_DETAILS", "system_id": "pas"},
        "originating_system_item_ids": [
            {"_type": "DV_IDENTIFIER", "issuer": "pas", "id": "RR123456", "type": "MRN"}
        ],
    }
    stay["other_participations"] = [{
        "_type": "PARTICIPATION",
        "function": documents.text("informant"),
        "performer": {
            "_type": "PARTY_RELATED",
            "name": "Jane Smith",
            "relationship": documents.coded("mother", "10", "openehr"),
            "identifiers": [{"_type": "DV_IDENTIFIER", "id": "9434765919"}],
        },
    }]  # fmt: skip
    items = stay["data"]["items"]
    items.append(documents.element("at0009", "Contact", documents.text(f"{MAIL}")))
    items.append(
        documents.element("at0009", "Date of birth", documents.simple("DV_DATE", "1950-03-04"))
    )
    items.append(
        documents.element("at0009", "Number", {"_type": "DV_IDENTIFIER", "id": "RR123456"})
    )
    items.append(
        documents.element("at0009", "Portal", documents.simple("DV_URI", "https://x.example/Smith"))
    )
    (tmp_path / "in/ward").mkdir(parents=True)
    (tmp_path / "in/ward/letter.json").write_text(json.dumps(letter))
    (tmp_path / "in/vitals.json").write_text(json.dumps(documents.vital_signs()))
    (tmp_path / "in/none.json").write_text('{"_type": "PERSON"}')
    return tmp_path


def read(file):
    return canonical.decode_composition(file.read_bytes())


def test_nothing_that_identifies_is_left_and_it_is_a_composition(folder):
    """Names of parties, identifiers, free text, links, feeder audits, the birth date."""
    done = deid("text", folder / "in", folder / "out")
    assert 0 == done.returncode, done.stderr
    letter = (folder / "out/ward/letter.json").read_text()
    for word in (
        "Smith",
        "Example",
        "RR123456",
        "9434765919",
        PHONE,
        MAIL,
        "1950-03",
        "feeder_audit",
    ):
        assert word not in letter, word
    assert "All went well, ring [TELEPHONE]." in letter
    assert "Walk every day." in letter
    made = read(folder / "out/ward/letter.json")
    assert isinstance(made, rm.Composition)
    assert "[NAME]" == made.composer.name
    assert '"1950"' in letter
    (withheld,) = map(json.loads, (folder / "out.withheld.jsonl").read_text().splitlines())
    assert ("none.json", "not_a_composition") == (withheld["id"], withheld["reason"])


def test_structured_dates_move_with_the_text_and_intervals_stay(folder):
    """With the project's key; without one they are left as they are."""
    deid("text", folder / "in", folder / "plain")
    assert "2024-05-12T14:00:00Z" in (folder / "plain/ward/letter.json").read_text()
    deid("key", folder / "key")
    done = deid("text", folder / "in", folder / "moved", "--key-file", folder / "key")
    assert 0 == done.returncode, done.stderr
    made = read(folder / "moved/ward/letter.json")
    stay, course = made.content[0], made.content[1]
    admitted = stay.data.items[0].value.value
    operated = next(i for i in course.items if isinstance(i, rm.Action)).time.value
    assert admitted[:10] != "2024-05-12"
    from datetime import date

    apart = date.fromisoformat(operated[:10]) - date.fromisoformat(admitted[:10])
    assert 1 == apart.days
    assert "T14:00:00Z" == admitted[10:]


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_a_document_that_follows_its_template_follows_it_afterwards(tmp_path, name):
    """Every document of the demo's templates, with tags and with shifted dates."""
    (tmp_path / "in.json").write_text(json.dumps(documents.DOCUMENTS[name]()))
    deid("key", tmp_path / "key")
    compiled = validate.compile_template(documents.template(name))
    for options in ([], ["--key-file", tmp_path / "key"]):
        done = deid(
            "text", tmp_path / "in.json", tmp_path / "o.json", "--format", "openehr", *options
        )
        assert 0 == done.returncode, done.stderr
        assert [] == list(compiled.check(read(tmp_path / "o.json"), 1).findings)


def test_compositions_as_lines_are_streamed(folder):
    """One a line, in and out; what can't be read is withheld."""
    lines = [
        json.dumps(json.loads((folder / "in" / name).read_text()))
        for name in ("vitals.json", "none.json", "ward/letter.json")
    ]
    (folder / "in.jsonl").write_text("\n".join(lines))
    done = deid("text", folder / "in.jsonl", "-", "--format", "openehr")
    made = done.stdout.splitlines()
    assert 2 == len(made)
    assert all(canonical.decode_composition(line) for line in made)
    assert b"2: not_a_composition" in done.stderr
