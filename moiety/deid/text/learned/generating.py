"""Examples for the model: notes written by hand, with other people in them, and sentences.

The sentences (data/sentences.txt) are filled with names that mostly exist nowhere.
Half of the names stand in the package's lists; the other half are put together from letters that
follow one another in such names, so that the model learns what names look like.  Every example
comes in one of four styles: as it is written, in lower case, in capitals, with slips of the pen.
"""

import hashlib
import random
from collections.abc import Callable, Iterable
from functools import cache

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import LANDSCAPE, SURE_STREETS
from moiety.deid.text.learned import written
from moiety.deid.text.learned.training import Example
from moiety.deid.text.spans import Span

SIZE, SEED = 44_000, 20
STYLES = ("plain", "lower", "upper", "typo")
_EXCERPTS = 0.25
_NOTES = 0.6
"""Share of the examples that is a whole note or letter."""
_ORDER = 3
_JOINS = (" ", "\n", "  ", ". ", "; ", " - ")


def examples(
    size: int = SIZE, seed: int = SEED, notes: tuple[written.Text, ...] = ()
) -> list[Example]:
    """So many examples; the same for the same seed.  `notes`: others than the package's."""
    pick = random.Random(seed)  # noqa: S311 - made-up texts, nothing secret
    lines = [line for line in vocabulary.lines_of("sentences") if line.strip()]
    with_names = [line for line in lines if "{" in line]
    without = [line for line in lines if "{" not in line]
    whole = notes or written.notes()
    return [
        _note(_part(pick.choice(whole), pick), pick)
        if pick.random() < _NOTES
        else _example(with_names, without, pick)
        for _ in range(size)
    ]


def _part(note: written.Text, pick: random.Random) -> written.Text:
    """A note, or a few lines of one: that initials close many a note does not make initials of what
    closes a line.
    """
    return written.excerpt(note, pick) if pick.random() < _EXCERPTS else note


def digest() -> str:
    """Of every list that the examples are made from and read with: another list, another model."""
    names = ("forenames", "rare_forenames", "surnames", "rare_surnames", "places", "hospitals", "clinical",
             "brands", "eponyms", "ordinary", "homely", "abbreviations", "rare_abbreviations", "groups", "nicknames",
             "sentences")  # fmt: skip
    whole = "\n".join(line for name in names for line in vocabulary.lines_of(name))
    return hashlib.sha256(f"{whole}\n{written.notes()}".encode()).hexdigest()[:16]


def styled(
    note: Iterable[tuple[str, str]], style: str, pick: random.Random
) -> tuple[str, list[tuple[int, int, str]]]:
    """A note in one of the styles: the text, and its pieces by place and kind."""
    text, pieces = "", []
    for kind, words in note:
        told = _styled(_slipped(words, style, pick), style)
        pieces.append((len(text), len(text) + len(told), kind))
        text += told
    return text, pieces


def _note(note: written.Text, pick: random.Random) -> Example:
    """A note with other people in it, in one of the styles."""
    cast = written.Cast({Label.NAME: _either, Label.ADDRESS_LINE: _place}, pick)
    style = pick.choices(STYLES, (5, 3, 3, 2))[0]
    text, pieces = styled(((kind, cast.plays(kind, words)) for kind, words in note), style, pick)
    spans = (Span(*piece) for piece in pieces if piece[2] not in written.PLAIN)
    return Example(text, tuple(spans))


def _example(with_names: list[str], without: list[str], pick: random.Random) -> Example:
    text, spans = "", []
    style = pick.choices(STYLES, (5, 3, 3, 2))[0]
    for _ in range(pick.randint(3, 7)):
        line = pick.choice(with_names if pick.random() < 0.5 else without)
        if pick.random() < 0.25:
            line = _salad(pick)
        if pick.random() < 0.3:
            line = line.rstrip(".")
        more, found = _filled(line, style, pick)
        spans += [Span(s.start + len(text), s.end + len(text), s.label) for s in found]
        text += more + pick.choice(_JOINS)
    return Example(text, tuple(spans))


_OF_NOTES = ("clinical", "clinical", "brands", "ordinary", "homely", "eponyms", "abbreviations")


def _salad(pick: random.Random) -> str:
    """Words of medicine in no order: what notes are made of where they are short."""
    out = []
    for _ in range(pick.randint(3, 9)):
        word = pick.choice(_sorted(pick.choice(_OF_NOTES)))
        if vocabulary.flags(word) & vocabulary.NAME:
            word = f"{word} {pick.choice(('disease', 'syndrome', 'sign', 'test', 'score'))}"
        elif len(word) < 4 and pick.random() < 0.7:
            word = word.upper()
        elif pick.random() < 0.15:
            word = (
                f"{word} {pick.choice(('5 mg', '20mg od', '1 g tds', 'bd', 'neg', '+ve', '2/52'))}"
            )
        out.append(word.title() if pick.random() < 0.25 else word)
    return pick.choice((" ", ", ", ". ")).join(out) + "."


