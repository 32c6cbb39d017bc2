"""A recording, folded event by event: everything that the page shows, as values.

`trace` runs the reducer once over the recording and keeps, for each server-sent event, where it
stands in the body, when it arrived, what it changed (see `changes`) and which derived events it
gave. It also collects the faults, with the text of the error that streamfold raises for them.

Nothing is folded after a fault, as in a live stream: later events are on the wire, and change
nothing. Costs: 20 µs an event, and memory in proportion to the body.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, cast

import attrs
from streamfold.reducer import (
    CitationEvent,
    CompactionEvent,
    ContentBlockStopEvent,
    IncompleteStreamError,
    InputJsonEvent,
    MessageStopEvent,
    PartialJSON,
    ProtocolError,
    RawContentBlockDeltaEvent,
    RawContentBlockStopEvent,
    RawErrorEvent,
    RawMessageStartEvent,
    RawPingEvent,
    RawUnknownEvent,
    ServerSentEvent,
    SignatureEvent,
    Snapshot,
    StreamfoldError,
    TextEvent,
    ThinkingEvent,
    parse_event,
    reduce,
)
from streamfold.transports import APIConnectionError, Recording, replay

from .changes import Change, Changes, Path
from .wire import Body, WireEvent, body_of, partial_event, wire_events

__all__ = ["Derived", "Fault", "FaultKind", "Trace", "TracedEvent", "trace"]

STALL = 2.0
"""Seconds without an event, pings not counted, from which on a gap is shown as a stall."""

FaultKind = Literal["protocol", "error", "cut", "response", "unfolded", "stall"]
"""Where a fault comes from, the gravest first:

    protocol  the event breaks the protocol
    error     the API's own `error` event
    cut       the body ended before the message was complete
    response  the response is no event stream, or cannot be decompressed
    unfolded  the event was kept, but changed nothing
    stall     nothing but pings came for `STALL` seconds
