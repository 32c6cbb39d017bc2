"""Streams recorded from a real server, and replayed without one: the same bytes in the same
pieces, in time, and the same end.
"""

from __future__ import annotations

import gzip
import itertools
import os
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager

import anyio
import attrs
import httpx
import pytest
from streamfold.reducer import fold
from streamfold.transports import (
    APIConnectionError,
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
    RecordingTransport,
    ReplayTransport,
    UnmatchedRequestError,
)
from streamfold.transports.recording import playback

from tests.support.loopback import api_error, close, event_stream, hold, reset, wait, wait_for
from tests.support.shells import BODY, EVENTS, HALF, KEY, MESSAGE, TIMEOUT

pytestmark = pytest.mark.anyio

PIECES = [BODY[at : at + 37] for at in range(0, len(BODY), 37)]  # characters are cut, too


@pytest.fixture
def path(tmp_path):
    return tmp_path / "turn.jsonl"


@asynccontextmanager
async def recording(shell, path, **options):
    """A client that records."""
    secrets = options.pop("secrets", ())
    kind = httpx.HTTPTransport if shell.is_sync else httpx.AsyncHTTPTransport
    transport = RecordingTransport(kind(verify=False), path, secrets=secrets)
    async with shell.client(transport=transport, **options) as client:
        yield client


async def each(shell, response):
    """The chunks of a response, each when it comes."""
    if shell.is_sync:
        for piece in response.iter_raw():
            yield piece
    else:
        async for piece in response.aiter_raw():
            yield piece


async def end(shell, response):
    response.close() if shell.is_sync else await response.aclose()


async def read(shell, response):
    """All chunks of a response."""
    return [piece async for piece in each(shell, response)]


async def sent(shell, request):
    """The response to a request of either client."""
    return request if shell.is_sync else await request


# --- recording ----------------------------------------------------------------------------------


async def test_every_chunk_is_passed_on_as_it_comes_and_noted_as_it_was(shell, server, path):
    read = [threading.Event() for _ in PIECES]
    head, *chunks = event_stream(BODY, chunks=PIECES)
    steps = [wait_for(event) for event in read]
    # each chunk is sent when the one before has been read, so that none are joined on the way
    server.answer(
        [head, *itertools.chain.from_iterable(zip(chunks, [*steps, wait(0)], strict=True))]
    )
    async with recording(shell, path) as client:
        response = await client.send(server)
        got = []
        async for piece in each(shell, response):
            assert not path.exists()  # the server is sending still
            got.append(piece)
            read[len(got) - 1].set()
    made = Recording.load(path)
    assert [piece.data for piece in made.chunks] == got == PIECES
    assert (made.ended, made.error) == ("complete", None)
    assert os.listdir(path.parent) == ["turn.jsonl"]


async def test_what_was_asked_and_what_came_before_the_body(shell, server, path):
    server.answer(event_stream(BODY, headers={"x-twice": "1", "X-Twice": "2"}))
    async with recording(shell, path) as client:
        stream = await client.open(server)
        assert await stream.get_final_message() == MESSAGE
    made = Recording.load(path)
    assert (made.request.method, made.request.url) == ("POST", f"{server.url}/v1/messages")
    assert made.request.body == {"stream": True}
    asked = {name.lower(): value for name, value in made.request.headers}
    assert asked["x-api-key"] == asked["authorization"] == "[secret]"
    assert asked["accept-encoding"] == server.requests[0].headers["accept-encoding"] == "identity"
    assert made.response.status == 200
    assert ("x-twice", "1") in made.response.headers
    assert ("request-id", "req_loopback") in made.response.headers
    assert 0 < made.response.at <= made.chunks[0].at <= made.duration


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
    assert KEY in server.requests[0].headers.values()  # but it was sent


async def test_several_answers_are_several_files(shell, server, path):
    server.answer(api_error(529, "overloaded_error"), event_stream(HALF), event_stream(BODY))
    async with recording(shell, path) as client:
        for _ in range(3):
            response = await client.send(server)
            assert await read(shell, response)
    made = [Recording.load(path.with_name(f"turn{number}.jsonl")) for number in ("", "-2", "-3")]
    assert [each.response.status for each in made] == [529, 200, 200]
    assert [each.body for each in made[1:]] == [HALF, BODY]


async def test_a_reader_who_leaves_early(shell, server, path):
    server.answer([*event_stream(BODY, chunks=[HALF])[:2], hold])
    async with recording(shell, path) as client:
        async with await client.open(server) as stream:
            await stream.__anext__()
        assert (Recording.load(path).body, Recording.load(path).ended) == (HALF, "cut")
        server.wait_closed()


async def test_a_reader_who_fails(shell, server, path):
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
        await end(shell, await client.send(server))
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
def test_a_reader_who_is_cancelled(backend, server, path):
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
async def test_a_connection_that_fails_and_fails_again(shell, server, path, name):
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


