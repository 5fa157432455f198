"""GET /events: what was committed, in order, to whoever may listen; never content."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.fixtures.clinical_documents import (
    BASE,
    contribution,
    folder,
    open_ehr,
    uid_of,
    upload,
    version,
    vital_signs,
)


@pytest.fixture
def client(clinical):
    """A client that may do everything, where the demo's vital signs are known."""
    with clinical.client() as client:
        upload(client)
        yield client


def commit(client, ehr_id, seed=1):
    """A composition's version uid."""
    answer = client.post(f"{BASE}/ehr/{ehr_id}/composition", json=vital_signs(seed))
    assert 201 == answer.status_code, answer.text
    return uid_of(answer)


def page(client, **parameters):
    """A page of events."""
    answer = client.get("/events", params=parameters)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def everything(client, limit=7, **parameters):
    """All events, page by page."""
    found, after = [], None
    while True:
        some = page(client, limit=limit, **parameters, **({"after": after} if after else {}))
        found += some["events"]
        after = some["after"]
        if not some["more"]:
            return found


def test_a_commit_is_an_event_that_names_kinds_ids_and_codes(client):
    """Create, update, delete: three contributions, told in order with what they brought."""
    ehr_id = open_ehr(client)
    first = commit(client, ehr_id)
    place = f"{BASE}/ehr/{ehr_id}/composition/{first.split('::')[0]}"
    second = uid_of(client.put(place, json=vital_signs(2), headers={"If-Match": f'"{first}"'}))
    third = uid_of(client.delete(f"{BASE}/ehr/{ehr_id}/composition/{second}"))
    events = page(client)["events"]
    told = [
        (v["kind"], v["uid"], v["change_type"], v["lifecycle_state"], v.get("template_id"))
        for event in events[1:]
        for v in event["versions"]
    ]
    template = vital_signs()["archetype_details"]["template_id"]["value"]
    assert [
        ("COMPOSITION", first, "creation", "complete", template),
        ("COMPOSITION", second, "modification", "complete", template),
        ("COMPOSITION", third, "deleted", "deleted", template),
    ] == told
    assert {"EHR_STATUS"} == {v["kind"] for v in events[0]["versions"]}
    assert {ehr_id} == {event["ehr_id"] for event in events}
    found = client.get(f"{BASE}/ehr/{ehr_id}/contribution/{events[1]['id']}")
    assert first == found.json()["versions"][0]["id"]["value"]


def test_a_contribution_of_several_versions_is_one_event(client):
    """Two compositions and a folder, and the attestation that follows."""
    ehr_id = open_ehr(client)
    sent = contribution(version(vital_signs(1)), version(vital_signs(2)), version(folder()))
    answer = client.post(
        f"{BASE}/ehr/{ehr_id}/contribution", json=sent, headers={"Prefer": "return=representation"}
    )
    assert 201 == answer.status_code, answer.text
    event = page(client)["events"][-1]
    assert uid_of(answer) == event["id"]
    assert ["COMPOSITION", "COMPOSITION", "FOLDER"] == sorted(v["kind"] for v in event["versions"])


def test_an_ehr_in_the_pool_is_told_only_when_its_first_write_shows_it(client):
    """A reader who is past the opening still hears of it, before the first write."""
    first, second = open_ehr(client), open_ehr(client)
    commit(client, first)
    seen = page(client)
    assert {first} == {event["ehr_id"] for event in seen["events"]}
    commit(client, second)
    after = page(client, after=seen["after"])["events"]
    assert [second, second] == [event["ehr_id"] for event in after]
    assert ["EHR_STATUS", "COMPOSITION"] == [event["versions"][0]["kind"] for event in after]


def test_pages_give_every_event_once_and_those_of_one_ehr_alone(client):
    """By cursor, whatever the limit; `ehr_id` filters; `latest` is empty until something comes."""
    owners = [open_ehr(client) for _ in range(3)]
    for number in range(9):
        commit(client, owners[number % 3], number)
    whole = page(client, limit=1000)
    assert whole["events"] == everything(client, limit=1)
    assert 12 == len(whole["events"])
    mine = [event for event in whole["events"] if event["ehr_id"] == owners[0]]
    assert mine == everything(client, limit=2, ehr_id=owners[0])
    latest = page(client, after="latest")
    assert [] == latest["events"]
    uid = commit(client, owners[0])
    later = page(client, after=latest["after"])["events"]
    assert [uid] == [v["uid"] for event in later for v in event["versions"]]


