"""The engine around the rules: look-alikes, known identifiers, records, fields, the model."""

import pytest

from moiety.deid.text import (
    BadOption,
    Context,
    Fingerprints,
    Format,
    Options,
    detect,
    detect_record,
    importing,
)
from moiety.deid.text.learned import BadModel, Model, generating, shipped, training

RULES = Options(model=False)


def words(text, **given):
    return [text[s.start : s.end] for s in detect(text, **{"options": RULES} | given)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr Ok\u200bonjo saw him", ["Ok\u200bonjo"]),
        ("NHS no 943\u00a0476\u00a05919", ["943\u00a0476\u00a05919"]),
        ("NHS no ９４３４７６５９１９", ["９４３４７６５９１９"]),
        ("NHS no 9 4 3 4 7 6 5 9 1 9", ["9 4 3 4 7 6 5 9 1 9"]),
        ("Mrs Fеаthеrstоnе came", ["Fеаthеrstоnе"]),
        ("Dr Żółkiewski agreed", ["Żółkiewski"]),
        ("Dr Zo\u0308e Mu\u0308ller agreed", ["Zo\u0308e Mu\u0308ller"]),
        ("tel 07700\u2011900\u2011123", ["07700\u2011900\u2011123"]),
        ("first.last (at) trust.nhs.uk", ["first.last (at) trust.nhs.uk"]),
        ("NAME...........Ngozi Eze", ["Ngozi Eze"]),
    ],
)
def test_look_alikes_and_invisible_characters_hide_nothing(text, expected):
    assert expected == words(text)


def test_known_identifiers_are_found_in_any_spacing_and_case():
    context = Context(known=("Tamblyn Oke", "QX 55 1207", "14 Drift Bottom"))
    text = "tamblyn fell; ref qx551207; from 14 drift bottom"
    assert ["tamblyn", "qx551207", "14 drift bottom"] == words(text, context=context)
    assert "14 drift bottom" not in words(text)


def test_fingerprints_find_what_words_would_and_hold_no_word():
    own = Fingerprints.of(b"key of the job", ["Tamblyn", "14 Drift Bottom"])
    text = "seen by tamblyn from 14 drift bottom"
    assert ["tamblyn", "14 drift bottom"] == words(text, context=Context(fingerprints=own))
    other = Fingerprints(b"another key", own.tokens)
    assert "14 drift bottom" not in words(text, context=Context(fingerprints=other))
    assert all(b"tamblyn" not in token for token in own.tokens)


def test_a_name_of_one_document_is_found_in_all_of_the_record():
    texts = ["Mr Xyvor Quennelly came to clinic.", "quennelly slept well", "no change overnight"]
    spans = detect_record(texts, options=RULES)
    assert [(0, 9)] == [(s.start, s.end) for s in spans[1]]
    assert [] == spans[2]
    assert [] == detect(texts[1], options=RULES)


@pytest.mark.parametrize(
    ("context", "label"),
    [
        (Context(field="Patient surname"), "NAME"),
        (Context(field="DOB"), "DATE_OF_BIRTH"),
        (Context(field="NOK phone"), "TELEPHONE"),
        (Context(path="/content[openEHR-EHR-ADMIN_ENTRY.x.v1]/data/items[at1,'Postcode']/value"), "POSTCODE"),
        (Context(path="/context/health_care_facility/name"), "HOSPITAL_NAME"),
    ],
)  # fmt: skip
def test_a_field_that_names_an_identifier_is_redacted_whole(context, label):
    (span,) = detect(" anything at all ", options=RULES, context=context)
    assert (1, 16, label) == (span.start, span.end, span.label)


def test_any_other_field_is_read_like_a_text():
    assert [] == detect("chest clear", options=RULES, context=Context(field="Examination"))


def test_formats_lists_and_labels_of_a_site():
    options = Options(
        model=False,
        labels=frozenset({"HOSPITAL_NUMBER", "BADGE"}),
        formats=(Format("HOSPITAL_NUMBER", r"ZZ\d{3}"), Format.of_shape("BADGE", "A-999")),
        lists=(("HOSPITAL_NUMBER", ("the blue wing",)),),
    )
    text = "Dr Okonjo: zz123, badge Q-042, The  Blue Wing"
    assert ["zz123", "Q-042", "The  Blue Wing"] == words(text, options=options)


@pytest.mark.parametrize("pattern", ["(a+)+b", "[", "x*", "a" * 400])
def test_a_format_that_could_run_for_ever_or_match_nothing_is_refused(pattern):
    with pytest.raises(BadOption):
        detect("text", options=Options(formats=(Format("BADGE", pattern),)))


def test_words_that_a_site_keeps_are_kept():
    assert ["Quennell"] == words("Dr Quennell")
    assert [] == words("Dr Quennell", options=Options(model=False, keep=frozenset({"quennell"})))


def test_the_model_finds_names_that_no_list_and_no_cue_gives():
    text = "the plan is that khorvati reviews this tomorrow"
    assert [] == words(text)
    assert "khorvati" in words(text, options=Options())


def test_the_model_learns_the_same_from_the_same_and_survives_its_file():
    examples = generating.examples(40, seed=3)
    assert examples == generating.examples(40, seed=3)
    one = training.train(examples, seed=1, rounds=1).packed()
    assert one == training.train(examples, seed=1, rounds=1).packed()
    assert one == Model.unpacked(one).packed()
    assert shipped().labels == Model.unpacked(one).labels


def test_the_shipped_model_was_made_from_the_lists_and_notes_that_are_here():
    """Whoever changes one makes it again: python benches/deid_train.py."""
    assert generating.digest() == shipped().about["lists"]


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"no json\nxx", b'{"labels": [], "scale": 1}\n\x00']
)
def test_a_file_that_is_no_model_is_refused(content):
    with pytest.raises(BadModel):
        Model.unpacked(content)


def test_open_lists_become_phrases():
    row = [
        "Z99001",
        "QUENNELL SURGERY",
        "",
        "",
        "1 HIGH ST",
        "",
        "TOWN",
        "",
        "",
        "ZZ1 1AA",
        *[""] * 17,
    ]
    line = ",".join(row)
    assert (
        ("GP_IDENTIFIER", ("QUENNELL SURGERY",)),
        ("GP_IDENTIFIER", ("Z99001",)),
    ) == importing.organisations([line], "GP_IDENTIFIER")
    assert ("POSTCODE", ("ZZ1 1AA",)) == importing.postcodes(["pcd,pcds", "ZZ11AA,ZZ1 1AA"])
    streets = ["ID,NAME1,LOCAL_TYPE", "1,Drift Bottom,Named Road", "2,Big Wood,Woodland"]
    assert ("ADDRESS_LINE", ("Drift Bottom",)) == importing.streets(streets)


@pytest.mark.parametrize(
    ("read", "lines"),
    [
        (lambda lines: importing.organisations(lines, "HOSPITAL_NAME"), ["A,B"]),
        (importing.postcodes, ["x,y", "1,2"]),
        (importing.streets, ["x,y", "1,2"]),
    ],
)
def test_another_file_is_refused(read, lines):
    with pytest.raises(importing.BadList):
        read(lines)
