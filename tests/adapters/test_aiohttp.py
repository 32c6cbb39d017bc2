"""`DefaultAioHttpClient`: its defaults, its event loops, and the behaviour of aiohttp that it
corrects.

`test_http_libraries` has the promises that hold over each library.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import threading
import weakref
from typing import Any

import aiohttp
import anyio
import httpx
import httpx_aiohttp
import pytest
import trio
from streamfold.adapters import anthropic
from streamfold.adapters.aiohttp import AiohttpTransport, DefaultAioHttpClient, _Body
from streamfold.adapters.anthropic import AsyncAnthropic

from tests.support.clients import ANSWER, ASK
from tests.support.loopback import (
    Server,
    chunk,
    close,
    event_stream,
    hold,
    response,
    wait,
    wait_for,
)
from tests.support.shells import BODY, HALF, KEY, MESSAGE, NO_TLS

pytestmark = pytest.mark.anyio


def http_client(**options: Any) -> DefaultAioHttpClient:
    return DefaultAioHttpClient(**{"verify": NO_TLS, "trust_env": False, **options})


async def message(http: httpx.AsyncClient, server: Server) -> Any:
    client = AsyncAnthropic(api_key=KEY, base_url=server.url, max_retries=0, http_client=http)
    async with client.messages.stream(**ASK) as stream:  # type: ignore[call-overload]
        return await stream.get_final_message()


# --- the name and the defaults --------------------------------------------------------------------


def test_the_official_name() -> None:
    assert anthropic.DefaultAioHttpClient is DefaultAioHttpClient
    assert issubclass(DefaultAioHttpClient, httpx_aiohttp.HttpxAiohttpClient)
    with pytest.raises(AttributeError, match="has no attribute 'DefaultAioHttpClients'"):
        anthropic.DefaultAioHttpClients  # noqa: B018


def test_without_the_extra_the_error_names_it() -> None:
    code = (
        "import sys; sys.modules['httpx_aiohttp'] = None\n"
        "from streamfold.adapters.anthropic import *\n"
        "assert not any('aiohttp' in name for name in sys.modules if sys.modules[name])\n"
        "from streamfold.adapters.anthropic import DefaultAioHttpClient"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'streamfold[aiohttp]'" in done.stderr.splitlines()[-1]


def test_defaults() -> None:
    client = http_client()
    assert client.timeout == anthropic.DEFAULT_TIMEOUT
    assert client.follow_redirects is False
    transport: Any = client._transport
    assert transport.limits == httpx.Limits(max_connections=1000, max_keepalive_connections=100)
    assert http_client(timeout=3).timeout == httpx.Timeout(3)


async def test_a_transport_of_the_caller() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(204))
    async with http_client(transport=transport) as client:
        assert (await client.get("http://example.invalid")).status_code == 204


@pytest.mark.parametrize("most", [1, None])
async def test_the_number_of_connections(server: Server, most: int | None) -> None:
    server.answer(ANSWER)
    async with http_client(limits=httpx.Limits(max_connections=most)) as http:
        await asyncio.gather(*(message(http, server) for _ in range(3)))
    assert len(server.connections) == (most or 3)


# --- event loops ----------------------------------------------------------------------------------

unclosed_sockets = pytest.mark.filterwarnings(
    "ignore:.*unclosed:ResourceWarning",
    "ignore:.*_SelectorTransport.__del__:pytest.PytestUnraisableExceptionWarning",
    "ignore:.*socket.socket fd=:pytest.PytestUnraisableExceptionWarning",
)
"""asyncio warns about the sockets of an event loop that is over."""


@unclosed_sockets
def test_one_event_loop_after_another(server: Server) -> None:
    server.answer(ANSWER)
    http = http_client()
    for _ in range(2):
        assert asyncio.run(message(http, server)) == MESSAGE
    asyncio.run(http.aclose())
    assert len(server.connections) == 2
    gc.collect()


def test_trio() -> None:
    async def get() -> None:
        async with http_client() as http:
            await http.get("http://127.0.0.1:1")

    with pytest.raises(RuntimeError, match=r"aiohttp needs asyncio, .*: use httpx.AsyncClient on"):
        trio.run(get)


async def test_a_client_that_is_dropped_closes_its_connections(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(ANSWER)
    http = http_client()
    await message(http, server)
    assert server.open == 1
    del http
    gc.collect()
    await anyio.to_thread.run_sync(server.wait_closed)
    assert caplog.text == ""


@unclosed_sockets
def test_a_client_that_is_dropped_after_its_event_loop_logs_nothing(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(ANSWER)
    http = http_client()
    asyncio.run(message(http, server))
    del http
    for _ in range(2):  # the client, then its connections
        gc.collect()
    server.wait_closed()
    assert caplog.text == ""


# --- bodies ---------------------------------------------------------------------------------------


async def test_a_body_that_came_with_its_head(server: Server) -> None:
    server.answer(response(200, BODY, "text/event-stream"))
    async with http_client() as http, http.stream("POST", server.url) as answer:
        assert b"".join([piece async for piece in answer.aiter_raw()]) == BODY
    server.answer([b"HTTP/1.1 204 No Content\r\n\r\n"])
    async with http_client() as http:
        assert (await http.post(server.url)).content == b""


async def test_a_body_whose_connection_has_ended(server: Server) -> None:
    server.answer([*event_stream(HALF)[:-1], close])
    async with aiohttp.ClientSession() as session, session.post(server.url) as answer:
        await anyio.to_thread.run_sync(server.wait_closed)
        while answer.content.exception() is None:
            await anyio.sleep(0.01)
        body = _Body(answer, httpx.Request("POST", server.url))
        assert await body.__anext__() == HALF
        with pytest.raises(httpx.RemoteProtocolError):
            await body.__anext__()


async def test_reading_on_after_a_failure_gives_it_again(server: Server) -> None:
    server.answer([*event_stream(HALF)[:-1], close])
    async with http_client() as http, http.stream("POST", server.url) as answer:
        chunks: Any = answer.stream
        body = chunks._stream
        assert await body.__anext__() == HALF
        errors = []
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError) as caught:
                await body.__anext__()
            errors.append(caught.value)
        assert errors[0] is errors[1]
        assert errors[0].__cause__ is errors[0].__context__ is None
        assert errors[0].request.url == server.url


async def test_connections_that_are_reset_while_they_are_idle_log_nothing(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    reset_now = threading.Event()

    def reset_later(connection: Any) -> None:
        wait_for(reset_now)(connection)  # type: ignore[operator]
        connection.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER: reset on close
        connection.socket.close()

    server.answer(ANSWER, [*ANSWER, reset_later])
    async with http_client() as http:
        for _ in range(2):
            await message(http, server)
        reset_now.set()
        await anyio.to_thread.run_sync(server.wait_closed)
        await anyio.sleep(0.02)
        gc.collect()
    assert caplog.text == ""


async def test_a_body_that_is_dropped_is_not_kept_by_its_timer(server: Server) -> None:
    server.answer([*event_stream(HALF)[:-1], hold])
    async with http_client(timeout=httpx.Timeout(5, read=0.1)) as http:
        answer = await http.send(http.build_request("POST", server.url), stream=True)
        chunks: Any = answer.stream
        body = weakref.ref(chunks._stream)
        body()._answer.release()
        del answer, chunks
        gc.collect()
        assert body() is None
        await anyio.sleep(0.15)  # the timer ends
    await anyio.to_thread.run_sync(server.wait_closed)


async def test_without_a_read_timeout_nothing_times_out(server: Server) -> None:
    head, *chunks = event_stream(BODY)
    server.answer([head, wait(0.05), *chunks])
    async with http_client(timeout=None) as http:
        assert await message(http, server) == MESSAGE


async def test_a_transport_without_a_client(server: Server) -> None:
    server.answer([event_stream(BODY)[0], chunk(b"x"), chunk(b"")])
    transport = AiohttpTransport(verify=NO_TLS)
    answer = await transport.handle_async_request(httpx.Request("POST", server.url))
    assert b"".join([piece async for piece in answer.aiter_raw()]) == b"x"
    await transport.aclose()


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["ftp://example.invalid", "http:///path"])
async def test_a_url_that_cannot_be_requested(url: str) -> None:
    async with AiohttpTransport(verify=NO_TLS) as transport:
        with pytest.raises(httpx.UnsupportedProtocol):
            await transport.handle_async_request(httpx.Request("GET", url))


async def test_a_request_without_the_headers_of_a_client(server: Server) -> None:
    server.answer(response(200, b"", "text/plain"))
    async with AiohttpTransport(verify=NO_TLS) as transport:
        request = httpx.Request("POST", server.url, content=b"x")
        await (await transport.handle_async_request(request)).aclose()
    assert set(server.requests[0].headers) == {"host", "content-length"}


async def test_no_log_of_aiohttp_has_the_key(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer(ANSWER)
    async with http_client() as http:
        await message(http, server)
    assert KEY not in caplog.text
