"""autogen-ext: the result of `AnthropicChatCompletionClient.create_stream`."""

from __future__ import annotations

import json
from typing import Any

from autogen_core.models import UserMessage
from autogen_ext.models.anthropic import AnthropicChatCompletionClient

from .served import async_client_of

_REASONS = {"stop": "end_turn", "length": "max_tokens", "function_calls": "tool_use"}


async def accumulate(events: Any) -> Any:
    """Texts, calls, finish reason and usage of the last item of the stream."""
    model = AnthropicChatCompletionClient(model="claude-sonnet-4-20250514", api_key="none")
    model._client = async_client_of([event async for event in events])
    items = [item async for item in model.create_stream([UserMessage(content="Hi", source="user")])]
    result: Any = items[-1]
    content = result.content
    blocks: list[dict[str, Any]] = []
    if isinstance(content, str):
        blocks = [{"type": "text", "text": content}] if content else []
    else:
        text = getattr(result, "thought", None)
        blocks = [{"type": "text", "text": text}] if text else []
        blocks += [
            {
                "type": "tool_use",
                "id": call.id,
                "name": call.name,
                "input": json.loads(call.arguments),
            }
            for call in content
        ]
    return {
        "content": blocks,
        "stop_reason": _REASONS.get(result.finish_reason),
        "usage": {
            "input_tokens": result.usage.prompt_tokens,
            "output_tokens": result.usage.completion_tokens,
        },
    }
