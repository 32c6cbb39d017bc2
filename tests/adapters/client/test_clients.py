"""The clients over real sockets: what they send, what they hand out, when they try again; and the
names under which code that moves over finds all this.
"""

from __future__ import annotations

import json
import logging
import pickle
import socket
import sys
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import httpx
import pytest
import stamina
import stamina.instrumentation
from pydantic import BaseModel
from streamfold.adapters import anthropic
from streamfold.adapters.anthropic import (
    NOT_GIVEN,
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
from streamfold.adapters.client import requests, retries
from streamfold.reducer import Message

from tests.support.loopback import api_error, close, event_stream, hold, html_error, reset, response
from tests.support.shells import (
    BODY,
    EVENTS,
    HALF,
    KEY,
    MESSAGE,
    Awaited,
    Shell,
    body,
    end,
    error_event,
    start,
)

pytestmark = pytest.mark.anyio

RECORDINGS = Path(__file__).parents[2] / "recordings"
INDEX = json.loads((RECORDINGS / "index.json").read_text("utf-8"))

ASK = {
    "model": "claude-opus-4-6",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Say hello"}],
}
ANSWER = event_stream(BODY)
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def recording(name: str) -> bytes:
    return (RECORDINGS / f"{name}.sse").read_bytes()


# --- one way to speak to both clients -----------------------------------------------------------


@attrs.frozen
class Caller:
    """A client, sync or async, with an async face: see `shells`."""

    client: Any

    @asynccontextmanager
    async def stream(self, beta: bool = False, **request: Any) -> AsyncIterator[Any]:
        messages = self.client.beta.messages if beta else self.client.messages
        manager = messages.stream(**{**ASK, **request})
        if isinstance(self.client, Anthropic):
            with manager as stream:
                yield Awaited(stream)
        else:
            async with manager as stream:
                yield stream

    async def message(self, **request: Any) -> Any:
        async with self.stream(**request) as stream:
            return await stream.get_final_message()


@pytest.fixture
async def calling(shell, server) -> Any:
    """A function that makes a client of the server; it is closed when the test ends."""
    made: list[Any] = []

    def make(**options: Any) -> Caller:
        options = {"api_key": KEY, "base_url": server.url, "timeout": 10, **options}
        made.append((Anthropic if shell.is_sync else AsyncAnthropic)(**options))
        return Caller(made[-1])

    yield make
    for client in made:
        closing = client.close()
        if closing is not None:
            await closing


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    """Retries come at once."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


# --- what is handed out -------------------------------------------------------------------------


async def test_text(calling, server) -> None:
    server.answer(event_stream(recording("text"), chunks=50))
    async with calling().stream() as stream:
        texts = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
        assert stream.request_id == "req_loopback"
    expected = Message.from_dict(json.loads((RECORDINGS / "text.json").read_text("utf-8")))
    assert message == expected
    assert "".join(texts) == message.content[0].text
    assert len(texts) > 1


@pytest.mark.parametrize("name", ["thinking", "tools-parallel", "web-search", "agent-turn"])
async def test_thinking_and_tools(calling, server, name) -> None:
    server.answer(event_stream(recording(name)))
    kinds: set[str] = set()
    async with calling().stream(beta=True) as stream:
        async for event in stream:
            kinds.add(event.type)
        message = await stream.get_final_message()
    assert message.to_dict() == json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    assert kinds & {"thinking", "input_json"}


class Ingredient(BaseModel):
    name: str
    grams: int | None = None


class Recipe(BaseModel):
    recipe: str
    minutes: int
    ingredients: list[Ingredient]


async def test_structured_output(calling, server) -> None:
    server.answer(event_stream(recording("json-answer")))
    async with calling().stream(output_format=Recipe) as stream:
        async for event in stream:
            if event.type == "text":
                assert event.snapshot.startswith('{"recipe')
                assert "Läckerli".startswith(event.parsed_snapshot().get("recipe", ""))
            elif event.type == "content_block_stop":
                assert event.content_block.parsed_output.minutes == 95
        message = await stream.get_final_message()
    assert isinstance(message.parsed_output, Recipe)
    assert message.parsed_output.ingredients[0] == Ingredient(name="honey", grams=450)
    sent = server.requests[0].json()["output_config"]["format"]
    assert sent["schema"]["$defs"]["Ingredient"]["additionalProperties"] is False


@pytest.mark.parametrize("name", ["refusal", "max-tokens-text"])
async def test_an_answer_that_was_cut_off_has_no_parsed_output(calling, server, name) -> None:
    server.answer(event_stream(recording(name)))
    message = await calling().message(output_format=Recipe)
    assert message.parsed_output is None


async def test_text_that_does_not_validate_raises_when_it_is_read(calling, server) -> None:
    server.answer(event_stream(recording("text")))
    message = await calling().message(output_format=Recipe)
    with pytest.raises(ValueError, match="Invalid JSON"):
        _ = message.parsed_output


async def test_the_fine_grained_beta_keeps_unfinished_strings(calling, server) -> None:
    server.answer(event_stream(recording("tool-fine-grained"), chunks=10))

    async def snapshots(**request: Any) -> list[Any]:
        async with calling().stream(beta=True, **request) as stream:
            return [event.snapshot async for event in stream if event.type == "input_json"]

    beta = "fine-grained-tool-streaming-2025-05-14"
    plain, fine = await snapshots(), await snapshots(betas=[beta])
    assert plain != fine
    assert plain[-1] == fine[-1]


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


# --- what is sent -------------------------------------------------------------------------------


async def test_the_request_as_sent(calling, server) -> None:
    server.answer(ANSWER)
    await calling().message(
        system="Be brief.", temperature=0.5, top_k=None, tools=NOT_GIVEN, timeout=None
    )
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.body == (
        b'{"max_tokens":100,"messages":[{"role":"user","content":"Say hello"}],'
        b'"model":"claude-opus-4-6","system":"Be brief.","temperature":0.5,"stream":true}'
    )
    headers = {name: request.headers[name] for name in request.headers if name != "user-agent"}
    assert headers == {
        "host": server.url.removeprefix("http://"),
        "accept": "application/json",
        "accept-encoding": headers["accept-encoding"],
        "connection": "keep-alive",
        "anthropic-version": "2026-10-21",
        "content-type": "application/json",
        "content-length": str(len(request.body)),
        "authorization": f"Bearer {KEY}",
    }
    assert request.headers["user-agent"].startswith("streamfold")


async def test_the_beta_as_sent(calling, server) -> None:
    server.answer(ANSWER)
    caller = calling(default_headers={"anthropic-beta": "one", "x-mine": "a", "x-other": "b"})
    await caller.message(
        beta=True,
        betas=["two", "three"],
        mcp_servers=[{"type": "url", "url": "https://example.com", "name": "m"}],
        user_profile_id="profile_1",
        workspace_id="wrkspc_1",
        extra_headers={"Anthropic-Beta": "three, four", "X-Mine": "c", "x-other": None},
        extra_query={"trace": "1"},
        extra_body={"model": "another", "container": None, "stream": False},
    )
    (request,) = server.requests
    assert request.path == "/v1/messages?trace=1"
    assert request.headers["anthropic-beta"] == "one,two,three,four"
    assert request.headers["anthropic-user-profile-id"] == "profile_1"
    assert request.headers["anthropic-workspace-id"] == "wrkspc_1"
    assert request.headers["x-mine"] == "c"
    assert "x-other" not in request.headers
    sent = request.json()
    assert sent["mcp_servers"] == [{"type": "url", "url": "https://example.com", "name": "m"}]
    assert (sent["model"], sent["container"], sent["stream"]) == ("another", None, True)
    assert not {"betas", "user_profile_id", "workspace_id", "output_format"} & set(sent)


async def test_whatever_fits_is_sent_as_an_array(calling, server) -> None:
    server.answer(ANSWER)
    tools = {"a": {"name": "a"}, "b": {"name": "b"}}
    await calling().message(
        messages=(message for message in ASK["messages"]),
        tools=tools.values(),
        stop_sequences=("\n",),
    )
    sent = server.requests[0].json()
    assert sent["messages"] == ASK["messages"]
    assert (sent["tools"], sent["stop_sequences"]) == ([{"name": "a"}, {"name": "b"}], ["\n"])


@pytest.mark.parametrize("name", [name for name in INDEX if INDEX[name]["ends"] == "complete"])
def test_an_answer_goes_back_as_it_is(server, name) -> None:
    """The content of any message is what the next request says, and nothing else is."""
    server.answer(event_stream(recording(name)), ANSWER)
    with Anthropic(api_key=KEY, base_url=server.url, timeout=10) as client:
        with client.messages.stream(**ASK, output_format=dict) as stream:
            message = stream.get_final_message()
        turns = [*ASK["messages"], {"role": "assistant", "content": message.content}]
        with client.messages.stream(**{**ASK, "messages": turns}):
            pass
    expected = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))["content"]
    assert server.requests[1].json()["messages"][1]["content"] == expected


@pytest.mark.parametrize(
    ("field", "error", "words"),
    [
        ({"system": [{"type": "text", "text": b"x"}]}, TypeError, r"^system\[0\].text: bytes is"),
        ({"metadata": {"user": object()}}, TypeError, "metadata.user: object is"),
        ({"temperature": float("nan")}, ValueError, "^temperature: nan is not JSON"),
        ({"extra_body": {"x": {1, 2}}}, TypeError, "^x: set is not JSON"),
    ],
)
def test_what_is_not_json(server, field, error, words) -> None:
    client = Anthropic(api_key=KEY, base_url=server.url)
    with pytest.raises(error, match=words):
        client.messages.stream(**{**ASK, **field})
    assert server.connections == []


def test_half_a_surrogate_pair_can_be_sent(server) -> None:
    server.answer(ANSWER)
    text = 'half \ud83d, \\ud83d, "ü", 😀'
    client = Anthropic(api_key=KEY, base_url=server.url, timeout=10)
    with client, client.messages.stream(**ASK, system=text):
        pass
    assert server.requests[0].json()["system"] == text


def test_a_required_field_is_missing(server) -> None:
    client = Anthropic(api_key=KEY, base_url=server.url)
    with pytest.raises(TypeError, match="max_tokens"):
        client.messages.stream(model="m", messages=[])


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
def test_base_urls_that_are_none(url) -> None:
    with pytest.raises(ValueError, match="base_url must begin with http:// or https://"):
        Anthropic(api_key=KEY, base_url=url)


# --- keys ---------------------------------------------------------------------------------------


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
    with pytest.raises(AnthropicError, match="needs an API key, got none: give api_key= or"):
        await caller.message()
    assert server.connections == []
    server.answer(ANSWER)
    await caller.message(extra_headers={"x-api-key": KEY})


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}", f"{KEY}é", f"{KEY}\r\nx: y"])
def test_a_key_that_no_header_can_carry(server, key) -> None:
    with pytest.raises(ValueError, match=r"^a key must be visible ASCII characters") as caught:
        Anthropic(api_key=key, base_url=server.url)
    assert KEY not in told_by(caught.value, with_locals=False)
    client = Anthropic(api_key=KEY, default_headers={"x-api-key": key})
    with pytest.raises(ValueError, match="the value of the header x-api-key must be") as caught:
        client.messages.stream(**ASK)
    assert KEY not in told_by(caught.value, with_locals=False)


def told_by(error: BaseException, *, with_locals: bool = True) -> str:
    """All that can be seen of an error and of what led to it."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=with_locals)
    told = ["".join(shown.format())]
    seen: BaseException | None = error
    while seen is not None:
        told += [str(seen), repr(seen), repr(seen.args), repr(vars(seen)), repr(pickle.dumps(seen))]
        for carrier in (getattr(seen, "request", None), getattr(seen, "response", None)):
            if carrier is not None:
                told += [repr(carrier), str(carrier.headers), str(dict(carrier.headers))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(told)


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
async def test_no_error_and_no_log_tells_the_key(calling, server, caplog, failure) -> None:
    caplog.set_level(logging.DEBUG)
    answer, error = FAILURES[failure]
    server.answer(answer)
    caller = calling(default_headers={"x-api-key": KEY}, timeout=0.2, max_retries=1)
    with pytest.raises(error) as caught:
        await caller.message(betas=["some-beta"])
    assert KEY not in told_by(caught.value)
    assert KEY not in caplog.text
    assert KEY not in repr(caller.client) + repr(caller.client.messages)
    assert server.requests[-1].headers["x-api-key"] == KEY
    request = getattr(caught.value, "request", None)
    if request is not None:
        assert request.headers["x-api-key"] == request.headers["authorization"] == "[secure]"
        assert request.headers["anthropic-beta"] == "some-beta"


def test_reprs_tell_no_key() -> None:
    client = Anthropic(
        auth_token=KEY,
        default_headers={"x-api-key": KEY},
        base_url=f"https://user:{KEY}@example.com",
    )
    assert repr(client) == (
        "Anthropic(base_url=URL('https://user:[secure]@example.com'), max_retries=2)"
    )
    call = requests.prepare(client._settings, method="stream", beta=False, stream=True, **ASK)
    manager = client.messages.stream(**ASK)
    assert KEY not in repr(call) + repr(client._settings) + repr(manager) + repr(vars(manager))
    assert KEY not in repr(vars(client))
    assert call.headers["x-api-key"] == KEY


# --- answers that are no stream -----------------------------------------------------------------


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


async def test_an_error_of_something_on_the_way(calling, server) -> None:
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
async def test_a_success_that_is_no_event_stream(calling, server, answer) -> None:
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


async def test_nobody_listens(calling) -> None:
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
        await calling(max_retries=0).message(timeout=0.05)
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
async def test_what_ends_a_stream_before_its_first_event_is_raised_on_entering(
    calling, server, body, error
) -> None:
    server.answer(event_stream(body))
    with pytest.raises(error):
        async with calling().stream():
            pytest.fail("the block was entered")
    assert len(server.requests) == 1


# --- retries ------------------------------------------------------------------------------------

BUSY = {
    "408": html_error(408),
    "409": api_error(409, "invalid_request_error"),
    "429": api_error(429, "rate_limit_error"),
    "500": api_error(500, "api_error"),
    "502": html_error(502),
    "503": html_error(503),
    "504": api_error(504, "timeout_error"),
    "529": api_error(529, "overloaded_error"),
    "told to": api_error(400, "invalid_request_error", headers={"x-should-retry": "true"}),
    "reset": [reset],
    "closed": [close],
    "reset after the head": [ANSWER[0], reset],
    "reset after a ping": [*event_stream(PING)[:2], reset],
    "overloaded": event_stream(body(error_event("overloaded_error"))),
    "limited": event_stream(body(error_event("rate_limit_error"))),
    "failed": event_stream(body(error_event("api_error"))),
    "timed out": event_stream(body(error_event("timeout_error"))),
    "ping, then overloaded": event_stream(PING * 3 + body(error_event("overloaded_error"))),
    "ping, then overloaded, in pieces": event_stream(
        PING + body(error_event("overloaded_error")), chunks=1
    ),
}


@pytest.mark.parametrize("why", BUSY)
async def test_what_is_tried_again(calling, server, why) -> None:
    server.answer(BUSY[why], BUSY[why], ANSWER)
    assert await calling().message() == MESSAGE
    assert len(server.requests) == 3
    assert len({request.body for request in server.requests}) == 1
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}


FINAL = {
    "400": api_error(400, "invalid_request_error"),
    "401": api_error(401, "authentication_error"),
    "403": api_error(403, "permission_error"),
    "404": api_error(404, "not_found_error"),
    "413": api_error(413, "request_too_large"),
    "422": html_error(422),
    "told not to": api_error(529, "overloaded_error", headers={"x-should-retry": "false"}),
    "the request is wrong": event_stream(body(error_event("invalid_request_error"))),
    "told not to by a stream": event_stream(
        body(error_event("overloaded_error")), headers={"x-should-retry": "false"}
    ),
    "unknown": event_stream(body(error_event("some_new_error"))),
}


@pytest.mark.parametrize("why", FINAL)
async def test_what_is_not_tried_again(calling, server, why) -> None:
    server.answer(FINAL[why], ANSWER)
    with pytest.raises(APIStatusError):
        await calling().message()
    assert len(server.requests) == 1


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (1, 2), (2, 3), (4, 5)])
async def test_how_often(calling, server, retries, requests) -> None:
    server.answer(api_error(529, "overloaded_error"))
    with pytest.raises(OverloadedError):
        await calling(max_retries=retries).message()
    assert len(server.requests) == requests


