"""A result as lines of text.

CSV is that of RFC 4180, UTF-8 with a header.  Null is nothing at all and an empty text is `""`;
numbers and truth values are as in JSON; an object is its canonical JSON.  Where there is but one
column, null is `""` too, for readers pass over an empty line.  Texts stand as they are: one that
begins with =, +, - or @ is a formula to a spreadsheet, which must import it as text.

NDJSON is an object a line, its members named as the columns.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()


def csv(names: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """The header, and the rows of each batch."""
    yield _csv_line(names)
    for batch in batches:
        yield b"".join([_csv_line(row) for row in batch])


def ndjson(names: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """The rows of each batch; a name that comes again gets its place behind it."""
    members = unique(names)
    for batch in batches:
        yield _encoder.encode_lines([dict(zip(members, row, strict=True)) for row in batch])


def unique(names: Sequence[str]) -> list[str]:
    """Names of which no two are alike."""
    made: list[str] = []
    for place, name in enumerate(names):
        while name in made:
            name = f"{name}_{place}"  # noqa: PLW2901  until it is alone
        made.append(name)
    return made


def _csv_line(row: Sequence[Any]) -> bytes:
    return ((",".join([_csv_cell(cell) for cell in row]) or '""') + "\r\n").encode()


def _csv_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if type(cell) is float or type(cell) is int:
        return repr(cell)
    text = cell if type(cell) is str else _encoder.encode(cell).decode()
    if (
        not text or "," in text or '"' in text or "\n" in text or "\r" in text
        or text[0].isspace() or text[-1].isspace()
    ):  # fmt: skip
        return '"' + text.replace('"', '""') + '"'
    return text
