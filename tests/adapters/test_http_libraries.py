"""The promises of streams and clients over each HTTP library: httpx, httpx2,
aiohttp and urllib3.

The other tests use httpx; these hold the libraries to the same behaviour.
"""

from __future__ import annotations

import gc
import itertools
import logging
import socket
import threading
import time
from contextlib import ExitStack
from typing import Any

import anyio
import httpx
import pytest
import stamina
from streamfold.adapters.anthropic import (
    Anthropic,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AsyncAnthropic,
    AuthenticationError,
    IncompleteStreamError,
    InternalServerError,
    OverloadedError,
    ProtocolError,
    StalledStreamError,
)
from streamfold.reducer import StreamState, feed, fold
from streamfold.transports import Recording

from tests.support.bombs import compress
from tests.support.clients import ANSWER, PING, Caller, is_cancelled
from tests.support.cut_bodies import check, data_in, read
from tests.support.events import body, end, error_event, message_start, text_block
from tests.support.http_libraries import LIBRARIES, Library
from tests.support.loopback import (
    api_error,
    chunk,
    close,
    event_stream,
    hold,
    html_error,
    reset,
    response,
    wait,
    wait_for,
)
from tests.support.secrets import visible_of
from tests.support.shells import BODY, EVENTS, HALF, KEY, MESSAGE, Client, Shell

pytestmark = pytest.mark.anyio

SHORT = body(message_start(), *text_block(0, "Grüße 😀"), *end())
HEAD, *CHUNKS = event_stream(SHORT, chunks=150)
FRAMES = b"".join(CHUNKS)
BEGINNING = [*event_stream(HALF)[:-1]]
"""The first four events, and nothing after them."""

IMPATIENT = httpx.Timeout(10.0, read=0.1)


@pytest.fixture(params=LIBRARIES, ids=str)
def library(request: pytest.FixtureRequest) -> Library:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def shell(library: Library) -> Shell:
    return library.shell


@pytest.fixture
async def http(library: Library) -> Any:
    """A function that makes a client of the library. The clients are closed after the test."""
    made: list[Any] = []

    def make(**options: Any) -> Any:
        made.append(library.client(**options))
        return made[-1]

    yield make
    for client in made:
        closing = client.close() if library.shell.is_sync else client.aclose()
        if closing is not None:
            await closing


@pytest.fixture
def calling(library: Library, http: Any, server: Any) -> Any:
    """A function that makes a client of ours over a client of the library."""

    def make(*, http_client: Any = None, **options: Any) -> Caller:
        options = {"api_key": KEY, "base_url": server.url, "timeout": 10, **options}
        kind = Anthropic if library.shell.is_sync else AsyncAnthropic
        return Caller(kind(http_client=http_client or http(), **options))

    return make


@pytest.fixture
def reading(library: Library, http: Any) -> Any:
    """A function that makes a client whose responses are read without a client of ours."""
    return lambda **options: Client(library.shell, http(**options))


@pytest.fixture(autouse=True)
def _no_waits() -> Any:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


# --- whole streams --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 100, 10_000])
async def test_all_events(reading, server, size) -> None:
    server.answer(event_stream(BODY, chunks=size))
    async with await reading().open(server) as stream:
        assert await read(stream) == (list(feed(StreamState(), BODY)[1]), None)


async def test_events_are_handed_out_as_they_arrive(reading, server) -> None:
    """The server sends an event only after all events before it were handed out."""
    gates = [threading.Event() for _ in EVENTS]
    sent = [
        (event_stream(body(event))[1], wait_for(gate))
        for event, gate in zip(EVENTS, gates, strict=True)
    ]
    server.answer([HEAD, *itertools.chain.from_iterable(sent), chunk(b"")])
    state = StreamState()
    async with await reading().open(server) as stream:
        for event, gate in zip(EVENTS, gates, strict=True):
            state, derived = feed(state, body(event))
            for expected in derived:
                assert await stream.__anext__() == expected
            gate.set()
        assert await stream.get_final_message() == MESSAGE


