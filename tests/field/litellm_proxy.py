"""litellm, as its proxy puts a streamed message together for its hooks: `pip install litellm`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import asks the network

from litellm.llms.anthropic.pass_through.messages.agentic_streaming_iterator import (
    AgenticAnthropicStreamingIterator,
)
from streamfold.reducer import encode_sse


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """The message that is rebuilt from the bytes of the stream."""
    body = encode_sse(events)
    return AgenticAnthropicStreamingIterator._rebuild_anthropic_response_from_sse([body])
