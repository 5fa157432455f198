"""A place in an ADL 2 text: patterns take what stands there, white space and comments go by
(ADL 2, § "File Encoding and Character Quoting" and § "ADL Keywords, Comments").

Every pattern is possessive or of bounded choice, so that no text takes more than linear time.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from moiety.openehr.errors import Adl2Error

LIMIT_DEPTH = 100
"""Blocks inside blocks: three times what the deepest published template needs."""

_GAP = re.compile(r"(?:\s++|--[^\n]*+)*+")


class Reader:
    """The text and how far it has been read."""

    __slots__ = ("at", "depth", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.skip()

    def skip(self) -> None:
        found = _GAP.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what matches here, and the gap behind it; None leaves the place as it is."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            self.skip()
        return found

    def take(self, pattern: re.Pattern[str], construct: str, reason: str) -> str:
        """The text that matches here. Raises Adl2Error where none does."""
        found = self.match(pattern)
        if found is None:
            raise self.refuse(construct, reason)
        return found.group()

    def sees(self, pattern: re.Pattern[str]) -> bool:
        return pattern.match(self.text, self.at) is not None

    def accept(self, mark: str) -> bool:
        """Take a mark if it stands here."""
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        self.skip()
        return True

    def expect(self, mark: str, construct: str) -> None:
        """Take a mark. Raises Adl2Error where it does not stand."""
        if not self.accept(mark):
            raise self.refuse(construct, f"expected {mark}")

    def at_end(self) -> bool:
        return self.at >= len(self.text)

    @contextmanager
    def deeper(self, construct: str) -> Iterator[None]:
        """Inside, one level of nesting more. Raises Adl2Error for the hundredth."""
        self.depth += 1
        if self.depth > LIMIT_DEPTH:
            raise self.refuse(construct, f"is nested more than {LIMIT_DEPTH} levels deep")
        yield
        self.depth -= 1

    def refuse(self, construct: str, reason: str, at: int | None = None) -> Adl2Error:
        """The error for this place, or for `at`."""
        place = self.at if at is None else at
        if place >= len(self.text) and at is None:
            reason += ", and the text ends here"
        line = self.text.count("\n", 0, place) + 1
        column = place - self.text.rfind("\n", 0, place)
        return Adl2Error(line, column, construct, reason)
