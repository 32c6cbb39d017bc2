"""`replay` and `areplay`: a recording, or a raw body, as a message stream."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, Union

import httpx

from .recording import (
    Pace,
    RecordedRequest,
    RecordedResponse,
    Recording,
    Step,
    is_recording,
    raw_headers,
    replayed_response,
    steps_of,
)
from .streams import AsyncMessageStream, MessageStream

__all__ = ["areplay", "replay"]

Source = Union[str, "os.PathLike[str]", Recording, bytes, Iterable[bytes]]

_CHUNK = 64 * 1024
"""Bytes of a raw body that arrive together."""

_REQUEST = RecordedRequest("POST", "https://api.anthropic.com/v1/messages")
"""The request of a stream that was recorded without one."""


def _response(source: Source, pace: Pace) -> httpx.Response:
    """An open response whose body is `source`."""
    if isinstance(source, (str, os.PathLike)):
        source = Recording.load(source) if is_recording(source) else Path(source).read_bytes()
    if isinstance(source, bytes):
        source = Recording.of(source).rechunk(_CHUNK)
    if isinstance(source, Recording):
        request, response = source.request or _REQUEST, source.response
        steps = steps_of(httpx, source)
    else:
        request, response, steps = _REQUEST, RecordedResponse(), _steps(source)
    sent = httpx.Request(request.method, request.url, headers=raw_headers(request.headers))
    pace.skip_to(response.at)
    replayed: httpx.Response = replayed_response(httpx, response, steps, pace, request=sent)
    return replayed


def _steps(chunks: Iterable[bytes]) -> Generator[Step, None, None]:
    """The chunks, all due at once. A generator of chunks is closed with this one."""
    try:
        for chunk in chunks:
            yield 0.0, chunk
    except GeneratorExit:
        if isinstance(chunks, Generator):
            chunks.close()
        raise


def replay(source: Source, *, speed: float = 0.0, **options: Any) -> MessageStream[Any]:
    """A recording, or a raw body, as a stream.

    A recording that was cut, or ended with an error, ends in the same way: the stream raises
    `APIConnectionError` or `APITimeoutError`, unless the message was complete before that.

    Args:
        source: the path of a recording (`*.jsonl`) or of a raw body, a recording, the bytes of a
            body, or an iterable of chunks. Chunks are passed on as they are.
        speed: 1 is the recorded speed, 2 twice as fast, 0 without delay.
        options: the options of `MessageStream`. By default its `clock` is that of the recording,
            so that `timing` has the recorded times at any speed.

    Returns:
        An open stream with a response. Nothing is sent.

    Raises:
        OSError: the file cannot be read.
        RecordingError: the file is not a complete recording.
        ValueError: `speed` is negative or not finite.

    >>> with replay(b'event: ping\\ndata: {"type":"ping"}\\n\\n', allow_incomplete=True) as stream:
    ...     list(stream)
    []
    """
    pace = Pace(speed)
    response = _response(source, pace)
    return MessageStream(response, **{"clock": pace.reached, **options})


def areplay(source: Source, *, speed: float = 0.0, **options: Any) -> AsyncMessageStream[Any]:
    """A recording, or a raw body, as an async stream: see `replay`."""
    pace = Pace(speed)
    response = _response(source, pace)
    return AsyncMessageStream(response, **{"clock": pace.reached, **options})