async def test_requests_are_those_of_httpx(library, calling, server) -> None:
    server.answer(ANSWER)
    await calling().message()
    kind = httpx.Client if library.shell.is_sync else httpx.AsyncClient
    plain = kind(trust_env=False)
    usual = calling(http_client=plain)
    await usual.message()
    (over_library, over_httpx) = server.requests
    headers = [
        {name: value for name, value in request.headers.items() if name != "accept-encoding"}
        for request in server.requests
    ]
    assert headers[0] == headers[1]
    assert over_library.body == over_httpx.body
    assert over_library.path == over_httpx.path
    await _close(plain)


async def _close(client: Any) -> None:
    if isinstance(client, httpx.Client):
        client.close()
    else:
        await client.aclose()


async def test_cookies_are_those_of_the_client(http, calling, server) -> None:
    server.answer([*event_stream(BODY, headers={"set-cookie": "seen=1; Path=/"})])
    caller = calling(http_client=http(cookies={"mine": "2"}))
    for _ in range(2):
        await caller.message()
    first, second = (request.headers["cookie"] for request in server.requests)
    assert first == "mine=2"
    assert sorted(second.split("; ")) == ["mine=2", "seen=1"]


async def test_a_proxy(http, calling, server) -> None:
    server.answer(ANSWER)
    proxied = calling(http_client=http(proxy=server.url), base_url="http://example.invalid")
    assert await proxied.message() == MESSAGE
    assert server.requests[0].path == "http://example.invalid/v1/messages"
    assert server.requests[0].headers["host"] == "example.invalid"


async def test_a_name_and_a_password_in_the_url(calling, server) -> None:
    server.answer(ANSWER)
    caller = calling(base_url=server.url.replace("://", "://me:secret@"))
    assert await caller.message() == MESSAGE
    assert server.requests[0].headers["authorization"] == "Basic bWU6c2VjcmV0"


async def test_a_large_request(calling, server) -> None:
    server.answer(ANSWER)
    question = "x" * 2_000_000
    caller = calling()
    for _ in range(2):
        await caller.message(messages=[{"role": "user", "content": question}])
    assert server.requests[1].json()["messages"][0]["content"] == question
    assert "transfer-encoding" not in server.requests[1].headers


# --- cuts -----------------------------------------------------------------------------------------


async def test_cut_inside_the_chunked_encoding(reading, server) -> None:
    cuts = range(0, len(FRAMES), 17)
    server.answer(*([HEAD, FRAMES[:cut], close] for cut in cuts))
    client = reading()
    for cut in cuts:
        async with await client.open(server) as stream:
            received = data_in(FRAMES[:cut])
            events, error = await read(stream)
            check(received, events, error, stream)
            assert (error is None) == (received == SHORT)
            assert error is None or type(error) is APIConnectionError
    await anyio.to_thread.run_sync(server.wait_closed)


async def test_cut_where_the_connection_is_the_end(reading, server) -> None:
    plain = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    cuts = range(0, len(SHORT) + 1, 31)
    server.answer(*([plain, SHORT[:cut], close] for cut in cuts))
    client = reading()
    for cut in cuts:
        async with await client.open(server) as stream:
            events, error = await read(stream)
            check(SHORT[:cut], events, error, stream)
            assert error is None or type(error) is IncompleteStreamError


async def test_reset(reading, server) -> None:
    go_on = threading.Event()
    server.answer([*BEGINNING, wait_for(go_on), reset])
    async with await reading().open(server) as stream:
        first = [await stream.__anext__() for _ in feed(StreamState(), HALF)[1]]
        go_on.set()
        rest, error = await read(stream)
    check(HALF, first + rest, error, stream)
    assert type(error) is APIConnectionError


