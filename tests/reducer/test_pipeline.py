"""`feed`, `drain`, `fold_chunk` and `finish`: for any chunks, and from any checkpoint."""

from __future__ import annotations

import contextlib
import copy
import gc
import json
import pickle
import sys
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import chunked, wire
from streamfold.reducer import (
    DerivedEvent,
    FoldedChunk,
    IncompleteStreamError,
    ProtocolError,
    Snapshot,
    SSEState,
    StreamState,
    decode_sse,
    drain,
    encode_sse,
    feed,
    finish,
    fold,
    fold_chunk,
    parse_event,
    pipeline,
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
from tests.support.model import START, WHOLE, FaultError, Model, Outcome, described, fed, reduced
from tests.support.strategies import damaged, faulty_streams, streams

Event = dict[str, Any]
MODES = ["on", "trailing-strings"]


@st.composite
def any_body(draw: Callable[..., Any]) -> bytes:
    """A body: whole, cut, faulty or damaged."""
    body: bytes = draw((streams() | faulty_streams()).flatmap(wire))
    way = draw(st.sampled_from(["as it is", "cut", "damaged"]))
    if way == "cut":
        return body[: draw(st.integers(0, len(body)))]
    return draw(damaged(body)) if way == "damaged" else body


def bytes_of(body: bytes) -> list[bytes]:
    return [body[position : position + 1] for position in range(len(body))]


# --- chunking -----------------------------------------------------------------------------------


@effort(80)
@given(body=any_body(), mode=st.sampled_from(MODES))
def test_every_byte_alone_is_the_same_as_all_at_once(body: bytes, mode: Any) -> None:
    state = StreamState(snapshot=Snapshot(partial_mode=mode))
    assert fed(bytes_of(body), state) == fed([body], state)


@effort(200)
@given(body=any_body(), data=st.data())
def test_where_the_chunks_are_cut_changes_nothing(body: bytes, data: st.DataObject) -> None:
    chunks = data.draw(chunked(body))
    assert b"".join(chunks) == body
    assert fed(chunks) == fed([body])


@effort(15)
@given(any_body())
def test_every_single_cut_changes_nothing(body: bytes) -> None:
    body = body[:1500]
    whole = fed([body])
    for position in range(len(body)):
        assert fed([body[:position], body[position:]]) == whole


@effort(100)
@given(body=any_body(), limit=st.integers(0, 300), data=st.data())
def test_where_the_chunks_are_cut_changes_nothing_near_the_limit(
    body: bytes, limit: int, data: st.DataObject
) -> None:
    state = StreamState(sse=SSEState(limit=limit))
    assert fed(data.draw(chunked(body)), state) == fed([body], state)


@effort(100)
@given(chunks=st.lists(st.binary(max_size=30), max_size=4))
def test_any_bytes_at_all(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    outcome = fed(chunks)
    assert outcome == fed([whole]) == fed(bytes_of(whole))
    read_everything(outcome)


FRAGMENTS = st.sampled_from(
    [b"data: ", b"data:", b"event: ", b"\n", b"\n\n", b"\r\n", b"\r", b":", b"{", b"}", b'"', b"[]"]
    + [b'{"type":"ping"}', b'{"type":"message_stop"}', b"ping", b"\xef\xbb\xbf", b"\xf0\x9f", b"\\"]
    + [b"data: " + json.dumps(event).encode() + b"\n\n" for event in WHOLE]
    + [b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"']
)


@effort(200)
@given(chunks=st.lists(FRAGMENTS | st.binary(max_size=3), max_size=12))
def test_any_fragments_of_streams(chunks: list[bytes]) -> None:
    outcome = fed(chunks)
    assert outcome == fed([b"".join(chunks)])
    read_everything(outcome)


@effort(200)
@given(any_body())
def test_everything_that_comes_can_be_read(body: bytes) -> None:
    read_everything(fed([body]))


def read_everything(outcome: Outcome) -> None:
    """Read everything in the outcome; no read may raise."""
    snapshot = outcome.snapshot
    repr(outcome)
    str(outcome)
    for value in (snapshot.message, snapshot.error, *snapshot.unfolded, *outcome.events):
        if value is not None:
            read_value(value)
    assert Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict()))).message == (
        snapshot.message
    )
    for block in snapshot.message.content if snapshot.message else ():
        read_value(block)
        getattr(block, "input_json", None)


