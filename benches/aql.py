"""Latency of queries, against hand-written SQL on perfectly indexed tables and against node rows.

    python benches/aql.py [--compositions 100000] [--folder /dev/shm] [--rounds 15] [--only WORDS]
    python benches/aql.py --grow [--sizes 10000,100000,1000000] [--folder /dev/shm]

Loads the same compositions (corpus.py) three times over and takes turns at every question
(questions.py).  Columns, median ms:

    ours      the whole of a query whose plan is known, in process: plan found, statement run by
              the driver, prepared, JSON written; documents evaluated where they have to answer
    sql       the statement of that alone, executed and fetched; nothing where documents answer
    first     the first of its text: compiled, and run in a transaction of its own
    cover     hand-written SQL on a covering index, executed and fetched
    node      hand-written SQL on node rows, executed and fetched
    read      the same with documents put together again from their node rows, where whole ones are
              asked for: what `ours` is compared with there

Then two ratios, each beside its target: how many times as fast as node rows, and how many times the
covering index's time, both of `sql`, or of `ours` where documents answer.  Last, over HTTP (needs
wrk), the rate of a query of one EHR to that of GET composition.

All statements are prepared, take their values as parameters and give binary rows.  Every question
must give the same number of rows from all, and documents must be the same, or the bench stops.
Questions marked with * have their paths declared (`moiety clinical index add`) as the hand-written
tables have their indexes.

--grow stores ever more compositions, ten an EHR, in a database for each size, and takes turns among
the sizes at the questions of one EHR.  Results: benches/results/aql.jsonl.
"""

import argparse
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import corpus
import ground
import msgspec
import peers
import psycopg
import rest
from corpus import Place
from ground import SETTINGS, Ground, median
from questions import GIVEN, QUESTIONS, Question

from clinical_api import hot_paths, queries
from clinical_api.queries import Query, ResultSet
from clinical_api.registry import Registry
from moiety.commands import issue

Asking = dict[str, Any]
_CLIENTS = 16


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

    def first(self, question: Question, place: Asking) -> ResultSet:
        """Text to plan to result, as for a query that was never seen."""
        given = self.asked(question, place)
        fresh = queries.PlanCache()
        return queries.run(self.snapshots, self.registry, fresh, SETTINGS, given)

    def asked(self, question: Question, place: Asking) -> Query:
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

    def plan(self, query: Query) -> str:
        """How the server runs the statement of a query whose plan is known."""
        asked = queries.find(self.registry, self.plans, query)
        if asked is None:
            return "documents"
        self.cursor.execute(b"EXPLAIN (ANALYZE, COSTS OFF) " + asked.text, asked.parameters)
        return "\n".join(row[0] for row in self.cursor.fetchall())

    def hand(self, text: str, place: Asking) -> list[Any]:
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


