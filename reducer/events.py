"""Events as values: the raw events of the API, and the events that a fold derives from them.

A raw event is the JSON of one server-sent event, with the fields checked that a fold depends on. An
event, a delta or a field that is unknown is kept as it came.

The fold adds a derived event after each raw event of a delta, and turns the two raw stop events
into stop events that carry the finished block or message. A derived event has a `snapshot`: the
text, the thinking, the input or the citations of the block so far. It is a growing value (see
`growing`), and the whole is put together when a caller reads it. So making an event costs the same
at the end of a long answer as at its beginning.

To add a kind of delta, add its class, put the class into the union `ContentBlockDelta`, add the
class of its derived event to `DerivedEvent`, and write its row in `deltas`.

Source: Messages API reference, "Streaming messages". The names are those of the official SDK.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, Union

import attrs

from .declared import APIObject, Value, by_type, classes_of, declared, object_of
from .drafts import draft_of
from .frozen_json import EMPTY, JSONObject
from .growing import Growing, Text
from .messages import (
    ContentBlock,
    Message,
    MessageDeltaUsage,
    TextCitation,
    parse_block,
    parse_citation,
    parse_container,
    parse_context_management,
    parse_stop_details,
    parse_transformations,
)
from .partial_json import PartialJSON, parse_partial_json
from .parts import ContextManagementResponse, InputTransformation

__all__ = [
    "CitationEvent",
    "CitationsDelta",
    "CompactionDelta",
    "CompactionEvent",
    "ContentBlockDelta",
    "ContentBlockStopEvent",
    "DerivedEvent",
    "InputJSONDelta",
    "InputJsonEvent",
    "MessageDelta",
    "MessageStopEvent",
    "MessageStreamEvent",
    "RawContentBlockDeltaEvent",
    "RawContentBlockStartEvent",
    "RawContentBlockStopEvent",
    "RawErrorEvent",
    "RawEvent",
    "RawMessageDeltaEvent",
    "RawMessageStartEvent",
    "RawMessageStopEvent",
    "RawPingEvent",
    "RawUnknownEvent",
    "SignatureDelta",
    "SignatureEvent",
    "TextDelta",
    "TextEvent",
    "ThinkingDelta",
    "ThinkingEvent",
    "UnknownDelta",
    "block_stop",
    "message_stop",
]

# --- deltas -------------------------------------------------------------------------------------


@declared()
class TextDelta(APIObject):
    """More text of a text block."""

    type: Literal["text_delta"] = "text_delta"
    text: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class InputJSONDelta(APIObject):
    """More of the JSON text of a tool's input. It can be cut anywhere, even inside an escape."""

    type: Literal["input_json_delta"] = "input_json_delta"
    partial_json: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(citation=parse_citation)
class CitationsDelta(APIObject):
    """One more citation of a text block."""

    type: Literal["citations_delta"] = "citations_delta"
    citation: TextCitation
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ThinkingDelta(APIObject):
    """More thinking; with `estimated_tokens` if the thinking itself is left out."""

    type: Literal["thinking_delta"] = "thinking_delta"
    thinking: str
    estimated_tokens: int | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class SignatureDelta(APIObject):
    """The signature of a thinking block."""

    type: Literal["signature_delta"] = "signature_delta"
    signature: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CompactionDelta(APIObject):
    """The whole content of a compaction block."""

    type: Literal["compaction_delta"] = "compaction_delta"
    content: str | None = None
    encrypted_content: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class UnknownDelta(APIObject):
    """A delta of a type that this version does not know, kept as it came."""

    type: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


ContentBlockDelta = Union[
    TextDelta, InputJSONDelta, CitationsDelta, ThinkingDelta, SignatureDelta, CompactionDelta
]
"""The known kinds of delta. A delta of any other type is an `UnknownDelta`."""


@declared(container=parse_container, stop_details=parse_stop_details)
class MessageDelta(APIObject):
    """The fields of the message that a `message_delta` event sets."""

    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    container: Any = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- raw events ---------------------------------------------------------------------------------


