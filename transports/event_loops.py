"""The differences between asyncio and trio in waiting for a stream and closing it.

Neither is imported before it runs, so that a sync stream imports neither.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = ["Spawn", "briefly", "shielded", "spawner", "within"]

T = TypeVar("T")
Step = Callable[[], Awaitable[T]]
Spawn = Callable[[Step[None]], None]
"""Starts a task that runs a step, from any thread."""

_tasks: set[Any] = set()
"""The running tasks that were started here, because an asyncio loop keeps only weak references."""


def _asyncio_loop() -> asyncio.AbstractEventLoop | None:
    """The asyncio loop that runs in this thread."""
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
        # An exception reaches the awaiting task; without one it is dropped. Reading it here keeps
        # asyncio from logging "exception was never retrieved".
        task.exception()


async def shielded(step: Step[T]) -> T:
    """Await a step that runs to its end even if this task is cancelled.

    httpx shields the code that gives a connection back, but only from the cancel scopes of trio and
    anyio. `asyncio.Task.cancel` passes through those, and a connection cancelled half-way is lost
    to its pool and never closed.

    Args:
        step: a function without arguments that returns an awaitable.
    """
    loop = _asyncio_loop()
    if loop is None:
        return await step()
    import asyncio

    return await asyncio.shield(_start(loop, step))


async def briefly(seconds: float, step: Step[object]) -> None:
    """Await a step for some seconds at most. Its result and its errors are dropped.

    A step that takes longer is cancelled. If this task is cancelled, the step goes on: see
    `shielded`.

    Args:
        seconds: the longest time that it may take.
        step: a function without arguments that returns an awaitable.
    """
    loop = _asyncio_loop()
    if loop is None:
        with sys.modules["trio"].move_on_after(seconds), suppress(Exception):
            await step()
        return
    import asyncio

    task = _start(loop, step)
    _, late = await asyncio.wait({task}, timeout=seconds)
    if late:
        task.cancel()
        await asyncio.wait({task})


async def within(seconds: float, step: Step[T]) -> T:
    """Await a step that is cancelled when it takes too long.

    Args:
        seconds: the longest time that it may take.
        step: a function without arguments that returns an awaitable.

    Raises:
        TimeoutError: it took longer.
    """
    if _asyncio_loop() is not None:
        import asyncio

        try:
            return await asyncio.wait_for(step(), seconds)
        except asyncio.TimeoutError as error:  # a class of its own before Python 3.11
            raise TimeoutError(*error.args) from error
    with sys.modules["trio"].move_on_after(seconds):
        return await step()
    raise TimeoutError


def spawner() -> Spawn | None:
    """A function that starts tasks in the running event loop, later and from any thread.

    A task started while the loop ends, or after that, may not run.

    Returns:
        The function, or `None` if no event loop runs.
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
            with suppress(RuntimeError):  # the loop accepts no new tasks
                trio.lowlevel.spawn_system_task(step)

        with suppress(trio.RunFinishedError):
            token.run_sync_soon(start)

    return spawn_in_trio
