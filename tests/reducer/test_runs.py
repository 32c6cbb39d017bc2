"""Runs of deltas against their slow twin, which folds event by event through the whole JSON."""

from __future__ import annotations

import copy
import functools
import json
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    EventStreamState,
    LiveRun,
    PartialJSON,
    PartialMode,
    ProtocolError,
    RawContentBlockDeltaEvent,
    Snapshot,
    SSEState,
    StreamState,
    TextDelta,
    TextEvent,
    ThinkingEvent,
    decode_sse,
    drain,
    encode_event_stream,
    encode_sse,
    feed,
    parse_event,
    reduce,
)
from streamfold.reducer.declared import evolve
from streamfold.reducer.growing import Shared, Text

from tests.support.effort import effort
from tests.support.events import block_delta, block_start, block_stop, message_start, tool_start

Fed = tuple[Any, Any, str]


def one_by_one(state: StreamState, chunk: bytes) -> Fed:
    """The slow twin of `feed`: the snapshot, the events, and the text of the fault."""
    _, events = decode_sse(state.sse, chunk)
    snapshot, derived = state.snapshot, []
    try:
        for event in events:
            snapshot, more = reduce(snapshot, parse_event(event))
            derived += more
    except ProtocolError as fault:
        return snapshot, tuple(derived), str(fault)
    return snapshot, tuple(derived), ""


def at_once(state: StreamState, chunk: bytes) -> Fed:
    try:
        state, events = feed(state, chunk)
    except ProtocolError as fault:
        return fault.snapshot, fault.events, str(fault)
    return state.snapshot, events, ""


def drained(state: StreamState, chunk: bytes) -> tuple[Any, str]:
    try:
        return drain(state, chunk).snapshot, ""
    except ProtocolError as fault:
        return fault.snapshot, str(fault)


STARTS = [
    block_start(0, "text", text=""),
    block_start(0, "text", text="So "),
    block_start(0, "thinking", thinking="", signature=""),
    tool_start(0),
    block_start(0, "hologram"),
]

texts = st.sampled_from(
    [
        "a",
        "",
        "é\u2028😀",
        '{"a": "',
        "1",
        "}",
        "\\ud83d",
        "\\ude00",
        "\\n",
        '\\"',
        "\\x",
        "\t",
        '"',
    ]
)
"""The characters between the quotes of a delta; most are JSON."""
ends = st.sampled_from(["}}"] * 6 + ["}   }", "} }  ", "},}", ',"x":1}}', '},"x":1}', "}", "}}x"])

KINDS = [
    ("text_delta", "text"),
    ("thinking_delta", "thinking"),
    ("input_json_delta", "partial_json"),
    ("signature_delta", "signature"),
]


@st.composite
def deltas(draw: Any, kind: tuple[str, str]) -> str:
    """The data of a delta event, mostly of this kind, in the form of the API or almost."""
    name, attribute = draw(st.sampled_from([kind] * 8 + KINDS))
    index = draw(st.sampled_from([0, 0, 0, 1]))
    head = f'{{"type":"content_block_delta","index":{index},"delta":{{"type":"{name}",'
    return f'{head}"{attribute}":"{draw(texts)}"{draw(ends)}'


others = st.sampled_from(
    [
        '{"type": "ping"}',
        '{"type":"content_block_stop","index":0}',
        '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}',
        '{"type":"message_stop"}',
        '{"type":"error","error":{"type":"api_error","message":"no"}}',
        '{"type":"hologram"}',
        "nonsense",
        " ",
    ]
)


@effort(400)
@given(st.data())
def test_runs_are_folded_as_their_events_one_by_one(data: st.DataObject) -> None:
    start, kind = data.draw(
        st.sampled_from(list(zip(STARTS, [KINDS[0], *KINDS[:3], KINDS[0]], strict=True)))
    )
    datas = data.draw(st.lists(deltas(kind) | deltas(kind) | others, max_size=8))
    state, _ = feed(StreamState(), encode_sse([message_start(), start]))
    chunk = "".join(f"event: x\ndata: {data}\n\n" for data in datas).encode()
    expected = one_by_one(state, chunk)
    assert at_once(state, chunk) == expected
    assert drained(state, chunk) == (expected[0], expected[2])