@pytest.mark.parametrize("pieces", [None, 1])
async def test_never_after_an_event_was_handed_out(calling, server, pieces) -> None:
    failing = body(start(), error_event("overloaded_error"))
    server.answer(event_stream(failing, chunks=pieces), ANSWER)
    async with calling().stream() as stream:
        seen = [await stream.__anext__()]
        with pytest.raises(OverloadedError) as caught:
            await stream.__anext__()
    assert [event.type for event in seen] == ["message_start"]
    assert caught.value.snapshot.message.id == "msg_1"
    assert caught.value.status_code == 529
    assert len(server.requests) == 1


async def test_the_events_waited_for_are_not_lost(calling, server) -> None:
    server.answer(event_stream(PING + BODY, chunks=7))
    async with calling().stream() as stream:
        assert stream.snapshot.message is None
        raw = [event.type async for event in stream]
    assert raw[:4] == ["message_start", "content_block_start", "content_block_delta", "text"]
    assert raw[-1] == "message_stop"


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """The real waits, in seconds, as stamina reckons them."""
    told: list[float] = []
    before = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([lambda retry: told.append(retry.wait_for)])
    with stamina.set_testing(False):
        yield told
    stamina.instrumentation.set_on_retry_hooks(before)


async def test_a_wait_that_the_api_asks_for_is_kept(calling, server, waits) -> None:
    server.answer(api_error(429, "rate_limit_error", headers={"retry-after-ms": "50"}), ANSWER)
    began = time.monotonic()
    assert await calling().message() == MESSAGE
    assert time.monotonic() - began >= 0.05
    assert waits == [pytest.approx(0.05)]


