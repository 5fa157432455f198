"""Signing in: passwords, second factors, lockout, sessions, and what a token is."""

import time
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from linkage_vault import passwords, sign_in
from linkage_vault.people_tables import sign_in as sign_in_table
from linkage_vault.people_tables import user_session
from moiety.kit import user_tokens
from moiety.kit.errors import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Unauthenticated,
    Unprocessable,
)
from moiety.wire import people
from moiety.wire import trail as wire_trail
from moiety.wire.exchange import connect
from moiety.wire.people import ChangeUser, NewUser
from tests.fixtures.fix_people import PASSWORD

BASE = "/vault/v1"


def bare(answer):
    """What an answer says, without what differs in every answer."""
    return answer.status_code, {k: v for k, v in answer.json().items() if k != "trace_id"}


def test_a_person_signs_in_and_asks_with_a_short_token(signed_in):
    """Enrol, sign in, token, call: ten minutes, one audience, EdDSA, and the vault knows who."""
    _, person, client = signed_in("auditor")
    wire_trail.read_trail(client, limit=1)
    entry = wire_trail.read_trail(client, limit=1)[0]
    assert (person.user_id, f"User {person.login}") == (entry.user_id, entry.user_name)
    text = client.headers["Authorization"].removeprefix("Bearer ")
    header, claims = user_tokens.peek(text, 0), user_tokens.peek(text, 1)
    assert ("Ed25519", "at+jwt") == (header["alg"], header["typ"])
    assert ("vault", "main", ["auditor"]) == (claims["aud"], claims["org"], claims["roles"])
    assert 0 < claims["exp"] - claims["iat"] <= 600
    assert UUID(claims["jti"])


def test_no_wrong_way_in_says_which_part_was_wrong(console, enrolled):
    """Unknown login, wrong password, wrong code, used code: one answer; the right one works."""
    person = enrolled("clinician")
    right = person.code()
    body = {"login": person.login, "password": PASSWORD, "code": right}
    wrong = [
        {**body, "login": f"u{uuid4().hex[:12]}"},
        {**body, "password": "another password"},
        {**body, "code": f"{(int(right) + 1) % 10**6:06}"},
    ]
    answers = [bare(console.post(f"{BASE}/sign-in", json=each)) for each in wrong]
    assert 201 == console.post(f"{BASE}/sign-in", json=body).status_code
    answers.append(bare(console.post(f"{BASE}/sign-in", json=body)))  # the code again
    assert [answers[0]] * 4 == answers
    assert 401 == answers[0][0]


def test_five_failures_lock_and_the_lock_ends(console, enrolled, vault_admin):
    """The right password does not open a locked account, and does when the time has passed."""
    person = enrolled("clinician")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            people.sign_in(console, person.login, "a wrong password", "000000")
    with pytest.raises(Unauthenticated):
        people.sign_in(console, person.login, PASSWORD, person.code())
    with vault_admin.begin() as connection:
        row = connection.execute(
            sa.select(sign_in_table).where(sign_in_table.c.user_id == person.user_id)
        ).one()
        assert row.locked_until is not None
        connection.execute(
            sign_in_table.update()
            .where(sign_in_table.c.user_id == person.user_id)
            .values(locked_until=sa.func.now())
        )
    assert people.sign_in(console, person.login, PASSWORD, person.code())


