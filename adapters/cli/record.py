"""`streamfold record REQUEST.json -o FILE` sends a request and records the stream that answers it.

The file holds the request's body as the API documents it. The command sets `stream`, and takes
`betas` as a field, as in the SDK's call. The client of `streamfold.adapters.client` sends the
request once, without retries, because a failure is worth recording too. The answer is shown as it
comes, and recorded however it ends, Ctrl-C included.

Keys come from the environment only, because every process of the machine can read arguments. No key
is printed, even if the answer quotes it: an event waits while its text may be the beginning of a
key.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from .arguments import Commands, add_display_flags, open_input
from .display import show_events
from .exit_status import OK, CommandError, complain
from .visible import visible

if TYPE_CHECKING:
    from streamfold.adapters.client import Anthropic
    from streamfold.transports.recording import Redaction

__all__ = ["add_command"]

_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_REQUIRED = ("model", "max_tokens", "messages")


def add_command(commands: Commands) -> None:
    """Add `record` to the commands."""
    parser = commands.add_parser(
        "record",
        help="send a request to the API and record the stream that answers it",
        description="Send a request to the Messages API, show the answer as it comes, and record "
        "each chunk with its time. The key comes from ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN; "
        "it is never written.",
        epilog="Exit status: 0 for a complete message, 1 for an incomplete or failed one (the part "
        "that came is recorded), 2 for unusable arguments or an unreadable file.",
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
        help="the recording to write (.jsonl)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="the API's address; by default ANTHROPIC_BASE_URL, else https://api.anthropic.com",
    )
    parser.add_argument(
        "--beta",
        dest="betas",
        metavar="NAME",
        action="append",
        default=[],
        help="a beta of the API to use; repeat the flag for more than one",
    )
    add_display_flags(parser)
    parser.set_defaults(run=_record)


def _record(options: argparse.Namespace) -> int:
    import httpx
    from streamfold.adapters.client import DEFAULT_TIMEOUT, Anthropic
    from streamfold.reducer import Snapshot, StreamfoldError
    from streamfold.transports import RecordingTransport
    from streamfold.transports.recording import redacted_events

    request = _read_request(options.request)
    betas = [*_betas(request), *options.betas]
    redaction = _redaction(request, options.base_url)
    if Path(options.output).exists() and not options.force:
        raise CommandError(
            f"{options.output}: the file exists: pass --force to replace it, or name another"
        )
    try:
        transport = RecordingTransport(httpx.HTTPTransport(), options.output)
        with (
            httpx.Client(transport=transport, timeout=DEFAULT_TIMEOUT) as http,
            Anthropic(base_url=options.base_url, http_client=http, max_retries=0) as client,
            _stream(client, request, betas) as stream,
        ):
            redaction.headers(stream.response.headers.items())
            events = redacted_events(stream, redaction)
            snapshot = Snapshot(partial_mode=stream.snapshot.partial_mode)
            fault = show_events(events, options.display(sys.stdout), snapshot)
    except StreamfoldError as error:
        fault = error
    except ValueError as error:
        raise CommandError(error) from error
    if sys.stderr.isatty() and Path(options.output).exists():
        print(f"saved as {visible(options.output)}", file=sys.stderr)
    return OK if fault is None else complain(redaction.text(str(fault)))


def _redaction(request: dict[str, Any], base_url: str | None) -> Redaction:
    """The redaction that knows the keys, because some servers quote the key they got."""
    from streamfold.transports.recording import Redaction

    redaction = Redaction()
    redaction.headers(("x-api-key", os.environ.get(name, "")) for name in _KEYS)
    redaction.url(base_url or os.environ.get("ANTHROPIC_BASE_URL", ""))
    redaction.json(request)
    return redaction


def _read_request(name: str) -> dict[str, Any]:
    """The body of the request in the file `name`.

    Raises:
        CommandError: the file cannot be read, or does not hold a request.
    """
    with open_input(name) as source:
        try:
            request = json.load(source)
        except (OSError, ValueError, RecursionError) as error:
            raise CommandError(f"{name}: {error}") from error
    if not isinstance(request, dict):
        raise CommandError(
            f"{name}: expected the request as a JSON object, got {type(request).__name__}"
        )
    missing = [field for field in _REQUIRED if field not in request]
    if missing:
        raise CommandError(f"{name}: the request lacks {' and '.join(missing)}: add them")
    return cast("dict[str, Any]", request)


def _betas(request: dict[str, Any]) -> list[str]:
    """The betas of the request, removed from it: they are sent in a header."""
    betas: Any = request.pop("betas", None) or []
    if not (_is_array(betas) and all(isinstance(beta, str) for beta in betas)):
        raise CommandError(f"betas must be a list of strings, got {betas!r}")
    return betas


def _is_array(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _stream(client: Anthropic, body: dict[str, Any], betas: list[str]) -> Any:
    """The manager of the stream that answers `body`, which is sent as it is."""
    required = {field: body[field] for field in _REQUIRED}
    if betas:
        return client.beta.messages.stream(betas=betas, **required, extra_body=body)
    return client.messages.stream(**required, extra_body=body)
