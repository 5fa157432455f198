"""A page of events after a place, and what each tells.

An EHR that waits in the pool is nobody's yet, and none of its contributions is told before its
first write shows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from clinical_api import tables
from clinical_api.events.places import Place, before
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.kit.reads import Reads

LARGEST_PAGE = 1000


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version that a contribution brought, or attested."""

    kind: str
    uid: str
    change_type: str
    lifecycle_state: str
    template_id: str | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One contribution, or one erasure.  `id` is the contribution's."""

    id: UUID
    type: str
    ehr_id: UUID
    cursor: str
    change_type: str | None = None
    versions: tuple[Version, ...] = ()
    # Of an erasure: what is gone.
    kind: str | None = None
    object_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Events, where to go on, and whether there is more already."""

    events: Sequence[Event]
    after: Place
    more: bool


async def page(
    reads: Reads, place: Place, limit: int, system_id: str, *, ehr_id: UUID | None = None
) -> Page:
    """The next events after `place`, at most `limit`; of one EHR, where one is named."""
    statement = _PAGE if ehr_id is None else _PAGE_OF_ONE
    of_one = () if ehr_id is None else (ehr_id,)
    rows = await reads.ask(statement, (*place.parameters, limit, *of_one))
    found = sorted(
        ((_place(row), row) for row in rows if row[3] is not None), key=lambda one: one[0].key
    )[:limit]
    versions = await versions_of(
        reads, [(row[8], row[7]) for _, row in found if row[3] == "contribution"], system_id
    )
    events = [_event(one, row, versions) for one, row in found]
    if len(found) == limit:
        return Page(events, found[-1][0], more=True)
    era, lineage, xact = rows[0][:3]
    horizon = before(era, lineage, int(xact))
    # Never back: the place may be of an event above a horizon that a standby has not reached.
    return Page(events, max(horizon, place, key=lambda one: one.key), more=False)


async def versions_of(
    reads: Reads, contributions: Sequence[tuple[UUID, UUID]], system_id: str
) -> Mapping[UUID, tuple[Version, ...]]:
    """The versions of some contributions, each given as (EHR, contribution)."""
    if not contributions:
        return {}
    owners, ids = ([one[n] for one in contributions] for n in (0, 1))
    found: dict[UUID, list[Version]] = {}
    for row in await reads.ask(_VERSIONS, (owners, ids)):
        contribution_id, kind, object_id, number, change, lifecycle, template_id = row
        version = Version(
            kind, f"{object_id}::{system_id}::{number}", ChangeType(change).rubric,
            Lifecycle(lifecycle).rubric, template_id,
        )  # fmt: skip
        found.setdefault(contribution_id, []).append(version)
    return {key: tuple(sorted(some, key=lambda one: one.uid)) for key, some in found.items()}


def event_of_contribution(
    event_id: UUID, ehr_id: UUID, *, change: int, cursor: str, versions: tuple[Version, ...]
) -> Event:
    """The event of a contribution."""
    return Event(
        event_id, "contribution", ehr_id, cursor, ChangeType(change).rubric, versions=versions
    )


def event_of_erasure(
    event_id: UUID, ehr_id: UUID, *, cursor: str, kind: str, object_id: UUID | None
) -> Event:
    """The event of an erasure."""
    return Event(event_id, "erasure", ehr_id, cursor, kind=kind, object_id=object_id)


def _place(row: Sequence[Any]) -> Place:
    *_, era, lineage, xact, time = row
    return Place(era, lineage, int(xact), time, row[7])


def _event(place: Place, row: Sequence[Any], versions: Mapping[UUID, tuple[Version, ...]]) -> Event:
    kind, change, object_id, event_id, ehr_id = row[4], row[5], row[6], row[7], row[8]
    if row[3] == "erasure":
        return event_of_erasure(event_id, ehr_id, cursor=str(place), kind=kind, object_id=object_id)
    return event_of_contribution(
        event_id, ehr_id, change=change, cursor=str(place), versions=versions.get(event_id, ())
    )


def _page(condition: str) -> bytes:
    """Row: era, lineage and transaction of the horizon; then the event, if any."""
    branches = []
    for table, key, told, owner in (
        ("contribution", "contribution_id", "NULL::text, c.change_type::int, NULL::uuid",
         " JOIN ehr o ON o.ehr_id = c.ehr_id AND NOT o.pooled"),
        ("erasure", "erasure_id", "c.kind, NULL::int, c.object_id", ""),
    ):  # fmt: skip
        order = f"c.era, c.xact, c.time_committed, c.{key}"
        branches.append(
            f"(SELECT '{table}' AS type, {told}, c.{key} AS id, c.ehr_id, c.era, x.lineage,"
            f" c.xact::text, c.time_committed FROM {table} c JOIN event_era x ON x.era = c.era"
            f"{owner} WHERE ({order}) > ($1::int, $2::text::xid8, $3::timestamptz, $4::uuid)"
            f" AND (c.era < h.era OR c.xact < h.xmin){condition}"
            f" ORDER BY {order} LIMIT $5::bigint)"
        )
    return (
        "WITH h AS MATERIALIZED (SELECT era, lineage, pg_snapshot_xmin(pg_current_snapshot()) AS"
        " xmin FROM event_era ORDER BY era DESC LIMIT 1)"
        " SELECT h.era, h.lineage, h.xmin::text, e.* FROM h LEFT JOIN LATERAL ("
        + " UNION ALL ".join(branches)
        + ") e ON true"
    ).encode()


_PAGE = _page("")
_PAGE_OF_ONE = _page(" AND c.ehr_id = $6::uuid")


def _versions() -> bytes:
    parts = []
    for name, kind in tables.KINDS.items():
        template = "coalesce(t.template_id, s.template_id)" if name == "COMPOSITION" else "NULL"
        join = (
            " LEFT JOIN template t ON t.template_key = v.template_key"
            " LEFT JOIN template_superseded s ON s.template_key = v.template_key"
            if name == "COMPOSITION"
            else ""
        )
        for table in (kind.head.name, kind.history.name):
            parts.append(
                f"SELECT w.contribution_id, '{name}', v.object_id, v.version, v.change_type::int,"
                f" v.lifecycle_state::int, {template} FROM w JOIN {table} v"
                f" USING (ehr_id, contribution_id){join}"
            )
            # An attestation contributes to a version that another contribution brought.
            parts.append(
                f"SELECT DISTINCT w.contribution_id, '{name}', v.object_id, v.version,"
                f" {int(ChangeType.ATTESTATION)}, v.lifecycle_state::int, {template}"
                f" FROM w JOIN attestation a USING (ehr_id, contribution_id) JOIN {table} v"
                f" ON v.ehr_id = a.ehr_id AND v.object_id = a.object_id AND v.version = a.version"
                f" AND v.contribution_id <> a.contribution_id{join}"
            )
    return (
        "WITH w AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS w(ehr_id, contribution_id)) "
        + " UNION ALL ".join(parts)
    ).encode()


_VERSIONS = _versions()
