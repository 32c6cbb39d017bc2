"""The table of deltas: how each kind changes its blocks, and its derived event."""

from __future__ import annotations

import copy
import json
from typing import Any, get_args

import pytest
from streamfold.reducer import (
    ContentBlock,
    ContentBlockDelta,
    DerivedEvent,
    IncompleteStreamError,
    InvalidToolInputError,
    ProtocolError,
    Snapshot,
    StreamState,
    finish,
    fold,
    reduce,
)
from streamfold.reducer.deltas import DELTAS, Growth, growths_of, rows_of

from tests.support.deep_stack import outcomes_near_the_limit
from tests.support.events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    input_delta,
    message_delta,
    message_start,
    tool_start,
)
from tests.support.model import COMPACTION, TEXT, THINKING, TOOL, derived_from, message_of

Event = dict[str, Any]


MODES = ["on", "trailing-strings"]


def test_text_and_thinking_append() -> None:
    for kind, name in (("text", "text"), ("thinking", "thinking")):
        deltas = [block_delta(0, f"{kind}_delta", **{name: piece}) for piece in ("b", "", "c")]
        events = [message_start(), block_start(0, kind, **{name: "a"}), *deltas]
        assert message_of(*events).content[0][name] == "abc"
        assert message_of(*events, block_stop(0)).content[0][name] == "abc"


def test_halves_of_a_character_that_meet_are_one() -> None:
    halves = [block_delta(0, "text_delta", text=half) for half in ("\ud83d", "\ude00")]
    snapshot = fold([message_start(), block_start(0, "text", text="")])
    snapshot, (_, first) = reduce(snapshot, halves[0])
    assert first.snapshot == snapshot.message.content[0].text == "\ud83d"
    snapshot, (_, second) = reduce(snapshot, halves[1])
    assert second.snapshot == snapshot.message.content[0].text == "😀"
    assert second.text == "\ude00"


@pytest.mark.parametrize(
    ("begun", "first"),
    [
        ({}, []),
        ({"citations": None}, []),
        ({"citations": []}, []),
        ({"citations": "odd"}, []),
        ({"citations": {"type": "odd"}}, []),
        ({"citations": [{"type": "odd", "n": 0}]}, [{"type": "odd", "n": 0}]),
    ],
)
def test_citations_append(begun: dict[str, Any], first: list[Any]) -> None:
    events = [message_start(), block_start(0, "text", text="", **begun)]
    assert message_of(*events).content[0].to_dict() == {"type": "text", "text": "", **begun}
    cited = [{"type": "odd", "n": number} for number in (1, 2)]
    events += [block_delta(0, "citations_delta", citation=each) for each in cited]
    events += [block_delta(0, "text_delta", text="t")]
    for stop in ([], [block_stop(0)]):
        block = message_of(*events, *stop).content[0]
        assert block.to_dict() == {"type": "text", "text": "t", "citations": first + cited}
        assert isinstance(block.citations, tuple)


def test_a_signature_replaces() -> None:
    events = [*THINKING]
    for text in ("one", "two"):
        events.append(block_delta(0, "signature_delta", signature=text))
        assert message_of(*events).content[0].signature == text
    events += [block_delta(0, "thinking_delta", thinking="m"), block_stop(0)]
    assert message_of(*events).content[0].to_dict() == {
        "type": "thinking",
        "thinking": "Hm",
        "signature": "two",
    }


def test_compaction_sets_the_fields_it_has() -> None:
    first = block_delta(0, "compaction_delta", content="a", encrypted_content="b")
    second = block_delta(0, "compaction_delta", content="c")
    third = block_delta(0, "compaction_delta", encrypted_content=None)
    block = {"type": "compaction", "content": "a", "encrypted_content": "b"}
    assert message_of(*COMPACTION, first).content[0].to_dict() == block
    assert message_of(*COMPACTION, first, second).content[0].to_dict() == {**block, "content": "c"}
    assert message_of(*COMPACTION, first, third).content[0].to_dict() == {
        **block,
        "encrypted_content": None,
    }
    assert derived_from(*COMPACTION, first, third)[1] == {
        "type": "compaction",
        "content": "a",
        "encrypted_content": None,
    }


