"""The fold: raw events in, snapshots and derived events out.

Theory of operation. A `Snapshot` is an immutable value: the head of the message, the blocks that
are closed, the blocks that are open with what they have grown by, and what could not be folded.
`step` takes one and an event and gives the next; `fold_run` does it with many deltas of one block
at once, for `feed`, which gets them by the chunk.

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

from .drafts import draft_of
from .errors import InvalidToolInputError, ProtocolError, shorten
from .events import (
    INPUT_JSON,
    TEXT,
    THINKING,
    CitationEvent,
    CitationsDelta,
    CompactionDelta,
    CompactionEvent,
    ContentBlockStopEvent,
    InputJSONDelta,
    InputJsonEvent,
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
    StringDelta,
    TextDelta,
    TextEvent,
    ThinkingDelta,
    ThinkingEvent,
    event_of,
    strings_of,
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
from .objects import described, evolve, is_object
from .partial_json import PartialJSON, PartialMode, parse_json_text
from .sse import Frame

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Snapshot", "fold", "reduce"]

TOOL_USE_BLOCKS = (ToolUseBlock, ServerToolUseBlock, MCPToolUseBlock)

# --- open blocks --------------------------------------------------------------------------------


_NO_TEXT = Text()
_NO_CITATIONS: Growing[Any] = Growing()


@attrs.frozen(weakref_slot=False)
class OpenBlock:
    """A block that has started and not stopped.

    Attributes:
        index: where in the message it stands.
        block: the block as it started; a compaction block, and a signature, as last told.
        grown: how far its text, its thinking or its input has grown, if it has one.
        citations: those it has got so far.
        head: how the deltas begin that it grows by, if those say one string; told by its index and
            its kind.
    """

    index: int
    block: Any
    grown: Any = None
    citations: Growing[Any] = _NO_CITATIONS
    head: str = attrs.field(default="", eq=False, repr=False)

    @classmethod
    def start(cls, index: int, block: Any, mode: PartialMode) -> OpenBlock:
        """The block as it starts."""
        grown: Any = None
        cited: Any = None
        if isinstance(block, TextBlock):
            grown = Text([block.text]) if block.text else _NO_TEXT
            cited = block.citations
        elif isinstance(block, ThinkingBlock):
            grown = Text([block.thinking]) if block.thinking else _NO_TEXT
        elif isinstance(block, TOOL_USE_BLOCKS):
            grown = PartialJSON(_NO_TEXT, mode, block.input)
        kind = _GROWN_BY.get(block.__class__)
        head = kind.head % index if kind else ""
        citations: Growing[Any] = Growing(cited) if type(cited) is tuple else _NO_CITATIONS
        return cls(index, block, grown, citations, head)

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


_GROWN_BY: dict[type, StringDelta] = {
    TextBlock: TEXT,
    ThinkingBlock: THINKING,
    **dict.fromkeys(TOOL_USE_BLOCKS, INPUT_JSON),
}
"""By block: the deltas of one string that it grows by."""

# --- the snapshot -------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, weakref_slot=False)
class Settled:
    """All of a snapshot but its open blocks: what most events leave as it is."""

    partial_mode: PartialMode = "on"
    is_complete: bool = False
    is_over: bool = False
    error: RawErrorEvent | None = None
    head: Message | None = None
    closed: Growing[tuple[int, Any]] = Growing()
    unfolded: Growing[Any] = Growing()


_SettledDraft = draft_of(Settled)


def _settled(settled: Settled, **changes: Any) -> Settled:
    """`settled` with these changes: `attrs.evolve` in a third of the time."""
    draft = _SettledDraft()
    for name in _SettledDraft.__slots__:
        setattr(draft, name, changes[name] if name in changes else getattr(settled, name))
    draft.__class__ = Settled
    made: Settled = draft
    return made


@attrs.frozen(init=False, weakref_slot=False)
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
        object.__setattr__(self, "_settled", Settled(partial_mode=partial_mode))
        object.__setattr__(self, "_open", ())

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
        content = tuple(blocks[index] for index in range(len(blocks)))
        message: Message = evolve(head, content=content)
        return message

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


_SnapshotDraft = draft_of(Snapshot)


def _snapshot(settled: Settled, open_blocks: tuple[OpenBlock, ...]) -> Snapshot:
    draft = _SnapshotDraft()
    draft._settled = settled
    draft._open = open_blocks
    draft.__class__ = Snapshot
    made: Snapshot = draft
    return made


# --- how blocks grow ----------------------------------------------------------------------------

Growth = tuple[OpenBlock, Any]


def _grow_text(opened: OpenBlock, delta: TextDelta) -> Growth:
    grown = opened.grown.append(delta.text)
    return attrs.evolve(opened, grown=grown), TextEvent(text=delta.text, snapshot=grown)


def _grow_thinking(opened: OpenBlock, delta: ThinkingDelta) -> Growth:
    grown = opened.grown.append(delta.thinking)
    return attrs.evolve(opened, grown=grown), ThinkingEvent(thinking=delta.thinking, snapshot=grown)


def _grow_input(opened: OpenBlock, delta: InputJSONDelta) -> Growth:
    grown = opened.grown.append(delta.partial_json)
    event = InputJsonEvent(partial_json=delta.partial_json, snapshot=grown)
    return attrs.evolve(opened, grown=grown), event


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

# --- the fold -----------------------------------------------------------------------------------

Step = tuple[Snapshot, tuple[Any, ...]]
"""What an event leads to: the snapshot behind it, and the derived events."""


def step(snapshot: Snapshot, event: Any) -> Step:
    """Fold one raw event. On a fault, `ProtocolError`, without its `snapshot`."""
    kind: type[Any] = event.__class__
    if kind is RawPingEvent:
        return snapshot, ()
    take = _STEPS.get(kind)
    settled = snapshot._settled
    if take is None or settled.is_over or (settled.head is None and kind not in _ANY_TIME):
        return _keep_aside(snapshot, event)
    return take(snapshot, event)


def _settle(snapshot: Snapshot, **changes: Any) -> Snapshot:
    return _snapshot(_settled(snapshot._settled, **changes), snapshot._open)


def _keep_aside(snapshot: Snapshot, event: Any) -> Step:
    return _settle(snapshot, unfolded=snapshot._settled.unfolded.append(event)), (event,)


def _message_start(snapshot: Snapshot, event: RawMessageStartEvent) -> Step:
    if snapshot._settled.head is not None:
        raise ProtocolError("the message has started already", event=event.type, data=event)
    content = event.message.content
    head = _renamed(evolve(event.message, content=()), content)
    closed: Growing[tuple[int, Any]] = Growing(enumerate(content))
    return _settle(snapshot, head=head, closed=closed), (event,)


def _renamed(head: Message, content: Iterable[Any]) -> Message:
    """The message, with the model that took over last in this content."""
    for block in content:
        if isinstance(block, FallbackBlock) and isinstance(block.to.get("model"), str):
            head = evolve(head, model=block.to["model"])
    return head


def _message_delta(snapshot: Snapshot, event: RawMessageDeltaEvent) -> Step:
    settled, told = snapshot._settled, event.delta
    head = cast(Message, settled.head)
    changes = {
        key: told[key] for key in ("stop_reason", "stop_sequence", "stop_details") if key in told
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
    is_complete = settled.is_complete or told.stop_reason is not None
    return _settle(snapshot, head=head.replace(**changes), is_complete=is_complete), (event,)


def _message_stop(snapshot: Snapshot, event: RawMessageStopEvent) -> Step:
    snapshot = _settle(snapshot, is_complete=True, is_over=True)
    message = cast(Message, snapshot.message)
    return snapshot, (MessageStopEvent(message=message, rest=event._rest),)


def _error(snapshot: Snapshot, event: RawErrorEvent) -> Step:
    return _settle(snapshot, error=event, is_over=True), (event,)


def _block_start(snapshot: Snapshot, event: RawContentBlockStartEvent) -> Step:
    settled = snapshot._settled
    expected = len(settled.closed) + len(snapshot._open)
    if event.index != expected:
        reason = f"the next block to start has index {expected}"
        raise ProtocolError(reason, event=event.type, index=event.index, data=event)
    block: Any = event.content_block
    if isinstance(block, TOOL_USE_BLOCKS) and not is_object(block.input):
        reason = f"`content_block.input` must be an object, not {described(block.input)}"
        raise ProtocolError(reason, event=event.type, index=expected, data=event)
    if isinstance(block, FallbackBlock):
        settled = _settled(settled, head=_renamed(cast(Message, settled.head), [block]))
    opened = OpenBlock.start(expected, block, settled.partial_mode)
    return _snapshot(settled, (*snapshot._open, opened)), (event,)


def _block_at(snapshot: Snapshot, event: Any) -> OpenBlock:
    """The open block that `event` is about."""
    for opened in snapshot._open:
        if opened.index == event.index:
            return opened
    past = 0 <= event.index < len(snapshot._settled.closed) + len(snapshot._open)
    reason = "the block has stopped already" if past else "no such block has started"
    raise ProtocolError(reason, event=event.type, index=event.index, data=event)


def _block_delta(snapshot: Snapshot, event: RawContentBlockDeltaEvent) -> Step:
    opened = _block_at(snapshot, event)
    delta: Any = event.delta
    grow = _GROWTHS.get(delta.__class__)
    if grow is None or type(opened.block) is UnknownBlock:
        return _keep_aside(snapshot, event)
    blocks, growth = grow
    if not isinstance(opened.block, blocks):
        reason = f"a {delta.type} does not belong in a {opened.block.type} block"
        raise ProtocolError(reason, event=event.type, index=event.index, data=event)
    grown, derived = growth(opened, delta)
    blocks = tuple(grown if block is opened else block for block in snapshot._open)
    return _snapshot(snapshot._settled, blocks), (event, derived)


_BlockStopDraft = draft_of(ContentBlockStopEvent)


def _block_stop(snapshot: Snapshot, event: RawContentBlockStopEvent) -> Step:
    opened = _block_at(snapshot, event)
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
    settled = snapshot._settled
    settled = _settled(settled, closed=settled.closed.append((event.index, block)))
    still_open = tuple(block for block in snapshot._open if block is not opened)
    stopped = _BlockStopDraft()
    stopped.index = event.index
    stopped.content_block = block
    stopped._rest = event._rest
    stopped.__class__ = ContentBlockStopEvent
    return _snapshot(settled, still_open), (stopped,)


_STEPS: dict[type, Callable[[Snapshot, Any], Step]] = {
    RawMessageStartEvent: _message_start,
    RawMessageDeltaEvent: _message_delta,
    RawMessageStopEvent: _message_stop,
    RawContentBlockStartEvent: _block_start,
    RawContentBlockDeltaEvent: _block_delta,
    RawContentBlockStopEvent: _block_stop,
    RawErrorEvent: _error,
}

RAW_EVENT_CLASSES = (*_STEPS, RawPingEvent, RawUnknownEvent)

_ANY_TIME = frozenset({RawMessageStartEvent, RawErrorEvent})
"""The events that mean something before the message has started."""


_OpenBlockDraft = draft_of(OpenBlock)


def fold_run(
    snapshot: Snapshot, frames: list[Frame], at: int, events: list[Any] | None
) -> tuple[int, Snapshot]:
    """Fold the run of deltas that begins at `at`, as one step.

    Returns where the run ends, and the snapshot there; `at` itself if there is no run, or not just
    one block that is open. What the run gives joins `events`, if those are wanted.
    """
    settled, still_open = snapshot._settled, snapshot._open
    if len(still_open) != 1 or settled.is_over:
        return at, snapshot
    (opened,) = still_open
    head = opened.head
    strings = strings_of(frames, at, head) if head else []
    if not strings:
        return at, snapshot
    before, block = opened.grown, opened.block
    grown = before.extend(strings)
    if events is not None:
        kind = _GROWN_BY[block.__class__]
        kind.add_events(events, opened.index, strings, grown.since(before))
    draft = _OpenBlockDraft()
    draft.index = opened.index
    draft.block = block
    draft.grown = grown
    draft.citations = opened.citations
    draft.head = head
    draft.__class__ = OpenBlock
    behind = _SnapshotDraft()
    behind._settled = settled
    behind._open = (draft,)
    behind.__class__ = Snapshot
    return at + len(strings), behind


def with_growth_of(derived: Any, snapshot: Snapshot) -> Snapshot:
    """The snapshot after a delta inside a run, from the snapshot after the whole run.

    Args:
        derived: the event derived from the delta; it carries the text of the block at that point.
        snapshot: the snapshot after the run. A run leaves everything but this text as it is.
    """
    (opened,) = snapshot._open
    return _snapshot(snapshot._settled, (attrs.evolve(opened, grown=derived._snapshot),))


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
    try:
        return step(snapshot, _as_raw_event(raw_event))
    except ProtocolError as error:
        error.snapshot = snapshot
        raise


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
    try:
        for raw_event in raw_events:
            snapshot, _ = step(snapshot, _as_raw_event(raw_event))
    except ProtocolError as error:
        error.snapshot = snapshot
        raise
    return snapshot
