"""Streams: they fold to their message, reach every way to stream it, and shrink."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pydantic
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from streamfold.adapters.conformance import lint
from streamfold.adapters.strategies import (
    BLOCKS,
    UNUSUAL,
    WAYS,
    messages,
    raw_events,
    without_local_constants,
)
from streamfold.reducer import (
    Snapshot,
    fold,
)

from tests.support.effort import effort, is_thorough
from tests.support.model import Model
from tests.support.stream_queries import (
    Event,
    block_of,
    citation_where,
    cut_matching,
    deltas,
    ends_in_a_tool,
    has_block,
    is_interleaved,
    last_delta,
    least,
    of_type,
    one_character_each,
    pinged,
    spoil,
)

MODES = ["on", "trailing-strings"]
TOOLS = ("tool_use", "server_tool_use", "mcp_tool_use")


# --- folding ------------------------------------------------------------------------------------


@effort(200)
@given(data=st.data(), unknown=st.booleans(), is_whole=st.booleans())
def test_the_events_of_a_message_fold_to_it(
    data: st.DataObject, unknown: bool, is_whole: bool
) -> None:
    message = data.draw(messages(unknown=unknown))
    if not is_whole:
        message["stop_reason"] = None
    before = copy.deepcopy(message)
    events = data.draw(raw_events(message, unknown=unknown))
    for mode in MODES:
        snapshot = fold(events, Snapshot(partial_mode=mode))
        assert snapshot.message.to_dict() == message
        assert snapshot.is_over is snapshot.is_complete is is_whole
    model = Model()
    model.steps(events)
    assert model.message == message
    for event in events:
        spoil(event)
    assert message == before  # nothing is shared with it


@effort(150)
@given(raw_events() | raw_events(unknown=True) | raw_events(ways=WAYS, unusual=UNUSUAL))
def test_any_stream_is_valid(events: list[Event]) -> None:
    model = Model()
    model.steps(events)
    snapshot = fold(events)
    assert snapshot.message.to_dict() == model.message
    assert snapshot.is_complete
    assert snapshot.is_over


# --- coverage -----------------------------------------------------------------------------------


REACHED: dict[str, Callable[[list[Event]], bool]] = {
    **{kind: has_block(kind) for kind in BLOCKS},
    "an empty message": lambda events: not of_type(events, "content_block_start"),
    "five blocks": lambda events: len(of_type(events, "content_block_start")) == 5,
    "interleaved": is_interleaved,
    "empty text deltas": lambda events: "" in deltas(events, "text_delta", "text"),
    "empty input deltas": lambda events: "" in deltas(events, "input_json_delta", "partial_json"),
    "several text deltas": lambda events: len(deltas(events, "text_delta", "text")) > 1,
    "one character each": one_character_each,
    "halves in text": cut_matching("[\ud800-\udbff]$", "text_delta", "text"),
    "halves in thinking": cut_matching("[\ud800-\udbff]$", "thinking_delta", "thinking"),
    "halves in input": cut_matching("[\ud800-\udbff]$", "input_json_delta", "partial_json"),
    "an escape cut": cut_matching(r"(^|[^\\])\\$", "input_json_delta", "partial_json"),
    "a \\u escape cut": cut_matching(r"\\u.{0,3}$", "input_json_delta", "partial_json"),
    "escaped halves cut": cut_matching(
        r"\\ud8..(\\(u.{0,3})?)?$", "input_json_delta", "partial_json"
    ),
    "a ping": lambda events: bool(of_type(events, "ping")),
    "a ping between deltas": pinged("dpd"),
    "citations before text": citation_where("before"),
    "citations between text": citation_where("between"),
    "citations after text": citation_where("after"),
    "a signature": lambda events: bool(deltas(events, "signature_delta", "signature")),
    "a block that has text when it starts": lambda events: any(
        start["content_block"].get("text") for start in of_type(events, "content_block_start")
    ),
    "a compaction delta": lambda events: bool(deltas(events, "compaction_delta", "type")),
    "a count left out": lambda events: "input_tokens" not in last_delta(events)["usage"],
    "a count null": lambda events: None in (last_delta(events).get("usage") or {}).values(),
    "a stop sequence": lambda events: last_delta(events)["delta"].get("stop_sequence") is not None,
    "max_tokens in a tool": ends_in_a_tool,
    "several message_deltas": lambda events: len(of_type(events, "message_delta")) > 1,
    "a late container": lambda events: "container" in last_delta(events)["delta"],
}


def finished(events: list[Event]) -> list[dict[str, Any]]:
    """The finished blocks."""
    message: dict[str, Any] = fold(events).message.to_dict()
    content: list[dict[str, Any]] = message["content"]
    return content


def depth_of(value: Any) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, inner), default=0)


def has_exact_integer(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return any(map(has_exact_integer, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and value != int(float(value))


def inputs(events: list[Event]) -> list[Any]:
    return [block["input"] for block in finished(events) if block["type"] in TOOLS]


def nested_counts_grow(events: list[Event]) -> bool:
    first = events[0]["message"]["usage"]
    last = fold(events).message.to_dict()["usage"]
    return any(
        isinstance(first.get(key), dict) and first[key] != last[key]
        for key in ("server_tool_use", "output_tokens_details")
    )


REACHED_BY_DEFAULT: dict[str, Callable[[list[Event]], bool]] = {
    **{kind: has_block(kind) for kind in BLOCKS},
    "no blocks": lambda events: not of_type(events, "content_block_start"),
    "a client tool": has_block("tool_use"),
    "three client tools": lambda events: (
        [block["type"] for block in finished(events)].count("tool_use") > 2
    ),
    "indexes of two digits": lambda events: len(finished(events)) > 10,
    "a text longer than a line": lambda events: any(
        len(block["text"]) > 100 for block in finished(events) if block["type"] == "text"
    ),
    "a text of several lines": lambda events: any(
        block["text"].count("\n") > 2 for block in finished(events) if block["type"] == "text"
    ),
    "equal consecutive deltas": lambda events: any(
        one["type"] == other["type"] == "content_block_delta" and one == other
        for one, other in itertools.pairwise(events)
    ),
    "an integer that no float holds": lambda events: any(map(has_exact_integer, inputs(events))),
    "a deep input": lambda events: any(depth_of(each) > 10 for each in inputs(events)),
    "an empty input": lambda events: {} in inputs(events),
    "an empty first delta": lambda events: "" in deltas(events, "input_json_delta", "partial_json"),
    "two signed blocks": lambda events: (
        len({b["signature"] for b in finished(events) if b["type"] == "thinking"}) > 1
    ),
    "nested counts that grow": nested_counts_grow,
    "several message_deltas": REACHED["several message_deltas"],
    "a ping": REACHED["a ping"],
    "a count left out": REACHED["a count left out"],
    "a count null": REACHED["a count null"],
    "a stop sequence": REACHED["a stop sequence"],
    "citations after text": REACHED["citations after text"],
}

REACHED_IF_UNKNOWN: dict[str, Callable[[list[Event]], bool]] = {
    "unknown blocks": lambda events: any(
        start["content_block"]["type"] not in BLOCKS
        for start in of_type(events, "content_block_start")
    ),
    "unknown deltas": lambda events: any(
        event["delta"]["type"] in ("sparkle_delta", "", "text")
        for event in of_type(events, "content_block_delta")
    ),
    "unknown events": lambda events: any(
        not re.match("message_|content_block_|ping", event["type"]) for event in events
    ),
    "unknown fields of events": lambda events: any(
        set(stop) > {"type", "index"} for stop in of_type(events, "content_block_stop")
    ),
    "unknown fields of deltas": lambda events: any(
        len(delta) > 2
        for index in range(5)
        for delta in block_of(events, index)
        if delta["type"] in ("text_delta", "input_json_delta", "thinking_delta")
    ),
    "an input that is not an object": lambda events: any(
        text[:1] not in ("{", "") for text in deltas(events, "input_json_delta", "partial_json")
    ),
    "no usage": lambda events: "usage" not in events[0]["message"],
    "usage left out": lambda events: "usage" not in last_delta(events),
    "usage null": lambda events: last_delta(events).get("usage", 0) is None,
    "output tokens left out": lambda events: (
        "output_tokens" not in (last_delta(events).get("usage") or {})
    ),
}


REACHABLE: dict[str, tuple[st.SearchStrategy[Any], dict[str, Callable[[Any], bool]]]] = {
    "default": (raw_events(), REACHED_BY_DEFAULT),
    "known": (raw_events(ways=WAYS, unusual=UNUSUAL), REACHED),
    "unknown": (raw_events(unknown=True), REACHED_IF_UNKNOWN),
}


class EnoughError(BaseException):
    """Further streams change nothing. Not an `Exception`, so that Hypothesis lets it pass."""


@pytest.mark.thorough  # 400 streams of each kind take long to draw
@pytest.mark.parametrize("drawn", REACHABLE if is_thorough() else ["default"])
def test_one_of_200_streams_reaches_it(drawn: str) -> None:
    strategy, what = REACHABLE[drawn]
    counted: Counter[str] = Counter()

    def rare() -> dict[str, int]:
        return {name: counted[name] for name in what if counted[name] < 2}

    @settings(max_examples=400, derandomize=True, database=None, phases=[Phase.generate])
    @given(strategy)
    def count(events: list[Event]) -> None:
        counted.update(name for name, is_reached in what.items() if is_reached(events))
        if not rare():
            raise EnoughError

    # without local constants, or the streams depend on the modules that are loaded
    with without_local_constants(), suppress(EnoughError):
        count()
    # Hypothesis repeats itself: the frequency varies too much in 200 streams.
    assert rare() == {}


# --- options ------------------------------------------------------------------------------------


@effort(60)
@given(data=st.data(), blocks=st.sets(st.sampled_from(BLOCKS)))
def test_only_these_blocks_come(data: st.DataObject, blocks: set[str]) -> None:
    events = data.draw(raw_events(blocks=blocks))
    starts = of_type(events, "content_block_start")
    assert {start["content_block"]["type"] for start in starts} <= blocks
    message = data.draw(messages(blocks=blocks))
    assert {block["type"] for block in message["content"]} <= blocks


NOT_SO: dict[str, Callable[[list[Event]], bool]] = {
    "cut": lambda events: any(
        len([d for d in block_of(events, index) if d["type"] == kind and "" not in d.values()]) > 1
        for index in range(6)
        for kind in ("text_delta", "thinking_delta", "input_json_delta")
    ),
    "empty": lambda events: (
        "" in deltas(events, "text_delta", "text") + deltas(events, "thinking_delta", "thinking")
        or any(
            {"type": "input_json_delta", "partial_json": ""} in block_of(events, index)[1:]
            for index in range(6)
        )
    ),
    "first_empty": lambda events: "" in deltas(events, "input_json_delta", "partial_json"),
    "signatures": lambda events: any(
        [delta["type"] for delta in block_of(events, index)].count("signature_delta") > 1
        for index in range(6)
    ),
    "halves": lambda events: any("\ud800" <= each <= "\udfff" for each in repr_of(events)),
    "started": lambda events: any(
        start["content_block"].get("text") or start["content_block"].get("input")
        for start in of_type(events, "content_block_start")
    ),
    "interleaved": is_interleaved,
    "pings": REACHED["a ping"],
    "open_tool": ends_in_a_tool,
    "deltas": REACHED["several message_deltas"],
    "usage": lambda events: any(
        started_usage(events).get(key, "none") != total
        for key, total in last_delta(events)["usage"].items()
    ),
}


def repr_of(events: list[Event]) -> str:
    return json.dumps(events, ensure_ascii=False)


def started_usage(events: list[Event]) -> dict[str, Any]:
    usage: dict[str, Any] = events[0]["message"]["usage"]
    return usage


@pytest.mark.thorough
@pytest.mark.parametrize("way", WAYS)
def test_a_way_that_is_left_out_is_not_used(way: str) -> None:
    implied = {"first_empty": ["empty"]}  # any delta may be empty, the first one too

    @effort(30)
    @given(raw_events(ways=[other for other in WAYS if other not in (way, *implied.get(way, []))]))
    def check(events: list[Event]) -> None:
        assert not NOT_SO[way](events)

    check()


@effort(60)
@given(raw_events(ways=()))
def test_without_ways_blocks_come_one_after_another(events: list[Event]) -> None:
    indexes = [event["index"] for event in events if "index" in event]
    assert indexes == sorted(indexes)
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]


@effort(60)
@given(raw_events() | raw_events(ways=WAYS, unusual=UNUSUAL))
def test_every_event_is_of_the_types_that_the_api_has(events: list[Event]) -> None:
    types = pytest.importorskip("anthropic.types.beta")
    api = pydantic.TypeAdapter(types.BetaRawMessageStreamEvent)
    for event in events:
        if event["type"] != "ping":
            api.validate_python(event)


@effort(100)
@given(raw_events())
def test_counts_do_not_shrink(events: list[Event]) -> None:
    totals = [events[0]["message"], *of_type(events, "message_delta")]
    for name in ("input_tokens", "output_tokens"):
        counts = [each["usage"][name] for each in totals if each["usage"].get(name) is not None]
        assert counts == sorted(counts)


@effort(60)
@given(raw_events(unknown=True) | raw_events())
def test_a_tool_has_an_id_of_its_own(events: list[Event]) -> None:
    blocks = [start["content_block"] for start in of_type(events, "content_block_start")]
    ids = [block["id"] for block in blocks if block["type"] in TOOLS]
    assert len(ids) == len(set(ids))


@effort(60)
@given(raw_events())
def test_required_counts_are_always_there(events: list[Event]) -> None:
    assert started_usage(events).keys() >= {"input_tokens", "output_tokens"}
    totals = [event["usage"]["output_tokens"] for event in of_type(events, "message_delta")]
    assert all(isinstance(count, int) for count in totals)


# --- shrinking ----------------------------------------------------------------------------------


SHRUNK: dict[str, tuple[Callable[[list[Event]], Any], int]] = {
    "two deltas": (lambda events: any(len(block_of(events, index)) > 1 for index in range(6)), 7),
    "interleaved": (is_interleaved, 8),
    "a character in halves": (REACHED["halves in text"], 7),
    "a count left out": (REACHED["a count left out"], 3),
}


@pytest.mark.thorough
@pytest.mark.parametrize("feature", SHRUNK)
def test_a_failure_shrinks_to_the_events_that_matter(feature: str) -> None:
    is_reached, most = SHRUNK[feature]
    blocks: list[Any] = ["text", "tool_use"] if is_thorough() else ["text"]
    ways: list[Any] = ["cut", "halves", "usage", "interleaved"]
    streams = raw_events(blocks=blocks, ways=ways, unusual=UNUSUAL)
    with without_local_constants():  # or the result depends on the modules that are loaded
        assert len(least(streams, is_reached)) <= most


@effort(100)
@given(raw_events())
def test_a_default_stream_breaks_no_rule(events: list[Event]) -> None:
    assert lint(events, must_stop=True) == ()
