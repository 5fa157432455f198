"""E-mail addresses as they are dictated or disguised: `jo dot smith at nhs dot net`, `j.lee (at) nhs (dot) net`."""

import re
from collections.abc import Iterator

from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words

_DOT = r"(?: ?[(\[]dot[)\]] ?| dot | ?\. ?)"
_MARK = rf"(?:{_DOT}| (?:underscore|under score|dash|hyphen|full stop|point) |[_-])"
_AT = r"(?: ?[(\[]at[)\]] ?| at (?:sign )?| ?@ ?)"
_END = (
    r"(?:uk|com|net|org|co|gov|ie|eu|info|wales|scot|cymru|example|io|de|fr|pl|ro|it|es|pt|ng|in)"
)
_EMAIL = re.compile(
    rf"(?<![\w.@])[a-z0-9][a-z0-9'+]{{0,30}}(?:{_MARK}[a-z0-9][a-z0-9'+]{{0,30}}){{0,4}}{_AT}"
    rf"[a-z0-9][\w-]{{0,40}}(?:{_DOT}[a-z0-9][\w-]{{0,30}}){{0,4}}{_DOT}{_END}(?!\w)",
    re.IGNORECASE,
)
_SAID = re.compile(r"(?:[(\[]dot[)\]]| dot )", re.IGNORECASE)
_DOTS = frozenset({"dot"})


def find(words: Words) -> Iterator[Span]:
    """Every address of which a full stop is said."""
    if not words.has(_DOTS):
        return
    for match in _EMAIL.finditer(words.text):
        if _SAID.search(match[0]):
            start = match.start() + _lead(match[0])
            yield Span(start, match.end(), Label.EMAIL, 0.97, "e-mail address said in words")


_LEADS = re.compile(r"(?:e-?mail|address|is|to|on|me|via)(?: address)?(?: is)? ", re.IGNORECASE)


def _lead(stretch: str) -> int:
    match = _LEADS.match(stretch)
    return match.end() if match else 0
