"""`ReplayTransport`: an HTTP transport that answers with recordings instead of a network.

A request is answered with the recording of the same request (see `matching`), chunk for chunk,
without delay or at the recorded speed. A request without a recording raises
`UnmatchedRequestError`, which no client mistakes for a lost connection.

`Replayer` is the part that httpx and httpx2 share: see `http_library`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import httpx

from .http_library import recorded_request
from .playback import Pace, check_speed, replayed_response, steps_of
from .store import RecordingStore, Source
from .value import Recording

__all__ = ["ReplayTransport", "Replayer"]

Match = Literal["request", "order"]


class Replayer:
    """A transport that answers with recordings.

    With `match="request"`, a request is answered with the recording of the same request. If there
    are several, they are played in the order in which they were given, and then the last one again
    and again. A recording without a request, such as a raw body, answers any request that no other
    recording answers.

    With `match="order"`, the first request is answered with the first recording, even if it asks
    for something else, and so on.

    All recordings are read when the transport is made. Several threads may use it.
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
        """Replay recordings.

        Args:
            recordings: a recording; the path of a recording or a raw body; the path of a folder,
                whose files are taken in natural order; or several of these.
            match: "request" for the recording of the same request, "order" for one recording after
                the other, whatever the requests ask.
            speed: 1 is the recorded speed, 2 twice as fast, 0 without delay.
            secrets: the names that were given when recording: see `Recording.redacted`.

        Raises:
            OSError: a file cannot be read.
            RecordingError: a file is not a recording.
            TypeError: `secrets` is one string.
            ValueError: `match` has another value, or `speed` is negative or not finite.
        """
        if match not in ("request", "order"):
            raise ValueError(f"match must be 'request' or 'order', got {match!r}")
        self._match = match
        self._speed = check_speed(speed)
        self._store = RecordingStore(recordings, secrets=secrets)

    @property
    def unused(self) -> tuple[Path | Recording, ...]:
        """The recordings that were not played yet: the paths of files, or the values given."""
        return self._store.unused

    def handle_request(self, request: Any) -> Any:
        """Answer a request.

        Raises:
            UnmatchedRequestError: no recording answers the request.
        """
        pace = Pace(self._speed)
        request.read()
        recording = self._recording_for(request)
        pace.wait(recording.response.at)
        return self._replay(recording, pace)

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request: see `handle_request`."""
        pace = Pace(self._speed)
        await request.aread()
        recording = self._recording_for(request)
        await pace.wait_async(recording.response.at)
        return self._replay(recording, pace)

    def _recording_for(self, request: Any) -> Recording:
        if self._match == "order":
            return self._store.play_next().recording
        return self._store.play_for(recorded_request(request)).recording

    def _replay(self, recording: Recording, pace: Pace) -> Any:
        steps = steps_of(self._http, recording)
        return replayed_response(self._http, recording.response, steps, pace)


class ReplayTransport(Replayer, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport that replays, for sync clients and for async ones on asyncio or trio.

    >>> transport = ReplayTransport("tests/recordings/text.sse")
    >>> with httpx.Client(transport=transport) as client:
    ...     client.post("https://example.com/v1/messages").text[:20]
    'event: message_start'
    """

    _http: ClassVar[Any] = httpx