async def test_what_is_compressed_all_the_same(shell, server, path):
    server.answer(event_stream(BODY, compress=True, chunks=30))
    async with recording(shell, path) as client:
        assert await (await client.open(server)).get_final_message() == MESSAGE
    assert gzip.decompress(Recording.load(path).body) == BODY
    async with shell.client(transport=ReplayTransport(path)) as client:
        assert await (await client.open(server)).get_final_message() == MESSAGE
    assert await shell.replay(path).get_final_message() == MESSAGE


async def test_other_transports_can_be_recorded(shell, path):
    """Those that answer in one piece, and say of their response that it has been read already."""
    inner = httpx.MockTransport(lambda request: httpx.Response(200, content=request.content * 2))
    async with shell.client(transport=RecordingTransport(inner, path)) as client:
        response = await sent(shell, client.http.post("https://example.com/", content=b"half"))
        assert response.content == b"halfhalf"
    made = Recording.load(path)
    assert (made.request.content, made.body, made.ended) == (b"half", b"halfhalf", "complete")
    assert made.request.body is None


async def test_empty_chunks_are_none(shell, path):
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


async def test_a_file_that_cannot_be_written_is_heard_of_and_the_connection_is_closed(
    shell, server, path
):
    server.answer([*event_stream(BODY, chunks=[HALF])[:2], hold])
    path.mkdir()
    async with recording(shell, path) as client:
        response = await client.send(server)
        with pytest.raises(OSError, match="turn"):
            await end(shell, response)
        server.wait_closed()


def test_where_nothing_can_be_recorded(path):
    with pytest.raises(ValueError, match=r"\*\.jsonl"):
        RecordingTransport(httpx.HTTPTransport(), path.with_suffix(".sse"))
    with pytest.raises(TypeError, match="not one string: 'token'"):
        RecordingTransport(httpx.HTTPTransport(), path, secrets="token")


# --- replaying ----------------------------------------------------------------------------------

ASKED = RecordedRequest("POST", "https://example.com/v1/messages", body={"stream": True})


class Somewhere:
    """What `Client.send` takes for a server."""

    def __init__(self, url="https://example.com"):
        self.url = url


ANYWHERE = Somewhere()


def recorded(body, **parts):
    return attrs.evolve(Recording.of(body), **{"request": ASKED, **parts})


async def bodies(shell, transport, count, server=ANYWHERE):
    """What so many requests are answered with."""
    async with shell.client(transport=transport) as client:
        return [b"".join(await read(shell, await client.send(server))) for _ in range(count)]


async def test_the_same_chunks_with_the_same_head(shell):
    headers = (("request-id", "req_1"), ("X-Name", "Grüß"), ("x-twice", "1"), ("x-twice", "2"))
    made = recorded(PIECES, response=RecordedResponse(202, headers))
    async with shell.client(transport=ReplayTransport(made)) as client:
        response = await client.send(ANYWHERE)
        assert response.status_code == 202
        assert response.headers.raw == [(k.encode(), v.encode()) for k, v in headers]
        assert await read(shell, response) == PIECES
        assert response.is_closed
        stream = await client.open(ANYWHERE)
        assert (stream.request_id, stream.response.status_code) == ("req_1", 202)
        assert await stream.get_final_message() == MESSAGE


async def test_in_time(shell):
    made = Recording(
        [RecordedChunk(BODY[:9], 0.1), RecordedChunk(BODY[9:], 0.2)],
        response=RecordedResponse(at=0.05),
        duration=0.3,
    )
    for speed, times in ((1, [0.05, 0.1, 0.2, 0.3]), (2, [0.025, 0.05, 0.1, 0.15])):
        async with shell.client(transport=ReplayTransport(made, speed=speed)) as client:
            start = time.monotonic()
            response = await client.send(ANYWHERE)
            came = [time.monotonic() - start]
            came += [time.monotonic() - start async for _ in each(shell, response)]
            came.append(time.monotonic() - start)
        for at, due in zip(came, times, strict=True):
            assert due - 0.005 <= at <= due + 5


def test_what_one_wait_takes_too_long_the_next_makes_up_for(monkeypatch):
    class Clock:
        now, slept = 100.0, []

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.slept.append(seconds)
            self.now += seconds + 0.5  # it always oversleeps

    clock = Clock()
    monkeypatch.setattr(playback, "time", clock)
    pace = playback.Pace(speed=2)
    for at in (0, 2, 3, 8):
        pace.wait(at)
    assert clock.slept == [1.0, 2.5]  # at 1.0 and 4.0; what was due at 1.5 came at once


