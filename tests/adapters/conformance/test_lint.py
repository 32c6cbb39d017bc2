"""The rules of a legal stream: each has a stream that breaks it and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from streamfold.adapters.conformance import RULES, Violation, lint, lint_body
from streamfold.adapters.strategies import chunked, raw_events, wire
from streamfold.reducer import SSEState, decode_sse, encode_sse, parse_event

from tests.support.effort import effort, is_thorough
from tests.support.events import MESSAGE_STOP

RECORDINGS = Path(__file__).parents[2] / "recordings"
COMPLETE = sorted(
    name
    for name, entry in json.loads((RECORDINGS / "index.json").read_text()).items()
    if entry["ends"] == "complete"
)

Event = dict[str, Any]

START: Event = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-6",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1, "server_tool_use": {"searches": 1}},
    },
}


def block(index: int, kind: str = "text", *deltas: Event, **fields: Any) -> list[Event]:
    given = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}.get(kind, {})
    return [
        {
            "type": "content_block_start",
            "index": index,
            "content_block": {"type": kind, **given, **fields},
        },
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def tool(index: int, text: str = "{}", **fields: Any) -> list[Event]:
    fields = {"id": f"toolu_{index}", "name": "search", "input": {}, **fields}
    return block(index, "tool_use", {"type": "input_json_delta", "partial_json": text}, **fields)


def end(reason: Any = "end_turn", sequence: Any = None, **usage: Any) -> Event:
    delta = {"stop_reason": reason, "stop_sequence": sequence}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 3, **usage}}


TEXT = block(0, "text", {"type": "text_delta", "text": "Hi"})
THINKING = [
    {"type": "thinking_delta", "thinking": "Hm"},
    {"type": "signature_delta", "signature": "s"},
]
WHOLE = [START, *TEXT, end(), MESSAGE_STOP]
LEGAL: dict[str, list[Event]] = {
    "a text": WHOLE,
    "no content": [START, end(), MESSAGE_STOP],
    "a tool": [START, *TEXT, *tool(1), end("tool_use"), MESSAGE_STOP],
    "thinking": [START, *block(0, "thinking", *THINKING), end(), MESSAGE_STOP],
    "an input in the start": [
        START,
        *block(0, "tool_use", id="t", name="n", input={"a": 1}),
        end("tool_use"),
        MESSAGE_STOP,
    ],
    "a cut input": [START, *tool(0, '{"a": '), end("max_tokens"), MESSAGE_STOP],
    "a cut block": [START, *tool(0, '{"a": ')[:-1], end("max_tokens"), MESSAGE_STOP],
    "a paused turn": [START, *tool(0), end("pause_turn"), MESSAGE_STOP],
    "an error": [START, *TEXT[:2], {"type": "error", "error": {"type": "api_error"}}],
    "an error first": [{"type": "error", "error": {"type": "overloaded_error"}}],
    "pings": [{"type": "ping"}, START, {"type": "ping"}, *WHOLE[1:], {"type": "ping"}],
    "unknown events": [{"type": "new"}, START, {"type": "new"}, *WHOLE[1:], {"type": "new"}],
    "events after an unknown one after the end": [*WHOLE, {"type": "new"}, end()],
    "unknown blocks": [START, *block(0, "new", {"type": "new_delta"}), end(), MESSAGE_STOP],
    "a stop after the stop reason": [
        START,
        *tool(0, '{"a": ')[:-1],
        end("max_tokens"),
        tool(0)[-1],
        MESSAGE_STOP,
    ],
    "null counts": [START, *TEXT, end(input_tokens=None, more=None), MESSAGE_STOP],
    "a stop sequence": [START, *TEXT, end("stop_sequence", "END"), MESSAGE_STOP],
    "two message_deltas": [START, *TEXT, end(None), end(), MESSAGE_STOP],
}


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_stream_breaks_no_rule(name: str) -> None:
    assert lint(LEGAL[name], must_stop=True) == ()
    assert lint_body(encode_sse(LEGAL[name]), must_stop=True) == ()


def changed(event: Event, **fields: Any) -> Event:
    return {**event, **fields}


BROKEN: dict[str, list[tuple[list[Any], int]]] = {
    "json": [
        ([START, *TEXT, "nope", end(), MESSAGE_STOP], 4),
        ([START, *TEXT, {"index": 1}, end(), MESSAGE_STOP], 4),
        ([START, *TEXT, [1], end(), MESSAGE_STOP], 4),
    ],
    "fields": [
        ([START, {"type": "content_block_stop"}, end(), MESSAGE_STOP], 1),
        ([START, {"type": "content_block_stop", "index": True}, end(), MESSAGE_STOP], 1),
        ([START, changed(TEXT[0], content_block={}), TEXT[2], end(), MESSAGE_STOP], 1),
        (
            [
                START,
                changed(TEXT[0], content_block={"type": "text", "text": 1}),
                TEXT[2],
                end(),
                MESSAGE_STOP,
            ],
            1,
        ),
        ([START, TEXT[0], changed(TEXT[1], delta={"type": "text_delta"}), *TEXT[2:], end()], 2),
        ([START, TEXT[0], changed(TEXT[1], delta={}), *TEXT[2:], end()], 2),
        ([changed(START, message={**START["message"], "model": None}), *WHOLE[1:]], 0),
    ],
    "message-start-first": [
        ([TEXT[0], START, *TEXT, end(), MESSAGE_STOP], 0),
        (TEXT, 0),
        ([], 0),
    ],
    "one-message-start": [([START, START, *WHOLE[1:]], 1)],
    "empty-start": [
        ([changed(START, message={**START["message"], "content": [{}]}), *WHOLE[1:]], 0),
        ([changed(START, message={**START["message"], "stop_reason": "x"}), *WHOLE[1:]], 0),
    ],
    "index-order": [
        ([START, *block(1), end(), MESSAGE_STOP], 1),
        ([START, *TEXT, TEXT[0], end(), MESSAGE_STOP], 4),
    ],
    "one-block-at-a-time": [
        ([START, TEXT[0], *block(1), *TEXT[1:], end(), MESSAGE_STOP], 2),
    ],
    "open-block": [
        ([START, *TEXT, TEXT[2], end(), MESSAGE_STOP], 4),
        ([START, *TEXT, changed(TEXT[1], index=-1), end(), MESSAGE_STOP], 4),
    ],
    "delta-fits-block": [
        ([START, *block(0, "text", THINKING[0]), end(), MESSAGE_STOP], 2),
        ([START, *block(0, "redacted_thinking", THINKING[0], data="x"), end(), MESSAGE_STOP], 2),
    ],
    "block-stopped": [([START, TEXT[0], TEXT[1], end(), MESSAGE_STOP], 3)],
    "content-before-stop-reason": [
        ([START, end(), *TEXT[:1], MESSAGE_STOP], 2),
        ([START, *tool(0)[:1], end("max_tokens"), *tool(0)[1:2], MESSAGE_STOP], 3),
    ],
    "input-json": [
        ([START, *tool(0, '{"a": '), end("tool_use"), MESSAGE_STOP], 4),
        ([START, *tool(0, '{"a":1}{"b":2}'), end("tool_use"), MESSAGE_STOP], 4),
        ([START, *tool(0, "[1]"), end("tool_use"), MESSAGE_STOP], 4),
        ([START, *tool(0, "[" * 100_000), end("tool_use"), MESSAGE_STOP], 4),
    ],
    "tool-id": [([START, *tool(0, id=""), end("tool_use"), MESSAGE_STOP], 1)],
    "unique-tool-ids": [
        ([START, *tool(0, id="a"), *tool(1, id="a"), end("tool_use"), MESSAGE_STOP], 4)
    ],
    "tool-name": [([START, *tool(0, name=""), end("tool_use"), MESSAGE_STOP], 1)],
    "thinking-signature": [([START, *block(0, "thinking", THINKING[0]), end(), MESSAGE_STOP], 3)],
    "stop-reason": [([START, *TEXT, MESSAGE_STOP], 4), ([START, *TEXT], 4)],
    "known-stop-reason": [([START, *TEXT, end("stop"), MESSAGE_STOP], 4)],
    "tool-use-stop": [
        ([START, *TEXT, end("tool_use"), MESSAGE_STOP], 4),
        ([START, *tool(0), end("end_turn"), MESSAGE_STOP], 4),
    ],
    "stop-sequence": [
        ([START, *TEXT, end("stop_sequence"), MESSAGE_STOP], 4),
        ([START, *TEXT, end("end_turn", "END"), MESSAGE_STOP], 4),
    ],
    "usage": [
        ([START, *TEXT, changed(end(), usage=None), MESSAGE_STOP], 4),
        ([START, *TEXT, changed(end(), usage={"output_tokens": True}), MESSAGE_STOP], 4),
    ],
    "counts-grow": [
        ([START, *TEXT, end(output_tokens=0), MESSAGE_STOP], 4),
        ([START, *TEXT, end(server_tool_use={"searches": 0}), MESSAGE_STOP], 4),
    ],
    "after-the-end": [
        ([*WHOLE, end()], 6),
        ([{"type": "error", "error": {}}, START], 1),
    ],
    "message-stop": [(WHOLE[:-1], 5)],
}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "event-name"])
def test_each_rule_has_a_stream_that_breaks_it_and_no_other(rule: str) -> None:
    for events, at in BROKEN[rule]:
        found = lint(events, must_stop=rule == "message-stop")
        assert {(each.rule, each.event) for each in found} == {(rule, at)}, found


def test_a_name_that_is_not_the_type_breaks_a_rule_of_the_body() -> None:
    body = b"".join(encode_sse([event]) for event in WHOLE)
    nameless = body.replace(b"event: message_stop\n", b"")
    assert lint_body(nameless) == (
        Violation("event-name", 5, "the event must be named 'message_stop', got 'message'"),
    )
    cut = body.replace(b'"text":"Hi"}}', b'"text":')
    assert [(each.rule, each.event) for each in lint_body(cut)] == [("json", 2)]


def test_a_recorded_body_may_have_lost_its_last_event() -> None:
    assert lint(WHOLE[:-1]) == ()


def test_a_violation_as_text() -> None:
    assert str(lint([])[0]) == (
        "event 0: message-start-first: the stream ended before message_start"
    )
    long = [changed(START, message="a" * 100)]
    assert lint(long)[0].reason.endswith(f"got '{'a' * 56}...")


def test_a_source_is_named_for_each_rule() -> None:
    for rule in RULES.values():
        assert rule.text.endswith(".")
        assert rule.source.split()[0].rstrip(",:") in (
            "streaming",
            "tools",
            "thinking",
            "stops",
            "reference",
        )


def test_events_may_be_objects() -> None:
    frames = decode_sse(SSEState(), encode_sse(WHOLE))[1]
    assert lint(map(parse_event, frames)) == ()


@pytest.mark.parametrize("name", COMPLETE)
def test_a_complete_recording_breaks_no_rule(name: str) -> None:
    frames = decode_sse(SSEState(), (RECORDINGS / f"{name}.sse").read_bytes())[1]
    assert lint([json.loads(frame.data) for frame in frames]) == ()


@settings(max_examples=5000 if is_thorough() else 100)
@given(raw_events())
def test_a_default_stream_breaks_no_rule(events: list[Event]) -> None:
    assert lint(events, must_stop=True) == ()


@effort(50)
@given(raw_events().flatmap(lambda events: wire(events, forms=["crlf", "spelled"])))
def test_a_default_body_breaks_no_rule(body: bytes) -> None:
    assert lint_body(body, must_stop=True) == ()


@effort(100)
@given(raw_events(unknown=True).flatmap(lambda events: wire(events).flatmap(chunked)))
def test_any_body_can_be_read(chunks: list[bytes]) -> None:
    for violation in lint_body(b"".join(chunks)):
        assert violation.rule in RULES
