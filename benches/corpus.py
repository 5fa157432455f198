"""The compositions that queries are asked of, and how they come into every layout at once.

    blood pressure   55 %   one to three readings
    diagnosis        25 %   one or two of 300 codes, some of them rare
    laboratory       12 %   a panel of eight analytes, each an archetyped cluster
    questionnaire     8 %   48 questions in six groups

Loading is COPY in chunks, through the service's own bulk path.  `distinct` documents are made and
prepared once and then stored under ever new ids, so that the loading of a million is not the
validation of a million.
"""

import random
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import msgspec
import peers
import psycopg
from ground import AUDIT, SETTINGS, UNTIL, Ground

from clinical_api import compositions, definitions, documents, statuses, versions
from clinical_api.bulk import copying
from clinical_api.bulk.preparing import Ready, Whole
from clinical_api.registry import Registry
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.commands.demo import records
from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.leaves import ROWS_VERSION
from tests.unit.openehr import opt_builder as opt

Connection = psycopg.Connection[Any]
Json = dict[str, Any]
EACH = 10
"""Compositions of an EHR, on average."""
CODES = tuple(str(700_001 + n) for n in range(300))
_CHUNK = 1000
_GROUPS = ("Breathing", "Fever and pain", "Contacts", "Past illness", "Medicines", "Daily life")
_ANSWERS = {"at0030": "Yes", "at0031": "No", "at0032": "Not known"}


@dataclass(frozen=True, slots=True)
class Sample:
    """A document ready to be stored any number of times.  `text` has a uid to be replaced."""

    prepared: compositions.Prepared
    text: bytes
    body: bytes
    nodes: peers.NodeCommit | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a composition is: its EHR, its object id and its node rows' id."""

    ehr_id: UUID
    object_id: UUID
    node_id: UUID


# --- documents -------------------------------------------------------------------------------


def write(count: int, seed: int = 3) -> Iterator[bytes]:
    """`count` documents in the mix above, of the year before `UNTIL`."""
    rng = random.Random(seed)
    kinds = {_pressure: 55, _diagnosis: 25, _laboratory: 12, _questionnaire: 8}
    for kind in rng.choices(tuple(kinds), weights=tuple(kinds.values()), k=count):
        moment = UNTIL - timedelta(minutes=rng.randrange(60 * 24 * 365))
        yield msgspec.json.encode(kind(rng, moment))


def _pressure(rng: random.Random, moment: datetime) -> Json:
    made = records.vital_signs(rng, moment)
    made["content"] = made["content"][:1]
    return made


def _diagnosis(rng: random.Random, moment: datetime) -> Json:
    made = records.problem_diagnosis(rng, moment)
    for entry in made["content"]:
        code = CODES[min(int(rng.expovariate(1 / 40)), len(CODES) - 1)]
        condition = entry["data"]["items"][0]["value"]
        condition["value"], condition["defining_code"]["code_string"] = f"Condition {code}", code
    return made


def _laboratory(rng: random.Random, moment: datetime) -> Json:
    made = records.laboratory_result(rng, moment)
    items = made["content"][0]["data"]["events"][0]["data"]["items"]
    while sum(item["_type"] == "CLUSTER" for item in items) < 8:
        more = records.laboratory_result(rng, moment)
        items.insert(2, more["content"][0]["data"]["events"][0]["data"]["items"][2])
    while sum(item["_type"] == "CLUSTER" for item in items) > 8:
        del items[2]
    return made


def _questionnaire(rng: random.Random, moment: datetime) -> Json:
    """The demo's laboratory report with another entry in it."""
    made = records.laboratory_result(rng, moment)
    composition = "openEHR-EHR-COMPOSITION.moiety_questionnaire.v1"
    _called(made, "Questionnaire", composition)
    made["archetype_details"]["template_id"]["value"] = "moiety_questionnaire.v1"
    del made["context"]["other_context"]
    entry = made["content"][0]
    _called(entry, "Symptom questionnaire", "openEHR-EHR-OBSERVATION.moiety_questionnaire.v1")
    entry["data"]["events"][0]["data"]["items"] = [
        {
            "_type": "CLUSTER",
            "name": {"_type": "DV_TEXT", "value": name},
            "archetype_node_id": f"at{4 + group:04d}",
            "items": [_answer(rng, group, question) for question in range(8)],
        }
        for group, name in enumerate(_GROUPS)
    ]
    return made


