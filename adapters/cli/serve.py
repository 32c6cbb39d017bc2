"""`streamfold serve FILE|DIR` answers `POST /v1/messages` with recordings, over real HTTP.

It serves clients in any language, and `curl -N`. Each recorded chunk is one write, with the
recorded status and headers, without delay or at the recorded speed. If a recording was cut off or
failed, the server breaks the connection off at its end, so a client sees the failure that was
recorded.

The recording that answers a request is chosen so:

- A single file answers every request.
- In a directory, the path in front of `/v1/messages`, that is, the client's base URL, may name a
  recording by its path without the suffix: `http://127.0.0.1:8000/weather/rain`. That recording
  answers every request sent there.
- The path may also name a directory, or be empty. Then the recordings below it are searched for one
  of a request with the same body. Several with the same body are played in order, and the last of
  them is repeated. Recordings without a request, such as raw bodies, answer the requests that match
  no other, in order. After the last of them, a request that begins a conversation gets the first
  one, and any other request the last one again.
- `GET /` lists the recordings, each with the base URL that chooses it.
- A request without a matching recording gets status 404 and an error in the API's shape. It names
  the nearest recording, shows the difference, and gives the base URL of that recording.

All recordings are read at the start.
"""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import Commands, speed
from .exit_status import FAILED, CommandError
from .visible import visible

if TYPE_CHECKING:
    from streamfold.transports.recording import RecordingStore

__all__ = ["add_command"]


_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def add_command(commands: Commands) -> None:
    """Add `serve` to the commands."""
    parser = commands.add_parser(
        "serve",
        help="answer POST /v1/messages with recordings, over HTTP",
        description="Serve recordings as the Messages API would: a client with the printed base "
        "URL gets the recording of its request, chunk for chunk. A client with the path of a "
        "recording behind that URL gets this recording for every request; with the path of a "
        "directory, the recordings below it. Raw bodies have no request: they answer in the order "
        "of their names what no recording answers, and start over when a conversation begins.",
        epilog="The server runs until Ctrl-C. Exit status: 130 after Ctrl-C, 1 if the extra "
        "'serve' is not installed, 2 for unusable arguments or an unreadable file.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "path",
        metavar="FILE|DIR",
        help="a recording (.jsonl) or the raw body of a stream; a directory stands for all "
        ".jsonl and .sse files in it and below it",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--allow-host",
        dest="hosts",
        action="append",
        default=[],
        metavar="NAME",
        help="another name that the Host header may have; on a loopback address only "
        "127.0.0.1, localhost and ::1 are allowed otherwise; repeat the flag for more than one",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8000,
        help="the port to listen on (default: %(default)s); 0 for a free one",
    )
    parser.add_argument(
        "--speed",
        type=speed,
        default=1.0,
        metavar="X",
        help="1 for the recorded speed (the default), 2 for twice as fast, 0 for no delay",
    )
    parser.set_defaults(run=_serve)


def _port(text: str) -> int:
    """The value of `--port`.

    Raises:
        argparse.ArgumentTypeError: it is not a number from 0 to 65535.
    """
    if not (text.isdecimal() and int(text) <= 0xFFFF):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    try:
        import uvicorn

        from .serve_application import TARGET, application
    except ImportError as error:
        raise CommandError(
            f"serve needs starlette and uvicorn, which are not installed ({error}): "
            "pip install 'streamfold[serve]'",
            FAILED,
        ) from error
    path = Path(options.path)
    store = _load(path, TARGET)
    server = uvicorn.Server(
        uvicorn.Config(
            application(
                store,
                answers_all=not path.is_dir(),
                speed=options.speed,
                log=_log,
                hosts=_hosts(options.host, options.hosts),
            ),
            http="h11",  # a dependency of uvicorn, unlike the others
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # a connection that is broken off is intended
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=0,
        )
    )
    with _listen(options.host, options.port) as listener:
        host, port = listener.getsockname()[:2]
        print(f"http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
        _log(f"{len(store.recordings)} to serve; Ctrl-C ends it")
        server.run(sockets=[listener])
    return 0


def _hosts(address: str, allowed: list[str]) -> list[str] | None:
    """The names that a Host header may have; `None` for any, on an address of the network."""
    is_loopback = address in _LOOPBACK or address.startswith("127.")
    if not (is_loopback or allowed):
        return None
    return list(dict.fromkeys([address, *(_LOOPBACK if is_loopback else ()), *allowed]))


def _load(path: Path, target: tuple[str, str]) -> RecordingStore:
    """The recordings at `path`, a file or a directory, as answers to requests of `target`.

    Raises:
        CommandError: there are none, or one cannot be read.
    """
    from streamfold.transports import RecordingError
    from streamfold.transports.recording import RecordingStore

    folder = path if path.is_dir() else path.parent
    try:
        store = RecordingStore(path, folder=folder, target=target)
    except OSError as error:
        raise CommandError(f"{error.filename or path}: {error.strerror}") from error
    except RecordingError as error:
        raise CommandError(error) from error
    if not store.recordings:
        raise CommandError(f"{path}: expected recordings (*.jsonl, *.sse) in it, found none")
    return store


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens on this address.

    Raises:
        CommandError: the address cannot be resolved, or the port is in use.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}, port {port}: {error}") from error


def _log(line: str) -> None:
    """Print a line about the server's work on standard error."""
    print(visible(line), file=sys.stderr, flush=True)
