"""kill -9 of the process that delivers: every event arrives, and in order for each EHR."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.fixtures.clinical_documents import BASE, open_ehr, uid_of, upload, vital_signs
from tests.fixtures.fix_services import Service
from tests.fixtures.receiver import Receiver

KILLS = 3


class Process:
    """The service in a process of its own, on a port that stays."""

    def __init__(self, database, folder):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        for name, text in (("url", database.url()), ("key", "a key of the test")):
            (folder / name).write_text(text)
        self.environment = os.environ | {
            "MOIETY_CLINICAL_DATABASE_URL_FILE": str(folder / "url"),
            "MOIETY_CLINICAL_WEBHOOK_KEY_FILE": str(folder / "key"),
            "MOIETY_CLINICAL_WEBHOOK_TARGETS": "private",
            "MOIETY_CLINICAL_WEBHOOK_PAUSE": "0.05",
        }
        self.service = Service("clinical", None, f"http://127.0.0.1:{self.port}", database)
        self.process = None

    def start(self):
        """Start, and wait until it answers."""
        command = [
            sys.executable, "-m", "uvicorn", "--factory", "clinical_api.app:create_app",
            "--port", str(self.port), "--log-level", "critical",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 90
        while True:
            try:
                return httpx.get(f"{self.service.url}/ready", trust_env=False).raise_for_status()
            except httpx.HTTPError:
                assert time.monotonic() < until
                time.sleep(0.1)

    def kill(self):
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.mark.slow
def test_every_event_arrives_in_order_whatever_is_killed(clinical_database, tmp_path):
    """Writers go on, the process dies in the middle of sending, the receiver fails now and then."""
    rng = random.Random(7)
    dead = threading.Event()

    def answer(_event, _headers):
        time.sleep(0.01)
        return 500 if dead.is_set() or rng.random() < 0.1 else 200

    running = Process(clinical_database, tmp_path)
    running.start()
    try:
        with Receiver(answer) as receiver, running.service.client() as client:
            upload(client)
            hook = client.post("/webhooks", json={"url": receiver.url}).raise_for_status().json()
            owners = [open_ehr(client) for _ in range(8)]
            for _ in range(KILLS):
                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(lambda owner: _write(client, owner), owners))
                time.sleep(0.15)
                before = len(receiver.accepted)
                running.kill()
                running.start()
                dead.clear() if dead.is_set() else dead.set()
            dead.clear()
            told = _all_events(client)
            until = time.monotonic() + 60
            while client.get(f"/webhooks/{hook['id']}").json()["waiting"] or len(
                {event["id"] for event in receiver.accepted}
            ) < len(told):
                assert time.monotonic() < until
                time.sleep(0.1)
            accepted = list(receiver.accepted)
    finally:
        running.kill()
    assert before < len(told)  # the control: something was left to deliver at the last kill
    assert {event["id"] for event in told} == {event["id"] for event in accepted}
    for owner in owners:
        expected = [event["id"] for event in told if event["ehr_id"] == owner]
        first = dict.fromkeys(event["id"] for event in accepted if event["ehr_id"] == owner)
        assert expected == list(first)


def _write(client, owner):
    uid = uid_of(client.post(f"{BASE}/ehr/{owner}/composition", json=vital_signs(1)))
    for number in range(4):
        place = f"{BASE}/ehr/{owner}/composition/{uid.split('::')[0]}"
        answer = client.put(place, json=vital_signs(number), headers={"If-Match": f'"{uid}"'})
        uid = uid_of(answer.raise_for_status())


def _all_events(client):
    found, after = [], ""
    while True:
        page = client.get("/events", params={"after": after, "limit": 1000}).json()
        found += page["events"]
        after = page["after"]
        if not page["more"]:
            return found
