"""The list of recordings that a recording run did not write, at its end.

The worker of a test under xdist adds an attribute to the report of the test, because attributes of
reports reach the process that prints.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .pytest_file_names import shown_path

__all__ = ["Unwritten", "note_unwritten"]

_ATTRIBUTE = "streamfold_unwritten"


def note_unwritten(report: pytest.TestReport, path: Path, *, passed: bool) -> None:
    """Note in the report of a test that its new recordings were not written.

    Args:
        report: the report of the test's teardown.
        path: the recording of its first request.
        passed: whether the test passed, so that the reason is that no answer came.
    """
    reason = "no answer came" if passed else "the test did not pass"
    fate = "kept the old recording" if path.exists() else "nothing was written"
    vars(report)[_ATTRIBUTE] = [str(path), f"{fate}, because {reason}"]


class Unwritten:
    """A pytest plugin that lists the recordings that were not written, at the end of a run."""

    def __init__(self, config: pytest.Config) -> None:
        """Watch a run."""
        self._config = config
        self._notes: list[list[str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the note of a report."""
        note = vars(report).get(_ATTRIBUTE)
        if note is not None:
            self._notes.append(note)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the recordings, if there are any."""
        if self._notes:
            terminalreporter.section("recordings that were not written", sep="-")
            for path, note in self._notes:
                terminalreporter.line(f"{shown_path(path, self._config)}: {note}")