def read_value(value: Any) -> None:
    repr(value)
    str(value)
    hash(value)
    assert json.loads(value.to_json()) == json.loads(value.to_json(indent=2)) == value.to_dict()
    for key in value:
        assert value[key] is not Ellipsis
    if value.type in ("text", "thinking", "input_json", "citation") and "snapshot" in value:
        assert value.snapshot == value["snapshot"]


# --- the snapshot after each event --------------------------------------------------------------


def snapshots_after_each_event(state: StreamState, events: tuple[Any, ...]) -> list[Snapshot]:
    """The slow twin of `snapshot_after`: fold the raw events handed out so far, for each count."""
    snapshots = [state.snapshot]
    for event in events:
        snapshot = snapshots[-1]
        if not isinstance(event, get_args(DerivedEvent)):
            snapshot = fold([as_raw(event)], snapshot)
        snapshots.append(snapshot)
    return snapshots


def as_raw(event: Any) -> dict[str, Any]:
    """The raw event that a stop event comes from; other raw events as they are."""
    added = {"message_stop": "message", "content_block_stop": "content_block"}.get(event.type)
    fields: dict[str, Any] = event.to_dict()
    fields.pop(added, None)
    return fields


@effort(150)
@given(body=any_body(), mode=st.sampled_from(MODES), data=st.data())
def test_the_snapshot_after_each_event_is_the_fold_of_the_events_handed_out(
    body: bytes, mode: Any, data: st.DataObject
) -> None:
    state = StreamState(snapshot=Snapshot(partial_mode=mode))
    for chunk in data.draw(chunked(body)):
        folded = fold_chunk(state, chunk)
        expected = snapshots_after_each_event(state, folded.events)
        counts = data.draw(st.permutations(range(len(expected))))
        read = {count: folded.snapshot_after(count) for count in counts}
        assert [read[count] for count in range(len(expected))] == expected
        messages = [read[count].message for count in range(len(expected))]
        assert messages == [snapshot.message for snapshot in expected]
        assert folded.is_growth_only == (folded.fault is None and is_growth_only(folded.events))
        assert folded.others == others(folded.events)
        assert_fed_alike(state, chunk, folded)
        state = folded.state
        if folded.fault is not None:
            break


