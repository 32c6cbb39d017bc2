"""The fold: a snapshot and a raw event give the next snapshot and the derived events.

`step` folds one event. `reduce` and `fold` are its public forms; `runs` folds many deltas of one
block at once, with the same result.

Rules:

- A step happens as a whole, or raises before anything changed. So the snapshot in an error is
  exactly the fold of the events before it.
- After `message_stop` and after an `error` event the stream is over. Later events are returned and
  join `Snapshot.unfolded`, but change nothing else.
- A tool that stops when the text of its input is only the beginning of a JSON document has the
  value so far. The stop reason of the message decides whether that is an error.
- Events before `message_start`, unknown events, and deltas that are unknown or in an unknown block
  join `Snapshot.unfolded` too.

Cost: a step costs the same however long the message is, 3 to 6 µs.
"""

from __future__ import annotations

# The modules of this package share their private attributes.
# pyright: reportPrivateUsage=false
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol, cast

import attrs

from .declared import FieldError, evolve
from .decoding import event_of
from .deltas import DELTAS
from .errors import InvalidToolInputError, ProtocolError
from .events import (
    RAW_EVENT_CLASSES,
    ContentBlockStopEvent,
    MessageStopEvent,
    MessageStreamEvent,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawErrorEvent,
    RawEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
    RawPingEvent,
    block_stopped,
    message_stop,
)
from .frozen_json import is_object
from .growing import Growing
from .head import Head
from .messages import (
    STOP_REASONS_OF_A_CUT,
    FallbackBlock,
    Message,
    MessageDeltaUsage,
    UnknownBlock,
)
from .snapshot import (
    MAX_UNFOLDED,
    OpenBlock,
    Settled,
    Snapshot,
    settled_with,
    size_of,
    snapshot_of,
)

__all__ = ["fold", "reduce"]

Step = tuple[Snapshot, tuple[Any, ...]]
"""The result of folding one event: the snapshot after it, and the derived events."""


def step(snapshot: Snapshot, event: Any) -> Step:
    """Fold one raw event.

    Raises:
        ProtocolError: the event breaks the protocol, or the stack of the caller is too deep for
            its JSON. The error does not have its `snapshot` yet.
    """
    kind: type[Any] = event.__class__
    if kind is RawPingEvent:
        return snapshot, ()
    take = _STEPS.get(kind)
    settled = snapshot._settled
    if take is None or settled.is_over or (settled.head is None and kind not in _AT_ANY_TIME):
        return _set_aside(snapshot, event)
    try:
        return take(snapshot, event)
    except RecursionError:
        reason = "the stack of the caller is too deep to fold it"
        raise ProtocolError(reason, event=event.type, data=event) from None


def _settle(snapshot: Snapshot, **changes: Any) -> Snapshot:
    return snapshot_of(settled_with(snapshot._settled, **changes), snapshot._open)


def _set_aside(snapshot: Snapshot, event: Any) -> Step:
    settled = snapshot._settled
    size = settled.unfolded_size + size_of(event)
    if size > MAX_UNFOLDED:
        reason = (
            f"the events that cannot be folded take more than {MAX_UNFOLDED:,} bytes; "
            f"{len(settled.unfolded):,} came before this one"
        )
        raise ProtocolError(reason, event=event.type, data=event)
    unfolded = settled.unfolded.append(event)
    return _settle(snapshot, unfolded=unfolded, unfolded_size=size), (event,)


# --- events of the message ----------------------------------------------------------------------


def _message_start(snapshot: Snapshot, event: RawMessageStartEvent) -> Step:
    if snapshot._settled.head is not None:
        raise ProtocolError("the message has started already", event=event.type, data=event)
    content = event.message.content
    head = _renamed(Head(evolve(event.message, content=())), content)
    closed = Growing[ContentBlockStopEvent](
        [block_stopped(block, index) for index, block in enumerate(content)]
    )
    return _settle(snapshot, head=head, closed=closed), (event,)


def _renamed(head: Head, blocks: Iterable[Any]) -> Head:
    """Return the head with the name of the last model that took over in `blocks`."""
    for block in blocks:
        if isinstance(block, FallbackBlock) and isinstance(block.to.get("model"), str):
            head = attrs.evolve(head, started=evolve(head.started, model=block.to["model"]))
    return head


