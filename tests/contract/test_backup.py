"""Backup and restore: what comes back is what was there, and no key ever leaves with it."""

import base64
import json
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from linkage_vault.keys import create_key_file
from moiety import embedded
from moiety.commands import backup, trail
from moiety.commands.backup import BackupError
from moiety.commands.demo import records
from moiety.wire import vault as wire
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served

TEMPLATES = Path(__file__).parents[2] / "moiety/commands/demo/templates"
PRESSURES = (
    "SELECT o/data[at0001]/events[at0002]/data[at0003]/items[at0004]/value/magnitude AS systolic"
    " FROM EHR e CONTAINS COMPOSITION c"
    " CONTAINS OBSERVATION o[openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1]"
    " ORDER BY o/data[at0001]/events[at0002]/data[at0003]/items[at0004]/value/magnitude"
)


@pytest.fixture
def scratch(cluster):
    """Makes empty databases, migrated by nobody, owned by a migrator."""
    dropped = []

    def make(name):
        copy = f"{name}_{uuid4().hex[:8]}"
        dropped.append(copy)
        with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(
                f"CREATE DATABASE {copy} OWNER {name}_migrator TEMPLATE template0 ENCODING 'UTF8'"
            )
            connection.execute(f"REVOKE ALL ON DATABASE {copy} FROM PUBLIC")
            connection.execute(f"GRANT CONNECT ON DATABASE {copy} TO {name}_app")
        return lambda kind: cluster.url(f"{name}_{kind}", copy)

    yield make
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as connection:
        for copy in dropped:
            connection.execute(f"DROP DATABASE {copy} WITH (FORCE)")


@pytest.fixture
def filled(clinical):
    """A clinical service with templates and thirty documents."""
    with clinical.client() as client:
        for file in sorted(TEMPLATES.glob("*.opt")):
            client.post(
                "/openehr/v1/definition/template/adl1.4", content=file.read_bytes(),
                headers={"Content-Type": "application/xml"},
            ).raise_for_status()  # fmt: skip
        ehr = client.post("/openehr/v1/ehr").raise_for_status().headers["ETag"].strip('"')
        rng = random.Random(3)
        for _ in range(30):
            document = json.dumps(records.vital_signs(rng, datetime.now(UTC)))
            client.post(f"/openehr/v1/ehr/{ehr}/composition", content=document).raise_for_status()
    return clinical


def _asked(service):
    with service.client() as client:
        answer = client.post("/openehr/v1/query/aql", json={"q": PRESSURES}).raise_for_status()
    return answer.json()["rows"]


