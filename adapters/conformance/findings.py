"""The findings of the conformance checks, and the exceptions that report them.

A `Mismatch` is an `AssertionError`. Its text contains a test that can be pasted into a test file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import attrs

from .comparison import difference
from .cost import Growth
from .names import expression, module_of, name_of

__all__ = [
    "AccumulatorMismatch",
    "ConformanceReport",
    "DecoderMismatch",
    "EmitterMismatch",
    "Finding",
    "Kind",
    "Mismatch",
    "pasteable_test",
]

Kind = Literal[
    "raises",
    "accepts a fault",
    "changes its input",
    "differs",
    "reads its input twice",
    "does not repeat",
    "changes an earlier result",
    "grows quadratically",
    "takes too long",
    "breaks a rule",
]
"""The kinds of findings:

    raises                     an exception, on a valid stream
    accepts a fault            a result, for a broken stream
    changes its input          the argument was changed
    differs                    another result than the reference's
    reads its input twice      another result from an iterator than from a list
    does not repeat            another result from the same stream, the second time
    changes an earlier result  a later call changed an earlier result
    grows quadratically        a stream of twice the length costs four times as much
    takes too long             no result within the time limit
    breaks a rule              an emitted stream breaks a rule of `RULES`
"""


@attrs.frozen
class Finding:
    """One defect.

    Attributes:
        kind: the kind of the finding.
        given: the events, or the chunks, that show it.
        expected: the expected result, as text; empty where the stream should be refused.
        got: the result, as text; empty where there was none.
        reason: further details, in one line.
        rule: the rule that is broken, a key of `RULES`; or the class of the exception.
        field: the field of the message that differs, by its path: "content[tool_use].input".
        error: the exception that was raised.
        call: the Python code that shows it again.
    """

    kind: Kind
    given: list[Any]
    expected: str = ""
    got: str = ""
    reason: str = ""
    rule: str = ""
    field: str = ""
    error: BaseException | None = None
    call: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, rule and field. Findings with the same key are one defect."""
        return self.kind, self.rule, self.field

    @property
    def diff(self) -> str:
        """The difference between `expected` and `got`, line by line."""
        return difference(self.expected, self.got) if self.expected and self.got else ""


class Mismatch(AssertionError):  # noqa: N818 - it names what was found
    """A function does not do what the reference does. The text of the exception has the details.

    Attributes:
        finding: the defect.
        subject: the name of the function.
        code: a test that shows it again.
        seed: the seed that finds it again; None where nothing was drawn.
        others: the other distinct findings of the run, each as a mismatch of its own.
    """

    _refusal: ClassVar[str] = ""
    """The expected outcome of a broken stream, in words."""

    def __init__(
        self,
        finding: Finding,
        subject: str,
        code: str,
        seed: int | None = None,
        others: tuple[Mismatch, ...] = (),
    ) -> None:
        super().__init__(finding, subject, code, seed, others)
        self.finding = finding
        self.subject = subject
        self.code = code
        self.seed = seed
        self.others = others

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All distinct findings of the run."""
        return (self.finding, *(other.finding for other in self.others))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without the exception that was raised, because some exceptions cannot be."""
        finding = attrs.evolve(self.finding, error=None)
        return type(self), (finding, self.subject, self.code, self.seed, self.others)

    def __str__(self) -> str:
        each = [self, *self.others]
        if self.others:
            listed = "\n".join([f"{len(each)} findings:", *(found._line() for found in each)])
            parts = [listed]
            for number, found in enumerate(each, 1):
                parts.append(f"=== finding {number} of {len(each)}\n\n{found._text()}")
            parts.append(listed)
        else:
            parts = [self._text()]
        if self.seed is not None:
            parts.append(f"To find it again: seed={self.seed}")
        return "\n\n".join(parts)

    def _line(self) -> str:
        """The finding in one line of a list."""
        field = f" in {self.finding.field}" * bool(self.finding.field)
        return f"  {self._heading}{field}"

    def _text(self) -> str:
        """The text of this finding alone."""
        finding = self.finding
        expected = finding.expected
        if finding.kind == "accepts a fault":
            expected = self._refusal
        parts = {
            "": self._heading,
            "A test that shows it:\n\n": self.code,
            "Field: ": finding.field,
            "Expected:\n\n": expected,
            "Got:\n\n": finding.got,
            "Difference:\n\n": finding.diff,
        }
        return "\n\n".join(head + part.rstrip() for head, part in parts.items() if part)

    @property
    def _heading(self) -> str:
        """The function and the finding in one line."""
        finding = self.finding
        reason = f": {finding.reason}" * bool(finding.reason)
        return f"{self.subject} {finding.kind}{reason}"

    @property
    def kind(self) -> Kind:
        """The kind of the finding."""
        return self.finding.kind

    @property
    def expected(self) -> str:
        """The expected result, as text: JSON, or the input for "changes its input"."""
        return self.finding.expected

    @property
    def got(self) -> str:
        """The result, as text."""
        return self.finding.got


class AccumulatorMismatch(Mismatch):
    """An accumulator's result differs from the reference's."""

    _refusal = "an exception, or None"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The smallest stream that shows it. For a long stream: a short one of the same kind."""
        return self.finding.given


class EmitterMismatch(Mismatch):
    """An emitted stream is not legal, or is not the stream of its message."""

    @property
    def given(self) -> list[Any]:
        """The smallest input of the emitter that shows it: a message, or the chunks of a chat."""
        return self.finding.given


class DecoderMismatch(Mismatch):
    """A decoder's events differ from the standard's."""

    @property
    def chunks(self) -> list[bytes]:
        """The smallest body that shows it."""
        return self.finding.given


@attrs.frozen
class ConformanceReport:
    """The report of a check that found nothing.

    Attributes:
        examples: the number of streams.
        seed: the seed that draws the same streams again.
        growth: the cost of long streams, by kind.
    """

    examples: int
    seed: int
    growth: tuple[Growth, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.examples:,} streams, all as they should be (seed {self.seed})"]
        return "\n".join([*lines, *(f"{growth}: {growth.verdict}" for growth in self.growth)])


_OURS = re.compile(
    r"(?:^|[ =])((?:check_(?:chat|chunks|message|same_stream|stream)|long_(?:body|stream)|measure)"
    r"(?=\()|(?:CHAT|GA)_CLAIMS\b)"
)
"""The names of this package that a pasted test uses."""


def pasteable_test(function: Callable[..., Any], call: str, *further: Callable[..., Any]) -> str:
    """A test as Python code, with its imports.

    Args:
        function: the function under test. A function that cannot be imported gets a comment in
            place of its import.
        call: the test's only statement. It names the function by its `expression`.
        further: other functions that the statement names.

    >>> print(pasteable_test(len, "check_stream(len, [])"))
    from builtins import len
    from streamfold.adapters.conformance import check_stream
    <BLANKLINE>
    <BLANKLINE>
    def test_len() -> None:
        check_stream(len, [])
    """
    name = expression(function)
    last = name.split(".")[-1]
    imports: list[str] = []
    for each in (function, *further):
        if expression(each) == "function":
            imports.append(f"function = ...  # {name_of(each)}")
        else:
            root = expression(each).split(".")[0]
            imports.append(f"from {module_of(each)} import {root}")
    imports += [
        f"from streamfold.adapters.conformance import {used}"
        for used in dict.fromkeys(_OURS.findall(call))
    ]
    lines = [f"    {line}" for line in call.splitlines()]
    return "\n".join([*imports, "", "", f"def test_{last}() -> None:", *lines])