async def test_at_once(shell):
    made = Recording.of([RecordedChunk(BODY, 1e6)]).slow(2)
    assert await bodies(shell, ReplayTransport(made), 1) == [BODY]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_other_tasks_run_meanwhile(backend):
    async def read(client):
        async with client.stream("GET", "https://example.com") as response:
            async for piece in response.aiter_raw():
                order.append(piece)  # noqa: PERF401 (one by one)

    async def main():
        transport = ReplayTransport(Recording.of([b"a", b"b", b"c"]))
        async with (
            httpx.AsyncClient(transport=transport) as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(read, client)
            for _ in range(50):
                order.append("other")
                await anyio.lowlevel.checkpoint()

    order = []
    anyio.run(main, backend=backend)
    assert order.index(b"a") < order.index("other", order.index(b"a")) < order.index(b"c")


async def test_closing_half_way(shell):
    made = Recording.of([HALF, RecordedChunk(b"x", 3600)])
    async with shell.client(transport=ReplayTransport(made, speed=1)) as client:
        async with await client.open(ANYWHERE) as stream:
            await stream.__anext__()
        response = await client.send(ANYWHERE)
        await end(shell, response)
        assert response.is_closed


async def test_a_cut_recording_is_a_lost_connection(shell):
    made = recorded(BODY).cut(len(HALF))
    async with shell.client(transport=ReplayTransport(made)) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="the recording was cut off here"):
            assert await read(shell, await client.send(ANYWHERE))
    with pytest.raises(APIConnectionError) as lost:
        await shell.replay(made).until_done()
    assert lost.value.snapshot == fold(EVENTS[:4])
    whole = recorded(BODY).cut(len(BODY))  # the reader left when the message was over
    assert await shell.replay(whole).get_final_message() == MESSAGE


@pytest.mark.parametrize("name", ["OSError", "Client", "HTTPStatusError", "no name"])
async def test_a_failure_that_httpx_does_not_have(shell, name):
    made = recorded(b"a", ended="error", error=RecordedError(name, "why"))
    async with shell.client(transport=ReplayTransport(made)) as client:
        with pytest.raises(httpx.ReadError, match=f"^{name}: why$"):
            assert await read(shell, await client.send(ANYWHERE))


# --- which recording ----------------------------------------------------------------------------


async def test_those_of_the_same_request_in_their_order_and_the_last_again_and_again(shell):
    transport = ReplayTransport([recorded(b"one"), recorded(b"two"), recorded(b"three")])
    assert await bodies(shell, transport, 5) == [b"one", b"two", b"three", b"three", b"three"]


async def test_what_makes_the_same_request(shell):
    asked = {"b": [1, {"x": None, "y": "ü"}], "a": 1.0}
    made = {
        "method": recorded(b"", request=attrs.evolve(ASKED, method="PUT", body=asked)),
        "url": recorded(b"", request=attrs.evolve(ASKED, url="https://example.com/v2", body=asked)),
        "value": recorded(b"", request=attrs.evolve(ASKED, body={**asked, "a": True})),
        "order": recorded(b"", request=attrs.evolve(ASKED, body={**asked, "b": asked["b"][::-1]})),
        "same": recorded(b"this", request=attrs.evolve(ASKED, headers={"x-a": "b"}, body=asked)),
    }
    transport = ReplayTransport(made.values())
    text = '{ "a":1.0, "b":[1, {"y":"\\u00fc", "x":null}]}'
    async with shell.client(transport=transport) as client:
        response = await sent(
            shell, client.http.post(ASKED.url, content=text, headers={"x-a": "c"})
        )
        assert response.content == b"this"
    assert transport.unused == tuple(made.values())[:-1]


async def test_a_body_that_is_no_json_and_one_that_is_none(shell):
    for content, other in ((b"a=b", b"a=c"), (b"\xff", b"\xfe"), (b"", b"null?")):
        made = recorded(b"this", request=attrs.evolve(ASKED, body=None, content=content))
        async with shell.client(transport=ReplayTransport(made)) as client:
            response = await sent(shell, client.http.post(ASKED.url, content=content))
            assert response.content == b"this"
            with pytest.raises(UnmatchedRequestError):
                await sent(shell, client.http.post(ASKED.url, content=other))


async def test_a_recording_without_a_request_fits_what_no_other_does(shell):
    transport = ReplayTransport([Recording.of(b"any"), recorded(b"this")])
    assert await bodies(shell, transport, 2) == [b"this", b"this"]
    assert await bodies(shell, transport, 1, Somewhere("https://other.example")) == [b"any"]


async def test_by_their_order_whatever_is_asked(shell):
    transport = ReplayTransport([recorded(b"one"), Recording.of(b"two")], match="order")
    assert await bodies(shell, transport, 1, Somewhere("https://other.example")) == [b"one"]
    assert transport.unused == (Recording.of(b"two"),)
    assert await bodies(shell, transport, 1) == [b"two"]
    with pytest.raises(UnmatchedRequestError, match="one request more than the 2 recordings"):
        await bodies(shell, transport, 1)
    assert transport.unused == ()


