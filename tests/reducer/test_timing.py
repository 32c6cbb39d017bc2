"""`Timing` is a fold: the same events at the same times give the same value, however they are
grouped, and a plain loop over all of them gives each of its fields.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import chunked, raw_events, wire
from streamfold.reducer import (
    GAP_BOUNDS,
    ProtocolError,
    ServerSentEvent,
    Snapshot,
    SSEState,
    StreamState,
    Timing,
    decode_sse,
    drain,
    encode_sse,
    feed,
    fold_chunk,
    parse_event,
    reduce,
)

from tests.support.events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    error_event,
    message_delta,
    message_start,
    text_block,
    tool_block,
    tool_start,
)

Event = dict[str, Any]
PING = {"type": "ping"}


def text(piece: str) -> Event:
    return block_delta(0, "text_delta", text=piece)


def parsed_event(event: Event) -> Any:
    return parse_event(ServerSentEvent(data=json.dumps(event)))


def usage(tokens: int | None) -> Event:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": tokens},
    }


# --- the model: every field by its own definition ------------------------------------------------


def shown(event: Event) -> list[str]:
    """The types of the blocks that the event gives something to show."""
    match event:
        case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": piece}}:
            return ["text"] if piece else []
        case {"delta": {"type": "thinking_delta", "thinking": piece}}:
            return ["thinking"] if piece else []
        case {"delta": {"type": "input_json_delta", "partial_json": piece}}:
            return ["tool"] if piece else []
        case {"delta": {"type": "compaction_delta"} as delta}:
            return ["compaction"] if delta.get("content") else []
        case {"type": "content_block_start", "content_block": block}:
            return shown_of(block)
        case {"type": "message_start", "message": message}:
            return [kind for block in message["content"] for kind in shown_of(block)]
    return []


def shown_of(block: Event) -> list[str]:
    fields = {
        "text": "text",
        "thinking": "thinking",
        "compaction": "content",
        "tool_use": "input",
        "server_tool_use": "input",
        "mcp_tool_use": "input",
    }
    kind = block["type"]
    if kind in fields:
        return [kind] if block.get(fields[kind]) else []
    return [] if kind == "fallback" else [kind]


def first(times: Sequence[float]) -> float | None:
    return times[0] if times else None


def model(timed: list[tuple[float, Event]], size: int) -> Timing:
    progress = [(at, event) for at, event in timed if event["type"] != "ping"]
    times = [at for at, _ in progress]
    gaps = [after - before for before, after in pairwise(times) if after > before]
    bounds = (*GAP_BOUNDS, float("inf"))
    counts = [
        sum(lower < gap <= upper for gap in gaps) for lower, upper in pairwise((0.0, *bounds))
    ]
    tokens = [
        event["usage"]["output_tokens"]
        for _, event in progress
        if event["type"] == "message_delta"
        and event.get("usage")
        and event["usage"].get("output_tokens")
    ]
    return Timing(
        first_event=first(times),
        first_content=first([at for at, event in progress if shown(event)]),
        first_text=first([at for at, event in progress if "text" in shown(event)]),
        first_thinking=first([at for at, event in progress if "thinking" in shown(event)]),
        last_event=times[-1] if times else None,
        longest_gap=max(gaps, default=None),
        gaps=counts,
        events=len(progress),
        pings=len(timed) - len(progress),
        bytes=size,
        output_tokens=tokens[-1] if tokens else None,
    )


@st.composite
def timed_events(draw: st.DrawFn) -> list[tuple[float, list[Event]]]:
    """The events of a stream, with pings in between, in groups that came at one time each."""
    events: list[Event] = draw(raw_events(unknown=True))
    for at in sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)), reverse=True):
        events.insert(at, PING)
    cuts = sorted(draw(st.sets(st.integers(0, len(events)))))
    groups = [events[a:b] for a, b in pairwise([0, *cuts, len(events)])]
    steps = draw(
        st.lists(
            st.floats(0, 100) | st.sampled_from([0.0, *GAP_BOUNDS]),
            min_size=len(groups),
            max_size=len(groups),
        )
    )
    return list(zip(accumulate(steps), groups, strict=True))


@given(timed_events())
def test_every_field_is_that_of_a_plain_loop(groups: list[tuple[float, list[Event]]]) -> None:
    timing = Timing()
    for at, events in groups:
        timing = timing.saw(at, events, bytes=len(events))
    timed = [(at, event) for at, events in groups for event in events]
    assert timing == model(timed, len(timed))


@given(timed_events())
def test_events_of_one_time_can_come_in_any_grouping(
    groups: list[tuple[float, list[Event]]],
) -> None:
    at_once, one_by_one = Timing(), Timing()
    for at, events in groups:
        at_once = at_once.saw(at, events, bytes=2 * len(events))
        for event in events:
            one_by_one = one_by_one.saw(at, [event], bytes=2)
    assert at_once == one_by_one


@given(timed_events())
def test_raw_and_derived_events_are_timed_alike(groups: list[tuple[float, list[Event]]]) -> None:
    """A reader of `reduce` sees no pings; all else is equal, for events of any class."""
    raw, derived, parsed = Timing(), Timing(), Timing()
    snapshot = Snapshot()
    for at, events in groups:
        raw = raw.saw(at, events)
        parsed = parsed.saw(at, [parsed_event(event) for event in events])
        for event in events:
            snapshot, made = reduce(snapshot, event)
            derived = derived.saw(at, made)
    assert parsed == raw
    assert derived == attrs.evolve(raw, pings=0)


@given(timed_events())
def test_it_goes_to_json_and_back_and_pickles(groups: list[tuple[float, list[Event]]]) -> None:
    timing = Timing().answered(0.25)
    for at, events in groups:
        timing = timing.saw(at, events, bytes=7)
    timing = timing.ended(1e9)
    assert Timing.from_dict(json.loads(json.dumps(timing.to_dict()))) == timing
    assert pickle.loads(pickle.dumps(timing)) == timing


# --- exact values --------------------------------------------------------------------------------


def test_the_times_of_a_stream_with_thinking_and_text() -> None:
    timing = (
        Timing()
        .answered(0.5)
        .saw(0.75, [message_start(), block_start(0, "thinking", thinking="", signature="")])
        .saw(1.0, [PING])
        .saw(1.75, [block_delta(0, "thinking_delta", thinking="Hm")])
        .saw(1.75, [block_delta(0, "signature_delta", signature="c2ln")], bytes=80)
        .saw(1.75, [block_stop(0), block_start(1, "text", text="")])
        .saw(2.0, [block_delta(1, "text_delta", text="Hi")], bytes=100)
        .saw(2.0, [block_stop(1), usage(25)])
        .saw(4.25, [{"type": "message_stop"}, PING])
        .ended(4.5)
    )
    assert timing.to_dict() == {
        "headers": 0.5,
        "first_event": 0.75,
        "first_content": 1.75,
        "first_text": 2.0,
        "first_thinking": 1.75,
        "last_event": 4.25,
        "duration": 4.5,
        "longest_gap": 2.25,
        "gaps": [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0],
        "events": 10,
        "pings": 2,
        "bytes": 180,
        "output_tokens": 25,
    }
    assert timing.output_tokens_per_second == 10.0


def test_nothing_happened_yet() -> None:
    timing = Timing()
    assert {name for name, value in timing.to_dict().items() if value is None} == {
        "headers",
        "first_event",
        "first_content",
        "first_text",
        "first_thinking",
        "last_event",
        "duration",
        "longest_gap",
        "output_tokens",
    }
    assert timing.output_tokens_per_second is None


def test_pings_are_no_progress() -> None:
    timing = Timing().saw(1.0, [message_start()]).saw(2.0, [PING]).saw(9.0, [PING, PING])
    assert (timing.events, timing.pings, timing.last_event, timing.longest_gap) == (1, 3, 1.0, None)
    assert Timing().saw(1.0, [PING]).first_event is None


def test_events_that_came_at_once_have_no_gap_and_no_rate() -> None:
    timing = Timing().saw(1.0, [message_start(), block_start(0, "text", text=""), text("Hi")])
    timing = timing.saw(1.0, [usage(3)])
    assert (timing.longest_gap, sum(timing.gaps)) == (None, 0)
    assert timing.output_tokens_per_second is None


def test_a_rate_needs_content() -> None:
    timing = Timing().saw(1.0, [message_start()]).saw(2.0, [usage(3)])
    assert timing.output_tokens_per_second is None


def test_the_last_count_of_output_tokens_stands() -> None:
    timing = Timing().saw(1.0, [usage(3)]).saw(2.0, [usage(9)]).saw(3.0, [usage(None)])
    assert timing.output_tokens == 9
    without = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    assert timing.saw(4.0, [without]).output_tokens == 9


@pytest.mark.parametrize(
    ("event", "is_content"),
    [
        (block_start(0, "text", text=""), False),
        (block_start(0, "text", text="Hi"), True),
        (text(""), False),
        (text("Hi"), True),
        (tool_start(0), False),
        (block_delta(0, "input_json_delta", partial_json=""), False),
        (block_delta(0, "input_json_delta", partial_json="{"), True),
        (block_delta(0, "signature_delta", signature="c2ln"), False),
        (block_start(0, "redacted_thinking", data="eA=="), True),
        (block_start(0, "hologram", beam=1), True),
        (block_start(0, "compaction", content=None), False),
        (block_delta(0, "compaction_delta", content="In short"), True),
        ({"type": "message_stop"}, False),
    ],
)
def test_content_is_something_to_show(event: Event, is_content: bool) -> None:
    timing = Timing().saw(1.0, [event])
    assert (timing.first_content == 1.0) is is_content
    assert timing.events == 1


def test_a_mapping_that_is_not_an_event() -> None:
    with pytest.raises(ProtocolError, match="`type`"):
        Timing().saw(1.0, [{"kind": "text"}])


def test_a_timing_never_changes() -> None:
    before = Timing().saw(1.0, [message_start()])
    kept = pickle.dumps(before)
    before.saw(2.0, [text("Hi")]).ended(3.0)
    assert pickle.dumps(before) == kept
    with pytest.raises(AttributeError):
        before.events = 2  # type: ignore[misc]


def test_its_size_does_not_grow_with_the_stream() -> None:
    timing = Timing().saw(0.0, [message_start()])
    few = len(pickle.dumps(timing))
    for step in range(1, 2000):
        timing = timing.saw(step * 0.03, [text("x")], bytes=100)
    assert len(pickle.dumps(timing)) < few + 100
    assert timing.gaps[5] == 1999


# --- chunks --------------------------------------------------------------------------------------


@given(st.data())
def test_chunks_are_timed_like_the_events_in_them(data: st.DataObject) -> None:
    """`took` sees states only, and gives the values of `saw`, with every function that folds."""
    events: list[Event] = data.draw(raw_events())
    for at in sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4)), reverse=True):
        events.insert(at, PING)
    chunks = data.draw(chunked(data.draw(wire(events))))
    by_events, by_states, fed = Timing(), Timing(), Timing()
    sse, state = SSEState(), StreamState()
    for at, chunk in enumerate(chunks):
        sse, found = decode_sse(sse, chunk)
        by_events = by_events.saw(at, [parse_event(event) for event in found], bytes=len(chunk))
        fed = fed.took(at, state, feed(state, chunk)[0], len(chunk))
        after = drain(state, chunk)
        by_states = by_states.took(at, state, after, len(chunk))
        state = after
    assert by_states == by_events
    assert fed == by_states


def timed_in_groups(
    chunks: list[bytes], waits: Callable[[Timing, StreamState, StreamState], bool]
) -> tuple[Timing, Timing]:
    """The timing of chunks one by one, and in groups that end where `waits` is false."""
    one_by_one = in_groups = Timing()
    state = start = StreamState()
    arrivals: list[float] = []
    size = 0
    for at, chunk in enumerate([*chunks, b""]):
        after = drain(state, chunk)
        one_by_one = one_by_one.took(at, state, after, len(chunk))
        size += len(chunk)
        if after.events > state.events:
            arrivals.append(at)
        if not chunk or not waits(in_groups, state, after):
            in_groups = in_groups.took_all(arrivals, start, after, size)
            start, arrivals, size = after, [], 0
        state = after
    return one_by_one, in_groups


@given(st.data())
def test_chunks_are_timed_in_groups_as_one_by_one(data: st.DataObject) -> None:
    """A group ends with a chunk for which `only_counts` is false."""
    events: list[Event] = data.draw(raw_events())
    for at in sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4)), reverse=True):
        events.insert(at, PING)
    chunks = data.draw(chunked(encode_sse(events)) | st.just([encode_sse([e]) for e in events]))
    one_by_one, in_groups = timed_in_groups(chunks, Timing.only_counts)
    assert in_groups == one_by_one


def test_deltas_after_the_first_only_count() -> None:
    state = drain(StreamState(), encode_sse([message_start(), block_start(0, "text", text="")]))
    delta = encode_sse([block_delta(0, "text_delta", text="a")])
    first = drain(state, delta)
    timing = Timing()
    assert not timing.only_counts(state, first)
    timing = timing.took(1.0, state, first, len(delta))
    assert timing.only_counts(first, drain(first, delta))
    assert not timing.only_counts(first, drain(first, encode_sse([block_stop(0)])))


def test_a_chunk_with_a_fault_counts_the_events_before_it() -> None:
    chunk = encode_sse([PING, message_start()]) + b"data: {\n\n"
    folded = fold_chunk(StreamState(), chunk)
    assert folded.fault is not None
    timing = Timing().took(1.0, StreamState(), folded.state, len(chunk))
    assert (timing.events, timing.pings, timing.first_event) == (1, 1, 1.0)


def test_a_checkpoint_without_counts_goes_on_from_zero() -> None:
    """The first checkpoints had no counts."""
    state = drain(StreamState(), encode_sse([message_start(), PING]))
    saved = state.to_dict()
    assert (saved.pop("events"), saved.pop("pings")) == (1, 1)
    assert StreamState.from_dict(saved) == attrs.evolve(state, events=0, pings=0)


@given(st.data())
def test_chunks_that_can_wait_are_timed_in_groups_as_one_by_one(data: st.DataObject) -> None:
    """Blocks of types with content may start and stop within a group."""
    events: list[Event] = data.draw(raw_events())
    chunks = data.draw(chunked(encode_sse(events)) | st.just([encode_sse([e]) for e in events]))

    def waits(timing: Timing, before: StreamState, after: StreamState) -> bool:
        if timing.only_counts(before, after):
            assert timing.can_wait(before, after)
        return timing.can_wait(before, after)

    one_by_one, in_groups = timed_in_groups(chunks, waits)
    assert in_groups == one_by_one


def test_blocks_of_a_type_with_content_can_wait() -> None:
    first = drain(StreamState(), encode_sse([message_start(), *text_block(0, "a")]))
    timing = Timing().took(1.0, StreamState(), first, 100)
    for more, can_wait in [
        (text_block(1, "b"), True),
        (text_block(1, "b")[:1], True),
        ([*text_block(1), *tool_block(2, "{}")], True),
        ([block_start(1, "thinking", thinking="", signature="")], False),
        ([block_start(1, "thinking", thinking="", signature=""), block_stop(1)], False),
        ([message_delta()], False),
        ([MESSAGE_STOP], False),
        ([error_event("api_error")], False),
        ([{"type": "hologram"}], False),
        ([block_start(index, "text", text="") for index in range(1, 40)], False),
    ]:
        assert timing.can_wait(first, drain(first, encode_sse(more))) is can_wait
    assert not Timing().can_wait(StreamState(), first)
