"""What can be wrong with a query.

    AqlError          the text is not AQL, or names what does not exist
    AqlNotSupported   the text is AQL, and this compiler does not run it yet
    AqlTooLarge       the records make more rows of it than can be held

Messages name keywords, symbols and kinds of token only: a query may carry an identifier of a
person, and what it carries is never repeated.
"""


class AqlError(ValueError):
    """A query that cannot be understood, with the place where reading stopped.

    `line` and `column` count from 1; `expected` says what would have been right there and
    `found` names the kind of thing that stood there ("" where there is nothing to name).
    """

    def __init__(self, line: int, column: int, expected: str, found: str = "") -> None:
        self.line, self.column, self.expected, self.found = line, column, expected, found
        met = f", found {found}" if found else ""
        super().__init__(f"line {line}, column {column}: expected {expected}{met}")


class AqlNotSupported(ValueError):
    """A query that is right, with a construct that is not run yet; `construct` names it."""

    def __init__(self, line: int, column: int, construct: str) -> None:
        self.line, self.column, self.construct = line, column, construct
        super().__init__(f"line {line}, column {column}: {construct} is not supported yet")


class AqlTooLarge(ValueError):
    """Classes or paths side by side combine to more rows than can be held at once; `most` of them
    can.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"more than {most} combinations in one record")
