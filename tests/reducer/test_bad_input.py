"""The table of bad input in DESIGN.md, row by row: the rows of the pure side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamfold.reducer import (
    DEFAULT_LIMIT,
    IncompleteStreamError,
    ProtocolError,
    Snapshot,
    SSEState,
    StreamState,
    UnknownBlock,
    UnknownCitation,
    UnknownDelta,
    encode_sse,
    feed,
    finish,
    fold,
    reduce,
)

from tests.support.events import (
    MESSAGE_STOP,
    Event,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
    tool_start,
)
from tests.support.model import ANY, ARRAY, BOOLEAN, INTEGER, OBJECT, REQUIRED, STRING, fed

TEXT = [message_start(), block_start(0, "text", text="Hello")]


def fault(events: list[Event]) -> ProtocolError:
    """The fault in the last of these events; `reduce` and `feed` must find the same one."""
    before = fold(events[:-1])
    with pytest.raises(ProtocolError) as caught:
        reduce(before, events[-1])
    error = caught.value
    assert error.snapshot is before
    assert error.events == ()
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    with pytest.raises(ProtocolError) as caught_in_feed:
        feed(StreamState(), body)
    assert type(caught_in_feed.value) is type(error)
    assert str(caught_in_feed.value) == str(error)
    assert caught_in_feed.value.snapshot == before
    return error


def assert_fault(events: list[Event], event: str | None, index: int | None, reason: str) -> None:
    error = fault(events)
    assert (error.event, error.index, error.reason) == (event, index, reason)
    where = f"{event or ''}{'' if index is None else f' (index {index})'}"
    assert str(error) == (f"{where}: {reason}" if where else reason)
    assert error.data == events[-1] or error.data.to_dict() == events[-1]
    assert error.message == str(error)


# --- unknown event, block, delta or field -------------------------------------------------------


def test_an_unknown_event_is_yielded_as_it_came_and_kept() -> None:
    odd = {"type": "odd", "index": "none", "message": {"deep": [1, None]}}
    for before in ([], TEXT, [*TEXT, MESSAGE_STOP]):
        snapshot, (event,) = reduce(fold(before), odd)
        assert event.to_dict() == odd
        assert snapshot.unfolded == (event,)
        assert snapshot.message == fold(before).message


def test_an_unknown_block_is_kept_verbatim() -> None:
    block = {"type": "hologram", "text": 5, "frames": [{"n": None}]}
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    snapshot, (event,) = reduce(fold([message_start()]), start)
    assert event.to_dict() == start
    assert snapshot.unfolded == ()
    assert isinstance(snapshot.message.content[0], UnknownBlock)
    assert snapshot.message.content[0].to_dict() == block


def test_an_unknown_delta_is_yielded_as_it_came_and_kept() -> None:
    delta = block_delta(0, "sparkle_delta", text=["not text"])
    snapshot, (event,) = reduce(fold(TEXT), delta)
    assert event.to_dict() == delta
    assert isinstance(event.delta, UnknownDelta)
    assert snapshot.unfolded == (event,)
    assert snapshot.message == fold(TEXT).message


def test_an_unknown_citation_is_kept_verbatim() -> None:
    citation = {"type": "hologram_location", "frame": {"n": 1}}
    snapshot = fold([*TEXT, block_delta(0, "citations_delta", citation=citation)])
    assert isinstance(snapshot.message.content[0].citations[0], UnknownCitation)
    assert snapshot.message.content[0].citations[0].to_dict() == citation
    assert snapshot.unfolded == ()


def test_unknown_fields_are_kept_verbatim() -> None:
    odd = {"mood": {"now": ["fine", None]}, "nothing": None}
    events = [
        message_start(**odd, usage={"input_tokens": 1, **odd}),
        block_start(0, "text", text="", **odd),
        {**block_delta(0, "text_delta", text="a", **odd), **odd},
        {**block_stop(0), **odd},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", **odd}, **odd},
        {**MESSAGE_STOP, **odd},
    ]
    snapshot = Snapshot()
    for event in events:
        snapshot, derived = reduce(snapshot, event)
        fields = derived[0].to_dict()
        assert {key: fields[key] for key in event} == event
    assert snapshot.message.to_dict() == {
        **message_start()["message"],
        **odd,
        "usage": {"input_tokens": 1, **odd},
        "content": [{"type": "text", "text": "a", **odd}],
        "stop_reason": "end_turn",
    }


# --- before message_start, after message_stop ---------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        block_start(0, "text", text="x"),
        block_start(5, "text", text="x"),
        block_delta(0, "text_delta", text="x"),
        block_stop(0),
        message_delta(),
        MESSAGE_STOP,
    ],
)
def test_events_before_or_after_the_message_change_nothing(event: Event) -> None:
    snapshot, (early,) = reduce(Snapshot(), event)
    assert early.to_dict() == event
    assert snapshot.unfolded == (early,)
    assert snapshot.message is None
    assert not snapshot.is_complete
    over = fold([*TEXT, MESSAGE_STOP])
    snapshot, (late,) = reduce(over, event)
    assert late.to_dict() == event
    assert snapshot.unfolded == (late,)
    assert snapshot.message == over.message


def test_another_message_after_message_stop_changes_nothing() -> None:
    over = fold([*TEXT, MESSAGE_STOP])
    again = message_start(id="msg_2")
    snapshot, (event,) = reduce(over, again)
    assert event.to_dict() == again
    assert snapshot.message == over.message
    assert snapshot.unfolded == (event,)


def test_a_ping_gives_no_events_and_no_change() -> None:
    for before in ([], TEXT, [*TEXT, MESSAGE_STOP]):
        assert reduce(fold(before), {"type": "ping"}) == (fold(before), ())


# --- events that do not fit the earlier ones ----------------------------------------------------


@pytest.mark.parametrize("index", [1, 2, -1])
def test_a_delta_or_stop_of_a_block_that_never_started(index: int) -> None:
    reason = "no such block has started"
    assert_fault(
        [*TEXT, block_delta(index, "text_delta", text="x")], "content_block_delta", index, reason
    )
    assert_fault([*TEXT, block_delta(index, "odd_delta")], "content_block_delta", index, reason)
    assert_fault([*TEXT, block_stop(index)], "content_block_stop", index, reason)


def test_a_delta_or_stop_of_a_block_that_has_stopped() -> None:
    reason = "the block has stopped already"
    closed = [*TEXT, block_stop(0)]
    opened = [*closed, block_start(1, "text", text="")]
    second = [
        *TEXT,
        block_start(1, "text", text=""),
        block_stop(1),
    ]  # the first block is still open
    for before, index in ((closed, 0), (opened, 0), (second, 1)):
        delta = block_delta(index, "text_delta", text="x")
        assert_fault([*before, delta], "content_block_delta", index, reason)
        assert_fault([*before, block_stop(index)], "content_block_stop", index, reason)


@pytest.mark.parametrize("index", [0, 2, 3, -1])
def test_an_index_that_skips_or_repeats(index: int) -> None:
    start = block_start(index, "text", text="")
    reason = "the next block to start has index 1"
    for before in (TEXT, [*TEXT, block_stop(0)]):
        assert_fault([*before, start], "content_block_start", index, reason)


def test_the_first_block_has_index_0() -> None:
    reason = "the next block to start has index 0"
    start = block_start(1, "text", text="")
    assert_fault([message_start(), start], "content_block_start", 1, reason)


def test_a_second_message_start() -> None:
    for before in ([message_start()], TEXT, [*TEXT, message_delta()]):
        assert_fault(
            [*before, message_start(id="msg_2")],
            "message_start",
            None,
            "the message has started already",
        )


BLOCKS: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": ""},
    "redacted_thinking": {"data": ""},
    "tool_use": {"id": "t", "name": "n", "input": {}},
    "server_tool_use": {"id": "t", "name": "n", "input": {}},
    "mcp_tool_use": {"id": "t", "name": "n", "input": {}, "server_name": "s"},
    "web_search_tool_result": {"tool_use_id": "t", "content": []},
    "web_fetch_tool_result": {"tool_use_id": "t", "content": {}},
    "code_execution_tool_result": {"tool_use_id": "t", "content": {}},
    "bash_code_execution_tool_result": {"tool_use_id": "t", "content": {}},
    "text_editor_code_execution_tool_result": {"tool_use_id": "t", "content": {}},
    "tool_search_tool_result": {"tool_use_id": "t", "content": {}},
    "advisor_tool_result": {"tool_use_id": "t", "content": {}},
    "mcp_tool_result": {"tool_use_id": "t", "content": "", "is_error": False},
    "mcp_tool_listing": {"mcp_server_name": "s", "tools": []},
    "container_upload": {"file_id": "f"},
    "compaction": {},
    "fallback": {"from": {}, "to": {}},
}
DELTAS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "text_delta": (["text"], {"text": "x"}),
    "citations_delta": (["text"], {"citation": {"type": "odd"}}),
    "thinking_delta": (["thinking"], {"thinking": "x"}),
    "signature_delta": (["thinking"], {"signature": "x"}),
    "input_json_delta": (["tool_use", "server_tool_use", "mcp_tool_use"], {"partial_json": "{"}),
    "compaction_delta": (["compaction"], {"content": "x"}),
}


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("block", BLOCKS)
def test_a_known_delta_on_each_kind_of_block(block: str, delta: str) -> None:
    blocks, fields = DELTAS[delta]
    before = [message_start(), block_start(0, block, **BLOCKS[block])]
    event = block_delta(0, delta, **fields)
    if block in blocks:
        snapshot, derived = reduce(fold(before), event)
        assert len(derived) == 2
        assert snapshot.unfolded == ()
    else:
        reason = f"{delta!r} does not belong in a block of type {block!r}"
        assert_fault([*before, event], "content_block_delta", 0, reason)


# --- a required field missing or of the wrong type ----------------------------------------------

WORDS = {
    STRING: "a string",
    INTEGER: "an integer",
    BOOLEAN: "a boolean",
    OBJECT: "an object",
    ARRAY: "an array",
}
VALUES: dict[str, list[Any]] = {
    "null": [None],
    STRING: ["x"],
    INTEGER: [7],
    BOOLEAN: [True, False],
    "number": [1.5],
    OBJECT: [{}],
    ARRAY: [[], ["x"]],
}
SOUND: dict[str, dict[str, dict[str, Any]]] = {
    "event": {
        "message_start": message_start(),
        "message_delta": message_delta(),
        "content_block_start": block_start(0, "text", text=""),
        "content_block_delta": block_delta(0, "text_delta", text=""),
        "content_block_stop": block_stop(0),
        "error": {"type": "error", "error": {}},
    },
    "message": {"message": message_start()["message"]},
    "content_block": {kind: {"type": kind, **fields} for kind, fields in BLOCKS.items()},
    "delta": {kind: {"type": kind, **fields} for kind, (_, fields) in DELTAS.items()},
    "citation": {
        kind: {
            "type": kind,
            **{name: VALUES[kinds[0]][0] for name, kinds in fields.items()},
        }
        for kind, fields in REQUIRED["citation"].items()
    },
}
REQUIRED_FIELDS = [
    (role, kind, name)
    for role, of_kind in REQUIRED.items()
    for kind, fields in of_kind.items()
    for name in fields
]
OF_ONE_TYPE = [field for field in REQUIRED_FIELDS if REQUIRED[field[0]][field[1]][field[2]] != ANY]


def in_an_event(role: str, made: Any) -> list[tuple[Event, str, int | None]]:
    """Each event that can hold `made`, in this role, with its path and the event's index."""
    if role == "event":
        index = made.get("index")
        return [(made, "", index if type(index) is int else None)]
    start = {"type": "content_block_start", "index": 3, "content_block": made}
    delta = {"type": "content_block_delta", "index": 3, "delta": made}
    if role == "message":
        return [({"type": "message_start", "message": made}, "message.", None)]
    if role == "content_block":
        second = [{"type": "text", "text": ""}, made]
        begun = message_start(content=second)
        return [(start, "content_block.", 3), (begun, "message.content[1].", None)]
    if role == "delta":
        return [(delta, "delta.", 3)]
    of_block = {"type": "text", "text": "", "citations": [made]}
    of_delta = {"type": "citations_delta", "citation": made}
    return [
        ({**start, "content_block": of_block}, "content_block.citations[0].", 3),
        ({**delta, "delta": of_delta}, "delta.citation.", 3),
    ]


