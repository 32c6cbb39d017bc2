"""The connections of `AsyncAnthropic` on asyncio, over real sockets.

`test_http_libraries` has the promises that hold over each library, under the name "own".
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio
import httpcore
import httpx
import pytest
from streamfold.adapters.anthropic import APIConnectionError, AsyncAnthropic
from streamfold.adapters.client.asyncio_network import _Backend, _check_time, _Connection
from streamfold.adapters.client.http_clients import AsyncHTTPClient

from tests.support.clients import ANSWER, ASK
from tests.support.loopback import PATIENCE, Server, close, event_stream, hold
from tests.support.shells import HALF, KEY, MESSAGE, NO_TLS
from tests.support.tls import TRUSTING, TLSServer

pytestmark = pytest.mark.anyio

Opened = Callable[[], Awaitable[tuple[_Connection, socket.socket]]]


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """A function that makes a connection; it gives the connection, and the socket of the server."""
    connections: list[Any] = []
    listener = socket.create_server(("127.0.0.1", 0))

    async def make() -> tuple[Any, socket.socket]:
        connection = await _Backend().connect_tcp(*listener.getsockname())
        server, _ = listener.accept()
        server.settimeout(PATIENCE)
        connections.append((connection, server))
        return connection, server

    yield make
    for connection, server in connections:
        await connection.aclose()
        server.close()
    listener.close()


def http_client(**options: Any) -> AsyncHTTPClient:
    return AsyncHTTPClient(**{"verify": NO_TLS, "trust_env": False, **options})


async def message(http: httpx.AsyncClient, url: str) -> Any:
    client: Any = AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0, http_client=http)
    async with client, client.messages.stream(**ASK) as stream:
        return await stream.get_final_message()


# --- where they are used --------------------------------------------------------------------------


async def _stream_of(server: Server) -> Any:
    server.answer(ANSWER)
    client: Any = AsyncAnthropic(api_key=KEY, base_url=server.url)
    async with client, client.messages.stream(**ASK) as stream:
        assert await stream.get_final_message() == MESSAGE
        return stream.response.extensions["network_stream"]


async def test_the_client_uses_them(server: Server) -> None:
    assert isinstance(await _stream_of(server), _Connection)


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio(server: Server) -> None:
    assert "Trio" in type(await _stream_of(server)).__name__


async def test_another_event_loop(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        pass

    monkeypatch.setattr(asyncio, "SelectorEventLoop", Other)
    assert "AnyIO" in type(await _stream_of(server)).__name__


async def test_a_transport_of_the_caller() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(204))
    async with http_client(transport=transport) as client:
        assert (await client.get("http://example.invalid")).status_code == 204


# --- reads ----------------------------------------------------------------------------------------


async def test_reads(opened: Opened) -> None:
    connection, server = await opened()
    server.sendall(b"12345")
    assert [await connection.read(3), await connection.read(3, PATIENCE)] == [b"123", b"45"]
    assert not connection.get_extra_info("is_readable")
    await connection.write(b"6", PATIENCE)
    assert server.recv(1) == b"6"
    server.close()
    assert [await connection.read(3), await connection.read(3, PATIENCE)] == [b"", b""]
    assert connection.get_extra_info("is_readable")


async def test_a_read_times_out(opened: Opened) -> None:
    connection, server = await opened()
    server.sendall(b"x")
    assert await connection.read(1, timeout=0.01) == b"x"
    for timeout in (None, PATIENCE):  # the time of the first read is over, but no longer counts
        asyncio.get_running_loop().call_later(0.03, server.sendall, b"x")
        assert await connection.read(1, timeout=timeout) == b"x"
    for _ in range(2):
        with pytest.raises(httpcore.ReadTimeout):
            await connection.read(1, timeout=0.01)


async def test_a_timer_for_many_reads(opened: Opened) -> None:
    connection, server = await opened()
    timers = set()
    for _ in range(3):
        reading = asyncio.ensure_future(connection.read(1, timeout=PATIENCE))
        await asyncio.sleep(0)
        timers.add(connection._timer)
        server.sendall(b"x")
        assert await reading == b"x"
    assert len(timers) == 1


async def test_a_timer_that_ends_early_starts_again(opened: Opened) -> None:
    connection, server = await opened()
    reading = asyncio.ensure_future(connection.read(1, timeout=PATIENCE))
    await asyncio.sleep(0)
    assert connection._timer is not None
    connection._timer.cancel()
    connection.check_time()
    assert connection._timer.when() == connection._deadline
    server.sendall(b"x")
    assert await reading == b"x"
    connection._timer.cancel()
    connection.check_time()  # no read waits
    assert connection._timer is None


async def test_bytes_that_come_as_the_time_is_over_are_read(opened: Opened) -> None:
    connection, server = await opened()
    reading = asyncio.ensure_future(connection.read(1, timeout=PATIENCE))
    await asyncio.sleep(0)
    server.sendall(b"x")
    connection._deadline = 0.0
    connection.check_time()
    assert await reading == b"x"
    with pytest.raises(httpcore.ReadTimeout):
        await connection.read(1)


async def test_the_time_is_over_after_the_server_has_reset_the_connection(opened: Opened) -> None:
    connection, server = await opened()
    await connection.write(b"x")
    server.close()  # before it has read everything: the kernel resets the connection
    with pytest.raises(httpcore.ReadError):
        await connection.read(1, timeout=PATIENCE)
    connection._deadline = 0.0
    connection.check_time()
    with pytest.raises(httpcore.ReadTimeout):
        await connection.read(1)


async def test_a_read_that_is_cancelled_loses_nothing(opened: Opened) -> None:
    connection, server = await opened()
    with anyio.move_on_after(0):
        await connection.read(1)
    server.sendall(b"x")
    assert await connection.read(1) == b"x"


async def test_close_ends_a_read(opened: Opened) -> None:
    connection, _ = await opened()
    reading = asyncio.ensure_future(connection.read(1))
    await asyncio.sleep(0)
    await connection.aclose()
    with pytest.raises(httpcore.ReadError):
        await reading


async def test_a_timer_keeps_no_connection_alive() -> None:
    class Stream:
        _stream = None
        receive = None

    stream: Any = Stream()
    stream._stream = stream
    connection = _Connection(stream, asyncio.get_running_loop())
    connection._start_timer(asyncio.get_running_loop().time() + PATIENCE)
    timer, dropped = connection._timer, weakref.ref(connection)
    assert timer is not None
    del connection
    gc.collect()
    assert dropped() is None
    _check_time(dropped)
    timer.cancel()


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def tls_server() -> Iterator[TLSServer]:
    with TLSServer() as running:
        yield running


async def test_tls(tls_server: TLSServer) -> None:
    tls_server.answer(ANSWER)
    async with http_client(verify=TRUSTING) as http:
        for _ in range(2):
            assert await message(http, tls_server.url) == MESSAGE
        async with http.stream("POST", tls_server.url, content=b"x" * 8_000_000) as answer:
            assert await answer.aread()
            connection = answer.extensions["network_stream"]
            assert connection.get_extra_info("ssl_object").version() == "TLSv1.3"
    assert len(tls_server.connections) == 1
    assert len(tls_server.requests[-1].body) == 8_000_000


@pytest.mark.parametrize("last", [close, hold])
async def test_a_cut_over_tls(tls_server: TLSServer, last: Any) -> None:
    tls_server.answer([*event_stream(HALF)[:-1], last])
    async with http_client(verify=TRUSTING, timeout=httpx.Timeout(PATIENCE, read=0.1)) as http:
        with pytest.raises(APIConnectionError) as caught:
            await message(http, tls_server.url)
    assert isinstance(caught.value.__cause__, httpx.TransportError)
    await anyio.to_thread.run_sync(tls_server.wait_closed)


async def test_an_unknown_authority(tls_server: TLSServer) -> None:
    async with http_client(verify=ssl.create_default_context()) as http:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.get(tls_server.url)
    await anyio.to_thread.run_sync(tls_server.wait_closed)


async def test_a_handshake_that_takes_too_long(opened: Any) -> None:
    connection, server = await opened()
    with pytest.raises(httpcore.ConnectTimeout):
        await connection.start_tls(TRUSTING, "localhost", timeout=0.01)
    await connection.aclose()
    assert (await anyio.to_thread.run_sync(server.recv, 1 << 16))[:1] == b"\x16"  # a handshake
    assert await anyio.to_thread.run_sync(server.recv, 1) == b""


async def test_bytes_from_before_the_handshake_are_not_read_as_an_answer(opened: Opened) -> None:
    connection, server = await opened()
    server.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfake")
    with pytest.raises(httpcore.ConnectError, match="SSL"):
        await connection.start_tls(TRUSTING, "localhost", timeout=PATIENCE)