values = st.sampled_from([None, True, 1, 1.5, "x", [], {"a": [1]}])


@st.composite
def spelled_deltas(draw: Any, kind: tuple[str, str]) -> str:
    """The data of a delta event in any spelling of JSON, with added fields, mostly of this kind."""
    name, attribute = draw(st.sampled_from([kind] * 8 + KINDS))
    text: Any = draw(st.sampled_from(["", "a", "é\u2028😀", '{"a": "', "\ud83d", None, 1, ["a"]]))
    delta: dict[str, Any] = {"type": name, attribute: text}
    event: dict[str, Any] = {
        "type": "content_block_delta",
        "index": draw(st.sampled_from([0, 0, 0, 1, True, 0.0])),
    }
    for fields in (delta, event):
        if draw(st.integers(0, 3)) == 0:
            fields[draw(st.sampled_from(["added", "estimated_tokens", "é"]))] = draw(values)
    event["delta"] = delta if draw(st.integers(0, 9)) else draw(values)
    if draw(st.integers(0, 9)) == 0:
        del event[draw(st.sampled_from(sorted(event)))]
    order = draw(st.sampled_from([False, True]))
    event = {key: event[key] for key in draw(st.permutations(sorted(event)))}
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", "\t:")]))
    ascii_only = draw(st.booleans())
    return json.dumps(event, sort_keys=order, separators=separators, ensure_ascii=ascii_only)


@effort(800)
@given(st.data())
def test_deltas_in_any_spelling_are_folded_as_their_events_one_by_one(data: st.DataObject) -> None:
    start, kind = data.draw(
        st.sampled_from(list(zip(STARTS, [KINDS[0], *KINDS[:3], KINDS[0]], strict=True)))
    )
    datas = data.draw(st.lists(spelled_deltas(kind) | deltas(kind), max_size=6))
    state, _ = feed(StreamState(), encode_sse([message_start(), start]))
    chunk = "".join(f"data: {data}\n\n" for data in datas).encode("utf-8", "replace")
    expected = one_by_one(state, chunk)
    found = at_once(state, chunk)
    assert found == expected
    assert [event.to_json() for event in found[1]] == [event.to_json() for event in expected[1]]
    assert drained(state, chunk) == (expected[0], expected[2])


@effort(300)
@given(st.data())
def test_a_run_in_one_spelling_is_folded_as_its_events_one_by_one(data: st.DataObject) -> None:
    start, kind = data.draw(
        st.sampled_from(list(zip(STARTS[:4], [KINDS[0], *KINDS[:3]], strict=True)))
    )
    spelled = data.draw(spelled_deltas(kind))
    pieces = data.draw(st.lists(texts, min_size=2, max_size=5))
    state, _ = feed(StreamState(), encode_sse([message_start(), start]))
    written = json.dumps("a", ensure_ascii=False)
    datas = [spelled, *(spelled.replace(written, f'"{piece}"') for piece in pieces)]
    chunk = "".join(f"data: {data}\n\n" for data in datas).encode("utf-8", "replace")
    assert at_once(state, chunk) == one_by_one(state, chunk)


@pytest.mark.parametrize(
    "around",
    [
        ['"text":"', '"'],
        ['"text" : "', '"'],
        ['"te\\u0078t":"', '"'],
        ['"text":"a","text":"', '"'],
        ['"text":"', '","text":"a"'],
        ['"x":{"text":"a"},"text":"', '"'],
        ['"text":"', '","x":{"text":"a"}'],
        ['"x":"\\"text\\":\\"","text":"', '"'],
        ['"x":"text","text":"', '"'],
        ['"text":"~', '"'],
    ],
    ids=range(10),
)
def test_the_string_of_a_delta_is_found_in_its_spelling(around: list[str]) -> None:
    before, after = around
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[0]]))
    datas = [
        f'{{"index":0,"delta":{{"type":"text_delta",{before}{text}{after}}},'
        '"type":"content_block_delta"}'
        for text in ("a", "b", "", "\\u00e9", "a", '"', "c")
    ]
    chunk = "".join(f"data: {data}\n\n" for data in datas).encode()
    assert at_once(state, chunk) == one_by_one(state, chunk)


