"""Check a live gateway against the rules: send a fixed set of requests, and lint each answer.

The requests use what any gateway should support: text, a system prompt, tools, parallel calls,
tool results, a stop sequence and a small `max_tokens`. A gateway chooses its answers, so only the
form of a stream is checked: the status, the content type, and the rules of `RULES`. One
connection at a time; an answer is read up to a limit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import httpx
from streamfold.transports.recording import decompressed

from .lint import lint_body
from .rules import Violation

__all__ = ["REQUESTS", "GatewayReport", "conform"]

_LIMIT = 16 * 1024 * 1024
"""The maximum number of bytes of an answer that are read."""

_WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
    },
}
_CLOCK = {
    "name": "get_time",
    "description": "The time in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def _user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"messages": [_user("Say hello.")]},
    "system": {"system": "Answer in French.", "messages": [_user("Say hello.")]},
    "length": {"max_tokens": 5, "messages": [_user("Count to one hundred.")]},
    "stop_sequence": {
        "stop_sequences": ["5"],
        "messages": [_user("Count to ten, with a space between the numbers.")],
    },
    "tool": {
        "tools": [_WEATHER],
        "tool_choice": {"type": "tool", "name": "get_weather"},
        "messages": [_user("What is the weather in Lisbon?")],
    },
    "parallel_tools": {
        "tools": [_WEATHER, _CLOCK],
        "messages": [_user("Weather and time in Lisbon and in Oslo? Call all tools at once.")],
    },
    "tool_result": {
        "tools": [_WEATHER],
        "messages": [
            _user("What is the weather in Lisbon?"),
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "tool_use",
                        "id": "toolu_1",
                        "name": "get_weather",
                        "input": {"city": "Lisbon"},
                    }
                ],
            },
            _user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny, 21 °C"}]),
        ],
    },
    "tool_length": {
        "max_tokens": 12,
        "tools": [_WEATHER],
        "tool_choice": {"type": "tool", "name": "get_weather"},
        "messages": [_user("What is the weather in Lisbon for the next seven days?")],
    },
}
"""The requests by name, without their model."""


@attrs.frozen
class GatewayReport:
    """The answer to one request.

    Attributes:
        request: the name of the request, a key of `REQUESTS`.
        events: the number of events of the answer.
        violations: the rules that the answer breaks.
        failure: the reason why no stream came: a status, a content type, a connection error.
        is_reachable: whether a connection was made.
    """

    request: str
    events: int = 0
    violations: tuple[Violation, ...] = ()
    failure: str | None = None
    is_reachable: bool = True

    @property
    def is_legal(self) -> bool:
        """Whether a legal stream came."""
        return self.failure is None and not self.violations

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "request": self.request,
            "events": self.events,
            "violations": [attrs.asdict(each) for each in self.violations],
            "failure": self.failure,
        }

    def __str__(self) -> str:
        if self.failure is not None:
            return f"{self.request}: {self.failure}"
        if not self.violations:
            return f"{self.request}: {self.events} events, legal"
        return "\n".join([f"{self.request}: {self.events} events", *map(_line, self.violations)])


def _line(violation: Violation) -> str:
    return f"  {violation}"


def conform(
    url: str,
    *,
    model: str = "claude-opus-4-6",
    api_key: str = "none",
    timeout: float = 60.0,
    headers: Mapping[str, str] | None = None,
    transport: httpx.BaseTransport | None = None,
) -> Iterator[GatewayReport]:
    """Send the requests to a gateway, one after another, and lint the streams that come back.

    Args:
        url: the base URL of the gateway, or the URL of its `/v1/messages`.
        model: the model to request.
        api_key: sent as `x-api-key` and as a bearer token.
        timeout: the longest wait for a connection or for the next bytes, in seconds.
        headers: further headers.
        transport: sends the requests; an httpx transport. None uses the network.

    Yields:
        A report for each of `REQUESTS`. One without a connection is the last.

    Raises:
        ValueError: `url` is not an http or https URL.
    """
    target = _target(url)
    sent = {
        "x-api-key": api_key,
        "authorization": f"Bearer {api_key}",
        "anthropic-version": "2023-06-01",
        **(headers or {}),
    }
    with httpx.Client(timeout=timeout, headers=sent, transport=transport) as client:
        for name, request in REQUESTS.items():
            body = {"model": model, "max_tokens": 256, "stream": True, **request}
            report = _report(client, target, name, body)
            yield report
            if not report.is_reachable:
                return


def _target(url: str) -> str:
    base = url.rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise ValueError(f"url must begin with http:// or https://, got {url!r}")
    if base.endswith("/v1/messages"):
        return base
    return f"{base.removesuffix('/v1')}/v1/messages"


def _report(client: httpx.Client, url: str, name: str, body: dict[str, Any]) -> GatewayReport:
    try:
        with client.stream("POST", url, json=body) as response:
            answer = b""
            for chunk in decompressed(response, httpx, _LIMIT):
                answer += chunk
                if len(answer) > _LIMIT:
                    return GatewayReport(name, failure=f"the answer exceeds {_LIMIT} bytes")
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        failure = f"{type(error).__name__}: {error}: is the gateway running at {url}?"
        return GatewayReport(name, failure=failure, is_reachable=False)
    except httpx.HTTPError as error:
        return GatewayReport(name, failure=f"{type(error).__name__}: {error}")
    if response.status_code != 200:
        return GatewayReport(name, failure=f"status {response.status_code}: {_start(answer)}")
    kind = response.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "text/event-stream":
        return GatewayReport(name, failure=f"content type {kind!r}: {_start(answer)}")
    events = answer.count(b"\ndata:") + answer.startswith(b"data:")
    return GatewayReport(name, events, lint_body(answer, must_stop=True))


def _start(answer: bytes) -> str:
    """The first characters of an answer, in one line."""
    return json.dumps(answer[:200].decode("utf-8", "replace"), ensure_ascii=False)
