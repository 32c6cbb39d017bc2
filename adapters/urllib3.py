"""`DefaultUrllib3Client`: an httpx client that sends with urllib3, for sync streams.

On a network, the HTTP library accounts for most of the cost of an event. urllib3 leaves the body of
a response to the standard library's `http.client`, which reads a chunk in less than half of the
time that httpx takes (see `docs/how-to/faster-transport.md`). The transport here connects urllib3
with httpx:

- urllib3 keeps the connections, and does TLS, proxies, the request and the head of the answer. The
  body is read by `http.client`, one call for each chunk, in the bytes as they come.
- Each failure raises the exception that httpx raises for it. Bytes that came before a failure are
  handed out before it is raised. A body that is cut short is a failure.
- No exception refers to an exception of urllib3, because their tracebacks hold the headers of the
  request.
- A request has the headers that httpx gives it, and no others. urllib3 follows no redirects,
  repeats no requests and decompresses nothing.
- Each of the four timeouts of httpx limits its own step.

It speaks HTTP/1.1 only, may be shared by threads, and needs the extra `urllib3`.

>>> from streamfold.adapters.anthropic import Anthropic
>>> Anthropic(api_key="sk-ant-example", max_retries=0, http_client=DefaultUrllib3Client())
Anthropic(base_url=URL('https://api.anthropic.com'), max_retries=0)
"""

from __future__ import annotations

import http.client
import math
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import httpx

from .client import DEFAULT_CONNECTION_LIMITS, DEFAULT_TIMEOUT

try:
    import urllib3
    import urllib3.connection
except ImportError:
    raise ImportError(
        "DefaultUrllib3Client needs urllib3, which is not installed: "
        "pip install 'streamfold[urllib3]'"
    ) from None

__all__ = ["DefaultUrllib3Client", "Urllib3Transport"]

_ADDED_HEADERS = ("accept-encoding", "user-agent")
"""The headers that urllib3 adds to requests that lack them."""

_PIECE = 1 << 16
"""The bytes that are read or sent at once, at most."""


# --- failures -----------------------------------------------------------------------------------

_FAILURES: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (urllib3.exceptions.EmptyPoolError, httpx.PoolTimeout),
    (urllib3.exceptions.NewConnectionError, httpx.ConnectError),
    (urllib3.exceptions.ConnectTimeoutError, httpx.ConnectTimeout),
    (urllib3.exceptions.ReadTimeoutError, httpx.ReadTimeout),
    (urllib3.exceptions.ProxyError, httpx.ProxyError),
    (urllib3.exceptions.SSLError, httpx.ConnectError),
    (urllib3.exceptions.LocationValueError, httpx.UnsupportedProtocol),
    (http.client.HTTPException, httpx.RemoteProtocolError),
    (TimeoutError, httpx.ReadTimeout),
    (Exception, httpx.ReadError),
)
"""The exceptions of urllib3 and `http.client`, and their httpx counterparts.

The first matching row counts.
"""


def _failure(error: Exception, request: httpx.Request) -> httpx.TransportError:
    """The httpx exception for a failure, without a cause: see the module."""
    if isinstance(error, urllib3.exceptions.ProtocolError):
        error = error.args[-1]  # the exception of `http.client` or of the socket
    if isinstance(error, httpx.TransportError):  # of a `_Connection`
        kind = type(error)
    else:
        kind = next(kind for reported, kind in _FAILURES if isinstance(error, reported))
    # an exception of urllib3 begins with the class, the host and the port of the connection
    reason = str(getattr(error, "original_error", error)).rpartition("): ")[2]
    return kind(reason or type(error).__name__, request=request)


# --- connections --------------------------------------------------------------------------------

_write_timeout: ContextVar[float | None] = ContextVar("_write_timeout")
"""The `write` timeout of the request that is sent: urllib3 has no timeout of that kind."""


class _Connection(urllib3.connection.HTTPConnection):
    """A connection that limits each step of a request, and the time for which it may be idle.

    Attributes:
        opened: the socket, even when `http.client` has handed it over to the response.
        expires: the time of `time.monotonic` after which it is not used again.
    """

    opened: Any = None
    expires = math.inf

    @property
    def is_connected(self) -> bool:
        """Whether the connection can be used again."""
        return super().is_connected and time.monotonic() < self.expires

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError:  # of the TLS handshake, which urllib3 takes for one of reading
            raise httpx.ConnectTimeout("the TLS handshake timed out") from None
        except ssl.SSLError:
            raise
        except OSError as error:
            kind = httpx.ProxyError if self.proxy else httpx.ConnectError
            raise kind(str(error)) from None
        # TLS inside the TLS of a proxy is an object with the socket
        self.opened = getattr(self.sock, "socket", self.sock)

    def putheader(self, header: str, *values: str) -> None:  # type: ignore[override]
        try:
            super().putheader(header, *values)
        except ValueError:  # it shows the value, in which there may be a key
            raise httpx.LocalProtocolError(f"illegal characters in header {header!r}") from None

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        before = self.sock.gettimeout()
        self.sock.settimeout(_write_timeout.get())
        view = memoryview(data)
        try:
            for start in range(0, len(view), _PIECE):
                super().send(view[start : start + _PIECE])
        except TimeoutError:
            raise httpx.WriteTimeout("the server did not take the request") from None
        self.sock.settimeout(before)


