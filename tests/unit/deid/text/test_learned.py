"""What the learned model adds to the rules, and what it takes back of them."""

import math
import random
import re

import pytest

from moiety.deid.text import Label, Options, Span, detect
from moiety.deid.text.learned import Model, believed, find
from moiety.deid.text.learned.features import BUCKETS, Placed, number, own
from moiety.deid.text.learned.model import LABELS
from moiety.deid.text.words import split

NOBODY = Model.of(LABELS, [1.0, *[0.0] * (len(LABELS) - 1)] * BUCKETS, {})
"""A model that sees nobody anywhere."""


def everywhere(label):
    """A model that sees one label in every word."""
    row = [1.0 if one == label else 0.0 for one in LABELS]
    return Model.of(LABELS, row * BUCKETS, {})


def span(text, part, label, score):
    """The span of a part of a text."""
    start = text.index(part)
    return Span(start, start + len(part), label, score, "test")


@pytest.mark.parametrize(("score", "stays"), [(0.45, False), (0.8, False), (0.9, True), (1, True)])
@pytest.mark.parametrize("label", [Label.NAME, Label.INITIALS])
def test_guesses_are_taken_back_and_what_a_title_says_is_not(label, score, stays):
    text = "given Brontavane overnight"
    guess = span(text, "Brontavane", label, score)
    assert [guess] * stays == believed(NOBODY.on(split(text)), [guess], [])
    assert [guess] == believed(everywhere(label).on(split(text)), [guess], [])


@pytest.mark.parametrize("label", sorted({*Label} - {Label.NAME, Label.INITIALS}))
def test_of_all_else_nothing_is_taken_back(label):
    text = "given Brontavane overnight"
    guess = span(text, "Brontavane", label, 0.1)
    assert [guess] == believed(NOBODY.on(split(text)), [guess], [])


def added(text, label):
    """What a model that sees a label everywhere adds to a text."""
    words = split(text)
    taken = bytearray(len(text) + 1)
    spans = find(everywhere(label).on(words), taken, [], 0.2)
    return {text[one.start : one.end] for one in spans}


def test_a_number_is_found_with_all_that_it_hangs_together_with():
    assert {"RD-24/0071.2"} == added("by RD-24/0071.2 of", Label.HOSPITAL_NUMBER) - {"by", "of"}
    assert "0071" not in added("RD-24/0071.2", Label.ACCESSION_NUMBER)


@pytest.mark.parametrize("label", [Label.NAME, Label.INITIALS])
def test_whatever_the_model_says_words_of_the_trade_are_no_people(label):
    """Terms, abbreviations, roles and kin: a model that sees people everywhere is not heeded."""
    text = "The nurse gave warfarin, mother and wife present, Parkinson's disease, 14 mg, stable"
    assert set() == added(text, label)


def test_no_ordinary_word_is_a_number():
    text = "she walked slowly to the door and sat down"
    assert set() == added(text, Label.DATE)


def test_names_that_are_announced_are_found_with_the_model_and_without():
    text = "Mr Quennell came with his wife Ailsa"
    for options in (Options(), Options(model=False)):
        found = {text[s.start : s.end] for s in detect(text, options=options)}
        assert {"Quennell", "Ailsa"} == found


@pytest.mark.parametrize("text", ["11 «07700 900123»", "é «07700 900123»", "1 «07700 900123»"])
def test_a_number_or_letter_beside_a_telephone_alone_is_nobodys(text):
    plain = text.replace("«", "").replace("»", "")
    assert [plain[s.start : s.end] for s in detect(plain)] == re.findall("«(.+?)»", text)


@pytest.mark.parametrize(
    "text",
    ["take 2000 mg", "seen pm", "Please call back asap", "Visit 28+3/40 growth", "kit 774120 used",
     "Plt 1012000, Hb 101", "NCT01234567 and ISRCTN4412345", "SNOMED T-02630 M-87433"],
)  # fmt: skip
def test_what_no_evidence_makes_a_persons(text):
    """Units, times of day, weeks and days, counts, codes: with the model and the trees."""
    assert [] == [text[s.start : s.end] for s in detect(text)]


def test_sums_of_all_labels_at_once_are_those_of_each_by_itself():
    """Beside a plain sum over the features of each word, in floating point."""
    pick = random.Random(5)
    model = Model.of(LABELS, [pick.uniform(-3, 3) for _ in range(BUCKETS * len(LABELS))], {})
    words = split("Seen by Dr Quennell, d/w AB on 12/3/24; " + "pneumonoultramicroscopic" * 3)
    said, placed = model.on(words), Placed(words, words.flags)
    for i, word in enumerate(words.low):
        before, after = pick.randrange(len(LABELS)), pick.randrange(len(LABELS))
        names = (*placed.apart(i), *placed.between(i, before, after))
        own_features = own(word, words.shapes[i], words.flags[i], words.case)
        features = [*own_features, *map(number, names)]
        sums = [
            sum(model.weights[f * len(LABELS) + n] * model.scale for f in features)
            for n in range(len(LABELS))
        ]
        parts = [math.exp(one - max(sums)) for one in sums]
        label, probability, likeliest = said.probability(i, before, after)
        assert probability == pytest.approx(1 - parts[0] / sum(parts), abs=1e-4)
        assert likeliest == sums.index(max(sums))
        assert probability < 1e-4 or label == sums.index(max(sums[1:]))
