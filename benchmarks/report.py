"""The measurements as a table, as `RESULTS.md` and as plots."""

from __future__ import annotations

import datetime
import os
import platform
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
from tabulate import tabulate

from .measure import Measured, Point

__all__ = ["Machine", "raw_figures", "results", "save_plots", "sections", "table", "verdict"]

PEERS = (
    "anthropic",
    "httpx",
    "httpx2",
    "aiohttp",
    "httpx-aiohttp",
    "urllib3",
    "httpx-sse",
    "jiter",
    "partial-json-parser",
    "attrs",
)

INTRODUCTIONS = {
    "On a network": "The cost of an event to a program that reads from a server: most of it is "
    'that of the HTTP library. "On aiohttp" is `DefaultAioHttpClient`, with the extra `aiohttp`; '
    '"on urllib3" is `DefaultUrllib3Client`, with the extra `urllib3`; '
    '"alone" is the library\'s own client, which reads the bytes and nothing else.',
    "Short streams": "The cost of a call whose answer is short.",
    "The fold alone": "The cost of an event whose bytes are in memory. Streams come in chunks of "
    "4 KiB unless the row names another size.",
    "Other spellings": "The cost of an event in the spellings of gateways and other servers.",
}
"""The sections of the results, in their order, and the text below each heading."""

COLOURS = {
    "streamfold on aiohttp": "tab:green",
    "streamfold": "tab:blue",
    "": "tab:orange",
}
"""The colours of curves, by the beginning of their names."""


# --- the table ----------------------------------------------------------------------------------


def table(measured: Sequence[Measured], *, judged: bool = True) -> str:
    """All comparisons as a Markdown table, with its notes below.

    Args:
        measured: the rows.
        judged: show the targets and whether they were reached.
    """
    notes = list(dict.fromkeys(one.comparison.note for one in measured if one.comparison.note))
    headers = ["workload", "streamfold", "peer", "", "ratio", "±"]
    rows = [
        [
            one.comparison.name + _reference(one.comparison.note, notes),
            _cost(one.ours, one.comparison.unit),
            _cost(one.peer, one.comparison.unit),
            one.comparison.peer.name,
            ratio(one),
            f"{100 * one.error:.1f} %",
        ]
        for one in measured
    ]
    if judged:
        headers += ["asked", "reached"]
        for row, one in zip(rows, measured, strict=True):
            row += [target(one), {True: "yes", False: "**no**", None: ""}[one.reached]]
    written = tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)
    footnotes = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([written, "", *footnotes]) + "\n"


def sections(measured: Sequence[Measured], *, judged: bool = True) -> str:
    """All comparisons under the headings of their sections."""
    parts = []
    found = [one.comparison.section for one in measured]
    for heading in sorted(set(found), key=list(INTRODUCTIONS).index):
        rows = [one for one in measured if one.comparison.section == heading]
        introduction = textwrap.fill(INTRODUCTIONS[heading], 100)
        parts += [f"## {heading}", introduction, table(rows, judged=judged)]
    return "\n\n".join(parts)


def _reference(note: str, notes: Sequence[str]) -> str:
    return f" [{notes.index(note) + 1}]" if note else ""


def ratio(measured: Measured) -> str:
    """Our cost against the peer's, in words."""
    comparison = measured.comparison
    if comparison.at_most is not None:
        return _part(measured.share)
    if measured.factor < 1:
        return f"{measured.share:.1f} × slower"
    return f"{measured.factor:.1f} × faster"


def target(measured: Measured) -> str:
    """The target of the ratio, or an empty string."""
    comparison = measured.comparison
    if comparison.at_least is not None:
        return f"≥ {comparison.at_least:g} ×"
    if comparison.at_most is not None:
        return f"≤ {_part(comparison.at_most)}"
    return ""


