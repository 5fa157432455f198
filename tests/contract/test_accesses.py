"""Who read which record, at the clinical and demographic doors: logged, sealed, told the vault."""

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa

from moiety.kit import accesses
from moiety.kit.errors import Forbidden, Unavailable
from moiety.kit.settings import SettingsError
from moiety.wire import access as wire
from moiety.wire import demographic as wire_demographic
from tests.fixtures.fix_services import served

SUBJECT = str(uuid4())
PATIENT = {"resourceType": "Patient", "name": [{"family": "Fletcher", "given": ["Ann"]}],
           "birthDate": "1970-01-02"}  # fmt: skip


@pytest.fixture
def clinic(clinical_database):
    """A clinical service that keeps the log."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings

    settings = Settings(
        database_url=clinical_database.url(), access_key=secrets.token_hex(32), new_ehrs="visible"
    )
    with served("clinical", create_app(settings), clinical_database) as service:
        yield service


@pytest.fixture
def desk(demographic_database):
    """A demographic service that keeps the log."""
    from demographic_api.app import create_app
    from demographic_api.settings import Settings

    settings = Settings(database_url=demographic_database.url(), access_key=secrets.token_hex(32))
    with served("demographic", create_app(settings), demographic_database) as service:
        yield service


def opened(client, subject=None):
    """The id of a new EHR, of a subject's pseudonym if there is one."""
    body = None
    if subject is not None:
        reference = {"_type": "PARTY_REF", "namespace": "moiety", "type": "PERSON",
                     "id": {"_type": "GENERIC_ID", "value": subject, "scheme": "uuid"}}  # fmt: skip
        body = {
            "_type": "EHR_STATUS", "archetype_node_id": "openEHR-EHR-EHR_STATUS.generic.v1",
            "name": {"_type": "DV_TEXT", "value": "EHR Status"},
            "subject": {"_type": "PARTY_SELF", "external_ref": reference},
            "is_modifiable": True, "is_queryable": True,
        }  # fmt: skip
    answer = client.post("/openehr/v1/ehr", json=body) if body else client.post("/openehr/v1/ehr")
    return answer.headers["ETag"].strip('W/"')


def of(service, record):
    """The log's answer."""
    with service.client("access:read") as vault:
        return wire.ask_accesses(vault, record)


def rows(service):
    """The stored rows."""
    with service.app.state.organisations.engine("main").connect() as connection:
        return connection.execute(sa.text("SELECT * FROM access_log")).all()


# --- clinical ------------------------------------------------------------------------------------


def test_every_read_of_a_record_is_told_with_who_when_and_where(clinic):
    """By path, by parameter, in a query of one EHR; not of others, nor what was refused."""
    with clinic.client() as reader, clinic.client("ehr:create") as lacking:
        one, other = opened(reader, SUBJECT), opened(reader)
        before = datetime.now(UTC)
        assert 200 == reader.get(f"/openehr/v1/ehr/{one}").status_code
        assert 200 == reader.get(f"/openehr/v1/ehr/{one}/ehr_status").status_code
        assert 200 == reader.get(f"/openehr/v1/ehr/{other}").status_code
        assert 404 == reader.get(f"/openehr/v1/ehr/{uuid4()}").status_code
        assert 403 == lacking.get(f"/openehr/v1/ehr/{one}").status_code
        assert 200 == reader.get(f"/bulk/export?ehr_id={one}").status_code
        subject = {"subject_id": SUBJECT, "subject_namespace": "moiety"}
        assert 200 == reader.get("/openehr/v1/ehr", params=subject).status_code
        query = {"q": "SELECT e/ehr_id/value FROM EHR e", "ehr_id": one}
        assert 200 == reader.post("/openehr/v1/query/aql", json=query).status_code
        key_id = reader.headers["Authorization"].split("_")[2]
    found = of(clinic, one)
    assert found.is_kept
    assert [
        "GET /openehr/v1/ehr/{ehr_id}", "GET /openehr/v1/ehr/{ehr_id}/ehr_status",
        "GET /bulk/export", "GET /openehr/v1/ehr", "POST /openehr/v1/query/aql",
    ] == [entry.door for entry in found.entries]  # fmt: skip
    assert {(key_id, "test", None, False)} == {
        (entry.key_id, entry.label, entry.user_id, entry.every) for entry in found.entries
    }
    assert all(before <= entry.at <= datetime.now(UTC) for entry in found.entries)
    assert ["GET /openehr/v1/ehr/{ehr_id}"] == [entry.door for entry in of(clinic, other).entries]
    assert [] == of(clinic, uuid4()).entries