@pytest.mark.parametrize("kind", ["tool_use", "server_tool_use", "mcp_tool_use"])
def test_the_input_of_a_tool(kind: str) -> None:
    begun = block_start(0, kind, id="t", name="n", input={}, server_name="s")
    text = '{"a": "\\u00e9\\n", "b": [1, 2.0]}'
    pieces = [block_delta(0, "input_json_delta", partial_json=piece) for piece in text]
    open_block = message_of(message_start(), begun, *pieces).content[0]
    closed = message_of(message_start(), begun, *pieces, block_stop(0)).content[0]
    for block in (open_block, closed):
        assert block.input == {"a": "é\n", "b": [1, 2.0]}
        assert block.input_json == text
        assert {**block.to_dict(), "input": {}} == begun["content_block"]
        with pytest.raises(TypeError):
            block.input["a"] = 1


@pytest.mark.parametrize("pieces", [[], [""], ["", ""]])
@pytest.mark.parametrize("first", [{}, {"a": 1}])
def test_a_tool_without_streamed_input_keeps_the_input_of_its_start(
    pieces: list[str], first: dict[str, Any]
) -> None:
    deltas = [block_delta(0, "input_json_delta", partial_json=piece) for piece in pieces]
    events = [message_start(), tool_start(0, input=first), *deltas]
    for stop in ([], [block_stop(0)]):
        block = message_of(*events, *stop).content[0]
        assert block.input == first
        assert block.input_json == json.dumps(first, separators=(",", ":"))


def test_streamed_input_replaces_the_input_of_the_start() -> None:
    events = [message_start(), tool_start(0, input={"a": 1})]
    events.append(block_delta(0, "input_json_delta", partial_json=" "))
    assert message_of(*events).content[0].input == {"a": 1}  # the text is still empty
    assert message_of(*events).content[0].input_json == " "
    events.append(block_delta(0, "input_json_delta", partial_json='{"b": 2}'))
    assert message_of(*events).content[0].input == {"b": 2}
    assert message_of(*events, block_stop(0)).content[0].input == {"b": 2}


@pytest.mark.parametrize(
    ("mode", "partial"), [("on", {"a": 1}), ("trailing-strings", {"a": 1, "b": "unfin"})]
)
def test_max_tokens_inside_of_a_tool_gives_the_partial_input(
    mode: Any, partial: dict[str, Any]
) -> None:
    text = '{"a": 1, "b": "unfin'
    events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text)]
    events += [message_delta("max_tokens"), MESSAGE_STOP]
    snapshot = fold(events, Snapshot(partial_mode=mode))
    assert snapshot.is_complete
    assert snapshot.message.stop_reason == "max_tokens"
    assert snapshot.message.content[0].input == partial
    assert snapshot.message.content[0].input_json == text


def test_invalid_input_of_a_tool() -> None:
    text = '{"a": 1, "b": nope' + "x" * 200
    events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text)]
    with pytest.raises(InvalidToolInputError) as caught:
        fold([*events, block_stop(0)])
    error = caught.value
    assert isinstance(error, ProtocolError)
    assert isinstance(error, ValueError)
    assert error.input_json == text
    assert (error.event, error.index) == ("content_block_stop", 0)
    assert error.data.to_dict() == block_stop(0)
    assert error.snapshot == fold(events)
    assert error.snapshot.message.content[0].input == {"a": 1}
    assert error.reason.startswith("the input of 'look' is not JSON (")
    assert error.reason.endswith("column 15 (char 14))")
    assert error.message == f"content_block_stop (index 0): {error.reason}"
    assert str(error) == (
        "Unable to parse tool parameter JSON from model. Please retry your request or adjust your "
        f"prompt. Error: {error.message}. JSON: {text[:120]}… (218 characters)"
    )
    assert str(copy.deepcopy(error)) == str(error)
    assert InvalidToolInputError("x").input_json == ""


@pytest.mark.parametrize(
    ("text", "shown"), [("{'a'", "{'a'"), ("\"it's\x1b\n", "\"it\\'s\\x1b\\n"), ("", "")]
)
def test_the_error_shows_the_input_on_one_line(text: str, shown: str) -> None:
    error = InvalidToolInputError("the reason", input_json=text)
    assert str(error).endswith(f" Error: the reason. JSON: {shown}")


@pytest.mark.parametrize("text", ['{"a":1}}', "nope", "\ufeff{}", "{'a': 1}", "{]", '{"a" 1'])
def test_input_that_is_not_json(text: str) -> None:
    events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text)]
    with pytest.raises(InvalidToolInputError) as caught:
        fold([*events, block_stop(0)])
    assert caught.value.input_json == text
    assert caught.value.snapshot == fold(events)


CUT_INPUTS = [
    ('{"a"', {}),
    ("{", {}),
    (" ", {}),
    ('{"a": 1, "b": "unfin', {"a": 1}),
    ('{"a": 1, "b": tr', {"a": 1}),
    ("[1, 2", [1, 2]),
]


