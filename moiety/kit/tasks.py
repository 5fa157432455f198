"""Work beside the requests, on the event loop, for as long as a service runs."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any

import structlog

_PATIENCE = 10.0


@asynccontextmanager
async def beside(works: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run `works` until the end of this, each in a context of its own; they end first.

    Work that fell by itself is told in the log; work that does not end within ten seconds is left.
    """
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(one, context=Context()) for one in works]
    try:
        yield
    finally:
        await ended(tasks)


async def ended(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel tasks, wait for them and take what became of them."""
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
        task.add_done_callback(_told)
    if waiting:
        await asyncio.wait(waiting, timeout=_PATIENCE)


def _told(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        structlog.get_logger().error("work interrupted", error_kind=type(error).__name__)
