"""Requests and messages as the attributes of OpenTelemetry's conventions, version 1.41.1.

Pure functions: the bytes of a request, or a message, give attributes. Names and rules are those of
"Semantic conventions for Anthropic client operations" and of "Semantic conventions for generative
AI metrics". 1.41.1 is the last release that has them; their development goes on in a repository
that has not made a release yet.

Three rules that the names do not show:

- `gen_ai.usage.input_tokens` counts cached tokens as well: the API's `input_tokens` plus the tokens
  read from the cache and written to it.
- `gen_ai.usage.output_tokens` is only there once the API has counted to the end of the message.
- `gen_ai.response.finish_reasons` has the API's own words (`end_turn`, `tool_use`, …).

The text of a request or a message is only in the attributes of `input_content` and
`output_content`, which are made on request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeGuard, Union
from urllib.parse import unquote

import attrs
from streamfold.reducer import Message, is_object

__all__ = [
    "SCHEMA_URL",
    "Attributes",
    "Operation",
    "Route",
    "input_content",
    "operation_of",
    "output_content",
    "response_attributes",
    "route_of",
    "token_counts",
]

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.1"

OPERATION = "chat"

Attributes = dict[str, Union[str, bool, int, float, list[str]]]

# --- requests -----------------------------------------------------------------------------------


@attrs.frozen
class Route:
    """The form that requests for a message have at one provider.

    Attributes:
        path: matches their path; the group `model`, where there is one, is the model's name.
        provider: the provider's name in the conventions.
        streamed: whether they ask for a stream; `None` where the body decides.
    """

    path: re.Pattern[str]
    provider: str
    streamed: bool | None


_ROUTES = (
    Route(re.compile(r"/messages$"), "anthropic", None),
    Route(re.compile(r"/model/(?P<model>[^/]+)/invoke$"), "aws.bedrock", False),
    Route(re.compile(r"/model/(?P<model>[^/]+)/invoke-with-response-stream$"), "aws.bedrock", True),
    Route(re.compile(r"/models/(?P<model>[^/]+):rawPredict$"), "gcp.vertex_ai", False),
    Route(re.compile(r"/models/(?P<model>[^/]+):streamRawPredict$"), "gcp.vertex_ai", True),
)

_PORTS = {"http": 80, "https": 443}

_NUMBERS = {
    "max_tokens": int,
    "temperature": float,
    "top_k": float,
    "top_p": float,
}
"""By parameter: the type that the conventions demand of its value."""


@attrs.frozen
class Operation:
    """A request for a message.

    Attributes:
        provider: the provider's name in the conventions.
        model: the model that is asked for; `None` if the request names none.
        streamed: whether it asks for a stream.
        server: the attributes of the server's address.
        parameters: the attributes of the request's other parameters.
        body: the JSON object of its body; empty if it is not one.
    """

    provider: str
    model: str | None
    streamed: bool
    server: Attributes
    parameters: Attributes
    body: Mapping[str, Any] = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """The name of its span."""
        return f"{OPERATION} {self.model}" if self.model else OPERATION

    @property
    def identity(self) -> Attributes:
        """The attributes that its span and its metrics share."""
        identity: Attributes = {
            "gen_ai.operation.name": OPERATION,
            "gen_ai.provider.name": self.provider,
            **self.server,
        }
        if self.model:
            identity["gen_ai.request.model"] = self.model
        return identity


def route_of(method: str, path: str) -> Route | None:
    """The route of a request for a message; `None` for any other request.

    >>> route_of("POST", "/v1/messages").provider
    'anthropic'
    >>> route_of("POST", "/v1/messages/count_tokens") is None
    True
    """
    if method == "POST":
        for route in _ROUTES:
            if route.path.search(path):
                return route
    return None


def operation_of(route: Route, url: Any, content: bytes) -> Operation:
    """The request for a message that is sent.

    Args:
        route: the form of the request: see `route_of`.
        url: its URL, as httpx or httpx2 has it.
        content: the bytes of its body.

    >>> import httpx
    >>> url = httpx.URL("https://api.anthropic.com/v1/messages")
    >>> body = b'{"model": "claude-opus-4-6", "stream": true}'
    >>> operation = operation_of(route_of("POST", url.path), url, body)
    >>> operation.name, operation.streamed, operation.server
    ('chat claude-opus-4-6', True, {'server.address': 'api.anthropic.com', 'server.port': 443})
    """
    match = route.path.search(url.path)
    body = _object(content)
    model = unquote(match["model"]) if match and match.groups() else body.get("model")
    streamed = body.get("stream") is True if route.streamed is None else route.streamed
    return Operation(
        provider=route.provider,
        model=model if isinstance(model, str) else None,
        streamed=streamed,
        server={
            "server.address": url.host,
            "server.port": url.port or _PORTS.get(url.scheme, 443),
        },
        parameters={"gen_ai.request.stream": streamed, **_parameters(body)},
        body=body,
    )


def _object(content: bytes) -> Mapping[str, Any]:
    """The JSON object in `content`; an empty one if it is anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if is_object(value) else {}


