"""From bytes to the message: `decode_sse`, `parse_event` and `reduce` composed.

A program around it needs one loop, and `finish` at its end:

    state = StreamState()
    for chunk in chunks:
        state, events = feed(state, chunk)
        yield from events
    message = finish(state)

`drain` is `feed` without the events. `fold_chunk` is `feed` with the snapshot after each event, for
programs that hand events out one by one.

Rules:

- No function here waits, reads or stores anything. A `StreamState` is an immutable value and goes
  to JSON and back, so a fold can stop at any byte and go on in another process.
- The chunks can be cut anywhere; the events, the message and the faults are the same.

A chunk is folded in two parts (`_ChunkFold`). The events at its beginning that are written in the
API's own form are read from the text of the chunk: runs of deltas, starts and stops by the fast
paths of `runs` and `blocks`, others by their data. The rest is cut into frames (`sse`): runs of
deltas are folded as one step, other events one by one. Without the first part, small blocks take
1.6 times as long.

Cost: see `runs` for deltas, `blocks` for starts and stops, `decoding` and `reduce` for the rest.
"""

from __future__ import annotations

# The modules of this package share their private attributes.
# pyright: reportPrivateUsage=false
from bisect import bisect_left
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

from .blocks import BOUNDARY, fold_boundary
from .decoding import parse_data
from .drafts import draft_of
from .errors import IncompleteStreamError, ProtocolError
from .event_stream import EventStreamState
from .event_stream import scan as scan_frames
from .events import MessageStreamEvent, RawPingEvent
from .frozen_json import shorten
from .messages import Message
from .reduce import step
from .runs import (
    LONGEST_ONE,
    fold_one,
    fold_run,
    fold_text,
    grown,
    inside_run,
    may_grow,
    run_at,
)
from .sealed import sealed
from .snapshot import OpenBlock, Snapshot
from .sse import PLAIN_EVENT, Frame, SSEState, scan

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["FoldedChunk", "LiveRun", "StreamState", "drain", "feed", "finish", "fold_chunk"]

_VERSION = 1


@sealed
@attrs.frozen(kw_only=True, weakref_slot=False)
class StreamState:
    """The position in a stream, exact to the byte. `StreamState()` is the beginning.

    Attributes:
        snapshot: the fold so far; begin with `Snapshot(partial_mode=…)` for another mode.
        sse: the state of the decoder; begin with `SSEState(limit=…)` for another limit, with
            `EventStreamState()` for a body in Bedrock's frames.
        events: the number of events so far, without pings.
        pings: the number of pings so far.
    """

    snapshot: Snapshot = Snapshot()
    sse: SSEState | EventStreamState = SSEState()
    events: int = 0
    pings: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain JSON: a checkpoint, from which `from_dict` goes on."""
        framing = "sse" if isinstance(self.sse, SSEState) else "event_stream"
        return {
            "version": _VERSION,
            "snapshot": self.snapshot.to_dict(),
            framing: self.sse.to_dict(),
            "events": self.events,
            "pings": self.pings,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return the state that `to_dict` wrote.

        Raises:
            ValueError: the checkpoint has another version than this one reads.
        """
        if state.get("version") != _VERSION:
            raise ValueError(
                f"a checkpoint must have version {_VERSION}, got {state.get('version')!r}"
            )
        decoder = (
            SSEState.from_dict(state["sse"])
            if "sse" in state
            else EventStreamState.from_dict(state["event_stream"])
        )
        return cls(
            snapshot=Snapshot.from_dict(state["snapshot"]),
            sse=decoder,
            events=state.get("events", 0),
            pings=state.get("pings", 0),
        )


Step = tuple[int, Snapshot]
"""A step of the fold of a chunk: the number of events up to its end, and the snapshot after it."""


