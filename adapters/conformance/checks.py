"""Hold any accumulator, or any decoder of server-sent events, against this library's.

    check_accumulator   any function from the events of a stream to its message
    check_decoder       any function from chunks of bytes to server-sent events
    check_stream        an accumulator, with one stream
    check_chunks        a decoder, with one body in chunks

The first two draw streams with Hypothesis (see `strategies` and `event_streams`) and shrink the
first that goes wrong to the least that still does. What they raise is an `AssertionError` whose
text has it as a test to be pasted: a call of the last two, which need no Hypothesis.

Each stream must give what the reference gives (see `comparison` for what is no difference), without
an exception, from a list and from an iterator, twice; must leave what it was given as it was, and
what was given back before. Long streams must pass, too, and must not cost with the square of their
length (see `growth`).

Same seed, same find: Hypothesis' database and profiles have no part in it. (Another version of
Hypothesis may draw other streams; it also draws, now and then, numbers and texts that stand in the
modules of the program.) A stream takes a few milliseconds.
"""

from __future__ import annotations

import contextlib
import copy
import random
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import attrs
from streamfold.reducer import ProtocolError, SSEState, decode_sse, fold

from .comparison import as_json, comparable
from .cost import BODIES, STREAMS, Growth, long_body, long_stream, measure
from .findings import (
    AccumulatorMismatch,
    ConformanceReport,
    DecoderMismatch,
    Finding,
    Kind,
    Mismatch,
    expression,
    name_of,
    pasteable_test,
)

if TYPE_CHECKING:
    from streamfold.adapters.strategies import Fault, Way

__all__ = [
    "AccumulatorMismatch",
    "ConformanceReport",
    "DecoderMismatch",
    "Finding",
    "Mismatch",
    "check_accumulator",
    "check_chunks",
    "check_decoder",
    "check_stream",
]

Event = dict[str, Any]
Accumulate = Callable[[Iterable[Event]], Any]
Decode = Callable[[Iterable[bytes]], Iterable[Any]]
Watch = Callable[[int, bool], object]

_RAISED = (Exception, SystemExit)
"""What a reader may raise that is its own fault."""

# --- one stream ---------------------------------------------------------------------------------


class _Subject(Protocol):
    """What is checked, and what it is checked against."""

    @property
    def function(self) -> Callable[..., Any]: ...

    def run(self, given: Iterable[Any]) -> Any:
        """What it gives, all of it in hand."""

    def read(self, result: Any) -> str:
        """What it gave, as comparable text."""

    def reference(self, given: list[Any]) -> str | None:
        """What it should give; `None` if nothing."""

    def another(self, given: list[Any]) -> list[Any]:
        """A stream of the same kind, but not the same."""

    def simpler(self, given: list[Any]) -> Iterator[list[Any]]:
        """Streams with a little less in them."""

    def call(self, given: list[Any]) -> str:
        """The Python code that checks this stream."""

    def long(self, kind: str, size: int) -> tuple[list[Any], str]:
        """A long stream of this kind, and the Python code that checks it."""

    def mismatch(self, finding: Finding, seed: int | None) -> Mismatch:
        """What to raise."""


def _examine(subject: _Subject, given: Sequence[Any]) -> Finding | None:
    """What is wrong with it, as far as this stream shows."""
    given = list(given)
    expected = subject.reference(given)
    handed = copy.deepcopy(given)
    try:
        result = subject.run(handed)
    except _RAISED as error:
        if expected is None:
            return None
        return Finding("raises", given, expected, reason=_said(error), error=error)
    if expected is None:
        if result is None:
            return None
        return Finding("accepts a fault", given, got=_what_comes(subject.read, result))
    try:
        got = subject.read(result)
    except _RAISED as error:
        return Finding("raises", given, expected, reason=_said(error), error=error)
    if handed != given:
        return Finding("changes its input", given, _lines(given), _lines(handed))
    if got != expected:
        repeats = _once_more(subject, copy.deepcopy(given)) == got
        return Finding("differs" if repeats else "does not repeat", given, expected, got)
    again = _once_more(subject, iter(copy.deepcopy(given)))
    if again != expected:
        repeats = _once_more(subject, copy.deepcopy(given)) == got
        kind: Kind = "reads its input twice" if repeats else "does not repeat"
        return Finding(kind, given, expected, again)
    with contextlib.suppress(*_RAISED):  # another stream's fault is another finding
        subject.run(subject.another(given))
    after = _what_comes(subject.read, result)
    if after != expected:
        return Finding("changes an earlier result", given, expected, after)
    return None


