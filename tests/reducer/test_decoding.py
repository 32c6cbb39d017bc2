"""From JSON text to raw events: every spelling of the JSON, and data that is not an event."""

from __future__ import annotations

import inspect
import json
import pickle
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import wire
from streamfold.reducer import (
    ProtocolError,
    RawContentBlockStopEvent,
    RawPingEvent,
    ServerSentEvent,
    SSEState,
    StreamState,
    decode_sse,
    encode_sse,
    feed,
    parse_event,
)

from tests.support.effort import effort
from tests.support.events import Event, block_delta, block_start, message_start
from tests.support.strategies import streams


def parsed_all(body: bytes) -> list[Any]:
    return [parse_event(sse) for sse in decode_sse(SSEState(), body)[1]]


@effort(150)
@given(events=streams(), data=st.data())
def test_the_events_do_not_depend_on_the_layout_of_the_json(
    events: list[Event], data: st.DataObject
) -> None:
    body = data.draw(wire(events))
    assert [event.to_dict() for event in parsed_all(body)] == events


@pytest.mark.parametrize("index", [0, 1, 9, 10, 99, 100, 255, 256, 1000, -1])
@pytest.mark.parametrize(
    ("kind", "field"),
    [("text_delta", "text"), ("input_json_delta", "partial_json"), ("thinking_delta", "thinking")],
)
@pytest.mark.parametrize("text", ["", "a", 'é"\\\n', "\ud83d", '"}}', "a" * 300])
def test_a_delta_is_the_same_however_it_is_written(
    index: int, kind: str, field: str, text: str
) -> None:
    event = block_delta(index, kind, **{field: text})
    compact = json.dumps(event, separators=(",", ":"))
    written = [
        compact,
        json.dumps(event),
        compact[:-2] + "} }",
        compact + "  ",
        compact[:-1] + "\t}\n",
        " " + compact,
        json.dumps({**event, "delta": dict(reversed(event["delta"].items()))}),
        json.dumps(dict(reversed(event.items())), separators=(",", ":")),
    ]
    if text != "\ud83d":  # which UTF-8 cannot encode
        written.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
    results = [parse_event(ServerSentEvent(data=data)) for data in written]
    for result in results:
        assert result == results[0]
        assert result.to_dict() == event
        assert repr(result) == repr(results[0])
        assert hash(result) == hash(results[0])
        assert pickle.dumps(result) == pickle.dumps(results[0])
    extra = {**event, "delta": {**event["delta"], "x": 1}, "y": [2]}
    for separators in ((",", ":"), (", ", ": ")):
        data = json.dumps(extra, separators=separators)
        assert parse_event(ServerSentEvent(data=data)).to_dict() == extra


@pytest.mark.parametrize(
    "tail", ["", "}", "}}}", "}}x", "},}", '"}}', "} x }", "}}{}", "}\x0b}", "}\xa0}", "}}\u2003"]
)
def test_a_delta_with_a_wrong_end_is_not_json(tail: str) -> None:
    data = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"' + tail
    with pytest.raises(ProtocolError, match="data is not JSON"):
        parse_event(ServerSentEvent(data=data))


@pytest.mark.parametrize("string", ["a", '"\n"', '"\x00"', '"\\x"', '"\\ud8"', '"a', "'a'"])
def test_a_delta_with_a_wrong_string_is_not_json(string: str) -> None:
    head = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":'
    with pytest.raises(ProtocolError, match="data is not JSON"):
        parse_event(ServerSentEvent(data=f"{head}{string}}}}}"))


def test_of_a_field_that_comes_twice_the_last_counts() -> None:
    head = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"'
    assert parse_event(ServerSentEvent(data=head + ',"text":"b"}}')).delta.text == "b"
    assert parse_event(ServerSentEvent(data=head + '},"index":5}')).index == 5


def test_the_type_is_that_of_the_data() -> None:
    event = parse_event(ServerSentEvent(event="error", data='{"type": "ping"}'))
    assert event == RawPingEvent()


def test_the_name_stands_in_for_a_type_that_the_data_lacks() -> None:
    data = '{"index": 3}'
    event = parse_event(ServerSentEvent(event="content_block_stop", data=data))
    assert event == RawContentBlockStopEvent(index=3)
    odd = parse_event(ServerSentEvent(event="odd", data=data))
    assert odd.to_dict() == {"type": "odd", "index": 3}


