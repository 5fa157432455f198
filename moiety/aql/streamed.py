"""A result in batches of rows: as much of it at once as its kind allows.

Where rows answer alone, SQL has done everything and rows pass through as they come.  So they do
where documents have a say and the query neither sorts nor aggregates nor asks for distinct rows;
any other result of documents is made whole first, as it must be.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from moiety.aql.compiled import Compiled, Run
from moiety.aql.evaluate import Row
from moiety.aql.request import Request
from moiety.aql.stored import Reading

Evaluated = Callable[[Iterable[Any], Reading], Generator[Row, None, None]]
"""Rows of the documents that the statement `rest` gives, as `Compiled.evaluated` makes them."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A result that is read while its statements are open.

    `by_documents`: whether documents have a say, so that a value may be of another kind than the
    columns of SQL tell.
    """

    by_documents: bool
    batches: Iterator[list[Any]]


@contextmanager
def streamed(
    compiled: Compiled, run: Run, reading: Reading, *, evaluated: Evaluated, at_once: int
) -> Iterator[Streamed]:
    """The result in batches of at most `at_once` rows, none of them empty.

    The same rows as `Compiled.answer` gives, and every statement is closed at the end.
    """
    with ExitStack() as opened:

        def rows_of(statement: Any) -> Iterable[Any]:
            return () if statement is None else opened.enter_context(closing(run(statement)))

        left = iter(rows_of(compiled.rest))
        first = next(left, None)
        if first is None and compiled.pushed is not None:
            found = iter(rows_of(compiled.pushed))
            parts = iter(lambda: list(islice(found, at_once)), [])
            yield Streamed(False, (compiled.shown(part, reading) for part in parts))
            return
        documents = evaluated(chain(() if first is None else (first,), left), reading)
        with closing(documents):
            typed = compiled.typed(rows_of(compiled.rows), reading)
            rows = chain(typed, documents)
            yield Streamed(first is not None, _finished(compiled, rows, at_once))


def passes_through(request: Request) -> bool:
    """Whether a row of the result depends on no other row, so that rows need not be kept."""
    return not (request.aggregated or request.keys or request.query.distinct or request.backward)


def _finished(compiled: Compiled, rows: Iterator[Row], at_once: int) -> Iterator[list[Any]]:
    request = compiled.request
    if not passes_through(request):
        made = compiled.finish(rows)
        for start in range(0, len(made), at_once):
            yield made[start : start + at_once]
        return
    unlimited = replace(compiled, request=replace(request, limit=None, offset=0))
    stop = None if request.limit is None else request.offset + request.limit
    wanted = islice(rows, request.offset, stop)
    while part := list(islice(wanted, at_once)):
        yield unlimited.finish(part)
