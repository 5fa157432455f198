"""`moiety deid text`: from input to output, through the workers, in order, in constant memory."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from moiety.commands.deid.checkpoint import State
from moiety.commands.deid.items import REASONS, Document, Item, Outcome, Rendered, Withheld
from moiety.commands.deid.jsonl import line_of
from moiety.commands.deid.pool import Batch, Record

_DOCUMENTS = 16
_CHARACTERS = 200_000
_RECORD_ITEMS, _RECORD_CHARACTERS = 64, 2_000_000
_TOLD = 20
_WORD_EVERY = 30.0


class Form(Protocol):
    """A form of input and output that can be read and written in a stream."""

    def items(self, source: BinaryIO, number: int = 0, offset: int = 0) -> Iterator[Item]:
        """What stands in the source, from where it stands."""
        ...

    def render(self, item: Item, outcomes: Sequence[Outcome]) -> Rendered:
        """What an item adds to the output."""
        ...


class Workers(Protocol):
    """Those that read: a pool on this machine, or on several."""

    def ordered(self, batches: Iterable[tuple[Any, Batch]]) -> Iterator[tuple[Any, list[Outcome]]]:
        """Outcomes in the order of the batches."""
        ...

    def close(self) -> None:
        """End them."""
        ...


class Sink(Protocol):
    """Where the output goes."""

    state: State

    def write(self, line: bytes, withheld: bytes) -> None:
        """Add to it."""
        ...

    def advance(self, offset: int, number: int, *, force: bool = False) -> None:
        """The input is dealt with to here."""
        ...

    def finish(self) -> None:
        """It is whole."""
        ...

    def close(self) -> None:
        """It may not be whole."""
        ...


@dataclass
class Stream:
    """Standard output, a pipe or a device: nothing to go on with later."""

    out: BinaryIO
    state: State = field(default_factory=lambda: State(""))

    def write(self, line: bytes, withheld: bytes) -> None:
        """Add to it; what is withheld is told on standard error alone."""
        del withheld
        self.out.write(line)

    def advance(self, offset: int, number: int, *, force: bool = False) -> None:
        """Hand on what was written."""
        del force
        self.state.offset, self.state.number = offset, number
        self.out.flush()

    def finish(self) -> None:
        """Hand on what was written."""
        self.out.flush()

    def close(self) -> None:
        """Standard output is not ours to close."""


@dataclass
class Told:
    """What a run did.  `first` are the first withheld items, to be named on the screen."""

    counts: Counter[str]
    first: list[Withheld] = field(default_factory=list)
    seconds: float = 0.0
    resumed: int = 0

    @property
    def withheld(self) -> int:
        """How many items or cells are not in the output."""
        return sum(n for key, n in self.counts.items() if key.startswith("withheld:"))


def run(
    form: Form, source: BinaryIO, sink: Sink, workers: Workers, *, size: int | None = None
) -> Told:
    """Read the source through to its end.

    Raises PoolError where the workers can't work.  Whatever ends it early, the sink keeps how far
    it is.
    """
    state = sink.state
    told = Told(state.counts, resumed=state.number)
    begun = time.monotonic()
    if state.offset:
        source.seek(state.offset)
    items = form.items(source, state.number, state.offset)
    try:
        with _progress(size, state) as show:
            for units, outcomes in workers.ordered(batches(records(items))):
                _write(form, sink, units, outcomes, told)
                show(state)
        sink.finish()
    finally:
        workers.close()
        sink.close()
    told.seconds = time.monotonic() - begun
    return told


Unit = tuple[tuple[Item, ...], Record]


def records(items: Iterable[Item]) -> Iterator[Unit]:
    """Items that stand together and are of one subject, as one record of bounded size."""
    together: list[Item] = []
    characters = 0
    for item in items:
        length = sum(len(d.text) for d in item.documents)
        same = together and item.subject and item.subject == together[0].subject
        full = len(together) >= _RECORD_ITEMS or characters + length > _RECORD_CHARACTERS
        if together and (not same or full):
            yield _unit(together)
            together, characters = [], 0
        together.append(item)
        characters += length
    if together:
        yield _unit(together)


def batches(units: Iterable[Unit]) -> Iterator[tuple[list[Unit], Batch]]:
    """Units put together until a message to a worker is worth its while."""
    some: list[Unit] = []
    documents = characters = 0
    for unit in units:
        some.append(unit)
        documents += max(1, len(unit[1]))
        characters += sum(len(d.text) for d in unit[1])
        if documents >= _DOCUMENTS or characters >= _CHARACTERS:
            yield some, tuple(record for _, record in some if record)
            some, documents, characters = [], 0, 0
    if some:
        yield some, tuple(record for _, record in some if record)


def _unit(items: Sequence[Item]) -> Unit:
    documents: tuple[Document, ...] = tuple(d for item in items for d in item.documents)
    return tuple(items), documents


def _write(
    form: Form, sink: Sink, units: Sequence[Unit], outcomes: Sequence[Outcome], told: Told
) -> None:
    following = iter(outcomes)
    for items, _ in units:
        for item in items:
            own = [next(following) for _ in item.documents]
            rendered = form.render(item, own)
            sink.write(rendered.line, noted(told, own, rendered.withheld))
    last = units[-1][0][-1]
    sink.advance(last.end, last.number)


def _plain(withheld: Withheld) -> dict[str, Any]:
    """What the file of withheld things says: offsets in `left` are of the text that is not out."""
    plain = asdict(withheld) | {"what": REASONS[withheld.reason]}
    if not withheld.left:
        del plain["left"]
    return plain


def noted(told: Told, outcomes: Sequence[Outcome], withheld: Sequence[Withheld]) -> bytes:
    """Count what became of an item; the lines that say what of it was withheld."""
    told.counts["items"] += 1
    told.counts["documents"] += len(outcomes)
    for outcome in outcomes:
        for span in outcome.spans:
            told.counts[f"label:{span[2]}"] += 1
    for one in withheld:
        told.counts[f"withheld:{one.reason}"] += 1
        if len(told.first) < _TOLD:
            told.first.append(one)
    return b"".join(line_of(_plain(one)) for one in withheld)


@contextmanager
def _progress(size: int | None, state: State) -> Iterator[Callable[[State], None]]:
    """A bar where a person looks; a line every half minute where a log does."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("reading", total=size, completed=state.offset)
            yield lambda s: bar.update(
                task, completed=s.offset, description=f"{s.counts['documents']:,} documents"
            )
        return
    last = time.monotonic()

    def show(s: State) -> None:
        nonlocal last
        if time.monotonic() - last > _WORD_EVERY:
            last = time.monotonic()
            share = f", {100 * s.offset // size} %" if size else ""
            print(f"{s.counts['documents']} documents{share}", file=sys.stderr, flush=True)

    yield show


def tell(told: Told, where: str) -> None:
    """What was done, on standard error: counts, and the first things that were withheld."""
    for one in told.first:
        left = "".join(f" {s['label']} at {s['start']}" for s in one.left[:3])
        print(f"{one.number}: {one.reason}: {REASONS[one.reason]}{left}", file=sys.stderr)
    if told.withheld > len(told.first):
        print(f"and {told.withheld - len(told.first)} more", file=sys.stderr)
    spans = sum(n for key, n in told.counts.items() if key.startswith("label:"))
    rate = told.counts["documents"] / told.seconds if told.seconds and not told.resumed else 0
    speed = f", {rate:,.0f} a second" if rate >= 1 else ""
    print(
        f"{told.counts['documents']:,} texts{speed}; {spans:,} identifiers; "
        f"{told.withheld:,} withheld; {where}",
        file=sys.stderr,
    )


def is_regular(path: Path) -> bool:
    """Whether an output is, or will be, a file of its own: no pipe, no device."""
    return not path.exists() or path.is_file()


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
