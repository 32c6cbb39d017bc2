"""What the transports need of httpx, or of httpx2, which has the same names.

Both are handed in as a module, so that all there is to recording and replaying stands once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from .files import Recording
from .redaction import Headers, decoded, encoded
from .value import RecordedError, RecordedRequest

__all__ = ["byte_stream", "failure_of", "headers_of", "raw_headers", "request_as_recorded"]


@cache
def byte_stream(http: Any, body: type[Any]) -> type[Any]:
    """`body`, which has all that a byte stream has, as a class that `http` takes for one."""
    return type(body.__name__, (body, http.SyncByteStream, http.AsyncByteStream), {})


def headers_of(message: Any) -> Headers:
    """The headers of a request or a response, as they were sent."""
    return tuple((decoded(name), decoded(value)) for name, value in message.headers.raw)


def raw_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The way back."""
    return [(encoded(name), encoded(value)) for name, value in headers]


def request_as_recorded(request: Any) -> RecordedRequest:
    """A request whose body has been read, secrets and all."""
    url, headers = str(request.url), headers_of(request)
    return RecordedRequest.sent(request.method, url, headers, request.content)


def failure_of(http: Any, recording: Recording) -> Exception | None:
    """What reading the body of `recording` ends with, if it does not just end."""
    if recording.ended == "cut":
        return _exception(http, _LOST)
    return None if recording.error is None else _exception(http, recording.error)


_LOST = RecordedError(
    "RemoteProtocolError", "peer closed connection: the recording was cut off here"
)


def _exception(http: Any, error: RecordedError) -> Exception:
    """The exception of that name; `ReadError` for one that `http` does not have."""
    kind: Any = getattr(http, error.type, None)
    if not (isinstance(kind, type) and issubclass(kind, http.RequestError)):
        kind, error = http.ReadError, RecordedError("", f"{error.type}: {error.message}")
    made: Exception = kind(error.message)
    return made
