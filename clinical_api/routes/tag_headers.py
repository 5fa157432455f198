"""openehr-item-tag and openehr-version-item-tag: tags that come with a commit.

The first names the tags of the object, the second those of the version that is committed; an empty
header takes all off.  They are written in the commit's own transaction.
"""

import re
from dataclasses import dataclass, replace

from fastapi import Request

from clinical_api import tags
from clinical_api.audits import Audit
from clinical_api.compositions import Written
from clinical_api.settings import Settings
from clinical_api.tags import NewTag, Target
from moiety.kit.commits import Commit
from moiety.kit.errors import Malformed

_OBJECT, _VERSION = "openehr-item-tag", "openehr-version-item-tag"
_SUFFIX = b"-item-tag"
_PAIR = re.compile(r'\s*(key|value|target_path)\s*=\s*"((?:[^"\\]|\\.)*)"\s*([,;]|$)')


@dataclass(frozen=True, slots=True)
class Said:
    """What the headers say; None for the one that is not there."""

    of_object: list[NewTag] | None
    of_version: list[NewTag] | None


def read(request: Request) -> Said | None:
    """The tags that a commit brings; None where neither header is there.  Raises Malformed."""
    if not any(name.endswith(_SUFFIX) for name, _ in request.scope["headers"]):
        return None
    headers = request.headers
    return Said(_tags(headers.get(_OBJECT)), _tags(headers.get(_VERSION)))


def screened(said: Said | None, audit: Audit, settings: Settings) -> Audit:
    """The audit with what the screen records of the tags.

    Raises Malformed for tags that are none, Unprocessable for what may not be stored.
    """
    if said is None:
        return audit
    every = [*(said.of_object or ()), *(said.of_version or ())]
    return replace(audit, found=(*audit.found, *tags.check(every, settings, Malformed)))


def with_tags(said: Said | None, commit: Commit, kind: str) -> Commit:
    """The commit of a version, and of the tags that came with it."""
    if said is None:
        return commit
    made: Written = commit.result
    target = Target(commit.order, kind, made.object_id)
    steps = list(commit.steps)
    if said.of_object is not None:
        steps += tags.steps(target, said.of_object)
    if said.of_version is not None:
        steps += tags.steps(replace(target, version=made.version), said.of_version)
    return replace(commit, steps=tuple(steps))


def _tags(text: str | None) -> list[NewTag] | None:
    if text is None:
        return None
    found: list[NewTag] = []
    place, begun = 0, False
    while text[place:].strip():
        pair = _PAIR.match(text, place)
        if pair is None:
            raise Malformed(
                'A tag header is a list of key="…",value="…",target_path="…", parted by semicolons.'
            )
        if not begun:
            found.append(NewTag())
        setattr(found[-1], pair[1], re.sub(r"\\(.)", r"\1", pair[2]))
        begun, place = pair[3] == ",", pair.end()
    return found
