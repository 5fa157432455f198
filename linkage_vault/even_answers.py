"""Refusals leave at fixed steps of time, so that how long one took says nothing.

Work that is the same for unknown, refused and erased takes nearly the same time, and nearly is
enough for somebody who asks ten thousand times.  So such an answer is held back until a whole
number of steps has passed since its request came in.  The wait holds no thread and no connection.
"""

import asyncio
import math
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HELD = frozenset({403, 404})


class EvenAnswers:
    """ASGI middleware over some paths; `step` in seconds, 0 for none.

    An answer of another status goes out at once: it tells what it tells by its status.
    """

    def __init__(self, app: ASGIApp, *, step: float, paths: frozenset[str]) -> None:
        self.app = app
        self.step = step
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not self.step or scope["type"] != "http" or scope["path"] not in self.paths:
            await self.app(scope, receive, send)
            return
        came = time.perf_counter()
        held: list[Message] = []

        async def hold(message: Message) -> None:
            is_start = message["type"] == "http.response.start"
            if held or (is_start and message["status"] in _HELD):
                held.append(message)
            else:
                await send(message)

        await self.app(scope, receive, hold)
        if held:
            await _until_the_next(self.step, came)
            for message in held:
                await send(message)


async def _until_the_next(step: float, came: float) -> None:
    """Wait until a whole number of steps has passed since `came`.

    A loop's timers are good to a millisecond, which would leave the rest of it to be seen: the last
    of the wait is spent looking at the clock.
    """
    passed = time.perf_counter() - came
    end = came + math.ceil(passed / step) * step
    await asyncio.sleep(max(0.0, end - time.perf_counter() - 0.002))
    while time.perf_counter() < end:  # noqa: ASYNC110  there is no event to wait for but the clock
        await asyncio.sleep(0)