def test_without_a_wish_the_waits_grow(waits, monkeypatch) -> None:
    def fail() -> None:
        raise APIConnectionError("refused")

    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda seconds: None))
    with pytest.raises(APIConnectionError):
        retries.retrying(6, "RetryingCaller")(fail)
    assert len(waits) == 6
    for wait, least in zip(waits, [0.5, 1, 2, 4, 8, 8], strict=True):
        assert least - 1e-9 <= wait <= min(least + 0.5, 8) + 1e-9


@pytest.mark.parametrize("shell", [Shell("asyncio"), Shell("trio")], ids=["asyncio", "trio"])
async def test_a_call_that_is_cancelled_while_it_waits_leaves_nothing_open(calling, server) -> None:
    caller = calling()
    for answer in ([hold], [ANSWER[0], hold], [*event_stream(PING)[:2], hold]):
        server.answer(answer)
        with anyio.move_on_after(0.1) as scope:
            await caller.message()
        assert scope.cancelled_caught
        await anyio.to_thread.run_sync(server.wait_closed)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e9"}, 86_400.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"retry-after": "Sat, 01 Jan 2000 00:00:10 GMT"}, 10.0),
        ({"retry-after": "Sat, 01 Jan 2000 02:00:10 +0200"}, 10.0),
        ({"retry-after": "Sat, 01 Jan 99999 00:00:10 GMT"}, None),
    ],
)
def test_retry_after(headers, wait) -> None:
    new_year_2000 = 946_684_800.0
    assert retries.retry_after(httpx.Headers(headers), new_year_2000) == wait


