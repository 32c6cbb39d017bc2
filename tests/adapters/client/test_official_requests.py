"""Our client sends the requests of the newest official client, and behaves like it otherwise."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import io
import json
from typing import Any, Optional

import anthropic
import httpx
import httpx2
import pytest
from anthropic.types import TextBlock as OfficialTextBlock
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from streamfold.adapters.anthropic import NOT_GIVEN, Anthropic, AsyncAnthropic
from streamfold.adapters.client import AsyncStream, Stream
from streamfold.reducer import Message, TextBlock
from streamfold.transports import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    OverloadedError,
)

from tests.support.loopback import (
    Server,
    api_error,
    event_stream,
    head,
    hold,
    reset,
    response,
)
from tests.support.official_clients import BODY, EVENTS, MESSAGE, PARAMETERS

pytestmark = pytest.mark.anyio

KEY = "sk-ant-example"
WHOLE = json.dumps(MESSAGE.to_dict()).encode()
ANSWER = response(200, WHOLE, "application/json")


# --- requests -----------------------------------------------------------------------------------


def sent_by(library: Any, client_class: Any, ask: Any, **options: Any) -> Any:
    """The request that a client makes."""
    requests = []

    def keep(request: Any) -> Any:
        requests.append((request.method, str(request.url), dict(request.headers), request.content))
        return library.Response(200, headers={"content-type": "text/event-stream"}, content=BODY)

    http = library.Client(transport=library.MockTransport(keep))
    with client_class(http_client=http, max_retries=0, **options) as client:
        ask(client)
    (request,) = requests
    return request


COMPARED = {
    "accept",
    "anthropic-beta",
    "anthropic-user-profile-id",
    "anthropic-version",
    "anthropic-workspace-id",
    "authorization",
    "content-type",
    "x-api-key",
    "x-other",
}
"""The headers that count: the others name the package, and the machine that it runs on."""


def assert_same_request(ask: Any, **options: Any) -> None:
    ours = sent_by(httpx, Anthropic, ask, **options)
    theirs = sent_by(httpx2, anthropic.Anthropic, ask, **options)
    assert ours[0] == theirs[0]
    assert ours[1].replace("+", "%20") == theirs[1]  # two ways to write a space
    assert json.loads(ours[3]) == json.loads(theirs[3])
    for one, other in ((ours, theirs), (theirs, ours)):
        for name in COMPARED & set(one[2]):
            assert one[2][name] == other[2].get(name), name


class City(BaseModel):
    name: str
    people: Optional[int] = None  # noqa: UP045


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class _Image(io.BytesIO):
    """A file that is read from its beginning each time, because two clients read it."""

    def read(self, *size: Any) -> bytes:
        self.seek(0)
        return super().read(*size)


def _image(content: bytes) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": _Image(content)}
    return {"type": "image", "source": source}


_nothing = st.sampled_from([None, anthropic.omit, anthropic.not_given])
"""The values that a caller may pass for a field without a value."""

_texts = st.text(st.characters(codec="utf-8"), max_size=8)
_blocks = st.one_of(
    _texts.map(lambda text: {"type": "text", "text": text}),
    _texts.map(lambda text: OfficialTextBlock(type="text", text=text)),
    st.builds(
        lambda text, nothing: {"type": "text", "text": text, "citations": nothing}, _texts, _nothing
    ),
    st.binary(max_size=8).map(_image),
    st.builds(
        lambda text: {"type": "tool_result", "tool_use_id": "toolu_1", "content": text}, _texts
    ),
)
_turns = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant"]),
        "content": _texts | st.lists(_blocks, max_size=3),
    }
)
_tools = st.fixed_dictionaries(
    {"name": st.just("weather"), "input_schema": st.just({"type": "object"})},
    optional={"description": _texts, "cache_control": st.just({"type": "ephemeral"})},
)
_parameters = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["claude-opus-5", "m"]),
        "max_tokens": st.integers(0, 20_000),
        "messages": st.lists(_turns, max_size=3),
    },
    optional={
        "system": _texts | st.lists(_texts.map(lambda text: {"type": "text", "text": text})),
        "stop_sequences": st.lists(_texts, max_size=2),
        "tools": st.lists(_tools, max_size=2),
        "tool_choice": st.just({"type": "auto"}),
        "thinking": st.just({"type": "adaptive"}),
        "metadata": _texts.map(lambda text: {"user_id": text}),
        "service_tier": st.sampled_from(["auto", "standard_only"]),
        "output_config": st.just({"effort": "low"}),
        "container": st.just("container_1"),
        "user_profile_id": st.just("profile_1"),
        "workspace_id": st.just("wrkspc_1"),
        "extra_body": st.just({"max_tokens": 7, "new": [1], "old": None}),
        "extra_headers": st.just({"x-other": "a", "Anthropic-Beta": "one,two"}),
        "extra_query": st.sampled_from(
            [{"trace": "1"}, {"a": None, "b": True, "c": [1, 2.5], "d": {"e": ["x y"], "f": {}}}]
        ),
        "output_format": st.sampled_from([City, Point, list[int], dict[str, City], int]),
    },
)
_without = st.dictionaries(
    st.sampled_from(["system", "stop_sequences", "tools", "tool_choice", "metadata", "container"]),
    _nothing,
    max_size=2,
)
_beta_only = st.fixed_dictionaries(
    {},
    optional={
        "betas": st.lists(st.sampled_from(["one", "three"]), min_size=1, max_size=2, unique=True),
        "mcp_servers": st.just([{"type": "url", "url": "https://example.com", "name": "m"}]),
        "context_management": st.just({"edits": []}),
    },
)
_options = st.fixed_dictionaries(
    {},
    optional={
        "base_url": st.sampled_from(["https://example.com", "https://example.com/a/"]),
        "default_headers": st.just({"x-other": "b"}),
        "default_query": st.just({"region": "eu"}),
    },
)
_keys = st.sampled_from([{"api_key": KEY}, {"auth_token": KEY}])


@given(_parameters, _without, _options, _keys)
def test_a_stream_is_requested_as_by_the_official_client(
    parameters: dict[str, Any],
    without: dict[str, Any],
    options: dict[str, Any],
    key: dict[str, str],
) -> None:
    def ask(client: Any) -> None:
        with client.messages.stream(**{**parameters, **without}):
            pass

    assert_same_request(ask, **options, **key)


@given(_parameters, _beta_only, _options)
def test_a_stream_of_the_beta_is_requested_as_by_the_official_client(
    parameters: dict[str, Any], beta: dict[str, Any], options: dict[str, Any]
) -> None:
    if "betas" in beta:
        parameters.pop("extra_headers", None)  # ours joins the two, the official one replaces

    def ask(client: Any) -> None:
        with client.beta.messages.stream(**parameters, **beta):
            pass

    assert_same_request(ask, api_key=KEY, **options)


@given(_parameters, st.booleans())
def test_create_is_requested_as_by_the_official_client(
    parameters: dict[str, Any], streamed: bool
) -> None:
    parameters.pop("output_format", None)

    def ask(client: Any) -> None:
        try:
            client.messages.create(**parameters, **({"stream": True} if streamed else {}))
        except APIResponseValidationError:
            assert not streamed  # the answer is a stream all the same

    assert_same_request(ask, api_key=KEY)


def test_official_and_pydantic_values_and_tools_are_sent(server: Server) -> None:
    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather in a city."""
        return city

    class Turn(BaseModel):
        role: str
        content: list[Any]
        note: Optional[str] = None  # noqa: UP045

    answer = anthropic.types.Message.model_validate({**MESSAGE.to_dict(), "stop_sequence": None})
    blocks = [*answer.content, TextBlock(text="ours"), {"type": "text", "text": "a dict"}]
    turns = [Turn(role="assistant", content=blocks), {"role": "user", "content": "Go on"}]

    def ask(client: Any) -> None:
        with client.beta.messages.stream(**{**PARAMETERS, "messages": turns}, tools=[weather]):
            pass

    sent = json.loads(sent_by(httpx, Anthropic, ask, api_key=KEY)[3])
    assert sent["messages"][0]["content"] == [
        *(block.to_dict() for block in MESSAGE.content),
        {"type": "text", "text": "ours"},
        {"type": "text", "text": "a dict"},
    ]
    assert set(sent["messages"][0]) == {"role", "content"}
    assert sent["tools"] == [weather.to_dict()]