def _once_more(subject: _Subject, given: Iterable[Any]) -> str:
    """What it gives this time, or what it raises."""
    return _what_comes(lambda given: subject.read(subject.run(given)), given)


def _what_comes(function: Callable[[Any], str], given: Any) -> str:
    """What a function gives, or what it raises."""
    try:
        return function(given)
    except _RAISED as error:
        return _said(error)


def _said(error: BaseException) -> str:
    told = f": {error}" if str(error) else ""
    *_, frame = traceback.extract_tb(error.__traceback__)
    where = f"in {frame.name}, line {frame.lineno} of {frame.filename}"
    return f"{type(error).__name__}{told} ({where})"


def _simplified(subject: _Subject, finding: Finding) -> Finding:
    """The same finding with the least stream that single steps lead to.

    Hypothesis shrinks what it drew; it cannot always join chunks, or take out a block that others
    were interleaved with.
    """
    for given in subject.simpler(finding.given):
        if (subject.reference(given) is None) == (subject.reference(finding.given) is None):
            less = _examine(subject, given)
            if less is not None and less.kind == finding.kind:
                return _simplified(subject, less)
    return finding


def _lines(items: Iterable[Any]) -> str:
    return "\n".join(map(repr, items))


def _check(subject: _Subject, given: Iterable[Any]) -> None:
    finding = _examine(subject, list(given))
    if finding is not None:
        raise subject.mismatch(finding, None) from finding.error


def _call(check: str, function: Callable[..., Any], given: list[Any], **options: Any) -> str:
    """The code of a call, an item a line; options that are empty are left out."""
    items = [f"        {item!r}," for item in given]
    told = [f"    {name}={value!r}," for name, value in options.items() if value]
    return "\n".join(
        [f"{check}(", f"    {expression(function)},", "    [", *items, "    ],", *told, ")"]
    )


def _paths(ignore: Collection[str]) -> tuple[str, ...]:
    """What to leave out, in an order that does not vary."""
    if isinstance(ignore, str):
        raise ValueError(f"ignore must be a collection of paths, not {ignore!r}")
    return tuple(sorted(set(ignore)))


@attrs.frozen
class _Accumulator:
    function: Accumulate
    ignore: tuple[str, ...] = attrs.field(converter=_paths)
    strict_nulls: bool

    def run(self, given: Iterable[Event]) -> Any:
        return self.function(given)

    def read(self, result: Any) -> str:
        return comparable(as_json(result), ignore=self.ignore, strict_nulls=self.strict_nulls)

    def reference(self, given: list[Event]) -> str | None:
        try:
            snapshot = fold(given)
        except (ProtocolError, TypeError):  # a TypeError for what is no event at all
            return None
        if snapshot.message is None or not snapshot.is_complete or snapshot.error is not None:
            return None
        return self.read(snapshot.message)

    def another(self, given: list[Event]) -> list[Event]:
        """The stream of a message that says something else in each of its parts."""
        return [_altered(event, "") for event in given]

    def simpler(self, given: list[Event]) -> Iterator[list[Event]]:
        """The stream without one of its blocks."""
        for left_out in {event["index"] for event in given if _is_of_a_block(event)}:
            yield [
                {**event, "index": event["index"] - (event["index"] > left_out)}
                if _is_of_a_block(event)
                else event
                for event in given
                if not _is_of_a_block(event) or event["index"] != left_out
            ]

    def call(self, given: list[Event]) -> str:
        options = {"ignore": self.ignore, "strict_nulls": self.strict_nulls}
        return _call("check_stream", self.function, given, **options)

    def long(self, kind: str, size: int) -> tuple[list[Event], str]:
        call = f"check_stream({expression(self.function)}, growth.long_stream({kind!r}, {size}))"
        return long_stream(kind, size), call

    def mismatch(self, finding: Finding, seed: int | None) -> AccumulatorMismatch:
        code = pasteable_test(self.function, finding.call or self.call(finding.given))
        return AccumulatorMismatch(finding, name_of(self.function), code, seed)


