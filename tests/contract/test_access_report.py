"""Who looked at a person, from three services: whole, of nobody else, joined in the vault alone."""

import io
import json
import secrets
import stat
import threading
import zipfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from typer.testing import CliRunner

from linkage_vault import minting
from linkage_vault.app import create_app
from linkage_vault.keys import create_key_file
from linkage_vault.people_keys import create_people_key_file, people_key_path
from linkage_vault.settings import Settings
from moiety.commands import issue
from moiety.commands import subject_access as command
from moiety.kit.errors import Forbidden, Malformed, Unavailable
from moiety.wire import crossing
from moiety.wire import demographic as wire_demographic
from moiety.wire import projects as wire_projects
from moiety.wire import subject as wire
from moiety.wire import trail as wire_trail
from moiety.wire import vault as wire_vault
from moiety.wire.exchange import connect
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_projects import REASON as AGREED
from tests.fixtures.fix_projects import allow, running
from tests.fixtures.fix_services import served

REASON = "Request of the person, letter of 3 May"
PATIENT = {"resourceType": "Patient", "name": [{"family": "Fletcher", "given": ["Ann"]}],
           "birthDate": "1970-01-02"}  # fmt: skip


class World:
    """Three services that know each other as in a deployment, and people of every role."""

    def __init__(self, stack, cluster, folder):
        self._stack = stack
        self.clinical = self._clinical(stack, cluster)
        self.demographic = self._demographic(stack, cluster)
        self.copy = stack.enter_context(copied(cluster, "vault"))
        key_file = folder / "vault.keys"
        create_key_file(key_file)
        create_people_key_file(people_key_path(key_file), "main")
        self.settings = Settings(
            database_url=self.copy.url(), key_file=key_file,
            clinical_url=self.clinical.url, pool_interval=3600,
            clinical_key=str(self.clinical.key("ehr:create", "access:read")),
            demographic_url=self.demographic.url,
            demographic_key=str(self.demographic.key("access:read")),
        )  # fmt: skip
        self.vault = stack.enter_context(served("vault", create_app(self.settings), self.copy))
        self.people = {role: self.caller(role) for role in
                       ("registrar", "clinician", "researcher", "linkage_officer", "approver",
                        "auditor")}  # fmt: skip
        url = self.copy.url("migrator")
        self.people["member_id"] = issue.user(
            url, "Member", frozenset({"researcher"}), staff_id="member"
        )
        with connect(self.clinical.url, str(self.clinical.key("ehr:create"))) as client:
            minting.fill(self.state, client, target=20, stop=threading.Event())

    @property
    def state(self):
        """The vault's database and keys."""
        return self.vault.app.state.vaults["main"]

    def caller(self, *roles, name="Test User"):
        """A client of the vault for a new user."""
        url = self.copy.url("migrator")
        user_id = issue.user(url, name, frozenset(roles), staff_id=str(uuid4()))
        key = issue.key(url, "vault", "main", label="test", scopes=frozenset({"vault:use"}),
                        life=timedelta(days=1), user_id=user_id)  # fmt: skip
        client = self._stack.enter_context(connect(self.vault.url, str(key)))
        client.user_id = user_id
        return client

    def person(self):
        """A registered person with a record: both ids."""
        with self.demographic.client("person:write") as client:
            person_id = wire_demographic.create_patient(client, PATIENT).person_id
        return person_id, wire_vault.link(self.people["registrar"], person_id)

    def report(self, **ids):
        """The auditor's report."""
        return wire.read_report(self.people["auditor"], wire.AskReport(REASON, **ids))

    @staticmethod
    def _clinical(stack, cluster):
        from clinical_api.app import create_app as create
        from clinical_api.settings import Settings as Of

        copy = stack.enter_context(copied(cluster, "clinical"))
        settings = Of(database_url=copy.url(), access_key=secrets.token_hex(32))
        return stack.enter_context(served("clinical", create(settings), copy))

    @staticmethod
    def _demographic(stack, cluster):
        from demographic_api.app import create_app as create
        from demographic_api.settings import Settings as Of

        copy = stack.enter_context(copied(cluster, "demographic"))
        settings = Of(database_url=copy.url(), access_key=secrets.token_hex(32))
        return stack.enter_context(served("demographic", create(settings), copy))


@pytest.fixture(scope="module")
def world(cluster, tmp_path_factory):
    """One world for this module: each test has persons of its own."""
    with ExitStack() as stack:
        yield World(stack, cluster, tmp_path_factory.mktemp("world"))


