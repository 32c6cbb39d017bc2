"""`streamfold replay FILE|-` shows a stream, recorded or just arriving.

A file `*.jsonl` is a recording: it has the time of each chunk and the way the response ended. Any
other file is the raw body of a stream, and is shown while it is read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from .arguments import Commands, add_display_flags, open_input, speed
from .display import ReadError, show_body, show_stream
from .exit_status import CommandError, status_of

__all__ = ["add_command"]

_CHUNK = 64 * 1024
"""The largest number of bytes of one read."""


def add_command(commands: Commands) -> None:
    """Add `replay` to the commands."""
    parser = commands.add_parser(
        "replay",
        help="show a stream, recorded or just arriving",
        description="Show a message stream: its text as it comes, its thinking, its tool calls and "
        "their results, and in the last line its stop reason and token counts.",
        epilog="Exit status: 0 for a complete message, 1 for an incomplete or failed one, "
        "2 for unusable arguments or an unreadable file.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a recording (.jsonl), or the raw body of a streamed response (server-sent events, or "
        "Amazon's event stream); - for such a body on standard input",
    )
    parser.add_argument(
        "--speed",
        type=speed,
        default=0.0,
        metavar="X",
        help="for a recording: 1 for the recorded speed, 2 for twice as fast, 0 for no delay (the "
        "default)",
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
    """The bytes of `source` as soon as they arrive, one system call per chunk."""
    try:
        while chunk := source.read1(_CHUNK):
            yield chunk
    except OSError as error:
        raise ReadError(f"cannot read the input to its end: {error.strerror}") from error