"""


@attrs.frozen
class Fault:
    """Something that went wrong, and where.

    Attributes:
        kind: where it comes from.
        event: the number of the event, from 1; 0 for the response as a whole; of a stall, the event
            after which it began. The bytes of a partial event have the number after the last.
        text: the text of streamfold's error; for the last two kinds a description.
        error: the name of the class of the error; empty for the last two kinds.
        plain: an explanation beside the text of the error; empty without one.
        byte: the offset in the body at which the event's data ends early, or `None`.
        between: of a stall, when it began and ended, in seconds since the request.
        at: when it was there to be seen, in seconds since the request.
    """

    kind: FaultKind
    event: int
    text: str
    error: str = ""
    plain: str = ""
    byte: int | None = None
    between: tuple[float, float] | None = None
    at: float = 0.0


@attrs.frozen
class Derived:
    """An event that the fold gave, described by where the page finds its fields.

    Attributes:
        type: its type.
        raw: by field, its path in the JSON of the server-sent event; `None` for all of that JSON.
        state: by field, its path in the page's document.
    """

    type: str
    raw: tuple[tuple[str, Path], ...] | None = None
    state: tuple[tuple[str, Path], ...] = ()


@attrs.frozen
class TracedEvent:
    """A server-sent event and what it did.

    Attributes:
        wire: the event, and where it stands in the body.
        chunk: the position of the chunk that completed it.
        at: when that chunk arrived, in seconds since the request.
        label: its type; for a delta, the type of the delta.
        block: the index of the content block that it is about.
        changes: what it changed in the page's document.
        derived: the events that the fold gave for it.
        fault: why it changed nothing, if it should have.
    """

    wire: WireEvent
    chunk: int
    at: float
    label: str
    block: int | None = None
    changes: tuple[Change, ...] = ()
    derived: tuple[Derived, ...] = ()
    fault: Fault | None = None

    @property
    def is_ping(self) -> bool:
        """Whether it is a sign of life, and no progress."""
        return self.label == RawPingEvent.type


@attrs.frozen
class Trace:
    """A recording, folded event by event.

    Attributes:
        recording: the recording, without secrets.
        body: its body, decompressed.
        events: its server-sent events, in order.
        partial: where an event begins that is not among them, because the body ends inside it or
            the decoder refuses it; `None` without one.
        faults: what went wrong, the gravest first.
        snapshot: the fold at the end.
    """

    recording: Recording
    body: Body
    events: tuple[TracedEvent, ...]
    partial: int | None
    faults: tuple[Fault, ...]
    snapshot: Snapshot


def trace(recording: Recording) -> Trace:
    """Fold `recording` event by event.

    >>> traced = trace(Recording.load("tests/recordings/error-overloaded.sse"))
    >>> len(traced.events), traced.faults[0].kind, traced.faults[0].error
    (9, 'error', 'OverloadedError')
    """
    recording = recording.redacted()
    body = body_of(recording)
    snapshot, verdict = _replayed(recording)
    events, snapshot = _folded(body, snapshot)
    faults = [event.fault for event in events if event.fault is not None]
    partial = None
    if verdict is None or isinstance(verdict, _OF_A_STREAM):
        partial = partial_event(body, events[-1].wire.end if events else 0)
    last = len(events) + (partial is not None)
    if verdict is not None:
        faults = _with_verdict(faults, verdict, recording, body, last)
    if body.fault is not None:
        faults.append(Fault("response", last, body.fault, "DecodingError", at=recording.duration))
    faults += _stalls(recording, body, events, partial, is_over=snapshot.is_over)
    order = FaultKind.__args__  # type: ignore[attr-defined]
    faults.sort(key=lambda fault: order.index(fault.kind))
    return Trace(recording, body, tuple(events), partial, tuple(faults), snapshot)


# --- what a live stream does with it ------------------------------------------------------------


_OF_A_STREAM = (ProtocolError, IncompleteStreamError, APIConnectionError)
"""The errors of a response that is an event stream."""


def _replayed(recording: Recording) -> tuple[Snapshot, StreamfoldError | None]:
    """The snapshot that a stream of `recording` begins with, and the error that it ends with."""
    with replay(recording) as stream:
        beginning = stream.snapshot
        try:
            stream.get_final_message()
        except StreamfoldError as error:
            return beginning, error
    return beginning, None


def _with_verdict(
    faults: list[Fault], error: StreamfoldError, recording: Recording, body: Body, last: int
) -> list[Fault]:
    """`faults` with the error that ended the stream: at its event, or else at the last one."""
    name = type(error).__name__
    for position, fault in enumerate(faults):
        if fault.kind in ("protocol", "error"):
            ended = attrs.evolve(fault, text=str(error), error=name)
            return [*faults[:position], ended, *faults[position + 1 :]]
    kind: FaultKind = "response"
    at = recording.response.at
    if isinstance(error, ProtocolError):  # the decoder's: it is about bytes, not about an event
        kind = "protocol"
        at = body.chunks[bisect_left(body.ends, recording.timing.bytes)].at
    elif isinstance(error, _OF_A_STREAM):
        kind, at = "cut", recording.duration
    return [*faults, Fault(kind, last, str(error), name, at=at)]


# --- the fold, event by event -------------------------------------------------------------------


def _folded(body: Body, snapshot: Snapshot) -> tuple[list[TracedEvent], Snapshot]:
    """The events of `body`, and the snapshot behind them."""
    traced: list[TracedEvent] = []
    changes, ends = Changes(), body.ends
    broken = started = False
    for number, wire in enumerate(wire_events(body), 1):
        before = snapshot
        raw: Any = None
        events: tuple[Any, ...] = ()
        error: ProtocolError | None = None
        try:
            raw = parse_event(wire.sse)
            if not broken:
                snapshot, events = reduce(before, raw)
        except ProtocolError as caught:
            error = caught
        fault = None if broken else _fault(number, before, raw, events, error, started)
        if fault is not None and fault.kind == "protocol":
            if raw is None:
                fault = _with_early_end(fault, wire, body)
            elif isinstance(raw, _OF_AN_OPEN_BLOCK):
                fault = _with_open_blocks(fault, raw.index, list(changes.open))
        broken = broken or (error is not None and not before.is_over)
        started = started or isinstance(raw, RawMessageStartEvent)
        chunk = bisect_right(ends, wire.complete_at)
        at = body.chunks[chunk].at
        traced.append(
            TracedEvent(
                wire,
                chunk,
                at,
                *_label(raw, wire.sse),
                changes=tuple(changes.take(before, snapshot, events)),
                derived=_derived(events),
                fault=fault and attrs.evolve(fault, at=at),
            )
        )
    return traced, snapshot


def _label(raw: Any, sse: ServerSentEvent) -> tuple[str, int | None]:
    """The label of an event, and the index of its block."""
    label = sse.event if raw is None else raw.type
    if isinstance(raw, RawContentBlockDeltaEvent):
        label = raw.delta.type
    index = getattr(raw, "index", None)
    return label, index if type(index) is int else None


def _fault(
    number: int,
    before: Snapshot,
    raw: Any,
    events: tuple[Any, ...],
    error: ProtocolError | None,
    started: bool,
) -> Fault | None:
    """The fault of an event, if it has one."""
    if error is not None and not before.is_over:
        return Fault("protocol", number, str(error), type(error).__name__)
    if isinstance(raw, RawPingEvent):
        return None
    reason = None
    if before.is_over:  # a live stream has stopped reading
        reason = "it came after the end of the stream"
    elif isinstance(raw, RawErrorEvent):
        return Fault("error", number, "", "")  # its text is that of the error that is raised
    elif isinstance(raw, RawUnknownEvent):
        reason = f"{raw.type!r} is not a known type of event"
    elif not started and not isinstance(raw, RawMessageStartEvent):
        reason = "it came before message_start"
    elif isinstance(raw, RawContentBlockDeltaEvent) and len(events) == 1:
        reason = f"{raw.delta.type!r} is not a known delta of this type of block"
    return None if reason is None else Fault("unfolded", number, reason)


_OF_AN_OPEN_BLOCK = (RawContentBlockDeltaEvent, RawContentBlockStopEvent)


def _with_open_blocks(fault: Fault, index: int, is_open: list[int]) -> Fault:
    """The fault of an event about block `index`; it names the open blocks if that is not one."""
    if index in is_open:
        return fault
    named = ", ".join(map(str, is_open[:8])) + (", …" if is_open[8:] else "")
    one = f"only block {named} is open"
    plain = {0: "no block is open", 1: one}.get(len(is_open), f"only blocks {named} are open")
    return attrs.evolve(fault, plain=plain)


def _with_early_end(fault: Fault, wire: WireEvent, body: Body) -> Fault:
    """The fault of an event whose data is not JSON; it names the byte if the data ends early."""
    if not PartialJSON().append(wire.sse.data).is_beginning:
        return fault
    body_data, data = body.data, wire.sse.data.encode()
    start = body_data.find(data, wire.start, wire.end)  # a frame has it in base64
    byte = start + len(data) if start >= 0 and b"\n" not in data else None
    where = "" if byte is None else f" at byte {byte:,} of the body"
    rest = "the stream went on" if wire.end < len(body_data) else "nothing came after it"
    plain = f"the data ends early{where}; the event was closed, and {rest}"
    return attrs.evolve(fault, plain=plain, byte=byte)


# --- derived events -----------------------------------------------------------------------------

_FIELDS: dict[Hashable, tuple[dict[str, Path], dict[str, Path]]] = {
    TextEvent: ({"text": ("delta", "text")}, {"snapshot": ("text",)}),
    ThinkingEvent: ({"thinking": ("delta", "thinking")}, {"snapshot": ("thinking",)}),
    InputJsonEvent: ({"partial_json": ("delta", "partial_json")}, {"snapshot": ("input",)}),
    CitationEvent: ({"citation": ("delta", "citation")}, {"snapshot": ("citations",)}),
    SignatureEvent: ({"signature": ("delta", "signature")}, {}),
    CompactionEvent: (
        {},
        {"content": ("content",), "encrypted_content": ("encrypted_content",)},
    ),
}
"""By event that is derived from a delta: the paths of its fields in the raw event, and in the
block."""


def _derived(events: tuple[Any, ...]) -> tuple[Derived, ...]:
    """The derived events of one event, as the page finds their fields."""
    if not events:
        return ()
    index = events[0].get("index")
    return tuple([_described(cast(Hashable, type(event)), event.type, index) for event in events])


@lru_cache(maxsize=1024)
def _described(kind: Hashable, name: str, index: int) -> Derived:
    """A derived event of this class and type, about the block at `index`."""
    block: Path = ("message", "content", index)
    if kind is ContentBlockStopEvent:
        return Derived(name, None, (("content_block", block),))
    if kind is MessageStopEvent:
        return Derived(name, None, (("message", ("message",)),))
    if kind not in _FIELDS:
        return Derived(name)
    raw, state = _FIELDS[kind]
    in_block = ((field, (*block, *path)) for field, path in state.items())
    return Derived(name, tuple(raw.items()), tuple(in_block))


# --- stalls -------------------------------------------------------------------------------------


def _stalls(
    recording: Recording,
    body: Body,
    events: Sequence[TracedEvent],
    partial: int | None,
    *,
    is_over: bool,
) -> Iterator[Fault]:
    """The gaps of at least `STALL` seconds, pings aside, each at the event after which it began."""
    arrivals = [
        (number, event.at, f"event {number:,}")
        for number, event in enumerate(events, 1)
        if not event.is_ping
    ]
    if partial is not None:
        at = body.chunks[bisect_right(body.ends, partial)].at
        arrivals.append((len(events) + 1, at, "a part of an event"))
    for (number, start, name), (then, end, other) in pairwise(arrivals):
        if end - start >= STALL:
            yield _stall(number, start, end, then - number - 1, f"{name}; then {other} came")
    if arrivals and not is_over:
        number, start, name = arrivals[-1]
        if recording.duration - start >= STALL:
            pings = max(0, len(events) - number)
            yield _stall(number, start, recording.duration, pings, f"{name}, until the end")


def _stall(number: int, start: float, end: float, pings: int, after: str) -> Fault:
    came = f"nothing but {pings} ping{'s' * (pings > 1)}" if pings else "nothing"
    text = f"{came} came for {end - start:.1f} s after {after}"
    return Fault("stall", number, text, between=(start, end), at=end)
