"""The identifiers that rules alone can find, for the screen at the clinical repository's doors.

Each finding says its kind, its place in the text, and how sure it is: a ten-digit number that
passes Modulus 11 is one in eleven by chance, so it counts as `certain` only after a cue such as
"NHS no".  The finding never holds the words.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

from moiety.deid import national_numbers

_TEN_DIGITS = re.compile(r"(?<![\d.,/-])\d(?:[ -]?\d){9}(?![\d/]|[.,]\d)", re.ASCII)
_CUE = re.compile(
    r"(?:\b(?:NHS|CHI|H\s?&\s?C|HSC|HCN|NINO|NI)\b|\bnational\s+(?:health|insurance))"
    r"[\s:#.\-]*(?:(?:no|nos|num|number|id|identifier|ref)\b)?[\s:#.\-=]*(?:is\s+)?$",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_TELEPHONE = re.compile(
    r"(?<![\d+])(?:(?:\+|00)44[ ()-]*(?:\(0\))?[ -]*|\(?0)(?:\d[ ()-]*){9,10}(?!\d)", re.ASCII
)
_POSTCODE = r"(?:GIR ?0AA|[A-PR-UWYZ][A-HK-Y]?\d[\dA-HJKPSTUW]? ?\d[ABD-HJLNP-UW-Z]{2})"
_ADDRESS = re.compile(
    rf"(?<!\w)\d{{1,4}}[A-Za-z]?,? +(?:[A-Z][\w'’-]*[ ,\n]+){{1,8}}{_POSTCODE}(?!\w)", re.ASCII
)
_CUE_REACH = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """One identifier in a text: kind, offsets, and whether its context makes it certain."""

    kind: str
    start: int
    length: int
    certain: bool

    @property
    def national(self) -> bool:
        """Whether it is a number that a nation gives a person."""
        return self.kind in NATIONAL


NATIONAL = frozenset({"NHS_NUMBER", "CHI_NUMBER", "HC_NUMBER", "NATIONAL_INSURANCE_NUMBER"})


# Every rule but e-mail has a digit followed by eight more, by two capitals (a postcode), or by
# the rest of a National Insurance number.
_SUSPICIOUS = re.compile(rb"\d(?:(?:[ ()-]*\d){8}| ?[A-Z]{2}|\d ?\d\d ?\d\d ?[A-D])")


def _classes(capitals: bytes) -> bytes:
    """A table for bytes.translate: digits become 0, these capitals A, everything else a dot."""
    shown = {**dict.fromkeys(b"0123456789", 48), **dict.fromkeys(capitals, 65)}
    return bytes(shown.get(byte, 46) for byte in range(256))


# What separates digits is left out, so that fixed strings stand for the patterns, and for some
# more: they only say where the pattern, five times slower, is worth a search.
_SEPARATORS = b" ()-"
_A_TO_D, _A_TO_Z = _classes(b"ABCD"), _classes(string.ascii_uppercase.encode())
_NINE_DIGITS, _END_OF_NINO, _END_OF_POSTCODE = b"0" * 9, b"0" * 6 + b"A", re.compile(rb"0AA")


def may_stand_in(document: bytes) -> bool:
    """Whether a document in UTF-8 may hold an identifier: few passes over its bytes, no parsing.

    False means that `find` finds nothing in any of its texts; True means that it is worth looking.
    """
    if b"@" in document:
        return True
    digits = document.translate(_A_TO_D, _SEPARATORS)
    return (
        _NINE_DIGITS in digits
        or _END_OF_NINO in digits
        or _END_OF_POSTCODE.search(document.translate(_A_TO_Z, _SEPARATORS)) is not None
    ) and _SUSPICIOUS.search(document) is not None


def find(text: str) -> list[Finding]:
    """Every identifier that the rules see in `text`, in order of place, none overlapping."""
    if not _may_hold_one(text):
        return []
    found = sorted(_all(text), key=lambda f: (f.start, -f.length))
    kept: list[Finding] = []
    for finding in found:
        if not kept or finding.start >= kept[-1].start + kept[-1].length:
            kept.append(finding)
    return kept


def _may_hold_one(text: str) -> bool:
    return "@" in text or sum(c.isdigit() for c in text) >= 3


def _all(text: str) -> Iterator[Finding]:
    for match in _TEN_DIGITS.finditer(text):
        digits = match[0].replace(" ", "").replace("-", "")
        if kind := national_numbers.kind_of(digits):
            yield _finding(kind, match, certain=_cued(text, match.start()))
    for match in national_numbers.NINO.finditer(text):
        if not _inside_word(text, match):
            certain = _cued(text, match.start())
            yield _finding("NATIONAL_INSURANCE_NUMBER", match, certain=certain)
    for kind, pattern in (("EMAIL", _EMAIL), ("TELEPHONE", _TELEPHONE), ("ADDRESS", _ADDRESS)):
        for match in pattern.finditer(text):
            yield _finding(kind, match, certain=True)


def _finding(kind: str, match: re.Match[str], *, certain: bool) -> Finding:
    return Finding(kind, match.start(), match.end() - match.start(), certain)


def _cued(text: str, start: int) -> bool:
    return _CUE.search(text[max(0, start - _CUE_REACH) : start]) is not None


def _inside_word(text: str, match: re.Match[str]) -> bool:
    before = text[match.start() - 1 : match.start()]
    after = text[match.end() : match.end() + 1]
    return before.isalnum() or after.isalnum()
