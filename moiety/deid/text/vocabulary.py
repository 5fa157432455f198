"""What the package knows of a word: whether it can be a name, a place, medicine, or just a word.

The lists in data/ were written for this package.  Endings follow from rules, so that a list names
a word once; misspellings follow from leaving out one letter.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

FORENAME, SURNAME, ORDINARY, CLINICAL, EPONYM, PLACE, ABBREVIATION, GUESSED = (
    1, 2, 4, 8, 16, 32, 64, 128,
)  # fmt: skip
"""`GUESSED` stands beside ORDINARY or CLINICAL where only the word's ending says so: `Ijeoma`."""
NAME = FORENAME | SURNAME
WORD = ORDINARY | CLINICAL

MOST_CACHED, LONGEST_CACHED = 100_000, 64
"""Words that a process remembers, and letters of one: bounded, whatever it reads."""

_LONG = 5
_CLINICAL_ENDINGS = re.compile(
    r"(?:itis|osis|oses|aemia|emia|uria|ectomy|ectomies|otomy|ostomy|oscopy|plasty|pathy|algia"
    r"|graphy|graph|gram|ology|ologist|ological|metry|plegia|paresis|paraesthesia|trophy|trophic"
    r"|megaly|rrhoea|rrhagia|rrhage|lysis|lytic|penia|cyte|cytes|cytic|cytosis|blast|toxic"
    r"|therapy|scopic|genic|aemic|oma|omas|olol|pril|sartan|statin|mab|tinib|nib|cillin|mycin"
    r"|floxacin|azole|prazole|idine|amine|azepam|azine|triptan|gliptin|gliflozin|glutide|dronate"
    r"|parin|xaban|oxetine|pram|tidine|dipine|semide|thiazide|cycline|vir|vudine|fenac|profen"
    r"|coxib|caine|curium|flurane|barbital|zolam|peridol|apine|idone|sone|solone|asone|onide"
    r"|terol|tropium|lukast|phylline|setron|platin|rubicin|taxel|mustine|trexate|grastim|poetin"
    r"|tide|relin|ium)$"
)
_ORDINARY_ENDINGS = re.compile(
    r"(?:tion|tions|sion|sions|ment|ments|ness|nesses|ity|ities|ical|ically|ically|ous|ously"
    r"|able|ably|ible|ibly|ful|fully|less|lessly|wise|ward|wards|ated|ating|ised|ising|ized"
    r"|izing|ify|ifies|ified|ances?|ences?|ology|ologies|isms?|ship|hood|ingly|edly|tive|tively"
    r"|tory|ially|ality|like|shaped|sized|related|based|free)$"
)
_STEMS = (
    ("'s", ""), ("s'", "s"), ("ies", "y"), ("ied", "y"), ("ier", "y"), ("iest", "y"),
    ("ily", "y"), ("es", ""), ("es", "e"), ("s", ""), ("ed", ""), ("ed", "e"), ("d", ""),
    ("ing", ""), ("ing", "e"), ("ly", ""), ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"),
    ("est", ""), ("al", ""), ("y", ""),
)  # fmt: skip
_SHORT_STEMMED = frozenset({"al", "y", "er", "ers", "d", "ly", "est", "es"})
_LOOSE = frozenset({"er", "ers", "y", "al", "est", "ier"})
"""Endings that surnames have too: `Tipper`."""
_PREFIXES = ("un", "re", "non", "pre", "post", "over", "under", "dis", "mis", "anti", "sub",
             "inter", "multi", "hyper", "hypo", "peri", "intra", "extra", "micro", "co")  # fmt: skip


def words_of(name: str) -> frozenset[str]:
    """The words of one list of the package; lines that start with # are remarks."""
    return frozenset(" ".join(lines_of(name)).split())


def phrases_of(name: str) -> frozenset[str]:
    """The phrases of one list of the package, which a semicolon or the line's end divides."""
    parts = (part.strip() for line in lines_of(name) for part in line.split(" ; "))
    return frozenset(part for part in parts if part)