@functools.cache
def after_blocks(count: int) -> StreamState:
    """The state after this number of blocks."""
    events = [
        event for at in range(count) for event in (block_start(at, "text", text=""), block_stop(at))
    ]
    return drain(StreamState(), encode_sse([message_start(), *events]))


heads = st.sampled_from(
    ["event: content_block_delta\n"] * 9
    + ["", "event: x\n", "id: 1\nevent: content_block_delta\n", ":event: content_block_delta\n"]
)
"""The lines of a server-sent event before its data, mostly those of the API."""
blanks = st.sampled_from(["\n\n"] * 9 + ["\n:\n\n", "\n\n\n", "\n\n:\n", "\r\n\r\n", "\ndata\n\n"])


@effort(800)
@given(st.data())
def test_runs_on_the_wire_are_folded_as_their_events_one_by_one(data: st.DataObject) -> None:
    start, kind = data.draw(
        st.sampled_from(list(zip(STARTS, [KINDS[0], *KINDS[:3], KINDS[0]], strict=True)))
    )
    index = data.draw(st.sampled_from([0, 64]))  # the prefixes of later blocks are made on the way
    state, _ = feed(after_blocks(index), encode_sse([{**start, "index": index}]))
    pieces: list[str] = []
    for event in data.draw(st.lists(deltas(kind) | deltas(kind) | others, max_size=8)):
        event = event.replace('"index":0', f'"index":{index}')
        pieces += data.draw(heads), f"data: {event}", data.draw(blanks)
    body = "".join(pieces).encode()
    cut = data.draw(st.integers(0, len(body)))
    snapshot, events, fault = one_by_one(state, body)
    first = at_once(state, body[:cut])
    if first[2]:
        assert first == (snapshot, events, fault)
        return
    halfway, _ = feed(state, body[:cut])
    second = at_once(halfway, body[cut:])
    assert (second[0], first[1] + second[1], second[2]) == (snapshot, events, fault)
    if not fault:
        assert feed(halfway, body[cut:])[0].sse == decode_sse(state.sse, body)[0]
        assert drain(halfway, body[cut:]) == feed(halfway, body[cut:])[0]


@pytest.mark.parametrize(
    "odd",
    [
        '{"type":"odd","index":0,"delta":{"type":"text_delta","text":"a"}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"odd","text":"text_delta"}}',
    ],
    ids=["event", "delta"],
)
def test_an_event_of_another_type_that_looks_like_a_delta_ends_the_run(odd: str) -> None:
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[0]]))
    delta = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}'
    chunk = "".join(f"data: {data}\n\n" for data in (delta, odd, delta)).encode()
    assert at_once(state, chunk) == one_by_one(state, chunk)


@effort(400)
@given(st.data())
def test_chunks_of_one_event_are_folded_as_their_events_one_by_one(data: st.DataObject) -> None:
    start, kind = data.draw(
        st.sampled_from(list(zip(STARTS, [KINDS[0], *KINDS[:3], KINDS[0]], strict=True)))
    )
    datas = data.draw(st.lists(deltas(kind) | deltas(kind) | spelled_deltas(kind), max_size=4))
    state, _ = feed(StreamState(), encode_sse([message_start(), start]))
    for event in datas:
        end = data.draw(
            st.sampled_from(["\n\n"] * 6 + ["\n \n", "\r\n\r\n", " \n\n", "\n\n\n", "\n"])
        )
        chunk = f"event: content_block_delta\ndata: {event}{end}".encode("utf-8", "replace")
        expected = one_by_one(state, chunk)
        assert at_once(state, chunk) == expected
        assert drained(state, chunk) == (expected[0], expected[2])
        if expected[2]:
            break
        state = drain(state, chunk)


