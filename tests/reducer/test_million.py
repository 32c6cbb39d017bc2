"""Long streams: many deltas, each folded in constant time, without recursion.

The profile `default` folds a hundred thousand deltas, and `thorough` a million.
"""

from __future__ import annotations

import copy
import gc
import json
import pickle
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from streamfold.reducer import (
    Snapshot,
    StreamState,
    encode_sse,
    feed,
    finish,
    fold,
)

from tests.support.effort import is_thorough
from tests.support.events import (
    MESSAGE_STOP,
    block_start,
    block_stop,
    message_delta,
    message_start,
    tool_start,
)

pytestmark = pytest.mark.thorough

MANY = 1_000_000 if is_thorough() else 100_000
KEPT = MANY // 5
PER_CHUNK = 1000


def deltas(kind: str, field: str, text: str, count: int) -> bytes:
    """The body of `count` deltas of block 0."""
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: text}}
    return encode_sse([data]) * count


@pytest.fixture(scope="module")
def long_stream() -> Iterator[tuple[StreamState, list[Any]]]:
    """The state after `MANY` deltas of text, and the events of the first `KEPT`."""
    state, _ = feed(StreamState(), encode_sse([message_start(), block_start(0, "text", text="")]))
    chunk = deltas("text_delta", "text", "word ", PER_CHUNK)
    kept: list[Any] = []
    for fed in range(0, MANY, PER_CHUNK):
        state, events = feed(state, chunk)
        if fed < KEPT:
            kept += events
    yield state, kept
    kept.clear()  # freed here, so that a failure names this fixture
    gc.collect()


def test_many_deltas_fold(long_stream: tuple[StreamState, list[Any]]) -> None:
    state, _ = long_stream
    message = state.snapshot.message
    assert message is not None
    assert message.content[0].text == "word " * MANY
    state, events = feed(state, encode_sse([block_stop(0), message_delta(), MESSAGE_STOP]))
    assert finish(state) == events[-1].message
    assert len(finish(state).content[0].text) == 5 * MANY


def test_every_kept_event_is_what_it_was(long_stream: tuple[StreamState, list[Any]]) -> None:
    _, kept = long_stream
    assert len(kept) == 2 * KEPT
    assert {event.type for event in kept} == {"content_block_delta", "text"}
    for number in (0, 1, 2, 1000, KEPT - 1, 7):  # older snapshots after newer ones, too
        event = kept[2 * number + 1]
        assert event.text == "word "
        assert event.snapshot == "word " * (number + 1)


def test_a_long_stream_prints_shortly(long_stream: tuple[StreamState, list[Any]]) -> None:
    state, kept = long_stream
    assert len(repr(state.snapshot)) < 100
    assert max(len(repr(event)) for event in kept[::5]) < 200
    assert max(len(repr(event)) for event in kept[1::10]) < 200
    assert repr(kept[-1]) == "TextEvent(text='word ', snapshot='…" + "word " * 8 + "')"


def test_a_long_stream_pickles_and_copies(long_stream: tuple[StreamState, list[Any]]) -> None:
    state, kept = long_stream
    data = pickle.dumps((state, kept))
    assert len(data) < 60 * MANY  # proportional to the stream, not to its square
    other_state, other_kept = pickle.loads(data)
    assert other_state == state
    assert len(other_kept) == len(kept)
    assert all(mine == theirs for mine, theirs in zip(kept[:200], other_kept, strict=False))
    assert other_kept[-1] == kept[-1]
    assert other_kept[-1].snapshot == kept[-1].snapshot
    assert copy.deepcopy(kept[:1000])[-1] == kept[999]
    assert copy.copy(state) == state


def test_a_long_stream_goes_to_json_and_back(long_stream: tuple[StreamState, list[Any]]) -> None:
    state, _ = long_stream
    restored = StreamState.from_dict(json.loads(json.dumps(state.to_dict())))
    assert restored == state
    more = deltas("text_delta", "text", "!", 1)
    assert feed(restored, more) == feed(state, more)


def test_an_old_snapshot_can_be_gone_on_from(long_stream: tuple[StreamState, list[Any]]) -> None:
    state, kept = long_stream
    before = state.snapshot.message
    branches = [feed(state, deltas("text_delta", "text", text, 3))[0] for text in ("a", "b")]
    texts = [branch.snapshot.message.content[0].text for branch in branches]
    assert [text[-8:] for text in texts] == ["word aaa", "word bbb"]
    assert state.snapshot.message == before
    assert kept[1].snapshot == "word "


def test_all_events_of_a_stream_take_memory_in_proportion() -> None:
    """Twice the events take twice the memory, and reading the end of each snapshot adds none."""

    def taken(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        state, _ = feed(
            StreamState(), encode_sse([message_start(), block_start(0, "text", text="")])
        )
        state, events = feed(state, deltas("text_delta", "text", "word ", count))
        repr(events)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(events) == 2 * count
        return size

    small, large = taken(1_000), taken(10_000)
    assert large < 13 * small
    assert large < 10_000 * 1200


def test_many_deltas_of_a_tool() -> None:
    count = MANY // 10
    state, _ = feed(StreamState(), encode_sse([message_start(), tool_start(0)]))
    state, _ = feed(state, deltas("input_json_delta", "partial_json", '{"a": [0', 1))
    chunk = deltas("input_json_delta", "partial_json", ",1", PER_CHUNK)
    kept: list[Any] = []
    for _ in range(0, count, PER_CHUNK):
        state, events = feed(state, chunk)
        kept += events
    assert kept[1].snapshot == {"a": [0, 1]}
    assert kept[-1].snapshot == {"a": [0, *[1] * count]}
    assert kept[1].snapshot == {"a": [0, 1]}
    assert len(repr(kept[-1])) < 200
    state, _ = feed(state, deltas("input_json_delta", "partial_json", "]}", 1))
    stop = encode_sse([{"type": "content_block_stop", "index": 0}])
    state, (stopped,) = feed(state, stop)
    assert stopped.content_block.input == {"a": [0, *[1] * count]}
    assert stopped.content_block.input_json == '{"a": [0' + ",1" * count + "]}"
    other_state, other_last = pickle.loads(pickle.dumps((state, kept[-1])))
    assert other_state == state
    assert other_last.snapshot == kept[-1].snapshot


def test_many_snapshots_are_kept_and_freed() -> None:
    count = 20_000
    event = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "é"},
    }
    snapshots = [fold([message_start(), block_start(0, "text", text="")])]
    for _ in range(count):
        snapshots.append(fold([event], snapshots[-1]))
    assert snapshots[count // 2].message.content[0].text == "é" * (count // 2)
    assert snapshots[-1].message.content[0].text == "é" * count
    assert snapshots[1].message.content[0].text == "é"
    assert snapshots[0] != snapshots[-1]
    assert pickle.loads(pickle.dumps(snapshots))[-1] == snapshots[-1]
    del snapshots
    gc.collect()


def test_many_blocks_and_many_unfolded_events() -> None:
    count = 5_000
    events: list[dict[str, Any]] = [message_start()]
    for index in range(count):
        events.append(block_start(index, "text", text=str(index)))
        events.append({"type": "content_block_stop", "index": index})
        events.append({"type": "odd", "n": index})
    snapshot = fold(events)
    assert [block.text for block in snapshot.message.content[-2:]] == ["4998", "4999"]
    assert len(snapshot.message.content) == len(snapshot.unfolded) == count
    assert pickle.loads(pickle.dumps(snapshot)) == snapshot
    assert Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict()))) == snapshot
    assert repr(snapshot) == ("<Snapshot msg_1: incomplete, 5000 blocks, 5000 unfolded events>")
