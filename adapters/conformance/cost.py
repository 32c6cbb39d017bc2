"""Measure the cost of an accumulator or a decoder as streams become longer.

A stream of twice the length should cost twice as much. Two measures are taken at sizes that double:

- *work*: the lines of Python that run, and the bytes that are allocated (how far the memory rises
  within each line, summed up). The same stream gives the same numbers on a busy machine. These
  counts show loops over everything received so far, copies of it, and parsers that read it again,
  C code included, because their results must be allocated.
- *time*: processor time, the best of three runs.

A cost counts as quadratic when both measures grow that way. One is not enough. `text += delta`
copies the text each time: the bytes show it, but at the length of real answers the time does not.
Time alone varies on a busy machine. Two things stay hidden: C code that reads everything and
allocates nothing (`max(list)`, `"x" in text`) shows in the time alone, and work in other threads is
not counted.

One kind of stream takes half a second to a second. A trace function, such as a debugger's or that
of coverage, is set aside for that time.
"""

from __future__ import annotations

import gc
import math
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from types import FrameType
from typing import Any, NamedTuple

import attrs

from .calls import Call, Takes

__all__ = ["BODIES", "STREAMS", "Growth", "long_body", "long_stream", "measure"]

Event = dict[str, Any]
Reader = Callable[[Iterable[Any]], Any]

# --- long streams -------------------------------------------------------------------------------

STREAMS = {
    "text": "text deltas",
    "tool_use": "deltas of a tool's input",
    "thinking": "thinking deltas",
    "blocks": "text blocks",
}
"""The kinds of long streams, and the part that each repeats. All but "blocks" are block types."""


