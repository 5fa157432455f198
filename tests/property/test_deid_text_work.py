"""What a long document costs: work is counted where it can be, and no expression runs away.

MOIETY_DEID_DEADLINE is how many seconds of the processor one expression may have for one pumped
text; a thousandth of the default is usual.
"""

import importlib
import os
import pkgutil
import re
import time

import pytest

from moiety.deid import text as package
from moiety.deid.text import Policy, detect, detecting, initials, propagating, vocabulary
from moiety.deid.text.normalising import normalise
from moiety.deid.text.replacement.replacing import replace
from moiety.deid.text.spans import Span

DEADLINE = float(os.environ.get("MOIETY_DEID_DEADLINE", "20"))
PUMPED = ["a", "1", " ", "\n", "1 ", "A ", "Ab, ", "a-", "a.", "o'", "a@a.", "1/", "(,[", "tel ",
          "ref: a/", "1 jan ", "aged ", "A1 "]  # fmt: skip
SIZE = 2_000


def expressions():
    """Every compiled expression that stands in a module of the package, alone or in a tuple."""
    found = {}
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".backends." not in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                for pattern in value if isinstance(value, tuple) else (value,):
                    for one in pattern if isinstance(pattern, tuple) else (pattern,):
                        if isinstance(one, re.Pattern):
                            found.setdefault(
                                (one.pattern, one.flags), (f"{module.name}.{name}", one)
                            )
    return sorted(found.values(), key=lambda pair: (pair[0], pair[1].pattern))


@pytest.mark.parametrize("pump", PUMPED)
def test_no_expression_runs_away_on_a_pumped_text(pump):
    whole = pump * (SIZE // len(pump))
    for name, pattern in expressions():
        began = time.process_time()
        for _ in pattern.finditer(whole):
            pass
        for _ in pattern.finditer(whole + "!"):
            pass
        assert time.process_time() - began < DEADLINE, name


@pytest.mark.parametrize("line", ["Seen by Dr Xyvor Quennell. ", "x", "1 ", "\n", "\u200b"])
def test_no_rule_reads_more_than_one_piece_and_names_are_gathered_once(line, monkeypatch):
    read, gathered = [], []
    monkeypatch.setattr(detecting, "_read", counted(detecting._read, read))
    monkeypatch.setattr(initials, "of_names", counted(initials.of_names, gathered))
    monkeypatch.setattr(propagating, "names_of", counted(propagating.names_of, gathered))
    detecting._names.cache_clear()
    text = line * (3 * detecting.PIECE // len(line) + 1)
    detect(text)
    plain = len(normalise(text).text)
    assert max(map(len, read)) <= detecting.PIECE
    assert sum(map(len, read)) == plain
    assert len(read) <= 2 * plain // detecting.PIECE + 1
    assert len(gathered) <= 2


def counted(function, calls):
    """The function, noting what it is called with first."""

    def noting(first, *rest):
        calls.append(first)
        return function(first, *rest)

    return noting


def test_a_word_of_any_length_is_kept_by_no_cache():
    word = "q" * 5_000
    vocabulary.flags(word)
    detect(f"Seen with {word} today")
    assert word not in vocabulary._known


def test_ages_beside_a_hundred_thousand_findings_are_pooled():
    text = "aged 95, [x] " * 20_000
    spans = [Span(at + 9, at + 12, "NAME") for at in range(0, len(text), 13)]
    new = replace(text, spans, Policy(greatest_age=89))
    assert new.text == "aged 90+, [NAME] " * 20_000
