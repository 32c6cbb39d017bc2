"""The way back: from a message to the events it would have come as, and from events to bytes.

`fold(expand(message)).message == message`, for every message that a stream can say; and parsing
what `encode_sse` wrote gives equal events. Each text, thinking, signature, input and citation
comes as one delta.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .events import RawEvent, event_of
from .messages import CompactionBlock, Message, TextBlock, ThinkingBlock
from .objects import is_array, is_object, to_json
from .partial_json import parse_json_text
from .reduce import TOOL_USE_BLOCKS

__all__ = ["encode_sse", "expand"]


def expand(message: Message) -> tuple[RawEvent, ...]:
    """The raw events that fold to `message`.

    A message without a `stop_reason` is one whose stream was cut: it expands to a stream that is
    not complete. So does a tool's input that is not whole: its block does not stop.

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
    stopped = message.stop_reason is not None
    told = {
        key: message[key]
        for key in ("stop_reason", "stop_sequence", "stop_details")
        if stopped and message.get(key) is not None
    }
    head: dict[str, Any] = {**message, "content": [], **dict.fromkeys(told)}
    yield {"type": "message_start", "message": head}
    for index, block in enumerate(message.content):
        yield from _expand_block(index, block)
    if stopped:
        usage = {key: message.usage[key] for key in ("output_tokens",) if key in message.usage}
        yield {"type": "message_delta", "delta": told, **({"usage": usage} if usage else {})}
        yield {"type": "message_stop"}


def _expand_block(index: int, block: Any) -> Iterator[dict[str, Any]]:
    start: dict[str, Any] = dict(block)
    deltas: list[dict[str, Any]] = []
    whole = True
    if isinstance(block, TextBlock):
        start["text"] = ""
        if block.text:
            deltas.append({"type": "text_delta", "text": block.text})
        if block.citations and is_array(block.citations):
            start["citations"] = []
            deltas += ({"type": "citations_delta", "citation": cited} for cited in block.citations)
    elif isinstance(block, ThinkingBlock):
        start["thinking"] = ""
        if block.thinking:
            deltas.append({"type": "thinking_delta", "thinking": block.thinking})
        signature: Any = block.signature  # optional, and so kept whatever it holds
        if signature and isinstance(signature, str):
            start["signature"] = ""
            deltas.append({"type": "signature_delta", "signature": signature})
    elif isinstance(block, TOOL_USE_BLOCKS):
        text = block.input_json
        if block.input != {} or block._input_json:
            whole = _is_json(text)
            start["input"] = block.input if is_object(block.input) and not whole else {}
            deltas.append({"type": "input_json_delta", "partial_json": text})
    elif isinstance(block, CompactionBlock) and block.content is not None:
        told = {key: block[key] for key in ("content", "encrypted_content") if key in block}
        start.update(dict.fromkeys(told))
        deltas.append({"type": "compaction_delta", **told})
    yield {"type": "content_block_start", "index": index, "content_block": start}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    if whole:
        yield {"type": "content_block_stop", "index": index}


def _is_json(text: str) -> bool:
    try:
        parse_json_text(text)
    except ValueError:
        return False
    return True


def encode_sse(raw_events: Iterable[RawEvent | Mapping[str, Any]]) -> bytes:
    """The body of a response that streams these events.

    >>> encode_sse([{"type": "ping"}])
    b'event: ping\\ndata: {"type":"ping"}\\n\\n'
    """
    return b"".join(_encode(event) for event in raw_events)


def _encode(event: RawEvent | Mapping[str, Any]) -> bytes:
    name = event["type"]
    head = "" if _UNSPEAKABLE.search(name) else f"event: {name}\n"
    return f"{head}data: {to_json(event)}\n\n".encode()


_UNSPEAKABLE = re.compile("[\r\n\ud800-\udfff]")
"""What the name of a server-sent event cannot hold. The type is in the data as well."""