@sealed
@attrs.frozen(weakref_slot=False)
class FoldedChunk:
    """The result of folding one chunk, with the snapshot after each of its events.

    Attributes:
        state: the state after the chunk; after a fault, its snapshot is the one before the fault.
        events: the events of the chunk in order, as `feed` returns them.
        fault: the protocol violation that ended the chunk, with `.events` and `.snapshot`; `None`
            without one.
        is_growth_only: whether the chunk did nothing but grow open blocks. If so, no block and no
            message started or stopped, nothing joined `unfolded`, and no fault came.
        others: the positions in `events` of the events that did something else.
    """

    state: StreamState
    events: tuple[MessageStreamEvent, ...]
    fault: ProtocolError | None = attrs.field(eq=str)
    is_growth_only: bool
    others: tuple[int, ...] = attrs.field(repr=False, eq=False)
    _before: Snapshot = attrs.field(repr=False)
    _steps: tuple[Step, ...] = attrs.field(repr=False, eq=False)

    def snapshot_after(self, count: int) -> Snapshot:
        """The snapshot after the first `count` events of the chunk.

        A raw delta event and the event derived from it come from one step of the fold, so both have
        the same snapshot after them.

        Costs a binary search in the steps of the chunk; no event is folded again.

        Args:
            count: the number of events handed out, from 0 to `len(events)`.

        Raises:
            IndexError: the chunk has fewer events.

        >>> body = b'data: {"type": "x"}\\n\\n' * 3
        >>> chunk = fold_chunk(StreamState(), body)
        >>> [len(chunk.snapshot_after(count).unfolded) for count in range(4)]
        [0, 1, 2, 3]
        """
        if not 0 <= count <= len(self.events):
            raise IndexError(f"count must be from 0 to {len(self.events)}, got {count}")
        if count == 0:
            return self._before
        step = bisect_left(self._steps, (count,))
        last = (len(self.events), self.state.snapshot)
        end, snapshot = self._steps[step] if step < len(self._steps) else last
        if end - count < 2:  # the last pair of a run, or a step of one or two events
            return snapshot
        # Inside a run each delta gave two events: the raw one and the one derived from it.
        return inside_run(snapshot, self.events[count - 1 + (end - count) % 2])


def fold_chunk(state: StreamState, chunk: bytes) -> FoldedChunk:
    """Fold the next bytes of a stream, and keep the snapshot after each event.

    Use it instead of `feed` to hand events out one by one: `FoldedChunk.snapshot_after` gives the
    snapshot that belongs to the events handed out so far.

    Args:
        state: the state before the chunk; `StreamState()` at the beginning. It stays as it is.
        chunk: the next bytes, cut anywhere.

    Returns:
        The state, the events and the fault, if there is one. A fault is returned, not raised.

    >>> chunk = fold_chunk(StreamState(), b'data: {"type": "x"}\\n\\ndata: oops\\n\\n')
    >>> chunk.events
    (RawUnknownEvent(type='x'),)
    >>> chunk.fault.reason
    "data is not JSON (Expecting value: line 1 column 1 (char 0)): 'oops'"
    """
    events: list[Any] = []
    steps: list[Step] = []
    others: list[int] = []
    after, fault = _take(state, chunk, events, steps, others)
    handed_out = tuple(events)
    if fault is not None:
        fault.events = handed_out
    draft = _FoldedChunkDraft()
    draft.state = after
    draft.events = handed_out
    draft.fault = fault
    draft.is_growth_only = fault is None and not others
    draft.others = tuple(others) if others else ()
    draft._before = state.snapshot
    draft._steps = tuple(steps) if steps else ()
    draft.__class__ = FoldedChunk
    folded: FoldedChunk = draft
    return folded


@sealed
@attrs.frozen(eq=False, weakref_slot=False)
class LiveRun:
    """A run of deltas of one block, of which each comes in a chunk of its own, as on a live stream.

    `feed` makes a state for every chunk. A program that needs only the last one can fold such
    chunks with `fold`, which makes the events of a delta and no state. So a `MessageStream` of one
    event per chunk takes 0.6 times as long.

    Attributes:
        value: the growing value of the block at the beginning of the run. It is immutable.
        state: the state at the beginning of the run.

    >>> from streamfold.reducer import encode_sse
    >>> start = {"id": "msg_1", "role": "assistant", "model": "claude-opus-4-6", "content": []}
    >>> block = {"type": "text", "text": ""}
    >>> state, _ = feed(StreamState(), encode_sse([
    ...     {"type": "message_start", "message": start},
    ...     {"type": "content_block_start", "index": 0, "content_block": block}]))
    >>> chunk = encode_sse([{"type": "content_block_delta", "index": 0,
    ...     "delta": {"type": "text_delta", "text": "ha"}}])
    >>> run, events = LiveRun.after(state, chunk), []
    >>> value = run.fold(run.fold(run.value, chunk, events), chunk, events)
    >>> events[3], run.state_at(value, 2).events
    (TextEvent(text='ha', snapshot='haha'), 4)
    """

    value: Any
    state: StreamState
    _opened: OpenBlock
    _deltas: Any

    @classmethod
    def after(cls, state: StreamState, chunk: bytes) -> Self | None:
        """Return the run that begins at a state.

        Args:
            state: the state.
            chunk: the chunk that led to it. A run is likely to go on after one of its deltas.

        Returns:
            The run; `None` if `chunk` does not begin with a delta of the block that is open.
        """
        found = run_at(state.snapshot, chunk)
        decoder = state.sse
        if found is None or isinstance(decoder, EventStreamState) or decoder.limit < LONGEST_ONE:
            return None
        opened, deltas = found
        return cls(opened.grown[0], state, opened, deltas) if decoder.is_between_events else None

    def fold(self, value: Any, chunk: bytes, events: Any) -> Any:
        """Fold the next delta of the run.

        Args:
            value: the growing value of the block before it.
            chunk: the next bytes of the stream.
            events: a list or deque, to which the two events of the delta are added; `None` to make
                no events.

        Returns:
            The growing value after it; `None` if the chunk is anything but one delta of the block,
            written as the API writes it. Then nothing was folded, and the run is over.
        """
        return self._deltas.fold_one(self._opened.index, value, chunk, events)

    def state_at(self, value: Any, count: int) -> StreamState:
        """Return the state after the first deltas of the run.

        Args:
            value: the growing value of the block after them.
            count: their number.
        """
        start = self.state
        return _state_after(start, grown(start.snapshot, self._opened, value), start.sse, count, 0)


