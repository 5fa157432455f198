"""YAML with the line of everything in it, so that a fault can be told where it stands.

A fault says the line, what is wrong and how to mend it.  Reading goes on after one, so that all of
them are told at once.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a configuration."""

    line: int
    where: str
    what: str

    def __str__(self) -> str:
        """As `--check-config` prints it."""
        return f"line {self.line}: {f'{self.where}: ' if self.where else ''}{self.what}"


class ConfigurationError(ValueError):
    """A configuration with faults, in order of their lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass
class Place:
    """A node of the file, its name, and the list to which its faults go."""

    node: yaml.Node
    name: str = ""
    faults: list[Fault] = field(default_factory=list)

    def fault(self, what: str) -> None:
        """Note a fault at this place."""
        self.faults.append(Fault(self.node.start_mark.line + 1, self.name, what))

    def mapping(self, allowed: Sequence[str]) -> "dict[str, Place]":
        """The places of a mapping by key; a key that is unknown or doubled is a fault."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fault(f"write keys and values here: {', '.join(allowed)}")
            return {}
        places: dict[str, Place] = {}
        for key, value in self.node.value:
            name = str(key.value)
            inner = f"{self.name}.{name}" if self.name else name
            at_key = Place(key, inner, self.faults)
            if name not in allowed:
                at_key.fault(f"there is no such key; {nearest(name, allowed)}")
            elif name in places:
                at_key.fault("the key stands here twice; keep one")
            else:
                places[name] = Place(value, inner, self.faults)
        return places

    def pairs(self) -> "list[tuple[str, Place]]":
        """The keys of a mapping in which any key may stand, and their places."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fault("write names and labels here, as NAME: LABEL")
            return []
        return [
            (str(key.value), Place(value, f"{self.name}.{key.value}", self.faults))
            for key, value in self.node.value
        ]

    def places(self) -> "list[Place]":
        """The places of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fault("write a list here: [a, b], or a line `- a` for each")
            return []
        return [
            Place(node, f"{self.name}[{i}]", self.faults)
            for i, node in enumerate(self.node.value, 1)
        ]

    def text(self) -> str:
        """A word or phrase; "" where there is none, with a fault."""
        if isinstance(self.node, yaml.ScalarNode) and self.node.value != "":
            return str(self.node.value)
        self.fault("write a word or phrase here")
        return ""

    def texts(self) -> tuple[str, ...]:
        """A list of words or phrases."""
        return tuple(text for place in self.places() if (text := place.text()))

    def is_flag(self) -> bool:
        """Whether true or false stands here."""
        return isinstance(self._scalar(), bool)

    def flag(self, default: bool) -> bool:
        """True or false."""
        value = self._scalar()
        if isinstance(value, bool):
            return value
        self.fault("write true or false")
        return default

    def number(self, default: float, low: float, high: float) -> float:
        """A number between two bounds."""
        value = self._scalar()
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self.fault(f"write a number from {low:g} to {high:g}")
        return default

    def whole(self, default: int, low: int, high: int) -> int:
        """A whole number between two bounds."""
        value = self._scalar()
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.fault(f"write a whole number from {low} to {high}")
        return default

    def none(self) -> bool:
        """Whether `null` or nothing stands here."""
        return isinstance(self.node, yaml.ScalarNode) and self._scalar() is None

    def one_of(self, words: Sequence[str], default: str) -> str:
        """One of these words."""
        text = self.text()
        if text in words:
            return text
        if text:
            self.fault(f"this is none of {', '.join(words)}")
        return default

    def _scalar(self) -> Any:
        if not isinstance(self.node, yaml.ScalarNode):
            return self.node
        try:
            return yaml.safe_load(yaml.serialize(self.node))
        except (yaml.YAMLError, ValueError):
            return self.node


def composed(text: str) -> Place | None:
    """The root of a file; None where nothing stands in it.  Raises ConfigurationError."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError([Fault(line, "", _not_yaml(error.problem))]) from None
    except yaml.YAMLError:
        raise ConfigurationError([Fault(1, "", "this is no YAML in UTF-8")]) from None
    return Place(node) if node is not None else None


def nearest(word: str, words: Iterable[str]) -> str:
    """What to write in place of a word that is not known."""
    known = sorted(words)
    close = difflib.get_close_matches(word, known, 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"write one of {', '.join(known)}"


def _not_yaml(problem: str | None) -> str:
    return f"this is no YAML ({problem or 'it can not be read'}); look at indents, colons, quotes"


Checked = Mapping[str, Place]
