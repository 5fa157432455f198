"""Every door of the vault × every role and program; every crossing × role × purpose × what stands.

What is not in these tables is refused, and a door that is not in them fails the test.
"""

import itertools
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from linkage_vault import care, decisions, standing, tokens
from linkage_vault.decisions import Action, Ask
from linkage_vault.people_tables import access_grant, approval, break_glass
from linkage_vault.policy import Facts
from linkage_vault.purposes import LegalBasis, PurposeOfUse
from linkage_vault.users import Role
from moiety.commands import issue
from moiety.wire import crossing, linking, opt_outs, people, projects, screening, subject
from moiety.wire import vault as wire
from moiety.wire.vault import BASE
from tests.fixtures.fix_people import bearing
from tests.fixtures.fix_vault import REASON, requester_of
from tests.unit.vault.test_decisions import expected

ANYBODY = frozenset(role.value for role in Role)
SIGN_IN = "program vault:sign-in"
OPERATES = "program vault:operate"
ASKS, TELLS = "program screen:ask", "program screen:tell"
PROJECTS, LOADS = "program project:use", "program opt-out:load"
NOBODY = frozenset()


def some():
    """A random id, as JSON."""
    return str(uuid4())


def definition():
    """A project that could be."""
    day = date.today() + timedelta(days=30)  # noqa: DTZ011  any day
    return projects.Definition(
        title="Outcomes", purpose="research", basis=projects.Basis("consent", "Consent form 4.2"),
        recipient="University of Somewhere", until=day, members=[uuid4()],
        templates=[projects.TemplateAccess("moiety_vital_signs")],
    )  # fmt: skip


