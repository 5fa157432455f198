"""Who wraps data keys: a key file, one under a passphrase, a key service; counted and guarded.

The key service is a stand-in that speaks transit's documented API.  With
MOIETY_TEST_TRANSIT_URL and MOIETY_TEST_TRANSIT_TOKEN the same tests run against a real server,
whose transit engine is mounted at `transit`.
"""

import base64
import json
import os
import secrets
from dataclasses import replace
from uuid import uuid4

import hvac
import psycopg
import pytest
import structlog

from linkage_vault import links
from linkage_vault.app import create_app
from linkage_vault.kek import PARCEL_SIZE, NotUnwrapped, Parcel, Wrapped
from linkage_vault.kek_file import FileKek
from linkage_vault.kek_transit import TransitKek
from linkage_vault.key_ring import BadKeys
from linkage_vault.key_uses import Uses
from linkage_vault.keys import create_key_file, load_key_file
from linkage_vault.people_keys import create_people_key_file, people_key_path
from linkage_vault.purposes import PurposeOfUse as P
from moiety.commands import issue, rotation
from moiety.kit.credentials import Token
from moiety.kit.errors import Unavailable
from moiety.kit.settings import SettingsError
from tests.fixtures.fix_links import alone, fill, opened, somebody
from tests.fixtures.fix_services import served
from tests.fixtures.transit_stand_in import TOKEN, transit

PASSPHRASE = "four words and more of them"


@pytest.fixture(scope="module")
def server():
    """A key service: (address, token, the stand-in or None)."""
    if url := os.environ.get("MOIETY_TEST_TRANSIT_URL"):
        yield url, os.environ["MOIETY_TEST_TRANSIT_TOKEN"], None
    else:
        with transit() as (url, engine):
            yield url, TOKEN, engine


@pytest.fixture
def transit_key(server):
    """A fresh key of the service: its name."""
    url, token, _ = server
    name = f"moiety-{secrets.token_hex(4)}"
    hvac.Client(url=url, token=token).secrets.transit.create_key(name, key_type="aes256-gcm96")
    return name


@pytest.fixture
def ring(tmp_path):
    """A key ring out of a fresh file."""
    create_key_file(tmp_path / "vault.keys")
    return load_key_file(tmp_path / "vault.keys")


@pytest.fixture(params=["file", "transit"])
def provider(request, ring):
    """Each provider."""
    if request.param == "file":
        return FileKek(ring)
    url, token, _ = request.getfixturevalue("server")
    client = hvac.Client(url=url, token=token)
    name = request.getfixturevalue("transit_key")
    return TransitKek(client, name, mount="transit", keys=ring)


def parcels(number):
    """Parcels in places of their own."""
    return [Parcel(secrets.token_bytes(PARCEL_SIZE), b"place %d" % n) for n in range(number)]


def test_what_is_wrapped_unwraps_in_its_place_alone(provider):
    """One length, whatever it is; two swapped, one moved, one changed anywhere: none opens."""
    some = parcels(5)
    places = [one.place for one in some]
    wrapped = provider.wrap(some)
    assert [one.content for one in some] == provider.unwrap(wrapped, places)
    ((version, size),) = {(one.version, len(one.octets)) for one in wrapped}
    assert (1, True) == (version, size >= 12 + PARCEL_SIZE + 16)
    assert 5 == len({one.octets[:12] for one in wrapped})
    with pytest.raises(NotUnwrapped):
        provider.unwrap([wrapped[1], wrapped[0], *wrapped[2:]], places)
    with pytest.raises(NotUnwrapped):
        provider.unwrap(wrapped[:1], [b"another place"])
    with pytest.raises(NotUnwrapped):
        provider.unwrap([Wrapped(7, wrapped[0].octets)], places[:1])
    for at in (0, 11, 12, 40, size - 1):
        bent = bytearray(wrapped[0].octets)
        bent[at] ^= 1
        with pytest.raises(NotUnwrapped):
            provider.unwrap([Wrapped(1, bytes(bent))], places[:1])


def test_a_wrapped_key_of_another_key_does_not_open(provider, tmp_path):
    """Under a key of its own everything is noise to another."""
    (tmp_path / "other").mkdir()
    create_key_file(tmp_path / "other/vault.keys")
    stranger = FileKek(load_key_file(tmp_path / "other/vault.keys"))
    (parcel,) = parcels(1)
    with pytest.raises(NotUnwrapped):
        stranger.unwrap(provider.wrap([parcel]), [parcel.place])


def test_a_thousand_are_one_call_to_a_key_service(server, transit_key, ring):
    """Bulk unwraps go in one batch, and 2,500 in three."""
    url, token, engine = server
    if engine is None:
        pytest.skip("a real server does not tell its calls here")
    kek = TransitKek(hvac.Client(url=url, token=token), transit_key, mount="transit", keys=ring)
    some = parcels(2500)
    before = dict(engine.calls)
    wrapped = kek.wrap(some)
    assert 2500 == len(kek.unwrap(wrapped[:1000], [one.place for one in some[:1000]])) + 1500
    made = {what: engine.calls[what] - before.get(what, 0) for what in ("encrypt", "decrypt")}
    assert {"encrypt": 3, "decrypt": 1} == made


