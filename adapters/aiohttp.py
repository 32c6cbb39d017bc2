"""`DefaultAioHttpClient`: an httpx client that sends with aiohttp, for many streams at once.

On a network, the HTTP library accounts for most of the cost of an event. aiohttp parses HTTP/1.1 in
C and reads a chunk in a third of the time that httpx takes (see `docs/how-to/faster-transport.md`).
The package httpx-aiohttp wraps it as an httpx transport. The transport here extends that one by
what a stream needs:

- A chunk is read by one call of aiohttp's `readany`, without generators, and starts no timer.
- Each failure raises the exception that httpx raises for it. Bytes that came before a failure are
  handed out before it is raised. A request or a read in which aiohttp would hang fails.
- No exception refers to an aiohttp exception, because those hold the headers of the request.
- A request has the headers and the cookies that httpx gives it, and no others.
- A client may be used in one event loop after another. One that was never closed causes no warning.

It needs asyncio, speaks HTTP/1.1 only, and needs the extra `aiohttp`.

>>> from streamfold.adapters.anthropic import AsyncAnthropic
>>> AsyncAnthropic(api_key="sk-ant-example", max_retries=0, http_client=DefaultAioHttpClient())
AsyncAnthropic(base_url=URL('https://api.anthropic.com'), max_retries=0)
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

import anyio
import httpx
from streamfold.transports import Spawn, spawner

from .client import DEFAULT_CONNECTION_LIMITS, DEFAULT_TIMEOUT

try:
    import aiohttp
    import httpx_aiohttp
except ImportError:
    raise ImportError(
        "DefaultAioHttpClient needs httpx-aiohttp, which is not installed: "
        "pip install 'streamfold[aiohttp]'"
    ) from None

__all__ = ["AiohttpTransport", "DefaultAioHttpClient"]

_ADDED_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""The headers that aiohttp adds to requests that lack them."""

_LARGE = 1 << 20
"""The largest body of a request, in bytes, that aiohttp takes as bytes without a warning."""


# --- failures -----------------------------------------------------------------------------------

_FAILURES: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (Exception, httpx.ReadError),
)
"""The exceptions of aiohttp, and their httpx counterparts. The first matching row counts."""


def _failure(error: BaseException, request: httpx.Request) -> httpx.TransportError:
    """The httpx exception for a failure that aiohttp reports.

    It has no cause, because some exceptions of aiohttp hold the headers of the request.
    """
    kind = next(kind for reported, kind in _FAILURES if isinstance(error, reported))
    # the text of a `ClientResponseError` has the URL, in which there may be a key
    reason = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return kind(reason or type(error).__name__, request=request)


# --- the body -----------------------------------------------------------------------------------