@declared(message=object_of(Message))
class RawMessageStartEvent(APIObject):
    """The message starts; its `content` is usually still empty."""

    type: Literal["message_start"] = "message_start"
    message: Message
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    delta=object_of(MessageDelta),
    usage=object_of(MessageDeltaUsage, nullable=True),
    context_management=parse_context_management,
    input_transformations=parse_transformations,
)
class RawMessageDeltaEvent(APIObject):
    """The stop reason and the total usage of the message."""

    type: Literal["message_delta"] = "message_delta"
    delta: MessageDelta
    usage: MessageDeltaUsage | None = None
    context_management: ContextManagementResponse | None = None
    input_transformations: tuple[InputTransformation, ...] | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawMessageStopEvent(APIObject):
    """The message stops."""

    type: Literal["message_stop"] = "message_stop"
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(content_block=parse_block)
class RawContentBlockStartEvent(APIObject):
    """The content block at `index` starts."""

    type: Literal["content_block_start"] = "content_block_start"
    index: int
    content_block: ContentBlock
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


class _LaterDelta(APIObject):
    """A raw event of a delta that can be made before its delta.

    `runs` sets these attributes instead of `delta`, because most programs read the derived event
    alone. The delta is made and kept when it is first read. Two threads that read it at once may
    each get one; both are equal.

    Attributes:
        _make_delta: makes the delta of its string.
        _string: the string.
    """

    __slots__ = ("_make_delta", "_string")
    _make_delta: Callable[[str], Any]
    _string: str

    if not TYPE_CHECKING:  # pragma: no branch (type checkers report an undeclared field)

        def __getattr__(self, name: str) -> Any:
            if name != "delta":
                return super().__getattr__(name)
            delta = self._make_delta(self._string)
            _keep_delta(self, delta)
            return delta


@declared(delta=by_type(ContentBlockDelta, UnknownDelta))
class RawContentBlockDeltaEvent(_LaterDelta):
    """The content block at `index` grows."""

    type: Literal["content_block_delta"] = "content_block_delta"
    index: int
    delta: ContentBlockDelta
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


_keep_delta: Callable[[Any, Any], None] = RawContentBlockDeltaEvent.__dict__["delta"].__set__


@declared()
class RawContentBlockStopEvent(APIObject):
    """The content block at `index` stops."""

    type: Literal["content_block_stop"] = "content_block_stop"
    index: int
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawPingEvent(APIObject):
    """The server keeps the connection alive."""

    type: Literal["ping"] = "ping"
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawErrorEvent(APIObject):
    """The API ends the stream with an error; `error.type` and `error.message` describe it."""

    type: Literal["error"] = "error"
    error: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawUnknownEvent(APIObject):
    """An event of a type that this version does not know, kept as it came."""

    type: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


RawEvent = Union[
    RawMessageStartEvent,
    RawMessageDeltaEvent,
    RawMessageStopEvent,
    RawContentBlockStartEvent,
    RawContentBlockDeltaEvent,
    RawContentBlockStopEvent,
    RawPingEvent,
    RawErrorEvent,
]
"""The events of the API.

An event of any other type is a `RawUnknownEvent`. That class is not in the union, so that
`event.type == "message_start"` narrows it.
"""

RAW_EVENT_CLASSES: frozenset[type[APIObject]] = frozenset([*RawEvent.__args__, RawUnknownEvent])  # type: ignore[attr-defined]

RAW_EVENTS = classes_of(RawEvent)
"""The classes of the raw events by `type`; for any other type use `RawUnknownEvent`."""

# --- derived events -----------------------------------------------------------------------------


class _Growth(Value):
    """An event derived from a delta of a run, whose growing value is made when it is read.

    All such events of a run share the growing value after it.

    Attributes:
        _missing: the number of items that the run added after this event. Only `runs` sets it.
    """

    __slots__ = ("_missing",)
    _missing: int


class _OwnSnapshot:
    """The attribute `_snapshot` of a `_Growth`: the growing value after the event's own delta."""

    def __init__(self, slot: Any) -> None:
        self._get = slot.__get__
        self._set = slot.__set__

    def __get__(self, event: Any, owner: object = None) -> Any:
        if event is None:  # it was read from the class
            return self
        value = self._get(event)
        try:
            missing = event._missing
        except AttributeError:  # the event was made with its own value
            return value
        return value.earlier(missing) if missing else value

    def __set__(self, event: Any, value: Any) -> None:
        self._set(event, value)


GrowthT = TypeVar("GrowthT", bound=_Growth)


