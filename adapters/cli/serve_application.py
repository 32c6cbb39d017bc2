"""The ASGI application of `streamfold serve`: recordings as HTTP responses.

This module imports starlette. Import it only in the command itself, behind a check for the extra
`serve`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
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


def application(
    store: RecordingStore, *, answers_all: bool, speed: float, log: Callable[[str], None]
) -> Starlette:
    """The application.

    Args:
        store: the recordings, whose requests have the target `TARGET`.
        answers_all: whether any recording answers every request, at any path.
        speed: 1 for the recorded speed, 2 for twice as fast, 0 for no delay.
        log: receives a line about each request.
    """

    def answer(place: str, content: bytes) -> StoredRecording:
        if answers_all:
            return store.play_one_of(store.recordings)
        if named := [stored for stored in store.recordings if _place_of(stored) == place]:
            return store.play_one_of(named)
        return store.play_for(RecordedRequest.sent(*TARGET, (), content), _below(store, place))

    async def messages(request: Request) -> Response:
        pace = Pace(speed)
        content = await request.body()
        place = request.path_params.get("place", "").strip("/")
        try:
            # a thread, because comparing many long requests takes time
            stored = await run_in_threadpool(answer, place, content)
        except UnmatchedRequestError as error:
            log(f"{request.url.path}: {error}")
            return _error(404, "not_found_error", str(error))
        log(f"{request.url.path}: {stored.name}")
        return _Replayed(stored.recording, pace)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        log(f"{request.method} {request.url.path}: {error.detail}")
        reason = f"expected POST …/v1/messages, got {request.method} {request.url.path}"
        return _error(error.status_code, "not_found_error", reason)

    return Starlette(
        routes=[
            Route(f"{place}{path}", messages, methods=["POST"])
            for path in _PATHS
            for place in ("", "/{place:path}")
        ],
        exception_handlers={HTTPException: refused},
    )


def _place_of(stored: StoredRecording) -> str:
    """The path in front of `/v1/messages` that names a recording: its file without the suffix."""
    return PurePosixPath(stored.name).with_suffix("").as_posix()


def _below(store: RecordingStore, place: str) -> list[StoredRecording]:
    """The recordings in the directory `place`; all for the empty place.

    Raises:
        UnmatchedRequestError: there are none.
    """
    prefix = f"{place}/" if place else ""
    below = [stored for stored in store.recordings if stored.name.startswith(prefix)]
    if not below:
        raise UnmatchedRequestError(
            f"there is no recording called {place!r}, nor a directory of recordings"
        )
    return below


def _error(status: int, kind: str, message: str) -> Response:
    """An error in the shape of the API's."""
    return JSONResponse(
        {"type": "error", "error": {"type": kind, "message": message}}, status_code=status
    )


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
