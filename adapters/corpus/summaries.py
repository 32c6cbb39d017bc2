"""`summarize`: measurements by model and outcome, as counts and distributions.

A `Distribution` keeps up to `EXACT` values. Beyond that, it counts values that differ by less than
2 % together, so that its size does not grow with the number of recordings. Percentiles are exact in
the first case and right to 1 % in the second. Neither depends on the order of the values.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Any, Union

import attrs

from .measurements import Measurement
from .reports import OUTCOMES, Outcome

__all__ = [
    "EXACT",
    "STALL",
    "Distribution",
    "Group",
    "Groups",
    "add_to_groups",
    "sorted_groups",
    "summarize",
]

EXACT = 10_000
"""The values that a distribution keeps one by one."""

STALL = 10.0
"""Seconds without an event that count as a stall, by default."""

_RATIO = math.log(1.02)


class Distribution:
    """Numbers that are not negative, and their percentiles.

    >>> distribution = Distribution()
    >>> for value in (3.0, 1.0, 2.0):
    ...     distribution.add(value)
    >>> distribution.count, distribution.percentile(50), distribution.percentile(99)
    (3, 2.0, 3.0)
    """

    def __init__(self) -> None:
        self.count = 0
        self._values = array("d")
        self._buckets: Counter[int | None] = Counter()

    def add(self, value: float) -> None:
        """Add a number."""
        self.count += 1
        if self.count <= EXACT:
            self._values.append(value)
            return
        if self._values:
            self._buckets.update(map(_bucket, self._values))
            self._values = array("d")
        self._buckets[_bucket(value)] += 1

    def items(self) -> list[tuple[float, int]]:
        """The values and how often each came, in ascending order."""
        counted = Counter(self._values) + Counter(
            {_value(bucket): count for bucket, count in self._buckets.items()}
        )
        return sorted(counted.items())

    def percentile(self, percent: float) -> float | None:
        """The smallest value that at least `percent` per cent of the values do not exceed.

        Args:
            percent: from 0 to 100.

        Returns:
            The value; `None` without any.
        """
        rank, seen = math.ceil(self.count * percent / 100), 0
        for value, count in self.items():
            seen += count
            if seen >= rank:
                return value
        return None


def _bucket(value: float) -> int | None:
    """The number of the bucket of a value; `None` for 0."""
    return math.floor(math.log(value) / _RATIO) if value > 0 else None


def _value(bucket: int | None) -> float:
    """The value in the middle of a bucket."""
    return 0.0 if bucket is None else math.exp((bucket + 0.5) * _RATIO)


@attrs.define
class Group:
    """The recordings of one model with one outcome.

    Attributes:
        model: the model; `None` where it is not known.
        outcome: the outcome.
        count: the number of recordings.
        input_tokens: their input tokens, those of the cache included.
        output_tokens: their output tokens.
        first_content: seconds to the first content, of each.
        tokens_per_second: output tokens per second, of each.
        silence: the longest silence, in seconds, of each.
        stalls: the recordings with a silence of `STALL` seconds, or of those given.
        faults: the recordings that break the protocol or have events that could not be folded.
    """

    model: str | None
    outcome: Outcome
    count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    first_content: Distribution = attrs.field(factory=Distribution)
    tokens_per_second: Distribution = attrs.field(factory=Distribution)
    silence: Distribution = attrs.field(factory=Distribution)
    stalls: int = 0
    faults: int = 0

    def add(self, measurement: Measurement, stall: float) -> None:
        """Count one recording."""
        self.count += 1
        self.input_tokens += sum(
            count or 0
            for count in (
                measurement.input_tokens,
                measurement.cache_read_input_tokens,
                measurement.cache_creation_input_tokens,
            )
        )
        self.output_tokens += measurement.output_tokens or 0
        timing, silence = measurement.timing, measurement.longest_silence
        for distribution, value in (
            (self.first_content, timing.first_content),
            (self.tokens_per_second, timing.output_tokens_per_second),
            (self.silence, silence),
        ):
            if value is not None and timing.duration != 0:  # a raw body has no times
                distribution.add(value)
        self.stalls += silence is not None and silence >= stall
        self.faults += measurement.outcome == "fault" or bool(measurement.unfolded)

    def to_dict(self) -> dict[str, Any]:
        """The group as plain JSON values; of each distribution, its percentiles."""
        counts = ("model", "outcome", "count", "input_tokens", "output_tokens", "stalls", "faults")
        return {
            **{name: getattr(self, name) for name in counts},
            **{
                name: {
                    f"p{percent}": getattr(self, name).percentile(percent)
                    for percent in (50, 95, 99)
                }
                for name in ("first_content", "tokens_per_second", "silence")
            },
        }


Groups = dict[tuple[Union[str, None], Outcome], Group]
"""Groups by model and outcome."""


def summarize(measurements: Iterable[Measurement], *, stall: float = STALL) -> list[Group]:
    """The measurements by model and outcome.

    Args:
        measurements: the measurements, such as those of `stats_all`.
        stall: the seconds without an event that count as a stall.

    Returns:
        The groups: by model, and for a model in the order of `OUTCOMES`.

    >>> from .measurements import stats_all
    >>> (group,) = summarize(stats_all(["tests/recordings/text.sse"]))
    >>> group.count, group.outcome, group.output_tokens
    (1, 'complete', 158)
    """
    groups: Groups = {}
    for measurement in measurements:
        add_to_groups(groups, measurement, stall)
    return sorted_groups(groups)


def add_to_groups(groups: Groups, measurement: Measurement, stall: float = STALL) -> None:
    """Count one recording in its group: `summarize`, one by one."""
    key = (measurement.model, measurement.outcome)
    if key not in groups:
        groups[key] = Group(*key)
    groups[key].add(measurement, stall)


def sorted_groups(groups: Groups) -> list[Group]:
    """The groups in the order of `summarize`."""
    return sorted(
        groups.values(), key=lambda group: (group.model or "", OUTCOMES.index(group.outcome))
    )
