"""Recorded bodies as streams: what a response said once, said again."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, Union

import httpx

from .progress import EVENT_STREAM
from .streams import AsyncMessageStream, MessageStream

__all__ = ["areplay", "replay"]

Source = Union[str, "os.PathLike[str]", bytes, Iterable[bytes]]

_CHUNK = 64 * 1024


def _chunks(source: bytes | Iterable[bytes]) -> Generator[bytes, None, None]:
    if isinstance(source, bytes):
        for start in range(0, len(source), _CHUNK):
            yield source[start : start + _CHUNK]
    else:
        yield from source


class _Recorded(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The chunks of a recorded body, for either kind of response."""

    def __init__(self, source: bytes | Iterable[bytes]) -> None:
        self._chunks = _chunks(source)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    def close(self) -> None:
        self._chunks.close()

    async def aclose(self) -> None:
        self._chunks.close()


def _response(source: Source) -> httpx.Response:
    if isinstance(source, (str, os.PathLike)):
        source = Path(source).read_bytes()
    recorded = _Recorded(source)
    return httpx.Response(
        200,
        headers={"content-type": EVENT_STREAM},
        stream=recorded,
        extensions={"network_stream": recorded},  # to close it is to end it, as with a connection
        request=httpx.Request("POST", "https://api.anthropic.com/v1/messages"),
    )


def replay(source: Source, **options: Any) -> MessageStream[Any]:
    """A recorded body as a stream.

    Args:
        source: the path of a file, the bytes themselves, or an iterable of chunks, which stay as
            they are.
        options: those of `MessageStream`.

    Raises:
        OSError: the file cannot be read.

    >>> with replay(b'event: ping\\ndata: {"type":"ping"}\\n\\n', allow_incomplete=True) as stream:
    ...     list(stream)
    []
    """
    return MessageStream(_response(source), **options)


def areplay(source: Source, **options: Any) -> AsyncMessageStream[Any]:
    """A recorded body as an async stream: see `replay`."""
    return AsyncMessageStream(_response(source), **options)
