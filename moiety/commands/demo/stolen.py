"""What a thief of one database reads.

A plain search of a dump proves nothing: documents are compressed and ids are binary.  So the dump
is read column by column; every bytea is also inflated where it is zstd and decoded where it is
text, and every id is looked for in its written and in its binary form.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import msgspec
import zstandard

from moiety import embedded

_CREATE = re.compile(r"^CREATE TABLE (\S+) \($(.*?)^\);$", re.MULTILINE | re.DOTALL)
_COPY = re.compile(r"^COPY (\S+) \(([^)]*)\) FROM stdin;\n(.*?)^\\\.$", re.MULTILINE | re.DOTALL)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_ZSTD = b"\x28\xb5\x2f\xfd"
_ESCAPES = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


@dataclass(frozen=True)
class Stolen:
    """A database as its thief has it: `text` is the dump, `documents` what was packed in it."""

    text: str
    documents: tuple[bytes, ...]
    values: frozenset[bytes]
    """Every value of a uuid, text, bytea or JSON column; ids as 16 bytes; strings of documents."""

    def holds(self, word: str) -> bool:
        """Whether `word` stands anywhere, in any case, also as UTF-8 in hexadecimal."""
        lower = word.lower()
        if lower in self._lower or word.encode().hex() in self._lower:
            return True
        return lower.encode() in self._inflated

    @cached_property
    def _lower(self) -> str:
        return self.text.lower()

    @cached_property
    def _inflated(self) -> bytes:
        return b"\n".join(self.documents).lower()


def steal(url: str) -> Stolen:
    """Dump the database at `url` with pg_dump and read it as above."""
    program = embedded.binaries() / "pg_dump"
    dump = subprocess.run(
        [str(program), "--no-owner", url], check=True, capture_output=True, text=True
    ).stdout
    return read(dump)


def read(dump: str) -> Stolen:
    """Read a plain-text dump."""
    kinds = {
        (table, name): kind
        for table, body in _CREATE.findall(dump)
        for name, kind in _columns(body)
    }
    documents: list[bytes] = []
    values: set[bytes] = set()
    for table, names, rows in _COPY.findall(dump):
        columns = [(n.strip('" '), kinds.get((table, n.strip('" ')), "")) for n in names.split(",")]
        for row in rows.splitlines():
            for (_, kind), field in zip(columns, row.split("\t"), strict=True):
                _take(kind, field, documents, values)
    return Stolen(dump, tuple(documents), frozenset(values))


def _columns(body: str) -> Iterator[tuple[str, str]]:
    for line in body.splitlines():
        name, _, kind = line.strip().rstrip(",").partition(" ")
        yield name.strip('"'), kind.split(" ")[0]


def _take(kind: str, field: str, documents: list[bytes], values: set[bytes]) -> None:
    if field == "\\N":
        return
    if kind == "uuid":
        values.add(UUID(field).bytes)
    elif kind == "bytea":
        packed = bytes.fromhex(field.removeprefix("\\\\x"))
        values.add(packed)
        content = _inflate(packed)
        documents.append(content)
        values.update(_strings_of(content))
    elif kind in {"text", "jsonb", "json", "text[]"}:
        text = re.sub(r"\\[\\tnr]", lambda found: _ESCAPES[found[0]], field)
        values.update(_strings_of(text.encode()) if kind.startswith("json") else _words(kind, text))


def _words(kind: str, text: str) -> Iterator[bytes]:
    items = text.strip("{}").split(",") if kind == "text[]" else [text]
    for item in items:
        yield _id_or_text(item)


def _inflate(packed: bytes) -> bytes:
    if not packed.startswith(_ZSTD):
        return packed
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=2**27)


def _strings_of(content: bytes) -> Iterator[bytes]:
    """Every string of a JSON document, and every id written anywhere in any text."""
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    yield from _leaves(document)
    text = content.decode("utf-8", errors="ignore")
    yield from (UUID(found).bytes for found in _UUID.findall(text))


def _leaves(value: object) -> Iterator[bytes]:
    if isinstance(value, str):
        yield _id_or_text(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def _id_or_text(text: str) -> bytes:
    return UUID(text).bytes if _UUID.fullmatch(text) else text.encode()


def shared(halves: Iterable[Stolen], vocabulary: frozenset[str]) -> set[bytes]:
    """Values that stand in two of the databases, less a reviewed list of shared vocabulary."""
    seen: set[bytes] = set()
    twice: set[bytes] = set()
    for half in halves:
        twice |= seen & half.values
        seen |= half.values
    allowed = {word.encode() for word in vocabulary}
    return {value for value in twice if value not in allowed and len(value) > 1}