def test_what_an_error_means_for_another_attempt() -> None:
    def error(status: int, headers: dict[str, str] | None = None) -> APIStatusError:
        told = httpx.Response(status, headers=headers, request=httpx.Request("POST", "http://x"))
        return APIStatusError("x", status_code=status, response=told)

    assert retries.retry_wait(error(529), 0) is True
    assert retries.retry_wait(error(529, {"retry-after": "2"}), 0) == 2.0
    assert retries.retry_wait(error(400, {"retry-after": "2"}), 0) is False
    assert retries.retry_wait(error(503, {"x-should-retry": "maybe"}), 0) is True
    assert retries.retry_wait(APITimeoutError("x"), 0) is True
    assert retries.retry_wait(KeyboardInterrupt(), 0) is False
    assert retries.retry_wait(APIStatusError("x", status_code=529), 0) is False


def test_retries_need_stamina(monkeypatch, server) -> None:
    monkeypatch.setitem(sys.modules, "stamina", None)
    with pytest.raises(ImportError, match=r"pip install 'streamfold\[client\]'"):
        Anthropic(api_key=KEY)
    server.answer(ANSWER)
    client = Anthropic(api_key=KEY, base_url=server.url, max_retries=0)
    with client, client.messages.stream(**ASK) as stream:
        assert stream.get_final_message() == MESSAGE


