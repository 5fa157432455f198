"""Refusals leave at whole steps; every other answer at once."""

import asyncio
import time

from linkage_vault.even_answers import EvenAnswers

STEP = 0.05
PATHS = frozenset({"/resolve"})


def served(status, *, work=0.0, step=STEP, path="/resolve"):
    """How long an answer took, and the messages that were sent."""
    sent = []

    async def app(_scope, _receive, send):
        await asyncio.sleep(work)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    async def send(message):
        sent.append(message)

    async def run():
        started = time.perf_counter()
        scope = {"type": "http", "path": path}
        await EvenAnswers(app, step=step, paths=PATHS)(scope, None, send)
        return time.perf_counter() - started

    return asyncio.run(run()), sent


def test_a_refusal_takes_a_whole_number_of_steps():
    """However long the work was: one step, or two."""
    for work, steps in ((0.0, 1), (0.02, 1), (0.06, 2)):
        took, _ = served(403, work=work)
        assert steps * STEP <= took < steps * STEP + 0.02


def test_other_answers_and_other_doors_go_at_once():
    """200 and 503 tell what they tell; the control without steps shows the work."""
    for took, _ in (
        served(200),
        served(503),
        served(403, path="/other"),
        served(403, step=0.0),
    ):
        assert took < STEP / 2


def test_every_part_of_an_answer_arrives_once_in_order():
    """Held back, not rewritten."""
    for status in (200, 403):
        _, sent = served(status)
        assert status == sent[0]["status"]
        assert [b"a", b"b"] == [message["body"] for message in sent[1:]]
