"""`streamfold check FILE|DIR …` folds recordings, and tells which of them are no whole messages.

Each is folded as a client would fold it, and is one of:

    complete     the message is whole
    incomplete   it was cut off, or the connection failed
    error        the API said so: an `error` event, or a status that is none of success
    fault        it breaks the protocol
    unreadable   it is no recording, or not a whole one

All but the first fail. Events that could not be folded (`Snapshot.unfolded`: what the protocol did
not know when this was written) are told, too; with `--strict` they fail.

One recording is in memory at a time. Thousands take seconds: half a millisecond each, and a few
microseconds an event.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from .commands import FAILED, OK, CommandError, one_line
from .displays import refuse_failure, write_json
from .terminal import Piece, printer, rich_console

__all__ = ["Report", "add_command", "check"]

Outcome = Literal["complete", "incomplete", "error", "fault", "unreadable"]
_OUTCOMES: tuple[Outcome, ...] = ("complete", "incomplete", "error", "fault", "unreadable")

_MANY = 100
"""So many take a moment: they are shown to make progress."""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `check` to the commands."""
    parser = commands.add_parser(
        "check",
        help="fold recordings, and tell which are no whole messages",
        description="Fold each recording, and tell which of them break the protocol, are not "
        "complete, failed at the API, or have events that could not be folded.",
        epilog="Exit status: 0 if all are complete, 1 if any is not, 2 for a file or a flag that "
        "makes no sense.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths",
        metavar="FILE|DIR",
        nargs="+",
        help="a recording (.jsonl) or the raw body of a stream; a directory stands for all .jsonl "
        "and .sse files in it and below it",
    )
    parser.add_argument(
        "--strict", action="store_true", help="events that could not be folded fail, too"
    )
    parser.add_argument(
        "--json", action="store_true", help="print a line of JSON for each recording"
    )
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    out = sys.stdout  # while progress is shown, rich has its own in its place
    reports: list[Report] = []
    for path in _with_progress(_files(options.paths)):
        report = check(path)
        reports.append(report)
        if options.json:
            write_json(report.to_json(), out)
    if not options.json:
        printer(out)([*_table(reports), *_summary(reports)])
    failed = any(report.fails(strict=options.strict) for report in reports)
    return FAILED if failed else OK


# --- one recording ------------------------------------------------------------------------------


@attrs.frozen
class Report:
    """What became of a recording.

    Attributes:
        file: its name.
        outcome: what it is: see above.
        reason: why it is not complete.
        stop_reason: why the message stopped, as far as it says.
        unfolded: the types of the events that could not be folded, in order.
    """

    file: str
    outcome: Outcome
    reason: str | None = None
    stop_reason: str | None = None
    unfolded: tuple[str, ...] = ()

    def fails(self, *, strict: bool = False) -> bool:
        """Whether it is not as it should be; if `strict`, unfolded events are not, either."""
        return self.outcome != "complete" or (strict and bool(self.unfolded))

    def to_json(self) -> str:
        """The report as one line of JSON."""
        return json.dumps(attrs.asdict(self), ensure_ascii=False)

    def words(self) -> str:
        """What there is to say of it, in one line; empty if all is well."""
        names = ", ".join(dict.fromkeys(self.unfolded))
        unfolded = f"unfolded: {names} ({len(self.unfolded)})" if self.unfolded else ""
        return one_line("; ".join(filter(None, (self.reason, unfolded))))


def check(path: str | os.PathLike[str]) -> Report:
    """Fold the recording, or the raw body, in a file.

    >>> check("tests/recordings/text.sse")
    Report(file='tests/recordings/text.sse', outcome='complete', reason=None, \
stop_reason='end_turn', unfolded=())
    >>> check("tests/recordings/cut-text.sse").reason
    'the stream ended before the message was complete'
    """
    from streamfold.transports import Recording, RecordingError, replay

    file = os.fspath(path)
    try:
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
    """Read a stream to its end: how it ended, and why."""
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
    """The files that are meant by names of files and directories, each once.

    Raises:
        CommandError: there is nothing of that name, nothing in it, or it cannot be searched.
    """
    from streamfold.transports import recording_files

    found: dict[Path, None] = {}
    for name in names:
        if not os.path.exists(name):
            raise CommandError(f"{name}: there is no such file or directory")
        try:
            files = recording_files(name) if os.path.isdir(name) else [Path(name)]
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        if not files:
            raise CommandError(f"{name}: there are no recordings in it (*.jsonl, *.sse)")
        found.update(dict.fromkeys(files))
    return list(found)


def _with_progress(files: list[Path]) -> Iterable[Path]:
    """`files`, one by one; if there are many, with a bar on standard error if it is a terminal."""
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
    """A line for each of which there is something to say, in columns."""
    rows = [(one_line(report.file), report) for report in reports if report.words()]
    name_width = max((len(name) for name, _ in rows), default=0)
    width = max(map(len, _OUTCOMES))
    pieces: list[Piece] = []
    for name, report in rows:
        pieces += [
            (f"{name:{name_width}}  ", ""),
            (f"{report.outcome:{width}}  ", _ROLES[report.outcome]),
            (f"{report.words()}\n", ""),
        ]
    return [*pieces, ("\n", "")] if pieces else []


def _summary(reports: Sequence[Report]) -> list[Piece]:
    """How many there are of each kind."""
    counts = Counter(report.outcome for report in reports)
    told = [f"{counts[outcome]:,} {outcome}" for outcome in _OUTCOMES if counts[outcome]]
    unfolded = sum(bool(report.unfolded) for report in reports)
    if unfolded:
        told.append(f"{unfolded:,} with unfolded events")
    noun = "recording" if len(reports) == 1 else "recordings"
    return [(f"{len(reports):,} {noun}: {', '.join(told)}\n", "end")]