def test_a_restored_clinical_database_answers_the_same(filled, scratch, tmp_path):
    """Dump, load into an empty database, start the service on it: queries and writes work."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings

    manifest = backup.back_up(filled.database.url("migrator"), "clinical", tmp_path / "b")
    assert 30 == manifest.tables["public.composition"]
    leaves = [n for table, n in manifest.tables.items() if table.startswith("leaf.g_")]
    assert 30 < sum(leaves)
    before = _asked(filled)
    target = scratch("clinical")
    assert manifest == backup.restore(target("migrator"), "clinical", tmp_path / "b")
    app = create_app(Settings(database_url=target("app")))
    with served("clinical", app, filled.database) as restored:
        with restored.client() as client:
            # The keys of the old database are in the new one; this one was made after the backup.
            assert 401 == client.get(f"/openehr/v1/ehr/{uuid4()}").status_code
        restored.database = type("Other", (), {"url": staticmethod(target)})
        assert before == _asked(restored)
        assert 30 <= len(before)
        with restored.client() as client:
            ehr = client.post("/openehr/v1/ehr").raise_for_status().headers["ETag"].strip('"')
            document = json.dumps(records.vital_signs(random.Random(4), datetime.now(UTC)))
            done = client.post(f"/openehr/v1/ehr/{ehr}/composition", content=document)
            assert 201 == done.status_code


@pytest.mark.parametrize("name", embedded.DATABASES)
def test_a_restored_database_grants_what_the_original_does(name, cluster, scratch, tmp_path):
    """Every table privilege of the app role, and no other, comes back with the data."""
    asked = (
        "SELECT table_schema, table_name, privilege_type FROM information_schema.table_privileges"
        " WHERE grantee = %s ORDER BY 1, 2, 3"
    )
    with copied(cluster, name) as original:
        backup.back_up(original.url("migrator"), name, tmp_path / "b")
        target = scratch(name)
        backup.restore(target("migrator"), name, tmp_path / "b")
        found = []
        for url in (original.url("migrator"), target("migrator")):
            with psycopg.connect(url) as connection:
                found.append(connection.execute(asked, (f"{name}_app",)).fetchall())
    assert found[0] == found[1]
    assert found[0]


def test_the_drill_restores_a_vault_and_verifies_its_trail(
    caller, vault_copy, vault_settings, tmp_path
):
    """A scratch server, thrown away afterwards; the trail verifies under its own key alone."""
    from moiety.kit.errors import ServiceError

    officer = caller("linkage_officer")
    with pytest.raises(ServiceError):
        wire.resolve_ehr(officer, uuid4(), purpose_of_use="PATSFTY", reason="nobody has this id")
    backup.back_up(vault_copy.url("migrator"), "vault", tmp_path / "b")
    key = _public_key(vault_settings.key_file)
    manifest, word = backup.drill("vault", tmp_path / "b", public_key=key)
    size = trail.verify(vault_copy.url(), key, None).size
    assert 0 < size == manifest.tables["public.trail_leaf"]
    assert f"the trail of {size} entries verifies" == word
    with pytest.raises(BackupError, match="fault"):
        backup.drill("vault", tmp_path / "b", public_key="ab" * 32)
    assert [] == list(embedded.default_state().glob("drill-*"))


def _public_key(file):
    from linkage_vault.keys import load_key_file, public_octets

    return public_octets(load_key_file(file).tree_head_public).hex()


def _secrets_of(key_file):
    document = json.loads(key_file.read_text())
    texts = [key for entry in document.values() if isinstance(entry, dict)
             for key in entry["keys"].values()]  # fmt: skip
    for text in (*texts, document["tree_head"]):
        octets = base64.b64decode(text)
        yield from (text.encode(), octets, octets.hex().encode())


def _inflated(folder, name):
    """The dump as SQL text, and as it lies on the disk."""
    program = embedded.binaries() / "pg_restore"
    dump = folder / f"{name}.dump"
    text = subprocess.run([program, "--file=-", dump], check=True, capture_output=True).stdout
    return text + dump.read_bytes() + (folder / f"{name}.json").read_bytes()


def test_no_key_is_in_a_backup(vault_service, vault_copy, vault_settings, tmp_path):
    """None of the vault's keys in base64, raw or hexadecimal; a planted one is found."""
    needles = list(_secrets_of(vault_settings.key_file))
    assert 12 == len(needles)
    backup.back_up(vault_copy.url("migrator"), "vault", tmp_path / "b")
    found = _inflated(tmp_path / "b", "vault")
    assert [] == [n for n in needles if n in found]
    with psycopg.connect(vault_copy.url("migrator"), autocommit=True) as connection:
        connection.execute("CREATE TABLE planted (key text, octets bytea)")
        try:
            connection.execute(
                "INSERT INTO planted VALUES (%s, %s)", (needles[0].decode(), needles[1])
            )
            backup.back_up(vault_copy.url("migrator"), "vault", tmp_path / "control")
        finally:
            connection.execute("DROP TABLE planted")
    found = _inflated(tmp_path / "control", "vault")
    assert {needles[0], needles[2]} == {n for n in needles if n in found}


def test_a_damaged_backup_is_refused(clinical_database, scratch, tmp_path):
    """One octet changed, cut short, a manifest of another database: nothing is loaded."""
    folder = tmp_path / "b"
    backup.back_up(clinical_database.url("migrator"), "clinical", folder)
    dump, original = folder / "clinical.dump", (folder / "clinical.dump").read_bytes()
    target = scratch("clinical")("migrator")
    for damaged in (original[:-1], original[:200] + bytes([original[200] ^ 1]) + original[201:]):
        dump.write_bytes(damaged)
        with pytest.raises(BackupError, match="SHA-256"):
            backup.restore(target, "clinical", folder)
    dump.write_bytes(original)
    with pytest.raises(BackupError, match="can't be read"):
        backup.restore(target, "vault", folder)
    with psycopg.connect(target) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert (0,) == tables.fetchone()
    backup.restore(target, "clinical", folder)


