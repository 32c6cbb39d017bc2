"""The bytes of each event, against the decoder that sees the whole body."""

from __future__ import annotations

import gzip
import json

from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.inspector.wire import (
    Body,
    WireEvent,
    body_of,
    partial_event,
    wire_events,
)
from streamfold.reducer import (
    EventStreamState,
    SSEState,
    decode_event_stream,
    decode_sse,
    encode_event_stream,
)
from streamfold.transports import RecordedChunk, RecordedResponse, Recording

from tests.adapters.inspector.reference import decoded
from tests.support.effort import effort
from tests.support.event_stream_frames import frame
from tests.support.strategies import streams

FRAMED = "application/vnd.amazon.eventstream"


def events_of(body: bytes, content_type: str | None = None) -> list[WireEvent]:
    chunks = (RecordedChunk(body),) if body else ()
    return list(wire_events(Body(chunks, (), content_type=content_type)))


_lines = st.sampled_from(
    [b"data: 1", b"data", b"event: x", b"id: 7", b": note", b"retry: 5", b"", b"data: \xff\xc3\xa9"]
)
_bodies = st.lists(st.tuples(_lines, st.sampled_from([b"\n", b"\r", b"\r\n"]))).map(
    lambda lines: b"".join(map(b"".join, lines))
)


@effort(1000)
@given(st.sampled_from([b"", b"\xef\xbb\xbf"]), _bodies, _lines)
def test_the_events_are_those_of_the_decoder(bom: bytes, whole: bytes, rest: bytes) -> None:
    body = bom + whole + rest
    found = events_of(body)
    assert [event.sse for event in found] == list(decode_sse(SSEState(), body)[1])
    ends = [0]
    for event in found:
        assert ends[-1] <= event.start < event.complete_at < event.end <= len(body)
        ends.append(event.end)
        # the byte completes the event, and those before it do not
        counts = [
            len(decode_sse(SSEState(), body[:end])[1])
            for end in (event.complete_at, event.complete_at + 1)
        ]
        assert counts == [len(ends) - 2, len(ends) - 1]


def test_a_body_without_end_is_read_once() -> None:
    assert events_of(b"data: 1\n" + b"x" * 1_000_000) == []
    assert events_of(b"") == events_of(b"", FRAMED) == []


def test_where_an_event_begins_that_is_not_whole() -> None:
    for rest, start in (
        (b"", None),
        (b"\n\n", None),
        (b": hi", None),
        (b"d", 9),
        (b"data: 2\n", 9),
        (b": hi\ndata: 2", 9),
        (b": hi\rdata: 2", 9),
        (b": hi\n\ndata: 2", 15),
        (b"event: x\n\nid: 2", 19),  # no event: it has no data
        (b"event: x\n\n", None),
    ):
        body = Body((RecordedChunk(b"data: 1\n\n" + rest),), ())
        assert partial_event(body, 9) == start
    for rest, start in ((b"", None), (b"x", 9)):
        body = Body((RecordedChunk(b"data: 1\n\n" + rest),), (), content_type=FRAMED)
        assert partial_event(body, 9) == start


def test_nothing_is_read_behind_a_line_that_is_too_long() -> None:
    body = b"data: 1\n\ndata: " + b"x" * (16 * 1024 * 1024) + b"\n\ndata: 2\n\n"
    assert [event.sse.data for event in events_of(body)] == ["1"]


exceptions = st.builds(
    lambda name, message: frame(
        {":message-type": "exception", ":exception-type": name}, json.dumps({"message": message})
    ),
    st.sampled_from(["throttlingException", "modelStreamErrorException"]),
    st.text(max_size=5),
)
frames = st.one_of(
    streams().map(lambda events: [encode_event_stream([event]) for event in events[:20]]),
    st.lists(exceptions, max_size=2),
)
ends = st.one_of(st.just(b""), st.binary(max_size=40), frames.map(b"".join).map(lambda b: b[:-1]))


@effort(300)
@given(frames, exceptions, ends, st.none() | st.integers(0, 2000))
def test_the_events_of_frames(
    pieces: list[bytes], exception: bytes, end: bytes, damaged: int | None
) -> None:
    body = b"".join([*pieces, exception, end])
    if damaged is not None:
        at = damaged % len(body)
        body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
    found = events_of(body, FRAMED)
    start = 0
    for event in found:
        assert (event.start, event.complete_at) == (start, event.end - 1)
        start = event.end
        frame_of_event = body[event.start : event.end]
        assert decode_event_stream(EventStreamState(), frame_of_event)[1] == (event.sse,)
    assert [event.sse for event in found] == list(decoded(body, framed=True))


def test_a_body_that_is_not_compressed() -> None:
    body = body_of(
        Recording([RecordedChunk(b"data: 1\n"), RecordedChunk(b""), RecordedChunk(b"\n", 2)])
    )
    assert body.data == b"data: 1\n\n"
    assert body.ends == body.cuts == (8, 9)
    assert body.encoding == ""


def test_a_compressed_body() -> None:
    packed = gzip.compress(b"data: 1\n\n" * 1000)
    chunks = [RecordedChunk(packed[:20], 1), RecordedChunk(packed[20:], 2)]
    response = RecordedResponse(headers=[("Content-Encoding", "gzip"), ("x", "y")])
    body = body_of(Recording(chunks, response=response))
    assert body.data == b"data: 1\n\n" * 1000
    assert body.encoding == "gzip"
    assert body.cuts[-1] == len(packed)
    assert body.chunks[-1].at == 2
    assert body.fault is None


def test_a_body_that_is_not_what_its_header_names() -> None:
    response = RecordedResponse(headers=[("content-encoding", "gzip")])
    body = body_of(Recording([RecordedChunk(b"data: 1\n\n")], response=response))
    assert body.data == b""
    assert "incorrect header" in (body.fault or "")
