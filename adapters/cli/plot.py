"""`--plot FILE`: the distributions of a corpus as a picture, with matplotlib.

Three panels show, for each model, the share of its recordings at or below each value: seconds to
the first content, output tokens per second, and the longest silence. A fourth shows the number of
recordings by model and outcome.
"""

from __future__ import annotations

# matplotlib's own types are partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
import os
from collections.abc import Callable, Sequence
from typing import Any

from streamfold.adapters.corpus import OUTCOMES, Distribution, Group

from .exit_status import FAILED, CommandError

__all__ = ["picture_of"]

_ENDINGS = (".png", ".svg", ".pdf")
_COLOURS = {
    "complete": "#2f7d5b",
    "incomplete": "#d9a441",
    "error": "#c8653b",
    "fault": "#9c2f45",
    "unreadable": "#8a8a8a",
}
_PANELS = (
    ("first_content", "Seconds to the first content"),
    ("tokens_per_second", "Output tokens per second"),
    ("silence", "Longest silence, in seconds"),
)


def picture_of(path: str) -> Callable[[Sequence[Group]], None]:
    """A function that draws groups to a file.

    Raises:
        CommandError: the name does not end with .png, .svg or .pdf, or matplotlib is not installed.
    """
    if os.path.splitext(path)[1] not in _ENDINGS:
        raise CommandError(f"--plot must name a .png, .svg or .pdf file, got {path!r}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise CommandError(
            "--plot needs matplotlib, which is not installed: pip install 'streamfold[plot]'"
        ) from None

    def draw(groups: Sequence[Group]) -> None:
        figure = Figure(figsize=(11, 7.5), layout="constrained")
        axes = figure.subplots(2, 2)
        for axis, (name, title) in zip(axes.flat, _PANELS, strict=False):
            _draw_shares(axis, groups, name, title)
        _draw_counts(axes[1][1], groups)
        total = sum(group.count for group in groups)
        figure.suptitle(f"{total:,} recordings", fontsize=14, fontweight="bold")
        try:
            figure.savefig(path, dpi=130)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}", FAILED) from error

    return draw


def _models(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(group.model or "(unknown)" for group in groups))


def _draw_shares(axis: Any, groups: Sequence[Group], name: str, title: str) -> None:
    """The share of each model's recordings at or below each value, on a logarithmic axis."""
    smallest: list[float] = []
    for position, model in enumerate(_models(groups)):
        found = [getattr(group, name) for group in groups if (group.model or "(unknown)") == model]
        values, shares = _shares(found)
        if values:
            label = f"{model} ({sum(distribution.count for distribution in found):,})"
            steps = [values[0], *values], [0.0, *shares]
            axis.step(*steps, where="post", label=label, color=f"C{position}", linewidth=1.8)
            smallest += [value for value in values if value > 0][:1]
    axis.set_title(title, loc="left", fontsize=11)
    axis.set_ylabel("share of recordings")
    axis.set_ylim(0, 1.02)
    axis.yaxis.set_major_formatter(_per_cent)
    axis.grid(alpha=0.25)
    if not smallest:
        axis.text(0.5, 0.5, "no recording has times", transform=axis.transAxes, ha="center")
        return
    axis.set_xscale("log", nonpositive="clip")
    axis.set_xlim(left=max(min(smallest), 0.001) / 1.5)
    axis.xaxis.set_major_formatter(_plain)
    axis.legend(fontsize=8, frameon=False)


def _per_cent(share: float, _: int) -> str:
    return f"{share:.0%}"


def _plain(value: float, _: int) -> str:
    return f"{value:g}"


def _thousands(count: float, _: int) -> str:
    return f"{count:,.0f}"


def _shares(distributions: Sequence[Distribution]) -> tuple[list[float], list[float]]:
    """The values of some distributions, each with the share of all values at or below it."""
    items = sorted(item for distribution in distributions for item in distribution.items())
    total, seen = sum(count for _, count in items), 0
    values: list[float] = []
    shares: list[float] = []
    for value, count in items:
        seen += count
        values.append(value)
        shares.append(seen / total)
    return values, shares


def _draw_counts(axis: Any, groups: Sequence[Group]) -> None:
    """The number of recordings of each model, by outcome."""
    models = _models(groups)
    left = dict.fromkeys(models, 0)
    for outcome in OUTCOMES:
        counts = [
            sum(
                group.count
                for group in groups
                if group.outcome == outcome and (group.model or "(unknown)") == model
            )
            for model in models
        ]
        if any(counts):
            starts = [left[model] for model in models]
            colour = _COLOURS[outcome]
            axis.barh(models, counts, left=starts, label=outcome, color=colour, height=0.6)
            left = {model: left[model] + n for model, n in zip(models, counts, strict=True)}
    axis.invert_yaxis()
    axis.set_title("Recordings by outcome", loc="left", fontsize=11)
    axis.xaxis.set_major_formatter(_thousands)
    axis.grid(alpha=0.25, axis="x")
    axis.legend(fontsize=8, frameon=False)
