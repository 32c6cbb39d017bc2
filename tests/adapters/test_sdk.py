"""`adapters.sdk`: each client class of the official package sends, streamfold reads."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import anyio
import httpx2
import pytest
from pydantic import BaseModel
from streamfold import transports
from streamfold.adapters.sdk import stream
from streamfold.reducer import IncompleteStreamError, ProtocolError
from streamfold.transports import (
    AsyncMessageStream,
    AsyncMessageStreamManager,
    MessageStream,
    MessageStreamManager,
    ParsedMessage,
)

from tests.support.events import body, error_event, text_block
from tests.support.loopback import REQUEST_ID, Server, api_error, event_stream, reset
from tests.support.official_clients import (
    BEGINNING,
    BODY,
    BY_NAME,
    EVENTS,
    MESSAGE,
    OFFICIAL,
    PARAMETERS,
    Official,
    end,
)

pytestmark = pytest.mark.anyio

official_clients = pytest.mark.parametrize(
    "official", OFFICIAL, ids=[official.name for official in OFFICIAL]
)
messages_of = pytest.mark.parametrize("beta", [False, True], ids=["messages", "beta.messages"])


def messages(client: Any, beta: bool) -> Any:
    return client.beta.messages if beta else client.messages


def test_all_client_classes_of_the_package_are_here() -> None:
    exported = {name for name in vars(anthropic) if name.startswith("Anthropic")}
    assert exported - {"AnthropicError"} == set(BY_NAME)


def read(manager: MessageStreamManager[Any]) -> ParsedMessage[Any]:
    """The message of a stream that is read to its end."""
    with manager as answer:
        return answer.get_final_message()


async def aread(manager: AsyncMessageStreamManager[Any]) -> ParsedMessage[Any]:
    async with manager as answer:
        return await answer.get_final_message()


# --- every client class -------------------------------------------------------------------------


@official_clients
@messages_of
def test_a_sync_client(official: Official, beta: bool, server: Server) -> None:
    server.answer(official.answer(EVENTS, chunks=50))
    with official.sync(server.url) as client:
        manager = stream(messages(client, beta), **PARAMETERS)
        assert isinstance(manager, MessageStreamManager)
        assert server.requests == []
        with manager as answer:
            assert isinstance(answer, MessageStream)
            texts = "".join(answer.text_stream)
            message = answer.get_final_message()
        assert isinstance(answer.response, httpx2.Response)
        assert answer.response.is_closed
        assert answer.request_id == REQUEST_ID
    (request,) = server.requests
    assert (texts, message) == ("Grüß dich 😀", MESSAGE)
    assert request.path == official.path
    assert json.loads(request.body)["messages"] == PARAMETERS["messages"]


@official_clients
@messages_of
async def test_an_async_client(official: Official, beta: bool, server: Server) -> None:
    server.answer(official.answer(EVENTS, chunks=50))
    async with official.asynchronous(server.url) as client:
        manager = stream(messages(client, beta), **PARAMETERS)
        assert isinstance(manager, AsyncMessageStreamManager)
        async with manager as answer:
            assert isinstance(answer, AsyncMessageStream)
            texts = "".join([text async for text in answer.text_stream])
            message = await answer.get_final_message()
        assert answer.response.is_closed
        assert answer.request_id == REQUEST_ID
    (request,) = server.requests
    assert (texts, message) == ("Grüß dich 😀", MESSAGE)
    assert request.path == official.path


@official_clients
def test_the_events_are_those_of_the_official_stream(official: Official, server: Server) -> None:
    server.answer(official.answer(EVENTS))
    with official.sync(server.url) as client:
        with stream(client.messages, **PARAMETERS) as ours:
            events = [event.type for event in ours]
        with client.messages.stream(**PARAMETERS) as theirs:
            assert [event.type for event in theirs] == events
            dumped = theirs.get_final_message().to_dict(exclude_none=True)
    dumped.pop("parsed_output", None)
    for block in dumped["content"]:
        block.pop("parsed_output", None)
    assert dumped == ours.get_final_message().to_dict()


@official_clients
def test_the_options_of_the_client_count(official: Official, server: Server) -> None:
    server.answer(api_error(529, "overloaded_error"), official.answer(EVENTS))
    with official.sync(server.url, max_retries=0) as client:
        with_header = client.with_options(default_headers={"x-team": "a"})
        with pytest.raises(anthropic.APIStatusError) as caught:
            read(stream(with_header.messages, **PARAMETERS))
        assert caught.value.status_code == 529
        assert read(stream(client.with_options(timeout=5).messages, **PARAMETERS)) == MESSAGE
    assert server.requests[0].headers["x-team"] == "a"


# --- what each side does ------------------------------------------------------------------------


def test_the_official_client_tries_again(server: Server) -> None:
    refused = api_error(529, "overloaded_error", headers={"retry-after-ms": "1"})
    server.answer(refused, refused, event_stream(BODY))
    with BY_NAME["Anthropic"].sync(server.url) as client:
        assert read(stream(client.messages, **PARAMETERS)) == MESSAGE
    assert len(server.requests) == 3


@official_clients
def test_an_error_in_the_stream_is_one_of_ours(official: Official, server: Server) -> None:
    events = [BEGINNING, *text_block(0, "Half"), error_event("overloaded_error")]
    server.answer(official.answer(events))
    client = official.sync(server.url)
    with client, pytest.raises(transports.OverloadedError, match="no such luck") as caught:
        read(stream(client.messages, **PARAMETERS))
    assert caught.value.snapshot is not None
    assert caught.value.snapshot.message is not None
    assert caught.value.snapshot.message.content[0]["text"] == "Half"
    assert caught.value.request_id == REQUEST_ID


def test_an_exception_of_bedrock_is_the_apis_error(server: Server) -> None:
    throttled = error_event("rate_limit_error", "Too many requests")
    throttled["error"]["exception_type"] = "throttlingException"
    server.answer(BY_NAME["AnthropicBedrock"].answer([BEGINNING, throttled]))
    with BY_NAME["AnthropicBedrock"].sync(server.url) as client:
        with pytest.raises(transports.RateLimitError, match="Too many requests") as caught:
            read(stream(client.messages, **PARAMETERS))
        assert caught.value.status_code == 429
        with pytest.raises(anthropic.APIStatusError, match="throttlingException"):
            read(client.messages.stream(**PARAMETERS))


@official_clients
def test_a_stream_that_is_cut_is_incomplete(official: Official, server: Server) -> None:
    server.answer(official.answer(EVENTS[:4]))
    with official.sync(server.url) as client:
        with pytest.raises(IncompleteStreamError):
            read(stream(client.messages, **PARAMETERS))
        message = read(stream(client.messages, allow_incomplete=True, **PARAMETERS))
        assert message.content[0]["text"] == "Grüß dich"


@official_clients
async def test_a_connection_that_is_lost_is_our_error(official: Official, server: Server) -> None:
    whole = official.answer(EVENTS, chunks=200)
    server.answer([*whole[:3], reset])
    lost = pytest.raises(transports.APIConnectionError, match="connection was lost")
    with official.sync(server.url) as client, lost:
        read(stream(client.messages, **PARAMETERS))
    async with official.asynchronous(server.url) as client:
        with lost:
            await aread(stream(client.messages, **PARAMETERS))


def test_a_stream_that_is_left_closes_its_connection(server: Server) -> None:
    def hold(connection: Any) -> None:
        while connection.receive():
            pass

    server.answer([*event_stream(BODY, chunks=100)[:3], hold])
    with BY_NAME["Anthropic"].sync(server.url) as client:
        with stream(client.messages, **PARAMETERS) as answer:
            next(answer)
        server.wait_closed()
        assert answer.response.is_closed


@official_clients
def test_the_limit_holds(official: Official, server: Server) -> None:
    server.answer(official.answer(EVENTS))
    too_long = pytest.raises(ProtocolError, match="longer than the limit of 100")
    with official.sync(server.url) as client, too_long:
        read(stream(client.messages, limit=100, **PARAMETERS))


def test_the_beta_header_decides_on_the_partial_mode(server: Server) -> None:
    server.answer(event_stream(BODY))
    betas = ["fine-grained-tool-streaming-2025-05-14"]
    with BY_NAME["Anthropic"].sync(server.url) as client:
        for options, expected in (
            ({}, [{"city": "Kö"}, {"city": "Köln"}]),
            ({"partial_mode": "on"}, [{}, {"city": "Köln"}]),
        ):
            with stream(client.beta.messages, betas=betas, **PARAMETERS, **options) as answer:
                inputs = [event.snapshot for event in answer if event.type == "input_json"]
            assert inputs == expected


# --- structured outputs -------------------------------------------------------------------------


class City(BaseModel):
    name: str


@messages_of
@pytest.mark.parametrize("name", ["Anthropic", "AnthropicBedrock"])
async def test_the_output_has_its_type(name: str, beta: bool, server: Server) -> None:
    official = BY_NAME[name]
    server.answer(
        official.answer([BEGINNING, *text_block(0, '{"name": "Köln"}'), *end("end_turn")])
    )
    asked = {"output_format": City, "output_config": {"effort": "low"}, **PARAMETERS}
    with official.sync(server.url) as client:
        assert read(stream(messages(client, beta), **asked)).parsed_output == City(name="Köln")
        read(client.messages.stream(output_format=City, **PARAMETERS))
        plain = read(stream(client.messages, output_format=anthropic.omit, **PARAMETERS))
        assert plain.parsed_output is None
    async with official.asynchronous(server.url) as client:
        message = await aread(stream(messages(client, beta), **asked))
        assert message.parsed_output == City(name="Köln")
    ours, theirs_sent, without, _ = (json.loads(request.body) for request in server.requests)
    assert ours["output_config"] == {**theirs_sent["output_config"], "effort": "low"}
    assert "output_config" not in without


# --- wrong use ----------------------------------------------------------------------------------


def test_wrong_use_is_refused_with_advice(server: Server) -> None:
    server.answer(event_stream(BODY))
    with BY_NAME["Anthropic"].sync(server.url) as client:
        with pytest.raises(TypeError, match=r"client\.messages or client\.beta\.messages, got Ant"):
            stream(client, **PARAMETERS)
        with pytest.raises(TypeError, match="leave out stream="):
            stream(client.messages, stream=True, **PARAMETERS)
        with pytest.raises(ValueError, match="not both"):
            stream(
                client.messages,
                output_format=City,
                output_config={"format": {"type": "json_schema", "schema": {}}},
                **PARAMETERS,
            )
        with pytest.raises(TypeError, match="max_tokens"):
            read(stream(client.messages, model="m", messages=[]))
        with pytest.raises(TypeError, match="model_name"):
            read(stream(client.messages, model_name="m", **PARAMETERS))
    assert server.requests == []


def test_an_answer_without_a_response_is_refused(server: Server) -> None:
    def cached(request: Any, call_next: Any) -> Any:
        return anthropic.types.Message.construct(id="msg_cached")

    client = BY_NAME["Anthropic"].sync(server.url, middleware=[cached])
    with client, pytest.raises(TypeError, match="a Stream with an open response, got Message"):
        read(stream(client.messages, **PARAMETERS))


def test_a_manager_that_is_never_entered_sends_nothing(server: Server) -> None:
    async def never_entered() -> None:
        async with BY_NAME["Anthropic"].asynchronous(server.url) as client:
            stream(client.messages, **PARAMETERS)

    anyio.run(never_entered)  # a coroutine that was never awaited would warn, and warnings fail
    assert server.requests == []


def test_middleware_of_the_client_stays_in_effect(server: Server) -> None:
    server.answer(event_stream(body(*EVENTS[:1], *text_block(0, "x"), *end("end_turn"))))
    seen = []

    def watching(request: Any, call_next: Any) -> Any:
        seen.append(request.stream)
        return call_next(request)

    with BY_NAME["Anthropic"].sync(server.url, middleware=[watching]) as client:
        assert read(stream(client.messages, **PARAMETERS)).content[0]["text"] == "x"
    assert seen == [True]
