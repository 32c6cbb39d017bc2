"""The snapshot as a value: checkpoints, equality, immutability and its `repr`."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    ProtocolError,
    Snapshot,
    ToolUseBlock,
    fold,
    reduce,
)

from tests.support.effort import effort
from tests.support.events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
    tool_start,
)
from tests.support.model import reduced
from tests.support.strategies import faulty_streams, streams

Event = dict[str, Any]


MODES = ["on", "trailing-strings"]


def all_streams() -> st.SearchStrategy[list[Event]]:
    return streams() | faulty_streams()


@effort(100)
@given(events=all_streams(), mode=st.sampled_from(MODES))
def test_snapshots_go_to_json_and_pickle_and_back(events: list[Event], mode: Any) -> None:
    snapshot = Snapshot(partial_mode=mode)
    for event in events:
        try:
            snapshot, _ = reduce(snapshot, event)
        except ProtocolError:
            break
        through_json = Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict())))
        for restored in (through_json, pickle.loads(pickle.dumps(snapshot))):
            assert restored == snapshot
            assert snapshot == restored
            assert hash(restored) == hash(snapshot)
            assert restored.to_dict() == snapshot.to_dict()
            assert repr(restored) == repr(snapshot)
            assert restored.message == snapshot.message
            assert restored.open_blocks == snapshot.open_blocks
            assert input_texts(restored) == input_texts(snapshot)
    assert copy.copy(snapshot) == snapshot
    assert copy.deepcopy(snapshot) == snapshot


def input_texts(snapshot: Snapshot) -> list[str]:
    blocks = snapshot.message.content if snapshot.message else ()
    return [block.input_json for block in blocks if isinstance(block, ToolUseBlock)]


@effort(100)
@given(events=streams(), mode=st.sampled_from(MODES), data=st.data())
def test_a_restored_snapshot_goes_on_and_ends_the_same(
    events: list[Event], mode: Any, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(events)))
    before = fold(events[:cut], Snapshot(partial_mode=mode))
    restored = Snapshot.from_dict(json.loads(json.dumps(before.to_dict())))
    straight = reduced(events[cut:], before)
    assert reduced(events[cut:], restored) == straight
    assert reduced(events[cut:], pickle.loads(pickle.dumps(before))) == straight


@pytest.mark.parametrize("text", ["5", "null", "[1]", '"x"', "{}", '{"a":1}', "true"])
def test_an_input_of_any_json_is_restored(text: str) -> None:
    events = [message_start(), tool_start(0), block_delta(0, "input_json_delta", partial_json=text)]
    for stop in ([], [block_stop(0)]):
        snapshot = fold([*events, *stop])
        assert snapshot.message.content[0].input == json.loads(text)
        assert snapshot.message.content[0].input_json == text
        assert Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict()))) == snapshot


def test_open_blocks_have_started_and_not_stopped() -> None:
    starts = [tool_start(index) for index in range(100)]
    snapshot = fold([message_start(), *starts])
    assert snapshot.open_blocks == tuple(range(100))
    for stopped in (3, 99, 0):
        snapshot = fold([block_stop(stopped)], snapshot)
    assert snapshot.open_blocks == (1, 2, *range(4, 99))
    grown = fold([block_delta(50, "input_json_delta", partial_json="{")], snapshot)
    assert grown.open_blocks == snapshot.open_blocks
    assert Snapshot.from_dict(snapshot.to_dict()).open_blocks == snapshot.open_blocks


def test_snapshots_do_not_equal_others() -> None:
    snapshot = fold([message_start()])
    different = [
        Snapshot(),
        fold([message_start(id="msg_2")]),
        fold([message_start(), block_start(0, "text", text="")]),
        fold([message_start(), block_start(0, "text", text=""), block_stop(0)]),
        fold([message_start(), {"type": "odd"}]),
        fold([message_start(), message_delta(None, x=1), message_delta()]),
        fold([message_start(), MESSAGE_STOP]),
        fold([message_start(), {"type": "error", "error": {}}]),
        fold([message_start()], Snapshot(partial_mode="trailing-strings")),
    ]
    for number, other in enumerate(different):
        assert other != snapshot
        assert other == Snapshot.from_dict(other.to_dict())
        assert all(other != another for another in different[number + 1 :])


def test_a_snapshot_cannot_be_changed() -> None:
    snapshot = fold([message_start(), block_start(0, "text", text="a")])
    with pytest.raises(AttributeError):
        snapshot.is_complete = True
    with pytest.raises(AttributeError):
        snapshot.message.content[0].text = "b"
    with pytest.raises(TypeError):
        Snapshot("on")  # the mode is passed by name only
    assert copy.copy(snapshot) is snapshot
    assert copy.deepcopy([snapshot])[0] is snapshot


def test_the_first_snapshot() -> None:
    snapshot = Snapshot()
    assert snapshot.message is None
    assert snapshot.error is None
    assert snapshot.unfolded == ()
    assert snapshot.open_blocks == ()
    assert snapshot.is_complete is False
    assert snapshot.is_over is False
    assert snapshot.partial_mode == "on"


def test_the_repr_of_a_snapshot_shows_its_state_and_stays_short() -> None:
    assert repr(Snapshot()) == (
        "<Snapshot no message yet: incomplete, 0 blocks, 0 unfolded events>"
    )
    events = [message_start(), block_start(0, "text", text="x" * 1000), block_stop(0)]
    events += [block_start(1, "text", text=""), {"type": "odd"}]
    assert repr(fold(events)) == "<Snapshot msg_1: incomplete, 2 blocks, 1 unfolded events>"
    events += [block_stop(1), message_delta()]
    assert repr(fold(events)) == "<Snapshot msg_1: complete, 2 blocks, 1 unfolded events>"
    events.append({"type": "error", "error": {}})
    assert repr(fold(events)) == "<Snapshot msg_1: failed, 2 blocks, 1 unfolded events>"
