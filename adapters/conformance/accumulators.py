"""Check an accumulator: any function from the events of a stream to its message.

Every stream must give the reference's message (`comparison` defines when two messages are equal),
from a list and from an iterator, twice. The function must change neither its argument nor an
earlier result. Long streams must pass too, at a cost that does not grow with their square.

A stream takes a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
from streamfold.reducer import ProtocolError, fold

from .comparison import as_json, comparable
from .cost import STREAMS, long_stream
from .examination import call_text, check_one, paths
from .findings import (
    AccumulatorMismatch,
    ConformanceReport,
    Finding,
    expression,
    name_of,
    pasteable_test,
)
from .search import Search, Watch, watch_nothing

if TYPE_CHECKING:
    from streamfold.adapters.strategies import Fault, Way

__all__ = ["AccumulatorSubject", "check_accumulator", "check_stream"]

Event = dict[str, Any]
Accumulate = Callable[[Iterable[Event]], Any]


@attrs.frozen
class AccumulatorSubject:
    """An accumulator under test; the reference is `fold`."""

    function: Accumulate
    ignore: tuple[str, ...] = attrs.field(converter=paths)
    strict_nulls: bool

    def run(self, given: Iterable[Event]) -> Any:
        """The function's result."""
        return self.function(given)

    def read(self, result: Any) -> str:
        """A result as text that can be compared."""
        return comparable(as_json(result), ignore=self.ignore, strict_nulls=self.strict_nulls)

    def reference(self, given: list[Event]) -> str | None:
        """The text of the message that `fold` makes; None if the stream is not whole."""
        try:
            snapshot = fold(given)
        except (ProtocolError, TypeError):  # TypeError: an item is not an event at all
            return None
        if snapshot.message is None or not snapshot.is_complete or snapshot.error is not None:
            return None
        return self.read(snapshot.message)

    def another(self, given: list[Event]) -> list[Event]:
        """A stream of the same shape with other content."""
        return [_altered(event, "") for event in given]

    def simpler(self, given: list[Event]) -> Iterator[list[Event]]:
        """The stream without one of its blocks."""
        for removed in {event["index"] for event in given if _has_index(event)}:
            yield [
                {**event, "index": event["index"] - (event["index"] > removed)}
                if _has_index(event)
                else event
                for event in given
                if not _has_index(event) or event["index"] != removed
            ]

    def call(self, given: list[Event]) -> str:
        """Python code that checks this stream."""
        options = {"ignore": self.ignore, "strict_nulls": self.strict_nulls}
        return call_text("check_stream", self.function, given, **options)

    def long(self, kind: str, size: int) -> tuple[list[Event], str]:
        """A long stream, and Python code that checks it."""
        call = f"check_stream({expression(self.function)}, cost.long_stream({kind!r}, {size}))"
        return long_stream(kind, size), call

    def mismatch(self, finding: Finding, seed: int | None) -> AccumulatorMismatch:
        """The exception that reports the finding."""
        code = pasteable_test(self.function, finding.call or self.call(finding.given))
        return AccumulatorMismatch(finding, name_of(self.function), code, seed)


_FREE_TEXT = ("id", "name", "text", "thinking", "signature", "data")
"""Fields of events whose value may be any text."""


def _altered(value: Any, key: str) -> Any:
    """The value with other texts and other counts."""
    if isinstance(value, dict):
        return {name: _altered(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_altered(item, key) for item in value]
    if isinstance(value, str) and key in _FREE_TEXT:
        return f"{value}!"
    return value + 1 if key.endswith("_tokens") and isinstance(value, int) else value


def _has_index(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("index"), int)


def check_stream(
    accumulate: Accumulate,
    events: Iterable[Event],
    *,
    ignore: Collection[str] = (),
    strict_nulls: bool = False,
) -> None:
    """Check an accumulator with one stream. Needs no Hypothesis.

    Args:
        accumulate: takes the decoded events of a stream, in any iterable, and returns the message.
        events: the stream. If it is broken or incomplete, `accumulate` must raise or return None.
        ignore: see `check_accumulator`.
        strict_nulls: see `check_accumulator`.

    Raises:
        AccumulatorMismatch: the result differs from the reference's.

    >>> from streamfold.reducer import fold
    >>> from streamfold.adapters.conformance import long_stream
    >>> check_stream(lambda events: fold(events).message, long_stream("text", 3))
    """
    check_one(AccumulatorSubject(accumulate, ignore, strict_nulls), events)


_NOT_USUAL: tuple[Way, ...] = ("halves", "open_tool")
"""Legal ways to stream a message that the API does not choose, or whose message is ambiguous."""


def check_accumulator(
    accumulate: Accumulate,
    *,
    max_examples: int = 200,
    seed: int | None = None,
    ignore: Collection[str] = (),
    strict_nulls: bool = False,
    blocks: Collection[str] | None = None,
    unknown: bool = False,
    ways: Collection[Way] | None = None,
    faults: Collection[Fault] = (),
    growth: bool = True,
    watch: Watch = watch_nothing,
) -> ConformanceReport:
    """Check an accumulator with many streams.

    Args:
        accumulate: takes the decoded events of a stream, in any iterable, and returns the message:
            a dict, a dataclass, an attrs class or a pydantic model.
        max_examples: the number of streams; `faults` add as many broken ones.
        seed: draws the same streams each time. None draws other streams each time; a finding names
            the seed that was used.
        ignore: fields not to compare, by their path in the message, without indices: "usage",
            "usage.iterations", "content.citations".
        strict_nulls: whether a `null` differs from an absent field.
        blocks: the kinds of content blocks to draw, some of `strategies.BLOCKS`. None draws all.
        unknown: draw also events, deltas, blocks and fields that the API does not have.
        ways: the ways to stream a message, some of `strategies.WAYS`. None draws all but "halves"
            and "open_tool".
        faults: faults that the accumulator should refuse, by an exception or by None; some of
            `strategies.FAULTS`. "cut" and "error_event" are good ones to begin with. A fault that
            leaves the message whole must leave the result whole.
        growth: whether to measure long streams. One kind of stream takes about a second.
        watch: called after each stream with the number of streams so far, and with whether a
            finding is being shrunk.

    Returns:
        The number of streams, the seed, and the cost of long streams.

    Raises:
        AccumulatorMismatch: a result differs from the reference's.
        ValueError: an option names an unknown block, way or fault, or max_examples is below 1.
        ImportError: Hypothesis is not installed.

    >>> from streamfold.reducer import fold
    >>> def accumulate(events):
    ...     return fold(events).message
    >>> print(check_accumulator(accumulate, max_examples=20, seed=1, growth=False))
    20 streams, all as they should be (seed 1)
    """
    from streamfold.adapters.strategies import BLOCKS, WAYS, broken, raw_events

    blocks = BLOCKS if blocks is None else blocks
    ways = [way for way in WAYS if way not in _NOT_USUAL] if ways is None else ways
    search = Search(AccumulatorSubject(accumulate, ignore, strict_nulls), seed, watch)
    search.run(raw_events(blocks=blocks, unknown=unknown, ways=ways), max_examples)
    if faults:
        streams = broken(faults=faults, blocks=blocks, unknown=unknown, ways=ways)
        search.run(streams.map(lambda stream: stream.events), max_examples)
    kinds = [
        kind for kind in STREAMS if growth and ("text" if kind == "blocks" else kind) in blocks
    ]
    return search.report(kinds)
