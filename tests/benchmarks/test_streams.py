"""The measured streams are complete messages of the promised size, the same in every run."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamfold.reducer import Message, SSEState, StreamState, decode_sse, feed, finish

from benchmarks import streams

MAKERS = [
    streams.text,
    streams.thinking_then_text,
    streams.tool,
    streams.tool_edits,
    streams.many_blocks,
    streams.citations,
    streams.agent_turn,
]


def message_of(stream: list[bytes]) -> Message:
    state, _ = feed(StreamState(), b"".join(stream))
    assert state.snapshot.unfolded == ()
    return finish(state)


@pytest.mark.parametrize("size", [1, 40])
@pytest.mark.parametrize("make", MAKERS)
def test_a_stream_is_a_complete_message(make: Callable[[int], list[bytes]], size: int) -> None:
    assert message_of(make(size)).stop_reason == "end_turn"


@pytest.mark.parametrize("make", MAKERS)
def test_a_stream_is_the_same_in_every_run(make: Callable[[int], list[bytes]]) -> None:
    assert make(40) == make(40)


@pytest.mark.parametrize("make", MAKERS)
def test_the_data_is_what_a_decoder_finds(make: Callable[[int], list[bytes]]) -> None:
    stream = make(40)
    _, events = decode_sse(SSEState(), b"".join(stream))
    assert [event.data.encode() for event in events] == streams.data_of(stream)


def test_a_text_has_nine_bytes_a_delta() -> None:
    (block,) = message_of(streams.text(4_000)).content
    assert 8.5 < len(block.text.encode()) / 4_000 < 9.5
    assert not block.text.isascii()


def test_a_tool_input_is_whole_and_full_of_escapes() -> None:
    stream = streams.tool(400)
    pieces = streams.input_pieces(stream)
    assert len(pieces) == 400
    assert any(piece.endswith("\\") for piece in pieces), "no escape is cut"
    (block,) = message_of(stream).content
    assert block.input.to_dict() == json.loads("".join(pieces))


def test_blocks_are_as_many_as_asked_for() -> None:
    assert [block.type for block in message_of(streams.many_blocks(4)).content] == [
        *("text", "tool_use"),
        *("text", "tool_use"),
    ]


def test_an_agent_turn_has_all_kinds() -> None:
    kinds = {block.type for block in message_of(streams.agent_turn(100)).content}
    assert kinds == {
        *("thinking", "text", "tool_use"),
        *("server_tool_use", "web_search_tool_result"),
    }


@pytest.mark.parametrize("size", [1, 100, 4096])
def test_chunks_are_the_body_cut(size: int) -> None:
    stream = streams.text(20)
    chunks = streams.chunks(stream, size)
    assert b"".join(chunks) == b"".join(stream)
    assert {len(chunk) for chunk in chunks[:-1]} <= {size}


@pytest.mark.parametrize("spelling", streams.SPELLINGS)
def test_a_spelling_has_the_same_message_in_other_bytes(spelling: str) -> None:
    stream = streams.agent_turn(20)
    body = streams.respelled(stream, spelling)
    assert len(body) == len(stream)
    pairs = zip(body, stream, strict=True)
    assert all(ours != theirs for ours, theirs in pairs if b"block_delta" in theirs)
    assert message_of(body).content == message_of(stream).content


def test_the_shortest_answer_has_five_events() -> None:
    stream = streams.five_events()
    (block,) = message_of(stream).content
    assert (len(stream), block.text) == (5, "Yes.")
