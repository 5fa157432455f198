"""Hospitals that the lists have: by their names, and by the abbreviations that stand for them."""

import re
from collections.abc import Iterator
from functools import cache

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.phrases import Index, beginning, indexed
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, NAME, ORDINARY, PLACE
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words, split

HOSPITAL_HEADS = ("hospital", "hospitals", "infirmary", "hospice", "nhsft", "ysbyty", "sanatorium",
                   "asylum", "orthopaedic", "maternity")  # fmt: skip


_TRUST = re.compile(
    r"[ ,]{1,2}(?:(?:teaching |university |mental health |community |primary care |acute |ambulance service |healthcare |health care )?"
    r"(?:nhs|n\.h\.s\.?)[ ]?(?:foundation |f )?(?:trust|ft)|nhsft|nhst|university health board|"
    r"health board|hsc trust|health and social care trust|foundation trust|trust|university)(?![a-z])",
    re.IGNORECASE,
)


CUES = vocabulary.group("organisations_cues")


_SCAN_OR_PLACE = vocabulary.group("organisations_scan_or_place")


_CLINICAL_TOO = vocabulary.group("organisations_clinical_too")


@cache
def _phrases() -> Index[bool]:
    """Hospitals by their first words, and whether one is sure without a cue."""
    found: list[tuple[tuple[str, ...], bool]] = []
    places = vocabulary.phrases_of("places")
    for phrase in vocabulary.phrases_of("hospitals"):
        parts = tuple(split(phrase).low)
        bare = [p for p in parts if p != "the"]
        unsure = NAME | PLACE | ORDINARY
        sure = (
            any(p in HOSPITAL_HEADS for p in parts)
            or len(bare) > 2
            or parts[-1] == "general"
            or (
                len(bare) == 2
                and phrase not in places
                and not all(vocabulary.flags(p) & ORDINARY for p in bare)
            )
            or (
                parts[0] == "the"
                and not any(vocabulary.flags(p) & (ORDINARY | PLACE) for p in bare)
            )
            or (not any(vocabulary.flags(p) & unsure for p in bare))
        )
        found.append((parts, sure))
        short = parts[:-1]
        if parts[-1] in HOSPITAL_HEADS and len(short) > 1 and short[0] not in _TOO_COMMON:
            found.append((short, False))
    return indexed(found)


def known(words: Words) -> Iterator[Span]:
    """Hospitals named in full, with the trust behind; unsure ones only beside a cue."""
    phrases, low = _phrases(), words.low
    for i in words.each(phrases):
        for parts, sure in beginning(phrases, low, i):
            end = i + len(parts)
            if tuple(low[i:end]) != parts or any("\n" in g for g in words.gaps[i : end - 1]):
                continue
            after = (
                words.shapes[end] if end < len(words.low) and words.gaps[end - 1] == "'s " else 0
            )
            if len(parts) == 1 and (after == NUMBER or words.low[end : end + 1] in _TESTED):
                continue  # `Addenbrooke's 88/100`
            if sure or _capitals(words, i, end) or _cued(words, i, end):
                yield with_trust(words, i, end - 1, "known hospital")
                break


_TOO_COMMON = frozenset({"st", "saint", "the", "ysbyty"})


def _capitals(words: Words, first: int, end: int) -> bool:
    """`Stepping Hill`, `Medway Maritime`: two words and more of a listed name, all with capitals."""
    shapes = [
        shape
        for shape, word in zip(words.shapes[first:end], words.low[first:end], strict=True)
        if word not in ("of", "and", "the")
    ]
    capitals = words.case == TITLE and all(shape in (TITLE, UPPER) for shape in shapes)
    return capitals and len(shapes) > 1 and words.low[end : end + 1] not in _STREETS_BEHIND


_STREETS_BEHIND = (
    ["road"],
    ["street"],
    ["avenue"],
    ["lane"],
    ["close"],
    ["school"],
    ["church"],
    ["pub"],
    ["crescent"],
)


_TESTED = (["cognitive"], ["ace"], ["score"], ["test"], ["examination"])