def test_max_retries_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"max_retries must .*-1"):
        Anthropic(api_key=KEY, max_retries=-1)


# --- clients ------------------------------------------------------------------------------------


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
        assert client._http.is_closed == (http_client is None)
    if shell.is_sync:
        handed_in.close()
    else:
        await handed_in.aclose()


def test_timeouts() -> None:
    usual = httpx.Timeout(600.0, connect=5.0)
    assert anthropic.DEFAULT_TIMEOUT == usual == Anthropic(api_key=KEY).timeout
    assert Anthropic(api_key=KEY)._http.timeout == usual
    assert Anthropic(api_key=KEY, timeout=None).timeout is None
    assert Anthropic(api_key=KEY, timeout=3).timeout == 3
    assert Anthropic(api_key=KEY, http_client=httpx.Client()).timeout == usual
    chosen = httpx.Client(timeout=7)
    assert Anthropic(api_key=KEY, http_client=chosen).timeout == httpx.Timeout(7)
    assert Anthropic(api_key=KEY, http_client=chosen, timeout=3).timeout == 3


def test_the_client_says_who_it_is(monkeypatch) -> None:
    requests.user_agent.cache_clear()
    found = [SimpleNamespace(version="9.9")]
    monkeypatch.setattr(requests.Distribution, "discover", lambda name: iter(found))
    assert requests.user_agent() == "streamfold/9.9"
    requests.user_agent.cache_clear()
    found.clear()
    assert requests.user_agent() == "streamfold"
    requests.user_agent.cache_clear()