def _called(node: Json, name: str, archetype: str) -> None:
    node["name"]["value"] = name
    node["archetype_node_id"] = archetype
    node["archetype_details"]["archetype_id"]["value"] = archetype


def _answer(rng: random.Random, group: int, question: int) -> Json:
    value: Json
    match question % 4:
        case 2:
            value = {"_type": "DV_TEXT", "value": rng.choice(("Since spring.", "Now and then."))}
        case 3:
            value = {"_type": "DV_COUNT", "magnitude": rng.randrange(15)}
        case _:
            code = rng.choice(tuple(_ANSWERS))
            value = {
                "_type": "DV_CODED_TEXT",
                "value": _ANSWERS[code],
                "defining_code": {
                    "_type": "CODE_PHRASE",
                    "terminology_id": {"_type": "TERMINOLOGY_ID", "value": "local"},
                    "code_string": code,
                },
            }
    return {
        "_type": "ELEMENT",
        "name": {"_type": "DV_TEXT", "value": f"{_GROUPS[group]}, question {question + 1}"},
        "archetype_node_id": f"at1{group}{question:02d}",
        "value": value,
    }


def questionnaire_template() -> bytes:
    """The template of the questionnaire, OPT 1.4."""
    kinds = (opt.coded("local", *_ANSWERS), opt.coded("local", *_ANSWERS),
             opt.node("DV_TEXT"), opt.node("DV_COUNT"))  # fmt: skip
    groups = [
        opt.node("CLUSTER", f"at{4 + group:04d}", opt.many("items", *(
            opt.leaf(f"at1{group}{question:02d}", kinds[question % 4]) for question in range(8)
        )), occurs=(0, 1))
        for group in range(len(_GROUPS))
    ]  # fmt: skip
    event = opt.node(
        "POINT_EVENT", "at0002", opt.one("data", opt.node(
            "ITEM_TREE", "at0003", opt.many("items", *groups)
        )), occurs=(0, None),
    )  # fmt: skip
    history = opt.node("HISTORY", "at0001", opt.many("events", event))
    archetype = "openEHR-EHR-OBSERVATION.moiety_questionnaire.v1"
    entry = opt.root("OBSERVATION", archetype, opt.one("data", history))
    return opt.template(
        "moiety_questionnaire.v1", "openEHR-EHR-COMPOSITION.moiety_questionnaire.v1",
        opt.many("content", entry),
    )  # fmt: skip


def add_template(here: Ground) -> None:
    """Store the template of the questionnaire; the others come with the demo."""
    with here.engine().begin() as connection:
        definitions.add(connection, questionnaire_template())


# --- loading ---------------------------------------------------------------------------------


def samples(registry: Registry, count: int, *, with_peers: bool) -> list[Sample]:
    """Documents, decoded, validated, screened and cut into rows."""
    made = []
    for body in write(count):
        prepared = compositions.prepare(body, SETTINGS, registry.seen)
        prepared.composition.uid = rm.ObjectVersionId(value=_uid(UUID(int=0)))
        key = prepared.known.template_key
        nodes = peers.node_commit(UUID(int=0), body, key) if with_peers else None
        made.append(Sample(prepared, encode(prepared.composition), body, nodes))
        _progress("prepared", len(made), count)
    return made


