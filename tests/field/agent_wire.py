"""agent-wire-proxy: it translates Chat Completions streams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent_wire_proxy.stream_converters import AnthropicStreamConverter


def translate(chunks: Iterable[dict[str, Any]]) -> list[bytes]:
    """The body that the proxy answers with."""
    converter = AnthropicStreamConverter(requested_model="gpt-next")
    frames = [frame for chunk in chunks for frame in converter.consume(chunk)]
    return [*frames, *converter.finish()]
