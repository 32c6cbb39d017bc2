"""llama-index-llms-anthropic: the last response of `stream_chat`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.llms.anthropic import Anthropic

from .served import client_of

_MODEL = Anthropic(model="claude-opus-4-6", api_key="none")


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """Texts, thinking and calls of the last response; one without content has an empty text."""
    _MODEL._client = client_of(events)
    responses = list(_MODEL.stream_chat([ChatMessage(role="user", content="Hi")]))
    blocks: list[Any] = responses[-1].message.blocks if responses else []
    return {
        "content": [block for block in map(_block, blocks) if block and block.get("text") != ""]
    }


def _block(block: Any) -> dict[str, Any] | None:
    if block.block_type == "tool_call":
        value = block.tool_kwargs
        value = json.loads(value or "{}") if isinstance(value, str) else value
        ids = {"id": block.tool_call_id, "name": block.tool_name}
        return {"type": "tool_use", **ids, "input": value}
    if block.block_type == "thinking":
        signature = block.additional_information.get("signature")
        return {"type": "thinking", "thinking": block.content, "signature": signature}
    return {"type": "text", "text": block.text} if block.block_type == "text" else None
