"""strands-agents: the message that its event loop makes of `AnthropicModel`'s stream."""

from __future__ import annotations

import logging
from typing import Any

from strands.event_loop.streaming import process_stream
from strands.models.anthropic import AnthropicModel

from .served import async_client_of

logging.getLogger("strands").setLevel(logging.CRITICAL)  # it logs every stream that is cut


_MODEL = AnthropicModel(client_args={"api_key": "none"}, model_id="claude-opus-4-6", max_tokens=9)


async def accumulate(events: Any) -> Any:
    """The blocks, the stop reason and the usage."""
    _MODEL.client = async_client_of([event async for event in events])
    prompt: Any = [{"role": "user", "content": [{"text": "Hi"}]}]
    items: list[Any] = [item async for item in process_stream(_MODEL.stream(prompt))]
    reason, message, usage, _ = items[-1]["stop"]
    return {
        "content": [_block(block) for block in message["content"] if _block(block)],
        "stop_reason": reason,
        "usage": {
            "input_tokens": usage["inputTokens"],
            "output_tokens": usage["outputTokens"],
        },
    }


def _block(block: dict[str, Any]) -> dict[str, Any] | None:
    if "text" in block:
        return {"type": "text", "text": block["text"]}
    if "citationsContent" in block:
        text = "".join(part["text"] for part in block["citationsContent"]["content"])
        return {"type": "text", "text": text}
    if "toolUse" in block:
        call = block["toolUse"]
        ids = {"id": call["toolUseId"], "name": call["name"]}
        return {"type": "tool_use", **ids, "input": call["input"]}
    if "reasoningContent" in block and "reasoningText" in block["reasoningContent"]:
        text = block["reasoningContent"]["reasoningText"]
        signature = text.get("signature")
        return {"type": "thinking", "thinking": text["text"], "signature": signature}
    return None
