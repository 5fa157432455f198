"""A result as Apache Arrow (a stream of record batches) or Parquet.

A column has one type, told before its first value: `string` where it can hold texts alone,
`int64`, `double` for numbers, `bool`.  A column that can hold several kinds, or objects, is
`string` too: texts stand as they are, all else as its JSON, an object canonically.  So no value is
ever refused.  Dates and times are texts, since those of openEHR may be partial.

pyarrow is an extra: without it this module is not imported.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # as above

from clinical_api.results.lines import unique
from moiety.aql.column_kinds import Kind, Kinds

Batches = Iterable[Sequence[Sequence[Any]]]
_ROWS_OF_GROUP: Final = 50_000
_OCTETS_OF_GROUP: Final = 16 * 1024 * 1024
_TYPES: Final[Mapping[frozenset[Kind], pa.DataType]] = {
    frozenset({"integer"}): pa.int64(),
    frozenset({"real"}): pa.float64(),
    frozenset({"integer", "real"}): pa.float64(),
    frozenset({"boolean"}): pa.bool_(),
}
_encode = msgspec.json.Encoder().encode


def arrow(names: Sequence[str], kinds: Sequence[Kinds], batches: Batches) -> Iterator[bytes]:
    """The IPC stream format: the schema, a record batch for each batch, the end."""
    schema = schema_of(names, kinds)
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), schema) as writer:
        yield sink.taken()
        for batch in batches:
            writer.write_batch(_record_batch(schema, batch))
            yield sink.taken()
    yield sink.taken()


def parquet(names: Sequence[str], kinds: Sequence[Kinds], batches: Batches) -> Iterator[bytes]:
    """One file, compressed with zstd; its row groups are written as they are full."""
    schema = schema_of(names, kinds)
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression="zstd") as writer:
        for group in _groups(schema, batches):
            writer.write_table(group)
            yield sink.taken()
    yield sink.taken()


def schema_of(names: Sequence[str], kinds: Sequence[Kinds]) -> pa.Schema:
    """The type of each column."""
    types = [_TYPES.get(frozenset(kind), pa.string()) for kind in kinds]
    return pa.schema(list(zip(unique(names), types, strict=True)))


def _groups(schema: pa.Schema, batches: Batches) -> Iterator[pa.Table]:
    """Batches put together to row groups of a size that readers like."""
    held: list[pa.RecordBatch] = []
    rows = octets = 0
    for batch in batches:
        made = _record_batch(schema, batch)
        held.append(made)
        rows, octets = rows + made.num_rows, octets + made.nbytes
        if rows >= _ROWS_OF_GROUP or octets >= _OCTETS_OF_GROUP:
            yield pa.Table.from_batches(held, schema)
            held, rows, octets = [], 0, 0
    if held:
        yield pa.Table.from_batches(held, schema)


def _record_batch(schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [
        pa.array(list(map(_AS[field.type], column)), field.type)
        for field, column in zip(schema, columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _text(cell: Any) -> str | None:
    return cell if cell is None or type(cell) is str else _encode(cell).decode()


def _number(cell: Any) -> float | None:
    return None if cell is None else float(cell)


def _same(cell: Any) -> Any:
    return cell


_AS: Final[Mapping[pa.DataType, Callable[[Any], Any]]] = {
    pa.string(): _text, pa.float64(): _number, pa.int64(): _same, pa.bool_(): _same,
}  # fmt: skip


class _Sink:
    """What pyarrow writes to; what is taken from it is gone."""

    closed = False

    def __init__(self) -> None:
        self._held = bytearray()
        self._written = 0

    def write(self, some: Any) -> int:
        """Hold some octets."""
        self._held += some
        self._written += len(some)
        return len(some)

    def tell(self) -> int:
        """How many octets were written."""
        return self._written

    def flush(self) -> None:
        """Everything is here already."""

    def close(self) -> None:
        """Nothing follows."""

    def taken(self) -> bytes:
        """What has been written since."""
        some, self._held = bytes(self._held), bytearray()
        return some
