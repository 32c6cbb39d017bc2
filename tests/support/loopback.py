"""A real HTTP/1.1 server on 127.0.0.1 whose answers a test writes byte for byte.

    server.answer(event_stream(body))                           # every request, the whole body
    server.answer(api_error(529, "overloaded_error"), event_stream(body))   # first this, then that
    server.answer([event_stream(body)[0], reset])               # the head, then a reset
    server.answer([b"".join(event_stream(body))[:100], close])  # cut after 100 bytes

An answer is a list of steps. Bytes are sent as they are; a function is called with the
`Connection`: `close`, `reset`, `hold` (until the client closes), `wait(seconds)`,
`wait_for(event)`, or a function of the test. After the last step the connection stays open for the
next request, as in HTTP/1.1.

Each connection has a thread. The server is not asynchronous, so it serves sync code, asyncio and
trio alike; an async test waits for it in a thread (`anyio.to_thread.run_sync`).
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Union

import attrs
import pytest

PATIENCE = 10.0
"""Seconds that the server waits for its client before the test fails."""


@attrs.frozen
class Request:
    """A received request. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@attrs.define(eq=False)
class Connection:
    """A connection that a client made.

    Attributes:
        requests: the requests that came over it.
        left: set when the client has closed it.
    """

    socket: socket.socket
    stopping: threading.Event
    requests: list[Request] = attrs.field(factory=list)
    left: threading.Event = attrs.field(factory=threading.Event)
    _received: bytes = b""

    def read_request(self) -> Request | None:
        """The next request; `None` when the client has closed the connection."""
        while b"\r\n\r\n" not in self._received:
            if not self.receive():
                return None
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        (method, path, _), *lines = (line.split(" ", 2) for line in head.decode().split("\r\n"))
        headers = {name.rstrip(":").lower(): " ".join(value) for name, *value in lines}
        length = int(headers.get("content-length", 0))
        while len(self._received) < length:
            if not self.receive():
                return None
        body, self._received = self._received[:length], self._received[length:]
        return Request(method, path, headers, body)

    def receive(self) -> bool:
        """Wait for more bytes; false when the client has closed the connection."""
        try:
            received = self.socket.recv(65536)
        except OSError:
            received = b""
        if not received and not self.stopping.is_set():
            self.left.set()
        self._received += received
        return bool(received)


Step = Union[bytes, Callable[[Connection], Any]]
Answer = Sequence[Step]


# --- steps --------------------------------------------------------------------------------------


def close(connection: Connection) -> None:
    """Close the connection cleanly."""
    connection.socket.close()


def reset(connection: Connection) -> None:
    """Reset the connection: the client's next read fails."""
    linger = struct.pack("ii", 1, 0)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.socket.close()


def hold(connection: Connection) -> None:
    """Send nothing until the client closes the connection."""
    while connection.receive():
        pass


def wait(seconds: float) -> Step:
    """Send nothing for this many seconds."""
    return lambda connection: connection.stopping.wait(seconds)


def wait_for(event: threading.Event) -> Step:
    """Send nothing until the test sets `event`."""

    def step(connection: Connection) -> None:
        while not event.wait(0.02) and not connection.stopping.is_set():
            pass

    return step


# --- answers ------------------------------------------------------------------------------------

REQUEST_ID = "req_loopback"


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_reason(status)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Overloaded"