def test_rows_that_are_not_what_the_manifest_says_are_told(clinical_database, scratch, tmp_path):
    """A manifest with other counts, though its digest fits, does not pass."""
    folder = tmp_path / "b"
    backup.back_up(clinical_database.url("migrator"), "clinical", folder)
    manifest = json.loads((folder / "clinical.json").read_text())
    manifest["tables"]["public.ehr"] += 1
    (folder / "clinical.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match=r"public\.ehr"):
        backup.restore(scratch("clinical")("migrator"), "clinical", folder)


def test_a_backup_goes_into_an_empty_database_alone(clinical_database, tmp_path):
    """What is there is never overwritten."""
    url = clinical_database.url("migrator")
    backup.back_up(url, "clinical", tmp_path / "b")
    with pytest.raises(BackupError, match="not empty"):
        backup.restore(url, "clinical", tmp_path / "b")


def test_a_backup_is_never_put_beside_keys(clinical_database, tmp_path):
    """Neither into the folder of a key file, nor next to it, nor inside a desk."""
    url = clinical_database.url("migrator")
    (tmp_path / "etc").mkdir()
    create_key_file(tmp_path / "etc/vault.keys")
    for folder in (tmp_path / "etc", tmp_path / "etc/backup", tmp_path / "backup"):
        with pytest.raises(BackupError, match="keys"):
            backup.back_up(url, "clinical", folder)
    desk = tmp_path / "far/desk"
    desk.mkdir(parents=True)
    (desk / "prepared").touch()
    (desk / "passwords").mkdir()
    with pytest.raises(BackupError, match="keys"):
        backup.back_up(url, "clinical", desk / "a/b/c")
    (tmp_path / "etc/vault.keys").unlink()
    backup.back_up(url, "clinical", tmp_path / "backup")


def test_the_halves_stay_apart(clinical_database, demographic_database, tmp_path):
    """A folder takes one database, and one backup of it."""
    backup.back_up(clinical_database.url("migrator"), "clinical", tmp_path / "b")
    with pytest.raises(BackupError, match="backup of the clinical"):
        backup.back_up(demographic_database.url("migrator"), "demographic", tmp_path / "b")
    with pytest.raises(BackupError, match="a backup already"):
        backup.back_up(clinical_database.url("migrator"), "clinical", tmp_path / "b")


def test_the_files_are_the_operators_alone(clinical_database, tmp_path):
    """Mode 0600 in a folder of mode 0700; the password is not among the program's arguments."""
    backup.back_up(clinical_database.url("migrator"), "clinical", tmp_path / "b")
    assert 0o700 == (tmp_path / "b").stat().st_mode & 0o777
    assert {0o600} == {f.stat().st_mode & 0o777 for f in (tmp_path / "b").iterdir()}


def test_the_commands(clinical_database, scratch, tmp_path):
    """`moiety backup`, `moiety restore --check`, `moiety restore`, as an operator types them."""
    source, target = tmp_path / "from", tmp_path / "to"
    source.write_text(clinical_database.url("migrator"))
    target.write_text(scratch("clinical")("migrator"))
    folder = str(tmp_path / "b")
    for arguments, said in (
        (("backup", "clinical", folder, "--database-url-file", source), "revision 0"),
        (("restore", "clinical", folder, "--check"), "are as the manifest says"),
        (
            ("restore", "clinical", folder, "--database-url-file", target),
            "are as the manifest says",
        ),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "moiety", *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr
        assert said in done.stdout
    again = subprocess.run(
        [sys.executable, "-m", "moiety", "restore", "clinical", folder,
         "--database-url-file", target],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (2, "") == (again.returncode, again.stdout)
    assert "is not empty" in again.stderr
