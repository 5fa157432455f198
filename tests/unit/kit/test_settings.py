"""Settings: from a mapping that is passed in, secrets from files, nothing ignored."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from moiety.kit.settings import SettingsError, read, secret


@dataclass(frozen=True)
class Example:
    """Settings of an imaginary service."""

    password: str = secret()
    limit: int = 7
    folder: Path | None = None
    strict: bool = True


def test_a_secret_is_read_from_the_file_that_its_setting_names(tmp_path):
    """`…_FILE` names a file; its content without the line end is the value."""
    (tmp_path / "pw").write_text("opensesame\n")
    found = read(Example, "MOIETY_X", {"MOIETY_X_PASSWORD_FILE": str(tmp_path / "pw")})
    assert "opensesame" == found.password
    assert (7, None, True) == (found.limit, found.folder, found.strict)


def test_a_secret_is_not_shown():
    """The representation of the settings leaves secrets out."""
    assert "opensesame" not in repr(Example(password="opensesame"))


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "MOIETY_X_PASSWORD_FILE is missing"),
        ({"MOIETY_X_PASSWORD": "opensesame"}, "Unknown setting MOIETY_X_PASSWORD"),
        ({"MOIETY_X_LIMITT": "9"}, "Unknown setting MOIETY_X_LIMITT"),
        ({"MOIETY_X_PASSWORD_FILE": "/nowhere"}, "can't be read"),
        ({"MOIETY_X_PASSWORD_FILE": "/dev/null"}, "is empty"),
        ({"MOIETY_X_PASSWORD_FILE": "{pw}", "MOIETY_X_LIMIT": "many"}, "MOIETY_X_LIMIT is not"),
        ({"MOIETY_X_PASSWORD_FILE": "{pw}", "MOIETY_X_STRICT": "maybe"}, "MOIETY_X_STRICT is not"),
    ],
)
def test_what_is_missing_unknown_or_unreadable_stops_the_start(tmp_path, environ, sentence):
    """Each fault is one sentence that names the setting and never its value."""
    (tmp_path / "pw").write_text("opensesame")
    given = {name: value.format(pw=tmp_path / "pw") for name, value in environ.items()}
    with pytest.raises(SettingsError, match=sentence) as caught:
        read(Example, "MOIETY_X", given)
    assert "opensesame" not in str(caught.value)


def test_other_programs_variables_are_none_of_our_business(tmp_path):
    """Only names with our prefix are looked at."""
    (tmp_path / "pw").write_text("x")
    given = {"MOIETY_X_PASSWORD_FILE": str(tmp_path / "pw"), "MOIETY_XY_LIMIT": "9", "PATH": "/bin"}
    assert 7 == read(Example, "MOIETY_X", given).limit