def ask(asker: Asker, question: Question, made: list[Place], rounds: int) -> dict[str, float]:
    """Medians in ms, and the number of rows."""
    took: dict[str, list[float]] = {}
    rounds = max(3, rounds // 5) if question.slow else rounds * 4
    warm = 2 if question.slow else 12
    rows, place = 0, Asking()
    for number in range(rounds + warm):
        place = _asking(made[(number * 7919) % len(made)])
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


def _asking(where: Place) -> Asking:
    """The parameters of all questions about one place."""
    uid = f"{where.object_id}::{SETTINGS.system_id}::1"
    ids = {"ehr_id": where.ehr_id, "vo_id": where.object_id, "node_id": where.node_id}
    return GIVEN | ids | {"uid": uid}


def _turns(
    asker: Asker, question: Question, query: Query, place: Asking
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


def _read(asker: Asker, question: Question, place: Asking) -> list[bytes]:
    """Whole documents from node rows."""
    return [peers.whole(row[0]) for row in asker.hand(question.node, place)]


def check_documents(asker: Asker, question: Question, place: Asking) -> None:
    """Documents put together again are those that were loaded, or the bench stops."""
    built = sorted(msgspec.json.encode(msgspec.json.decode(each), order="deterministic")
                   for each in _read(asker, question, place))  # fmt: skip
    loaded = sorted(msgspec.json.encode(msgspec.json.decode(row[0]), order="deterministic")
                    for row in asker.hand(question.cover, place))  # fmt: skip
    if built != loaded:
        raise SystemExit("documents of node rows are not those that were loaded")


# --- the two benches -------------------------------------------------------------------------


def compare(options: argparse.Namespace) -> None:
    """Load every layout, ask, print, record."""
    with ground.running(options.folder) as here:
        corpus.add_template(here)
        registry = ground.registry(here)
        with psycopg.connect(here.url()) as connection:
            connection.execute(peers.DDL.encode())
        pool = corpus.samples(registry, options.distinct, with_peers=True)
        count = options.compositions
        loading, made = timed(lambda: corpus.load(here, pool, count, with_peers=True))
        about = ground.conditions(here) | {"compositions": count}
        ground.say(about)
        print(f"{count} compositions, {options.distinct} different, {corpus.EACH} an EHR,"
              f" loaded in {loading / 1000:.0f} s")  # fmt: skip
        disk = sizes(here, count)
        shown = ", ".join(f"{name} {size:.0f}" for name, size in disk.items())
        print(f"bytes a composition: {shown}")
        ground.record("aql", [about | {"question": "disk", **disk}])
        asker = Asker(here, registry)
        head = ("rows", "ours", "sql", "first", "cover", "node", "read")
        print(f"\n{'median ms':32}" + "".join(f"{name:>10}" for name in head)
              + f"{'x node':>20}{'cover':>20}{'read/ours':>10}")  # fmt: skip
        for name, question in QUESTIONS.items():
            if options.only in name:
                found = _compared(asker, question, made, options)
                ground.record("aql", [about | {"question": name, **found}])
                print(f"{name:32}" + "".join(_shown(found.get(column)) for column in head)
                      + _told(question, found) + _shown(found.get("read/ours")))  # fmt: skip
        if shutil.which("wrk") and not options.only:
            over_http(here, made, options.seconds, about)


def _compared(
    asker: Asker, question: Question, made: list[Place], options: argparse.Namespace
) -> dict[str, float]:
    for path in question.hot:
        asker.declare(path)
    if question.whole:
        check_documents(asker, question, _asking(made[0]))
    found = ask(asker, question, made, options.rounds)
    if options.explain:
        print(asker.plan(asker.asked(question, _asking(made[0]))))
    return found | _ratios(found)


def _ratios(found: dict[str, float]) -> dict[str, float]:
    """What the targets are about; where documents answer, all of our work counts."""
    ours = found.get("sql", found["ours"])
    ratios = {"sql/cover": ours / found["cover"], "node/sql": found["node"] / ours}
    return ratios | ({"read/ours": found["read"] / found["ours"]} if "read" in found else {})


def _told(question: Question, found: dict[str, float]) -> str:
    """The ratios beside their targets."""
    least, most = question.target
    node, cover = found["node/sql"], found["sql/cover"]
    told = _judged(f"{node:.1f}", f">= {least:.3g}", met=node >= least)
    if most is None:
        return told + _judged(f"{cover:.2f}", "", met=True)
    return told + _judged(f"{cover:.2f}", f"<= {most:g}", met=cover <= most)


def _judged(figure: str, target: str, *, met: bool) -> str:
    return f"{figure} {target:8}{' ' if met else '!'}".rjust(20)


def _shown(figure: float | None) -> str:
    return f"{'' if figure is None else format(figure, '.3f'):>10}"


def over_http(here: Ground, made: list[Place], seconds: int, about: dict[str, object]) -> None:
    """The rate of a query of one EHR to that of GET composition; target: at least 0.6."""
    key = issue.key(
        here.url("clinical_migrator"), "clinical", "main", label="bench",
        scopes=issue.SCOPES["clinical"],
    )  # fmt: skip
    bench = rest.Bench(here, str(key), seconds, here.state)
    some = made[:: max(1, len(made) // 5000)]
    loads = (
        rest.Load("GET", [
            ("GET", f"/openehr/v1/ehr/{p.ehr_id}/composition/{p.object_id}", b"") for p in some
        ]),
        rest.asking("AQL, 100 EHRs", [p.ehr_id for p in some[:100]]),
        rest.asking("AQL, many EHRs", [p.ehr_id for p in some]),
    )  # fmt: skip
    lines = rest.compare(bench, {"ours": rest.COMMITS["ours"]}, list(loads), [_CLIENTS], 3)
    print()
    rest.show(lines, ())
    rates = {line["load"]: line["per_s"] for line in lines}
    for name in ("AQL, 100 EHRs", "AQL, many EHRs"):
        ratio = rates[name] / rates["GET"]
        print(f"{name}: {ratio:.2f} of GET{_judged('', '>= 0.6', met=ratio >= 0.6)}")
    ground.record("aql", [about | {"question": "HTTP"} | line for line in lines])


def grow(options: argparse.Namespace) -> None:
    """The questions of one EHR, over ever more EHRs."""
    counts = [int(n) for n in options.sizes.split(",")]
    with ExitStack() as stack:
        askers: dict[int, tuple[Asker, list[Place]]] = {}
        pool: list[corpus.Sample] = []
        for count in counts:
            here = stack.enter_context(ground.running(options.folder))
            corpus.add_template(here)
            registry = ground.registry(here)
            pool = pool or corpus.samples(registry, options.distinct, with_peers=False)
            made = corpus.load(here, pool, count, with_peers=False)
            askers[count] = Asker(here, registry), made[:: max(1, count // 5000)]
        about = ground.conditions(here)
        ground.say(about)
        shown = "".join(f"{count:>12,}" for count in counts)
        print(f"\n{'median ms':32}{shown}{'last to first':>22}")
        for name, question in QUESTIONS.items():
            if question.scoped and options.only in name:
                took = _grown(askers, question, options.rounds)
                ratio = took[counts[-1]] / took[counts[0]]
                figures = "".join(f"{took[count]:12.3f}" for count in counts)
                print(f"{name:32}{figures}  {_judged(f'{ratio:.2f}', '< 1.3', met=ratio < 1.3)}")
                found = {str(count): took[count] for count in counts}
                ground.record("aql", [about | {"question": name, "grow": found, "ratio": ratio}])


def _grown(
    askers: dict[int, tuple[Asker, list[Place]]], question: Question, rounds: int
) -> dict[int, float]:
    """Median ms by size; all sizes have a turn at every round."""
    took: dict[int, list[float]] = {count: [] for count in askers}
    for number in range(rounds * 40 + 20):
        for count, (asker, made) in askers.items():
            query = asker.asked(question, _asking(made[(number * 7919) % len(made)]))
            elapsed, _ = timed(lambda ask=asker, query=query: ask.ours(query))
            if number >= 20:
                took[count].append(elapsed)
    return {count: median(values) for count, values in took.items()}


def main() -> None:
    """Load, ask, print, record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compositions", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--distinct", type=int, default=10_000, help="different ones (10,000)")
    parser.add_argument("--rounds", type=int, default=15, help="turns; x4 quick, /5 slow ones (15)")
    parser.add_argument("--seconds", type=int, default=3, help="of each HTTP measurement (3)")
    parser.add_argument("--only", default="", help="questions whose name holds this")
    parser.add_argument("--explain", action="store_true", help="show how the server runs them")
    parser.add_argument("--folder", type=Path, help="where the database is made")
    parser.add_argument("--grow", action="store_true", help="one EHR's questions by size")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="sizes of --grow")
    options = parser.parse_args()
    (grow if options.grow else compare)(options)


if __name__ == "__main__":
    main()
