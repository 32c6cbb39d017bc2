"""Ordinary code with the official clients, which only type checkers run."""

from __future__ import annotations

import anthropic
from anthropic.lib.bedrock import (
    AnthropicBedrock,
    AnthropicBedrockMantle,
    AsyncAnthropicBedrock,
    AsyncAnthropicBedrockMantle,
)
from anthropic.lib.vertex import AnthropicVertex, AsyncAnthropicVertex
from anthropic.types import MessageParam, ToolParam
from pydantic import BaseModel
from streamfold.adapters.sdk import stream
from streamfold.transports import (
    AsyncMessageStreamManager,
    MessageStreamManager,
    ParsedMessage,
)
from typing_extensions import assert_type

MESSAGES: list[MessageParam] = [{"role": "user", "content": "Hello"}]
TOOL: ToolParam = {"name": "weather", "input_schema": {"type": "object"}}


class City(BaseModel):
    name: str


def sync(
    client: anthropic.Anthropic
    | anthropic.AnthropicAWS
    | AnthropicBedrock
    | AnthropicBedrockMantle
    | anthropic.AnthropicFoundry
    | anthropic.AnthropicGoogleCloud
    | AnthropicVertex,
) -> None:
    plain = stream(client.messages, model="m", max_tokens=1, messages=MESSAGES, tools=[TOOL])
    assert_type(plain, MessageStreamManager[None])
    typed = stream(
        client.with_options(max_retries=3).messages,
        model="m",
        max_tokens=1,
        messages=MESSAGES,
        output_format=City,
        extra_headers={"x-team": "a", "x-other": anthropic.omit},
        timeout=5,
        limit=1000,
        partial_mode="trailing-strings",
    )
    assert_type(typed, MessageStreamManager[City])
    with typed as answer:
        for event in answer:
            if event.type == "text":
                print(event.text)
        message = answer.get_final_message()
    assert_type(message, ParsedMessage[City])
    assert_type(message.parsed_output, City | None)
    beta = stream(
        client.beta.messages,
        model="m",
        max_tokens=1,
        messages=[{"role": "user", "content": "Hello"}],
        betas=["compact-2026-01-12"],
        output_format=list[int],
    )
    assert_type(beta, MessageStreamManager[list[int]])


async def asynchronous(
    client: anthropic.AsyncAnthropic
    | anthropic.AsyncAnthropicAWS
    | AsyncAnthropicBedrock
    | AsyncAnthropicBedrockMantle
    | anthropic.AsyncAnthropicFoundry
    | anthropic.AsyncAnthropicGoogleCloud
    | AsyncAnthropicVertex,
) -> None:
    plain = stream(client.messages, model="m", max_tokens=1, messages=MESSAGES)
    assert_type(plain, AsyncMessageStreamManager[None])
    beta = stream(
        client.beta.messages,
        model="m",
        max_tokens=1,
        messages=[{"role": "user", "content": "Hello"}],
        output_format=City,
    )
    assert_type(beta, AsyncMessageStreamManager[City])
    async with beta as answer:
        assert_type((await answer.get_final_message()).parsed_output, City | None)


def mistakes(client: anthropic.Anthropic) -> None:
    stream(client.messages, model="m", messages=MESSAGES)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    stream(client.messages, model="m", max_tokens=1, messages=MESSAGES, sytem="")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    stream(client.messages, model="m", max_tokens="1", messages=MESSAGES)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    stream(client, model="m", max_tokens=1, messages=MESSAGES)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
