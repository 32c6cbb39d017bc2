"""`RecordingTransport`: the answer of a real server is passed on, and written as it came."""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from streamfold.reducer import fold
from streamfold.transports import (
    APIConnectionError,
    RecordedError,
    Recording,
    RecordingTransport,
    ReplayTransport,
)

from tests.support.loopback import api_error, close, event_stream, hold, reset, wait, wait_for
from tests.support.recordings import EXAMPLE
from tests.support.responses import close as close_response
from tests.support.responses import read, read_each, sent
from tests.support.shells import BODY, EVENTS, HALF, KEY, MESSAGE, TIMEOUT

pytestmark = pytest.mark.anyio

PIECES = [BODY[at : at + 37] for at in range(0, len(BODY), 37)]  # characters are cut, too


@pytest.fixture
def path(tmp_path):
    return tmp_path / "turn.jsonl"


@asynccontextmanager
async def recording(shell, path, **options):
    """A client that records its answers at `path`."""
    secrets = options.pop("secrets", ())
    kind = httpx.HTTPTransport if shell.is_sync else httpx.AsyncHTTPTransport
    transport = RecordingTransport(kind(verify=False), path, secrets=secrets)
    async with shell.client(transport=transport, **options) as client:
        yield client


async def test_every_chunk_is_passed_on_as_it_comes_and_recorded_as_it_came(shell, server, path):
    was_read = [threading.Event() for _ in PIECES]
    head, *chunks = event_stream(BODY, chunks=PIECES)
    steps = [wait_for(event) for event in was_read]
    # each chunk is sent when the one before was read, so that none are joined on the way
    server.answer(
        [head, *itertools.chain.from_iterable(zip(chunks, [*steps, wait(0)], strict=True))]
    )
    async with recording(shell, path) as client:
        response = await client.send(server)
        got = []
        async for piece in read_each(shell, response):
            assert not path.exists()  # the server still sends
            got.append(piece)
            was_read[len(got) - 1].set()
    made = Recording.load(path)
    assert [piece.data for piece in made.chunks] == got == PIECES
    assert (made.ended, made.error) == ("complete", None)
    assert os.listdir(path.parent) == ["turn.jsonl"]


async def test_the_request_and_the_head_of_the_response_are_recorded(shell, server, path):
    server.answer(event_stream(BODY, headers={"via": "1", "Via": "2"}))
    async with recording(shell, path) as client:
        stream = await client.open(server)
        assert await stream.get_final_message() == MESSAGE
    made = Recording.load(path)
    assert (made.request.method, made.request.url) == ("POST", f"{server.url}/v1/messages")
    assert made.request.body == {"stream": True}
    headers = {name.lower(): value for name, value in made.request.headers}
    assert headers["x-api-key"] == headers["authorization"] == "[secret]"
    assert headers["accept-encoding"] == server.requests[0].headers["accept-encoding"] == "identity"
    assert made.response.status == 200
    assert ("via", "1") in made.response.headers
    assert ("request-id", "req_loopback") in made.response.headers
    assert 0 < made.response.at <= made.chunks[0].at <= made.duration


async def test_the_duration_ends_with_the_body(shell, path):
    """A body may end long after its last chunk."""

    class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self):
            yield BODY
            time.sleep(0.05)

        async def __aiter__(self):
            yield BODY
            await anyio.sleep(0.05)

    answer = httpx.MockTransport(lambda request: httpx.Response(200, stream=Body()))
    async with shell.client(transport=RecordingTransport(answer, path)) as client:
        await read(shell, await client.send(EXAMPLE))
    made = Recording.load(path)
    assert made.chunks[-1].at + 0.05 <= made.duration


async def test_no_secret_reaches_a_file(shell, server, tmp_path):
    server.answer(
        api_error(401, "authentication_error", f"invalid x-api-key: {KEY}"),
        event_stream(BODY, headers={"set-cookie": f"session={KEY}"}, chunks=9),
    )
    path = tmp_path / "turn.jsonl"
    async with recording(shell, path, secrets=["x-mine"], cookies={"session": KEY}) as client:
        for _ in range(2):
            response = await client.send(server, {"x-mine": KEY, "proxy-authorization": KEY})
            assert await read(shell, response)
    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert sorted(written) == ["turn-2.jsonl", "turn.jsonl"]
    for name, data in written.items():
        assert KEY.encode() not in data
        assert KEY.encode() not in Recording.load(tmp_path / name).body
    assert KEY in server.requests[0].headers.values()  # it was sent


async def test_several_answers_are_several_files(shell, server, path):
    server.answer(api_error(529, "overloaded_error"), event_stream(HALF), event_stream(BODY))
    async with recording(shell, path) as client:
        for _ in range(3):
            response = await client.send(server)
            assert await read(shell, response)
    made = [Recording.load(path.with_name(f"turn{number}.jsonl")) for number in ("", "-2", "-3")]
    assert [each.response.status for each in made] == [529, 200, 200]
    assert [each.body for each in made[1:]] == [HALF, BODY]


async def test_leaving_a_stream_early_records_the_part_that_came(shell, server, path):
    server.answer([*event_stream(BODY, chunks=[HALF])[:2], hold])
    async with recording(shell, path) as client:
        async with await client.open(server) as stream:
            await stream.__anext__()
        assert (Recording.load(path).body, Recording.load(path).ended) == (HALF, "cut")
        server.wait_closed()


async def test_a_failing_reader_leaves_the_part_that_came(shell, server, path):
    server.answer([*event_stream(BODY, chunks=[HALF])[:2], hold])

    async def fail():
        async with recording(shell, path) as client, await client.open(server) as stream:
            async for _ in stream:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert (Recording.load(path).body, Recording.load(path).ended) == (HALF, "cut")


