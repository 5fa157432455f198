"""Webhooks: signed, in order for each EHR, at least once; where they may point; dead letters."""

import asyncio
import base64
import contextlib
import gc
import json
import logging
import threading
import time
from collections import defaultdict
from uuid import uuid4

import httpx
import psycopg
import pytest

from clinical_api.app import create_app
from clinical_api.events import destinations
from clinical_api.settings import Settings
from moiety.kit.errors import Malformed
from tests.fixtures.clinical_documents import BASE, open_ehr, uid_of, upload, vital_signs
from tests.fixtures.fix_services import served
from tests.fixtures.receiver import Receiver, signature

FAST = {"webhook_pause": 0.05, "webhook_targets": "private", "webhook_key": "a key of the test"}


@contextlib.contextmanager
def service_of(database, **settings):
    """The clinical service with a key for webhooks, and a client."""
    app = create_app(Settings(database_url=database.url(), **{**FAST, **settings}))
    with served("clinical", app, database) as service, service.client() as client:
        yield service, client


@pytest.fixture
def here(clinical_database):
    """A service that delivers fast, its client, and the demo's template."""
    with service_of(clinical_database) as (service, client):
        upload(client)
        yield service, client


def register(client, url, **more):
    """A webhook as it was registered."""
    answer = client.post("/webhooks", json={"url": url, **more})
    assert 201 == answer.status_code, answer.text
    return answer.json()


def commit(client, ehr_id, seed=1):
    """A composition's version uid."""
    answer = client.post(f"{BASE}/ehr/{ehr_id}/composition", json=vital_signs(seed))
    assert 201 == answer.status_code, answer.text
    return uid_of(answer)


def shown(client, webhook_id):
    """The webhook as it is listed."""
    return client.get(f"/webhooks/{webhook_id}").json()


def until(condition, seconds=20):
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_events_are_delivered_with_a_signature_that_the_receiver_can_check(here):
    """The same events as GET /events shows; no other secret and no other body fits."""
    _, client = here
    with Receiver() as receiver:
        hook = register(client, receiver.url)
        assert hook["secret"].startswith("whsec_")
        assert "secret" not in shown(client, hook["id"])
        ehr_id = open_ehr(client)
        commit(client, ehr_id)
        commit(client, ehr_id, 2)
        events = receiver.wait(3)
        assert client.get("/events").json()["events"] == events
        for event, headers, body in receiver.came:
            assert signature(hook["secret"], headers, body) == headers["webhook-signature"]
            assert event["id"] == headers["webhook-id"]
            assert abs(time.time() - int(headers["webhook-timestamp"])) < 30
            other = "whsec_" + base64.b64encode(b"x" * 32).decode()
            assert signature(other, headers, body) != headers["webhook-signature"]
            assert signature(hook["secret"], headers, body + b" ") != headers["webhook-signature"]


def test_a_rotated_secret_and_the_one_before_both_fit_for_a_day(here):
    """A receiver can change over without losing a message."""
    _, client = here
    with Receiver() as receiver:
        first = register(client, receiver.url)
        second = client.post(f"/webhooks/{first['id']}/rotate").json()
        assert first["secret"] != second["secret"]
        commit(client, open_ehr(client))
        receiver.wait(2)
        _, headers, body = receiver.came[-1]
        both = headers["webhook-signature"].split(" ")
        assert [signature(one["secret"], headers, body) for one in (second, first)] == both


def test_the_secret_is_nowhere_in_the_database(here):
    """A stolen database signs nothing: no column holds the secret, in any common form."""
    service, client = here
    secret = register(client, "https://receiver.example/hook")["secret"].removeprefix("whsec_")
    raw = base64.b64decode(secret)
    with psycopg.connect(service.database.url("postgres")) as connection:
        rows = connection.execute("SELECT w::text FROM webhook w").fetchall()
    assert "receiver.example" in rows[0][0]  # the control: it is the row that was looked at
    for form in (secret, raw.hex(), "a key of the test"):
        assert form not in rows[0][0]


