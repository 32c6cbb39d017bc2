"""Decoded events as plain dicts, and bodies of them: the builders that all tests share.

body(message_start(), *text_block(0, "Hi"), *end())    # the bytes of a whole stream
"""

from __future__ import annotations

from typing import Any

from streamfold.reducer import encode_sse

Event = dict[str, Any]

MESSAGE_STOP: Event = {"type": "message_stop"}
PING: Event = {"type": "ping"}


def body(*events: Event) -> bytes:
    """The body that streams these events."""
    return encode_sse(events)


# --- single events ------------------------------------------------------------------------------


def message_start(**fields: Any) -> Event:
    """The start of a message without content; `fields` are those of the message."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6"}
    return {"type": "message_start", "message": {**head, "content": [], **fields}}


def block_start(index: int, type: str, **fields: Any) -> Event:  # noqa: A002
    """The start of a block of this type with these fields."""
    block = {"type": type, **fields}
    return {"type": "content_block_start", "index": index, "content_block": block}


def block_delta(index: int, type: str, **fields: Any) -> Event:  # noqa: A002
    """A delta of this type with these fields."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": type, **fields}}


def block_stop(index: int) -> Event:
    """The end of a block."""
    return {"type": "content_block_stop", "index": index}


def message_delta(stop_reason: str | None = "end_turn", **fields: Any) -> Event:
    """The stop reason of the message; `fields` are those of the event."""
    return {"type": "message_delta", "delta": {"stop_reason": stop_reason}, **fields}


def error_event(type: str, message: str = "no such luck") -> Event:  # noqa: A002
    """An error that the API sends inside a stream."""
    return {"type": "error", "error": {"type": type, "message": message}}


# --- single events of a kind --------------------------------------------------------------------


def text_delta(index: int, text: str) -> Event:
    """A piece of text."""
    return block_delta(index, "text_delta", text=text)


def input_delta(index: int, partial_json: str) -> Event:
    """A piece of a tool's input."""
    return block_delta(index, "input_json_delta", partial_json=partial_json)


def tool_start(index: int, **fields: Any) -> Event:
    """The start of a tool block."""
    return block_start(index, "tool_use", **{"id": "t", "name": "look", "input": {}, **fields})


# --- several events -----------------------------------------------------------------------------


def text_block(index: int, *pieces: str) -> list[Event]:
    """A text block that comes in these pieces."""
    deltas = (text_delta(index, piece) for piece in pieces)
    return [block_start(index, "text", text=""), *deltas, block_stop(index)]


def tool_block(index: int, *pieces: str) -> list[Event]:
    """A block of the tool `get_weather` whose input comes in these pieces."""
    deltas = (input_delta(index, piece) for piece in pieces)
    return [tool_start(index, id="toolu_1", name="get_weather"), *deltas, block_stop(index)]


def end(stop_reason: str = "end_turn") -> list[Event]:
    """The end of the message."""
    return [message_delta(stop_reason), MESSAGE_STOP]
