"""Regular expressions of templates, matched in time that grows with the text alone.

A template comes from outside, and Python's own matcher may take years over a few characters
of a hostile pattern. Here a pattern becomes an automaton (Thompson's construction) whose sets
of states are walked, and remembered, character by character. What templates use is supported:
literals, classes, groups, alternatives, repetition, anchors at the ends (AOM 1.4, C_STRING:
PERL syntax); look-around and back-references are refused.
"""

from collections.abc import Callable
from typing import TypeAlias

LIMIT_STATES = 5_000
LIMIT_DEPTH = 50
_LIMIT_KNOWN = 20_000

_Test: TypeAlias = Callable[[str], bool]


LIMIT_CHARACTERS = 4_000


class PatternError(ValueError):
    """A text is no regular expression, or one that is not supported; says why."""


class Pattern:
    """A compiled pattern. Two are equal if their texts are."""

    __slots__ = ("_accept", "_known", "_start", "_states", "pattern")

    def __init__(self, pattern: str) -> None:
        """Raises PatternError for what is no pattern, is not supported, or is too large."""
        if len(pattern) > LIMIT_CHARACTERS:
            raise PatternError(f"is longer than {LIMIT_CHARACTERS} characters")
        self.pattern = pattern
        parser = _Parser(pattern)
        start, end = parser.whole()
        self._states = parser.states
        self._accept = end
        self._start = self._closed({start})
        self._known: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"Pattern({self.pattern!r})"

    def fullmatch(self, text: str) -> bool:
        """Whether the pattern matches the whole text."""
        here, known = self._start, self._known
        for character in text:
            found = known.get((here, character))
            if found is None:
                found = self._step(here, character)
            if not found:
                return False
            here = found
        return self._accept in here

    def _step(self, here: frozenset[int], character: str) -> frozenset[int]:
        reached = {
            target
            for state in here
            for test, target in self._states[state].moves
            if test(character)
        }
        found = self._closed(reached)
        if len(self._known) >= _LIMIT_KNOWN:
            self._known.clear()
        self._known[here, character] = found
        return found

    def _closed(self, states: set[int]) -> frozenset[int]:
        """The states, and those that are reached from them without a character."""
        found, left = set(states), list(states)
        while left:
            for target in self._states[left.pop()].jumps:
                if target not in found:
                    found.add(target)
                    left.append(target)
        return frozenset(found)


class _State:
    __slots__ = ("jumps", "moves")

    def __init__(self) -> None:
        self.moves: list[tuple[_Test, int]] = []
        self.jumps: list[int] = []


_Span: TypeAlias = tuple[int, int]
"""Where a part of the automaton begins and ends."""


