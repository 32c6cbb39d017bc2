"""Claims: the parts of a message that an implementation promises to give.

Streams contain every kind of block that the API sends. An implementation may support fewer.
Claims name the blocks and fields that are compared; the others stay in the streams, where they
must do no harm.

    claims = {"text": ["text"], "tool_use": ["id", "name", "input"], "message": ["stop_reason"]}

A key is the type of a block, or "message" for the fields of the message itself. A value names
fields, with dots for nested ones ("usage.output_tokens"), or is "*" for all fields.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["CHAT_CLAIMS", "GA_CLAIMS", "Claims", "claimed", "claims_in_code"]

JSON = Any
Claims = Mapping[str, Collection[str]]

GA_CLAIMS: Claims = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "text",
                "thinking",
                "redacted_thinking",
                "tool_use",
                "server_tool_use",
                "web_search_tool_result",
                "web_fetch_tool_result",
                "code_execution_tool_result",
                "bash_code_execution_tool_result",
                "text_editor_code_execution_tool_result",
                "tool_search_tool_result",
                "container_upload",
            ),
            "*",
        ),
        "message": (
            "id",
            "type",
            "role",
            "stop_reason",
            "stop_sequence",
            "stop_details",
            "container",
            "usage.input_tokens",
            "usage.output_tokens",
            "usage.cache_creation_input_tokens",
            "usage.cache_read_input_tokens",
            "usage.cache_creation",
            "usage.server_tool_use",
            "usage.output_tokens_details",
            "usage.service_tier",
        ),
    }
)
"""Every part of a message that needs no beta header. Source: the reference, `Message`.

`model` is missing, because a fallback block, which needs a beta header, changes it.
"""

CHAT_CLAIMS: Claims = MappingProxyType(
    {
        "text": ("text",),
        "tool_use": ("id", "name", "input"),
        "message": ("stop_reason",),
    }
)
"""A chat with tools: texts, tool calls and the stop reason."""


class _Code(str):
    """Python code, as its own `repr`."""

    __slots__ = ()
    __repr__ = str.__str__


def claims_in_code(claims: Claims) -> object:
    """The claims as an argument of a pasted test: the name of a preset, or else a dict."""
    for name, preset in (("GA_CLAIMS", GA_CLAIMS), ("CHAT_CLAIMS", CHAT_CLAIMS)):
        if claims is preset:
            return _Code(name)
    return dict(claims)


def claimed(message: JSON, claims: Claims) -> JSON:
    """The claimed part of a message. A value that is not a message is returned as it is.

    >>> message = {"id": "msg_1", "usage": {"output_tokens": 3, "input_tokens": 1}, "content": [
    ...     {"type": "text", "text": "Hi", "citations": None}, {"type": "thinking"}]}
    >>> claimed(message, {"text": ["text"], "message": ["usage.output_tokens"]})
    {'usage': {'output_tokens': 3}, 'content': [{'type': 'text', 'text': 'Hi'}]}
    """
    if not isinstance(message, dict):
        return message
    blocks = message.get("content")
    whole = _picked(message, claims.get("message", ()))
    if not isinstance(blocks, list):
        return {**whole, "content": blocks}
    kept = [
        {"type": block["type"], **_picked(block, claims[block["type"]])}
        for block in blocks
        if isinstance(block, dict) and block.get("type") in claims
    ]
    return {**whole, "content": kept}


def _picked(value: dict[str, JSON], fields: Collection[str]) -> dict[str, JSON]:
    """The named fields of an object."""
    if fields == "*":
        return value
    picked: dict[str, JSON] = {}
    for path in fields:
        *holders, name = path.split(".")
        source: Any = value
        for holder in holders:
            source = source.get(holder) if isinstance(source, dict) else None
        if isinstance(source, dict) and name in source:
            target = picked
            for holder in holders:
                target = target.setdefault(holder, {})
            target[name] = source[name]
    return picked
