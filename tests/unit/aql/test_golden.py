"""Golden files: AQL and the SQL it compiles to, as pairs that a reader can check.

`tests/golden/aql/*.aql` hold `# title`, AQL, `;`, SQL, `;`. The SQL is the statement that gives
the result where rows tell everything, or else the one that finds the documents. After a change
that is meant, `python -m tests.unit.aql.test_golden` writes the files again: read the difference.
"""

import re
import textwrap
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql

from clinical_api import queried
from moiety import aql
from tests.unit.aql import ward

GOLDEN = Path(__file__).parents[2] / "golden/aql"
HEADS = queried.heads("moiety.example")
TEMPLATES = ward.templates()


def pairs(file):
    """Title, AQL and SQL of a golden file."""
    for piece in re.split(r"^# ", file.read_text(), flags=re.MULTILINE)[1:]:
        title, _, rest = piece.partition("\n")
        text, sql, _ = rest.split("\n;\n")
        yield title, text.strip(), sql.strip()


def compiled(text):
    """The SQL of a query, and the values that its literals became."""
    made = aql.compile(text, {}, TEMPLATES, HEADS)
    told = made.plan.left is not None or made.plan.of_ehrs
    statement = made.pushed if told and made.pushed is not None else made.rest
    found = statement.compile(
        dialect=postgresql.psycopg.dialect(), compile_kwargs={"render_postcompile": True}
    )
    return " ".join(str(found).split()), found.params


CASES = [(file.stem, *pair) for file in sorted(GOLDEN.glob("*.aql")) for pair in pairs(file)]


@pytest.mark.parametrize(("file", "title", "text", "sql"), CASES, ids=lambda value: str(value)[:40])
def test_a_query_compiles_to_its_golden_sql(file, title, text, sql):
    """The SQL is the one that was read and found right."""
    assert " ".join(sql.split()) == compiled(text)[0], f"{file}: {title}"


@pytest.mark.parametrize(("file", "title", "text", "sql"), CASES, ids=lambda value: str(value)[:40])
def test_no_literal_of_a_query_stands_in_its_sql(file, title, text, sql):
    """Texts and numbers of a query are bound parameters."""
    written = re.findall(r"'((?:[^'\\]|\\.)*)'", text)
    for literal in written:
        assert literal not in sql.replace("'C'", ""), f"{file}: {title}"


def rewrite():
    """Write every golden file again from its titles and queries."""
    for file in sorted(GOLDEN.glob("*.aql")):
        found = []
        for title, text, _ in list(pairs(file)):
            sql = textwrap.fill(compiled(text)[0], 98, break_long_words=False)
            found.append(f"# {title}\n{text}\n;\n{sql}\n;\n")
        file.write_text("\n".join(found))


if __name__ == "__main__":
    rewrite()