@effort(400)
@given(st.data())
def test_a_live_run_gives_the_events_and_the_states_of_feed(data: st.DataObject) -> None:
    start, kind = data.draw(
        st.sampled_from(list(zip(STARTS, [KINDS[0], *KINDS[:3], KINDS[0]], strict=True)))
    )
    head = encode_sse([message_start(), start])
    first = encode_sse([block_delta(0, kind[0], **{kind[1]: "é"})])
    begun = feed(StreamState(), head)[0]
    run = LiveRun.after(begun, first)
    assert (run is None) == (start is STARTS[4])
    if run is None:
        return
    value, states, snapshots = run.value, [begun], [begun.snapshot]
    datas = data.draw(st.lists(deltas(kind) | deltas(kind) | spelled_deltas(kind), max_size=6))
    for event in datas:
        end = data.draw(st.sampled_from(["\n\n"] * 6 + ["\r\n\r\n", "\n\n\n", "\n"]))
        chunk = f"event: content_block_delta\ndata: {event}{end}".encode("utf-8", "replace")
        events: list[Any] = []
        after = run.fold(value, chunk, events if data.draw(st.booleans()) else None)
        assert run.fold(value, chunk, None) == after
        if after is None:
            assert not events
            break
        expected = feed(states[-1], chunk)
        assert tuple(events) in ((), expected[1])
        value = after
        states.append(run.state_at(value, len(states)))
        snapshots.append(expected[0].snapshot)
        assert states[-1] == expected[0]
    assert [state.snapshot for state in states] == snapshots
    assert run.state_at(run.value, 0) == begun


@pytest.mark.parametrize("kind", KINDS[:3])
def test_a_live_run_goes_on_while_each_chunk_is_a_delta_of_the_api(kind: tuple[str, str]) -> None:
    start = STARTS[[0, 2, 3][KINDS.index(kind)]]
    state, _ = feed(StreamState(), encode_sse([message_start(), start]))
    chunk = encode_sse([block_delta(0, kind[0], **{kind[1]: '[1, "é'})])
    run = LiveRun.after(state, chunk)
    assert run is not None
    events: list[Any] = []
    value = run.value
    for _ in range(5):
        value = run.fold(value, chunk.replace(b"}}", b"}   }"), events)
    assert (run.state_at(value, 5), tuple(events)) == feed(state, chunk * 5)


DELTA = encode_sse([block_delta(0, "text_delta", text="a")])
TEXT_OPEN, _ = feed(StreamState(), encode_sse([message_start(), STARTS[0]]))


@pytest.mark.parametrize(
    ("state", "chunk"),
    [
        (StreamState(), DELTA),
        (TEXT_OPEN, encode_sse([block_delta(1, "text_delta", text="a")])),
        (TEXT_OPEN, encode_sse([{"type": "ping"}])),
        (TEXT_OPEN, encode_sse([block_delta(0, "text_delta", text="a" * 1000)])),
        (drain(TEXT_OPEN, DELTA[:-1]), DELTA[:-1]),
        (drain(TEXT_OPEN, encode_sse([STARTS[0] | {"index": 1}])), DELTA),
        (drain(TEXT_OPEN, encode_sse([{"type": "error", "error": {}}])), DELTA),
        (
            drain(StreamState(sse=SSEState(limit=900)), encode_sse([message_start(), STARTS[0]])),
            DELTA,
        ),
        (
            drain(
                StreamState(sse=EventStreamState()),
                encode_event_stream([message_start(), STARTS[0]]),
            ),
            DELTA,
        ),
    ],
    ids=[
        "no block",
        "another block",
        "no delta",
        "a long chunk",
        "within an event",
        "two blocks",
        "over",
        "a low limit",
        "other frames",
    ],
)
def test_no_live_run_begins_elsewhere(state: StreamState, chunk: bytes) -> None:
    assert LiveRun.after(state, chunk) is None