def load(here: Ground, pool: list[Sample], count: int, *, with_peers: bool) -> list[Place]:
    """`count` compositions in EHRs of their own, in every layout; where they are."""
    ehrs = [uuid4() for _ in range(max(1, count // EACH))]
    rng, made = random.Random(count), list[Place]()
    source = ((rng.choice(ehrs), pool[n % len(pool)]) for n in range(count))
    with psycopg.connect(here.url()) as connection:
        # What is loaded is consistent: nothing has to be checked again, and the disk may lag.
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET session_replication_role = replica")
        for n in range(0, len(ehrs), _CHUNK):
            copying.write(connection, [_opened(e) for e in ehrs[n : n + _CHUNK]], (), AUDIT)
            connection.commit()
        while some := list(islice(source, _CHUNK)):
            made += _load_some(connection, some, with_peers=with_peers)
            connection.commit()
            _progress("loaded", len(made), count)
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
    return made


def _load_some(
    connection: Connection, some: list[tuple[UUID, Sample]], *, with_peers: bool
) -> list[Place]:
    places = [Place(ehr_id, uuid4(), uuid4()) for ehr_id, _ in some]
    wholes = [_whole(place, one) for place, (_, one) in zip(places, some, strict=True)]
    copying.write(connection, wholes, (), AUDIT)
    if with_peers:
        _load_peers(
            connection, [(place, one) for place, (_, one) in zip(places, some, strict=True)]
        )
    return places


def _load_peers(connection: Connection, some: list[tuple[Place, Sample]]) -> None:
    nodes, covering = [], dict[str, list[tuple[Any, ...]]]()
    for place, one in some:
        if one.nodes is not None:
            n = one.nodes
            nodes.append(peers.NodeCommit(
                place.ehr_id, place.node_id, n.concept, n.template_key, n.rows, n.array
            ))  # fmt: skip
        for table, row in peers.covering(place.ehr_id, place.object_id, one.body):
            covering.setdefault(table, []).append(row)
    peers.load(connection, nodes)
    for table, rows in covering.items():
        peers.copy_rows(connection, table, rows)


def _opened(ehr_id: UUID) -> Whole:
    """An EHR with its status."""
    prepared = statuses.prepare(statuses.default(), SETTINGS)
    whole, now = _contributed(ehr_id), datetime.now(UTC)
    object_id = uuid4()
    prepared.status.uid = rm.ObjectVersionId(value=_uid(object_id))
    columns = _columns(whole, object_id, documents.pack(encode(prepared.status)))
    whole.versions.append(Ready("EHR_STATUS", columns, follows=prepared.columns()))
    whole.opening = {
        "ehr_id": ehr_id, "system_id": SETTINGS.system_id, "time_created": now, "pooled": False,
    }  # fmt: skip
    return whole


def _whole(place: Place, one: Sample) -> Whole:
    """A contribution of one composition."""
    whole, prepared = _contributed(place.ehr_id), one.prepared
    text = one.text.replace(_uid(UUID(int=0)).encode(), _uid(place.object_id).encode(), 1)
    columns = _columns(whole, place.object_id, documents.pack(text)) | {
        "template_key": prepared.known.template_key,
        "rows_version": ROWS_VERSION,
        "residue": int(prepared.checked.residue),
        "groups": [rows.table for rows in prepared.checked.rows],
    }
    kinds: Mapping[str, str] = prepared.known.kinds
    whole.versions.append(Ready("COMPOSITION", columns, prepared.checked.rows, kinds))
    return whole


def _contributed(ehr_id: UUID) -> Whole:
    contribution = {
        "ehr_id": ehr_id, "contribution_id": uuid4(), "time_committed": datetime.now(UTC),
        "change_type": int(ChangeType.CREATION), "audit": AUDIT.details,
    }  # fmt: skip
    return Whole(ehr_id, contribution, set())


def _columns(whole: Whole, object_id: UUID, packed: bytes) -> dict[str, Any]:
    return whole.contribution | {
        "object_id": object_id, "version": 1, "row_key": secrets.randbits(63),
        "lifecycle_state": int(Lifecycle.COMPLETE), "document": packed,
    }  # fmt: skip


def _uid(object_id: UUID) -> str:
    return versions.version_uid(object_id, SETTINGS, 1)


def _progress(what: str, done: int, count: int) -> None:
    if sys.stderr.isatty() and (done % _CHUNK == 0 or done == count):
        bar = "#" * (30 * done // count)
        end = "\n" if done == count else ""
        print(f"\r{what:10}{bar:30} {done:,} of {count:,}", end=end, file=sys.stderr, flush=True)