def test_a_sentinel_reads_well() -> None:
    assert repr(NOT_GIVEN) == "NOT_GIVEN"
    assert not NOT_GIVEN
    assert anthropic.omit is anthropic.not_given is NOT_GIVEN


# --- names --------------------------------------------------------------------------------------

STREAMING_INTERFACE = """
    MessageStream AsyncMessageStream MessageStreamManager AsyncMessageStreamManager
    BetaMessageStream BetaAsyncMessageStream BetaMessageStreamManager BetaAsyncMessageStreamManager
    TextEvent CitationEvent ThinkingEvent SignatureEvent InputJsonEvent CompactionEvent
    MessageStopEvent ContentBlockStopEvent MessageStreamEvent
    ParsedMessageStopEvent ParsedContentBlockStopEvent ParsedMessageStreamEvent
    BetaTextEvent BetaCitationEvent BetaThinkingEvent BetaSignatureEvent BetaInputJsonEvent
    BetaCompactionEvent BetaMessageStopEvent BetaContentBlockStopEvent BetaMessageStreamEvent
    ParsedBetaTextEvent ParsedBetaMessageStopEvent ParsedBetaContentBlockStopEvent
    ParsedBetaMessageStreamEvent
    RawMessageStreamEvent RawMessageStartEvent RawMessageDeltaEvent RawMessageStopEvent
    RawContentBlockStartEvent RawContentBlockDeltaEvent RawContentBlockStopEvent
    BetaRawMessageStreamEvent BetaRawMessageStartEvent BetaRawMessageDeltaEvent
    BetaRawMessageStopEvent BetaRawContentBlockStartEvent BetaRawContentBlockDeltaEvent
    BetaRawContentBlockStopEvent
    Message ParsedMessage ParsedTextBlock ParsedContentBlock
    BetaMessage ParsedBetaMessage ParsedBetaTextBlock ParsedBetaContentBlock
    Anthropic AsyncAnthropic AnthropicError APIError APIStatusError
"""


