"""Bulk import and export hold a batch, whatever comes or goes."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.fixtures.clinical_documents import upload, vital_signs
from tests.fixtures.fix_services import Service

GROWTH = 48 * 2**20


@pytest.fixture
def alone(clinical_database, tmp_path):
    """The service in a process of its own: (service, process)."""
    (tmp_path / "url").write_text(clinical_database.url())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [
        sys.executable, "-m", "uvicorn", "--factory", "clinical_api.app:create_app",
        "--port", str(port), "--log-level", "critical",
    ]  # fmt: skip
    environment = os.environ | {"MOIETY_CLINICAL_DATABASE_URL_FILE": str(tmp_path / "url")}
    process = subprocess.Popen(command, env=environment)
    try:
        service = Service("clinical", None, f"http://127.0.0.1:{port}", clinical_database)
        until = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{service.url}/ready", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < until
                time.sleep(0.1)
        yield service, process
    finally:
        process.terminate()
        process.wait()


def peak(process):
    """The most memory that a process ever held, in octets."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(text.partition("VmHWM:")[2].split()[0])


def lines(count):
    """Lines of new EHRs with a document each, made as they are taken."""
    document = json.dumps(vital_signs(1))
    for _ in range(count):
        yield (
            f'{{"ehr_id":"{uuid4()}","ehr":{{}},"contribution":{{"versions":[{{"data":{document}}}]}}}}\n'
        ).encode()


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_moved(alone):
    """Ten times as much through the same process: its peak stays about where it was."""
    service, process = alone
    with service.client() as client:
        upload(client)
        for count in (400, 4000):
            before = peak(process)
            report = client.post("/bulk/import", content=lines(count), timeout=120).json()
            assert count == report["ehrs"]
        assert peak(process) - before < GROWTH
        size = 0
        with client.stream("GET", "/bulk/export") as answer:
            for some in answer.iter_bytes():
                size += len(some)
        assert size > 4 * GROWTH / 10
        assert peak(process) - before < GROWTH
