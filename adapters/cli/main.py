"""`main`, the entry point of the command line: its parser, its commands, and the exit status.

A command is a module with a function `add_command(commands)`. It adds the command's parser to those
of the command line, and sets `run`, a function from the parsed options to the exit status, as a
default of that parser. A command that cannot go on raises `CommandError`.

A command imports its libraries when it runs, so the command line starts fast, and starts without
any extra.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from . import check, conform, fuzz, inspect, record, replay, serve, stats
from .exit_status import BROKEN_PIPE, FAILED, INTERRUPTED, MISUSED, OK, CommandError, complain

__all__ = ["main"]

_COMMANDS = (replay, record, inspect, check, stats, serve, fuzz, conform)
"""The commands, in the order of the help."""


def _parser() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The parser of the command line, and those of the commands by name."""
    parser = argparse.ArgumentParser(
        prog="streamfold",
        description="Show, record, check, measure, serve and test Anthropic message streams.",
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in _COMMANDS:
        command.add_command(commands)
    return parser, commands.choices


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("streamfold")
    except PackageNotFoundError:
        return "(not installed)"


def _run(argv: Sequence[str] | None) -> int:
    parser, commands = _parser()
    options, unknown = parser.parse_known_args(argv)
    if unknown:  # the command's own parser shows its own usage
        commands.get(options.command, parser).error(f"unrecognized arguments: {' '.join(unknown)}")
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


def _flush_or_discard(stream: TextIO) -> None:
    """Flush the stream. On failure, discard the rest, which Python would flush again at exit."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the arguments after the program's name; by default those of the process.

    Returns:
        The exit status: see `exit_status`.

    Raises:
        SystemExit: with status 2 for unusable arguments, with 0 after `--help`.
    """
    try:
        return _run(argv)
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            print()  # so that the shell's prompt begins a line
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except OSError as error:
        return complain(f"cannot write the output: {error.strerror}", FAILED)
    finally:
        _flush_or_discard(sys.stdout)
        _flush_or_discard(sys.stderr)
