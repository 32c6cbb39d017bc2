"""Checks of emitters and translators."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from streamfold.adapters.conformance import (
    EmitterMismatch,
    Finding,
    check_chat,
    check_emitter,
    check_message,
    check_translator,
    translated,
)
from streamfold.adapters.conformance.emitters import EmitterSubject, TranslatorSubject
from streamfold.adapters.conformance.shrinking import smaller
from streamfold.adapters.strategies import CHAT_QUIRKS, openai_chunks
from streamfold.reducer import Message, encode_sse, expand

from tests.support.effort import effort
from tests.support.planted import emitters
from tests.support.planted.emitters import Right, Translator

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [{"type": "text", "text": "Hello, there"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 3},
}


def chat(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(index: int, **function: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "id": f"call_{index}", "function": function}]}


def test_expand_emits_the_stream_of_its_message() -> None:
    def emit(message: Any) -> Any:
        return expand(Message.from_dict(message))

    assert check_emitter(emit, seed=0, max_examples=50).examples == 50


@pytest.mark.parametrize("form", ["events", "body", "text", "chunks", "bytes"])
def test_a_stream_may_have_any_form(form: str) -> None:
    def emit(message: Any) -> Any:
        events = Right.emit(message)
        body = encode_sse(events)
        forms: dict[str, Any] = {
            "events": iter(events),
            "body": body,
            "text": body.decode(),
            "chunks": [body[:7], body[7:]],
            "bytes": emitters.EmitsBytes.emit(message),
        }
        return forms[form]

    check_message(emit, MESSAGE)


def test_a_broken_rule_has_its_name_and_a_test_to_paste() -> None:
    with pytest.raises(EmitterMismatch) as found:
        check_emitter(emitters.NeverStops.emit, seed=0, max_examples=20, first=True)
    assert (found.value.kind, found.value.finding.rule) == ("breaks a rule", "message-stop")
    assert "the stream ended before message_stop" in str(found.value)
    assert found.value.given[0]["content"] == []
    pasted: dict[str, Any] = {}
    exec(found.value.code, pasted)
    with pytest.raises(EmitterMismatch):
        pasted["test_emit"]()


def test_options_of_the_check_stand_in_the_test() -> None:
    with pytest.raises(EmitterMismatch) as found:
        check_message(
            emitters.NeverStops.emit,
            MESSAGE,
            ignore=["id"],
            claims={"text": ["text"]},
        )
    assert "ignore=('id',)" in found.value.code
    assert "claims={'text': ['text']}" in found.value.code
    check_message(emitters.ForgetsStopSequences.emit, MESSAGE, claims={"text": ["text"]})


def test_an_empty_stream_breaks_a_rule() -> None:
    with pytest.raises(EmitterMismatch) as found:
        check_message(lambda message: [], MESSAGE)
    assert {finding.rule for finding in found.value.findings} == {"message-start-first", ""}


def test_a_message_may_not_be_changed_nor_shared() -> None:
    def changes(message: Any) -> Any:
        events = Right.emit(message)
        message["id"] = "x"
        return events

    with pytest.raises(EmitterMismatch, match="changes its input"):
        check_message(changes, MESSAGE)
    shared: list[Any] = []

    def shares(message: Any) -> Any:
        shared[:] = Right.emit(message)
        return shared

    check_message(lambda message: iter(shares(message)), MESSAGE)


def test_messages_can_be_filtered_and_narrowed() -> None:
    seen: list[Any] = []

    def emit(message: Any) -> Any:
        seen.append(copy.deepcopy(message))
        return Right.emit(message)

    check_emitter(
        emit, seed=0, max_examples=20, blocks=["text"], assume=lambda message: message["content"]
    )
    assert all(message["content"] for message in seen if message["id"] != "msg_another")
    assert {block["type"] for message in seen for block in message["content"]} == {"text"}


# --- translators --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunks", "content", "reason"),
    [
        ([chat({"content": "Hi"}, "stop")], [{"type": "text", "text": "Hi"}], "end_turn"),
        (
            [chat({"content": None}), chat({}), chat({}, "content_filter")],
            [],
            "refusal",
        ),
        ([chat({}, "eos")], [], "end_turn"),
        (
            [
                chat(call(0, name="a", arguments='{"x"')),
                chat(call(1, name="b")),
                chat(call(0, arguments=": 1}")),
                chat({}, "stop"),
                {"choices": [], "usage": {}},
            ],
            [
                {"type": "tool_use", "id": "call_0", "name": "a", "input": {"x": 1}},
                {"type": "tool_use", "id": "call_1", "name": "b", "input": {}},
            ],
            "tool_use",
        ),
        (
            [chat(call(0, name="a", arguments='{"x": 1, "y')), chat({}, "length")],
            [{"type": "tool_use", "id": "call_0", "name": "a", "input": {"x": 1}}],
            "max_tokens",
        ),
    ],
)
def test_the_message_of_a_chat(chunks: Any, content: Any, reason: str) -> None:
    message: Any = translated(chunks)
    assert (message["content"], message["stop_reason"]) == (content, reason)
    if reason in emitters.STOP_REASONS.values() and chunks[-1]["choices"][:1] != [
        {"index": 0, "delta": {}, "finish_reason": "eos"}
    ]:
        check_chat(Translator.translate, chunks)


@pytest.mark.parametrize("chunks", [[], [chat({"content": "Hi"})]])
def test_a_chat_that_is_not_whole_has_no_message(chunks: Any) -> None:
    assert translated(chunks) is None
    check_chat(Translator.translate, chunks)
    check_chat(lambda chunks: [], chunks)
    check_chat(lambda chunks: [{"type": "ping"}], chunks)
    with pytest.raises(EmitterMismatch, match="accepts a fault"):
        check_chat(lambda chunks: Right.emit(MESSAGE), chunks)
    with pytest.raises(EmitterMismatch, match="accepts a fault"):
        check_chat(lambda chunks: [{"type": "message_stop"}], chunks)


def test_odd_events_are_findings_of_their_own() -> None:
    chunks = [chat({"content": "Hi"}, "stop")]
    with pytest.raises(EmitterMismatch) as found:
        check_chat(lambda chunks: ["data: nope\n\n"], chunks)
    assert "json" in {finding.rule for finding in found.value.findings}


def test_the_claims_of_a_translator_can_be_changed() -> None:
    chunks = [chat({"content": "Hi"}, "stop")]
    with pytest.raises(EmitterMismatch) as found:
        check_chat(Translator.translate, chunks, claims={"message": ["id"]})
    assert "claims={'message': ['id']}" in found.value.code


def test_a_translator_is_checked_with_many_chats() -> None:
    report = check_translator(Translator.translate, seed=0, max_examples=60)
    assert report.examples == 60
    with pytest.raises(EmitterMismatch) as found:
        check_translator(
            emitters.TakesACutForTheEnd.translate,
            seed=0,
            max_examples=60,
            first=True,
            assume=lambda chunks: len(chunks) > 1,
        )
    assert len(found.value.given) == 2


@effort(100)
@given(openai_chunks())
def test_chats_are_json_and_share_nothing(chunks: list[Any]) -> None:
    assert json.loads(json.dumps(chunks)) == chunks
    parts = [id(choice) for chunk in chunks for choice in chunk["choices"]]
    assert len(parts) == len(set(parts))


@effort(100)
@given(openai_chunks(quirks=set(CHAT_QUIRKS) - {"no_finish", "cut", "empty"}))
def test_without_faults_every_chat_has_a_message(chunks: list[Any]) -> None:
    assert translated(chunks) is not None


@effort(30)
@given(openai_chunks(quirks=[]))
def test_without_quirks_no_delta_is_empty(chunks: list[Any]) -> None:
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[1:-1]]
    assert all(delta.get("content") or "tool_calls" in delta for delta in deltas)


def test_arguments_that_are_not_json_have_no_message() -> None:
    chunks = [chat(call(0, name="a", arguments="}")), chat({}, "tool_calls")]
    assert translated(chunks) is None


def test_single_parts_that_hypothesis_leaves_are_removed() -> None:
    emitter = EmitterSubject(emitters.NeverStops.emit)
    message = {**MESSAGE, "content": MESSAGE["content"] * 3}
    finding = Finding("breaks a rule", [message], rule="message-stop")
    assert smaller(emitter, finding).given[0]["content"] == []
    translator = TranslatorSubject(emitters.TrustsTheFinishReason.translate)
    chunks = [
        chat({"content": ""}),
        chat({"content": "Hi"}),
        chat(call(0, name="a", arguments="{}")),
        chat({}),
        chat({}, "stop"),
    ]
    finding = Finding("breaks a rule", chunks, rule="tool-use-stop")
    assert smaller(translator, finding).given == [chunks[0], chunks[2], chunks[4]]