def doors():
    """Door → a body that is well-formed, and who is let past (roles, and programs by scope)."""
    later = datetime.now(UTC) + timedelta(days=1)
    clinical_roles = {"clinician", "registrar", "linkage_officer"}
    decides = {"approver", "auditor"}
    reads = {"auditor", "linkage_officer"}
    code = "000000"
    return {
        # Links.  What a resolve needs besides the role is in the second table.
        "POST /link": (wire.Link(uuid4()), {"registrar"}),
        "POST /link/bulk": (wire.LinkMany([uuid4(), uuid4()]), NOBODY),
        "POST /resolve/person": (wire.ResolvePerson(uuid4(), "TREAT"), NOBODY),
        "POST /resolve/person/bulk": (wire.ResolveMany([uuid4(), uuid4()], "TREAT"), NOBODY),
        "POST /resolve/ehr": (wire.ResolveEhr(uuid4(), "TREAT", REASON), NOBODY),
        "POST /merge": (linking.Merge(uuid4(), uuid4(), REASON), {"registrar", "linkage_officer"}),
        "POST /unmerge": (
            linking.Merge(uuid4(), uuid4(), REASON), {"registrar", "linkage_officer"},
        ),
        "POST /merge/told": (linking.Told(uuid4(), uuid4(), is_undone=True), {TELLS}),
        "POST /close": (linking.Close(uuid4(), True, REASON), {"linkage_officer"}),
        "POST /restrict": (linking.Restrict(uuid4(), True, REASON), {"linkage_officer"}),
        "POST /move": (linking.Move(uuid4(), uuid4(), REASON), {"linkage_officer"}),
        "POST /move/consent": (linking.Consent(uuid4()), {"approver"}),
        "POST /adopt": (
            linking.Adopt([linking.Adopted(uuid4(), uuid4())], REASON), {"linkage_officer"},
        ),
        "GET /tasks": (None, {"linkage_officer", "approver"}),
        "POST /tasks/settle": (linking.Settle(uuid4(), REASON), {"linkage_officer"}),
        "POST /erase": (linking.Erase(uuid4(), "cut", REASON), {"linkage_officer"}),
        "POST /erase/consent": (linking.Consent(uuid4()), {"approver"}),
        # The trail.
        "GET /trail": (None, reads),
        "POST /trail/search": ({"person_id": some()}, reads),
        "GET /trail/head": (None, reads | {"operator", OPERATES}),
        "GET /trail/proof?size=1&position=0": (
            None, reads | {"operator", OPERATES},
        ),
        "GET /pool": (None, {"operator", OPERATES}),
        # People.
        "GET /approval": (None, clinical_roles | decides),
        "POST /approval/request": (
            crossing.AskApproval(
                "resolve_ehr", [uuid4()], "PATSFTY", "public_interest", REASON
            ), {"linkage_officer"},
        ),
        "POST /approval/decide": (crossing.Decide(uuid4(), "ab" * 32, True), {"approver"}),
        "GET /grant": (None, decides),
        "POST /grant": (
            crossing.GiveGrant(
                uuid4(), "resolve_person", "TREAT", "direct_care", REASON, later, 1, 1
            ), NOBODY,  # nobody has this id, so nobody is given anything
        ),
        "POST /grant/revoke": (crossing.GrantNamed(uuid4()), decides),
        "POST /care": (crossing.Care(uuid4(), uuid4()), {"registrar"}),
        "POST /care/end": (crossing.CareEnds(uuid4()), {"registrar", "clinician"}),
        "GET /break-glass": (None, decides),
        "POST /break-glass": (
            crossing.BreakGlass(uuid4(), "BTG", "Unconscious in resus, nobody else"),
            {"clinician"},
        ),
        "POST /break-glass/review": (crossing.Review(uuid4(), True), decides),
        "POST /canary": (crossing.Canaries([uuid4()], "bird"), {"auditor"}),
        "POST /canary/remove": (crossing.CanaryIds([uuid4()]), {"auditor"}),
        "GET /alert": (None, decides),
        "POST /alert/acknowledge": (crossing.Acknowledge(uuid4()), decides),
        "GET /user": (None, {"administrator"}),
        "POST /user": (people.NewUser("X", ["auditor"], some()), {"administrator"}),
        "POST /user/change": (people.ChangeUser(uuid4(), active=True), {"administrator"}),
        "POST /user/invite": (people.NameUser(uuid4()), {"administrator"}),
        # Sign-in, by programs alone; 401 is how a sign-in that fails is answered.
        "POST /sign-in": (people.SignIn("nobody", "no password", code), {SIGN_IN}),
        "POST /enrol": (people.Enrol("nobody", "no invitation", "x" * 20), {SIGN_IN}),
        "POST /enrol/confirm": (people.Confirm("nobody", "no invitation", code), {SIGN_IN}),
        "POST /session/end": (people.Session("mts_none"), {SIGN_IN}),
        "POST /token": (
            b"grant_type=refresh_token&refresh_token=x&audience=vault", {SIGN_IN},
        ),
        # The screen.
        "POST /screen/person": (screening.Told(uuid4(), b""), {TELLS}),
        "POST /screen": (screening.Screen([screening.Question(uuid4(), b"n" * 16, b"")]), {ASKS}),
        "POST /screen/due": (screening.Due(), {ASKS}),
        "POST /screen/done": (screening.Records([uuid4()]), {ASKS}),
        "GET /screen/key": (None, {ASKS}),
        "POST /unseal": (
            screening.Unseal(uuid4(), "TREAT", [screening.Box("a", b"b" * 200)]), {ASKS},
        ),
        # Projects and registers.
        "GET /project": (None, {"researcher", "linkage_officer", "approver", "auditor"}),
        "POST /project": (projects.Propose(definition()), {"researcher", "linkage_officer"}),
        "POST /project/amend": (
            # A researcher knows of projects of their own alone.
            projects.Amend(uuid4(), 1, definition()), {"linkage_officer"},
        ),
        "POST /project/step": (projects.Move(uuid4(), 1, "approve", REASON), {"approver"}),
        "POST /project/pseudonym": (
            projects.Pseudonymise(uuid4(), [uuid4()], REASON), NOBODY,
        ),
        "POST /project/ehr": (
            projects.Reidentify(uuid4(), [uuid4()], "PATSFTY", "consent", REASON), NOBODY,
        ),
        "POST /project/policy": (projects.AskPolicy(uuid4()), {PROJECTS}),
        "POST /project/clean": (opt_outs.Clean(uuid4(), [uuid4()]), {PROJECTS}),
        "POST /opt-out/begin": (opt_outs.Begin(datetime.now(UTC).date()), {LOADS}),
        "POST /opt-out/add": (opt_outs.Add(uuid4(), [uuid4()], []), {LOADS}),
        "POST /opt-out/finish": (opt_outs.Finish(uuid4()), {LOADS}),
        "POST /opt-out/objection": (
            opt_outs.Object(uuid4(), REASON), {"registrar", "linkage_officer"},
        ),
        "POST /opt-out/consent": (
            opt_outs.Consent(uuid4(), uuid4(), REASON, datetime.now(UTC).date()),
            {"registrar", "linkage_officer"},
        ),
        # What a person is told.
        "POST /access/report": (subject.AskReport(REASON, person_id=uuid4()), {"auditor"}),
        "POST /subject-access": (
            subject.GatherSubjectAccess(uuid4(), REASON, "patient_request"), NOBODY,
        ),
    }  # fmt: skip


