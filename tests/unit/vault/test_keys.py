"""The key file: unsafe ones are refused with a plain sentence, and no key is ever shown."""

import base64
import json
import pickle
import secrets
import traceback
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from linkage_vault.blind_index import blind_index
from linkage_vault.keys import BadKeys, Secret, create_key_file, load_key_file, public_octets


@pytest.fixture
def key_file(tmp_path):
    """A fresh key file."""
    path = tmp_path / "vault.keys"
    create_key_file(path)
    return path


def _change(path, **entries):
    document = json.loads(path.read_text()) | entries
    path.write_text(json.dumps(document))


def test_a_fresh_key_file_is_private_and_loads(key_file):
    """Mode 0600 from the first moment, and every key in it is accepted."""
    keys = load_key_file(key_file)
    assert 0o600 == key_file.stat().st_mode & 0o777
    assert 1 == keys.links.current.version
    assert 32 == len(public_octets(keys.tree_head_public))


def test_an_existing_key_file_is_never_overwritten(key_file):
    """Overwriting keys would destroy every link."""
    before = key_file.read_bytes()
    with pytest.raises(FileExistsError):
        create_key_file(key_file)
    assert before == key_file.read_bytes()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_a_key_file_open_to_others_is_refused(key_file, mode):
    """Any permission for group or others stops the start."""
    key_file.chmod(mode)
    with pytest.raises(BadKeys, match="set its mode to 0600"):
        load_key_file(key_file)


def test_a_missing_file_a_folder_and_a_link_are_refused(tmp_path, key_file):
    """Each with a sentence: there is no file, or what is there is not a plain file."""
    link = tmp_path / "link.keys"
    link.symlink_to(key_file)
    for path in (tmp_path / "none", tmp_path, link):
        with pytest.raises(BadKeys):
            load_key_file(path)


def _entry(octets):
    return {"current": 1, "keys": {"1": base64.b64encode(octets).decode()}}


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (bytes(32), "default"),
        (bytes(range(32)), "default"),
        (b"change-me-change-me-change-me-32", "default"),
        (b"zyxwvutsrqponmlkjihgfedcba987654", "default"),
        (secrets.token_bytes(16), "32 octets"),
        (secrets.token_bytes(33), "32 octets"),
        (b"", "32 octets"),
    ],
    ids=["zeros", "counter", "words", "letters", "short", "long", "empty"],
)
def test_weak_keys_are_refused(key_file, octets, reason):
    """Default, patterned, typed, short and long keys stop the start."""
    _change(key_file, kek=_entry(octets))
    with pytest.raises(BadKeys, match=reason):
        load_key_file(key_file)


@pytest.mark.parametrize(
    "entries",
    [
        {"kek": None},
        {"kek": {"current": 2, "keys": {"1": "AA=="}}},
        {"kek": {"current": 1, "keys": {"1": "not base64!"}}},
        {"kek": {"current": 1, "keys": {"1": 7}}},
        {
            "kek": {
                "current": "x",
                "keys": {"x": base64.b64encode(secrets.token_bytes(32)).decode()},
            }
        },
        {"format": 2},
        {"more": 1},
        {"tree_head": "AA=="},
    ],
    ids=[
        "null",
        "no current",
        "not base64",
        "number",
        "version",
        "format",
        "unknown",
        "short seed",
    ],
)
def test_files_of_another_shape_are_refused(key_file, entries):
    """A wrong shape is a sentence, never a stack trace from a library."""
    _change(key_file, **entries)
    with pytest.raises(BadKeys):
        load_key_file(key_file)


def test_one_key_for_two_jobs_is_refused(key_file):
    """The index key must not be the key-encryption key."""
    _change(key_file, index=json.loads(key_file.read_text())["kek"])
    with pytest.raises(BadKeys, match="one key for two jobs"):
        load_key_file(key_file)


def test_no_text_form_of_the_keys_shows_one(key_file):
    """`repr`, `str`, format and the error for a bad file hold no octet of a key."""
    keys = load_key_file(key_file)
    shown = f"{keys!r} {keys} {keys.links.current!r} {keys.index['person']!r}"
    octets = keys.links.current.secret.reveal()
    for form in (octets.hex(), base64.b64encode(octets).decode(), repr(octets)[2:-1]):
        assert form not in shown
    bad = bytes(31) + b"\x07"
    _change(key_file, kek=_entry(bad))
    with pytest.raises(BadKeys) as caught:
        load_key_file(key_file)
    assert base64.b64encode(bad).decode() not in "".join(traceback.format_exception(caught.value))


def test_a_secret_cannot_be_pickled():
    """A key must not travel to a worker process or a cache by accident."""
    with pytest.raises(TypeError):
        pickle.dumps(Secret(secrets.token_bytes(32)))


def test_blind_indexes_differ_by_kind_key_and_value(key_file, tmp_path):
    """One id has unrelated indexes as person, EHR and pool slot, and under another vault's key."""
    value = uuid4()
    other_file = tmp_path / "other.keys"
    create_key_file(other_file)
    rings = [load_key_file(key_file), load_key_file(other_file)]
    kinds = ("person", "ehr", "slot")
    indexes = {
        blind_index(keys, kind, id_) for keys in rings for kind in kinds for id_ in (value, uuid4())
    }
    assert 12 == len(indexes)


def test_a_blind_index_is_the_same_after_a_restart_and_in_any_spelling(key_file):
    """The key file alone decides; upper case, braces and missing hyphens are the same id."""
    value = "5f2c9a34-7d0e-4b52-9f0a-1c2d3e4f5a6b"
    spellings = (value, value.upper(), "{" + value + "}", value.replace("-", ""))
    found = {blind_index(load_key_file(key_file), "person", UUID(text)) for text in spellings}
    assert 1 == len(found)


def test_keys_are_usable_for_aes_256(key_file):
    """The revealed key fits the primitive it is for."""
    AESGCM(load_key_file(key_file).trail.current.secret.reveal())
