"""The fold: raw events in, snapshots and derived events out.

Theory of operation. A `Snapshot` is an immutable value: the head of the message, the blocks that
are closed, the blocks that are open with what they have grown by, and what could not be folded.
`Folding` is the same in motion: it takes a snapshot apart once, takes any number of steps, and
puts a new one together. It lives inside one call of `reduce`, `fold` or `feed` and never leaves
it, so those are pure functions; and a chunk of a thousand events makes one snapshot, not a
thousand.

Costs. A step costs the same however long the message is: texts and inputs grow by appending (see
`growing`), closed blocks are a growing value too, and the `Message` is put together when someone
reads it. A snapshot costs its open blocks, of which there is one at a time in practice.

Rules that are not visible in the code: a step either happens whole or raises before it changed
anything, so that the snapshot in an error is exactly what was folded before. After `message_stop`,
and after an `error` event, the stream is over: whatever comes is handed on and kept aside
(`Snapshot.unfolded`), and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

from .errors import InvalidToolInputError, ProtocolError, shorten
from .events import (
    CitationEvent,
    CitationsDelta,
    CompactionDelta,
    CompactionEvent,
    ContentBlockStopEvent,
    InputJSONDelta,
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
    RawUnknownEvent,
    SignatureDelta,
    SignatureEvent,
    TextDelta,
    ThinkingDelta,
    event_of,
    input_json_event,
    make_input_json_delta,
    make_text_delta,
    text_event,
    thinking_event,
)
from .growing import Growing, Text
from .messages import (
    CompactionBlock,
    FallbackBlock,
    MCPToolUseBlock,
    Message,
    ServerToolUseBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    UnknownBlock,
    parse_block,
    parse_citation,
)
from .objects import described, evolve, is_object, setters
from .partial_json import PartialJSON, PartialMode, parse_json_text

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Snapshot", "fold", "reduce"]

TOOL_USE_BLOCKS = (ToolUseBlock, ServerToolUseBlock, MCPToolUseBlock)

Derived = tuple[Any, ...]

# --- open blocks --------------------------------------------------------------------------------


@attrs.frozen
class OpenBlock:
    """A block that has started and not stopped.

    Attributes:
        index: where in the message it stands.
        block: the block as it started; a compaction block, and a signature, as last told.
        grown: how far its text, its thinking or its input has grown, if it has one.
        citations: those it has got so far.
    """

    index: int
    block: Any
    grown: Any = None
    citations: Growing[Any] = Growing()

    @classmethod
    def start(cls, index: int, block: Any, mode: PartialMode) -> OpenBlock:
        """The block as it starts."""
        if isinstance(block, TextBlock):
            return cls(
                index,
                block,
                Text([block.text]),
                Growing(block.citations if type(block.citations) is tuple else ()),
            )
        if isinstance(block, ThinkingBlock):
            return cls(index, block, Text([block.thinking]))
        if isinstance(block, TOOL_USE_BLOCKS):
            return cls(index, block, PartialJSON(Text(), mode, block.input))
        return cls(index, block)

    def so_far(self) -> Any:
        """The block as it stands, a tool's input as far as its text says."""
        block, grown = self.block, self.grown
        if isinstance(block, TextBlock):
            if self.citations:
                return block.replace(text=str(grown), citations=self.citations.items())
            return evolve(block, text=str(grown))
        if isinstance(block, ThinkingBlock):
            return evolve(block, thinking=str(grown))
        if isinstance(grown, PartialJSON) and str(grown.text):
            return evolve(block, input=grown.value, input_json=str(grown.text))
        return block

    def finished(self) -> Any:
        """The block as it is when it stops.

        Raises:
            ValueError: it is a tool's, and the text of its input is not JSON.
        """
        if not isinstance(self.grown, PartialJSON) or not str(self.grown.text):
            return self.so_far()
        text = str(self.grown.text)
        return evolve(self.block, input=parse_json_text(text), input_json=text)

    def to_dict(self) -> dict[str, Any]:
        """The open block as JSON: `from_dict` makes an equal one of it."""
        grown = self.grown.text if isinstance(self.grown, PartialJSON) else self.grown
        return {
            "index": self.index,
            "block": self.block.to_dict(),
            "grown": None if grown is None else str(grown),
            "citations": [citation.to_dict() for citation in self.citations.items()],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any], mode: PartialMode) -> OpenBlock:
        """The open block that `to_dict` wrote."""
        started = cls.start(state["index"], parse_block(state["block"]), mode)
        grown = started.grown
        if isinstance(grown, PartialJSON):
            grown = grown.append(state["grown"])
        elif grown is not None:
            grown = Text([state["grown"]])
        citations: Growing[Any] = Growing(map(parse_citation, state["citations"]))
        return attrs.evolve(started, grown=grown, citations=citations)


