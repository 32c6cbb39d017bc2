"""Repeatable comparisons of two sides.

Time is the CPU time of the process, because other processes must not count. Both sides take turns
in one process. A round measures each side once, and the result is the median of the rounds' ratios:
a machine that is slow for a while slows both sides, and the ratio stays. Rounds are added until the
error of the median is small enough or the time is up.

The garbage collector stays on, as in an application. It also runs before each measurement, outside
the measured time, so that no side pays for the garbage of the other.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from statistics import median

import attrs

__all__ = ["CPUTime", "Comparison", "Measured", "Patience", "Point", "Side", "compare"]


@attrs.frozen
class Side:
    """One side of a comparison.

    Attributes:
        name: the library that reads.
        cost: measures once and returns the cost, in the unit of the comparison.
        outcome: reads once, unmeasured, and returns the result, which must equal the other side's.
    """

    name: str
    cost: Callable[[], float]
    outcome: Callable[[], object] = lambda: None


@attrs.frozen
class Comparison:
    """streamfold and a peer with the same work.

    Attributes:
        name: the input, and the way it is read.
        ours: the side of streamfold.
        peer: the other side.
        unit: the unit of the cost: "µs/event", "MB" or "ms".
        at_least: the target as a factor: the peer costs at least this many times as much.
        at_most: the target as a share: streamfold costs at most this part of the peer's cost.
            Without either the ratio is shown and not judged.
        note: a footnote of the table.
        section: the heading of the table that the comparison is a row of.
    """

    name: str
    ours: Side
    peer: Side
    unit: str = "µs/event"
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""
    section: str = "The fold alone"

    def check(self) -> None:
        """Check that both sides do the same work.

        Raises:
            AssertionError: their outcomes differ.
        """
        ours, theirs = self.ours.outcome(), self.peer.outcome()
        if ours != theirs:
            raise AssertionError(
                f"{self.name}: {self.ours.name} and {self.peer.name} read different things:"
                f" {str(ours)[:500]} and {str(theirs)[:500]}"
            )


@attrs.frozen
class Patience:
    """The limits within which rounds are added.

    Attributes:
        rounds: the minimum and the maximum number of rounds.
        error: the relative error of the median below which no more rounds are needed.
        seconds: the time after which no round beyond the minimum is begun.
        shortest: the minimum time of one measurement, in seconds; shorter readings are repeated.
    """

    rounds: tuple[int, int] = (5, 41)
    error: float = 0.01
    seconds: float = 10.0
    shortest: float = 0.05


@attrs.frozen
class Measured:
    """The rounds of a comparison: the cost of ours and of the peer in each."""

    comparison: Comparison
    rounds: tuple[tuple[float, float], ...]

    @property
    def ours(self) -> float:
        """The median cost of ours."""
        return median(ours for ours, _ in self.rounds)

    @property
    def peer(self) -> float:
        """The median cost of the peer."""
        return median(peer for _, peer in self.rounds)

    @property
    def share(self) -> float:
        """Our cost as a part of the peer's cost: the median of the rounds."""
        return median(ours / peer for ours, peer in self.rounds)

    @property
    def factor(self) -> float:
        """The peer's cost as a multiple of ours: the median of the rounds."""
        return median(peer / ours for ours, peer in self.rounds)

    @property
    def error(self) -> float:
        """The relative standard error of the ratio, from the rounds' distances to their median."""
        ratios = [math.log(peer / ours) for ours, peer in self.rounds]
        middle = median(ratios)
        deviation = 1.4826 * median(abs(ratio - middle) for ratio in ratios)
        return 1.2533 * deviation / math.sqrt(len(ratios))

    @property
    def reached(self) -> bool | None:
        """Whether the ratio reaches the target; `None` without a target."""
        if self.comparison.at_least is not None:
            return self.factor >= self.comparison.at_least
        if self.comparison.at_most is not None:
            return self.share <= self.comparison.at_most
        return None


@attrs.frozen
class Point:
    """One point of a curve: the `value` for a stream with this number of deltas."""

    curve: str
    deltas: int
    value: float


class CPUTime:
    """Measures a reading: microseconds of CPU time per event."""

    def __init__(
        self, prepare: Callable[[], Callable[[], object]], events: int, shortest: float
    ) -> None:
        """Measure the readings that `prepare` makes.

        Args:
            prepare: returns a reading, which is called once; the preparation is not measured.
            events: the number of events of a reading.
            shortest: the minimum time of a measurement, in seconds; shorter readings are repeated.
        """
        self._prepare = prepare
        self._events = events
        self._shortest = shortest
        self._repeats = 1

    def __call__(self) -> float:
        while True:
            readings = [self._prepare() for _ in range(self._repeats)]
            gc.collect()
            start = time.process_time()
            for read in readings:
                read()
            seconds = time.process_time() - start
            if seconds >= self._shortest:
                return seconds / (self._repeats * self._events) * 1e6
            one = max(seconds / self._repeats, 1e-6)
            self._repeats = max(self._repeats + 1, math.ceil(1.2 * self._shortest / one))


def compare(comparison: Comparison, patience: Patience) -> Measured:
    """Measure both sides in turns."""
    least, greatest = patience.rounds
    ours, peer = comparison.ours.cost, comparison.peer.cost
    if greatest > 1:
        ours(), peer()  # the first reading fills caches on either side
    rounds: list[tuple[float, float]] = []
    start = time.monotonic()
    while True:
        if len(rounds) % 2:  # the order alternates, because the machine may slow down steadily
            second = peer()
            rounds.append((ours(), second))
        else:
            rounds.append((ours(), peer()))
        measured = Measured(comparison, tuple(rounds))
        late = time.monotonic() - start > patience.seconds
        if len(rounds) >= least and (
            late or len(rounds) >= greatest or measured.error <= patience.error
        ):
            return measured