@pytest.mark.parametrize(("text", "value"), CUT_INPUTS)
@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
def test_a_stopped_tool_may_be_cut_if_the_stop_reason_explains_it(
    text: str, value: Any, reason: str
) -> None:
    before = fold([*TOOL, block_delta(0, "input_json_delta", partial_json=text)])
    stopped, (event,) = reduce(before, block_stop(0))
    assert event.type == "content_block_stop"
    assert (event.content_block.input, event.content_block.input_json) == (value, text)
    assert Snapshot.from_dict(json.loads(json.dumps(stopped.to_dict()))) == stopped
    assert not stopped.is_complete
    ended = fold([message_delta(reason), MESSAGE_STOP], stopped)
    assert ended.is_complete
    assert ended.message.content == (event.content_block,)
    assert ended.message.stop_reason == reason


@pytest.mark.parametrize(("text", "value"), CUT_INPUTS)
@pytest.mark.parametrize("reason", ["tool_use", "end_turn", "stop_sequence", "new_reason"])
def test_any_other_stop_reason_of_a_cut_tool_is_an_error(
    text: str, value: Any, reason: str
) -> None:
    whole = [block_start(1, "tool_use", id="t2", name="other", input={}), block_stop(1)]
    events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text), block_stop(0), *whole]
    events += [block_start(2, "tool_use", id="t3", name="third", input={})]
    events += [block_delta(2, "input_json_delta", partial_json="{"), block_stop(2)]
    stopped = Snapshot.from_dict(json.loads(json.dumps(fold(events).to_dict())))
    with pytest.raises(InvalidToolInputError) as caught:
        fold([message_delta(reason)], stopped)
    error = caught.value
    assert (error.event, error.index) == ("message_delta", 0)
    assert error.input_json == text
    assert error.snapshot == stopped
    assert error.snapshot.message.content[0].input == value
    assert error.message.startswith("message_delta (index 0): the input of 'look' is not JSON (")
    assert str(error).endswith(f"; stop_reason is {reason!r}). JSON: {text}")


CUT_TOOL = [*TOOL[1:], input_delta(0, "{"), block_stop(0)]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([message_start(stop_reason="tool_use"), *CUT_TOOL], "tool_use"),
        ([message_start(), message_delta("tool_use"), *CUT_TOOL], "tool_use"),
        ([message_start(stop_reason="max_tokens"), *CUT_TOOL], None),
        ([message_start(), message_delta("max_tokens"), *CUT_TOOL], None),
    ],
)
def test_a_stop_reason_that_came_before_the_cut_decides_at_the_end(
    events: list[Event], reason: str | None
) -> None:
    stopped = fold(events)
    if reason is None:
        assert fold([MESSAGE_STOP], stopped).is_complete
        return
    assert not stopped.is_complete
    with pytest.raises(InvalidToolInputError) as caught:
        fold([MESSAGE_STOP], stopped)
    assert (caught.value.event, caught.value.index) == ("message_stop", 0)
    assert f"stop_reason is {reason!r}" in str(caught.value)
    assert fold([message_delta("max_tokens"), MESSAGE_STOP], stopped).is_complete


def test_a_cut_that_no_stop_reason_explains_is_named() -> None:
    early = fold([message_start(), message_delta("tool_use"), *CUT_TOOL])
    nulled = fold(
        [
            *TOOL,
            input_delta(0, "{"),
            block_stop(0),
            message_delta("max_tokens"),
            message_delta(None),
            MESSAGE_STOP,
        ]
    )
    for snapshot, came, reason in (
        (early, "the stream ended", "tool_use"),
        (nulled, "message_stop came", "None"),
    ):
        with pytest.raises(IncompleteStreamError) as caught:
            finish(StreamState(snapshot=snapshot))
        text = str(caught.value)
        assert text.startswith(f"{came} after the input of block 0 was cut (Expecting property")
        assert text.endswith(f"), and stop_reason {reason!r} does not explain that")


