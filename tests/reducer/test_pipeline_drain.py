"""`drain` gives the same states and faults as `feed`, without the events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import chunked, wire
from streamfold.reducer import (
    ProtocolError,
    SSEState,
    StreamfoldError,
    StreamState,
    drain,
    encode_sse,
    feed,
)

from tests.support.events import block_delta, block_start, block_stop, message_start, tool_start
from tests.support.strategies import faulty_streams, streams

Event = dict[str, Any]


def drained(chunks: list[bytes]) -> tuple[Any, ...]:
    state = StreamState()
    try:
        for chunk in chunks:
            state = drain(state, chunk)
    except StreamfoldError as error:
        return type(error), str(error), error.snapshot
    return (state,)


def fed(chunks: list[bytes]) -> tuple[Any, ...]:
    state = StreamState()
    try:
        for chunk in chunks:
            state, _ = feed(state, chunk)
    except StreamfoldError as error:
        return type(error), str(error), error.snapshot
    return (state,)


@given(st.data())
def test_drain_gives_the_states_and_faults_of_feed(data: st.DataObject) -> None:
    events = data.draw(st.one_of(streams(), faulty_streams()))
    chunks = data.draw(chunked(data.draw(wire(events))))
    assert drained(chunks) == fed(chunks)


TOOL = tool_start(0)
START = message_start()
TEXT = block_start(0, "text", text="")


@pytest.mark.parametrize(
    "events",
    [
        [
            START,
            TEXT,
            block_delta(0, "text_delta", text="a"),
            block_delta(0, "text_delta", text="b"),
        ],
        [START, TOOL, block_delta(0, "input_json_delta", partial_json='{"a": 1'), block_stop(0)],
        [START, TOOL, block_delta(0, "input_json_delta", partial_json='{"a": 1}'), block_stop(0)],
        [START, TOOL, block_delta(0, "text_delta", text="wrong")],
        [START, TEXT, block_delta(0, "input_json_delta", partial_json="wrong")],
        [START, TEXT, block_delta(1, "text_delta", text="nowhere")],
        [START, TEXT, block_stop(0), block_delta(0, "text_delta", text="too late")],
        [START, block_start(0, "hologram"), block_delta(0, "text_delta", text="kept aside")],
        [START, TEXT, {"type": "message_stop"}, block_delta(0, "text_delta", text="kept aside")],
        [
            START,
            TEXT,
            {"type": "error", "error": {"type": "api_error"}},
            block_delta(0, "text_delta", text="kept aside"),
        ],
        [block_delta(0, "text_delta", text="kept aside")],
    ],
)
def test_deltas_of_one_string(events: list[Event]) -> None:
    body = encode_sse(events)
    assert drained([body]) == fed([body])
    assert drained([body[i : i + 1] for i in range(len(body))]) == fed([body])


def test_a_fault_carries_the_snapshot_before_it() -> None:
    body = encode_sse([START, TEXT, block_delta(0, "text_delta", text="so far"), block_stop(3)])
    with pytest.raises(ProtocolError, match=r"content_block_stop \(index 3\)") as caught:
        drain(StreamState(), body)
    assert caught.value.snapshot is not None
    assert caught.value.snapshot.message is not None
    assert caught.value.snapshot.message.content[0].to_dict() == {"type": "text", "text": "so far"}
    assert caught.value.events == ()


def test_a_line_beyond_the_limit() -> None:
    body = encode_sse([START])
    small = StreamState(sse=SSEState(limit=len(body)))
    with pytest.raises(ProtocolError, match="longer than the limit") as caught:
        drain(small, body + b"x" * (len(body) + 1))
    assert caught.value.snapshot is not None
    assert caught.value.snapshot.message is not None


def test_the_state_it_is_given_stays_as_it_is() -> None:
    before = drain(StreamState(), encode_sse([START, TEXT]))
    checkpoint = before.to_dict()
    drain(before, encode_sse([block_delta(0, "text_delta", text="one")]))
    other = drain(before, encode_sse([block_delta(0, "text_delta", text="two")]))
    assert before.to_dict() == checkpoint
    assert other.snapshot.message is not None
    assert other.snapshot.message.content[0].to_dict() == {"type": "text", "text": "two"}
