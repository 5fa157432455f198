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
_TREE = re.compile(r"[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8}\.[1-9][0-9]{0,8})?")
_UID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class ArchetypeName:
    """ARCHETYPE_ID in parts: openEHR-EHR-OBSERVATION.blood_pressure.v2."""

    publisher: str
    model: str
    rm_class: str
    concept: str
    version: str


@dataclass(frozen=True, slots=True)
class VersionUid:
    """OBJECT_VERSION_ID in parts: object::system::tree."""

    object_id: str
    system_id: str
    version_tree_id: str

    def __str__(self) -> str:
        return f"{self.object_id}::{self.system_id}::{self.version_tree_id}"


def find_archetype_name(text: str) -> ArchetypeName | None:
    """The parts of an archetype id; None where the text is none (an at-code, say)."""
    found = _ARCHETYPE.fullmatch(text)
    return ArchetypeName(**found.groupdict()) if found else None


def parse_version_uid(text: str) -> VersionUid:
    """The parts of an OBJECT_VERSION_ID. Raises ValueError, without the text."""
    parts = text.split("::")
    if len(parts) != 3:
        raise ValueError("a version uid has three parts: object::system::version")
    object_id, system_id, tree = parts
    if not _UID.fullmatch(object_id) or not _UID.fullmatch(system_id):
        raise ValueError("a part of the version uid is no identifier")
    if not _TREE.fullmatch(tree):
        raise ValueError("the version of a version uid is a positive whole number")
    return VersionUid(object_id, system_id, tree)
