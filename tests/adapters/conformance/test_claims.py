"""Claims: the claimed part of a message, and checks that compare nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from streamfold.adapters.conformance import (
    CHAT_CLAIMS,
    GA_CLAIMS,
    AccumulatorMismatch,
    check_accumulator,
    check_stream,
)
from streamfold.adapters.conformance.claims import claimed
from streamfold.reducer import fold

from tests.support.events import MESSAGE_STOP, block_start, block_stop, message_delta, message_start
from tests.support.planted import accumulators

MESSAGE = {
    "id": "msg_1",
    "usage": {"output_tokens": 3, "input_tokens": 1},
    "content": [{"type": "text", "text": "Hi", "citations": None}, {"type": "new"}, "odd"],
}


@pytest.mark.parametrize(
    ("claims", "part"),
    [
        ({}, {"content": []}),
        ({"text": ["text"]}, {"content": [{"type": "text", "text": "Hi"}]}),
        ({"text": "*"}, {"content": [MESSAGE["content"][0]]}),
        ({"message": ["id", "model"]}, {"id": "msg_1", "content": []}),
        (
            {"message": ["usage.output_tokens", "usage.x.y", "id.x"]},
            {"usage": {"output_tokens": 3}, "content": []},
        ),
        (
            {"message": ["usage.output_tokens", "usage.input_tokens"]},
            {"usage": {"output_tokens": 3, "input_tokens": 1}, "content": []},
        ),
    ],
)
def test_the_claimed_part(claims: Any, part: Any) -> None:
    assert claimed(MESSAGE, claims) == part


def test_a_result_that_is_not_a_message_is_compared_as_it_is() -> None:
    assert claimed([1], CHAT_CLAIMS) == [1]
    assert claimed({"content": "Hi"}, {}) == {"content": "Hi"}


_CHAT_FIELDS = ("type", "text", "id", "name", "input")


def accumulate_chat(events: Any) -> Any:
    """Texts, calls and the stop reason, in another order of keys."""
    message: Any = fold(events).message
    content = [
        {
            key: block.to_dict()[key]
            for key in ("type", "text", "id", "name", "input")
            if key in block
        }
        for block in message.content
        if block.type in ("text", "tool_use")
    ]
    return {"stop_reason": message.stop_reason, "content": content}


def test_unclaimed_blocks_stay_in_the_streams_and_are_not_compared() -> None:
    check_accumulator(accumulate_chat, seed=0, max_examples=50, claims=CHAT_CLAIMS, growth=False)
    with pytest.raises(AccumulatorMismatch):
        check_accumulator(accumulate_chat, seed=0, max_examples=50, growth=False)


def test_a_bug_in_a_claimed_field_is_found() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_accumulator(
            accumulators.LeavesTheInputAsText.accumulate,
            seed=0,
            max_examples=50,
            claims=CHAT_CLAIMS,
            first=True,
            growth=False,
        )
    assert found.value.finding.field == "content[tool_use].input"
    assert "claims=CHAT_CLAIMS" in found.value.code
    pasted: dict[str, Any] = {}
    exec(found.value.code, pasted)
    with pytest.raises(AccumulatorMismatch, match="input"):
        pasted["test_accumulate"]()


def test_claims_of_ones_own_stand_in_the_pasted_test() -> None:
    stream = [
        message_start(stop_reason=None, usage={"input_tokens": 1, "output_tokens": 1}),
        message_delta(usage={"output_tokens": 2}),
        MESSAGE_STOP,
    ]
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(lambda events: {}, stream, claims={"message": ("stop_reason",)})
    assert "claims={'message': ('stop_reason',)}" in found.value.code


def test_beta_fields_are_not_claimed_by_the_ga_interface() -> None:
    stream = [
        message_start(stop_reason=None, usage={"input_tokens": 1, "output_tokens": 1}),
        block_start(0, "compaction", content="a"),
        block_stop(0),
        message_delta("compaction", usage={"output_tokens": 2}),
        MESSAGE_STOP,
    ]

    def accumulate(events: Any) -> Any:
        message = accumulators.Right.accumulate(events)
        return {**message, "content": []}

    check_stream(accumulate, stream, claims=GA_CLAIMS)
    with pytest.raises(AccumulatorMismatch):
        check_stream(accumulate, stream)


def test_a_condition_filters_the_streams() -> None:
    seen: list[int] = []

    def accumulate(events: Any) -> Any:
        events = list(events)
        seen.append(len(events))
        return accumulators.Right.accumulate(events)

    check_accumulator(
        accumulate,
        seed=0,
        max_examples=20,
        growth=False,
        faults=["cut"],
        assume=lambda events: len(events) > 6,
    )
    assert min(seen[1:]) > 6  # the first call is that of the shortest stream, before the run
