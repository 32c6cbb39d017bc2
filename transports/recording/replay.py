"""Recordings and raw bodies as streams: what a response said once, said again."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, Union

import httpx
from streamfold.transports.streams import AsyncMessageStream, MessageStream

from .files import Recording, is_recording
from .http_library import raw_headers
from .playback import Pace
from .replayer import Step, replayed_response, steps_of
from .value import RecordedRequest, RecordedResponse

__all__ = ["areplay", "replay"]

Source = Union[str, "os.PathLike[str]", Recording, bytes, Iterable[bytes]]

_CHUNK = 64 * 1024
_REQUEST = RecordedRequest("POST", "https://api.anthropic.com/v1/messages")
"""What is answered when nobody knows what was asked."""


def _response(source: Source, speed: float) -> httpx.Response:
    if isinstance(source, (str, os.PathLike)):
        source = Recording.load(source) if is_recording(source) else Path(source).read_bytes()
    if isinstance(source, bytes):
        source = Recording.of(source).rechunk(_CHUNK)
    if isinstance(source, Recording):
        request, response = source.request or _REQUEST, source.response
        steps = steps_of(httpx, source)
    else:
        request, response, steps = _REQUEST, RecordedResponse(), _steps(source)
    asked = httpx.Request(request.method, request.url, headers=raw_headers(request.headers))
    replayed: httpx.Response = replayed_response(httpx, response, steps, Pace(speed), request=asked)
    return replayed


def _steps(source: Iterable[bytes]) -> Generator[Step, None, None]:
    try:
        for chunk in source:
            yield 0.0, chunk
    except GeneratorExit:
        if isinstance(source, Generator):
            source.close()
        raise


def replay(source: Source, *, speed: float = 0.0, **options: Any) -> MessageStream[Any]:
    """A recording, or a raw body, as a stream.

    A recording that was cut off, or ended with an error, ends so again: the stream raises
    `APIConnectionError` or `APITimeoutError`, unless the message was complete by then.

    Args:
        source: the path of a recording (`*.jsonl`) or of a raw body, a recording, the bytes of a
            body, or an iterable of chunks, which stay as they are.
        speed: 1 is as it was recorded, 2 twice as fast, 0 at once.
        options: those of `MessageStream`.

    Raises:
        OSError: the file cannot be read.
        RecordingError: the file is no recording, or not a whole one.
        ValueError: there is no such speed.

    >>> with replay(b'event: ping\\ndata: {"type":"ping"}\\n\\n', allow_incomplete=True) as stream:
    ...     list(stream)
    []
    """
    return MessageStream(_response(source, speed), **options)


def areplay(source: Source, *, speed: float = 0.0, **options: Any) -> AsyncMessageStream[Any]:
    """A recording, or a raw body, as an async stream: see `replay`."""
    return AsyncMessageStream(_response(source, speed), **options)
