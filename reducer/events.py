"""Events: what the API sends (`Raw…`), and what a fold makes of it.

A raw event is the JSON object of one server-sent event, with the fields a fold depends on checked.
Known events with a fault in those are a `ProtocolError`; unknown events, deltas and fields are
kept as they came.

Derived events carry the state they led to (`snapshot`): growing values of which a reader takes the
whole when it wants it, so that an event costs the same however long the answer has become.

Source: Messages API reference, "Streaming messages"; the names are those of the official SDK's
interface.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Union

import attrs

from .drafts import draft_of
from .errors import ProtocolError, shorten
from .growing import Growing, Text
from .messages import (
    ContentBlock,
    Message,
    MessageDeltaUsage,
    TextCitation,
    by_type,
    object_of,
    parse_block,
    parse_citation,
    parse_container,
    parse_stop_details,
)
from .objects import EMPTY, APIObject, JSONArray, JSONObject, Value, declared, is_object
from .partial_json import PartialJSON, parse_partial_json, scan_string
from .sse import Frame, ServerSentEvent

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
    "parse_event",
]

# --- deltas -------------------------------------------------------------------------------------


@declared()
class TextDelta(APIObject):
    """More text."""

    type: ClassVar[Literal["text_delta"]] = "text_delta"
    text: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class InputJSONDelta(APIObject):
    """More of the JSON text of a tool's input; cut anywhere, also inside an escape."""

    type: ClassVar[Literal["input_json_delta"]] = "input_json_delta"
    partial_json: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(citation=parse_citation)
class CitationsDelta(APIObject):
    """One more citation of a text block."""

    type: ClassVar[Literal["citations_delta"]] = "citations_delta"
    citation: TextCitation
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ThinkingDelta(APIObject):
    """More thinking; `estimated_tokens` where the thinking itself is left out."""

    type: ClassVar[Literal["thinking_delta"]] = "thinking_delta"
    thinking: str
    estimated_tokens: int | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class SignatureDelta(APIObject):
    """The signature of a thinking block."""

    type: ClassVar[Literal["signature_delta"]] = "signature_delta"
    signature: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CompactionDelta(APIObject):
    """The content of a compaction block, whole."""

    type: ClassVar[Literal["compaction_delta"]] = "compaction_delta"
    content: str | None = None
    encrypted_content: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class UnknownDelta(APIObject):
    """A kind of delta that this version does not know, kept as it came."""

    type: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


ContentBlockDelta = Union[
    TextDelta, InputJSONDelta, CitationsDelta, ThinkingDelta, SignatureDelta, CompactionDelta
]

DELTAS: dict[str, type[APIObject]] = {cls.type: cls for cls in ContentBlockDelta.__args__}  # type: ignore[attr-defined]


@declared(container=parse_container, stop_details=parse_stop_details)
class MessageDelta(APIObject):
    """What a `message_delta` event changes on the message: the fields it has."""

    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    container: Any = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- raw events ---------------------------------------------------------------------------------


@declared(message=object_of(Message))
class RawMessageStartEvent(APIObject):
    """The message begins: its head, without content yet."""

    type: ClassVar[Literal["message_start"]] = "message_start"
    message: Message
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(delta=object_of(MessageDelta), usage=object_of(MessageDeltaUsage, nullable=True))
class RawMessageDeltaEvent(APIObject):
    """The message ends: why it stopped, and what it cost in all."""

    type: ClassVar[Literal["message_delta"]] = "message_delta"
    delta: MessageDelta
    usage: MessageDeltaUsage | None = None
    context_management: JSONObject | None = None
    input_transformations: JSONArray | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawMessageStopEvent(APIObject):
    """The message is over."""

    type: ClassVar[Literal["message_stop"]] = "message_stop"
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(content_block=parse_block)
class RawContentBlockStartEvent(APIObject):
    """A content block begins, at `index`."""

    type: ClassVar[Literal["content_block_start"]] = "content_block_start"
    index: int
    content_block: ContentBlock
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(delta=by_type(DELTAS, UnknownDelta))
class RawContentBlockDeltaEvent(APIObject):
    """The content block at `index` grows."""

    type: ClassVar[Literal["content_block_delta"]] = "content_block_delta"
    index: int
    delta: ContentBlockDelta
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawContentBlockStopEvent(APIObject):
    """The content block at `index` is whole."""

    type: ClassVar[Literal["content_block_stop"]] = "content_block_stop"
    index: int
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawPingEvent(APIObject):
    """A sign of life."""

    type: ClassVar[Literal["ping"]] = "ping"
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawErrorEvent(APIObject):
    """The API gives up in the middle of the stream: `error.type` and `error.message` say why."""

    type: ClassVar[Literal["error"]] = "error"
    error: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RawUnknownEvent(APIObject):
    """A kind of event that this version does not know, kept as it came."""

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
"""The events that the API sends. An event of any other type is a `RawUnknownEvent`, which is left
out of the union so that `event.type == "message_start"` narrows it."""