async def test_bytes_that_came_before_a_cut_are_kept(reading, server) -> None:
    """They are kept even if they are read after the cut."""
    server.answer([*BEGINNING, close])
    client = reading()
    async with await client.open(server) as stream:
        await anyio.to_thread.run_sync(server.wait_closed)
        await anyio.sleep(0.05)
        events, error = await read(stream)
    check(HALF, events, error, stream)
    assert type(error) is APIConnectionError


async def test_malformed_chunked_encoding(library, reading, server) -> None:
    server.answer([*BEGINNING, wait(0.05), b"not a size\r\n"])
    async with await reading().open(server) as stream:
        with pytest.raises(APIConnectionError) as caught:
            await stream.get_final_message()
    assert caught.value.snapshot == fold(EVENTS[:4])
    assert isinstance(caught.value.__cause__, library.module.RemoteProtocolError)


@pytest.mark.parametrize("answer", [[close], [reset], [b"good morning\r\n\r\n"]])
async def test_no_answer(library, calling, server, answer) -> None:
    server.answer(answer)
    with pytest.raises(APIConnectionError, match=r"127\.0\.0\.1: the connection failed") as caught:
        await calling(max_retries=0).message()
    assert not isinstance(caught.value, APITimeoutError)
    assert isinstance(caught.value.__cause__, library.module.TransportError)


async def test_a_port_without_a_listener(library, calling) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(APIConnectionError) as caught:
        await calling(base_url=f"http://127.0.0.1:{port}", max_retries=0).message()
    assert isinstance(caught.value.__cause__, library.module.ConnectError)


async def test_a_message_that_is_over_when_the_connection_breaks_is_whole(reading, server) -> None:
    for break_off in (close, reset):
        go_on = threading.Event()
        server.answer([*event_stream(BODY)[:-1], wait_for(go_on), break_off])
        async with await reading().open(server) as stream:
            assert [await stream.__anext__() for _ in feed(StreamState(), BODY)[1]]
            go_on.set()
            assert await stream.get_final_message() == MESSAGE


# --- time -----------------------------------------------------------------------------------------


async def test_silent_until_the_read_times_out(library, reading, server) -> None:
    server.answer([*BEGINNING, hold])
    for consume in ("get_final_message", "__anext__"):
        stream = await reading(timeout=library.module.Timeout(10, read=0.1)).open(server)
        for _ in feed(StreamState(), HALF)[1]:
            await stream.__anext__()
        with pytest.raises(APITimeoutError) as caught:
            await getattr(stream, consume)()
        assert caught.value.snapshot == fold(EVENTS[:4])
        assert isinstance(caught.value.__cause__, library.module.ReadTimeout)
        await anyio.to_thread.run_sync(server.wait_closed)


async def test_each_byte_starts_the_time_again(library, reading, server) -> None:
    paced = [(chunk(body(event)), wait(0.05)) for event in EVENTS]
    server.answer([HEAD, *itertools.chain.from_iterable(paced), chunk(b"")])
    async with await reading(timeout=library.module.Timeout(10, read=0.3)).open(server) as stream:
        assert await stream.get_final_message() == MESSAGE
        assert stream.timing.duration > 0.3


async def test_the_time_of_the_reader_does_not_count(library, reading, server) -> None:
    server.answer([*BEGINNING, wait(0.3), chunk(BODY.removeprefix(HALF)), chunk(b"")])
    async with await reading(timeout=library.module.Timeout(10, read=0.1)).open(server) as stream:
        for _ in feed(StreamState(), HALF)[1]:
            await stream.__anext__()
        await anyio.sleep(0.4)
        assert await stream.get_final_message() == MESSAGE


async def test_no_head(calling, server) -> None:
    server.answer([hold])
    with pytest.raises(APITimeoutError):
        await calling(max_retries=0).message(timeout=IMPATIENT)
    await anyio.to_thread.run_sync(server.wait_closed)


