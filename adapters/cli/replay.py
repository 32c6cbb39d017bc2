"""`streamfold replay FILE|-` shows a recorded or live stream.

A file `*.jsonl` is a recording: it has the time of each chunk and the way the response ended. Any
other file is the raw body of a stream, and is shown while it is read.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamfold.reducer import IncompleteStreamError, Snapshot

from .arguments import (
    Commands,
    add_display_flags,
    check_input,
    open_input,
    speed,
    tokens_per_second,
)
from .display import ReadError, show_body, show_stream
from .exit_status import MISUSED, CommandError, complain, status_of

if TYPE_CHECKING:
    from streamfold.transports import Recording

__all__ = ["add_command"]

_CHUNK = 64 * 1024
"""The largest number of bytes of one read."""


def add_command(commands: Commands) -> None:
    """Add `replay` to the commands."""
    parser = commands.add_parser(
        "replay",
        help="show a recorded or live stream",
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
    paces = parser.add_mutually_exclusive_group()
    paces.add_argument(
        "--speed",
        type=speed,
        default=0.0,
        metavar="X",
        help="for a recording: 1 for the recorded speed, 2 for twice as fast, 0 for no delay (the "
        "default)",
    )
    paces.add_argument(
        "--tokens-per-second",
        type=tokens_per_second,
        metavar="N",
        help="for a raw body, which has no times: show about N tokens a second",
    )
    add_display_flags(parser)
    parser.set_defaults(run=_replay)


def _replay(options: argparse.Namespace) -> int:
    if options.file.endswith(".jsonl"):
        if options.tokens_per_second is not None:
            raise CommandError("--tokens-per-second is for raw bodies: give --speed for recordings")
        return _replay_recording(options)
    if options.speed:
        raise CommandError(
            "--speed is for recordings, because a raw body has no times: give --tokens-per-second"
        )
    with open_input(options.file) as source:
        chunks = _chunks(source)
        if options.tokens_per_second is not None:
            chunks = _paced(chunks, options.tokens_per_second)
        arrived = _Arrived(chunks)
        fault: object = show_body(arrived, options.display(sys.stdout))
    if arrived.bytes and isinstance(fault, IncompleteStreamError) and _is_empty(fault.snapshot):
        fault = f"{options.file}: expected a message stream (server-sent events), found no event"
    return status_of(fault)


class _Arrived:
    """The chunks of an input, counted."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            yield chunk


def _is_empty(snapshot: Snapshot | None) -> bool:
    return snapshot is None or (
        snapshot.message is None and snapshot.error is None and not snapshot.unfolded
    )


def _replay_recording(options: argparse.Namespace) -> int:
    from streamfold.transports import Recording, RecordingError, replay

    check_input(options.file)
    try:
        recording = Recording.load(options.file)
    except OSError as error:
        raise CommandError(f"{options.file}: {error.strerror}") from error
    except RecordingError as error:
        rescued = _rescued(Path(options.file))
        if rescued is None:
            raise CommandError(error) from error
        with replay(rescued, speed=options.speed) as stream:
            show_stream(stream, options.display(sys.stdout))
        return complain(error, MISUSED)
    with replay(recording, speed=options.speed) as stream:
        return status_of(show_stream(stream, options.display(sys.stdout)))


def _rescued(path: Path) -> Recording | None:
    """The recording in the whole lines of an unfinished file; `None` if they do not form one."""
    from streamfold.transports import Recording, RecordingError

    head, *lines = path.read_bytes().split(b"\n")
    whole = lines[:-1]  # the line that was cut follows the last line feed
    try:
        fields = json.loads(head)
        fields.update(chunks=len(whole), ended="cut")
        fields.pop("error", None)
        return Recording.from_bytes(b"\n".join([json.dumps(fields).encode(), *whole, b""]))
    except (AttributeError, RecordingError, RecursionError, ValueError):
        return None


_BYTES_PER_TOKEN = 130
"""The size of an event with one token, in bytes, for the pace of a raw body."""


def _paced(chunks: Iterable[bytes], tokens_per_second: float) -> Iterator[bytes]:
    """The same bytes line by line, at about this pace."""
    start, shown = time.monotonic(), 0
    for chunk in chunks:
        for line in chunk.splitlines(keepends=True):
            shown += len(line)
            due = start + shown / (_BYTES_PER_TOKEN * tokens_per_second)
            time.sleep(max(0.0, due - time.monotonic()))
            yield line


def _chunks(source: Any) -> Iterator[bytes]:
    """The bytes of `source` as soon as they arrive, one system call per chunk."""
    try:
        while chunk := source.read1(_CHUNK):
            yield chunk
    except OSError as error:
        raise ReadError(f"cannot read the input to its end: {error.strerror}") from error
