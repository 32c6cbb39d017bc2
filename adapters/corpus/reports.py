"""`check`: one recording folded as a client folds its stream, and the outcome as a `Report`.

The outcome is one of:

    complete     the message is complete
    incomplete   the stream was cut off, or the connection failed
    error        the API reported an error, in an `error` event or by the status
    fault        the stream breaks the protocol
    unreadable   the file is not a recording, or not a whole one; or its worker was lost

`check` never raises, so that one file does not affect the results of others. A recording costs half
a millisecond, and a few microseconds an event.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import Any, Literal

import attrs
from streamfold.reducer import (
    IncompleteStreamError,
    Message,
    ProtocolError,
    Snapshot,
    Timing,
    to_json,
)
from streamfold.transports import (
    APIConnectionError,
    APIError,
    Recording,
    RecordingError,
    replay,
)

from .files import Path, expand_paths, load
from .spreading import spread

__all__ = ["OUTCOMES", "Outcome", "Report", "check", "check_all", "examine"]

Outcome = Literal["complete", "incomplete", "error", "fault", "unreadable"]
OUTCOMES: tuple[Outcome, ...] = ("complete", "incomplete", "error", "fault", "unreadable")


@attrs.frozen
class Report:
    """The result of checking one recording.

    Attributes:
        file: the name of the file.
        outcome: see above.
        reason: the reason why the message is not complete; `None` for a complete one.
        stop_reason: the message's stop reason, if it has one.
        unfolded: the types of the events that could not be folded, in order.
        violations: the rules that the stream breaks, each once; found with `strict` only.
    """

    file: str
    outcome: Outcome
    reason: str | None = None
    stop_reason: str | None = None
    unfolded: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()

    def fails(self, *, strict: bool = False) -> bool:
        """Whether the check failed; with `strict`, unfolded events and violations fail it too."""
        return self.outcome != "complete" or (strict and bool(self.unfolded or self.violations))

    def to_json(self) -> str:
        """The report as one line of JSON."""
        fields = attrs.asdict(self)
        if not self.violations:
            del fields["violations"]
        return to_json(fields)


def check(file: Path, *, strict: bool = False) -> Report:
    """Fold the recording, or the raw body, in a file.

    Args:
        file: a name that `expand_paths` gives; `*.jsonl` is a recording, any other the raw body of
            a stream.
        strict: also check the stream against the rules of a legal one (`conformance.RULES`).

    >>> check("tests/recordings/text.sse")
    Report(file='tests/recordings/text.sse', outcome='complete', reason=None, \
stop_reason='end_turn', unfolded=(), violations=())
    >>> check("tests/recordings/cut-text.sse").reason
    'the stream ended before the message was complete'
    """
    report, _ = examine(file)
    if not strict or report.outcome == "unreadable":
        return report
    return attrs.evolve(report, violations=_violations(load(report.file)))


def _violations(recording: Recording) -> tuple[str, ...]:
    """The names of the rules that a recorded stream of server-sent events breaks, each once.

    A failed response and a body in another form, compressed or in Bedrock's frames, are not judged.
    """
    from streamfold.adapters.conformance import lint_body

    headers = {name.lower(): value for name, value in recording.response.headers}
    is_judged = (
        recording.response.status < 300
        and "content-encoding" not in headers
        and headers.get("content-type", "text/event-stream").startswith("text/event-stream")
    )
    if not is_judged:
        return ()
    return tuple(dict.fromkeys(violation.rule for violation in lint_body(recording.body)))


def check_all(
    paths: Iterable[Path], *, strict: bool = False, executor: Executor | None = None
) -> Iterator[Report]:
    """Check every recording that paths stand for.

    Args:
        paths: files, directories, `.zip` archives, and URLs of any of these.
        strict: also check the streams against the rules of a legal one: see `check`.
        executor: runs the checks; without one, the calling thread does.

    Returns:
        An iterator over the reports, in the order of the files.

    Raises:
        ImportError: a path is a URL or an archive, and fsspec is not installed.

    >>> reports = check_all(["tests/recordings/text.sse", "tests/recordings/cut-text.sse"])
    >>> [report.outcome for report in reports]
    ['complete', 'incomplete']
    """
    return spread(partial(check, strict=strict), expand_paths(paths), executor, lost_report)


def lost_report(file: str, error: BaseException) -> Report:
    """The report of a file whose worker was lost each time."""
    return Report(file, "unreadable", f"the worker that read it was lost ({type(error).__name__})")


@attrs.frozen
class Seen:
    """The results of folding a recording besides its report.

    Attributes:
        message: the message as far as it came.
        timing: when its events came.
    """

    message: Message | None = None
    timing: Timing = Timing()


def examine(file: Path) -> tuple[Report, Seen]:
    """Fold a recording once: its report, with its message and its timing."""
    name = os.fspath(file)
    try:
        recording = load(name)
    except RecordingError as error:
        where = f"{name}, " if "://" not in name else "recording, "
        return Report(name, "unreadable", str(error).removeprefix(where)), Seen()
    except OSError as error:
        return Report(name, "unreadable", error.strerror or str(error)), Seen()
    except Exception as error:  # from any of the libraries that fsspec uses
        return Report(name, "unreadable", f"{type(error).__name__}: {error}"), Seen()
    with replay(recording) as stream:
        outcome, reason = _fold(stream)
        snapshot, timing = stream.snapshot, stream.timing
    return _report(name, outcome, reason, snapshot), Seen(snapshot.message, timing)


def _report(name: str, outcome: Outcome, reason: str | None, snapshot: Snapshot) -> Report:
    message = snapshot.message
    return Report(
        name,
        outcome,
        reason,
        stop_reason=message.stop_reason if message else None,
        unfolded=tuple(event.type for event in snapshot.unfolded),
    )


def _fold(stream: Any) -> tuple[Outcome, str | None]:
    """Read a stream to its end: the outcome, and its reason."""
    try:
        stream.get_final_message()
    except (IncompleteStreamError, APIConnectionError) as error:
        return "incomplete", str(error)
    except APIError as error:
        return "error", str(error)
    except ProtocolError as error:
        return "fault", str(error)
    return "complete", None
