"""What an accumulator costs as a stream becomes longer: twice the deltas should be twice the work.

Two measures, at sizes that double:

- *work*, counted: how many lines of Python run, and how many bytes are allocated (how far the
  memory rises within each line, summed up). The same stream gives the same numbers, however busy
  the machine is. They see loops over all that came before, copies of it, and parsers that read it
  again, C code included, because what that builds must be allocated.
- *time*, of the processor, the best of three runs.

An accumulator grows quadratically when both say so. One alone does not: `text += delta` copies the
text each time, which the bytes show, but at the length of real answers no clock does; and a clock
alone is a guess on a busy machine. What neither sees: C code that reads everything and allocates
nothing (`max(list)`, `"x" in text`) shows in the time alone; work in other threads is not counted.

The cost: half a second or a second for each kind of stream. A trace function, such as that of a
debugger or of coverage, is set aside for as long as it takes.
"""

from __future__ import annotations

import math
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any, NamedTuple

import attrs

__all__ = ["STREAMS", "Growth", "long_stream", "measure"]

Event = dict[str, Any]
Accumulate = Callable[[Iterable[Event]], Any]

# --- long streams -------------------------------------------------------------------------------

STREAMS = {
    "text": "text deltas",
    "tool_use": "deltas of a tool's input",
    "thinking": "thinking deltas",
    "blocks": "text blocks",
}
"""The kinds of long streams, and what each has many of. All but "blocks" are kinds of blocks."""


def long_stream(kind: str, size: int) -> list[Event]:
    """A valid stream with `size` of what `STREAMS` says, two at least.

    >>> [event["type"] for event in long_stream("text", 2)][1:5]
    ['content_block_start', 'content_block_delta', 'content_block_delta', 'content_block_stop']
    """
    usage = {"input_tokens": 1, "output_tokens": size}
    head: Event = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-6",
    }
    message = {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": message},
        *_long_content(kind, size),
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": size}},
        {"type": "message_stop"},
    ]


def _long_content(kind: str, size: int) -> list[Event]:
    if kind == "blocks":
        return [
            event
            for index in range(size)
            for event in _block(index, {"type": "text", "text": ""}, _grown("text", 1))
        ]
    if kind == "tool_use":
        tool = {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {}}
        numbers = [f"{number}," for number in range(1_000_000, 1_000_000 + size - 2)]
        pieces = ['{"numbers":[', *numbers, "0]}"]  # numbers: no parser has them in stock
        return _block(
            0, tool, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        )
    signature = {"signature": ""} if kind == "thinking" else {}
    return _block(0, {"type": kind, kind: "", **signature}, _grown(kind, size))


def _grown(kind: str, size: int) -> list[Event]:
    return [{"type": f"{kind}_delta", kind: "word and"} for _ in range(size)]


def _block(index: int, block: Event, deltas: list[Event]) -> list[Event]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


# --- the measures -------------------------------------------------------------------------------

LONGEST = 4096
"""How much the longest stream has of what it has many of: about a long answer."""

_COUNTED = [16, 32, 64, 128, 256, 512, 1024]
_TIMED = [256, 512, 1024, 2048, LONGEST]
"""How much the streams have; each twice as much as the one before it."""

_STEEP = 1.5
"""The order from which growth counts as quadratic: half of all work is there because the stream is
long."""

_TRIFLE = 2e-6
"""Seconds that a delta may cost more at the end than at the beginning."""

_ENOUGH_LINES = 100_000
_ENOUGH_SECONDS = 0.3
"""What a run may take before no longer stream comes after it."""


