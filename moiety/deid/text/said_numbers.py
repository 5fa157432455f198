"""Numbers said digit by digit, as a dictated text has them.

`oh seven seven double zero, nine hundred`, `victor 2 2 0 4 8 1`, `nine four three, triple one`:
six digits and more in words, or in figures with a space between each two.  What stands before tells
of what kind the number is.
"""

import re
from collections.abc import Iterator

from moiety.deid.text.cues import Places, at
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words

_ONE = r"(?:zero|nought|naught|oh|one|two|three|four|five|six|seven|eight|nine)"
_LETTER = (
    r"(?:alpha|alfa|bravo|charlie|delta|echo|foxtrot|golf|hotel|india|juliet|juliett|kilo|lima|mike|november|oscar"
    r"|papa|quebec|romeo|sierra|tango|uniform|victor|whisky|whiskey|x-ray|xray|yankee|zulu)"
)
_FIRSTS = (
    *(["zero", "nought", "naught", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double", "triple", "treble"]),
    *(["alpha", "alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "juliett", "kilo", "lima", "mike", "november"]),
    *(["oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whisky", "whiskey", "x", "xray", "yankee", "zulu", "plus"]),
)  # fmt: skip
_GAP = r"(?:[ ]{1,2}|, ?| ?- ?| dash | hyphen | space | slash | stroke | comma )"
_PART = rf"(?:(?:double|triple|treble)[ -](?:{_ONE}|\d)|{_ONE}(?: hundred)?|\d{{1,2}}(?!\d))"
_RUN = re.compile(
    rf"(?<![\w-])(?=[a-z]|\d{{1,2}}(?!\d))(?:plus |(?:(?:{_LETTER}|(?-i:[A-Z])){_GAP}){{0,4}})?{_PART}(?:{_GAP}{_PART}){{4,13}}"
    rf"(?:{_GAP}{_LETTER}){{0,2}}(?![\w-])",
    re.IGNORECASE,
)
_SPACED = re.compile(r"(?<![\w./-])(?:[A-Za-z] )?\d(?: \d){5,11}(?![\w/%]| ?[.,]\d| \d)")
_WEIGHT = re.compile(rf"(double|triple|treble)|({_ONE}|\d)", re.IGNORECASE)
_FEWEST = 6
_KINDS = (
    (
        Label.NHS_NUMBER,
        re.compile(r"(?:nhs|chi|health and care|h and c)[^.]{0,24}$", re.IGNORECASE),
    ),
    (Label.GMC_NUMBER, re.compile(r"(?:gmc|g m c)[^.]{0,24}$", re.IGNORECASE)),
    (Label.HCPC_NUMBER, re.compile(r"hcpc[^.]{0,24}$", re.IGNORECASE)),
    (Label.EXTENSION, re.compile(r"(?:bleep|extension|pager)[^.]{0,16}$", re.IGNORECASE)),
    (
        Label.ACCESSION_NUMBER,
        re.compile(
            r"(?:accession|specimen|sample|lab(?:oratory)?|histology|request)[^.]{0,24}$",
            re.IGNORECASE,
        ),
    ),
    (
        Label.HOSPITAL_NUMBER,
        re.compile(
            r"(?:hospital|unit|case ?note|record|reference|patient|mrn)[^.]{0,24}$", re.IGNORECASE
        ),
    ),
)
_CUED = re.compile(
    rf"(?<![\w-])(?:bleep|extension|pager|ext)(?: number| no)?(?: is| on)? ({_PART}(?:{_GAP}{_PART}){{1,5}})(?![\w-])",
    re.IGNORECASE,
)
_REACH = 48


def find(words: Words, places: Places) -> Iterator[Span]:
    """Every number that is said or spelled; where nothing tells its kind, a telephone's."""
    text = words.text
    said = places.of(_FIRSTS)
    starts = sorted({*said, *places.leads})
    # Where no word says a digit, a run is told from a row of figures by the letter it begins with.
    for match in at(_RUN, text, starts if said else places.spelt):
        if _length(match[0]) >= _FEWEST and _said(match[0]):
            yield Span(*match.span(), _kind(text, match.start()), 0.8, "number said in words")
    for match in at(_SPACED, text, starts):
        yield Span(*match.span(), _kind(text, match.start()), 0.8, "number spelled out")
    for match in at(_CUED, text, places.of(("bleep", "extension", "pager", "ext"))):
        if _said(match[1]):
            yield Span(*match.span(1), Label.EXTENSION, 0.8, "number said in words")


def _said(run: str) -> bool:
    """Whether most of a run is said, or a letter is spelled before it."""
    figures = sum(part.isdigit() for part in re.split(r"[ ,-]+", run))
    return figures == 0 or figures * 3 < len(run.split()) or run[:1].isalpha()


def _length(run: str) -> int:
    """How many digits are said."""
    total, more = 0, 0
    for match in _WEIGHT.finditer(run):
        if match[1]:
            more = 1 if match[1].lower() == "double" else 2
        else:
            total, more = total + 1 + more, 0
    return total


def _kind(text: str, start: int) -> Label:
    head = text[max(0, start - _REACH) : start]
    for label, pattern in _KINDS:
        if pattern.search(head):
            return label
    return Label.TELEPHONE
