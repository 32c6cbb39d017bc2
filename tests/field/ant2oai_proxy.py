"""ant2oai: its proxy translates Chat Completions streams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from a2o.converters.streaming import convert_openai_stream_to_anthropic_sse


def translate(chunks: Iterable[dict[str, Any]]) -> list[str]:
    """The body that the proxy answers with."""
    return convert_openai_stream_to_anthropic_sse(list(chunks), "gpt-next")
