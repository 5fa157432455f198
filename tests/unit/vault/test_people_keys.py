"""The keys for people: an unsafe file is refused, marks say nothing of one another."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from linkage_vault.keys import BadKeys
from linkage_vault.people_keys import (
    PeopleKeyFile,
    add_signing_key,
    create_people_key_file,
    load_people_keys,
)
from moiety.kit.private_files import write_private


@pytest.fixture
def file(tmp_path):
    """A fresh key file."""
    path = tmp_path / "vault.people"
    create_people_key_file(path, "main")
    return path


def change(file, edit):
    """Write the file again, edited."""
    document = json.loads(file.read_text())
    edit(document)
    write_private(file, json.dumps(document), replace=True)


def test_a_fresh_file_loads_and_is_never_overwritten(file):
    """Mode 0600; a second time raises."""
    assert 0o600 == file.stat().st_mode & 0o777
    keys = load_people_keys(file)
    assert keys.signs_now().kid.startswith("main.")
    with pytest.raises(FileExistsError):
        create_people_key_file(file, "main")


BROKEN = {
    "format": lambda d: d.update(format=2),
    "an entry too many": lambda d: d.update(more=1),
    "an entry too few": lambda d: d.pop("marks"),
    "no version": lambda d: d["seal"].update(current=9),
    "short": lambda d: d.update(marks="AAAA"),
    "zeros": lambda d: d.update(marks="A" * 43 + "="),
    "no base64": lambda d: d.update(marks="!" * 44),
    "one key twice": lambda d: d.update(marks=d["seal"]["keys"]["1"]),
    "no signing key": lambda d: d.update(tokens={}),
    "no time": lambda d: next(iter(d["tokens"].values())).update({"from": "soon"}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_without_showing_a_key(file, what):
    """One sentence; no key in it."""
    before = json.loads(file.read_text())
    change(file, BROKEN[what])
    with pytest.raises(BadKeys) as caught:
        load_people_keys(file)
    assert before["marks"] not in str(caught.value)


def test_an_exposed_a_missing_and_a_linked_file_are_refused(file, tmp_path):
    """Others may read it; it is not there; it is a link; it is no JSON."""
    link = tmp_path / "link"
    link.symlink_to(file)
    garbage = tmp_path / "garbage"
    write_private(garbage, "{", replace=False)
    for path in (link, tmp_path / "none", garbage, tmp_path):
        with pytest.raises(BadKeys):
            load_people_keys(path)
    file.chmod(0o640)
    with pytest.raises(BadKeys, match="0600"):
        load_people_keys(file)


def test_marks_of_two_places_or_owners_are_never_equal(file):
    """One subject, four marks; the same again the same; another file's are others."""
    keys, subject = load_people_keys(file), uuid4()
    marks = {
        keys.mark_of(place, owner, subject) for place in ("care", "usage") for owner in ("a", "b")
    }
    assert 4 == len(marks)
    assert {16} == {len(mark) for mark in marks}
    assert keys.mark_of("care", "a", subject) in marks
    assert keys.mark_of("care", "a", uuid4()) not in marks
    assert keys.handle(subject) == keys.handle(subject) != keys.handle(uuid4())
    assert keys.bind(b"a", b"bc") != keys.bind(b"ab", b"c")


def test_a_new_signing_key_signs_from_its_time_on(file):
    """The newest whose time has come; where none has, the oldest."""
    first = load_people_keys(file).signs_now().kid
    second, gone = add_signing_key(file, "main")
    assert ([], first) == (gone, load_people_keys(file).signs_now().kid)
    now = datetime.now(UTC)
    change(file, lambda d: d["tokens"][second].update({"from": now.isoformat()}))
    assert second == load_people_keys(file).signs_now().kid
    third, gone = add_signing_key(file, "main")
    assert [first] == gone
    for kid, hours in ((second, 2), (third, 1)):
        later = (now + timedelta(hours=hours)).isoformat()
        change(file, lambda d, k=kid, t=later: d["tokens"][k].update({"from": t}))
    assert third == load_people_keys(file).signs_now().kid


def test_a_changed_file_is_read_again_and_a_broken_one_is_not_believed(file):
    """Without a restart; the keys read last go on."""
    held = PeopleKeyFile(file)
    before = held.current()
    assert before is held.current()
    add_signing_key(file, "main")
    after = held.current()
    assert 2 == len(after.signing)
    write_private(file, "{", replace=True)
    assert after is held.current()
    file.unlink()
    assert after is held.current()
