"""The two framings in which a message stream comes, by the content type of its body."""

from __future__ import annotations

from binascii import crc32

from streamfold.reducer import DEFAULT_LIMIT, EventStreamState, SSEState

__all__ = ["AWS_EVENT_STREAM", "EVENT_STREAM", "content_type_of", "decoder_of", "media_type"]

EVENT_STREAM = "text/event-stream"
"""Server-sent events: the API itself, and all hosts but Bedrock."""
AWS_EVENT_STREAM = "application/vnd.amazon.eventstream"
"""Amazon's event stream: Bedrock."""


def media_type(content_type: str) -> str:
    """The type in a `content-type` header, without its parameters, in lower case.

    >>> media_type("Text/Event-Stream; charset=utf-8")
    'text/event-stream'
    """
    return content_type.partition(";")[0].strip().lower()


def decoder_of(content_type: str | None, limit: int = DEFAULT_LIMIT) -> SSEState | EventStreamState:
    """The beginning of the decoder for a body of this content type: for `StreamState(sse=…)`.

    Args:
        content_type: the value of the header; `None` where there was none.
        limit: the maximum size of one line, one frame, or the data of one event, in bytes.

    >>> decoder_of("application/vnd.amazon.eventstream")
    EventStreamState(limit=16777216, pending=Bytes([]), pending_size=0, needed=12)
    """
    if media_type(content_type or "") == AWS_EVENT_STREAM:
        return EventStreamState(limit=limit)
    return SSEState(limit=limit)


def content_type_of(body: bytes) -> str:
    """The content type of a body that was stored without one.

    A body in Amazon's event stream begins with two numbers and their CRC-32; the chance that text
    does so is one in four billion.

    Args:
        body: the body, or its first 12 bytes.

    >>> content_type_of(b"event: ping\\ndata: {}\\n\\n")
    'text/event-stream'
    """
    numbers, checksum = body[:8], body[8:12]
    framed = len(checksum) == 4 and crc32(numbers) == int.from_bytes(checksum, "big")
    return AWS_EVENT_STREAM if framed else EVENT_STREAM
