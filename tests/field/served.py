"""Clients of the official SDK whose every request is answered with one stream."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from typing import Any

import anthropic
from streamfold.reducer import encode_sse

Event = dict[str, Any]
HEADERS = {"content-type": "text/event-stream", "request-id": "req_1"}

_is_new = int(version("anthropic").split(".")[0]) >= 2
LIBRARY: Any = import_module("httpx2" if _is_new else "httpx")
"""The HTTP library of the installed SDK."""


def transport_of(events: Iterable[Event]) -> Any:
    body = encode_sse(events)
    return LIBRARY.MockTransport(
        lambda request: LIBRARY.Response(200, headers=HEADERS, content=body)
    )


def client_of(events: Iterable[Event]) -> anthropic.Anthropic:
    """A sync client."""
    http_client = LIBRARY.Client(transport=transport_of(events))
    return anthropic.Anthropic(api_key="none", max_retries=0, http_client=http_client)


def async_client_of(events: Iterable[Event]) -> anthropic.AsyncAnthropic:
    """An async client."""
    http_client = LIBRARY.AsyncClient(transport=transport_of(events))
    return anthropic.AsyncAnthropic(api_key="none", max_retries=0, http_client=http_client)


def sdk_events(events: Iterable[Event]) -> list[Any]:
    """The events as objects of the SDK, as its `create(stream=True)` yields them."""
    request: Any = {
        "model": "claude-opus-4-6",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    with client_of(events) as client:
        return list(client.messages.create(stream=True, **request))
