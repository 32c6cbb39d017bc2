"""The parts of httpx that recording and replaying need.

httpx2 has the same names. The functions therefore take the module as an argument (`http`), and the
transports of both libraries share their code.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from .parts import Headers, RecordedError, RecordedRequest, bytes_of, text_of

__all__ = ["byte_stream", "exception_of", "headers_of", "raw_headers", "recorded_request"]


@cache
def byte_stream(http: Any, body: type[Any]) -> type[Any]:
    """The class `body` as a subclass of the byte streams of `http`, sync and async.

    Args:
        http: the module httpx or httpx2.
        body: a class with the methods of a byte stream.
    """
    return type(body.__name__, (body, http.SyncByteStream, http.AsyncByteStream), {})


def headers_of(message: Any) -> Headers:
    """The headers of a request or a response of the library, as on the wire."""
    return tuple((text_of(name), text_of(value)) for name, value in message.headers.raw)


def raw_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Recorded headers as the library takes them.

    >>> raw_headers((("x-name", "Kraków"),))
    [(b'x-name', b'Krak\\xc3\\xb3w')]
    """
    return [(bytes_of(name), bytes_of(value)) for name, value in headers]


def recorded_request(request: Any) -> RecordedRequest:
    """A request of the library, whose body has been read, as a value; secrets included."""
    url, headers = str(request.url), headers_of(request)
    return RecordedRequest.sent(request.method, url, headers, request.content)


def exception_of(http: Any, error: RecordedError) -> Exception:
    """The exception of `http` with the recorded name; `ReadError` if it has none of that name."""
    kind: Any = getattr(http, error.type, None)
    if not (isinstance(kind, type) and issubclass(kind, http.RequestError)):
        kind, error = http.ReadError, RecordedError("", f"{error.type}: {error.message}")
    exception: Exception = kind(error.message)
    return exception
