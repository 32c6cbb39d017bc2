"""The official SDK, by its public interface: `pip install anthropic httpx2`.

A client reads the stream from a transport that sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import anthropic
import httpx2
from anthropic._streaming import SSEDecoder
from streamfold.reducer import encode_sse

Event = dict[str, Any]
_REQUEST: Any = {
    "model": "claude-opus-4-6",
    "max_tokens": 1,
    "messages": [{"role": "user", "content": "Hi"}],
}


def _client(events: Iterable[Event]) -> anthropic.Anthropic:
    headers = {"content-type": "text/event-stream"}
    response = httpx2.Response(200, headers=headers, content=encode_sse(events))
    transport = httpx2.MockTransport(lambda request: response)
    return anthropic.Anthropic(
        api_key="none", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def accumulate(events: Iterable[Event]) -> Any:
    """What `messages.stream(…).get_final_message()` gives."""
    with _client(events) as client, client.messages.stream(**_REQUEST) as stream:
        return stream.get_final_message()


def accumulate_beta(events: Iterable[Event]) -> Any:
    """What `beta.messages.stream(…).get_final_message()` gives."""
    with _client(events) as client, client.beta.messages.stream(**_REQUEST) as stream:
        return stream.get_final_message()


def decode(chunks: Iterable[bytes]) -> Iterator[Any]:
    """What the SDK's decoder gives."""
    return SSEDecoder().iter_bytes(iter(chunks))
