"""The compose file, the Dockerfile and the init script, read without any container."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from moiety import embedded
from moiety.commands import issue
from moiety.commands import secrets as secret_files
from tests.contract.test_house import ALONE
from tests.fixtures.fix_database import copied

yaml = pytest.importorskip("yaml", reason="needs PyYAML")

ROOT = Path(__file__).parents[2]
SERVICES = {"clinical": "clinical_api", "demographic": "demographic_api", "vault": "linkage_vault"}


@pytest.fixture(scope="module")
def compose():
    """The compose file, parsed."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def _networks(compose):
    return {name: set(one["networks"]) for name, one in compose["services"].items()}


def test_no_service_shares_a_network_with_anothers_database(compose):
    """A database's one network holds its own service and jobs, and nothing else."""
    networks = _networks(compose)
    for name in SERVICES:
        assert {f"{name}-data"} == networks[f"{name}-db"]
        on_it = {service for service, own in networks.items() if f"{name}-data" in own}
        assert name in on_it
        assert all(service.startswith(name) for service in on_it)


def test_each_of_the_halves_shares_a_network_with_the_vault_alone(compose):
    """Clinical and demographic never meet."""
    members = {}
    for service, own in _networks(compose).items():
        for network in own:
            members.setdefault(network, set()).add(service)
    shared = {
        network: who & set(SERVICES)
        for network, who in members.items()
        if len(who & set(SERVICES)) > 1
    }
    assert {
        "vault-to-clinical": {"vault", "clinical"},
        "demographic-to-vault": {"vault", "demographic"},
    } == shared


def test_databases_and_the_call_between_services_have_no_way_out(compose):
    """Networks are internal but those of published ports, and every bridge is isolated."""
    for name, network in compose["networks"].items():
        assert {"isolate": "true"} == network["driver_opts"]
        assert name.endswith("-front") == ("internal" not in network)
    for name, own in _networks(compose).items():
        assert name in SERVICES or not any(network.endswith("-front") for network in own)


def test_ports_are_published_on_loopback_alone(compose):
    """Three services, 127.0.0.1; no database."""
    ports = {name: one.get("ports", []) for name, one in compose["services"].items()}
    assert set(SERVICES) == {name for name, published in ports.items() if published}
    assert all(port.startswith("127.0.0.1:") for name in SERVICES for port in ports[name])


def test_every_container_is_hardened(compose):
    """Read-only root, no capability, no new privileges, no privileged container, a pid limit."""
    for name, one in compose["services"].items():
        assert one["read_only"] is True, name
        assert ["ALL"] == one["cap_drop"]
        assert ["no-new-privileges:true"] == one["security_opt"]
        assert 0 < one["pids_limit"]
        assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(one)
        assert one.get("user", "10001:10001") in {"10001:10001", "999:999"}


def test_secrets_are_files_and_each_container_gets_its_own(compose):
    """No secret in the environment; of another database's secrets nobody has any."""
    for name, one in compose["services"].items():
        half = name.split("-")[0]
        for secret in one["secrets"]:
            admitted = (name, secret) in {
                ("clinical-pool-key", "vault_clinical_key"),
                ("vault-clinical-key", "clinical_vault_key"),
                ("vault-demographic-key", "demographic_vault_key"),
            }
            shreds = name == "vault" and secret == "shred_app_url"
            assert secret.startswith(f"{half}_") or admitted or shreds
        values = " ".join(map(str, one.get("environment", {}).values()))
        assert not re.search(r"password=|postgres(ql)?://", values, re.IGNORECASE)
    running = {name: set(compose["services"][name]["secrets"]) for name in SERVICES}
    assert not any("migrator" in s or "superuser" in s for own in running.values() for s in own)


def test_every_variable_of_a_service_is_a_setting(compose):
    """A misspelt name would stop the start."""
    import importlib

    for name, package in SERVICES.items():
        fields = importlib.import_module(f"{package}.settings").Settings.__dataclass_fields__
        prefix = f"MOIETY_{name.upper()}_"
        for variable in compose["services"][name]["environment"]:
            setting = variable.removeprefix(prefix).lower()
            assert setting in fields or setting.removesuffix("_file") in fields


def test_moiety_secrets_makes_every_file_that_compose_asks_for(compose, tmp_path):
    """Mode 0600, not twice the same but the one key of two services, kept at a second run."""
    made = secret_files.make(tmp_path, "main", host="{name}-db")
    asked = {one["file"].split("}/")[1] for one in compose["secrets"].values()}
    assert asked == {str(file.relative_to(tmp_path)) for file in made}
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in made}
    texts = [file.read_text() for file in made]
    assert len(set(texts)) == len(texts) - 1
    screens = [tmp_path / one / "screen_key" for one in ("clinical", "demographic", "vault")]
    assert screens[0].read_text() == screens[1].read_text()
    assert not screens[2].exists()
    assert [] == secret_files.make(tmp_path, "main", host="{name}-db")
    assert texts == [file.read_text() for file in made]


def test_a_screen_key_that_one_service_has_already_is_given_to_the_other(tmp_path):
    """Whoever adds the screen to a deployment keeps the key that there is."""
    (tmp_path / "demographic").mkdir()
    (tmp_path / "demographic/screen_key").write_text("7a" * 32)
    secret_files.make(tmp_path, "main", host="{name}-db")
    assert "7a" * 32 == (tmp_path / "clinical/screen_key").read_text()


