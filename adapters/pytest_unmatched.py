"""The report of a test that failed because no recording answers its request.

The error comes out of the HTTP library, below many frames that do not help. The report is the line
of the test, the error, and the command that records the test again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from streamfold.transports import UnmatchedRequestError

from .pytest_file_names import recording_command, shown_path

__all__ = ["unmatched_request"]


def unmatched_request(
    excinfo: pytest.ExceptionInfo[BaseException], item: pytest.Item
) -> str | None:
    """The report of a failure by `UnmatchedRequestError`; `None` for another failure.

    Args:
        excinfo: the failure; a group of errors, as anyio and trio raise it, is searched.
        item: the test.
    """
    error = next(_unmatched(excinfo.value), None)
    if error is None:
        return None
    message = str(error)
    if error.nearest is not None and os.path.isabs(error.nearest):
        message = message.replace(error.nearest, shown_path(error.nearest, item.config), 1)
    lines = [entry.lineno + 1 for entry in excinfo.traceback if entry.path == item.path]
    place = f"{item.path.name}:{lines[-1]}: " if lines else ""
    return (
        f"{place}{type(error).__name__}: {message}\n"
        "If the new request is intended, record its answer, with real requests to the API:\n"
        f"    {recording_command('all', item)}"
    )


def _unmatched(error: BaseException) -> Iterator[UnmatchedRequestError]:
    """The errors for requests without a recording, also those in groups."""
    if isinstance(error, UnmatchedRequestError):
        yield error
    for inner in getattr(error, "exceptions", ()):
        yield from _unmatched(inner)
