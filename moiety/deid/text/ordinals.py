"""Days of the month by their number: `on the 3rd`, `Tuesday 3rd`, `your letter of the 4th inst.`"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.cues import Places, at, before, ends_with
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

_BEFORE_ORDINALS = vocabulary.group("dates_before_ordinals")
_NAMED_DAYS = vocabulary.group("dates_named_days")
_OF_MONTH = re.compile(
    r"\d{1,2}(?:st|nd|rd|th)(?: of)? (?:(?:last|this|next|the (?:same|following|previous)) month|inst|ult|prox)(?![a-z])",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(?:[12]?\d|3[01])(?:st|nd|rd|th)(?![a-z])", re.IGNORECASE)
_ORDINAL_HEAD = re.compile(r"(?:(?<=\n)|(?<![\s\S]))\d{1,2}(?:st|nd|rd|th)(?= [A-Za-z])")
_LATE_ORDINAL = re.compile(r"(?:1[3-9]|2\d|30|31)(?:st|nd|rd|th)(?![a-z])", re.IGNORECASE)
_STOPS = re.compile(r"[ ]?(?:[,;.)?!]|\n|$|- )")
_MEASURED = re.compile(r"\d(?: ?(?:kg|cm|g|mm))? \(\Z")
_SHORT = 8
_OF_MANY = re.compile(
    r"cent(?:ile|ury)|percentile|birthday|floor|edition|week|\d(?:st|nd|rd|th) *(?:/|-|and|,|to) *\d",
    re.IGNORECASE,
)
"""What is counted in the same breath: `between the 25th, 50th and 75th centile`."""
_NEAR = 24
_DAY_NAMES = ("mon", "monday", "tue", "tues", "tuesday", "wed", "weds", "wednesday", "thu", "thur", "thurs",
              "thursday", "fri", "friday", "sat", "saturday", "sun", "sunday")  # fmt: skip
_WEEKDAY_AND_DAY = re.compile(
    r"[A-Za-z]{3,9}\.?,? (0?[1-9]|[12]\d|3[01])(?=[:,;.]?(?:\n|$)|[:;,.] (?!\d)|: | (?:[01]?\d|2[0-3])(?:[.:][0-5]\d|[ap]m)| - )"
)
_LISTED_FOR = frozenset({"lmp", "appt", "list", "edd", "tci", "clinic", "due", "booked"})
_ENDS_THERE = re.compile(
    r"[ ]?(?:[.,;:)?!\n/–-]|$|(?:and|at|with|for|in|to|he|she|they|we|i|but|as|so|until|till|when|because|after|before"
    r"|then|which|if|due|via|by|under|was|is|list|clinic|am|pm|mane|nocte|please|pls|\?|w|re|or) )",
    re.IGNORECASE,
)


def find(text: str, places: Places) -> Iterator[Span]:
    """`on the 3rd`, `Tuesday 3rd`, `the morning of the 3rd`; lines that open with `4th`, `5th`."""
    for match in at(_OF_MONTH, text, places.short):
        yield Span(*match.span(), Label.DATE, 0.8, "day of this month or the last")
    heads = list(at(_ORDINAL_HEAD, text, places.short))
    if len(heads) > 1:
        for match in heads:
            yield Span(*match.span(), Label.DATE, 0.6, "day of the month opens a line")
    for match in at(_WEEKDAY_AND_DAY, text, places.of(_DAY_NAMES)):
        yield Span(*match.span(1), Label.DATE, 0.6, "weekday and day")
    for match in at(_ORDINAL, text, places.short):
        last = before(text, match.start(), " ,")
        if last[-1:] == ["the"]:
            last.pop()
        named = ends_with(last, _NAMED_DAYS) or (bool(last) and last[-1] in _LISTED_FOR)
        late = _LATE_ORDINAL.fullmatch(match[0]) is not None and _may_be_late(text, match)
        if (
            named
            or late
            or (ends_with(last, _BEFORE_ORDINALS) and _ENDS_THERE.match(text, match.end()))
        ):
            yield Span(*match.span(), Label.DATE, 0.7 if named else 0.6, "day of the month")


def _may_be_late(text: str, match: re.Match[str]) -> bool:
    """Whether the 13th to the 31st, of which nothing is counted, ends a phrase by itself."""
    if _MEASURED.search(text, max(0, match.start() - _SHORT), match.start()):
        return False  # `HC 35.5 (25th)`
    led = text[max(0, match.start() - 4) : match.start()].lower() == "the "
    if not (_ENDS_THERE if led else _STOPS).match(text, match.end()):
        return False
    return not _OF_MANY.search(text, max(0, match.start() - _NEAR), match.end() + _NEAR)