_new = object.__new__
_set_index, _set_block, _set_grown, _set_citations = setters(
    OpenBlock, "index", "block", "grown", "citations"
)


def _with_grown(opened: OpenBlock, grown: Any) -> OpenBlock:
    """`opened` with what it has grown to: an `attrs.evolve` for every event."""
    made: OpenBlock = _new(OpenBlock)
    _set_index(made, opened.index)
    _set_block(made, opened.block)
    _set_grown(made, grown)
    _set_citations(made, opened.citations)
    return made


# --- the snapshot -------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Settled:
    """All of a snapshot but its open blocks: what most events leave as it is."""

    partial_mode: PartialMode = "on"
    is_complete: bool = False
    is_over: bool = False
    error: RawErrorEvent | None = None
    head: Message | None = None
    closed: Growing[tuple[int, Any]] = Growing()
    unfolded: Growing[Any] = Growing()


@attrs.frozen(init=False)
class Snapshot:
    """All that a stream has said so far. `Snapshot()` is "nothing received yet".

    >>> snapshot, events = reduce(Snapshot(), {"type": "ping"})
    >>> snapshot == Snapshot(), events
    (True, ())
    """

    _settled: Settled
    _open: tuple[OpenBlock, ...]

    def __init__(self, *, partial_mode: PartialMode = "on") -> None:
        """Begin a stream.

        Args:
            partial_mode: what becomes of an unfinished string in the input of a tool: "on" drops it
                with its key, "trailing-strings" keeps it as far as it goes.
        """
        _set_settled(self, Settled(partial_mode=partial_mode))
        _set_open(self, ())

    @property
    def partial_mode(self) -> PartialMode:
        """What becomes of an unfinished string in the input of a tool."""
        return self._settled.partial_mode

    @property
    def is_complete(self) -> bool:
        """Whether the model has said why it stopped, or `message_stop` came."""
        return self._settled.is_complete

    @property
    def is_over(self) -> bool:
        """Whether nothing can change the message any more: `message_stop` or an `error` came."""
        return self._settled.is_over

    @property
    def error(self) -> RawErrorEvent | None:
        """The stream's own `error` event, if one came."""
        return self._settled.error

    @property
    def message(self) -> Message | None:
        """The message so far; `None` before `message_start`. Put together when read."""
        head = self._settled.head
        if head is None:
            return None
        blocks = dict(self._settled.closed.items())
        blocks.update((block.index, block.so_far()) for block in self._open)
        return evolve(head, content=tuple(blocks[index] for index in range(len(blocks))))

    @property
    def unfolded(self) -> tuple[RawEvent, ...]:
        """The events that could not be folded, in order: unknown, or come at the wrong time."""
        return self._settled.unfolded.items()

    def __repr__(self) -> str:
        settled = self._settled
        state = "failed" if self.error else "complete" if self.is_complete else "incomplete"
        blocks = len(settled.closed) + len(self._open)
        name = settled.head.id if settled.head else "no message yet"
        return (
            f"<Snapshot {name}: {state}, {blocks} blocks, {len(settled.unfolded)} unfolded events>"
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def to_dict(self) -> dict[str, Any]:
        """The snapshot as JSON: `from_dict` makes an equal one of it, to fold on from.

        >>> snapshot = Snapshot(partial_mode="trailing-strings")
        >>> Snapshot.from_dict(snapshot.to_dict()) == snapshot
        True
        """
        settled = self._settled
        return {
            "partial_mode": settled.partial_mode,
            "is_complete": settled.is_complete,
            "is_over": settled.is_over,
            "error": settled.error and settled.error.to_dict(),
            "head": settled.head and settled.head.to_dict(),
            "closed": [
                [
                    index,
                    block.to_dict(),
                    block._input_json if isinstance(block, TOOL_USE_BLOCKS) else None,
                ]
                for index, block in settled.closed.items()
            ],
            "open": [block.to_dict() for block in self._open],
            "unfolded": [event.to_dict() for event in settled.unfolded.items()],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Snapshot:
        """The snapshot that `to_dict` wrote."""
        closed: list[tuple[int, Any]] = []
        for index, fields, input_json in state["closed"]:
            block = parse_block(fields)
            if input_json is not None:
                block = evolve(block, input_json=input_json)
            closed.append((index, block))
        mode: PartialMode = state["partial_mode"]
        settled = Settled(
            partial_mode=mode,
            is_complete=state["is_complete"],
            is_over=state["is_over"],
            error=state["error"] and RawErrorEvent.from_dict(state["error"]),
            head=state["head"] and Message.from_dict(state["head"]),
            closed=Growing(closed),
            unfolded=Growing(event_of(event) for event in state["unfolded"]),
        )
        return _snapshot(
            settled, tuple(OpenBlock.from_dict(block, mode) for block in state["open"])
        )


_set_settled, _set_open = setters(Snapshot, "_settled", "_open")


def _snapshot(settled: Settled, open_blocks: tuple[OpenBlock, ...]) -> Snapshot:
    made: Snapshot = _new(Snapshot)
    _set_settled(made, settled)
    _set_open(made, open_blocks)
    return made


# --- the fold -----------------------------------------------------------------------------------


class Folding:
    """A snapshot in motion: `step` by step, then `snapshot` once. Never leaves the call that made
    it.
    """

    __slots__ = ("open", "settled")

    def __init__(self, snapshot: Snapshot) -> None:
        self.settled = snapshot._settled
        self.open = {block.index: block for block in snapshot._open}

    def snapshot(self) -> Snapshot:
        return _snapshot(self.settled, tuple(self.open.values()))

    def settle(self, **changes: Any) -> None:
        self.settled = attrs.evolve(self.settled, **changes)

    def step(self, event: Any) -> Derived:
        """Fold one raw event; what it gives. On a fault, `ProtocolError`, and nothing has
        changed.
        """
        kind: type[Any] = event.__class__
        if kind is RawPingEvent:
            return ()
        step = _STEPS.get(kind)
        settled = self.settled
        if step is None or settled.is_over or (settled.head is None and kind not in _ANY_TIME):
            return self.keep_aside(event)
        return step(self, event)

    def keep_aside(self, event: Any) -> Derived:
        self.settle(unfolded=self.settled.unfolded.append(event))
        return (event,)

    def message_start(self, event: RawMessageStartEvent) -> Derived:
        if self.settled.head is not None:
            raise ProtocolError("the message has started already", event=event.type, data=event)
        head = evolve(event.message, content=())
        self.settle(head=head, closed=Growing(enumerate(event.message.content)))
        return (event,)

    def message_delta(self, event: RawMessageDeltaEvent) -> Derived:
        head = cast(Message, self.settled.head)
        told = event.delta
        changes = {
            key: told[key]
            for key in ("stop_reason", "stop_sequence", "stop_details")
            if key in told
        }
        for key, value in (
            ("container", told.container),
            ("context_management", event.context_management),
            ("input_transformations", event.input_transformations),
        ):
            if value is not None:
                changes[key] = value
        if event.usage is not None:
            totals = {key: count for key, count in event.usage.items() if count is not None}
            changes["usage"] = {**head.usage, **totals}
        is_complete = self.settled.is_complete or told.stop_reason is not None
        self.settle(head=head.replace(**changes), is_complete=is_complete)
        return (event,)

    def message_stop(self, event: RawMessageStopEvent) -> Derived:
        self.settle(is_complete=True, is_over=True)
        message = cast(Message, self.snapshot().message)
        return (MessageStopEvent(message=message, rest=event._rest),)

    def failed(self, event: RawErrorEvent) -> Derived:
        self.settle(error=event, is_over=True)
        return (event,)

    def block_start(self, event: RawContentBlockStartEvent) -> Derived:
        expected = len(self.settled.closed) + len(self.open)
        if event.index != expected:
            reason = f"the next block to start has index {expected}"
            raise ProtocolError(reason, event=event.type, index=event.index, data=event)
        block: Any = event.content_block
        if isinstance(block, TOOL_USE_BLOCKS) and not is_object(block.input):
            reason = f"`content_block.input` must be an object, not {described(block.input)}"
            raise ProtocolError(reason, event=event.type, index=expected, data=event)
        self.open[expected] = OpenBlock.start(expected, block, self.settled.partial_mode)
        if isinstance(block, FallbackBlock) and isinstance(block.to.get("model"), str):
            self.settle(head=evolve(self.settled.head, model=block.to["model"]))
        return (event,)

    def block_at(self, event: Any) -> OpenBlock:
        """The open block that `event` is about."""
        try:
            return self.open[event.index]
        except KeyError:
            past = 0 <= event.index < len(self.settled.closed) + len(self.open)
            reason = "the block has stopped already" if past else "no such block has started"
            raise ProtocolError(reason, event=event.type, index=event.index, data=event) from None

    def block_delta(self, event: RawContentBlockDeltaEvent) -> Derived:
        opened = self.block_at(event)
        delta: Any = event.delta
        grow = _GROWTHS.get(delta.__class__)
        if grow is None or type(opened.block) is UnknownBlock:
            return self.keep_aside(event)
        blocks, growth = grow
        if not isinstance(opened.block, blocks):
            reason = f"a {delta.type} does not belong in a {opened.block.type} block"
            raise ProtocolError(reason, event=event.type, index=event.index, data=event)
        self.open[event.index], derived = growth(opened, delta)
        return (event, derived)

    def grow(self, index: int, make: Callable[[str], Any], string: str) -> bool:
        """Fold a delta of one string without making its events; whether that could be done."""
        opened = self.open.get(index)
        if opened is None or self.settled.is_over or not isinstance(opened.block, _GROWN_BY[make]):
            return False
        self.open[index] = _with_grown(opened, opened.grown.append(string))
        return True

    def block_stop(self, event: RawContentBlockStopEvent) -> Derived:
        opened = self.block_at(event)
        try:
            block = opened.finished()
        except ValueError as fault:
            text = str(opened.grown.text)
            error = InvalidToolInputError(
                f"the input of {opened.block.name!r} is not JSON ({fault}): {shorten(text)}",
                event=event.type,
                index=event.index,
                data=event,
            )
            error.input_json = text
            raise error from None
        del self.open[event.index]
        self.settle(closed=self.settled.closed.append((event.index, block)))
        return (ContentBlockStopEvent(index=event.index, content_block=block, rest=event._rest),)


_STEPS: dict[type, Callable[[Folding, Any], Derived]] = {
    RawMessageStartEvent: Folding.message_start,
    RawMessageDeltaEvent: Folding.message_delta,
    RawMessageStopEvent: Folding.message_stop,
    RawContentBlockStartEvent: Folding.block_start,
    RawContentBlockDeltaEvent: Folding.block_delta,
    RawContentBlockStopEvent: Folding.block_stop,
    RawErrorEvent: Folding.failed,
}

RAW_EVENT_CLASSES = (*_STEPS, RawPingEvent, RawUnknownEvent)

_ANY_TIME = frozenset({RawMessageStartEvent, RawErrorEvent})
"""The events that mean something before the message has started."""

# --- how blocks grow ----------------------------------------------------------------------------

Growth = tuple[OpenBlock, Any]


def _grow_text(opened: OpenBlock, delta: TextDelta) -> Growth:
    grown = opened.grown.append(delta.text)
    return _with_grown(opened, grown), text_event(delta.text, grown)


def _grow_thinking(opened: OpenBlock, delta: ThinkingDelta) -> Growth:
    grown = opened.grown.append(delta.thinking)
    return _with_grown(opened, grown), thinking_event(delta.thinking, grown)


def _grow_input(opened: OpenBlock, delta: InputJSONDelta) -> Growth:
    grown = opened.grown.append(delta.partial_json)
    return _with_grown(opened, grown), input_json_event(delta.partial_json, grown)


def _grow_citations(opened: OpenBlock, delta: CitationsDelta) -> Growth:
    citations = opened.citations.append(delta.citation)
    derived = CitationEvent(citation=delta.citation, snapshot=citations)
    return attrs.evolve(opened, citations=citations), derived


def _set_signature(opened: OpenBlock, delta: SignatureDelta) -> Growth:
    block = opened.block.replace(signature=delta.signature)
    return attrs.evolve(opened, block=block), SignatureEvent(signature=delta.signature)


def _set_compaction(opened: OpenBlock, delta: CompactionDelta) -> Growth:
    told = {key: delta[key] for key in ("content", "encrypted_content") if key in delta}
    block = opened.block.replace(**told)
    derived = CompactionEvent(content=block.content, encrypted_content=block.encrypted_content)
    return attrs.evolve(opened, block=block), derived


_GROWTHS: dict[type, tuple[Any, Callable[[OpenBlock, Any], Growth]]] = {
    TextDelta: (TextBlock, _grow_text),
    CitationsDelta: (TextBlock, _grow_citations),
    ThinkingDelta: (ThinkingBlock, _grow_thinking),
    SignatureDelta: (ThinkingBlock, _set_signature),
    InputJSONDelta: (TOOL_USE_BLOCKS, _grow_input),
    CompactionDelta: (CompactionBlock, _set_compaction),
}
"""By delta: the blocks it belongs in, and what it does to them."""

_GROWN_BY: dict[Callable[[str], Any], Any] = {
    make_text_delta: TextBlock,
    make_input_json_delta: TOOL_USE_BLOCKS,
}

# --- the pure functions -------------------------------------------------------------------------


def _as_raw_event(event: Any) -> Any:
    if isinstance(event, RAW_EVENT_CLASSES):
        return event
    if is_object(event):
        return event_of(event)
    raise TypeError(f"a raw event is a RawEvent or a mapping, not {type(event).__name__}")


def reduce(
    snapshot: Snapshot, raw_event: RawEvent | Mapping[str, Any]
) -> tuple[Snapshot, tuple[MessageStreamEvent, ...]]:
    """Fold one event into a snapshot.

    Args:
        snapshot: what was folded before; `Snapshot()` at the beginning. It stays as it is.
        raw_event: the next event: from `parse_event`, or a decoded JSON object.

    Returns:
        The new snapshot, and the derived events in the order the official SDK yields them: the raw
        event, and for a delta what it did to its block.

    Raises:
        ProtocolError: the event breaks the protocol; see the table in the README.
        TypeError: it is not an event at all, or holds something that is not JSON.

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
    folding = Folding(snapshot)
    try:
        events = folding.step(_as_raw_event(raw_event))
    except ProtocolError as error:
        error.snapshot = snapshot
        raise
    return folding.snapshot(), events


def fold(
    raw_events: Iterable[RawEvent | Mapping[str, Any]], snapshot: Snapshot = Snapshot()
) -> Snapshot:
    """Fold many events: `reduce` repeated, without the derived events.

    Args:
        raw_events: the events, in order.
        snapshot: what was folded before.

    Raises:
        ProtocolError: one of them breaks the protocol; `.snapshot` is what came before it.
    """
    folding = Folding(snapshot)
    try:
        for raw_event in raw_events:
            folding.step(_as_raw_event(raw_event))
    except ProtocolError as error:
        error.snapshot = folding.snapshot()
        raise
    return folding.snapshot()