def test_a_vault_over_a_key_service_works_and_rotates(cluster, tmp_path, server, transit_key):
    """Made, resolved, rotated to a new version whose elder is trimmed, and resolved again."""
    url, token, _ = server
    (tmp_path / "v").mkdir()
    more = {"kek": "transit", "transit_url": url, "transit_token": token,
            "transit_key": transit_key}  # fmt: skip
    with (
        alone(cluster, tmp_path / "v", **more) as (settings, database, _),
        opened(settings) as vault,
    ):
        fill(vault, 60)
        registrar = somebody(database, "registrar")
        persons = [uuid4() for _ in range(50)]
        made = [one.ehr_id for one in links.open_records(vault, registrar, persons)]
        again = links.resolve_persons(vault, registrar, persons, purpose=P.TREAT)
        assert made == [one.ehr_id for one in again]
        outcome = rotation.run(
            "kek", database.url("migrator"), settings, "main", batch=20, settle=0.1
        )
        assert (2, True) == (outcome.version, outcome.moved >= 60)
        client = hvac.Client(url=url, token=token)
        shown = client.secrets.transit.read_key(transit_key)["data"]
        assert (["2"], 2) == (list(shown["keys"]), shown["min_decryption_version"])
        with psycopg.connect(database.url("migrator")) as connection:
            query = "SELECT count(*) FROM link_key WHERE kek_version < 2"
            assert (0,) == connection.execute(query).fetchone()
        again = links.resolve_persons(vault, registrar, persons, purpose=P.TREAT)
        assert made == [one.ehr_id for one in again]
        assert links.open_record(vault, registrar, uuid4()).is_new


def test_a_key_service_that_is_away_or_denies_is_503(ring, closed_port, server):
    """No answer, and a token that may not: nothing is wrapped, and no key is in the message."""
    url, _, _ = server
    for address, token in ((f"http://127.0.0.1:{closed_port}", "x"), (url, "wrong")):
        kek = TransitKek(hvac.Client(url=address, token=token), "k", mount="transit", keys=ring)
        with pytest.raises(Unavailable, match="key service does not answer"):
            kek.wrap(parcels(1))


@pytest.mark.parametrize(
    "key", [{"key_type": "chacha20-poly1305"}, {"key_type": "aes256-gcm96", "exportable": True}]
)
def test_a_transit_key_of_another_kind_or_that_can_be_taken_out_is_refused(server, ring, key):
    """Said before the first link."""
    url, token, _ = server
    name = f"moiety-{secrets.token_hex(4)}"
    client = hvac.Client(url=url, token=token)
    client.secrets.transit.create_key(name, **key)
    with pytest.raises(BadKeys):
        TransitKek(client, name, mount="transit", keys=ring).check()


# --- passphrase ----------------------------------------------------------------------------------


def test_a_key_file_under_a_passphrase_opens_with_it_alone(tmp_path):
    """No key stands in it; a wrong, missing or short passphrase and a changed octet are refused."""
    path = tmp_path / "vault.keys"
    create_key_file(path, PASSPHRASE)
    assert 0o600 == path.stat().st_mode & 0o777
    outer = json.loads(path.read_text())
    assert {"format", "kdf", "n", "r", "p", "salt", "nonce", "sealed"} == set(outer)
    for wrong in (None, "another four words and more", "short"):
        with pytest.raises(BadKeys):
            load_key_file(path, wrong)
    assert 1 == load_key_file(path, PASSPHRASE).links.current.version
    sealed = bytearray(base64.b64decode(outer["sealed"]))
    sealed[30] ^= 1
    for change in ({"sealed": base64.b64encode(sealed).decode()}, {"n": 1 << 16}, {"n": 1 << 30},
                   {"r": 1}, {"kdf": "none"}, {"salt": "!"}):  # fmt: skip
        path.write_text(json.dumps(outer | change))
        with pytest.raises(BadKeys):
            load_key_file(path, PASSPHRASE)


def test_a_vault_under_a_passphrase_rotates_and_stays_under_it(cluster, tmp_path):
    """The rotated file opens with the same passphrase, and without one it does not."""
    with alone(cluster, tmp_path) as (plain, database, _):
        plain.key_file.unlink()
        create_key_file(plain.key_file, PASSPHRASE)
        settings = replace(plain, key_passphrase=PASSPHRASE)
        with opened(settings) as vault:
            fill(vault, 5)
            registrar = somebody(database, "registrar")
            person = uuid4()
            ehr_id = links.open_record(vault, registrar, person).ehr_id
            rotation.run("kek", database.url("migrator"), settings, "main", batch=20, settle=0.1)
            found = links.resolve_person(vault, registrar, person, purpose=P.TREAT)
            assert ehr_id == found.ehr_id
        with pytest.raises(BadKeys):
            load_key_file(settings.key_file)
        assert {2} == set(load_key_file(settings.key_file, PASSPHRASE).links.by_version)


