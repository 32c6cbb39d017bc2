"""The events of which attacks are made, and their bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]


def message_start(**fields: Any) -> Event:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    return {"type": "message_start", "message": {**message, **fields}}


def block_start(index: int, **block: Any) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": block}


def block_delta(**delta: Any) -> Event:
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def block_stop() -> Event:
    return {"type": "content_block_stop", "index": 0}


def message_delta(reason: str | None = None, **usage: int) -> Event:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1, **usage}}


def message_stop() -> Event:
    return {"type": "message_stop"}


def chunks_of(events: Iterable[Event]) -> list[bytes]:
    """The events as the API sends them, each in a chunk of its own."""
    return [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events]


def body_of(events: Iterable[Event]) -> bytes:
    """The body of a stream."""
    return b"".join(chunks_of(events))
