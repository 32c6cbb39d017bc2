"""Opening and reading a stream with each library.

Opening and reading are two functions, and only reading is measured, so that the official SDK does
not pay for building a request. Both sides get the same chunks from a transport in this process,
through their own HTTP library: `httpx` for streamfold, `httpx2` for the SDK.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from typing import Any

import anthropic
import httpx
import httpx2
import httpx_sse
import jiter
import partial_json_parser
from streamfold.adapters.anthropic import Anthropic
from streamfold.reducer import ServerSentEvent, SSEState, decode_sse
from streamfold.transports import AsyncMessageStream, MessageStream

Chunks = Sequence[bytes]

# --- the wire -----------------------------------------------------------------------------------

HEADERS = {"content-type": "text/event-stream"}
URL = "https://api.anthropic.com/v1/messages"


class _Wire:
    """Chunks from memory. The async iterator yields to the event loop, as a socket does."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            await asyncio.sleep(0)
            yield chunk


class _HTTPXWire(_Wire, httpx.SyncByteStream, httpx.AsyncByteStream):
    pass


class _HTTPX2Wire(_Wire, httpx2.SyncByteStream, httpx2.AsyncByteStream):
    pass


class _HTTPXTransport(httpx.BaseTransport):
    """Answers every request with `chunks`, for httpx."""

    chunks: Chunks = ()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=HEADERS, stream=_HTTPXWire(self.chunks))


class _Transport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers every request with `chunks`, for httpx2."""

    chunks: Chunks = ()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=HEADERS, stream=_HTTPX2Wire(self.chunks))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.handle_request(request)


def _response(chunks: Chunks) -> httpx.Response:
    request = httpx.Request("POST", URL)
    return httpx.Response(200, headers=HEADERS, stream=_HTTPXWire(chunks), request=request)


# --- opening ------------------------------------------------------------------------------------

REQUEST: Any = {
    "model": "claude-haiku-4-5",
    "max_tokens": 64_000,
    "messages": [{"role": "user", "content": "Tell me more"}],
}
_TRANSPORT = _Transport()
_HTTPX_TRANSPORT = _HTTPXTransport()


@functools.cache
def _client() -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="none", http_client=httpx2.Client(transport=_TRANSPORT))


@functools.cache
def _async_client() -> anthropic.AsyncAnthropic:
    http_client = httpx2.AsyncClient(transport=_TRANSPORT)
    return anthropic.AsyncAnthropic(api_key="none", http_client=http_client)


def open_streamfold(chunks: Chunks) -> MessageStream[Any]:
    """A stream of streamfold."""
    return MessageStream(_response(chunks))


def open_sdk(chunks: Chunks) -> Any:
    """A stream of the official SDK."""
    _TRANSPORT.chunks = chunks
    return _client().messages.stream(**REQUEST).__enter__()


async def aopen_streamfold(chunks: Chunks) -> AsyncMessageStream[Any]:
    """An async stream of streamfold."""
    return AsyncMessageStream(_response(chunks))


async def aopen_sdk(chunks: Chunks) -> Any:
    """An async stream of the official SDK."""
    _TRANSPORT.chunks = chunks
    return await _async_client().messages.stream(**REQUEST).__aenter__()


# --- whole calls --------------------------------------------------------------------------------


@functools.cache
def _httpx() -> httpx.Client:
    return httpx.Client(transport=_HTTPX_TRANSPORT)


@functools.cache
def _our_client() -> Anthropic:
    return Anthropic(api_key="none", http_client=_httpx())


def call_streamfold(chunks: Chunks) -> tuple[int, Any]:
    """A call of our client: the number of its events, and the message."""
    _HTTPX_TRANSPORT.chunks = chunks
    return events_and_message(_our_client())


def call_sdk(chunks: Chunks) -> tuple[int, Any]:
    """The same call of the official client."""
    _TRANSPORT.chunks = chunks
    return events_and_message(_client())


def events_and_message(client: Any) -> tuple[int, Any]:
    """Stream an answer, with either client."""
    with client.messages.stream(**REQUEST) as stream:
        return all_events(stream), stream.get_final_message()


async def events_and_message_async(client: Any) -> tuple[int, Any]:
    """Stream an answer, with either async client."""
    async with client.messages.stream(**REQUEST) as stream:
        return await all_events_async(stream), await stream.get_final_message()


def call_httpx(chunks: Chunks) -> None:
    """The same request by httpx alone, to the end of the body."""
    _HTTPX_TRANSPORT.chunks = chunks
    with _httpx().stream("POST", URL, json=REQUEST) as response:
        for _ in response.iter_raw():
            pass


# --- reading: the same code for both, because they have the same interface ----------------------


def all_events(stream: Any) -> int:
    """Iterate all events; returns their number."""
    count = 0
    for _ in stream:
        count += 1
    return count


def text_stream(stream: Any) -> int:
    """Iterate the text; returns its length."""
    return sum(len(text) for text in stream.text_stream)


def texts_of_deltas(stream: Any) -> int:
    """Iterate all events and read the text of each delta; returns its length."""
    length = 0
    for event in stream:
        if event.type == "content_block_delta":
            length += len(event.delta.text)
    return length


def final_message(stream: Any) -> None:
    """Read to the end for the message alone."""
    stream.get_final_message()


def every_snapshot(stream: Any) -> Any:
    """Iterate all events and read the tool's input so far at each; returns the last one."""
    snapshot = None
    for event in stream:
        if event.type == "input_json":
            snapshot = event.snapshot
    return plain(snapshot)


