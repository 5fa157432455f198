"""HL7 version 2 messages that were pasted into a text: what a field holds follows from its place."""

import re
from collections.abc import Iterator

from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

_SEGMENT = re.compile(
    r"(?:^|\n)[ >]{0,3}(PID|NK1|PV1|PD1|ROL|OBR|ORC|GT1|IN1|MRG)\|([^\n]*)", re.IGNORECASE
)
_PART = re.compile(r"[^|^~&\\]+")
_FIELDS = {
    "PID": {2: Label.HOSPITAL_NUMBER, 3: Label.HOSPITAL_NUMBER, 4: Label.HOSPITAL_NUMBER, 5: Label.NAME,
            6: Label.NAME, 7: Label.DATE_OF_BIRTH, 9: Label.NAME, 11: Label.ADDRESS_LINE,
            13: Label.TELEPHONE, 14: Label.TELEPHONE, 18: Label.HOSPITAL_NUMBER, 19: Label.NHS_NUMBER},
    "NK1": {2: Label.NAME, 4: Label.ADDRESS_LINE, 5: Label.TELEPHONE, 6: Label.TELEPHONE, 16: Label.DATE_OF_BIRTH},
    "PV1": {7: Label.NAME, 8: Label.NAME, 9: Label.NAME, 17: Label.NAME},
    "PD1": {3: Label.GP_IDENTIFIER, 4: Label.NAME},
    "ROL": {4: Label.NAME, 11: Label.ADDRESS_LINE, 12: Label.TELEPHONE},
    "OBR": {10: Label.NAME, 16: Label.NAME, 28: Label.NAME, 32: Label.NAME, 33: Label.NAME, 34: Label.NAME},
    "ORC": {10: Label.NAME, 11: Label.NAME, 12: Label.NAME, 14: Label.TELEPHONE},
    "GT1": {3: Label.NAME, 5: Label.ADDRESS_LINE, 6: Label.TELEPHONE, 8: Label.DATE_OF_BIRTH},
    "IN1": {16: Label.NAME, 18: Label.DATE_OF_BIRTH, 19: Label.ADDRESS_LINE},
    "MRG": {1: Label.HOSPITAL_NUMBER, 7: Label.NAME},
}  # fmt: skip
_CODES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "nhs",
        "nh",
        "mrn",
        "pas",
        "pi",
        "an",
        "h",
        "home",
        "w",
        "o",
        "prn",
        "orn",
        "net",
        "x",
        "ph",
        "cp",
        "fax",
        "gbr",
        "uk",
        "b",
        "l",
        "legal",
        "md",
        "fy",
        "ss",
        "nhsnmbr",
        "gmc",
        "prnmprn",
        "main",
        "nhspas",
        "hosp",
        "visit",
    ]
)


def find(text: str) -> Iterator[Span]:
    """The fields of messages that identify somebody, component by component."""
    if "|" not in text:
        return
    for segment in _SEGMENT.finditer(text):
        wanted = _FIELDS[segment[1].upper()]
        place = segment.start(2)
        for number, field in enumerate(segment[2].split("|"), start=1):
            if number in wanted:
                yield from _components(field, place, wanted[number])
            place += len(field) + 1


def _components(field: str, place: int, label: Label) -> Iterator[Span]:
    for part in _PART.finditer(field):
        word = part[0].strip()
        digits = sum(c.isdigit() for c in word)
        if word.lower() in _CODES or len(word) < 2:
            continue
        if label in (Label.HOSPITAL_NUMBER, Label.NHS_NUMBER, Label.TELEPHONE) and digits < 3:
            continue
        kind = Label.HOSPITAL_NUMBER if label is Label.NAME and digits else label
        yield Span(place + part.start(), place + part.end(), kind, 0.94, "field of a message")