RAW_EVENTS: dict[str, type[APIObject]] = {cls.type: cls for cls in RawEvent.__args__}  # type: ignore[attr-defined]

# --- derived events -----------------------------------------------------------------------------

_SNAPSHOT_SHOWN = 40
"""How many characters of a growing text the `repr` of an event shows: its end. Not the whole, or
printing all the events of a stream would take the square of its length."""


def _shown_tail(text: Text) -> str:
    tail = text.tail(_SNAPSHOT_SHOWN + 1)
    return repr(tail) if len(tail) <= _SNAPSHOT_SHOWN else repr("…" + tail[-_SNAPSHOT_SHOWN:])


def _text(value: str | Text) -> Text:
    return value if isinstance(value, Text) else Text([value])


@declared()
class TextEvent(Value):
    """A text block has grown: by `text`, to `snapshot`.

    >>> TextEvent(text="lo", snapshot="Hello").snapshot
    'Hello'
    """

    type: ClassVar[Literal["text"]] = "text"
    text: str
    _snapshot: Text = attrs.field(converter=_text, alias="snapshot")

    @property
    def snapshot(self) -> str:
        """The whole text of the block so far."""
        return str(self._snapshot)

    def parsed_snapshot(self) -> Any:
        """What the text so far says as JSON, an unfinished string included as far as it goes.

        Raises:
            ValueError: the text is empty, or is not the beginning of a JSON document.

        >>> TextEvent(text="ris", snapshot='{"city": "Paris').parsed_snapshot()
        {'city': 'Paris'}
        """
        return parse_partial_json(self._snapshot, "trailing-strings")

    def _shown(self, key: str) -> str:
        return _shown_tail(self._snapshot) if key == "snapshot" else repr(self[key])


@declared()
class ThinkingEvent(Value):
    """A thinking block has grown: by `thinking`, to `snapshot`."""

    type: ClassVar[Literal["thinking"]] = "thinking"
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
    """A thinking block got its signature."""

    type: ClassVar[Literal["signature"]] = "signature"
    signature: str


def _growing(value: Any) -> Growing[Any]:
    if isinstance(value, Growing):
        return value  # pyright: ignore[reportUnknownVariableType]
    return Growing(value)


@declared()
class CitationEvent(Value):
    """A text block got one more citation; `snapshot` has them all."""

    type: ClassVar[Literal["citation"]] = "citation"
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


@declared()
class InputJsonEvent(Value):
    """The input of a tool has grown: by the text `partial_json`, to `snapshot`."""

    type: ClassVar[Literal["input_json"]] = "input_json"
    partial_json: str
    _snapshot: PartialJSON = attrs.field(converter=_partial_json, alias="snapshot")

    @property
    def snapshot(self) -> Any:
        """What the input's JSON says so far. It is immutable; `to_dict()` on it makes a copy you
        can change.
        """
        return self._snapshot.value

    def _shown(self, key: str) -> str:
        return (
            f"<JSON … {_shown_tail(self._snapshot.text)}>" if key == "snapshot" else repr(self[key])
        )


@declared()
class CompactionEvent(Value):
    """A compaction block got its content."""

    type: ClassVar[Literal["compaction"]] = "compaction"
    content: str | None
    encrypted_content: str | None


@declared(message=Message.from_dict)
class MessageStopEvent(APIObject):
    """The message is over: here it is, whole."""

    type: ClassVar[Literal["message_stop"]] = "message_stop"
    message: Message
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(content_block=parse_block)
class ContentBlockStopEvent(APIObject):
    """The content block at `index` is over: here it is, whole."""

    type: ClassVar[Literal["content_block_stop"]] = "content_block_stop"
    index: int
    content_block: ContentBlock
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


DerivedEvent = Union[
    TextEvent,
    CitationEvent,
    ThinkingEvent,
    SignatureEvent,
    InputJsonEvent,
    CompactionEvent,
]
"""The events that a fold derives from a delta; each follows the raw event of its delta."""

DERIVED_EVENTS: frozenset[type[Value]] = frozenset(DerivedEvent.__args__)  # type: ignore[attr-defined]

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
"""What `reduce` and `feed` give. What the protocol does not know comes as a `RawUnknownEvent`."""

# --- runs of deltas ------------------------------------------------------------------------------

# Nearly all events of a stream are deltas of one string, and the API writes those in one way: a
# head, which is the same for all of a block, the string, and the end. Such an event is read by
# comparing its head and scanning its string (0.3 µs), not the whole JSON (0.8 µs, and 2 µs to
# check and build it); and those that follow each other in a chunk, a *run*, are folded together.
# Whatever is written otherwise goes the general way, with the same result.