class _TLSConnection(_Connection, urllib3.connection.HTTPSConnection):
    """A `_Connection` with TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    """The connections to one host."""

    ConnectionCls = _Connection

    def __init__(self, host: str, port: int | None, *, maxsize: int, **options: Any) -> None:
        super().__init__(host, port, maxsize=0, **options)
        # urllib3 would fill the pool in steps, which takes a millisecond for 1,000 connections
        assert self.pool is not None
        self.pool.maxsize = maxsize
        self.pool.queue = [None] * maxsize


class _TLSPool(_Pool, urllib3.HTTPSConnectionPool):
    """The connections to one host, with TLS."""

    ConnectionCls = _TLSConnection


def _manager(proxy: httpx.Proxy | None, **options: Any) -> urllib3.PoolManager:
    """The pools of connections to all hosts, or to one proxy."""
    if proxy is None:
        manager = urllib3.PoolManager(**options)
    else:
        if proxy.url.scheme not in ("http", "https"):
            raise ValueError(
                f"urllib3 needs a proxy with http:// or https://, got {proxy.url.scheme}://: "
                "use httpx.Client"
            )
        headers = dict(proxy.headers)
        if proxy.raw_auth is not None:
            auth = b":".join(proxy.raw_auth).decode("latin-1")
            headers.update(urllib3.make_headers(proxy_basic_auth=auth))
        manager = urllib3.ProxyManager(
            str(proxy.url),
            proxy_headers=headers,
            proxy_ssl_context=proxy.ssl_context or options["ssl_context"],
            **options,
        )
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
    return manager


class _Network:
    """The network of a response, in the form in which httpx has it."""

    def __init__(self, opened: Any) -> None:
        self._socket = opened

    def get_extra_info(self, info: str) -> Any:
        """The `socket` of the response; `None` for all else."""
        return self._socket if info == "socket" else None


# --- the body -----------------------------------------------------------------------------------


class _Body(httpx.SyncByteStream):
    """The body of a response, in the chunks in which it comes."""

    def __init__(self, answer: Any, request: httpx.Request, keepalive: float) -> None:
        """Read the body of `answer`; its connection may then be idle for `keepalive` seconds."""
        self._answer = answer
        self._request = request
        self._keepalive = keepalive
        self._connection: _Connection = answer.connection
        # urllib3's own `read1` takes twice as long, because it enters a context for each chunk
        self._body: http.client.HTTPResponse = answer._original_response
        self._read = self._body.read1
        self._is_whole = False
        self._failure: httpx.TransportError | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._failure is None:
            try:
                chunk: bytes = self._read(_PIECE)
            except Exception as error:
                self._failure = _failure(error, self._request)
            else:
                if chunk:
                    return chunk
                if not self._body.length:  # `http.client` does not check that all of it came
                    self._is_whole = True
                    raise StopIteration
                self._failure = httpx.RemoteProtocolError(
                    f"the connection was closed {self._body.length:,} bytes before the end",
                    request=self._request,
                )
        raise self._failure

    def close(self) -> None:
        """Return the connection to the pool; closed, if the body was not read to its end."""
        if not self._is_whole:
            with suppress(OSError):  # wakes a thread that reads, and would keep the body open
                socket.socket.shutdown(self._connection.opened, socket.SHUT_RDWR)
            self._connection.close()
        self._body.close()
        self._connection.expires = time.monotonic() + self._keepalive
        self._answer.release_conn()


# --- the transport ------------------------------------------------------------------------------


class Urllib3Transport(httpx.BaseTransport):
    """The transport of `DefaultUrllib3Client`, for use inside other transports.

    >>> from streamfold.transports import RecordingTransport
    >>> transport = RecordingTransport(Urllib3Transport(), "turn.jsonl")
    >>> client = DefaultUrllib3Client(transport=transport)
    """

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | str | bool = True,
        cert: Any = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: httpx.Limits = DEFAULT_CONNECTION_LIMITS,
        proxy: httpx.Proxy | httpx.URL | str | None = None,
    ) -> None:
        """Make a transport.

        Args:
            verify: as for `httpx.HTTPTransport`: the TLS context, or whether certificates are
                verified.
            cert: as for `httpx.HTTPTransport`: the client's certificate.
            trust_env: whether the environment may name the trusted certificates.
            http1: has no effect.
            http2: has no effect.
            limits: the connections that may be open, for each host, and the seconds for which one
                may be idle. `max_keepalive_connections` has no effect.
            proxy: the proxy, whose scheme is `http` or `https`.

        Raises:
            ValueError: the proxy has another scheme.
        """
        if isinstance(proxy, (str, httpx.URL)):
            proxy = httpx.Proxy(proxy)
        most = limits.max_connections
        expiry = limits.keepalive_expiry
        self._keepalive = math.inf if expiry is None else expiry
        self._has_proxy = proxy is not None
        self._manager = _manager(
            proxy,
            ssl_context=httpx.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env),
            maxsize=most or DEFAULT_CONNECTION_LIMITS.max_connections,
            block=most is not None,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            httpx.TransportError: the request was not answered.
        """
        timeouts = request.extensions.get("timeout", {})
        token = _write_timeout.set(timeouts.get("write"))
        try:
            answer = self._send(request, timeouts)
        except (urllib3.exceptions.HTTPError, httpx.TransportError) as error:
            failure = _failure(error, request)
        else:
            return httpx.Response(
                answer.status,
                headers=[
                    (name.encode("latin-1"), value.encode("latin-1"))
                    for name, value in answer.headers.items()
                ],
                stream=_Body(answer, request, self._keepalive),
                extensions={
                    "http_version": b"HTTP/1.0" if answer.version == 10 else b"HTTP/1.1",
                    "reason_phrase": answer.reason.encode("latin-1"),
                    "network_stream": _Network(answer.connection.opened),
                },
            )
        finally:
            _write_timeout.reset(token)
        raise failure  # outside `except`, so that it has no context either: see the module

    def _send(self, request: httpx.Request, timeouts: Mapping[str, Any]) -> Any:
        """Send a request; urllib3's response, whose body is not read yet."""
        url = request.url
        target = url.raw_path.decode("ascii")
        if self._has_proxy and url.scheme == "http":
            target = str(url.copy_with(userinfo=b"", fragment=None))
        host = url.raw_host.decode("ascii")
        pool = self._manager.connection_from_host(host, url.port, url.scheme)
        return pool.urlopen(
            request.method,
            target,
            body=_content(request),
            headers=_headers(request),
            timeout=urllib3.Timeout(connect=timeouts.get("connect"), read=timeouts.get("read")),
            pool_timeout=timeouts.get("pool"),
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )

    def close(self) -> None:
        """Close the idle connections. One that is in use is closed at the end of its response."""
        pools = self._manager.pools
        for key in pools.keys():  # noqa: SIM118  they cannot be iterated
            pools[key].close()
        pools.clear()


