"""`streamfold check FILE|DIR …` folds recordings, and lists those without a complete message.

The outcome of each recording, and the folding, are those of `streamfold.adapters.corpus`. All
outcomes but `complete` fail. Events that could not be folded (`Snapshot.unfolded`, in practice
events newer than this version) are listed as well. With `--strict` they fail, and so does a
stream that breaks a rule of a legal one (`conformance.RULES`); the rules are listed by name.

With `--against MODULE:FUNCTION` it compares an accumulator with the reference instead, lists the
kinds of differences, and saves the smallest recording that shows each kind.

Ctrl-C ends the work at once, and the results so far are shown.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from .arguments import Commands
from .colours import Piece, printer
from .executors import add_executor_flags, executor_of
from .exit_status import FAILED, OK, CommandError
from .json_display import write_line
from .long_work import recordings_in, with_progress
from .visible import one_line

if TYPE_CHECKING:
    from streamfold.adapters.corpus import Difference, Outcome, Report

__all__ = ["add_command"]

_PAGE = 1000
"""The number of lines of the table that are aligned and printed together."""


def add_command(commands: Commands) -> None:
    """Add `check` to the commands."""
    parser = commands.add_parser(
        "check",
        help="fold recordings and list those without a complete message",
        description="Fold each recording, and list those that break the protocol, are not "
        "complete, have an error of the API, or have events that could not be folded.",
        epilog="Exit status: 0 if all are complete, 1 if any is not, 2 for unusable arguments or "
        "an unreadable file.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths",
        metavar="FILE|DIR",
        nargs="+",
        help="a recording (.jsonl) or the raw body of a stream; a directory stands for all "
        ".jsonl and .sse files in it and below it",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="fail for events that could not be folded, and for streams that break a rule of a "
        "legal one",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a line of JSON for each recording"
    )
    parser.add_argument(
        "--against",
        metavar="MODULE:FUNCTION",
        help="compare a function from decoded events to the message with the reference",
    )
    parser.add_argument(
        "--save",
        metavar="DIR",
        default="differences",
        help="with --against: the folder for the smallest recording of each kind "
        "(default: %(default)s)",
    )
    add_executor_flags(parser)
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    with executor_of(options) as executor:
        if options.against is not None:
            return _compare(options, executor)
        return _report(options, executor)


def _report(options: argparse.Namespace, executor: Executor | None) -> int:
    """Check the recordings, and show their reports."""
    from streamfold.adapters.corpus import check_all

    out = sys.stdout  # before the progress bar puts its own stream there
    summary = _Summary()
    rows: list[Report] = []
    show = printer(out)
    try:
        reports = check_all(recordings_in(options.paths), strict=options.strict, executor=executor)
        for report in with_progress(reports, "Checking"):
            summary.add(report, strict=options.strict)
            if options.json:
                write_line(report.to_json(), out)
            elif _remark(report):
                rows.append(report)
                if len(rows) == _PAGE:
                    show(_table(rows))
                    rows.clear()
    finally:  # after Ctrl-C, too
        if not options.json and summary.count:
            show([*_table(rows), *summary.pieces()])
    return FAILED if summary.failed else OK


def _remark(report: Report) -> str:
    """The reason, the unfolded events and the violations on one line; empty without them."""
    names = ", ".join(dict.fromkeys(report.unfolded))
    unfolded = f"unfolded: {names} ({len(report.unfolded)})" if report.unfolded else ""
    violations = f"breaks {', '.join(report.violations)}" if report.violations else ""
    return one_line("; ".join(filter(None, (report.reason, unfolded, violations))))


_ROLES: dict[Outcome, str] = {  # in the order of the summary
    "complete": "result",
    "incomplete": "warning",
    "error": "warning",
    "fault": "failure",
    "unreadable": "failure",
}


def _table(reports: Sequence[Report]) -> list[Piece]:
    """A line in columns for each report."""
    rows = [(one_line(report.file), report) for report in reports]
    name_width = max((len(name) for name, _ in rows), default=0)
    width = max(map(len, _ROLES))
    pieces: list[Piece] = []
    for name, report in rows:
        pieces += [
            (f"{name:{name_width}}  ", ""),
            (f"{report.outcome:{width}}  ", _ROLES[report.outcome]),
            (f"{_remark(report)}\n", ""),
        ]
    return pieces


class _Summary:
    """The number of recordings of each outcome."""

    def __init__(self) -> None:
        self.count = self.failed = 0
        self._remarks = self._unfolded = 0
        self._outcomes: Counter[Outcome] = Counter()

    def add(self, report: Report, *, strict: bool) -> None:
        """Count a report."""
        self.count += 1
        self.failed += report.fails(strict=strict)
        self._remarks += bool(_remark(report))
        self._unfolded += bool(report.unfolded)
        self._outcomes[report.outcome] += 1

    def pieces(self) -> list[Piece]:
        """The last line, with an empty one before it if there was a table."""
        counts = self._outcomes
        parts = [f"{counts[outcome]:,} {outcome}" for outcome in _ROLES if counts[outcome]]
        if self._unfolded:
            parts.append(f"{self._unfolded:,} with unfolded events")
        noun = "recording" if self.count == 1 else "recordings"
        line = f"{self.count:,} {noun}: {', '.join(parts)}\n"
        return [*([("\n", "")] if self._remarks else []), (line, "end")]


# --- an accumulator -----------------------------------------------------------------------------


def _compare(options: argparse.Namespace, executor: Executor | None) -> int:
    """Compare a function with the reference, and show where it differs."""
    import attrs
    from streamfold.adapters.corpus import compare_all, function_named
    from streamfold.reducer import to_json

    try:
        function_named(options.against)
    except (ImportError, ValueError) as error:
        raise CommandError(error) from error
    out = sys.stdout
    differences = _Differences()
    try:
        found = compare_all(recordings_in(options.paths), options.against, executor=executor)
        for difference in with_progress(found, "Comparing"):
            differences.add(difference)
            if options.json:
                write_line(to_json(attrs.asdict(difference)), out)
    finally:
        differences.save(options.save)
        if not options.json:
            printer(out)(differences.pieces(options.save))
    return FAILED if differences.kinds else OK


class _Differences:
    """The kinds of differences: how often each came, and the smallest recording of each.

    Attributes:
        kinds: by kind, the number of recordings.
    """

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self._smallest: dict[str, Difference] = {}
        self._count = self._equal = self._skipped = 0

    def add(self, difference: Difference) -> None:
        """Count a comparison."""
        self._count += 1
        self._skipped += difference.skipped is not None
        self._equal += difference.skipped is None and not difference.kinds
        for kind in difference.kinds:
            self.kinds[kind] += 1
            smallest = self._smallest.get(kind)
            if smallest is None or difference.size < smallest.size:
                self._smallest[kind] = difference

    def save(self, folder: str) -> None:
        """Save the smallest recording of each kind.

        Raises:
            CommandError: one cannot be written.
        """
        from streamfold.adapters.corpus import save_smallest

        if self._smallest:
            try:
                save_smallest(self._smallest, folder)
            except OSError as error:
                raise CommandError(f"{folder}: {error.strerror}", FAILED) from error

    def pieces(self, folder: str) -> list[Piece]:
        """A line for each kind, the most frequent first, with its smallest recording below."""
        pieces: list[Piece] = []
        for kind, count in sorted(self.kinds.items(), key=lambda item: (-item[1], item[0])):
            smallest = self._smallest[kind]
            detail = smallest.details[smallest.kinds.index(kind)]
            pieces += [
                (f"{count:>7,}  ", ""),
                (f"{one_line(kind)}\n", "failure"),
                (f"         {one_line(smallest.file)}: {one_line(detail)}\n", ""),
            ]
        skipped = f", {self._skipped:,} not compared" if self._skipped else ""
        kinds = f", {len(self.kinds):,} kinds of differences" if self.kinds else ""
        saved = f"; the smallest of each is in {one_line(folder)}" if self.kinds else ""
        noun = "recording" if self._count == 1 else "recordings"
        equal = f"{self._equal:,} equal{skipped}{kinds}{saved}"
        return [*pieces, (f"{self._count:,} {noun}: {equal}\n", "end")]
