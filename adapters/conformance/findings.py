"""What the conformance checks find, and how they say it: as a test that can be pasted.

Values only: `conformance` makes them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Literal

import attrs

from .comparison import difference
from .cost import Growth

__all__ = [
    "AccumulatorMismatch",
    "ConformanceReport",
    "DecoderMismatch",
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
]
"""What may be wrong with an accumulator or a decoder:

    raises                     an exception, on a valid stream
    accepts a fault            a result, for a stream that is broken
    changes its input          what it was given is not what it was
    differs                    another result than the reference's
    reads its input twice      another result from an iterator than from a list
    does not repeat            another result from the same stream, the second time
    changes an earlier result  what it gave before is not what it was
    grows quadratically        twice the stream costs four times as much
"""


@attrs.frozen
class Finding:
    """What is wrong.

    Attributes:
        kind: which it is, of those above.
        given: the events, or the chunks, that show it.
        expected: what was expected, as text; empty where the stream should be refused.
        got: what came instead, as text; empty where nothing came.
        reason: more about it.
        error: the exception that was raised.
        call: the Python code that shows it again.
    """

    kind: Kind
    given: list[Any]
    expected: str = ""
    got: str = ""
    reason: str = ""
    error: BaseException | None = None
    call: str = ""

    @property
    def diff(self) -> str:
        """How what came differs from what was expected, line by line."""
        return difference(self.expected, self.got) if self.expected and self.got else ""


class Mismatch(AssertionError):  # noqa: N818 - it names what was found
    """Something is not as it should be. Its text says all of it.

    Attributes:
        finding: what is wrong.
        subject: the name of what was checked.
        code: a test that shows it again.
        seed: what finds it again; `None` where nothing was drawn.
    """

    def __init__(self, finding: Finding, subject: str, code: str, seed: int | None = None) -> None:
        super().__init__(finding, subject, code, seed)
        self.finding = finding
        self.subject = subject
        self.code = code
        self.seed = seed

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the exception that was raised: not every one can be pickled, and read again."""
        finding = attrs.evolve(self.finding, error=None)
        return type(self), (finding, self.subject, self.code, self.seed)

    def __str__(self) -> str:
        finding = self.finding
        parts = {
            "": f"{self.subject} {finding.kind}" + (f": {finding.reason}" * bool(finding.reason)),
            "A test that shows it:\n\n": self.code,
            "Expected:\n\n": finding.expected,
            "Got:\n\n": finding.got,
            "Difference:\n\n": finding.diff,
            "To find it again: seed=": "" if self.seed is None else str(self.seed),
        }
        return "\n\n".join(head + part.rstrip() for head, part in parts.items() if part)

    @property
    def kind(self) -> Kind:
        """What is wrong, in a few words."""
        return self.finding.kind

    @property
    def expected(self) -> str:
        """What was expected, as text: JSON, unless it is the input."""
        return self.finding.expected

    @property
    def got(self) -> str:
        """What came instead, as text."""
        return self.finding.got


class AccumulatorMismatch(Mismatch):
    """An accumulator does not give what the reference gives."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """The least stream that shows it. For one that must be long: the like, in small."""
        return self.finding.given


class DecoderMismatch(Mismatch):
    """A decoder does not give what the standard says."""

    @property
    def chunks(self) -> list[bytes]:
        """The least body that shows it."""
        return self.finding.given


@attrs.frozen
class ConformanceReport:
    """What was checked, and is as it should be.

    Attributes:
        examples: how many streams.
        seed: what draws the same ones again.
        growth: what long streams cost, by kind.
    """

    examples: int
    seed: int
    growth: tuple[Growth, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.examples:,} streams, all as they should be (seed {self.seed})"]
        return "\n".join([*lines, *map(str, self.growth)])


def name_of(function: Callable[..., Any]) -> str:
    """The module and the name of a function."""
    module, name = _module_and_name(function)
    return f"{module}.{name}"


def _module_and_name(function: Any) -> tuple[str, str]:
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):  # a class method, perhaps inherited
        return owner.__module__, f"{owner.__qualname__}.{function.__name__}"
    named = function if hasattr(function, "__qualname__") else type(function)
    return named.__module__, named.__qualname__


def expression(function: Callable[..., Any]) -> str:
    """What a test calls the function: its name, if it can be imported by that."""
    module, name = _module_and_name(function)
    found: Any = sys.modules.get(module) if module != "__main__" else None
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found == function else "function"


def pasteable_test(function: Callable[..., Any], call: str) -> str:
    """A test as Python code, in a module of its own.

    Args:
        function: what is tested. What cannot be imported has a comment in place of its import.
        call: the test's only statement. It names the function by its `expression`.

    >>> print(pasteable_test(len, "check_stream(len, [])"))
    from builtins import len
    from streamfold.adapters.conformance.checks import check_stream
    <BLANKLINE>
    <BLANKLINE>
    def test_len() -> None:
        check_stream(len, [])
    """
    name = expression(function)
    root, last = name.split(".")[0], name.split(".")[-1]
    if name == "function":
        imports = [f"function = ...  # {name_of(function)}"]
    else:
        imports = [f"from {_module_and_name(function)[0]} import {root}"]
    check = call.partition("(")[0]
    if check in ("check_stream", "check_chunks"):
        imports.append(f"from streamfold.adapters.conformance.checks import {check}")
    if "growth." in call:
        imports.append("from streamfold.adapters import growth")
    lines = [f"    {line}" for line in call.splitlines()]
    return "\n".join([*imports, "", "", f"def test_{last}() -> None:", *lines])
