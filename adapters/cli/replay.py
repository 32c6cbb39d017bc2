"""`streamfold replay FILE|-` shows a stream, recorded or just arriving.

What is called `*.jsonl` is a recording, which knows when each chunk came and how it all ended.
Anything else is the raw body of a stream, and is shown while it is read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from .commands import CommandError, open_input, speed, status_of
from .displays import ReadError, add_display_flags, show_body, show_stream

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
        help="a recording (.jsonl), or the raw body of a streamed response (server-sent events); "
        "- for such a body on standard input",
    )
    parser.add_argument(
        "--speed",
        type=speed,
        default=0.0,
        metavar="X",
        help="for a recording: 1 as it was, 2 twice as fast, 0 at once (the default)",
    )
    add_display_flags(parser)
    parser.set_defaults(run=_replay)


def _replay(options: argparse.Namespace) -> int:
    if options.file.endswith(".jsonl"):
        return _replay_recording(options)
    with open_input(options.file) as source:
        return status_of(show_body(_chunks(source), options.display(sys.stdout)))


def _replay_recording(options: argparse.Namespace) -> int:
    from streamfold.transports import Recording, RecordingError, replay

    try:
        recording = Recording.load(options.file)
    except OSError as error:
        raise CommandError(f"{options.file}: {error.strerror}") from error
    except RecordingError as error:
        raise CommandError(error) from error
    with replay(recording, speed=options.speed) as stream:
        return status_of(show_stream(stream, options.display(sys.stdout)))


def _chunks(source: Any) -> Iterator[bytes]:
    """What there is to read as soon as it is there, in one system call each, until the end."""
    try:
        while chunk := source.read1(_CHUNK):
            yield chunk
    except OSError as error:
        raise ReadError(f"the input broke off: {error.strerror}") from error
