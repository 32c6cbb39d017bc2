"""Timing: when the events of one stream came, folded into one small value.

`Timing().saw(at, events)` is the fold: seconds since the request and the events that came then give
the next `Timing`. The clock is the caller's, so a live stream, a recording and a test are timed by
the same function, and the same events at the same times always give an equal value.

Two rules are not visible in the code. A ping is counted separately and does not count as progress:
it neither begins nor ends a gap. Content is what a reader can show: text, thinking, the JSON of a
tool's input, or a block that arrives whole; a signature, a citation and the empty start of a block
are not content.

Costs. One call costs 1 µs and 0.4 µs an event, and the value keeps its size however long the stream
is: gaps are counted in `GAP_BOUNDS`, not kept.
"""

from __future__ import annotations

# The modules of this package share their private attributes.
# pyright: reportPrivateUsage=false
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from .decoding import event_of
from .drafts import draft_of
from .events import (
    DERIVED_EVENT_CLASSES,
    RAW_EVENTS,
    CompactionDelta,
    ContentBlockStopEvent,
    InputJSONDelta,
    MessageStopEvent,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawPingEvent,
    RawUnknownEvent,
    TextDelta,
    ThinkingDelta,
)
from .pipeline import StreamState
from .sealed import sealed
from .snapshot import Snapshot

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GAP_BOUNDS", "Timing"]

