"""Own words out of a document and back: octet by octet, whatever stands there."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_api import sealing
from clinical_api.screen import screen
from clinical_api.settings import Settings
from moiety.deid.own import variants
from moiety.deid.own.variants import Name, Subject
from moiety.kit.errors import Unprocessable

PERSON = Subject(
    names=(Name(("Marguerite",), ("Featherstone",)),), birth_date="1952-11-03",
    numbers=("9434765919",),
)  # fmt: skip
OWN = set(variants.forms_of(PERSON))


def text(value, rm_class="DV_TEXT"):
    """A data value with a text."""
    return {"_type": rm_class, "value": value}


def sealed(document):
    """The document with its own words taken out, and what was taken."""
    changed, taken = copy.deepcopy(document), []
    for spot in sealing.spots(changed):
        spans = sealing.seen(spot, OWN)
        if spans and spot.kind != "fixed":
            taken += sealing.take_out(spot, spans)
    return changed, taken


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Mrs Featherstone came.", "Mrs [NAME] came."),
        ("Mrs M. Featherstone came.", "Mrs [NAME] came."),
        ("Featherstone, M. came", "[NAME] came"),
        ("Marguerite Featherstone", "[NAME]"),
        ("Featherstone, Marguerite", "[NAME]"),
        ("born 3/11/1952, NHS 943 476 5919", "born [DATE_OF_BIRTH], NHS [NUMBER]"),
        ("Seen by Dr Hale on 4/11/2026.", "Seen by Dr Hale on 4/11/2026."),
    ],
)
def test_spans_become_placeholders_of_their_kind(before, after):
    """Neighbouring names are one, an initial beside a name goes with it."""
    changed, taken = sealed({"value": text(before)})
    assert after == changed["value"]["value"]
    sealing.put_back(changed, taken)
    assert before == changed["value"]["value"]


def test_what_stands_in_data_is_looked_at():
    """OBSERVATION.data holds most of a record; DV_MULTIMEDIA.data are octets and are not words."""
    observation = {"_type": "OBSERVATION", "data": {"events": [{"data": {"items": [
        {"_type": "ELEMENT", "value": text("Featherstone")}]}}]}}  # fmt: skip
    assert "Featherstone" not in json.dumps(sealed(observation)[0])
    octets = {"_type": "DV_MULTIMEDIA", "data": "Featherstone"}
    assert octets == sealed(octets)[0]
    number = json.loads(json.dumps(observation).replace("Featherstone", "NHS no 943 476 5919"))
    with pytest.raises(Unprocessable):
        screen(json.dumps(number).encode(), Settings(database_url="x"))


def test_coded_text_names_of_nodes_times_and_lone_first_names_of_parties_stay():
    """They are a terminology's words, paths, instants, and perhaps a clinician's name."""
    stays = [
        text("Featherstone", "DV_CODED_TEXT"),
        text("1952-11-03T10:00:00", "DV_DATE_TIME"),
        text("https://example.org/Featherstone", "DV_URI"),
        {"archetype_node_id": "at0001", "name": text("Featherstone")},
        {"_type": "PARTY_IDENTIFIED", "name": "Dr Marguerite Hale"},
    ]
    assert stays == sealed(stays)[0]
    party = {"_type": "PARTY_IDENTIFIED", "name": "Marguerite Featherstone"}
    assert "[NAME]" == sealed(party)[0]["name"]


def test_a_birth_date_in_a_date_becomes_its_year():
    """DV_DATE takes a year alone; another's date stays."""
    changed, taken = sealed([text("1952-11-03", "DV_DATE"), text("1953-11-03", "DV_DATE")])
    assert ["1952", "1953-11-03"] == [one["value"] for one in changed]
    sealing.put_back(changed, taken)
    assert ["1952-11-03", "1953-11-03"] == [one["value"] for one in changed]


PIECES = st.lists(
    st.sampled_from(["Marguerite", "Featherstone", "3 Nov 1952", " ", ", ", "[NAME]", "M.", "ok",
                     "943 476 5919", "\U0001d510", "é", "\n"]),
    max_size=12,
).map("".join)  # fmt: skip
DOCUMENTS = st.recursive(
    PIECES | st.integers() | st.none() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "items", "data", "other"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_what_is_taken_out_comes_back(document):
    """Any tree, any mixture of own words, placeholders that were there before, and others."""
    changed, taken = sealed(document)
    sealing.put_back(changed, taken)
    assert document == changed


def test_words_that_do_not_fit_are_not_put_back():
    """A box of another document."""
    changed, taken = sealed({"value": "Mrs Featherstone"})
    changed["value"] = "Mrs nobody"
    with pytest.raises(ValueError, match="do not fit"):
        sealing.put_back(changed, taken)
