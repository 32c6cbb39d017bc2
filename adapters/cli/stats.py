"""`streamfold stats FILE|DIR …` measures recordings, and shows them by model and outcome.

For each model and outcome: the number of recordings, their tokens, the 50th, 95th and 99th
percentile of the seconds to the first content, output tokens per second, stalls (no event for
`--stall` seconds) and faults (the stream breaks the protocol, or has events that could not be
folded).

`--rows FILE` writes one row per recording, as CSV or Parquet by the name of the file. `--plot FILE`
draws the distributions. Ctrl-C ends the work at once, and the measurements so far are shown.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .arguments import Commands
from .colours import Piece, printer
from .executors import add_executor_flags, executor_of
from .exit_status import FAILED, OK
from .json_display import write_line
from .long_work import recordings_in, with_progress
from .visible import one_line

if TYPE_CHECKING:
    from streamfold.adapters.corpus import Group, Groups

__all__ = ["add_command"]


def add_command(commands: Commands) -> None:
    """Add `stats` to the commands."""
    parser = commands.add_parser(
        "stats",
        help="measure recordings: latency, speed, stalls, tokens and faults",
        description="Measure each recording, and show the figures by model and outcome: count, "
        "tokens, seconds to the first content, output tokens per second, stalls and faults.",
        epilog="Exit status: 0 if all recordings could be read, 1 if not, 2 for unusable "
        "arguments.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths",
        metavar="FILE|DIR",
        nargs="+",
        help="a recording (.jsonl), the raw body of a stream, a directory, a .zip archive, or the "
        "URL of any of these (s3://…, gs://…)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a line of JSON for each model and outcome"
    )
    parser.add_argument(
        "--rows", metavar="FILE", help="write one row per recording to a .csv or .parquet file"
    )
    parser.add_argument(
        "--plot", metavar="FILE", help="draw the distributions as a picture (.png, .svg or .pdf)"
    )
    parser.add_argument(
        "--stall",
        metavar="SECONDS",
        type=_seconds,
        help="the time without an event that counts as a stall (default: 10)",
    )
    add_executor_flags(parser)
    parser.set_defaults(run=_stats)


def _seconds(text: str) -> float:
    """The value of `--stall`.

    Raises:
        argparse.ArgumentTypeError: it is not a number above 0.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return seconds


def _stats(options: argparse.Namespace) -> int:
    from streamfold.adapters.corpus import STALL, add_to_groups, sorted_groups, stats_all
    from streamfold.reducer import to_json

    from .rows import rows_file

    draw = None
    if options.plot is not None:
        from .plot import picture_of

        draw = picture_of(options.plot)
    out = sys.stdout  # before the progress bar puts its own stream there
    groups: Groups = {}
    with rows_file(options.rows) as write_row, executor_of(options) as executor:
        try:
            found = stats_all(recordings_in(options.paths), executor=executor)
            for measurement in with_progress(found, "Measuring"):
                add_to_groups(groups, measurement, options.stall or STALL)
                write_row(measurement)
        finally:  # after Ctrl-C, too
            shown = sorted_groups(groups)
            if options.json:
                for group in shown:
                    write_line(to_json(group.to_dict()), out)
            elif shown:
                printer(out)(_table(shown))
            if draw is not None and shown:
                draw(shown)
    unreadable = any(group.outcome == "unreadable" for group in shown)
    return FAILED if unreadable else OK


_COLUMNS = (
    "model",
    "outcome",
    "count",
    "tokens in",
    "tokens out",
    "first content p50",
    "p95",
    "p99",
    "tokens/s",
    "stalls",
    "faults",
)


def _table(groups: Sequence[Group]) -> list[Piece]:
    """A line in columns for each group, below the names of the columns."""
    rows = [_COLUMNS, *map(_cells, groups)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    pieces: list[Piece] = []
    for position, row in enumerate(rows):
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        pieces.append(("  ".join(cells).rstrip() + "\n", "" if position else "end"))
    return pieces


def _cells(group: Group) -> tuple[str, ...]:
    return (
        one_line(group.model or "(unknown)"),
        group.outcome,
        f"{group.count:,}",
        f"{group.input_tokens:,}",
        f"{group.output_tokens:,}",
        *(_number(group.first_content.percentile(percent), " s") for percent in (50, 95, 99)),
        _number(group.tokens_per_second.percentile(50), ""),
        f"{group.stalls:,}",
        f"{group.faults:,}",
    )


def _number(value: float | None, unit: str) -> str:
    """Three digits of a number; a dash if it is not known."""
    if value is None:
        return "–"
    return f"{value:.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"
