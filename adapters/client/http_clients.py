"""The client of httpx or httpx2 that sends the requests: ours, or one that the caller passes."""

from __future__ import annotations

import sys
import weakref
from typing import Any

import httpx
from streamfold.transports import Spawn, spawner

__all__ = ["AsyncHTTPClient", "Connections", "library_of", "timeout_for"]


class AsyncHTTPClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose connections cost less on asyncio: see `asyncio_network`."""

    def _init_transport(self, *_: Any, transport: Any = None, **options: Any) -> Any:
        from .asyncio_network import AsyncHTTPTransport

        return transport or AsyncHTTPTransport(**options)


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


def timeout_for(library: Any, timeout: Any) -> Any:
    """A timeout as a value of `library`: seconds, `None`, or its own `Timeout`."""
    if library is httpx or isinstance(timeout, (int, float)) or timeout is None:
        return timeout
    return library.Timeout(**timeout.as_dict())