def _message_delta(snapshot: Snapshot, event: RawMessageDeltaEvent) -> Step:
    settled, delta = snapshot._settled, event.delta
    head = cast(Head, settled.head)
    changes: dict[str, Any] = {
        key: value
        for key in ("stop_reason", "stop_sequence", "stop_details")
        if (value := getattr(delta, key)) is not None or key in delta._rest
    }
    for key, value in (
        ("container", delta.container),
        ("context_management", event.context_management),
        ("input_transformations", event.input_transformations),
    ):
        if value is not None:
            changes[key] = value
    if event.usage is not None:
        changes["usage"] = _totals(event.usage)
    _check_cut(settled, delta.stop_reason, event)
    is_complete = settled.is_complete or delta.stop_reason is not None
    return _settle(snapshot, head=head.changed(changes), is_complete=is_complete), (event,)


def _check_cut(
    settled: Settled, stop_reason: str | None, event: RawMessageDeltaEvent | RawMessageStopEvent
) -> None:
    """Refuse a stop reason that does not explain the cut input of a tool."""
    if settled.cut is not None and stop_reason not in (None, *STOP_REASONS_OF_A_CUT):
        index, reason = settled.cut
        (block,) = [stop.content_block for stop in settled.closed.items() if stop.index == index]
        raise _invalid_input(block, f"{reason}; stop_reason is {stop_reason!r}", event, index)


def _totals(usage: MessageDeltaUsage) -> dict[str, Any]:
    """Return the totals in `usage` that are not null, in a third of the time of `items()`."""
    totals = {key: total for key, total in usage._rest.items() if total is not None}
    for key, field in usage._fields.items():
        total = field.get(usage)
        if total is not None:
            totals[key] = total
    return totals


def _message_stop(snapshot: Snapshot, event: RawMessageStopEvent) -> Step:
    settled = snapshot._settled
    stop_reason = cast(Head, settled.head).stop_reason
    _check_cut(settled, stop_reason, event)
    is_complete = settled.is_complete or stop_reason is not None
    snapshot = _settle(snapshot, is_complete=is_complete, is_over=True)
    return snapshot, (message_stop(_Whole(snapshot), event._rest),)


@attrs.frozen
class _Whole:
    """Makes the message of a finished stream when the stop event is first read."""

    snapshot: Snapshot

    def finished(self) -> Message:
        """Return the message."""
        return cast(Message, self.snapshot.message)


def _error(snapshot: Snapshot, event: RawErrorEvent) -> Step:
    return _settle(snapshot, error=event, is_over=True), (event,)


# --- events of a block --------------------------------------------------------------------------


def _block_start(snapshot: Snapshot, event: RawContentBlockStartEvent) -> Step:
    settled = snapshot._settled
    expected = snapshot._started()
    if event.index != expected:
        reason = f"the next block to start has index {expected}"
        raise ProtocolError(reason, event=event.type, index=event.index, data=event)
    block: Any = event.content_block
    try:
        opened = OpenBlock.start(expected, block, settled.partial_mode)
    except FieldError as fault:
        raise ProtocolError(str(fault), event=event.type, index=expected, data=event) from None
    if block._kind is FallbackBlock:
        snapshot = _settle(snapshot, head=_renamed(cast(Head, settled.head), [block]))
    return snapshot._with_started(opened), (event,)


def _block_at(snapshot: Snapshot, event: Any) -> OpenBlock:
    """Return the open block at the index of `event`."""
    opened = snapshot._open_at(event.index)
    if opened is not None:
        return opened
    past = 0 <= event.index < snapshot._started()
    reason = "the block has stopped already" if past else "no such block has started"
    raise ProtocolError(reason, event=event.type, index=event.index, data=event)


def _block_delta(snapshot: Snapshot, event: RawContentBlockDeltaEvent) -> Step:
    opened = _block_at(snapshot, event)
    block, delta = opened.block, event.delta
    row = DELTAS.get(delta._kind)
    if row is None or block._kind is UnknownBlock:
        return _set_aside(snapshot, event)
    if block._kind not in row.blocks:
        reason = f"{delta.type!r} does not belong in a block of type {block.type!r}"
        raise ProtocolError(reason, event=event.type, index=event.index, data=event)
    grown, derived = opened.grow(row, delta)
    return snapshot._with_grown(opened, grown), (event, derived)


def _block_stop(snapshot: Snapshot, event: RawContentBlockStopEvent) -> Step:
    opened = _block_at(snapshot, event)
    try:
        stop = opened.stopped()
    except ValueError as fault:
        block = opened.so_far()
        if not opened.is_cut():
            raise _invalid_input(block, str(fault), event, event.index) from None
        if snapshot._settled.cut is None:
            snapshot = _settle(snapshot, cut=(event.index, str(fault)))
        stop = block_stopped(block, event.index)
    after = snapshot._with_stopped(opened, stop)
    return after, (evolve(stop, rest=event._rest) if event._rest else stop,)


