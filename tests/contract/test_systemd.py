"""The units of deploy/systemd: understood by systemd, hardened, and one service's files each."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "deploy/systemd"
SERVICES = {"clinical": "clinical_api", "demographic": "demographic_api", "vault": "linkage_vault"}


@pytest.fixture
def analyze():
    """systemd-analyze, where it is installed."""
    return shutil.which("systemd-analyze") or pytest.skip("needs systemd-analyze")


@pytest.mark.parametrize("service", SERVICES)
def test_systemd_understands_every_line(service, analyze, tmp_path):
    """`systemd-analyze verify` has no complaint once the program is where it exists here."""
    unit = tmp_path / f"moiety-{service}.service"
    text = (UNITS / unit.name).read_text()
    unit.write_text(text.replace("/opt/moiety/.venv/bin/uvicorn", sys.executable))
    done = subprocess.run(
        [analyze, "verify", "--recursive-errors=no", unit],
        capture_output=True, text=True, check=False,
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )  # fmt: skip
    assert (0, "") == (done.returncode, done.stderr)


def test_systemd_understands_the_nightly_shuffle(analyze, tmp_path):
    """The template of the service and its timer, for each database that is shuffled."""
    from moiety.commands.shuffle import DATABASES

    for kind in ("service", "timer"):
        text = (UNITS / f"moiety-shuffle@.{kind}").read_text()
        text = text.replace("/opt/moiety/.venv/bin/python", sys.executable)
        (tmp_path / f"moiety-shuffle@.{kind}").write_text(text)
    for name in DATABASES:
        done = subprocess.run(
            [analyze, "verify", "--recursive-errors=no",
             *(tmp_path / f"moiety-shuffle@{name}.{kind}" for kind in ("service", "timer"))],
            capture_output=True, text=True, check=False,
            env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        )  # fmt: skip
        assert (0, "") == (done.returncode, done.stderr)


def test_systemd_does_not_understand_nonsense(analyze, tmp_path):
    """The control of the test above: an unknown setting is told."""
    unit = tmp_path / "moiety-wrong.service"
    unit.write_text(f"[Service]\nExecStart={sys.executable}\nNoNewPrivileged=yes\n")
    done = subprocess.run(
        [analyze, "verify", "--recursive-errors=no", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "NoNewPrivileged" in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_the_exposure_that_systemd_counts_stays_low(service, analyze):
    """At most 1.5 of 10, by `systemd-analyze security`."""
    unit = UNITS / f"moiety-{service}.service"
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=15", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "offline" in done.stderr:
        pytest.skip("this systemd-analyze knows no --offline")
    assert 0 == done.returncode, done.stdout[-300:]


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_names_its_own_service_alone(service):
    """Its own user, settings and credentials; of another service at most the public address."""
    text = (UNITS / f"moiety-{service}.service").read_text()
    assert f"User=moiety-{service}\n" in text
    for other, package in SERVICES.items():
        if other != service:
            assert f"/etc/moiety/{other}" not in text
            assert f"MOIETY_{other.upper()}_" not in text
            assert package not in text


def test_every_setting_in_a_unit_exists():
    """A misspelt variable would stop the start."""
    import importlib

    for service, package in SERVICES.items():
        known = importlib.import_module(f"{package}.settings").Settings.__dataclass_fields__
        text = (UNITS / f"moiety-{service}.service").read_text()
        for name in re.findall(rf"Environment=MOIETY_{service.upper()}_(\w+)=", text):
            assert name.lower().removesuffix("_file") in known or name.lower() in known
