"""The clients over real sockets: failures, secrets, connections, timeouts and base URLs."""

from __future__ import annotations

import gc
import logging
import socket

import anyio
import httpx
import pytest
from streamfold.adapters import anthropic
from streamfold.adapters.anthropic import (
    Anthropic,
    AnthropicError,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AsyncAnthropic,
    AuthenticationError,
    BadRequestError,
    IncompleteStreamError,
    InternalServerError,
    OverloadedError,
    ProtocolError,
)
from streamfold.adapters.client import DEFAULT_CONNECTION_LIMITS

from tests.support.clients import ANSWER, ASK, PING, Caller, is_cancelled
from tests.support.events import body, error_event
from tests.support.loopback import (
    api_error,
    close,
    event_stream,
    hold,
    html_error,
    reset,
    response,
)
from tests.support.secrets import visible_of
from tests.support.shells import BODY, HALF, KEY, MESSAGE, Shell

pytestmark = pytest.mark.anyio


IMPATIENT = httpx.Timeout(10.0, read=0.05)
"""Short for silence only: a slow machine still connects and sends in time."""

# --- answers without a stream ---------------------------------------------------------------------


async def test_an_error_of_the_api(calling, server) -> None:
    server.answer(api_error(400, "invalid_request_error", "max_tokens: too many"))
    with pytest.raises(BadRequestError, match="400: max_tokens: too many") as caught:
        await calling().message()
    error = caught.value
    assert (error.status_code, error.type) == (400, "invalid_request_error")
    assert (error.request_id, error.body["error"]["type"]) == ("req_loopback", error.type)
    assert error.response.status_code == 400
    assert error.request.url.path == "/v1/messages"
    assert len(server.requests) == 1


async def test_an_error_of_a_proxy(calling, server) -> None:
    server.answer(html_error(502))
    with pytest.raises(InternalServerError, match="502: <html>") as caught:
        await calling().message()
    assert caught.value.body.startswith("<html>")


async def test_an_error_whose_body_is_cut_off(calling, server) -> None:
    server.answer([api_error(400, "invalid_request_error")[0][:-10], close])
    with pytest.raises(APIConnectionError, match="connection was lost: peer closed connection"):
        await calling(max_retries=0).message()


@pytest.mark.parametrize(
    "answer",
    [
        response(200, b'{"type": "message"}', "application/json"),
        response(200, b"x" * 10_000, "application/json"),
        [*event_stream(b"x" * 300, headers={"content-type": "text/plain"})[:2], hold],
        response(200, "é".encode()[:1], "text/html"),
    ],
)
async def test_a_success_with_another_content_type(calling, server, answer) -> None:
    server.answer(answer)
    with pytest.raises(APIResponseValidationError, match="expected text/event-stream, got") as got:
        await calling().message()
    assert got.value.response.status_code == 200
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["text/event-stream", "Text/Event-Stream ; charset=utf-8"])
async def test_the_content_type_may_be_written_in_any_way(calling, server, kind) -> None:
    server.answer(event_stream(BODY, headers={"content-type": kind}))
    assert await calling().message() == MESSAGE


async def test_no_content_type(calling, server) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(BODY)}\r\n\r\n"
    server.answer([head.encode() + BODY])
    assert await calling().message() == MESSAGE


async def test_a_redirect_is_not_followed_with_the_key(calling, server) -> None:
    server.answer(response(307, b"", "text/plain", {"location": f"{server.url}/elsewhere"}))
    with pytest.raises(APIStatusError, match="307: Temporary Redirect"):
        await calling().message()
    assert len(server.requests) == 1


async def test_a_port_without_a_listener(calling) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    caller = calling(base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(APIConnectionError, match=r"127\.0\.0\.1: the connection failed") as caught:
        await caller.message()
    assert isinstance(caught.value.__cause__, httpx.ConnectError)
    assert caught.value.request.url.port == port
    assert caught.value.response is None


@pytest.mark.parametrize("answer", [[hold], [ANSWER[0], hold]])
async def test_silence(calling, server, answer) -> None:
    server.answer(answer)
    with pytest.raises(APITimeoutError):
        await calling(max_retries=0).message(timeout=IMPATIENT)
    await anyio.to_thread.run_sync(server.wait_closed)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", IncompleteStreamError),
        (PING, IncompleteStreamError),
        (b"data: 5\n\n", ProtocolError),
        (body(error_event("invalid_request_error")), BadRequestError),
    ],
)
async def test_the_end_before_the_first_event_is_raised_on_entering(
    calling, server, body, error
) -> None:
    server.answer(event_stream(body))
    with pytest.raises(error):
        async with calling().stream():
            pytest.fail("the block was entered")
    assert len(server.requests) == 1


