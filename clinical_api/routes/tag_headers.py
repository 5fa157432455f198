"""openehr-item-tag and openehr-version-item-tag: tags that come with a commit, and with an answer.

The first names the tags of the object, the second those of the version that is committed; an empty
header takes all off.  They are written in the commit's own transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import Request, Response

from clinical_api import tag_lists, tags
from clinical_api.audits import Audit
from clinical_api.compositions import Written
from clinical_api.deps import Organisation
from clinical_api.tags import NewTag, Tag, Target
from moiety.kit.commits import Commit
from moiety.kit.errors import Malformed

_OBJECT, _VERSION = "openehr-item-tag", "openehr-version-item-tag"
_SUFFIX = b"-item-tag"


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


async def screened(
    said: Said | None, audit: Audit, here: Organisation, ehr_id: UUID
) -> tuple[Said | None, Audit]:
    """The tags as they are written, and the audit with what the screen records of them.

    Raises Malformed for tags that are none, Unprocessable for what may not be stored.
    """
    if said is None:
        return said, audit
    every = [*(said.of_object or ()), *(said.of_version or ())]
    found = tags.check(every, here.settings, Malformed)
    kept, own = await run_sync(tags.masked, here.own_words, ehr_id, every)
    here_on = len(said.of_object or ())
    said = Said(
        None if said.of_object is None else kept[:here_on],
        None if said.of_version is None else kept[here_on:],
    )
    return said, replace(audit, found=(*audit.found, *found, *own))


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


async def told(
    response: Response,
    here: Organisation,
    ehr_id: UUID,
    object_id: UUID,
    version: int,
    *,
    said: Said | None = None,
    whole: Callable[[Sequence[Tag]], list[Tag]] | None = None,
) -> Response:
    """The answer, with the tags of the object and of this version of it, if they have any.

    `said`: those that this request has written.  `whole`: what they are shown through.
    """
    if said is not None:
        here.tagged.note()
    if not await here.tagged.ask(here.reads):
        return response
    rows = await here.reads.ask(_TAGS_OF, (ehr_id, object_id, version))
    found = [Tag(*row) for row in rows]
    if whole is not None and found:
        found = await run_sync(whole, found)
    for name, number in ((_OBJECT, tags.WHOLE), (_VERSION, version)):
        text = tag_lists.write(
            (tag.key, tag.value, tag.target_path) for tag in found if tag.version == number
        )
        if text:
            response.raw_headers.append((name.encode(), text))
    return response


_TAGS_OF = (
    b"SELECT tag_id, kind, object_id, version, key, value, target_path, sealed FROM item_tag"
    b" WHERE ehr_id = $1 AND object_id = $2 AND version IN (0, $3)"
    b" ORDER BY version, key, target_path"
)


def _tags(text: str | None) -> list[NewTag] | None:
    return None if text is None else tag_lists.parse(text)
