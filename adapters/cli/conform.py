"""`streamfold conform URL` checks a live gateway against the rules of a legal stream.

The command sends a fixed set of requests, one after another, and lists the rules that each answer
breaks (`conformance.RULES`). The key comes from ANTHROPIC_API_KEY. The answers cost what the
gateway charges for eight short messages.
"""

from __future__ import annotations

import argparse
import os
import sys

from .colours import Piece, printer
from .exit_status import FAILED, OK, CommandError
from .json_display import write_line
from .visible import one_line

__all__ = ["add_command"]


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `conform` to the commands."""
    parser = commands.add_parser(
        "conform",
        help="send requests to a gateway and check the streams that come back",
        description="Send a fixed set of requests to a gateway that serves the Messages API, and "
        "list the rules of a legal stream that each answer breaks.",
        epilog="Exit status: 0 if all streams are legal, 1 if any is not, 2 for unusable "
        "arguments. The key is read from ANTHROPIC_API_KEY.",
        allow_abbrev=False,
    )
    parser.add_argument("url", metavar="URL", help="the base URL of the gateway")
    parser.add_argument(
        "--model",
        default="claude-opus-4-6",
        help="the model to request (default: claude-opus-4-6)",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=60.0,
        help="the longest wait for the next bytes (default: 60)",
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each request")
    parser.set_defaults(run=_conform)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text}")
    return seconds


def _conform(options: argparse.Namespace) -> int:
    from streamfold.adapters.conformance import conform
    from streamfold.reducer import to_json

    show = printer(sys.stdout)
    status = OK
    key = os.environ.get("ANTHROPIC_API_KEY", "none")
    try:
        reports = conform(options.url, model=options.model, api_key=key, timeout=options.timeout)
        for report in reports:
            status = status if report.is_legal else FAILED
            if options.json:
                write_line(to_json(report.to_dict()), sys.stdout)
            else:
                role = "result" if report.is_legal else "failure"
                show(_lines(str(report), role))
    except ValueError as error:
        raise CommandError(error) from error
    return status


def _lines(text: str, role: str) -> list[Piece]:
    """The lines of a report: the first in its colour."""
    first, *others = text.split("\n")
    return [(f"{one_line(first)}\n", role), *((f"{one_line(line)}\n", "") for line in others)]
