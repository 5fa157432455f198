"""The table of features names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"`(test_\w+)::(test_\w+)`")


def test_each_feature_names_a_test_that_exists():
    """A feature without a test, or with one that is gone, is no feature."""
    page = (ROOT / "docs/aql.md").read_text()
    rows = [line for line in page.splitlines() if re.match(r"\| (?!-|Feature|Refused)", line)]
    assert len(rows) > 40
    assert [] == [row for row in rows if not NAMED.search(row)]
    files = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        files[path.stem] = files.get(path.stem, "") + path.read_text()
    missing = [
        f"{file}::{name}"
        for file, name in NAMED.findall(page)
        if f"def {name}(" not in files.get(file, "")
    ]
    assert [] == missing