def _parameters(body: Mapping[str, Any]) -> Attributes:
    attributes: Attributes = {}
    for name, kind in _NUMBERS.items():
        value = body.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            with suppress(OverflowError, ValueError):  # too large, or not a number
                attributes[f"gen_ai.request.{name}"] = kind(value)
    stops = [stop for stop in _array(body.get("stop_sequences")) if isinstance(stop, str)]
    if stops:
        attributes["gen_ai.request.stop_sequences"] = stops
    config = body.get("output_config")
    if body.get("output_format") or (is_object(config) and config.get("format")):
        attributes["gen_ai.output.type"] = "json"
    return attributes


# --- messages -----------------------------------------------------------------------------------


def response_attributes(message: Message) -> Attributes:
    """The attributes of a message, as far as it came."""
    attributes: Attributes = {
        "gen_ai.response.id": message.id,
        "gen_ai.response.model": message.model,
    }
    if message.stop_reason is not None:
        attributes["gen_ai.response.finish_reasons"] = [message.stop_reason]
    counts = token_counts(message)
    attributes.update({f"gen_ai.usage.{kind}_tokens": count for kind, count in counts.items()})
    usage = message.usage
    details = usage.output_tokens_details if "output" in counts else None
    for name, count in (
        ("cache_read.input_tokens", usage.cache_read_input_tokens),
        ("cache_creation.input_tokens", usage.cache_creation_input_tokens),
        ("reasoning.output_tokens", details and details.thinking_tokens),
    ):
        if _is_count(count):
            attributes[f"gen_ai.usage.{name}"] = count
    return attributes


def token_counts(message: Message) -> dict[str, int]:
    """The tokens of a message by `gen_ai.token.type`; those of the output once it has stopped."""
    usage = message.usage
    counts: dict[str, int] = {}
    if _is_count(usage.input_tokens):
        cached = (usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
        counts["input"] = usage.input_tokens + sum(filter(_is_count, cached))
    if message.stop_reason is not None and _is_count(usage.output_tokens):
        counts["output"] = usage.output_tokens
    return counts


def _is_count(value: Any) -> TypeGuard[int]:
    """Whether the API counted: a count may be `null`."""
    return type(value) is int


# --- content ------------------------------------------------------------------------------------


def input_content(body: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a request, as JSON of the conventions: instructions and messages."""
    content: dict[str, Any] = {}
    if body.get("system"):
        content["gen_ai.system_instructions"] = _parts(body["system"])
    messages = [message for message in _array(body.get("messages")) if is_object(message)]
    if messages:
        content["gen_ai.input.messages"] = [
            {"role": message.get("role"), "parts": _parts(message.get("content"))}
            for message in messages
        ]
    return content


def output_content(message: Message) -> dict[str, Any]:
    """The content of a message, as JSON of the conventions."""
    fields = message.to_dict()
    answer = {"role": fields.get("role"), "parts": _parts(fields["content"])}
    if message.stop_reason is not None:
        answer["finish_reason"] = message.stop_reason
    return {"gen_ai.output.messages": [answer]}


def _parts(content: Any) -> list[Any]:
    """The parts of a message, or of instructions, from its text or its blocks."""
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    return [_part(block) for block in _array(content) if is_object(block)]


def _array(value: Any) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def _part(block: Mapping[str, Any]) -> dict[str, Any]:
    """The part that a block is; a kind that the conventions do not know stays as it is."""
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "content": block.get("text")}
    if kind == "thinking":
        return {"type": "reasoning", "content": block.get("thinking")}
    call = {"id": block.get("id"), "name": block.get("name")}
    if kind == "tool_use":
        return {"type": "tool_call", **call, "arguments": block.get("input")}
    if kind in ("server_tool_use", "mcp_tool_use"):
        details = {"type": block.get("name"), "input": block.get("input")}
        return {"type": "server_tool_call", **call, "server_tool_call": details}
    if kind == "tool_result":
        answer = {"id": block.get("tool_use_id"), "response": block.get("content")}
        return {"type": "tool_call_response", **answer}
    return dict(block)