def lines_of(name: str) -> list[str]:
    text = (resources.files(__package__) / "data" / f"{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


@cache
def _lists() -> tuple[tuple[int, frozenset[str]], ...]:
    places = frozenset(word for phrase in phrases_of("places") for word in [phrase])
    return (
        (FORENAME, words_of("forenames") | words_of("rare_forenames") | frozenset(nicknames())),
        (SURNAME, words_of("surnames") | words_of("rare_surnames")),
        (CLINICAL, words_of("clinical") | words_of("brands")),
        (
            EPONYM,
            frozenset(
                p
                for w in words_of("eponyms")
                for p in (w, w.removesuffix("'s"), *w.split("-"))
                if len(p) > 1
            ),
        ),
        (PLACE, places),
        (ABBREVIATION, words_of("abbreviations") | words_of("rare_abbreviations")),
    )


@cache
def ordinary() -> frozenset[str]:
    """The ordinary words, in the forms in which the list has them."""
    return words_of("ordinary") | words_of("homely")


@cache
def _groups() -> dict[str, frozenset[str]]:
    """The small lists of the rules, by name; a line that begins with blanks goes on with one."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines_of("groups"):
        head, colon, rest = line.partition(": ")
        if colon:
            name = head
        found.setdefault(name, []).extend((rest if colon else line).split())
    return {name: frozenset(words) for name, words in found.items()}


def group(name: str) -> frozenset[str]:
    """The words that one rule asks for: data/groups.txt has them."""
    return _groups()[name]


@cache
def nicknames() -> dict[str, frozenset[str]]:
    """What else a forename's bearer is called, both ways."""
    other: dict[str, set[str]] = {}
    for line in lines_of("nicknames"):
        name, _, short = line.partition(":")
        for nick in short.split():
            other.setdefault(name, set()).add(nick)
            other.setdefault(nick, set()).add(name)
    return {name: frozenset(also) for name, also in other.items()}


@cache
def _rare() -> frozenset[str]:
    return words_of("rare_abbreviations")


def before_digits(word: str) -> int:
    """What a word may be that stands in front of digits: a rare abbreviation is any letters there."""
    found = flags(word)
    return found & ~ABBREVIATION if found & ABBREVIATION and word in _rare() else found


_known: dict[str, int] = {}


def flags(word: str) -> int:
    """What a word in lower case may be; 0 for a word that nothing is known of."""
    found = _known.get(word)
    if found is None:
        if len(_known) > MOST_CACHED:
            _known.clear()
        found = _flags(word)
        if len(word) <= LONGEST_CACHED:
            _known[word] = found
    return found


def _flags(word: str) -> int:
    bare = word[:-2] if word.endswith(("'s", "'d")) else word.rstrip("'")
    found = 0
    for flag, words in _lists():
        if word in words or bare in words:
            found |= flag
    if bare.startswith(("o'", "d'", "m'")) and bare[2:].isalpha() and bare not in ordinary():
        found |= SURNAME
    if bare in ordinary() or word in ordinary():
        found |= ORDINARY
    elif not found & NAME:
        found |= _by_ending(bare)
    return found


def _by_ending(word: str) -> int:
    """What the ending says of a word that stands in no list of names."""
    for ending, instead in _STEMS:
        if word.endswith(ending) and len(word) > len(ending) + 2 + (ending in _SHORT_STEMMED):
            stem = word[: len(word) - len(ending)] + instead
            if listed(stem) or (len(stem) > 3 and stem[-1] == stem[-2] and listed(stem[:-1])):
                return ORDINARY | GUESSED if ending in _LOOSE else ORDINARY
    for prefix in _PREFIXES:
        if word.startswith(prefix) and len(word) > len(prefix) + 3:
            rest = word[len(prefix) :].lstrip("-")
            if listed(rest) or _by_plain_stem(rest):
                return ORDINARY
    if len(word) > _LONG and _CLINICAL_ENDINGS.search(word):
        return CLINICAL | GUESSED
    if len(word) > _LONG and _ORDINARY_ENDINGS.search(word):
        return ORDINARY | GUESSED
    return 0


def _by_plain_stem(word: str) -> bool:
    return any(
        word.endswith(ending) and listed(word[: len(word) - len(ending)] + instead)
        for ending, instead in _STEMS
        if len(word) > len(ending) + 2
    )


def listed(word: str) -> bool:
    """Whether a word stands in the lists of ordinary or clinical words as it is written."""
    return word in ordinary() or word in _lists()[2][1]


def _deletes(word: str) -> Iterable[str]:
    return (word[:i] + word[i + 1 :] for i in range(len(word)))


@cache
def _misspelt(*kinds: str) -> frozenset[str]:
    """Every listed word of five letters and more, whole and with one letter left out."""
    out: set[str] = set()
    for kind in kinds:
        for word in words_of(kind):
            if len(word) >= _LONG and word.isalpha():
                out.add(word)
                out.update(_deletes(word))
    return frozenset(out)


def near(word: str, *kinds: str) -> bool:
    """Whether one slip of the pen makes `word` of a word in these lists (five letters or more)."""
    if len(word) < _LONG:
        return False
    slips = _misspelt(*kinds)
    return word in slips or any(short in slips for short in _deletes(word))


def near_name(word: str) -> bool:
    """Whether a word may be a misspelt forename or surname."""
    return near(word, "forenames", "surnames")


def near_word(word: str) -> bool:
    """Whether a word may be a misspelt ordinary or clinical word."""
    return near(word, "ordinary", "clinical")


def one_slip(word: str, other: str) -> bool:
    """Whether `word` is `other`, or one letter is left out, added, changed, or two are swapped."""
    if word == other:
        return True
    if abs(len(word) - len(other)) > 1:
        return False
    if len(word) == len(other):
        wrong = [i for i, (a, b) in enumerate(zip(word, other, strict=True)) if a != b]
        swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1
        return len(wrong) == 1 or (swapped and sorted(word) == sorted(other))
    short, long = sorted((word, other), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
