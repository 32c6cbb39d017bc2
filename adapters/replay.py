"""`streamfold replay FILE|-` shows a stream, recorded or just arriving.

A shell around `feed` and `finish`: it reads bytes as they come, hands the events on to a display,
and says with its exit status whether the message is complete.
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .commands import CommandError
from .displays import ReadError, add_display_flags, show_body

__all__ = ["add_command"]

_CHUNK = 64 * 1024
"""Bytes that one read takes at most."""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `replay` to the commands."""
    parser = commands.add_parser(
        "replay",
        help="show a stream: a recorded one, or one that is just arriving",
        description="Show a message stream: its text as it comes, its thinking, its tool calls and "
        "their results, and in the last line why it stopped and what it cost.",
        epilog="Exit status: 0 for a complete message, 1 for an incomplete or failed one, "
        "2 for a file or a flag that makes no sense.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="the raw body of a streamed response (server-sent events); - for standard input",
    )
    add_display_flags(parser)
    parser.set_defaults(run=_replay)


def _replay(options: argparse.Namespace) -> int:
    try:
        opened = _open(options.file)
    except OSError as error:
        raise CommandError(f"{options.file}: {error.strerror}") from error
    with opened as source:
        return show_body(_chunks(source), options.display(sys.stdout))


# --- the input ----------------------------------------------------------------------------------


def _open(name: str) -> AbstractContextManager[Any]:
    """The file called `name`; standard input, which stays open, if that is `-`."""
    if name != "-":
        return open(name, "rb")
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed")
    return nullcontext(sys.stdin.buffer)


def _chunks(source: Any) -> Iterator[bytes]:
    """What there is to read as soon as it is there, in one system call each, until the end."""
    try:
        while chunk := source.read1(_CHUNK):
            yield chunk
    except OSError as error:
        raise ReadError(f"the input broke off: {error.strerror}") from error