@pytest.mark.parametrize(("role", "kind", "name"), REQUIRED_FIELDS)
def test_each_required_field_missing(role: str, kind: str, name: str) -> None:
    without = {key: value for key, value in SOUND[role][kind].items() if key != name}
    for event, path, index in in_an_event(role, without):
        assert_fault([event], event["type"], index, f"`{path}{name}` is missing")


@pytest.mark.parametrize(("role", "kind", "name"), OF_ONE_TYPE)
def test_each_required_field_of_each_type(role: str, kind: str, name: str) -> None:
    right = REQUIRED[role][kind][name]
    words = " or ".join(WORDS[each] for each in right)
    for wrong, values in VALUES.items():
        if wrong in right:
            continue
        for value in values:
            spoilt = {**SOUND[role][kind], name: value}
            for event, path, index in in_an_event(role, spoilt):
                error = fault([event])
                assert (error.event, error.index) == (event["type"], index)
                words = {"null": "null", "number": "a number"}.get(wrong) or WORDS[wrong]
                assert error.reason.startswith(f"`{path}{name}` must be a")
                assert error.reason.endswith(f"not {words}")
                assert words in error.reason


@pytest.mark.parametrize("kind", ["tool_use", "server_tool_use", "mcp_tool_use"])
def test_a_tool_must_start_with_an_input_that_is_an_object(kind: str) -> None:
    for value, words in ((None, "null"), (5, "an integer"), ([{}], "an array"), ("{}", "a string")):
        start = block_start(0, kind, **{**BLOCKS[kind], "input": value})
        reason = f"`content_block.input` must be an object, not {words}"
        assert_fault([message_start(), start], "content_block_start", 0, reason)


