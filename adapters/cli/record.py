"""`streamfold record REQUEST.json -o FILE` sends a request and records the stream that answers it.

The request is the body that the API documents, as a file: `stream` is set here, `betas` may stand
beside the other fields as they do in the SDK's call. It is sent once, by the client of
`streamfold.adapters.anthropic`: nothing is tried again, because a failure is worth recording too.
What comes is shown as it comes, and written however it ends, Ctrl-C included.

Keys come from the environment alone: arguments can be read by every process of the machine. None
is printed, not even if the API says it back.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from .commands import OK, CommandError, complain, open_input
from .displays import add_display_flags, show_stream

if TYPE_CHECKING:
    from streamfold.adapters.client import Anthropic

__all__ = ["add_command"]

_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_NEEDED = ("model", "max_tokens", "messages")


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `record` to the commands."""
    parser = commands.add_parser(
        "record",
        help="send a request to the API, and record the stream that answers it",
        description="Send a request to the Messages API, show the answer as it comes, and record "
        "it: every chunk, and when it came. The key is that of ANTHROPIC_API_KEY or "
        "ANTHROPIC_AUTH_TOKEN, and never written.",
        epilog="Exit status: 0 for a complete message, 1 for an incomplete or failed one (what "
        "came is recorded), 2 for a file or a flag that makes no sense.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "request",
        metavar="REQUEST",
        help="the body of the request, as JSON; - for standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        required=True,
        help="the recording to write, a name with .jsonl at its end",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="where the API is; else ANTHROPIC_BASE_URL says, else it is Anthropic's own",
    )
    parser.add_argument(
        "--beta",
        dest="betas",
        metavar="NAME",
        action="append",
        default=[],
        help="a beta of the API to use; may be given more than once",
    )
    add_display_flags(parser)
    parser.set_defaults(run=_record)


def _record(options: argparse.Namespace) -> int:
    import httpx
    from streamfold.adapters.client import DEFAULT_TIMEOUT, Anthropic
    from streamfold.reducer import StreamfoldError
    from streamfold.transports import RecordingTransport

    request = _read_request(options.request)
    betas = [*_betas(request), *options.betas]
    if Path(options.output).exists() and not options.force:
        raise CommandError(f"{options.output}: it is there already; --force replaces it")
    try:
        transport = RecordingTransport(httpx.HTTPTransport(), options.output)
        with (
            httpx.Client(transport=transport, timeout=DEFAULT_TIMEOUT) as http,
            Anthropic(base_url=options.base_url, http_client=http, max_retries=0) as client,
            _asked(client, request, betas) as stream,
        ):
            fault = show_stream(stream, options.display(sys.stdout))
    except StreamfoldError as error:
        fault = error
    except ValueError as error:
        raise CommandError(error) from error
    return OK if fault is None else complain(_without_keys(str(fault)))


def _without_keys(text: str) -> str:
    """`text` without the keys of the environment: some servers say back what they were told."""
    from streamfold.transports.recording import Redaction

    redaction = Redaction()
    redaction.headers(("x-api-key", os.environ.get(name, "")) for name in _KEYS)
    return redaction.text(text)


def _read_request(name: str) -> dict[str, Any]:
    """The request in the file called `name`.

    Raises:
        CommandError: it cannot be read, or is no request.
    """
    with open_input(name) as source:
        try:
            request = json.load(source)
        except (OSError, ValueError, RecursionError) as error:
            raise CommandError(f"{name}: {error}") from error
    if not isinstance(request, dict):
        raise CommandError(f"{name}: a request is a JSON object")
    missing = [field for field in _NEEDED if field not in request]
    if missing:
        raise CommandError(f"{name}: the request has no {' and no '.join(missing)}")
    return cast("dict[str, Any]", request)


def _betas(request: dict[str, Any]) -> list[str]:
    """The betas that stand in the request, which is no place for them: they are taken out."""
    betas: Any = request.pop("betas", None) or []
    if not (_is_array(betas) and all(isinstance(beta, str) for beta in betas)):
        raise CommandError(f"betas is not a list of names: {betas!r}")
    return betas


def _is_array(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _asked(client: Anthropic, body: dict[str, Any], betas: list[str]) -> Any:
    """What opens the stream of the answer: `body` is sent as it is."""
    needed = {field: body[field] for field in _NEEDED}
    if betas:
        return client.beta.messages.stream(betas=betas, **needed, extra_body=body)
    return client.messages.stream(**needed, extra_body=body)
