"""Streams over real connections that are cut at every byte, slow, silent or compressed."""

from __future__ import annotations

import threading

import httpx
import pytest
from streamfold.reducer import IncompleteStreamError, StreamState, feed, fold
from streamfold.transports import APIConnectionError, APITimeoutError

from tests.support.cut_bodies import check, data_in, events_in, read
from tests.support.effort import is_thorough
from tests.support.events import body, end, message_start, text_block
from tests.support.loopback import close, event_stream, head, hold, reset, response, wait_for
from tests.support.shells import BODY, EVENTS, HALF, MESSAGE

pytestmark = pytest.mark.anyio

SHORT = body(message_start(), *text_block(0, "Grüße 😀"), *end())
HEAD, *CHUNKS = event_stream(SHORT, chunks=150)
FRAMES = b"".join(CHUNKS)
EACH = 1 if is_thorough() else 3
"""The distance of the places where a body is cut, in bytes."""


def test_the_received_part_of_a_body_is_computed():
    assert data_in(FRAMES) == SHORT
    assert data_in(FRAMES[: len(CHUNKS[0]) + 10]) == SHORT[:156]
    assert len(events_in(SHORT)) == 6


@pytest.mark.thorough
async def test_cut_inside_the_chunked_encoding(shell, server):
    cuts = range(0, len(FRAMES), EACH)
    server.answer(*([HEAD, FRAMES[:cut], close] for cut in cuts))
    async with shell.client() as client:
        for cut in cuts:
            async with await client.open(server) as stream:
                received = data_in(FRAMES[:cut])
                events, error = await read(stream)
                check(received, events, error, stream)
                assert (error is None) == (received == SHORT)
                assert error is None or type(error) is APIConnectionError
    server.wait_closed()


@pytest.mark.thorough
async def test_cut_where_the_connection_is_the_end(shell, server):
    cuts = [*range(0, len(SHORT), EACH), len(SHORT)]
    plain = head(200, {"content-type": "text/event-stream", "connection": "close"})
    server.answer(*([plain, SHORT[:cut], close] for cut in cuts))
    async with shell.client() as client:
        for cut in cuts:
            async with await client.open(server) as stream:
                events, error = await read(stream)
                check(SHORT[:cut], events, error, stream)
                assert error is None or type(error) is IncompleteStreamError
    server.wait_closed()


async def test_reset(shell, server):
    """A reset drops unread bytes, so the server waits until all complete events were read."""
    cuts = {cut: threading.Event() for cut in range(0, len(FRAMES), 3)}
    server.answer(*([HEAD, FRAMES[:cut], wait_for(cuts[cut]), reset] for cut in cuts))
    async with shell.client() as client:
        for cut, go_on in cuts.items():
            async with await client.open(server) as stream:
                received = data_in(FRAMES[:cut])
                first = [await stream.__anext__() for _ in feed(StreamState(), received)[1]]
                go_on.set()
                rest, error = await read(stream)
                check(received, first + rest, error, stream)
                assert error is None or type(error) is APIConnectionError
    server.wait_closed()


@pytest.mark.parametrize("cut", range(1, len(EVENTS)))
async def test_cut_without_events(shell, server, cut):
    received = body(*EVENTS[:cut])
    server.answer([*event_stream(received)[:-1], close])
    async with shell.client() as client, await client.open(server) as stream:
        with pytest.raises(APIConnectionError, match="connection was lost") as caught:
            await stream.get_final_message()
        assert caught.value.snapshot == fold(EVENTS[:cut])
        assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)
        with pytest.raises(APIConnectionError) as again:
            await stream.get_final_text()
        assert again.value is caught.value


@pytest.mark.parametrize("break_off", [close, reset])
async def test_a_message_that_is_over_when_the_connection_breaks_is_whole(shell, server, break_off):
    for read_it in ("get_final_message", "until_done"):
        go_on = threading.Event()
        server.answer([*event_stream(BODY)[:-1], wait_for(go_on), break_off])
        async with shell.client() as client, await client.open(server) as stream:
            assert [await stream.__anext__() for _ in feed(StreamState(), BODY)[1]]
            go_on.set()
            await getattr(stream, read_it)()
            assert stream.current_message_snapshot == MESSAGE


