"""A day and month with a stop between, `6.12`, and not a measure: behind a cue, or as its text has them."""

import re

from moiety.deid.text import vocabulary
from moiety.deid.text.cues import before, ends_with

_CUES = vocabulary.group("dates_dotted_cues")
_CLOCK = re.compile(r"[ ,]{1,2}(?:at |@ ?)?(?:[01]\d|2[0-3])[:.]?[0-5]\d(?![\d/])")
_RESULT = re.compile(r" \d{1,3}(?:\.\d)?(?![\w./%:])")
_UNTIL = frozenset({"by", "to", "on", "neg", "pos", "normal", "clear", "form"})
_WHOLE = re.compile(
    r"(?<![\w./-])(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.(?:19|20)?\d\d(?![\w%]|\.\d)"
)
_HEADING = re.compile(r"(?:(?<=\n)|(?<![\s\S]))[^\n\d]{0,40}\Z")
_OF_MEETINGS = frozenset({"mdt", "clinic", "list", "meeting", "huddle", "round", "wr", "minutes", "notes", "discussion", "review",
                          "addendum", "dictated", "typed", "entry", "handover", "pre-op", "update"})  # fmt: skip
_MEASURED = vocabulary.CLINICAL | vocabulary.ABBREVIATION
_TWO_DIGITS, _MOST_MONTHS = 2, 12
_MARKS = " .:,=(-"


def is_dotted(text: str, match: re.Match[str]) -> bool:
    """Whether `6.12` or `6-12` is a day: behind a cue, before a time or a result, in a heading, or on
    a day over 12 in a text that writes its dates so.
    """
    last = before(text, match.start(), _MARKS)
    last = last[:-1] if last[-1:] == ["the"] else last
    if ends_with(last, _CUES):
        return True
    if match[2] != ".":
        return False
    ends = text[match.end() : match.end() + 1] in ("", "\n", ",")
    if ends and last and last[-1] in _OF_MEETINGS:
        return _HEADING.search(text, max(0, match.start() - 42), match.start()) is not None
    if _named(text, match, last):
        return True
    if len(match[3]) != _TWO_DIGITS:
        return False
    behind = _CLOCK.match(text, match.end()) or _RESULT.match(text, match.end())
    if len(match[1]) == _TWO_DIGITS and behind:
        return True
    if int(match[1]) <= _MOST_MONTHS:
        return False
    last = before(text, match.start(), " ")
    if ends_with(last, _UNTIL):
        return True
    measured = bool(last) and vocabulary.flags(last[-1]) & _MEASURED
    return not measured and _WHOLE.search(text) is not None


_STOPPED = re.compile(r"[.;,)](?:\s|\Z)")


def _named(text: str, match: re.Match[str], last: list[str]) -> bool:
    """`Clinic Bhatti 10.07.`: behind a surname, before a stop."""
    if not last or not _STOPPED.match(text, match.end()) or text[match.start() - 1] != " ":
        return False
    known = vocabulary.flags(last[-1])
    return bool(known & vocabulary.SURNAME) and not known & (
        vocabulary.WORD | vocabulary.EPONYM | vocabulary.ABBREVIATION
    )
