"""`measure`: one recording as a row of numbers: its outcome, model, tokens and times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from typing import Any

import attrs
from streamfold.reducer import Timing

from .files import Path, expand_paths
from .reports import Outcome, Seen, examine, lost_report
from .spreading import spread

__all__ = ["Measurement", "measure", "stats_all"]


@attrs.frozen
class Measurement:
    """One recording in numbers. A number that is not known is `None`.

    Attributes:
        file: the name of the file.
        outcome: see `reports`.
        reason: the reason why the message is not complete.
        model: the model that answered.
        stop_reason: the message's stop reason.
        input_tokens: the input tokens that did not come from the cache.
        cache_read_input_tokens: the input tokens read from the cache.
        cache_creation_input_tokens: the input tokens written to the cache.
        output_tokens: the output tokens; known once the message has stopped.
        unfolded: the number of events that could not be folded.
        timing: when the events came.
    """

    file: str
    outcome: Outcome
    reason: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens: int | None = None
    unfolded: int = 0
    timing: Timing = Timing()

    @property
    def longest_silence(self) -> float | None:
        """The longest time without an event, in seconds: between two events, or, of a message that
        is not complete, from the last event to the end of the stream.
        """
        timing = self.timing
        gaps = [] if timing.longest_gap is None else [timing.longest_gap]
        if self.outcome != "complete" and timing.duration is not None:
            gaps.append(timing.duration - (timing.last_event or 0.0))
        return max(gaps, default=None)

    def row(self) -> dict[str, Any]:
        """The measurement as one flat row, for a table; times in seconds since the request."""
        timing = self.timing.to_dict()
        del timing["gaps"], timing["output_tokens"]
        return {
            **attrs.asdict(self, filter=lambda field, _: field.name != "timing"),
            **timing,
            "longest_silence": self.longest_silence,
            "output_tokens_per_second": self.timing.output_tokens_per_second,
        }


def measure(file: Path) -> Measurement:
    """Fold the recording, or the raw body, in a file, and measure it.

    Args:
        file: a name that `expand_paths` gives.

    >>> measurement = measure("tests/recordings/text.sse")
    >>> measurement.outcome, measurement.model, measurement.output_tokens
    ('complete', 'claude-haiku-4-5-20251001', 158)
    """
    report, seen = examine(file)
    return Measurement(
        report.file,
        report.outcome,
        report.reason,
        stop_reason=report.stop_reason,
        unfolded=len(report.unfolded),
        timing=seen.timing,
        **_counts(seen),
    )


def _counts(seen: Seen) -> dict[str, Any]:
    """The model and the tokens of a message."""
    message = seen.message
    if message is None:
        return {}
    usage = message.usage
    counts = {
        "input_tokens": usage.input_tokens,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
        "cache_creation_input_tokens": usage.cache_creation_input_tokens,
        "output_tokens": None if message.stop_reason is None else usage.output_tokens,
    }
    known = {name: count if type(count) is int else None for name, count in counts.items()}
    return {"model": message.model, **known}


def stats_all(paths: Iterable[Path], *, executor: Executor | None = None) -> Iterator[Measurement]:
    """Measure every recording that paths stand for: see `check_all`.

    >>> [row.outcome for row in stats_all(["tests/recordings/cut-text.sse"])]
    ['incomplete']
    """
    return spread(measure, expand_paths(paths), executor, _lost)


def _lost(file: str, error: BaseException) -> Measurement:
    report = lost_report(file, error)
    return Measurement(file, report.outcome, report.reason)