def test_a_failing_receiver_gets_each_event_in_the_end_and_in_order(here):
    """Every second answer is an error: all arrive, and those of one EHR as they were committed."""
    _, client = here
    tries = defaultdict(int)

    def answer(event, _headers):
        tries[event["id"]] += 1
        return 500 if tries[event["id"]] % 2 else 200

    with Receiver(answer) as receiver:
        register(client, receiver.url)
        owners = [open_ehr(client) for _ in range(4)]
        for number in range(24):
            commit(client, owners[number % 4], number)
        accepted = receiver.wait(28)
        assert {2} == set(tries.values())  # the control: each did fail once
        committed = client.get("/events", params={"limit": 1000}).json()["events"]
        for owner in owners:
            expected = [e["id"] for e in committed if e["ehr_id"] == owner]
            assert expected == [e["id"] for e in accepted if e["ehr_id"] == owner]


def test_one_ehr_that_fails_holds_back_no_other(here):
    """What follows in its own EHR waits; other EHRs' events go on."""
    _, client = here
    bad = open_ehr(client)
    healed = []

    def answer(event, _headers):
        return 200 if healed or event["ehr_id"] != bad else 503

    with Receiver(answer) as receiver:
        register(client, receiver.url)
        commit(client, bad)
        good = open_ehr(client)
        commit(client, good)
        assert {good} == {e["ehr_id"] for e in receiver.wait(2)}
        healed.append(True)
        events = receiver.wait(4)
        mine = [e["versions"][0]["kind"] for e in events if e["ehr_id"] == bad]
        assert ["EHR_STATUS", "COMPOSITION"] == mine


def test_what_is_never_accepted_becomes_a_dead_letter_and_can_be_sent_again(clinical_database):
    """After the last try it is listed with its outcome; what follows in the EHR goes on."""
    with service_of(clinical_database, webhook_tries=3) as (_, client):
        upload(client)
        refused = []

        def answer(event, _headers):
            kinds = {v["kind"] for v in event["versions"]}
            return 418 if not refused and kinds == {"EHR_STATUS"} else 200

        with Receiver(answer) as receiver:
            hook = register(client, receiver.url)
            ehr_id = open_ehr(client)
            uid = commit(client, ehr_id)
            assert uid == receiver.wait(1)[0]["versions"][0]["uid"]
            place = f"/webhooks/{hook['id']}/dead"
            (letter,) = client.get(place).json()
            assert (3, "418", ehr_id) == (letter["attempts"], letter["outcome"], letter["ehr_id"])
            assert 1 == shown(client, hook["id"])["dead"]
            until(lambda: 'webhook_dead{organisation="main"} 1.0' in client.get("/metrics").text)
            refused.append("no more")
            nothing = client.post(f"{place}/redeliver", json={"events": [str(uuid4())]})
            assert {"redelivered": 0} == nothing.json()
            assert {"redelivered": 1} == client.post(f"{place}/redeliver").json()
            assert "EHR_STATUS" == receiver.wait(2)[1]["versions"][0]["kind"]
            until(lambda: 0 == shown(client, hook["id"])["waiting"])
            assert [] == client.get(place).json()
        metrics = client.get("/metrics").text
        for outcome, count in (("delivered", 2), ("failed", 3), ("dead", 1)):
            assert f'outcome="{outcome}"}} {count}.0' in metrics, metrics


def test_a_webhook_is_paused_resumed_and_ended(here):
    """While it is paused nothing is sent and nothing lost."""
    _, client = here
    with Receiver() as receiver:
        hook = register(client, receiver.url)
        place = f"/webhooks/{hook['id']}"
        assert "paused" == client.post(f"{place}/pause").json()["state"]
        time.sleep(1.5)
        ehr_id = open_ehr(client)
        commit(client, ehr_id)
        time.sleep(1.0)
        assert [] == receiver.came
        client.post(f"{place}/resume")
        receiver.wait(2)
        assert [hook["id"]] == [one["id"] for one in client.get("/webhooks").json()]
        assert 204 == client.delete(place).status_code
        assert 404 == client.get(place).status_code
        time.sleep(1.5)
        commit(client, ehr_id, 2)
        time.sleep(1.0)
        assert 2 == len(receiver.came)


