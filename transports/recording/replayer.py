"""`ReplayTransport`: recordings in the place of a network.

A request is answered with a recording of the same one, chunk for chunk, at once or as slowly as it
was; a request that nothing was recorded for is an error that no client takes for a lost connection.
See `matching` for what the same request is.

httpx and httpx2 share all of this: see `http_library`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, Union

import attrs
import httpx

from .files import Name, Recording, recording_files, redacted_request
from .http_library import byte_stream, failure_of, raw_headers, request_as_recorded
from .matching import UnmatchedRequestError, fitting, next_of
from .playback import Pace, check_speed
from .redaction import Redaction
from .value import RecordedRequest, RecordedResponse

__all__ = ["Match", "ReplayTransport", "Replayer", "replayed_response"]

Match = Literal["request", "order"]
Source = Union[Name, Recording]
Step = tuple[float, bytes]


# --- one response -------------------------------------------------------------------------------


class _Replayed:
    """A body, each chunk when it is due. Behind the last one an empty one says when the end is."""

    def __init__(self, steps: Generator[Step, None, None], pace: Pace) -> None:
        self._steps = steps
        self._pace = pace

    def __iter__(self) -> Iterator[bytes]:
        for at, chunk in self._steps:
            self._pace.wait(at)
            if chunk:
                yield chunk

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for at, chunk in self._steps:
            await self._pace.wait_async(at)
            if chunk:
                return chunk
        raise StopAsyncIteration

    def close(self) -> None:
        self._steps.close()

    async def aclose(self) -> None:
        self._steps.close()


def steps_of(http: Any, recording: Recording) -> Generator[Step, None, None]:
    """The chunks of `recording`, and how it ended."""
    for chunk in recording.chunks:
        yield chunk.at, chunk.data
    yield recording.duration, b""
    failure = failure_of(http, recording)
    if failure is not None:
        raise failure


def replayed_response(
    http: Any,
    recorded: RecordedResponse,
    steps: Generator[Step, None, None],
    pace: Pace,
    **more: Any,
) -> Any:
    """A response of `http` that says again what was recorded."""
    body = byte_stream(http, _Replayed)(steps, pace)
    return http.Response(
        recorded.status,
        headers=raw_headers(recorded.headers),
        stream=body,
        extensions={"network_stream": body},  # to close it is to end it, as with a connection
        **more,
    )


# --- the transport ------------------------------------------------------------------------------


@attrs.define(eq=False)
class _Entry:
    """A recording, where it came from, and how often it was played."""

    source: Path | Recording
    name: str
    recording: Recording
    request: RecordedRequest | None
    plays: int = 0

    @classmethod
    def of(cls, number: int, source: Path | Recording, secrets: Iterable[str]) -> _Entry:
        if isinstance(source, Recording):
            name, recording = f"recording {number}", source
        else:
            name, recording = str(source), Recording.load(source)
        return cls(source, name, recording, recording.redacted(secrets).request)


def _sources(recordings: Source | Iterable[Source]) -> Iterator[Path | Recording]:
    if isinstance(recordings, Recording):
        yield recordings
    elif isinstance(recordings, (str, os.PathLike)):
        path = Path(recordings)
        yield from recording_files(path) if path.is_dir() else [path]
    else:
        for each in recordings:
            yield from _sources(each)


class Replayer:
    """A transport that answers with recordings.

    By `match="request"`, a request is answered with the recording of the same one. When several
    fit they are played in the order they were given, and the last of them again and again. One
    that does not know its request, such as a raw body, fits any request that no other does.

    By `match="order"`, the first request gets the first recording, whatever it asks, and so on.

    All recordings are read when the transport is made. It may be used by several threads.
    """

    _http: ClassVar[Any]

    def __init__(
        self,
        recordings: Source | Iterable[Source],
        *,
        match: Match = "request",
        speed: float = 0.0,
        secrets: Iterable[str] = (),
    ) -> None:
        """Replay `recordings`.

        Args:
            recordings: a recording; the path of one, or of a raw body; the path of a folder, whose
                files are taken in their natural order; or several of these.
            match: what a request is answered with: see above.
            speed: 1 is as it was, 2 twice as fast, 0 at once.
            secrets: the names that were given when it was recorded: see `Recording.redacted`.

        Raises:
            OSError: a file cannot be read.
            RecordingError: a file is no recording.
            ValueError: there is no such `match` or `speed`.
        """
        if match not in ("request", "order"):
            raise ValueError(f"match is 'request' or 'order', not {match!r}")
        self._match = match
        self._speed = check_speed(speed)
        self._secrets = Redaction(secrets).names
        self._entries = [
            _Entry.of(number, source, self._secrets)
            for number, source in enumerate(_sources(recordings), 1)
        ]
        self._lock = threading.Lock()

    @property
    def unused(self) -> tuple[Path | Recording, ...]:
        """What was not played yet: the paths of files, and recordings that were handed in."""
        return tuple(entry.source for entry in self._entries if not entry.plays)

    def handle_request(self, request: Any) -> Any:
        """Answer a request.

        Raises:
            UnmatchedRequestError: there is no recording for it.
        """
        pace = Pace(self._speed)
        request.read()
        recording = self._answer_to(request)
        pace.wait(recording.response.at)
        return self._replay(recording, pace)

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request: see `handle_request`."""
        pace = Pace(self._speed)
        await request.aread()
        recording = self._answer_to(request)
        await pace.wait_async(recording.response.at)
        return self._replay(recording, pace)

    def _replay(self, recording: Recording, pace: Pace) -> Any:
        steps = steps_of(self._http, recording)
        return replayed_response(self._http, recording.response, steps, pace)

    def _answer_to(self, request: Any) -> Recording:
        asked = redacted_request(request_as_recorded(request), Redaction(self._secrets))
        with self._lock:
            entry = self._in_order() if self._match == "order" else self._matching(asked)
            entry.plays += 1
        return entry.recording

    def _in_order(self) -> _Entry:
        for entry in self._entries:
            if not entry.plays:
                return entry
        raise UnmatchedRequestError(
            f"there was one request more than the {len(self._entries)} recordings"
        )

    def _matching(self, asked: RecordedRequest) -> _Entry:
        return next_of(fitting(self._entries, asked, lambda entry: entry.name))


class ReplayTransport(Replayer, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport that replays, for sync clients and for async ones on asyncio or trio.

    >>> transport = ReplayTransport("tests/recordings/text.sse")
    >>> with httpx.Client(transport=transport) as client:
    ...     client.post("https://example.com/v1/messages").text[:20]
    'event: message_start'
    """

    _http: ClassVar[Any] = httpx
