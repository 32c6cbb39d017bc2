"""The shipped strategies: what they draw keeps what they say, and reaches what they promise."""

from __future__ import annotations

import copy
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model import FaultError, Model
from streamfold.adapters.strategies import (
    BLOCKS,
    FAULTS,
    FORMS,
    WAYS,
    BrokenStream,
    broken,
    chunked,
    json_documents,
    json_prefixes,
    messages,
    raw_events,
    wire,
)
from streamfold.reducer import (
    IncompleteStreamError,
    InvalidToolInputError,
    Message,
    ProtocolError,
    Snapshot,
    SSEState,
    StreamState,
    decode_sse,
    feed,
    finish,
    fold,
    parse_event,
)
from streamfold.reducer.messages import BLOCKS as KNOWN_BLOCKS

Event = dict[str, Any]
examples = partial(settings, deadline=None)
unknowns = st.booleans()


def told(data: st.DataObject, **options: Any) -> tuple[dict[str, Any], list[Event]]:
    """A message, and the events that tell it."""
    message = data.draw(messages(**options))
    return message, data.draw(raw_events(message, **options))


# --- messages and their streams -----------------------------------------------------------------


@examples(max_examples=150)
@given(st.data(), unknowns)
def test_the_events_of_a_message_fold_to_it(data: st.DataObject, unknown: bool) -> None:
    message, events = told(data, unknown=unknown)
    before = copy.deepcopy(message)
    for mode in ("on", "trailing-strings"):
        snapshot = fold(events, Snapshot(partial_mode=mode))
        assert snapshot.message.to_dict() == message
        assert snapshot.is_over
    model = Model()
    model.steps(events)
    assert model.message == message == before


@examples(max_examples=150)
@given(unknowns.flatmap(lambda unknown: raw_events(unknown=unknown)))
def test_any_stream_keeps_the_protocol(events: list[Event]) -> None:
    model = Model()
    model.steps(events)
    snapshot = fold(events)
    assert snapshot.message.to_dict() == model.message
    assert snapshot.is_complete
    assert snapshot.is_over
    known = [event for event in snapshot.unfolded if event.type == "content_block_delta"]
    assert all(event.delta.type not in ("text_delta", "input_json_delta") for event in known)


@examples(max_examples=300)
@given(broken(unknown=True) | broken())
def test_the_engine_says_of_a_broken_stream_what_it_must_lead_to(stream: BrokenStream) -> None:
    snapshot = Snapshot()
    failed_at = None
    for at, event in enumerate(stream.events):
        data = event if isinstance(event, str) else json.dumps(event)
        body = f"data: {data}\n\n".encode()
        try:
            state, _ = feed(StreamState(snapshot=snapshot), body)
        except ProtocolError as error:
            failed_at = at
            assert isinstance(error, InvalidToolInputError) is (stream.fault == "bad_input")
            break
        snapshot = state.snapshot
    if stream.outcome == "protocol_error":
        assert failed_at == stream.at
        return
    assert failed_at is None
    if stream.outcome in ("incomplete", "error"):
        with pytest.raises(IncompleteStreamError):
            finish(StreamState(snapshot=snapshot))
        assert (snapshot.error is not None) is (stream.outcome == "error")
        return
    finish(StreamState(snapshot=snapshot))
    if stream.outcome == "unfolded":
        assert stream.events[stream.at] in [event.to_dict() for event in snapshot.unfolded]
        whole = stream.events[: stream.at] + stream.events[stream.at + 1 :]
        assert fold(whole).message == snapshot.message


def decoded(body: bytes) -> list[Event]:
    return [parse_event(sse).to_dict() for sse in decode_sse(SSEState(), body)[1]]


@examples(max_examples=200)
@given(raw_events(unknown=True), st.data())
def test_the_bytes_of_a_stream_say_the_same_however_written(
    events: list[Event], data: st.DataObject
) -> None:
    assert decoded(data.draw(wire(events))) == events


@examples(max_examples=200)
@given(wire(), st.data())
def test_chunks_join_to_the_data(body: bytes, data: st.DataObject) -> None:
    assert b"".join(data.draw(chunked(body))) == body
