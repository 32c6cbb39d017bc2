"""A recording folded event by event: faults, labels, derived events, timing."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from typing import Any

import attrs
import pytest
from streamfold.adapters.inspector.trace import Derived, trace
from streamfold.reducer import encode_event_stream, encode_sse
from streamfold.transports import (
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
)

from tests.adapters.inspector.reference import (
    RECORDINGS,
    answer,
    folded,
    framed,
    message_start,
    recording_of,
    text_deltas,
)
from tests.support.event_stream_frames import frame


def faults(recording: Recording) -> list[tuple[str, int, str, str]]:
    return [(fault.kind, fault.event, fault.error, fault.text) for fault in trace(recording).faults]


# --- faults -------------------------------------------------------------------------------------


def test_an_answer_has_none() -> None:
    assert faults(recording_of(answer("Hello"))) == []


def test_a_protocol_fault_is_at_its_event() -> None:
    events = [message_start(), *text_deltas("a"), {"type": "content_block_stop", "index": 0}]
    text = "content_block_stop (index 0): the block has stopped already"
    assert faults(recording_of([*events, {"type": "ping"}, *text_deltas("b", index=1)])) == [
        ("protocol", 5, "ProtocolError", text)
    ]


def test_data_that_is_not_json() -> None:
    traced = trace(Recording.of(b"event: odd\ndata: {\n\n"))
    assert traced.events[0].label == "odd"
    assert traced.events[0].fault == traced.faults[0]
    assert "data is not JSON" in traced.faults[0].text


def test_an_error_event_has_the_text_of_the_error_that_is_raised() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert faults(recording_of([*answer("a")[:3], error])) == [
        ("error", 4, "OverloadedError", "overloaded_error: Overloaded")
    ]


def test_a_cut_between_two_events_is_at_the_last() -> None:
    whole = recording_of(answer("a", "b"))
    cut = whole.cut(at_byte=sum(len(chunk.data) for chunk in whole.chunks[:3]))
    (fault,) = trace(cut).faults
    assert (fault.kind, fault.error) == ("cut", "APIConnectionError")
    assert fault.event == len(trace(cut).events) == 3
    assert trace(cut).partial is None


def test_a_cut_inside_an_event_is_behind_the_last() -> None:
    whole = recording_of(answer("a", "b"))
    end = sum(len(chunk.data) for chunk in whole.chunks[:3])
    traced = trace(whole.cut(at_byte=end + 20))
    (fault,) = traced.faults
    assert (fault.kind, fault.event, len(traced.events), traced.partial) == ("cut", 4, 3, end)


def test_a_message_that_is_over_has_no_cut() -> None:
    body = encode_sse(answer("a"))
    traced = trace(Recording.of(body + b": bye\n\nevent: la"))
    assert (traced.faults, traced.partial) == ((), len(body) + 7)
    assert trace(Recording.of(body + b": bye\n\n: again")).partial is None


@pytest.mark.parametrize(
    ("index", "opened", "plain"),
    [
        (9, [0], "only block 0 is open"),
        (9, [0, 1], "only blocks 0, 1 are open"),
        (9, range(9), "only blocks 0, 1, 2, 3, 4, 5, 6, 7, … are open"),
        (9, [], "no block is open"),
        (0, [0], ""),  # it is open, and takes no such delta
    ],
)
def test_the_open_blocks_are_named(index: int, opened: Any, plain: str) -> None:
    starts = [text_deltas(index=index)[0] for index in opened]
    delta = {"type": "thinking_delta", "thinking": "a"}
    broken = {"type": "content_block_delta", "index": index, "delta": delta}
    (fault,) = trace(recording_of([message_start(), *starts, broken])).faults
    assert (fault.kind, fault.event, fault.plain) == ("protocol", len(starts) + 2, plain)


def test_a_start_needs_no_open_block() -> None:
    starts = [text_deltas()[0]] * 2
    (fault,) = trace(recording_of([message_start(), *starts])).faults
    assert (fault.kind, fault.event, fault.plain) == ("protocol", 3, "")


@pytest.mark.parametrize(
    ("data", "behind", "plain"),
    [
        (
            b"data: {",
            b"data: {}\n\n",
            "the data ends early at byte {}; the event was closed, and the stream went on",
        ),
        (
            b"data: {",
            b"",
            "the data ends early at byte {}; the event was closed, and nothing came after it",
        ),
        (
            b"data: {\ndata: ",
            b"",
            "the data ends early; the event was closed, and nothing came after it",
        ),
        (b"data: }", b"", ""),
    ],
)
def test_data_that_ends_early_is_described(data: bytes, behind: bytes, plain: str) -> None:
    start = encode_sse([message_start()]) + b"event: ping\n"
    (fault,) = trace(Recording.of(start + data + b"\n\n" + behind)).faults
    byte = len(start + data)
    assert fault.plain == plain.format(f"{byte} of the body")
    assert fault.byte == (byte if "byte" in plain else None)


def test_data_in_a_frame_that_ends_early() -> None:
    payload = json.dumps({"bytes": b64encode(b'{"type":').decode()})
    body = frame({":message-type": "event", ":event-type": "chunk"}, payload)
    (fault,) = trace(Recording.of(body)).faults
    assert (fault.kind, fault.byte) == ("protocol", None)
    assert fault.plain == "the data ends early; the event was closed, and nothing came after it"


def test_an_incomplete_body() -> None:
    (fault,) = trace(recording_of(answer("a")[:3])).faults
    assert (fault.kind, fault.event, fault.error) == ("cut", 3, "IncompleteStreamError")


def test_a_line_that_is_too_long() -> None:
    body = encode_sse([message_start()]) + b"data: " + b"x" * (16 * 1024 * 1024 + 1)
    traced = trace(Recording.of(body))
    (fault,) = traced.faults
    assert (fault.kind, fault.event, fault.error) == ("protocol", 2, "ProtocolError")
    assert (len(traced.events), traced.partial) == (1, body.rindex(b"data: "))
    traced = trace(Recording.of(body + b"\n\ndata: {}\n\n"))
    assert (len(traced.events), traced.partial) == (1, body.rindex(b"data: "))


def damaged(recording: Recording, chunk: int, byte: int) -> Recording:
    """The recording with one bit of a chunk changed."""
    data = bytearray(recording.chunks[chunk].data)
    data[byte] ^= 1
    changed = RecordedChunk(bytes(data), recording.chunks[chunk].at)
    chunks = [*recording.chunks[:chunk], changed, *recording.chunks[chunk + 1 :]]
    return attrs.evolve(recording, chunks=chunks)


@pytest.mark.parametrize(("byte", "part"), [(9, "the prelude of a frame"), (60, "a frame")])
def test_a_frame_that_is_damaged(byte: int, part: str) -> None:
    recording = damaged(framed(encode_sse(answer("a", "b"))), 3, byte)
    traced = trace(recording)
    (fault,) = traced.faults
    assert (fault.kind, fault.event, fault.error) == ("protocol", 4, "ProtocolError")
    assert (len(traced.events), traced.partial) == (3, traced.body.ends[2])
    assert fault.text.startswith(f"{part} has the checksum 0x")
    assert fault.at == recording.chunks[3].at
    assert traced.events[-1].wire.end == traced.body.ends[2]


def test_an_exception_of_bedrock() -> None:
    body = encode_event_stream(answer("a")[:3]) + frame(
        {":message-type": "exception", ":exception-type": "throttlingException"},
        '{"message":"Too many tokens"}',
    )
    (fault,) = trace(Recording.of(body)).faults
    assert (fault.kind, fault.event, fault.error) == ("error", 4, "RateLimitError")
    assert "Too many tokens" in fault.text


def test_a_frame_that_is_cut() -> None:
    whole = framed(encode_sse(answer("a")))
    (fault,) = trace(whole.cut(at_byte=len(whole.body) - 1)).faults
    assert (fault.kind, fault.event) == ("cut", 6)
    assert trace(whole.cut(at_byte=len(whole.body))).partial is None


def test_faults_have_their_times() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    events = [*answer("a")[:2], {"type": "glow"}, error]
    assert [(fault.event, fault.at) for fault in trace(recording_of(events, every=1)).faults] == [
        (4, 4),
        (3, 3),
    ]
    cut = attrs.evolve(recording_of(answer("a")[:2], every=1), ended="cut", duration=9)
    assert [(fault.kind, fault.at) for fault in trace(cut).faults] == [("cut", 9), ("stall", 9)]


def test_a_status_that_is_an_error() -> None:
    body = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}'
    (fault,) = trace(Recording.of(body).redacted()).faults[:1]
    assert fault.kind == "cut"  # with status 200
    response = RecordedResponse(429, [("content-type", "application/json")])
    (fault,) = trace(Recording([RecordedChunk(body)], response=response)).faults
    assert (fault.kind, fault.event, fault.error) == ("response", 0, "RateLimitError")
    assert "Slow down" in fault.text


def test_a_body_that_cannot_be_decompressed() -> None:
    response = RecordedResponse(headers=[("content-encoding", "gzip")])
    kinds = {
        fault.kind
        for fault in trace(Recording([RecordedChunk(b"not gzip")], response=response)).faults
    }
    assert "response" in kinds


def test_events_that_are_kept_aside() -> None:
    unknown_delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "glow_delta"}}
    late = {"type": "content_block_stop", "index": 9}
    events = [
        *text_deltas("early")[:1],
        message_start(),
        {"type": "glow"},
        *text_deltas("a")[:2],
        unknown_delta,
        *answer("a")[3:],
        {"type": "ping"},
        late,
        message_start(),
    ]
    recording = recording_of(events)
    traced = trace(recording)
    assert [(fault.event, fault.text) for fault in traced.faults] == [
        (1, "it came before message_start"),
        (3, "'glow' is not a known type of event"),
        (6, "'glow_delta' is not a known delta of this type of block"),
        (11, "it came after the end of the stream"),
        (12, "it came after the end of the stream"),
    ]
    assert {fault.kind for fault in traced.faults} == {"unfolded"}
    assert len(traced.faults) == folded(recording.body).unfolded


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_as_many_are_kept_aside_as_the_fold_keeps(path: Any) -> None:
    traced = trace(Recording.load(path))
    kept = [fault for fault in traced.faults if fault.kind == "unfolded"]
    assert len(kept) == len(traced.snapshot.unfolded)


def test_bytes_behind_the_end_break_nothing() -> None:
    body = encode_sse(answer("a")) + b"data: {\n\n" + b"data: {}\n\n"
    traced = trace(Recording.of(body))
    assert [(fault.kind, fault.event) for fault in traced.faults] == [
        ("unfolded", 7),
        ("unfolded", 8),
    ]


def test_stalls() -> None:
    events = answer("a", "b")
    times = [1, 1.5, 4, 4, 4.5, 8, 8]
    body = [RecordedChunk(encode_sse([event]), at) for event, at in zip(events, times, strict=True)]
    ping = RecordedChunk(encode_sse([{"type": "ping"}]), 6)
    traced = trace(Recording([*body[:5], ping, *body[5:]]))
    assert [(fault.kind, fault.event, fault.text, fault.between) for fault in traced.faults] == [
        ("stall", 2, "nothing came for 2.5 s after event 2; then event 3 came", (1.5, 4)),
        (
            "stall",
            5,
            "nothing but 1 ping came for 3.5 s after event 5; then event 7 came",
            (4.5, 8),
        ),
    ]


def test_a_stall_at_the_end() -> None:
    whole = recording_of(answer("a"), every=1)
    error = RecordedError("ReadTimeout", "too slow")
    pings = [RecordedChunk(encode_sse([{"type": "ping"}]), at) for at in (4, 5)]
    recording = Recording([*whole.chunks[:3], *pings], ended="error", error=error, duration=13)
    assert [fault[0] for fault in faults(recording)] == ["cut", "stall"]
    text = "nothing but 2 pings came for 10.0 s after event 3, until the end"
    assert faults(recording)[1] == ("stall", 3, "", text)
    assert faults(Recording([], ended="error", error=error, duration=13))[1:] == []


def test_a_stall_before_a_part_of_an_event() -> None:
    whole = recording_of(answer("a"), every=1)
    ping = RecordedChunk(encode_sse([{"type": "ping"}]), 4)
    part = RecordedChunk(whole.chunks[3].data[:20], 9)
    cut = Recording([*whole.chunks[:3], ping, part], ended="cut", duration=12)
    assert [(fault.kind, fault.event, fault.text) for fault in trace(cut).faults][1:] == [
        (
            "stall",
            3,
            "nothing but 1 ping came for 6.0 s after event 3; then a part of an event came",
        ),
        ("stall", 5, "nothing came for 3.0 s after a part of an event, until the end"),
    ]


# --- events -------------------------------------------------------------------------------------


def test_labels_blocks_and_chunks() -> None:
    recording = recording_of([*answer("a"), {"type": "x", "index": "no"}]).rechunk(300)
    traced = trace(recording)
    assert [(event.label, event.block) for event in traced.events] == [
        ("message_start", None),
        ("content_block_start", 0),
        ("text_delta", 0),
        ("content_block_stop", 0),
        ("message_delta", None),
        ("message_stop", None),
        ("x", None),
    ]
    for event in traced.events:
        ends = traced.body.ends
        assert event.wire.complete_at < ends[event.chunk]
        assert event.chunk == 0 or ends[event.chunk - 1] <= event.wire.complete_at
        assert event.at == traced.body.chunks[event.chunk].at


def test_derived_events_are_described_by_paths() -> None:
    block = ("message", "content", 0)
    found = [event.derived for event in trace(recording_of(answer("a"))).events]
    assert found[2] == (
        Derived("content_block_delta"),
        Derived("text", (("text", ("delta", "text")),), (("snapshot", (*block, "text")),)),
    )
    assert found[3] == (Derived("content_block_stop", None, (("content_block", block),)),)
    assert found[5] == (Derived("message_stop", None, (("message", ("message",)),)),)


def test_secrets_are_left_out() -> None:
    request = RecordedRequest("POST", "https://x", [("x-api-key", "sk-ant-1234567890")])
    recording = Recording.of(encode_sse(answer("sk-ant-1234567890")))
    recording = Recording(recording.chunks, request=request)
    traced = trace(recording)
    assert b"sk-ant" not in traced.body.data
    assert "sk-ant" not in repr(traced)


def test_the_partial_mode_is_that_of_the_request() -> None:
    beta = [("anthropic-beta", "fine-grained-tool-streaming-2025-05-14")]
    tool = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    events = [
        message_start(),
        {"type": "content_block_start", "index": 0, "content_block": tool},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"a": "b'},
        },
    ]
    inputs = []
    for headers in ([], beta):
        request = RecordedRequest("POST", "https://x", headers)
        recording = Recording(recording_of(events).chunks, request=request)
        inputs.append([change.value for change in trace(recording).events[2].changes])
    assert inputs == [['{"a": "b'], ['{"a": "b', "b"]]


def test_a_compressed_recording() -> None:
    body = encode_sse(answer("Hello"))
    response = RecordedResponse(
        headers=[("content-type", "text/event-stream"), ("content-encoding", "gzip")]
    )
    traced = trace(Recording([RecordedChunk(gzip.compress(body))], response=response))
    assert traced.body.data == body
    assert traced.faults == ()
