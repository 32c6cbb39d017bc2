"""The connections of `AsyncAnthropic` on asyncio, over real sockets.

`test_http_libraries` has the promises that hold over each library, under the name "own".
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import httpcore
import httpx
import pytest
import trustme
from streamfold.adapters.anthropic import APIConnectionError, AsyncAnthropic
from streamfold.adapters.client.asyncio_network import _MOST, _Connection
from streamfold.adapters.client.http_clients import AsyncHTTPClient

from tests.support.clients import ANSWER, ASK
from tests.support.loopback import PATIENCE, Connection, Server, close, event_stream, hold
from tests.support.shells import HALF, KEY, MESSAGE, NO_TLS

pytestmark = pytest.mark.anyio


@pytest.fixture
def opened() -> Iterator[Callable[[], Awaitable[tuple[_Connection, socket.socket]]]]:
    """A function that makes a connection; it gives the connection, and the socket of the server."""
    servers = []

    async def make() -> tuple[_Connection, socket.socket]:
        ours, server = socket.socketpair()
        servers.append(server)
        server.settimeout(PATIENCE)
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(_Connection, sock=ours))[1], server

    yield make
    for server in servers:
        server.close()


def http_client(**options: Any) -> AsyncHTTPClient:
    return AsyncHTTPClient(**{"verify": NO_TLS, "trust_env": False, **options})


async def message(http: httpx.AsyncClient, url: str) -> Any:
    client: Any = AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0, http_client=http)
    async with client, client.messages.stream(**ASK) as stream:
        return await stream.get_final_message()


# --- event loops ----------------------------------------------------------------------------------


async def _stream_of(server: Server) -> Any:
    server.answer(ANSWER)
    client: Any = AsyncAnthropic(api_key=KEY, base_url=server.url)
    async with client, client.messages.stream(**ASK) as stream:
        assert await stream.get_final_message() == MESSAGE
        return stream.response.extensions["network_stream"]


async def test_the_client_uses_them(server: Server) -> None:
    connection = await _stream_of(server)
    assert isinstance(connection, _Connection)
    assert connection.get_extra_info("server_addr") == ("127.0.0.1", httpx.URL(server.url).port)
    assert connection.get_extra_info("ssl_object") is None


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio(server: Server) -> None:
    assert "Trio" in type(await _stream_of(server)).__name__


async def test_another_event_loop(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        pass

    monkeypatch.setattr(asyncio, "SelectorEventLoop", Other)
    assert "AnyIO" in type(await _stream_of(server)).__name__


@pytest.mark.filterwarnings(
    "ignore:.*unclosed:ResourceWarning",
    "ignore:.*_SelectorTransport.__del__:pytest.PytestUnraisableExceptionWarning",
)
def test_one_event_loop_after_another(server: Server) -> None:
    server.answer(ANSWER)
    http = http_client()
    for _ in range(2):
        assert asyncio.run(message(http, server.url)) == MESSAGE
    asyncio.run(http.aclose())
    assert len(server.connections) == 2
    gc.collect()


async def test_a_transport_of_the_caller() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(204))
    async with http_client(transport=transport) as client:
        assert (await client.get("http://example.invalid")).status_code == 204


# --- reads ----------------------------------------------------------------------------------------


async def test_a_read_has_a_maximum(opened: Any) -> None:
    connection, server = await opened()
    server.sendall(b"12345")
    assert [await connection.read(3), await connection.read(3)] == [b"123", b"45"]
    assert not connection.get_extra_info("is_readable")
    server.sendall(b"6")
    server.close()
    assert [await connection.read(3), await connection.read(3)] == [b"6", b""]
    assert connection.get_extra_info("is_readable")
    await connection.aclose()


async def test_a_server_waits_for_a_reader(opened: Any) -> None:
    connection, server = await opened()
    sent = bytes(range(256)) * 10_000
    sending = threading.Thread(target=server.sendall, args=(sent,))
    sending.start()
    with anyio.fail_after(PATIENCE):
        while not connection._is_paused:
            await asyncio.sleep(0)
    held = len(connection._unread)
    assert _MOST < held < len(sent) // 4
    await asyncio.sleep(0.02)
    assert len(connection._unread) == held
    received = bytearray()
    while len(received) < len(sent):
        received += await connection.read(1 << 14, timeout=PATIENCE)
    assert received == sent
    sending.join()
    await connection.aclose()


async def test_a_read_times_out(opened: Any) -> None:
    connection, server = await opened()
    server.sendall(b"x")
    assert await connection.read(1, timeout=0.01) == b"x"
    for timeout in (None, PATIENCE):  # the time of the first read is over, but no longer counts
        asyncio.get_running_loop().call_later(0.03, server.sendall, b"x")
        assert await connection.read(1, timeout=timeout) == b"x"
    for _ in range(2):
        with pytest.raises(httpcore.ReadTimeout):
            await connection.read(1, timeout=0.01)
    await connection.aclose()


async def test_a_timer_for_many_reads(opened: Any) -> None:
    connection, server = await opened()
    timers = set()
    for _ in range(3):
        reading = asyncio.ensure_future(connection.read(1, timeout=PATIENCE))
        await asyncio.sleep(0)
        timers.add(connection._timer)
        server.sendall(b"x")
        assert await reading == b"x"
    assert len(timers) == 1
    await connection.aclose()


async def test_a_timer_that_ends_early_starts_again(opened: Any) -> None:
    connection, server = await opened()
    reading = asyncio.ensure_future(connection.read(1, timeout=PATIENCE))
    await asyncio.sleep(0)
    connection._timer.cancel()
    connection._check_time()
    assert connection._timer.when() == connection._deadline
    server.sendall(b"x")
    assert await reading == b"x"
    connection._timer.cancel()
    connection._check_time()  # no read waits
    assert connection._timer is None
    await connection.aclose()


async def test_bytes_that_come_as_the_time_is_over_are_read(opened: Any) -> None:
    connection, _ = await opened()
    reading = asyncio.ensure_future(connection.read(1, timeout=PATIENCE))
    await asyncio.sleep(0)
    connection.data_received(b"x")
    connection._timer.cancel()
    connection._deadline = 0.0
    connection._check_time()
    assert await reading == b"x"
    await connection.aclose()


async def test_a_read_that_is_cancelled_loses_nothing(opened: Any) -> None:
    connection, server = await opened()
    with anyio.move_on_after(0):
        await connection.read(1)
    server.sendall(b"x")
    assert await connection.read(1) == b"x"
    await connection.aclose()


async def test_a_reset_ends_a_read(opened: Any) -> None:
    connection, server = await opened()
    await connection.write(b"x")
    server.close()  # before it has read everything: the kernel resets the connection
    with pytest.raises(httpcore.ReadError, match="reset"):
        await connection.read(1, timeout=PATIENCE)
    await connection.aclose()


async def test_close_ends_a_read(opened: Any) -> None:
    connection, _ = await opened()
    reading = asyncio.ensure_future(connection.read(1))
    await asyncio.sleep(0)
    await connection.aclose()
    with pytest.raises(httpcore.ReadError, match="the connection is closed"):
        await reading
    with pytest.raises(httpcore.WriteError):
        await connection.write(b"x")


# --- writes ---------------------------------------------------------------------------------------


async def test_a_write_waits_for_the_server(opened: Any) -> None:
    connection, server = await opened()
    sent = 1 << 22

    def receive() -> int:
        return sum(iter(lambda: len(server.recv(1 << 16)), 0))

    async with anyio.create_task_group() as tasks:

        async def write() -> None:
            await connection.write(b"x" * sent)
            await connection.aclose()

        tasks.start_soon(write)
        assert await anyio.to_thread.run_sync(receive) == sent


async def test_a_write_times_out(opened: Any) -> None:
    connection, _ = await opened()

    async def write_on() -> None:
        while True:
            await connection.write(b"x" * 1000, timeout=0.01)

    with pytest.raises(httpcore.WriteTimeout):
        await write_on()
    assert connection._transport.get_write_buffer_size() <= 1000
    await connection.aclose()


async def test_a_connection_that_ends_during_a_write(opened: Any) -> None:
    connection, server = await opened()
    writing = asyncio.ensure_future(connection.write(b"x" * (1 << 22)))
    await asyncio.sleep(0)
    server.close()
    with pytest.raises(httpcore.WriteError):
        await writing
    await connection.aclose()


async def test_a_server_that_has_sent_all_may_still_receive(opened: Any) -> None:
    connection, server = await opened()
    server.shutdown(socket.SHUT_WR)
    assert await connection.read(1) == b""
    await connection.write(b"x")
    assert server.recv(1) == b"x"
    await connection.aclose()


# --- TLS ------------------------------------------------------------------------------------------

AUTHORITY = trustme.CA()
TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
AUTHORITY.configure_trust(TRUSTING)
CERTIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
AUTHORITY.issue_cert("localhost").configure_cert(CERTIFIED)


class TLSServer(Server):
    """The server over TLS, certified by `AUTHORITY`."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"https://localhost:{httpx.URL(self.url).port}"

    def _serve(self, connection: Connection) -> None:
        try:
            connection.socket = CERTIFIED.wrap_socket(connection.socket, server_side=True)
        except OSError:  # the client does not trust us
            connection.socket.close()
        super()._serve(connection)


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