@pytest.mark.parametrize(
    ("name", "nearest"), [("sytem", "system"), ("max_token", "max_tokens"), ("xyzzy", None)]
)
def test_an_unknown_keyword_is_refused_and_the_nearest_is_named(
    name: str, nearest: str | None
) -> None:
    client = Anthropic(api_key=KEY)
    for method in (client.messages.stream, client.messages.create, client.beta.messages.create):
        with pytest.raises(TypeError, match=rf"got the unknown argument '{name}'") as caught:
            method(**PARAMETERS, **{name: 1})  # type: ignore[call-overload]
        assert nearest is None or f"did you mean {nearest!r}?" in str(caught.value)
        assert str(caught.value).startswith(f"{method.__name__}()")
    with pytest.raises(TypeError, match="unknown argument 'mcp_servers'"):
        client.messages.stream(**PARAMETERS, mcp_servers=[])  # type: ignore[call-overload]


# --- messages.create ----------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [False, True])
async def test_create_gives_the_message(beta: bool, server: Server) -> None:
    server.answer(ANSWER)
    with Anthropic(api_key=KEY, base_url=server.url) as client:
        messages: Any = client.beta.messages if beta else client.messages
        message = messages.create(**PARAMETERS)
    async with AsyncAnthropic(api_key=KEY, base_url=server.url) as asynchronous:
        messages = asynchronous.beta.messages if beta else asynchronous.messages
        assert await messages.create(**PARAMETERS, stream=NOT_GIVEN) == message
    assert isinstance(message, Message)
    assert message == MESSAGE
    assert "stream" not in server.requests[0].json()


