"""What asyncio and trio do differently, as far as closing and replaying a stream needs it.

Neither is imported before it runs: whoever reads a sync stream needs none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = ["Spawn", "shielded", "sleep", "spawner"]

T = TypeVar("T")
Step = Callable[[], Awaitable[T]]
Spawn = Callable[[Step[None]], None]

_tasks: set[Any] = set()
"""The tasks that were started here: an asyncio loop holds its tasks but weakly."""


def _asyncio_loop() -> asyncio.AbstractEventLoop | None:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _start(loop: asyncio.AbstractEventLoop, step: Step[T]) -> asyncio.Future[T]:
    import asyncio

    task = asyncio.ensure_future(step(), loop=loop)
    _tasks.add(task)
    task.add_done_callback(_done)
    return task


def _done(task: asyncio.Future[Any]) -> None:
    _tasks.discard(task)
    if not task.cancelled():
        task.exception()  # who waits for the task is told; that nobody does is no news


async def sleep(seconds: float) -> None:
    """Let other tasks run for so long; once at least."""
    if _asyncio_loop() is None:
        await sys.modules["trio"].sleep(seconds)
    else:
        import asyncio

        await asyncio.sleep(seconds)


async def shielded(step: Step[T]) -> T:
    """Await `step()`, which goes on to its end though this task is cancelled meanwhile.

    httpx shields what gives a connection back, but only from the cancel scopes of trio and anyio:
    `asyncio.Task.cancel` goes through those, and a connection that it catches half-way is lost to
    its pool, and never closed.
    """
    loop = _asyncio_loop()
    if loop is None:
        return await step()
    import asyncio

    return await asyncio.shield(_start(loop, step))


def spawner() -> Spawn | None:
    """What starts a task in the event loop that runs now, later and from anywhere; `None` if no
    loop runs.

    What is started when the loop is over, or about to be, may never run.
    """
    loop = _asyncio_loop()
    if loop is not None:

        def spawn_in_asyncio(step: Step[None]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_start, loop, step)

        return spawn_in_asyncio

    trio = sys.modules.get("trio")
    if trio is None or not trio.lowlevel.in_trio_run():
        return None
    token = trio.lowlevel.current_trio_token()

    def spawn_in_trio(step: Step[None]) -> None:
        def start() -> None:
            with suppress(RuntimeError):  # the loop takes no new tasks
                trio.lowlevel.spawn_system_task(step)

        with suppress(trio.RunFinishedError):
            token.run_sync_soon(start)

    return spawn_in_trio
