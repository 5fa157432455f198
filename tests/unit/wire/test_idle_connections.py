"""A caller lets go of an idle connection before any service would close it."""

import re
from pathlib import Path

import pytest

from moiety.wire.exchange import connect

ROOT = Path(__file__).parents[3]
STARTS = [
    "deploy/Dockerfile",
    "deploy/systemd/moiety-clinical.service",
    "deploy/systemd/moiety-demographic.service",
    "deploy/systemd/moiety-vault.service",
    "moiety/commands/desk.py",
    "tests/fixtures/fix_services.py",
]
KEEPS = re.compile(r"timeout.keep.alive\W+(\d+)", re.IGNORECASE)


@pytest.mark.parametrize("path", STARTS)
def test_who_calls_gives_up_first(path):
    """Where both gave up together, a request would go out on a connection being closed."""
    with connect("http://127.0.0.1:1", "a key") as client:
        let_go = client._transport._pool._keepalive_expiry
    [kept] = KEEPS.findall((ROOT / path).read_text())
    assert int(kept) >= 75
    assert let_go <= 10


def test_every_start_is_looked_at():
    """No deployed start of uvicorn is missing from the list above."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("deploy", "moiety")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".service", "") and path.is_file()
        if re.search(r'bin/uvicorn|"uvicorn", "--factory"|CMD \["uvicorn"\]', path.read_text())
    }
    assert found == {path for path in STARTS if not path.startswith("tests/")}
