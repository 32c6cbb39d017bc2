"""Check a decoder: any function from chunks of bytes to server-sent events.

The reference is `decode_sse`, which follows the WHATWG HTML standard ("Interpreting an event
stream"). Cutting the bytes into other chunks must not change the events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import attrs
from streamfold.reducer import SSEState, decode_sse

from .calls import Call, refuse_wrong_decoder
from .comparison import comparable
from .cost import BODIES, long_body
from .examination import call_text, check_one, paths
from .fields import refuse_unknown
from .findings import (
    ConformanceReport,
    DecoderMismatch,
    Finding,
    Mismatch,
    pasteable_test,
)
from .names import expression, name_of
from .rules import Violation
from .search import Search, Watch, watch_nothing

__all__ = ["DecoderSubject", "check_chunks", "check_decoder"]

Decode = Callable[[Iterable[bytes]], Iterable[Any]]

_FIELDS = ("event", "data", "id", "retry")


@attrs.frozen
class DecoderSubject:
    """A decoder under test; the reference is `decode_sse`."""

    function: Decode
    ignore: tuple[str, ...] = attrs.field(converter=paths, default=())
    time_limit: float = 10.0
    call_it: Call = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "call_it", Call(self.function))

    def run(self, given: Iterable[bytes]) -> list[Any]:
        """The function's result."""
        return list(self.call_it(given))

    def read(self, result: list[Any]) -> str:
        """A result as text that can be compared."""
        return comparable([_fields(event) for event in result], ignore=self.ignore)

    def violations(self, result: list[Any]) -> tuple[Violation, ...]:
        """None: the result is not a stream of a message."""
        return ()

    def reference(self, given: list[bytes]) -> str:
        """The text of the events that `decode_sse` gives."""
        return self.read(list(decode_sse(SSEState(), b"".join(given))[1]))

    def another(self, given: list[bytes]) -> list[bytes]:
        """A stream of the same shape with other content."""
        return [b"data: another\n\n"]

    def simpler(self, given: list[bytes]) -> Iterator[list[bytes]]:
        """The body with two chunks joined, or without one of its lines."""
        for at in range(1, len(given)):
            yield [*given[: at - 1], given[at - 1] + given[at], *given[at + 1 :]]
        for at, chunk in enumerate(given):
            lines = chunk.splitlines(keepends=True)
            for line in range(len(lines)):
                rest = b"".join(lines[:line] + lines[line + 1 :])
                yield [*given[:at], rest, *given[at + 1 :]]

    def call(self, given: list[bytes]) -> str:
        """Python code that checks this stream."""
        return call_text("check_chunks", self.function, given, ignore=self.ignore)

    def long(self, kind: str, size: int) -> tuple[list[bytes], str]:
        """A long stream, and Python code that checks it."""
        ignore = f", ignore={self.ignore!r}" if self.ignore else ""
        body = f"long_body({kind!r}, {size})"
        call = f"check_chunks({expression(self.function)}, {body}{ignore})"
        return long_body(kind, size), call

    def mismatch(
        self, finding: Finding, seed: int | None, others: tuple[Mismatch, ...] = ()
    ) -> DecoderMismatch:
        """The exception that reports the finding."""
        code = pasteable_test(self.function, finding.call or self.call(finding.given))
        return DecoderMismatch(finding, name_of(self.function), code, seed, others)


def _fields(event: Any) -> dict[str, Any]:
    """The fields of a decoder's event: a mapping, a tuple or an object."""
    if isinstance(event, Mapping):
        fields = {name: event.get(name) for name in _FIELDS}
    elif isinstance(event, tuple):
        fields = dict(zip(_FIELDS, event, strict=False))
    else:
        fields = {name: getattr(event, name, None) for name in _FIELDS}
    fields["event"] = fields.get("event") or "message"
    fields["id"] = fields.get("id") or None
    return fields


def check_chunks(
    decode: Decode,
    chunks: Iterable[bytes],
    *,
    ignore: Collection[str] = (),
    time_limit: float = 10.0,
) -> None:
    r"""Check a decoder with one body. Needs no Hypothesis.

    Args:
        decode: takes chunks of bytes, in any iterable, and returns the server-sent events.
        chunks: the body.
        ignore: see `check_decoder`.
        time_limit: see `check_decoder`.

    Raises:
        DecoderMismatch: the events differ from the standard's.

    >>> from streamfold.reducer import SSEState, decode_sse
    >>> check_chunks(lambda chunks: decode_sse(SSEState(), b"".join(chunks))[1], [b"data: a\n\n"])
    """
    __tracebackhide__ = True
    check_one(DecoderSubject(decode, ignore, time_limit), chunks)


def check_decoder(
    decode: Decode,
    *,
    max_examples: int = 200,
    seed: int | None = None,
    ignore: Collection[str] = (),
    first: bool = False,
    time_limit: float = 10.0,
    quirks: Collection[str] | None = None,
    growth: bool = True,
    watch: Watch = watch_nothing,
) -> ConformanceReport:
    """Check a decoder of server-sent events with many bodies, cut in many ways.

    Args:
        decode: takes chunks of bytes, in any iterable, and returns the events, in any iterable:
            objects or dicts with `event`, `data`, `id` and `retry`, or tuples in this order. It may
            be async.
        max_examples: the number of bodies.
        seed: draws the same bodies each time; see `check_accumulator`.
        ignore: fields not to compare: "id", "retry".
        first: stop at the first finding. Otherwise all distinct findings are collected.
        time_limit: the longest time of one call, in seconds; see `check_accumulator`.
        quirks: the quirks that bodies may have, some of `strategies.QUIRKS`. None draws all, and
            the last quarter of the bodies are those of messages.
        growth: whether to measure long bodies.
        watch: see `check_accumulator`.

    Returns:
        The number of bodies, the seed, and the cost of long bodies.

    Raises:
        DecoderMismatch: the events differ from the standard's; `.findings` has all findings.
        WrongUseError: `decode` cannot be called with one argument, or returns no iterable.
        ValueError: an option names an unknown quirk or field, or max_examples is below 1.
        ImportError: Hypothesis is not installed.

    >>> from streamfold.reducer import SSEState, decode_sse
    >>> def decode(chunks):
    ...     return decode_sse(SSEState(), b"".join(chunks))[1]
    >>> print(check_decoder(decode, max_examples=20, seed=1, growth=False))
    20 streams, all as they should be (seed 1)
    """
    __tracebackhide__ = True
    from streamfold.adapters.strategies import QUIRKS, chunked, event_streams, wire

    subject = DecoderSubject(decode, ignore, time_limit)
    refuse_unknown(subject.ignore, _FIELDS, "fields of an event")
    search = Search(subject, seed, watch, first)
    refuse_wrong_decoder(subject.call_it, time_limit)
    of_messages = max_examples // 4 if quirks is None else 0
    bodies = event_streams(quirks=QUIRKS if quirks is None else quirks)
    search.run(bodies.flatmap(chunked), max_examples - of_messages)
    if of_messages:
        search.run(wire().flatmap(chunked), of_messages)
    return search.report(BODIES if growth else (), subject.long)
