"""Lines that are no contribution: templates, stored queries, tags.  Each is stored by itself."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from clinical_api import adl2_definitions, definitions, documents, stored_queries, tables, tags
from clinical_api.audits import Audit
from clinical_api.bulk.lines import Line, QueryLine, TagLine, TemplateLine, uuid_of, wrong
from clinical_api.bulk.saying import moment
from clinical_api.settings import Settings
from clinical_api.tags import NewTag, Target
from moiety.kit.errors import Conflict, Malformed

Stored = tuple[str, int]
"""Which count of the report grows, and by how many."""
Driver = psycopg.Connection[Any]
_PRESENT: Stored = ("present", 1)
_TAGS_AT_ONCE = 500


def is_apart(line: Line) -> bool:
    """Whether a line is one of these."""
    return line.ehr_id is None or line.tags is not None


def store(connection: sa.Connection, line: Line, settings: Settings, audit: Audit) -> Stored:
    """Store a line, in the transaction that is open.  Raises a ServiceError with its place."""
    if line.tags is not None:
        return _tags(connection, line, settings, audit)
    if line.template is not None:
        return _template(connection, line.template)
    if line.template_adl2 is not None:
        return _template_adl2(connection, line.template_adl2.adl, line.template_adl2.time_created)
    if line.stored_query is not None:
        return _query(connection, line.stored_query)
    if line.inactive is not None:
        definitions.set_active(connection, line.inactive.template_id, active=False)
    return ("present", 0)


def definition_lines(driver: Driver) -> Iterator[dict[str, Any]]:
    """Templates, a revision after another, and stored queries: what stands before the EHRs."""
    for template_id, revision, made, packed in _ask(driver, _TEMPLATES):
        shown = {"template_id": template_id, "revision": revision, "time_created": _time(made)}
        yield {"template": {**shown, "opt": documents.unpack(packed).decode()}}
    for made, packed in _ask(driver, _ADL2):
        adl = documents.unpack(packed).decode()
        yield {"template_adl2": {"time_created": _time(made), "adl": adl}}
    for name, major, minor, patch, saved, q in _ask(driver, _QUERIES):
        version = f"{major}.{minor}.{patch}"
        yield {"stored_query": {"name": name, "version": version, "saved": _time(saved), "q": q}}


def closing_lines(driver: Driver) -> Iterator[dict[str, Any]]:
    """What is said of templates when every document is there."""
    for (template_id,) in _ask(driver, _INACTIVE):
        yield {"inactive": {"template_id": template_id}}


def tag_lines(driver: Driver, ehr_id: UUID) -> Iterator[dict[str, Any]]:
    """The tags of an EHR, some hundred a line."""
    found = [_shown(*row) for row in _ask(driver, _TAGS, ehr_id)]
    for start in range(0, len(found), _TAGS_AT_ONCE):
        yield {"ehr_id": str(ehr_id), "tags": found[start : start + _TAGS_AT_ONCE]}


# --- in ------------------------------------------------------------------------------------------


def _template(connection: sa.Connection, line: TemplateLine) -> Stored:
    """A revision that comes after what is here; what is here stays as it is."""
    made = _moment(line.time_created, "/template/time_created")
    current = definitions.revision_of(connection, line.template_id)
    if current is not None and (line.revision or 1) <= current:
        return _PRESENT
    if current is None:
        try:
            definitions.add(connection, line.opt.encode(), made=made)
        except Conflict:  # the line names another id than the template
            return _PRESENT
    else:
        definitions.change(connection, line.template_id, line.opt.encode(), made=made)
    return ("templates", 1)


def _template_adl2(connection: sa.Connection, adl: str, created: str | None) -> Stored:
    made = _moment(created, "/template_adl2/time_created")
    try:
        adl2_definitions.add(connection, adl.encode(), None, made=made)
    except Conflict:
        return _PRESENT
    return ("templates", 1)


def _query(connection: sa.Connection, line: QueryLine) -> Stored:
    stored_queries.whole_version(line.version)  # a part of one would mean another each time
    saved = _moment(line.saved, "/stored_query/saved")
    try:
        stored_queries.store(connection, line.name, line.version, line.q, saved=saved)
    except Conflict:
        return _PRESENT
    return ("queries", 1)


def _tags(connection: sa.Connection, line: Line, settings: Settings, audit: Audit) -> Stored:
    """They stand beside those that are there; one of the same key and path takes its place."""
    owner, sent = uuid_of(line.ehr_id, "/ehr_id"), line.tags or []
    by_target: dict[Target, list[NewTag]] = {}
    for number, one in enumerate(sent):
        target = _target(owner, one, f"/tags[{number}]")
        by_target.setdefault(target, []).append(NewTag(one.key, one.value, one.target_path))
    for target, some in by_target.items():
        tags.check(some, settings, Malformed)
        tags.merge(connection, target, some, audit)
    return ("tags", len(sent))


def _target(owner: UUID, one: TagLine, path: str) -> Target:
    if one.kind not in {"COMPOSITION", "EHR_STATUS"}:
        raise wrong(f"{path}/kind", "type", "COMPOSITION or EHR_STATUS")
    if not 0 <= one.version < 2**31:
        raise wrong(f"{path}/version", "range", "the number of a version, or 0")
    return Target(owner, one.kind, uuid_of(one.object_id, f"{path}/object_id"), one.version)


def _moment(text: str | None, path: str) -> datetime | None:
    return None if text is None else moment(text, path)


# --- out -----------------------------------------------------------------------------------------


def _shown(
    kind: str, object_id: UUID, version: int, key: str, value: str | None, path: str
) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": kind, "object_id": str(object_id)}
    if version != tags.WHOLE:
        shown["version"] = version
    shown["key"] = key
    if value is not None:
        shown["value"] = value
    return shown | ({"target_path": path} if path else {})


def _ask(driver: Driver, statement: bytes, *parameters: Any) -> Sequence[tuple[Any, ...]]:
    return psycopg.RawCursor(driver).execute(statement, parameters, binary=True).fetchall()


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _templates() -> bytes:
    columns = "template_id, revision, time_created, operational_template"
    parts = (
        f"SELECT {columns} FROM {t.name}" for t in (tables.template, tables.template_superseded)
    )
    return f"{' UNION ALL '.join(parts)} ORDER BY template_id, revision".encode()


_TEMPLATES = _templates()
_INACTIVE = b"SELECT template_id FROM template WHERE NOT active ORDER BY template_id"
_ADL2 = b"SELECT time_created, operational_template FROM template_adl2 ORDER BY template_id"
_QUERIES = (
    b"SELECT name, major, minor, patch, time_saved, q FROM stored_query"
    b" ORDER BY name, major, minor, patch"
)
_TAGS = (
    b"SELECT kind, object_id, version, key, value, target_path FROM item_tag WHERE ehr_id = $1"
    b" ORDER BY object_id, version, key, target_path"
)
