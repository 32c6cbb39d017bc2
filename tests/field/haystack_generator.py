"""anthropic-haystack: the reply of `AnthropicChatGenerator` with a streaming callback."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from haystack_integrations.components.generators.anthropic import AnthropicChatGenerator

from .served import client_of

_GENERATOR = AnthropicChatGenerator(
    api_key=Secret.from_token("none"),
    model="claude-opus-4-6",
    streaming_callback=lambda chunk: None,
)
_GENERATOR.warm_up()


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """The texts, as one, the calls and the output tokens of the reply."""
    _GENERATOR.client = client_of(events)
    reply = _GENERATOR.run([ChatMessage.from_user("Hi")])["replies"][0]
    content: list[dict[str, Any]] = [{"type": "text", "text": text} for text in reply.texts if text]
    content += [
        {"type": "tool_use", "id": call.id, "name": call.tool_name, "input": call.arguments}
        for call in reply.tool_calls
    ]
    count = (reply.meta.get("usage") or {}).get("completion_tokens")
    return {"content": content, "usage": {"output_tokens": count}}
