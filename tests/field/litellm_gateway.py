"""litellm: its proxy puts a streamed message together, and translates Chat Completions streams."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import asks the network

from litellm.llms.anthropic.messages.adapters.streaming_iterator import AnthropicStreamWrapper
from litellm.llms.anthropic.messages.native.agentic_streaming_iterator import (
    AgenticAnthropicStreamingIterator,
)
from litellm.types.utils import ModelResponseStream
from streamfold.reducer import encode_sse


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """The message that the proxy rebuilds from the bytes of a stream, for its hooks."""
    body = encode_sse(events)
    return AgenticAnthropicStreamingIterator._rebuild_anthropic_response_from_sse([body])


def translate(chunks: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The body that `/v1/messages` of the proxy answers with, for another provider's stream."""
    stream = iter([ModelResponseStream(**chunk) for chunk in chunks])
    wrapper: Any = AnthropicStreamWrapper(completion_stream=stream, model="gpt-next")
    return iter(wrapper.anthropic_sse_wrapper())
