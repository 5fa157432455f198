"""Places where a person's letters stand whatever else they mean: `Sig: MS`, `Regards PM`, `SA's mother`.

Two capitals that mean something in medicine too are somebody's where only a person can stand:
behind a heading for one, in a greeting or under a letter, before kin, in a list of those present.
"""

from moiety.deid.text import vocabulary
from moiety.deid.text.roles import KIN
from moiety.deid.text.vocabulary import ORDINARY
from moiety.deid.text.words import LOWER, TITLE, UPPER, Words

_HEADS = vocabulary.group("framing_heads")
_GREETINGS = vocabulary.group("framing_greetings")
_LISTS = vocabulary.group("framing_lists")
_PERSONS = frozenset({"patient", "pt", "met", "px"})
_DOES = vocabulary.group("framing_does")
_SPEAKS = frozenset(
    {"says", "said", "states", "stated", "reports", "reported", "feels", "felt", "thinks", "wants", "asked", "asks", "told",
     "agreed", "agrees", "denies", "explained", "advised", "happy", "offered", "rang", "thanked", "queried", "suggested"}
)  # fmt: skip
_GRADES = vocabulary.group("signing_grades")
_HARD = (
    vocabulary.group("initials_staff")
    | vocabulary.group("framing_never")
    | frozenset({"gp", "pt", "px", "tc", "uk", "us", "tv", "it", "ok", "id", "no", "na"})
)
_ENDS = frozenset(".,;)/\n|&(-–?+")
_SPLIT_HEADS = frozenset({"d/w", "w/r", "s/b"})
_LENGTH = 2
_MOST_BACK = 8


def framed(words: Words, i: int) -> bool:
    """Whether word `i`, two letters, stands where only a person can."""
    word = words.low[i]
    if len(word) != _LENGTH or word in _HARD or (words.case == TITLE and words.shapes[i] != UPPER):
        return False
    if words.case == LOWER and words.flags[i] & ORDINARY:
        return False
    if words.gaps[i] == "'s " and words.low[i + 1 : i + 2] and words.low[i + 1] in KIN:
        return words.case != UPPER or not words.flags[i] & ORDINARY
    return i > 0 and (
        _behind_heading(words, i) or _greeted(words, i) or _acting(words, i) or _in_list(words, i)
    )


def _stops(words: Words, i: int) -> bool:
    gap = words.gaps[i]
    if (
        not gap
        or gap[:2] == "  "
        or (gap.lstrip(" ")[:1] or "a") in _ENDS
        or i + 1 >= len(words.low)
    ):
        return True
    after = words.low[i + 1]
    return gap == " " and (
        after in _HEADS
        or after in _GRADES
        or after in ("and", "at", "time", "bleep", "batch", "in", "re", "about", "to")
    )


def _behind_heading(words: Words, i: int) -> bool:
    """`Sig: MS`, `Surgeon SA Assistant PM`."""
    head, gap = words.low[i - 1], words.gaps[i - 1]
    if gap not in (": ", ":", " ", " - ", ":  "):
        return False
    if head in ("re", "subject"):
        return ":" in gap and words.gaps[i][:1] == ","
    split = i > 1 and words.gaps[i - 2] == "/" and f"{words.low[i - 2]}/{head}" in _SPLIT_HEADS
    return (head in _HEADS or split) and _stops(words, i)


def _greeted(words: Words, i: int) -> bool:
    """`Hi PM,`, `Regards MS`, `BW, AS`."""
    if words.low[i - 1] not in _GREETINGS or words.gaps[i - 1] not in (" ", ", ", ",\n", "\n"):
        return False
    return _stops(words, i)


def _acting(words: Words, i: int) -> bool:
    """`Patient SA was seen`, at the head of a line `MS FY1 bleep 123` and `SA: says`."""
    after = words.low[i + 1] if i + 1 < len(words.low) else ""
    if words.gaps[i] == ": " and after in _SPEAKS and "\n" in words.gaps[i - 1]:
        return words.case == TITLE or not words.flags[i] & ORDINARY
    if words.gaps[i] != " " or not after or (words.flags[i] & ORDINARY and words.case != TITLE):
        return False
    if words.low[i - 1] in _PERSONS and words.gaps[i - 1] == " ":
        return after in _DOES
    return "\n" in words.gaps[i - 1] and after in _GRADES and words.case == TITLE


def _in_list(words: Words, i: int) -> bool:
    """`Present: SA, PM, KW`: two letters between commas behind a word for those who are there."""
    if not _stops(words, i):
        return False
    for back in range(1, _MOST_BACK):
        j = i - back
        if j < 0 or words.gaps[j] not in (", ", ": ", " - ", " ", " and ", " & "):
            return False
        if words.low[j] in _LISTS:
            return words.gaps[j] != " " or back > 1
        if words.gaps[j] == " " and words.low[j] not in ("dr", "and", "mr", "mrs"):
            return False
    return False