async def test_a_broken_connection_is_an_error_though_incomplete_is_allowed(shell, server):
    server.answer([*event_stream(HALF)[:-1], close])
    async with shell.client() as client:
        stream = await client.open(server, allow_incomplete=True)
        with pytest.raises(APIConnectionError):
            await stream.until_done()


# --- slow -----------------------------------------------------------------------------------------


async def test_one_byte_per_chunk(shell, server):
    server.answer(event_stream(BODY, chunks=1))
    async with shell.client() as client, await client.open(server) as stream:
        assert (await read(stream)) == (list(feed(StreamState(), BODY)[1]), None)


async def test_events_are_handed_out_as_they_arrive(shell, server):
    """The server sends an event only after all events before it were handed out."""
    handed_out = [threading.Event() for _ in EVENTS]
    steps = [HEAD]
    for event, gate in zip(EVENTS, handed_out, strict=True):
        steps += [event_stream(body(event))[1], wait_for(gate)]
    server.answer([*steps, CHUNKS[-1]])
    snapshot = StreamState()
    async with shell.client() as client, await client.open(server) as stream:
        for event, gate in zip(EVENTS, handed_out, strict=True):
            snapshot, derived = feed(snapshot, body(event))
            for expected in derived:
                assert await stream.__anext__() == expected
            gate.set()
        assert await stream.get_final_message() == MESSAGE


async def test_silent_until_the_read_times_out(shell, server):
    server.answer([*event_stream(HALF)[:-1], hold])
    for consume in ("get_final_message", "get_final_text", "until_done", "__anext__"):
        async with shell.client(timeout=httpx.Timeout(10, read=0.1)) as client:
            stream = await client.open(server)
            for _ in feed(StreamState(), HALF)[1]:
                await stream.__anext__()
            with pytest.raises(APITimeoutError) as caught:
                await getattr(stream, consume)()
            assert caught.value.snapshot == fold(EVENTS[:4])
            assert isinstance(caught.value.__cause__, httpx.ReadTimeout)
            server.wait_closed()


async def test_silent_after_the_message_is_over(shell, server):
    server.answer([*event_stream(BODY)[:-1], hold])
    async with shell.client(timeout=httpx.Timeout(10, read=0.1)) as client:
        assert await (await client.open(server)).get_final_message() == MESSAGE
        server.wait_closed()


# --- compressed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 10, 10_000])
async def test_gzip(shell, server, size):
    server.answer(event_stream(BODY, chunks=size, compress=True))
    async with shell.client() as client, await client.open(server) as stream:
        assert server.requests[0].headers["accept-encoding"].startswith("gzip")
        assert (await read(stream)) == (list(feed(StreamState(), BODY)[1]), None)


async def test_gzip_that_is_cut_off(shell, server):
    steps = event_stream(BODY, chunks=10, compress=True)
    server.answer(*([*steps[:cut], steps[-1]] for cut in range(1, len(steps) - 1)))
    async with shell.client() as client:
        for _ in range(1, len(steps) - 1):
            async with await client.open(server) as stream:
                events, error = await read(stream)
                expected = list(feed(StreamState(), BODY)[1])
                assert events == expected[: len(events)]
                is_complete = "message_delta" in [event.type for event in events]
                assert (error is None) == is_complete


# trio warns because httpx drops its inner generators half-way when the decoder fails
@pytest.mark.filterwarnings("ignore:Async generator .* was garbage collected:ResourceWarning")
async def test_a_body_that_is_not_gzip_as_announced(shell, server):
    server.answer(event_stream(BODY, headers={"content-encoding": "gzip"}))
    async with shell.client() as client, await client.open(server) as stream:
        with pytest.raises(APIConnectionError) as caught:
            await stream.until_done()
        assert isinstance(caught.value.__cause__, httpx.DecodingError)
        server.wait_closed()


async def test_a_body_of_known_length_that_is_cut(shell, server):
    whole = response(200, BODY, "text/event-stream")[0]
    server.answer([whole[:-300], close], [whole])
    async with shell.client() as client:
        with pytest.raises(APIConnectionError):
            await (await client.open(server)).get_final_message()
        assert await (await client.open(server)).get_final_message() == MESSAGE
