"""Latency of queries, against hand-written SQL on perfectly indexed tables and against node rows.

    python benches/queries.py [--compositions 20000] [--ehrs 2000] [--rounds 15]

Loads the same compositions of the demo's kinds three times over and takes turns at every question.
Columns, median ms:

    ours      the whole of a query whose plan is known, in process: plan found, statement run by
              the driver, prepared, JSON written; documents evaluated where they have to answer
    sql       the statement of that alone, executed and fetched; nothing where documents answer
    first     the first of its text: compiled, and run in a transaction of its own
    cover     hand-written SQL on a covering index, executed and fetched
    node      hand-written SQL on node rows, executed and fetched
    read      the same with documents put together again from their node rows, where whole ones are
              asked for: what `ours` is compared with there

All statements are prepared, take their values as parameters and give binary rows.  Every question
must give the same number of rows from all, and documents must be the same, or the bench stops.
Questions marked with * have their paths declared (`moiety clinical index add`) as the hand-written
tables have their indexes.  Results: benches/results/queries.jsonl.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

import ground
import msgspec
import peers
import psycopg
from ground import AUDIT, SETTINGS, Ground, median

from clinical_api import compositions, hot_paths, queries
from clinical_api.queries import Query, ResultSet
from clinical_api.registry import Registry

Connection = psycopg.Connection[Any]
_BP = "openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1"
_EVENT = "data[at0001]/events[at0002]"
_SYSTOLIC = f"o/{_EVENT}/data[at0003]/items[at0004]/value/magnitude"
_TIME = f"o/{_EVENT}/time/value"
_FROM_BP = f"FROM EHR e CONTAINS COMPOSITION c CONTAINS OBSERVATION o[{_BP}]"
_ANALYTE = (
    "FROM EHR e CONTAINS COMPOSITION c"
    " CONTAINS OBSERVATION o[openEHR-EHR-OBSERVATION.moiety_laboratory_result.v1]"
    " CONTAINS CLUSTER l[openEHR-EHR-CLUSTER.moiety_analyte.v1]"
)
_DIAGNOSIS = (
    "FROM EHR e CONTAINS COMPOSITION c"
    " CONTAINS EVALUATION d[openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1]"
)
_VITALS = "openEHR-EHR-COMPOSITION.moiety_vital_signs.v1"
_NODE_BP = """
FROM peer.version v
JOIN peer.node r ON r.vo_id = v.vo_id AND r.num = 0
JOIN peer.node o ON o.vo_id = r.vo_id AND o.num BETWEEN r.num + 1 AND r.num_cap
  AND o.entity = 'OB' AND o.concept = 'moiety_blood_pressure.v1'
JOIN peer.node h ON h.vo_id = o.vo_id AND h.parent_num = o.num AND h.concept = 'at0001'
  AND h.attribute = 'data'
JOIN peer.node ev ON ev.vo_id = h.vo_id AND ev.parent_num = h.num AND ev.concept = 'at0002'
  AND ev.attribute = 'events'
JOIN peer.node t ON t.vo_id = ev.vo_id AND t.parent_num = ev.num AND t.concept = 'at0003'
  AND t.attribute = 'data'
JOIN peer.node el ON el.vo_id = t.vo_id AND el.parent_num = t.num AND el.concept = 'at0004'
  AND el.attribute = 'items'