def test_input_that_is_nested_too_deep() -> None:
    for depth in (201, 100_000):
        text = "[" * depth + "]" * depth
        events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text)]
        with pytest.raises(InvalidToolInputError, match="nested deeper than 200 levels"):
            fold([*events, block_stop(0)])
    text = "[" * 200 + "]" * 200
    snapshot = fold([*TOOL, block_delta(0, "input_json_delta", partial_json=text), block_stop(0)])
    assert snapshot.message.content[0].to_dict()["input"] == json.loads(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a":' * 100 + "1" + "}" * 100, None),
        ('{"a":' * 100 + '"\ud83d\\ude00"' + "}" * 100, None),
        ("[" * 100 + "!" + "]" * 100, "is not JSON"),
        ("[" * 300 + "]" * 300, "nested deeper than 200 levels"),
    ],
)
def test_a_deep_stack_of_the_caller_gives_the_input_or_a_documented_error(
    text: str, fault: str | None
) -> None:
    before = fold([*TOOL, block_delta(0, "input_json_delta", partial_json=text)])

    def finished() -> Any:
        return reduce(before, block_stop(0))[0]

    after = None if fault else finished()
    for outcome in outcomes_near_the_limit(finished):
        if isinstance(outcome, InvalidToolInputError):
            assert fault is not None
            assert fault in outcome.reason
        elif isinstance(outcome, ProtocolError):
            assert outcome.reason == "the stack of the caller is too deep to fold it"
            assert outcome.snapshot == before
        else:
            assert fault is None
            assert outcome == after


def test_text() -> None:
    event = block_delta(0, "text_delta", text="llo")
    text = {"type": "text", "text": "llo", "snapshot": "Hello"}
    assert derived_from(*TEXT, event) == [event, text]
    more = block_delta(0, "text_delta", text="!")
    assert derived_from(*TEXT, event, more) == [
        more,
        {"type": "text", "text": "!", "snapshot": "Hello!"},
    ]


def test_thinking() -> None:
    event = block_delta(0, "thinking_delta", thinking="m", estimated_tokens=3)
    assert derived_from(*THINKING, event) == [
        event,
        {"type": "thinking", "thinking": "m", "snapshot": "Hm"},
    ]


def test_signature() -> None:
    event = block_delta(0, "signature_delta", signature="s")
    assert derived_from(*THINKING, event) == [event, {"type": "signature", "signature": "s"}]


def test_citation() -> None:
    cited = [{"type": "odd", "n": number} for number in range(2)]
    first, second = (block_delta(0, "citations_delta", citation=each) for each in cited)
    assert derived_from(*TEXT, first) == [
        first,
        {"type": "citation", "citation": cited[0], "snapshot": cited[:1]},
    ]
    assert derived_from(*TEXT, first, second) == [
        second,
        {"type": "citation", "citation": cited[1], "snapshot": cited},
    ]


def test_compaction() -> None:
    event = block_delta(0, "compaction_delta", content="short", encrypted_content="e")
    assert derived_from(*COMPACTION, event) == [
        event,
        {"type": "compaction", "content": "short", "encrypted_content": "e"},
    ]


@pytest.mark.parametrize(
    ("mode", "snapshots"),
    [("on", [{}, {"a": 1}, {"a": 1}]), ("trailing-strings", [{}, {"a": 1, "b": "x"}, {"a": 1}])],
)
def test_input_json(mode: Any, snapshots: list[Any]) -> None:
    snapshot = fold(TOOL, Snapshot(partial_mode=mode))
    for piece, expected in zip(['{"', 'a":1,"b":"x', '"}'], snapshots[:2], strict=False):
        event = block_delta(0, "input_json_delta", partial_json=piece)
        snapshot, (raw, event_derived) = reduce(snapshot, event)
        assert raw.to_dict() == event
        assert event_derived.to_dict() == {
            "type": "input_json",
            "partial_json": piece,
            "snapshot": expected,
        }


# --- the table ----------------------------------------------------------------------------------


def test_each_known_delta_has_one_row_and_its_own_event() -> None:
    assert set(DELTAS) == set(get_args(ContentBlockDelta))
    events = [row.event for row in DELTAS.values()]
    assert set(events) == set(get_args(DerivedEvent))
    assert len(events) == len(set(events))


def test_each_row_names_known_blocks_and_fields_that_they_have() -> None:
    for delta, row in DELTAS.items():
        assert row.delta is delta
        assert set(row.blocks) <= set(get_args(ContentBlock))
        for block in row.blocks:
            assert row in rows_of(block)
            if isinstance(row, Growth):
                assert row in growths_of(block)
                assert hasattr(block, row.grows)
                assert hasattr(delta, row.part)
                assert hasattr(row.event, row.part)


def test_the_string_of_a_block_comes_first() -> None:
    """`runs` relies on it: a run grows the first growing value of its block."""
    for row in DELTAS.values():
        if isinstance(row, Growth) and row.is_string:
            assert all(growths_of(block)[0] is row for block in row.blocks)
