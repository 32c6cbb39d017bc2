"""The sources of a stream, sync and async: an open response of httpx or httpx2, the object that the
official client's `with_streaming_response` gives, or an iterable of bytes.

`sync_source` and `async_source` turn each of them into a `Source`. They refuse all other objects,
with an error that names the object to pass instead. httpx2 is not imported here: a program that
holds one of its responses has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

import attrs
import httpx

from .errors import APIError, beginning_needed, response_error
from .http_types import HTTPResponse
from .recording import AsyncDecompressed, decompressed

__all__ = ["Source", "aclose", "async_source", "bytes_of", "library_of", "sync_source"]

ChunksT = TypeVar("ChunksT")


@attrs.frozen
class Source(Generic[ChunksT]):
    """The source of the bytes of one stream.

    Attributes:
        opened: the object to close at the end: the response, or the iterable.
        response: the response, if it is one.
        chunks: the bytes of the body, decompressed in bounded pieces.
        http: the library whose exceptions reading may raise: httpx or httpx2.
    """

    opened: Any
    response: HTTPResponse | None
    chunks: ChunksT
    http: Any = httpx

    @property
    def connection_errors(self) -> tuple[type[Exception], ...]:
        """The exceptions with which reading ends when the connection fails."""
        return (self.http.HTTPError, self.http.StreamError, ConnectionError, TimeoutError)

    @property
    def timeouts(self) -> tuple[type[Exception], ...]:
        """Those of them that are timeouts."""
        return (self.http.TimeoutException, TimeoutError)


@attrs.frozen
class _Way:
    """One of the two ways to read, sync or async: its classes and the names of its methods.

    Attributes:
        stream: the class that reads in this way.
        iterable: the class of iterables that can be read in this way.
        iterates: the method of these iterables.
        advances: the method of their iterators.
        raw: the method of a response that gives the bytes as they come.
        decompressed: gives the bytes of a response, decompressed.
        refuse: the generator that takes the place of a body that is not a stream.
    """

    stream: str
    iterable: type[Any]
    iterates: str
    advances: str
    raw: str
    decompressed: Callable[[Any, Any, int], Any]
    refuse: Callable[..., Any]


def sync_source(source: Any, limit: int) -> Source[Iterator[bytes]]:
    """The source that `MessageStream` reads.

    Args:
        source: the response or the iterable.
        limit: the bytes into which any compressed body may expand: see `decompressed`.

    Raises:
        TypeError: it cannot be read; the error names the object to pass instead.
        ValueError: it is a response that was read or closed before.
    """
    return _source(source, _SYNC, _ASYNC, limit)


def async_source(source: Any, limit: int) -> Source[AsyncIterator[bytes]]:
    """The source that `AsyncMessageStream` reads: see `sync_source`."""
    return _source(source, _ASYNC, _SYNC, limit)


def _refuse(response: HTTPResponse, chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Read the beginning of a body that is not a stream, and raise the error of its response.

    No traceback has a frame with the body, which may repeat the key.
    """
    raise _refusal(response, chunks, size)
    yield b""  # makes this a generator


def _refusal(response: HTTPResponse, chunks: Iterator[bytes], size: int) -> APIError:
    beginning = bytearray()
    for chunk in chunks:
        beginning += chunk
        if len(beginning) >= size:
            break
    return response_error(response, bytes(beginning[:size]))


async def _arefuse(
    response: HTTPResponse, chunks: AsyncIterator[bytes], size: int
) -> AsyncIterator[bytes]:
    """`_refuse`, for the body of an async client."""
    raise await _arefusal(response, chunks, size)
    yield b""  # makes this a generator


async def _arefusal(response: HTTPResponse, chunks: AsyncIterator[bytes], size: int) -> APIError:
    beginning = bytearray()
    async for chunk in chunks:
        beginning += chunk
        if len(beginning) >= size:
            await aclose(response, chunks)
            break
    return response_error(response, bytes(beginning[:size]))


_SYNC = _Way("MessageStream", Iterable, "__iter__", "__next__", "iter_raw", decompressed, _refuse)
_ASYNC = _Way(
    "AsyncMessageStream",
    AsyncIterable,
    "__aiter__",
    "__anext__",
    "aiter_raw",
    AsyncDecompressed,
    _arefuse,
)


def library_of(value: object) -> Any:
    """The library that `value` is a response of, httpx or httpx2; `None` for anything else."""
    for library in (httpx, sys.modules.get("httpx2")):
        if library is not None and isinstance(value, library.Response):
            return library
    return None


