"""Answers kept for a while: bounded in number and age."""

import time

from moiety.kit.keeping import Keeping


def test_an_answer_is_there_until_it_is_too_old():
    """None and False are answers too."""
    kept = Keeping(seconds=0.2, most=10)
    assert "none" == kept.get("a", "none")
    kept.put("a", False)
    assert kept.get("a", "none") is False
    time.sleep(0.25)
    assert "none" == kept.get("a", "none")


def test_the_oldest_go_first():
    """What is kept again is new."""
    kept = Keeping(seconds=60, most=3)
    for key in "abc":
        kept.put(key, key)
    kept.put("a", "again")
    kept.put("d", "d")
    assert [None, "again", "c", "d"] == [kept.get(key, None) for key in "bacd"]
