"""The two framings in which a message stream comes, by the content type of its body."""

from __future__ import annotations

from streamfold.reducer import DEFAULT_LIMIT, EventStreamState, SSEState

__all__ = ["AWS_EVENT_STREAM", "EVENT_STREAM", "decoder_of", "media_type"]

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
        limit: how many bytes one line, one frame, or the data of one event may have.

    >>> decoder_of("application/vnd.amazon.eventstream")
    EventStreamState(limit=16777216, pending=Bytes([]), pending_size=0, needed=12)
    """
    if media_type(content_type or "") == AWS_EVENT_STREAM:
        return EventStreamState(limit=limit)
    return SSEState(limit=limit)
