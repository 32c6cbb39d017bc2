"""Events: read by attribute and by key, kept as they came, written as JSON, short in print."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from streamfold.reducer import (
    CitationEvent,
    CitationsDelta,
    CompactionDelta,
    CompactionEvent,
    ContentBlockDelta,
    ContentBlockStopEvent,
    DerivedEvent,
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
    Snapshot,
    TextBlock,
    TextDelta,
    TextEvent,
    ThinkingDelta,
    ThinkingEvent,
    UnknownBlock,
    UnknownDelta,
    evolve,
    fold,
    reduce,
)

from tests.support.effort import effort
from tests.support.events import block_delta, block_start, block_stop, message_delta, message_start
from tests.support.model import parsed, reduced
from tests.support.strategies import any_event, streams

Event = dict[str, Any]
# --- raw events ---------------------------------------------------------------------------------


@effort(300)
@given(any_event())
def test_raw_events_are_kept_as_they_came(event: Event) -> None:
    raw = parsed(event)
    assert raw.to_dict() == event
    assert json.dumps(raw.to_dict(), sort_keys=True) == json.dumps(event, sort_keys=True)
    assert json.loads(raw.to_json()) == event
    assert json.loads(raw.to_json(indent=2)) == event
    assert type(raw).from_dict(event) == raw
    assert raw.type == raw["type"] == event["type"]
    assert len(raw) == len(event)
    assert set(raw) == set(event)
    for value in (pickle.loads(pickle.dumps(raw)), copy.copy(raw), copy.deepcopy(raw)):
        assert value == raw
        assert hash(value) == hash(raw)
        assert repr(value) == repr(raw)
        assert value.to_dict() == event


EVERY_RAW_EVENT: list[tuple[type[Any], Event]] = [
    (RawMessageStartEvent, message_start()),
    (RawMessageDeltaEvent, message_delta()),
    (RawMessageStopEvent, {"type": "message_stop"}),
    (RawContentBlockStartEvent, block_start(0, "text", text="")),
    (RawContentBlockDeltaEvent, block_delta(0, "text_delta", text="a")),
    (RawContentBlockStopEvent, block_stop(0)),
    (RawPingEvent, {"type": "ping"}),
    (RawErrorEvent, {"type": "error", "error": {"type": "api_error", "message": "m"}}),
    (RawUnknownEvent, {"type": "odd"}),
]
EVERY_DELTA: list[tuple[type[Any], Event]] = [
    (TextDelta, {"type": "text_delta", "text": "a"}),
    (InputJSONDelta, {"type": "input_json_delta", "partial_json": "a"}),
    (CitationsDelta, {"type": "citations_delta", "citation": {"type": "odd"}}),
    (ThinkingDelta, {"type": "thinking_delta", "thinking": "a"}),
    (SignatureDelta, {"type": "signature_delta", "signature": "a"}),
    (CompactionDelta, {"type": "compaction_delta"}),
    (UnknownDelta, {"type": "odd_delta"}),
]


@pytest.mark.parametrize(("cls", "event"), EVERY_RAW_EVENT)
def test_the_class_of_each_raw_event(cls: type[Any], event: Event) -> None:
    raw = parsed(event)
    assert type(raw) is cls
    with_more = parsed({**event, "more": {"a": [1]}})
    assert type(with_more) is cls
    assert with_more.more.a == [1]
    assert with_more["more"] == {"a": [1]}
    assert with_more != raw
    with pytest.raises(AttributeError):
        _ = raw.more
    with pytest.raises(KeyError):
        _ = raw["more"]
    with pytest.raises(AttributeError):
        raw.type = "other"


@pytest.mark.parametrize(("cls", "delta"), EVERY_DELTA)
def test_the_class_of_each_delta(cls: type[Any], delta: Event) -> None:
    raw = parsed({"type": "content_block_delta", "index": 1, "delta": delta})
    assert type(raw.delta) is cls
    assert raw.delta.to_dict() == delta
    assert raw.index == 1
    with_more = parsed({"type": "content_block_delta", "index": 1, "delta": {**delta, "x": 2}})
    assert type(with_more.delta) is cls
    assert with_more.delta.x == with_more.delta["x"] == 2


def test_the_types_that_narrow_the_unions() -> None:
    assert [cls.type for cls in get_args(RawEvent)] == [
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "ping",
        "error",
    ]
    assert {cls.type for cls in get_args(ContentBlockDelta)} == {
        "text_delta",
        "input_json_delta",
        "citations_delta",
        "thinking_delta",
        "signature_delta",
        "compaction_delta",
    }
    assert [cls.type for cls in get_args(MessageStreamEvent)] == [
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "text",
        "citation",
        "thinking",
        "signature",
        "input_json",
        "compaction",
        "error",
    ]
    assert RawUnknownEvent not in get_args(RawEvent)


def test_known_and_open_fields_are_read_by_attribute_and_by_key() -> None:
    event = parsed(
        message_start(
            usage={"input_tokens": 3, "later": {"n": 1}},
            container={"id": "c"},
            content=[{"type": "odd", "parts": [{"url": "u"}]}],
        )
    )
    message = event.message
    assert message.usage.input_tokens == message["usage"]["input_tokens"] == 3
    assert message.usage.later.n == 1
    assert message.container.id == message["container"].id == "c"
    assert message.container.expires_at is None
    assert "expires_at" not in message.container
    assert isinstance(message.content[0], UnknownBlock)
    assert message.content[0].parts[0].url == "u"
    assert message.stop_reason is None
    assert "stop_reason" not in message


def test_message_deltas() -> None:
    event = parsed(
        {
            "type": "message_delta",
            "delta": {
                "stop_reason": "refusal",
                "stop_details": {"type": "refusal", "category": "c"},
                "container": {"id": "c", "skills": [{"n": 1}]},
            },
            "usage": {"output_tokens": 3, "server_tool_use": {"web_search_requests": 2}},
            "context_management": {"applied_edits": [{"type": "e"}]},
            "input_transformations": [{"type": "t"}],
        }
    )
    assert event.delta.stop_reason == "refusal"
    assert event.delta.stop_sequence is None
    assert event.delta.stop_details.category == "c"
    assert event.delta.container.skills[0].n == 1
    assert event.usage.output_tokens == 3
    assert event.usage.input_tokens is None
    assert event.usage.server_tool_use.web_search_requests == 2
    assert event.usage.server_tool_use.web_fetch_requests == 0
    assert event.context_management.applied_edits[0].type == "e"
    assert event.input_transformations[0].type == "t"
    bare = parsed({"type": "message_delta", "delta": {}})
    assert bare.usage is bare.context_management is bare.input_transformations is None
    null = parsed({"type": "message_delta", "delta": {}, "usage": None})
    assert null.usage is None
    assert null.to_dict()["usage"] is None
    assert null != bare


# --- the name of the server-sent event ----------------------------------------------------------


# --- derived events -----------------------------------------------------------------------------


@effort(150)
@given(streams())
def test_derived_events_have_everything_as_json(events: list[Event]) -> None:
    for event in reduced(events).events:
        fields = event.to_dict()
        assert json.loads(event.to_json()) == fields
        assert json.loads(event.to_json(indent=1)) == fields
        assert fields["type"] == event.type == event["type"]
        assert list(event) == list(fields)
        assert len(event) == len(fields)
        for copied in (pickle.loads(pickle.dumps(event)), copy.copy(event), copy.deepcopy(event)):
            assert copied == event
            assert hash(copied) == hash(event)
            assert repr(copied) == repr(event)
            assert copied.to_dict() == fields


@effort(50)
@given(streams())
def test_events_equal_the_same_ones_only(events: list[Event]) -> None:
    derived = reduced(events).events
    again = reduced(events).events
    for number, event in enumerate(derived):
        assert event == again[number]
        assert event != event.to_dict()
        for other in derived:
            same = type(event) is type(other) and event.to_dict() == other.to_dict()
            if not same or event.type != "input_json":  # the texts of equal inputs may differ
                assert (event == other) is same


MADE: list[tuple[Any, Event]] = [
    (TextEvent(text="b", snapshot="ab"), {"type": "text", "text": "b", "snapshot": "ab"}),
    (
        ThinkingEvent(thinking="b", snapshot="ab"),
        {"type": "thinking", "thinking": "b", "snapshot": "ab"},
    ),
    (SignatureEvent(signature="s"), {"type": "signature", "signature": "s"}),
    (
        InputJsonEvent(partial_json="}", snapshot={"a": [1]}),
        {"type": "input_json", "partial_json": "}", "snapshot": {"a": [1]}},
    ),
    (
        CompactionEvent(content="c", encrypted_content=None),
        {"type": "compaction", "content": "c", "encrypted_content": None},
    ),
]


@pytest.mark.parametrize(("event", "fields"), MADE)
def test_derived_events_can_be_made_of_plain_values(event: Any, fields: Event) -> None:
    assert event.to_dict() == fields
    assert event.type == fields["type"]
    for key, value in fields.items():
        assert event[key] == value
        assert getattr(event, key) == value
    for missing in ("x", "_snapshot", "_rest"):
        with pytest.raises(KeyError):
            _ = event[missing]
    with pytest.raises(AttributeError):
        event.type = "other"


def test_a_citation_event_can_be_made_of_plain_values() -> None:
    (first, second) = (
        reduce(
            fold([message_start(), block_start(0, "text", text="")]),
            block_delta(0, "citations_delta", citation={"type": "odd", "n": number}),
        )[1][1].citation
        for number in (1, 2)
    )
    event = CitationEvent(citation=second, snapshot=[first, second])
    assert event.snapshot == (first, second)
    assert event.to_dict() == {
        "type": "citation",
        "citation": {"type": "odd", "n": 2},
        "snapshot": [{"type": "odd", "n": 1}, {"type": "odd", "n": 2}],
    }


def test_made_events_equal_folded_ones() -> None:
    snapshot = fold([message_start(), block_start(0, "text", text="He")])
    _, (_, text) = reduce(snapshot, block_delta(0, "text_delta", text="y"))
    assert text == TextEvent(text="y", snapshot="Hey")
    assert text != TextEvent(text="y", snapshot="hey")
    assert text != TextEvent(text="ey", snapshot="Hey")
    assert text != ThinkingEvent(thinking="y", snapshot="Hey")


def test_the_stop_events_of_their_json() -> None:
    for cls, fields in (
        (ContentBlockStopEvent, {**block_stop(0), "content_block": {"type": "text", "text": "a"}}),
        (MessageStopEvent, {"type": "message_stop", "message": message_start()["message"]}),
    ):
        assert cls.from_dict(fields).to_dict() == fields
        assert cls.from_dict({**fields, "x": 1}).x == 1
        with pytest.raises(ValueError, match="is missing"):
            cls.from_dict({"type": fields["type"]})


def test_parsed_snapshot_keeps_an_unfinished_string() -> None:
    event = TextEvent(text="is", snapshot='{"city": "Paris')
    assert event.parsed_snapshot() == {"city": "Paris"}
    assert TextEvent(text="", snapshot='{"days": 1').parsed_snapshot() == {"days": 1}
    for text in ("", " ", "Hello", '{"a" 1', "-"):
        with pytest.raises(ValueError, match="not JSON"):
            TextEvent(text="", snapshot=text).parsed_snapshot()


def test_parsed_snapshot_of_each_event_of_a_stream() -> None:
    text = '{"city": "Pa\\u0072is", "days": [1, 2'
    snapshot = fold([message_start(), block_start(0, "text", text="")])
    events = []
    for piece in (text[:9], text[9:14], text[14:16], text[16:30], text[30:]):
        snapshot, (_, event) = reduce(snapshot, block_delta(0, "text_delta", text=piece))
        events.append(event)
    expected = [
        {},
        {"city": "Pa"},
        {"city": "Pa"},
        {"city": "Paris"},
        {"city": "Paris", "days": [1, 2]},
    ]
    assert [event.parsed_snapshot() for event in reversed(events)] == expected[::-1]
    assert [event.parsed_snapshot() for event in events] == expected


def test_changing_a_copy_of_one_snapshot_changes_no_other() -> None:
    events = [message_start(), block_start(0, "tool_use", id="t", name="n", input={})]
    snapshot = fold(events)
    snapshot, (_, first) = reduce(
        snapshot, block_delta(0, "input_json_delta", partial_json='{"a": [1')
    )
    _, (_, second) = reduce(snapshot, block_delta(0, "input_json_delta", partial_json=", 2]}"))
    mine = first.snapshot.to_dict()
    mine["a"].append("mine")
    with pytest.raises(TypeError):
        first.snapshot["a"].append("mine")
    assert first.snapshot == {"a": [1]}
    assert second.snapshot == {"a": [1, 2]}
    assert first.to_dict() is not first.to_dict()


# --- in print -----------------------------------------------------------------------------------


def test_the_repr_of_events() -> None:
    assert repr(parsed(block_delta(0, "text_delta", text="a"))) == (
        "RawContentBlockDeltaEvent(index=0, delta=TextDelta(text='a'))"
    )
    assert repr(RawPingEvent()) == "RawPingEvent()"
    assert repr(parsed({"type": "odd", "x": 1})) == "RawUnknownEvent(type='odd', x=1)"
    assert repr(SignatureEvent(signature="s")) == "SignatureEvent(signature='s')"
    assert repr(CompactionEvent(content=None, encrypted_content="e")) == (
        "CompactionEvent(content=None, encrypted_content='e')"
    )


@pytest.mark.parametrize(("cls", "field"), [(TextEvent, "text"), (ThinkingEvent, "thinking")])
def test_the_repr_of_a_growing_text_shows_its_end(cls: type[Any], field: str) -> None:
    def shown(text: str) -> str:
        event = cls(**{field: "x", "snapshot": text})
        assert repr(event).startswith(f"{cls.__name__}({field}='x', snapshot=")
        return repr(event).removeprefix(f"{cls.__name__}({field}='x', snapshot=")[:-1]

    assert shown("") == "''"
    assert shown("Hello") == "'Hello'"
    assert shown("a" + "b" * 39) == repr("a" + "b" * 39)
    assert shown("a" + "b" * 40) == repr("…" + "b" * 40)
    assert shown("a" * 100_000 + "b" * 40) == repr("…" + "b" * 40)
    assert shown("a\n'") == repr("a\n'")


def test_the_repr_of_every_event_of_a_long_stream_stays_short() -> None:
    events = [message_start()]
    for index, (start, delta) in enumerate(
        [
            (("text", {"text": ""}), ("text_delta", {"text": "word "})),
            (("thinking", {"thinking": ""}), ("thinking_delta", {"thinking": "word "})),
            (
                ("tool_use", {"id": "t", "name": "n", "input": {}}),
                ("input_json_delta", {"partial_json": "[[1],"}),
            ),
            (("text", {"text": ""}), ("citations_delta", {"citation": {"type": "odd"}})),
        ]
    ):
        events.append(block_start(index, start[0], **start[1]))
        events += [block_delta(index, delta[0], **delta[1])] * 500
    derived = reduced(events).events
    assert max(len(repr(event)) for event in derived) < 200
    kinds = {event.type: event for event in derived}
    assert repr(kinds["text"]) == ("TextEvent(text='word ', snapshot='…" + "word " * 8 + "')")
    assert repr(kinds["input_json"]) == (
        "InputJsonEvent(partial_json='[[1],', snapshot=<JSON … '…" + "[[1]," * 8 + "'>)"
    )
    assert repr(kinds["citation"]) == (
        "CitationEvent(citation=UnknownCitation(type='odd'), snapshot=<500 citations>)"
    )


def test_the_snapshot_of_input_json_in_print() -> None:
    snapshot = fold([message_start(), block_start(0, "tool_use", id="t", name="n", input={})])
    _, (_, event) = reduce(snapshot, block_delta(0, "input_json_delta", partial_json='{"a": 1'))
    assert repr(event) == (
        """InputJsonEvent(partial_json='{"a": 1', snapshot=<JSON … '{"a": 1'>)"""
    )
    assert event.snapshot == {"a": 1}


def test_the_first_snapshot_is_the_default_of_fold() -> None:
    assert fold([]) == Snapshot()


# --- stop events whose value is made when it is read ----------------------------------------------

STREAM = [
    message_start(),
    block_start(0, "text", text=""),
    block_delta(0, "text_delta", text="Hel"),
    block_delta(0, "text_delta", text="lo"),
    block_stop(0),
    message_delta(),
    {"type": "message_stop", "trace": "x"},
]


def stop_events() -> list[Any]:
    """The stop events of a stream, just folded."""
    snapshot, stops = Snapshot(), []
    for event in STREAM:
        snapshot, events = reduce(snapshot, event)
        stops += [event for event in events if event.type.endswith("_stop")]
    return stops


def made_at_once() -> list[Any]:
    """The same events, made by their constructors."""
    message = fold(STREAM).message
    assert message is not None
    return [
        ContentBlockStopEvent.from_dict({**STREAM[4], "content_block": message.content[0]}),
        MessageStopEvent.from_dict({**STREAM[6], "message": message}),
    ]


READINGS: list[Any] = [
    lambda event: event,
    repr,
    hash,
    pickle.dumps,
    lambda event: pickle.loads(pickle.dumps(event)),
    copy.deepcopy,
    lambda event: event.to_dict(),
    lambda event: event.to_json(),
    lambda event: event.model_dump(),
    lambda event: event.model_fields_set,
    lambda event: event.model_extra,
    dict,
    list,
    len,
    lambda event: event["content_block" if "index" in event else "message"],
    lambda event: event.content_block if "index" in event else event.message,
    lambda event: event.replace(added=2),
    lambda event: event.replace(**{"content_block" if "index" in event else "message": event}),
    evolve,
    attrs.asdict,
    lambda event: attrs.evolve(event, rest={}),
    lambda event: hasattr(event, "hologram"),
    lambda event: event in {event: 1},
    lambda event: [as_match(event)],
]


def as_match(event: Any) -> Any:
    match event:
        case ContentBlockStopEvent(content_block=TextBlock(text=text)):
            return text
        case MessageStopEvent(message=message):
            return message
    raise AssertionError


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("read", READINGS)
def test_a_value_made_when_it_is_read_does_not_show(read: Any, at: int) -> None:
    plain, late = made_at_once()[at], stop_events()[at]
    try:
        expected = read(plain)
    except ValueError as fault:
        with pytest.raises(ValueError, match=re.escape(str(fault))):
            read(late)
        return
    assert read(late) == expected
    assert late == plain
    assert read(late) == expected


@pytest.mark.parametrize("at", [0, 1])
def test_the_value_is_made_once(at: int) -> None:
    event, name = stop_events()[at], ("content_block", "message")[at]
    value = getattr(event, name)
    assert getattr(event, name) is event[name] is value
    assert event.__getattr__(name) is value  # as a thread reads it that came second
    assert copy.copy(event) is event


@pytest.mark.parametrize("at", [0, 1])
def test_an_event_without_its_value_yet_is_immutable(at: int) -> None:
    event, plain = stop_events()[at], made_at_once()[at]
    with pytest.raises(TypeError, match="is immutable"):
        event.__init__(**{"index": 1, "content_block": None} if at == 0 else {"message": None})
    with pytest.raises(TypeError, match="is immutable"):
        event.__setstate__({"index": 1, "content_block": None, "message": None, "_rest": {}})
    with pytest.raises(AttributeError):
        event.content_block = None
    with pytest.raises(AttributeError):
        del event.content_block
    assert event == plain


def test_an_empty_object_of_a_stop_event_has_no_value() -> None:
    for cls, name in ((ContentBlockStopEvent, "content_block"), (MessageStopEvent, "message")):
        with pytest.raises(AttributeError):
            getattr(object.__new__(cls), name)


def test_a_snapshot_and_the_event_share_the_block() -> None:
    snapshot, events = Snapshot(), ()
    for event in STREAM[:5]:
        snapshot, events = reduce(snapshot, event)
    assert snapshot.message is not None
    (stop,) = events
    assert stop.content_block is snapshot.message.content[0]


def test_threads_read_equal_values() -> None:
    plain = made_at_once()
    for _ in range(20):
        events = stop_events()
        with ThreadPoolExecutor(4) as pool:
            blocks = list(pool.map(lambda _: events[0].content_block, range(4)))  # noqa: B023
        assert blocks == [plain[0].content_block] * 4


def test_attrs_can_copy_an_event_with_a_growing_value() -> None:
    start = block_start(0, "text", text="")
    cited = {"type": "char_location", "cited_text": "a", "document_index": 0}
    citation = {**cited, "start_char_index": 0, "end_char_index": 1}
    delta = block_delta(0, "citations_delta", citation=citation)
    _, (_, event) = reduce(fold([message_start(), start]), delta)
    assert attrs.evolve(event) == event


@pytest.mark.parametrize("cls", [*get_args(RawEvent), *get_args(DerivedEvent)])
def test_the_attributes_of_a_class_can_be_listed(cls: type[Any]) -> None:
    names = {name for name, _ in inspect.getmembers(cls)}
    assert {field.name for field in attrs.fields(cls)} <= names