def feed(state: StreamState, chunk: bytes) -> tuple[StreamState, tuple[MessageStreamEvent, ...]]:
    """Fold the next bytes of a stream.

    Args:
        state: the state before the chunk; `StreamState()` at the beginning. It stays as it is.
        chunk: the next bytes, cut anywhere.

    Returns:
        The state after the chunk, and the events that it completed.

    Raises:
        ProtocolError: the stream breaks the protocol. `.events` has the events of the chunk before
            the fault, and `.snapshot` is the snapshot before it.

    >>> state, events = feed(StreamState(), b'event: x\\nda')
    >>> state, events = feed(state, b'ta: {"type": "x"}\\n\\n')
    >>> events
    (RawUnknownEvent(type='x'),)
    """
    events: list[Any] = []
    after, fault = _take(state, chunk, events)
    if fault is None:
        return after, tuple(events)
    fault.events = tuple(events)
    try:
        raise fault
    finally:
        del fault  # else this frame and the fault's traceback keep each other alive


def drain(state: StreamState, chunk: bytes) -> StreamState:
    """Fold the next bytes of a stream without making its events: faster than `feed`.

    Raises:
        ProtocolError: as `feed` does, without `events`.

    >>> body = b'event: x\\ndata: {"type": "x"}\\n\\n'
    >>> drain(StreamState(), body) == feed(StreamState(), body)[0]
    True
    """
    after, fault = _take(state, chunk)
    if fault is None:
        return after
    try:
        raise fault
    finally:
        del fault


_StreamStateDraft = draft_of(StreamState)
_FoldedChunkDraft = draft_of(FoldedChunk)


def _take(
    state: StreamState,
    chunk: bytes,
    events: list[Any] | None = None,
    steps: list[Step] | None = None,
    others: list[int] | None = None,
) -> tuple[StreamState, ProtocolError | None]:
    """Fold the next bytes.

    Args:
        state: the state before.
        chunk: the bytes.
        events: an empty list to add the events to; `None` to make no events.
        steps: an empty list to add each step but the last to; `None` without events.
        others: an empty list to add `FoldedChunk.others` to, if there is one.

    Returns:
        The state after the chunk, and the fault or `None`.
    """
    decoder = state.sse
    sse: SSEState | EventStreamState
    if isinstance(decoder, SSEState) and decoder.is_between_events and len(chunk) <= decoder.limit:
        after = fold_one(state.snapshot, chunk, events)
        if after is not None:
            return _state_after(state, after, decoder, 1, 0), None
    fold = _ChunkFold(state.snapshot, events, steps, others)
    if isinstance(decoder, SSEState):
        sse, frames, fault = scan(decoder, chunk, fold.read_text)
    else:
        sse, frames, fault = scan_frames(decoder, chunk)
    try:
        fold.read_frames(frames)
    except ProtocolError as error:
        # A value holds no frames; those of the fault hold `fault` in turn, which makes a cycle.
        fault = error.with_traceback(None)
        fault.__context__ = None
    if fault is not None:
        fault.snapshot = fold.snapshot
    return _state_after(state, fold.snapshot, sse, fold.count - fold.pings, fold.pings), fault


