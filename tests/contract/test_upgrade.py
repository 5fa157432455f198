"""The previous release runs on the new schema, beside the new one.

The code of the previous release comes out of the repository's own history; without that (an
unpacked archive, a shallow clone) there is nothing to run.
"""

import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from clinical_api.app import create_app
from clinical_api.settings import Settings
from demographic_api.app import create_app as create_demographic
from demographic_api.settings import Settings as DemographicSettings
from moiety.commands.demo import people, records
from tests.fixtures.fix_services import served

ROOT = Path(__file__).parents[2]
PREVIOUS = "9797d58866902e01876868f150f84cb24311f294"
"""0.1.0."""
TEMPLATE = (Path(records.__file__).parent / "templates/vital_signs.opt").read_bytes()
ASKED = {
    "q": "SELECT c/uid/value AS uid FROM EHR e[ehr_id/value=$ehr_id] CONTAINS COMPOSITION c"
    " ORDER BY c/uid/value"
}


@pytest.fixture(scope="session")
def previous(tmp_path_factory):
    """The tree of the previous release."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs the repository's history")
    done = subprocess.run(
        [git, "archive", PREVIOUS, "moiety", "clinical_api", "demographic_api"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("needs the repository's whole history")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@contextmanager
def old(previous, folder, service, database):
    """A service of the previous release in a process of its own; its URL."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    secret = folder / f"{service}.url"
    secret.write_text(database.url())
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(previous),
        f"MOIETY_{service.upper()}_DATABASE_URL_FILE": str(secret),
    }
    command = [
        sys.executable, "-m", "uvicorn", "--factory", f"{service}_api.app:create_app",
        "--port", str(port), "--log-level", "critical",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=environment, cwd=previous)
    try:
        _await(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _await(process, url):
    until = time.monotonic() + 90
    with httpx.Client(trust_env=False) as client:
        while True:
            assert process.poll() is None, "the previous release does not start"
            assert time.monotonic() < until
            try:
                if client.get(f"{url}/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)


def client_of(url, token):
    """A client with a key."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)


def document(seed):
    """A composition as text."""
    return json.dumps(records.vital_signs(random.Random(seed), datetime.now(UTC)))


def test_it_is_the_previous_release_that_runs(previous):
    """The control: what is imported below stands in the old tree."""
    code = "import clinical_api, moiety; print(clinical_api.__file__, moiety.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=previous, env={"PYTHONPATH": str(previous)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert 2 == done.stdout.count(str(previous))


def test_old_and_new_clinical_services_share_a_database(previous, tmp_path, clinical_database):
    """Each reads, updates, deletes and finds what the other wrote."""
    app = create_app(Settings(database_url=clinical_database.url()))
    with (
        served("clinical", app, clinical_database) as service,
        old(previous, tmp_path, "clinical", clinical_database) as url,
        client_of(url, service.key()) as before,
        client_of(service.url, service.key()) as after,
    ):
        xml = {"Content-Type": "application/xml"}
        template = "/openehr/v1/definition/template/adl1.4"
        assert 201 == before.post(template, content=TEMPLATE, headers=xml).status_code
        for writer, reader in ((before, after), (after, before)):
            ehr_id = writer.post("/openehr/v1/ehr").raise_for_status().headers["ETag"].strip('"')
            place = f"/openehr/v1/ehr/{ehr_id}/composition"
            uids = [
                one.post(place, content=document(n)).raise_for_status().headers["ETag"].strip('"')
                for n, one in enumerate((writer, reader, writer))
            ]
            first, second, third = uids
            assert first == reader.get(f"{place}/{first}").json()["uid"]["value"]
            object_id = first.split("::")[0]
            changed = reader.put(
                f"{place}/{object_id}", content=document(9), headers={"If-Match": f'"{first}"'}
            )
            assert 204 == changed.status_code
            latest = changed.headers["ETag"].strip('"')
            assert latest == writer.get(f"{place}/{object_id}").json()["uid"]["value"]
            stale = writer.put(
                f"{place}/{object_id}", content=document(9), headers={"If-Match": f'"{first}"'}
            )
            assert 412 == stale.status_code
            assert 204 == writer.delete(f"{place}/{second}").status_code
            assert 204 == reader.get(f"{place}/{second.split('::')[0]}").status_code
            asked = ASKED | {"query_parameters": {"ehr_id": ehr_id}}
            for client in (writer, reader):
                answer = client.post("/openehr/v1/query/aql", json=asked).raise_for_status()
                assert sorted([[latest], [third]]) == answer.json()["rows"]


def test_old_and_new_demographic_services_share_a_database(
    previous, tmp_path, demographic_database
):
    """Each reads, changes and finds the persons that the other registered."""
    app = create_demographic(DemographicSettings(database_url=demographic_database.url()))
    with (
        served("demographic", app, demographic_database) as service,
        old(previous, tmp_path, "demographic", demographic_database) as url,
        client_of(url, service.key()) as before,
        client_of(service.url, service.key()) as after,
    ):
        for (writer, reader), person in zip(
            ((before, after), (after, before)), people.register(2, 5), strict=True
        ):
            made = writer.post("/fhir/R4/Patient", json=person.patient()).raise_for_status()
            place = f"/fhir/R4/Patient/{made.json()['id']}"
            assert made.json() == reader.get(place).json()
            moved = made.json() | {"address": [{"use": "home", "city": "Elsewhere"}]}
            changed = reader.put(place, json=moved, headers={"If-Match": made.headers["ETag"]})
            assert 200 == changed.status_code
            assert changed.json() == writer.get(place).json()
            found = writer.post(
                "/fhir/R4/Patient/_search", data={"identifier": person.nhs_number},
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )  # fmt: skip
            assert 1 == found.json()["total"]
