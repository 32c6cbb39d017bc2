"""What must not depend on how a body was cut, and what comes of sources that are not a response."""

from __future__ import annotations

from typing import Any

import pytest
from streamfold.reducer import InvalidToolInputError, encode_sse
from streamfold.transports import (
    APIConnectionError,
    APITimeoutError,
    MessageStream,
    OverloadedError,
    progress,
)

from tests.support.model import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
)

TEXT = [message_start(), block_start(0, "text", text=""), block_delta(0, "text_delta", text="x")]
WHOLE = [*TEXT, block_stop(0), message_delta(), MESSAGE_STOP]
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "O"}}


def cuts(body: bytes) -> list[list[bytes]]:
    return [[body], [body[i : i + 1] for i in range(len(body))], [body[:200], body[200:]]]


@pytest.mark.parametrize("read", [list, MessageStream.get_final_message])
@pytest.mark.parametrize("after", [[{"type": "after"}], [{"type": "content_block_stop"}], []])
def test_what_comes_after_an_error_is_never_seen(read: Any, after: list[Any]) -> None:
    body = encode_sse([*TEXT, OVERLOADED, *after])
    for chunks in cuts(body):
        stream = MessageStream(chunks)
        with pytest.raises(OverloadedError) as caught:
            read(stream)
        assert caught.value.snapshot == stream.snapshot
        assert stream.snapshot.unfolded == ()
        assert stream.snapshot.error is not None
        assert stream.current_message_snapshot.content[0].to_dict()["text"] == "x"


@pytest.mark.parametrize("junk", [b"data: [DONE]\n\n", b'data: {"type":"content_block_stop"}\n\n'])
def test_junk_after_a_whole_message_is_no_fault(junk: bytes) -> None:
    for chunks in cuts(encode_sse(WHOLE) + junk):
        assert MessageStream(chunks).get_final_message().stop_reason == "end_turn"
        assert list(MessageStream(chunks))[-1].type == "message_stop"


@pytest.mark.parametrize(
    ("error", "becomes"),
    [(ConnectionResetError(), APIConnectionError), (TimeoutError(), APITimeoutError)],
)
def test_a_source_that_fails(error: OSError, becomes: type[APIConnectionError]) -> None:
    def source() -> Any:
        yield encode_sse(TEXT)
        raise error

    with pytest.raises(becomes, match=type(error).__name__) as caught:
        MessageStream(source()).get_final_message()
    assert type(caught.value) is becomes
    assert caught.value.snapshot is not None
    assert caught.value.snapshot.message is not None


def test_every_snapshot_of_a_chunk_costs_its_own_event(monkeypatch: pytest.MonkeyPatch) -> None:
    fold = progress.fold
    steps = 0

    def counting(events: Any, snapshot: Any) -> Any:
        nonlocal steps
        events = list(events)
        steps += len(events)
        return fold(events, snapshot)

    monkeypatch.setattr(progress, "fold", counting)
    deltas = [block_delta(0, "text_delta", text="x")] * 300
    stream = MessageStream([encode_sse([*TEXT, *deltas, block_stop(0), MESSAGE_STOP])])
    for event in stream:
        if event.type == "text":
            assert stream.current_message_snapshot.content[0].to_dict()["text"] == event.snapshot
    assert steps <= 2 + 2 * 301


@pytest.mark.parametrize("body", [b"data: x\n\n", "data: x\n\n"])
def test_a_body_is_no_source_of_chunks(body: Any) -> None:
    with pytest.raises(TypeError, match="replay"):
        MessageStream(body)


def test_a_fault_in_a_tool_is_one_for_every_cut() -> None:
    events = [
        message_start(),
        block_start(0, "tool_use", id="t", name="n", input={}),
        block_delta(0, "input_json_delta", partial_json="{nope"),
        block_stop(0),
    ]
    for chunks in cuts(encode_sse(events)):
        with pytest.raises(InvalidToolInputError) as caught:
            list(MessageStream(chunks))
        assert caught.value.input_json == "{nope"