class _ChunkFold:
    """The fold of one chunk, while `_take` works on it.

    Attributes:
        snapshot: the snapshot so far.
        count: the number of server-sent events so far.
        pings: the number of pings among them.
    """

    __slots__ = ("_events", "_others", "_steps", "count", "pings", "snapshot")

    def __init__(
        self,
        snapshot: Snapshot,
        events: list[Any] | None,
        steps: list[Step] | None,
        others: list[int] | None,
    ) -> None:
        self.snapshot = snapshot
        self.count = self.pings = 0
        self._events = events
        self._steps = steps
        self._others = others

    def read_text(self, text: str) -> int:
        """Fold the first of whole events, for `sse.scan`.

        Returns:
            The position after them. The first event that is not plain, or is a delta in another
            spelling, or has a fault, is left to `read_frames`.
        """
        # With attributes in place of these names, a stream of small blocks takes 3 % longer.
        events, steps, others = self._events, self._steps, self._others
        snapshot, folded = self.snapshot, 0
        at, end = 0, len(text)
        while at < end:
            made = len(events) if events else 0
            is_boundary = text.startswith(BOUNDARY, at)
            fold = fold_boundary if is_boundary else fold_text
            next_at, after, count = fold(snapshot, text, at, events)
            if count:
                if steps is not None and folded:
                    steps.append((made, snapshot))
                if is_boundary and others is not None:
                    others.append(made)
                snapshot, folded, at = after, folded + count, next_at
                continue
            event = PLAIN_EVENT.match(text, at)
            if event is None or may_grow(snapshot, event[2]):
                break
            self.snapshot, self.count = snapshot, folded
            try:
                self._fold(event[1], event[2])
            except ProtocolError:
                break
            snapshot, folded, at = self.snapshot, self.count, event.end()
        self.snapshot, self.count = snapshot, folded
        return at

    def read_frames(self, frames: list[Frame]) -> None:
        """Fold events.

        Raises:
            ProtocolError: an event breaks the protocol; those before it are folded.
        """
        at, run_end, after = 0, -1, self.snapshot
        while at < len(frames):
            made = len(self._events or ())
            if at != run_end:  # a run does not begin where another one has ended
                run_end, after = fold_run(self.snapshot, frames, at, self._events)
            if at != run_end:
                self._add_step(made, after, run_end - at)
                at = run_end
            else:
                name, data, _, _ = frames[at]
                self._fold(name, data)
                at += 1

    def _fold(self, name: str, data: str) -> None:
        """Fold an event in the general way.

        Raises:
            ProtocolError: it breaks the protocol; then nothing has changed.
        """
        events, made = self._events, len(self._events or ())
        event = parse_data(data, name)
        after, derived = step(self.snapshot, event)
        self._add_step(made, after, 1)
        if event.__class__ is RawPingEvent:
            self.pings += 1
        if events is not None:
            events += derived
            if len(derived) == 1 and self._others is not None:
                self._others.append(made)

    def _add_step(self, made: int, after: Snapshot, count: int) -> None:
        """Add a step.

        Args:
            made: the number of events before it.
            after: the snapshot after it.
            count: the number of its server-sent events.
        """
        if self._steps is not None and self.count:
            self._steps.append((made, self.snapshot))
        self.snapshot = after
        self.count += count


def _state_after(
    state: StreamState,
    snapshot: Snapshot,
    sse: SSEState | EventStreamState,
    events: int,
    pings: int,
) -> StreamState:
    """Return the state after `state` with these parts, and with these events and pings counted."""
    after = _StreamStateDraft()
    after.snapshot = snapshot
    after.sse = sse
    after.events = state.events + events
    after.pings = state.pings + pings
    after.__class__ = StreamState
    taken: StreamState = after
    return taken


def finish(state: StreamState) -> Message:
    """End the input and return the message.

    An event without a blank line after it is dropped, as the standard of server-sent events
    demands.

    Raises:
        IncompleteStreamError: the message is not complete (it has no stop reason, or a block is
            open or cut that the stop reason does not explain), or the stream ended with an `error`
            event.
    """
    snapshot = state.snapshot
    message = snapshot.message if snapshot.is_complete and snapshot.error is None else None
    if message is None:
        raise IncompleteStreamError(_missing(snapshot), snapshot=snapshot)
    return message


def _missing(snapshot: Snapshot) -> str:
    """Return the reason why the message of `snapshot` is not complete."""
    settled = snapshot._settled
    if snapshot.error is not None:
        error = snapshot.error.error
        reason = f"the stream failed with {error.get('type')}: {error.get('message')}"
        request_id = snapshot.error.get("request_id")
        return f"{reason} ({request_id})" if request_id else reason
    if settled.head is None:
        return "the stream ended before message_start"
    if not settled.is_complete:
        if settled.is_over:
            return "message_stop came before any stop reason"
        return "the stream ended before the message was complete"
    came = "message_stop came" if settled.is_over else "the stream ended"
    reason = shorten(str(settled.head and settled.head.stop_reason))
    opened = next(snapshot._still_open(), None)
    if opened is None:
        index, fault = cast("tuple[int, str]", settled.cut)
        state = f"after the input of block {index} was cut ({fault})"
    else:
        kind, name = opened.block.type, opened.block.get("name")
        shown = f" {shorten(name)}" if isinstance(name, str) else ""
        state = f"while block {opened.index} ({kind}{shown}) was open"
    return f"{came} {state}, and stop_reason {reason} does not explain that"
