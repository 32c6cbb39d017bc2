"""A stream that makes no progress ends with `StalledStreamError`: while its reader waits, not only
when a byte arrives. A slow stream, and a slow reader, do not.
"""

from __future__ import annotations

import gc
import pickle
import threading
import time
from types import SimpleNamespace

import anyio
import httpx
import pytest
from streamfold.reducer import encode_sse
from streamfold.transports import (
    APITimeoutError,
    MessageStream,
    RecordedChunk,
    Recording,
    StalledStreamError,
    replay,
)
from streamfold.transports.interruption import interruption_of
from streamfold.transports.stalls import Watchdog

from tests.support.events import body
from tests.support.loopback import chunk, close, event_stream, hold, wait
from tests.support.shells import BODY, EVENTS, MESSAGE, NO_TLS

pytestmark = pytest.mark.anyio

PING = encode_sse([{"type": "ping"}])
HALF = [event_stream(BODY)[0], *(chunk(body(event)) for event in EVENTS[:4])]
"""The head and four events."""
STALL = 0.4
SOON = 5.0
"""Much longer than a stall takes to be found, and much shorter than the server has patience."""


def pings(seconds=0.05):
    """Send pings for ever, this far apart."""

    def step(connection):
        while not connection.stopping.wait(seconds):
            try:
                connection.socket.sendall(chunk(PING))
            except OSError:
                connection.socket.close()
                return

    return step


def watchers():
    """The threads that watch a stream; a thread that has to end gets a moment for it."""
    found = [thread for thread in threading.enumerate() if thread.name == "stall_timeout"]
    for thread in found:
        thread.join(0.2)
    return [thread for thread in found if thread.is_alive()]


async def read_all(shell, server, **options):
    """The error that reading to the end raises, and the seconds it took."""
    async with shell.client() as client:
        stream = await client.open(server, **options)
        begun = time.monotonic()
        with pytest.raises(StalledStreamError) as raised:
            async for _ in stream:
                pass
        return raised.value, time.monotonic() - begun


# --- stalls --------------------------------------------------------------------------------------


async def test_a_server_that_pings_for_ever(shell, server):
    server.answer([*HALF, pings()])
    error, seconds = await read_all(shell, server, stall_timeout=STALL)
    assert STALL <= seconds < SOON
    assert isinstance(error, APITimeoutError)
    assert error.snapshot.message.content[0].text == "Grüß dich"
    assert error.timing.events == 4
    assert error.timing.pings > 0
    assert error.timing.duration - error.timing.last_event >= STALL * 0.9
    assert str(error).startswith(
        "expected progress within 0.4 s (stall_timeout), but 4 events came, the last at 0.0 s, and "
    )
    assert str(error).endswith("send the request again, or give a longer stall_timeout")
    server.wait_closed()
    assert watchers() == []


async def test_it_fires_while_the_reader_waits(shell, server):
    """Between two pings, and with no byte at all."""
    server.answer([*HALF, pings(0.25)], [*HALF, hold])
    for _ in range(2):
        error, seconds = await read_all(shell, server, stall_timeout=0.6)
        assert 0.6 <= seconds < SOON
        assert error.timing.events == 4
    server.wait_closed()


@pytest.mark.parametrize("read", ["until_done", "get_final_message", "get_final_text"])
async def test_in_every_way_of_reading(shell, server, read):
    server.answer([*HALF, pings()])
    async with shell.client() as client:
        stream = await client.open(server, stall_timeout=STALL)
        for _ in range(2):
            with pytest.raises(StalledStreamError):
                await getattr(stream, read)()
    server.wait_closed()


async def test_before_the_first_event(shell, server):
    server.answer([event_stream(BODY)[0], pings()])
    error, _ = await read_all(shell, server, stall_timeout=STALL)
    assert error.snapshot.message is None
    assert "but no event came, and " in str(error)


