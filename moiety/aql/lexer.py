"""Text → tokens. One table of kinds, tried in order at each place (QUERY/AQL, lexer grammar).

Words are not split into keywords and names here: `/value` may follow a slash although VALUE is a
word of other languages, and the parser knows where a keyword can stand. Repetitions that could
be tried again at every character are bounded, so that reading stays linear in the length.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from moiety.aql.errors import AqlError

MAXIMUM_LENGTH = 65_536

STRING = r"'(?:[^'\\\r\n]|\\.)*'|\"(?:[^\"\\\r\n]|\\.)*\""
_WORD = r"[A-Za-z_][A-Za-z0-9_]*"

_KINDS = (
    ("space", r"[ \t\r\n\ufeff]+"),
    ("comment", r"--(?=[ \r\n]|$)[^\r\n]*"),
    ("a string", STRING),
    ("a parameter", r"\$" + _WORD),
    ("a regular expression", r"\{\s*/(?:[^/\\\r\n]|\\.)+/\s*\}"),
    ("a URI", r"[A-Za-z][A-Za-z0-9+.-]{0,40}://[^\s{}'\"]*"),
    (
        "an archetype id",
        (
            r"(?:[A-Za-z][\w.-]{0,80}::)?[A-Za-z]\w{0,40}-[A-Za-z]\w{0,40}-[A-Za-z]\w{0,80}"
            r"\.[A-Za-z][\w-]{0,160}\.v\d+(?:\.\d+)*(?:-(?:rc|alpha)(?:\.\d+)?)?"
        ),
    ),
    ("a coded term", r"[A-Za-z][\w.-]{0,80}(?:\([\w.-]{1,40}\))?::[\w.-]+(?:\|[^|\[\]\r\n]+\|)?"),
    ("a node code", r"(?:at|id)\d+(?:\.\d+)*(?![\w])"),
    ("an identifier", _WORD),
    ("a real number", r"\d+\.\d+(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+"),
    ("an integer", r"\d+"),
    ("a symbol", r"!=|<=|>=|<>|[=<>()\[\]{},/*-]"),
)
_TABLE = re.compile(  # ASCII: \w and \d mean what the grammar means
    "|".join(f"(?P<k{n}>{pattern})" for n, (_, pattern) in enumerate(_KINDS)), re.ASCII
)
_NAMES = {f"k{n}": kind for n, (kind, _) in enumerate(_KINDS)}


class Token(NamedTuple):
    """A piece of the text; `line` and `column` count from 1. The last one has the kind "end"."""

    kind: str
    text: str
    line: int
    column: int


def tokens(text: str) -> Iterator[Token]:
    """Tokens of a query as they are asked for, ending with one of kind "end".

    Raises AqlError for a text that is too long, and at the first place where no token begins.
    """
    if len(text) > MAXIMUM_LENGTH:
        raise AqlError(1, 1, f"a query of at most {MAXIMUM_LENGTH} characters", "a longer one")
    return _scan(text)


def _scan(text: str) -> Iterator[Token]:
    index, line, start = 0, 1, 0
    while index < len(text):
        match = _TABLE.match(text, index)
        if match is None or match.lastgroup is None:
            raise AqlError(line, index - start + 1, "a token of AQL", _strange(text[index]))
        kind, piece = _NAMES[match.lastgroup], match.group()
        if kind not in {"space", "comment"}:
            yield Token(kind, piece, line, index - start + 1)
        newlines = piece.count("\n")
        if newlines:
            line, start = line + newlines, index + piece.rindex("\n") + 1
        index = match.end()
    yield Token("end", "", line, index - start + 1)


def _strange(character: str) -> str:
    if character in "'\"":
        return "a string that does not end"
    return "a character that has no place outside strings"


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")


def unquote(token: str) -> str:
    r"""The text of a string token.

    A backslash before `*`, `?` or another character without a meaning of its own stays: LIKE
    reads it later.
    """

    def replace(match: re.Match[str]) -> str:
        escaped = match.group(1)
        if len(escaped) == 5:
            return chr(int(escaped[1:], 16))
        if escaped in "'\"\\":
            return escaped
        return _ESCAPES.get(escaped, match.group())

    return _ESCAPE.sub(replace, token[1:-1])


def quote(text: str) -> str:
    r"""A string token of a text, such that `unquote(quote(text)) == text`."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    for letter, character in _ESCAPES.items():
        escaped = escaped.replace(character, "\\" + letter)
    return f"'{escaped}'"