@pytest.mark.parametrize("beta", [False, True])
async def test_create_streams_the_raw_events(beta: bool, server: Server) -> None:
    server.answer(event_stream(BODY, chunks=40))
    expected = [event["type"] for event in EVENTS]
    with Anthropic(api_key=KEY, base_url=server.url) as client:
        messages: Any = client.beta.messages if beta else client.messages
        with messages.create(**PARAMETERS, stream=True) as stream:
            assert isinstance(stream, Stream)
            assert [event.type for event in stream] == expected
        assert stream.response.is_closed
        assert next(messages.create(**PARAMETERS, stream=True)).type == "message_start"
    async with AsyncAnthropic(api_key=KEY, base_url=server.url) as asynchronous:
        messages = asynchronous.beta.messages if beta else asynchronous.messages
        async with await messages.create(**PARAMETERS, stream=True) as astream:
            assert isinstance(astream, AsyncStream)
            assert [event.type async for event in astream] == expected
        assert astream.response.is_closed
    assert all(request.json()["stream"] is True for request in server.requests)


async def fails(server: Server, error: type[Exception], words: str, **options: Any) -> None:
    options = {"api_key": KEY, "base_url": server.url, "max_retries": 0, **options}
    limit = options.pop("limit", None)
    with Anthropic(**options) as client, pytest.raises(error, match=words):
        client.messages.create(**PARAMETERS, limit=limit)
    async with AsyncAnthropic(**options) as asynchronous:
        with pytest.raises(error, match=words):
            await asynchronous.messages.create(**PARAMETERS, limit=limit)


