"""What queries see: the tables that they read, and documents and versions as they read them."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

import msgspec

from clinical_api import documents, tables
from moiety.aql.plan import Place
from moiety.aql.stored import Reading, Row
from moiety.aql.tables import Heads, Kept
from moiety.change_control import records
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.change_control.records import Beside
from moiety.change_control.versions import Version
from moiety.openehr import rm
from moiety.openehr.canonical import decode, encode


def heads(system_id: str, hot: frozenset[Place] = frozenset()) -> Heads:
    """The tables that queries read."""
    kinds = {name: Kept(kind.head, kind.history) for name, kind in tables.KINDS.items()}
    return Heads(
        kinds, tables.ehr, tables.version_detail, tables.attestation, system_id, hot
    )  # fmt: skip


def reading(system_id: str, check: Callable[[], object] = bool) -> Reading:
    """How documents are read, and versions put together; `check` may end it by an error."""
    return Reading(documents.unpack, lambda row, content: _version(row, content, system_id), check)


def _version(row: Row, content: Any, system_id: str) -> dict[str, Any]:
    """VERSION in canonical JSON, as objects; `content` stands in it as it is.

    An imported version answers for its id and state as an original one does (RM, VERSION).
    """
    version = Version(
        object_id=row.object_id,
        version=row.version or 0,
        contribution_id=row.contribution_id,
        change=ChangeType(row.change_type or 0),
        lifecycle=Lifecycle(row.lifecycle_state or 0),
        time_committed=row.time_committed.astimezone(UTC),
        audit=row.audit,
    )
    detail = row.detail or {}
    beside = Beside(
        signature=detail.get("signature"),
        other_inputs=detail.get("other_inputs", ()),
        original=detail.get("original"),
        attestations=[
            decode(documents.unpack(packed), rm.Attestation) for packed in row.attestations or ()
        ],
    )
    told = records.version_of(version, None, system_id=system_id, beside=beside)
    tree: dict[str, Any] = msgspec.json.decode(encode(told))
    change = tree["commit_audit"]["change_type"]
    change["defining_code"]["preferred_term"] = change["value"]
    if not isinstance(told, rm.ImportedVersion):
        return tree if content is None else {**tree, "data": content}
    tree["item"]["data"] = content
    here = records.version_of(version, None, system_id=system_id)
    return {**msgspec.json.decode(encode(here)), **tree}
