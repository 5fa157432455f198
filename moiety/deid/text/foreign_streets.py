"""Streets of other countries: `14 rue des Lilas`, `ul. Lipowa 14`, `Hauptstraße 22, 10115 Berlin`.

The word for a street stands first and the number behind, or the word is the end of the name.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.cues import Places, at
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.words import TITLE, Words

_NUMBER = r"(?:,? ?(?:n[rºo°]?\.? ?)?\d{1,4}(?: ?[a-z](?!\w)|[/-]\d{1,4}[a-z]?| bis| ter)?)"
_FLOOR = r"(?:, ?\d{1,2}(?:[ºª°]|[a-z](?!\w))(?: ?[a-z](?!\w))?)?"
_TOWN = r"(?:,? (?:[A-Z]{1,3}-)?\d{2,3}[ -]?\d{2,3}(?: [A-Z]{2})? [^\W\d_][\w'-]+(?: (?:am|an der|sur|de|del|di|do|da) [^\W\d_][\w'-]+)?)?"
_SMALL = r"(?:d[aeiou]s?|del|della|des|du|de la|de los|de las|dos|san|santa|la|le|les|los|las)"
_NAME = rf"(?:{_SMALL} ){{0,2}}[^\W\d_][\w'’.-]*(?: (?:{_SMALL} ){{0,2}}[^\W\d_][\w'’-]+){{0,2}}"
_FIRST = (
    "rue avenue boulevard allée allee quai chaussée chaussee impasse chemin calle c/ avenida avda av paseo plaza camino carrer urb"
    " urbanización via viale piazza corso vicolo rua travessa praceta largo estrada ul ulica al aleja os osiedle pl plac str strada"
    " bulevardul ulitsa utca ulice"
)  # fmt: skip
_WORDS = frozenset(_FIRST.split())
_FIRST_WORDS = tuple(sorted(_WORDS - {"c/"}))
_REACH = 12
_DOUBTFUL = frozenset(
    {"avenue", "via", "av", "al", "os", "pl", "str", "plaza", "camino", "largo", "c/", "boulevard", "quai", "urb"}
)  # fmt: skip
"""Words that mean something else or stand in English streets too: these want number and capital."""
_HEADS = "|".join(sorted(map(re.escape, _WORDS - {"c/"}), key=len, reverse=True))
_NO = re.compile(r"(?<![\w.-])\d{1,4}(?: ?(?:bis|ter|[a-z](?!\w)))?,? \Z", re.IGNORECASE)
_LED = re.compile(
    rf"(?P<word>{_HEADS})\.? (?P<name>{_NAME})(?:(?P<no>{_NUMBER})(?![\w%]|[.,:/]\d)|(?=[ ]?(?:[,;.)\n|]|\Z)))",
    re.IGNORECASE,
)
_SHORT_CALLE = re.compile(
    rf"(?<!\w)(?P<word>c/) ?(?P<name>{_NAME})(?P<no>{_NUMBER})(?![\w%]|[.,:/]\d)", re.IGNORECASE
)
_ENDED = re.compile(
    r"(?<![\w-])(?:(?:[^\W\d_][\w'-]+er|alte|neue|große|kleine|oude|nieuwe)[ -])?[^\W\d_][\w'-]{2,24}(?:straße|strasse|str\.|gasse|platz|weg|allee|ufer|straat|gracht|plein|laan|kade|dijk"
    rf"|gatan|vägen|gade|gata|veien|vej|katu|tie)(?P<no> {_NUMBER}){_FLOOR}(?P<town>{_TOWN})(?!\w)",
    re.IGNORECASE,
)
_ENDS = ("straße", "strasse", "str", "gasse", "platz", "weg", "allee", "ufer", "straat", "gracht", "plein", "laan", "kade",
         "dijk", "gatan", "vägen", "gade", "gata", "veien", "vej", "katu", "tie")  # fmt: skip
_MORE = re.compile(rf"{_FLOOR}{_TOWN}", re.IGNORECASE)


def find(words: Words, places: Places) -> Iterator[Span]:
    """Every one that a number stands before or behind."""
    text = words.text
    matches = at(_LED, text, places.of(_FIRST_WORDS))
    if "c/" in text or "C/" in text:
        matches += _SHORT_CALLE.finditer(text)
    for match in matches:
        before = _NO.search(text, max(0, match.start() - _REACH), match.start())
        if (before or match["no"]) and _is_street(words, match):
            more = _MORE.match(text, match.end())
            start = before.start() if before else match.start()
            end = more.end() if more else match.end()
            yield Span(start, end, Label.ADDRESS_LINE, 0.86, "street abroad")
    for match in (
        _ENDED.finditer(text) if any(word.endswith(_ENDS) for word in places.words) else ()
    ):
        if words.case != TITLE or match[0][0].isupper():
            yield Span(*match.span(), Label.ADDRESS_LINE, 0.82, "street abroad")


def _is_street(words: Words, match: re.Match[str]) -> bool:
    """Whether a doubtful word leads a name: `Av. Paulista 1578`, not `via NG 3` or `plaza 4`."""
    word, name = match["word"].lower(), match["name"]
    particle = name.split(" ")[0].lower() in _PARTICLES
    capital = name[0].isupper() and name[1:2].islower()
    if name.split(" ")[0].lower() in NEVER - _PARTICLES:
        return False
    if words.case == TITLE and not (particle or name[0].isupper()):
        return False
    if word not in _DOUBTFUL:
        return True
    if word in _ENGLISH:
        return particle
    if not _STOPS.match(words.text, match.end()):
        return False  # `via Seton 3 days ago`
    known = vocabulary.flags(name.split(" ")[0].lower())
    return (
        words.case == TITLE and capital and len(name) > _LEAST and not known & vocabulary.CLINICAL
    )


_STOPS = re.compile(r"[ ]?(?:[,;.)\n|]|\Z)")
_LEAST = 3
_PARTICLES = frozenset(
    {"de", "da", "do", "des", "du", "del", "della", "das", "dos", "la", "le", "les", "los", "las", "di"}
)  # fmt: skip
_ENGLISH = frozenset({"avenue", "boulevard", "plaza", "quai"})