def _invalid_input(
    block: Any,
    reason: str,
    event: RawContentBlockStopEvent | RawMessageDeltaEvent | RawMessageStopEvent,
    index: int,
) -> InvalidToolInputError:
    return InvalidToolInputError(
        f"the input of {block.name!r} is not JSON ({reason})",
        input_json=block.input_json,
        event=event.type,
        index=index,
        data=event,
    )


_STEPS: dict[type, Callable[[Snapshot, Any], Step]] = {
    RawMessageStartEvent: _message_start,
    RawMessageDeltaEvent: _message_delta,
    RawMessageStopEvent: _message_stop,
    RawContentBlockStartEvent: _block_start,
    RawContentBlockDeltaEvent: _block_delta,
    RawContentBlockStopEvent: _block_stop,
    RawErrorEvent: _error,
}

_AT_ANY_TIME = frozenset({RawMessageStartEvent, RawErrorEvent})
"""The events that can be folded before the message has started."""

# --- the public functions -----------------------------------------------------------------------


class OfficialEvent(Protocol):
    """An event of the official client."""

    def to_dict(self, *, mode: Literal["json", "python"] = ...) -> dict[str, object]:
        """Return its JSON."""
        ...


def _as_raw_event(event: Any) -> Any:
    if event.__class__ in RAW_EVENT_CLASSES:
        return event
    if isinstance(event, MessageStopEvent):
        return RawMessageStopEvent(rest=event._rest)
    if isinstance(event, ContentBlockStopEvent):
        return RawContentBlockStopEvent(index=event.index, rest=event._rest)
    if is_object(event):
        return event_of(event)
    if hasattr(event, "to_dict"):  # of the official client
        return event_of(event.to_dict(mode="json"))
    raise TypeError(
        "a raw event must be a RawEvent, a mapping or an event of the official client, "
        f"not {type(event).__name__}"
    )


def reduce(
    snapshot: Snapshot, raw_event: RawEvent | Mapping[str, Any] | OfficialEvent
) -> tuple[Snapshot, tuple[MessageStreamEvent, ...]]:
    """Fold one event into a snapshot.

    Args:
        snapshot: the fold of the events before; `Snapshot()` at the beginning. It stays as it is.
        raw_event: the next event: a result of `parse_event`, a decoded JSON object, or an event
            that the official client's `create(stream=True)` gives.

    Returns:
        The new snapshot, and the events in the order in which the official SDK yields them: the raw
        event, and after a delta the event derived from it.

    Raises:
        ProtocolError: the event breaks the protocol; see the table in the README.
        TypeError: `raw_event` is not an event, or contains something that is not JSON.

    >>> snapshot = fold([
    ...     {"type": "message_start", "message": {
    ...         "id": "msg_1", "role": "assistant", "model": "claude-opus-4-6", "content": []}},
    ...     {"type": "content_block_start", "index": 0,
    ...         "content_block": {"type": "text", "text": ""}},
    ... ])
    >>> for piece in ("Hel", "lo"):
    ...     delta = {"type": "text_delta", "text": piece}
    ...     event = {"type": "content_block_delta", "index": 0, "delta": delta}
    ...     snapshot, (raw, text) = reduce(snapshot, event)
    ...     print(text)
    TextEvent(text='Hel', snapshot='Hel')
    TextEvent(text='lo', snapshot='Hello')
    >>> snapshot.message.content
    (TextBlock(text='Hello'),)
    """
    try:
        return step(snapshot, _as_raw_event(raw_event))
    except ProtocolError as error:
        error.snapshot = snapshot
        raise


def fold(
    raw_events: Iterable[RawEvent | Mapping[str, Any] | OfficialEvent],
    snapshot: Snapshot = Snapshot(),  # noqa: B008 (it is immutable)
) -> Snapshot:
    """Fold many events: `reduce` repeated, without the derived events.

    Args:
        raw_events: the events, in order: see `reduce`.
        snapshot: the fold of the events before; it stays as it is.

    Raises:
        ProtocolError: one of the events breaks the protocol; `.snapshot` is the fold before it.
        TypeError: one of them is not an event, or contains something that is not JSON.

    >>> snapshot = fold([{"type": "ping"}, {"type": "weather", "mood": "sunny"}])
    >>> snapshot.message is None
    True
    >>> snapshot.unfolded
    (RawUnknownEvent(type='weather', mood='sunny'),)
    """
    try:
        for raw_event in raw_events:
            snapshot, _ = step(snapshot, _as_raw_event(raw_event))
    except ProtocolError as error:
        error.snapshot = snapshot
        raise
    return snapshot