@pytest.mark.parametrize(
    ("end", "is_whole"),
    [
        ("}}\n\n", True),
        ("} }  \n\n", True),
        ("}}\n\n ", False),
        ("}}\n \n", False),
        ("} }\n\n ", False),
        ("}}\n\n  ", False),
        ("}}\n\n\n", False),
    ],
)
def test_the_bytes_after_an_event_are_not_part_of_it(end: str, is_whole: bool) -> None:
    chunk = DELTA.removesuffix(b"}}\n\n") + end.encode()
    run = LiveRun.after(TEXT_OPEN, chunk)
    assert run is not None
    assert (run.fold(run.value, chunk, None) is not None) == is_whole
    byte_by_byte = TEXT_OPEN
    for at in range(len(chunk)):
        byte_by_byte, _ = feed(byte_by_byte, chunk[at : at + 1])
    assert feed(TEXT_OPEN, chunk)[0] == byte_by_byte


def test_a_live_run_ends_with_a_long_chunk() -> None:
    run = LiveRun.after(TEXT_OPEN, DELTA)
    assert run is not None
    long = encode_sse([block_delta(0, "text_delta", text="a" * 1000)])
    assert run.fold(run.value, long, None) is None


@pytest.mark.parametrize("start", STARTS[:4])
@pytest.mark.parametrize("index", [0, 63, 64])
def test_an_event_in_a_chunk_of_its_own_is_read_without_its_lines(
    start: Any, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = {"text": "text_delta", "thinking": "thinking_delta"}
    delta = kind.get(start["content_block"]["type"], "input_json_delta")
    attribute = {"text_delta": "text", "thinking_delta": "thinking"}.get(delta, "partial_json")
    earlier = [
        event for at in range(index) for event in (block_start(at, "text", text=""), block_stop(at))
    ]
    state, _ = feed(
        StreamState(), encode_sse([message_start(), *earlier, {**start, "index": index}])
    )
    chunk = encode_sse([block_delta(index, delta, **{attribute: "[1"})])
    expected = one_by_one(state, chunk)
    if index < 64:  # the prefixes of later blocks are not written in advance
        monkeypatch.setattr("streamfold.reducer.pipeline.scan", None)
    assert at_once(state, chunk) == expected


def test_a_chunk_of_one_event_beyond_the_limit_is_a_fault() -> None:
    body = encode_sse([message_start(), STARTS[0]])
    state, _ = feed(StreamState(sse=SSEState(limit=len(body))), body)
    chunk = encode_sse([block_delta(0, "text_delta", text="x" * len(body))])
    assert "longer than the limit" in at_once(state, chunk)[2]


def test_a_delta_with_a_field_that_is_nested_too_deep_is_a_fault() -> None:
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[0]]))
    nested = "[" * 250 + "]" * 250
    delta = '"delta":{"type":"text_delta","text":"a"}'
    fields = f'"type":"content_block_delta","index":0,{delta}'
    chunk = f'data: {{{fields},"added":{nested}}}\n\n'.encode()
    assert "nested deeper" in at_once(state, chunk)[2]
    assert at_once(state, chunk) == one_by_one(state, chunk)


def test_a_delta_that_is_nested_beyond_the_stack_is_a_fault() -> None:
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[0]]))
    nested = "[" * 100_000 + "]" * 100_000
    chunk = f'data: {{"type":"content_block_delta","text_delta":{nested}}}\n\n'.encode()
    assert "not JSON" in at_once(state, chunk)[2]