def _filled(line: str, style: str, pick: random.Random) -> tuple[str, list[Span]]:
    text, spans = "", []
    while line:
        head, brace, rest = line.partition("{")
        text += _styled(_slipped(head, style, pick), style)
        if not brace:
            break
        label, make = _SLOTS[rest[0]]
        word = _styled(make(pick), style)
        spans.append(Span(len(text), len(text) + len(word), label))
        text += word
        line = rest[2:]
    return text, spans


def _styled(text: str, style: str) -> str:
    return text.lower() if style == "lower" else text.upper() if style == "upper" else text


def _slipped(text: str, style: str, pick: random.Random) -> str:
    """One letter in forty left out, doubled or swapped."""
    if style != "typo" or len(text) < 8 or pick.random() < 0.5:
        return text
    i = pick.randrange(1, len(text) - 2)
    if not text[i : i + 2].isalpha():
        return text
    return pick.choice((text[:i] + text[i + 1 :], text[:i] + text[i] + text[i:],
                        text[:i] + text[i + 1] + text[i] + text[i + 2 :]))  # fmt: skip


@cache
def _sorted(name: str) -> tuple[str, ...]:
    return tuple(sorted(word for word in vocabulary.words_of(name) if len(word) > 1))


@cache
def _followers(name: str) -> dict[str, str]:
    """What letters follow two or three others in the words of a list."""
    found: dict[str, list[str]] = {}
    for word in _sorted(name):
        edged = "^" * _ORDER + word + "$"
        for i in range(_ORDER, len(edged)):
            found.setdefault(edged[i - _ORDER : i], []).append(edged[i])
    return {key: "".join(letters) for key, letters in found.items()}


def _invented(name: str, pick: random.Random) -> str:
    """A word that could stand in the list."""
    followers = _followers(name)
    word = "^" * _ORDER
    while len(word) < 16:
        letter = pick.choice(followers[word[-_ORDER:]])
        if letter == "$":
            break
        word += letter
    return word.strip("^") or pick.choice(_sorted(name))


def _name(which: str, pick: random.Random) -> str:
    known = pick.random() < 0.4
    word = pick.choice(_sorted(which)) if known else _invented(which, pick)
    if known and vocabulary.flags(word) & vocabulary.WORD and pick.random() < 0.8:
        word = _invented(which, pick)
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))


def _forename(pick: random.Random) -> str:
    return _name("forenames", pick)


def _surname(pick: random.Random) -> str:
    last = _name("surnames", pick)
    return f"{last}-{_name('surnames', pick)}" if pick.random() < 0.06 else last


def _either(pick: random.Random) -> str:
    return pick.choice((_forename, _surname))(pick)


def _full(pick: random.Random) -> str:
    first = _forename(pick)
    form = pick.random()
    if form < 0.15:
        return f"{first[0]}. {_surname(pick)}"
    if form < 0.25:
        return f"{first[0]} {_surname(pick)}"
    middle = f" {_forename(pick)}" if form > 0.9 else ""
    return f"{first}{middle} {_surname(pick)}"


def _turned(pick: random.Random) -> str:
    last = _surname(pick)
    return pick.choice(
        (
            f"{last.upper()}, {_forename(pick)}",
            f"{last.upper()} {_forename(pick)}",
            f"{last}, {_forename(pick)}",
        )
    )


def _initials(pick: random.Random) -> str:
    return "".join(pick.choice("ABCDEFGHJKLMNOPRSTVWY") for _ in range(pick.choice((2, 2, 3))))


def _place(pick: random.Random) -> str:
    if pick.random() < 0.5:
        return pick.choice(sorted(vocabulary.phrases_of("places"))).title()
    return _invented("places", pick).strip(";").title() or "Ashby"


def _street(pick: random.Random) -> str:
    first = pick.choice(sorted(LANDSCAPE)) if pick.random() < 0.6 else _surname(pick)
    return f"{pick.randrange(1, 200)} {first.title()} {pick.choice(sorted(SURE_STREETS)).title()}"


def _hospital(pick: random.Random) -> str:
    if pick.random() < 0.6:
        return pick.choice(sorted(vocabulary.phrases_of("hospitals"))).title()
    return f"{_place(pick)} {pick.choice(('Hospital', 'General', 'Infirmary', 'Royal', 'Community Hospital'))}"


def _practice(pick: random.Random) -> str:
    first = (
        pick.choice((_place, _surname))(pick)
        if pick.random() < 0.6
        else pick.choice(sorted(LANDSCAPE)).title()
    )
    return f"{first} {pick.choice(('Surgery', 'Medical Centre', 'Health Centre', 'Medical Practice', 'Group Practice', 'Practice'))}"


_SLOTS: dict[str, tuple[str, Callable[[random.Random], str]]] = {
    "n": (Label.NAME, _full), "f": (Label.NAME, _forename), "l": (Label.NAME, _surname),
    "N": (Label.NAME, _turned), "i": (Label.INITIALS, _initials), "a": (Label.ADDRESS_LINE, _street),
    "p": (Label.ADDRESS_LINE, _place), "h": (Label.HOSPITAL_NAME, _hospital),
    "g": (Label.GP_IDENTIFIER, _practice),
}  # fmt: skip