async def test_a_connection_that_is_not_accepted(library, calling) -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):  # the queue of the server is full
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        with pytest.raises(APITimeoutError) as caught:
            await calling(
                base_url=url, max_retries=0, timeout=httpx.Timeout(10, connect=0.1)
            ).message()
    assert isinstance(caught.value.__cause__, library.module.ConnectTimeout)


async def test_a_server_that_does_not_take_the_request(library, calling) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the connections have it too
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        caller = calling(base_url=url, max_retries=0, timeout=0.1)
        question = [{"role": "user", "content": "x" * 6_000_000}]
        with pytest.raises(APITimeoutError):
            await caller.message(messages=question)
        with deaf.accept()[0]:
            pass


async def test_a_stall(calling, server) -> None:
    pings = [step for _ in range(100) for step in (chunk(PING), wait(0.05))]
    server.answer([*BEGINNING, *pings, hold])
    with pytest.raises(StalledStreamError, match="4 events came") as caught:
        await calling(stall_timeout=0.2).message()
    assert caught.value.snapshot == fold(EVENTS[:4])
    await anyio.to_thread.run_sync(server.wait_closed)


async def test_silent_after_the_message_is_over(reading, server) -> None:
    server.answer([*event_stream(BODY)[:-1], hold])
    start = time.monotonic()
    assert await (await reading().open(server)).get_final_message() == MESSAGE
    await anyio.to_thread.run_sync(server.wait_closed)
    assert time.monotonic() - start < 5


# --- connections ----------------------------------------------------------------------------------


async def test_a_connection_is_used_again_after_a_whole_stream(calling, server) -> None:
    server.answer(ANSWER)
    caller = calling()
    for _ in range(3):
        assert await caller.message() == MESSAGE
    assert len(server.connections) == 1


async def test_a_connection_that_the_server_has_closed(calling, server) -> None:
    server.answer([*ANSWER, close])
    caller = calling(max_retries=1)
    for _ in range(3):
        assert await caller.message() == MESSAGE
        await anyio.to_thread.run_sync(server.wait_closed)


async def test_leaving_a_stream_closes_its_connection(calling, server) -> None:
    server.answer([*BEGINNING, hold])
    async with calling().stream() as stream:
        async for _ in stream:
            break
    await anyio.to_thread.run_sync(server.wait_closed)
    with pytest.raises(IncompleteStreamError):
        await stream.get_final_message()


async def test_dropping_a_stream_closes_its_connection(reading, server) -> None:
    server.answer([*BEGINNING, hold])
    client = reading()
    stream = await client.open(server)
    await stream.__anext__()
    del stream
    gc.collect()
    await anyio.to_thread.run_sync(server.wait_closed)


@pytest.mark.parametrize("library", [one for one in LIBRARIES if not one.shell.is_sync], ids=str)
@pytest.mark.parametrize("beginning", [[], [HEAD], BEGINNING], ids=["no head", "head", "events"])
async def test_cancelling(library, calling, server, beginning) -> None:
    assert await is_cancelled(calling(), server, beginning)
    await anyio.to_thread.run_sync(server.wait_closed)


# --- errors and retries ---------------------------------------------------------------------------


async def test_retries(calling, server) -> None:
    overloaded = event_stream(body(error_event("overloaded_error")))
    server.answer(api_error(529, "overloaded_error"), [reset], overloaded, ANSWER)
    assert await calling(max_retries=3).message() == MESSAGE
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (api_error(529, "overloaded_error"), OverloadedError, "529: no such luck"),
        (api_error(401, "authentication_error"), AuthenticationError, "401: no such luck"),
        (html_error(502), InternalServerError, "502: <html>"),
        (response(200, b"{}", "application/json"), APIResponseValidationError, "expected text/ev"),
        (response(307, b"", "text/plain", {"location": "/elsewhere"}), APIStatusError, "307"),
    ],
)
async def test_an_error_status(calling, server, answer, error, text) -> None:
    server.answer(answer)
    with pytest.raises(error, match=text) as caught:
        await calling(max_retries=0).message()
    assert caught.value.response.status_code == int(answer[0].split()[1])
    assert len(server.requests) == 1