def test_a_locked_an_unknown_and_a_wrong_one_take_the_same_time(console, enrolled):
    """The least time of each, which a busy machine bends least: none leaves the work out."""
    locked, wrong = enrolled("clinician"), [enrolled("clinician") for _ in range(2)]
    for _ in range(6):
        with pytest.raises(Unauthenticated):
            people.sign_in(console, locked.login, "a wrong password", "000000")
    times = {"locked": [], "unknown": [], "wrong": []}
    for turn in range(8):
        for kind, login in (
            ("locked", locked.login),
            ("unknown", f"u{uuid4().hex[:12]}"),
            ("wrong", wrong[turn // 4].login),
        ):
            started = time.perf_counter()
            with pytest.raises(Unauthenticated):
                people.sign_in(console, login, "a wrong password", "000000")
            times[kind].append(time.perf_counter() - started)
    least = [min(found) for found in times.values()]
    assert max(least) < 1.5 * min(least), times
    started = time.perf_counter()
    passwords.fits(None, "a wrong password")
    assert min(least) > (time.perf_counter() - started) / 5  # a way round it takes a hundredth


def test_a_session_that_ended_opens_nothing_at_the_next_call(console, signed_in):
    """Ended by the user: its token, still young, is refused at once, and so is its refresh."""
    session, _, client = signed_in("auditor")
    wire_trail.read_trail(client, limit=1)
    people.end_session(console, session)
    with pytest.raises(Unauthenticated):
        wire_trail.read_trail(client, limit=1)
    with pytest.raises(Unauthenticated):
        people.token(console, session, "vault")


def test_a_session_belongs_to_its_program(console, signed_in, vault_service):
    """Its secret in another program's hands refreshes nothing; a garbled one neither."""
    session, _, _ = signed_in("auditor")
    with connect(vault_service.url, str(vault_service.key("vault:sign-in"))) as other:
        for text in (session, session[:-1], "mts_", ""):
            with pytest.raises(Unauthenticated):
                people.token(other, text, "vault")
    with pytest.raises(Malformed):
        people.token(console, session, "elsewhere")


def test_a_token_ends_with_its_programs_key(vault_service, enrolled, vault_admin):
    """The key that people signed in through is revoked: their tokens open nothing any more."""
    key = vault_service.key("vault:sign-in")
    person = enrolled("auditor")
    with connect(vault_service.url, str(key)) as program:
        session = people.sign_in(program, person.login, PASSWORD, person.code())
        token = people.token(program, session, "vault")
    with connect(vault_service.url, token) as client:
        assert 200 == client.get(f"{BASE}/trail/head").status_code
        _run(vault_admin, f"UPDATE api_key SET revoked = true WHERE key_id = '{key.key_id}'")
        assert 401 == client.get(f"{BASE}/trail/head").status_code


def test_a_deactivated_user_and_a_taken_role_count_at_the_next_call(signed_in, caller):
    """The roles in the token are not believed here: those of the moment are."""
    admin = caller("administrator")
    _, person, client = signed_in("auditor")
    assert 200 == client.get(f"{BASE}/trail/head").status_code
    people.change_user(admin, ChangeUser(person.user_id, roles=["researcher"]))
    assert 403 == client.get(f"{BASE}/trail/head").status_code
    people.change_user(admin, ChangeUser(person.user_id, roles=["auditor"]))
    assert 200 == client.get(f"{BASE}/trail/head").status_code
    people.change_user(admin, ChangeUser(person.user_id, active=False))
    assert 401 == client.get(f"{BASE}/trail/head").status_code


# --- tokens that were made elsewhere -------------------------------------------------------------


def test_no_bent_token_is_believed(signed_in, vault):
    """Each claim and header bent, signed with the right key; other keys, other algorithms, none."""
    from joserfc import jwt
    from joserfc.jwk import OctKey, OKPKey

    from linkage_vault import tokens

    _, _, client = signed_in("auditor")
    text = client.headers["Authorization"].removeprefix("Bearer ")
    header, claims = user_tokens.peek(text, 0), user_tokens.peek(text, 1)
    key = tokens._private(vault.people_keys.signs_now())

    def status(token):
        return client.get(
            f"{BASE}/trail/head", headers={"Authorization": f"Bearer {token}"}
        ).status_code

    def signed(head=(), said=(), *, by=key, algorithm="Ed25519"):
        made = {**header, "alg": algorithm, **dict(head)}
        return jwt.encode(made, {**claims, **dict(said)}, by, algorithms=[algorithm])

    assert 200 == status(signed())  # the control: the same, unbent
    now = int(time.time())
    stranger = OKPKey.generate_key("Ed25519", {"kid": header["kid"]})
    bent = {
        "audience": signed(said={"aud": "clinical"}),
        "audiences": signed(said={"aud": ["vault", "clinical"]}),
        "issuer": signed(said={"iss": "urn:moiety:vault:other"}),
        "organisation": signed(said={"org": "other"}),
        "both": signed(said={"org": "other", "iss": "urn:moiety:vault:other"}),
        "expired": signed(said={"iat": now - 601, "exp": now - 1}),
        "long": signed(said={"exp": claims["iat"] + 601}),
        "early": signed(said={"iat": now + 60, "exp": now + 120}),
        "user": signed(said={"sub": str(uuid4())}),
        "session": signed(said={"sid": str(uuid4())}),
        "type": signed(head={"typ": "JWT"}),
        "stranger": signed(by=stranger),
        "symmetric": signed(
            by=OctKey.import_key({"kty": "oct", "k": key.as_dict(private=False)["x"]}),
            algorithm="HS256",
        ),
        "unsigned": ".".join([*text.split(".")[:2], ""]),
        "half": text[: len(text) // 2],
        "changed": text[:-4] + ("AAAA" if not text.endswith("AAAA") else "BBBB"),
    }
    assert dict.fromkeys(bent, 401) == {name: status(token) for name, token in bent.items()}


def test_the_key_set_is_public_and_holds_no_private_key(vault_service):
    """Anybody may fetch it; two keys live during a rotation; no `d`."""
    answer = httpx.get(f"{vault_service.url}{BASE}/keys", trust_env=False)
    assert 200 == answer.status_code
    for key in answer.json()["keys"]:
        assert {"kty", "crv", "x", "kid"} <= set(key)
        assert "d" not in key
    assert "max-age=60" in answer.headers["Cache-Control"]


def test_signing_keys_rotate_without_a_restart(signed_in, console, vault, vault_service):
    """A new key is published, signs when its time has come, and old tokens go on until they end."""
    from linkage_vault import people_keys

    file = vault.people._path
    session, _, client = signed_in("auditor")
    before = vault.people_keys.signs_now().kid
    new, gone = people_keys.add_signing_key(file, "main")
    assert [] == gone
    published = {key["kid"] for key in httpx.get(f"{vault_service.url}{BASE}/keys").json()["keys"]}
    assert {before, new} == published
    assert before == user_tokens.peek(people.token(console, session, "vault"), 0)["kid"]
    _begin_now(file, new)
    token = people.token(console, session, "vault")
    assert new == user_tokens.peek(token, 0)["kid"]
    assert 200 == client.get(f"{BASE}/trail/head").status_code  # signed by the old key
    with connect(vault_service.url, token) as renewed:
        assert 200 == renewed.get(f"{BASE}/trail/head").status_code
    again, gone = people_keys.add_signing_key(file, "main")
    assert [before] == gone
    assert 401 == client.get(f"{BASE}/trail/head").status_code
    _begin_now(file, again)


# --- accounts ------------------------------------------------------------------------------------


def test_an_administrator_makes_and_changes_accounts_but_none_of_the_same_human(caller, vault):
    """Add, invite, change, deactivate; not oneself, nor a second account of oneself."""
    admin, other = caller("administrator", staff_id="A1"), caller("administrator")
    login = f"u{uuid4().hex[:10]}"
    user_id = people.add_user(admin, NewUser("Ada Example", ["clinician"], "S1", login=login))
    with pytest.raises(Conflict):
        people.add_user(admin, NewUser("Ada Again", ["clinician"], "S1", login=login))
    assert people.invite_user(admin, user_id)
    shown = {user.user_id: user for user in people.list_users(admin)}
    assert (["clinician"], True, "S1") == (
        shown[user_id].roles, shown[user_id].active, shown[user_id].staff_id,
    )  # fmt: skip
    people.change_user(admin, ChangeUser(user_id, active=False))
    with pytest.raises(Forbidden):
        people.add_user(admin, NewUser("Me again", ["linkage_officer"], "A1"))
    mine = next(user.user_id for user in people.list_users(other) if user.staff_id == "A1")
    with pytest.raises(Forbidden):
        people.change_user(admin, ChangeUser(mine, roles=["administrator", "clinician"]))
    with pytest.raises(Forbidden):
        people.invite_user(admin, mine)
    people.change_user(other, ChangeUser(mine, roles=["administrator"]))
    with pytest.raises(NotFound):
        people.change_user(admin, ChangeUser(uuid4(), active=False))
    with pytest.raises(Unprocessable):
        people.add_user(admin, NewUser("Nobody", ["king"], "S2"))


def test_the_database_itself_refuses_who_may_not(vault, caller):
    """As the service's own role, past all Python: nobody's word, and nothing of one's own."""
    import psycopg.errors

    user_id = uuid4()
    for actor in (uuid4(), None):
        with vault.engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as caught:
            connection.exec_driver_sql(
                "SELECT staff.add_user(%s, 'x', '{clinician}', 'S9', null, null, null)", (actor,)
            )
        assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)
    with vault.engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError):
        connection.exec_driver_sql(
            "SELECT staff.change_user(%s, %s, '{}', true)", (user_id, user_id)
        )


@pytest.mark.parametrize("role", ["registrar", "clinician", "auditor", "approver", "operator"])
def test_nobody_else_manages_users(caller, role):
    """403 for reading, making and changing."""
    client = caller(role)
    with pytest.raises(Forbidden):
        people.list_users(client)
    with pytest.raises(Forbidden):
        people.add_user(client, NewUser("X", ["administrator"], "S3"))


def test_an_invitation_is_good_once_and_ends_what_was_before(
    console, enrolled, signed_in, vault_admin
):
    """A new invitation takes password, factor and sessions; half an enrolment opens nothing."""
    _, person, client = signed_in("auditor")
    with vault_admin.begin() as connection:
        invitation = sign_in.invite(connection, person.user_id)
    assert 401 == client.get(f"{BASE}/trail/head").status_code
    with pytest.raises(Unauthenticated):
        people.sign_in(console, person.login, PASSWORD, person.code())
    with pytest.raises(Unauthenticated):
        people.enrol(console, person.login, "another invitation", PASSWORD)
    with pytest.raises(Unprocessable):
        people.enrol(console, person.login, invitation, "short")
    people.enrol(console, person.login, invitation, PASSWORD)
    with pytest.raises(Unauthenticated):
        people.confirm(console, person.login, invitation, "000000")


def test_the_database_of_sign_ins_opens_nothing(vault_admin, enrolled, signed_in):
    """No password, no factor, no session secret in clear; argon2id; equal lengths."""
    session, person, _ = signed_in("auditor")
    with vault_admin.connect() as connection:
        row = connection.execute(
            sa.select(sign_in_table).where(sign_in_table.c.user_id == person.user_id)
        ).one()
        sessions = connection.execute(sa.select(user_session)).all()
    assert row.password.startswith("$argon2id$")
    assert person.secret not in bytes(row.factor)
    dump = repr(row) + repr(sessions)
    assert PASSWORD not in dump
    assert session.rpartition("_")[2] not in dump


def test_programs_without_the_scope_sign_nobody_in(vault_service, enrolled):
    """A key of another kind is 403, none is 401."""
    person = enrolled("clinician")
    body = {"login": person.login, "password": PASSWORD, "code": person.code()}
    with connect(vault_service.url, str(vault_service.key("vault:use"))) as client:
        assert 403 == client.post(f"{BASE}/sign-in", json=body).status_code
        client.headers.pop("Authorization")
        assert 401 == client.post(f"{BASE}/sign-in", json=body).status_code


def _run(engine, statement):
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def _begin_now(file, kid):
    import json
    from datetime import UTC, datetime

    from moiety.kit.private_files import write_private

    document = json.loads(file.read_text())
    document["tokens"][kid]["from"] = datetime.now(UTC).isoformat()
    write_private(file, json.dumps(document), replace=True)
