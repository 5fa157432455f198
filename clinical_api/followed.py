"""What the versions of a CONTRIBUTION follow or attest: the latest of each object, of any kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from uuid import UUID

from clinical_api import tables, versions
from clinical_api.intents import Intent, Sent
from clinical_api.settings import Settings
from moiety.change_control.codes import ChangeType
from moiety.kit.errors import Conflict, Malformed, NotFound, VersionConflict
from moiety.kit.reads import Reads
from moiety.openehr import rm


@dataclass(frozen=True, slots=True)
class Latest:
    """What a version of a contribution follows, or attests: its kind and its place."""

    kind: str
    object_id: UUID
    version: int
    template_key: int = 0
    groups: tuple[str, ...] = ()
    deleted: bool = False


Follows = Mapping[UUID, Latest]


async def look_up(reads: Reads, ehr_id: UUID, sent: Sent, settings: Settings) -> Follows:
    """The latest version of every object that the contribution changes or attests.

    Raises NotFound for what is not here, VersionConflict for what is not the latest any more.
    """
    wanted = [intent.follows[0] for intent in sent.intents if intent.follows]
    if not wanted:
        return {}
    rows = await reads.ask(_LATEST, (ehr_id, wanted))
    found: dict[UUID, Latest] = {}
    for kind, object_id, version, template_key, groups, deleted in sorted(rows, key=itemgetter(2)):
        found[object_id] = Latest(
            kind, object_id, version, template_key, tuple(groups), deleted=deleted
        )
    for number, intent in enumerate(sent.intents):
        if intent.follows:
            _demand(intent, found.get(intent.follows[0]), settings, number)
    return found


def _demand(intent: Intent, latest: Latest | None, settings: Settings, number: int) -> None:
    """What is followed is here, of the kind of the content, and the latest."""
    place = {"path": f"/versions[{number}]/preceding_version_uid"}
    if latest is None or intent.system not in (None, settings.system_id):
        raise NotFound(
            "There is no version of this id in this EHR.", findings=[place | {"rule": "version"}]
        )
    if intent.data is not None and rm.type_name(intent.data) != latest.kind:
        raise Malformed(findings=[place | {"rule": "type", "expected": latest.kind}])
    version = intent.follows[1] if intent.follows else None
    if intent.change is ChangeType.ATTESTATION:
        if version is None or version > latest.version:
            raise NotFound("There is no version of this number.", findings=[place])
        return
    restored = intent.change is ChangeType.RESTORATION
    if latest.deleted != restored:
        if restored:
            raise Conflict("What is restored is not deleted.", findings=[place])
        raise NotFound("What is changed is deleted: restore it first.", findings=[place])
    if version not in (None, latest.version):
        uid = versions.version_uid(latest.object_id, settings, latest.version)
        raise VersionConflict(headers={"ETag": f'"{uid}"'}, findings=[place])


def _latest() -> bytes:
    parts: list[str] = []
    for name, kind in tables.KINDS.items():
        rows = "template_key, groups" if name == "COMPOSITION" else "0, '{}'::text[]"
        parts.extend(
            f"(SELECT DISTINCT ON (object_id) '{name}', object_id, version, {rows},"
            f" document IS NULL FROM {table.name} WHERE ehr_id = $1 AND object_id = ANY($2)"
            " ORDER BY object_id, version DESC)"
            for table in (kind.head, kind.history)
        )
    return " UNION ALL ".join(parts).encode()


_LATEST = _latest()
"""Of every object its head, and the newest of its history: a deletion, where there is no head."""
