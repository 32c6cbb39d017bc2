"""ccproxy-api: it translates Chat Completions streams."""

from __future__ import annotations

from typing import Any

from ccproxy.llms.formatters.openai_to_anthropic.streams import (
    convert__openai_chat_to_anthropic_messages__stream,
)


async def translate(chunks: Any) -> list[dict[str, Any]]:
    """The events that the proxy answers with."""
    stream = convert__openai_chat_to_anthropic_messages__stream(chunks)
    return [event.model_dump(mode="json", exclude_none=False) async for event in stream]
