"""The clients under attack: the bodies of errors, waits, and secrets that a server repeats."""

from __future__ import annotations

import base64
import itertools
import pickle
import socket
import traceback
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import streamfold.transports
from streamfold.adapters.anthropic import (
    Anthropic,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    AsyncAnthropic,
    AuthenticationError,
    OverloadedError,
)
from streamfold.reducer import Message, StreamfoldError

from tests.support.bombs import ENCODINGS, MEGABYTE, bomb, comments
from tests.support.clients import Caller
from tests.support.events import (
    MESSAGE_STOP,
    block_stop,
    body,
    input_delta,
    message_delta,
    message_start,
    tool_start,
)
from tests.support.loopback import chunk, event_stream, head
from tests.support.shells import KEY

pytestmark = pytest.mark.anyio

MOST_MEMORY = 30 * MEGABYTE


@pytest.fixture
def peak() -> Any:
    """The most memory since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


# --- the bodies of errors -----------------------------------------------------------------------


def endless(piece: bytes) -> Any:
    """A step that sends chunks until the client leaves."""

    def step(connection: Any) -> None:
        try:
            for _ in itertools.repeat(None):
                connection.socket.sendall(chunk(piece))
        except OSError:
            connection.left.set()

    return step


CHUNKED = {"transfer-encoding": "chunked", "content-type": "text/plain"}


@pytest.mark.parametrize(
    ("status", "error", "shown"),
    [(529, OverloadedError, 65536), (200, APIResponseValidationError, 200)],
)
async def test_an_endless_body_that_is_not_a_stream_is_read_to_its_bound(
    calling, server, peak, status: int, error: Any, shown: int
) -> None:
    server.answer([head(status, CHUNKED), endless(b"x" * 50_000)])
    with pytest.raises(error) as caught:
        await calling(max_retries=0).message()
    assert caught.value.body == "x" * shown
    assert server.connections[0].left.wait(10)
    assert peak() < MOST_MEMORY


@pytest.mark.parametrize("encoding", [*ENCODINGS, "gzip, gzip"])
async def test_a_bomb_in_the_body_of_an_error(calling, server, peak, encoding: str) -> None:
    wire = bomb(tuple(encoding.split(", ")), comments, 100)
    headers = {**CHUNKED, "content-encoding": encoding}
    server.answer([head(529, headers), chunk(wire), chunk(b"")])
    with pytest.raises(OverloadedError) as caught:
        await calling(max_retries=0).message()
    assert caught.value.body.startswith(":aaa")
    assert len(caught.value.body) == 65536
    assert peak() < MOST_MEMORY


@pytest.mark.parametrize("encoding", [*ENCODINGS, "gzip, gzip"])
async def test_a_bomb_in_an_unstreamed_answer(calling, server, peak, encoding: str) -> None:
    wire = bomb(tuple(encoding.split(", ")), comments, 100)
    headers = {**CHUNKED, "content-type": "application/json", "content-encoding": encoding}
    server.answer([head(200, headers), chunk(wire), chunk(b"")])
    messages = calling(max_retries=0).client.messages
    question = [{"role": "user", "content": "Hello"}]

    async def ask() -> None:
        answer = messages.create(
            model="claude-opus-4-6", max_tokens=9, messages=question, limit=1_000_000
        )
        if not isinstance(answer, Message):
            await answer

    with pytest.raises(APIResponseValidationError, match="longer than the limit of 1,000,000"):
        await ask()
    assert peak() < MOST_MEMORY


async def test_an_encoding_that_python_lacks(calling, server) -> None:
    server.answer(
        [
            head(529, {**CHUNKED, "content-type": "text/plain; charset=klingon"}),
            chunk(b"busy \xff"),
            chunk(b""),
        ]
    )
    with pytest.raises(OverloadedError, match="529: busy \ufffd"):
        await calling(max_retries=0).message()


# --- secrets --------------------------------------------------------------------------------------

HOUSE = Path(streamfold.transports.__file__).resolve().parents[1]

ECHOES = {
    "plain": str,
    "percent-encoded": lambda key: "".join(f"%{ord(character):02x}" for character in key),
    "escaped": lambda key: "".join(f"\\u{ord(character):04x}" for character in key),
}


def shown_by(error: BaseException) -> str:
    """Everything that a report of an error shows: texts, values, and the locals of our frames."""
    shown: list[str] = []
    at: BaseException | None = error
    while at is not None:
        shown += [repr(at), str(at), repr(vars(at)), repr(getattr(at, "body", None))]
        for frame, _ in traceback.walk_tb(at.__traceback__):
            if str(HOUSE) in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename:
                shown += [f"{name} = {value!r}" for name, value in frame.f_locals.items()]
        at = at.__cause__ or at.__context__
    return "\n".join(shown)


@pytest.mark.parametrize("form", ECHOES)
@pytest.mark.parametrize("option", ["api_key", "auth_token", "x-my-gateway-key", "base_url"])
async def test_no_error_shows_a_key_that_the_answer_repeats(
    calling, server, caplog, option: str, form: str
) -> None:
    secret = "my-own-secret-0123456789"
    options: dict[str, Any] = {option: secret}
    if option == "x-my-gateway-key":
        options = {"default_headers": {option: secret}}
    elif option == "base_url":
        options = {"base_url": server.url.replace("://", f"://user:{secret}@")}
    elif option == "auth_token":
        options["api_key"] = None
    message = f"invalid key {ECHOES[form](secret)}, sorry"
    body = b'{"type":"error","error":{"type":"authentication_error","message":"%b"}}'
    server.answer([head(401, CHUNKED), chunk(body % message.encode()), chunk(b"")])
    caller = calling(max_retries=0, **options)
    with caplog.at_level("DEBUG"), pytest.raises(AuthenticationError) as caught:
        await caller.message()
    sent = server.requests[0].headers
    basic = base64.b64encode(f"user:{secret}".encode()).decode()
    assert secret in str(sent) or basic in str(sent)
    assert "invalid key [secret], sorry" in str(caught.value) or option == "base_url"
    for shown in (
        shown_by(caught.value),
        repr(caller.client),
        repr(vars(caller.client)),
        caplog.text,
    ):
        assert secret not in shown
        assert ECHOES[form](secret) not in shown or option == "base_url"


@pytest.mark.parametrize("form", ECHOES)
async def test_no_error_shows_a_token_of_the_body(calling, server, form: str) -> None:
    token = "mcp-token-0123456789"
    message = f"invalid token {ECHOES[form](token)}, sorry"
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"%b"}}'
    server.answer([head(400, CHUNKED), chunk(body % message.encode()), chunk(b"")])
    servers = [{"type": "url", "url": "https://example.com", "authorization_token": token}]
    with pytest.raises(APIStatusError) as caught:
        await calling(max_retries=0).message(beta=True, mcp_servers=servers)
    assert token in str(server.requests[0].json())
    assert "invalid token [secret], sorry" in str(caught.value)
    assert token not in str(caught.value) + repr(caught.value.body)


BROKEN = {
    "chunk": [head(200, {**CHUNKED, "content-type": "text/event-stream"}), f"{KEY}\r\n".encode()],
    "later chunk": [
        head(200, {**CHUNKED, "content-type": "application/json"}),
        chunk(KEY.encode()),
        b"?\r\n",
    ],
    "error": [head(401, CHUNKED), chunk(KEY.encode()), b"?\r\n"],
    "gzip": [head(200, {**CHUNKED, "content-encoding": "gzip"}), chunk(KEY.encode())],
    "frame": [
        head(200, {**CHUNKED, "content-type": "application/vnd.amazon.eventstream"}),
        chunk(KEY.encode() * 2),
        chunk(b""),
    ],
}
"""Answers that repeat the key and break off. h11 quotes a malformed chunk in its error."""


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("answer", BROKEN)
async def test_no_cause_of_an_error_and_none_of_its_frames_show_a_key(
    calling, server, answer: str, streams: bool
) -> None:
    server.answer(BROKEN[answer])
    caller = calling(max_retries=0)

    async def ask() -> None:
        question = [{"role": "user", "content": "Hello"}]
        answer = caller.client.messages.create(model="m", max_tokens=9, messages=question)
        if not isinstance(answer, Message):
            await answer

    error = await failure_of(caller.message if streams else ask)
    assert KEY not in shown_by(error) + "".join(traceback.format_exception(error))


OPEN_TOOL = {"type": "tool_use", "id": "t", "name": KEY, "input": {}}
FAULTY = {
    "not JSON": f"data: bad {KEY}\n\n".encode(),
    "cut in the message": f"data: {'x' * 97}{KEY}\n\n".encode(),
    "in an input": body(message_start(), tool_start(0), input_delta(0, f"{{{KEY}"), block_stop(0)),
    "in a name": body(
        message_start(),
        {"type": "content_block_start", "index": 0, "content_block": OPEN_TOOL},
        message_delta("tool_use"),
        MESSAGE_STOP,
    ),
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_no_error_of_the_engine_shows_a_key_that_the_stream_repeats(
    calling, server, fault: str
) -> None:
    server.answer(event_stream(FAULTY[fault]))
    caller = calling(max_retries=0)
    errors = [await failure_of(caller.message)]
    if fault == "in a name":
        async with caller.stream() as stream:
            await stream.__anext__()
            await stream.close()
            errors += [await failure_of(stream.get_final_message)]
    for error in errors:
        text = "".join(traceback.format_exception(error)) + repr(error)
        assert "[secret]" in str(error)
        assert KEY[:16] not in text + getattr(error, "reason", "")
        assert KEY[:16] not in str(pickle.loads(pickle.dumps(error)))


async def failure_of(read: Callable[[], Awaitable[Any]]) -> StreamfoldError:
    with pytest.raises(StreamfoldError) as caught:
        await read()
    return caught.value


async def test_a_redirect_is_not_followed_because_it_would_carry_the_key(calling, server) -> None:
    moved = {"location": f"{server.url}/elsewhere", "content-length": "0"}
    server.answer([head(307, moved)])
    with pytest.raises(APIStatusError, match="307"):
        await calling(max_retries=0).message()
    assert [request.path for request in server.requests] == ["/v1/messages"]


async def test_a_client_that_follows_redirects_does_not_follow_one_with_the_key(server) -> None:
    """httpx drops some headers on the way to another host, but not `x-api-key`."""
    moved = {"location": f"{server.url}/elsewhere", "content-length": "0"}
    server.answer([head(307, moved)])
    options: dict[str, Any] = {"follow_redirects": True, "trust_env": False}
    with httpx.Client(**options) as http:
        client: Any = Anthropic(api_key=KEY, base_url=server.url, http_client=http, max_retries=0)
        with pytest.raises(APIStatusError, match="307"):
            await Caller(client).message()
    async with httpx.AsyncClient(**options) as ahttp:
        client = AsyncAnthropic(api_key=KEY, base_url=server.url, http_client=ahttp, max_retries=0)
        with pytest.raises(APIStatusError, match="307"):
            await Caller(client).message()
    assert [request.path for request in server.requests] == ["/v1/messages"] * 2


async def test_a_refused_connection_is_no_timeout(calling) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(APIConnectionError) as caught:
        await calling(max_retries=0, base_url=f"http://127.0.0.1:{port}").message()
    assert type(caught.value) is APIConnectionError
