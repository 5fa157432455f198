"""Identifiers as texts with parts (BASE 1.2.0, base_types.identification)."""

import re
from dataclasses import dataclass

_ARCHETYPE = re.compile(
    r"(?:[a-zA-Z][a-zA-Z0-9._-]*::)?"
    r"(?P<publisher>[a-zA-Z]\w*)-(?P<model>[a-zA-Z]\w*)-(?P<rm_class>[a-zA-Z]\w*)"
    r"\.(?P<concept>\w[\w-]*?)"
    r"\.v(?P<version>[0-9]+(?:\.[0-9]+){0,2}(?:(?:-rc|-alpha|\+u)(?:\.[0-9]+)?)?)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ArchetypeName:
    """ARCHETYPE_ID in parts: openEHR-EHR-OBSERVATION.blood_pressure.v2."""

    publisher: str
    model: str
    rm_class: str
    concept: str
    version: str


def find_archetype_name(text: str) -> ArchetypeName | None:
    """The parts of an archetype id; None where the text is none (an at-code, say)."""
    found = _ARCHETYPE.fullmatch(text)
    return ArchetypeName(**found.groupdict()) if found else None
