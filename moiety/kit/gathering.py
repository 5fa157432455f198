"""Questions of one kind that come at once are answered together, in one thread.

A question that goes its own way to a thread, a connection and a commit pays for all three, and with
many at once the threads pay again for the interpreter lock that they hand to one another.  Here the
first one begins; whoever comes meanwhile waits on the event loop and shares the next turn.  Nobody
waits for a turn to fill.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from anyio.to_thread import run_sync

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Gathering(Generic[Asked, Answer]):
    """The questions of one process; for one event loop.

    `answer` takes the questions of a turn, in the order in which they came, and returns an answer
    or an error for each; what it raises is raised to all of them.  It runs in a thread; `lanes` of
    them at once, so that one turn computes while another waits for the disk.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Asked]], Sequence[Answer | Exception]],
        *,
        most: int = 64,
        lanes: int = 1,
    ) -> None:
        self._answer = answer
        self._most = most
        self._lanes = lanes
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()
        self._turns: set[asyncio.Task[None] | None] = set()

    async def ask(self, question: Asked) -> Answer:
        """The answer to one question.  Raises its error."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if len(self._turns) < self._lanes:
            # A context of its own: a turn is not that request's which came first.
            self._turns.add(asyncio.create_task(self._take_turns(), context=Context()))
        return await answer

    async def _take_turns(self) -> None:
        try:
            await self._take_all()
        finally:
            # At once, and not when the loop tells that the task is done: who asked in between would
            # find a lane taken in which nobody works any more, and wait for ever.
            self._turns.discard(asyncio.current_task())

    async def _take_all(self) -> None:
        while self._waiting:
            number = min(self._most, len(self._waiting))
            turn = [self._waiting.popleft() for _ in range(number)]
            try:
                found = await run_sync(self._answer, [question for question, _ in turn])
                answers = list(zip(turn, found, strict=True))
            except Exception as error:  # noqa: BLE001  whoever waits must be told, whatever it is
                answers = [(one, error) for one in turn]
            for (_, waits), answer in answers:
                _settle(waits, answer)


def _settle(waits: "asyncio.Future[Answer]", answer: Answer | Exception) -> None:
    if waits.done():
        return  # its request has gone away
    if isinstance(answer, Exception):
        waits.set_exception(answer)
    else:
        waits.set_result(answer)
