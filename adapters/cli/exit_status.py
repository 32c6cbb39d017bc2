"""The exit statuses of all commands, and the error that ends a command early.

0    success
1    failure: the output shows the part that came, standard error has the reason
2    unusable arguments or an unreadable file
130  interrupted (Ctrl-C)
141  the reader of the output has closed it (`| head`)
"""

from __future__ import annotations

import sys

from .visible import one_line

__all__ = [
    "BROKEN_PIPE",
    "FAILED",
    "INTERRUPTED",
    "MISUSED",
    "OK",
    "CommandError",
    "complain",
    "status_of",
]

OK, FAILED, MISUSED, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


class CommandError(Exception):
    """A command cannot go on.

    Attributes:
        reason: the message for the user, or the error with that message.
        status: the exit status: 2 for unusable arguments or files, 1 for other failures.
    """

    def __init__(self, reason: object, status: int = MISUSED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def complain(reason: object, status: int = FAILED) -> int:
    """Print `reason` on standard error, on one line; return `status`."""
    print(f"streamfold: {one_line(str(reason))}", file=sys.stderr)
    return status


def status_of(fault: object | None) -> int:
    """Print the fault of a stream, if it has one, and return the command's exit status."""
    return OK if fault is None else complain(fault)
