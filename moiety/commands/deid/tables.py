"""CSV, and what Parquet shares with it: chosen columns of text, everything else as it is.

A cell that could not be read whole says so in place of its text: rows stay rows.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from moiety.commands.deid.items import (
    Document,
    Item,
    KnownOf,
    Outcome,
    Rendered,
    Withheld,
    nothing_known,
)  # fmt: skip
from moiety.commands.deid.jsonl import told
from moiety.commands.options import Stop

WITHHELD = "[WITHHELD]"
_LONGEST_CELL = 64 << 20


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what."""

    texts: tuple[str, ...]
    id: str | None = None
    subject: str | None = None
    known: Callable[[str], KnownOf] = nothing_known

    def check(self, names: Sequence[str]) -> None:
        """Raises Stop where one is not there."""
        if not self.texts:
            raise Stop(f"Say which columns hold text: --text-column, one of {_some(names)}.")
        if absent := sorted(self.named() - set(names)):
            raise Stop(f"There is no column {absent[0]}; there are {_some(names)}.")

    def named(self) -> set[str]:
        """Every column that is read."""
        return {*self.texts, *filter(None, (self.id, self.subject))}

    def documents(self, row: Mapping[str, Any], number: int) -> tuple[Document, ...]:
        """The texts of a row, each under the name of its column; an empty cell is a text too."""
        subject = str(row[self.subject]) if self.subject and row[self.subject] is not None else ""
        known, prints = self.known(subject)
        own = f"row {row[self.id] if self.id else number}"
        return tuple(
            Document(
                str(row[name] or ""), field=name, known=known, subject=subject, own=own,
                fingerprints=prints,
            )
            for name in self.texts
        )  # fmt: skip

    def rendered(
        self, item: Item, outcomes: Sequence[Outcome]
    ) -> tuple[dict[str, str], list[Withheld]]:
        """The new cells by column, and what of them was withheld."""
        cells: dict[str, str] = {}
        withheld: list[Withheld] = []
        for name, outcome in zip(self.texts, outcomes, strict=True):
            reason = outcome.failed or ("residue" if outcome.left else "")
            cells[name] = WITHHELD if reason else outcome.text
            if reason:
                left = tuple(told(span, explain=True) for span in outcome.left)
                withheld.append(Withheld(item.number, [item.id, name], reason, left))
        return cells, withheld


@dataclass(frozen=True, slots=True)
class Csv:
    """Comma-separated values with a head; UTF-8, with or without a byte order mark.

    A text stands under the name of its column: one called `Surname` is a name, whatever it holds.
    """

    columns: Columns
    _head: list[str] = field(default_factory=list, repr=False)

    @classmethod
    def opened(cls, source: str, columns: Columns) -> "Csv":
        """For one file.  Raises Stop where it has no such columns."""
        if source == "-":
            raise Stop("CSV is read from a file: its head is looked at first.")
        try:
            with Path(source).open(newline="", encoding="utf-8-sig") as file:
                head = next(csv.reader(file), [])
        except (OSError, UnicodeDecodeError, csv.Error):
            raise Stop(f"{source} can't be read as CSV in UTF-8.") from None
        columns.check(head)
        return cls(columns, head)

    def items(self, source: BinaryIO, number: int = 0, offset: int = 0) -> Iterator[Item]:
        """Every row; the head comes first, as an item without texts."""
        csv.field_size_limit(_LONGEST_CELL)
        lines = _Lines(source, offset)
        rows = csv.reader(lines, strict=True)
        if offset == 0:
            next(rows, None)
            number += 1
            yield Item(number, lines.offset, payload="head")
        while True:
            number += 1
            try:
                row = next(rows, None)
            except UnicodeDecodeError:
                yield Item(number, lines.offset, problem="not_utf8")
                rows = csv.reader(lines, strict=True)
                continue
            except csv.Error:
                yield Item(number, lines.offset, problem="not_a_row")
                rows = csv.reader(lines, strict=True)
                continue
            if row is None:
                return
            yield self._item(row, number, lines.offset)

    def _item(self, row: list[str], number: int, offset: int) -> Item:
        if len(row) != len(self._head):
            problem = "not_a_row" if row else ""
            return Item(number, offset, problem=problem, payload="blank")
        cells = dict(zip(self._head, row, strict=True))
        name = cells[self.columns.id] if self.columns.id else None
        return Item(number, offset, name, self.columns.documents(cells, number), payload=cells)

    def render(self, item: Item, outcomes: Sequence[Outcome]) -> Rendered:
        """The row of an item with its new cells."""
        if item.problem:
            return Rendered(withheld=[Withheld(item.number, item.id, item.problem)])
        if item.payload == "head":
            return Rendered(_row(self._head))
        if item.payload == "blank":
            return Rendered()
        cells, withheld = self.columns.rendered(item, outcomes)
        return Rendered(_row([cells.get(n, item.payload[n]) for n in self._head]), withheld)


class _Lines:
    """Decoded lines of a file, and where the next one begins."""

    def __init__(self, source: BinaryIO, offset: int) -> None:
        self.source, self.offset = source, offset

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.source.readline()
        if not line:
            raise StopIteration
        first = self.offset == 0
        self.offset += len(line)
        return line.decode("utf-8-sig" if first else "utf-8")


def _row(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(str, list(names)[:20]))
