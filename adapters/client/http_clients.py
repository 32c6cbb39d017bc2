"""The client of httpx or httpx2 that sends the requests: ours, or one that the caller passes."""

from __future__ import annotations

import sys
import weakref
from functools import cache
from operator import is_not
from typing import Any, cast

import httpx
from streamfold.transports import Spawn, spawner

from .requests import Call

__all__ = ["AsyncHTTPClient", "Connections", "library_of", "post_request"]


class AsyncHTTPClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose connections cost less on asyncio: see `asyncio_network`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        from .asyncio_network import time_reads  # it imports httpcore, which httpx imports here

        time_reads(self._transport)


class Connections:
    """The connections of one of our clients and its copies, and of the streams that they opened.

    They are closed when the last of those is dropped, so that a client that was never closed causes
    no warning about open sockets.
    """

    def __init__(self, http: httpx.Client | httpx.AsyncClient) -> None:
        """Close `http` when this object is dropped."""
        self._spawn: list[Spawn | None] = [None]
        close: Any = _close if isinstance(http, httpx.Client) else _close_async
        weakref.finalize(self, close, http, self._spawn).atexit = False

    def used(self) -> None:
        """Remember the event loop that runs now: the connections are closed in it."""
        self._spawn[0] = spawner()


def _close(http: httpx.Client, spawn: list[Spawn | None]) -> None:
    http.close()


def _close_async(http: httpx.AsyncClient, spawn: list[Spawn | None]) -> None:
    (start,) = spawn
    if start is not None and not http.is_closed:
        start(http.aclose)


def library_of(client: object, ours: type[Any]) -> Any:
    """The library that `client` is a client of, httpx or httpx2.

    Args:
        client: the caller's client.
        ours: the class that is used without one, which is sync or async.

    Raises:
        TypeError: it is not a client, or it is sync where an async one is needed or vice versa.
    """
    kind = "Client" if issubclass(ours, httpx.Client) else "AsyncClient"
    for library in (httpx, sys.modules.get("httpx2")):
        if library is not None and isinstance(client, getattr(library, kind)):
            return library
    raise TypeError(
        f"http_client must be an httpx.{kind} or an httpx2.{kind}, got {type(client).__name__}"
    )


def post_request(http: Any, library: Any, call: Call[Any]) -> Any:
    """The request of a call, with the headers, parameters and cookies of the client that sends it.

    The `build_request` of the client copies and searches the headers many times, in 25 µs. Most
    clients only add headers and cookies, and these are joined here, in 10 µs. A client with
    parameters, with framing headers or with a `build_request` of its own builds the request itself.

    Args:
        http: the client of httpx or httpx2.
        library: httpx or httpx2.
        call: the call, whose files were read.
    """
    content = cast("bytes", call.content)
    url = call.url if library is httpx else library.URL(str(call.url))
    timeout = _timeout_for(library, call.http_timeout)
    own = call.headers.raw
    names = {name.lower() for name, _ in own}
    headers = [header for header in http.headers.raw if header[0].lower() not in names] + own
    if (
        any(map(is_not, _builders(type(http)), _original_builders(library.Client)))
        or not vars(http).keys().isdisjoint(_BUILDERS)
        or http.params
        or not _FRAMING.isdisjoint({name.lower() for name, _ in headers})
    ):
        return http.build_request("POST", url, headers=own, content=content, timeout=timeout)
    request = library.Request(
        "POST",
        url,
        headers=[(b"Host", url.netloc), *headers],
        cookies=http.cookies,
        stream=library.ByteStream(content),
        extensions={"timeout": library.Timeout(timeout).as_dict()},
    )
    request.headers["Content-Length"] = str(len(content))  # after the cookies
    request.read()  # from memory, for `request.content`
    return request


_BUILDERS = (
    "build_request",
    "_merge_url",
    "_merge_headers",
    "_merge_cookies",
    "_merge_queryparams",
)
"""The methods of a client that make a request."""


def _builders(client: Any) -> list[object]:
    return [getattr(client, name, None) for name in _BUILDERS]


@cache
def _original_builders(client: type[Any]) -> list[object]:
    """The `_BUILDERS` of the client of a library, as the first call finds them.

    They are those of the base class, because tracing libraries patch the public classes.
    """
    return _builders(client.__base__)


_original_builders(httpx.Client)


_FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding"})
"""The headers that `build_request` makes from the URL and the body, unless they are given."""


def _timeout_for(library: Any, timeout: Any) -> Any:
    """A timeout as a value of `library`: seconds, `None`, or its own `Timeout`."""
    if library is httpx or isinstance(timeout, (int, float)) or timeout is None:
        return timeout
    return library.Timeout(**timeout.as_dict())
