"""`streamfold replay FILE|-` shows a stream, recorded or just arriving.

A shell around `feed` and `finish`: it reads bytes as they come, hands the events on to a display,
and says with its exit status whether the message is complete.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from .commands import open_input, status_of
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
    with open_input(options.file) as source:
        return status_of(show_body(_chunks(source), options.display(sys.stdout)))


def _chunks(source: Any) -> Iterator[bytes]:
    """What there is to read as soon as it is there, in one system call each, until the end."""
    try:
        while chunk := source.read1(_CHUNK):
            yield chunk
    except OSError as error:
        raise ReadError(f"the input broke off: {error.strerror}") from error
