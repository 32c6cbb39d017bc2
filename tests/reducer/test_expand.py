"""The way back: from messages to events, and from events to bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    Message,
    RawPingEvent,
    Snapshot,
    SSEState,
    ToolUseBlock,
    decode_sse,
    encode_sse,
    expand,
    fold,
    parse_event,
)

from tests.support.effort import effort
from tests.support.events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    message_start,
    tool_start,
)
from tests.support.model import Model, fed, reduced
from tests.support.strategies import any_event, any_message, faulty_streams, streams

Event = dict[str, Any]
MODES = ["on", "trailing-strings"]


def expanded(message: Message) -> list[Event]:
    return [event.to_dict() for event in expand(message)]


# --- messages -----------------------------------------------------------------------------------


@effort(300)
@given(any_message())
def test_expand_is_the_inverse_of_fold(fields: dict[str, Any]) -> None:
    message = Message.from_dict(fields)
    assert json.dumps(message.to_dict(), sort_keys=True) == json.dumps(fields, sort_keys=True)
    events = expand(message)
    snapshot = fold(events)
    assert snapshot.message == message
    assert snapshot.message.to_dict() == fields
    assert snapshot.is_complete is (message.stop_reason is not None)
    assert snapshot.is_over is snapshot.is_complete
    assert snapshot.unfolded == ()
    assert expand(message) == events


@effort(150)
@given(any_message())
def test_expanded_messages_go_over_the_wire(fields: dict[str, Any]) -> None:
    message = Message.from_dict(fields)
    outcome = fed([encode_sse(expand(message))])
    assert outcome.snapshot.message == message
    assert (outcome.error is None) is (message.stop_reason is not None)


@effort(100)
@given(any_message())
def test_the_model_folds_what_expand_gives(fields: dict[str, Any]) -> None:
    model = Model()
    model.steps(expanded(Message.from_dict(fields)))
    assert model.message == fields


@effort(250)
@given(events=streams() | faulty_streams(), mode=st.sampled_from(MODES), data=st.data())
def test_expand_of_whatever_was_folded(events: list[Event], mode: Any, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    snapshot = reduced(events[:cut], Snapshot(partial_mode=mode)).snapshot
    if snapshot.message is None:
        return
    again = fold(expand(snapshot.message), Snapshot(partial_mode=mode))
    assert again.message == snapshot.message
    assert again.message.to_dict() == snapshot.message.to_dict()
    assert input_texts(again) == input_texts(snapshot)


def input_texts(snapshot: Snapshot) -> list[str]:
    return [block.input_json for block in snapshot.message.content if hasattr(block, "input_json")]


def whole(**fields: Any) -> Message:
    return Message.from_dict({**message_start()["message"], **fields})


def test_the_events_of_a_message() -> None:
    message = whole(
        content=[
            {
                "type": "text",
                "text": "Hi",
                "citations": [{"type": "odd", "n": 1}, {"type": "odd", "n": 2}],
            },
            {"type": "thinking", "thinking": "Hm", "signature": "s"},
            {"type": "tool_use", "id": "t", "name": "look", "input": {"a": ["é"]}},
            {"type": "compaction", "content": "c", "encrypted_content": "e", "signature": "s"},
            {"type": "container_upload", "file_id": "f"},
        ],
        stop_reason="end_turn",
        stop_sequence=None,
        usage={"input_tokens": 3, "output_tokens": 5},
    )
    assert expanded(message) == [
        message_start(
            stop_reason=None, stop_sequence=None, usage={"input_tokens": 3, "output_tokens": 5}
        ),
        block_start(0, "text", text="", citations=[]),
        block_delta(0, "text_delta", text="Hi"),
        block_delta(0, "citations_delta", citation={"type": "odd", "n": 1}),
        block_delta(0, "citations_delta", citation={"type": "odd", "n": 2}),
        block_stop(0),
        block_start(1, "thinking", thinking="", signature=""),
        block_delta(1, "thinking_delta", thinking="Hm"),
        block_delta(1, "signature_delta", signature="s"),
        block_stop(1),
        tool_start(2),
        block_delta(2, "input_json_delta", partial_json='{"a":["é"]}'),
        block_stop(2),
        block_start(3, "compaction", content=None, encrypted_content=None, signature="s"),
        block_delta(3, "compaction_delta", content="c", encrypted_content="e"),
        block_stop(3),
        block_start(4, "container_upload", file_id="f"),
        block_stop(4),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 5},
        },
        MESSAGE_STOP,
    ]


def test_the_events_of_an_empty_message() -> None:
    assert expanded(whole()) == [message_start()]
    assert expanded(whole(stop_reason="end_turn")) == [
        message_start(stop_reason=None),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        MESSAGE_STOP,
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": ""},
        {"type": "text", "text": "", "citations": []},
        {"type": "text", "text": "", "citations": None},
        {"type": "text", "text": "", "citations": "odd"},
        {"type": "text", "text": "", "citations": 5},
        {"type": "thinking", "thinking": ""},
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking", "thinking": "", "signature": None},
        {"type": "thinking", "thinking": "", "signature": 5},
        {"type": "tool_use", "id": "t", "name": "n", "input": {}},
        {"type": "compaction", "content": None},
        {"type": "compaction"},
        {"type": "compaction", "encrypted_content": "e"},
        {"type": "odd", "text": "x"},
        {"type": "redacted_thinking", "data": "x"},
    ],
)
def test_blocks_that_need_no_delta(block: Event) -> None:
    message = whole(content=[block])
    assert expanded(message) == [
        message_start(),
        {"type": "content_block_start", "index": 0, "content_block": block},
        block_stop(0),
    ]
    assert fold(expand(message)).message == message


@pytest.mark.parametrize("content", ["c", 5, ""])
@pytest.mark.parametrize("encrypted", [{}, {"encrypted_content": None}, {"encrypted_content": 5}])
def test_compaction_blocks_expand_to_the_fields_they_have(
    content: Any, encrypted: dict[str, Any]
) -> None:
    block = {"type": "compaction", "content": content, **encrypted}
    message = whole(content=[block])
    assert expanded(message)[2] == block_delta(0, "compaction_delta", content=content, **encrypted)
    assert fold(expand(message)).message.to_dict() == message.to_dict()


@pytest.mark.parametrize("reason", [{}, {"stop_reason": None}])
def test_a_message_that_did_not_stop_expands_to_a_stream_that_is_not_complete(
    reason: dict[str, Any],
) -> None:
    message = whole(stop_sequence="END", stop_details={"type": "odd"}, **reason)
    assert expanded(message) == [{"type": "message_start", "message": message.to_dict()}]
    assert not fold(expand(message)).is_complete


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"input_tokens": 3},
        {"output_tokens": 0},
        {"output_tokens": 5},
        {"output_tokens": None},
        {"output_tokens": "many"},
    ],
)
def test_usage_comes_back_as_it_was(usage: dict[str, Any]) -> None:
    message = whole(stop_reason="end_turn", usage=usage)
    assert fold(expand(message)).message == message
    assert fold(expand(message)).message.to_dict() == message.to_dict()


STOPS = {"stop_reason": "refusal", "stop_sequence": "END", "stop_details": {"type": "refusal"}}


def test_the_fields_of_the_stop_come_at_the_end() -> None:
    events = expanded(whole(**STOPS))
    assert events[0] == message_start(**dict.fromkeys(STOPS))
    assert events[1] == {"type": "message_delta", "delta": STOPS}


def open_tool(text: str, first: dict[str, Any], mode: Any) -> Snapshot:
    delta = block_delta(0, "input_json_delta", partial_json=text)
    return fold([message_start(), tool_start(0, input=first), delta], Snapshot(partial_mode=mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [{}, {"a": 1}])
@pytest.mark.parametrize("text", ["", " ", "-", "t", '"a', "{", '{"a', '{"a": "b', "5", "[1"])
def test_a_tool_that_is_not_whole_does_not_stop(
    text: str, first: dict[str, Any], mode: Any
) -> None:
    snapshot = open_tool(text, first, mode)
    again = fold(expand(snapshot.message), Snapshot(partial_mode=mode))
    assert again.message == snapshot.message
    assert input_texts(again) == input_texts(snapshot)
    try:
        json.loads(text or "{}")
    except ValueError:
        assert expanded(snapshot.message)[-1]["type"] == "content_block_delta"
    else:
        assert expanded(snapshot.message)[-1] == block_stop(0)


@pytest.mark.parametrize("text", ['{"a":1}', ' {"a" : 1.0}\n', '{"a":1,"a":2}', "{}", " {} ", "[]"])
def test_the_exact_text_of_an_input_comes_back(text: str) -> None:
    events = [message_start(), tool_start(0), block_delta(0, "input_json_delta", partial_json=text)]
    message = fold([*events, block_stop(0)]).message
    assert message.content[0].input_json == text
    assert expanded(message)[2:] == [*events[2:], block_stop(0)]
    assert fold(expand(message)).message.content[0].input_json == text


def test_an_input_that_was_not_streamed_is_written_compactly() -> None:
    block = ToolUseBlock(id="t", name="look", input={"a": [1, "é"], "b": None})
    message = whole().replace(content=[block])
    assert expanded(message)[2]["delta"]["partial_json"] == '{"a":[1,"é"],"b":null}'


# --- bytes --------------------------------------------------------------------------------------


def decoded(body: bytes) -> list[Any]:
    return [parse_event(sse) for sse in decode_sse(SSEState(), body)[1]]


@effort(250)
@given(st.lists(any_event(), max_size=3))
def test_decoding_is_the_inverse_of_encoding(events: list[Event]) -> None:
    body = encode_sse(events)
    raw = decoded(body)
    assert [event.to_dict() for event in raw] == events
    assert encode_sse(iter(events)) == body
    assert decoded(encode_sse(raw)) == raw
    assert body == b"".join(encode_sse([event]) for event in events)


def test_encoded_events() -> None:
    assert encode_sse([]) == b""
    assert (
        encode_sse([RawPingEvent(), {"type": "odd", "é": ["😀", None, 1.0]}])
        == (
            'event: ping\ndata: {"type":"ping"}\n\n'
            'event: odd\ndata: {"type":"odd","é":["😀",null,1.0]}\n\n'
        ).encode()
    )


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "\ud83d", "\n", "a\r\nevent: b"])
def test_a_type_that_no_name_can_hold_is_only_in_the_data(name: str) -> None:
    body = encode_sse([{"type": name}])
    assert body == f"data: {json.dumps({'type': name}, separators=(',', ':'))}\n\n".encode()
    assert decoded(body)[0].type == name


@pytest.mark.parametrize("name", ["", " a", "a:b", "é", "\u2028", "\x85", "\0", "message", "a\tb"])
def test_a_type_that_is_odd_but_can_be_a_name(name: str) -> None:
    body = encode_sse([{"type": name, "x": 1}])
    assert body.startswith(f"event: {name}\ndata: ".encode())
    assert decoded(body)[0].to_dict() == {"type": name, "x": 1}


def test_lone_halves_are_escaped() -> None:
    event = block_delta(0, "text_delta", text="é\ud83d")
    assert b'\\ud83d"' in encode_sse([event])
    assert decoded(encode_sse([event]))[0].to_dict() == event
    key = {"type": "odd", "\udfff": 1}
    assert decoded(encode_sse([key]))[0].to_dict() == key
