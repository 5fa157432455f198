"""Houses that once were something else: `The Old Creamery`, `the hayloft, sutton poyntz`."""

from collections.abc import Iterator

from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import NAME, PLACE, WORD
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words

_ONCE = frozenset(
    {"almonry", "almshouse", "bakehouse", "bakery", "barn", "boathouse", "bothy", "brewery",
     "byre", "carthouse", "chalet", "chapel", "coachhouse", "cooperage", "creamery", "cowshed",
     "dairy", "forge", "foundry", "gatehouse", "granary", "hayloft", "icehouse", "joinery",
     "kiln", "laundry", "loft", "malthouse", "maltings", "manse", "mill", "millhouse", "oast",
     "oasthouse", "parsonage", "piggery", "presbytery", "pumphouse", "rectory", "sawmill",
     "schoolhouse", "schoolroom", "shippon", "signalbox", "smiddy", "smithy", "stables", "steading",
     "tannery", "tithebarn", "tollhouse", "vicarage", "warehouse", "wheelhouse", "farmhouse",
     "roundhouse", "windmill", "watermill"}
)  # fmt: skip
_ONCE_TWO = frozenset(
    {("post", "office"), ("count", "house"), ("police", "house"), ("police", "station"), ("coach", "house"), ("engine", "house"),
     ("pump", "house"), ("school", "house"), ("round", "house"), ("toll", "house"), ("fire", "station"),
     ("railway", "cottage"), ("malt", "house"), ("tithe", "barn"), ("wheel", "house"), ("oast", "house"),
     ("signal", "box"), ("market", "house"), ("custom", "house"), ("mill", "house"), ("cart", "shed"),
     ("hen", "house"), ("wash", "house"), ("pottery", "barn"), ("sunday", "school"), ("ferry", "house")}
)  # fmt: skip
_ENDS = (",", ".", ";", ")", "\n", "|")
_MOST = 3


def find(words: Words) -> Iterator[Span]:
    """Every such house, with the village behind it."""
    low = words.low
    for i, word in enumerate(low):
        last = _last(words, i)
        if last < 0:
            if word == "old" and _stands_out(words, i):
                yield _span(words, i - 1, i + 1)
            continue
        old = i > 0 and low[i - 1] == "old" and words.gaps[i - 1] == " "
        head = i - 1 if old else i
        if not head or low[head - 1] != "the" or words.gaps[head - 1] != " ":
            continue
        named = words.case == TITLE and words.shapes[last] != LOWER and words.shapes[i] != LOWER
        place = _place_behind(words, last)
        if place > last or (old and (named or _ends(words, last))):
            yield _span(words, head - 1, place)


def _span(words: Words, first: int, last: int) -> Span:
    return Span(
        words.starts[first], words.ends[last], Label.ADDRESS_LINE, 0.58, "house that once was else"
    )


def _last(words: Words, i: int) -> int:
    """The last word of what a house was, where word `i` begins it; -1 where it does not."""
    low = words.low
    if i + 1 < len(low) and words.gaps[i] == " " and (low[i], low[i + 1]) in _ONCE_TWO:
        return i + 1
    return i if low[i] in _ONCE else -1


def _stands_out(words: Words, i: int) -> bool:
    """`The Old Xxx` of three capitals, the last a word that is no other."""
    if not 0 < i < len(words.low) - 1 or words.case != TITLE or words.low[i - 1] != "the":
        return False
    if words.gaps[i - 1] != " " or words.gaps[i] != " " or not _ends(words, i + 1):
        return False
    capitals = all(words.shapes[k] == TITLE for k in (i - 1, i, i + 1))
    return capitals and not words.flags[i + 1] & WORD


def _ends(words: Words, i: int) -> bool:
    gap = words.gaps[i].lstrip(" ")
    return not gap or gap[0] in _ENDS


def _place_behind(words: Words, i: int) -> int:
    """The last word of a part behind a comma that can be a village; `i` where none follows."""
    if words.gaps[i].lstrip(" ")[:1] != ",":
        return i
    for k in range(i + 1, min(i + 1 + _MOST, len(words.low))):
        known = words.flags[k]
        if words.shapes[k] == NUMBER or (
            k == i + 1 and known & WORD and not known & (NAME | PLACE)
        ):
            return i
        if words.case == TITLE and words.shapes[k] == LOWER:
            return k - 1
        if _ends(words, k):
            return k
    return i
