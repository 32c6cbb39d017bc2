"""Draw many streams, find the first that goes wrong, and shrink it. Measure long streams.

The same seed draws the same streams: Hypothesis' database, its profiles and the constants that it
collects from the program's own modules have no part in it. Another version of Hypothesis may draw
other streams.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import attrs

from .cost import Growth, measure
from .examination import RAISED, Subject, error_text, examine, smaller
from .findings import ConformanceReport, Finding, expression

__all__ = ["Search", "Watch", "watch_nothing"]

Watch = Callable[[int, bool], object]


def watch_nothing(tried: int, found: bool) -> None:
    """The default of `watch`."""


class Search:
    """A check of many streams.

    Attributes:
        subject: the function under test.
        seed: the seed of everything that is drawn.
        tried: the number of streams that passed.
    """

    def __init__(self, subject: Subject, seed: int | None, watch: Watch) -> None:
        self.subject = subject
        self.seed = random.Random().getrandbits(32) if seed is None else seed
        self.watch = watch
        self.tried = 0

    def run(self, streams: Any, max_examples: int) -> None:
        """Try streams of this strategy.

        Raises:
            Mismatch: a stream went wrong; the exception carries the smallest such stream.
        """
        if max_examples < 1:
            raise ValueError(f"max_examples must be at least 1, got {max_examples}")
        from hypothesis import Phase, Verbosity, find, settings
        from hypothesis.errors import Flaky, NoSuchExample
        from streamfold.adapters.strategies import without_local_constants

        found: Finding | None = None

        def is_wrong(given: list[Any]) -> bool:
            nonlocal found
            finding = examine(self.subject, given)
            if finding is not None and found is not None and finding.kind != found.kind:
                return False  # a smaller stream must show the same kind of defect
            found = finding or found
            self.tried += found is None
            self.watch(self.tried, found is not None)
            return finding is not None

        quiet = settings(
            max_examples=max_examples,
            database=None,
            deadline=None,
            derandomize=False,
            phases=[Phase.generate, Phase.shrink],
            verbosity=Verbosity.quiet,
        )
        # A defect that depends on earlier streams may not come again; then the last find stands.
        with contextlib.suppress(NoSuchExample, Flaky), without_local_constants():
            find(streams, is_wrong, settings=quiet, random=random.Random(self.seed))
        if found is not None:
            self.fail(smaller(self.subject, found))

    def measure(self, kind: str) -> Growth:
        """The cost of long streams of this kind.

        Raises:
            Mismatch: a long stream goes wrong, or its cost grows with the square of its length.
        """
        function = self.subject.function
        small, _ = self.subject.long(kind, 3)
        given, call = self.subject.long(kind, 1024)
        finding = examine(self.subject, given)
        if finding is not None:
            self.fail(attrs.evolve(finding, given=small, call=call))
        call = f"assert not cost.measure({expression(function)}, {kind!r}).is_quadratic"
        try:
            growth = measure(function, kind)
        except RAISED as error:
            self.fail(Finding("raises", small, reason=error_text(error), error=error, call=call))
        if growth.is_quadratic:
            self.fail(Finding("grows quadratically", small, reason=str(growth), call=call))
        return growth

    def report(self, kinds: Iterable[str]) -> ConformanceReport:
        """The report of a check that found nothing, with the cost of long streams."""
        costs = tuple([self.measure(kind) for kind in kinds])
        return ConformanceReport(self.tried, self.seed, costs)

    def fail(self, finding: Finding) -> NoReturn:
        """Raise the finding as a `Mismatch`."""
        raise self.subject.mismatch(finding, self.seed) from finding.error
