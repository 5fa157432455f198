"""Questions that come at once share a turn, and each has its own answer."""

import asyncio
import threading

import pytest

from moiety.kit.gathering import Gathering


def test_what_comes_during_a_turn_shares_the_next():
    """The first goes alone at once; three that come meanwhile go together, in their order."""
    turns, may_go = [], threading.Event()

    def answer(questions):
        turns.append(list(questions))
        may_go.wait(5)
        return [2 * one for one in questions]

    async def ask():
        gathering = Gathering(answer, lanes=1)
        first = asyncio.create_task(gathering.ask(1))
        while not turns:  # noqa: ASYNC110  it is another thread that is waited for
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(gathering.ask(one)) for one in (2, 3, 4)]
        await asyncio.sleep(0)
        may_go.set()
        return [await first, *(await asyncio.gather(*others))]

    assert [2, 4, 6, 8] == asyncio.run(ask())
    assert [[1], [2, 3, 4]] == turns


def test_a_turn_takes_no_more_than_its_most():
    """Of five, two a turn: three turns, and nobody is forgotten."""
    turns = []

    def answer(questions):
        turns.append(len(questions))
        return list(questions)

    async def ask():
        gathering = Gathering(answer, most=2, lanes=1)
        return await asyncio.gather(*(gathering.ask(one) for one in range(5)))

    assert list(range(5)) == asyncio.run(ask())
    assert [2, 2, 1] == turns


def test_an_error_is_its_own_askers_and_a_failed_turn_everybodys():
    """An error among the answers is raised to one; one that is raised, or a lost answer, to all."""

    def answer(questions):
        if "break" in questions:
            raise OSError
        if "lose" in questions:
            return questions[1:]
        return [ValueError(one) if one == "bad" else one for one in questions]

    async def ask(*questions):
        gathering = Gathering(answer, lanes=1)
        asked = (gathering.ask(one) for one in questions)
        found = await asyncio.gather(*asked, return_exceptions=True)
        return [type(one) if isinstance(one, Exception) else one for one in found]

    assert ["a", ValueError, "b"] == asyncio.run(ask("a", "bad", "b"))
    assert [OSError, OSError] == asyncio.run(ask("a", "break"))
    assert [ValueError, ValueError] == asyncio.run(ask("a", "lose"))


def test_who_has_gone_away_holds_nobody_up():
    """A request that was given up in the middle of a turn: the others have their answers."""

    async def ask():
        begun, may_go = threading.Event(), threading.Event()

        def answer(questions):
            begun.set()
            may_go.wait(5)
            return questions

        gathering = Gathering(answer, lanes=1)
        gone, stays = (asyncio.create_task(gathering.ask(one)) for one in (1, 2))
        while not begun.is_set():  # noqa: ASYNC110  it is another thread that is waited for
            await asyncio.sleep(0.001)
        gone.cancel()
        may_go.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert 2 == asyncio.run(ask())


def test_who_asks_as_a_turn_ends_has_a_turn():
    """Before the loop has seen that the turn is over: else the last of a burst waits for ever."""

    async def ask():
        gathering = Gathering(lambda questions: [one + 1 for one in questions])
        async with asyncio.timeout(5):
            return [await gathering.ask(one) for one in (1, 2, 3)]

    assert [2, 3, 4] == asyncio.run(ask())
