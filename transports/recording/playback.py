"""Playing a recording: each chunk at its time, and then the recorded end.

Waits are measured from the start, not from chunk to chunk, so that a wait that takes too long is
made up for by the next one.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

from .http_library import byte_stream, exception_of, raw_headers
from .parts import RecordedError, RecordedResponse
from .value import Recording

__all__ = ["Pace", "Step", "check_speed", "replayed_response", "steps_of"]

Step = tuple[float, bytes]
"""A time, in seconds since the request, and the bytes that are due then."""


# --- time -----------------------------------------------------------------------------------------


def check_speed(speed: float) -> float:
    """`speed`, if a recording can be played at it.

    Args:
        speed: 1 is the recorded speed, 2 twice as fast, 0 without delay.

    Raises:
        ValueError: `speed` is negative or not finite.
    """
    if not (math.isfinite(speed) and speed >= 0):
        raise ValueError(f"speed must be finite and at least 0 (0 = no delay), got {speed!r}")
    return speed


class Pace:
    """The clock of one replay, which starts when the object is made.

    >>> pace = Pace(speed=0)
    >>> pace.left(at=3600)
    0.0
    """

    def __init__(self, speed: float) -> None:
        """Start the clock.

        Args:
            speed: 1 is the recorded speed, 2 twice as fast, 0 without delay.

        Raises:
            ValueError: `speed` is negative or not finite.
        """
        self._speed = check_speed(speed)
        self._start = time.monotonic()
        self._reached = 0.0

    def reached(self) -> float:
        """The recorded time that the replay has reached: that of the last step."""
        return self._reached

    def skip_to(self, at: float) -> None:
        """Note that the replay has reached the recorded time `at`, without waiting."""
        self._reached = at

    def left(self, at: float) -> float:
        """Seconds until the recorded time `at` is due; 0 if it is.

        Args:
            at: seconds from the request, as recorded.
        """
        if not self._speed:
            return 0.0
        return max(0.0, self._start + at / self._speed - time.monotonic())

    def wait(self, at: float) -> None:
        """Wait until the recorded time `at` is due."""
        self._reached = at
        if left := self.left(at):
            time.sleep(left)

    async def wait_async(self, at: float) -> None:
        """Wait for it in asyncio or trio; other tasks run in between, even if it is due."""
        self._reached = at
        await _sleep(self.left(at))


async def _sleep(seconds: float) -> None:
    """Sleep in the event loop that runs; yields to other tasks at least once.

    Each loop is imported only if it runs, so that a sync replay imports neither.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        await trio.sleep(seconds)
    else:
        import asyncio

        await asyncio.sleep(seconds)


# --- content --------------------------------------------------------------------------------------


_CUT = RecordedError(
    "RemoteProtocolError", "peer closed connection: the recording was cut off here"
)


def steps_of(http: Any, recording: Recording) -> Generator[Step, None, None]:
    """The chunks of a recording with their times; then the end, as an empty chunk.

    Args:
        http: the module httpx or httpx2.
        recording: the recording to play.

    Raises:
        Exception: after the last step, the recorded error as an exception of `http`, or
            `RemoteProtocolError` for a recording that was cut.

    >>> import httpx
    >>> list(steps_of(httpx, Recording.of([b"data: {}", b"\\n\\n"])))
    [(0.0, b'data: {}'), (0.0, b'\\n\\n'), (0.0, b'')]
    """
    for chunk in recording.chunks:
        yield chunk.at, chunk.data
    yield recording.duration, b""
    error = _CUT if recording.ended == "cut" else recording.error
    if error is not None:
        raise exception_of(http, error)


class _ReplayedBody:
    """A body that gives each chunk when it is due; sync and async."""

    def __init__(self, steps: Generator[Step, None, None], pace: Pace) -> None:
        self._steps = steps
        self._pace = pace
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        for at, chunk in self._steps:
            self._pace.skip_to(at)
            left = self._pace.left(at)
            if left and self._closed.wait(left):  # another thread has closed the body
                return
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
        self._closed.set()
        self._steps.close()

    async def aclose(self) -> None:
        self._steps.close()

    interrupt = close
    """Ends a read that waits: see `interruption_of`."""


def replayed_response(
    http: Any,
    recorded: RecordedResponse,
    steps: Generator[Step, None, None],
    pace: Pace,
    **more: Any,
) -> Any:
    """A response of the library with a recorded head, and a body played from steps.

    Args:
        http: the module httpx or httpx2.
        recorded: status and headers.
        steps: the chunks and their times; closed with the response.
        pace: the clock of the replay.
        more: further arguments of the response.
    """
    body = byte_stream(http, _ReplayedBody)(steps, pace)
    return http.Response(
        recorded.status,
        headers=raw_headers(recorded.headers),
        stream=body,
        extensions={"network_stream": body},  # as with a connection, closing it ends the body
        **more,
    )
