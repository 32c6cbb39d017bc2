"""User code of the client, read by the type checkers and never run."""

from dataclasses import dataclass
from typing import Any, Union

import httpx
from pydantic import BaseModel
from streamfold.adapters.anthropic import (
    NOT_GIVEN,
    Anthropic,
    APIStatusError,
    AsyncAnthropic,
    AsyncMessageStream,
    AsyncMessageStreamManager,
    BetaAsyncMessageStreamManager,
    BetaMessageStream,
    BetaMessageStreamEvent,
    BetaMessageStreamManager,
    DefaultAioHttpClient,
    Message,
    MessageStream,
    MessageStreamEvent,
    MessageStreamManager,
    OverloadedError,
    ParsedBetaContentBlockStopEvent,
    ParsedBetaMessage,
    ParsedBetaMessageStopEvent,
    ParsedBetaMessageStreamEvent,
    ParsedMessage,
    TextEvent,
    ToolUseBlock,
)
from streamfold.adapters.urllib3 import DefaultUrllib3Client
from typing_extensions import assert_type


class Recipe(BaseModel):
    name: str
    minutes: int


@dataclass
class Point:
    x: int


client = Anthropic(api_key="key", max_retries=5, timeout=httpx.Timeout(10.0), http_client=None)
aclient = AsyncAnthropic(auth_token="token", base_url="http://localhost", timeout=None)
over_aiohttp = AsyncAnthropic(http_client=DefaultAioHttpClient(timeout=5.0))
assert_type(DefaultAioHttpClient(), DefaultAioHttpClient)
over_urllib3 = Anthropic(http_client=DefaultUrllib3Client(timeout=5.0))


def arguments() -> None:
    client.messages.stream(
        max_tokens=10,
        messages=[{"role": "user", "content": "Hello"}],
        model="claude-opus-4-6",
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        tools=[{"name": "get_weather", "input_schema": {"type": "object"}}],
        tool_choice={"type": "auto"},
        temperature=NOT_GIVEN,
        thinking={"type": "adaptive"},
        stop_sequences=["\n"],
        metadata=None,
        extra_headers={"x-mine": "1"},
        extra_query={"a": 1},
        extra_body={"new": True},
        timeout=3,
    )
    client.messages.stream(max_tokens=1, messages=[])  # type: ignore[call-overload]  # pyright: ignore
    client.messages.stream(max_tokens="1", messages=[], model="m")  # type: ignore[call-overload]  # pyright: ignore
    client.messages.stream(max_tokens=1, messages=[], model="m", sytem="x")  # type: ignore[call-overload]  # pyright: ignore
    client.beta.messages.stream(
        max_tokens=1, messages=[], model="m", betas=["some-beta"], mcp_servers=[{"type": "url"}]
    )


def plain() -> Message:
    manager = client.messages.stream(max_tokens=1, messages=[], model="m")
    assert_type(manager, MessageStreamManager[None])
    with manager as stream:
        assert_type(stream, MessageStream[None])
        for text in stream.text_stream:
            assert_type(text, str)
        return stream.get_final_message()


def parsed() -> Recipe:
    manager = client.messages.stream(max_tokens=1, messages=[], model="m", output_format=Recipe)
    assert_type(manager, MessageStreamManager[Recipe])
    with manager as stream:
        for event in stream:
            if event.type == "text":
                assert_type(event, TextEvent)
            elif event.type == "message_stop":
                assert_type(event.message.parsed_output, Union[Recipe, None])
            elif event.type == "content_block_stop" and event.content_block.type == "tool_use":
                assert_type(event.content_block, ToolUseBlock)
        message = stream.get_final_message()
        assert_type(message, ParsedMessage[Recipe])
        assert message.parsed_output is not None
        return message.parsed_output


def formats() -> None:
    with client.messages.stream(
        max_tokens=1, messages=[], model="m", output_format=list[int]
    ) as numbers:
        assert_type(numbers.get_final_message().parsed_output, Union[list[int], None])
    with client.beta.messages.stream(
        max_tokens=1, messages=[], model="m", output_format=Point, betas=["b"]
    ) as stream:
        assert_type(stream, BetaMessageStream[Point])
        last: ParsedBetaMessage[Point] = stream.get_final_message()
        print(last.parsed_output.x if last.parsed_output else None)
    either: MessageStreamManager[Any] = client.messages.stream(
        max_tokens=1, messages=[], model="m", output_format=Union[int, str]
    )
    none: BetaMessageStreamManager[None] = client.beta.messages.stream(
        max_tokens=1, messages=[], model="m", output_format=None
    )
    print(either, none)


async def asynchronous() -> Point:
    async with aclient.messages.stream(max_tokens=1, messages=[], model="m") as stream:
        assert_type(stream, AsyncMessageStream[None])
        async for text in stream.text_stream:
            assert_type(text, str)
        message = await stream.get_final_message()
    again: AsyncMessageStreamManager[Point] = aclient.messages.stream(
        max_tokens=1,
        messages=[
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]},
        ],
        model="m",
        output_format=Point,
    )
    beta: BetaAsyncMessageStreamManager[Point] = aclient.beta.messages.stream(
        max_tokens=1, messages=[], model="m", output_format=Point, container="c"
    )
    try:
        async with again as parsed, beta:
            async for event in parsed:
                if event.type == "message_stop":
                    assert_type(event.message.parsed_output, Union[Point, None])
            point = (await parsed.get_final_message()).parsed_output
            assert point is not None
            return point
    except OverloadedError as error:
        print(error.snapshot, error.request_id)
        raise
    except APIStatusError as error:
        raise SystemExit(error.status_code) from error
    finally:
        await aclient.close()


def handle(event: MessageStreamEvent) -> str:
    return event.text if event.type == "text" else event.type


def handle_beta(event: BetaMessageStreamEvent[Recipe]) -> None:
    if event.type == "message_stop":
        stop: ParsedBetaMessageStopEvent[Recipe] = event
        print(stop.message.parsed_output)


def handle_parsed(event: ParsedBetaMessageStreamEvent[Recipe]) -> None:
    if event.type == "content_block_stop":
        block_stop: ParsedBetaContentBlockStopEvent[Recipe] = event
        print(block_stop.index)
    elif event.type == "input_json":
        print(event.partial_json, event.snapshot)
