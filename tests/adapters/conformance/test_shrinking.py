"""Smaller inputs: without the parts that a defect does not need, with those of the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from streamfold.adapters.conformance import Finding, lint
from streamfold.adapters.conformance.accumulators import AccumulatorSubject
from streamfold.adapters.conformance.emitters import EmitterSubject
from streamfold.adapters.conformance.shrinking import (
    _REQUIRED_OF_BLOCKS,
    simpler_messages,
    simpler_streams,
    smaller,
)
from streamfold.adapters.strategies import FAULTS, broken, messages, raw_events
from streamfold.reducer import fold

from tests.support.conformance import STREAM
from tests.support.effort import effort
from tests.support.events import block_delta, block_start, block_stop, message_delta
from tests.support.planted.accumulators import AddsUpTotals, Right

PING = {"type": "ping"}


def size(value: Any) -> int:
    return len(json.dumps(value))


@effort(200)
@given(raw_events(unknown=True) | raw_events() | broken(faults=FAULTS).map(lambda one: one.events))
def test_a_simpler_stream_is_shorter_and_breaks_no_further_rule(events: list[Any]) -> None:
    before = json.dumps(events)
    for simpler in simpler_streams(events):
        assert size(simpler) < len(before)
        assert len(lint(simpler)) <= len(lint(events))
    assert json.dumps(events) == before


@effort(100)
@given(raw_events())
def test_a_simpler_stream_keeps_the_fields_that_the_api_always_sends(events: list[Any]) -> None:
    for simpler in simpler_streams(events):
        message = simpler[0]["message"]
        assert {"id", "model", "role", "content", "stop_reason", "usage"} <= message.keys()
        assert {"input_tokens", "output_tokens"} <= message["usage"].keys()
        signed = [event.get("delta", {}).get("type") for event in simpler].count("signature_delta")
        thought = [event.get("content_block", {}).get("type") for event in simpler]
        assert signed == thought.count("thinking")


@effort(100)
@given(messages())
def test_a_simpler_message_is_shorter(message: Any) -> None:
    for simpler in simpler_messages(message):
        assert size(simpler) < size(message)
        assert {"id", "model", "role", "stop_reason", "usage", "content"} <= simpler.keys()
        called = any(block["type"] == "tool_use" for block in simpler["content"])
        assert simpler["stop_reason"] != "tool_use" or called


def tool(index: int, *pieces: str) -> list[Any]:
    return [
        block_start(index, "tool_use", id=f"toolu_{index}", name="f", input={}, caller=None),
        *(block_delta(index, "input_json_delta", partial_json=piece) for piece in pieces),
        block_stop(index),
    ]


def crowded() -> list[Any]:
    """A stream with a part of every kind that most defects do not need."""
    start = json.loads(json.dumps(STREAM[0]))
    start["message"].update(container=None, stop_sequence=None)
    start["message"]["usage"]["service_tier"] = "standard"
    return [
        start,
        PING,
        *STREAM[1:4],
        *tool(1, "", "{}"),
        PING,
        {**message_delta("tool_use", usage={"output_tokens": 2, "input_tokens": 1}), "odd": 1},
        STREAM[-1],
    ]


def test_nothing_remains_but_the_required_parts() -> None:
    subject = AccumulatorSubject(AddsUpTotals.accumulate)
    finding = Finding("differs", crowded(), field="usage.output_tokens")
    start, last, stop = smaller(subject, finding).given
    assert start["message"].keys() == {*STREAM[0]["message"], "stop_sequence"}
    assert start["message"]["usage"] == {"input_tokens": 1, "output_tokens": 1}
    assert last["delta"]["stop_reason"] == "end_turn"  # the call is gone
    assert last.keys() == {"type", "delta", "usage"}
    assert last["usage"] == {"output_tokens": 2}
    assert stop == STREAM[-1]


def test_the_parts_that_a_defect_needs_remain() -> None:
    def accumulate(events: Any) -> Any:
        events = list(events)
        message = Right.accumulate(events)
        kinds = [event["type"] for event in events]
        tiers = [event for event in events if "service_tier" in json.dumps(event)]
        return (
            {**message, "id": "x"}
            if "ping" in kinds and tiers and kinds.count("content_block_delta") > 1
            else message
        )

    finding = Finding("differs", crowded(), field="id")
    given = smaller(AccumulatorSubject(accumulate), finding).given
    kinds = [event["type"] for event in given]
    assert kinds.count("ping") == 1
    assert kinds.count("content_block_delta") == 2
    assert kinds.count("content_block_start") == 1
    assert given[0]["message"]["usage"].keys() == {*STREAM[0]["message"]["usage"], "service_tier"}
    assert "container" not in given[0]["message"]


@pytest.mark.parametrize(("tries", "left"), [(0, len(crowded())), (1, len(crowded()) - 3)])
def test_so_many_inputs_are_tried(tries: int, left: int) -> None:
    subject = AccumulatorSubject(AddsUpTotals.accumulate)
    finding = Finding("differs", crowded(), field="usage.output_tokens")
    assert len(smaller(subject, finding, tries=tries).given) == left


def test_every_smaller_input_is_accepted_by_the_condition() -> None:
    subject = AccumulatorSubject(AddsUpTotals.accumulate)
    finding = Finding("differs", crowded(), field="usage.output_tokens")
    left = smaller(subject, finding, lambda events: PING in events).given
    assert [event["type"] for event in left].count("ping") == 1


def test_a_stream_with_values_that_are_not_events() -> None:
    odd = [*crowded(), "{", 1, {"type": "content_block_start", "index": 2, "content_block": None}]
    odd.append({"type": "message_start", "message": None})
    odd.append({"type": "message_delta", "delta": None, "usage": None})
    for simpler in simpler_streams(odd):
        assert size(simpler) < size(odd)


def test_a_message_loses_its_optional_fields() -> None:
    message = fold(crowded()).message
    assert message is not None
    emitter = EmitterSubject(lambda message: [])
    simpler = [given[0] for given in emitter.simpler([message.to_dict()])]
    assert any("container" not in one for one in simpler)
    assert any("service_tier" not in one["usage"] for one in simpler)
    assert any("caller" not in one["content"][-1] for one in simpler if len(one["content"]) == 2)


def test_fields_that_may_be_null_are_kept() -> None:
    """They have a default here, but the API sends them in every block."""
    fields = {"thinking": "signature", "compaction": "content", "fallback": "trigger"}
    for kind, field in fields.items():
        assert field in _REQUIRED_OF_BLOCKS[kind]
        assert "type" in _REQUIRED_OF_BLOCKS[kind]