def looked_at(world, person_id, ehr_id):
    """A clinician finds the record, reads it and the person; somebody else is refused."""
    clinician = world.people["clinician"]
    wire_vault.resolve_person(clinician, person_id, purpose_of_use="TREAT")
    with pytest.raises(Forbidden):
        wire_vault.resolve_person(world.people["researcher"], person_id, purpose_of_use="TREAT")
    token = world.clinical.key("ehr:read", user_id=clinician.user_id)
    with world.clinical.client(token=token) as reader:
        assert 200 == reader.get(f"/openehr/v1/ehr/{ehr_id}").status_code
    with world.demographic.client("person:read") as reader:
        wire_demographic.read_patient(reader, person_id)


def test_a_report_is_whole_and_tells_of_nobody_else(world):
    """All three services, who and in which role, refusals too; and no look at another person."""
    (person_id, ehr_id), (other_id, other_ehr) = world.person(), world.person()
    looked_at(world, person_id, ehr_id)
    looked_at(world, other_id, other_ehr)
    found = world.report(person_id=person_id)
    assert [] == found.gaps
    assert [
        ("vault", "link", "allowed"), ("vault", "resolve_person", "allowed"),
        ("vault", "resolve_person", "refused"),
        ("clinical", "GET /openehr/v1/ehr/{ehr_id}", "answered"),
        ("demographic", "GET /Patient/{person_id}", "answered"),
        ("vault", "read_access", "allowed"),
    ] == [(one.service, one.what, one.outcome) for one in found.entries]  # fmt: skip
    crossing_, read = found.entries[1], found.entries[3]
    assert ("clinician", "TREAT", "Test User") == (
        crossing_.role, crossing_.purpose_of_use, crossing_.who,
    )  # fmt: skip
    assert (world.people["clinician"].user_id, "Test User") == (read.user_id, read.who), (
        "the user of the clinical service's key has the vault's name"
    )
    assert "test" == found.entries[4].who, "a program is named by what its key is for"
    assert [one.at for one in found.entries] == sorted(one.at for one in found.entries)


def test_by_record_the_report_is_the_same_and_shows_no_id(world):
    """Neither id of the person comes back, whichever was asked with."""
    person_id, ehr_id = world.person()
    looked_at(world, person_id, ehr_id)
    by_person = world.report(person_id=person_id).entries
    by_ehr = world.report(ehr_id=ehr_id).entries
    assert by_person == by_ehr[:-1]
    body = {"reason": REASON, "ehr_id": str(ehr_id)}
    answer = world.people["auditor"].post("/vault/v1/access/report", json=body)
    assert str(person_id) not in answer.text
    assert str(ehr_id) not in answer.text


def test_neither_service_learns_of_the_others_id(world, monkeypatch):
    """What the vault says to each, read on the way: its own id and nothing of the other's."""
    person_id, ehr_id = world.person()
    heard = {}

    def listening(name):
        async def take(request):
            heard.setdefault(name, []).append(
                await request.body() + str(request.url).encode() + str(request.headers).encode()
            )
            return JSONResponse({"is_kept": True, "entries": []})

        return served(name, Starlette(routes=[Route("/{p:path}", take, methods=["POST"])]), None)

    from linkage_vault.access_report import Sources

    with listening("clinical") as clinical, listening("demographic") as demographic:
        sources = Sources(connect(clinical.url, "a"), connect(demographic.url, "b"))
        monkeypatch.setitem(world.vault.app.state.sources, "main", sources)
        world.report(person_id=person_id)
        sources.clinical.close()
        sources.demographic.close()
    said = {name: b"".join(parts) for name, parts in heard.items()}
    assert str(ehr_id).encode() in said["clinical"], "the control: it was asked"
    assert str(person_id).encode() in said["demographic"]
    assert str(person_id).encode() not in said["clinical"]
    assert str(ehr_id).encode() not in said["demographic"]
    assert not set(_ids(said["clinical"])) & set(_ids(said["demographic"]))


