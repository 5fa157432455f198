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
    """A database as its thief has it.

    `texts` are all different texts in it: every field of every row, every key and string of every
    document.  `values` are what could join it to another database: each value of a uuid, text,
    bytea or JSON column and each string of a document, ids as 16 bytes.
    """

    size: int
    documents: int
    texts: frozenset[str]
    values: frozenset[bytes]

    def holds(self, word: str) -> bool:
        """Whether `word` stands anywhere, in any case."""
        return word.lower() in self._searchable

    @cached_property
    def _searchable(self) -> str:
        return "\n".join(self.texts).lower()


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
    texts: set[str] = set()
    values: set[bytes] = set()
    documents = 0
    for table, names, rows in _COPY.findall(dump):
        columns = [kinds.get((table, name.strip('" ')), "") for name in names.split(",")]
        for row in rows.splitlines():
            for kind, field in zip(columns, row.split("\t"), strict=True):
                documents += _take(kind, field, texts, values)
    return Stolen(len(dump), documents, frozenset(texts), frozenset(values))


def _columns(body: str) -> Iterator[tuple[str, str]]:
    for line in body.splitlines():
        name, _, kind = line.strip().rstrip(",").partition(" ")
        yield name.strip('"'), kind.split(" ")[0]


def _take(kind: str, field: str, texts: set[str], values: set[bytes]) -> bool:
    """Take one field apart; True when it was a document."""
    if field == "\\N":
        return False
    if kind == "bytea":
        packed = bytes.fromhex(field.removeprefix("\\\\x"))
        values.add(packed)
        content = _inflate(packed)
        return _take_content(content, texts, values)
    text = re.sub(r"\\[\\tnr]", lambda found: _ESCAPES[found[0]], field)
    texts.add(text)
    if kind in {"json", "jsonb"}:
        _take_content(text.encode(), texts, values)
    elif kind in {"uuid", "text"}:
        values.add(_id_or_text(text))
    elif kind == "text[]":
        values.update(_id_or_text(item) for item in text.strip("{}").split(","))
    return False


def _take_content(content: bytes, texts: set[str], values: set[bytes]) -> bool:
    """A document's keys and strings, or the text of anything else; ids wherever they stand."""
    text = content.decode("utf-8", errors="ignore")
    values.update(UUID(found).bytes for found in _UUID.findall(text))
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        texts.add(text)
        return False
    for leaf, is_string in _leaves(document):
        texts.add(leaf)
        if is_string:
            values.add(_id_or_text(leaf))
    return True


def _inflate(packed: bytes) -> bytes:
    if not packed.startswith(_ZSTD):
        return packed
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=2**27)


def _leaves(value: object) -> Iterator[tuple[str, bool]]:
    """Keys and leaves as text, each with whether it is a string's value."""
    if isinstance(value, str):
        yield value, True
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key), False
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield str(value), False


def _id_or_text(text: str) -> bytes:
    return UUID(text).bytes if _UUID.fullmatch(text) else text.encode()


VOCABULARY = frozenset(
    {
        "0001",  # the revision of a database's schema
        "main",  # the organisation's name
        "GB",  # country of an address; territory of a composition
        "home",
        "other",
        "access:read",  # the scope by which the vault reads a log of accesses
        "vault service",  # labels of keys
        "linkage officer",
        "clinician",
        "registrar",
        "researcher",
    }
)
"""Words that two databases may share, each reviewed: none says who, which record or which event."""


def shared(halves: Iterable[Stolen], vocabulary: frozenset[str] = VOCABULARY) -> set[bytes]:
    """Values that stand in two of the databases, less the reviewed vocabulary."""
    seen: set[bytes] = set()
    twice: set[bytes] = set()
    for half in halves:
        twice |= seen & half.values
        seen |= half.values
    allowed = {word.encode() for word in vocabulary}
    return {value for value in twice if value not in allowed and len(value) > 1}
