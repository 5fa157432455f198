"""What a word beside a finding makes of it: a term of medicine, a measure, a reading.

`circle of Willis` and `St John's wort` are terms whatever rule took a part of them; an eponym with its
disease, sign or device, letters that a word explains, and readings are so where the model only guesses.
"""

import re

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import TERM_HEADS, TITLES
from moiety.deid.text.spans import GUESSES, Span
from moiety.deid.text.terms import is_compound, is_of, is_term
from moiety.deid.text.vocabulary import EPONYM, NAME, ORDINARY, PLACE
from moiety.deid.text.words import Words

_SHORT = 3
_NUMBERED = frozenset(
    {Label.TELEPHONE, Label.EXTENSION, Label.HOSPITAL_NUMBER, Label.ACCESSION_NUMBER, Label.NHS_NUMBER,
     Label.GMC_NUMBER, Label.HCPC_NUMBER, Label.POSTCODE, Label.EMAIL, Label.DATE_OF_BIRTH}
)  # fmt: skip


def is_explained(words: Words, span: Span) -> bool:
    """Whether what stands in a finding or beside it makes something else of it."""
    guessed = span.why in GUESSES
    if not guessed and span.label not in _WORDED:
        return False
    found = words.text[span.start : span.end]
    long = len(found) > _SHORT
    if long and span.label in _WORDED:
        if _WORT.match(words.text, span.end) or _is_anatomy(words, span):
            return True
    if not guessed:
        return False
    if long and _MEASURED.fullmatch(found):
        return True
    if span.label in _NUMBERED:
        return long and _READINGS.match(found) is not None
    if long:
        return _is_term(words, span) or _is_abbreviated(words, span)
    return span.label == Label.INITIALS and _is_abbreviated(words, span)


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
