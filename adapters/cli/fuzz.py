"""`streamfold fuzz MODULE:FUNCTION` compares an accumulator, or a decoder, with the reference.

The command runs the checks of `conformance`: it draws streams, and prints each distinct finding
with the smallest stream that shows it, as a test that can be pasted. Modules are searched for in
the current directory first. The function runs in this process, without a sandbox.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from streamfold.reducer import ContentBlock, encode_sse, is_object, to_json

from .arguments import Commands
from .colours import printer, rich_console
from .exit_status import FAILED, OK, CommandError
from .visible import visible

if TYPE_CHECKING:
    from streamfold.adapters.conformance import Claims, Mismatch

__all__ = ["add_command"]


_WAYS = (
    "cut, first_empty, pings, deltas, usage, empty, halves, started, interleaved, open_tool, "
    "signatures"
)
_FAULTS = (
    "cut, missing_stop, repeated, reordered, wrong_index, wrong_delta, wrong_type, missing_field, "
    "bad_json, bad_input, error_event, early, late"
)
_QUIRKS = (
    "comments, multi_line, unspaced, bare, unknown, ids, null_ids, retry, odd_retry, separators, "
    "odd_text, bom, bad_utf8, no_data, crlf, cr, unfinished"
)
"""The names of `strategies`, for the help, which needs no Hypothesis."""


def add_command(commands: Commands) -> None:
    """Add `fuzz` to the commands."""
    parser = commands.add_parser(
        "fuzz",
        help="find bugs in an accumulator, or in a decoder of server-sent events",
        description="Call a function with many streams, compare its results with the reference, "
        "and print the smallest stream of each bug, as a test. An accumulator takes the decoded "
        "events of a stream, as dicts, and returns the message; --takes selects another argument. "
        "The function may be async.",
        epilog="Exit status: 0 if no bug was found, 1 if one was, 2 for unusable arguments or a "
        "function that cannot be imported.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "function",
        metavar="MODULE:FUNCTION",
        help="a function in a module that can be imported from here",
    )
    parser.add_argument(
        "--decoder",
        action="store_true",
        help="the function is a decoder: it takes chunks of bytes and returns the server-sent "
        "events. A function that returns a message is an accumulator: see --takes",
    )
    parser.add_argument(
        "--max-examples",
        metavar="N",
        type=_positive,
        default=200,
        help="the number of streams (default: 200)",
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=int,
        help="draw the same streams again (default: different streams each time)",
    )
    parser.add_argument(
        "--ignore",
        metavar="FIELDS",
        type=_names,
        default=(),
        help="fields to ignore, by their path: usage.iterations,content.citations",
    )
    parser.add_argument(
        "--first", action="store_true", help="stop at the first bug (default: find all)"
    )
    parser.add_argument(
        "--save",
        metavar="FILE",
        type=_recording,
        help="save the stream of the first bug as a recording (.jsonl)",
    )
    parser.add_argument(
        "--no-growth",
        dest="growth",
        action="store_false",
        help="do not measure the cost of long streams",
    )
    accumulators = parser.add_argument_group("for accumulators")
    of_accumulators = [
        accumulators.add_argument(
            "--takes",
            choices=("events", "chunks", "httpx", "httpx2"),
            default="events",
            help="the argument of the function: the decoded events, the body in chunks of bytes, "
            "or a transport of httpx or httpx2 that answers with the stream (default: events)",
        ),
        accumulators.add_argument(
            "--blocks",
            metavar="KINDS",
            type=_names,
            help=f"the kinds of blocks, with commas between them (default: all): {_blocks()}",
        ),
        accumulators.add_argument(
            "--claims",
            metavar="CLAIMS",
            type=_claims,
            help="the parts of the message to compare: ga (all without a beta header), chat "
            "(texts, tool calls and the stop reason), or parts: text,tool_use.input,"
            "message.stop_reason (default: everything)",
        ),
        accumulators.add_argument(
            "--ways",
            metavar="WAYS",
            type=_names,
            help="the variations of the streams (default: the first five, which the API uses): "
            f"{_WAYS}",
        ),
        accumulators.add_argument(
            "--faults",
            metavar="FAULTS",
            type=_names,
            help=f"the faults that it must refuse (default: none): {_FAULTS}",
        ),
        accumulators.add_argument(
            "--unknown",
            action="store_true",
            help="add events, blocks and fields that the API does not have yet",
        ),
        accumulators.add_argument(
            "--strict-nulls", action="store_true", help="a null field differs from an absent one"
        ),
    ]
    decoders = parser.add_argument_group("for decoders")
    of_decoders = [
        decoders.add_argument(
            "--quirks",
            metavar="QUIRKS",
            type=_names,
            help=f"the peculiarities of the bodies (default: all): {_QUIRKS}",
        )
    ]
    parser.set_defaults(run=_fuzz, of_accumulators=of_accumulators, of_decoders=of_decoders)


def _blocks() -> str:
    return ", ".join(kind.type for kind in get_args(ContentBlock))


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _claims(text: str) -> Claims:
    """The claims of this name; else those of each part: a kind of block, perhaps with a field."""
    from streamfold.adapters.conformance import CHAT_CLAIMS, GA_CLAIMS

    presets = {"ga": GA_CLAIMS, "chat": CHAT_CLAIMS}
    if text in presets:
        return presets[text]
    claims: dict[str, Any] = {}
    for kind, _, field in (part.partition(".") for part in _names(text)):
        fields = claims.setdefault(kind, [])
        if not field or fields == "*":
            claims[kind] = "*"
        else:
            fields.append(field)
    return claims


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {text}")
    return number


def _recording(text: str) -> Path:
    if not text.endswith(".jsonl"):
        raise argparse.ArgumentTypeError(f"expected a name that ends with .jsonl, got {text!r}")
    return Path(text)


def _fuzz(options: argparse.Namespace) -> int:
    function = _function(options.function)
    from streamfold.adapters.conformance import Mismatch, check_accumulator, check_decoder

    accepted, refused = options.of_accumulators, options.of_decoders
    check: Callable[..., Any] = check_accumulator
    if options.decoder:
        accepted, refused, check = refused, accepted, check_decoder
    for action in refused:
        if getattr(options, action.dest) != action.default:
            kind = "accumulators" if options.decoder else "decoders"
            raise CommandError(f"{action.option_strings[0]} is for {kind}: leave it out")
    chosen = {action.dest: getattr(options, action.dest) for action in accepted}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    show = printer(sys.stdout)
    try:
        with _progress(options.max_examples) as watch:
            report = check(
                function,
                max_examples=options.max_examples,
                seed=options.seed,
                ignore=options.ignore,
                first=options.first,
                growth=options.growth,
                watch=watch,
                **chosen,
            )
    except Mismatch as mismatch:
        show([(visible(f"{mismatch}\n"), "")])
        if mismatch.others and not (options.decoder or options.claims or options.blocks):
            show([("To see fewer at once: --claims chat --blocks text,tool_use\n", "")])
        if options.save is not None:
            _save(mismatch, options.save)
        return FAILED
    except (ImportError, ValueError) as error:
        raise CommandError(error) from error
    show([(f"{report}\n", "")])
    if not (options.decoder or options.faults):
        show([("faults not tried: pass --faults cut,error_event\n", "")])
    return OK


def _save(mismatch: Mismatch, path: Path) -> None:
    from streamfold.transports import Recording

    try:
        Recording.of(_chunks(mismatch)).save(path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error
    command = f"streamfold inspect {shlex.quote(str(path))}"
    print(visible(f"To step through the stream: {command}"), file=sys.stderr)


def _function(name: str) -> Callable[..., Any]:
    """The function of this name, `MODULE:FUNCTION`.

    Raises:
        CommandError: it cannot be imported, or is not callable.
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise CommandError(f"expected MODULE:FUNCTION, got {name!r}")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module_name)
    except (Exception, SystemExit) as error:
        raise CommandError(
            f"cannot import {module_name}: {type(error).__name__}: {error}"
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise CommandError(f"{module_name} has no attribute {path}")
        found = getattr(found, part)
    if not callable(found):
        raise CommandError(f"{name} must be a function, got {type(found).__name__}")
    function: Callable[..., Any] = found
    return function


@contextmanager
def _progress(total: int) -> Generator[Callable[[int, bool], None], None, None]:
    """A function that shows the progress on standard error, if that is a terminal."""
    console = rich_console(sys.stderr)
    if console is None:
        yield lambda tried, found: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}")
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        trying = progress.add_task("Trying streams", total=total, count="")
        shrinking = progress.add_task("Found: shrinking", total=None, count="", visible=False)
        tries = 0

        def watch(tried: int, found: bool) -> None:
            nonlocal tries
            tries += found
            if found:
                progress.update(shrinking, count=f"{tries} streams tried", visible=True)
            else:
                progress.update(trying, completed=min(tried, total), count=f"{tried} right")

        yield watch


def _chunks(mismatch: Mismatch) -> Iterable[bytes]:
    """The stream that was found, as chunks of a response's body."""
    from streamfold.adapters.conformance import DecoderMismatch

    if isinstance(mismatch, DecoderMismatch):
        return mismatch.chunks
    return [_encode(event) for event in mismatch.finding.given]


def _encode(event: Any) -> bytes:
    """A value as it would arrive in a stream, even if it is not an event."""
    if is_object(event) and isinstance(event.get("type"), str):
        return encode_sse([event])
    data = event if isinstance(event, str) else to_json(event)
    return f"data: {data}\n\n".encode()
