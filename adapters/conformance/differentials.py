"""Compare an implementation with itself: its streamed and its unstreamed result must be equal.

An implementation often translates a message into classes of its own. No reference knows them, but
the same implementation translates the unstreamed message, too. `check_same` draws messages,
streams each, and compares both results of the implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs

from .accumulators import AccumulatorSubject
from .calls import Call, Takes
from .comparison import as_json, comparable
from .examination import check_one, paths
from .findings import AccumulatorMismatch, ConformanceReport, Finding, Mismatch, pasteable_test
from .names import expression, name_of
from .rules import Violation
from .search import Search, Watch, watch_nothing

if TYPE_CHECKING:
    from streamfold.adapters.strategies import Unusual, Way

__all__ = ["SameSubject", "check_same", "check_same_stream"]

Event = dict[str, Any]
Message = dict[str, Any]


@attrs.frozen
class SameSubject:
    """An implementation under test: `function` reads streams, `plain` reads messages."""

    function: Callable[[Any], Any]
    plain: Callable[[Message], Any]
    ignore: tuple[str, ...] = attrs.field(converter=paths, default=())
    takes: Takes = "events"
    time_limit: float = 10.0
    streamed: AccumulatorSubject = attrs.field(init=False, eq=False)
    unstreamed: Call = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        streamed = AccumulatorSubject(self.function, takes=self.takes)
        object.__setattr__(self, "streamed", streamed)
        object.__setattr__(self, "unstreamed", Call(self.plain))

    def run(self, given: Iterable[Event]) -> Any:
        """The result for the stream."""
        return self.streamed.run(given)

    def read(self, result: Any) -> str:
        """A result as text that can be compared."""
        return comparable(as_json(result), ignore=self.ignore)

    def violations(self, result: Any) -> tuple[Violation, ...]:
        """None: the result is a message, not a stream."""
        return ()

    def reference(self, given: list[Event]) -> str | None:
        """The implementation's own result for the unstreamed message."""
        from streamfold.reducer import fold

        message = fold(given).message
        if message is None:
            return None
        return self.read(self.unstreamed.with_argument(message.to_dict()))

    def another(self, given: list[Event]) -> list[Event]:
        """A stream of the same shape with other content."""
        return self.streamed.another(given)

    def simpler(self, given: list[Event]) -> Iterator[list[Event]]:
        """The stream without one of its parts."""
        return self.streamed.simpler(given)

    def call(self, given: list[Event]) -> str:
        """Python code that checks this stream."""
        items = [f"        {item!r}," for item in given]
        options = {"ignore": self.ignore, "takes": self.takes * (self.takes != "events")}
        keywords = [f"    {name}={value!r}," for name, value in options.items() if value]
        functions = [f"    {expression(self.function)},", f"    {expression(self.plain)},"]
        return "\n".join(
            ["check_same_stream(", *functions, "    [", *items, "    ],", *keywords, ")"]
        )

    def mismatch(
        self, finding: Finding, seed: int | None, others: tuple[Mismatch, ...] = ()
    ) -> AccumulatorMismatch:
        """The exception that reports the finding."""
        code = pasteable_test(self.function, self.call(finding.given), self.plain)
        return AccumulatorMismatch(finding, name_of(self.function), code, seed, others)


def check_same_stream(
    stream: Callable[[Any], Any],
    plain: Callable[[Message], Any],
    events: Iterable[Event],
    *,
    ignore: Collection[str] = (),
    takes: Takes = "events",
    time_limit: float = 10.0,
) -> None:
    """Compare an implementation's two results for one stream. Needs no Hypothesis.

    Args:
        stream: see `check_same`.
        plain: see `check_same`.
        events: the stream; it must be complete.
        ignore: see `check_same`.
        takes: see `check_same`.
        time_limit: see `check_same`.

    Raises:
        AccumulatorMismatch: the results differ.

    >>> from streamfold.adapters.conformance import long_stream
    >>> from streamfold.reducer import Message, fold
    >>> stream = lambda events: fold(events).message
    >>> check_same_stream(stream, Message.from_dict, long_stream("text", 3))
    """
    __tracebackhide__ = True
    check_one(SameSubject(stream, plain, ignore, takes, time_limit), events)


def check_same(
    stream: Callable[[Any], Any],
    plain: Callable[[Message], Any],
    *,
    max_examples: int = 200,
    seed: int | None = None,
    ignore: Collection[str] = (),
    assume: Callable[[list[Event]], bool] | None = None,
    first: bool = False,
    takes: Takes = "events",
    time_limit: float = 10.0,
    blocks: Collection[str] | None = None,
    unusual: Collection[Unusual] = (),
    ways: Collection[Way] | None = None,
    watch: Watch = watch_nothing,
) -> ConformanceReport:
    """Compare an implementation's streamed result with its own unstreamed one.

    Args:
        stream: takes a stream and returns a result of any class that can be read as JSON.
        plain: takes the message of that stream, as the API returns it unstreamed (a dict), and
            returns a result of the same class.
        max_examples: the number of messages.
        seed: draws the same messages each time; see `check_accumulator`.
        ignore: fields of the result not to compare, by their path; identifiers that the
            implementation draws at random belong here.
        assume: a condition that every stream must meet.
        first: stop at the first finding.
        takes: the argument of `stream`; see `check_accumulator`.
        time_limit: the longest time of one call, in seconds; see `check_accumulator`.
        blocks: the kinds of content blocks to draw, some of `strategies.BLOCKS`. None draws all.
        unusual: content to draw that the API does not send, some of `strategies.UNUSUAL`.
        ways: the ways to stream a message, some of `strategies.WAYS`. None draws those that the API
            uses.
        watch: see `check_accumulator`.

    Returns:
        The number of messages, and the seed.

    Raises:
        AccumulatorMismatch: the results differ.
        WrongUseError: a function cannot be called with one argument.
        ValueError: an option has an unknown name.
        ImportError: Hypothesis is not installed.

    >>> from streamfold.reducer import Message, fold
    >>> stream = lambda events: fold(events).message
    >>> print(check_same(stream, Message.from_dict, max_examples=20, seed=1))
    20 streams, all as they should be (seed 1)
    """
    __tracebackhide__ = True
    from streamfold.adapters.strategies import BLOCKS, raw_events

    subject = SameSubject(stream, plain, ignore, takes, time_limit)
    search = Search(subject, seed, watch, first, assume)
    blocks = BLOCKS if blocks is None else blocks
    drawn = raw_events(blocks=blocks, unusual=unusual, ways=ways)
    search.run(drawn, max_examples)
    return search.report()
