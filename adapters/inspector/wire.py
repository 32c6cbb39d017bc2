"""From a recording to its server-sent events, each with the bytes that it came in.

The reducer decodes; this module only hands it the bytes of one event at a time, and so learns where
each event stands. There is one cutter for each framing: blank lines end a server-sent event, and a
frame of Bedrock begins with its length. A compressed body is decompressed by httpx first, chunk by
chunk. One pass, in proportion to the body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

import attrs
import httpx
from streamfold.reducer import (
    DEFAULT_LIMIT,
    EventStreamState,
    ProtocolError,
    ServerSentEvent,
    SSEState,
    decode_event_stream,
    decode_sse,
)
from streamfold.transports import RecordedChunk, Recording
from streamfold.transports.recording import decoder_of, decompressed, raw_headers

__all__ = ["Body", "WireEvent", "body_of", "partial_event", "wire_events"]


@attrs.frozen
class Body:
    """The body of a recording, without the compression that it was sent with.

    Attributes:
        chunks: its pieces, each with the time at which it arrived.
        cuts: for each chunk, the number of bytes that had come over the wire when it was whole:
            what `Recording.cut` counts.
        encoding: the compression, as its header names it; empty if there was none.
        fault: why the rest could not be decompressed; `None` if all was.
        content_type: the value of its header, which selects the decoder; `None` without one.
    """

    chunks: tuple[RecordedChunk, ...]
    cuts: tuple[int, ...]
    encoding: str = ""
    fault: str | None = None
    content_type: str | None = None

    @property
    def is_framed(self) -> bool:
        """Whether it is in Amazon's event stream, as Bedrock sends it."""
        return isinstance(decoder_of(self.content_type), EventStreamState)

    @property
    def data(self) -> bytes:
        """All chunks joined."""
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def ends(self) -> tuple[int, ...]:
        """For each chunk, the offset behind its last byte in `data`."""
        return tuple(accumulate(len(chunk.data) for chunk in self.chunks))


@attrs.frozen
class WireEvent:
    """A server-sent event, and the bytes that it came in.

    Attributes:
        sse: the event; of a frame, the one that it stands for.
        start: the offset of its first byte in the body.
        end: the offset behind its last byte, the blank line included.
        complete_at: the offset of the byte that completed it: the first of its last line end, or
            the last of its frame.
    """

    sse: ServerSentEvent
    start: int
    end: int
    complete_at: int


_SEGMENT = re.compile(rb"(?:[^\r\n]+(?:\r\n|\r|\n|\Z))*(?:(\r\n|\r|\n)|\Z)")
"""Lines up to and with the next blank one, or the rest: at most one event. It matches everywhere,
so that it never goes back."""
_FIELD = re.compile(rb"(?:\A|[\r\n])[^:\r\n]")
"""The beginning of a line that is neither blank nor a comment."""


def body_of(recording: Recording) -> Body:
    """The body of `recording`, decompressed as its `content-encoding` header asks for."""
    chunks = tuple(chunk for chunk in recording.chunks if chunk.data)
    headers = recording.response.headers
    encodings = [(name, value) for name, value in headers if name.lower() == "content-encoding"]
    kind = httpx.Headers(raw_headers(headers)).get("content-type")
    cuts = tuple(accumulate(len(chunk.data) for chunk in chunks))
    if not encodings:
        return Body(chunks, cuts, content_type=kind)
    arrived = 0

    def sent() -> Iterator[bytes]:
        nonlocal arrived
        for position, chunk in enumerate(chunks):
            arrived = position
            yield chunk.data

    response = httpx.Response(200, headers=encodings, content=sent())
    plain: list[RecordedChunk] = []
    plain_cuts: list[int] = []
    fault = None
    try:
        for data in decompressed(response, httpx, DEFAULT_LIMIT):
            plain.append(RecordedChunk(data, chunks[arrived].at))
            plain_cuts.append(cuts[arrived])
    except httpx.DecodingError as error:
        fault = str(error)
    encoding = ", ".join(value for _, value in encodings)
    return Body(tuple(plain), tuple(plain_cuts), encoding, fault, kind)


def wire_events(body: Body) -> Iterator[WireEvent]:
    """The server-sent events in a body, in order, as far as the decoder can read it.

    >>> body = body_of(Recording.of(b": hi\\n\\ndata: 1\\n\\ndata: 2\\n\\n"))
    >>> [(event.start, event.end) for event in wire_events(body)]
    [(6, 15), (15, 24)]
    """
    cut = _frames if body.is_framed else _server_sent_events
    try:
        yield from cut(body.data)
    except ProtocolError:  # in the bytes: the stream's own error, see `trace`
        return


def partial_event(body: Body, end: int) -> int | None:
    """Where an event begins that the decoder cannot complete, or refuses; `None` without one.

    Args:
        body: the body.
        end: the offset behind its last whole event.

    >>> body = body_of(Recording.of(b"data: 1\\n\\n: hi\\n\\ndata: 2\\n"))
    >>> partial_event(body, 9)
    15
    """
    data = body.data
    if body.is_framed:
        return end if end < len(data) else None
    for segment in _SEGMENT.finditer(data, end):
        if _FIELD.search(segment[0]) and (segment[1] is None or _is_refused(segment[0])):
            return segment.start()
    return None


def _is_refused(segment: bytes) -> bool:
    try:
        decode_sse(SSEState(), segment)
    except ProtocolError:
        return True
    return False


def _server_sent_events(data: bytes) -> Iterator[WireEvent]:
    state = SSEState()
    for segment in _SEGMENT.finditer(data):
        start, end = segment.span()
        complete_at = segment.start(1)
        state, events = decode_sse(state, segment[0])
        for sse in events:
            yield WireEvent(sse, start, end, complete_at)


def _frames(data: bytes) -> Iterator[WireEvent]:
    start = 0
    while True:
        end = start + int.from_bytes(data[start : start + 4], "big")
        _, events = decode_event_stream(EventStreamState(), data[start:end])
        if not events:  # the last frame is not whole
            return
        yield WireEvent(events[0], start, end, end - 1)
        start = end
