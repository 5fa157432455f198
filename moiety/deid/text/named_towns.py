"""Towns, villages and counties that stand by their names."""

from collections.abc import Iterator
from functools import cache

from moiety.deid.text import vocabulary
from moiety.deid.text.before_postcode import towns
from moiety.deid.text.labels import Label
from moiety.deid.text.phrases import Index, beginning, indexed
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, EPONYM, NAME, ORDINARY
from moiety.deid.text.words import TITLE, UPPER, Words, split

_PLACE_CUES = vocabulary.group("addresses_place_cues")
_HEADS_BEHIND = vocabulary.group("addresses_heads_behind")


@cache
def _place_phrases() -> Index[None]:
    return indexed((tuple(split(phrase).low), None) for phrase in towns())


def find(words: Words) -> Iterator[Span]:
    """Every town that stands by its name, but where it is another word."""
    phrases, low = _place_phrases(), words.low
    skip = -1
    for i in words.each(phrases):
        if i < skip:
            continue
        for parts, _ in beginning(phrases, low, i):
            end = i + len(parts)
            if tuple(low[i:end]) == parts and not any("\n" in g for g in words.gaps[i : end - 1]):
                if _is_place(words, i, end):
                    yield Span(
                        words.starts[i], words.ends[end - 1], Label.ADDRESS_LINE, 0.5, "town"
                    )
                    skip = end
                break


def _is_place(words: Words, i: int, end: int) -> bool:
    capital = words.shapes[i] in (TITLE, UPPER)
    if words.case == TITLE and not capital:
        return _place_in_haste(words, i, end)
    after = words.low[end] if end < len(words.low) else ""
    if after in _HEADS_BEHIND and words.gaps[end - 1] in (" ", "-"):
        return False
    if after == "care" and words.low[end + 1 : end + 2] == ["pathway"]:
        return False
    before = words.low[i - 1] if i else ""
    cued = (i > 0 and words.gaps[i - 1][-1:] == "(") or (
        before in _PLACE_CUES and words.gaps[i - 1] in (" ", ": ", " - ")
    )
    known = words.flags[i] if end == i + 1 else 0
    unsure = known & (ORDINARY | CLINICAL | EPONYM | NAME)
    if words.case != TITLE and unsure & (ORDINARY | CLINICAL):
        return before in ("in", "from", "near") and words.low[i] not in _ORDINARY_PLACES
    if not unsure:
        return True
    if known & EPONYM and i and words.gaps[i - 1] == " (" and words.flags[i - 1] & CLINICAL:
        return False  # `THR (Exeter)`
    listed = (
        i > 0
        and words.gaps[i - 1] in (", ", ",")
        and end < len(words.low)
        and words.gaps[end - 1][:1] in (",", "\n", ".")
    )
    return cued or (listed and bool(words.flags[i] & EPONYM))


def _place_in_haste(words: Words, i: int, end: int) -> bool:
    """`lives newquay`: a town without its capital, behind a word that tells of a place."""
    if (
        not i
        or words.gaps[i - 1] != " "
        or words.low[i - 1] not in _PLACE_CUES - {"to", "of", "at"}
    ):
        return False
    return end > i + 1 or not words.flags[i] & (ORDINARY | CLINICAL | EPONYM | NAME)


_ORDINARY_PLACES = vocabulary.group("addresses_ordinary_places")
