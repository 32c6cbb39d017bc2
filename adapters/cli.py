"""The command line: `streamfold replay FILE|-` shows a stream, recorded or just arriving.

A shell around `feed` and `finish`: it reads bytes as they come, hands the events on to one of three
displays, and says with its exit status how the stream ended:

    0    the message is complete
    1    it is not, or the stream failed: what there is was shown, standard error says why
    2    a file or a flag that makes no sense
    130  interrupted (Ctrl-C)
    141  whoever read the output has gone (`| head`)

A display has two methods: `show(events, snapshot)` after each chunk, `close(snapshot)` at the end.
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TextIO

from streamfold.reducer import (
    ProtocolError,
    Snapshot,
    StreamfoldError,
    StreamState,
    feed,
    finish,
)

from .terminal import Transcript, visible

__all__ = ["main"]

_CHUNK = 64 * 1024
"""Bytes that one read takes at most."""

_COMPLETE, _FAILED, _MISUSED, _INTERRUPTED, _UNREAD = 0, 1, 2, 130, 141

# --- displays -----------------------------------------------------------------------------------


class Display(Protocol):
    """What shows a stream."""

    def __init__(self, out: TextIO) -> None: ...

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Show the events of one chunk; `snapshot` is what they led to."""

    def close(self, snapshot: Snapshot) -> None:
        """Show what is left at the end of the input."""


class EventLines:
    """Each derived event as a line of JSON."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Write the events, one a line."""
        for event in events:
            _write_json(_UNSEEN.sub(_escape, event.to_json()), self._out)
        self._out.flush()

    def close(self, snapshot: Snapshot) -> None:
        """Nothing is left."""


class FinalMessage:
    """The message at the end, as the API would have returned it unstreamed."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Wait for the end."""

    def close(self, snapshot: Snapshot) -> None:
        """Write the message, if there is one."""
        if snapshot.message is not None:
            text = snapshot.message.to_json(indent=2)
            _write_json(_UNSEEN.sub(_escape, text) if self._out.isatty() else text, self._out)
            self._out.flush()


_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON lets stand, but some terminals obey and some programs take for the end of a line."""
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def _write_json(text: str, out: TextIO) -> None:
    """Write a JSON text and a line feed; what the encoding cannot say, as escapes."""
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        text = _NOT_ASCII.sub(_escape, text)
    out.write(f"{text}\n")


def _escape(character: re.Match[str]) -> str:
    units = character[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


# --- the input ----------------------------------------------------------------------------------


class _ReadError(Exception):
    """The input could not be read to its end."""


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
        raise _ReadError(f"the input broke off: {error.strerror}") from error


# --- the command --------------------------------------------------------------------------------


def _replay(source: Any, display: Display) -> int:
    """Show the stream in `source`, as far as it goes; the exit status."""
    state = StreamState()
    fault: Exception | None = None
    try:
        for chunk in _chunks(source):
            state, events = feed(state, chunk)
            display.show(events, state.snapshot)
        finish(state)
    except (StreamfoldError, _ReadError) as error:
        fault = error
    snapshot = state.snapshot
    if isinstance(fault, ProtocolError):
        snapshot = fault.snapshot or snapshot
        display.show(fault.events, snapshot)
    display.close(snapshot)
    return _COMPLETE if fault is None else _complain(fault, _FAILED)


def _complain(reason: object, status: int) -> int:
    """Say on standard error, in one line, what went wrong; `status` is handed through."""
    line = visible(str(reason)).replace("\n", "␊")
    print(f"streamfold: {line}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streamfold",
        description="Fold Anthropic message streams.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version, and end")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    replay = commands.add_parser(
        "replay",
        help="show a stream: a recorded one, or one that is just arriving",
        description="Show a message stream: its text as it comes, its thinking, its tool calls and "
        "their results, and in the last line why it stopped and what it cost.",
        epilog="Exit status: 0 for a complete message, 1 for an incomplete or failed one, "
        "2 for a file or a flag that makes no sense.",
        allow_abbrev=False,
    )
    replay.add_argument(
        "file",
        metavar="FILE",
        help="the raw body of a streamed response (server-sent events); - for standard input",
    )
    formats = replay.add_mutually_exclusive_group()
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
        help="print the final message as JSON, as the API returns it unstreamed",
    )
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("streamfold")
    except PackageNotFoundError:
        return "(not installed)"


def _run(argv: Sequence[str] | None) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.version:
        print(f"streamfold {_version()}")
        return _COMPLETE
    if options.command is None:
        parser.print_help(sys.stderr)
        return _MISUSED
    try:
        opened = _open(options.file)
    except OSError as error:
        return _complain(f"{options.file}: {error.strerror}", _MISUSED)
    with opened as source:
        return _replay(source, options.display(sys.stdout))


def _let_go(stream: TextIO) -> None:
    """Point a stream that cannot be written at nothing, or Python would complain at exit."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the arguments behind the program's name; those of the process unless told.

    Returns:
        The exit status.

    Raises:
        SystemExit: with status 2 for a flag that makes no sense, with 0 after `--help`.
    """
    try:
        return _run(argv)
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            print()  # the shell's prompt belongs on a line of its own
        return _INTERRUPTED
    except BrokenPipeError:
        return _UNREAD
    except OSError as error:
        return _complain(f"cannot write: {error.strerror}", _FAILED)
    finally:
        _let_go(sys.stdout)
        _let_go(sys.stderr)


if __name__ == "__main__":  # pragma: no cover: as a process of its own, which the tests start
    sys.exit(main())