@pytest.mark.parametrize("start", STARTS[:4])
def test_deltas_with_default_spacing_are_a_run(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = {"text": "text_delta", "thinking": "thinking_delta"}
    delta = kind.get(start["content_block"]["type"], "input_json_delta")
    attribute = {"text_delta": "text", "thinking_delta": "thinking"}.get(delta, "partial_json")
    state, _ = feed(StreamState(), encode_sse([message_start(), start]))
    event = {**block_delta(0, delta, **{attribute: "[1"}), "added": 1}
    chunk = f"data: {json.dumps(event)}\n\n".encode() * 50
    expected = one_by_one(state, chunk)
    monkeypatch.setattr("streamfold.reducer.pipeline.parse_data", None)
    assert at_once(state, chunk) == expected


@pytest.mark.parametrize(
    "tail",
    [
        '},"trace":"4bf9"}',
        '}, "a": {"b": [null]}, "c": 1 }',
        '},"a":1,"a":2}',
        ',"more":1}}',
        ',"more":[1]},"trace":2}',
        "},}",
        "}, }",
        "},",
        '},"a":1}}',
        '},"a":1}x',
        '},"a":1',
        '},"a":NaN}',
        '},"index":0}',
        '},"index":1}',
        '},"type":"ping"}',
        '},"delta":{"type":"text_delta","text":"b"}}',
        '},"a":' + "[" * 250 + "]" * 250 + "}",
        '},"a":' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=range(18),
)
def test_fields_after_the_delta_are_read_alike(tail: str) -> None:
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[0]]))
    start = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"'
    chunk = "".join(f"data: {start}{end}\n\n" for end in ("}}", tail, tail, "}}")).encode()
    assert at_once(state, chunk) == one_by_one(state, chunk)


def test_a_declared_field_that_is_rare_ends_the_run() -> None:
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[2]]))
    delta = {"type": "thinking_delta", "thinking": "a", "estimated_tokens": 3}
    event = {"type": "content_block_delta", "index": 0, "delta": delta}
    chunk = f"data: {json.dumps(event)}\n\n".encode() * 2
    assert at_once(state, chunk) == one_by_one(state, chunk)


def test_after_the_end_of_the_stream_a_run_is_kept_aside() -> None:
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[0]]))
    error = {"type": "error", "error": {"type": "api_error", "message": "no"}}
    chunk = encode_sse([error, *[block_delta(0, "text_delta", text="late")] * 3])
    assert at_once(state, chunk) == one_by_one(state, chunk)
    assert len(at_once(state, chunk)[0].unfolded) == 3


@pytest.mark.parametrize("start", STARTS[:4])
def test_a_run_is_read_without_the_json_of_its_events(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = {"text": "text_delta", "thinking": "thinking_delta"}
    delta = kind.get(start["content_block"]["type"], "input_json_delta")
    attribute = {"text_delta": "text", "thinking_delta": "thinking"}.get(delta, "partial_json")
    state, _ = feed(StreamState(), encode_sse([message_start(), start]))
    chunk = encode_sse([block_delta(0, delta, **{attribute: "[1"})] * 50)
    expected = one_by_one(state, chunk)
    monkeypatch.setattr("streamfold.reducer.pipeline.parse_data", None)
    assert at_once(state, chunk) == expected


def test_a_snapshot_that_others_were_folded_from_is_folded_from_again() -> None:
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[1]]))
    state, _ = feed(state, encode_sse([block_delta(0, "text_delta", text="far")]))
    endings = [["a", "b", "c"], ["a", "b"], ["x"], ["a", "b", "c"]]
    branches = [
        feed(state, encode_sse(block_delta(0, "text_delta", text=text) for text in ending))
        for ending in endings
    ]
    for ending, (after, events) in zip(endings, branches, strict=True):
        assert after.snapshot.message is not None
        assert after.snapshot.message.content[0]["text"] == "So far" + "".join(ending)
        assert [event.text for event in events if event.type == "text"] == ending
        assert events[-1].snapshot == "So far" + "".join(ending)


def test_another_thread_that_appends_meanwhile_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def extend_after_another(shared: list[Any], pieces: list[str]) -> None:
        list.extend(shared, ["another's"])
        list.extend(shared, pieces)

    before = Text(["So "]).append("far")
    monkeypatch.setattr(Shared, "extend", extend_after_another)
    after = before.extend(["a", "b"])
    assert str(after) == "So farab"
    assert [str(after.earlier(missing)) for missing in (1, 0)] == ["So fara", "So farab"]


# --- the parts of events that are made when they are read ---------------------------------------