async def test_a_message_that_is_not_streamed(library, calling, server) -> None:
    server.answer(response(200, MESSAGE.to_json().encode(), "application/json"))
    messages = calling().client.messages
    request: Any = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
    answer = messages.create(**request)
    assert (answer if library.shell.is_sync else await answer) == MESSAGE


# --- secrets --------------------------------------------------------------------------------------

FAILURES = {
    "refused": (api_error(401, "authentication_error"), AuthenticationError),
    "reset": ([reset], APIConnectionError),
    "closed": ([close], APIConnectionError),
    "no HTTP": ([b"good morning\r\n\r\n"], APIConnectionError),
    "silent": ([hold], APITimeoutError),
    "silent later": ([HEAD, hold], APITimeoutError),
    "cut later": ([*BEGINNING, close], APIConnectionError),
    "broken": (event_stream(b"data: {\n\n"), ProtocolError),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_error_and_no_log_has_the_key(calling, server, caplog, failure) -> None:
    caplog.set_level(logging.DEBUG)
    answer, error = FAILURES[failure]
    server.answer(answer)
    timeout = IMPATIENT if error is APITimeoutError else 10
    caller = calling(default_headers={"x-api-key": KEY}, timeout=timeout, max_retries=1)
    with pytest.raises(error) as caught:
        await caller.message(betas=["some-beta"])
    assert KEY not in visible_of(caught.value)
    assert KEY not in caplog.text
    assert server.requests[-1].headers["x-api-key"] == KEY


# --- decompression --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 10_000])
async def test_gzip(reading, server, size) -> None:
    server.answer(event_stream(BODY, chunks=size, compress=True))
    async with await reading().open(server) as stream:
        assert await read(stream) == (list(feed(StreamState(), BODY)[1]), None)


async def test_a_body_that_expands_without_bounds(library, reading, server) -> None:
    """The stream stops at the limit, although the wire has few bytes."""
    bomb = compress(["gzip", "gzip"], [b":\n" * 5_000_000])
    server.answer(event_stream(bomb, headers={"content-encoding": "gzip, gzip"}))
    async with await reading().open(server, limit=1000) as stream:
        with pytest.raises(APIConnectionError, match="beyond the limit of 1,000 bytes") as caught:
            await stream.until_done()
    assert isinstance(caught.value.__cause__, library.module.DecodingError)


# --- recordings -----------------------------------------------------------------------------------


async def test_recording_and_replaying(library, http, calling, server, tmp_path) -> None:
    path = tmp_path / "turn.jsonl"
    server.answer(event_stream(BODY, chunks=40))
    recorder = library.recording.RecordingTransport(library.transport(), path)
    assert await calling(http_client=http(transport=recorder)).message() == MESSAGE
    recording = Recording.load(path)
    assert (recording.body, recording.ended) == (BODY, "complete")
    assert KEY not in path.read_text()
    replayed = calling(http_client=http(transport=library.recording.ReplayTransport(path)))
    assert await replayed.message() == MESSAGE
    assert len(server.requests) == 1


async def test_recording_a_cut(library, http, calling, server, tmp_path) -> None:
    path = tmp_path / "turn.jsonl"
    server.answer([*BEGINNING, close])
    recorder = library.recording.RecordingTransport(library.transport(), path)
    with pytest.raises(APIConnectionError) as live:
        await calling(http_client=http(transport=recorder)).message()
    recording = Recording.load(path)
    assert (recording.body, recording.ended) == (HALF, "error")
    replayed = calling(http_client=http(transport=library.recording.ReplayTransport(path)))
    with pytest.raises(APIConnectionError) as again:
        await replayed.message()
    assert again.value.snapshot == live.value.snapshot == fold(EVENTS[:4])