class _Parser:
    """Pattern text → states, by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.states: list[_State] = []

    # --- states

    def state(self) -> int:
        if len(self.states) >= LIMIT_STATES:
            raise PatternError(f"needs more than {LIMIT_STATES} states")
        self.states.append(_State())
        return len(self.states) - 1

    def join(self, source: int, target: int) -> None:
        self.states[source].jumps.append(target)

    def single(self, test: _Test) -> _Span:
        start, end = self.state(), self.state()
        self.states[start].moves.append((test, end))
        return start, end

    def empty(self) -> _Span:
        start = self.state()
        return start, start

    # --- grammar

    def whole(self) -> _Span:
        found = self.alternatives()
        if self.at < len(self.text):
            raise PatternError("a bracket is closed that was not opened")
        return found

    def alternatives(self) -> _Span:
        self.depth += 1
        if self.depth > LIMIT_DEPTH:
            raise PatternError("is nested too deeply")
        start, end = self.state(), self.state()
        while True:
            first, last = self.sequence()
            self.join(start, first)
            self.join(last, end)
            if not self.take("|"):
                self.depth -= 1
                return start, end

    def sequence(self) -> _Span:
        start, here = self.empty()
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            begin = self.at
            first, last = self.atom()
            first, last = self.repeated(first, last, begin)
            self.join(here, first)
            here = last
        return start, here

    def repeated(self, first: int, last: int, begin: int) -> _Span:
        """What stands before a quantifier, as often as it says."""
        bounds = self.quantifier()
        if bounds is None:
            return first, last
        if self.peek() in "*+{" and self.quantifier() is not None:
            raise PatternError("repeats a repetition")
        least, most = bounds
        after = self.at
        start, here = self.empty()
        spans = [(first, last)]
        for _ in range(max(least, most or 1, 1) - 1):  # each time anew, from the text
            self.at = begin
            spans.append(self.atom())
        self.at = after
        ends = [here]
        for count, (one, other) in enumerate(spans, 1):
            if most == 0:
                break
            self.join(here, one)
            here = other
            if count == len(spans) and most is None:
                self.join(other, one)
            if count >= least:
                ends.append(other)
        final = self.state()
        for end in ends if least == 0 else ends[1:]:
            self.join(end, final)
        return start, final

    def quantifier(self) -> tuple[int, int | None] | None:
        found: tuple[int, int | None] | None = None
        if self.take("*"):
            found = (0, None)
        elif self.take("+"):
            found = (1, None)
        elif self.take("?"):
            found = (0, 1)
        elif self.peek() == "{":
            found = self.counted()
        if found is not None:
            self.take("?")  # least first or most first: the whole text decides
        return found

    def counted(self) -> tuple[int, int | None] | None:
        close = self.text.find("}", self.at)
        least, comma, most = self.text[self.at + 1 : max(close, self.at)].partition(",")
        digits = least + most
        if close < 0 or not digits.isdecimal() or len(digits) > 8 or not (least or comma):
            return None  # a brace that is a character
        self.at = close + 1
        lower, upper = int(least or 0), int(most) if most else None
        if upper is not None and upper < lower:
            raise PatternError("repeats from more to fewer")
        return lower, upper if comma else lower

    def atom(self) -> _Span:
        character = self.next()
        if character == "(":
            return self.group()
        if character == "[":
            return self.single(self.bracket())
        if character == ".":
            return self.single(lambda c: c != "\n")
        if character == "\\":
            return self.single(self.escape(self.next()))
        if character in "^$":
            return self.anchor(character)
        if character in "*+?":
            raise PatternError("repeats nothing")
        return self.single(_exactly(character))

    def anchor(self, character: str) -> _Span:
        outermost = self.depth == 1
        first = self.at == 1 or self.text[self.at - 2] == "|"
        last = self.at == len(self.text) or self.text[self.at] == "|"
        if outermost and (first if character == "^" else last):
            return self.empty()
        raise PatternError("has an anchor inside")

    def group(self) -> _Span:
        if self.take("?") and not self.take(":"):
            raise PatternError("has a group that is not supported (look-around, name, flag)")
        found = self.alternatives()
        if not self.take(")"):
            raise PatternError("a bracket is not closed")
        return found

    def escape(self, character: str) -> _Test:
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS:
            return _exactly(_CONTROLS[character])
        if character.isalnum():
            raise PatternError("has an escape that is not supported")
        return _exactly(character)

    # --- classes of characters

    def bracket(self) -> _Test:
        negated = self.take("^")
        tests: list[_Test] = []
        while not (self.peek() == "]" and tests):
            tests.append(self.member())
        self.at += 1
        return lambda c: any(test(c) for test in tests) != negated

    def member(self) -> _Test:
        first = self.next()
        if first == "\\":
            escaped = self.next()
            if escaped in _CLASSES:
                return _CLASSES[escaped]
            first = self.literal(escaped)
        if self.peek() != "-" or self.text[self.at + 1 : self.at + 2] in {"]", ""}:
            return _exactly(first)
        self.at += 1
        last = self.next()
        if last == "\\":
            last = self.literal(self.next())
        if last < first:
            raise PatternError("has a range from more to less")
        return lambda c: first <= c <= last

    def literal(self, escaped: str) -> str:
        if escaped in _CONTROLS:
            return _CONTROLS[escaped]
        if escaped.isalnum():
            raise PatternError("has an escape that is not supported")
        return escaped

    # --- characters

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> bool:
        if self.peek() == character:
            self.at += 1
            return True
        return False

    def next(self) -> str:
        if self.at >= len(self.text):
            raise PatternError("ends too early")
        self.at += 1
        return self.text[self.at - 1]


def _exactly(character: str) -> _Test:
    return lambda c: c == character


_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_CLASSES: dict[str, _Test] = {
    "d": str.isdecimal,
    "D": lambda c: not c.isdecimal(),
    "w": lambda c: c.isalnum() or c == "_",
    "W": lambda c: not (c.isalnum() or c == "_"),
    "s": str.isspace,
    "S": lambda c: not c.isspace(),
}