async def test_a_body_that_ends_with_its_connection(shell, server):
    """Shutting such a socket down looks like the end of the body."""
    server.answer(
        [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", body(EVENTS[0]), hold]
    )
    error, _ = await read_all(shell, server, stall_timeout=STALL)
    assert error.timing.events == 1


async def test_httpx_may_notice_first(shell, server):
    """A read timeout of httpx is a stall, if the stream made no progress for that long."""
    server.answer([*HALF, hold], [*HALF, hold])
    async with shell.client(timeout=0.3) as client:
        stream = await client.open(server, stall_timeout=0.3)
        with pytest.raises(StalledStreamError):
            await stream.until_done()
        stream = await client.open(server, stall_timeout=60)
        with pytest.raises(APITimeoutError) as raised:
            await stream.until_done()
        assert not isinstance(raised.value, StalledStreamError)


# --- no stalls -----------------------------------------------------------------------------------


async def test_a_slow_stream_that_makes_progress(shell, server):
    steps = [step for event in EVENTS for step in (wait(0.15), chunk(body(event)))]
    server.answer([event_stream(BODY)[0], *steps, chunk(b"")])
    async with shell.client() as client:
        stream = await client.open(server, stall_timeout=1.0)
        assert await stream.get_final_message() == MESSAGE
        assert stream.timing.duration > 1.0
    assert watchers() == []


async def test_a_slow_reader(shell, server):
    server.answer(event_stream(BODY, chunks=40))
    async with shell.client() as client:
        stream = await client.open(server, stall_timeout=0.3)
        await stream.__anext__()
        time.sleep(0.5)
        await stream.__anext__()
        time.sleep(0.5)
        assert await stream.get_final_message() == MESSAGE


async def test_a_stream_that_is_over_does_not_stall(shell, server):
    server.answer([event_stream(BODY)[0], chunk(BODY), hold])
    async with shell.client() as client:
        stream = await client.open(server, stall_timeout=STALL)
        assert await stream.get_final_message() == MESSAGE


def test_a_replay_that_sleeps_stalls():
    recording = Recording([RecordedChunk(body(*EVENTS[:4]), 0.0), RecordedChunk(PING, 60.0)])
    stream = replay(recording, speed=1, stall_timeout=STALL)
    begun = time.monotonic()
    with pytest.raises(StalledStreamError):
        stream.until_done()
    assert time.monotonic() - begun < SOON


async def test_a_lost_connection_is_not_a_stall(shell, server):
    server.answer([*HALF, close])
    async with shell.client() as client:
        stream = await client.open(server, stall_timeout=60)
        with pytest.raises(Exception, match="connection was lost") as raised:
            await stream.until_done()
        assert not isinstance(raised.value, APITimeoutError)


async def test_closing_ends_the_watch(shell, server):
    server.answer([*HALF, hold])
    async with shell.client() as client:
        stream = await client.open(server, stall_timeout=0.2)
        await stream.__anext__()
        await stream.close()
        assert watchers() == []


def test_dropping_ends_the_watch(server):
    server.answer([*HALF, hold])
    with httpx.Client(verify=NO_TLS) as client:
        request = client.build_request("POST", server.url)
        stream = MessageStream(client.send(request, stream=True), stall_timeout=30)
        next(stream)
        assert len(watchers()) == 1
        del stream
        gc.collect()
        server.wait_closed()
    assert watchers() == []


# --- other sources -------------------------------------------------------------------------------


async def test_chunks_that_are_no_response(shell):
    """An async source is interrupted; a stall of a sync one is found when its next bytes arrive."""

    def endless():
        yield body(*EVENTS[:2])
        while True:
            time.sleep(0.02)
            yield PING

    stream = shell.stream(endless(), stall_timeout=0.2)
    with pytest.raises(StalledStreamError) as raised:
        await stream.until_done()
    assert raised.value.timing.events == 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_source_that_says_nothing(backend):
    from streamfold.transports import AsyncMessageStream

    class Silent:
        def __aiter__(self):
            return self

        async def __anext__(self):
            await anyio.sleep_forever()

    async def main():
        with pytest.raises(StalledStreamError):
            await AsyncMessageStream(Silent(), stall_timeout=0.1).until_done()

    anyio.run(main, backend=backend)


async def test_a_source_that_times_out_by_itself(shell):
    def failing():
        yield body(EVENTS[0])
        raise TimeoutError("mine")

    stream = shell.stream(failing(), stall_timeout=30)
    with pytest.raises(APITimeoutError, match="mine") as raised:
        await stream.until_done()
    assert not isinstance(raised.value, StalledStreamError)


def test_a_connection_that_others_share_is_not_shut_down():
    sockets = SimpleNamespace(get_extra_info=lambda name: None)
    shared = {"network_stream": sockets, "http_version": b"HTTP/2"}
    assert interruption_of(SimpleNamespace(extensions=shared)) is None
    assert interruption_of(httpx.Response(200)) is None
    assert interruption_of([b""]) is None


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_cannot_be(seconds):
    with pytest.raises(ValueError, match="stall_timeout must be seconds, finite and above 0"):
        MessageStream([], stall_timeout=seconds)


def test_the_error_pickles():
    with pytest.raises(StalledStreamError) as raised:
        MessageStream(iter_slowly(), stall_timeout=0.01).until_done()
    copied = pickle.loads(pickle.dumps(raised.value))
    assert (copied.timing, str(copied)) == (raised.value.timing, str(raised.value))


def iter_slowly():
    for _ in range(3):
        time.sleep(0.02)
        yield PING


def test_no_thread_keeps_the_interpreter_alive():
    timer = SimpleNamespace(timeout=60.0, left=lambda: 60.0)
    watchdog = Watchdog(iter([b"x"]), timer, lambda: None)
    before = set(threading.enumerate())
    assert next(watchdog) == b"x"
    started = set(threading.enumerate()) - before
    (thread,) = (each for each in started if each.name == "stall_timeout")
    assert thread.daemon
    watchdog.close()
    thread.join()