def _with_own_snapshot(cls: type[GrowthT]) -> type[GrowthT]:
    """Put an `_OwnSnapshot` before the slot `_snapshot` of a class."""
    cls._snapshot = _OwnSnapshot(cls.__dict__["_snapshot"])  # type: ignore[attr-defined]
    return cls


_SNAPSHOT_SHOWN = 40
"""The number of characters of a growing text that the `repr` of an event shows, from its end.

Showing the whole would make printing all events of a stream cost the square of its length.
"""


def _shown_tail(text: Text) -> str:
    tail = text.tail(_SNAPSHOT_SHOWN + 1)
    return repr(tail) if len(tail) <= _SNAPSHOT_SHOWN else repr("…" + tail[-_SNAPSHOT_SHOWN:])


def _text(value: str | Text) -> Text:
    return value if isinstance(value, Text) else Text([value])


@_with_own_snapshot
@declared()
class TextEvent(_Growth):
    """A text block grew by `text`; `snapshot` is its whole text so far.

    >>> TextEvent(text="lo", snapshot="Hello").snapshot
    'Hello'
    """

    type: Literal["text"] = "text"
    text: str
    _snapshot: Text = attrs.field(converter=_text, alias="snapshot")

    @property
    def snapshot(self) -> str:
        """The whole text of the block so far."""
        return str(self._snapshot)

    def parsed_snapshot(self) -> Any:
        """Parse the text so far as JSON; an unfinished string is kept as far as it goes.

        Raises:
            ValueError: the text is empty, or is not the beginning of a JSON document.

        >>> TextEvent(text="ris", snapshot='{"city": "Paris').parsed_snapshot()
        {'city': 'Paris'}
        """
        return parse_partial_json(self._snapshot, "trailing-strings")

    def _shown(self, key: str) -> str:
        return _shown_tail(self._snapshot) if key == "snapshot" else repr(self[key])


@_with_own_snapshot
@declared()
class ThinkingEvent(_Growth):
    """A thinking block grew by `thinking`; `snapshot` is its whole thinking so far."""

    type: Literal["thinking"] = "thinking"
    thinking: str
    _snapshot: Text = attrs.field(converter=_text, alias="snapshot")

    @property
    def snapshot(self) -> str:
        """The whole thinking of the block so far."""
        return str(self._snapshot)

    def _shown(self, key: str) -> str:
        return _shown_tail(self._snapshot) if key == "snapshot" else repr(self[key])


@declared()
class SignatureEvent(Value):
    """A thinking block received its signature."""

    type: Literal["signature"] = "signature"
    signature: str


def _growing(value: Any) -> Growing[Any]:
    if isinstance(value, Growing):
        return value  # pyright: ignore[reportUnknownVariableType]
    return Growing(value)


@declared()
class CitationEvent(Value):
    """A text block received `citation`; `snapshot` has all its citations so far."""

    type: Literal["citation"] = "citation"
    citation: TextCitation
    _snapshot: Growing[TextCitation] = attrs.field(converter=_growing, alias="snapshot")

    @property
    def snapshot(self) -> tuple[TextCitation, ...]:
        """All citations of the block so far."""
        return self._snapshot.items()

    def _shown(self, key: str) -> str:
        return f"<{len(self._snapshot)} citations>" if key == "snapshot" else repr(self[key])


def _partial_json(value: Any) -> PartialJSON:
    return value if isinstance(value, PartialJSON) else PartialJSON(initial=value)


@_with_own_snapshot
@declared()
class InputJsonEvent(_Growth):
    """The input of a tool grew by the text `partial_json`; `snapshot` is its value so far."""

    type: Literal["input_json"] = "input_json"
    partial_json: str
    _snapshot: PartialJSON = attrs.field(converter=_partial_json, alias="snapshot")

    @property
    def snapshot(self) -> Any:
        """The value of the input so far. It is immutable; its `to_dict()` makes a copy you can
        change.
        """
        return self._snapshot.value

    def _shown(self, key: str) -> str:
        return (
            f"<JSON … {_shown_tail(self._snapshot.text)}>" if key == "snapshot" else repr(self[key])
        )


@declared()
class CompactionEvent(Value):
    """A compaction block received its content."""

    type: Literal["compaction"] = "compaction"
    content: str | None
    encrypted_content: str | None


# A stop event carries a block or a message that few programs read. So the fold makes the event
# with an object that makes the value when it is first read. With the values made at once, a stream
# of small blocks takes 1.4 times as long.