def test_a_webhook_may_begin_with_the_oldest_event_and_hear_one_ehr_only(here):
    """`after` and `ehr_id`."""
    _, client = here
    first, second = open_ehr(client), open_ehr(client)
    for ehr_id in (first, second):
        commit(client, ehr_id)
    with Receiver() as receiver:
        register(client, receiver.url, after="oldest", ehr_id=second)
        assert [second, second] == [e["ehr_id"] for e in receiver.wait(2)]
        time.sleep(0.7)
        assert 2 == len(receiver.came)


def test_a_receiver_that_says_410_is_paused(here):
    """Gone: nothing more is sent until somebody resumes it."""
    _, client = here
    with Receiver(lambda _event, _headers: 410) as receiver:
        hook = register(client, receiver.url)
        commit(client, open_ehr(client))
        until(lambda: shown(client, hook["id"])["state"] == "paused")


def test_redirects_are_not_followed(here):
    """A redirect is a failure: the place it names is never asked."""
    _, client = here
    with Receiver(lambda _event, _headers: 302) as receiver:
        hook = register(client, receiver.url)
        commit(client, open_ehr(client))
        until(lambda: len(receiver.came) >= 3)
        assert 1 == len({event["id"] for event, _, _ in receiver.came})
        assert shown(client, hook["id"])["waiting"] >= 1


def test_two_processes_deliver_once(clinical_database):
    """The second waits for the lock, and takes over when the first has gone."""
    with Receiver() as receiver, contextlib.ExitStack() as first:
        _, client = first.enter_context(service_of(clinical_database))
        upload(client)
        register(client, receiver.url)
        with service_of(clinical_database) as (_, other):
            ehr_id = open_ehr(client)
            commit(client, ehr_id)
            receiver.wait(2)
            time.sleep(1.0)
            assert 2 == len(receiver.came)
            first.close()
            uid = commit(other, ehr_id, 2)
            assert uid == receiver.wait(3)[-1]["versions"][0]["uid"]


def test_an_erased_event_is_told_as_erasure_and_its_own_is_forgotten(here):
    """What waits for a paused webhook while the EHR is erased is not sent any more."""
    _, client = here
    with Receiver() as receiver:
        hook = register(client, receiver.url)
        ehr_id = open_ehr(client)
        client.post(f"/webhooks/{hook['id']}/pause")
        commit(client, ehr_id)
        answer = client.delete(f"/openehr/v1/admin/ehr/{ehr_id}")
        assert 204 == answer.status_code, answer.text
        client.post(f"/webhooks/{hook['id']}/resume")
        (event,) = receiver.wait(1)
        assert ("erasure", "EHR", ehr_id) == (event["type"], event["kind"], event["ehr_id"])


@pytest.mark.parametrize(
    ("url", "targets", "allowed"),
    [
        ("https://example.org/hook", "public", True),
        ("http://example.org/hook", "public", False),
        ("http://example.org/hook", "any", True),
        ("http://localhost:9000/hook", "public", False),
        ("http://localhost:9000/hook", "private", True),
        ("http://10.0.0.8/hook", "private", False),
        ("https://10.0.0.8/hook", "public", False),
        ("https://10.0.0.8/hook", "private", True),
        ("https://127.0.0.1/hook", "public", False),
        ("https://[::1]/hook", "public", False),
        ("https://[::ffff:10.0.0.8]/hook", "public", False),
        ("https://[64:ff9b::a00:8]/hook", "public", False),
        ("https://[2002:a00:8::]/hook", "public", False),
        ("https://169.254.169.254/latest/meta-data", "private", False),
        ("https://169.254.169.254/latest/meta-data", "public", False),
        ("https://0.0.0.0/", "private", False),
        ("https://224.0.0.1/", "public", False),
        ("https://8.8.8.8/hook", "public", True),
        ("https://user:word@example.org/", "public", False),
        ("ftp://example.org/", "any", False),
        ("file:///etc/passwd", "any", False),
        ("https://", "any", False),
        ("nonsense", "any", False),
        ("https://example.org/" + "a" * 3000, "any", False),
    ],
)
def test_where_a_webhook_may_point(url, targets, allowed):
    """By scheme and address; names are looked at again at each sending."""
    if allowed:
        assert url == str(destinations.check(url, targets))
    else:
        with pytest.raises(Malformed):
            destinations.check(url, targets)