"""
_NODE_SYSTOLIC = "(el.data->'V'->>'m')::numeric"
_HOT_SYSTOLIC = f"{_BP}/{_SYSTOLIC.partition('/')[2]}"
_HOT_CODE = (
    "openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1"
    "/data[at0001]/items[at0002]/value/defining_code/code_string"
)
_HOT_ANALYTE, _HOT_RESULT = (
    f"openEHR-EHR-CLUSTER.moiety_analyte.v1/items[{path}"
    for path in ("at0001]/value/defining_code/code_string", "at0002]/value/magnitude")
)
GIVEN = {"high": 140.0, "rare": 175.0, "analyte": "2160-0", "large": 120.0, "code": "44054006"}
"""The values of the questions, for hand-written SQL; AQL has them in its text."""
_WHOLE = "string_agg(n.idx || n.data::text, E'\\n' ORDER BY n.num)"


@dataclass(frozen=True)
class Question:
    """The same question three times.  Parameters in SQL and AQL: ehr_id, uid, vo_id, node_id."""

    aql: str
    cover: str
    node: str
    slow: bool = False
    hot: tuple[str, ...] = ()
    whole: bool = False


QUESTIONS = {
    "composition by uid": Question(
        "SELECT c FROM EHR e CONTAINS COMPOSITION c WHERE c/uid/value = $uid",
        "SELECT body FROM peer.document WHERE id = %(vo_id)s",
        f"SELECT {_WHOLE} FROM peer.node n WHERE n.vo_id = %(node_id)s GROUP BY n.vo_id",
        whole=True,
    ),
    "all of one EHR": Question(
        "SELECT c FROM EHR e CONTAINS COMPOSITION c WHERE e/ehr_id/value = $ehr_id",
        "SELECT body FROM peer.document WHERE ehr_id = %(ehr_id)s",
        f"SELECT {_WHOLE} FROM peer.version v JOIN peer.node n ON n.vo_id = v.vo_id"
        " WHERE v.ehr_id = %(ehr_id)s GROUP BY n.vo_id",
        whole=True,
    ),
    "latest 5 of an EHR": Question(
        f"SELECT c FROM EHR e CONTAINS COMPOSITION c[{_VITALS}] WHERE e/ehr_id/value = $ehr_id"
        " ORDER BY c/context/start_time/value DESC LIMIT 5",
        "SELECT body FROM peer.document WHERE ehr_id = %(ehr_id)s"
        " AND template = 'moiety_vital_signs.v1' ORDER BY start DESC LIMIT 5",
        f"SELECT (SELECT {_WHOLE} FROM peer.node n WHERE n.vo_id = s.vo_id) FROM (SELECT v.vo_id"
        " FROM peer.version v JOIN peer.node r ON r.vo_id = v.vo_id AND r.num = 0"
        " JOIN peer.node x ON x.vo_id = r.vo_id AND x.parent_num = 0 AND x.attribute = 'context'"
        " WHERE v.ehr_id = %(ehr_id)s AND v.root_concept = 'moiety_vital_signs.v1'"
        " ORDER BY (x.data->'st'->>'M')::float8 DESC LIMIT 5) s",
        whole=True,
    ),
    "systolic of an EHR by time": Question(
        f"SELECT {_SYSTOLIC} AS v, {_TIME} AS t {_FROM_BP}"
        f" WHERE e/ehr_id/value = $ehr_id ORDER BY {_TIME}",
        "SELECT systolic, time FROM peer.pressure WHERE ehr_id = %(ehr_id)s ORDER BY time",
        f"SELECT {_NODE_SYSTOLIC}, ev.data->'ti'->>'V' {_NODE_BP} WHERE v.ehr_id = %(ehr_id)s"
        " ORDER BY (ev.data->'ti'->>'M')::float8",
    ),
    "population systolic > 140": Question(
        f"SELECT e/ehr_id/value AS e, {_SYSTOLIC} AS v {_FROM_BP} WHERE {_SYSTOLIC} > 140",
        "SELECT ehr_id, systolic FROM peer.pressure WHERE systolic > %(high)s",
        f"SELECT v.ehr_id, {_NODE_SYSTOLIC} {_NODE_BP} WHERE {_NODE_SYSTOLIC} > %(high)s",
        slow=True,
    ),
    "same, LIMIT 50": Question(
        f"SELECT e/ehr_id/value AS e, {_SYSTOLIC} AS v {_FROM_BP} WHERE {_SYSTOLIC} > 140 LIMIT 50",
        "SELECT ehr_id, systolic FROM peer.pressure WHERE systolic > %(high)s LIMIT 50",
        f"SELECT v.ehr_id, {_NODE_SYSTOLIC} {_NODE_BP} WHERE {_NODE_SYSTOLIC} > %(high)s LIMIT 50",
    ),
    "AVG, COUNT, MAX": Question(
        f"SELECT AVG({_SYSTOLIC}) AS a, COUNT({_SYSTOLIC}) AS n, MAX({_SYSTOLIC}) AS m {_FROM_BP}",
        "SELECT avg(systolic), count(systolic), max(systolic) FROM peer.pressure",
        f"SELECT avg({_NODE_SYSTOLIC}), count({_NODE_SYSTOLIC}), max({_NODE_SYSTOLIC}) {_NODE_BP}",
        slow=True,
    ),
    "path without a column": Question(
        f"SELECT o/encoding/code_string AS x {_FROM_BP}",
        "SELECT encoding FROM peer.entry",
        "SELECT o.data->'en'->>'cd' FROM peer.version v"
        " JOIN peer.node r ON r.vo_id = v.vo_id AND r.num = 0"
        " JOIN peer.node o ON o.vo_id = r.vo_id AND o.num BETWEEN r.num + 1 AND r.num_cap"
        " AND o.entity = 'OB' AND o.concept = 'moiety_blood_pressure.v1'",
        slow=True,
    ),
    "rare value *": Question(
        f"SELECT e/ehr_id/value AS e, {_SYSTOLIC} AS v {_FROM_BP} WHERE {_SYSTOLIC} > 175",
        "SELECT ehr_id, systolic FROM peer.pressure WHERE systolic > %(rare)s",
        f"SELECT v.ehr_id, {_NODE_SYSTOLIC} {_NODE_BP} WHERE {_NODE_SYSTOLIC} > %(rare)s",
        slow=True,
        hot=(_HOT_SYSTOLIC,),
    ),
    "systolic > 140, LIMIT 50 *": Question(
        f"SELECT e/ehr_id/value AS e, {_SYSTOLIC} AS v {_FROM_BP} WHERE {_SYSTOLIC} > 140 LIMIT 50",
        "SELECT ehr_id, systolic FROM peer.pressure WHERE systolic > %(high)s LIMIT 50",
        f"SELECT v.ehr_id, {_NODE_SYSTOLIC} {_NODE_BP} WHERE {_NODE_SYSTOLIC} > %(high)s LIMIT 50",
        hot=(_HOT_SYSTOLIC,),
    ),
    "nested CONTAINS, code, number *": Question(
        f"SELECT e/ehr_id/value AS e, l/items[at0002]/value/magnitude AS v {_ANALYTE}"
        " WHERE l/items[at0001]/value/defining_code/code_string = '2160-0'"
        " AND l/items[at0002]/value/magnitude > 120",
        "SELECT ehr_id, magnitude FROM peer.analyte"
        " WHERE code = %(analyte)s AND magnitude > %(large)s",
        "SELECT v.ehr_id, (q.data->'V'->>'m')::numeric FROM peer.version v"
        " JOIN peer.node r ON r.vo_id = v.vo_id AND r.num = 0"
        " JOIN peer.node o ON o.vo_id = r.vo_id AND o.num BETWEEN r.num + 1 AND r.num_cap"
        " AND o.entity = 'OB' AND o.concept = 'moiety_laboratory_result.v1'"
        " JOIN peer.node l ON l.vo_id = o.vo_id AND l.num BETWEEN o.num + 1 AND o.num_cap"
        " AND l.entity = 'CL' AND l.concept = 'moiety_analyte.v1'"
        " JOIN peer.node k ON k.vo_id = l.vo_id AND k.parent_num = l.num AND k.concept = 'at0001'"
        " JOIN peer.node q ON q.vo_id = l.vo_id AND q.parent_num = l.num AND q.concept = 'at0002'"
        " WHERE k.data->'V'->'df'->>'cd' = %(analyte)s"
        " AND (q.data->'V'->>'m')::numeric > %(large)s",
        slow=True,
        hot=(_HOT_ANALYTE, _HOT_RESULT),
    ),
    "nested, by hand of two tables *": Question(
        f"SELECT e/ehr_id/value AS e, l/items[at0002]/value/magnitude AS v {_ANALYTE}"
        " WHERE l/items[at0001]/value/defining_code/code_string = '2160-0'"
        " AND l/items[at0002]/value/magnitude > 120",
        "SELECT p.ehr_id, r.magnitude FROM peer.panel p JOIN peer.reading r ON r.ehr_id = p.ehr_id"
        " AND r.id = p.id AND r.num = p.num WHERE p.code = %(analyte)s AND r.magnitude > %(large)s",
        "SELECT v.ehr_id, (q.data->'V'->>'m')::numeric FROM peer.version v"
        " JOIN peer.node r ON r.vo_id = v.vo_id AND r.num = 0"
        " JOIN peer.node o ON o.vo_id = r.vo_id AND o.num BETWEEN r.num + 1 AND r.num_cap"
        " AND o.entity = 'OB' AND o.concept = 'moiety_laboratory_result.v1'"
        " JOIN peer.node l ON l.vo_id = o.vo_id AND l.num BETWEEN o.num + 1 AND o.num_cap"
        " AND l.entity = 'CL' AND l.concept = 'moiety_analyte.v1'"
        " JOIN peer.node k ON k.vo_id = l.vo_id AND k.parent_num = l.num AND k.concept = 'at0001'"
        " JOIN peer.node q ON q.vo_id = l.vo_id AND q.parent_num = l.num AND q.concept = 'at0002'"
        " WHERE k.data->'V'->'df'->>'cd' = %(analyte)s"
        " AND (q.data->'V'->>'m')::numeric > %(large)s",
        slow=True,
        hot=(_HOT_ANALYTE, _HOT_RESULT),
    ),
    "COUNT(DISTINCT ehr) by code *": Question(
        f"SELECT COUNT(DISTINCT e/ehr_id/value) AS n {_DIAGNOSIS}"
        " WHERE d/data[at0001]/items[at0002]/value/defining_code/code_string = '44054006'",
        "SELECT count(DISTINCT ehr_id) FROM peer.diagnosis WHERE code = %(code)s",
        "SELECT count(DISTINCT v.ehr_id) FROM peer.version v"
        " JOIN peer.node r ON r.vo_id = v.vo_id AND r.num = 0"
        " JOIN peer.node d ON d.vo_id = r.vo_id AND d.num BETWEEN r.num + 1 AND r.num_cap"
        " AND d.entity = 'EV' AND d.concept = 'moiety_problem_diagnosis.v1'"
        " JOIN peer.node t ON t.vo_id = d.vo_id AND t.parent_num = d.num AND t.concept = 'at0001'"
        " JOIN peer.node k ON k.vo_id = t.vo_id AND k.parent_num = t.num AND k.concept = 'at0002'"
        " WHERE k.data->'V'->'df'->>'cd' = %(code)s",
        slow=True,
        hot=(_HOT_CODE,),
    ),
}


# --- loading ---------------------------------------------------------------------------------


def fill(
    here: Ground, registry: Registry, ids: list[UUID], count: int
) -> list[tuple[UUID, UUID, UUID]]:
    """The same compositions in every layout; (ehr_id, object id, node rows' id) of each."""
    source = zip(_again(ids), ground.mixed(count), strict=False)
    made: list[tuple[UUID, UUID, UUID]] = []
    with psycopg.connect(here.url()) as connection:
        connection.execute(peers.DDL.encode())
        connection.execute("SET synchronous_commit = off")
        while some := list(islice(source, 500)):
            made += _fill_some(connection, registry, some)
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
    return made


def _again(ids: list[UUID]) -> Iterator[UUID]:
    while True:
        yield from ids


def _fill_some(
    connection: Connection, registry: Registry, some: list[tuple[UUID, bytes]]
) -> list[tuple[UUID, UUID, UUID]]:
    made = []
    nodes = []
    covering: dict[str, list[tuple[Any, ...]]] = {}
    for ehr_id, body in some:
        prepared = compositions.prepare(body, SETTINGS, registry.seen)
        commit = compositions.create(ehr_id, prepared, SETTINGS, audit=AUDIT)
        written = ground.write(connection, commit)
        node = peers.node_commit(ehr_id, body, prepared.known.template_key)
        nodes.append(node)
        for table, row in peers.covering(ehr_id, written.object_id, body):
            covering.setdefault(table, []).append(row)
        made.append((ehr_id, written.object_id, node.vo_id))
    peers.load(connection, nodes)
    for table, rows in covering.items():
        peers.copy_rows(connection, table, rows)
    connection.commit()
    return made


def sizes(here: Ground, count: int) -> dict[str, float]:
    """Bytes on disk per composition, by layout, contributions and audits left out."""
    total = (
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
        " AND (relnamespace::regnamespace::text = %s OR oid = ANY(%s::text[]::regclass[]))"
    )
    with psycopg.connect(here.url()) as connection:
        found = {
            name: float(connection.execute(total.encode(), (schema, names)).fetchone()[0]) / count
            for name, schema, names in (
                ("ours", "leaf", ["composition", "screen_finding"]),
                ("node", "", ["peer.version", "peer.node"]),
                ("json", "", ["peer.document"]),
            )
        }
        row = connection.execute("SELECT avg(length(body)) FROM peer.document").fetchone()
    return found | {"json bytes": float(row[0]) if row else 0.0}


# --- asking ----------------------------------------------------------------------------------


class Asker:
    """One layout's way to ask, timed."""

    def __init__(self, here: Ground, registry: Registry) -> None:
        self.connection = psycopg.connect(here.url(), autocommit=True)
        self.cursor = psycopg.RawCursor(self.connection)
        self.here, self.engine, self.registry = here, here.engine(), registry
        self.snapshots = queries.snapshots(self.engine)
        self.plans = queries.PlanCache()

    def first(self, question: Question, place: dict[str, Any]) -> ResultSet:
        """Text to plan to result, as for a query that was never seen."""
        given = self.asked(question, place)
        fresh = queries.PlanCache()
        return queries.run(self.snapshots, self.registry, fresh, SETTINGS, given)

    def asked(self, question: Question, place: dict[str, Any]) -> Query:
        """The question with its parameters."""
        given = {k: str(v) for k, v in place.items() if f"${k}" in question.aql}
        return Query(question.aql, given)

    def ours(self, query: Query) -> int:
        """As the service runs it."""
        result = None
        if (asked := queries.find(self.registry, self.plans, query)) is not None:
            found = self.cursor.execute(asked.text, asked.parameters, binary=True).fetchall()
            result = asked.result(found)
        if result is None:
            result = queries.run(self.snapshots, self.registry, self.plans, SETTINGS, query)
        msgspec.json.encode({"columns": result.columns, "rows": result.rows})
        return len(result.rows)

    def alone(self, query: Query) -> int | None:
        """Our statement alone; None where documents answer."""
        asked = queries.find(self.registry, self.plans, query)
        if asked is None:
            return None
        found = self.cursor.execute(asked.text, asked.parameters, binary=True).fetchall()
        return len(found) if asked.result(found) is None else sum(row[1] or 0 for row in found)

    def hand(self, text: str, place: dict[str, Any]) -> list[Any]:
        """Hand-written SQL."""
        return self.connection.execute(text.encode(), place, binary=True).fetchall()

    def declare(self, path: str) -> None:
        """As `moiety clinical index add` does."""
        url = self.here.url()
        with self.here.engine("postgres").begin() as connection:
            columns = hot_paths.declare(connection, path)
        for column in columns:
            hot_paths.build(url, column)
        with self.engine.connect() as connection:
            self.registry.current(connection)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came."""
    started = time.perf_counter()
    came = work()
    return (time.perf_counter() - started) * 1000, came


def ask(
    asker: Asker, question: Question, made: list[tuple[UUID, UUID, UUID]], rounds: int
) -> dict[str, float]:
    """Medians in ms, and the number of rows."""
    took: dict[str, list[float]] = {}
    rounds = max(3, rounds // 5) if question.slow else rounds * 4
    warm = 2 if question.slow else 12
    rows, place = 0, dict[str, Any]()
    for number in range(rounds + warm):
        ehr_id, object_id, node_id = made[(number * 7919) % len(made)]
        uid = f"{object_id}::{SETTINGS.system_id}::1"
        place = GIVEN | {"ehr_id": ehr_id, "uid": uid, "vo_id": object_id, "node_id": node_id}
        query = asker.asked(question, place)
        turns = _turns(asker, question, query, place)
        order = list(turns)[number % len(turns) :] + list(turns)[: number % len(turns)]
        found = {name: timed(turns[name]) for name in order}
        counts = {name: count for name, (_, count) in found.items() if count is not None}
        if len(set(counts.values())) != 1:
            raise SystemExit(f"the layouts disagree on the number of rows: {counts}")
        rows = counts["ours"]
        if number >= warm:
            for name, (elapsed, count) in found.items():
                if count is not None:
                    took.setdefault(name, []).append(elapsed)
    # Apart: it takes so long that nothing is warm after it.
    took["first"] = [timed(lambda: asker.first(question, place))[0] for _ in range(5)]
    return {name: median(values) for name, values in took.items()} | {"rows": rows}


def _turns(
    asker: Asker, question: Question, query: Query, place: dict[str, Any]
) -> dict[str, Callable[[], int | None]]:
    turns: dict[str, Callable[[], int | None]] = {
        "ours": lambda: asker.ours(query),
        "sql": lambda: asker.alone(query),
        "cover": lambda: len(asker.hand(question.cover, place)),
        "node": lambda: len(asker.hand(question.node, place)),
    }
    if question.whole:
        turns["read"] = lambda: len(_read(asker, question, place))
    return turns


def _read(asker: Asker, question: Question, place: dict[str, Any]) -> list[bytes]:
    """Whole documents from node rows."""
    return [peers.whole(row[0]) for row in asker.hand(question.node, place)]


def check_documents(asker: Asker, question: Question, place: dict[str, Any]) -> None:
    """Documents put together again are those that were loaded, or the bench stops."""
    built = sorted(msgspec.json.encode(msgspec.json.decode(each), order="deterministic")
                   for each in _read(asker, question, place))  # fmt: skip
    loaded = sorted(msgspec.json.encode(msgspec.json.decode(row[0]), order="deterministic")
                    for row in asker.hand(question.cover, place))  # fmt: skip
    if built != loaded:
        raise SystemExit("documents of node rows are not those that were loaded")


def main() -> None:
    """Load, ask, print, record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compositions", type=int, default=20_000, help="how many (20,000)")
    parser.add_argument("--ehrs", type=int, default=2_000, help="in how many EHRs (2,000)")
    parser.add_argument("--rounds", type=int, default=15, help="turns; x4 quick, /5 slow ones (15)")
    parser.add_argument("--only", default="", help="questions whose name holds this")
    options = parser.parse_args()
    with ground.running() as here:
        registry = ground.registry(here)
        ids = ground.open_ehrs(here, options.ehrs)
        loading, made = timed(lambda: fill(here, registry, ids, options.compositions))
        about = ground.conditions(here) | {"compositions": len(made), "ehrs": len(ids)}
        ground.say(about)
        disk = sizes(here, len(made))
        bytes_ = ", ".join(f"{name} {size:.0f}" for name, size in disk.items())
        print(f"{len(made)} compositions in {len(ids)} EHRs, loaded in {loading / 1000:.0f} s")
        print(f"bytes a composition: {bytes_}")
        ground.record("queries", [about | {"question": "disk", **disk}])
        asker = Asker(here, registry)
        head = ("rows", "ours", "sql", "first", "cover", "node", "read", "sql/cover", "node/sql",
                "read/ours")  # fmt: skip
        print(f"\n{'median ms':32}" + "".join(f"{name:>10}" for name in head))
        for name, question in QUESTIONS.items():
            if options.only not in name:
                continue
            for path in question.hot:
                asker.declare(path)
            if question.whole:
                ehr_id, object_id, node_id = made[0]
                place = {"ehr_id": ehr_id, "vo_id": object_id, "node_id": node_id}
                check_documents(asker, question, place)
            found = ask(asker, question, made, options.rounds)
            found |= _ratios(found)
            print(f"{name:32}" + "".join(_shown(found.get(column)) for column in head))
            ground.record("queries", [about | {"question": name, **found}])


def _ratios(found: dict[str, float]) -> dict[str, float]:
    """What the targets are about; where documents answer, all of our work counts."""
    ours = found.get("sql", found["ours"])
    ratios = {"sql/cover": ours / found["cover"], "node/sql": found["node"] / ours}
    return ratios | ({"read/ours": found["read"] / found["ours"]} if "read" in found else {})


def _shown(figure: float | None) -> str:
    return f"{'' if figure is None else format(figure, '.3f'):>10}"


if __name__ == "__main__":
    main()
