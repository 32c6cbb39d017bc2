"""Broken streams: the engine reaches the outcome that each names, at the position that it names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import FAULTS, BrokenStream, broken
from streamfold.reducer import (
    IncompleteStreamError,
    InvalidToolInputError,
    ProtocolError,
    StreamState,
    feed,
    finish,
    fold,
)

from tests.support.effort import effort
from tests.support.stream_queries import Event, of_type


@pytest.mark.thorough
@pytest.mark.parametrize("fault", FAULTS)
def test_the_engine_reaches_the_outcome(fault: Any) -> None:
    @effort(40)
    @given(broken(faults=[fault]) | broken(faults=[fault], unknown=True))
    def check(stream: BrokenStream) -> None:
        assert stream.fault == fault
        assert outcome_of(stream) == (stream.outcome, stream.at)

    check()


def outcome_of(stream: BrokenStream) -> tuple[str, int]:
    """The outcome that the engine reaches, and the position."""
    state = StreamState()
    for at, event in enumerate(stream.events):
        data = event if isinstance(event, str) else json.dumps(event)
        before = len(state.snapshot.unfolded)
        try:
            state, _ = feed(state, f"data: {data}\n\n".encode())
        except InvalidToolInputError:
            return "protocol_error" if stream.fault == "bad_input" else "an input", at
        except ProtocolError:
            return "protocol_error" if stream.fault != "bad_input" else "no input", at
        if (
            at == stream.at
            and len(state.snapshot.unfolded) > before
            and stream.outcome == "unfolded"
        ):
            others = [each for number, each in enumerate(stream.events) if number != at]
            assert fold(others).message == fold(stream.events).message
            return "unfolded", at
    try:
        finish(state)
    except IncompleteStreamError:
        if state.snapshot.error is None:
            return "incomplete", len(stream.events)
        return "error", [event["type"] for event in stream.events].index("error")
    return "message", stream.at


@effort(60)
@given(st.data())
def test_a_message_whose_stop_is_missing_is_the_same(data: st.DataObject) -> None:
    stream = data.draw(broken(faults=["missing_stop"], ways=[]))
    event: Event = {"type": "message_stop"}
    if stream.at < len(stream.events):
        starts = len(of_type(stream.events[: stream.at], "content_block_start"))
        event = {"type": "content_block_stop", "index": starts - 1}
    whole = [*stream.events[: stream.at], event, *stream.events[stream.at :]]
    assert fold(stream.events).message == fold(whole).message


@effort(40)
@given(broken(blocks=["text"]))
def test_an_impossible_fault_is_left_out(stream: BrokenStream) -> None:
    assert stream.fault != "bad_input"