@pytest.mark.parametrize("role", ["content_block", "delta", "citation"])
def test_a_part_must_have_a_type_that_is_a_string(role: str) -> None:
    for event, path, index in in_an_event(role, {"text": "x"}):
        assert_fault([event], event["type"], index, f"`{path}type` is missing")
    for event, path, index in in_an_event(role, {"type": 5}):
        reason = f"`{path}type` must be a string, not an integer"
        assert_fault([event], event["type"], index, reason)
    for event, path, index in in_an_event(role, "x"):
        reason = f"`{path[:-1]}` must be an object, not a string"
        assert_fault([event], event["type"], index, reason)


@pytest.mark.parametrize("event", [{}, {"type": None}, {"type": 5}, {"type": []}, {"index": 0}])
def test_an_event_must_have_a_type_that_is_a_string(event: Event) -> None:
    assert_fault([event], None, None, "an event must have a `type` that is a string")


def test_a_message_must_be_one() -> None:
    reason = "`message.type` must be 'message', not 'banana'"
    assert_fault([message_start(type="banana")], "message_start", None, reason)


@pytest.mark.parametrize("usage", [5, "x", [], True])
def test_usage_must_be_an_object(usage: Any) -> None:
    assert fault([message_start(usage=usage)]).reason.startswith("`message.usage` must be an obj")
    late = fault([message_start(), message_delta(usage=usage)])
    assert late.reason.startswith("`usage` must be an object, not a")
    assert late.event == "message_delta"


