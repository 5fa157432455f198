"""Normal forms of what identifies a person; equal forms are the same thing, however written.

A form is a letter for its kind and a text: `n:smith`, `d:1985-04-03`, `#:9434765919`.  Of names,
further forms stand for one slip of the pen, so that equality of forms decides it: a name of n
letters has 4n+1 forms and a written word n+1, and they meet exactly when one letter was left out,
put in, exchanged or swapped with its neighbour (Damerau's four slips).
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

# Letters that do not decompose into a base letter and a mark.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
)
_APOSTROPHES = re.compile(r"['’‘ʼ`´]")
SHORTEST_SLIP = 5  # letters: shorter names have too many neighbours that are words
KINDS = {
    "n": "NAME",
    "g": "NAME",
    "s": "INITIALS",
    "d": "DATE_OF_BIRTH",
    "#": "NUMBER",
    "i": "NUMBER",
    "p": "POSTCODE",
    "a": "ADDRESS",
    "c": "ADDRESS",
    "m": "EMAIL",
}
STREETS = {
    "street": "st", "road": "rd", "avenue": "ave", "lane": "ln", "drive": "dr", "close": "cl",
    "court": "ct", "crescent": "cres", "gardens": "gdns", "grove": "gr", "place": "pl",
    "square": "sq", "terrace": "terr", "way": "way", "walk": "walk", "row": "row", "mews": "mews",
    "hill": "hill", "park": "pk", "rise": "rise", "view": "view", "parade": "pde", "green": "grn",
    "house": "hse", "cottage": "cott", "flat": "flat", "apartment": "apt", "block": "blk",
}  # fmt: skip
_ALSO = {"av": "ave", "str": "st", "terrace": "terr", "ter": "terr", "gdn": "gdns", "crs": "cres"}


def fold(word: str) -> str:
    """A word in small base letters: "O’Neill" is "oneill", "Łukasz" is "lukasz"."""
    folded = unicodedata.normalize("NFKD", word).casefold().translate(_PLAIN)
    letters = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return _APOSTROPHES.sub("", letters)


def written_slips(word: str) -> Iterator[str]:
    """What a written word might be with one slip undone; `word` is folded."""
    if len(word) >= SHORTEST_SLIP:
        for place in range(len(word)):
            yield f"g{place}:{word[:place]}{word[place + 1 :]}"


def name_forms(name: str) -> Iterator[str]:
    """A name and all ways to write it with one slip; `name` is folded."""
    yield f"n:{name}"
    if len(name) < SHORTEST_SLIP:
        return
    for place in range(len(name)):
        without = name[:place] + name[place + 1 :]
        yield f"n:{without}"  # a letter left out
        yield f"g{place}:{without}"  # another in its place
        yield f"g{place}:{name}"  # one put in before it
        if place and name[place - 1] != name[place]:  # two swapped
            yield f"n:{name[: place - 1]}{name[place]}{name[place - 1]}{name[place + 1 :]}"
    yield f"g{len(name)}:{name}"  # one put in at the end


def kind_of(form: str) -> str:
    """The kind of identifier that a form stands for: NAME, DATE_OF_BIRTH, …"""
    return KINDS[form[0]]


def number_forms(digits: str) -> Iterator[str]:
    """A number; a telephone number as it is dialled at home and from abroad."""
    yield f"#:{digits}"
    if digits.startswith("0044"):
        digits = digits[2:]
    if digits.startswith("44") and len(digits) in {11, 12, 13}:
        rest = digits[2:].removeprefix("0")
        yield f"#:0{rest}"
    elif digits.startswith("0") and len(digits) in {10, 11}:
        yield f"#:44{digits[1:]}"


def street(words: list[str]) -> str:
    """An address line in folded words, kinds of street as they are shortened."""
    return " ".join(_ALSO.get(word, STREETS.get(word, word)) for word in words)


def day(year: int, month: int, number: int) -> str | None:
    """A date that exists, as a form; None else."""
    try:
        return f"d:{date(year, month, number).isoformat()}"
    except ValueError:
        return None