def _content(request: httpx.Request) -> Any:
    """The pieces of the request's body; `None` without one, which urllib3 would send as empty."""
    has_content = request.headers.keys() & {"content-length", "transfer-encoding"}
    return request.stream if has_content else None


def _headers(request: httpx.Request) -> urllib3.HTTPHeaderDict:
    """The headers of a request, for urllib3, which adds none to these."""
    headers = urllib3.HTTPHeaderDict(
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
    )
    for name in _ADDED_HEADERS:
        headers.setdefault(name, urllib3.util.SKIP_HEADER)
    return headers


class DefaultUrllib3Client(httpx.Client):
    """An `httpx.Client` that sends with urllib3.

    >>> DefaultUrllib3Client().timeout
    Timeout(connect=5.0, read=600.0, write=600.0, pool=600.0)
    """

    def __init__(self, **options: Any) -> None:
        """Make a client.

        Args:
            options: those of `httpx.Client`. By default `timeout` is that of `Anthropic`, 1,000
                connections are open at most, and redirects are not followed. `http2` has no effect.
        """
        options.setdefault("timeout", DEFAULT_TIMEOUT)
        options.setdefault("limits", DEFAULT_CONNECTION_LIMITS)
        super().__init__(**options)

    def _init_transport(self, *_: Any, transport: Any = None, **options: Any) -> Any:
        return transport or Urllib3Transport(**options)

    def _init_proxy_transport(self, *proxy: Any, **options: Any) -> Urllib3Transport:
        return Urllib3Transport(proxy=proxy[0], **options)
