"""The arguments of several commands: the input file, `--speed`, and the output format."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, Protocol

from .exit_status import CommandError
from .json_display import EventLines, FinalMessage
from .transcript import Transcript

__all__ = [
    "Commands",
    "add_display_flags",
    "check_input",
    "open_input",
    "speed",
    "tokens_per_second",
]

_INHERITED = ("/dev/stdin", "/dev/fd/")
"""The beginnings of the names of files that the shell has opened: `/dev/fd/63` for `<(…)`."""


class Commands(Protocol):
    """The commands of the command line, to which each module adds its own: see `argparse`."""

    add_parser: Callable[..., argparse.ArgumentParser]


def check_input(name: str) -> None:
    """Refuse a pipe or a device, which might never end, unless the shell has opened it.

    Raises:
        CommandError: it is one.
    """
    is_known = os.path.isfile(name) or os.path.isdir(name) or name.startswith(_INHERITED)
    if not is_known and os.path.exists(name):
        raise CommandError(f"{name}: not a regular file")


def open_input(name: str) -> AbstractContextManager[BinaryIO]:
    """The file `name`, open for reading; for `-` standard input, which is not closed.

    Raises:
        CommandError: it cannot be opened, or is refused by `check_input`.
    """
    if name != "-":
        check_input(name)
        try:
            return open(name, "rb")
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}") from error
    if sys.stdin is None:
        raise CommandError(f"{name}: standard input is closed: name a file")
    return nullcontext(sys.stdin.buffer)


def speed(text: str) -> float:
    """The value of `--speed`: a factor on the recorded speed; 0 for no delay.

    Raises:
        argparse.ArgumentTypeError: it is not a number, negative, infinite or NaN.
    """
    from streamfold.transports.recording import check_speed

    try:
        return check_speed(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a number of at least 0 (0 = no delay), got {text!r}"
        ) from None


def tokens_per_second(text: str) -> float:
    """The value of `--tokens-per-second`.

    Raises:
        argparse.ArgumentTypeError: it is not a finite number above 0.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def add_display_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags for the output format. They set `options.display`, the class of a display."""
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument(
        "--events",
        dest="display",
        action="store_const",
        const=EventLines,
        default=Transcript,
        help="print each derived event as a line of JSON",
    )
    formats.add_argument(
        "--json",
        dest="display",
        action="store_const",
        const=FinalMessage,
        help="print the final message as JSON, as the API returns it without streaming",
    )