GAP_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Seconds: the upper bounds of the counts in `Timing.gaps`, each inclusive; the last count has no
bound."""

_NO_GAPS = (0,) * (len(GAP_BOUNDS) + 1)

_COUNTED = frozenset(
    {*RAW_EVENTS.values(), RawUnknownEvent, ContentBlockStopEvent, MessageStopEvent}
)
"""The events that stand for one server-sent event each."""

# --- content ------------------------------------------------------------------------------------

_GROWING = {"text": "text", "thinking": "thinking", "compaction": "content"}
_FIRST = {"text": "first_text", "thinking": "first_thinking"}
"""By type of block: the field for the time of its first content, set beside `first_content`."""

_TOOL_USES = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_GROWS = {
    TextDelta: ("text", "text"),
    ThinkingDelta: ("thinking", "thinking"),
    InputJSONDelta: ("tool_use", "partial_json"),
    CompactionDelta: ("compaction", "content"),
}
"""By delta: the type of the block that it grows, and its field that becomes content."""


def _of_delta(event: Any) -> tuple[str, ...]:
    delta = event.delta
    block_type, field = _GROWS.get(delta.__class__, ("", ""))
    return (block_type,) if field and getattr(delta, field) else ()


def _of_block(block: Any) -> tuple[str, ...]:
    kind: str = block.type
    if kind in _GROWING:
        shown = block.get(_GROWING[kind])
    else:
        streamed = getattr(block, "_input_json", None)  # such as `{}`, which is an empty input
        shown = block.input or streamed if kind in _TOOL_USES else kind != "fallback"
    return (kind,) if shown else ()


def _of_block_start(event: Any) -> tuple[str, ...]:
    return _of_block(event.content_block)


def _of_message_start(event: Any) -> tuple[str, ...]:
    return tuple(kind for block in event.message.content for kind in _of_block(block))


_CONTENT: dict[type, Callable[[Any], tuple[str, ...]]] = {
    RawContentBlockDeltaEvent: _of_delta,
    RawContentBlockStartEvent: _of_block_start,
    RawMessageStartEvent: _of_message_start,
}
"""By event: the types of the blocks to which it gives content."""

# --- the value ----------------------------------------------------------------------------------


def _tuple(gaps: Iterable[int]) -> tuple[int, ...]:
    return tuple(gaps)


@sealed
@attrs.frozen(kw_only=True, weakref_slot=False)
class Timing:
    """The times of the events of one stream. `Timing()` is that of a request that was just sent.

    Every time is in seconds since the request was sent, and `None` until it happened.

    Attributes:
        headers: the response's status and headers came.
        first_event: the first event that is not a ping came.
        first_content: the first text, thinking, JSON of a tool's input, or whole block came.
        first_text: the first text came.
        first_thinking: the first thinking came.
        last_event: the last event that is not a ping came.
        duration: the stream ended.
        longest_gap: the longest time between two events that came one after the other, in seconds;
            `None` if all came at once.
        gaps: the number of gaps of each length, by `GAP_BOUNDS`.
        events: the number of events, without pings.
        pings: the number of pings.
        bytes: the number of bytes of the body.
        output_tokens: the output tokens in all, as the last `message_delta` counted them.

    >>> timing = Timing().answered(0.2)
    >>> timing = timing.saw(0.5, [{"type": "content_block_delta", "index": 0,
    ...                            "delta": {"type": "text_delta", "text": "Hello"}}], bytes=110)
    >>> timing = timing.saw(1.5, [{"type": "message_delta", "delta": {"stop_reason": "end_turn"},
    ...                            "usage": {"output_tokens": 40}}]).ended(1.6)
    >>> timing.first_text, timing.longest_gap, timing.output_tokens_per_second, timing.duration
    (0.5, 1.0, 40.0, 1.6)
    """

    headers: float | None = None
    first_event: float | None = None
    first_content: float | None = None
    first_text: float | None = None
    first_thinking: float | None = None
    last_event: float | None = None
    duration: float | None = None
    longest_gap: float | None = None
    gaps: tuple[int, ...] = attrs.field(default=_NO_GAPS, converter=_tuple)
    events: int = 0
    pings: int = 0
    bytes: int = 0
    output_tokens: int | None = None

    @property
    def output_tokens_per_second(self) -> float | None:
        """Output tokens per second, from the first content to the last event.

        `None` if the tokens were not counted, or all came at once.
        """
        if self.output_tokens is None or self.first_content is None or self.last_event is None:
            return None
        seconds = self.last_event - self.first_content
        return self.output_tokens / seconds if seconds > 0 else None

    def answered(self, at: float) -> Timing:
        """The timing once the response's headers came.

        Args:
            at: when they came, in seconds since the request.
        """
        return _with(self, "headers", at)

    def ended(self, at: float) -> Timing:
        """The timing once the stream ended, complete or not.

        Args:
            at: when it ended, in seconds since the request.
        """
        return _with(self, "duration", at)

    def saw(self, at: float, events: Iterable[Any], *, bytes: int = 0) -> Timing:  # noqa: A002
        """The timing once these events came. This one stays as it is.

        Args:
            at: when they came, in seconds since the request; not before the last call's.
            events: the events, in order: raw ones, mappings, or those of `feed`. A derived event
                (`TextEvent`, …) is not counted beside its delta.
            bytes: the number of bytes of the body that came with them.

        Raises:
            ProtocolError: a mapping is not an event, or an event of a known type lacks a field.
        """
        draft = _draft_like(self)
        draft.bytes += bytes
        pings = count = 0
        for event in events:
            kind = event.__class__
            if kind in DERIVED_EVENT_CLASSES:
                continue
            if kind not in _COUNTED:
                event = event_of(event)
                kind = event.__class__
            if kind is RawPingEvent:
                pings += 1
                continue
            count += 1
            content = _CONTENT.get(kind)
            if content is not None:
                _note_content(draft, at, content(event))
            elif kind is RawMessageDeltaEvent and event.usage is not None:
                draft.output_tokens = event.usage.output_tokens or draft.output_tokens
        draft.pings += pings
        draft.events += count
        if count:
            _note_arrivals(draft, [at])
        draft.__class__ = Timing
        made: Timing = draft
        return made

    def took(self, at: float, before: StreamState, after: StreamState, size: int) -> Timing:
        """The timing once a chunk came: `saw`, for programs that fold chunks.

        Costs 1 µs a chunk, whether its events were made or not.

        Args:
            at: when it came, in seconds since the request; not before the last call's.
            before: the state before the chunk.
            after: the state after it, from `feed`, `drain` or `fold_chunk`.
            size: its bytes.

        >>> from streamfold.reducer import StreamState, drain
        >>> chunk = b'event: ping\\ndata: {"type": "ping"}\\n\\n'
        >>> state = drain(StreamState(), chunk)
        >>> timing = Timing().took(0.5, StreamState(), state, len(chunk))
        >>> timing.pings, timing.bytes, timing.first_event
        (1, 36, None)
        """
        return self.took_all([at] if after.events > before.events else [], before, after, size)

    def took_all(
        self, arrivals: Sequence[float], before: StreamState, after: StreamState, size: int
    ) -> Timing:
        """The timing once several chunks came: `took` for all of them at once.

        The first of them may be any chunk, and so may the last one; the others are chunks for which
        `can_wait` is true. Costs 1 µs and 0.2 µs a chunk.

        Args:
            arrivals: when the chunks with events came, in order.
            before: the state before the first chunk.
            after: the state after the last one.
            size: the bytes of all chunks.

        >>> from streamfold.reducer import StreamState, drain
        >>> chunk = b'data: {"type": "x"}\\n\\n'
        >>> start = StreamState()
        >>> state = drain(drain(start, chunk), chunk)
        >>> timing = Timing().took_all([0.5, 0.75], start, state, 2 * len(chunk))
        >>> timing.events, timing.longest_gap
        (2, 0.25)
        """
        draft = _draft_like(self)
        draft.bytes += size
        draft.pings += after.pings - before.pings
        draft.events += after.events - before.events
        if arrivals:
            _note_arrivals(draft, arrivals)
            snapshot = after.snapshot
            if draft.first_text is None or draft.first_thinking is None:
                for block in _unseen(before.snapshot, snapshot, draft):
                    _note_content(draft, arrivals[-1], _of_block(block))
            if snapshot.is_complete:
                head = snapshot._settled.head
                draft.output_tokens = (head and head.output_tokens) or draft.output_tokens
        draft.__class__ = Timing
        made: Timing = draft
        return made

    def only_counts(self, before: StreamState, after: StreamState) -> bool:
        """Whether a chunk changes no more than counts and gaps, and grew open blocks only.

        Args:
            before: the state before the chunk.
            after: the state after it.

        >>> from streamfold.reducer import StreamState, drain
        >>> state = drain(StreamState(), b'data: {"type": "x"}\\n\\n')
        >>> Timing().only_counts(StreamState(), state)  # it joined the unfolded events
        False
        """
        is_growth = after.snapshot._settled is before.snapshot._settled
        return is_growth and self.can_wait(before, after)

    def can_wait(self, before: StreamState, after: StreamState) -> bool:
        """Whether a chunk changes no more than counts and gaps, so that it can be timed later.

        It does if it only started, grew and stopped blocks of types that had content before.

        Args:
            before: the state before the chunk.
            after: the state after it.

        >>> from streamfold.reducer import StreamState, drain
        >>> ping = b'data: {"type": "ping"}\\n\\n'
        >>> Timing().can_wait(StreamState(), drain(StreamState(), ping))
        True
        """
        settled, earlier = after.snapshot._settled, before.snapshot._settled
        if settled is not earlier and not (
            settled.head is earlier.head
            and settled.is_over is earlier.is_over
            and settled.unfolded is earlier.unfolded
            and settled.parked is earlier.parked
        ):
            return False
        for opened in after.snapshot._open:
            if _is_unseen(self, opened.block):
                return False
        for stop in _stopped(before.snapshot, after.snapshot):
            if _is_unseen(self, stop._like_block):
                return False
        return True

    def to_dict(self) -> dict[str, Any]:
        """The timing as plain JSON values.

        >>> Timing.from_dict(Timing(headers=0.2).to_dict()) == Timing(headers=0.2)
        True
        """
        return {**attrs.asdict(self), "gaps": list(self.gaps)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The timing that `to_dict` wrote.

        Raises:
            TypeError: a field is unknown.
        """
        return cls(**fields)


