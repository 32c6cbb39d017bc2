"""The command line: `streamfold COMMAND …`. The parser, the list of commands, and how they end.

Each command is a module of its own (see `commands`), which imports what it needs when it runs: the
command line is there at once, whatever is installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from . import check, fuzz, record, replay, serve
from .commands import FAILED, INTERRUPTED, MISUSED, OK, UNREAD, CommandError, complain

__all__ = ["main"]

_COMMANDS = (replay, record, check, serve, fuzz)
"""The commands, in the order in which the help shows them."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streamfold",
        description="Fold Anthropic message streams.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version, and end")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in _COMMANDS:
        command.add_command(commands)
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
        return OK
    if options.command is None:
        parser.print_help(sys.stderr)
        return MISUSED
    try:
        status: int = options.run(options)
    except CommandError as error:
        return complain(error.reason, error.status)
    return status


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
        The exit status: see `commands`.

    Raises:
        SystemExit: with status 2 for a flag that makes no sense, with 0 after `--help`.
    """
    try:
        return _run(argv)
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            print()  # the shell's prompt belongs on a line of its own
        return INTERRUPTED
    except BrokenPipeError:
        return UNREAD
    except OSError as error:
        return complain(f"cannot write: {error.strerror}", FAILED)
    finally:
        _let_go(sys.stdout)
        _let_go(sys.stderr)