class _Body(httpx.AsyncByteStream):
    """The body of a response, in the chunks in which it comes."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request
        self._content = answer.content
        self._read = answer.content.readany
        self._failure: httpx.TransportError | None = None
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._waits_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        if answer.connection is not None:  # else the whole body came with the head
            protocol: Any = answer.connection.protocol
            _end_with(answer.content, protocol)
            self._replace_timer(protocol, _timeouts(request).get("read"))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self._waits_since = self._now()
        try:
            chunk = await self._read()
        except aiohttp.ClientError as error:
            chunk = self._fail(error)
        finally:
            self._waits_since = None
        if chunk:
            return chunk
        if self._failure is not None:
            raise self._failure
        raise StopAsyncIteration

    def _fail(self, error: aiohttp.ClientError) -> bytes:
        """Keep the failure, and return the bytes that came before it.

        aiohttp raises a failure as soon as it happens, and would drop the bytes that were not read.
        """
        if self._failure is not None:
            return b""
        self._failure = _failure(error, self._request)
        reader: Any = self._content
        reader.set_exception(None)
        unread: bytes = reader.read_nowait()
        reader.set_exception(error)
        return unread

    def _replace_timer(self, protocol: Any, timeout: float | None) -> None:
        """Time the reads with a timer that is not restarted for each chunk.

        aiohttp starts a timer for each chunk, which accounts for a seventh of all calls in a
        stream.
        """
        protocol.read_timeout = None
        protocol.start_timeout()  # ends the timer that runs
        if timeout is not None:
            self._check_in(timeout, timeout)

    def _check_in(self, seconds: float, timeout: float) -> None:
        body: weakref.ref[_Body] = weakref.ref(self)
        self._timer = self._loop.call_later(seconds, _check_time, body, timeout)

    def check_time(self, timeout: float) -> None:
        """Fail a read that has waited for `timeout` seconds, or check again when one may have."""
        waited = 0.0 if self._waits_since is None else self._now() - self._waits_since
        if waited < timeout:
            self._check_in(timeout - waited, timeout)
        else:
            self._content.set_exception(aiohttp.SocketTimeoutError(f"no byte in {timeout:g} s"))

    async def aclose(self) -> None:
        """Return the connection to the pool, or close it if the body was not read to its end."""
        if self._timer is not None:
            self._timer.cancel()
        self._answer.release()


def _check_time(body: weakref.ref[_Body], timeout: float) -> None:
    """Check the time of a body, through a weak reference: the timer must not keep it alive."""
    alive = body()
    if alive is not None:
        alive.check_time(timeout)


def _end_with(content: aiohttp.StreamReader, protocol: Any) -> None:
    """End a body when its connection ends.

    aiohttp closes the connection when the chunked encoding is malformed, but does not wake the
    reader of the body (3.14.5, with its parser in C). That reader would hang.
    """
    closed = protocol.closed
    if closed is None:  # it has ended, and so has the body
        return

    def end(_: object) -> None:
        if content.exception() is None and not content.is_eof():
            content.set_exception(aiohttp.ClientPayloadError(str(protocol.exception())))

    closed.remove_done_callback(_drop)  # of an earlier response over this connection
    closed.add_done_callback(_drop)
    closed.add_done_callback(end)
    content.on_eof(lambda: closed.remove_done_callback(end))


def _drop(closed: asyncio.Future[None]) -> None:
    """Retrieve and drop the exception that ended a connection, because asyncio would warn of it."""
    closed.exception()


# --- the transport ------------------------------------------------------------------------------


class AiohttpTransport(httpx_aiohttp.AiohttpTransport):
    """The transport of `DefaultAioHttpClient`, for use inside other transports.

    Its arguments are those of `httpx.AsyncHTTPTransport`, of which `uds`, `local_address`,
    `retries` and `socket_options` have no effect.

    >>> from streamfold.transports import RecordingTransport
    >>> transport = RecordingTransport(AiohttpTransport(), "turn.jsonl")
    >>> client = DefaultAioHttpClient(transport=transport)
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _close: Callable[[], object] | None = None
    """Closes the session of aiohttp. It is also called when this transport is dropped."""

    def get_client(self) -> aiohttp.ClientSession:
        """A session of aiohttp that adds nothing to the requests of httpx."""
        connector = aiohttp.TCPConnector(
            limit=self.limits.max_connections or 0,  # 0 means no limit
            keepalive_timeout=self.limits.keepalive_expiry,
            ssl=self.ssl_context,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_ADDED_HEADERS,
        )
        self._close = weakref.finalize(self, _close, session, asyncio.get_running_loop(), spawner())
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            httpx.TransportError: the request was not answered.
            RuntimeError: asyncio is not running.
        """
        self._enter_loop()
        failure: httpx.TransportError = httpx.TimeoutException(
            "no answer within the sum of the timeouts", request=request
        )
        try:
            with anyio.move_on_after(_longest(request)):
                answer = await super().handle_async_request(_prepared(request))
                stream: Any = answer.stream
                answer.stream = _Body(stream._aiohttp_response, request)
                return answer
        except (httpx.TransportError, aiohttp.ClientError) as error:
            is_mapped = isinstance(error, httpx.TransportError)
            failure = _failure((is_mapped and error.__cause__) or error, request)
        raise failure  # outside `except`, so that it has no context either: see `_failure`

    def _enter_loop(self) -> None:
        """Drop the session of an earlier event loop: its connections can no longer be used."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "aiohttp needs asyncio, which is not running: use httpx.AsyncClient on trio"
            ) from None
        if loop is not self._loop:
            if self._close is not None:
                self._close()
            self.client, self._loop = None, loop


def _longest(request: httpx.Request) -> float | None:
    """The seconds after which a request fails, even if none of its own timeouts has expired.

    aiohttp limits neither the time that a server takes to accept the body of a request nor the time
    of a DNS lookup.
    """
    seconds = [seconds for seconds in _timeouts(request).values() if seconds is not None]
    return sum(seconds) if len(seconds) == 4 else None


def _timeouts(request: httpx.Request) -> Mapping[str, float | None]:
    """The four timeouts of a request; fewer if no httpx client made the request."""
    timeouts: Mapping[str, float | None] = request.extensions.get("timeout", {})
    return timeouts


def _prepared(request: httpx.Request) -> httpx.Request:
    """The request in a form that aiohttp accepts without errors and warnings.

    httpx has moved the user and the password of the URL to a header, and aiohttp would refuse both.
    A large body is sent as a stream, because aiohttp warns about one given as bytes.
    """
    is_large = int(request.headers.get("content-length", 0)) > _LARGE
    if not is_large and not request.url.userinfo:
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(userinfo=b""),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def _close(
    session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop, spawn: Spawn | None
) -> None:
    """Close a session that was dropped, in any thread.

    Args:
        session: the session.
        loop: its event loop.
        spawn: starts a task in that loop, which is running when the session is made.
    """
    if not loop.is_closed():
        assert spawn is not None
        spawn(session.close)
        return
    closing = session.close()
    with suppress(StopIteration):  # nothing is left to close, so it does not wait
        closing.send(None)


class DefaultAioHttpClient(httpx_aiohttp.HttpxAiohttpClient):
    """The official client's `DefaultAioHttpClient`: an `httpx.AsyncClient` that sends with aiohttp.

    >>> DefaultAioHttpClient().timeout
    Timeout(connect=5.0, read=600.0, write=600.0, pool=600.0)
    """

    def __init__(self, **options: Any) -> None:
        """Make a client.

        Args:
            options: those of `httpx.AsyncClient`. By default `timeout` is that of `AsyncAnthropic`,
                1,000 connections are open at most, and redirects are not followed.
        """
        options.setdefault("timeout", DEFAULT_TIMEOUT)
        options.setdefault("limits", DEFAULT_CONNECTION_LIMITS)
        super().__init__(**options)

    def _init_transport(self, *_: Any, transport: Any = None, **options: Any) -> Any:
        return transport or AiohttpTransport(**options)

    def _init_proxy_transport(self, *proxy: Any, **options: Any) -> AiohttpTransport:
        return AiohttpTransport(proxy=proxy[0], **options)
