"""Check an accumulator: any function from the events of a stream to its message.

Every stream must give the reference's message (`comparison` defines when two messages are equal),
from a list and from an iterator, twice. The function must change neither its argument nor an
earlier result. Long streams must pass too, at a cost that does not grow with their square.

A stream takes a few milliseconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
from streamfold.reducer import ProtocolError, fold

from .calls import Call, Takes, TookTooLongError, refuse_wrong_use
from .calls import time_limit as limited
from .claims import Claims, claimed, claims_in_code
from .comparison import as_json, comparable
from .cost import STREAMS, long_stream
from .examination import RAISED, call_text, check_one, paths
from .fields import fields_of_messages, paths_in, refuse_unknown, refuse_unknown_claims
from .findings import (
    AccumulatorMismatch,
    ConformanceReport,
    Finding,
    Mismatch,
    pasteable_test,
)
from .names import expression, name_of
from .rules import Violation
from .search import Search, Watch, watch_nothing
from .shrinking import simpler_streams

if TYPE_CHECKING:
    from streamfold.adapters.strategies import Fault, Unusual, Way

__all__ = ["AccumulatorSubject", "check_accumulator", "check_stream"]

Event = dict[str, Any]
Accumulate = Callable[[Iterable[Event]], Any]


@attrs.frozen
class AccumulatorSubject:
    """An accumulator under test; the reference is `fold`."""

    function: Accumulate
    ignore: tuple[str, ...] = attrs.field(converter=paths, default=())
    strict_nulls: bool = False
    claims: Claims | None = None
    takes: Takes = "events"
    time_limit: float = 10.0
    call_it: Call = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "call_it", Call(self.function, self.takes))

    def run(self, given: Iterable[Event]) -> Any:
        """The function's result."""
        __tracebackhide__ = True
        return self.call_it(given)

    def read(self, result: Any) -> str:
        """A result as text that can be compared."""
        message = as_json(result)
        if self.claims is not None:
            message = claimed(message, self.claims)
        return comparable(message, ignore=self.ignore, strict_nulls=self.strict_nulls)

    def violations(self, result: Any) -> tuple[Violation, ...]:
        """None: the result is a message, not a stream."""
        return ()

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
        """The stream without one of its parts."""
        return simpler_streams(given)

    def call(self, given: list[Event]) -> str:
        """Python code that checks this stream."""
        return call_text("check_stream", self.function, given, **self._options())

    def _options(self) -> dict[str, Any]:
        """The options of a pasted test."""
        options: dict[str, Any] = {"ignore": self.ignore, "strict_nulls": self.strict_nulls}
        if self.claims is not None:
            options["claims"] = claims_in_code(self.claims)
        if self.takes != "events":
            options["takes"] = self.takes
        return options

    def long(self, kind: str, size: int) -> tuple[list[Event], str]:
        """A long stream, and Python code that checks it."""
        options = [f"{name}={value!r}" for name, value in self._options().items() if value]
        stream = f"long_stream({kind!r}, {size})"
        call = f"check_stream({', '.join([expression(self.function), stream, *options])})"
        return long_stream(kind, size), call

    def mismatch(
        self, finding: Finding, seed: int | None, others: tuple[Mismatch, ...] = ()
    ) -> AccumulatorMismatch:
        """The exception that reports the finding."""
        code = pasteable_test(self.function, finding.call or self.call(finding.given))
        return AccumulatorMismatch(finding, name_of(self.function), code, seed, others)


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


def check_stream(
    accumulate: Accumulate,
    events: Iterable[Event],
    *,
    ignore: Collection[str] = (),
    strict_nulls: bool = False,
    claims: Claims | None = None,
    takes: Takes = "events",
    time_limit: float = 10.0,
) -> None:
    """Check an accumulator with one stream. Needs no Hypothesis.

    Args:
        accumulate: the accumulator; see `check_accumulator`.
        events: the stream. If it is broken or incomplete, `accumulate` must raise or return None.
        ignore: see `check_accumulator`.
        strict_nulls: see `check_accumulator`.
        claims: see `check_accumulator`.
        takes: see `check_accumulator`.
        time_limit: see `check_accumulator`.

    Raises:
        AccumulatorMismatch: the result differs from the reference's.
        WrongUseError: the accumulator cannot be called with one argument.

    >>> from streamfold.reducer import fold
    >>> from streamfold.adapters.conformance import long_stream
    >>> check_stream(lambda events: fold(events).message, long_stream("text", 3))
    """
    __tracebackhide__ = True
    subject = AccumulatorSubject(accumulate, ignore, strict_nulls, claims, takes, time_limit)
    check_one(subject, events)