# --- counted -------------------------------------------------------------------------------------


def test_uses_are_counted_over_restarts_and_refused_at_the_limit(lone):
    """Blocks are reserved before use; a second process counts on; a warning from 80 %."""
    vault, _, database = lone
    first = Uses(vault.engine, limit=1000)
    with structlog.testing.capture_logs() as logs:
        for _ in range(400):
            first.take("test", 1, 2)
        assert not [one for one in logs if one["log_level"] == "warning"][1:]
        second = Uses(vault.engine, limit=1000)
        second.take("test", 1, 150)
        assert [one for one in logs if one["event"] == "key nearly used up"]
        with pytest.raises(Unavailable, match="keys rotate kek"):
            second.take("test", 1, 51)
    second.take("test", 2, 900)
    with pytest.raises(Unavailable):
        Uses(vault.engine, limit=1000).take("test", 3, 1001)
    with psycopg.connect(database.url("migrator")) as connection:
        rows = connection.execute("SELECT version, reserved FROM key_use WHERE purpose = 'test'")
        found = dict(rows.fetchall())
    assert 950 <= found[1] <= 1000
    assert 900 == found[2]


def test_a_key_that_was_used_up_makes_no_link_and_still_opens(cluster, tmp_path):
    """503 for a new link; rotation helps."""
    with alone(cluster, tmp_path, key_uses=30) as (settings, database, _):
        with opened(settings) as vault:
            fill(vault, 20)
            registrar = somebody(database, "registrar")
            person = uuid4()
            ehr_id = links.open_record(vault, registrar, person).ehr_id
            with pytest.raises(Unavailable):
                _open_many(vault, registrar)
            found = links.resolve_person(vault, registrar, person, purpose=P.TREAT)
            assert ehr_id == found.ehr_id
        rotation.run("kek", database.url("migrator"), replace(settings, key_uses=1000), "main",
                     batch=5, settle=0.1)  # fmt: skip
        with opened(replace(settings, key_uses=1000)) as vault:
            assert links.open_record(vault, registrar, uuid4()).is_new


def _open_many(vault, registrar):
    for _ in range(15):
        links.open_record(vault, registrar, uuid4())


# --- guarded -------------------------------------------------------------------------------------


def starts(settings, database):
    """Whether a vault with these settings starts: it serves one request."""
    with served("vault", create_app(settings), database) as service:
        import httpx

        return httpx.get(f"{service.url}/health", trust_env=False).is_success


def _kek(path):
    return base64.b64decode(json.loads(path.read_text())["kek"]["keys"]["1"])


@pytest.mark.parametrize("form", ["octets", "base64", "hex", "api key"])
def test_a_vault_whose_key_the_database_gives_away_does_not_start(cluster, tmp_path, form):
    """In a column as octets or text, or the secret of an API key; without that it starts."""
    with alone(cluster, tmp_path) as (settings, database, _):
        assert starts(settings, database)
        octets = _kek(settings.key_file)
        with psycopg.connect(database.url("migrator")) as connection:
            if form == "api key":
                secret = base64.urlsafe_b64encode(octets).decode().rstrip("=").replace("_", "-")
                token = Token("main", "0123456789ab", secret)
                issue.admit(database.url("migrator"), "vault", str(token), label="x",
                            scopes=frozenset({"vault:use"}))  # fmt: skip
            else:
                text = base64.b64encode(octets).decode() if form == "base64" else octets.hex()
                kind, kept = ("bytea", octets) if form == "octets" else ("text", f"kek = {text}")
                connection.execute(f"CREATE TABLE note (said {kind})")
                connection.execute("INSERT INTO note VALUES (%s)", (kept,))
                connection.execute("GRANT SELECT ON note TO vault_app")
        with pytest.raises(SettingsError, match="does not start"):
            _enter(create_app(settings))


def _enter(app):
    """Runs the service's start in this thread, where its error can be caught."""
    import asyncio

    async def started():
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(started())


def test_settings_that_make_no_sense_stop_the_start(tmp_path, vault_settings):
    """Each with one sentence."""
    create_people_key_file(people_key_path(tmp_path / "x.keys"), "main")
    for wrong in (
        {"kek": "magic"},
        {"kek": "transit"},
        {"shred_backup_days": 8},
        {"key_passphrase": None, "key_file": _protected(tmp_path)},
    ):
        with pytest.raises(SettingsError):
            create_app(replace(vault_settings, **wrong))


def _protected(folder):
    create_key_file(folder / "x.keys", PASSPHRASE)
    return folder / "x.keys"
