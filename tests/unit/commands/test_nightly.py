"""When a desk shuffles: a day after it did last, and never twice."""

import os
import time

import pytest

from moiety.commands import nightly, shuffle


class Desk:
    """A home, and databases by name."""

    def __init__(self, home):
        self.home = home

    def database(self, name, role="app"):
        """What stands for a URL."""
        return f"{role}@{name}"


@pytest.fixture
def shuffled(monkeypatch):
    """Which databases were shuffled, in order."""
    found = []
    monkeypatch.setattr(shuffle, "run", found.append)
    return found


def test_a_new_desk_waits_a_day_and_an_old_one_shuffles_once_a_day(tmp_path, shuffled):
    """By the mark that it leaves, so a restart changes nothing."""
    desk, now = Desk(tmp_path), time.time()
    assert not nightly.shuffle_if_due(desk, now)
    assert not nightly.shuffle_if_due(desk, now + nightly.DAY - 60)
    assert nightly.shuffle_if_due(desk, now + nightly.DAY + 60)
    assert ["migrator@demographic", "migrator@vault", "migrator@shred"] == shuffled
    assert not nightly.shuffle_if_due(desk, now + 60)


def test_the_worker_does_it_while_the_desk_is_up(tmp_path, shuffled):
    """A day and an hour after the last time, whatever the delay is."""
    mark = tmp_path / "shuffled"
    mark.touch()
    past = time.time() - nightly.DAY - 3700
    os.utime(mark, (past, past))
    with nightly.kept(Desk(tmp_path), look=0.01):
        for _ in range(500):
            if len(shuffled) == 3:
                break
            time.sleep(0.01)
    assert 3 == len(shuffled)
    assert mark.stat().st_mtime > past + nightly.DAY
