"""Canonical JSON: loss-free, strict about keys, silent about values."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moiety.openehr import rm
from moiety.openehr.canonical import decode, decode_composition, encode
from moiety.openehr.errors import RmError
from tests.unit.openehr import documents
from tests.unit.openehr.documents import body
from tests.unit.openehr.trees import objects


@pytest.mark.parametrize("name", sorted(rm.CLASSES))
def test_every_class_survives_a_round_trip(name):
    """Decoding what was encoded gives an equal object, for generated objects of every class."""
    rm_class = rm.CLASSES[name]

    @settings(max_examples=5, deadline=None)
    @given(objects(rm_class, depth=2))
    def holds(thing):
        written = encode(thing)
        assert thing == decode(written, rm_class)
        assert written.startswith(b'{"_type":"' + name.encode())

    holds()


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_documents_survive_a_round_trip(name):
    """A document keeps every key and value, whatever the layout it came in."""
    tree = documents.DOCUMENTS[name]()
    written = encode(decode_composition(body(tree)))
    assert strip(tree) == strip(json.loads(written))
    indented = json.dumps(tree, indent=2, separators=(" , ", " : ")).encode()
    assert written == encode(decode_composition(indented))


def strip(tree):
    """The tree with numbers as floats: canonical JSON writes 120 of a Real as 120.0."""
    if isinstance(tree, dict):
        return {key: strip(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [strip(item) for item in tree]
    return float(tree) if isinstance(tree, int) and not isinstance(tree, bool) else tree


# --- keys


def members(tree, path=()):
    """Every object of a tree with the way to it."""
    if isinstance(tree, dict):
        yield path, tree
        for key, value in tree.items():
            yield from members(value, (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from members(item, (*path, index))


def json_path(path):
    return "".join(f"[{step}]" if isinstance(step, int) else f"/{step}" for step in path)


def write(tree, *, doubled=None, spaced=False):
    """JSON text of a tree; the object `doubled` gets its last key a second time, first."""
    colon = " : " if spaced else ":"
    if isinstance(tree, dict):
        pairs = list(tree.items())
        if tree is doubled:
            pairs.insert(0, pairs[-1])
        inner = ",".join(
            f"{json.dumps(key)}{colon}{write(value, doubled=doubled, spaced=spaced)}"
            for key, value in pairs
        )
        return "{" + inner + "}"
    if isinstance(tree, list):
        return "[" + ",".join(write(i, doubled=doubled, spaced=spaced) for i in tree) + "]"
    return json.dumps(tree)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_doubled_key_is_found_wherever_it_stands(data):
    """One key twice, in any object of any document, is refused with the path of the object."""
    tree = documents.DOCUMENTS[data.draw(st.sampled_from(sorted(documents.DOCUMENTS)))]()
    path, chosen = data.draw(st.sampled_from([m for m in members(tree) if len(m[1]) > 1]))
    if data.draw(st.booleans()):  # an absent _type elsewhere must not make up for the doubled key
        for _, other in members(tree):
            if other is not chosen and other.get("_type") in {"TERMINOLOGY_ID", "CODE_PHRASE"}:
                del other["_type"]
    spaced = data.draw(st.booleans())
    with pytest.raises(RmError, match="stands twice") as caught:
        decode_composition(write(tree, doubled=chosen, spaced=spaced).encode())
    assert json_path(path) == caught.value.path


def test_an_escaped_colon_does_not_hide_a_doubled_key():
    """The count of colons is not fooled by a colon that is written in hexadecimal digits."""
    sent = b'{"name":{"_type":"DV_TEXT","value":"a","value":"b\\u003a"}}'
    with pytest.raises(RmError, match="the key value stands twice"):
        decode_composition(sent)


def test_an_unknown_key_is_refused_and_only_model_names_are_repeated():
    """A misplaced key of the model is named; any other may be a person's name and is not."""
    with pytest.raises(RmError, match="/name: the key magnitude has no place in this class"):
        decode_composition(b'{"name":{"_type":"DV_TEXT","magnitude":1}}')
    with pytest.raises(RmError, match="a key that the model does not have") as caught:
        decode_composition(b'{"name":{"_type":"DV_TEXT","Tuppence Beresford":1}}')
    assert "Tuppence" not in str(caught.value)