async def test_files_and_folders(shell, tmp_path):
    for name, body in (("a-2", b"two"), ("a", b"one"), ("b/c", b"four"), ("a-10", b"three")):
        recorded(body).save(tmp_path / f"{name}.jsonl")
    (tmp_path / "raw.sse").write_bytes(b"raw")
    more = [tmp_path / "raw.sse", str(tmp_path / "a.jsonl"), [recorded(b"last")]]
    transport = ReplayTransport([tmp_path, *more], match="order")
    assert transport.unused[:5] == tuple(
        tmp_path / name for name in ("a.jsonl", "a-2.jsonl", "a-10.jsonl", "b/c.jsonl", "raw.sse")
    )
    said = [b"one", b"two", b"three", b"four", b"raw", b"raw", b"one", b"last"]
    assert await bodies(shell, transport, 8) == said


def test_what_cannot_be_replayed(tmp_path):
    with pytest.raises(FileNotFoundError):
        ReplayTransport(tmp_path / "nowhere.jsonl")
    for options in ({"match": "any"}, {"speed": -1}, {"speed": float("inf")}):
        with pytest.raises(ValueError, match=str(*options)):
            ReplayTransport([], **options)


async def test_names_that_are_secret_fit_whatever_they_say(shell, server, path):
    server.answer(event_stream(BODY))
    url, secrets = f"{server.url}/v1?token=", ["token", "user_id"]
    async with recording(shell, path, secrets=secrets) as client:
        await sent(shell, client.http.post(f"{url}one", json={"metadata": {"user_id": "u1"}}))
    async with shell.client(transport=ReplayTransport(path, secrets=secrets)) as client:
        asked = client.http.post(f"{url}two", json={"metadata": {"user_id": "u2"}})
        assert (await sent(shell, asked)).content == BODY


async def test_what_no_recording_fits(shell):
    def turn(*texts, **more):
        return {"messages": [{"role": "user", "content": text} for text in texts], **more}

    made = [
        recorded(b"", request=attrs.evolve(ASKED, body=turn("Hello", max_tokens=10))),
        recorded(b"", request=attrs.evolve(ASKED, body=turn("Hello", "Again", max_tokens=10))),
        recorded(b"", request=attrs.evolve(ASKED, url="https://example.com/v2", body=turn("Bye"))),
    ]
    async with shell.client(transport=ReplayTransport(made)) as client:
        with pytest.raises(UnmatchedRequestError) as caught:
            await sent(
                shell, client.http.post(ASKED.url, json=turn("Hello", "Anew", max_tokens=10))
            )
    assert str(caught.value) == (
        "no recording fits POST https://example.com/v1/messages; the nearest of 3 is recording 2\n"
        "--- recorded\n"
        "+++ requested\n"
        "@@ -7,5 +7,5 @@\n"
        "     },\n"
        "     {\n"
        '-      "content": "Again",\n'
        '+      "content": "Anew",\n'
        '       "role": "user"\n'
        "     }"
    )


async def test_a_difference_is_short_and_has_no_secrets(shell):
    made = recorded(b"", request=attrs.evolve(ASKED, body={"messages": list(range(100))}))
    told = {"messages": [*range(900, 1000), KEY, "x" * 1000], "authorization_token": KEY}
    async with shell.client(transport=ReplayTransport(made)) as client:
        with pytest.raises(UnmatchedRequestError) as caught:
            await sent(shell, client.http.post(ASKED.url, json=told, headers={"x-api-key": KEY}))
    lines = str(caught.value).splitlines()
    assert (len(lines), max(map(len, lines))) == (42, max(map(len, lines[:1])))
    assert lines[-1].startswith("… and ")
    assert KEY not in str(caught.value)


async def test_where_else_the_request_went(shell):
    async with shell.client(transport=ReplayTransport(recorded(b""))) as client:
        with pytest.raises(UnmatchedRequestError) as caught:
            await sent(shell, client.http.put("https://example.com/v2", json={"stream": True}))
    assert str(caught.value) == (
        "no recording fits PUT https://example.com/v2; the nearest of 1 is recording 1\n"
        "it answers POST https://example.com/v1/messages\n"
        "the bodies are the same"
    )


async def test_a_folder_without_recordings(shell, tmp_path):
    async with shell.client(transport=ReplayTransport(tmp_path)) as client:
        with pytest.raises(UnmatchedRequestError, match="there are none"):
            await client.send(ANYWHERE)


def test_many_threads():
    transport = ReplayTransport([recorded(b"%d" % number) for number in range(40)])
    got = Counter()

    def ask():
        with httpx.Client(transport=transport) as client:
            got.update(client.post(ASKED.url, json=ASKED.body).text for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == Counter(map(str, range(40)))