@attrs.frozen
class Growth:
    """How the cost of one kind of stream grows.

    Attributes:
        kind: the kind of stream: one of `STREAMS`.
        lines: by size, the lines of Python that ran.
        allocated: by size, the bytes that were allocated.
        seconds: by size, the processor time.
    """

    kind: str
    lines: dict[int, int]
    allocated: dict[int, int]
    seconds: dict[int, float]

    @property
    def work_order(self) -> float:
        """The exponent with which the lines or the bytes, whichever grow faster, come to grow in
        the longest stream: 1 for linear growth, 2 for quadratic.
        """
        return max(_Fit.of(counts).order_at(LONGEST) for counts in (self.lines, self.allocated))

    @property
    def time_order(self) -> float:
        """The exponent with which the time grows at the end."""
        return _Fit.of(self.seconds).order_at(max(self.seconds))

    @property
    def is_quadratic(self) -> bool:
        """Whether work and time both grow faster than the stream, and it is more than a trifle."""
        added = _Fit.of(self.seconds).quadratic * max(self.seconds)
        return self.work_order > _STEEP and self.time_order > _STEEP and added > _TRIFLE

    def __str__(self) -> str:
        *_, (size, seconds) = self.seconds.items()
        return (
            f"{STREAMS[self.kind]}: work grows as n^{self.work_order:.1f}, "
            f"time as n^{self.time_order:.1f} ({seconds * 1000:,.0f} ms for {size:,})"
        )


class _Fit(NamedTuple):
    """Costs as constant + linear·n + quadratic·n², through the last three."""

    linear: float
    quadratic: float

    @classmethod
    def of(cls, costs: Mapping[int, float]) -> _Fit:
        *_, (size, one), (_, two), (_, four) = costs.items()
        quadratic = max(0.0, ((four - two) - 2 * (two - one)) / (6 * size * size))
        return cls(max((four - two) / (2 * size) - 6 * quadratic * size, 1e-12), quadratic)

    def order_at(self, size: int) -> float:
        linear, quadratic = self.linear, self.quadratic * size
        return (linear + 2 * quadratic) / (linear + quadratic)


def measure(accumulate: Accumulate, kind: str) -> Growth:
    """What this kind of stream costs `accumulate`.

    Args:
        accumulate: takes the decoded events of a stream.
        kind: one of `STREAMS`.

    >>> measure(lambda events: [event["type"] for event in events], "text").is_quadratic
    False
    """
    lines: dict[int, int] = {}
    allocated: dict[int, int] = {}
    accumulate(long_stream(kind, _COUNTED[0]))  # what is done once is not counted
    for size in _COUNTED:
        lines[size], allocated[size] = _count(accumulate, long_stream(kind, size))
        if lines[size] > _ENOUGH_LINES and len(lines) > 2:
            break
    seconds: dict[int, float] = {}
    for size in _TIMED:
        seconds[size] = _time(accumulate, long_stream(kind, size))
        if seconds[size] > _ENOUGH_SECONDS and len(seconds) > 2:
            break
    return Growth(kind, lines, allocated, seconds)


def _count(accumulate: Accumulate, events: list[Event]) -> tuple[int, int]:
    """The lines that run, and the bytes that are allocated."""
    lines = allocated = level = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:  # pragma: no cover: untraced
        nonlocal lines, allocated, level
        lines += 1
        now, peak = tracemalloc.get_traced_memory()
        allocated += max(peak - level, 0)
        level = now
        tracemalloc.reset_peak()
        return trace

    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    level = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    try:
        _run(accumulate, events, trace)
    finally:
        if not was_tracing:
            tracemalloc.stop()
    return lines, allocated


def _time(accumulate: Accumulate, events: list[Event]) -> float:
    """Seconds, the best of three."""
    best = math.inf
    for _ in range(3):
        start = time.process_time()
        _run(accumulate, events, None)
        best = min(best, time.process_time() - start)
        if best > _ENOUGH_SECONDS:
            break
    return max(best, 1e-6)  # where the clock ticks more slowly


def _run(accumulate: Accumulate, events: list[Event], trace: Any) -> None:
    """Run it, traced by this function alone; by none, if it is None."""
    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        accumulate(iter(events))
    finally:
        sys.settrace(previous)
