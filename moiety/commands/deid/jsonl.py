"""Lines `{"id", "text"}` in, lines `{"id", "text", "spans"}` out.

Read besides: `subject` (a pseudonym of whose text it is: lines of one subject that stand together
are read as one record), `known` (the subject's identifiers in plain words), `field` and `path`
(what the text stands under), `shift_days`.  None of these is written again; `--keep` writes others.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Lines:
    """The form of JSON lines.  `replaced`: the output's spans are stand-ins, not identifiers."""

    keep: tuple[str, ...] = ()
    longest: int = 64 << 20
    explain: bool = False
    replaced: bool = False
    show_spans: bool = True
    known: Callable[[str], KnownOf] = nothing_known

    def items(self, source: BinaryIO, number: int = 0, offset: int = 0) -> Iterator[Item]:
        """Every line that is not blank, from where the source stands."""
        for line, at, end in self.raw(source, number, offset):
            yield (Item(at, end, problem="too_long") if line is None else self._item(line, at, end))

    def raw(
        self, source: BinaryIO, number: int, offset: int
    ) -> Iterator[tuple[bytes | None, int, int]]:
        """Lines that are not blank, None for one that is too long; their numbers and ends."""
        while True:
            line, length = _line(source, self.longest)
            if not length:
                return
            number, offset = number + 1, offset + length
            if line is None or line.strip():
                yield line, number, offset

    def _item(self, line: bytes, number: int, offset: int) -> Item:
        read = parsed(line)
        if isinstance(read, str):
            return Item(number, offset, problem=read)
        name, text = read.get("id"), read.get("text")
        if not isinstance(name, str | int | float):
            return Item(number, offset, problem="no_id")
        if not isinstance(text, str):
            return Item(number, offset, name, problem="no_text")
        document = _document(text, read, self.known)
        if document is None:
            return Item(number, offset, name, problem="bad_field")
        kept = {key: read[key] for key in self.keep if key in read}
        return Item(number, offset, name, (document,), payload=kept)

    def render(self, item: Item, outcomes: Sequence[Outcome]) -> Rendered:
        """The line of an item, or what to say of one that is withheld."""
        if item.problem:
            return Rendered(withheld=[Withheld(item.number, item.id, item.problem)])
        (outcome,) = outcomes
        if outcome.failed:
            return Rendered(withheld=[Withheld(item.number, item.id, outcome.failed)])
        if outcome.left:
            left = tuple(told(span, explain=True) for span in outcome.left)
            return Rendered(withheld=[Withheld(item.number, item.id, "residue", left)])
        written: dict[str, Any] = {"id": item.id, **item.payload, "text": outcome.text}
        if self.show_spans:
            written["spans"] = [told(span, explain=self.explain) for span in outcome.spans]
        return Rendered(line_of(written))


def parsed(line: bytes) -> dict[str, Any] | str:
    """A JSON object, or the code of why it is none."""
    try:
        read = json.loads(line.decode())
    except UnicodeDecodeError:
        return "not_utf8"
    except (ValueError, RecursionError):
        return "not_json"
    return read if isinstance(read, dict) else "not_an_object"


def line_of(written: dict[str, Any]) -> bytes:
    """One line of JSON; escapes what UTF-8 can't hold."""
    text = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(written, separators=(",", ":")).encode() + b"\n"


def told(span: tuple[int, int, str, float, str], *, explain: bool) -> dict[str, Any]:
    """A span as it is written; with its score and its rule where they are asked for."""
    start, end, label, score, why = span
    written: dict[str, Any] = {"start": start, "end": end, "label": label}
    return written | {"score": round(score, 3), "why": why} if explain else written


def _document(text: str, read: dict[str, Any], known: Callable[[str], KnownOf]) -> Document | None:
    """The document of a line, or None where a field has the wrong type."""
    words = read.get("known") or []
    field, path = read.get("field"), read.get("path")
    days = read.get("shift_days")
    subject = read.get("subject", "")
    fits = (
        isinstance(words, list)
        and all(isinstance(word, str) for word in words)
        and isinstance(field, str | None)
        and isinstance(path, str | None)
        and isinstance(days, int | None)
        and isinstance(subject, str | int)
    )
    if not fits:
        return None
    more, prints = known(str(subject))
    return Document(
        text, field, path, (*words, *more), str(subject), days,
        own=f"document {read['id']}", fingerprints=prints,
    )  # fmt: skip


def _line(source: BinaryIO, longest: int) -> tuple[bytes | None, int]:
    """A line and its length; None for one that is too long, which is read over in pieces."""
    line = source.readline(longest + 1)
    if len(line) <= longest or line.endswith(b"\n"):
        return line, len(line)
    length = len(line)
    while piece := source.readline(_PIECE):
        length += len(piece)
        if piece.endswith(b"\n"):
            break
    return None, length