def test_a_head_request_is_a_read_and_a_write_is_none(clinic):
    """What a HEAD tells is told; who writes stands in the contribution."""
    with clinic.client() as client:
        one = opened(client)
        assert [] == of(clinic, one).entries
        assert 200 == client.head(f"/openehr/v1/ehr/{one}").status_code
    assert ["GET /openehr/v1/ehr/{ehr_id}"] == [entry.door for entry in of(clinic, one).entries]


def test_queries_and_exports_of_all_records_are_told_to_each_as_such(clinic):
    """A record may have been in them: the entry says that it is of every record."""
    with clinic.client() as client:
        one = opened(client)
        query = {"q": "SELECT COUNT(*) AS n FROM EHR e"}
        assert 200 == client.post("/openehr/v1/query/aql", json=query).status_code
        assert 200 == client.get("/bulk/export").status_code
    for record in (one, uuid4()):
        found = of(clinic, record).entries
        assert [("POST /openehr/v1/query/aql", True), ("GET /bulk/export", True)] == [
            (entry.door, entry.every) for entry in found
        ]


def test_a_person_is_named_by_the_user_of_the_key(clinic):
    """A personal key brings its user's id."""
    user_id = uuid4()
    token = clinic.key("ehr:read", user_id=user_id)
    with clinic.client() as client, clinic.client(token=token) as person:
        one = opened(client)
        assert 200 == person.get(f"/openehr/v1/ehr/{one}").status_code
    assert [user_id] == [entry.user_id for entry in of(clinic, one).entries]


def test_the_log_is_for_the_vaults_key_alone(clinic):
    """No other scope reads it, and a key made without naming scopes has it neither."""
    from moiety.commands import issue

    assert "access:read" in issue.UNUSUAL
    scopes = issue.SCOPES["clinical"] - {"access:read"}
    with clinic.client(*scopes) as client, pytest.raises(Forbidden):
        wire.ask_accesses(client, uuid4())


