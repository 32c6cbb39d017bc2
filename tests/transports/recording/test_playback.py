"""Playback: each chunk at its time, other tasks in between, and the recorded end."""

from __future__ import annotations

import time

import anyio
import anyio.lowlevel
import httpx
import pytest
from streamfold.reducer import fold
from streamfold.transports import (
    APIConnectionError,
    RecordedChunk,
    RecordedError,
    RecordedResponse,
    Recording,
    ReplayTransport,
)
from streamfold.transports.recording import Pace, check_speed, playback

from tests.support.recordings import EXAMPLE, recorded
from tests.support.responses import close, read, read_each
from tests.support.shells import BODY, EVENTS, HALF, MESSAGE

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf")])
def test_a_speed_is_finite_and_not_negative(speed):
    with pytest.raises(ValueError, match=r"at least 0 \(0 = no delay\), got"):
        check_speed(speed)
    with pytest.raises(ValueError, match="speed must be finite"):
        Pace(speed)


async def test_chunks_come_at_their_times(shell):
    recording = Recording(
        [RecordedChunk(BODY[:9], 0.1), RecordedChunk(BODY[9:], 0.2)],
        response=RecordedResponse(at=0.05),
        duration=0.3,
    )
    for speed, times in ((1, [0.05, 0.1, 0.2, 0.3]), (2, [0.025, 0.05, 0.1, 0.15])):
        async with shell.client(transport=ReplayTransport(recording, speed=speed)) as client:
            start = time.monotonic()
            response = await client.send(EXAMPLE)
            came = [time.monotonic() - start]
            came += [time.monotonic() - start async for _ in read_each(shell, response)]
            came.append(time.monotonic() - start)
        for at, due in zip(came, times, strict=True):
            assert due - 0.005 <= at <= due + 5


def test_a_wait_that_takes_too_long_is_made_up_for_by_the_next(monkeypatch):
    class Clock:
        now, slept = 100.0, []

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.slept.append(seconds)
            self.now += seconds + 0.5  # it always oversleeps

    clock = Clock()
    monkeypatch.setattr(playback, "time", clock)
    pace = Pace(speed=2)
    for at in (0, 2, 3, 8):
        pace.wait(at)
    assert clock.slept == [1.0, 2.5]  # until 1.0 and 4.0; the time 1.5 had passed already


async def test_without_delay(shell):
    recording = Recording.of([RecordedChunk(BODY, 1e6)]).slow(2)
    async with shell.client(transport=ReplayTransport(recording)) as client:
        assert await read(shell, await client.send(EXAMPLE)) == [BODY]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_other_tasks_run_between_chunks(backend):
    async def read_all(client):
        async with client.stream("GET", "https://example.com") as response:
            async for piece in response.aiter_raw():
                order.append(piece)  # noqa: PERF401 (one by one)

    async def main():
        transport = ReplayTransport(Recording.of([b"a", b"b", b"c"]))
        async with (
            httpx.AsyncClient(transport=transport) as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(read_all, client)
            for _ in range(50):
                order.append("other")
                await anyio.lowlevel.checkpoint()

    order = []
    anyio.run(main, backend=backend)
    assert order.index(b"a") < order.index("other", order.index(b"a")) < order.index(b"c")


async def test_closing_a_replay_half_way_waits_for_nothing(shell):
    recording = Recording.of([HALF, RecordedChunk(b"x", 3600)])
    async with shell.client(transport=ReplayTransport(recording, speed=1)) as client:
        async with await client.open(EXAMPLE) as stream:
            await stream.__anext__()
        response = await client.send(EXAMPLE)
        await close(shell, response)
        assert response.is_closed


async def test_a_cut_recording_ends_as_a_lost_connection(shell):
    cut = recorded(BODY).cut(len(HALF))
    async with shell.client(transport=ReplayTransport(cut)) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="the recording was cut off here"):
            await read(shell, await client.send(EXAMPLE))
    with pytest.raises(APIConnectionError) as lost:
        await shell.replay(cut).until_done()
    assert lost.value.snapshot == fold(EVENTS[:4])
    whole = recorded(BODY).cut(len(BODY))  # the reader left when the message was over
    assert await shell.replay(whole).get_final_message() == MESSAGE


@pytest.mark.parametrize("name", ["OSError", "Client", "HTTPStatusError", "no name"])
async def test_an_error_that_httpx_does_not_have_is_a_read_error(shell, name):
    recording = recorded(b"a", ended="error", error=RecordedError(name, "why"))
    async with shell.client(transport=ReplayTransport(recording)) as client:
        with pytest.raises(httpx.ReadError, match=f"^{name}: why$"):
            await read(shell, await client.send(EXAMPLE))
