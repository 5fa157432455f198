"""The house itself: what each service needs to stand alone, and what the lock file names."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ALONE = {
    "clinical_api": ("change_control", "aql", "openehr", "wire", "kit", "deid"),
    "demographic_api": ("change_control", "openehr", "wire", "kit", "deid"),
    "linkage_vault": ("wire", "kit", "deid"),
}
"""What an image of each service holds beside its own folder."""


@pytest.mark.parametrize("service", ALONE)
def test_a_service_starts_with_the_others_absent(service, tmp_path):
    """Its own folder and its share of `moiety` are enough to import the application."""
    (tmp_path / "moiety").mkdir()
    shutil.copy(ROOT / "moiety/__init__.py", tmp_path / "moiety")
    shutil.copytree(ROOT / service, tmp_path / service)
    for part in ALONE[service]:
        shutil.copytree(ROOT / "moiety" / part, tmp_path / "moiety" / part)
    code = (
        f"import sys; sys.path[:] = [{str(tmp_path)!r}] + "
        f"[p for p in sys.path if p != {str(ROOT)!r}]; import {service}.app as a; "
        f"assert a.__file__.startswith({str(tmp_path)!r}); print('imported')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "imported\n" == done.stdout, done.stderr[-500:]


def test_another_services_folder_is_really_absent(tmp_path):
    """The control of the test above: an import of a service that was not copied fails there."""
    (tmp_path / "clinical_api").mkdir()
    code = (
        f"import sys; sys.path[:] = [{str(tmp_path)!r}] + "
        f"[p for p in sys.path if p != {str(ROOT)!r}]; import linkage_vault"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False
    )
    assert b"ModuleNotFoundError" in done.stderr


def test_the_lock_file_names_the_public_index_alone():
    """No private index, no file of one machine: anybody can install from it."""
    hosts = set(
        re.findall(r'(?:url|registry) = "([a-z]+://[^/"]*)', (ROOT / "uv.lock").read_text())
    )
    assert {"https://files.pythonhosted.org", "https://pypi.org"} == hosts


def test_the_packages_are_named_one_by_one():
    """alembic/ and tests/ never land in the wheel as packages of their names."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    packages = build["targets"]["wheel"]["packages"]
    assert {"moiety", "clinical_api", "demographic_api", "linkage_vault"} == set(packages)
    assert not (ROOT / "alembic/__init__.py").exists()


def test_every_dependency_has_its_reason():
    """docs/decisions/dependencies.md has a line for each, those of the developers included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["embedded"],
        *project["dependency-groups"]["dev"],
    ]
    page = (ROOT / "docs/decisions/dependencies.md").read_text()
    names = {re.split(r"[\[=>]", text)[0] for text in wanted} - {"moiety"}
    listed = set(re.findall(r"^\| ([\w.-]+)", page, re.MULTILINE))
    assert not names - listed


@pytest.mark.parametrize(
    ("module", "prefix"),
    [
        ("clinical_api.settings", "MOIETY_CLINICAL"),
        ("demographic_api.settings", "MOIETY_DEMOGRAPHIC"),
        ("linkage_vault.settings", "MOIETY_VAULT"),
    ],
)
def test_every_setting_is_documented(module, prefix):
    """docs/settings.md names each setting as it stands in the environment."""
    import dataclasses
    import importlib

    page = (ROOT / "docs/settings.md").read_text()
    for field in dataclasses.fields(importlib.import_module(module).Settings):
        suffix = "_FILE" if field.metadata.get("secret") else ""
        assert f"`{prefix}_{field.name.upper()}{suffix}`" in page


def test_help_reads_without_a_service_installed(tmp_path):
    """`moiety --help` needs no service and no database."""
    done = subprocess.run(
        [sys.executable, "-m", "moiety", "--help"], cwd=ROOT, capture_output=True, text=True,
        check=True, env=os.environ | {"NO_COLOR": "1", "COLUMNS": "100"},
    )  # fmt: skip
    for word in ("demo", "up", "load", "keys", "trail", "never know whose they are"):
        assert word in done.stdout
