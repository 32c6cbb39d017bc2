"""Stalls: the time that a reader waits without progress, and the interruption of waits that are too
long.

Progress is an event other than a ping, once it is whole. httpx's own timeout counts the time
between two bytes, so a server that sends pings for ever never exceeds it. A `StallTimer` counts the
time that a reader waited since the last progress; the time that the reader itself takes between two
reads does not count.

The classes here pass on chunks and raise `ReadStalledError` when a wait is too long:

- `AsyncPatience` waits no longer than the time that is left, in asyncio and trio.
- `Watchdog` reads a sync source, which blocks in its socket. A thread shuts the socket down when
  the time is up. That works for a response of httpx or httpx2 over HTTP/1.1. It does not work for
  HTTP/2, whose connection carries other streams, nor for other iterables: for those the timer is
  checked only when bytes arrive.

Costs: nothing without a `stall_timeout`. With one, two readings of the clock a chunk, and for a
sync stream one thread, from its first read to its end.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

from .event_loops import within

__all__ = [
    "AsyncPatience",
    "ReadStalledError",
    "StallTimer",
    "Watchdog",
    "check_stall_timeout",
]


class ReadStalledError(Exception):
    """A read waited too long. It never leaves `transports`."""


def check_stall_timeout(seconds: float | None) -> float | None:
    """`seconds`, if a stream can have it as its `stall_timeout`.

    Raises:
        ValueError: it is not positive and finite.
    """
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(
            f"stall_timeout must be seconds, finite and above 0 (None = no limit), got {seconds!r}"
        )
    return seconds


class StallTimer:
    """The time that one reader may wait for progress.

    >>> timer = StallTimer(timeout=30.0)
    >>> timer.left(), timer.begin() > 29
    (30.0, True)
    """

    def __init__(self, timeout: float) -> None:
        """Make a timer that does not run yet.

        Args:
            timeout: the longest wait, in seconds.
        """
        self.timeout = timeout
        self._deadline: float | None = None

    def begin(self) -> float:
        """Begin to wait, or go on waiting; the seconds that are left."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self.timeout
        return self.left()

    def left(self) -> float:
        """The seconds that are left; all of them if no wait has begun."""
        deadline = self._deadline
        return self.timeout if deadline is None else max(0.0, deadline - time.monotonic())

    def reset(self) -> None:
        """Progress was made: the next wait begins with all the time."""
        self._deadline = None


class AsyncPatience:
    """The chunks of an async source, none waited for longer than a timer allows."""

    def __init__(self, chunks: AsyncIterator[bytes], timer: StallTimer) -> None:
        self._chunks = chunks
        self._timer = timer

    async def __anext__(self) -> bytes:
        try:
            return await within(self._timer.begin(), self._chunks.__anext__)
        except TimeoutError as error:
            if self._timer.left():  # it is the source's own
                raise
            raise ReadStalledError from error


class Watchdog:
    """The chunks of a sync source, whose reads are interrupted when they wait too long."""

    def __init__(
        self, chunks: Iterator[bytes], timer: StallTimer, interrupt: Callable[[], None]
    ) -> None:
        """Watch the reads of `chunks`.

        Args:
            chunks: the chunks.
            timer: the time that is left; the reader begins it before each read.
            interrupt: ends a read that waits, from another thread; the read then raises an error,
                or finds the end of the source.
        """
        self._next = chunks.__next__
        self._timer = timer
        self._interrupt = interrupt
        self._waiting = False
        self._fired = False
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def __next__(self) -> bytes:
        self._waiting = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="stall_timeout", daemon=True)
            self._thread.start()
        try:
            return self._next()
        except Exception as error:
            if self._fired:
                raise ReadStalledError from error
            raise
        finally:
            self._waiting = False

    def _watch(self) -> None:
        """Sleep, again and again, until the earliest time at which a wait can be too long.

        A wait that begins during such a sleep is not over when it ends, so that no read has to wake
        this thread.
        """
        seconds = self._timer.timeout
        while not self._closed.wait(seconds):
            seconds = self._timer.left() if self._waiting else self._timer.timeout
            if not seconds:
                self._fired = True
                self._interrupt()
                return

    def close(self) -> None:
        """End the thread. Nothing is interrupted after that."""
        self._closed.set()