_TOLD = ("id", "name", "text", "thinking", "signature", "data")
"""The fields of events that say something, and may say anything."""


def _altered(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _altered(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_altered(item, key) for item in value]
    if isinstance(value, str) and key in _TOLD:
        return f"{value}!"
    return value + 1 if key.endswith("_tokens") and isinstance(value, int) else value


def _is_of_a_block(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("index"), int)


_SSE_FIELDS = ("event", "data", "id", "retry")


@attrs.frozen
class _Decoder:
    function: Decode
    ignore: tuple[str, ...] = attrs.field(converter=_paths)

    def run(self, given: Iterable[bytes]) -> list[Any]:
        return list(self.function(given))

    def read(self, result: list[Any]) -> str:
        return comparable([_sse_fields(event) for event in result], ignore=self.ignore)

    def reference(self, given: list[bytes]) -> str:
        return self.read(list(decode_sse(SSEState(), b"".join(given))[1]))

    def another(self, given: list[bytes]) -> list[bytes]:
        """Another body, of one event."""
        return [b"data: another\n\n"]

    def simpler(self, given: list[bytes]) -> Iterator[list[bytes]]:
        """Two of the chunks in one, or one without one of its lines."""
        for at in range(1, len(given)):
            yield [*given[: at - 1], given[at - 1] + given[at], *given[at + 1 :]]
        for at, chunk in enumerate(given):
            lines = chunk.splitlines(keepends=True)
            for line in range(len(lines)):
                rest = b"".join(lines[:line] + lines[line + 1 :])
                yield [*given[:at], rest, *given[at + 1 :]]

    def call(self, given: list[bytes]) -> str:
        return _call("check_chunks", self.function, given, ignore=self.ignore)

    def long(self, kind: str, size: int) -> tuple[list[bytes], str]:
        call = f"check_chunks({expression(self.function)}, growth.long_body({kind!r}, {size}))"
        return long_body(kind, size), call

    def mismatch(self, finding: Finding, seed: int | None) -> DecoderMismatch:
        code = pasteable_test(self.function, finding.call or self.call(finding.given))
        return DecoderMismatch(finding, name_of(self.function), code, seed)


def _sse_fields(event: Any) -> dict[str, Any]:
    """What a decoder's event says, of any make."""
    if isinstance(event, Mapping):
        fields = {name: event.get(name) for name in _SSE_FIELDS}
    elif isinstance(event, tuple):
        fields = dict(zip(_SSE_FIELDS, event, strict=False))
    else:
        fields = {name: getattr(event, name, None) for name in _SSE_FIELDS}
    fields["event"] = fields.get("event") or "message"
    fields["id"] = fields.get("id") or None
    return fields


def check_stream(
    accumulate: Accumulate,
    events: Iterable[Event],
    *,
    ignore: Collection[str] = (),
    strict_nulls: bool = False,
) -> None:
    """Check an accumulator with one stream.

    Args:
        accumulate: takes the decoded events of a stream, in any iterable, and returns the message.
        events: the stream. If it is broken or not complete, `accumulate` must raise, or
            return `None`.
        ignore: see `check_accumulator`.
        strict_nulls: see there.

    Raises:
        AccumulatorMismatch: it does not do what the reference does.

    >>> from streamfold.reducer import fold
    >>> from streamfold.adapters.conformance.cost import long_stream
    >>> check_stream(lambda events: fold(events).message, long_stream("text", 3))
    """
    _check(_Accumulator(accumulate, ignore, strict_nulls), events)


def check_chunks(decode: Decode, chunks: Iterable[bytes], *, ignore: Collection[str] = ()) -> None:
    """Check a decoder with one body.

    Args:
        decode: takes chunks of bytes, in any iterable, and returns the server-sent events.
        chunks: the body.
        ignore: see `check_decoder`.

    Raises:
        DecoderMismatch: it does not give what the standard says.
    """
    _check(_Decoder(decode, ignore), chunks)


# --- many streams -------------------------------------------------------------------------------

_NOT_USUAL: tuple[Way, ...] = ("halves", "open_tool")
"""Ways to tell a message that are legal, but that the API does not choose, or that leave open what
the message should be.
"""


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
    watch: Watch = lambda tried, found: None,
) -> ConformanceReport:
    """Check an accumulator with many streams.

    Args:
        accumulate: takes the decoded events of a stream, in any iterable, and returns the message:
            a dict, a dataclass, an attrs class or a pydantic model.
        max_examples: how many streams; of broken ones, as many again.
        seed: draws the same streams each time; another one each time, if it is None. What was
            drawn says its own.
        ignore: fields that it does not claim, by their path in the message, without indices:
            "usage", "usage.iterations", "content.citations". Streams have what beta headers bring,
            such as "context_management", "usage.iterations" and the block "compaction".
        strict_nulls: whether a `null` is another thing than no field at all.
        blocks: the kinds of content blocks that it claims: some of `strategies.BLOCKS`. All, if
            None.
        unknown: also events, deltas, blocks and fields that the API does not have, or not yet.
        ways: the ways to tell a message that it claims to understand: some of `strategies.WAYS`. If
            None, all but "halves" and "open_tool". So far the API sends one block after another;
            the `index` of events is there for "interleaved", which is one of them.
        faults: what it claims to refuse, by any exception or by `None`: some of
            `strategies.FAULTS`. "cut" and "error_event" are those to begin with. A fault that
            leaves the message whole must leave it so.
        growth: whether to look at what long streams cost. One kind of stream takes about a second.
        watch: called after each stream with the number of streams so far, and whether one was wrong
            and is being shrunk.

    Raises:
        AccumulatorMismatch: it does not do what the reference does.
        ValueError: there are no such blocks, ways or faults, or no streams at all are wanted.
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
    subject = _Accumulator(accumulate, ignore, strict_nulls)
    search = _Search(subject, seed, watch)
    search.run(raw_events(blocks=blocks, unknown=unknown, ways=ways), max_examples)
    if faults:
        told = broken(faults=faults, blocks=blocks, unknown=unknown, ways=ways)
        search.run(told.map(lambda stream: stream.events), max_examples)
    kinds = [
        kind for kind in STREAMS if growth and ("text" if kind == "blocks" else kind) in blocks
    ]
    return search.report(kinds)


def check_decoder(
    decode: Decode,
    *,
    max_examples: int = 200,
    seed: int | None = None,
    ignore: Collection[str] = (),
    quirks: Collection[str] | None = None,
    growth: bool = True,
    watch: Watch = lambda tried, found: None,
) -> ConformanceReport:
    """Check a decoder of server-sent events with many bodies, cut in many ways.

    Args:
        decode: takes chunks of bytes, in any iterable, and returns the events, in any iterable:
            objects or dicts with `event`, `data`, `id` and `retry`, or tuples of them in this
            order.
        max_examples: how many bodies.
        seed: draws the same bodies each time; see `check_accumulator`.
        ignore: fields that it does not claim: "id", "retry".
        quirks: what it claims to understand: some of `event_streams.QUIRKS`. If None, all, and the
            last quarter of the bodies are those of messages.
        growth: see `check_accumulator`.
        watch: see there.

    Raises:
        DecoderMismatch: it does not give what the standard says.
        ValueError: there is no such quirk, or no bodies at all are wanted.
        ImportError: Hypothesis is not installed.

    >>> from streamfold.reducer import SSEState, decode_sse
    >>> def decode(chunks):
    ...     return decode_sse(SSEState(), b"".join(chunks))[1]
    >>> print(check_decoder(decode, max_examples=20, seed=1, growth=False))
    20 streams, all as they should be (seed 1)
    """
    from streamfold.adapters.strategies import chunked, wire
    from streamfold.adapters.strategies.event_streams import QUIRKS, event_streams

    search = _Search(_Decoder(decode, ignore), seed, watch)
    of_messages = max_examples // 4 if quirks is None else 0
    bodies = event_streams(quirks=QUIRKS if quirks is None else quirks)
    search.run(bodies.flatmap(chunked), max_examples - of_messages)
    if of_messages:
        search.run(wire().flatmap(chunked), of_messages)
    return search.report(BODIES if growth else ())


class _Search:
    """The streams that were tried, and the first that goes wrong, shrunk.

    Attributes:
        seed: that of all that is drawn.
        tried: how many streams passed.
    """

    def __init__(self, subject: _Subject, seed: int | None, watch: Watch) -> None:
        self.subject = subject
        self.seed = random.Random().getrandbits(32) if seed is None else seed
        self.watch = watch
        self.tried = 0

    def run(self, streams: Any, max_examples: int) -> None:
        """Try streams of this strategy; raise what is found."""
        if max_examples < 1:
            raise ValueError(f"max_examples must be at least 1, not {max_examples}")
        from hypothesis import Phase, Verbosity, find, settings
        from hypothesis.errors import Flaky, NoSuchExample

        found: Finding | None = None

        def is_wrong(given: list[Any]) -> bool:
            nonlocal found
            finding = _examine(self.subject, given)
            if finding is not None and found is not None and finding.kind != found.kind:
                return False  # what is shrunk stays what it is
            found = finding or found
            self.tried += found is None
            self.watch(self.tried, found is not None)
            return finding is not None

        alone = settings(
            max_examples=max_examples,
            database=None,
            deadline=None,
            derandomize=False,
            phases=[Phase.generate, Phase.shrink],
            verbosity=Verbosity.quiet,
        )
        # What depends on earlier streams does not go wrong each time: the last that did stands.
        with contextlib.suppress(NoSuchExample, Flaky):
            find(streams, is_wrong, settings=alone, random=random.Random(self.seed))
        if found is not None:
            self.fail(_simplified(self.subject, found))

    def measure(self, kind: str) -> Growth:
        """What long streams of this kind cost; raise what is found."""
        function = self.subject.function
        small, _ = self.subject.long(kind, 3)
        given, call = self.subject.long(kind, 1024)
        finding = _examine(self.subject, given)
        if finding is not None:
            self.fail(attrs.evolve(finding, given=small, call=call))
        call = f"assert not growth.measure({expression(function)}, {kind!r}).is_quadratic"
        try:
            growth = measure(function, kind)
        except _RAISED as error:
            self.fail(Finding("raises", small, reason=_said(error), error=error, call=call))
        if growth.is_quadratic:
            self.fail(Finding("grows quadratically", small, reason=str(growth), call=call))
        return growth

    def report(self, kinds: Iterable[str]) -> ConformanceReport:
        """What was tried, and what long streams of these kinds cost."""
        costs = tuple([self.measure(kind) for kind in kinds])
        return ConformanceReport(self.tried, self.seed, costs)

    def fail(self, finding: Finding) -> NoReturn:
        """Raise it."""
        raise self.subject.mismatch(finding, self.seed) from finding.error
