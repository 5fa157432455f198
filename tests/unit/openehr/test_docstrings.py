"""Every module of moiety.openehr that obeys a specification says which, and where in it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "moiety/openehr"
CITES = re.compile(
    r"\b(?:RM|BASE|AM|AOM|ADL|OPT|ODIN|LANG|TERM|ITS-JSON|ITS-XML|ITS-REST|ITS-BMM|SM) ?[0-9.]*"
    r"|Simplified Formats|Semantic Versioning|ISO 8601|RFC [0-9]+|[A-Z]\w+\.xsd"
)
OURS = {
    "emission.py": "rows are our own storage",
    "findings.py": "what a walk carries",
    "groups.py": "tables are our own storage",
    "leaves.py": "columns are our own storage",
    "plain_content.py": "the quick form of checks that cite",
    "adl2/reader.py": "cites by its parent",
}
"""Modules that no specification speaks of, each with the reason."""
MODULES = sorted(path for path in ROOT.rglob("*.py") if str(path.relative_to(ROOT)) not in OURS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_names_the_specification_that_it_obeys(path):
    """In its own docstring, or in that of each public function and class."""
    tree = ast.parse(path.read_text())
    if CITES.search(ast.get_docstring(tree) or ""):
        return
    kinds = (ast.FunctionDef, ast.ClassDef)
    public = [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]
    silent = [n.name for n in public if not CITES.search(ast.get_docstring(n) or "")]
    assert public
    assert [] == silent


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_have_docstrings(path):
    """What, shapes, errors: a sentence at least, for every public function."""
    tree = ast.parse(path.read_text())
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert [] == [
        n.name for n in functions if not n.name.startswith("_") and not ast.get_docstring(n)
    ]