def verdict(measured: Iterable[Measured]) -> str:
    """The number of reached targets, and the list of missed ones."""
    judged = [one for one in measured if one.reached is not None]
    missed = [
        f"{one.comparison.name}: {ratio(one)}, asked {target(one)}"
        for one in judged
        if not one.reached
    ]
    summary = f"{len(judged) - len(missed)} of {len(judged)} targets reached."
    return "\n".join([summary, *(f"- not reached: {miss}" for miss in missed)])


def _part(share: float) -> str:
    return f"1/{1 / share:.1f}" if share < 0.5 else f"{share:.2f} ×"


def _cost(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"


# --- the machine --------------------------------------------------------------------------------


@attrs.frozen
class Machine:
    """The machine and the versions of the packages."""

    processor: str
    cores: int
    system: str
    python: str
    versions: Mapping[str, str]
    date: str

    @classmethod
    def this(cls) -> Machine:
        """This machine, today."""
        return cls(
            processor=_processor(),
            cores=os.cpu_count() or 1,
            system=f"{platform.system()} {platform.release().partition('-')[0]}",
            python=f"{platform.python_implementation()} {platform.python_version()}",
            versions={name: metadata.version(name) for name in PEERS},
            date=datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        )

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"{self.processor}, {self.cores} cores, {self.system}, {self.python}; {versions};"
            f" {self.date}"
        )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


# --- files --------------------------------------------------------------------------------------


def results(measured: Sequence[Measured], machine: Machine) -> str:
    """The text of `RESULTS.md`."""
    return f"""# Measured

`python -m benchmarks --save` wrote this: {machine}.

Times are CPU time, costs are medians, "event" is one on the wire. Ratios are medians of the rounds'
ratios, ± their standard error; only they mean anything on another machine. Hostile streams have
[a page of their own](ATTACK.md).

{sections(measured)}
{verdict(measured)}

![Cost per event against stream length](cost.svg)

![Memory of all events kept against stream length](memory.svg)
"""


def raw_figures(
    measured: Iterable[Measured], machine: Machine, points: Mapping[str, Sequence[Point]]
) -> dict[str, Any]:
    """Everything as plain JSON values."""
    return {
        "machine": attrs.asdict(machine),
        "comparisons": [
            {
                "section": one.comparison.section,
                "name": one.comparison.name,
                "unit": one.comparison.unit,
                "ours": one.ours,
                "peer": {"name": one.comparison.peer.name, "cost": one.peer},
                "factor": one.factor,
                "error": one.error,
                "at_least": one.comparison.at_least,
                "at_most": one.comparison.at_most,
                "reached": one.reached,
                "rounds": one.rounds,
            }
            for one in measured
        ],
        "curves": {
            name: [attrs.asdict(point) for point in curve] for name, curve in points.items()
        },
    }


def save_plots(folder: Path, cost: Sequence[Point], memory: Sequence[Point]) -> None:
    """Write `cost.svg` and `memory.svg` to `folder`."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "streamfold", "svg.fonttype": "none"})
    _plot(folder / "cost.svg", cost, "Cost per event", "µs of CPU time per event")
    _plot(folder / "memory.svg", memory, "All events of a text kept", "MB")


def _plot(path: Path, points: Sequence[Point], title: str, unit: str) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4), layout="constrained")
    for curve in dict.fromkeys(point.curve for point in points):
        at = [point.deltas for point in points if point.curve == curve]
        values = [point.value for point in points if point.curve == curve]
        colour = next(colour for name, colour in COLOURS.items() if curve.startswith(name))
        style = "--" if "tool" in curve else ":" if "sockets" in curve else "-"
        axes.plot(at, values, style, color=colour, marker="o", markersize=4, label=curve)
    axes.set(xscale="log", yscale="log", xlabel="deltas in the stream", ylabel=unit, title=title)
    lengths = sorted({point.deltas for point in points})
    axes.set_xticks(lengths, [f"{length / 1000:g}k" for length in lengths])
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    figure.legend(loc="outside right upper")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