async def test_create_fails_as_streams_fail(server: Server) -> None:
    server.answer(api_error(529, "overloaded_error", "too busy"))
    await fails(server, OverloadedError, "529: too busy")
    server.answer([reset])
    await fails(server, APIConnectionError, "the connection failed")
    half = head(200, {"content-type": "application/json", "content-length": "1000"})
    server.answer([half, b"{", reset])
    await fails(server, APIConnectionError, "the connection failed")
    server.answer([half, b"{", hold])
    await fails(server, APITimeoutError, "no answer in time", timeout=0.2)
    for body in (b"<html>", b"\xff", b"[]", b'{"type":"message"}', b"[" * 100_000):
        server.answer(response(200, body, "application/json"))
        await fails(server, APIResponseValidationError, "expected a message as JSON, got '")
    server.answer(ANSWER)
    await fails(server, APIResponseValidationError, "longer than the limit of 50 bytes", limit=50)


async def test_create_is_tried_again(server: Server) -> None:
    busy = api_error(529, "overloaded_error", headers={"retry-after-ms": "1"})
    server.answer(busy, ANSWER)
    with Anthropic(api_key=KEY, base_url=server.url) as client:
        assert client.messages.create(**PARAMETERS) == MESSAGE
    server.answer(busy, ANSWER)
    async with AsyncAnthropic(api_key=KEY, base_url=server.url) as asynchronous:
        assert await asynchronous.messages.create(**PARAMETERS) == MESSAGE


@pytest.mark.parametrize("beta", [False, True])
async def test_parse_gives_the_type(beta: bool, server: Server) -> None:
    fields = {**MESSAGE.to_dict(), "content": [{"type": "text", "text": '{"name": "Bonn"}'}]}
    server.answer(response(200, json.dumps(fields).encode(), "application/json"))
    asked: dict[str, Any] = {**PARAMETERS, "output_format": City}
    with Anthropic(api_key=KEY, base_url=server.url) as client:
        messages: Any = client.beta.messages if beta else client.messages
        assert messages.parse(**asked).parsed_output == City(name="Bonn")
    async with AsyncAnthropic(api_key=KEY, base_url=server.url) as asynchronous:
        messages = asynchronous.beta.messages if beta else asynchronous.messages
        assert (await messages.parse(**asked)).parsed_output == City(name="Bonn")
    with anthropic.Anthropic(api_key=KEY, base_url=server.url) as official:
        official.messages.parse(**asked)
    sent = [request.json() for request in server.requests]
    assert sent[0] == sent[1] == sent[2]
    with pytest.raises(TypeError, match=r"^parse\(\) got the unknown argument 'sytem'"):
        messages.parse(**asked, sytem="").send(None)


# --- clients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_the_client_of_either_library_sends(http: Any, server: Server) -> None:
    server.answer(event_stream(BODY))
    options: dict[str, Any] = {"api_key": KEY, "base_url": server.url, "max_retries": 0}
    with http.Client(trust_env=False) as own:
        client = Anthropic(http_client=own, **options)
        with client.messages.stream(**PARAMETERS) as stream:
            assert stream.get_final_message() == MESSAGE
        assert isinstance(stream.response, http.Response)
        assert client.timeout == httpx.Timeout(600, connect=5)
    async with http.AsyncClient(trust_env=False, timeout=7) as aown:
        asynchronous = AsyncAnthropic(http_client=aown, **options)
        async with asynchronous.messages.stream(**PARAMETERS) as astream:
            assert await astream.get_final_message() == MESSAGE
        assert asynchronous.timeout == http.Timeout(7)
    server.answer([hold])
    with http.Client(trust_env=False) as own:
        client = Anthropic(http_client=own, **options, timeout=0.2)
        with pytest.raises(APITimeoutError, match="no answer in time") as caught:
            client.messages.stream(**PARAMETERS).__enter__()
        assert caught.value.request is not None
        assert caught.value.request.headers["authorization"] == "[secure]"


