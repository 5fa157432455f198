"""A place in the tokens of a query: what the grammar functions read from."""

from collections import deque
from typing import NoReturn

from moiety.aql.ast import Position
from moiety.aql.errors import AqlError
from moiety.aql.lexer import Token, tokens

MAXIMUM_DEPTH = 60

RESERVED = frozenset(
    [
        "SELECT",
        "DISTINCT",
        "TOP",
        "FORWARD",
        "BACKWARD",
        "AS",
        "FROM",
        "CONTAINS",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "EXISTS",
        "LIKE",
        "MATCHES",
        "ORDER",
        "BY",
        "ASC",
        "ASCENDING",
        "DESC",
        "DESCENDING",
        "LIMIT",
        "OFFSET",
        "NULL",
        "TRUE",
        "FALSE",
        "VERSION",
    ]
)


class Cursor:
    """Tokens as they are read; `depth` counts open brackets of the grammar, not of the text.

    `extended`: where the first word stood that is no AQL, but an extension. `of_groups`: a
    condition is read that is about groups of rows.
    """

    def __init__(self, text: str) -> None:
        self._unread = tokens(text)
        self._ahead = deque([next(self._unread)])
        self.depth = 0
        self.extended: Position | None = None
        self.of_groups = False

    @property
    def token(self) -> Token:
        """The token here; the last one stays for ever."""
        return self._ahead[0]

    @property
    def at(self) -> Position:
        return Position(self.token.line, self.token.column)

    def after(self) -> Token:
        """The token after the one here."""
        if len(self._ahead) == 1 and self.token.kind != "end":
            self._ahead.append(next(self._unread))
        return self._ahead[-1]

    def step(self) -> None:
        """Go on to the next token."""
        if self.after() is not self.token:
            self._ahead.popleft()

    def word(self) -> str:
        """The word here in upper case, "" when no word stands here."""
        return self.token.text.upper() if self.token.kind == "an identifier" else ""

    def take(self) -> str:
        """The text of the token here; steps on."""
        text = self.token.text
        self.step()
        return text

    def accept(self, *texts: str) -> str:
        """The first of these keywords or symbols that stands here (steps on), or ""."""
        here = self.word() or (self.token.text if self.token.kind == "a symbol" else "")
        if here in texts:
            self.step()
            return here
        return ""

    def expect(self, *texts: str) -> str:
        """As `accept`, and an error when none of them stands here."""
        return self.accept(*texts) or self.fail(" or ".join(texts))

    def kind(self, kind: str, expected: str = "") -> str:
        """The text of a token of this kind; steps on, or fails."""
        if self.token.kind != kind:
            self.fail(expected or kind)
        return self.take()

    def name(self, expected: str) -> str:
        """A word that is no keyword: a variable or a class."""
        if self.token.kind != "an identifier" or self.word() in RESERVED:
            self.fail(expected)
        return self.take()

    def fail(self, expected: str) -> NoReturn:
        """Raise AqlError here; says the kind of what was found, a keyword by its name."""
        token, word = self.token, self.word()
        if word in RESERVED:
            found = word
        elif token.kind == "a symbol":
            found = f"'{token.text}'"
        else:
            found = "the end of the query" if token.kind == "end" else token.kind
        raise AqlError(token.line, token.column, expected, found)

    def deeper(self) -> None:
        """Count a level of nesting; a query that nests too deep is refused, not crashed on."""
        self.depth += 1
        if self.depth > MAXIMUM_DEPTH:
            self.fail(f"at most {MAXIMUM_DEPTH} levels of nesting")

    def extend(self) -> None:
        """Note that what stands here is no AQL."""
        self.extended = self.extended or self.at

    def back(self) -> None:
        """Leave a level of nesting."""
        self.depth -= 1
