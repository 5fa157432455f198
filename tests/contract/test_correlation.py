"""No clock, order, id or log joins the halves: attackers over the databases of three real services.

A thousand persons are registered through the real APIs: demographic, link in the vault, first
commit in the clinical service at once.  Then an attacker who holds all three databases, with the
physical place and the transaction of each row, and all logs, pairs persons with EHRs.  Each attack
has a control, the same attack with one defence off, which succeeds.
"""

import itertools
import json
import math
import random
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import structlog

from clinical_api.app import create_app as create_clinical
from clinical_api.settings import Settings as ClinicalSettings
from demographic_api.app import create_app as create_demographic
from demographic_api.settings import Settings as DemographicSettings
from linkage_vault import link_rows, minting
from linkage_vault.app import create_app as create_vault
from linkage_vault.people_keys import people_key_path
from moiety.commands import issue, shuffle
from moiety.commands.demo import people, records
from moiety.kit import logs
from moiety.wire import demographic as wire_demographic
from moiety.wire import vault as wire
from moiety.wire.exchange import connect
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_links import alone
from tests.fixtures.fix_services import served

TEMPLATES = Path(__file__).parents[2] / "moiety/commands/demo/templates"
PERSONS = 1000
EARLY = 100  # of these the EHR is made at the registration: the control of the pool
RANDOM = random.Random(2)