def test_what_commits_late_is_not_skipped(client, clinical):
    """An event below a transaction still open is held back until that one has ended."""
    slow, fast = open_ehr(client), open_ehr(client)
    for ehr_id in (slow, fast):
        commit(client, ehr_id)
    after = page(client)["after"]
    with psycopg.connect(clinical.database.url("migrator")) as connection:
        connection.execute(
            "INSERT INTO contribution (ehr_id, contribution_id, time_committed, change_type, audit)"
            " VALUES (%s, gen_random_uuid(), now(), 249, '{}')", (slow,),
        )  # fmt: skip
        commit(client, fast)
        held = page(client, after=after)
        assert [] == held["events"]
    told = page(client, after=held["after"])["events"]
    assert [slow, fast] == [event["ehr_id"] for event in told]


def test_readers_miss_nothing_while_many_write(client):
    """A reader that follows its cursor has at the end what a reader of everything has."""
    owners = [open_ehr(client) for _ in range(6)]
    done = threading.Event()
    seen, after = [], None

    def follow():
        nonlocal after
        while True:
            last = done.is_set()
            some = page(client, limit=5, **({"after": after} if after else {}))
            seen.extend(some["events"])
            after = some["after"]
            if last and not some["more"]:
                return

    def write(owner):
        uid = commit(client, owner)
        for number in range(8):
            place = f"{BASE}/ehr/{owner}/composition/{uid.split('::')[0]}"
            answer = client.put(place, json=vital_signs(number), headers={"If-Match": f'"{uid}"'})
            uid = uid_of(answer)

    with ThreadPoolExecutor(8) as pool:
        reader = pool.submit(follow)
        list(pool.map(write, owners))
        done.set()
        reader.result(30)
    assert everything(client) == seen
    for owner in owners:
        numbers = [
            int(v["uid"].rsplit("::", 1)[1])
            for event in seen
            if event["ehr_id"] == owner
            for v in event["versions"]
            if v["kind"] == "COMPOSITION"
        ]
        assert list(range(1, 10)) == numbers


def test_no_content_and_no_committer_is_in_any_event(client):
    """Words of the document, names and times of its audit: found in the record, in no event."""
    ehr_id = open_ehr(client)
    made = vital_signs()
    made["composer"] = {"_type": "PARTY_IDENTIFIED", "name": "Zebediah Quillfeather"}
    header = {"openEHR-AUDIT_DETAILS.committer": 'name="Zebediah Quillfeather"'}
    answer = client.post(f"{BASE}/ehr/{ehr_id}/composition", json=made, headers=header)
    assert 201 == answer.status_code, answer.text
    stored = client.get(f"{BASE}/ehr/{ehr_id}/composition/{uid_of(answer)}").text
    told = client.get("/events").text
    words = set(_texts(json.loads(stored))) - set(_texts(json.loads(told)))
    assert "Zebediah Quillfeather" in words  # the control: the search finds it where it is
    vocabulary = {"event", "local"}  # a name of the demo's template, and a part of the system's id
    assert vocabulary == {word for word in words if len(word) > 3 and word in told}


