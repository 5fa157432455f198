"""What is never taken, whoever found it: age, sex, what people are, speak and believe."""

import re

from moiety.deid.text import explaining, vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words

_PEOPLES = vocabulary.words_of("peoples")
_SURNAMES_TOO = frozenset({"english", "french", "german", "irish", "welsh", "scottish", "white", "black", "brown", "christian",
                           "israeli", "roman", "cornish", "norman", "shona", "jain", "romany", "dutch", "lao", "luo", "ewe", "berber", "tetum", "tigre", "twi",
                           "akan"})  # fmt: skip
"""These are taken unless the words beside speak of peoples."""
_BEFORE = frozenset(
    {"speaks", "speak", "speaking", "spoken", "language", "languages", "lang", "nationality", "ethnicity", "ethnic", "fluent",
     "understands", "religion", "faith", "some", "limited"}
)  # fmt: skip
_BEHIND = frozenset(
    {"speaking", "speaker", "speakers", "spoken", "language", "interpreter", "translator", "background", "heritage", "origin",
     "descent", "community", "man", "woman", "lady", "gentleman", "male", "female", "boy", "girl", "national", "translation",
     "church", "interpreting", "family", "couple", "people"}
)  # fmt: skip
"""What says before or behind such a word that a people or a language is meant."""
_ADDRESSED = frozenset({"doctor", "doctors", "sir", "madam", "colleague", "colleagues", "team", "all", "parent", "parents", "carer",
                        "guardian", "both", "everyone", "nurse", "dr", "mr"})  # fmt: skip
_GREETING = frozenset({"dear", "hi", "hello", "to", "dr", "mr"})
_SPARED = frozenset(
    {
        Label.NAME,
        Label.INITIALS,
        Label.ADDRESS_LINE,
        Label.HOSPITAL_NAME,
        Label.GP_IDENTIFIER,
        Label.DATE,
    }
)
_SEX = re.compile(r"[MFmf](?=[ ]?(?:1?\d{1,2})(?![\w/.:-])|\)|/\d{1,2}(?!\w))")
_SEX_AND_AGE = re.compile(r"[MFmf]1?\d{1,2}\Z")
_NO_NUMBERS = frozenset(
    {Label.NAME, Label.INITIALS, Label.HOSPITAL_NUMBER, Label.ADDRESS_LINE, Label.DATE}
)
_BEFORE_SEX = re.compile(r"(?:[ (,;|\t\n]|\A)\Z")
_AGE = re.compile(r"1?\d{1,2}\Z")
_SEX_BEFORE = re.compile(r"(?<!\w)[MFmf][ /]?\Z")
_AGED = re.compile(r" ?(?:[MFmf](?!\w)|y/?o\b|yrs?\b|years?\b|yr-old)")


def is_never_taken(words: Words, span: Span) -> bool:
    """Whether a finding is nothing but an age, a sex, a people, a language or a faith, or is explained
    by what stands beside it.
    """
    found = words.text[span.start : span.end]
    if len(found) <= _LONGEST_AGE:
        if len(found) == 1 and _SEX.match(words.text, span.start):
            return _BEFORE_SEX.search(words.text, max(0, span.start - 1), span.start) is not None
        if _SEX_AND_AGE.match(found):
            return span.label in _NO_NUMBERS
        if _AGE.match(found):
            return _is_age(words.text, span)
    if span.label in _SPARED:
        head = found.partition(" ")[0].lower().partition("-")[0]
        if head in _HEADS and _is_people(words, span):
            return True
    return explaining.is_explained(words, span)


_LONGEST_AGE = len("F103")


def _is_age(text: str, span: Span) -> bool:
    before = _SEX_BEFORE.search(text, max(0, span.start - 3), span.start)
    return before is not None or _AGED.match(text, span.end) is not None


def _is_people(words: Words, span: Span) -> bool:
    """Whether a word for a people, a language or a faith is meant as one, or whoever is greeted."""
    within = [i for i in words.within(span.start, span.end) if words.low[i] != "the"]
    if not within:
        return False
    first, last = within[0], within[-1]
    if span.label == Label.NAME and all(words.low[i] in _ADDRESSED for i in within):
        return bool(first) and words.low[first - 1] in _GREETING
    if any(words.low[i] not in _PEOPLES and words.low[i] not in _SURNAMES_TOO for i in within):
        return False
    before = words.low[first - 1] if first and words.gaps[first - 1].strip(" .") == "" else ""
    if before in TITLES:
        return False
    if all(words.low[i] in _PEOPLES for i in within):
        return True
    led = _LANGUAGES.isdisjoint(words.low[max(0, first - 3) : first])
    followed = _OF_PEOPLE.isdisjoint(words.low[last + 1 : last + 3])
    return not (led and followed)


_HEADS = _PEOPLES | _SURNAMES_TOO | _ADDRESSED | {"the"}
_LANGUAGES, _OF_PEOPLE = _BEFORE | _PEOPLES, _BEHIND | _PEOPLES
