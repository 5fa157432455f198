"""A stand-in of the same kind and shape as an identifier, the same for the same identifier.

Numbers are shaped as real ones and are nobody's: NHS numbers begin with 999, which is kept for
tests; telephone numbers are from the ranges that Ofcom keeps for drama; e-mail goes to example.org
(RFC 2606); postcodes begin with a letter that none begins with; letters before a number become X
and its first two digits 9.  Formats of a site have no range that is surely free, so a made-up
hospital number may by chance be somebody's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from moiety.deid.national_numbers import passes_modulus_11
from moiety.deid.text.replacement import keyed
from moiety.deid.text.replacement.invented_names import BEGINNINGS, ENDINGS

_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"[0-9]")
_NUMBER = re.compile(r"[0-9]+")
_KINDS = """
hospital hospitals infirmary clinic clinics centre center unit trust nhs foundation health
healthcare hospice medical practice surgery partnership the of and at for flat apartment floor block
"""
_LAST = """
road street lane avenue close drive way court gardens place terrace crescent square hill park grove
row walk mews view rise green house college group rd st ave ln cl dr
"""
_KINDS_OF_PLACE = frozenset(_KINDS.split())
_KINDS_AT_THE_END = frozenset(_LAST.split())
"""Words that name as often as they say a kind: `Park View`, `Green Close`."""
_DRAMA = ("01632 960", "0113 496 0", "0117 496 0", "0151 496 0", "0161 496 0", "020 7946 0")
_DRAMA_MOBILE = "07700 900"
_UNUSED_AREAS = ("QA", "QB", "QD", "VA", "VB", "VD", "XA", "XB", "XD")


@dataclass(slots=True)
class Namer:
    """The stand-ins of one document under one project's key.

    `initials` and `forenames` remember names that were met, so that "JS" and "J Smith" follow
    "John Smith".
    """

    key: bytes
    initials: dict[str, str] = field(default_factory=dict)
    forenames: dict[tuple[str, str], str] = field(default_factory=dict)

    def stand_in(self, label: str, text: str) -> str:
        """For an identifier of this kind, written as `text`."""
        make = _MAKERS.get(label, _shaped)
        return make(self, label, text)

    def learn(self, name: str) -> None:
        """Note the initials of a name of two words or more, both ways round."""
        words = _WORD.findall(name)
        if len(words) < 2:
            return
        new = [self.word(w) for w in words]
        for was, now in ((words, new), (words[1:] + words[:1], new[1:] + new[:1])):
            letters = "".join(w[0] for w in was).upper()
            self.initials.setdefault(letters, "".join(w[0] for w in now).upper())
            self.forenames.setdefault((was[0][0].casefold(), was[-1].casefold()), now[0][0])

    def word(self, word: str) -> str:
        """An invented name for a word of a name, in its letter case."""
        plain = word.casefold()
        names = (_invented(self.key, "name", plain, at) for at in range(0, 8, 2))
        name = next(name for name in names if name.casefold() != plain)
        return _cased(word, name)


def _invented(key: bytes, purpose: str, thing: str, at: int = 0) -> str:
    """Two syllables that no list of people holds together."""
    return keyed.choice(key, purpose, thing, BEGINNINGS, at) + keyed.choice(
        key, purpose, thing, ENDINGS, at + 1
    )


def _name(namer: Namer, label: str, text: str) -> str:
    del label
    own = re.search(r"['’][sS]\s*$", text)
    body, ending = (text[: own.start()], own[0]) if own else (text, "")
    body = re.sub(r"['’](?=\w)", "", body)  # one word each: an O' or D' would give the name away
    words = _WORD.findall(body)

    def new(match: re.Match[str]) -> str:
        word = match[0]
        return namer.word(word) if len(word) > 1 else _initial(namer, word, words[-1])

    return _WORD.sub(new, body) + ending


def _initial(namer: Namer, letter: str, surname: str) -> str:
    known = namer.forenames.get((letter.casefold(), surname.casefold()))
    return _cased(letter, known or keyed.letter(namer.key, "initial", letter.casefold()))


def _initials(namer: Namer, label: str, text: str) -> str:
    del label
    letters = "".join(c for c in text if c.isalpha()).upper()
    known = namer.initials.get(letters)
    if known is None or len(known) != len(letters):
        known = "".join(
            keyed.letter(namer.key, "initials", letters, at) for at in range(len(letters))
        )
    following = iter(known)
    return "".join(_cased(c, next(following)) if c.isalpha() else c for c in text)


def _place(namer: Namer, label: str, text: str) -> str:
    """Hospitals, practices, streets: words that say the kind of place stay, the others are new."""
    if label == "GP_IDENTIFIER" and re.fullmatch(r"\s*[A-Za-z]{0,2}[0-9][0-9A-Za-z ]*", text):
        return _shaped(namer, label, text)

    def new(match: re.Match[str]) -> str:
        word = match[0]
        if word.isdigit():
            return str(keyed.number(namer.key, "house", text.casefold(), 180) + 1)
        if _says_the_kind(word.casefold(), text[match.end() :]):
            return word
        if len(word) <= 5 and word.isupper() and not text.isupper():
            return "".join(keyed.letter(namer.key, "place", word, at) for at in range(len(word)))
        return namer.word(word)

    return re.sub(r"[0-9]+|[^\W\d_]+(?:['’]s)?", new, text)


def _says_the_kind(word: str, rest: str) -> bool:
    """Whether a word of a place tells what it is, and not which: `Road` where the name ends."""
    return word in _KINDS_OF_PLACE or (
        word in _KINDS_AT_THE_END and re.match(r"[\s.]*(?:[,;\n]|$)", rest) is not None
    )


def _nhs_number(namer: Namer, label: str, text: str) -> str:
    """999 and a right check digit, grouped as the number was."""
    plain = "".join(_DIGIT.findall(text))
    for at in range(100):
        body = "999" + keyed.digits(namer.key, f"nhs{at}", plain, 6)
        for check in "0123456789":
            if passes_modulus_11(body + check):
                return _poured(text, body + check) if len(plain) == 10 else body + check
    raise AssertionError(label)  # one body in eleven has no check digit: never a hundred in a row


def _telephone(namer: Namer, label: str, text: str) -> str:
    del label
    plain = "".join(_DIGIT.findall(text))
    local = plain.removeprefix("00").removeprefix("44").lstrip("0")
    if local.startswith("7"):
        start = _DRAMA_MOBILE
    else:
        start = keyed.choice(namer.key, "area", plain, _DRAMA)
    whole = start + keyed.digits(namer.key, "telephone", plain, 3)
    if text.lstrip().startswith(("+", "00")):
        return "+44 " + whole[1:]
    return whole.replace(" ", "") if plain == text.strip() else whole


def _email(namer: Namer, label: str, text: str) -> str:
    del label
    plain = text.casefold()
    words = [_invented(namer.key, f"email{i}", plain) for i in range(2)]
    return ".".join(words).lower() + "@example.org"


def _postcode(namer: Namer, label: str, text: str) -> str:
    del label
    plain = "".join(c for c in text if c.isalnum()).casefold()
    area = keyed.choice(namer.key, "postcode", plain, _UNUSED_AREAS)
    district = keyed.number(namer.key, "postcode", plain, 19, 1) + 1
    sector = keyed.number(namer.key, "postcode", plain, 10, 2)
    ends = "".join(keyed.choice(namer.key, "postcode", plain, "ABDEFGHJLNP", i) for i in (3, 4))
    return _cased(text, f"{area}{district}{' ' if ' ' in text.strip() else ''}{sector}{ends}")


def _shaped(namer: Namer, label: str, text: str) -> str:
    """Letters become X, digits other digits, the first two of five or more of them 9."""
    plain = "".join(c for c in text if c.isalnum()).casefold()
    count = len(_DIGIT.findall(text))
    new = keyed.digits(namer.key, label, plain, count)
    if count >= 5:
        new = "99" + new[2:]
    return re.sub(r"[^\W\d_]", lambda m: _cased(m[0], "X"), _poured(text, new))


def _extension(namer: Namer, label: str, text: str) -> str:
    plain = "".join(_DIGIT.findall(text))
    return _poured(text, keyed.digits(namer.key, label, plain, len(plain)))


def _poured(shape: str, digits: str) -> str:
    """The digits in the places of the digits of `shape`."""
    following = iter(digits)
    return _DIGIT.sub(lambda _: next(following), shape)


def _cased(was: str, now: str) -> str:
    if was.isupper():
        return now.upper()
    return now.lower() if was.islower() else now


_MAKERS: Mapping[str, Callable[[Namer, str, str], str]] = {
    "NAME": _name,
    "INITIALS": _initials,
    "HOSPITAL_NAME": _place,
    "ADDRESS_LINE": _place,
    "GP_IDENTIFIER": _place,
    "NHS_NUMBER": _nhs_number,
    "TELEPHONE": _telephone,
    "EXTENSION": _extension,
    "EMAIL": _email,
    "POSTCODE": _postcode,
}