def matched(event: Any) -> Any:
    match event:
        case RawContentBlockDeltaEvent(index=index, delta=delta):
            return index, delta
        case TextEvent(snapshot=snapshot) | ThinkingEvent(snapshot=snapshot):
            return snapshot
        case _:
            return event.snapshot


READINGS: list[Callable[[Any], Any]] = [
    lambda event: event,
    hash,
    repr,
    dict,
    len,
    pickle.dumps,
    copy.deepcopy,
    matched,
    lambda event: event.to_json(indent=1),
    lambda event: event.model_dump(),
    lambda event: event["delta" if event.type == "content_block_delta" else "snapshot"],
    lambda event: "delta" in event or "snapshot" in event,
    lambda event: evolve(event),
    lambda event: attrs.evolve(event),
    lambda event: attrs.asdict(event, recurse=False).keys(),
    lambda event: [hasattr(event, name) for name in ("delta", "snapshot", "_snapshot", "odd")],
    lambda event: event.delta.to_dict() if hasattr(event, "delta") else event.type,
]


@pytest.mark.parametrize("read", READINGS)
@pytest.mark.parametrize(("name", "part"), KINDS[:3])
@pytest.mark.parametrize("added", [{}, {"added": 1}], ids=["known", "added"])
def test_parts_that_are_made_when_read_are_those_of_an_event_that_was_made_whole(
    read: Callable[[Any], Any], name: str, part: str, added: dict[str, Any]
) -> None:
    kinds = [kind for kind, _ in KINDS[:3]]
    start = dict(zip(kinds, [STARTS[0], STARTS[2], STARTS[3]], strict=True))
    state, _ = feed(StreamState(), encode_sse([message_start(), start[name]]))
    deltas = [block_delta(0, name, **{part: string}, **added) for string in ("[1", ", 2", "", "]")]
    body = encode_sse(deltas)
    _, expected, _ = one_by_one(state, body)
    _, folded, _ = at_once(state, body)
    one_a_chunk: list[Any] = []
    for delta in deltas:
        state, events = feed(state, encode_sse([delta]))
        one_a_chunk += events
    for event, whole, alone in zip(folded, expected, one_a_chunk, strict=True):
        assert read(event) == read(whole) == read(alone)


def test_a_delta_that_two_threads_read_at_once_is_the_same_for_both() -> None:
    state, _ = feed(StreamState(), encode_sse([message_start(), STARTS[0]]))
    _, (event, _) = feed(state, encode_sse([block_delta(0, "text_delta", text="a")]))
    make, others = event._make_delta, []

    def make_after_another(string: str) -> Any:
        object.__setattr__(event, "_make_delta", make)
        others.append(event.delta)
        return make(string)

    object.__setattr__(event, "_make_delta", make_after_another)
    assert [event.delta] == others == [TextDelta(text="a")]
    assert event.delta is event.delta


# --- what is made by drafts ----------------------------------------------------------------------


@given(st.data())
@pytest.mark.parametrize("mode", ["on", "trailing-strings"])
def test_a_string_that_goes_on_reads_as_if_it_came_at_once(
    mode: PartialMode, data: st.DataObject
) -> None:
    pieces = data.draw(st.lists(texts.filter(lambda text: text != '"'), max_size=6))
    state, _ = feed(
        StreamState(snapshot=Snapshot(partial_mode=mode)),
        encode_sse([message_start(), tool_start(0)]),
    )
    written = '{"x": [1, {"y": "'
    _, so_far = feed(state, encode_sse([block_delta(0, "input_json_delta", partial_json=written)]))
    written_in = [written, *pieces]
    body = encode_sse(block_delta(0, "input_json_delta", partial_json=each) for each in written_in)
    _, events = feed(state, body)
    inputs = [event for event in events if event.type == "input_json"]
    assert so_far[-1].snapshot == inputs[0].snapshot
    for count, event in enumerate(inputs, 1):
        whole = PartialJSON(mode=mode).append("".join(written_in[:count]))
        assert event.snapshot == whole.value
        assert json.loads(json.dumps(event.snapshot)) == event.snapshot
