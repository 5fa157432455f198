"""What is never taken, whoever found it: age, sex, what people are, speak and believe; and what is
not taken on a guess alone: an eponym with its disease, sign or device, readings in a row.
"""

import re

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import TERM_HEADS, TITLES
from moiety.deid.text.spans import GUESSES, Span
from moiety.deid.text.terms import is_compound, is_of, is_term
from moiety.deid.text.vocabulary import EPONYM, NAME, ORDINARY, PLACE
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
    """Whether a finding is nothing but an age, a sex, a people, a language or a faith."""
    text, found = words.text, words.text[span.start : span.end]
    if len(found) > _SHORT:
        if span.label in _WORDED and (_is_anatomy(words, span) or _WORT.match(text, span.end)):
            return True
        if span.why in GUESSES and _MEASURED.fullmatch(found):
            return True
        if span.label not in _SPARED:
            return span.why in GUESSES and _READINGS.match(found) is not None
        head = found.partition(" ")[0].lower().partition("-")[0]
        if head not in _HEADS:
            return span.why in GUESSES and (_is_term(words, span) or _is_abbreviated(words, span))
    elif span.why in GUESSES and span.label == Label.INITIALS and _is_abbreviated(words, span):
        return True
    elif len(found) == 1 and _SEX.match(text, span.start):
        return _BEFORE_SEX.search(text, max(0, span.start - 1), span.start) is not None
    elif _SEX_AND_AGE.match(found):
        return span.label in _NO_NUMBERS
    elif _AGE.match(found):
        return bool(
            _SEX_BEFORE.search(text, max(0, span.start - 3), span.start)
            or _AGED.match(text, span.end)
        )
    if span.label not in _SPARED:
        return False
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


def _is_term(words: Words, span: Span) -> bool:
    """`Huntington's disease`, `Hickman line`, whole or in part."""
    within = words.within(span.start, span.end)
    if not any(words.flags[i] & EPONYM for i in within):
        return False
    if len(within) == 1 and not words.flags[within[0]] & (NAME | PLACE | ORDINARY):
        first = within[0]
        named = first and words.gaps[first - 1] in _JOINED and words.flags[first - 1] & NAME
        return not named and words.low[first - 1 : first] not in _TITLED
    return all(words.low[i] in TERM_HEADS or is_term(words, i) for i in within)


_ABBREVIATED_HEADS = vocabulary.group("sparing_heads")
_HEADINGS = vocabulary.group("sparing_headings")
_GENOTYPED = frozenset({"hb", "hba", "haemoglobin", "genotype", "phenotype", "thal"})


def _is_abbreviated(words: Words, span: Span) -> bool:
    """`JC virus`, `Hb SS`, `DH: ramipril`: letters that a word beside, or their colon, makes a term."""
    within = words.within(span.start, span.end)
    if len(within) != 1:
        return False
    i = within[0]
    after = words.gaps[i]
    if after in _JOINED and words.low[i + 1 : i + 2] and words.low[i + 1] in _ABBREVIATED_HEADS:
        return True
    if i and words.low[i - 1] in _GENOTYPED and words.gaps[i - 1] == " ":
        return True
    return after[:1] == ":" and words.low[i] in _HEADINGS


_TITLED = [[title] for title in TITLES]
_WORT = re.compile(r"(?:['’]?s)? wort(?!\w)", re.IGNORECASE)
"""`⟦St John's⟧ wort`"""
_WORDED = frozenset({Label.NAME, Label.ADDRESS_LINE, Label.HOSPITAL_NAME})


def _is_anatomy(words: Words, span: Span) -> bool:
    """`circle of ⟦Willis⟧`, `⟦Ramsay Hunt⟧`: a term whatever rule took it."""
    within = [i for i in words.within(span.start, span.end) if words.low[i] != "the"]
    if not within or not all(words.flags[i] & EPONYM for i in within):
        return False
    first, last = within[0], within[-1]
    if len(within) == 1:
        return is_of(words, first)
    joined = len(within) == 1 + 1 and words.gaps[first] in _JOINED
    titled = first and words.low[first - 1] in TITLES
    return joined and not titled and span.label == Label.ADDRESS_LINE and is_compound(words, last)


_MEASURED = re.compile(r"\d+(?:[.]\d+)?(?: ?[xX×] ?\d+(?:[.]\d+)?){1,2} ?(?:mm|cm|m)?")
"""`15x12x4mm`"""
_JOINED = frozenset({" ", "-", "/"})
_READINGS = re.compile(
    r"\d{2,3}(?:/\d{2,3}){2,3}\Z|[<>]?(?:[89]\d|1\d\d|2[0-4]\d)/(?:[3-9]\d|1[0-4]\d)(?: \d{2,3}(?:/\d{2,3})?)?\Z"
)
"""Peak flows one after the other, blood pressures."""
_SHORT = 3
_HEADS = _PEOPLES | _SURNAMES_TOO | _ADDRESSED | {"the"}
_LANGUAGES, _OF_PEOPLE = _BEFORE | _PEOPLES, _BEHIND | _PEOPLES