def test_a_name_that_leads_to_this_machine_is_not_called():
    """`localhost` is a name: it is resolved, looked at, and nothing is sent."""

    async def sent(url, targets):
        async with destinations.client() as client:
            return await destinations.send(client, url, b"{}", {}, targets)

    with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        refused = asyncio.run(sent(url.replace("http://", "https://"), "public"))
        assert (False, "address not allowed") == (refused.delivered, refused.word)
        assert [] == receiver.came
        assert asyncio.run(sent(url, "private")).delivered  # the control: it can be reached


def test_registrations_that_may_not_be_are_told(here, clinical_database):
    """400 with the place; 403 without the scope; 409 without a key to sign with."""
    service, client = here
    for body in (
        {}, {"url": "http://example.org"}, {"url": "https://x.example", "more": 1},
        {"url": "https://x.example", "ehr_id": "no"}, {"url": 5}, [],
        {"url": "https://x.example", "after": "no cursor"},
    ):  # fmt: skip
        answer = client.post("/webhooks", json=body)
        assert 400 == answer.status_code, body
        assert "trace_id" in answer.json()
    assert 400 == client.post("/webhooks", content=b"{").status_code
    for path in (str(uuid4()), "x"):
        assert 404 == client.get(f"/webhooks/{path}").status_code
        assert 404 == client.post(f"/webhooks/{path}/rotate").status_code
    with service.client("event:read") as reader:
        assert 403 == reader.get("/webhooks").status_code
        assert 403 == reader.post("/webhooks", json={"url": "https://x.example"}).status_code
    with service_of(clinical_database, webhook_key=None) as (_, bare):
        answer = bare.post("/webhooks", json={"url": "https://x.example/"})
        assert 409 == answer.status_code
        assert "WEBHOOK_KEY_FILE" in answer.json()["message"]


def test_no_content_is_in_any_message(here):
    """Bodies and headers of every message, searched for every text of the document."""
    _, client = here
    with Receiver() as receiver:
        register(client, receiver.url)
        ehr_id = open_ehr(client)
        uid = commit(client, ehr_id)
        receiver.wait(2)
        stored = client.get(f"{BASE}/ehr/{ehr_id}/composition/{uid}").json()
        told = "".join(f"{headers} {body.decode()}" for _, headers, body in receiver.came)
    words = {word for word in _texts(stored["content"]) if len(word) > 5}
    assert len(words) > 20
    assert not [word for word in words if word in told]
    assert uid in told  # the control: the search finds what is there


def _texts(tree):
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict | list):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from _texts(branch)


def test_the_receiver_is_asked_by_its_own_name(here):
    """The connection goes to an address; Host says the name, as certificates are checked by it."""
    _, client = here
    with Receiver() as receiver:
        register(client, receiver.url.replace("127.0.0.1", "localhost"))
        commit(client, open_ehr(client))
        receiver.wait(1)
        _, headers, body = receiver.came[0]
    assert headers["Host"].startswith("localhost:")
    assert httpx.Headers(headers)["content-type"] == "application/json"
    assert json.loads(body)["type"] == "contribution"


@contextlib.contextmanager
def complaints():
    """What asyncio logs while this lasts: tasks that fell unseen, or were never waited for."""
    heard = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    try:
        yield heard
        gc.collect()
    finally:
        logger.removeHandler(handler)


def test_a_service_that_stops_while_it_delivers_says_nothing_of_lost_tasks(clinical_database):
    """Its deliverers end before it does, though each webhook is in the middle of a message."""
    waiting = threading.Semaphore(0)

    def answer(_event, _headers):
        waiting.release()
        time.sleep(0.3)
        return 200

    with complaints() as heard, Receiver(answer) as receiver:
        for _ in range(4):
            with service_of(clinical_database) as (_, client):
                if not client.get(f"{BASE}/definition/template/adl1.4").json():
                    upload(client)
                    for _ in range(6):
                        register(client, receiver.url)
                ehr_id = open_ehr(client)
                for seed in range(3):
                    commit(client, ehr_id, seed)
                assert waiting.acquire(timeout=20)
            gc.collect()
    assert [] == heard
