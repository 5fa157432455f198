"""Item tags: short marks on a version, or on a versioned object as a whole.

They stand beside the versions and are not versioned themselves; of one target, key and target_path
name a tag (openEHR REST API, ITEM_TAG).
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from clinical_api import own_words, tables
from clinical_api.audits import Audit
from clinical_api.own_words import OwnWords, Part, Sealed
from clinical_api.screen import Found, screen
from clinical_api.settings import Settings
from moiety.kit.commits import Step
from moiety.kit.errors import NotFound, ServiceError
from moiety.kit.reads import Reads
from moiety.openehr import rm
from moiety.openehr.canonical import encode

_FRESH = 1.0
WHOLE = 0
"""Stands for the version of a tag that is on the object as a whole."""
_COLUMNS = ("tag_id", "kind", "object_id", "version", "key", "value", "target_path", "sealed")


class NewTag(msgspec.Struct, forbid_unknown_fields=True):
    """A tag as it is sent; `id`, in the older form alone, names one that exists."""

    key: str | None = None
    value: str | None = None
    target_path: str | None = None
    id: str | None = None


class KeptBox(msgspec.Struct, frozen=True):
    """A box of words that were sealed out of tags, and the number of this one among them."""

    seal_id: str
    box: bytes
    number: int

    @property
    def sealed(self) -> Sealed:
        """The box by itself."""
        return Sealed(UUID(self.seal_id), self.box)


class ScreenedTag(NewTag):
    """A tag after the screen."""

    sealed: list[KeptBox] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What is tagged: a versioned object, or one version of it."""

    ehr_id: UUID
    kind: str
    object_id: UUID
    version: int = WHOLE


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as it is kept."""

    tag_id: UUID
    kind: str
    object_id: UUID
    version: int
    key: str
    value: str | None
    target_path: str
    sealed: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)

    def record(self, ehr_id: UUID, system_id: str) -> dict[str, Any]:
        """ITEM_TAG of the openEHR REST API."""
        uid, id_class = str(self.object_id), "HIER_OBJECT_ID"
        if self.version:
            uid, id_class = f"{uid}::{system_id}::{self.version}", "OBJECT_VERSION_ID"
        found: dict[str, Any] = {"key": self.key}
        if self.value is not None:
            found["value"] = self.value
        if self.target_path:
            found["target_path"] = self.target_path
        return found | {
            "target": _reference(uid, id_class, self.kind),
            "owner_id": _reference(str(ehr_id), "HIER_OBJECT_ID", "EHR"),
        }


class Tagged:
    """Whether this organisation uses tags at all: where it does not, no answer asks for them.

    Once it does, that is kept; until then it is asked once a second, so the first tags that another
    process writes may be missing from headers for so long.
    """

    def __init__(self) -> None:
        self._used = False
        self._fresh_until = 0.0

    async def ask(self, reads: Reads) -> bool:
        """Whether there are any."""
        now = time.monotonic()
        if not self._used and now >= self._fresh_until:
            self._fresh_until = now + _FRESH
            rows = await reads.ask(b"SELECT EXISTS (SELECT FROM item_tag)", ())
            self._used = bool(rows[0][0])
        return self._used

    def note(self) -> None:
        """This process writes some."""
        self._used = True


def check(
    sent: Sequence[NewTag], settings: Settings, refusal: type[ServiceError]
) -> tuple[Found, ...]:
    """What the screen records of some tags.

    Raises `refusal` for a tag without key or with a path that does not start at the root, and
    Unprocessable for an identifier that may not be stored.
    """
    for number, tag in enumerate(sent):
        if not (tag.key or "").strip():
            raise refusal(
                "A tag has a key.",
                findings=[{"path": f"/[{number}]/key", "rule": "existence", "expected": "1..1"}],
            )
        if tag.target_path and not tag.target_path.startswith("/"):
            shown = f" '{tag.target_path}'" if settings.profile == "conformance" else ""
            raise refusal(
                f"target_path{shown} does not start at root",
                findings=[
                    {"path": f"/[{number}]/target_path", "rule": "path", "expected": "a leading /"}
                ],
            )
    return tuple(screen(msgspec.json.encode([{"value": [t.key, t.value]} for t in sent]), settings))


def masked(
    own: OwnWords | None, ehr_id: UUID, sent: Sequence[NewTag]
) -> tuple[list[NewTag], tuple[Found, ...]]:
    """The tags after the screen of their keys and values, and what was found."""
    said = [(tag.key, tag.value) for tag in sent]
    shown, found, sealed = own_words.masked(own, ehr_id, said, list[tuple[str | None, str | None]])
    return [
        ScreenedTag(*new, tag.target_path, tag.id, boxes(sealed, number, is_in_it=new != old))
        for number, (tag, new, old) in enumerate(zip(sent, shown, said, strict=True))
    ], found


def boxes(sealed: Sealed | None, number: int, *, is_in_it: bool) -> list[KeptBox] | None:
    """What the tag of a number keeps of the words that were sealed out of several."""
    if sealed is None or not is_in_it:
        return None
    return [KeptBox(str(sealed.seal_id), sealed.box, number)]


def parts(found: Iterable[Tag]) -> list[tuple[Tag, list[Any], list[Part]]]:
    """Tags with sealed words, each with its key and value as objects, and their parts."""
    told = []
    for tag in found:
        if tag.sealed:
            tree = [tag.key, tag.value]
            kept = msgspec.convert(tag.sealed, list[KeptBox])
            some = [Part(tree, one.sealed, f"[{one.number}]") for one in kept]
            told.append((tag, tree, some))
    return told


def find(connection: sa.Connection, target: Target) -> list[Tag]:
    """The tags of a target.  Raises NotFound without it."""
    _demand(connection, target)
    t = tables.item_tag
    return _read(connection, *_of(target), t.c.version == target.version)


def find_all(
    connection: sa.Connection,
    ehr_id: UUID,
    *,
    keys: Sequence[str] = (),
    values: Sequence[str] = (),
    paths: Sequence[str] = (),
) -> list[Tag]:
    """The tags of an EHR; of some keys, values or paths, where any are named."""
    e, t = tables.ehr, tables.item_tag
    if connection.scalar(sa.select(e.c.ehr_id).where(e.c.ehr_id == ehr_id)) is None:
        raise NotFound("There is no EHR of this id.")
    wanted = [t.c.ehr_id == ehr_id]
    for column, named in ((t.c.key, keys), (t.c.value, values), (t.c.target_path, paths)):
        if named:
            wanted.append(column.in_(named))
    return _read(connection, *wanted)


def replace(
    connection: sa.Connection, target: Target, sent: Sequence[NewTag], audit: Audit
) -> list[Tag]:
    """The target bears these tags from now on, and no other.  Raises NotFound."""
    _demand(connection, target)
    _clear(connection, target)
    _write(connection, target, sent, audit)
    return find(connection, target)


def merge(
    connection: sa.Connection, target: Target, sent: Sequence[NewTag], audit: Audit
) -> list[Tag]:
    """The target bears these tags too: what is answered.  Raises NotFound.

    A tag that names its id takes the place of the tag of that id.
    """
    _demand(connection, target)
    ids = [uid for tag in sent if (uid := _uuid(tag.id)) is not None]
    delete_ids(connection, target, ids)
    _write(connection, target, sent, audit)
    named = {(tag.key, tag.target_path or "") for tag in sent}
    return [tag for tag in find(connection, target) if (tag.key, tag.target_path) in named]


def delete_key(connection: sa.Connection, target: Target, key: str) -> None:
    """Take off the tags of a key, whatever their paths.  Raises NotFound."""
    _demand(connection, target)
    t = tables.item_tag
    done = connection.execute(
        t.delete().where(*_of(target), t.c.version == target.version, t.c.key == key)
    )
    if not done.rowcount:
        raise NotFound("There is no tag of this key on this target.")


def delete_ids(connection: sa.Connection, target: Target, ids: Iterable[UUID]) -> None:
    """Take off the tags of some ids, those that are there."""
    t = tables.item_tag
    connection.execute(t.delete().where(*_of(target), t.c.tag_id.in_(list(ids))))


def steps(target: Target, sent: Sequence[NewTag]) -> tuple[Step, ...]:
    """The statements of `replace`, to be run with the commit of the target itself."""
    key = {"ehr_id": target.ehr_id, "object_id": target.object_id, "version": target.version}
    rows = [Step(_INSERT, {**key, **_values(target, tag)}) for tag in _distinct(sent).values()]
    return (Step(_DELETE, key), *rows)


# --- parts ---------------------------------------------------------------------------------------


_DELETE = (
    "DELETE FROM item_tag WHERE ehr_id = %(ehr_id)s AND object_id = %(object_id)s"
    " AND version = %(version)s"
)
_INSERT = (
    "INSERT INTO item_tag"
    " (ehr_id, tag_id, kind, object_id, version, key, value, target_path, sealed)"
    " VALUES (%(ehr_id)s, %(tag_id)s, %(kind)s, %(object_id)s, %(version)s, %(key)s, %(value)s,"
    " %(target_path)s, %(sealed)s::text::jsonb)"
)


def _distinct(sent: Sequence[NewTag]) -> dict[tuple[str, str], NewTag]:
    """Of several with one key and path, the last."""
    return {(tag.key or "", tag.target_path or ""): tag for tag in sent}


def _values(target: Target, tag: NewTag) -> dict[str, Any]:
    return {
        "ehr_id": target.ehr_id,
        "tag_id": _uuid(tag.id) or uuid4(),
        "kind": target.kind,
        "object_id": target.object_id,
        "version": target.version,
        "key": tag.key,
        "value": tag.value,
        "target_path": tag.target_path or "",
        "sealed": _packed(tag),
    }


def _packed(tag: NewTag) -> str | None:
    kept = tag.sealed if isinstance(tag, ScreenedTag) else None
    return None if kept is None else msgspec.json.encode(kept).decode()


def _write(connection: sa.Connection, target: Target, sent: Sequence[NewTag], audit: Audit) -> None:
    rows = [_values(target, tag) for tag in _distinct(sent).values()]
    if rows:
        row = insert(tables.item_tag)
        unique = ("ehr_id", "object_id", "version", "key", "target_path")
        newer = {"value": row.excluded.value, "sealed": row.excluded.sealed}
        connection.execute(
            row.on_conflict_do_update(index_elements=unique, set_=newer),
            [one | {"sealed": json.loads(one["sealed"] or "null")} for one in rows],
        )
    if any(one.finding.kind == own_words.UNSCREENED for one in audit.found):
        connection.exec_driver_sql(own_words.LATER, {"ehr_id": target.ehr_id})
    connection.execute(
        tables.commit_log.insert().values(
            ehr_id=target.ehr_id,
            attempt_id=uuid4(),
            time_tried=datetime.now(UTC),
            key_id=audit.key_id,
            door=audit.door,
            kind="item_tag",
            outcome="accepted",
            findings=sorted({one.finding.kind for one in audit.found}),
        )
    )


def _clear(connection: sa.Connection, target: Target) -> None:
    t = tables.item_tag
    connection.execute(t.delete().where(*_of(target), t.c.version == target.version))


def _of(target: Target) -> tuple[sa.ColumnElement[bool], ...]:
    t = tables.item_tag
    return t.c.ehr_id == target.ehr_id, t.c.object_id == target.object_id


def _read(connection: sa.Connection, *wanted: sa.ColumnElement[bool]) -> list[Tag]:
    t = tables.item_tag
    rows = connection.execute(
        sa.select(*(t.c[name] for name in _COLUMNS))
        .where(*wanted)
        .order_by(t.c.key, t.c.target_path, t.c.object_id, t.c.version)
    )
    return [Tag(*row) for row in rows]


def _demand(connection: sa.Connection, target: Target) -> None:
    """Raise NotFound unless the EHR has, or had, the target."""
    kind = tables.KINDS[target.kind]
    for table in (kind.head, kind.history):
        wanted = sa.select(table.c.version).where(
            table.c.ehr_id == target.ehr_id,
            table.c.object_id == target.object_id,
            sa.true() if target.version == WHOLE else table.c.version == target.version,
        )
        if connection.scalar(wanted.limit(1)) is not None:
            return
    raise NotFound(f"There is no {target.kind} of this id in this EHR.")


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _reference(uid: str, id_class: str, kind: str) -> Mapping[str, Any]:
    id_type = rm.ObjectVersionId if id_class == "OBJECT_VERSION_ID" else rm.HierObjectId
    reference = rm.ObjectRef(id=id_type(value=uid), namespace="local", type=kind)
    found: Mapping[str, Any] = msgspec.json.decode(encode(reference))
    return found