async def test_a_stream_that_was_never_read(shell, server, path):
    server.answer([*event_stream(BODY, chunks=[HALF])[:2], hold])
    async with recording(shell, path) as client:
        await close_response(shell, await client.send(server))
        assert (Recording.load(path).chunks, Recording.load(path).ended) == ((), "cut")


async def test_a_stream_that_is_open_when_the_client_is_closed(shell, server, path):
    server.answer([*event_stream(BODY, chunks=[HALF])[:2], hold])
    async with recording(shell, path) as client:
        stream = await client.open(server)
        await stream.__anext__()
        assert not path.exists()
    assert (Recording.load(path).body, Recording.load(path).ended) == (HALF, "cut")
    await stream.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_reader_leaves_the_part_that_came(backend, server, path):
    server.answer([*event_stream(BODY, chunks=[HALF])[:2], hold])

    async def main():
        transport = RecordingTransport(httpx.AsyncHTTPTransport(verify=False), path)
        with anyio.CancelScope() as scope:
            async with (
                httpx.AsyncClient(transport=transport, timeout=TIMEOUT) as client,
                client.stream("POST", server.url) as response,
            ):
                async for _ in response.aiter_raw():
                    scope.cancel()
        assert scope.cancelled_caught

    anyio.run(main, backend=backend)
    assert (Recording.load(path).body, Recording.load(path).ended) == (HALF, "cut")


FAULTS = {
    "RemoteProtocolError": [close],
    "ReadError": [reset],
    "ReadTimeout": [hold],
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_failing_connection_fails_again_in_the_replay(shell, server, path, name):
    passed_on = threading.Event()
    steps = [*event_stream(BODY, chunks=[HALF])[:2], wait_for(passed_on), wait(0.1)]
    server.answer([*steps, *FAULTS[name]])
    async with recording(shell, path, timeout=httpx.Timeout(60, read=0.3)) as client:
        response = await client.send(server)
        passed_on.set()
        with pytest.raises(getattr(httpx, name)) as first:
            await read(shell, response)
    made = Recording.load(path)
    assert (made.body, made.ended) == (HALF, "error")
    assert made.error == RecordedError(name, str(first.value))
    async with shell.client(transport=ReplayTransport(path)) as client:
        with pytest.raises(getattr(httpx, name)) as second:
            await read(shell, await client.send(server))
        assert str(second.value) == str(first.value)
        assert second.value.request.url == f"{server.url}/v1/messages"
        stream = await client.open(server)
        with pytest.raises(APIConnectionError) as lost:
            await stream.until_done()
        assert lost.value.snapshot == fold(EVENTS[:4])


async def test_a_request_without_an_answer_is_not_recorded(shell, server, path):
    server.answer([close], event_stream(BODY))
    async with recording(shell, path) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.send(server)
        assert await read(shell, await client.send(server))
    assert Recording.load(path).body == BODY
    assert os.listdir(path.parent) == ["turn.jsonl"]


async def test_a_compressed_answer_is_recorded_decompressed(shell, server, path):
    server.answer(event_stream(BODY, compress=True, chunks=30))
    async with recording(shell, path) as client:
        assert await (await client.open(server)).get_final_message() == MESSAGE
    assert Recording.load(path).body == BODY
    async with shell.client(transport=ReplayTransport(path)) as client:
        assert await (await client.open(server)).get_final_message() == MESSAGE
    assert await shell.replay(path).get_final_message() == MESSAGE


async def test_other_transports_can_be_recorded(shell, path):
    """Their responses may come in one piece, and be read already."""
    inner = httpx.MockTransport(lambda request: httpx.Response(200, content=request.content * 2))
    async with shell.client(transport=RecordingTransport(inner, path)) as client:
        response = await sent(shell, client.http.post("https://example.com/", content=b"half"))
        assert response.content == b"halfhalf"
    made = Recording.load(path)
    assert (made.request.content, made.body, made.ended) == (b"half", b"halfhalf", "complete")
    assert made.request.body is None


async def test_empty_chunks_are_not_recorded(shell, path):
    class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self):
            yield from (b"", b"a", b"", b"b")

        async def __aiter__(self):
            for piece in self:
                yield piece

    inner = httpx.MockTransport(lambda request: httpx.Response(200, stream=Body()))
    async with shell.client(transport=RecordingTransport(inner, path)) as client:
        response = await sent(shell, client.http.get("https://example.com/"))
        assert response.content == b"ab"
    assert [piece.data for piece in Recording.load(path).chunks] == [b"a", b"b"]


async def test_a_file_that_cannot_be_written_raises_and_closes_the_connection(shell, server, path):
    server.answer([*event_stream(BODY, chunks=[HALF])[:2], hold])
    path.mkdir()
    async with recording(shell, path) as client:
        response = await client.send(server)
        with pytest.raises(OSError, match="turn"):
            await close_response(shell, response)
        server.wait_closed()


def test_arguments_that_are_refused(path):
    with pytest.raises(ValueError, match=r"must match \*\.jsonl"):
        RecordingTransport(httpx.HTTPTransport(), path.with_suffix(".sse"))
    with pytest.raises(TypeError, match="got one string: 'token'"):
        RecordingTransport(httpx.HTTPTransport(), path, secrets="token")


def test_a_recording_that_was_written_is_not_kept(path) -> None:
    transport = RecordingTransport(httpx.MockTransport(lambda _: httpx.Response(200)), path)
    with httpx.Client(transport=transport) as client:
        with client.stream("POST", "https://example.com") as response:
            assert len(transport._open) == 1
            response.read()
        assert transport._open == set()
