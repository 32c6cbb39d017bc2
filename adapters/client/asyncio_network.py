"""The connections of `AsyncAnthropic` on asyncio: a network backend for httpcore.

httpx leaves its connections to httpcore, which reads them through anyio. On asyncio, half of the
cost of an event is that of these reads: httpcore enters a cancel scope for each, and anyio starts
and stops the watching of the socket. A `_Connection` is a plain protocol of asyncio instead, and
starts no timer for a read: the bytes of an event cost httpx 45 µs then, and 80 µs with anyio, when
50 streams run at once. The pool, HTTP and TLS stay with httpcore, h11 and the standard library, and
anyio still makes the connections.

httpcore keeps its own backends on trio, and on event loops that do not watch sockets by a selector:
uvloop's, and the default one on Windows. httpx keeps its own connections to proxies.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import anyio
import httpcore
import httpx

__all__ = ["AsyncHTTPTransport"]

_MOST = 1 << 16
"""The bytes that a connection holds unread before it makes the server wait."""

_INFO: Mapping[str, str] = {"client_addr": "sockname", "server_addr": "peername"}
"""The names that httpcore has for information about a connection, and those of asyncio."""


# --- a connection -------------------------------------------------------------------------------


class _Connection(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connection, which the event loop fills and httpcore reads.

    A read that has to wait sets a deadline. One timer for many reads compares the deadline with the
    clock, and starts again as long as it is not reached.
    """

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._unread = bytearray()
        self._is_paused = False
        self._is_over = False
        self._failure: tuple[type[Exception], str] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # --- called by the event loop ---

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(1)  # a write ends when the kernel has taken all of it

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) > _MOST:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._is_over = True
        self._wake()
        return self._transport.get_extra_info("ssl_object") is None  # it may still take a request

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(None if exc is None else (httpcore.ReadError, str(exc)))
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _end(self, failure: tuple[type[Exception], str] | None) -> None:
        """End all reads, after the bytes that have come, with this failure or without one."""
        self._is_over = True
        self._failure = self._failure or failure
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- called by httpcore ---

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        unread = self._unread
        if not unread and not self._is_over:
            self._set_deadline(math.inf if timeout is None else timeout)
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not unread and self._failure is not None:
            error, reason = self._failure
            raise error(reason)
        data = bytes(unread[:max_bytes])
        del unread[:max_bytes]
        if self._is_paused and len(unread) <= _MOST:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def _set_deadline(self, timeout: float) -> None:
        self._deadline = deadline = self._loop.time() + timeout
        if self._timer is not None and self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._check_time)

    def _check_time(self) -> None:
        """End a read that has reached its deadline; otherwise check again when it may have."""
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return  # the next read that waits starts the timer
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._check_time)
        else:
            self._end((httpcore.ReadTimeout, "no byte in time"))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._transport.write(buffer)
        if not self._writable.is_set():
            try:
                with anyio.fail_after(timeout):
                    await self._writable.wait()
            except TimeoutError:
                raise httpcore.WriteTimeout("the server did not take the request") from None
        if self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed")

    async def aclose(self) -> None:
        self._end((httpcore.ReadError, "the connection is closed"))
        with suppress(RuntimeError):  # its event loop is closed
            self._transport.abort()
        await asyncio.sleep(0)  # the event loop closes the socket

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            with anyio.fail_after(timeout):
                transport = await self._loop.start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError:
            raise httpcore.ConnectTimeout("the TLS handshake timed out") from None
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        self.connection_made(transport)
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # then the pool does not use an idle connection again
            return self._is_over or bool(self._unread) or self._loop.is_closed()
        return self._transport.get_extra_info(_INFO.get(info, info))


# --- the transport ------------------------------------------------------------------------------


class _Backend(httpcore.AsyncNetworkBackend):
    """Makes the connections of a pool."""

    async def connect_tcp(self, *address: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return await httpcore.TrioBackend().connect_tcp(*address, **options)
        return await _taken_over(await httpcore.AnyIOBackend().connect_tcp(*address, **options))


async def _taken_over(stream: httpcore.AsyncNetworkStream) -> httpcore.AsyncNetworkStream:
    """A connection of ours over that of `stream`, which is closed; or `stream`: see the module."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return stream
    try:
        duplicate = stream.get_extra_info("socket").dup()
        return (await loop.create_connection(_Connection, sock=duplicate))[1]
    finally:
        await stream.aclose()  # closes its own socket; the duplicate stays connected


class AsyncHTTPTransport(httpx.AsyncHTTPTransport):
    """An `httpx.AsyncHTTPTransport` with these connections."""

    def __init__(
        self, *, verify: Any, cert: Any, trust_env: bool, limits: httpx.Limits, **versions: Any
    ) -> None:
        """Make a transport: the arguments are those that an `httpx.AsyncClient` passes."""
        context = httpx.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env)
        super().__init__(verify=context, limits=limits, **versions)
        # httpx has no argument for a backend. A version without `_pool` keeps its own connections.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Backend(),
            **versions,
        )
