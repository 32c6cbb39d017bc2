"""`streamfold check FILE|DIR …` folds recordings, and lists those without a complete message.

Each recording is folded as a client folds its stream. The outcome is one of:

    complete     the message is complete
    incomplete   the stream was cut off, or the connection failed
    error        the API reported an error, in an `error` event or by the status
    fault        the stream breaks the protocol
    unreadable   the file is not a recording, or not a whole one

All outcomes but the first fail. Events that could not be folded (`Snapshot.unfolded`, in practice
events newer than this version) are listed as well; with `--strict` they fail.

One recording is in memory at a time. A recording costs half a millisecond, and a few microseconds
per event.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
from streamfold.reducer import to_json

from .arguments import Commands
from .colours import Piece, printer, rich_console
from .display import refuse_failure
from .exit_status import FAILED, OK, CommandError
from .json_display import write_line
from .visible import one_line

__all__ = ["Report", "add_command", "check"]

Outcome = Literal["complete", "incomplete", "error", "fault", "unreadable"]
_OUTCOMES: tuple[Outcome, ...] = ("complete", "incomplete", "error", "fault", "unreadable")

_MANY = 100
"""The number of recordings from which a progress bar is shown."""


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
        "--strict", action="store_true", help="fail for events that could not be folded, too"
    )
    parser.add_argument(
        "--json", action="store_true", help="print a line of JSON for each recording"
    )
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    out = sys.stdout  # before the progress bar puts its own stream there
    reports: list[Report] = []
    for path in _with_progress(_files(options.paths)):
        report = check(path)
        reports.append(report)
        if options.json:
            write_line(report.to_json(), out)
    if not options.json:
        printer(out)([*_table(reports), *_summary(reports)])
    failed = any(report.fails(strict=options.strict) for report in reports)
    return FAILED if failed else OK


# --- one recording ------------------------------------------------------------------------------


@attrs.frozen
class Report:
    """The result of checking one recording.

    Attributes:
        file: the path of the file, as given.
        outcome: see above.
        reason: the reason why the message is not complete; `None` for a complete one.
        stop_reason: the message's stop reason, if it has one.
        unfolded: the types of the events that could not be folded, in order.
    """

    file: str
    outcome: Outcome
    reason: str | None = None
    stop_reason: str | None = None
    unfolded: tuple[str, ...] = ()

    def fails(self, *, strict: bool = False) -> bool:
        """Whether the check failed; with `strict`, unfolded events fail it too."""
        return self.outcome != "complete" or (strict and bool(self.unfolded))

    def to_json(self) -> str:
        """The report as one line of JSON."""
        return to_json(attrs.asdict(self))

    def remark(self) -> str:
        """The reason and the unfolded events on one line; empty without either."""
        names = ", ".join(dict.fromkeys(self.unfolded))
        unfolded = f"unfolded: {names} ({len(self.unfolded)})" if self.unfolded else ""
        return one_line("; ".join(filter(None, (self.reason, unfolded))))


def check(path: str | os.PathLike[str]) -> Report:
    """Fold the recording, or the raw body, in a file.

    Args:
        path: a file `*.jsonl` is a recording, any other the raw body of a stream.

    >>> check("tests/recordings/text.sse")
    Report(file='tests/recordings/text.sse', outcome='complete', reason=None, \
stop_reason='end_turn', unfolded=())
    >>> check("tests/recordings/cut-text.sse").reason
    'the stream ended before the message was complete'
    """
    from streamfold.transports import Recording, RecordingError, replay
    from streamfold.transports.recording import check_regular

    file = os.fspath(path)
    try:
        check_regular(path)
        recording = Recording.load(path)
    except OSError as error:
        return Report(file, "unreadable", error.strerror)
    except RecordingError as error:
        return Report(file, "unreadable", str(error).removeprefix(f"{file}, "))
    with replay(recording) as stream:
        outcome, reason = _fold(stream)
        snapshot = stream.snapshot
    return Report(
        file,
        outcome,
        reason,
        stop_reason=snapshot.message.stop_reason if snapshot.message else None,
        unfolded=tuple(event.type for event in snapshot.unfolded),
    )


def _fold(stream: Any) -> tuple[Outcome, str | None]:
    """Read a stream to its end: the outcome, and its reason."""
    from streamfold.reducer import IncompleteStreamError, ProtocolError
    from streamfold.transports import APIConnectionError, APIError

    try:
        refuse_failure(stream)
        stream.get_final_message()
    except (IncompleteStreamError, APIConnectionError) as error:
        return "incomplete", str(error)
    except APIError as error:
        return "error", str(error)
    except ProtocolError as error:
        return "fault", str(error)
    return "complete", None


# --- many ---------------------------------------------------------------------------------------


def _files(names: Sequence[str]) -> list[Path]:
    """The files named by `names` and those in the directories named, each once.

    Raises:
        CommandError: a name does not exist, or a directory has no recordings or cannot be read.
    """
    from streamfold.transports import recording_files

    found: dict[Path, None] = {}
    for name in names:
        if not os.path.exists(name):
            raise CommandError(f"{name}: no such file or directory")
        try:
            files = recording_files(name) if os.path.isdir(name) else [Path(name)]
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        if not files:
            raise CommandError(f"{name}: expected recordings (*.jsonl, *.sse) in it, found none")
        found.update(dict.fromkeys(files))
    return list(found)


def _with_progress(files: list[Path]) -> Iterable[Path]:
    """`files`, one by one; many of them with a progress bar, if standard error is a terminal."""
    console = rich_console(sys.stderr) if len(files) >= _MANY else None
    if console is None:
        return files
    from rich.progress import track

    return track(files, "Checking", console=console, transient=True)


_ROLES: dict[Outcome, str] = {
    "complete": "result",
    "incomplete": "warning",
    "error": "warning",
    "fault": "failure",
    "unreadable": "failure",
}


def _table(reports: Iterable[Report]) -> list[Piece]:
    """A line in columns for each report with a remark."""
    rows = [(one_line(report.file), report) for report in reports if report.remark()]
    name_width = max((len(name) for name, _ in rows), default=0)
    width = max(map(len, _OUTCOMES))
    pieces: list[Piece] = []
    for name, report in rows:
        pieces += [
            (f"{name:{name_width}}  ", ""),
            (f"{report.outcome:{width}}  ", _ROLES[report.outcome]),
            (f"{report.remark()}\n", ""),
        ]
    return [*pieces, ("\n", "")] if pieces else []


def _summary(reports: Sequence[Report]) -> list[Piece]:
    """The number of recordings of each outcome."""
    counts = Counter(report.outcome for report in reports)
    parts = [f"{counts[outcome]:,} {outcome}" for outcome in _OUTCOMES if counts[outcome]]
    unfolded = sum(bool(report.unfolded) for report in reports)
    if unfolded:
        parts.append(f"{unfolded:,} with unfolded events")
    noun = "recording" if len(reports) == 1 else "recordings"
    return [(f"{len(reports):,} {noun}: {', '.join(parts)}\n", "end")]
