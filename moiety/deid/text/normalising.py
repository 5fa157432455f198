"""A text as it is read: one form for every look-alike, with the way back to the offsets given.

Accents, ligatures, full-width letters, curly quotes, all spaces and dashes, and Cyrillic or Greek
letters that look Latin become ASCII; characters without width are left out.  Every position of
the result maps back, so that spans are offsets of the text that was given.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache

_LOOKS = dict(
    zip(
        "АВЕЅІЈКМНОРСТУХԚԜавеѕіјкмнорстухԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορυνικτ"
        "łŁøØđĐðÐþÞıİħĦŧŦŋŊ‐‑‒–—―−⁃﹣－‘’‚‛′`´ʼ“”„‟″«»…·•⁄∕，：；．",
        "ABESIJKMHOPCTYXQWabesijkmhopctyxqwhABEZHIKMNOPTYXaopuvikt"
        "lLoOdDdDtTiIhHtTnN----------''''''''\"\"\"\"\"\"\"...//,:;.",
        strict=True,
    )
)
_TWO = {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
_UNSEEN = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\ufeff\uffa0")
_LIGATURE = 4
_LEADER = re.compile(r"[._]{4,}|-{6,}|={4,}")
_LEADS = ("..", "__", "._", "_.", "------", "====")
_ODD = re.compile(r"[^\t\n\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text in ASCII where that is possible, and where each of its characters came from."""

    text: str
    starts: array[int] | None
    ends: array[int] | None

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the given text of a stretch of this one."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normalised:
    """The text as the rules read it.  Any Unicode is accepted, lone surrogates included."""
    if not _ODD.search(text):
        return Normalised(_led(text), None, None)
    out: list[str] = []
    starts, ends = array("Q"), array("Q")
    done = 0
    for match in _ODD.finditer(text):
        place, character = match.start(), match[0]
        if done < place:
            out.append(text[done:place])
            starts.extend(range(done, place))
            ends.extend(range(done + 1, place + 1))
        done = place + 1
        plain = _plain(character)
        if not plain and ends and unicodedata.category(character)[0] == "M":
            ends[-1] = place + 1
        for one in plain:
            out.append(one)
            starts.append(place)
            ends.append(place + 1)
    out.append(text[done:])
    starts.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return Normalised(_led("".join(out)), starts, ends)


def _led(text: str) -> str:
    """Dots that lead from a heading to its answer are read as a colon; the length stays."""
    if not any(two in text for two in _LEADS):
        return text
    return _LEADER.sub(lambda match: ": " + " " * (len(match[0]) - 2), text)


@lru_cache(maxsize=8192)
def _plain(character: str) -> str:
    """What one character is read as: nothing, itself in another form, or up to four letters."""
    if character in "\t\n":
        return character
    if look := _LOOKS.get(character) or _TWO.get(character):
        return look
    kind = unicodedata.category(character)
    if character in _UNSEEN or kind in ("Cf", "Mn", "Me", "Mc"):
        return ""
    if kind in ("Zs", "Cc"):
        return " "
    if kind in ("Zl", "Zp"):
        return "\n"
    if kind == "Nd":
        return str(unicodedata.digit(character))
    if kind == "Pd":
        return "-"
    parts = unicodedata.normalize("NFKD", character)
    base = "".join(_LOOKS.get(p, p) for p in parts if unicodedata.category(p)[0] != "M")
    return base if 0 < len(base) <= _LIGATURE and base != character else character