def _cued(words: Words, first: int, end: int) -> bool:
    """Whether what stands before or behind makes a hospital of a name such as `King's`."""
    if words.case == TITLE and words.shapes[end - 1] == LOWER and end - first < _TWO_WORDS:
        return False
    after = words.low[end] if end < len(words.low) else ""
    before = words.low[first - 1] if first else ""
    if before == "the" and first > 1:
        before = words.low[first - 2]
    if after in _HEAD_OF_TERM:
        return False
    if (
        first
        and words.gaps[first - 1].strip() in _CELL
        and words.gaps[end - 1].strip()[:1] in _CELL
    ):
        return True
    if words.case == TITLE and first and "\n" in words.gaps[end - 1][:3]:
        return (words.gaps[first - 1].strip(" ") or " ")[-1:] in _LINE
    return before in CUES or after in ("a&e", "ed", "icu", "trust", "site", "campus", "nhs")


_TWO_WORDS = 2
_CELL = frozenset({";", "|"})
_LINE = frozenset({";", "|", "/", "\n"})
_HEAD_OF_TERM = frozenset(
    {"disease", "syndrome", "sign", "test", "scale", "score", "road", "street"}
)


def with_trust(words: Words, first: int, end: int, why: str) -> Span:
    """Words `first` to `end` and the `NHS Trust` that follows them, if one does."""
    stop = words.ends[end] + 2 * (words.gaps[end][:2] == "'s")
    match = _TRUST.match(words.text, stop)
    return Span(words.starts[first], match.end() if match else stop, Label.HOSPITAL_NAME, 0.88, why)


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(word.lower() for word in vocabulary.words_of("hospital_abbreviations"))


_AMPERSAND = re.compile(
    r"(?<![\w&])(?:RD&E|L&D|R D & E|G&STT|C&W|N&N|C&I|K&C|H&I)(?![\w&])", re.IGNORECASE
)


def abbreviated(words: Words) -> Iterator[Span]:
    """Hospitals by their letters, such as `UCLH`; those that mean more only beside a cue."""
    short, low = _abbreviations(), words.low
    if "&" in words.text:
        for match in _AMPERSAND.finditer(words.text) if "&" in words.text else ():
            yield Span(*match.span(), Label.HOSPITAL_NAME, 0.8, "abbreviated hospital")
    for i, word in enumerate(low):
        if word not in short or (words.case == TITLE and words.shapes[i] not in (UPPER, TITLE)):
            continue
        if words.case == TITLE and words.shapes[i] == TITLE and word != "slam":
            continue
        before = low[i - 1] if i else ""
        if before == "the" and i > 1:
            before = low[i - 2]
        unsure = (
            vocabulary.listed(word)
            or words.flags[i] & NAME
            or word in _SCAN_OR_PLACE
            or word in _CLINICAL_TOO
        )
        if (
            (not unsure and (words.case == TITLE or not words.flags[i]))
            or (
                before in CUES
                and before not in ("of", "with", "seen", "reviewed", "then")
                and not _scanned(words, i)
            )
            or (low[i + 1 : i + 2] in _DEPARTMENTS and words.gaps[i] == " ")
            or (_in_brackets(words, i) and word not in _SCAN_OR_PLACE)
        ):
            yield _abbreviation(words, i)


_DEPARTMENTS = (
    ["bed"],
    ["ed"],
    ["icu"],
    ["itu"],
    ["ward"],
    ["amu"],
    ["mau"],
    ["switchboard"],
    ["site"],
)
"""Whose letters stand right before one of these is a hospital: `RIE ED`, `MRI ward`."""


def _in_brackets(words: Words, i: int) -> bool:
    """`NSTEMI 2018 (BRI)`: behind what was done, and when."""
    closed = i > 0 and words.gaps[i - 1][-1:] == "(" and words.gaps[i][:1] == ")"
    return closed and (words.shapes[i - 1] == NUMBER or words.low[i - 1] in _TIMES)


_TIMES = vocabulary.group("naming_times")


def _scanned(words: Words, i: int) -> bool:
    after = words.low[i + 1] if i + 1 < len(words.low) else ""
    return after in (
        "scan",
        "head",
        "brain",
        "spine",
        "report",
        "of",
        "findings",
        "with",
        "without",
        "on",
        "showed",
        "shows",
        "knee",
        "liver",
        "pelvis",
        "lumbar",
        "crew",
    )


def _abbreviation(words: Words, i: int) -> Span:
    end = i
    if i + 1 < len(words.low) and words.gaps[i] == " " and words.flags[i + 1] & PLACE:
        plain = words.case != TITLE or words.shapes[i + 1] != LOWER
        end += plain and not words.flags[i + 1] & (CLINICAL | ORDINARY)  # `DCN Edinburgh`
    return Span(words.starts[i], words.ends[end], Label.HOSPITAL_NAME, 0.75, "abbreviated hospital")