async def test_the_events_before_the_block_are_not_lost(calling, server) -> None:
    server.answer(event_stream(PING + BODY, chunks=7))
    async with calling().stream() as stream:
        assert stream.snapshot.message is None
        raw = [event.type async for event in stream]
    assert raw[:4] == ["message_start", "content_block_start", "content_block_delta", "text"]
    assert raw[-1] == "message_stop"


# --- secrets --------------------------------------------------------------------------------------


FAILURES = {
    "refused": (api_error(401, "authentication_error"), AuthenticationError),
    "reset": ([reset], APIConnectionError),
    "closed": ([close], APIConnectionError),
    "silent": ([hold], APITimeoutError),
    "silent later": ([ANSWER[0], hold], APITimeoutError),
    "broken": (event_stream(b"data: {\n\n"), ProtocolError),
    "error event": (event_stream(body(error_event("overloaded_error"))), OverloadedError),
    "other content": (response(200, b"{}", "application/json"), APIResponseValidationError),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_error_and_no_log_has_the_key(calling, server, caplog, failure) -> None:
    caplog.set_level(logging.DEBUG)
    answer, error = FAILURES[failure]
    server.answer(answer)
    timeout = IMPATIENT if error is APITimeoutError else 10
    caller = calling(default_headers={"x-api-key": KEY}, timeout=timeout, max_retries=1)
    with pytest.raises(error) as caught:
        await caller.message(betas=["some-beta"])
    assert KEY not in visible_of(caught.value)
    assert KEY not in caplog.text
    assert KEY not in repr(caller.client) + repr(caller.client.messages)
    assert server.requests[-1].headers["x-api-key"] == KEY
    request = getattr(caught.value, "request", None)
    if request is not None:
        assert request.headers["x-api-key"] == request.headers["authorization"] == "[secure]"
        assert request.headers["anthropic-beta"] == "some-beta"


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}", f"{KEY}é", f"{KEY}\r\nx: y"])
def test_a_key_that_no_header_can_carry(server, key) -> None:
    with pytest.raises(ValueError, match=r"^a key must be visible ASCII characters") as caught:
        Anthropic(api_key=key, base_url=server.url)
    assert KEY not in visible_of(caught.value, with_locals=False)
    client = Anthropic(api_key=KEY, default_headers={"x-api-key": key})
    with pytest.raises(
        ValueError, match="the value of the header x-api-key must be visible ASCII"
    ) as caught:
        client.messages.stream(**ASK)
    assert KEY not in visible_of(caught.value, with_locals=False)


def test_no_repr_has_the_key() -> None:
    client = Anthropic(
        auth_token=KEY,
        default_headers={"x-api-key": KEY},
        base_url=f"https://user:{KEY}@example.com",
    )
    assert repr(client) == (
        "Anthropic(base_url=URL('https://user:[secure]@example.com'), max_retries=2)"
    )
    manager = client.messages.stream(**ASK)
    assert KEY not in repr(manager) + repr(vars(manager))
    assert KEY not in repr(vars(client)) + repr(vars(client.messages))


# --- connections ----------------------------------------------------------------------------------


async def test_the_stream_is_closed_when_the_block_is_left(calling, server) -> None:
    server.answer([*ANSWER[:1], b"%x\r\n%b\r\n" % (len(HALF), HALF), hold])
    async with calling().stream() as stream:
        async for _ in stream:
            break
    await anyio.to_thread.run_sync(server.wait_closed)


async def test_the_connection_is_used_again(calling, server) -> None:
    server.answer(ANSWER)
    caller = calling()
    for _ in range(3):
        assert await caller.message() == MESSAGE
    assert len(server.connections) == 1


@pytest.mark.parametrize("shell", [Shell("asyncio"), Shell("trio")], ids=["asyncio", "trio"])
async def test_a_call_that_is_cancelled_while_it_waits_leaves_nothing_open(calling, server) -> None:
    caller = calling()
    for beginning in ([], ANSWER[:1], event_stream(PING)[:2]):
        assert await is_cancelled(caller, server, beginning)
        await anyio.to_thread.run_sync(server.wait_closed)
    assert len(server.requests) == 3


async def test_a_client_closes_its_own_connections_only(shell, server) -> None:
    server.answer(ANSWER)
    handed_in = httpx.Client() if shell.is_sync else httpx.AsyncClient()
    cls = Anthropic if shell.is_sync else AsyncAnthropic
    for http_client in (None, handed_in):
        client = cls(api_key=KEY, base_url=server.url, http_client=http_client)
        if shell.is_sync:
            with client as entered:
                await Caller(entered).message()
        else:
            async with client as entered:
                await Caller(entered).message()
        assert entered is client
        if http_client is None:
            await anyio.to_thread.run_sync(server.wait_closed)
            with pytest.raises(RuntimeError, match="the client has been closed"):
                await Caller(client).message()
        else:
            assert server.open == 1
            assert await Caller(client).message() == MESSAGE
    if shell.is_sync:
        handed_in.close()
    else:
        await handed_in.aclose()