# --- what may be left out


@pytest.mark.parametrize(
    ("sent", "place", "expected"),
    [
        ({"name": {"value": "x"}}, "name", rm.DvText),
        ({"uid": {"value": "a::b::1"}}, "uid", rm.ObjectVersionId),
        ({"uid": {"value": "a"}}, "uid", rm.HierObjectId),
        ({"language": {"code_string": "en"}}, "language", rm.CodePhrase),
        ({"context": {"health_care_facility": {}}}, "context", rm.EventContext),
    ],
)
def test_an_absent_type_is_filled_in_where_one_is_meant(sent, place, expected):
    """Canonical JSON may leave out `_type` where the declared class is meant."""
    found = decode_composition(json.dumps(sent).encode())
    assert expected is type(getattr(found, place))


def test_an_absent_type_is_refused_where_several_are_meant():
    """A party is one of three classes: which, the document must say."""
    with pytest.raises(RmError, match="/composer: `_type` is missing"):
        decode_composition(b'{"composer":{"name":"x"}}')


def test_numbers_in_quotation_marks_are_numbers():
    """Some writers send numbers as texts; a text that is no number stays a fault."""
    assert 6.5 == decode(b'{"magnitude":"6.5","units":"cm"}', rm.DvQuantity).magnitude
    with pytest.raises(RmError, match="expected float, found str"):
        decode(b'{"magnitude":"six","units":"cm"}', rm.DvQuantity)


def test_null_is_absence():
    """An explicit null is read as an absent attribute and not written again."""
    assert b'{"_type":"DV_TEXT","value":"x"}' == encode(
        decode(b'{"value":"x","mappings":null}', rm.DvText)
    )


# --- broken input


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}{}",
        b"\xff\xfe{\0}\0",
        b'{"name":{"_type":"DV_TEXT","value":"\xff"}}',
        b'{"name":{"_type":"DV_TEXT","value":"\\ud800"}}',
        b'{"uid":{},"name":{"value":"\\ud800"}}',
        b'{"name":{"_type":"DV_TEXT","value":"\\u0000"}}',
        b'{"name":{"_type":"DV_TEXT","value":NaN}}',
        b'{"_type":"FOLDER"}',
        b'{"content":' + b'[{"_type":"SECTION","items":' * 3000,
        b'{"content":' + b"[" * 100_000,
        b'{"name":' + b"1" * 6000 + b"}",
        b'{"content":[{"_type":"OBSERVATION","data":{"period":{"accuracy":1e999}}}]}',
        b'{"context":{"participations":[null]}}',
    ],
    ids=lambda sent: re.sub(r"\W+", "_", repr(sent[:24])),
)
def test_broken_documents_are_refused(sent):
    """Whatever is no composition raises RmError, and nothing else."""
    with pytest.raises(RmError):
        decode_composition(sent)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_bytes_crash_the_decoder(data):
    """Cut, flipped and inserted bytes give an object or an RmError."""
    sent = bytearray(body(documents.problem_diagnosis()))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(sent) - 1))
        change = data.draw(st.sampled_from(("cut", "set", "insert")))
        if change == "cut":
            del sent[place : place + data.draw(st.integers(1, 40))]
            sent = sent or bytearray(b"{")
        elif change == "set":
            sent[place] = data.draw(st.integers(0, 255))
        else:
            sent[place:place] = data.draw(
                st.sampled_from((b'"', b"{", b"null", b"\\u0000", b"1e9"))
            )
    try:
        found = decode_composition(bytes(sent))
    except RmError:
        return
    assert found == decode_composition(encode(found))


def test_no_message_repeats_a_value():
    """Wrong classes, types and texts are told without what stood there."""
    secret = "Tuppence"
    for sent in (
        {"name": {"_type": secret}},
        {"name": secret},
        {"content": [{"_type": "SECTION", "items": [{"_type": secret}]}]},
        {"name": {"_type": "DV_TEXT", "value": [secret]}},
    ):
        with pytest.raises(RmError) as caught:
            decode_composition(json.dumps(sent).encode())
        assert secret not in str(caught.value)
