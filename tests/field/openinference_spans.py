"""openinference-instrumentation-anthropic: the message that its spans report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openinference.instrumentation.anthropic._stream import _MessageResponseAccumulator

from .served import LIBRARY, sdk_events


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """The snapshot that the instrumentation collects beside a stream."""
    accumulator = _MessageResponseAccumulator(is_beta=False, request_headers=LIBRARY.Headers())
    for event in sdk_events(events):
        accumulator.process_chunk(event)
    return accumulator._result()
