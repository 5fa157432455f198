"""Our own lints: what each catches, and what it leaves alone."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("rules", Path(__file__).parents[3] / "lints/rules.py")
rules = importlib.util.module_from_spec(SPEC)
import sys  # noqa: E402  a dataclass looks its module up while the module is executed

sys.modules["rules"] = rules
SPEC.loader.exec_module(rules)

GENERATOR = "def store():\n    yield 1\n"


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("one-door-to-commit", "connection.commit()"),
        ("one-door-to-commit", "with x() as c:\n    c.driver.commit()"),
        ("scoped-writer", GENERATOR + "W = Depends(store)"),
        ("scoped-writer", "W = Annotated[C, Depends(auth.writer)]"),
        ("scoped-writer", GENERATOR + "W = Depends(store, scope='request')"),
        ("silent-errors", "raise ValueError(f'bad {patient}')"),
        ("silent-errors", "raise Malformed(f'bad {node.value!r}')"),
        ("silent-errors", "log.warning(f'{body}')"),
        ("door-to-keys", "log(keys.links.reveal())"),
        ("door-to-traces", "from opentelemetry.sdk import trace"),
        ("door-to-traces", "import opentelemetry.trace as t"),
        ("no-select-of-a-half", "url = 'postgresql://vault_app@/vault'"),
    ],
)
def test_a_bad_line_is_found(rule, source):
    """Each rule finds its leak."""
    found = rules.check(source, "clinical_api/x.py")
    assert [rule] == [fault.rule for fault in found]


@pytest.mark.parametrize(
    "source",
    [
        "commits.commit(version)",
        GENERATOR + "W = Depends(store, scope='function')",
        "def plain(): ...\nW = Depends(plain)",
        "raise ValueError(f'no such {kind} at {path}')",
        "raise ValueError('value')",
        "connection.commit()  # lint: one-door-to-commit: a bench",
        "url = 'postgresql://clinical_app@/clinical'",
    ],
)
def test_a_good_line_is_left_alone(source):
    """And nothing else."""
    assert [] == rules.check(source, "clinical_api/x.py")


def test_the_tree_is_clean():
    """No package breaks a rule."""
    assert 0 == rules.main()
