"""`streamfold inspect FILE [FILE]` shows a recording, or two side by side, in the browser.

The page is one HTML file: see `streamfold.adapters.inspector`. Without `-o` it goes to the folder
for temporary files, and the browser opens it. Only its owner can read the file, as with recordings.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import webbrowser
from pathlib import Path

from .arguments import Commands, check_input
from .exit_status import FAILED, OK, CommandError, complain
from .visible import one_line

__all__ = ["add_command"]


def add_command(commands: Commands) -> None:
    """Add `inspect` to the commands."""
    parser = commands.add_parser(
        "inspect",
        help="show a recording in the browser, event by event",
        description="Write a page that shows a recording event by event: what each event changed, "
        "its bytes, when it came, and what went wrong. With two recordings the page compares them.",
        epilog="Exit status: 0 if the page was written, 1 if no browser could be opened, 2 for "
        "unusable arguments or an unreadable file.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths",
        metavar="FILE",
        nargs="+",
        help="a recording (.jsonl) or the raw body of a stream; two to compare them",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PAGE.html",
        help="write the page to this file, and open no browser; - for standard output",
    )
    parser.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> int:
    from streamfold.adapters.inspector import render
    from streamfold.transports import Recording, RecordingError

    if len(options.paths) > 2:
        raise CommandError(f"expected one or two files, got {len(options.paths)}")
    for path in options.paths:
        check_input(path)
    try:
        first, *rest = [Recording.load(path) for path in options.paths]
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    except RecordingError as error:
        raise CommandError(error) from error
    names = dict(zip(("name", "other_name"), options.paths))  # noqa: B905 - as many as there are
    page = render(first, *rest, **names)
    if options.output == "-":
        sys.stdout.write(page)
        return OK
    path = _written(page, options.output)
    print(one_line(str(path)))
    if options.output is None and not webbrowser.open(path.as_uri()):
        return complain("no browser could be opened: open the page that is named above", FAILED)
    return OK


def _written(page: str, name: str | None) -> Path:
    """The file with the page, whole: of this name, or a temporary one.

    Raises:
        CommandError: it cannot be written, or would replace a device or a pipe.
    """
    if name is not None and os.path.exists(name) and not os.path.isfile(name):
        raise CommandError(f"cannot write {name}: not a regular file (- is standard output)")
    folder = None if name is None else Path(name).absolute().parent
    try:
        file, unfinished = tempfile.mkstemp(".html", "streamfold-", folder)
        with open(file, "w", encoding="utf-8") as stream:
            stream.write(page)
        if name is None:
            return Path(unfinished)
        os.replace(unfinished, name)
    except OSError as error:
        raise CommandError(f"cannot write {name}: {error.strerror}") from error
    return Path(name)
