"""Parquet: chosen columns of text, everything else as it is.

The new file appears when it is whole; a run that was broken off begins anew.
"""

import importlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moiety.commands.deid.checkpoint import withheld_file
from moiety.commands.deid.items import Item
from moiety.commands.deid.run import Told, Unit, Workers, batches, noted, records
from moiety.commands.deid.tables import Columns
from moiety.commands.options import Stop

_ROWS = 1000


def rewrite(source: Path, out: Path, columns: Columns, workers: Workers) -> Told:
    """Write the file again with its texts replaced.  Raises Stop where it can't be read."""
    try:
        arrow = importlib.import_module("pyarrow")
        files = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Stop("Parquet needs pyarrow: install moiety[arrow].") from None
    try:
        opened = files.ParquetFile(source)
    except (OSError, arrow.ArrowException):
        raise Stop(f"{source} can't be read as Parquet.") from None
    columns.check(opened.schema_arrow.names)
    try:
        return _Rows(opened, arrow, files, columns, out).written(workers)
    finally:
        workers.close()


@dataclass(slots=True)
class _Rows:
    """The rows of a file on their way into another; `pending` are read and not yet written."""

    opened: Any
    arrow: Any
    files: Any
    columns: Columns
    out: Path

    def written(self, workers: Workers) -> Told:
        begun, told = time.monotonic(), Told(Counter())
        part = self.out.with_name(self.out.name + ".part")
        pending: list[Any] = []
        cells: list[dict[str, str]] = []
        with (
            self.files.ParquetWriter(part, self._schema()) as writer,
            withheld_file(self.out).open("wb") as list_of_withheld,
        ):
            for units, outcomes in workers.ordered(batches(self._units(pending))):
                following = iter(outcomes)
                for item in (item for items, _ in units for item in items):
                    own = [next(following) for _ in item.documents]
                    new, withheld = self.columns.rendered(item, own)
                    cells.append(new)
                    list_of_withheld.write(noted(told, own, withheld))
                while pending and len(cells) >= pending[0].num_rows:
                    self._write(writer, pending.pop(0), cells)
        part.replace(self.out)
        if not told.withheld:
            withheld_file(self.out).unlink()
        told.seconds = time.monotonic() - begun
        return told

    def _schema(self) -> Any:
        """The file's own, with plain strings where texts stand."""
        schema = self.opened.schema_arrow
        for name in self.columns.texts:
            at = schema.get_field_index(name)
            schema = schema.set(at, schema.field(at).with_type(self.arrow.string()))
        return schema

    def _units(self, pending: list[Any]) -> Iterator[Unit]:
        return records(self._items(pending))

    def _items(self, pending: list[Any]) -> Iterator[Item]:
        number = 0
        for batch in self.opened.iter_batches(_ROWS):
            pending.append(batch)
            for row in batch.select(sorted(self.columns.named())).to_pylist():
                number += 1
                name = row[self.columns.id] if self.columns.id else None
                yield Item(number, number, str(name), self.columns.documents(row, number))

    def _write(self, writer: Any, batch: Any, cells: list[dict[str, str]]) -> None:
        """Write one batch of rows with the first of the cells, and take these away."""
        own = cells[: batch.num_rows]
        del cells[: batch.num_rows]
        arrays = []
        for name in self._schema().names:
            column = batch.column(name)
            if name in self.columns.texts:
                new = [
                    row[name] if valid else None
                    for row, valid in zip(own, column.is_valid().to_pylist(), strict=True)
                ]
                column = self.arrow.array(new, self.arrow.string())
            arrays.append(column)
        writer.write_batch(self.arrow.RecordBatch.from_arrays(arrays, schema=self._schema()))
