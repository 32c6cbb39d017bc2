"""The way back: from a message to raw events (`expand`), and from raw events to bytes
(`encode_sse`).

`fold(expand(message)).message == message` for every message that a stream can produce, and parsing
the output of `encode_sse` gives equal events. Each text, thinking, signature, input and citation
becomes one delta; the rows in `deltas` write them.
"""

from __future__ import annotations

# The modules of this package share their private attributes.
# pyright: reportPrivateUsage=false
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .decoding import event_of
from .deltas import rows_of
from .events import RawEvent
from .frozen_json import to_json
from .messages import Message

__all__ = ["encode_sse", "expand"]


def expand(message: Message) -> tuple[RawEvent, ...]:
    """Return raw events that fold to `message`.

    A message without a `stop_reason` gives a stream that is not complete. A tool block with an
    input that is not whole JSON does not stop in that stream.

    >>> message = Message.from_dict({
    ...     "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
    ...     "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"})
    >>> for event in expand(message):
    ...     print(event.type)
    message_start
    content_block_start
    content_block_delta
    content_block_stop
    message_delta
    message_stop
    """
    return tuple(event_of(fields) for fields in _expand(message))


def _expand(message: Message) -> Iterator[dict[str, Any]]:
    is_stopped = message.stop_reason is not None
    at_the_end = {
        key: message[key]
        for key in ("stop_reason", "stop_sequence", "stop_details")
        if is_stopped and message.get(key) is not None
    }
    head: dict[str, Any] = {**message, "content": [], **dict.fromkeys(at_the_end)}
    yield {"type": "message_start", "message": head}
    for index, block in enumerate(message.content):
        yield from _expand_block(index, block)
    if is_stopped:
        usage = {key: message.usage[key] for key in ("output_tokens",) if key in message.usage}
        yield {"type": "message_delta", "delta": at_the_end, **({"usage": usage} if usage else {})}
        yield {"type": "message_stop"}


def _expand_block(index: int, block: Any) -> Iterator[dict[str, Any]]:
    block_start: dict[str, Any] = dict(block)
    block_deltas: list[Any] = []
    can_stop = True
    for row in rows_of(block._kind):
        start, deltas, is_whole = row.expand(block)
        block_start.update(start)
        block_deltas += deltas
        can_stop = can_stop and is_whole
    yield {"type": "content_block_start", "index": index, "content_block": block_start}
    for delta in block_deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    if can_stop:
        yield {"type": "content_block_stop", "index": index}


def encode_sse(raw_events: Iterable[RawEvent | Mapping[str, Any]]) -> bytes:
    """Return the body of a response that streams these events.

    >>> encode_sse([{"type": "ping"}])
    b'event: ping\\ndata: {"type":"ping"}\\n\\n'
    """
    return b"".join(_encode(event) for event in raw_events)


def _encode(event: RawEvent | Mapping[str, Any]) -> bytes:
    name = event["type"]
    name_line = "" if _NOT_IN_A_NAME.search(name) else f"event: {name}\n"
    return f"{name_line}data: {to_json(event)}\n\n".encode()


_NOT_IN_A_NAME = re.compile("[\r\n\ud800-\udfff]")
"""Characters that the `event:` line cannot hold. The data has the type as well."""
