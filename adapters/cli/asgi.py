"""The application behind `streamfold serve`: recordings as responses, for any ASGI server.

Needs starlette, which is imported here: import this module only where that is sure to be there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamfold.transports import Recording, UnmatchedRequestError
from streamfold.transports.recording import Pace, raw_headers

from .repertoire import Repertoire

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["application"]

_OF_THE_CONNECTION = {
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
"""Headers that told how the recorded response was sent: this one is sent in its own way."""


def application(repertoire: Repertoire, speed: float, tell: Callable[[str], None]) -> Starlette:
    """The application.

    Args:
        repertoire: what it answers with.
        speed: 1 is as it was, 2 twice as fast, 0 at once.
        tell: told a line about each request.
    """

    async def messages(request: Request) -> Response:
        pace = Pace(speed)
        content = await request.body()
        place = request.path_params.get("place", "").strip("/")
        try:
            # many long requests to compare with take their time
            entry = await run_in_threadpool(repertoire.answer, place, content)
        except UnmatchedRequestError as error:
            tell(f"{request.url.path}: {error}")
            return _error(404, "not_found_error", str(error))
        tell(f"{request.url.path}: {entry.file}")
        return _Replayed(entry.recording, pace)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        tell(f"{request.method} {request.url.path}: {error.detail}")
        said = f"{request.method} {request.url.path}: this is no POST …/v1/messages"
        return _error(error.status_code, "not_found_error", said)

    return Starlette(
        routes=[
            Route("/v1/messages", messages, methods=["POST"]),
            Route("/{place:path}/v1/messages", messages, methods=["POST"]),
        ],
        exception_handlers={HTTPException: refused},
    )


def _error(status: int, kind: str, message: str) -> Response:
    """An error in the shape of the API."""
    return JSONResponse(
        {"type": "error", "error": {"type": kind, "message": message}}, status_code=status
    )


def _is_of_message(name: bytes) -> bool:
    return name.decode("latin-1").lower() not in _OF_THE_CONNECTION


class _Replayed(Response):
    """A recording as a response: one write for each chunk, when it is due."""

    def __init__(self, recording: Recording, pace: Pace) -> None:
        self._recording = recording
        self._pace = pace
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        recording, pace = self._recording, self._pace
        headers = [
            pair for pair in raw_headers(recording.response.headers) if _is_of_message(pair[0])
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
        # else the server, which misses the end, breaks the connection off