class _Finishing(APIObject):
    """The base of the stop events: `__getattr__` makes the value that is not made yet.

    Two threads that read it at once may each get one; both are equal.

    Attributes:
        _carries: the name of the field with the value.
        _unfinished: an object whose `finished()` makes the value and cannot fail; unset or `None`
            in an event that has its value.
    """

    __slots__ = ()
    _carries: ClassVar[str]
    _unfinished: Any

    if not TYPE_CHECKING:  # pragma: no branch (type checkers see the fields of the classes below)

        def __getattr__(self, name: str) -> Any:
            if name != self._carries:
                return super().__getattr__(name)
            unfinished = self._unfinished
            if unfinished is None:  # another thread has made it since this one looked
                return object.__getattribute__(self, name)
            value = unfinished.finished()
            object.__setattr__(self, name, value)
            object.__setattr__(self, "_unfinished", None)  # it holds all pieces of the value
            return value


class _BlockStop(_Finishing, RawContentBlockStopEvent):
    __slots__ = ("_unfinished",)
    _carries = "content_block"


class _MessageStop(_Finishing, RawMessageStopEvent):
    __slots__ = ("_unfinished",)
    _carries = "message"


@declared(message=Message.from_dict)
class MessageStopEvent(_MessageStop):
    """The message stopped; `message` is the whole message."""

    message: Message


@declared(content_block=parse_block)
class ContentBlockStopEvent(_BlockStop):
    """The content block at `index` stopped; `content_block` is the whole block."""

    content_block: ContentBlock

    @property
    def _like_block(self) -> Any:
        """The block or, before it is made, a block of the same type."""
        unfinished = getattr(self, "_unfinished", None)
        return self.content_block if unfinished is None else unfinished.block


_MessageStopDraft = draft_of(MessageStopEvent)
_BlockStopDraft = draft_of(ContentBlockStopEvent)


def message_stop(
    unfinished: Any, rest: JSONObject, as_class: type[MessageStopEvent] = MessageStopEvent
) -> Any:
    """Return a stop event whose message is made when it is first read.

    Args:
        unfinished: an object whose `finished()` makes the message and cannot fail.
        rest: the unknown fields of the event.
        as_class: the class of the event: a subclass without further attributes.
    """
    draft = _MessageStopDraft()
    draft._rest = rest
    draft._unfinished = unfinished
    draft.__class__ = as_class
    return draft


def block_stop(
    unfinished: Any,
    index: int,
    rest: JSONObject = EMPTY,
    as_class: type[ContentBlockStopEvent] = ContentBlockStopEvent,
) -> Any:
    """Return a stop event whose block is made when it is first read.

    Args:
        unfinished: an object whose `finished()` makes the block and cannot fail. Its `block` is a
            block of the same type.
        index: the index of the block.
        rest: the unknown fields of the event.
        as_class: the class of the event: a subclass without further attributes.
    """
    draft = _BlockStopDraft()
    draft.index = index
    draft._rest = rest
    draft._unfinished = unfinished
    draft.__class__ = as_class
    return draft


def block_stopped(block: Any, index: int) -> ContentBlockStopEvent:
    """Return `ContentBlockStopEvent(index=index, content_block=block)`, made quickly."""
    draft = _BlockStopDraft()
    draft.index = index
    draft._rest = EMPTY
    draft.content_block = block
    draft._unfinished = None
    draft.__class__ = ContentBlockStopEvent
    event: ContentBlockStopEvent = draft
    return event


DerivedEvent = Union[
    TextEvent,
    CitationEvent,
    ThinkingEvent,
    SignatureEvent,
    InputJsonEvent,
    CompactionEvent,
]
"""The events that a fold derives from a delta; each follows the raw event of its delta."""

DERIVED_EVENT_CLASSES: frozenset[type[Value]] = frozenset(DerivedEvent.__args__)  # type: ignore[attr-defined]

MessageStreamEvent = Union[
    RawMessageStartEvent,
    RawMessageDeltaEvent,
    MessageStopEvent,
    RawContentBlockStartEvent,
    RawContentBlockDeltaEvent,
    ContentBlockStopEvent,
    DerivedEvent,
    RawErrorEvent,
]
"""The events that `reduce` and `feed` return.

An event that this version does not know comes as a `RawUnknownEvent`, which is not in the union.
"""
