"""The fold after each server-sent event, by the reducer alone: what the page must show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import attrs
from streamfold.reducer import (
    EventStreamState,
    ProtocolError,
    ServerSentEvent,
    Snapshot,
    SSEState,
    decode_event_stream,
    decode_sse,
    encode_event_stream,
    encode_sse,
    parse_event,
    reduce,
)
from streamfold.transports import RecordedChunk, Recording
from streamfold.transports.recording import AWS_EVENT_STREAM, content_type_of

RECORDINGS = sorted((Path(__file__).parents[2] / "recordings").glob("*.sse"))


@attrs.frozen
class Folded:
    """What a stream of n server-sent events folds to.

    Attributes:
        messages: the message after each number of events, 0 to n, as plain JSON.
        events: what each of the n events gave, as plain JSON.
        unfolded: the number of events that are kept aside at the end.
    """

    messages: list[Any]
    events: list[list[Any]]
    unfolded: int


def folded(body: bytes, snapshot: Snapshot = Snapshot()) -> Folded:  # noqa: B008 - a value
    """The fold of a body after each event; a fault ends it, and later events change nothing."""
    messages: list[Any] = [None]
    events: list[list[Any]] = []
    broken = False
    for sse in decoded(body):
        given: Iterable[Any] = ()
        try:
            if not broken:
                snapshot, given = reduce(snapshot, parse_event(sse))
        except ProtocolError:
            broken = True
        messages.append(snapshot.message and snapshot.message.to_dict())
        events.append([event.to_dict() for event in given])
    return Folded(messages, events, len(snapshot.unfolded))


def decoded(body: bytes, *, framed: bool | None = None) -> Iterable[ServerSentEvent]:
    """The server-sent events of a body, until the decoder refuses it; its beginning has the
    framing, if `framed` does not.
    """
    if framed is None:
        framed = content_type_of(body[:12]) == AWS_EVENT_STREAM
    try:
        if framed:
            return decode_event_stream(EventStreamState(), body)[1]
        return decode_sse(SSEState(), body)[1]
    except ProtocolError as fault:
        return fault.events


def recording_of(events: Iterable[Any], *, every: float = 0.1) -> Recording:
    """A recording in which each event is a chunk, this many seconds after the last."""
    return _timed([encode_sse([event]) for event in events], every)


def framed(body: bytes, *, every: float = 0.1) -> Recording:
    """A recording of the events of `body`, as Bedrock sends them: each is a frame and a chunk."""
    events = [json.loads(sse.data) for sse in decoded(body)]
    return _timed([encode_event_stream([event]) for event in events], every)


def _timed(chunks: Sequence[bytes], every: float) -> Recording:
    times = accumulate([every] * len(chunks))
    return Recording.of(map(RecordedChunk, chunks, times))


def message_start(**fields: Any) -> dict[str, Any]:
    """The event that begins a message."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6"}
    return {"type": "message_start", "message": {**head, "content": [], **fields}}


def text_deltas(*texts: str, index: int = 0) -> list[dict[str, Any]]:
    """A text block, in these pieces."""
    block = {"type": "text", "text": ""}
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *(
            {
                "type": "content_block_delta",
                "index": index,
                "delta": {"type": "text_delta", "text": text},
            }
            for text in texts
        ),
        {"type": "content_block_stop", "index": index},
    ]


def answer(*texts: str) -> list[dict[str, Any]]:
    """A whole answer of one text block."""
    return [
        message_start(),
        *text_deltas(*texts),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}},
        {"type": "message_stop"},
    ]
