"""pydantic-ai: the response that `AnthropicModel.request_stream` puts together."""

from __future__ import annotations

import json
from typing import Any

from pydantic_ai.messages import ModelRequest, TextPart, ThinkingPart, ToolCallPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from .served import async_client_of

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_call": "tool_use"}


async def accumulate(events: Any) -> Any:
    """Texts, thinking, calls and the finish reason."""
    client = async_client_of([event async for event in events])
    model = AnthropicModel("claude-opus-4-6", provider=AnthropicProvider(anthropic_client=client))
    prompt: Any = [ModelRequest(parts=[UserPromptPart("Hi")])]
    async with model.request_stream(prompt, None, ModelRequestParameters()) as stream:
        async for _ in stream:
            pass
        response = stream.get()
    return {
        "content": [_block(part) for part in response.parts if _block(part)],
        "stop_reason": response.provider_details and response.provider_details.get("finish_reason"),
        "usage": {
            "input_tokens": response.usage.input_tokens,
            "output_tokens": response.usage.output_tokens,
        },
    }


def _block(part: Any) -> dict[str, Any] | None:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.content}
    if isinstance(part, ThinkingPart) and part.id != "redacted_thinking":
        return {"type": "thinking", "thinking": part.content, "signature": part.signature}
    if type(part) is ToolCallPart:
        value = part.args if not isinstance(part.args, str) else json.loads(part.args or "{}")
        block = {"type": "tool_use", "id": part.tool_call_id, "name": part.tool_name}
        return {**block, "input": value or {}}
    return None