@attrs.frozen(eq=False)
class StringDelta:
    """A kind of delta that says one string.

    Attributes:
        head: how such an event begins, up to the string; `%d` for the index of its block.
        add_events: adds the raw and the derived events of a run to a list: those of the index, the
            strings, and the snapshot that each led to.
    """

    head: str
    add_events: Callable[[list[Any], int, list[str], list[Any]], None]


_DeltaEventDraft = draft_of(RawContentBlockDeltaEvent)


def _string_delta(cls: Any, attribute: str, derived_cls: type[Value]) -> StringDelta:
    """The kind whose delta has its string as `attribute`, and so has the event derived of it."""
    Draft, DerivedDraft = draft_of(cls), draft_of(derived_cls)  # noqa: N806
    told = {attribute, "_rest"}
    others = [(field.name, field.default) for field in attrs.fields(cls) if field.name not in told]

    def add_events(events: list[Any], index: int, strings: list[str], snapshots: list[Any]) -> None:
        for string, snapshot in zip(strings, snapshots):  # noqa: B905
            delta = Draft()
            setattr(delta, attribute, string)
            delta._rest = EMPTY
            for name, default in others:
                setattr(delta, name, default)
            delta.__class__ = cls

            raw = _DeltaEventDraft()
            raw.index = index
            raw.delta = delta
            raw._rest = EMPTY
            raw.__class__ = RawContentBlockDeltaEvent
            events.append(raw)

            derived = DerivedDraft()
            setattr(derived, attribute, string)
            derived._snapshot = snapshot
            derived.__class__ = derived_cls
            events.append(derived)

    head = '{"type":"content_block_delta","index":%d,"delta":{"type":"TYPE","ATTRIBUTE":"'
    return StringDelta(head.replace("TYPE", cls._tag).replace("ATTRIBUTE", attribute), add_events)


TEXT = _string_delta(TextDelta, "text", TextEvent)
THINKING = _string_delta(ThinkingDelta, "thinking", ThinkingEvent)
INPUT_JSON = _string_delta(InputJSONDelta, "partial_json", InputJsonEvent)


def strings_of(frames: list[Frame], at: int, head: str) -> list[str]:
    """The strings of the run with this head that begins at `at`; none if there is no run."""
    strings: list[str] = []
    start = len(head)
    for position in range(at, len(frames)):
        data = frames[position][1]
        if not data.startswith(head):
            break
        try:
            string, end = scan_string(data, start)
        except ValueError:
            break
        if data[end:] != "}}" and data[end:].replace(" ", "") != "}}":
            break
        strings.append(string)
    return strings


# --- from the wire ------------------------------------------------------------------------------


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {shorten(digits, 20)} is out of range")
    return number


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
"""Only what can be written again as JSON: Python itself would take `NaN`, and make 1e999
infinite."""
_scan_once: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]


def _decode(data: str) -> Any:
    """`_decoder.decode(data)`; where there is no white space around it, in half the time."""
    try:
        value, end = _scan_once(data, 0)
    except StopIteration:  # it begins with white space, or is not JSON
        return _decoder.decode(data)
    return value if end == len(data) else _decoder.decode(data)


def parse_data(data: str, name: str = "") -> Any:
    """The raw event that `data`, the JSON text of a server-sent event called `name`, describes."""
    try:
        fields: Any = _decode(data)
    except (ValueError, RecursionError) as fault:
        reason = "nested too deep" if isinstance(fault, RecursionError) else str(fault)
        raise ProtocolError(f"data is not JSON ({reason}): {shorten(data)}", data=data) from None
    if not is_object(fields):
        raise ProtocolError(f"data is not a JSON object: {shorten(data)}", data=data)
    if "type" not in fields and name not in ("", "message"):
        fields = {**fields, "type": name}
    return event_of(fields)


def parse_event(sse: ServerSentEvent) -> RawEvent:
    """The raw event in a server-sent event's `data`.

    Its `type` is that of the JSON; where the JSON has none, the name of the server-sent event.

    Raises:
        ProtocolError: the data is not a JSON object, or a known event lacks a field it must have.

    >>> parse_event(ServerSentEvent(data='{"type":"content_block_stop","index":0}'))
    RawContentBlockStopEvent(index=0)
    """
    event: RawEvent = parse_data(sse.data, sse.event)
    return event


def event_of(fields: Mapping[str, Any]) -> Any:
    """The raw event with these fields: `parse_event` for what is decoded already."""
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise ProtocolError("an event must have a `type` that is a string", data=fields)
    try:
        return RAW_EVENTS.get(kind, RawUnknownEvent).from_dict(fields)
    except ValueError as fault:
        index = fields.get("index")
        raise ProtocolError(
            str(fault), event=kind, index=index if type(index) is int else None, data=fields
        ) from None
