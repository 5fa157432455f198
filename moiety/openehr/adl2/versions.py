"""Versions of ADL 2 artefacts: their order, and which one an id with or without a version means.

A version is major.minor.patch, perhaps before its release (-alpha, -beta, -rc, each with an
optional build count), in the order of Semantic Versioning 2.0.0 (BASE, Artefact Identification,
§ "Version Numbering"; ITS-REST, Definition API, parameter `version`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_STAGES = ("alpha", "beta", "rc", "")
_VERSION = re.compile(
    r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(?:-(alpha|beta|rc)(?:\.([0-9]{1,9}))?)?", re.ASCII
)
_WANTED = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:\.\*)?|\*)", re.ASCII)
_ID = re.compile(r"(?P<stem>.+?)(?:\.v(?P<version>[0-9][^:]*))?", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """`stage` 0 alpha, 1 beta, 2 release candidate, 3 released; `build` -1 where none is told."""

    major: int
    minor: int
    patch: int
    stage: int
    build: int

    def __str__(self) -> str:
        plain = f"{self.major}.{self.minor}.{self.patch}"
        if not _STAGES[self.stage]:
            return plain
        return f"{plain}-{_STAGES[self.stage]}" + (f".{self.build}" if self.build >= 0 else "")


def parse_version(text: str) -> Version:
    """A whole version: three numbers, perhaps a stage. Raises ValueError for another text."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError("not a version such as 1.0.2 or 1.1.0-rc.1")
    major, minor, patch, stage, build = found.groups()
    return Version(
        int(major), int(minor), int(patch), _STAGES.index(stage or ""), int(build or "-1")
    )


def sort_by_version(template_ids: Iterable[str]) -> list[str]:
    """Ids of ADL 2 templates by name, each name's versions from the oldest to the latest."""
    return sorted(template_ids, key=lambda each: (_stem(each), _version_of(each)))


def find_version(
    template_ids: Iterable[str], template_id: str, version: str | None = None
) -> str | None:
    """Which of the stored `template_ids` is meant by an id and perhaps a version; None for none.

    Without `version`: the very id where it is stored; an id without version, or with a part of
    one (".v1", ".v1.0"), means the highest version that begins so. With `version` the id's own
    version does not count: a whole one is found as it is; a part ("1", "1.0"), "1.*" or "*" means
    the highest that fits. Raises ValueError for a `version` of another form.
    """
    stored = list(template_ids)
    if version is None and template_id in stored:
        return template_id
    wanted = (_part(template_id) or "*") if version is None else version
    whole = _VERSION.fullmatch(wanted) is not None
    if not whole and _WANTED.fullmatch(wanted) is None:
        if version is None:
            return None
        raise ValueError("not a version such as 1.0.2, 1.0, 1 or *")
    stem = _stem(template_id)
    fitting = [each for each in stored if _stem(each) == stem and _fits(_part(each), wanted)]
    return max(fitting, key=_version_of, default=None)


def _fits(version: str, wanted: str) -> bool:
    if _VERSION.fullmatch(wanted):
        return version == wanted
    begin = wanted.removesuffix("*").rstrip(".")
    return not begin or version.startswith(f"{begin}.")


def _stem(template_id: str) -> str:
    found = _ID.fullmatch(template_id)
    return found["stem"] if found else template_id


def _part(template_id: str) -> str:
    found = _ID.fullmatch(template_id)
    return (found["version"] if found else None) or ""


def _version_of(template_id: str) -> Version:
    try:
        return parse_version(_part(template_id))
    except ValueError:
        return Version(-1, 0, 0, 0, -1)
