"""Logging that can't carry a record's value."""

import logging

import structlog
from hypothesis import given
from hypothesis import strategies as st

from moiety.kit import logs


@given(st.dictionaries(st.text(min_size=1).filter(lambda n: n not in logs.FACTS), st.text()))
def test_a_fact_that_is_not_on_the_list_is_dropped(facts):
    """Whatever a careless line passes, only listed names come through."""
    kept = logs.keep_only_known_facts(None, "info", dict(facts) | {"event": "e"})
    reserved = {"event", "level", "timestamp"}
    assert set(kept) - reserved <= {"dropped"}
    dropped = set(facts) - reserved
    assert len(dropped) == kept.get("dropped", 0)


def test_a_listed_fact_of_another_type_is_dropped():
    """A record under the name `count` is not a count."""
    kept = logs.keep_only_known_facts(None, "info", {"event": "e", "count": {"name": "Morwenna"}})
    assert {"event": "e", "dropped": 1} == kept


def test_a_librarys_message_and_stack_trace_stay_inside(capsys):
    """A driver may put parameters into its message: only the place and the kind come out."""
    logs.configure("test")
    try:
        int("NHS 999 123 4567")
    except ValueError:
        logging.getLogger("psycopg").exception("failed for %s", "Morwenna Trelawney")
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "999" not in said
    assert "Morwenna" not in said
    structlog.reset_defaults()
