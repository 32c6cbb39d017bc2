"""An implementation's streamed result against its own unstreamed one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from streamfold.adapters.conformance import (
    AccumulatorMismatch,
    check_same,
    check_same_stream,
    long_stream,
)
from streamfold.reducer import fold


@dataclass
class Answer:
    """The classes of some framework, which no reference knows."""

    text: str
    calls: list[Any]
    tokens: int


def plain(message: Any) -> Answer:
    return Answer(
        text="".join(block.get("text", "") for block in message["content"]),
        calls=[block["input"] for block in message["content"] if block["type"] == "tool_use"],
        tokens=message["usage"]["output_tokens"],
    )


def stream(events: Any) -> Answer:
    message: Any = fold(events).message
    return plain(message.to_dict())


def adds_up(events: Any) -> Answer:
    answer, tokens = Answer("", [], 0), 0
    events = list(events)
    for event in events:
        tokens += event.get("usage", {}).get("output_tokens") or 0
        tokens += event.get("message", {}).get("usage", {}).get("output_tokens") or 0
    answer = stream(events)
    answer.tokens = tokens
    return answer


def test_equal_results_pass() -> None:
    assert check_same(stream, plain, seed=0, max_examples=50).examples == 50


def test_other_results_are_found_and_shrunk() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_same(adds_up, plain, seed=0, max_examples=50)
    assert found.value.finding.field == "tokens"
    assert len(found.value.events) == 3
    pasted: dict[str, Any] = {}
    exec(found.value.code, pasted)
    with pytest.raises(AccumulatorMismatch):
        pasted["test_adds_up"]()


def test_fields_can_be_ignored_and_streams_filtered() -> None:
    check_same(adds_up, plain, seed=0, max_examples=20, ignore=["tokens"])
    check_same(stream, plain, seed=0, max_examples=20, assume=lambda events: len(events) > 4)
    check_same_stream(adds_up, plain, long_stream("text", 3), ignore=["tokens"])
    with pytest.raises(AccumulatorMismatch) as found:
        check_same_stream(adds_up, plain, long_stream("text", 3), ignore=["calls"])
    assert "ignore=('calls',)" in found.value.code


def test_a_stream_without_a_message_must_be_refused() -> None:
    with pytest.raises(AccumulatorMismatch, match="accepts a fault"):
        check_same_stream(lambda events: {}, plain, [])


def test_shared_parts_show() -> None:
    shared = Answer("", [], 0)

    def accumulate(events: Any) -> Answer:
        shared.__dict__.update(stream(events).__dict__)
        return shared

    with pytest.raises(AccumulatorMismatch, match="changes an earlier result"):
        check_same_stream(accumulate, plain, long_stream("text", 3))