def test_entries_are_on_the_disk_within_a_second_and_at_the_stop(clinical_database):
    """Not before the answer, which they do not delay; none is lost when the service stops."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings

    settings = Settings(
        database_url=clinical_database.url(), access_key=secrets.token_hex(32), new_ehrs="visible"
    )
    with (
        served("clinical", create_app(settings), clinical_database) as service,
        service.client() as client,
    ):
        one = opened(client)
        client.get(f"/openehr/v1/ehr/{one}")
        assert accesses.PAUSE <= 0.5
        until = time.monotonic() + 5.0  # a second, on a machine that does nothing besides
        while not rows(service) and time.monotonic() < until:
            time.sleep(0.02)
        assert 1 == len(rows(service))
        for _ in range(50):
            client.get(f"/openehr/v1/ehr/{one}")
    engine = sa.create_engine(
        sa.make_url(clinical_database.url("migrator")).set(drivername="postgresql+psycopg")
    )
    with engine.connect() as connection:
        assert 51 == connection.scalar(sa.text("SELECT count(*) FROM access_log"))
    engine.dispose()


def test_when_the_log_cannot_be_written_reads_are_refused_and_then_resume(clinic, monkeypatch):
    """503 in place of the record; nothing of what waits is lost."""
    admin = sa.create_engine(
        sa.make_url(clinic.database.url("migrator")).set(drivername="postgresql+psycopg")
    )
    with clinic.client() as client:
        one = opened(client)
        monkeypatch.setattr(accesses, "PATIENCE", 0.3)
        with admin.begin() as connection:
            connection.exec_driver_sql("REVOKE INSERT ON access_log FROM clinical_app")
        assert 200 == client.get(f"/openehr/v1/ehr/{one}").status_code
        until = time.monotonic() + 5
        while (answer := client.get(f"/openehr/v1/ehr/{one}")).status_code == 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert 503 == answer.status_code
        assert one not in answer.text
        assert 200 == client.get("/openehr/v1/definition/template/adl1.4").status_code
        with admin.begin() as connection:
            connection.exec_driver_sql("GRANT INSERT ON access_log TO clinical_app")
        while client.get(f"/openehr/v1/ehr/{one}").status_code == 503:
            assert time.monotonic() < until + 5
            time.sleep(0.05)
    assert len(of(clinic, one).entries) >= 3
    admin.dispose()


def test_rows_tell_neither_record_nor_time_nor_order(clinic):
    """No id in them in any form, one length, the month alone; the batch was shuffled."""
    with clinic.client() as client:
        records = [opened(client) for _ in range(40)]
        log = clinic.app.state.access_logs["main"]
        log.flush()
        for one in records:
            client.get(f"/openehr/v1/ehr/{one}")
        found = [entry for one in records for entry in of(clinic, one).entries]
    assert 40 == len(found)
    stored = rows(clinic)
    assert 1 == len({len(row.sealed) for row in stored})
    assert {1} == {row.month.day for row in stored}
    from uuid import UUID

    octets = b"".join(row.sealed + str(row).encode() for row in stored)
    for one in records:
        for form in (one.encode(), UUID(one).bytes, UUID(one).hex.encode()):
            assert form not in octets
    opened_in_order = [log._key.open(row.access_id, row.sealed) for row in stored]
    times = [one.at for one in opened_in_order]
    assert times != sorted(times)


def test_a_report_waits_for_a_batch_that_is_on_its_way(clinic):
    """What another thread has taken and not yet written is in no list: the reader waits for it."""
    log = clinic.app.state.access_logs["main"]
    engine = clinic.app.state.organisations.engine("main")
    record = uuid4()
    under_way, go_on = threading.Event(), threading.Event()

    def hold(connection, cursor, statement, *_):
        if "INSERT INTO access_log" in statement:
            under_way.set()
            assert go_on.wait(20)

    sa.event.listen(engine, "before_cursor_execute", hold)
    try:
        log.add([accesses.Access(record, datetime.now(UTC), "key", None, "GET /held")])
        with ThreadPoolExecutor(2) as pool:
            pool.submit(log.flush)
            assert under_way.wait(20)
            asked = pool.submit(log.read, record)
            time.sleep(0.2)  # enough for a reader that does not wait to answer with nothing
            go_on.set()
            assert ["GET /held"] == [entry.door for entry in asked.result(20)]
    finally:
        go_on.set()
        sa.event.remove(engine, "before_cursor_execute", hold)


def test_the_application_can_neither_change_nor_remove_an_entry(clinic):
    """By the grants of the database."""
    engine = clinic.app.state.organisations.engine("main")
    for statement in ("UPDATE access_log SET heap = 0", "DELETE FROM access_log",
                      "TRUNCATE access_log"):  # fmt: skip
        with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError):
            connection.exec_driver_sql(statement)


def test_without_a_key_no_log_is_kept_and_the_answer_says_so(clinical):
    """The vault then knows that it does not know."""
    with clinical.client() as client:
        one = opened(client)
        client.get(f"/openehr/v1/ehr/{one}")
    found = of(clinical, one)
    assert (False, []) == (found.is_kept, found.entries)


def test_a_bad_key_stops_the_start(clinical_database, demographic_database):
    """One sentence that names the setting."""
    import clinical_api.app
    import clinical_api.settings
    import demographic_api.app
    import demographic_api.settings

    for module, settings, copy in (
        (clinical_api.app, clinical_api.settings, clinical_database),
        (demographic_api.app, demographic_api.settings, demographic_database),
    ):
        made = settings.Settings(database_url=copy.url(), access_key="0123")
        with pytest.raises(SettingsError, match="ACCESS_KEY_FILE"):
            module.create_app(made)


# --- demographic ---------------------------------------------------------------------------------


def test_reads_and_searches_are_told_to_each_person_that_was_shown(desk):
    """A read by path; a search to everybody in its answer and to nobody else."""
    with desk.client("person:read", "person:write") as client:
        shown, also, other = (
            wire_demographic.create_patient(client, one).person_id
            for one in (PATIENT, PATIENT, {**PATIENT, "birthDate": "1980-01-02"})
        )
        wire_demographic.read_patient(client, shown)
        assert 2 == len(wire_demographic.search_patients(
            client, family="Fletcher", birthdate="1970-01-02"
        ))  # fmt: skip
    read, search = "GET /Patient/{person_id}", "POST /Patient/_search"
    assert [read, search] == [entry.door for entry in of(desk, shown).entries]
    assert [search] == [entry.door for entry in of(desk, also).entries]
    assert [] == of(desk, other).entries


def test_a_full_queue_refuses_too(desk):
    """More than may wait: 503, though the disk would take it."""
    log = desk.app.state.access_logs["main"]
    entry = accesses.Access(uuid4(), datetime.now(UTC), "k", None, "GET /x")
    log._waiting = [entry] * accesses.MOST
    with pytest.raises(Unavailable):
        log.demand()
    log._waiting = []
    log.demand()
