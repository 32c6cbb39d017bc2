"""`client.messages` and `client.beta.messages`: their streams, and structured outputs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel
from streamfold.adapters import anthropic
from streamfold.adapters.anthropic import (
    Anthropic,
)
from streamfold.reducer import Message

from tests.support.clients import ANSWER, ASK, RECORDINGS, recording
from tests.support.events import body, end, message_start
from tests.support.loopback import (
    event_stream,
)
from tests.support.shells import EVENTS, KEY

pytestmark = pytest.mark.anyio
INDEX = json.loads((RECORDINGS / "index.json").read_text("utf-8"))


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


# --- structured outputs ---------------------------------------------------------------------------


class Ingredient(BaseModel):
    name: str
    grams: int | None = None


class Recipe(BaseModel):
    recipe: str
    minutes: int
    ingredients: list[Ingredient]


@pytest.mark.parametrize("beta", [False, True])
async def test_structured_output(calling, server, beta) -> None:
    server.answer(event_stream(recording("json-answer")))
    async with calling().stream(beta=beta, output_format=Recipe) as stream:
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


# --- the beta -------------------------------------------------------------------------------------


async def test_the_fine_grained_beta_keeps_unfinished_strings(calling, server) -> None:
    server.answer(event_stream(recording("tool-fine-grained"), chunks=10))

    async def snapshots(**request: Any) -> list[Any]:
        async with calling().stream(beta=True, **request) as stream:
            return [event.snapshot async for event in stream if event.type == "input_json"]

    beta = "fine-grained-tool-streaming-2025-05-14"
    plain, fine = await snapshots(), await snapshots(betas=[beta])
    assert plain != fine
    assert plain[-1] == fine[-1]


async def test_events_and_blocks_have_the_classes_of_the_names(calling, server) -> None:
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


# --- calls ----------------------------------------------------------------------------------------


def test_a_required_field_is_missing(server) -> None:
    client = Anthropic(api_key=KEY, base_url=server.url)
    with pytest.raises(TypeError, match="max_tokens"):
        client.messages.stream(model="m", messages=[])


@pytest.mark.parametrize("name", [name for name in INDEX if INDEX[name]["ends"] == "complete"])
def test_an_answer_goes_back_as_it_is(server, name) -> None:
    """The content of a message is sent unchanged in the next request."""
    server.answer(event_stream(recording(name)), ANSWER)
    with Anthropic(api_key=KEY, base_url=server.url, timeout=10) as client:
        with client.messages.stream(**ASK, output_format=dict) as stream:
            message = stream.get_final_message()
        turns = [*ASK["messages"], {"role": "assistant", "content": message.content}]
        with client.messages.stream(**{**ASK, "messages": turns}):
            pass
    expected = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))["content"]
    assert server.requests[1].json()["messages"][1]["content"] == expected


async def test_the_end_is_the_end(calling, server) -> None:
    server.answer(event_stream(body(message_start(), *end())))
    async with calling().stream() as stream:
        with pytest.raises(RuntimeError, match="no text block"):
            await stream.get_final_text()
