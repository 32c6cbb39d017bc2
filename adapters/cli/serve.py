"""`streamfold serve FILE|DIR` answers `POST /v1/messages` with recordings, over real HTTP.

For clients in any language, and for `curl -N`: each recorded chunk is one write, with the status
and the headers that were recorded, at once or as slowly as it was. A recording that did not end as
it should ends here with the connection broken off, so that a client sees what production saw.

Which recording answers:

- A file that is served alone answers every request.
- Of a directory, the path in front of `/v1/messages`, which is to say the client's base URL, may
  name a recording, by its path without the suffix: `http://127.0.0.1:8000/weather/rain`. That one
  answers every request that is sent there.
- The path may also name a directory below, or nothing. Then the recordings there are asked for the
  one of the same body. When several fit they are played in order, and the last of them again and
  again. Those that do not know their request, such as raw bodies, answer what no other fits.
- A request that none fits is answered with 404 and an error of the API's own shape, which says
  which recording comes nearest, and how it differs.

All recordings are read when it starts.
"""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .commands import FAILED, CommandError, speed
from .terminal import visible

if TYPE_CHECKING:
    from streamfold.transports.recording import RecordingStore

__all__ = ["add_command"]


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `serve` to the commands."""
    parser = commands.add_parser(
        "serve",
        help="answer POST /v1/messages with recordings, over HTTP",
        description="Serve recordings as the Messages API would: a client whose base URL is the "
        "one printed gets the recording of its request, chunk for chunk. A base URL with a path "
        "behind it gets the recording of that name, whatever it asks.",
        epilog="It runs until Ctrl-C, with exit status 130; 2 is for a file or a flag that makes "
        "no sense.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "path",
        metavar="FILE|DIR",
        help="a recording (.jsonl) or the raw body of a stream; a directory stands for all .jsonl "
        "and .sse files in it and below it",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="where to listen (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=8000, help="default: %(default)s; 0 for any that is free"
    )
    parser.add_argument(
        "--speed",
        type=speed,
        default=1.0,
        metavar="X",
        help="1 as it was recorded (the default), 2 twice as fast, 0 at once",
    )
    parser.set_defaults(run=_serve)


def _port(text: str) -> int:
    """What `--port` takes."""
    if not (text.isdecimal() and int(text) <= 0xFFFF):
        raise argparse.ArgumentTypeError(f"not a port, 0 to 65535: {text!r}")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    try:
        import uvicorn

        from .asgi import TARGET, application
    except ImportError as error:
        raise CommandError(
            f"serving needs starlette and uvicorn ({error}): pip install 'streamfold[serve]'",
            FAILED,
        ) from error
    store = _load(Path(options.path), TARGET)
    server = uvicorn.Server(
        uvicorn.Config(
            application(
                store,
                answers_all=not Path(options.path).is_dir(),
                speed=options.speed,
                log=_log,
            ),
            http="h11",  # every installation has it
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # a connection that is broken off is no news
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


def _load(path: Path, target: tuple[str, str]) -> RecordingStore:
    """The recordings at `path`, a file or a directory, as answers to requests of `target`.

    Raises:
        CommandError: there are none, or a file cannot be read.
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
        raise CommandError(f"{path}: there are no recordings in it (*.jsonl, *.sse)")
    return store


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        CommandError: it cannot.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}, port {port}: {error}") from error


def _log(line: str) -> None:
    """Print a line about the server on standard error."""
    print(visible(line), file=sys.stderr, flush=True)
