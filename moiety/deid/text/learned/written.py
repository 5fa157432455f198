"""Notes and letters written by hand, with marks: data/notes.txt.

`[NAME:…]` and the other kinds identify; `[!:…]` looks as if it did and does not, `[?:…]` may go
either way.  A text is used several times, each time with other people in it: names, initials and
places are drawn anew, so that the model learns where they stand and not who they are.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import LANDSCAPE, SURE_STREETS

Draw = Callable[[random.Random], str]
Text = tuple[tuple[str, str], ...]
"""A text as (kind, words) in order; the kind of ordinary words is ''."""

PLAIN = frozenset({"", "!", "?"})
"""Kinds that do not identify."""
_MARK = re.compile(r"\[(!|\?|[A-Z_]+):([^\[\]\n]+)\]")
_HEAD = re.compile(r"^=== .*\n", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_][^\W\d_'’]*")
_LETTERS = "ABCDEFGHJKLMNOPRSTVWY"
_REDRAWN = 0.6


@cache
def notes() -> tuple[Text, ...]:
    """The texts of the package."""
    return texts((resources.files("moiety.deid.text") / "data/notes.txt").read_text("utf-8"))


def texts(file: str) -> tuple[Text, ...]:
    """The texts of a file, each under a line that begins with `===`."""
    return tuple(_parted(one) for one in _HEAD.split(file)[1:])


def _parted(text: str) -> Text:
    pieces, at = [], 0
    for mark in _MARK.finditer(text):
        pieces += [("", text[at : mark.start()]), (mark[1], mark[2])]
        at = mark.end()
    return tuple(piece for piece in (*pieces, ("", text[at:].rstrip("\n"))) if piece[1])


def excerpt(note: Text, pick: random.Random) -> Text:
    """One to three lines of a text, as somebody would jot them down without the rest."""
    lines: list[list[tuple[str, str]]] = [[]]
    for kind, words in note:
        first, *others = words.split("\n")
        lines[-1].append((kind, first))
        lines.extend([(kind, other)] for other in others)
    told = [line for line in lines if any(words.strip() for _kind, words in line)]
    at = pick.randrange(len(told)) if told else 0
    some = told[at : at + pick.choice((1, 1, 2, 3))]
    joined = [piece for line in some for piece in (*line, ("", "\n"))][:-1]
    return tuple(piece for piece in joined if piece[1])


@dataclass(slots=True)
class Cast:
    """Who stands in one text instead of those it was written with: the same one all through it.

    `draws`: how words of names and of places are made.
    """

    draws: dict[str, Draw]
    pick: random.Random
    _others: dict[str, str] = field(default_factory=dict)

    def plays(self, kind: str, words: str) -> str:
        """The words of a piece with others in place of its people."""
        if kind not in (*self.draws, Label.INITIALS):
            return words
        return _WORD.sub(lambda word: self._other(kind, word[0]), words)

    def _other(self, kind: str, word: str) -> str:
        key = word.lower()
        if key not in self._others:
            self._others[key] = self._drawn(kind, word)
        return _cased(self._others[key], word)

    def _drawn(self, kind: str, word: str) -> str:
        is_street = kind == Label.ADDRESS_LINE and word.lower() in LANDSCAPE | SURE_STREETS
        if is_street or self.pick.random() > _REDRAWN:
            return word
        if kind == Label.INITIALS or len(word) == 1:
            return "".join(self.pick.choice(_LETTERS) for _ in word)
        return self.draws[kind](self.pick)


def _cased(word: str, like: str) -> str:
    if like.islower():
        return word.lower()
    return word.upper() if like.isupper() and len(like) > 1 else word