@pytest.mark.parametrize("index", [True, 1.0, "0", None, [0]])
def test_an_index_that_is_no_integer_is_named_in_the_reason_only(index: Any) -> None:
    error = fault([*TEXT, {**block_stop(0), "index": index}])
    assert error.index is None
    assert error.reason.startswith("`index` must be an integer, not ")


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("stop_reason", "message"),
        ("stop_sequence", "message"),
        ("stop_details", "message"),
        ("container", "message"),
        ("context_management", "message"),
        ("input_transformations", "message"),
        ("diagnostics", "message"),
        ("service_tier", "usage"),
        ("cache_creation", "usage"),
        ("server_tool_use", "usage"),
        ("iterations", "usage"),
        ("output_tokens", "usage"),
    ],
)
@pytest.mark.parametrize("value", [None, True, 5, 1.5, "x", [], ["x"], {}, {"x": [None]}])
def test_optional_fields_are_kept_whatever_they_hold(name: str, of: str, value: Any) -> None:
    fields = {name: value} if of == "message" else {"usage": {name: value}}
    snapshot, (event,) = reduce(Snapshot(), message_start(**fields))
    assert event.to_dict() == message_start(**fields)
    assert snapshot.message.to_dict() == message_start(**fields)["message"]
    assert Snapshot.from_dict(snapshot.to_dict()) == snapshot


