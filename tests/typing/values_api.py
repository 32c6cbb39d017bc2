"""User code of messages, blocks and events, read by the type checkers and never run."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import anthropic
import httpx
import httpx2
from streamfold.adapters.anthropic import (
    Anthropic,
    BetaTextBlock,
    Citation,
    CitationCharLocation,
    Container,
    ContentBlock,
    DirectCaller,
    Message,
    ParsedContentBlock,
    RawContentBlockStopEvent,
    TextBlock,
    TextDelta,
    ToolUseBlock,
    Usage,
    WebSearchResultBlock,
    WebSearchToolResultBlock,
)
from streamfold.reducer import ContentBlockStopEvent, MessageStreamEvent, freeze
from streamfold.transports import AsyncMessageStream, MessageStream
from typing_extensions import assert_type

# --- constructors take the type, and no other ---------------------------------------------------

block = TextBlock(type="text", text="Hello", citations=None)
assert_type(block.type, Literal["text"])
beta = BetaTextBlock(type="text", text="Hello")
delta = TextDelta(type="text_delta", text="Hello")
tool = ToolUseBlock(
    type="tool_use", id="t", name="n", input=freeze({}), caller=DirectCaller(type="direct")
)
message = Message(
    type="message", id="m", role="assistant", model="m", content=(block,), usage=Usage()
)
citation: Citation = CitationCharLocation(
    type="char_location", cited_text="a", document_index=0, start_char_index=0, end_char_index=1
)
TextBlock(type="thinking", text="Hello")  # type: ignore[arg-type]  # pyright: ignore
TextBlock(txt="Hello")  # type: ignore[call-arg]  # pyright: ignore
block.text = "changed"  # type: ignore[misc]  # pyright: ignore


# --- fields -------------------------------------------------------------------------------------


def searched(block: ContentBlock) -> list[str]:
    if block.type == "web_search_tool_result":
        assert_type(block, WebSearchToolResultBlock)
        if isinstance(block.content, tuple):
            assert_type(block.content, tuple[WebSearchResultBlock, ...])
            return [page.url for page in block.content]
        return [block.content.error_code]
    if block.type == "bash_code_execution_tool_result":
        if block.content.type == "bash_code_execution_result":
            return [block.content.stdout, *(file.file_id for file in block.content.content)]
        return [block.content.error_cod]  # type: ignore[attr-defined]  # pyright: ignore
    if block.type == "tool_use" and block.caller is not None and block.caller.type != "direct":
        return [block.caller.tool_id]
    return []


def times(container: Container) -> datetime | None:
    return container.expires_at


def misspelt(
    event: MessageStreamEvent, block: ContentBlock, parsed: ParsedContentBlock[int]
) -> None:
    if event.type == "text":
        print(event.snapshot, event.snapsot)  # type: ignore[attr-defined]  # pyright: ignore
    elif event.type == "content_block_start":
        print(event.indx)  # type: ignore[attr-defined]  # pyright: ignore
    if block.type == "text":
        print(block.citation)  # type: ignore[attr-defined]  # pyright: ignore
    if parsed.type == "text":
        print(parsed.text)


def stops(event: ContentBlockStopEvent) -> RawContentBlockStopEvent:
    return event


# --- sources and streams ------------------------------------------------------------------------


def sources(
    old: httpx.Response,
    new: httpx2.Response,
    chunks: list[bytes],
    client: anthropic.Anthropic,
) -> None:
    for source in (old, new, chunks):
        MessageStream[None](source)
    AsyncMessageStream[None](old)
    AsyncMessageStream[None](new)
    with client.messages.with_streaming_response.create(
        model="m", max_tokens=1, messages=[], stream=True
    ) as response:
        stream = MessageStream[None](response)
    assert_type(stream.response, httpx.Response | httpx2.Response)
    print(stream.response.headers.get("request-id"))
    texts = stream.text_stream
    texts.close()


async def asynchronous(stream: AsyncMessageStream[None]) -> None:
    texts = stream.text_stream
    async for text in texts:
        assert_type(text, str)
        await texts.aclose()


def raw(client: Anthropic) -> None:
    events = client.messages.create(model="m", max_tokens=1, messages=[], stream=True)
    for event in events:
        if event.type == "message_start":
            assert_type(event.message, Message)
    with client.messages.create(model="m", max_tokens=1, messages=[], stream=True) as again:
        print(again)