def long_stream(kind: str, size: int) -> list[Event]:
    """A valid stream with `size` repeated parts (see `STREAMS`), at least 2.

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
        pieces = ['{"numbers":[', *numbers, "0]}"]  # numbers: no parser caches them
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


BODIES = {"events": "events, each in a chunk", "chunks": "chunks of one event"}
"""The kinds of long bodies, and the part that each repeats."""


def long_body(kind: str, size: int) -> list[bytes]:
    """The chunks of a body with `size` repeated parts (see `BODIES`), at least 3.

    >>> long_body("chunks", 3)
    [b'data: ', b'word and', b'\\n\\n']
    """
    if kind == "events":
        return [b"data: word\n\n"] * size
    return [b"data: ", *[b"word and"] * (size - 2), b"\n\n"]


# --- the measures -------------------------------------------------------------------------------

LONGEST = 4096
"""The size of the longest stream: about a long answer."""

_COUNTED = [16, 32, 64, 128, 256, 512, 1024]
_TIMED = [256, 512, 1024, 2048, LONGEST]
"""The sizes at which work is counted and time is taken; each doubles the one before."""

_STEEP = 1.4
"""The exponent from which growth counts as quadratic. At 1.4, two fifths of all work exist only
because the stream is long."""

_TRIFLE = 2e-6
"""Seconds by which a delta may cost more at the end than at the beginning."""

_CHUNK = 128
"""The size of the chunks of every body in bytes, about one event, so that their number grows with
the stream."""

_ENOUGH_LINES = 200_000
_ENOUGH_SECONDS = 0.3
"""A run that exceeds one of these is the last: no longer stream follows."""


@attrs.frozen
class Growth:
    """The growth of the cost of one kind of stream.

    Attributes:
        kind: the kind of stream, or body: one of `STREAMS` or `BODIES`.
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
        """The exponent of the faster growing of lines and bytes, at the longest stream.

        1 is linear, 2 is quadratic.
        """
        return max(
            _Fit.through(*list(counts.items())[-3:]).order_at(LONGEST)
            for counts in (self.lines, self.allocated)
        )

    @property
    def time_order(self) -> float:
        """The exponent of the time, at the longest stream that was timed."""
        return self._of_time.order_at(max(self.seconds))

    @property
    def is_quadratic(self) -> bool:
        """Whether work and time both grow quadratically, and the added time is not negligible."""
        added = self._of_time.quadratic * max(self.seconds)
        return self.work_order > _STEEP and self.time_order > _STEEP and added > _TRIFLE

    @property
    def verdict(self) -> str:
        """The meaning of the measures, in words."""
        if self.is_quadratic:
            return "quadratic"
        if max(self.work_order, self.time_order) <= _STEEP:
            return "linear"
        if min(self.work_order, self.time_order) <= _STEEP:
            return "not quadratic: only one of the two grows so"
        return "not quadratic: the added time is negligible"

    @property
    def _of_time(self) -> _Fit:
        """The fit through points far apart, because a clock is not exact."""
        points = list(self.seconds.items())
        return _Fit.through(points[0], points[len(points) // 2], points[-1])

    def __str__(self) -> str:
        *_, (size, seconds) = self.seconds.items()
        return (
            f"{(STREAMS | BODIES)[self.kind]}: work grows as n^{self.work_order:.1f}, "
            f"time as n^{self.time_order:.1f} ({seconds * 1000:,.0f} ms for {size:,})"
        )


class _Fit(NamedTuple):
    """A cost as constant + linear·n + quadratic·n²."""

    linear: float
    quadratic: float

    @classmethod
    def through(cls, *points: tuple[int, float]) -> _Fit:
        """The fit through three points: sizes and their costs."""
        (first, low), (middle, mean), (last, high) = points
        slope = (high - mean) / (last - middle)
        bend = slope - (mean - low) / (middle - first)
        quadratic = max(0.0, bend / (last - first))
        return cls(max(slope - quadratic * (middle + last), 1e-12), quadratic)

    def order_at(self, size: int) -> float:
        linear, quadratic = self.linear, self.quadratic * size
        return (linear + 2 * quadratic) / (linear + quadratic)


def measure(reader: Reader, kind: str, *, takes: Takes = "events") -> Growth:
    """Measure streams of this kind.

    Args:
        reader: takes the decoded events of a stream; or the chunks of a body, and returns the
            server-sent events, in any iterable. It may be async.
        kind: one of `STREAMS` or `BODIES`.
        takes: the argument of an accumulator; see `check_accumulator`. A decoder takes chunks.

    Returns:
        Lines, bytes and seconds by size.

    Raises:
        WrongUseError: `reader` cannot be called with one argument.

    >>> measure(lambda events: [event["type"] for event in events], "text").is_quadratic
    False
    """
    lines: dict[int, int] = {}
    allocated: dict[int, int] = {}
    is_body = kind in BODIES
    long = partial(long_body if is_body else long_stream, kind)
    call = Call(reader, takes, _CHUNK)

    def read(given: Iterable[Any]) -> None:
        result = call(given)
        if is_body:
            deque(result, maxlen=0)

    read(long(_COUNTED[0]))  # work that is done once, such as imports, is not counted
    for size in _COUNTED:
        counts = _count(read, long(size)), _count(read, long(size))
        lines[size], allocated[size] = map(min, *counts)  # rare extra work is not growth
        if lines[size] > _ENOUGH_LINES and len(lines) > 2:
            break
    seconds: dict[int, float] = {}
    for size in _TIMED:
        seconds[size] = _time(read, long(size))
        if seconds[size] > _ENOUGH_SECONDS and len(seconds) > 2:
            break
    return Growth(kind, lines, allocated, seconds)


def _count(read: Reader, given: list[Any]) -> tuple[int, int]:
    """The number of lines that run, and of bytes that are allocated."""
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
        _run(read, given, trace)
    finally:
        if not was_tracing:
            tracemalloc.stop()
    return lines, allocated


def _time(read: Reader, given: list[Any]) -> float:
    """Seconds, the best of three."""
    best = math.inf
    for _ in range(3):
        start = time.process_time()
        _run(read, given, None)
        best = min(best, time.process_time() - start)
        if best > _ENOUGH_SECONDS:
            break
    return max(best, 1e-6)  # the clock may tick more slowly


def _run(read: Reader, given: list[Any], trace: Any) -> None:
    """Run the reader under this trace function only, or under none.

    The garbage collector is off, because it could collect garbage of other code.
    """
    previous, collects = sys.gettrace(), gc.isenabled()
    gc.disable()
    sys.settrace(trace)
    try:
        read(iter(given))
    finally:
        sys.settrace(previous)
        if collects:
            gc.enable()
