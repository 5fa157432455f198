"""Tables that were pasted into a text: the head of a column says what stands in it.

    screen no;init;dob;site
    S-014;PM;06-Aug-1969;Musgrove Park

Cells are divided by a semicolon, a bar, a tab or a comma, the same in each row.  A head tells when
two of its cells name what identifies; a row belongs to it while it has as many cells.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.context import Context
from moiety.deid.text.fields import label_of
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import NAME, WORD

_DIVIDERS = ("|", ";", "\t", ",")
_FEWEST_CELLS, _FEWEST_NAMED, _LONGEST_HEAD = 3, 2, 30
_HEADS: tuple[tuple[Label, re.Pattern[str]], ...] = tuple(
    (label, re.compile(rf"(?:{pattern})[.:]?", re.IGNORECASE))
    for label, pattern in (
        (Label.INITIALS, r"init(?:ial)?s?|by|signed|sig|taken by|seen by|given by|checked by"),
        (Label.HOSPITAL_NUMBER, (r"(?:hosp|hospital|unit|pt|patient|study|screen|screening|trial|subject|case|crn|local)"
                                r"[ _.]?(?:no|num|number|id)|mrn|rxr|pid|patid|identifier")),
        (Label.NAME, (r"name|pt|patient|client|resident|surname|forename|cons|consultant|pi|surgeon|anaesthetist|nurse"
                     r"|named nurse|key ?worker|nok|referrer|clinician|doctor|dr|gp|staff|author|lead")),
        (Label.HOSPITAL_NAME, r"site|hospital|hosp|trust|provider"),
        (Label.ACCESSION_NUMBER, r"(?:lab|sample|specimen|accession|acc)[ _.]?(?:no|num|number|id)|accession"),
        (Label.GP_IDENTIFIER, r"gp[ _]?code|practice|surgery"),
        (Label.DATE_OF_BIRTH, r"dob|d\.o\.b|born|birth"),
    )
)  # fmt: skip
_ANY_HEAD = re.compile("|".join(f"(?:{pattern.pattern})" for _, pattern in _HEADS), re.IGNORECASE)
_EMPTY = frozenset(
    {"", "-", "n/a", "na", "nil", "none", "nk", "unknown", "tbc", "yes", "no", "y", "n"}
)


def find(text: str) -> Iterator[Span]:
    """What stands in columns whose heads name it."""
    divider, columns = _head("")
    place = 0
    for line in text.split("\n"):
        if divider and line.count(divider) == len(columns) - 1:
            yield from _cells(line, place, divider, columns)
        else:
            divider, columns = _head(line)
        place += len(line) + 1


def _head(line: str) -> tuple[str, list[Label | None]]:
    """What divides the cells of a head, and what each column holds; nothing where it is no head."""
    for divider in _DIVIDERS:
        if line.count(divider) < _FEWEST_CELLS - 1:
            continue
        columns = [_named(cell.strip()) for cell in line.split(divider)]
        if sum(column is not None for column in columns) >= _FEWEST_NAMED:
            return divider, columns
    return "", []


def _named(head: str) -> Label | None:
    if not head or len(head) > _LONGEST_HEAD or any(c.isdigit() for c in head):
        return None
    for label, pattern in _HEADS if _ANY_HEAD.fullmatch(head) else ():
        if pattern.fullmatch(head):
            return label
    return label_of(Context(field=head))


def _cells(line: str, place: int, divider: str, columns: list[Label | None]) -> Iterator[Span]:
    for cell, label in zip(line.split(divider), columns, strict=True):
        bare = cell.strip()
        if label is not None and _holds(bare, label):
            start = place + cell.index(bare)
            yield Span(start, start + len(bare), label, 0.85, "column of a table")
        place += len(cell) + len(divider)


def _holds(cell: str, label: Label) -> bool:
    """Whether a cell can be what its column says: no remark, no count, not empty."""
    if cell.lower() in _EMPTY:
        return False
    if label == Label.INITIALS:
        return cell.replace(".", "").replace("/", "").isalpha() and len(cell) <= 5
    if label in _NUMBERS:
        return len(cell) > 3 and any(c.isdigit() for c in cell)
    if label in (Label.DATE, Label.DATE_OF_BIRTH):
        return len(cell) > 3 and any(c.isdigit() for c in cell)
    known = [vocabulary.flags(word) for word in re.findall(r"[^\W\d_]+", cell.lower())]
    return bool(known) and (len(known) < 6) and not all(k & WORD and not k & NAME for k in known)


_NUMBERS = frozenset(
    {Label.HOSPITAL_NUMBER, Label.NHS_NUMBER, Label.ACCESSION_NUMBER, Label.GMC_NUMBER, Label.HCPC_NUMBER,
     Label.TELEPHONE, Label.EXTENSION}
)  # fmt: skip