_TimingDraft = draft_of(Timing)


def _with(timing: Timing, name: str, at: float) -> Timing:
    """Return `timing` with one time set: `attrs.evolve` in a tenth of the time."""
    draft = _draft_like(timing)
    setattr(draft, name, at)
    draft.__class__ = Timing
    made: Timing = draft
    return made


def _draft_like(timing: Timing) -> Any:
    """A draft with all that `timing` has: line by line 0.5 µs, in a loop over the fields 1.5 µs."""
    draft = _TimingDraft()
    draft.headers = timing.headers
    draft.first_event = timing.first_event
    draft.first_content = timing.first_content
    draft.first_text = timing.first_text
    draft.first_thinking = timing.first_thinking
    draft.last_event = timing.last_event
    draft.duration = timing.duration
    draft.longest_gap = timing.longest_gap
    draft.gaps = timing.gaps
    draft.events = timing.events
    draft.pings = timing.pings
    draft.bytes = timing.bytes
    draft.output_tokens = timing.output_tokens
    return draft


def _note_content(draft: Any, at: float, kinds: tuple[str, ...]) -> None:
    """The draft of a timing, once blocks of these types got content."""
    for kind in kinds:
        if draft.first_content is None:
            draft.first_content = at
        first = _FIRST.get(kind)
        if first is not None and getattr(draft, first) is None:
            setattr(draft, first, at)


def _unseen(before: Snapshot, after: Snapshot, draft: Any) -> list[Any]:
    """The blocks with content that may be the first of its kind: open ones, and those that stopped
    since `before`.
    """
    blocks = [
        stop.content_block
        for stop in _stopped(before, after)
        if _is_unseen(draft, stop._like_block)
    ]
    blocks += [opened.so_far() for opened in after._open if _is_unseen(draft, opened.block)]
    return blocks


def _stopped(before: Snapshot, after: Snapshot) -> list[Any]:
    """The stop events of the blocks that stopped since `before`."""
    stops, earlier = after._settled.closed, before._settled.closed
    return [] if stops is earlier else stops._shared[len(earlier) : len(stops)]


def _is_unseen(timing: Any, block: Any) -> bool:
    """Whether content of `block` would be the first of its kind."""
    return getattr(timing, _FIRST.get(block._tag, "first_content")) is None


def _note_arrivals(draft: Any, arrivals: Iterable[float]) -> None:
    """The draft of a timing, once events that are not pings came at these times."""
    last, longest, gaps = draft.last_event, draft.longest_gap, list(draft.gaps)
    for at in arrivals:
        if last is None:
            draft.first_event = at
        elif at > last:
            gap = at - last
            gaps[bisect_left(GAP_BOUNDS, gap)] += 1
            if longest is None or gap > longest:
                longest = gap
        last = at
    draft.last_event, draft.longest_gap, draft.gaps = last, longest, tuple(gaps)
