"""What the commands of the command line share: what they read, how one ends, how it says why.

A command is a module with `add_command(commands)`, which adds its parser to those of `cli` and sets
`run` as its default: a function from the parsed options to the exit status. What ends it early is
raised as `CommandError`. Only `cli` knows the list of commands.

    0    all is well
    1    it failed: what there is was shown, standard error says why
    2    a file or a flag that makes no sense
    130  interrupted (Ctrl-C)
    141  whoever read the output has gone (`| head`)
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO

from .terminal import visible

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "MISUSED",
    "OK",
    "UNREAD",
    "CommandError",
    "complain",
    "one_line",
    "open_input",
    "speed",
    "status_of",
]

OK, FAILED, MISUSED, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141


class CommandError(Exception):
    """A command cannot go on.

    Attributes:
        reason: why, for the user.
        status: the exit status; what makes no sense is 2, what failed is 1.
    """

    def __init__(self, reason: object, status: int = MISUSED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def one_line(text: str) -> str:
    r"""`text` in one line, without a character that a terminal obeys.

    >>> one_line("one\ntwo\x1b[31m")
    'one␊two␛[31m'
    """
    return visible(text).replace("\n", "␊")


def complain(reason: object, status: int = FAILED) -> int:
    """Say on standard error, in one line, what went wrong; `status` is handed through."""
    print(f"streamfold: {one_line(str(reason))}", file=sys.stderr)
    return status


def status_of(fault: object | None) -> int:
    """The exit status of a command that came to its end, with this fault or without one."""
    return OK if fault is None else complain(fault)


def open_input(name: str) -> AbstractContextManager[BinaryIO]:
    """The file called `name`; standard input, which stays open, if that is `-`.

    Raises:
        CommandError: it cannot be opened.
    """
    if name != "-":
        try:
            return open(name, "rb")
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}") from error
    if sys.stdin is None:
        raise CommandError(f"{name}: standard input is closed")
    return nullcontext(sys.stdin.buffer)


def speed(text: str) -> float:
    """What `--speed` takes: how many times as fast as recorded, 0 for at once.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    from streamfold.transports.recording import check_speed

    try:
        return check_speed(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a number, 0 or more: {text!r}") from None
