"""The whole of a name: `Delroy "Biscuit" Ashmeade`, `Big Trev`, `Kieran Snr`, `elsie m`.

What people are called beside their names stands before, between or behind them, and belongs to no
list.  A name that was found takes it along.
"""

import re
from collections.abc import Iterable, Iterator

from moiety.deid.text import nicknamed, vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import FORENAME
from moiety.deid.text.words import TITLE, Words

_YOUNGER = re.compile(
    r",? (?:snr|jnr|junior|senior|jr|Sr)\b\.?(?!\w)(?! (?:partner|registrar|lecturer|sister|nurse|house|clinical|fellow|doctor|clerk))",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"(?<![\w-])(?:Big|Wee|Auld|Lil'?|Baby(?: Boy| Girl)?|Aunty|Auntie|Uncle|Nana|Nanny|Granny|Gran) \Z"
)
_CALLED_SMALL = re.compile(r"(?<![\w-])(?:big|wee|auld|lil'?|baby (?:boy|girl)) \Z", re.IGNORECASE)
_LETTER = re.compile(
    r" [b-hj-z](?:\.(?=[ ,;:)\n])|(?=[,;:)|/\n]|\Z| \d| \(| [-–|] ))", re.IGNORECASE
)
_GAELIC = re.compile(
    r" (?:(?:an|na|a'|Giolla|Con|Fhionn|Dhonn|Dhubh|Ruadh|Bàn|Bhàn|Mòr|Óg|Og) ?)?[tnh]?[A-ZÁÉÍÓÚÀÈÌÒÙ][\w'-]+"
)
_GAELIC_END = re.compile(r"(?:^|[ ])(?:Mac|Mc|Nic|Ni|Ní|Ó|Ui|Uí|Mhic|MacGiolla|ap|ab|ferch)$")
_REACH = 24


def whole(words: Words, spans: Iterable[Span]) -> Iterator[Span]:
    """The spans, names with what belongs to them."""
    for span in spans:
        if span.label != Label.NAME:
            yield span
            continue
        yield from nicknamed.beside(words, span)
        yield span.at(_start(words, span), _end(words, span))


def _start(words: Words, span: Span) -> int:
    text, floor = words.text, max(0, span.start - _REACH)
    small = words.case != TITLE or text[span.start].islower()
    match = (_CALLED_SMALL if small else _CALLED).search(text, floor, span.start)
    return match.start() if match else span.start


def _end(words: Words, span: Span) -> int:
    """Behind `Snr`, or behind the letter that a surname is short for."""
    text, end = words.text, span.end
    if match := _YOUNGER.match(text, end):
        return match.end()
    name = text[span.start : end]
    if _GAELIC_END.search(name) and (match := _GAELIC.match(text, end)):
        return match.end()
    if " " not in name and vocabulary.flags(name.lower()) & FORENAME:
        match = _LETTER.match(text, end)
        if match and (text[end + 1].isupper() or name.islower()):
            return match.start() + 2
    return end