def is_growth_only(events: tuple[Any, ...]) -> bool:
    """Whether each raw event among `events` is a delta whose derived event follows."""
    derived = [isinstance(event, get_args(DerivedEvent)) for event in events]
    return derived == [False, True] * (len(events) // 2)


def others(events: tuple[Any, ...]) -> tuple[int, ...]:
    """The positions of the events that are no part of such a pair."""
    derived = [isinstance(event, get_args(DerivedEvent)) for event in [*events, None]]
    return tuple(at for at in range(len(events)) if not derived[at] and not derived[at + 1])


def assert_fed_alike(state: StreamState, chunk: bytes, folded: FoldedChunk) -> None:
    if folded.fault is None:
        assert feed(state, chunk) == (folded.state, folded.events)
        return
    with pytest.raises(ProtocolError) as raised:
        feed(state, chunk)
    assert described(raised.value) == described(folded.fault)
    for fault in (raised.value, folded.fault):
        assert fault.events == folded.events
        assert fault.snapshot == folded.state.snapshot


def test_a_run_of_deltas_has_a_snapshot_after_each_event() -> None:
    start = [message_start(), block_start(0, "text", text="")]
    state = fold_chunk(StreamState(), encode_sse(start)).state
    deltas = [block_delta(0, "text_delta", text=text) for text in "abc"]
    folded = fold_chunk(state, encode_sse([*deltas, block_stop(0)]))
    texts = [folded.snapshot_after(count).message.content[0].text for count in range(8)]
    assert texts == ["", "a", "a", "ab", "ab", "abc", "abc", "abc"]
    assert not folded.is_growth_only
    assert fold_chunk(state, encode_sse([{"type": "ping"}, *deltas])).is_growth_only
    assert fold_chunk(state, encode_sse([{"type": "ping"}])).is_growth_only
    assert not fold_chunk(StreamState(), encode_sse(start)).is_growth_only
    for count in (-1, 8):
        with pytest.raises(IndexError, match=rf"from 0 to 7, got {count}"):
            folded.snapshot_after(count)


def test_a_folded_chunk_is_a_value() -> None:
    body = encode_sse(WHOLE) + b"data: oops\n\n"
    folded = fold_chunk(StreamState(), body)
    assert folded == fold_chunk(StreamState(), body)
    loaded = pickle.loads(pickle.dumps(folded))
    assert loaded == folded != fold_chunk(StreamState(), encode_sse(WHOLE))
    assert loaded.snapshot_after(3) == folded.snapshot_after(3)
    assert "events=(" in repr(folded)
    with pytest.raises(AttributeError):
        folded.state = StreamState()  # type: ignore[misc]


def test_reading_the_message_after_each_event_of_a_chunk_costs_no_second_fold() -> None:
    """Each read joins only the pieces that are new since the read before."""

    def pieces_joined(count: int) -> int:
        state, _ = feed(StreamState(), encode_sse([message_start(), tool_start(0)]))
        pieces = ['{"text": "', *["word " * 3] * (count - 2), '"}']
        deltas = [block_delta(0, "input_json_delta", partial_json=piece) for piece in pieces]
        folded = fold_chunk(state, encode_sse([*deltas, block_stop(0), message_delta()]))
        joined = 0

        def join(text: str, new: list[str]) -> str:
            nonlocal joined
            joined += len(new)
            return text + "".join(new)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("streamfold.reducer.growing.joined_pieces", join)
            for position in range(len(folded.events) + 1):
                message = folded.snapshot_after(position).message
                assert message is not None
                assert isinstance(message.content[0]["input"], dict)
        return joined

    # The factor 2: the text of the JSON, and the text of the string in it.
    assert pieces_joined(200) <= 2 * 200
    assert pieces_joined(400) <= 2 * 400


@pytest.mark.parametrize("fold_bytes", [feed, drain, fold_chunk])
def test_a_fault_does_not_keep_its_frames_alive(fold_bytes: Callable[..., Any]) -> None:
    """A frame that holds the error it raised is a cycle, which only the garbage collector frees."""
    chunk = bytearray(b"data: oops\n\n")
    before = sys.getrefcount(chunk)
    gc.disable()
    try:
        with contextlib.suppress(ProtocolError):
            fold_bytes(StreamState(), chunk)
        assert sys.getrefcount(chunk) == before
    finally:
        gc.enable()


# --- the three composed -------------------------------------------------------------------------


@effort(150)
@given(events=streams() | faulty_streams(), mode=st.sampled_from(MODES))
def test_feed_is_reduce_of_the_events_in_the_bytes(events: list[Event], mode: Any) -> None:
    snapshot = Snapshot(partial_mode=mode)
    expected = reduced(events, snapshot)
    outcome = fed([encode_lenient(events)], StreamState(snapshot=snapshot))
    assert outcome.events == expected.events
    assert outcome.snapshot == expected.snapshot
    if expected.error is not None:
        assert outcome.error == expected.error


def encode_lenient(events: list[Event]) -> bytes:
    """The body of these events; they may lack a proper type."""
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


@effort(80)
@given(events=streams(), mode=st.sampled_from(MODES), data=st.data())
def test_the_model_gives_the_same(events: list[Event], mode: Any, data: st.DataObject) -> None:
    model = Model(mode)
    derived = model.steps(events)
    chunks = data.draw(chunked(data.draw(wire(events))))
    outcome = fed(chunks, StreamState(snapshot=Snapshot(partial_mode=mode)))
    assert [event.to_dict() for event in outcome.events] == derived
    assert (outcome.snapshot.message and outcome.snapshot.message.to_dict()) == model.message
    assert (outcome.error is None) is (
        model.is_complete and model.message is not None and model.error is None
    )


@effort(80)
@given(events=faulty_streams(), data=st.data())
def test_a_fault_gives_the_events_before_it(events: list[Event], data: st.DataObject) -> None:
    model = Model()
    derived: list[Event] = []
    found = False
    for event in events:
        try:
            derived += model.step(event)
        except FaultError:
            found = True
            break
    outcome = fed(data.draw(chunked(encode_lenient(events))))
    assert [event.to_dict() for event in outcome.events] == derived
    assert (outcome.error is not None and issubclass(outcome.error[0], ProtocolError)) is found


@effort(50)
@given(body=any_body(), data=st.data())
def test_a_state_that_was_fed_stays_as_it_is(body: bytes, data: st.DataObject) -> None:
    chunks = data.draw(chunked(body))
    states = [START]
    copies = [pickle.loads(pickle.dumps(START))]
    for chunk in chunks:
        try:
            state, _ = feed(states[-1], chunk)
        except ProtocolError:
            break
        states.append(state)
        copies.append(pickle.loads(pickle.dumps(state)))
    rests = [b"".join(chunks[position:]) for position in range(len(chunks) + 1)]
    whole = fed([body])
    for state, copied, rest in zip(states, copies, rests, strict=False):
        fed([b"data: {}\n\n"], state)  # another continuation
        assert state == copied
        assert state.to_dict() == copied.to_dict()
        again = fed([rest], state)
        assert again == fed([rest], copied)
        assert again.snapshot == whole.snapshot
        assert again.error == whole.error
        assert again.events == whole.events[len(whole.events) - len(again.events) :]


def drained(chunks: list[bytes], state: StreamState) -> Outcome:
    """The outcome of `drain`, without events."""
    try:
        for chunk in chunks:
            state = drain(state, chunk)
        finish(state)
    except ProtocolError as error:
        assert error.events == ()  # noqa: PT017
        return Outcome((), error.snapshot, described(error))
    except IncompleteStreamError as error:
        return Outcome((), state.snapshot, described(error))
    return Outcome((), state.snapshot, None)


@effort(150)
@given(body=any_body(), mode=st.sampled_from(MODES), data=st.data())
def test_drain_is_feed_without_the_events(body: bytes, mode: Any, data: st.DataObject) -> None:
    first = StreamState(snapshot=Snapshot(partial_mode=mode))
    chunks = data.draw(chunked(body))
    expected = fed([body], first)
    for outcome in (drained(chunks, first), drained([body], first), drained(bytes_of(body), first)):
        assert outcome == expected._replace(events=())
        assert outcome.snapshot.to_dict() == expected.snapshot.to_dict()
    assert first == StreamState(snapshot=Snapshot(partial_mode=mode))


def test_drain_and_feed_take_turns_from_any_state() -> None:
    chunks = [encode_sse([event]) for event in WHOLE[:3]]
    state = START
    for chunk in chunks:
        drained_state, (fed_state, _) = drain(state, chunk), feed(state, chunk)
        assert drained_state == fed_state
        assert drain(state, chunk) == fed_state  # a branch
        state = drained_state
    more = encode_sse([block_delta(0, "text_delta", text="!")])
    assert drain(drain(state, more), more).snapshot.message.content[0].text == "Hé😀!!"
    assert feed(state, more)[1][-1].snapshot == "Hé😀!"
    assert state.snapshot.message.content[0].text == "Hé😀"


@pytest.mark.parametrize(
    "events",
    [
        [block_delta(0, "text_delta", text="x")],
        [message_start(), block_start(0, "odd"), block_delta(0, "text_delta", text="x")],
        [*WHOLE, block_delta(0, "text_delta", text="x")],
        [*WHOLE[:3], MESSAGE_STOP, block_delta(0, "text_delta", text="x")],
        [*WHOLE[:4], block_delta(0, "text_delta", text="x")],
        [*WHOLE[:3], block_delta(0, "input_json_delta", partial_json="x")],
        [*WHOLE[:3], block_delta(1, "text_delta", text="x")],
        [message_start(), tool_start(0), block_delta(0, "text_delta", text="x")],
    ],
)
def test_drain_of_deltas_that_grow_nothing(events: list[Event]) -> None:
    body = encode_sse(events)
    assert drained([body], START) == fed([body])._replace(events=())


def test_drain_holds_the_limit() -> None:
    state = StreamState(sse=SSEState(limit=400))
    chunks = [encode_sse(WHOLE[:3]), b"data: " + b"x" * 400]
    outcome = drained(chunks, state)
    assert outcome == drained([b"".join(chunks)], state) == fed(chunks, state)._replace(events=())
    assert outcome.snapshot == fold(WHOLE[:3])
    assert outcome.error is not None
    assert outcome.error[1] == "a line is longer than the limit of 400 bytes"


def test_a_fault_carries_the_events_and_the_snapshot_before_it() -> None:
    before = encode_sse(WHOLE[:3])
    state, first = feed(START, before[:40])
    assert first == ()
    with pytest.raises(ProtocolError) as caught:
        feed(state, before[40:] + b"data: nonsense\n\n" + encode_sse(WHOLE[3:]))
    error = caught.value
    assert error.events == reduced(WHOLE[:3]).events
    assert error.snapshot == fold(WHOLE[:3])
    assert error.snapshot.message.content[0].text == "Hé😀"


def test_nothing_fed_is_nothing() -> None:
    assert feed(START, b"") == (START, ())
    state, events = feed(START, b": only a comment\n\n")
    assert events == ()
    assert state.snapshot == Snapshot()


def test_an_event_that_no_blank_line_ends_is_not_there_yet() -> None:
    state, events = feed(START, b'data: {"type": "message_stop"}\n')
    assert events == ()
    state, events = feed(state, b"\n")
    assert [event.type for event in events] == ["message_stop"]


# --- checkpoints --------------------------------------------------------------------------------


def restored(state: StreamState) -> StreamState:
    return StreamState.from_dict(json.loads(json.dumps(state.to_dict())))


def through_pickle(state: StreamState) -> StreamState:
    copied: StreamState = pickle.loads(pickle.dumps(state))
    return copied


@effort(15)
@given(body=any_body(), mode=st.sampled_from(MODES))
def test_a_checkpoint_at_any_byte_ends_the_same(body: bytes, mode: Any) -> None:
    body = body[:800]
    first = StreamState(snapshot=Snapshot(partial_mode=mode))
    whole = fed([body], first)

    def checked(state: StreamState) -> StreamState:
        copied = restored(state)
        assert copied == state
        return copied

    assert fed(bytes_of(body), first, checked) == whole


@effort(50)
@given(body=any_body(), data=st.data())
def test_a_checkpoint_between_any_chunks_ends_the_same(body: bytes, data: st.DataObject) -> None:
    chunks = data.draw(chunked(body))
    whole = fed([body])

    def checked(state: StreamState) -> StreamState:
        by_json, by_pickle = restored(state), through_pickle(state)
        assert by_json == by_pickle == state
        assert hash(by_json) == hash(by_pickle) == hash(state)
        assert by_json.to_dict() == by_pickle.to_dict() == state.to_dict()
        return by_json

    assert fed(chunks, between=checked) == whole
    assert fed(chunks, between=through_pickle) == whole


def test_states_copy() -> None:
    state, _ = feed(START, encode_sse(WHOLE)[:-10])
    assert copy.copy(state) == state
    assert copy.deepcopy(state) == state
    assert state != START


def test_a_checkpoint_has_a_version() -> None:
    checkpoint = START.to_dict()
    assert checkpoint["version"] == 1
    for version in (0, 2, "1", None):
        with pytest.raises(ValueError, match="a checkpoint must have version 1") as caught:
            StreamState.from_dict({**checkpoint, "version": version})
        assert str(caught.value) == f"a checkpoint must have version 1, got {version!r}"
    del checkpoint["version"]
    with pytest.raises(ValueError, match="a checkpoint must have version 1, got None"):
        StreamState.from_dict(checkpoint)


def test_settings_last_through_the_stream_and_a_checkpoint() -> None:
    state = StreamState(
        snapshot=Snapshot(partial_mode="trailing-strings"), sse=SSEState(limit=1000)
    )
    body = encode_sse(
        [message_start(), tool_start(0), block_delta(0, "input_json_delta", partial_json='{"a":"b')]
    )
    state, _ = feed(restored(state), body)
    state = restored(state)
    assert state.snapshot.partial_mode == "trailing-strings"
    assert state.sse.limit == 1000
    assert state.snapshot.message.content[0].input == {"a": "b"}
    with pytest.raises(ProtocolError, match="longer than the limit of 1,000 bytes"):
        feed(state, b"data: " + b"x" * 1000)


# --- the end of the input -----------------------------------------------------------------------


def test_finish_gives_the_message() -> None:
    state, _ = feed(START, encode_sse(WHOLE))
    assert finish(state) == fold(WHOLE).message == state.snapshot.message


@pytest.mark.parametrize(
    "events",
    [
        [message_start(), message_delta("max_tokens")],
        [message_start(stop_reason="end_turn"), MESSAGE_STOP],
        [message_start(), tool_start(0), message_delta("max_tokens")],
        [message_start(), tool_start(0), message_delta("refusal"), MESSAGE_STOP],
    ],
)
def test_finish_takes_a_message_that_is_complete_without_its_stop(events: list[Event]) -> None:
    state, _ = feed(START, encode_sse(events))
    assert finish(state) == fold(events).message


ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
NOT_FINISHED: list[tuple[str, list[Event]]] = [
    ("the stream ended before message_start", []),
    ("the stream ended before message_start", [{"type": "ping"}, {"type": "odd"}]),
    ("the stream ended before message_start", [message_delta(), MESSAGE_STOP]),
    ("the stream ended before the message was complete", WHOLE[:1]),
    ("the stream ended before the message was complete", WHOLE[:3]),
    ("the stream ended before the message was complete", WHOLE[:4]),
    (
        "the stream ended before the message was complete",
        [*WHOLE[:4], message_delta(None, usage={"output_tokens": 1})],
    ),
    ("message_stop came before any stop reason", [*WHOLE[:4], MESSAGE_STOP]),
    (
        "message_stop came while block 0 (tool_use 'look') was open, and stop_reason 'tool_use' "
        "does not explain that",
        [message_start(), tool_start(0), message_delta("tool_use"), MESSAGE_STOP],
    ),
    (
        "the stream ended while block 0 (text) was open, and stop_reason 'end_turn' does not "
        "explain that",
        [*WHOLE[:3], message_delta()],
    ),
    ("the stream failed with overloaded_error: Overloaded", [ERROR]),
    ("the stream failed with overloaded_error: Overloaded", [*WHOLE[:3], ERROR]),
    ("the stream failed with overloaded_error: Overloaded", [*WHOLE[:5], ERROR]),
    (
        "the stream failed with overloaded_error: Overloaded (req_1)",
        [*WHOLE[:3], {**ERROR, "request_id": "req_1"}],
    ),
    ("the stream failed with overloaded_error: Overloaded", [{**ERROR, "request_id": None}]),
    ("the stream failed with None: None", [{"type": "error", "error": {}}]),
]


@pytest.mark.parametrize(("reason", "events"), NOT_FINISHED)
def test_finish_before_the_message_is_complete(reason: str, events: list[Event]) -> None:
    state, _ = feed(START, encode_sse(events))
    with pytest.raises(IncompleteStreamError) as caught:
        finish(state)
    assert str(caught.value) == caught.value.message == reason
    assert caught.value.snapshot is state.snapshot
    assert not isinstance(caught.value, ProtocolError)


def test_an_event_cut_off_by_the_end_of_the_input_is_dropped() -> None:
    body = encode_sse(WHOLE)
    state, events = feed(START, body[:-1])  # no blank line after message_stop
    assert events[-1].type == "message_delta"
    assert finish(state) == fold(WHOLE[:-1]).message


# --- each chunk is folded once -------------------------------------------------------------------

TEXT_OPEN = drain(StreamState(), encode_sse([message_start(), block_start(0, "text", text="")]))
DELTA = encode_sse([block_delta(0, "text_delta", text="a")])
ASIDES = [
    b"",
    b"\n",
    b": c\n",
    b": c\n\n",
    b"retry: 5\n",
    b"retry: 5\n\n",
    b"id:\n\n",
    b"id\n\n",
    b"id: 5\nid:\n",
    b"id: a\0\n\n",
    b"event: x\n\n",
    b'data: {"type": "ping"}\ndata:\n\n',
]
"""Lines between events, in the forms of the standard that the API does not write."""


def cut_alike(aside: bytes, size: int) -> list[bytes]:
    """A body of deltas with these lines between them: a chunk each, or in chunks of `size`."""
    events = [DELTA + aside] * 100
    body = b"".join(events)
    return [body[at : at + size] for at in range(0, len(body), size)] if size else events


@pytest.mark.parametrize("size", [0, 1, 31, 333])
@pytest.mark.parametrize("aside", ASIDES)
def test_the_text_of_a_chunk_is_folded_once(
    aside: bytes, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each growing value shares the list of the one before. A part of a chunk that was folded
    twice would copy the list, which takes the square of the stream.
    """
    calls: list[str] = []
    read_text = pipeline._ChunkFold.read_text

    def counted(chunk_fold: Any, text: str) -> int:
        calls.append(text)
        return read_text(chunk_fold, text)

    monkeypatch.setattr(pipeline._ChunkFold, "read_text", counted)
    state, kept = TEXT_OPEN, []
    for chunk in cut_alike(aside, size):
        calls.clear()
        state, events = feed(state, chunk)
        kept += [event for event in events if event.type == "text"]
        assert len(calls) <= 1
    assert len(kept) == 100
    assert len({id(event._snapshot._shared) for event in kept}) == 1
    assert len(kept[0]._snapshot._shared) == 100


@pytest.mark.parametrize("size", [0, 31, 333])
@pytest.mark.parametrize("aside", ASIDES)
def test_lines_between_events_are_read_alike_in_all_chunks(aside: bytes, size: int) -> None:
    state = TEXT_OPEN
    chunks = cut_alike(aside, size)[:10]
    for chunk in chunks:
        sse, decoded = decode_sse(state.sse, chunk)
        snapshot, expected = state.snapshot, []
        for event in decoded:
            snapshot, more = reduce(snapshot, parse_event(event))
            expected += more
        state, events = feed(state, chunk)
        assert (state.snapshot, state.sse, list(events)) == (snapshot, sse, expected)
    by_byte = TEXT_OPEN
    for byte in b"".join(chunks):
        by_byte = drain(by_byte, bytes([byte]))
    assert state == by_byte