OPEN = {"GET /keys"}
DOORS = doors()
HELD = {"POST /sign-in", "POST /enrol", "POST /enrol/confirm", "POST /session/end", "POST /token"}
"""Doors whose own refusal is 401 too: the message tells a missing scope from a bad sign-in."""


@pytest.fixture(scope="module")
def credentials(caller, service_key):
    """A credential of every role and of every kind of program."""
    found = {
        role: caller(role).headers["Authorization"].removeprefix("Bearer ") for role in ANYBODY
    }
    for scope in issue.SCOPES["vault"]:
        with_it = {"vault:use"} if scope == "vault:operate" else set()
        found[f"program {scope}"] = str(service_key(scope, *with_it))
    found["nobody"] = None
    return found


def test_every_door_is_in_the_table(vault_service):
    """A new door has to say who may pass."""
    paths = vault_service.app.openapi()["paths"]
    there = {
        f"{method.upper()} {path.removeprefix(BASE)}"
        for path, operations in paths.items()
        if path.startswith(BASE)
        for method in operations
    }
    assert there == {door.partition("?")[0] for door in DOORS} | OPEN


@pytest.mark.parametrize("door", DOORS)
def test_who_passes_a_door_and_who_does_not(vault_service, credentials, door):
    """Each role, each program and nobody: refused (401, 403), or let past to what else it needs."""
    method, path = door.split(" ")
    body, let_past = DOORS[door]
    content = (
        body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    )
    with httpx.Client(base_url=vault_service.url, trust_env=False, timeout=30) as client:
        for who, credential in credentials.items():
            headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
            answer = client.request(method, BASE + path, content=content, headers=headers)
            if door in HELD and who in let_past:
                assert answer.status_code in {401, 403}
                assert "lacks the scope" not in answer.text
                continue
            if door == "POST /unseal" and who in let_past:
                assert 401 == answer.status_code  # and the person's own credential is missing
                continue
            is_refused = answer.status_code in {401, 403}
            assert is_refused == (who not in let_past), (who, answer.status_code, answer.text)
            if credential is None:
                assert 401 == answer.status_code


# --- crossings -----------------------------------------------------------------------------------

STATES = ("nothing", "care", "grant", "revoked grant", "approval", "used approval", "broken glass")
PURPOSES = ("TREAT", "ETREAT", "BTG", "PATADMIN", "PATSFTY", "HRESCH", "HOPERAT")


@pytest.fixture(scope="module")
def linked(caller, vault, clinical_stub):
    """A person and the record."""
    import threading

    from linkage_vault import minting

    minting.fill(vault, clinical_stub, target=40, stop=threading.Event())
    person_id = uuid4()
    return person_id, wire.link(caller("registrar"), person_id)


@pytest.fixture
def nothing_left(vault_admin):
    """What `stand` makes has no words in its seal: nobody else who lists these may meet it."""
    yield
    with vault_admin.begin() as connection:
        for table in (break_glass, approval):
            connection.execute(table.delete().where(table.c.sealed == b""))


