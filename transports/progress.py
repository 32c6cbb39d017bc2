"""The state that the sync and the async stream share: everything but waiting for bytes.

A `Progress` folds the chunks of one stream, keeps the events that were not handed out yet, and
knows how the stream ended. It is the only mutable object of a stream, and does no I/O.

The events of a chunk are made together and handed out one by one. The snapshot is always that of
the events handed out, so that a reader sees the same values however the bytes were cut. An `error`
event counts as handed out once its fault is raised, and dropped events count too. Reading the
snapshot costs one lookup in the folded chunk; no event is folded again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from operator import length_hint
from typing import Any, Generic

import attrs
from streamfold.reducer import (
    FoldedChunk,
    IncompleteStreamError,
    LiveRun,
    Message,
    MessageStopEvent,
    PartialMode,
    ProtocolError,
    RawErrorEvent,
    Snapshot,
    StreamfoldError,
    StreamState,
    Timing,
    drain,
    finish,
    fold_chunk,
)

from .errors import (
    APIConnectionError,
    APITimeoutError,
    hide_secrets,
    request_of,
    stalled_error,
    stream_error,
)
from .http_types import HTTPResponse
from .parsed import STOP_EVENTS, ParsedMessage, ResponseFormatT, parsed_event, parsed_message
from .recording import decoder_of
from .sources import Source, bytes_of
from .stalls import StallTimer

__all__ = ["Progress", "clock_from_now", "partial_mode_of", "text_of"]

_FINE_GRAINED = "fine-grained-tool-streaming-2025-05-14"

_MOST_UNTIMED = 64
"""The maximum number of chunks that are timed together.