@dataclass
class Loot:
    """What the attacker has, and the truth that the attacks are held against."""

    truth: dict[UUID, UUID] = field(default_factory=dict)  # person → EHR
    early: dict[UUID, UUID] = field(default_factory=dict)  # the same without the pool
    moments: dict[UUID, float] = field(default_factory=dict)  # of registrations, for controls
    logs: str = ""
    urls: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    rows: dict[UUID, UUID] = field(default_factory=dict)  # link row → person
    before: dict[str, dict[UUID, object]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def loot(cluster, tmp_path_factory):
    """Three services, a thousand registrations, and all that they left behind."""
    found = Loot()
    folder = tmp_path_factory.mktemp("correlation")
    with (
        copied(cluster, "clinical") as clinical_copy,
        copied(cluster, "demographic") as demographic_copy,
        alone(cluster, folder) as (settings, vault_copy, shreds),
        served("clinical", create_clinical(ClinicalSettings(database_url=clinical_copy.url())),
               clinical_copy) as clinical,
        served("demographic",
               create_demographic(DemographicSettings(database_url=demographic_copy.url())),
               demographic_copy) as demographic,
        served("vault", create_vault(settings), vault_copy) as vault_service,
    ):  # fmt: skip
        assert people_key_path(settings.key_file).exists()
        vault = vault_service.app.state.vaults["main"]
        with clinical.client() as app:
            for file in sorted(TEMPLATES.glob("*.opt")):
                app.post(
                    "/openehr/v1/definition/template/adl1.4",
                    content=file.read_bytes(),
                    headers={"Content-Type": "application/xml"},
                ).raise_for_status()
            minting.fill(vault, app, target=PERSONS + 200, stop=threading.Event())
            user_id = issue.user(vault_copy.url("migrator"), "Desk", frozenset({"registrar"}))
            token = issue.key(
                vault_copy.url("migrator"), "vault", "main", label="desk",
                scopes=frozenset({"vault:use"}), user_id=user_id,
            )  # fmt: skip
            with (
                connect(demographic.url, str(demographic.key())) as desk,
                connect(vault_service.url, str(token)) as crossing,
            ):
                for number, person in enumerate(people.register(PERSONS, 5)):
                    _register(found, desk, crossing, app, person, early=number < EARLY)
        copies = {"clinical": clinical_copy, "demographic": demographic_copy,
                  "vault": vault_copy, "shred": shreds}  # fmt: skip
        found.urls = {name: copy.url("postgres") for name, copy in copies.items()}
        found.owners = {name: copy.url("migrator") for name, copy in copies.items()}
        found.rows = _rows_of(vault, found)
        found.before = _features(found)
        found.before["person place"] = _as_one_writer(found, "demographic", "person", "person_id")
        found.before["row place"] = _as_one_writer(found, "vault", "link", "link_id")
        for name in shuffle.DATABASES:
            shuffle.run(found.owners[name], size=300)
        yield found


def _register(found, desk, crossing, app, person, *, early):
    """Registration, link and first commit of one person."""
    person_id = wire_demographic.create_patient(desk, person.patient()).person_id
    found.moments[person_id] = time.time()
    found.truth[person_id] = ehr_id = wire.link(crossing, person_id)
    document = json.dumps(records.vital_signs(RANDOM, datetime.now(UTC)))
    app.post(f"/openehr/v1/ehr/{ehr_id}/composition", content=document).raise_for_status()
    if early:  # the control: an EHR as old as its person, as there would be without a pool
        made = app.post("/openehr/v1/ehr").raise_for_status().headers["ETag"].strip('"')
        found.early[person_id] = UUID(made)


def _rows_of(vault, found):
    """Which link row is whose: the truth about the vault, which its keys alone tell."""
    with vault.engine.connect() as connection:
        rows = link_rows.find(connection, vault.keys, "person", list(found.truth))
    return {own[0].link_id: person for person, own in rows.items()}


def _ask(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def _place(table, key):
    """Where rows lie and who wrote them: the page and item, and the transaction."""
    place = f"({table}.ctid::text::point)[0] * 10000 + ({table}.ctid::text::point)[1]"
    return f"SELECT {key}, {place}, {table}.xmin::text::bigint FROM {table}"


def _as_one_writer(found, database, table, key):
    """Places of rows as a service with one connection leaves them.

    Ours takes its connections in turn, and each fills a page of its own: where a row lies tells
    less, and which transaction wrote it everything.
    """
    with psycopg.connect(found.urls[database]) as connection:
        connection.execute(
            f"CREATE TABLE one_writer AS SELECT * FROM {table} ORDER BY xmin::text::bigint"
        )
        rows = connection.execute(_place("one_writer", key)).fetchall()
        connection.rollback()
    return {row[0]: float(row[1]) for row in rows}


def _features(found):
    """Every column of the halves that sorts: name → id → value."""
    features = {}
    for table in ("person", "person_history", "identifier", "person_name"):
        rows = _ask(found.urls["demographic"], _place(table, "person_id"))
        for name, column in (("place", 1), ("transaction", 2)):
            kept = features.setdefault(f"person {table} {name}", {})
            for row in rows:
                kept[row[0]] = min(kept.get(row[0], math.inf), float(row[column]))
    features["person id"] = {one: one.int for one in found.truth}
    months = _ask(found.urls["demographic"], "SELECT person_id, month FROM person_history")
    features["person month"] = {one: (month, RANDOM.random()) for one, month in months}
    for table, key in (("composition", "ehr_id"), ("ehr", "ehr_id")):
        for row in _ask(found.urls["clinical"], _place(table, key)):
            features.setdefault(f"ehr {table} place", {})[row[0]] = float(row[1])
            features.setdefault(f"ehr {table} transaction", {})[row[0]] = int(row[2])
    times = "SELECT ehr_id, max(time_committed) FROM contribution GROUP BY ehr_id"
    features["ehr first commit"] = dict(_ask(found.urls["clinical"], times))
    features["ehr created"] = dict(
        _ask(found.urls["clinical"], "SELECT ehr_id, time_created FROM ehr")
    )
    features["ehr id"] = {one: one.int for one in found.truth.values()}
    for table in ("link", "link_key"):
        for row in _ask(found.urls["vault"], _place(table, "link_id")):
            features.setdefault(f"row {table} place", {})[row[0]] = float(row[1])
            features.setdefault(f"row {table} transaction", {})[row[0]] = int(row[2])
    return features


def by_rank(one, other, truth):
    """Pair the first of the one with the first of the other, and so on: how many are right."""
    left = sorted(truth, key=lambda key: (one[key], RANDOM.random()))
    right = sorted(truth.values(), key=lambda key: (other[key], RANDOM.random()))
    return sum(truth[a] == b for a, b in zip(left, right, strict=True))


def by_nearest(one, other, truth):
    """Pair each of the one with the nearest of the other."""
    hits = 0
    values = sorted((other[ehr_id], ehr_id.int, ehr_id) for ehr_id in truth.values())
    for person, ehr_id in truth.items():
        nearest = min(values, key=lambda kept: (abs(kept[0] - one[person]), RANDOM.random()))
        hits += nearest[2] == ehr_id
    return hits


def chance(attacks=1):
    """The most hits that a random pairing has in all of `attacks`, but for one run in a million.

    Each of n pairs is right with the probability 1/n, so hits are near Poisson of mean 1.  A bound
    of 99.9 % let a sound build fail once in a few hundred runs; this one is three hits higher, and
    what it would miss is a hundredth of what the controls find.
    """
    most, rest = 0, 1 - math.exp(-1)
    while rest > 1e-6 / attacks:
        most += 1
        rest -= math.exp(-1) / math.factorial(most)
    return most


def pairs_of(features):
    """Every feature of persons against every feature of EHRs."""
    left = [name for name in features if name.startswith("person ")]
    right = [name for name in features if name.startswith("ehr ")]
    return list(itertools.product(left, right))


def test_ranks_of_any_two_features_pair_no_better_than_chance(loot):
    """Place, transaction, id and month of persons × place, transaction, id and times of EHRs."""
    features = _features(loot)
    attacks = pairs_of(features)
    hits = {pair: by_rank(features[pair[0]], features[pair[1]], loot.truth) for pair in attacks}
    worst = max(hits, key=hits.get)
    print(f"{len(attacks)} attacks, the best: {worst} {hits[worst]} of {PERSONS}")
    assert len(attacks) > 40
    assert hits[worst] <= chance(len(attacks)), worst


@pytest.mark.parametrize("feature", ["place", "transaction"])
def test_control_before_the_heap_was_shuffled_its_order_pairs_them(loot, feature):
    """The same attack with the nightly shuffle off: nearly all are right."""
    name = {"place": "person place", "transaction": "person person transaction"}[feature]
    hits = by_rank(loot.before[name], loot.before["ehr first commit"], loot.truth)
    print(f"not shuffled, by {feature}: {hits} of {PERSONS}")
    assert hits >= 0.95 * PERSONS


def test_rows_of_the_vault_pair_with_neither_half(loot):
    """A link's row by place or transaction, against persons and against EHRs."""
    features = _features(loot)
    to_ehr = {row: loot.truth[person] for row, person in loot.rows.items()}
    hits = {}
    for name in (one for one in features if one.startswith("row ")):
        for other in ("ehr first commit", "ehr composition place", "ehr composition transaction"):
            hits[name, other] = by_rank(features[name], features[other], to_ehr)
        for other in ("person person place", "person person transaction"):
            hits[name, other] = by_rank(features[name], features[other], loot.rows)
    worst = max(hits, key=hits.get)
    print(f"{len(hits)} attacks, the best: {worst} {hits[worst]} of {PERSONS}")
    assert hits[worst] <= chance(len(hits)), worst
    control = by_rank(loot.before["row place"], loot.before["ehr first commit"], to_ehr)
    assert control >= 0.95 * PERSONS


def test_the_nearest_time_finds_nobody(loot):
    """Persons have months alone; with the exact moments that are not kept it finds nearly all."""
    commits = {e: t.timestamp() for e, t in _features(loot)["ehr first commit"].items()}
    months = dict(_ask(loot.urls["demographic"], "SELECT person_id, month FROM person_history"))
    middle = {
        one: datetime(month.year, month.month, 15, tzinfo=UTC).timestamp()
        for one, month in months.items()
    }
    assert by_nearest(middle, commits, loot.truth) <= chance()
    by_time = by_nearest(loot.moments, commits, loot.truth)
    by_order = by_rank(loot.moments, commits, loot.truth)
    print(f"control, exact times: nearest {by_time}, rank {by_order} of {PERSONS}")
    assert by_order >= 0.95 * PERSONS


def test_an_ehr_from_the_pool_is_no_sibling_of_its_person(loot):
    """Even in a heap that was never shuffled the age of an EHR says nothing; EHRs made at the
    registration, the control, are in the order of their persons.
    """
    before = loot.before
    hits = by_rank(before["person person transaction"], before["ehr created"], loot.truth)
    assert hits <= chance()
    control = by_rank(before["person person transaction"], before["ehr created"], loot.early)
    print(f"pool: {hits} of {PERSONS}; control without it: {control} of {EARLY}")
    assert control >= 0.95 * EARLY


def test_ids_have_no_order(loot):
    """Random versions everywhere; ids that carry the time, the control, pair nearly all."""
    for one in (*loot.truth, *loot.truth.values(), *loot.rows):
        assert 4 == one.version
    timed = {person: int(moment * 1e6) << 64 for person, moment in loot.moments.items()}
    commits = _features(loot)["ehr first commit"]
    assert by_rank(timed, commits, loot.truth) >= 0.95 * PERSONS


def test_columns_of_two_databases_share_no_value_of_a_row(loot):
    """Every uuid of every column of one database is in no other; a planted one is found."""
    found = {}
    for name, url in loot.urls.items():
        found[name] = _uuids(url)
    for one, other in itertools.combinations(found, 2):
        assert not found[one] & found[other], (one, other)
    assert set(loot.truth) <= found["demographic"]
    assert set(loot.truth.values()) <= found["clinical"]
    planted = next(iter(loot.truth))
    with psycopg.connect(loot.urls["clinical"], autocommit=True) as connection:
        connection.execute("CREATE TABLE planted (id uuid)")
        connection.execute("INSERT INTO planted VALUES (%s)", (planted,))
        try:
            assert {planted} == _uuids(loot.urls["clinical"]) & found["demographic"]
        finally:
            connection.execute("DROP TABLE planted")


def _uuids(url):
    columns = _ask(
        url,
        "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name),"
        " quote_ident(column_name) FROM information_schema.columns"
        " WHERE data_type = 'uuid' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    values = set()
    for table, column in columns:
        values |= {one for (one,) in _ask(url, f"SELECT {column} FROM {table}") if one}
    return values


@pytest.fixture
def logging_again():
    """Services that start under `capfd` log into a file that is closed after it."""
    yield
    logs.configure("test")


def test_the_logs_name_nobody(logging_again, capfd, cluster, tmp_path):
    """A few registrations with logs and metrics in hand: no id of anybody in any line, and no line
    for a registration, so there is no order to pair by; the control, a line with an id, is found.
    """
    with (
        copied(cluster, "demographic") as copy,
        alone(cluster, tmp_path) as (settings, vault_copy, _),
        served("demographic", create_demographic(DemographicSettings(database_url=copy.url())),
               copy) as demographic,
        served("vault", create_vault(settings), vault_copy) as service,
        connect(demographic.url, str(demographic.key())) as desk,
    ):  # fmt: skip
        from tests.fixtures.fix_links import fill

        fill(service.app.state.vaults["main"], 20)
        user_id = issue.user(vault_copy.url("migrator"), "Desk", frozenset({"registrar"}))
        token = issue.key(vault_copy.url("migrator"), "vault", "main", label="desk",
                          scopes=frozenset({"vault:use"}), user_id=user_id)  # fmt: skip
        ids = set()
        with connect(service.url, str(token)) as crossing:
            for person in people.register(10, 6):
                person_id = wire_demographic.create_patient(desk, person.patient()).person_id
                wire_demographic.read_patient(desk, person_id)
                ids |= {person_id, wire.link(crossing, person_id)}
            metrics = [httpx.get(f"{one.url}/metrics", trust_env=False).text
                       for one in (demographic, service)]  # fmt: skip
        structlog.get_logger().info("registered", patient=str(next(iter(ids))), count=7)
    logs = "".join(capfd.readouterr())
    assert len(logs.splitlines()) < 10, "a line for each registration would be an order"
    assert "Patient" in "".join(metrics)
    text = logs + "".join(metrics)
    written = {
        UUID(one) for one in re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)
    }
    assert not written & ids
    control = f'{text}{{"path": "/fhir/R4/Patient/{next(iter(ids))}"}}'
    assert {next(iter(ids))} == {
        UUID(one) for one in re.findall(r"Patient/([0-9a-f-]{36})", control)
    } & ids


def test_a_shuffle_keeps_every_row_and_stops_no_reader(cluster):
    """The same rows, elsewhere, of other transactions; a reader goes on meanwhile."""
    with copied(cluster, "demographic") as copy:
        rows = [(uuid4(), uuid4().hex) for _ in range(3000)]
        with psycopg.connect(copy.url("migrator")) as connection:
            for one, word in rows:
                connection.execute(
                    "INSERT INTO person_name VALUES (%s, 1, 'family', %s)", (one, word)
                )
                connection.commit()
        ordered = {one: place for place, (one, _) in enumerate(rows)}
        query = "SELECT person_id, word FROM person_name ORDER BY ctid"
        before = [one for one, _ in _ask(copy.url("postgres"), query)]
        stop, counts = threading.Event(), []

        def read():
            while not stop.is_set():
                ((count,),) = _ask(copy.url(), "SELECT count(*) FROM person_name")
                counts.append(count)

        reader = threading.Thread(target=read)
        reader.start()
        done = shuffle.run(copy.url("migrator"), size=500)
        stop.set()
        reader.join()
        after = _ask(copy.url("postgres"), query)
        assert {3000} == set(counts)
        assert 3000 == done.rows
        assert sorted(rows) == sorted(after)
        assert _order(before, ordered) > 0.99
        assert abs(_order([one for one, _ in after], ordered)) < 3.3 / math.sqrt(3000)
        owners = "SELECT count(DISTINCT xmin::text) FROM person_name"
        assert 6 == _ask(copy.url("postgres"), owners)[0][0]


def _order(found, ordered):
    """Spearman's rank correlation of the order found with the order of writing."""
    number = len(found)
    squares = sum((place - ordered[one]) ** 2 for place, one in enumerate(found))
    return 1 - 6 * squares / (number * (number**2 - 1))