def stand(vault, vault_admin, state, question, approver_id):
    """Make what stands, past every rule about who may make it; the approval's id if it is one."""
    who, ask = question
    keys, later = vault.people_keys, datetime.now(UTC) + timedelta(hours=1)
    with vault_admin.begin() as connection:
        if "grant" in state:
            connection.execute(
                access_grant.insert().values(
                    grant_id=uuid4(), user_id=who.user_id, action=ask.action, purpose=ask.purpose,
                    basis="consent", ticket=REASON, given_by=approver_id,
                    not_before=sa.func.now(), not_after=later, uses_left=5, subjects_left=5,
                    revoked=state == "revoked grant",
                )
            )  # fmt: skip
        if state == "broken glass":
            connection.execute(
                break_glass.insert().values(
                    break_glass_id=uuid4(), user_id=who.user_id, sealed=b"", finding="justified",
                    mark=standing.broken_mark(keys, who.user_id, ask.subject),
                    until=later, review_due=later,
                )
            )  # fmt: skip
        if "approval" in state:
            approval_id = uuid4()
            until = later.replace(microsecond=0)
            connection.execute(
                approval.insert().values(
                    approval_id=approval_id, user_id=who.user_id, action=ask.action, sealed=b"",
                    request_hash=decisions.request_hash(vault, who.user_id, [ask], until),
                    until=until, decided_by=approver_id,
                    state="used" if state == "used approval" else "approved",
                )
            )  # fmt: skip
            return approval_id
    return None


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("role", sorted(ANYBODY))
def test_every_crossing_by_purpose_and_by_what_stands(caller, vault, vault_admin, linked, role):
    """Two directions × 7 purposes × 7 states, over HTTP, against the written table."""
    person_id, ehr_id = linked
    approver_id = requester_of(caller("approver"), vault).user_id
    allowed = 0
    for state in STATES:
        client = caller(role)
        who = requester_of(client, vault)
        if state == "care":
            care.record(vault, who.user_id, person_id, ehr_id=ehr_id)
        for purpose, action in itertools.product(PURPOSES, ("resolve_person", "resolve_ehr")):
            subject = person_id if action == "resolve_person" else ehr_id
            basis = LegalBasis.CONSENT if action == "resolve_ehr" else None
            reason = REASON if action == "resolve_ehr" else None
            ask = Ask(Action(action), subject, PurposeOfUse(purpose), reason, basis)
            approval_id = stand(vault, vault_admin, state, (who, ask), approver_id)
            # The first resolve of a clinician in care records it, and from then on it stands.
            in_care = state == "care" or (
                role == "clinician"
                and (action == "resolve_person" or _has_care(vault, who, ehr_id))
            )
            stands = {
                "grant": state == "grant", "broken": state == "broken glass",
                "approved": state == "approval" and action == "resolve_ehr",
            }  # fmt: skip
            facts = Facts(purpose=purpose, basis=basis or "", person=True, care=in_care, **stands)
            may = expected({role}, action, facts)
            body = (
                wire.ResolvePerson(subject, purpose)
                if action == "resolve_person"
                else wire.ResolveEhr(subject, purpose, REASON, "consent", approval_id)
            )
            path = "/resolve/person" if action == "resolve_person" else "/resolve/ehr"
            answer = client.post(BASE + path, content=msgspec.json.encode(body))
            assert (200 if may else 403) == answer.status_code, (state, purpose, action)
            told = str(ehr_id) if action == "resolve_person" else str(person_id)
            assert may == (told in answer.text)
            allowed += may
    print(f"{role}: {allowed} of {len(STATES) * len(PURPOSES) * 2} allowed")
    assert (allowed > 0) == (role in {"registrar", "clinician", "linkage_officer"})


def _has_care(vault, who, ehr_id):
    mark = standing.care_record_mark(vault.people_keys, who.user_id, ehr_id)
    with vault.engine.connect() as connection:
        query = "SELECT count(*) FROM care WHERE record_mark = %s"
        return bool(connection.exec_driver_sql(query, (mark,)).scalar())


def test_a_narrow_token_passes_its_own_door_and_no_other(
    vault_service, vault, signed_in, service_key
):
    """A token for recording care, at every door: 403, or 401 once it is spent."""
    _, person, _ = signed_in("clinician", "registrar", "linkage_officer", "auditor")
    program = service_key("vault:exchange-demographic")
    holder = tokens.Holder(
        "main", person.user_id, frozenset({"clinician"}), _session_of(vault, person), program.key_id
    )
    for door, (body, _) in DOORS.items():
        method, path = door.split(" ")
        if door in HELD or "screen" in door or "policy" in door or "opt-out/" in door:
            continue
        text, _ = tokens.issue(
            vault.people_keys, holder, "vault", actions=frozenset({"record_care"})
        )
        content = b"" if body is None else msgspec.json.encode(body)
        with bearing(vault_service.url, text) as client:
            answer = client.request(method, BASE + path, content=content)
        if door in {"POST /care", "POST /care/end"}:
            assert answer.status_code in {204, 404}  # its own; there is no such clinician
        else:
            assert answer.status_code in {401, 403}, door


def _session_of(vault, person):
    with vault.engine.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT session_id FROM user_session WHERE user_id = %s", (person.user_id,)
        ).scalar()