def _ids(octets):
    import re

    return re.findall(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", octets)


def test_dumps_of_both_halves_join_no_read_to_a_read(world):
    """No value of the two access logs is equal but the month and small heaps; no exact time."""
    for _ in range(5):
        looked_at(world, *world.person())
    stored = {}
    for service in (world.clinical, world.demographic):
        service.app.state.access_logs["main"].flush()
        engine = service.app.state.organisations.engine("main")
        with engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT * FROM access_log")).all()
        stored[service.name] = {value for row in rows for value in (row.access_id, row.sealed)}
        assert {"access_id", "heap", "month", "sealed"} == set(rows[0]._fields)
    assert len(stored["clinical"]) >= 10
    assert not stored["clinical"] & stored["demographic"]


def test_who_may_read_a_report_and_that_it_is_written_down(world):
    """The auditor alone; a refusal is an entry, which the next report tells."""
    person_id, _ = world.person()
    for role in ("registrar", "clinician", "researcher", "linkage_officer", "approver"):
        with pytest.raises(Forbidden):
            wire.read_report(world.people[role], wire.AskReport(REASON, person_id=person_id))
    found = world.report(person_id=person_id)
    refused = [one for one in found.entries if one.what == "read_access"]
    assert ["refused"] * 5 + ["allowed"] == [one.outcome for one in refused]
    assert REASON == refused[-1].reason
    for ids in ({}, {"person_id": person_id, "ehr_id": uuid4()}):
        with pytest.raises(Malformed):
            world.report(**ids)


def test_a_service_that_does_not_answer_stops_the_report(world, monkeypatch, closed_port):
    """503, in place of a report that looks whole; one that keeps no log is a gap in words."""
    person_id, _ = world.person()
    from linkage_vault.access_report import Sources

    whole = world.vault.app.state.sources["main"]
    with connect(f"http://127.0.0.1:{closed_port}", "none", timeout=1) as dead:
        monkeypatch.setitem(world.vault.app.state.sources, "main", replace(whole, clinical=dead))
        with pytest.raises(Unavailable, match="clinical"):
            world.report(person_id=person_id)
    monkeypatch.setitem(world.vault.app.state.sources, "main", Sources())
    assert 2 == len(world.report(person_id=person_id).gaps)
    monkeypatch.setitem(world.vault.app.state.sources, "main", whole)
    monkeypatch.delitem(world.clinical.app.state.access_logs, "main")
    assert ["The clinical service keeps no log of reads."] == world.report(person_id=person_id).gaps


def test_queries_of_everybody_are_told_as_such(world):
    """A query of the population may have shown this record."""
    person_id, _ = world.person()
    with world.clinical.client("query:read") as client:
        query = {"q": "SELECT COUNT(*) AS n FROM EHR e"}
        assert 200 == client.post("/openehr/v1/query/aql", json=query).status_code
    wide = [one for one in world.report(person_id=person_id).entries if one.every]
    assert {"POST /openehr/v1/query/aql"} == {one.what for one in wide}


# --- subject access ------------------------------------------------------------------------------


def released(world, person_id, *, reason=REASON):
    """An approval of somebody else for exactly this."""
    message = crossing.AskApproval(
        "gather_subject_access", [person_id], "PATRQT", "patient_request", reason
    )
    made = crossing.ask_approval(world.people["linkage_officer"], message)
    crossing.decide(world.people["approver"], made.approval_id, made.request_hash, approve=True)
    return made.approval_id


def test_a_second_person_releases_it_for_one_person_once(world):
    """Without approval, for another person, by another role, or again: refused and written down."""
    (person_id, ehr_id), (other, _) = world.person(), world.person()
    officer = world.people["linkage_officer"]
    ask = wire.GatherSubjectAccess(person_id, REASON, "patient_request")
    with pytest.raises(Forbidden):
        wire.gather(officer, ask)
    approval_id = released(world, person_id)
    import msgspec

    ask = msgspec.structs.replace(ask, approval_id=approval_id)
    for client, message in (
        (officer, msgspec.structs.replace(ask, person_id=other)),
        (officer, msgspec.structs.replace(ask, reason="Another reason altogether")),
        (world.people["auditor"], ask),
        (world.people["clinician"], ask),
    ):
        with pytest.raises(Forbidden):
            wire.gather(client, message)
    found = wire.gather(officer, ask)
    assert ([person_id], [ehr_id]) == (found.person_ids, found.ehr_ids)
    with pytest.raises(Forbidden):
        wire.gather(officer, ask)
    search = wire_trail.TrailSearch(person_id=person_id)
    entries = wire_trail.search_trail(world.people["auditor"], search)
    outcomes = [e.outcome for e in entries if e.action == "gather_subject_access"]
    assert ["refused", "allowed", "refused", "refused", "refused", "refused"] == outcomes
    allowed = next(e for e in entries if e.outcome == "allowed" and e.approval_id == approval_id)
    assert ("patient_request", "approved") == (allowed.legal_basis, allowed.kind)


def test_it_names_the_projects_that_used_the_record_or_may(world):
    """One with a pseudonym of it, one that runs, one it objected to; none that is closed."""
    person_id, ehr_id = world.person()
    titles = {"Used": {}, "Running": {}, "Objected": {}, "Closed": {}}
    made = {title: running(world.people, title=title) for title in titles}
    approval_id = allow(world.people, "ehr_to_pseudonym", [ehr_id], made["Used"].project_id)
    wire_projects.pseudonymise(
        world.people["linkage_officer"],
        wire_projects.Pseudonymise(made["Used"].project_id, [ehr_id], AGREED, approval_id),
    )
    from moiety.wire import opt_outs

    opt_outs.object_to(
        world.people["registrar"],
        opt_outs.Object(person_id, REASON, made["Objected"].project_id),
    )
    wire_projects.move(world.people["approver"], made["Closed"], "close", REASON)
    ask = wire.GatherSubjectAccess(person_id, REASON, "patient_request", released(world, person_id))
    found = wire.gather(world.people["linkage_officer"], ask)
    uses = {one.title: one.use for one in found.projects if one.title in titles}
    assert {"Used": "pseudonym", "Running": "allowed", "Objected": "removed"} == uses


def written(world, ehr_id):
    """The first write of a record: its status, as it was."""
    with world.clinical.client() as client:
        path = f"/openehr/v1/ehr/{ehr_id}/ehr_status"
        found = client.get(path)
        changed = {**found.json(), "name": {"_type": "DV_TEXT", "value": "Status"}}
        answer = client.put(path, json=changed, headers={"If-Match": found.headers["ETag"]})
        assert answer.is_success, answer.text


@pytest.mark.parametrize("is_written", [True, False])
def test_the_file_holds_identity_record_looks_and_projects_and_a_page(world, tmp_path, is_written):
    """By the command, with an officer's three keys; complete, hashed, escaped, for one reader."""
    person_id, ehr_id = world.person()
    with world.demographic.client() as client:
        version = wire_demographic.read_patient(client, person_id)
        named = {**version.resource, "name": [{"family": "<b>O'Brien</b>", "given": ["Ann"]}]}
        wire_demographic.update_patient(client, person_id, named, etag=version.etag)
    looked_at(world, person_id, ehr_id)
    if is_written:
        written(world, ehr_id)
    folder = tmp_path / "keys"
    folder.mkdir()
    officer = world.people["linkage_officer"].headers["Authorization"].removeprefix("Bearer ")
    for name, key in (("vault", officer), ("clinical", world.clinical.key("bulk:export")),
                      ("demographic", world.demographic.key("person:read"))):  # fmt: skip
        (folder / name).write_text(str(key))
        (folder / name).chmod(0o600)
    target = tmp_path / "person.zip"
    from moiety.cli import app

    arguments = [
        "subject-access", str(person_id), str(target), "--keys-folder", str(folder),
        "--reason", REASON, "--approval-id", str(released(world, person_id)),
        "--vault-url", world.vault.url, "--clinical-url", world.clinical.url,
        "--demographic-url", world.demographic.url,
    ]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert 0 == done.exit_code, done.output
    assert 0o600 == stat.S_IMODE(target.stat().st_mode)
    with zipfile.ZipFile(io.BytesIO(target.read_bytes())) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    assert {"identity.json", "accesses.json", "projects.json", "record-1.ndjson", "index.html",
            "manifest.json"} == set(files)  # fmt: skip
    assert "O'Brien" in files["identity.json"].decode()
    assert is_written == (str(ehr_id) in files["record-1.ndjson"].decode())
    looks = json.loads(files["accesses.json"])["entries"]
    assert {"vault", "clinical", "demographic"} == {one["service"] for one in looks}
    assert "gather_subject_access" in {one["what"] for one in looks}
    page = files["index.html"].decode()
    assert "<b>O&#x27;Brien" not in page
    assert "&lt;b&gt;O&#x27;Brien" in page
    for one in looks:
        assert one["who"] is None or one["who"] in page
    import hashlib

    manifest = json.loads(files["manifest.json"])
    assert manifest["sha256"] == {
        name: hashlib.sha256(octets).hexdigest()
        for name, octets in files.items() if name != "manifest.json"
    }  # fmt: skip
    assert manifest["trail"]["size"] > 0
    again = CliRunner().invoke(app, arguments)
    assert 2 == again.exit_code
    target.unlink()
    again = CliRunner().invoke(app, arguments)
    assert 2 == again.exit_code, "the approval is used up"
    assert not target.exists()


def test_a_key_that_others_may_read_is_not_used(world, tmp_path):
    """Before anything is asked."""
    from moiety.kit.private_files import Exposed

    for name in ("vault", "clinical", "demographic"):
        (tmp_path / name).write_text("mty_main_x_y")
        (tmp_path / name).chmod(0o644)
    with pytest.raises(Exposed):
        command.write(
            tmp_path / "x.zip", dict.fromkeys(("vault", "clinical", "demographic"), "http://x"),
            tmp_path, person_id=str(uuid4()), reason=REASON, legal_basis="patient_request",
            approval_id=str(uuid4()),
        )  # fmt: skip
    assert not (tmp_path / "x.zip").exists()