With each timed at once, reading one event per chunk takes 1.2 times as long. Only their times are
kept until then, because many kept objects cost the garbage collector more than that.
"""

_NO_EVENTS: Iterator[Any] = iter(())

_LAST_EVENTS = frozenset[type]({MessageStopEvent, RawErrorEvent})
"""The events after which nothing changes the message."""


_UNTIMED = Timing()


@lru_cache(maxsize=16)
def _beginning(partial_mode: PartialMode, content_type: str | None, limit: int) -> StreamState:
    """The state at the beginning of a stream: a value, so that streams can share it.

    Args:
        partial_mode: see `Snapshot`.
        content_type: the `content-type` header of the body; `None` where there was none.
        limit: see `decoder_of`.
    """
    return StreamState(
        snapshot=Snapshot(partial_mode=partial_mode), sse=decoder_of(content_type, limit)
    )


def partial_mode_of(response: HTTPResponse | None) -> PartialMode:
    """The partial mode that the `anthropic-beta` header of the request asks for."""
    request = request_of(response)
    betas = request.headers.get("anthropic-beta", "") if request is not None else ""
    return "trailing-strings" if _FINE_GRAINED in betas else "on"


def clock_from_now() -> Callable[[], float]:
    """A clock that gives the seconds since this call."""
    start = time.monotonic()
    return lambda: time.monotonic() - start


class Progress(Generic[ResponseFormatT]):
    """The position of one stream.

    Attributes:
        response: the response that is read; `None` if the chunks come from elsewhere.
        pending: the events of the last chunk that were not handed out yet. Each chunk brings an
            iterator of its own, and readers take events with `next`.
        makes_events: whether chunks are folded with their events.
        stall_timer: the time that a reader may still wait; `None` for as long as it takes.
        connection_errors: the exceptions that the source raises when its connection fails.
        ended: whether no more chunks are taken.
    """

    def __init__(
        self,
        source: Source[Any],
        *,
        partial_mode: PartialMode,
        limit: int,
        allow_incomplete: bool,
        parse: Callable[[str], ResponseFormatT] | None,
        stall_timeout: float | None,
        clock: Callable[[], float] | None,
    ) -> None:
        self.response = response = source.response
        self.connection_errors = source.connection_errors
        content_type = None if response is None else response.headers.get("content-type")
        self.stall_timer = None if stall_timeout is None else StallTimer(stall_timeout)
        self._clock = clock or clock_from_now()
        self._timing = _UNTIMED
        if response is not None:
            self._timing = self._timing.answered(self._clock())
        self._state = _beginning(partial_mode, content_type, limit)
        self._run: LiveRun | None = None
        self._value: Any = None
        self._value_before: Any = None
        self._deltas = 0
        self._timed = self._state
        self._untimed: list[float] = []
        self._untimed_bytes = 0
        self._ended_at: float | None = None
        self.pending = _NO_EVENTS
        self.makes_events = True
        self.ended = False
        self._timeouts = source.timeouts
        self._decoding_error: type[Exception] = source.http.DecodingError
        self._allow_incomplete = allow_incomplete
        self._parse = parse
        self._fault: StreamfoldError | None = None
        self._before_error: Snapshot | None = None
        self._folded: FoldedChunk | None = None
        self._dropped = 0

    # --- input ---

    def fold(self, chunk: bytes) -> None:
        """Fold the next chunk. Its events become pending; a fault is raised after those.

        While `makes_events` is false, no events are made, which costs about half.
        """
        if chunk.__class__ is not bytes:
            chunk = bytes_of(chunk)
        run = self._run
        if run is not None:
            # The next delta of a run takes half the time, because the state, the snapshot and the
            # timing are made when they are read.
            events: list[Any] = []
            value = run.fold(self._value, chunk, events if self.makes_events else None)
            if value is not None:
                self._value_before, self._value, self._folded = self._value, value, None
                self._deltas += 1
                self.pending = iter(events)
                self._untimed_bytes += len(chunk)
                self._untimed.append(self._clock())
                if len(self._untimed) == _MOST_UNTIMED:
                    self._time()
                if self.stall_timer is not None:
                    self.stall_timer.reset()
                return
            self._state, self._run = self.state, None
        if self.makes_events:
            self.take(chunk)
        else:
            self.skim(chunk)

    def take(self, chunk: bytes) -> None:
        """Fold a chunk that is anything but the next delta of a run."""
        before = self._state
        self._folded = folded = fold_chunk(before, chunk)
        self._state = folded.state
        self._note(before, chunk)
        if folded.is_growth_only:
            self.pending = iter(folded.events)
            self._begin_run(chunk)
        else:
            self.pending = iter(self._events_of(folded))

    def _begin_run(self, chunk: bytes) -> None:
        """Expect a run of deltas if `chunk`, the last one, was a delta of one."""
        run = LiveRun.after(self._state, chunk)
        if run is not None and self._timing.can_wait(run.state, run.state):
            self._run, self._value, self._deltas = run, run.value, 0

    @property
    def state(self) -> StreamState:
        """The state of the fold after the chunks taken so far."""
        run = self._run
        return self._state if run is None else run.state_at(self._value, self._deltas)

    def _events_of(self, folded: FoldedChunk) -> list[Any]:
        """The events to hand out from a chunk that did more than grow blocks."""
        if self.state.snapshot.is_over:
            events = list(self._until_end(folded))
        else:
            events = list(folded.events)
            if folded.fault is not None:
                self.fail(folded.fault)
        for position in folded.others:
            if position < len(events) and events[position].__class__ in STOP_EVENTS:
                events[position] = parsed_event(events[position], self._parse)
        return events

    def skim(self, chunk: bytes) -> None:
        """Fold such a chunk without making its events."""
        before = self._state
        try:
            after = drain(before, chunk)
        except ProtocolError:
            after = None
        if after is None or _has_more_than_the_end(before.snapshot, after.snapshot):
            self.take(chunk)  # the end of the stream needs the snapshot at its event
        else:
            self._state = after
            self._note(before, chunk)
            if after.snapshot.is_over:
                self.end()
            else:
                self._begin_run(chunk)
        self.pending = _NO_EVENTS

    def _note(self, before: StreamState, chunk: bytes) -> None:
        """Time the chunk that was folded, and end the stream if it stalls."""
        after, at = self._state, self._clock()
        self._untimed_bytes += len(chunk)
        if after.snapshot.is_over:  # the last chunk: it is timed when the timing is read
            self._untimed.append(at)
            return
        if after.events > before.events:
            self._untimed.append(at)
        if len(self._untimed) == _MOST_UNTIMED or not self._timing.can_wait(before, after):
            self._time()
        timer = self.stall_timer
        if timer is not None:
            if after.events > before.events:
                timer.reset()
            elif not timer.left():
                self.stall()

    def _time(self) -> None:
        """Time the chunks that came since the last call."""
        self._timing = self._with_untimed(self._timing)
        self._timed, self._untimed, self._untimed_bytes = self.state, [], 0

    def _with_untimed(self, timing: Timing) -> Timing:
        """The timing with the chunks that came since the last call of `_time`."""
        return timing.took_all(self._untimed, self._timed, self.state, self._untimed_bytes)

    @property
    def timing(self) -> Timing:
        """The times of the events in the chunks taken so far."""
        if self._ended_at is None:
            if self._untimed_bytes:
                self._time()
            return self._timing
        timing = self._timing
        if timing.duration is None:  # two threads that read it at once make equal values
            timing = self._timing = self._with_untimed(timing).ended(self._ended_at)
        return timing

    def _until_end(self, folded: FoldedChunk) -> tuple[Any, ...]:
        """The events up to `message_stop`, or before the `error` event, which is raised instead.

        The stream has ended, and the rest of the chunk is dropped.
        """
        events: tuple[Any, ...] = folded.events
        position = next(at for at, event in enumerate(events) if event.__class__ in _LAST_EVENTS)
        snapshot = folded.state.snapshot
        if position + 1 < len(events):
            snapshot = folded.snapshot_after(position + 1)
            self._state = attrs.evolve(folded.state, snapshot=snapshot)
        if snapshot.error is None:
            position += 1
            self.end()
        else:
            self._before_error = folded.snapshot_after(position)
            self.fail(stream_error(events[position], snapshot, self.response))
        self._dropped = len(events) - position
        return events[:position]

    def lose_connection(self, error: Exception) -> None:
        """End the stream because reading it failed with `error`.

        The error is ignored if the stream was closed.
        """
        if self.ended:
            return
        timed_out = isinstance(error, self._timeouts)
        if timed_out and self.stall_timer is not None and not self.stall_timer.left():
            self.stall(error)
            return
        cls = APITimeoutError if timed_out else APIConnectionError
        failure = "the connection was lost"
        if isinstance(error, self._decoding_error):
            failure = "the body cannot be decompressed"
        fault = cls(
            f"{failure}: {str(error) or type(error).__name__}",
            response=self.response,
            snapshot=self.state.snapshot,
        )
        fault.__cause__ = error
        self.fail(fault)

    def stall(self, cause: BaseException | None = None) -> None:
        """End the stream because it made no progress for too long.

        Args:
            cause: the error that the reader found, if it found one.
        """
        if self.ended:
            return
        assert self.stall_timer is not None
        self._stop()
        fault = stalled_error(
            self.stall_timer.timeout,
            self.timing,
            response=self.response,
            snapshot=self.state.snapshot,
        )
        fault.__cause__ = cause
        self.fail(fault)

    def end(self) -> None:
        """End the stream; an incomplete message is a fault unless the caller allows it."""
        if self.ended:
            return
        self._stop()
        snapshot = self.state.snapshot
        if not self._allow_incomplete and (snapshot.error or not snapshot.is_complete):
            try:
                finish(self.state)
            except IncompleteStreamError as fault:
                self.fail(fault)

    @property
    def has_stopped(self) -> bool:
        """Whether `message_stop` came, so that only the end of the body can follow."""
        snapshot = self.state.snapshot
        return snapshot.is_over and snapshot.error is None

    def fail(self, fault: StreamfoldError) -> None:
        """End the stream with a fault, which is raised after the pending events."""
        self._stop()
        hide_secrets(fault, self.response)
        self._fault = fault

    def _stop(self) -> None:
        """Take no more chunks."""
        if not self.ended:
            self.ended = True
            self._ended_at = self._clock()

    def raise_fault(self) -> None:
        """Raise the fault that ended the stream, if there is one.

        Raises:
            StreamfoldError: the fault.
        """
        self._before_error = None
        if self._fault is not None:
            raise self._fault

    # --- output ---

    @property
    def left(self) -> int:
        """The number of pending events."""
        return length_hint(self.pending)

    def put_back(self, event: Any) -> None:
        """Make an event that was handed out the next pending one again."""
        self.pending = iter([event, *self.pending])

    @contextmanager
    def without_events(self) -> Generator[None]:
        """Drop the pending events, and make no further ones in the `with` block."""
        deque(self.pending, 0)  # a reader may hold this iterator, and would go on with it
        self.makes_events = False
        try:
            yield
        finally:
            self.makes_events = True

    def known_response(self) -> HTTPResponse:
        """The response that is read.

        Raises:
            RuntimeError: the stream reads chunks without a response.
        """
        if self.response is None:
            raise RuntimeError(
                "this stream reads chunks, not a response: open it over a response of httpx or "
                "httpx2, or use replay(), to have one"
            )
        return self.response

    def header(self, name: str) -> str | None:
        """The value of a header of the response; `None` if it has no such header.

        Raises:
            RuntimeError: the stream reads chunks without a response.
        """
        value: str | None = self.known_response().headers.get(name)
        return value

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot after the events handed out so far."""
        left = self.left
        if not left:
            return self._before_error or self.state.snapshot
        folded = self._folded
        if folded is None:  # the last chunk was the next delta of a run
            assert self._run is not None
            if left == 1:
                return self.state.snapshot
            return self._run.state_at(self._value_before, self._deltas - 1).snapshot
        return folded.snapshot_after(len(folded.events) - self._dropped - left)

    def message(self) -> ParsedMessage[ResponseFormatT]:
        """The message after the events handed out so far.

        Raises:
            RuntimeError: `message_start` has not been handed out yet.
        """
        message = self.snapshot.message
        if message is None:
            raise RuntimeError(
                "no message yet: read the stream up to its message_start event first"
            )
        return parsed_message(message, self._parse)

    def final_message(self) -> ParsedMessage[ResponseFormatT]:
        """The message of a stream that has ended.

        Raises:
            IncompleteStreamError: the message is not complete, and the caller does not allow that.
            RuntimeError: the caller allows it, but no message has started.
        """
        if self._allow_incomplete:
            return self.message()
        return parsed_message(finish(self.state), self._parse)


def _has_more_than_the_end(before: Snapshot, after: Snapshot) -> bool:
    """Whether a chunk has an `error` event, or events after `message_stop`."""
    return after.is_over and (after.error is not None or len(after.unfolded) > len(before.unfolded))


def text_of(message: Message) -> str:
    """The text of all text blocks, joined.

    Raises:
        RuntimeError: the message has no text block.
    """
    texts = [block.text for block in message.content if block.type == "text"]
    if not texts:
        kinds = ", ".join(block.type for block in message.content) or "no blocks at all"
        raise RuntimeError(
            f"the message has no text block, but: {kinds}; read get_final_message() instead"
        )
    return "".join(texts)