def test_an_event_without_name_and_type_is_a_fault() -> None:
    for name in ("message", ServerSentEvent().event):
        with pytest.raises(ProtocolError) as caught:
            parse_event(ServerSentEvent(event=name, data='{"index": 3}'))
        assert str(caught.value) == "an event must have a `type` that is a string"
        assert caught.value.data == {"index": 3}
        assert caught.value.event is None


TEXT = [message_start(), block_start(0, "text", text="Hello")]


def fault_of_data(data: str) -> ProtocolError:
    before = encode_sse([*TEXT, block_delta(0, "text_delta", text="!")])
    with pytest.raises(ProtocolError) as caught:
        feed(StreamState(), before + b"data: " + data.encode() + b"\n\n")
    error = caught.value
    assert error.snapshot.message.content[0].text == "Hello!"
    assert [event.type for event in error.events][-1] == "text"
    assert (error.event, error.index) == (None, None)
    assert error.data == data
    assert error.reason == str(error)
    return error


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "nonsense",
        "<html>",
        '{"type": ping}',
        '{"type":"ping"} x',
        "{'type':'ping'}",
        '{"type":"ping",}',
        "NaN",
        '{"type":"x","y":NaN}',
        '{"type":"x","y":-Infinity}',
        '"\t"',
    ],
)
def test_data_that_is_not_json(data: str) -> None:
    error = fault_of_data(data)
    assert error.reason.startswith("data is not JSON (")
    assert error.reason.endswith(f"): {data!r}")


@pytest.mark.parametrize("data", ["[]", '[{"type":"ping"}]', "null", "5", '"ping"', "true"])
def test_data_that_is_not_an_object(data: str) -> None:
    assert fault_of_data(data).reason == f"data is not a JSON object: {data!r}"


def test_the_constants_that_json_does_not_have_are_named() -> None:
    for name in ("NaN", "Infinity", "-Infinity"):
        assert f"{name} is not JSON" in fault_of_data(f'{{"type":"x","y":{name}}}').reason


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_numbers_that_cannot_be_kept_are_refused(number: str) -> None:
    reason = fault_of_data(f'{{"type":"x","y":{number}}}').reason
    assert f"the number '{number}' is out of range" in reason


@pytest.mark.parametrize(
    "number", ["1e308", "-1e308", "1e-999", "5e-324", "1" * 400, "0.1", "-0.0"]
)
def test_numbers_that_can_be_kept_are(number: str) -> None:
    data = f'{{"type":"x","y":{number}}}'
    _, (event,) = feed(StreamState(), f"data: {data}\n\n".encode())
    assert event.y == json.loads(number)
    assert json.loads(event.to_json()) == json.loads(data)


def test_offending_text_is_cut_short() -> None:
    assert fault_of_data("[" + "1" * 118 + "]").reason.endswith(f": {'[' + '1' * 118 + ']'!r}")
    long = "x" * 5000
    assert fault_of_data(long).reason.endswith(f": {'x' * 120!r}… (5,000 characters)")
    assert len(str(fault_of_data(long))) < 300
    assert "… (121 characters)" in fault_of_data("x" * 121).reason


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 3000 + "]" * 3000])
def test_data_that_is_nested_too_deep(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"nested (too deep|deeper than 200 levels)"):
        feed(StreamState(), b'data: {"type":"odd","x":' + text.encode() + b"}\n\n")


@pytest.mark.parametrize("depth", [1, 50, 190])
def test_a_deep_stack_of_the_caller_gives_the_event_or_a_documented_error(depth: int) -> None:
    data = '{"type":"odd","x":' + "[" * depth + "]" * depth + "}"
    event = parse_event(ServerSentEvent(data=data))

    def deeper(left: int) -> None:
        """Read the event below this many frames, and every number of frames above."""
        if left:
            deeper(left - 1)
        try:
            assert parse_event(ServerSentEvent(data=data)) == event
        except ProtocolError as error:
            assert "too deep" in str(error)  # noqa: PT017
        except RecursionError:
            assert left < 60

    deeper(sys.getrecursionlimit() - len(inspect.stack()) - 12)
