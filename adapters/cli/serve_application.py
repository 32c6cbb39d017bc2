"""The ASGI application of `streamfold serve`: recordings as HTTP responses.

This module imports starlette. Import it only in the command itself, behind a check for the extra
`serve`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamfold.reducer import to_json
from streamfold.transports import RecordedRequest, Recording, UnmatchedRequestError
from streamfold.transports.recording import Pace, RecordingStore, StoredRecording, raw_headers

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["TARGET", "application"]

TARGET = ("POST", "/v1/messages")
"""The method and path of every request that is answered."""

_PATHS = (
    "/v1/messages",
    "/model/{model:path}/invoke-with-response-stream",
    "/v1/projects/{model:path}:streamRawPredict",
)
"""The paths of a request for a stream: of the API itself, of Bedrock and of Vertex."""

_CONNECTION_HEADERS = {
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
"""Headers that describe the recorded connection. They are left out, because ours differs."""


MOST_BYTES = 32 * 1024 * 1024
"""The most bytes of a request's body, as for the API."""


def application(
    store: RecordingStore,
    *,
    answers_all: bool,
    speed: float,
    log: Callable[[str], None],
    hosts: Collection[str] | None = None,
) -> Starlette:
    """The application.

    Args:
        store: the recordings, whose requests have the target `TARGET`.
        answers_all: whether any recording answers every request, at any path.
        speed: 1 for the recorded speed, 2 for twice as fast, 0 for no delay.
        log: receives a line about each request.
        hosts: the names that the header `Host` of a request may have; `None` for any. A page in a
            browser can send requests to a server on this machine under a name of its own.
    """

    def answer(place: str, content: bytes) -> StoredRecording:
        if answers_all:
            return store.play_one_of(store.recordings)
        if named := [stored for stored in store.recordings if _place_of(stored.name) == place]:
            return store.play_one_of(named)
        asked = RecordedRequest.sent(*TARGET, (), content)
        return store.play_for(asked, _below(store, place), starts_over=_begins(asked))

    def refused_host(request: Request) -> Response | None:
        host = _host_of(request)
        if hosts is None or host in hosts:
            return None
        log(f"{request.url.path}: refused for the host {host}")
        reason = f"expected a request for {' or '.join(hosts)}, got {host}: see --allow-host"
        return _error(403, "permission_error", reason)

    async def messages(request: Request) -> Response:
        pace = Pace(speed)
        if (other := refused_host(request)) is not None:
            return other
        content = await _body_of(request)
        if content is None:
            log(f"{request.url.path}: refused, the body is too large")
            reason = f"expected a body of at most {MOST_BYTES:,} bytes, got more"
            return _error(413, "request_too_large", reason)
        place = request.path_params.get("place", "").strip("/")
        try:
            # a thread, because comparing many long requests takes time
            stored = await run_in_threadpool(answer, place, content)
        except UnmatchedRequestError as error:
            reason = f"{error}\n{_advice(error, str(request.base_url))}"
            log(f"{request.url.path}: {reason}")
            return _error(404, "not_found_error", reason)
        log(f"{request.url.path}: {stored.name}")
        return _Replayed(stored.recording, pace)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        log(f"{request.method} {request.url.path}: {error.detail}")
        reason = f"expected POST …/v1/messages, got {request.method} {request.url.path}"
        return _error(error.status_code, "not_found_error", reason)

    async def listing(request: Request) -> Response:
        if (other := refused_host(request)) is not None:
            return other
        base = str(request.base_url).rstrip("/")
        places = {one.name: f"{base}/{_place_of(one.name)}" for one in store.recordings}
        return Response(to_json({"recordings": places}), media_type="application/json")

    return Starlette(
        routes=[
            Route("/", listing, methods=["GET"]),
            *(
                Route(f"{place}{path}", messages, methods=["POST"])
                for path in _PATHS
                for place in ("", "/{place:path}")
            ),
        ],
        exception_handlers={HTTPException: refused},
    )


def _host_of(request: Request) -> str:
    """The name in the header `Host`; empty if the header is malformed.

    The URL of starlette has the address of the server in place of a malformed header.
    """
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _place_of(name: str) -> str:
    """The path in front of `/v1/messages` that names a recording: its file without the suffix."""
    return PurePosixPath(name).with_suffix("").as_posix()


def _begins(request: RecordedRequest) -> bool:
    """Whether a request begins a conversation: none of its messages is the assistant's."""
    messages: list[Any] | None = getattr(request.body, "messages", None)
    return isinstance(messages, list) and all(
        getattr(message, "role", None) != "assistant" for message in messages
    )


def _advice(error: UnmatchedRequestError, base_url: str) -> str:
    """The last line of the answer to a request without a recording: the way to get one."""
    restart = "the recordings were read at the start: restart the server to add one"
    if error.nearest is None:
        return restart
    return f"for {error.nearest} whatever the request, use the base URL " + (
        f"{base_url}{_place_of(error.nearest)}; {restart}"
    )


def _below(store: RecordingStore, place: str) -> list[StoredRecording]:
    """The recordings in the directory `place`; all for the empty place.

    Raises:
        UnmatchedRequestError: there are none.
    """
    prefix = f"{place}/" if place else ""
    below = [stored for stored in store.recordings if stored.name.startswith(prefix)]
    if not below:
        raise UnmatchedRequestError(
            f"found no recording called {place!r}, nor a directory of recordings (GET / lists "
            f"them){_correction(place)}"
        )
    return below


def _correction(place: str) -> str:
    """The advice for a path with the suffix of a file, or of a base URL that ends with `/v1`."""
    corrected = re.sub(r"\.(jsonl|sse)$", "", re.sub(r"(^|/)v1$", "", place))
    if corrected == place:
        return ""
    return (
        f". Use the base URL with the path '/{corrected}': clients add /v1/messages to it, and the "
        "name of a file is without its suffix"
    )


def _error(status: int, kind: str, message: str) -> Response:
    """An error in the shape of the API's."""
    error = {"type": "error", "error": {"type": kind, "message": message}}
    return Response(to_json(error), status_code=status, media_type="application/json")


async def _body_of(request: Request) -> bytes | None:
    """The body of a request; `None` if it is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _describes_message(name: bytes) -> bool:
    return name.decode("latin-1").lower() not in _CONNECTION_HEADERS


class _Replayed(Response):
    """A recording as a response: one write for each chunk, at its time."""

    def __init__(self, recording: Recording, pace: Pace) -> None:
        self._recording = recording
        self._pace = pace
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        recording, pace = self._recording, self._pace
        headers = [
            pair for pair in raw_headers(recording.response.headers) if _describes_message(pair[0])
        ]
        await pace.wait_async(recording.response.at)
        status = recording.response.status
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for chunk in recording.chunks:
            await pace.wait_async(chunk.at)
            await send({"type": "http.response.body", "body": chunk.data, "more_body": True})
        await pace.wait_async(recording.duration)
        if recording.ended == "complete":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        # else the server breaks the connection off, because the response has no end
