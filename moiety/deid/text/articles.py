"""What leads and ends a name of a place and belongs to it: `The Grange`, `Queen's`, `Upper Slade`."""

import re

from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

_ARTICLE = re.compile(r"(?<!\w)the \Z", re.IGNORECASE)
_OWN = re.compile(r"'s?(?!\w)")
_SIDE = re.compile(
    r"(?<![\w'-])(?:the )?(?:upper|lower|great|little|much|nether|higher|middle|north|south|east|west) \Z",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[ ]?(?:[,;:.)\n|]|\Z)")
_REACH = 12


def articled(text: str, span: Span) -> Span:
    """A hospital or practice with its article and the `'s` of its saint; of an address `Upper` and
    its like, and the article where nothing goes on: `The Cottage,`, but not `the London team`.
    """
    if span.label == Label.ADDRESS_LINE:
        side = _SIDE.search(text, max(0, span.start - _REACH), span.start)
        if side is None and _ENDS.match(text, span.end):
            side = _ARTICLE.search(text, max(0, span.start - _REACH), span.start)
        return span.at(side.start(), span.end) if side else span
    if span.label not in (Label.HOSPITAL_NAME, Label.GP_IDENTIFIER):
        return span
    article = _ARTICLE.search(text, max(0, span.start - _REACH), span.start)
    own = _OWN.match(text, span.end) if span.label == Label.HOSPITAL_NAME else None
    return span.at(article.start() if article else span.start, own.end() if own else span.end)