@pytest.mark.parametrize("name", STREAMING_INTERFACE.split())
def test_every_name_of_the_streaming_interface(name) -> None:
    assert name in anthropic.__all__


def test_all_names_are_there() -> None:
    assert len(set(anthropic.__all__)) == len(anthropic.__all__)
    for name in anthropic.__all__:
        assert getattr(anthropic, name) is not None


@pytest.mark.parametrize("name", anthropic.__all__)
def test_the_names_with_beta_are_those_without(name) -> None:
    plain = getattr(anthropic, name.replace("Beta", ""), None)
    if "Beta" in name and plain is not None and name not in _PARAMETERS:
        assert getattr(anthropic, name) is plain or getattr(anthropic, name) == plain


_PARAMETERS = {"BetaMessageStopEvent", "BetaContentBlockStopEvent", "BetaMessageStreamEvent"}
"""Where the interface's own alias of the beta is the parsed one."""


@pytest.mark.parametrize(
    "name",
    [
        "MessageStream", "AsyncMessageStream", "MessageStreamManager", "AsyncMessageStreamManager",
        "BetaMessageStream", "BetaAsyncMessageStream", "BetaMessageStreamManager",
        "BetaAsyncMessageStreamManager", "ParsedMessage", "ParsedBetaMessage", "ParsedTextBlock",
        "ParsedBetaTextBlock", "ParsedContentBlock", "ParsedBetaContentBlock",
        "ParsedMessageStopEvent", "ParsedBetaMessageStopEvent", "ParsedContentBlockStopEvent",
        "ParsedBetaContentBlockStopEvent", "ParsedMessageStreamEvent",
        "ParsedBetaMessageStreamEvent", "BetaMessageStreamEvent",
    ],
)  # fmt: skip
def test_generic_names_take_a_type(name) -> None:
    assert getattr(anthropic, name)[Recipe] is not None


async def test_what_is_handed_out_is_of_the_named_classes(calling, server) -> None:
    server.answer(ANSWER)
    async with calling().stream(beta=True) as stream:
        events = [event async for event in stream]
        message = stream.current_message_snapshot
    assert isinstance(message, anthropic.ParsedBetaMessage)
    assert isinstance(message.content[0], anthropic.ParsedBetaTextBlock)
    assert isinstance(message.content[1], anthropic.BetaToolUseBlock)
    classes = (
        anthropic.BetaRawMessageStartEvent, anthropic.BetaRawMessageDeltaEvent,
        anthropic.ParsedBetaMessageStopEvent, anthropic.BetaRawContentBlockStartEvent,
        anthropic.BetaRawContentBlockDeltaEvent, anthropic.ParsedBetaContentBlockStopEvent,
        anthropic.BetaTextEvent, anthropic.BetaInputJsonEvent,
    )  # fmt: skip
    assert {type(event) for event in events} == set(classes)
    assert len(events) == len(EVENTS) + 5


def test_the_official_sdk_has_no_streaming_name_that_is_not_here() -> None:
    official = pytest.importorskip("anthropic.lib.streaming")
    told = {name.partition("[")[0] for name in vars(official) if name[0].isupper()}
    assert told - {"TypeAlias"} <= set(anthropic.__all__)
    assert metadata.version("anthropic")


async def test_importing_the_names_imports_no_extra() -> None:
    code = (
        "import sys, streamfold.adapters.anthropic;"
        "print([n for n in ('pydantic', 'stamina', 'trio', 'asyncio') if n in sys.modules])"
    )
    result = await anyio.run_process([sys.executable, "-c", code])
    assert result.stdout.strip() in (b"[]", b"['asyncio']")


async def test_the_end_is_the_end(calling, server) -> None:
    server.answer(event_stream(body(start(), *end())))
    async with calling().stream() as stream:
        with pytest.raises(RuntimeError, match="no text block"):
            await stream.get_final_text()
