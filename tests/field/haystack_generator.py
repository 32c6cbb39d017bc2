"""anthropic-haystack: the reply of `AnthropicChatGenerator` with a streaming callback."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from haystack_integrations.components.generators.anthropic import AnthropicChatGenerator

from .served import client_of

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """Texts, calls and the finish reason of the reply."""
    generator = AnthropicChatGenerator(
        api_key=Secret.from_token("none"),
        model="claude-opus-4-6",
        streaming_callback=lambda chunk: None,
    )
    generator.warm_up() if hasattr(generator, "warm_up") else None
    generator.client = client_of(events)
    reply = generator.run([ChatMessage.from_user("Hi")])["replies"][0]
    content: list[dict[str, Any]] = [{"type": "text", "text": text} for text in reply.texts]
    content += [
        {"type": "tool_use", "id": call.id, "name": call.tool_name, "input": call.arguments}
        for call in reply.tool_calls
    ]
    usage = reply.meta.get("usage") or {}
    return {
        "content": content,
        "stop_reason": _REASONS.get(reply.meta.get("finish_reason")),
        "usage": {"output_tokens": usage.get("completion_tokens", usage.get("output_tokens"))},
    }
