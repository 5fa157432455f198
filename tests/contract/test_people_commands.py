"""`moiety users` and `moiety keys`, on the database of a vault."""

import re
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from linkage_vault.people_keys import create_people_key_file, load_people_keys
from moiety.cli import app
from moiety.commands.options import out
from moiety.wire import people
from tests.fixtures.fix_people import PASSWORD


@pytest.fixture
def run(vault_copy, tmp_path, monkeypatch):
    """A function that runs the command against the vault's database and returns what it said."""
    monkeypatch.setattr(out, "_width", 200)  # a row of a table is one line
    file = tmp_path / "url"
    file.write_text(vault_copy.url("migrator"))

    def make(*words, code=0, database=True):
        where = ["--database-url-file", str(file)] if database else []
        done = CliRunner().invoke(app, [*words, *where], env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert code == done.exit_code, done.output
        return done.output

    return make


def test_the_first_administrator_is_made_invited_changed_and_taken_away(run, console):
    """Add, enrol with what was printed, list, change, invite again, deactivate."""
    login = f"sam{uuid4().hex[:8]}"
    said = run(
        "users", "add", "Sam Admin", "--role", "administrator", "--login", login,
        "--staff-id", "S1",
    )  # fmt: skip
    invitation = said.strip().splitlines()[-1]
    assert people.enrol(console, login, invitation, PASSWORD).startswith("otpauth://totp/")
    again = run("users", "invite", login).strip()
    assert again != invitation
    assert people.enrol(console, login, again, PASSWORD)
    run("users", "change", login, "--role", "auditor", "--role", "approver", "--inactive")
    row = next(line for line in run("users", "list").splitlines() if login in line)
    assert re.search(r"Sam Admin.*S1.*approver auditor.*inactive", row)


def test_what_cannot_be_made_ends_in_a_sentence(run):
    """A login twice, a role that is none, nobody of that login, no suspension."""
    login = f"ada{uuid4().hex[:8]}"
    run("users", "add", "Ada Example", "--role", "clinician", "--login", login)
    taken = run("users", "add", "Ada Two", "--role", "clinician", "--login", login, code=2)
    assert "is taken" in taken
    assert "no role" in run("users", "add", "Ada", "--role", "king", code=2)
    for words in (("invite", "nobody"), ("change", "nobody", "--active")):
        assert "no login" in run("users", *words, code=2)
    assert "not suspended" in run("users", "release", "key:0a1b2c3d4e5f", code=2)


def test_a_key_is_listed_with_its_networks_and_the_month_of_its_use(run):
    """Never used, from one network, in force."""
    label = f"ward {uuid4().hex[:6]}"
    run("keys", "create", "vault", "--label", label, "--from", "10.1.0.0/16")
    row = next(line for line in run("keys", "list", "vault").splitlines() if label in line)
    assert re.search(r"never.*10\.1\.0\.0/16.*in force", row)
    assert "No key was made" in run(
        "keys", "create", "vault", "--label", label, "--from", "the ward", code=2
    )


def test_signing_keys_rotate_by_command(run, tmp_path):
    """A new one beside the one in use, which signs on; a file that is none is a sentence."""
    file = tmp_path / "vault.people"
    create_people_key_file(file, "main")
    before = load_people_keys(file).signs_now().kid
    said = run("keys", "rotate", "tokens", "--people-key-file", str(file), database=False)
    assert "Gone: none" in said
    keys = load_people_keys(file)
    assert 2 == len(keys.signing)
    assert before == keys.signs_now().kid
    assert 0o600 == file.stat().st_mode & 0o777
    file.chmod(0o644)
    said = run("keys", "rotate", "tokens", "--people-key-file", str(file), code=2, database=False)
    assert "0600" in said