async def all_events_async(stream: Any) -> int:
    """`all_events`, async."""
    count = 0
    async for _ in stream:
        count += 1
    return count


def message_of(message: Any) -> object:
    """The part of the message that both sides must agree on, without the fields that are null."""
    fields = message.to_dict()
    usage = {key: value for key, value in fields["usage"].items() if value is not None}
    content = [
        {key: value for key, value in block.items() if value is not None}
        for block in fields["content"]
    ]
    head = {key: fields[key] for key in ("id", "stop_reason")}
    return {**head, "content": content, "usage": usage}


def plain(snapshot: Any) -> Any:
    """A tool's input as plain JSON values."""
    return snapshot.to_dict() if hasattr(snapshot, "to_dict") else snapshot


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def wait_for(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run `coroutine` on the one event loop of the benchmarks."""
    return _loop().run_until_complete(coroutine)


# --- single steps -------------------------------------------------------------------------------


def decode_streamfold(chunks: Chunks) -> list[ServerSentEvent]:
    """Decode the server-sent events and do nothing else."""
    state = SSEState()
    found: list[ServerSentEvent] = []
    for chunk in chunks:
        state, events = decode_sse(state, chunk)
        found += events
    return found


def decode_httpx_sse(chunks: Chunks) -> list[httpx_sse.ServerSentEvent]:
    """Decode them with httpx-sse."""
    return list(httpx_sse.EventSource(_response(chunks)).iter_sse())


def json_alone(data: Sequence[bytes]) -> None:
    """The floor: parse the data of each event, which was decoded before, and do nothing else."""
    loads = json.loads
    for one in data:
        loads(one)


def snapshots_jiter(pieces: Sequence[str]) -> Any:
    """Parse the whole input of a tool again at each piece with jiter, as the official SDK does."""
    snapshot, so_far = None, b""
    for piece in pieces:
        so_far += piece.encode()
        snapshot = jiter.from_json(so_far, partial_mode=True)
    return snapshot


def snapshots_partial_json_parser(pieces: Sequence[str]) -> Any:
    """Parse the whole input of a tool again at each piece with partial-json-parser."""
    snapshot, so_far = None, ""
    allowed = partial_json_parser.ALL & ~partial_json_parser.STR
    for piece in pieces:
        so_far += piece
        snapshot = partial_json_parser.loads(so_far, allowed)
    return snapshot
