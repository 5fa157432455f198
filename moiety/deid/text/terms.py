"""What a word is that could be a name and is none: a term, an ethnic group, a drug, a slip of the pen."""

from moiety.deid.text import vocabulary
from moiety.deid.text.roles import KIN, TERM_HEADS
from moiety.deid.text.vocabulary import (
    EPONYM,
    FORENAME,
    NAME,
)
from moiety.deid.text.words import NUMBER, Words

_PERSON_HEADS = vocabulary.group("people_person_heads")
_OWNED = vocabulary.group("people_owned")
_ETHNIC = vocabulary.group("people_ethnic")


def is_ethnic(words: Words, i: int) -> bool:
    """`Black Caribbean`, `White British`: what somebody is, never redacted."""
    if words.low[i] not in _ETHNIC:
        return False
    after = words.low[i + 1] if i + 1 < len(words.low) else ""
    before = words.low[i - 1] if i else ""
    return (
        after in _ETHNIC
        or before in _ETHNIC
        or before in ("old", "ethnicity", "race")
        or after in ("man", "woman", "lady", "gentleman", "male", "female", "boy", "girl")
    )


def nearly_name(word: str) -> bool:
    """Whether a word is a slip of a name rather than of another word."""
    return vocabulary.near_name(word) and not vocabulary.near_word(word)


def looks_wrong(words: Words, i: int) -> bool:
    """Whether an unknown word is more likely a drug, a heading or a slip of the pen."""
    word = words.low[i]
    return dosed(words, i) or (vocabulary.near_word(word) and not vocabulary.near_name(word))


def dosed(words: Words, i: int) -> bool:
    """Whether a dose follows, as behind a drug."""
    if numbered(words, i):
        after = words.low[i + 1]
        if after.endswith(("mg", "mcg", "g", "ml", "%")) or (
            i + 2 < len(words.low) and words.low[i + 2] in ("mg", "mcg", "g", "ml", "units", "od")
        ):
            return True
    return False


_COMPOUNDS = frozenset(word for word in vocabulary.words_of("eponyms") if "-" in word)


def is_compound(words: Words, i: int) -> bool:
    """Whether the word beside makes a listed eponym of two, or hyphens one of more: `Mallory-Weiss`,
    `Van Nuys`, `Wolff-Parkinson-White`.
    """
    low, gaps = words.low, words.gaps
    for j in (i, i - 1):
        if j < 0 or j + 1 >= len(low) or gaps[j] not in ("-", " "):
            continue
        if f"{low[j]}-{low[j + 1]}" in _COMPOUNDS:
            forenames = words.flags[j] & words.flags[j + 1] & FORENAME
            return not forenames or low[j + 2 : j + 3] == [] or low[j + 2] in TERM_HEADS
    first = last = i
    while first and gaps[first - 1] == "-":
        first -= 1
    while last + 1 < len(low) and gaps[last] == "-":
        last += 1
    return last - first > 1 and "-".join(low[first : last + 1]) in _COMPOUNDS


_PHRASES = vocabulary.group("naming_phrases")
_TIES = frozenset({"-", " ", " & ", "&"})


def _phrase(words: Words, i: int) -> bool:
    """Whether the word beside makes an everyday phrase: `pat dry`, `cotton wool`, `x-ray`."""
    low, gaps = words.low, words.gaps
    if gaps[i] in _TIES and i + 1 < len(low) and f"{low[i]}-{low[i + 1]}" in _PHRASES:
        return True
    return bool(i) and gaps[i - 1] in _TIES and f"{low[i - 1]}-{low[i]}" in _PHRASES


def is_term(words: Words, i: int) -> bool:
    """Whether the word is part of a term of medicine: an eponym with its disease or device."""
    known, possessive = words.flags[i], words.gaps[i][:1] == "'"
    if known & EPONYM and is_of(words, i):
        return True
    if i and words.gaps[i - 1] == "-" and words.low[i - 1] == "anti":
        return True
    if known & EPONYM and is_compound(words, i):
        return True
    if known & NAME and _phrase(words, i):
        return True
    for j in (i + 1, i + 2):
        if j >= len(words.low) or any(c in words.gaps[j - 1] for c in "\n.,;:|("):
            break
        if words.low[j] in TERM_HEADS and (
            known & EPONYM or not known & NAME or possessive or j == i + 1
        ):
            return not (words.low[j] in _PERSON_HEADS and not known & EPONYM)
        if words.gaps[j - 1] != "-" and not words.flags[j] & EPONYM:
            break
    if known & EPONYM and possessive:
        after = words.low[i + 1] if i + 1 < len(words.low) else ""
        return after not in KIN and after not in _OWNED
    return bool(
        i and words.gaps[i - 1] == "-" and words.flags[i - 1] & EPONYM and known & EPONYM
        and not words.flags[i - 1] & NAME
    )  # fmt: skip


_HEADS_BEFORE = vocabulary.group("terms_heads_before")


def is_of(words: Words, i: int) -> bool:
    """Whether a head and `of` stand before: `circle of Willis`, `islets of Langerhans`."""
    before = words.low[max(0, i - 2) : i]
    return len(before) > 1 and before[1] == "of" and before[0] in _HEADS_BEFORE


def numbered(words: Words, i: int) -> bool:
    """Whether a number follows: `ward 5`."""
    return i + 1 < len(words.low) and words.shapes[i + 1] == NUMBER and words.gaps[i] == " "