def chunk(data: bytes) -> bytes:
    """A chunk in chunked encoding; the empty one is the last."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event_stream(
    body: bytes,
    *,
    chunks: int | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
    compress: bool = False,
) -> list[Step]:
    """An event stream in chunked encoding: the head, each chunk, the end, as one step each.

    Args:
        body: the body, before compression.
        chunks: the size of a chunk in bytes, or the chunks; by default there is one.
        headers: headers to add or to replace.
        compress: send the body gzipped.
    """
    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "transfer-encoding": "chunked",
        "request-id": REQUEST_ID,
        **({"content-encoding": "gzip"} if compress else {}),
        **(headers or {}),
    }
    if compress:
        body = gzip.compress(body)
    if isinstance(chunks, int):
        chunks = [body[at : at + chunks] for at in range(0, len(body), chunks)]
    elif chunks is None:
        chunks = [body] if body else []
    return [head(200, headers), *(chunk(piece) for piece in chunks), chunk(b"")]


def response(
    status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> list[Step]:
    """A response of known length, in one step."""
    length = str(len(body))
    headers = {"content-type": content_type, "content-length": length, **(headers or {})}
    return [head(status, headers) + body]


def api_error(
    status: int,
    kind: str,
    message: str = "no such luck",
    *,
    headers: Mapping[str, str] | None = None,
) -> list[Step]:
    """An error as the API sends it."""
    error = {"type": "error", "error": {"type": kind, "message": message}}
    body = json.dumps({**error, "request_id": REQUEST_ID}).encode()
    return response(status, body, "application/json", {"request-id": REQUEST_ID, **(headers or {})})


def html_error(status: int, *, headers: Mapping[str, str] | None = None) -> list[Step]:
    """An error as a proxy between client and API sends it."""
    body = f"<html><body><h1>{status} {_reason(status)}</h1></body></html>".encode()
    return response(status, body, "text/html", headers)


# --- the server ---------------------------------------------------------------------------------


class Server:
    """The server. `with Server() as server:` starts it, and stops it with all its connections.

    Attributes:
        url: its URL, without a slash at the end.
        requests: the requests that came, in order.
        connections: the connections that were made, in order.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self._answers: list[Answer] = []
        self._open = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        host, port = self._listener.getsockname()
        self.url = f"http://{host}:{port}"

    def answer(self, *answers: Answer) -> None:
        """Answer the requests from now on with these in turn, and all later ones with the last."""
        with self._changed:
            self._answers = list(answers)

    @property
    def open(self) -> int:
        """The number of open connections."""
        return self._open

    def wait_closed(self, but: int = 0) -> None:
        """Wait until no more than `but` connections are open.

        Raises:
            TimeoutError: more are open after `PATIENCE` seconds.
        """
        self._wait(lambda: self._open <= but, lambda: f"{self._open} connections are still open")

    def wait_requests(self, count: int) -> None:
        """Wait until `count` requests have come.

        Raises:
            TimeoutError: fewer came in `PATIENCE` seconds.
        """
        self._wait(
            lambda: len(self.requests) >= count, lambda: f"{len(self.requests)} requests came"
        )

    def _wait(self, done: Callable[[], bool], otherwise: Callable[[], str]) -> None:
        with self._changed:
            if not self._changed.wait_for(done, PATIENCE):
                raise TimeoutError(otherwise())

    def __enter__(self) -> Server:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        socket.create_connection(self._listener.getsockname()).close()  # wakes `accept`
        self._threads[0].join()
        self._listener.close()
        for connection in self.connections:
            with suppress(OSError):  # it may be closed already
                connection.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            made, _ = self._listener.accept()
            if self._stopping.is_set():
                made.close()
                return
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(made, self._stopping)
            with self._changed:
                self._open += 1
                self.connections.append(connection)
                self._changed.notify_all()
            self._start(self._serve, connection)

    def _serve(self, connection: Connection) -> None:
        try:
            while connection.socket.fileno() != -1:
                request = connection.read_request()
                if request is None:
                    return
                connection.requests.append(request)
                self._play(connection, self._next_answer(request))
        finally:
            connection.socket.close()
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _next_answer(self, request: Request) -> Answer:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def _play(self, connection: Connection, answer: Answer) -> None:
        for step in answer:
            if callable(step):
                step(connection)
                continue
            try:
                connection.socket.sendall(step)
            except OSError:
                connection.left.set()
                connection.socket.close()
                return


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that runs as long as the test."""
    with Server() as running:
        yield running