def _texts(tree):
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for branch in tree.values():
            yield from _texts(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from _texts(branch)


def test_deletion_for_good_is_an_event_without_content(client):
    """Of a composition, and of an EHR with all that it held; the deleted events are gone."""
    ehr_id, other = open_ehr(client), open_ehr(client)
    uid = commit(client, ehr_id)
    commit(client, other)
    after = page(client)["after"]
    _remove(client, f"/ehr/{ehr_id}/composition/{uid.split('::')[0]}")
    told = page(client, after=after)
    assert [("erasure", "COMPOSITION", uid.split("::")[0])] == [
        (event["type"], event["kind"], event["object_id"]) for event in told["events"]
    ]
    _remove(client, f"/ehr/{other}")
    last = page(client, after=told["after"])["events"]
    assert [("erasure", "EHR", other)] == [(e["type"], e["kind"], e["ehr_id"]) for e in last]
    assert "contribution" not in {e["type"] for e in everything(client) if e["ehr_id"] == other}


def _remove(client, path):
    answer = client.delete(f"/openehr/v1/admin{path}")
    assert 204 == answer.status_code, answer.text


def test_a_restore_begins_an_era_and_cursors_from_before_still_hold(client, clinical):
    """A cluster whose transaction numbers start again: nothing is hidden, nothing comes first."""
    ehr_id = open_ehr(client)
    commit(client, ehr_id)
    seen = page(client)
    with (
        psycopg.connect(clinical.database.url("postgres"), autocommit=True) as connection,
        psycopg.connect(clinical.database.url("postgres")) as holding,
    ):
        # The service looks after the era by itself: not before the control has been seen.
        holding.execute("SELECT pg_advisory_xact_lock(hashtext('event_era'))")
        # As rows look that a busier cluster wrote: numbered far above those of this one, long ago.
        connection.execute("ALTER TABLE contribution DISABLE TRIGGER ALL")
        connection.execute(
            "UPDATE contribution SET xact = '900000000'::xid8,"
            " time_committed = time_committed - interval '1 day'"
        )
        connection.execute("UPDATE event_era SET system_identifier = 1")
        assert [] == page(client)["events"]  # the control: without an era they are the future
        holding.rollback()
        era = connection.execute("SELECT begin_event_era(), begin_event_era()").fetchone()
        assert (2, 2) == era
    restored = page(client)
    assert [e["id"] for e in seen["events"]] == [e["id"] for e in restored["events"]]
    uid = commit(client, ehr_id)
    told = page(client, after=restored["events"][-1]["cursor"])["events"]
    assert [uid] == [v["uid"] for event in told for v in event["versions"]]
    with psycopg.connect(clinical.database.url("postgres"), autocommit=True) as connection:
        connection.execute("UPDATE event_era SET lineage = gen_random_uuid() WHERE era = 2")
    undone = client.get("/events", params={"after": told[-1]["cursor"]})
    assert 404 == undone.status_code
    assert "restore" in undone.json()["message"]


@pytest.mark.parametrize("after", ["x", "a" * 64, "é", "_" * 64])
def test_what_is_no_cursor_is_told(client, after):
    """400 or 404, never a defect."""
    assert client.get("/events", params={"after": after}).status_code in {400, 404}


def test_the_scope_is_asked(clinical):
    """Listening needs `event:read`; no key, 401."""
    with clinical.client("ehr:read") as client:
        assert 403 == client.get("/events").status_code
    assert 401 == httpx.get(f"{clinical.url}/events").status_code
    with clinical.client("event:read") as client:
        assert 406 == client.get("/events", headers={"Accept": "image/png"}).status_code


class Listener:
    """A client of the stream, in a thread: the ids and events that came."""

    def __init__(self, client, **parameters):
        self.client, self.parameters = client, parameters
        self.lines, self.events, self.last = [], [], None
        self.ended = self.clean = False
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Listen."""
        self.thread.start()
        return self

    def _run(self):
        headers = {"Accept": "text/event-stream"}
        if self.last:
            headers["Last-Event-ID"] = self.last
        try:
            with self.client.stream("GET", "/events", params=self.parameters, headers=headers) as s:
                assert 200 == s.status_code
                assert s.headers["content-type"].startswith("text/event-stream")
                for line in s.iter_lines():
                    self.lines.append(line)
                    if line.startswith("id: "):
                        self.last = line.removeprefix("id: ")
                    elif line.startswith("data: "):
                        self.events.append(json.loads(line.removeprefix("data: ")))
            self.clean = True
        except httpx.TransportError:
            pass
        self.ended = True

    def wait(self, count, seconds=20):
        """Until so many events have come."""
        until = time.monotonic() + seconds
        while len(self.events) < count:
            assert time.monotonic() < until, f"{len(self.events)} of {count}"
            time.sleep(0.02)
        return self.events


def test_the_stream_tells_what_was_and_what_comes(client, clinical):
    """Server-sent events from the beginning, live, filtered, and resumed after the last id."""
    first, second = open_ehr(client), open_ehr(client)
    commit(client, first)
    with clinical.client() as one, clinical.client() as two, clinical.client() as three:
        whole = Listener(one).start()
        whole.wait(2)
        only = Listener(two, ehr_id=second, after="latest").start()
        time.sleep(0.5)
        commit(client, first, 2)
        uid = commit(client, second, 3)
        assert everything(client) == whole.wait(5)
        assert uid == only.wait(2)[-1]["versions"][0]["uid"]
        again = Listener(three)
        again.last = whole.events[2]["cursor"]
        again.start()
        assert whole.events[3:] == again.wait(2)
        clinical.app.state.here["main"].pulse.stop()
        for listener in (whole, only, again):
            listener.thread.join(5)
            assert listener.clean


@pytest.mark.slow
def test_silence_is_broken_by_heartbeats_and_a_revoked_key_hears_no_more(client, clinical):
    """A comment shows that the stream lives; the next one asks for the key again."""
    from clinical_api.events import tails

    before, tails.HEARTBEAT = tails.HEARTBEAT, 0.3
    try:
        token = clinical.key("event:read")
        with clinical.client(token=token) as listening:
            listener = Listener(listening, after="latest").start()
            until = time.monotonic() + 10
            while listener.lines.count(":") < 2:
                assert time.monotonic() < until
                time.sleep(0.05)
            with psycopg.connect(clinical.database.url("migrator")) as connection:
                connection.execute(
                    "UPDATE api_key SET revoked = true WHERE key_id = %s", (token.key_id,)
                )
            listener.thread.join(10)
            assert listener.ended
            assert listener.clean
    finally:
        tails.HEARTBEAT = before


def test_a_slow_reader_costs_no_memory(client, clinical):
    """Its pages are read when it takes them: the service's memory does not grow with what waits."""
    ehr_id = open_ehr(client)
    commit(client, ehr_id)
    with psycopg.connect(clinical.database.url("migrator"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO contribution (ehr_id, contribution_id, time_committed, change_type, audit)"
            " SELECT %s, gen_random_uuid(), now(), 249, '{}' FROM generate_series(1, 60000)",
            (ehr_id,),
        )
    host, port = clinical.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        key = clinical.key("event:read")
        connection.sendall(
            f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            "Accept: text/event-stream\r\n\r\n".encode()
        )
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
        before = _resident()
        time.sleep(2.0)
        assert _resident() - before < 8_000_000
        assert 100 == len(page(client)["events"])  # others are served meanwhile


def _resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_streams_end_cleanly_when_the_service_stops(clinical_database, tmp_path):
    """SIGTERM with listeners: their streams end properly, and the process soon after."""
    url = tmp_path / "url"
    url.write_text(clinical_database.url())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [
        sys.executable, "-m", "uvicorn", "--factory", "clinical_api.app:create_app",
        "--port", str(port), "--log-level", "critical",
    ]  # fmt: skip
    environment = os.environ | {"MOIETY_CLINICAL_DATABASE_URL_FILE": str(url)}
    process = subprocess.Popen(command, env=environment)
    try:
        from tests.fixtures.fix_services import Service

        service = Service("clinical", None, f"http://127.0.0.1:{port}", clinical_database)
        with service.client("event:read") as client:
            until = time.monotonic() + 20
            while True:
                try:
                    if client.get("/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    assert time.monotonic() < until
                    time.sleep(0.1)
            listeners = [Listener(client, after="latest").start() for _ in range(3)]
            time.sleep(0.7)
            process.send_signal(signal.SIGTERM)
            assert process.wait(8) in {0, -signal.SIGTERM}
            for listener in listeners:
                listener.thread.join(5)
                assert listener.clean
    finally:
        process.kill()
        process.wait()
