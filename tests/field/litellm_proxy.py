"""litellm, what puts together a streamed message again for its agentic hooks: `pip install litellm`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from litellm.llms.anthropic.pass_through.messages.agentic_streaming_iterator import (
    AgenticAnthropicStreamingIterator,
)
from streamfold.reducer import encode_sse


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """The message that is rebuilt from the bytes of the stream."""
    body = encode_sse(events)
    return AgenticAnthropicStreamingIterator._rebuild_anthropic_response_from_sse([body])
