"""User code of the reducer, read by the type checkers and never run."""

from collections.abc import Iterable

import anthropic
from streamfold.reducer import (
    IncompleteStreamError,
    Message,
    ProtocolError,
    Snapshot,
    StreamState,
    feed,
    finish,
    fold,
    reduce,
)


def text_of(message: Message) -> str:
    parts: list[str] = []
    for block in message.content:
        if block.type == "text":
            parts.append(block.text)
            parts += (
                citation.url
                for citation in block.citations or ()
                if citation.type == "web_search_result_location"
            )
        elif block.type == "thinking":
            parts.append(block.signature)
        elif block.type == "tool_use":
            parts.append(block.name + block.input_json)
    tokens: int = message.usage.input_tokens + message.usage.output_tokens
    return "".join(parts) + str(tokens)


def watch(chunks: list[bytes]) -> Message:
    state = StreamState(snapshot=Snapshot(partial_mode="trailing-strings"))
    try:
        for chunk in chunks:
            state, events = feed(state, chunk)
            for event in events:
                if event.type == "text":
                    added: str = event.text
                    so_far: str = event.snapshot
                    print(added, so_far)
                elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                    print(event.index, event.delta.text)
                elif event.type == "message_stop":
                    print(text_of(event.message))
        return finish(state)
    except (ProtocolError, IncompleteStreamError) as error:
        if error.snapshot is not None and error.snapshot.message is not None:
            return error.snapshot.message
        raise


def step(snapshot: Snapshot) -> Snapshot:
    snapshot, events = reduce(snapshot, {"type": "ping"})
    assert not events
    return fold(snapshot.unfolded, snapshot)


def misspelt(message: Message) -> object:
    print(message.stop_reason, message["new_field"], message.model_dump(exclude_none=True))
    print(message.usage.input_token)  # type: ignore[attr-defined]  # pyright: ignore
    return message.stop_reson  # type: ignore[attr-defined]  # pyright: ignore


def official(raw: Iterable[anthropic.types.RawMessageStreamEvent]) -> Snapshot:
    return fold(raw)