def check_accumulator(
    accumulate: Accumulate,
    *,
    max_examples: int = 200,
    seed: int | None = None,
    ignore: Collection[str] = (),
    strict_nulls: bool = False,
    claims: Claims | None = None,
    assume: Callable[[list[Event]], bool] | None = None,
    first: bool = False,
    takes: Takes = "events",
    time_limit: float = 10.0,
    blocks: Collection[str] | None = None,
    unknown: bool = False,
    unusual: Collection[Unusual] = (),
    ways: Collection[Way] | None = None,
    faults: Collection[Fault] = (),
    growth: bool = True,
    watch: Watch = watch_nothing,
) -> ConformanceReport:
    """Check an accumulator with many streams.

    Args:
        accumulate: takes the decoded events of a stream, in any iterable, and returns the message:
            a dict, a dataclass, an attrs class or a pydantic model. It may be async.
        max_examples: the number of streams. `faults` add as many broken ones, in equal shares.
        seed: draws the same streams each time. None draws different streams each time; a finding
            names the seed that was used.
        ignore: fields not to compare, by their path in the message, without indices: "usage",
            "usage.iterations", "content.citations". A field that neither a message nor a result of
            the accumulator has is refused.
        strict_nulls: whether a `null` differs from an absent field.
        claims: the blocks and fields to compare: `{"text": ["text"], "message": ["stop_reason"]}`;
            see `claims`. Blocks of other kinds stay in the streams. None compares everything.
            `GA_CLAIMS` and `CHAT_CLAIMS` are ready-made.
        assume: a condition that every stream must meet; others are not tried.
        first: stop at the first finding. Otherwise all distinct findings are collected.
        takes: the argument of `accumulate`: "events", "chunks" (the body as chunks of bytes),
            "httpx" or "httpx2" (a transport that answers every request with the stream, for a
            client that `accumulate` makes).
        time_limit: the longest time of one call, in seconds. It works in the main thread, on
            systems with SIGALRM.
        blocks: the kinds of content blocks to draw, some of `strategies.BLOCKS`. None draws all.
        unknown: draw also events, deltas, blocks and fields that the API does not have.
        unusual: content to draw that the API does not send, some of `strategies.UNUSUAL`.
        ways: the ways to stream a message, some of `strategies.WAYS`. None draws those that the API
            uses, `strategies.USUAL_WAYS`.
        faults: faults that the accumulator should refuse, by an exception or by None; some of
            `strategies.FAULTS`. "cut" and "error_event" are good ones to begin with. A fault that
            leaves the message whole must leave the result whole.
        growth: whether to measure long streams. One kind of stream takes about a second.
        watch: called after each stream with the number of streams so far, and with whether a
            finding is being shrunk.

    Returns:
        The number of streams, the seed, and the cost of long streams.

    Raises:
        AccumulatorMismatch: a result differs from the reference's; `.findings` has all findings.
        WrongUseError: `accumulate` cannot be checked: it takes another argument, or its result
            cannot be read. Raised before the run.
        ValueError: an option names an unknown block, way, fault or field, or max_examples is below
            1. Raised before the run.
        ImportError: Hypothesis is not installed.

    >>> from streamfold.reducer import fold
    >>> def accumulate(events):
    ...     return fold(events).message
    >>> print(check_accumulator(accumulate, max_examples=20, seed=1, growth=False))
    20 streams, all as they should be (seed 1)
    """
    __tracebackhide__ = True
    from streamfold.adapters.strategies import BLOCKS, FAULTS, USUAL_WAYS, broken, raw_events

    blocks = BLOCKS if blocks is None else blocks
    ways = USUAL_WAYS if ways is None else ways
    subject = AccumulatorSubject(accumulate, ignore, strict_nulls, claims, takes, time_limit)
    search = Search(subject, seed, watch, first, assume)
    drawn: dict[str, Any] = {"blocks": blocks, "unknown": unknown, "unusual": unusual, "ways": ways}
    streams = raw_events(**drawn)
    if faults:
        broken(faults=faults, **drawn)  # refuses unknown names
    chosen = [fault for fault in FAULTS if fault in faults]
    if claims is not None and not unknown:
        refuse_unknown_claims(claims)
    refuse_wrong_use(subject.call_it, as_json, time_limit)
    if not unknown:
        _refuse_unknown_fields(subject)
    search.run(streams, max_examples)
    for fault in chosen:
        with_fault = broken(faults=[fault], **drawn).map(lambda stream: stream.events)
        search.run(with_fault, -(-max_examples // len(chosen)), fault)
    kinds = [
        kind for kind in STREAMS if growth and ("text" if kind == "blocks" else kind) in blocks
    ]
    return search.report(kinds, subject.long, takes)


def _refuse_unknown_fields(subject: AccumulatorSubject) -> None:
    """Refuse paths to ignore that neither the API's messages nor the accumulator's results have."""
    known = fields_of_messages()
    try:
        refuse_unknown(subject.ignore, known)
    except ValueError:
        own: set[str] = set()
        for kind in STREAMS:
            with contextlib.suppress(*RAISED, TookTooLongError), limited(subject.time_limit):
                own.update(paths_in(as_json(subject.run(long_stream(kind, 3)))))
        refuse_unknown(subject.ignore, [*known, *own])
