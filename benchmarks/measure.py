"""How two sides are compared, so that a second run says the same.

Time is the CPU time of the process: what else the machine does counts for neither side. Both sides
take turns in one process, a round is one measurement of each, and the ratio is the median of the
rounds' ratios: what slows the machine for a while slows both, and is gone from the ratio. Rounds
are added until the median is known well enough, or time is up.

The garbage collector runs as it does in real life. It is run once before each measurement, outside
of it, so that nobody pays for what the other side left behind.
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
    """One of the two that are compared.

    Attributes:
        name: who reads.
        cost: measures once; what it cost, in the unit of the comparison.
        outcome: reads once, unmeasured; what came out, as the other side must have it, too.
    """

    name: str
    cost: Callable[[], float]
    outcome: Callable[[], object] = lambda: None


@attrs.frozen
class Comparison:
    """What is compared with what.

    Attributes:
        name: what is read, and how.
        ours: streamfold.
        peer: the other.
        unit: of the cost: "µs/event", "MB" or "ms".
        at_least: how many times cheaper than the peer it must be.
        at_most: which part of the peer's cost it may have. With neither, it is only shown.
        note: what a reader of the table has to know.
    """

    name: str
    ours: Side
    peer: Side
    unit: str = "µs/event"
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    def check(self) -> None:
        """Make sure that both sides do the same work.

        Raises:
            AssertionError: they do not.
        """
        ours, theirs = self.ours.outcome(), self.peer.outcome()
        if ours != theirs:
            raise AssertionError(
                f"{self.name}: {self.ours.name} and {self.peer.name} read different things:"
                f" {str(ours)[:500]} and {str(theirs)[:500]}"
            )


@attrs.frozen
class Patience:
    """When there are rounds enough.

    Attributes:
        rounds: the least and the greatest number of rounds.
        error: the relative error of the median that is good enough.
        seconds: after which no round is begun that is not needed for the least number.
        shortest: seconds that one measurement takes at least, by repetition.
    """

    rounds: tuple[int, int] = (9, 41)
    error: float = 0.01
    seconds: float = 20.0
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
        """Which part of the peer's cost ours is: the median of the rounds."""
        return median(ours / peer for ours, peer in self.rounds)

    @property
    def factor(self) -> float:
        """How many times cheaper ours is: the median of the rounds."""
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
        """Whether the ratio is as good as it must be; `None` where nothing is asked."""
        if self.comparison.at_least is not None:
            return self.factor >= self.comparison.at_least
        if self.comparison.at_most is not None:
            return self.share <= self.comparison.at_most
        return None


@attrs.frozen
class Point:
    """One point of a curve: the `value` of a stream of so many deltas."""

    curve: str
    deltas: int
    value: float


class CPUTime:
    """Measures a reading: microseconds of CPU time per event."""

    def __init__(
        self, prepare: Callable[[], Callable[[], object]], events: int, shortest: float
    ) -> None:
        """Measure what `prepare`, which is not measured itself, gives.

        Args:
            prepare: makes one reading, to be called once.
            events: how many events it reads.
            shortest: seconds that a measurement takes at least: short readings are repeated.
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
        ours(), peer()  # warm: the first reading fills caches on either side
    rounds: list[tuple[float, float]] = []
    start = time.monotonic()
    while True:
        if len(rounds) % 2:  # turn about, for a machine that gets slower and slower
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