def test_keys_for_the_vault_are_let_in_with_what_the_services_ask(compose):
    """The jobs name the scopes that a desk gives the same services."""
    from moiety.commands import desk

    for service, scopes in desk._AT_VAULT.items():
        command = compose["services"][f"vault-{service}-key"]["command"]
        named = {one.removeprefix("--scope=") for one in command if one.startswith("--scope=")}
        assert scopes == named


def test_a_key_made_beforehand_is_let_in_once(clinical_database, tmp_path):
    """`moiety keys admit`: the vault's key opens EHRs and nothing else; again changes nothing."""
    secret_files.make(tmp_path, "main", host="{name}-db")
    text = (tmp_path / "vault/clinical_key").read_text()
    url, scopes = clinical_database.url("migrator"), frozenset({"ehr:create"})
    assert issue.admit(url, "clinical", text, label="pool", scopes=scopes)
    assert not issue.admit(url, "clinical", text, label="pool", scopes=scopes)
    assert issue.is_valid(url, text, days=80)
    assert [["ehr:create"]] == [row[2] for row in issue.all_keys(url)]


def test_what_is_no_key_is_not_let_in(clinical_database):
    """A file with anything else is refused, and so is a scope that the service does not know."""
    url = clinical_database.url("migrator")
    with pytest.raises(ValueError, match="does not hold an API key"):
        issue.admit(url, "clinical", "mty_main_short", label="x", scopes=frozenset())
    token = str(issue.credentials.mint("main"))
    with pytest.raises(ValueError, match="no scope"):
        issue.admit(url, "clinical", token, label="x", scopes=frozenset({"vault:use"}))


@pytest.mark.parametrize("name", SERVICES)
def test_a_migration_reads_its_url_from_a_file(name, cluster, tmp_path):
    """As the jobs of the compose file do; without a URL or a file it says which to set."""
    file = tmp_path / "url"
    with copied(cluster, name) as copy:
        file.write_text(copy.url("migrator"))
        told = {f"{name.upper()}_MIGRATION_URL_FILE": str(file)}
        command = [sys.executable, "-m", "alembic", "--name", name, "upgrade", "head"]
        usual = {k: v for k, v in os.environ.items() if "MIGRATION_URL" not in k}
        done = subprocess.run(
            command, cwd=ROOT, env=usual | told, capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, done.stderr
    silent = subprocess.run(
        command, cwd=ROOT, env=usual, capture_output=True, text=True, check=False
    )
    assert f"{name.upper()}_MIGRATION_URL_FILE" in silent.stderr


@pytest.mark.parametrize("service", SERVICES.values())
def test_an_image_copies_what_its_service_needs_alone(service):
    """The stage of each service holds its folder and its share of `moiety`, as the house says."""
    stages = re.split(r"^FROM ", (ROOT / "deploy/Dockerfile").read_text(), flags=re.MULTILINE)
    (stage,) = [s for s in stages if s.startswith(f"scratch AS {service}\n")]
    copied = set(re.findall(r"^COPY (\S+) /app/\S*$", stage, flags=re.MULTILINE))
    shared = {f"moiety/{part}" for part in (*ALONE[service], "commands")}
    history = {v: k for k, v in SERVICES.items()}[service]
    assert {"alembic.ini", f"alembic/{history}", service} | shared == copied


def test_the_image_installs_the_uv_that_is_locked():
    """The Dockerfile's uv is the version of uv.lock."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (version,) = [p["version"] for p in lock["package"] if p["name"] == "uv"]
    assert f"ARG UV_VERSION={version}\n" in (ROOT / "deploy/Dockerfile").read_text()


def test_the_build_gets_no_secret_and_no_test():
    """The context is a list of what is let in."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert "*" == rules[0]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert not let_in & {"tests", "docs", "benches", "secrets", ".git"}


def test_init_takes_each_statement_of_the_roles_for_one_server():
    """The pattern of init.sh cuts roles.sql into parts that leave nothing over."""
    script = (ROOT / "deploy/postgres/init.sh").read_text()
    (pattern,) = re.findall(r'grep -wE "\$\{MOIETY_DATABASE\}(.+?)"', script)
    lines = embedded.roles_sql().splitlines()
    parts = [
        [line for line in lines if re.search(rf"\b{name}{pattern}\b", line)]
        for name in embedded.DATABASES
    ]
    statements = [line for line in lines if line.strip()]
    assert all(line.rstrip().endswith(";") for line in statements), "one statement a line"
    assert sorted(statements) == sorted(line for part in parts for line in part)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("check-jsonschema", ("--builtin-schema", "vendor.compose-spec", "docker-compose.yml")),
        ("hadolint", ("deploy/Dockerfile",)),
        ("hadolint", ("tests/fixtures/postgres_stand_in/Dockerfile",)),
    ],
)
def test_the_linters_have_no_complaint(tool, arguments):
    """The compose specification's schema, and hadolint."""
    program = _tool(tool)
    done = subprocess.run(
        [program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_the_schema_sees_a_wrong_key(tmp_path):
    """The control of the test above."""
    program = _tool("check-jsonschema")
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {a: {image: b, read_onyl: true}}\n")
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", wrong],
        capture_output=True,
        check=False,
    )
    assert 0 != done.returncode


def _tool(name):
    beside = ROOT / ".venv/bin" / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return found or pytest.skip(f"needs {name}")