async def test_a_client_that_is_dropped_closes_its_connections(shell, server) -> None:
    server.answer(ANSWER)
    client = (Anthropic if shell.is_sync else AsyncAnthropic)(api_key=KEY, base_url=server.url)
    assert await Caller(client).message() == MESSAGE
    assert server.open == 1
    del client
    gc.collect()
    await anyio.to_thread.run_sync(server.wait_closed)


# --- arguments ------------------------------------------------------------------------------------


def test_timeouts() -> None:
    usual = httpx.Timeout(600.0, connect=5.0)
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
    assert limits == DEFAULT_CONNECTION_LIMITS
    assert anthropic.DEFAULT_TIMEOUT == usual == Anthropic(api_key=KEY).timeout
    assert Anthropic(api_key=KEY, timeout=None).timeout is None
    assert Anthropic(api_key=KEY, timeout=3).timeout == 3
    assert Anthropic(api_key=KEY, http_client=httpx.Client()).timeout == usual
    chosen = httpx.Client(timeout=7)
    assert Anthropic(api_key=KEY, http_client=chosen).timeout == httpx.Timeout(7)
    assert Anthropic(api_key=KEY, http_client=chosen, timeout=3).timeout == 3


@pytest.mark.parametrize("timeout", [None, 3.0, httpx.Timeout(7.0, read=8.0)])
def test_the_timeout_is_that_of_the_request(timeout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    client = Anthropic(api_key=KEY, base_url=url, max_retries=0)
    for request, expected in ({}, anthropic.DEFAULT_TIMEOUT), ({"timeout": timeout}, timeout):
        with pytest.raises(APIConnectionError) as caught, client.messages.stream(**ASK, **request):
            pytest.fail("the block was entered")
        assert caught.value.request.extensions["timeout"] == httpx.Timeout(expected).as_dict()


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("", "/v1/messages"),
        ("/", "/v1/messages"),
        ("/a%2Fb/", "/a%2Fb/v1/messages"),
        ("/a?b=c", "/a/v1/messages?b=c"),
    ],
)
def test_base_url(server, base, path) -> None:
    server.answer(ANSWER)
    with Anthropic(api_key=KEY, base_url=server.url + base, timeout=10) as client:
        assert str(client.base_url).startswith(server.url)
        with client.messages.stream(**ASK):
            pass
    assert server.requests[0].path == path


@pytest.mark.parametrize("url", ["api.example.com", "ftp://example.com", "https://"])
def test_unusable_base_urls(url) -> None:
    with pytest.raises(
        ValueError, match="base_url must begin with http:// or https:// and name a host, got URL"
    ):
        Anthropic(api_key=KEY, base_url=url)


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ({"api_key": "k"}, {}, (None, "Bearer k")),
        ({"auth_token": "t"}, {}, (None, "Bearer t")),
        ({}, {"ANTHROPIC_API_KEY": "ek"}, (None, "Bearer ek")),
        ({}, {"ANTHROPIC_AUTH_TOKEN": "et"}, (None, "Bearer et")),
        ({}, {"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "et"}, (None, "Bearer et")),
        ({}, {"ANTHROPIC_API_KEY": "ek", "ANTHROPIC_AUTH_TOKEN": "et"}, (None, "Bearer ek")),
        ({"auth_token": "t"}, {"ANTHROPIC_API_KEY": "ek"}, (None, "Bearer t")),
        ({"api_key": "k"}, {"ANTHROPIC_AUTH_TOKEN": "et"}, (None, "Bearer k")),
        ({"default_headers": {"X-Api-Key": "h"}}, {}, ("h", None)),
        ({"default_headers": {"authorization": None, "x-api-key": "h"}, "api_key": "k"}, {},
         ("h", None)),
    ],
)  # fmt: skip
def test_where_keys_come_from(server, monkeypatch, options, environment, expected) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    server.answer(ANSWER)
    with Anthropic(**options) as client, client.messages.stream(**ASK):
        pass
    headers = server.requests[0].headers
    assert (headers.get("x-api-key"), headers.get("authorization")) == expected


async def test_no_key(calling, server) -> None:
    caller = calling(api_key="")
    with pytest.raises(
        AnthropicError, match="needs an API key, got none: give api_key= or auth_token="
    ):
        await caller.message()
    assert server.connections == []
    server.answer(ANSWER)
    await caller.message(extra_headers={"x-api-key": KEY})
