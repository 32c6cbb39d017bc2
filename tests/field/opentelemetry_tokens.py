"""opentelemetry-instrumentation-anthropic: the usage and texts that its spans report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from opentelemetry.instrumentation.anthropic.streaming import _process_response_item

from .served import sdk_events


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """The response that the instrumentation collects beside a stream."""
    response: dict[str, Any] = {"events": [], "model": "", "usage": {}, "id": ""}
    for event in sdk_events(events):
        _process_response_item(event, response)
    return {
        "id": response["id"],
        "model": response["model"],
        "usage": {"output_tokens": response["usage"].get("output_tokens")},
        "content": [_block(each) for each in response["events"]],
    }


def _block(event: dict[str, Any]) -> dict[str, Any]:
    if event["type"] == "tool_use":
        value = json.loads(event["input"]) if event["input"] else {}
        return {**{key: event[key] for key in ("type", "id", "name")}, "input": value}
    return {"type": event["type"], event["type"]: event["text"]}