async def aclose(source: Any, chunks: AsyncIterator[bytes]) -> None:
    """Close a source of chunks and the iterator that reads it.

    trio warns of an async generator that is dropped half-way instead of being closed by the event
    loop. The generators with which httpx reads a response are nested, and closing the outer one
    only drops the inner ones. But once the connection is closed, each ends by itself at its next
    step; therefore this reads on to the end. A response that was made without a connection may
    never end, and is closed without reading on.
    """
    if isinstance(chunks, AsyncDecompressed):
        await chunks.aclose()
        return
    if library_of(source) is not None and "network_stream" in source.extensions:
        await source.aclose()
        with suppress(Exception):
            while True:
                await chunks.__anext__()
        return
    for closable in (source, chunks):
        aclose = getattr(closable, "aclose", None)
        if aclose is not None:
            await aclose()


def _source(source: Any, way: _Way, other: _Way, limit: int) -> Source[Any]:
    source = getattr(source, "http_response", source)  # of the official client's APIResponse
    http = library_of(source)
    if http is None:
        return _iterable_source(source, way, other)
    if not hasattr(source.stream, way.iterates):
        raise TypeError(f"{way.stream} cannot read this response: use {other.stream}")
    if source.is_closed or source.is_stream_consumed:
        try:
            source.content  # noqa: B018  there is one: the response can be read again
        except http.ResponseNotRead:
            raise ValueError(
                "the response was read or closed before: pass an open one, such as that of "
                "client.stream(…) or client.send(request, stream=True)"
            ) from None
    if "content-encoding" in source.headers or source.is_stream_consumed:
        chunks = way.decompressed(source, http, limit)
    else:  # saves one generator per chunk
        chunks = _raw_chunks(source, way)
    needed = beginning_needed(source)
    if needed:
        chunks = way.refuse(source, chunks, needed)
    return Source(source, source, chunks, http)


def _raw_chunks(response: Any, way: _Way) -> Any:
    """The chunks of a response as they come.

    The client puts the body of its transport into a stream of its own, and that into generators,
    which cost 4 µs an event. A body that is an iterator itself is read without them. Others have
    generators of their own, which are left to the library, because trio wants them closed.
    """
    body = getattr(response.stream, "_stream", None)
    if hasattr(body, way.advances):
        return getattr(body, way.iterates)()
    return getattr(response, way.raw)()


def _iterable_source(source: Any, way: _Way, other: _Way) -> Source[Any]:
    advice = _advice(source, way, other)
    if advice is not None:
        kind = type(source).__name__
        raise TypeError(f"{way.stream} reads a response or chunks of bytes, got {kind}; {advice}")
    return Source(source, None, getattr(source, way.iterates)())


def _advice(source: Any, way: _Way, other: _Way) -> str | None:
    """Advice on the object to pass instead of `source`; `None` if `source` can be read."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "use replay(body), or pass the chunks as [body]"
    if isinstance(source, str):
        return "use replay(path) for a file, or pass the bytes of the body as [text.encode()]"
    if library_of(getattr(source, "response", None)) is not None:
        return "it hands out events: pass its .response"
    if isinstance(source, way.iterable):
        return _advice_on_items(source)
    if isinstance(source, other.iterable):
        return f"use {other.stream}"
    if hasattr(source, "__enter__") or hasattr(source, "__aenter__"):
        return "enter it first: with … as response"
    return "pass an open response, or an iterable of bytes"


def _advice_on_items(source: Any) -> str | None:
    """Advice on the object to pass instead of `source`, if its items are known not to be bytes."""
    if not isinstance(source, (list, tuple, Mapping)):
        return None
    items = list(cast("Iterable[Any]", source))
    if isinstance(source, Mapping) and "type" in source:
        return "it is an event: pass events to streamfold.reducer.fold"
    return next(filter(None, map(_advice_on_chunk, items)), None)


def bytes_of(chunk: Any) -> bytes:
    """A chunk as immutable bytes.

    Raises:
        TypeError: it is not bytes; the error names the object to pass instead.
    """
    advice = _advice_on_chunk(chunk)
    if advice is not None:
        raise TypeError(f"a stream reads chunks of bytes: {advice}")
    return bytes(chunk)


def _advice_on_chunk(chunk: Any) -> str | None:
    """Advice on the object to pass, if `chunk`, an item of the iterable, is not bytes."""
    if isinstance(chunk, (bytes, bytearray, memoryview)):
        return None
    if isinstance(chunk, str):
        return "its items are text: pass response.iter_raw(), not iter_lines() or iter_text()"
    return (
        f"its items are {type(chunk).__name__}: pass the bytes of a body, or fold events with "
        "streamfold.reducer.fold"
    )
