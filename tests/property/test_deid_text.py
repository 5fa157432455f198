"""Any text at all: offsets are right, nothing is found twice, and it never takes long."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moiety.deid.text import Options, detect
from moiety.deid.text.normalising import normalise

FRAGMENTS = [
    "Dr",
    "Mr",
    "Mrs",
    "hospital",
    "Road",
    "surgery",
    "tel",
    "nhs",
    "ext",
    "ref",
    "jan",
    "2020",
    "12/3",
    "07700",
    "LS1",
    "4AB",
    "John",
    "SMITH",
    "Ngozi",
    "'s",
    "PID|",
    "A",
    "B",
    "the",
    "of",
    "and",
    "Flat",
    "1",
    "d/w",
    "by",
    ":",
    ";",
    ",",
    ".",
    "-",
    "/",
    "(",
    ")",
    "^",
    "~",
    "\n",
    "\t",
    "\u200b",
    "\xa0",
    "é",
    "Ł",
    "а",
    "１",
    "😀",
    "�",
    "\x00",
]
SECONDS_A_CHARACTER = 0.002
"""Twenty times what the slowest text takes on a busy machine: only a runaway reaches it."""


def proper(text, spans):
    last = 0
    for span in spans:
        assert last <= span.start < span.end <= len(text)
        assert 0 < span.score <= 1
        assert span.why
        last = span.end


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=400))
def test_any_unicode_gives_spans_in_order_inside_the_text(text):
    proper(text, detect(text))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=120), st.sampled_from(["", " ", "\n"]))
def test_any_mixture_of_cues_gives_spans_in_order_inside_the_text(parts, between):
    text = between.join(parts)
    proper(text, detect(text))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_every_normalised_stretch_maps_back_into_the_text(text):
    way = normalise(text)
    for start in range(0, len(way.text), 7):
        a, b = way.source(start, min(len(way.text), start + 5))
        assert 0 <= a < b <= len(text)


@pytest.mark.parametrize(
    "character", ["a", "1", " ", "\n", ".", "@", "'", "😀", "\ud800", "\x00", "é"]
)
def test_a_document_of_one_character(character):
    proper(character, detect(character))


@pytest.mark.parametrize(
    "text",
    [" ", "\n", "a", "1", "1 ", "A ", "12/", "ab-", "o'", "@", "a@", "(", "J.", "and ", "tel ", "st ",
     "LS1 4AB ", "PID|A^", "\u200b", "e\u0301", "Dr ", "flat 1 ", "1 jan "],
)  # fmt: skip
def test_repetition_never_makes_a_rule_run_away(text):
    whole = text * (20_000 // len(text))
    began = time.perf_counter()
    proper(whole, detect(whole))
    assert time.perf_counter() - began < len(whole) * SECONDS_A_CHARACTER


def test_noise_keeps_its_deadline():
    pick = random.Random(4)
    for _ in range(30):
        noise = bytes(pick.randrange(256) for _ in range(3000)).decode("latin-1")
        began = time.perf_counter()
        proper(noise, detect(noise))
        assert time.perf_counter() - began < len(noise) * SECONDS_A_CHARACTER


def test_a_long_document_is_read_in_pieces_and_its_names_throughout():
    filler = "Chest clear and observations stable overnight.\n" * 900
    text = f"Mr Xyvor Quennell was admitted.\n{filler}quennell went home\n"
    spans = detect(text, options=Options(model=False))
    assert ["Xyvor Quennell", "quennell"] == [text[s.start : s.end] for s in spans]


def test_a_text_found_clean_stays_clean_in_a_longer_one():
    clean = "Chest clear. Continue antibiotics for 48 hours."
    assert [] == detect(clean)
    assert [] == detect(f"{clean}\n{clean}")
