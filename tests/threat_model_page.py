"""docs/threat-model.md, second half: which test shows which requirement and which defence.

    python tests/threat_model_page.py           run those tests and write the tables anew
    python tests/threat_model_page.py --check   1 if the tables are out of date (results aside)

The requirements, the threats and the tests that show them stand in requirements.toml.
"""

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import conformance_page

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "threat-model.md"
_RULE = "|---|---|---|---|---|"
START, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
HEADS = {
    "REQUIREMENTS": ("## Requirements of the vault and the tests that show them", "Requirement"),
    "THREATS": ("## Threats, defences and the tests that prove them", "Threat and defence"),
}


def requirements():
    """Chapter → id → {says, tests, control}."""
    return tomllib.loads((TESTS / "requirements.toml").read_text())


def named():
    """Every test that is named, as file::function."""
    return {
        test for chapter in requirements().values() for one in chapter.values()
        for test in one["tests"]
    }  # fmt: skip


def tables(results):
    """Both tables."""
    parts = []
    for chapter, (head, column) in HEADS.items():
        parts.append(
            f"\n{head}\n\n| | {column} | Control | Test | Result |\n|---|---|---|---|---|\n"
        )
        for name, one in requirements()[chapter].items():
            cells = (name, one["says"], one.get("control", "–"))
            parts.append(conformance_page._line(cells, one["tests"], results))
    return "".join(parts)


def page(results):
    """The page with the tables as they are now."""
    text = PAGE.read_text()
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{tables(results)}\n{END}{after}"


def main():
    """Write the tables, or compare them."""
    if "--check" in sys.argv:
        plain = conformance_page.without_results
        same = plain(page({})) == plain(PAGE.read_text())
        if not same:
            print("docs/threat-model.md is out of date: python tests/threat_model_page.py")
        return 0 if same else 1
    PAGE.write_text(page(conformance_page.run(named())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
