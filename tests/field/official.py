"""The official SDK, by its public interface: `anthropic`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from anthropic._streaming import SSEDecoder

from .served import client_of

Event = dict[str, Any]
_REQUEST: Any = {
    "model": "claude-opus-4-6",
    "max_tokens": 1,
    "messages": [{"role": "user", "content": "Hi"}],
}


def accumulate(events: Iterable[Event]) -> Any:
    """The result of `messages.stream(…).get_final_message()`."""
    with client_of(events) as client, client.messages.stream(**_REQUEST) as stream:
        return stream.get_final_message()


def accumulate_beta(events: Iterable[Event]) -> Any:
    """The result of `beta.messages.stream(…).get_final_message()`."""
    with client_of(events) as client, client.beta.messages.stream(**_REQUEST) as stream:
        return stream.get_final_message()


def decode(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The events of the SDK's decoder."""
    return SSEDecoder().iter_bytes(iter(chunks))
