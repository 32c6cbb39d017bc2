"""Hostile streams cost in proportion to their bytes, and to the snapshots that are read.

Each case is a family of streams of any length. Folding a stream four times as long may take four
times as long, and eight times at most on a noisy machine; quadratic work takes sixteen times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    InvalidToolInputError,
    ProtocolError,
    Snapshot,
    StreamState,
    encode_sse,
    feed,
    fold,
)
from streamfold.reducer.parked import parked_at, parked_blocks, with_parked
from streamfold.reducer.snapshot import MAX_UNFOLDED, size_of

from tests.support.effort import effort
from tests.support.events import (
    Event,
    block_delta,
    block_start,
    block_stop,
    input_delta,
    message_delta,
    message_start,
    text_delta,
    tool_start,
)
from tests.support.model import Model

LARGE = {f"key {number}": [number] for number in range(2000)}


def new_usage_keys(count: int) -> Iterator[Event]:
    yield message_start(usage={"input_tokens": 1})
    for number in range(count):
        yield message_delta(None, usage={f"tokens_{number}": number})


def blocks_that_never_stop(count: int) -> Iterator[Event]:
    yield message_start()
    for index in range(count):
        yield block_start(index, "text", text="")


def deltas_of_blocks_that_never_stop(count: int) -> Iterator[Event]:
    yield from blocks_that_never_stop(count)
    for index in range(count):
        yield text_delta(index, "x")


def blocks_that_stop_last(count: int) -> Iterator[Event]:
    yield from blocks_that_never_stop(count)
    for index in range(count):
        yield block_stop(index)


def a_large_head(count: int) -> Iterator[Event]:
    yield message_start(unknown=LARGE, diagnostics=LARGE)
    for number in range(count):
        yield message_delta("end_turn" if number % 2 else None, usage={"output_tokens": number})


def a_large_block(count: int) -> Iterator[Event]:
    yield message_start()
    yield block_start(0, "compaction", content=None, unknown=LARGE)
    for number in range(count):
        yield block_delta(0, "compaction_delta", content=str(number))


FOLDED: dict[str, tuple[Callable[[int], Iterator[Event]], int]] = {
    "a new usage key each time": (new_usage_keys, 1500),
    "blocks that never stop": (blocks_that_never_stop, 1500),
    "deltas of blocks that never stop": (deltas_of_blocks_that_never_stop, 800),
    "blocks that stop last": (blocks_that_stop_last, 800),
    "a large head": (a_large_head, 500),
    "a large block": (a_large_block, 500),
}


def seconds(work: Callable[[], object]) -> float:
    """The shortest of three runs."""
    times: list[float] = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("name", FOLDED)
def test_a_stream_four_times_as_long_takes_four_times_as_long(name: str) -> None:
    events, count = FOLDED[name]
    short, long = list(events(count)), list(events(4 * count))
    assert seconds(lambda: fold(long)) < 8 * seconds(lambda: fold(short))


@pytest.mark.parametrize("name", FOLDED)
def test_such_a_stream_is_folded_as_the_model_says(name: str) -> None:
    events, model = list(FOLDED[name][0](70)), Model()
    for event in events:
        model.step(event)
    snapshot = fold(events)
    assert snapshot.message is not None
    assert snapshot.message.to_dict() == model.message
    assert Snapshot.from_dict(snapshot.to_dict()) == snapshot


# --- reading each snapshot ------------------------------------------------------------------------


def halves(count: int) -> list[Event]:
    pieces = ("\ud83d", "\ude00", "\ud83d", "x")
    deltas = [text_delta(0, pieces[number % 4]) for number in range(count)]
    return [message_start(), block_start(0, "text", text=""), *deltas]


def keys(count: int) -> list[Event]:
    deltas = [
        input_delta(0, f'{"," if number else "{"}"key {number}":1') for number in range(count)
    ]
    return [message_start(), tool_start(0), *deltas]


def citations(count: int) -> list[Event]:
    citation = {"type": "odd", "cited_text": "x", "n": [1, 2, 3]}
    deltas = [block_delta(0, "citations_delta", citation=citation) for _ in range(count)]
    return [message_start(), block_start(0, "text", text="", citations=None), *deltas]


def microseconds_per_item(events: list[Event], items: Callable[[Any], int]) -> float:
    """The time to read each snapshot, for each item that was handed out."""
    start, handed_out, state = time.process_time(), 0, StreamState()
    for event in events:
        state, _ = feed(state, encode_sse([event]))
        message = state.snapshot.message
        if message is not None and message.content:
            handed_out += items(message.content[0])
    return (time.process_time() - start) / handed_out * 1e6


@pytest.mark.parametrize(
    ("events", "items", "most"),
    [
        (halves(6000), lambda block: len(block.text), 0.04),
        (keys(3000), lambda block: len(block.input), 0.5),
        (citations(3000), lambda block: len(block.citations or ()), 0.2),
    ],
    ids=["halves", "keys", "citations"],
)
def test_reading_each_snapshot_costs_what_is_handed_out(
    events: list[Event], items: Callable[[Any], int], most: float
) -> None:
    assert microseconds_per_item(events, items) < most


def test_a_head_can_be_read_after_each_delta() -> None:
    count, snapshot = 200, fold([message_start(usage={"input_tokens": 1})])
    heads = [snapshot]
    for event in new_usage_keys(count):
        if event["type"] == "message_delta":
            heads.append(fold([event], heads[-1]))
    for at in (count, 3, 150, 0):
        message = heads[at].message
        assert message is not None
        assert len(message.usage) == 1 + at
    branch = fold([message_delta("end_turn", usage={"input_tokens": 9})], heads[5])
    assert branch.message is not None
    assert (branch.message.usage.input_tokens, len(branch.message.usage)) == (9, 6)
    assert len(heads[-1].message.usage) == 1 + count  # type: ignore[union-attr]
    assert hash(heads[2]) == hash(Snapshot.from_dict(heads[2].to_dict()))


# --- the tree of parked blocks --------------------------------------------------------------------


@effort(200)
@given(
    st.lists(
        st.tuples(st.integers(0, 40) | st.integers(0, 2**30 - 1), st.none() | st.text(max_size=2))
    )
)
def test_parked_blocks_are_a_mapping(changes: list[tuple[int, str | None]]) -> None:
    tree, expected = None, dict[int, str]()
    for index, block in changes:
        tree = with_parked(tree, index, block)
        expected.pop(index, None)
        if block is not None:
            expected[index] = block
    assert list(parked_blocks(tree)) == [expected[index] for index in sorted(expected)]
    assert all(parked_at(tree, index) == expected.get(index) for index, _ in changes)
    assert (tree is None) is (not expected)
    for index in (-1, 2**30, 7):
        assert parked_at(tree, index) == expected.get(index)


# --- events that cannot be folded -----------------------------------------------------------------

odd_events = st.sampled_from(
    [
        {"type": "odd", "text": "x" * 300_000},
        {"type": "odd", "list": [0] * 5000},
        {"type": "odd", "object": {f"key {n}": {} for n in range(3000)}},
        block_delta(0, "odd_delta", text="y" * 300_000),
    ]
)


@effort(20)
@given(odd_events, st.sampled_from(["before", "inside", "after"]))
def test_events_that_cannot_be_folded_are_kept_to_a_bound(event: Event, where: str) -> None:
    before = {
        "before": [],
        "inside": [message_start(), block_start(0, "text", text="")],
        "after": [message_start(), message_delta(), {"type": "message_stop"}],
    }[where]
    snapshot, fault = fold(before), None
    while fault is None:
        try:
            snapshot = fold([event], snapshot)
        except ProtocolError as error:
            fault = error
    assert "events that cannot be folded take more than" in str(fault)
    assert fault.snapshot == snapshot
    kept = len(snapshot.unfolded)
    assert kept * len(encode_sse([event])) < 3 * MAX_UNFOLDED
    assert sum(map(size_of, snapshot.unfolded)) <= MAX_UNFOLDED


def test_each_json_value_of_an_event_counts() -> None:
    values = ["four", 1.5, None, HTTPStatus.OK]
    (kept,) = fold([{"type": "odd", "list": values, "object": {"key": True}}]).unfolded
    assert size_of(kept) == 256 + 7 * 64 + len("four") + len("key")


def test_a_finished_input_that_is_not_json_is_refused() -> None:
    events = [message_start(), tool_start(0), input_delta(0, '{"a":NaN,"b":1e999}'), block_stop(0)]
    with pytest.raises(InvalidToolInputError, match="NaN is not JSON"):
        fold(events)
