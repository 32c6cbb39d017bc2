"""The sources that a stream reads, and those that it refuses with advice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anthropic
import httpx
import httpx2
import pytest
from streamfold.reducer import encode_event_stream, encode_sse
from streamfold.transports import (
    AWS_EVENT_STREAM,
    EVENT_STREAM,
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncMessageStream,
    InternalServerError,
    MessageStream,
    OverloadedError,
)

from tests.support import loopback
from tests.support.loopback import REQUEST_ID, Server, api_error, event_stream, head, reset
from tests.support.official_clients import PARAMETERS
from tests.support.shells import BODY, EVENTS, MESSAGE

pytestmark = pytest.mark.anyio

libraries = pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])
FRAMED = encode_event_stream(EVENTS)
framings = pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (BODY, EVENT_STREAM),
        (BODY, "text/event-stream; charset=utf-8"),
        (FRAMED, AWS_EVENT_STREAM),
        (FRAMED, "Application/VND.amazon.eventstream; x=y"),
    ],
)


@contextmanager
def opened(http: Any, server: Server, **options: Any) -> Iterator[Any]:
    """An open response of the server."""
    client = http.Client(trust_env=False, **options)
    with client, client.stream("POST", server.url) as response:
        yield response


@asynccontextmanager
async def aopened(http: Any, server: Server, **options: Any) -> AsyncIterator[Any]:
    client = http.AsyncClient(trust_env=False, **options)
    async with client, client.stream("POST", server.url) as response:
        yield response


# --- responses ----------------------------------------------------------------------------------


@libraries
@framings
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
async def test_an_open_response(
    http: Any, body: bytes, content_type: str, compress: bool, server: Server
) -> None:
    headers = {"content-type": content_type}
    server.answer(
        event_stream(body, chunks=None if compress else 64, headers=headers, compress=compress)
    )
    with opened(http, server) as response:
        stream = MessageStream[None](response)
        assert stream.get_final_message() == MESSAGE
        assert stream.response is response
        assert stream.request_id == REQUEST_ID
        assert response.is_closed
    async with aopened(http, server) as response:
        asynchronous = AsyncMessageStream[None](response)
        assert await asynchronous.get_final_message() == MESSAGE
        assert asynchronous.response is response
        assert asynchronous.request_id == REQUEST_ID
        assert response.is_closed


@libraries
@framings
async def test_a_response_whose_body_is_there(http: Any, body: bytes, content_type: str) -> None:
    def response() -> Any:
        return http.Response(200, headers={"content-type": content_type}, content=body)

    assert MessageStream[None](response()).get_final_message() == MESSAGE
    assert await AsyncMessageStream[None](response()).get_final_message() == MESSAGE


@libraries
async def test_a_body_that_is_an_iterator_is_read_without_the_generators_around_it(
    http: Any,
) -> None:
    class Body(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc]
        def __init__(self) -> None:
            self.chunks = iter([BODY[:50], BODY[50:]])
            self.callers: set[str] = set()
            self.closed = 0

        def __iter__(self) -> Any:
            return self

        def __aiter__(self) -> Any:
            return self

        def __next__(self) -> bytes:
            self.callers.add(sys._getframe(1).f_code.co_name)
            return next(self.chunks)

        async def __anext__(self) -> bytes:
            try:
                return self.__next__()
            except StopIteration:
                raise StopAsyncIteration from None

        def close(self) -> None:
            self.closed += 1

        async def aclose(self) -> None:
            self.closed += 1

    body = Body()
    transport = http.MockTransport(lambda request: http.Response(200, stream=body))
    with http.Client(transport=transport) as client, client.stream("POST", "http://x") as response:
        assert MessageStream[None](response).get_final_message() == MESSAGE
        assert response.is_closed
    assert body.callers == {"_advance", "read_end"}
    assert body.closed
    body = Body()
    aclient = http.AsyncClient(transport=transport)
    async with aclient, aclient.stream("POST", "http://x") as response:
        assert await AsyncMessageStream[None](response).get_final_message() == MESSAGE
        assert response.is_closed


@libraries
async def test_without_a_content_type_the_body_is_server_sent_events(http: Any) -> None:
    assert MessageStream[None](http.Response(200, content=BODY)).get_final_message() == MESSAGE


async def test_the_object_of_with_streaming_response(server: Server) -> None:
    server.answer(event_stream(BODY))
    key = {"api_key": "k", "base_url": server.url}
    with anthropic.Anthropic(**key) as client:
        create = client.messages.with_streaming_response.create
        with create(stream=True, **PARAMETERS) as response:
            stream = MessageStream[None](response)
            assert stream.get_final_message() == MESSAGE
            assert stream.response is response.http_response
        with pytest.raises(TypeError, match="got ResponseContextManager; enter it first: with"):
            MessageStream(create(stream=True, **PARAMETERS))
        with client.messages.create(stream=True, **PARAMETERS) as events:
            with pytest.raises(TypeError, match=r"Stream; it hands out events: pass its .response"):
                MessageStream(events)
            assert MessageStream[None](events.response).get_final_message() == MESSAGE
    async with anthropic.AsyncAnthropic(**key) as asynchronous:
        acreate = asynchronous.messages.with_streaming_response.create
        async with acreate(stream=True, **PARAMETERS) as answer:
            assert await AsyncMessageStream[None](answer).get_final_message() == MESSAGE
        manager = acreate(stream=True, **PARAMETERS)
        with pytest.raises(TypeError, match="got AsyncResponseContextManager; enter it first"):
            AsyncMessageStream(manager)
        async with manager:
            pass  # or else its coroutine would never be awaited


@libraries
async def test_a_lost_connection_and_a_timeout_are_errors_of_ours(
    http: Any, server: Server
) -> None:
    begun = event_stream(BODY, chunks=200)[:3]
    server.answer([*begun, reset])
    with (
        opened(http, server) as response,
        pytest.raises(APIConnectionError, match="the connection was lost") as caught,
    ):
        MessageStream[None](response).until_done()
    assert not isinstance(caught.value, APITimeoutError)
    assert isinstance(caught.value.__cause__, http.HTTPError)
    assert caught.value.response is response
    assert caught.value.request is response.request
    server.answer([*begun, lambda connection: connection.stopping.wait(20)])
    with opened(http, server, timeout=0.2) as response, pytest.raises(APITimeoutError):
        MessageStream[None](response).until_done()
    async with aopened(http, server, timeout=0.2) as response:
        with pytest.raises(APITimeoutError):
            await AsyncMessageStream[None](response).until_done()


@libraries
async def test_a_response_of_the_other_kind_is_refused_at_once(http: Any, server: Server) -> None:
    server.answer(event_stream(BODY))
    with (
        opened(http, server) as response,
        pytest.raises(TypeError, match=r"^AsyncMessageStream cannot read .* use MessageStream$"),
    ):
        AsyncMessageStream(response)
    async with aopened(http, server) as response:
        with pytest.raises(TypeError, match=r"^MessageStream cannot .* use AsyncMessageStream$"):
            MessageStream(response)


@libraries
def test_a_response_that_was_read_or_closed_is_refused_at_once(http: Any, server: Server) -> None:
    server.answer(event_stream(BODY))
    with http.Client(trust_env=False) as client:
        with client.stream("POST", server.url) as response:
            list(response.iter_raw())
            with pytest.raises(ValueError, match="was read or closed before: pass an open one"):
                MessageStream(response)
        with client.stream("POST", server.url) as response:
            response.close()
            with pytest.raises(ValueError, match="was read or closed before: pass an open one"):
                MessageStream(response)
        with client.stream("POST", server.url) as response:
            response.read()
            assert MessageStream[None](response).get_final_message() == MESSAGE


# --- responses that are not streams -------------------------------------------------------------


async def both_errors(http: Any, server: Server) -> list[Any]:
    """The errors that the sync and the async stream over the next response raise."""
    caught = []
    with opened(http, server) as response:
        stream = MessageStream[None](response)
        assert stream.request_id is not None
        with pytest.raises(APIError) as error:
            next(stream)
        assert response.is_closed
        with pytest.raises(APIError) as again:
            stream.get_final_message()
        assert again.value is error.value
        caught.append(error.value)
    async with aopened(http, server) as response:
        with pytest.raises(APIError) as error:
            await AsyncMessageStream[None](response).get_final_message()
        assert response.is_closed
        caught.append(error.value)
    return caught


@libraries
async def test_an_error_status_is_the_error_of_that_status(http: Any, server: Server) -> None:
    server.answer(api_error(529, "overloaded_error", "too busy"))
    for error in await both_errors(http, server):
        assert isinstance(error, OverloadedError)
        assert str(error) == "529: too busy"
        assert (error.status_code, error.type) == (529, "overloaded_error")
        assert error.request_id == REQUEST_ID
        assert error.body["error"]["message"] == "too busy"


@libraries
async def test_no_more_of_an_error_is_read_than_64_kib(http: Any, server: Server) -> None:
    endless = [head(500, {"transfer-encoding": "chunked", "request-id": "r"})]
    endless += [loopback.chunk(b"a" * 30_000)] * 3
    server.answer([*endless, loopback.hold])
    for error in await both_errors(http, server):
        assert isinstance(error, InternalServerError)
        assert error.body == "a" * 65536
    server.wait_closed()


@libraries
async def test_a_success_with_other_content_is_refused(http: Any, server: Server) -> None:
    html = "<html>Grüße</html>".encode("latin-1")
    server.answer(
        loopback.response(200, html, "text/html; charset=latin-1", {"request-id": "r"}),
    )
    for error in await both_errors(http, server):
        assert isinstance(error, APIResponseValidationError)
        assert str(error) == (
            "expected text/event-stream, got text/html; charset=latin-1: '<html>Grüße</html>'"
        )
    endless = [head(200, {"content-type": "text/html", "request-id": "r"})]
    server.answer([*endless, b"a" * 500, loopback.hold])
    for error in await both_errors(http, server):
        assert error.body == "a" * 200


# --- iterables ----------------------------------------------------------------------------------


async def chunks() -> Any:
    yield BODY


REFUSED = {
    "bytes": (BODY, "bytes; use replay(body), or pass the chunks as [body]"),
    "a bytearray": (bytearray(BODY), "bytearray; use replay(body), or pass the chunks as [body]"),
    "text": (BODY.decode(), "str; use replay(path) for a file, or pass the bytes of the body as"),
    "lines of text": (BODY.decode().splitlines(), "list; its items are text: pass response.iter_"),
    "an event": (EVENTS[0], "dict; it is an event: pass events to streamfold.reducer.fold"),
    "events": (EVENTS, "list; its items are dict: pass the bytes of a body, or fold events with"),
    "bytes among events": ((BODY, EVENTS[0]), "tuple; its items are dict: pass the bytes of a"),
    "numbers": ([1], "list; its items are int: pass the bytes of a body, or fold events with"),
    "nothing": (None, "NoneType; pass an open response, or an iterable of bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("cls", [MessageStream, AsyncMessageStream])
def test_what_cannot_be_read_is_refused_at_once(cls: Any, name: str) -> None:
    source, reason = REFUSED[name]
    with pytest.raises(TypeError) as caught:
        cls(source)
    if cls is MessageStream or name in ("bytes", "a bytearray", "text", "nothing"):
        start = f"{cls.__name__} reads a response or chunks of bytes, got {reason}"
        assert str(caught.value).startswith(start)


def test_an_iterable_of_the_other_kind_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="got async_generator; use AsyncMessageStream"):
        MessageStream(chunks())
    with pytest.raises(TypeError, match="got list; use MessageStream"):
        AsyncMessageStream([BODY])  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["data: {}", 1])
async def test_an_item_that_is_not_bytes_is_refused_when_it_comes(bad: Any) -> None:
    async def mixed() -> Any:
        yield BODY[:100]
        yield bad

    with pytest.raises(TypeError, match=r"^a stream reads chunks of bytes: its items are "):
        MessageStream[None](iter([BODY[:100], bad])).until_done()
    with pytest.raises(TypeError, match=r"^a stream reads chunks of bytes: its items are "):
        list(MessageStream[None](iter([BODY[:100], bad])))
    with pytest.raises(TypeError, match=r"^a stream reads chunks of bytes: its items are "):
        await AsyncMessageStream[None](mixed()).until_done()


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_what_has_the_bytes_is_copied(kind: Any) -> None:
    buffer = bytearray(BODY)
    half = len(BODY) // 2
    for read in (MessageStream.get_final_message, list):
        stream = MessageStream[None](iter([kind(buffer[:half]), kind(buffer[half:])]))
        read(stream)
        assert stream.get_final_message() == MESSAGE


def test_httpx2_is_not_imported_for_those_who_do_not_use_it() -> None:
    code = """
import sys
from streamfold.transports import MessageStream
import httpx
MessageStream(httpx.Response(200, content=b"")).close
MessageStream([b""]).close
assert "httpx2" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_body_in_chunks_is_server_sent_events() -> None:
    assert MessageStream[None]([encode_sse(EVENTS)]).get_final_message() == MESSAGE


# --- text_stream --------------------------------------------------------------------------------


async def test_text_stream_can_be_closed() -> None:
    stream = MessageStream[None]([BODY])
    texts = stream.text_stream
    assert next(texts) == "Grüß"
    texts.close()
    assert list(texts) == []
    assert list(stream.text_stream) == [" dich", " 😀"]

    asynchronous = AsyncMessageStream[None](chunks())
    atexts = asynchronous.text_stream
    assert await atexts.__anext__() == "Grüß"
    await atexts.aclose()
    assert [text async for text in atexts] == []
    assert [text async for text in asynchronous.text_stream] == [" dich", " 😀"]
