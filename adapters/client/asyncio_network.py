"""The connections of `AsyncAnthropic` on asyncio: those of httpcore, with cheaper timeouts.

httpx leaves its connections to httpcore, which reads them through anyio and enters a cancel scope
for each read, only for the timeout. With a timer for many reads in its place, the bytes of an event
take two thirds of the CPU time. Everything else stays with httpcore and anyio: connecting, TLS,
writing, closing.

httpcore keeps its own connections on trio, and on event loops that do not watch sockets by a
selector: uvloop's, and the default one on Windows. httpx keeps its own connections to proxies.
"""

from __future__ import annotations

import asyncio
import ssl
import weakref
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any

import anyio
import httpcore

__all__ = ["time_reads"]


class _Connection(httpcore.AsyncNetworkStream):
    """A connection of httpcore whose reads are timed by one timer.

    A read sets a deadline. The timer compares it with the clock, and starts again as long as it is
    not reached. Then it shuts the socket down, which wakes the read.
    """

    def __init__(self, stream: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self._receive = stream._stream.receive
        self._loop = loop
        self._now = loop.time
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_late = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if timeout is not None:
            self._deadline = deadline = self._now() + timeout
            if self._timer is None or self._timer.when() > deadline:
                self._start_timer(deadline)
        failure: Exception | None = None
        try:
            return await self._receive(max_bytes)  # type: ignore[no-any-return]
        except anyio.EndOfStream:
            pass
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            failure = error
        finally:
            self._deadline = None
        if self._is_late:
            raise httpcore.ReadTimeout("no bytes came in time")
        if failure is not None:
            raise httpcore.ReadError(str(failure)) from failure
        return b""

    def _start_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, _check_time, weakref.ref(self))

    def check_time(self) -> None:
        """End a read that has reached its deadline; otherwise check again when it may have."""
        self._timer = None
        if self._deadline is None:
            return  # the next read with a timeout starts the timer
        if self._now() < self._deadline:
            self._start_timer(self._deadline)
            return
        self._is_late = True
        with suppress(OSError):  # the server has closed the connection
            self._stream.get_extra_info("socket").shutdown(SHUT_RDWR)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _timed(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _check_time(connection: weakref.ref[_Connection]) -> None:
    """Check the time of a connection, which its timer must not keep alive."""
    alive = connection()
    if alive is not None:
        alive.check_time()


def _timed(stream: httpcore.AsyncNetworkStream) -> httpcore.AsyncNetworkStream:
    """The connection with reads that are timed so; the connection itself where that cannot be."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, asyncio.SelectorEventLoop) and hasattr(stream, "_stream"):
        return _Connection(stream, loop)
    return stream


class _Backend(httpcore.AnyIOBackend):
    """Makes the connections of a pool."""

    async def connect_tcp(self, *address: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return await httpcore.TrioBackend().connect_tcp(*address, **options)
        return _timed(await super().connect_tcp(*address, **options))


def time_reads(transport: Any) -> None:
    """Time the reads of an `httpx.AsyncHTTPTransport` in this way; leave other transports as is.

    httpx has no argument for a network backend, so this sets it in the pool of the transport.
    """
    pool: Any = getattr(transport, "_pool", None)
    if hasattr(pool, "_network_backend"):
        pool._network_backend = _Backend()