def test_another_client_is_refused() -> None:
    for client in (httpx.AsyncClient(), httpx2.AsyncClient(), object()):
        with pytest.raises(TypeError, match=r"must be an httpx.Client or an httpx2.Client, got "):
            Anthropic(api_key=KEY, http_client=client)
    with pytest.raises(TypeError, match=r"httpx.AsyncClient or an httpx2.AsyncClient, got Client"):
        AsyncAnthropic(api_key=KEY, http_client=httpx.Client())


def test_a_copy_has_other_settings_and_the_same_connections(server: Server) -> None:
    server.answer(event_stream(BODY))
    with Anthropic(
        api_key=KEY,
        base_url=server.url,
        default_headers={"x-other": "a"},
        default_query={"region": "eu"},
    ) as client:
        added = client.with_options(
            timeout=7,
            max_retries=5,
            default_headers={"x-more": "b"},
            default_query={"trace": "1"},
        )
        replaced = client.copy(
            api_key="another",
            set_default_headers={"x-more": "c"},
            set_default_query={},
        )
        assert (added.timeout, added.max_retries) == (7, 5)
        for one in (client, added, replaced):
            with one.messages.stream(**PARAMETERS) as stream:
                stream.until_done()
        added.close()
        with client.messages.stream(**PARAMETERS) as stream:
            stream.until_done()
    first, second, third, _ = server.requests
    assert len(server.connections) == 1
    assert (first.path, second.path, third.path) == (
        "/v1/messages?region=eu",
        "/v1/messages?region=eu&trace=1",
        "/v1/messages",
    )
    assert (second.headers["x-other"], second.headers["x-more"]) == ("a", "b")
    assert ("x-other" in third.headers, third.headers["x-more"]) == (False, "c")
    assert second.headers["authorization"] == f"Bearer {KEY}"
    assert third.headers["authorization"] == "Bearer another"
    other = httpx.Client()
    assert client.copy(http_client=other)._http is other
    moved = client.with_options(base_url="https://example.com", auth_token="t")
    assert str(moved.base_url) == "https://example.com"


def test_settings_cannot_be_added_and_replaced() -> None:
    client = Anthropic(api_key=KEY)
    with pytest.raises(ValueError, match="default_headers to add or set_default_headers"):
        client.copy(default_headers={}, set_default_headers={})
    with pytest.raises(ValueError, match="default_query to add or set_default_query"):
        client.with_options(default_query={}, set_default_query={})
    with pytest.raises(ValueError, match="give api_key or auth_token, not both"):
        Anthropic(api_key="k", auth_token="t")


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (lambda client: client, "models"),
        (lambda client: client.messages, "count_tokens"),
        (lambda client: client.messages, "batches"),
        (lambda client: client.beta, "files"),
        (lambda client: client.beta.messages, "tool_runner"),
    ],
)
def test_a_method_that_is_not_here_points_to_the_official_client(of: Any, name: str) -> None:
    for client in (Anthropic(api_key=KEY), AsyncAnthropic(api_key=KEY)):
        with pytest.raises(AttributeError, match=rf"has no attribute '{name}': .*adapters\.sdk"):
            getattr(of(client), name)
        with pytest.raises(AttributeError, match=r"has no attribute '_x'$"):
            of(client)._x  # noqa: B018


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_client_that_was_never_closed_causes_no_warning(server: Server) -> None:
    server.answer(event_stream(BODY))

    def sync() -> None:
        with Anthropic(api_key=KEY, base_url=server.url).messages.stream(**PARAMETERS) as stream:
            stream.until_done()

    async def asynchronous() -> None:
        client = AsyncAnthropic(api_key=KEY, base_url=server.url)
        async with client.messages.stream(**PARAMETERS) as stream:
            await stream.until_done()
        del client, stream
        gc.collect()
        await asyncio.sleep(0.05)

    sync()
    gc.collect()
    server.wait_closed()
    asyncio.run(asynchronous())
    gc.collect()
    server.wait_closed()
    AsyncAnthropic(api_key=KEY)
    gc.collect()
