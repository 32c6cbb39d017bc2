"""Examine one function with one stream: run it, compare its result, run it again.

A `Subject` knows how to run the function under test, how to read its results as text, and which
text the reference gives for the same stream. `examine` compares the two, then looks for defects
that one run cannot show: a changed input, another result from an iterator, another result the
second time, an earlier result that changes later.

Every run receives a copy of the stream, because a function may change its argument.
"""

from __future__ import annotations

import contextlib
import copy
import json
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol

from .calls import TookTooLongError, time_limit
from .comparison import fields_that_differ
from .findings import Finding, Kind, Mismatch
from .names import expression, module_of
from .rules import Violation

__all__ = [
    "RAISED",
    "Subject",
    "call_text",
    "check_one",
    "error_text",
    "examine",
    "paths",
]

RAISED = (Exception, SystemExit)
"""Exceptions that count as a finding. Others, such as KeyboardInterrupt, stop the check."""


class Subject(Protocol):
    """A function under test, with its reference."""

    @property
    def function(self) -> Callable[..., Any]:
        """The function under test."""

    @property
    def time_limit(self) -> float:
        """The longest time of one call, in seconds."""

    def run(self, given: Iterable[Any]) -> Any:
        """The function's result; iterators are read to their end."""

    def read(self, result: Any) -> str:
        """A result as text that can be compared."""

    def violations(self, result: Any) -> Sequence[Violation]:
        """The rules that the result breaks."""

    def reference(self, given: list[Any]) -> str | None:
        """The expected result as text; None if the function must refuse the stream."""

    def another(self, given: list[Any]) -> list[Any]:
        """A stream of the same shape with other content."""

    def simpler(self, given: list[Any]) -> Iterator[list[Any]]:
        """Streams with one part fewer."""

    def call(self, given: list[Any]) -> str:
        """Python code that checks this stream."""

    def mismatch(
        self, finding: Finding, seed: int | None, others: tuple[Mismatch, ...] = ()
    ) -> Mismatch:
        """The exception that reports the finding."""


def check_one(subject: Subject, given: Iterable[Any]) -> None:
    """Examine the function with one stream.

    Raises:
        Mismatch: the function and the reference disagree.
    """
    __tracebackhide__ = True
    findings = examine(subject, list(given))
    if findings:
        first, *rest = findings
        others = tuple([subject.mismatch(finding, None) for finding in rest])
        raise subject.mismatch(first, None, others) from first.error


def examine(subject: Subject, given: Sequence[Any]) -> list[Finding]:
    """The defects that this stream shows, the most informative first; empty if it shows none.

    A result that differs gives one finding for each field that differs.
    """
    __tracebackhide__ = True
    given = list(given)
    expected = subject.reference(given)
    handed = copy.deepcopy(given)
    try:
        with time_limit(subject.time_limit):
            result = subject.run(handed)
    except TookTooLongError as error:
        return [Finding("takes too long", given, expected or "", reason=str(error))]
    except RAISED as error:
        if expected is None:
            return []
        return [_raises(subject, given, expected, error)]
    broken = [
        Finding("breaks a rule", given, reason=str(violation), rule=violation.rule)
        for violation in {each.rule: each for each in subject.violations(result)}.values()
    ]
    if expected is None:
        if result is None:
            return broken
        return broken or [
            Finding("accepts a fault", given, got=_result_or_error(subject, subject.read, result))
        ]
    try:
        got = subject.read(result)
    except RAISED as error:
        return broken or [_raises(subject, given, expected, error)]
    if handed != given:
        return [Finding("changes its input", given, _one_per_line(given), _one_per_line(handed))]
    if got != expected:
        repeats = _run_again(subject, copy.deepcopy(given)) == got
        if not repeats:
            return [Finding("does not repeat", given, expected, got)]
        fields = fields_that_differ(json.loads(expected), json.loads(got))
        return broken + [
            Finding("differs", given, expected, got, field=field) for field in fields or ("",)
        ]
    if broken:
        return broken
    again = _run_again(subject, iter(copy.deepcopy(given)))
    if again != expected:
        repeats = _run_again(subject, copy.deepcopy(given)) == got
        kind: Kind = "reads its input twice" if repeats else "does not repeat"
        return [Finding(kind, given, expected, again)]
    with contextlib.suppress(*RAISED, TookTooLongError), time_limit(subject.time_limit):
        subject.run(subject.another(given))  # a defect of this stream would be another finding
    after = _result_or_error(subject, subject.read, result)
    if after != expected:
        return [Finding("changes an earlier result", given, expected, after)]
    return []


def _raises(subject: Subject, given: list[Any], expected: str, error: BaseException) -> Finding:
    rule, reason = type(error).__name__, error_text(error, subject.function)
    return Finding("raises", given, expected, reason=reason, rule=rule, error=error)


def _run_again(subject: Subject, given: Iterable[Any]) -> str:
    def run(given: Iterable[Any]) -> str:
        with time_limit(subject.time_limit):
            return subject.read(subject.run(given))

    return _result_or_error(subject, run, given)


def _result_or_error(subject: Subject, function: Callable[[Any], str], given: Any) -> str:
    """The text that the function returns, or the text of the exception it raises."""
    try:
        return function(given)
    except (*RAISED, TookTooLongError) as error:
        return error_text(error, subject.function)


def error_text(error: BaseException, function: Callable[..., Any]) -> str:
    """An exception in one line: its type, its message and its place.

    The place is the innermost line in the module of the function under test. The line that raised
    the exception, perhaps in a library, follows if it is another one.
    """
    message = f": {error}" if str(error) else ""
    frames = traceback.extract_tb(error.__traceback__)
    module = getattr(sys.modules.get(module_of(function)), "__file__", None)
    places = [frame for frame in frames if frame.filename == module][-1:]
    if frames[-1] not in places:
        places.append(frames[-1])
    where = "; raised ".join(
        f"in {frame.name}, line {frame.lineno} of {frame.filename}" for frame in places
    )
    return f"{type(error).__name__}{message} ({where})"


def _one_per_line(items: Iterable[Any]) -> str:
    return "\n".join(map(repr, items))


def call_text(check: str, function: Callable[..., Any], given: list[Any], **options: Any) -> str:
    """The Python code of a call, one item of the stream a line. Empty options are left out."""
    items = [f"        {item!r}," for item in given]
    keywords = [f"    {name}={value!r}," for name, value in options.items() if value]
    return "\n".join(
        [f"{check}(", f"    {expression(function)},", "    [", *items, "    ],", *keywords, ")"]
    )


def paths(ignore: Collection[str]) -> tuple[str, ...]:
    """The paths to ignore, sorted, so that the pasted test does not vary.

    Raises:
        ValueError: `ignore` is one string.
    """
    if isinstance(ignore, str):
        raise ValueError(f"ignore must be a collection of paths, such as [{ignore!r}]; got a str")
    return tuple(sorted(set(ignore)))
