"""Tasks of asyncio and trio that outlive the task that started them."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading

import anyio
import pytest
import trio
import trio.testing
from streamfold.transports.event_loops import briefly, shielded, spawner

RUN = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def test_there_is_nothing_to_spawn_in_without_an_event_loop():
    assert spawner() is None


@RUN
def test_a_task_can_be_spawned_from_another_thread(backend):
    async def main():
        done = anyio.Event()
        spawn = spawner()

        async def step():
            done.set()

        threading.Thread(target=spawn, args=[step]).start()
        with anyio.fail_after(30):
            await done.wait()

    anyio.run(main, backend=backend)


@RUN
def test_spawning_after_the_end_of_the_loop_does_nothing(backend):
    async def main():
        return spawner()

    async def step():
        raise AssertionError("it runs after its loop")

    anyio.run(main, backend=backend)(step)


def test_spawning_when_trio_accepts_no_new_tasks_does_nothing(monkeypatch):
    def refuse(*_):
        raise RuntimeError("Nursery is closed to new arrivals")

    async def step():
        raise AssertionError("it runs in a closed nursery")

    async def main():
        monkeypatch.setattr(trio.lowlevel, "spawn_system_task", refuse)
        spawner()(step)
        await trio.testing.wait_all_tasks_blocked()

    trio.run(main)


def test_a_shielded_step_goes_on_when_its_task_is_cancelled():
    finished = []

    async def step():
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        finished.append(True)

    async def main():
        task = asyncio.create_task(shielded(step))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert finished == []
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert finished == [True]


@RUN
def test_a_step_that_takes_too_long_has_ended_when_the_wait_is_over(backend):
    ended = []

    async def step():
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(True)

    async def main():
        await briefly(0.01, step)
        assert ended == [True]

    anyio.run(main, backend=backend)


@RUN
def test_the_result_and_the_exception_of_a_shielded_step_reach_its_task(backend):
    async def succeed():
        return 7

    async def fail():
        raise ZeroDivisionError

    async def main():
        assert await shielded(succeed) == 7
        with pytest.raises(ZeroDivisionError):
            await shielded(fail)

    anyio.run(main, backend=backend)


def test_the_exception_of_a_spawned_task_is_dropped(caplog):
    async def fail():
        raise ZeroDivisionError

    async def main():
        spawner()(fail)
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    gc.collect()
    assert caplog.records == []


def test_a_sync_stream_imports_no_event_loop():
    code = (
        "import sys; from streamfold.transports import replay; before = set(sys.modules);"
        "list(replay(b'', allow_incomplete=True));"
        "print(sorted({'asyncio', 'trio'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