def test_nesting_has_a_bound() -> None:
    def nested(depth: int) -> Event:
        value: Any = {}
        for _ in range(depth - 1):
            value = {"a": value}
        return {"type": "odd", "x": value}

    deepest = next(depth for depth in range(1, 400) if is_fault(nested(depth)))
    assert 190 <= deepest <= 201
    error = fault([nested(deepest)])
    assert "nested deeper than 200 levels" in error.reason
    assert error.event == "odd"
    snapshot = fold([nested(deepest - 1)])
    assert snapshot.unfolded[0].to_dict() == nested(deepest - 1)
    assert Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict()))) == snapshot
    assert len(repr(snapshot.unfolded)) > deepest


def is_fault(event: Event) -> bool:
    try:
        reduce(Snapshot(), event)
    except ProtocolError:
        return True
    return False


# --- data that is not JSON, or not an object ----------------------------------------------------


# --- error event, end of input ------------------------------------------------------------------


def test_an_error_event_keeps_the_partial_message() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    state, events = feed(StreamState(), encode_sse([*TEXT, error]))
    assert events[-1].to_dict() == error
    with pytest.raises(IncompleteStreamError) as caught:
        finish(state)
    assert caught.value.snapshot.error.error.type == "overloaded_error"
    assert caught.value.snapshot.message.content[0].text == "Hello"


def test_end_of_input_before_the_message_is_complete() -> None:
    state, _ = feed(StreamState(), encode_sse(TEXT))
    with pytest.raises(IncompleteStreamError) as caught:
        finish(state)
    assert caught.value.snapshot.message.content[0].text == "Hello"


# --- bounds, and bytes that are not UTF-8 -------------------------------------------------------


def test_a_line_longer_than_the_limit() -> None:
    before = encode_sse(TEXT)
    start = StreamState(sse=SSEState(limit=400))
    for long in (b"data: " + b"x" * 395, b"x" * 401, b"data: " + b"x" * 500 + b"\n\n"):
        for chunks in ([before + long], [before, long], [before, long[:100], long[100:]]):
            events, snapshot, error = fed(chunks, start)
            assert error is not None
            assert error[0] is ProtocolError
            assert error[1] == "a line is longer than the limit of 400 bytes"
            assert snapshot == fold(TEXT)
            assert len(events) == 2


def test_an_event_longer_than_the_limit() -> None:
    before = encode_sse(TEXT)
    lines = b"data: " + b"x" * 150 + b"\n"
    start = StreamState(sse=SSEState(limit=400))
    _, snapshot, error = fed([before + lines * 3 + b"\n"], start)
    assert error is not None
    assert error[1] == "the data of an event is longer than the limit of 400 bytes"
    assert snapshot == fold(TEXT)
    assert fed([before, *[lines] * 3], start).error == error


def test_the_default_limit() -> None:
    assert DEFAULT_LIMIT == 16 * 1024 * 1024
    assert StreamState().sse.limit == DEFAULT_LIMIT
    long = json.dumps({"type": "odd", "x": "y" * 1_000_000}).encode()
    _, (event,) = feed(StreamState(), b"data: " + long + b"\n\n")
    assert len(event.x) == 1_000_000


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    body = encode_sse([*TEXT, block_delta(0, "text_delta", text="<>")])
    for bad, shown in ((b"\xff", "�"), (b"\xf0\x9f\x98", "�"), (b"\xc0\x80", "��"), (b"\x80", "�")):
        state, events = feed(StreamState(), body.replace(b"<>", b"<" + bad + b">"))
        assert state.snapshot.message.content[0].text == f"Hello<{shown}>"
        assert events[-1].text == f"<{shown}>"


# --- tools --------------------------------------------------------------------------------------


def test_a_broken_tool_input_can_be_read_to_where_it_breaks() -> None:
    pieces = ['{"a": 1, "b": [2, 3', ", x", "], ", '"c": 4}']
    events = [message_start(), tool_start(0)]
    events += [block_delta(0, "input_json_delta", partial_json=piece) for piece in pieces]
    snapshot = Snapshot()
    inputs = []
    for event in events:
        snapshot, derived = reduce(snapshot, event)
        inputs += [event.snapshot for event in derived if event.type == "input_json"]
    assert inputs == [{"a": 1, "b": [2, 3]}] * 4
    assert snapshot.message.content[0].input == {"a": 1, "b": [2, 3]}
