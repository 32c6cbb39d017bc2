"""Draw many streams, collect the distinct findings, and shrink each. Measure long streams.

A run first draws all streams and keeps the first stream of each finding. Then it draws the same
streams once more for each finding, up to that stream, and shrinks it. With `first=True` it stops at
the first finding.

The same seed draws the same streams: Hypothesis' database, its profiles and the constants that it
collects from the program's own modules have no part in it. Another version of Hypothesis may draw
other streams.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from .calls import Takes
from .cost import Growth, measure
from .examination import RAISED, Subject, error_text, examine
from .findings import ConformanceReport, Finding, Kind, Mismatch
from .names import expression
from .shrinking import smaller

__all__ = ["Search", "Watch", "watch_nothing"]

Watch = Callable[[int, bool], object]
Long = Callable[[str, int], "tuple[list[Any], str]"]

_MOST_FINDINGS = 12
"""The number of findings that are shrunk; further ones are reported as they were drawn."""


_CRASHES: tuple[Kind, ...] = ("raises", "takes too long")
"""The kinds of findings that are reported first."""


def watch_nothing(tried: int, found: bool) -> None:
    """The default of `watch`."""


class _EnoughError(BaseException):
    """Shrinking has tried enough streams. Not an `Exception`, so that Hypothesis lets it pass."""


class Search:
    """A check of many streams.

    Attributes:
        subject: the function under test.
        seed: the seed of everything that is drawn.
        fault: the fault of the streams of the present `run`; empty if they are whole.
        tried: the number of streams that passed.
        found: the findings so far, by their key.
        shrinking_tries: the number of streams that shrinking one finding may try; 0 turns it off.
            A number and not a time, so that the same seed finds the same stream on any machine.
    """

    shrinking_tries = 400

    def __init__(
        self,
        subject: Subject,
        seed: int | None,
        watch: Watch,
        first: bool,
        assume: Callable[[Any], object] | None = None,
    ) -> None:
        self.subject = subject
        self.seed = random.Random().getrandbits(32) if seed is None else seed
        self.watch = watch
        self.first = first
        self.assume = assume
        self.fault = ""
        self.tried = 0
        self.found: dict[tuple[str, str, str], Finding] = {}

    def run(self, streams: Any, max_examples: int, fault: str = "") -> None:
        """Try streams of this strategy, which have this fault.

        Raises:
            Mismatch: `first` is true and a stream went wrong.
        """
        __tracebackhide__ = True
        if max_examples < 1:
            raise ValueError(f"max_examples must be at least 1, got {max_examples}")
        self.fault = fault
        streams = streams if self.assume is None else streams.filter(self.assume)
        if self.first:
            finding = self._shrunk(streams, max_examples, None)
            if finding is not None:
                self.found[finding.key] = finding
            return self.fail()
        new: dict[tuple[str, str, str], Finding] = {}

        def collect(given: list[Any]) -> bool:
            findings = self._examine(given)
            for finding in findings:
                if finding.key not in self.found:
                    new.setdefault(finding.key, finding)
            self.tried += not findings
            self.watch(self.tried, False)
            return False

        self._find(streams, collect, max_examples, shrink=False)
        for number, finding in enumerate(new.values()):
            if number < _MOST_FINDINGS and self.shrinking_tries:
                finding = self._shrunk(streams, max_examples, finding) or finding
            self.found[finding.key] = finding
        return None

    def _shrunk(self, streams: Any, max_examples: int, wanted: Finding | None) -> Finding | None:
        """The wanted finding, or any, with the smallest stream; None if no stream shows it."""
        smallest, tries = wanted, 0

        def shows_it(given: list[Any]) -> bool:
            nonlocal smallest, tries
            if tries > self.shrinking_tries > 0:
                raise _EnoughError
            tries += bool(tries)  # counted from the first stream that shows it
            findings = self._examine(given)
            self.tried += not findings and smallest is None
            found = next(
                (each for each in findings if smallest is None or each.key == smallest.key), None
            )
            if found is not None:
                smallest, tries = found, tries or 1
            self.watch(self.tried, smallest is not None)
            return found is not None

        self._find(streams, shows_it, max_examples, shrink=self.shrinking_tries > 0)
        if smallest is None or not self.shrinking_tries:
            return smallest
        return smaller(self.subject, smallest, self._accepts, self.shrinking_tries, self._examine)

    def _examine(self, given: list[Any]) -> list[Finding]:
        """The defects that this stream shows. One that accepts a fault has the fault's name."""
        return [
            attrs.evolve(finding, rule=self.fault, reason=self.fault)
            if finding.kind == "accepts a fault"
            else finding
            for finding in examine(self.subject, given)
        ]

    def _accepts(self, given: list[Any]) -> object:
        """Whether a smaller stream meets the user's condition."""
        self.watch(self.tried, True)
        return self.assume is None or self.assume(given)

    def _find(
        self, streams: Any, condition: Callable[[Any], bool], max_examples: int, *, shrink: bool
    ) -> None:
        """Draw streams until the condition holds for one; shrink it, if wanted."""
        from hypothesis import Phase, Verbosity, find, settings
        from hypothesis.errors import Flaky, HypothesisWarning, NoSuchExample
        from streamfold.adapters.strategies import without_local_constants

        quiet = settings(
            max_examples=max_examples,
            database=None,
            deadline=None,
            derandomize=False,
            phases=[Phase.generate, *[Phase.shrink] * shrink],
            verbosity=Verbosity.quiet,
        )
        # A defect that depends on earlier streams may not come again; then the last find stands.
        with (
            contextlib.suppress(NoSuchExample, Flaky, _EnoughError),
            without_local_constants(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore", HypothesisWarning)  # of a large `repr`
            find(streams, condition, settings=quiet, random=random.Random(self.seed))

    def measure(self, kind: str, long: Long, takes: Takes = "events") -> Growth | None:
        """The cost of long streams of this kind; None if they add a finding."""
        function = self.subject.function
        small, _ = long(kind, 3)
        given, call = long(kind, 1024)
        findings = examine(self.subject, given)
        for finding in findings:
            self.found.setdefault(finding.key, attrs.evolve(finding, given=small, call=call))
        if findings:
            return None
        option = "" if takes == "events" else f", takes={takes!r}"
        call = f"assert not measure({expression(function)}, {kind!r}{option}).is_quadratic"
        try:
            growth = measure(function, kind, takes=takes)
        except RAISED as error:
            reason = error_text(error, function)
            finding = Finding("raises", small, reason=reason, error=error, call=call, rule="long")
        else:
            if not growth.is_quadratic:
                return growth
            finding = Finding(
                "grows quadratically", small, reason=str(growth), call=call, rule=kind
            )
        self.found.setdefault(finding.key, finding)
        return None

    def report(
        self, kinds: Iterable[str] = (), long: Long | None = None, takes: Takes = "events"
    ) -> ConformanceReport:
        """The report of a check that found nothing, with the cost of long streams.

        Raises:
            Mismatch: something was found.
        """
        __tracebackhide__ = True
        costs: list[Growth] = []
        for kind in kinds:
            assert long is not None
            growth = self.measure(kind, long, takes)
            if growth is not None:
                costs.append(growth)
            if self.first:
                self.fail()
        self.fail()
        return ConformanceReport(self.tried, self.seed, tuple(costs))

    def fail(self) -> None:
        """Raise the findings, if there are any, as one `Mismatch`."""
        __tracebackhide__ = True
        if not self.found:
            return
        first, *rest = sorted(self.found.values(), key=lambda each: each.kind not in _CRASHES)
        others: tuple[Mismatch, ...] = tuple(
            [self.subject.mismatch(finding, self.seed) for finding in rest]
        )
        raise self.subject.mismatch(first, self.seed, others) from first.error
