"""`Progress`: the same events, snapshots and faults for every cut, and each chunk folded once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from streamfold.reducer import (
    DEFAULT_LIMIT,
    InvalidToolInputError,
    ProtocolError,
    Snapshot,
    SSEState,
    StreamState,
    Timing,
    decode_sse,
    drain,
    fold,
    parse_event,
    reduce,
)
from streamfold.transports import MessageStream, OverloadedError, StalledStreamError, progress
from streamfold.transports.sources import sync_source

from tests.support.events import (
    block_delta,
    block_start,
    block_stop,
    body,
    end,
    error_event,
    input_delta,
    message_start,
    text_block,
    text_delta,
    tool_block,
    tool_start,
)
from tests.support.shells import BODY, EVENTS, HALF, MESSAGE

pytestmark = pytest.mark.anyio

OPEN = [message_start(), block_start(0, type="text", text=""), text_delta(0, "x")]
"""A message whose text block is open."""

OVERLOADED = error_event("overloaded_error")


def cuts(whole: bytes) -> list[list[bytes]]:
    """The body in one chunk, byte by byte, and in two chunks."""
    return [[whole], [whole[i : i + 1] for i in range(len(whole))], [whole[:200], whole[200:]]]


def steps_of(whole):
    """Each event and the snapshot after it, by the pure functions, one server-sent event a time."""
    snapshot = Snapshot()
    for sse in decode_sse(SSEState(), whole)[1]:
        snapshot, events = reduce(snapshot, parse_event(sse))
        for event in events:
            yield event, snapshot


def test_a_read_timeout_without_progress_for_so_long_is_a_stall() -> None:
    source = sync_source(httpx.Response(200, content=iter([HALF])), DEFAULT_LIMIT)
    position = progress.Progress(
        source,
        partial_mode="on",
        limit=DEFAULT_LIMIT,
        allow_incomplete=False,
        parse=None,
        stall_timeout=1e-9,
        clock=None,
    )
    assert position.stall_timer is not None
    position.stall_timer.begin()
    timeout = httpx.ReadTimeout("")
    position.lose_connection(timeout)
    with pytest.raises(StalledStreamError) as raised:
        position.raise_fault()
    assert raised.value.__cause__ is timeout
    position.stall()  # a watchdog that comes later changes nothing
    with pytest.raises(StalledStreamError) as again:
        position.raise_fault()
    assert again.value is raised.value


# --- snapshots ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 10, 100, len(BODY)])
async def test_the_snapshot_is_that_of_the_events_handed_out(shell, size):
    chunks = [BODY[at : at + size] for at in range(0, len(BODY), size)]
    async with shell.stream(chunks) as stream:
        with pytest.raises(RuntimeError, match="no message yet"):
            stream.current_message_snapshot  # noqa: B018
        for event, snapshot in steps_of(BODY):
            assert await stream.__anext__() == event
            assert stream.current_message_snapshot == snapshot.message
            assert stream.snapshot == snapshot
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await stream.__anext__()
        assert stream.current_message_snapshot == MESSAGE


async def test_the_snapshot_before_a_fault_in_the_same_chunk(shell):
    faulty = body(*EVENTS[:4], block_stop(7))
    async with shell.stream([faulty]) as stream:
        for event, snapshot in list(steps_of(HALF)):
            assert await stream.__anext__() == event
            assert stream.snapshot == snapshot
        with pytest.raises(ProtocolError, match="no such block") as caught:
            await stream.__anext__()
        assert stream.snapshot == caught.value.snapshot == fold(EVENTS[:4])


async def test_the_snapshot_before_an_error_event_in_the_same_chunk(shell):
    async with shell.stream([body(*EVENTS[:4], OVERLOADED, *EVENTS[4:])]) as stream:
        *steps, (last, _) = list(steps_of(HALF))
        for event, snapshot in steps:
            assert await stream.__anext__() == event
            assert stream.snapshot == snapshot
        assert await stream.__anext__() == last
        with pytest.raises(OverloadedError) as caught:
            await stream.__anext__()
        assert stream.snapshot == caught.value.snapshot == fold([*EVENTS[:4], OVERLOADED])


async def test_the_snapshot_has_an_error_event_once_it_is_raised_for_every_cut(shell):
    for chunks in cuts(body(*OPEN, OVERLOADED, {"type": "after"})):
        async with shell.stream(chunks) as stream:
            for event, snapshot in steps_of(body(*OPEN)):
                assert await stream.__anext__() == event
                assert stream.snapshot == snapshot
                assert stream.current_message_snapshot == snapshot.message
            for _ in range(2):
                with pytest.raises(OverloadedError) as caught:
                    await stream.__anext__()
                assert stream.snapshot == caught.value.snapshot == fold([*OPEN, OVERLOADED])


@pytest.mark.parametrize("kind", ["text", "thinking", "tool"])
@pytest.mark.parametrize("limit", [DEFAULT_LIMIT, 1000])
async def test_the_snapshot_is_that_of_the_events_handed_out_one_a_chunk(shell, kind, limit):
    """Each event is awaited before it is taken, and the snapshot is read in between."""
    start, deltas = {
        "text": (
            block_start(0, type="text", text=""),
            [text_delta(0, text) for text in "abcdef"],
        ),
        "thinking": (
            block_start(0, type="thinking", thinking="", signature=""),
            [block_delta(0, type="thinking_delta", thinking=text) for text in "abcdef"],
        ),
        "tool": (tool_start(0), [input_delta(0, text) for text in '{"a":1}']),
    }[kind]
    events = [message_start(), start, *deltas[:4], {"type": "ping"}, *deltas[4:], block_stop(0)]
    chunks = [body(event) for event in [*events, *end()]]
    async with shell.stream(chunks, limit=limit) as stream:
        before = Snapshot()
        for event, snapshot in steps_of(b"".join(chunks)):
            await stream.await_first_event()
            assert stream.snapshot == before
            assert await stream.__anext__() == event
            assert stream.snapshot == snapshot
            before = snapshot
        assert stream.timing.events == len(events) + 1


@pytest.mark.parametrize("read", [list, MessageStream.get_final_message])
def test_deltas_in_chunks_of_their_own_are_folded_without_their_states(
    read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first delta, only the other events go through `fold_chunk` or `drain`."""
    folded: list[bytes] = []

    def counted(fold_bytes: Any) -> Any:
        return lambda state, chunk: folded.append(chunk) or fold_bytes(state, chunk)

    for name in ("fold_chunk", "drain"):
        monkeypatch.setattr(progress, name, counted(getattr(progress, name)))
    whole = [*OPEN, *[text_delta(0, "x")] * 100, block_stop(0), *end()]
    stream = MessageStream([body(event) for event in whole])
    read(stream)
    assert stream.get_final_message().content[0].to_dict()["text"] == "x" * 101
    assert folded == [body(event) for event in [*OPEN, block_stop(0), *end()]]


async def test_a_message_is_skimmed_one_event_a_chunk(shell):
    deltas = [text_delta(0, text) for text in "abcdef"] * 20
    start = [message_start(), block_start(0, type="text", text="")]
    chunks = [body(event) for event in [*start, *deltas, block_stop(0), *end()]]
    async with shell.stream(chunks) as stream:
        message = await stream.get_final_message()
        assert message.content[0].text == "abcdef" * 20
        assert stream.snapshot == fold([*start, *deltas, block_stop(0), *end()])
        assert stream.timing.events == len(chunks)


async def test_a_kept_snapshot_stays_as_it_was(shell):
    async with shell.stream([BODY]) as stream:
        kept = [(stream.snapshot, event) async for event in stream]
    assert [snapshot for snapshot, _ in kept] == [snapshot for _, snapshot in steps_of(BODY)]


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [list, MessageStream.get_final_message])
@pytest.mark.parametrize("after", [[{"type": "after"}], [{"type": "content_block_stop"}], []])
def test_events_after_an_error_event_are_dropped(read: Callable[..., Any], after: Any) -> None:
    for chunks in cuts(body(*OPEN, OVERLOADED, *after)):
        stream = MessageStream(chunks)
        with pytest.raises(OverloadedError) as caught:
            read(stream)
        assert caught.value.snapshot == stream.snapshot
        assert stream.snapshot.unfolded == ()
        assert stream.snapshot.error is not None
        assert stream.current_message_snapshot.content[0].to_dict()["text"] == "x"


@pytest.mark.parametrize("junk", [b"data: [DONE]\n\n", b'data: {"type":"content_block_stop"}\n\n'])
def test_junk_after_a_complete_message_is_ignored(junk: bytes) -> None:
    for chunks in cuts(body(message_start(), *text_block(0, "x"), *end()) + junk):
        assert MessageStream(chunks).get_final_message().stop_reason == "end_turn"
        assert list(MessageStream(chunks))[-1].type == "message_stop"


def test_invalid_tool_input_raises_the_same_error_for_every_cut() -> None:
    for chunks in cuts(body(message_start(), *tool_block(0, "{nope"))):
        with pytest.raises(InvalidToolInputError) as caught:
            list(MessageStream(chunks))
        assert caught.value.input_json == "{nope"


# --- costs ----------------------------------------------------------------------------------------


def test_each_chunk_is_folded_once_however_often_the_snapshot_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folded: list[bytes] = []

    def fold_chunk(state: Any, chunk: bytes) -> Any:
        folded.append(chunk)
        return original(state, chunk)

    original = progress.fold_chunk
    monkeypatch.setattr(progress, "fold_chunk", fold_chunk)
    deltas = [text_delta(0, "x")] * 300
    whole = body(*OPEN, *deltas, block_stop(0), *end())
    chunks = [whole[at : at + 4096] for at in range(0, len(whole), 4096)]
    stream = MessageStream(chunks)
    for event in stream:
        if event.type == "text":
            assert stream.current_message_snapshot.content[0].to_dict()["text"] == event.snapshot
    assert folded == chunks


@pytest.mark.parametrize("size", [1 << 30, 4096, 150])
@pytest.mark.parametrize("kind", ["text_delta", "input_json_delta"])
def test_reading_the_message_costs_the_same_after_every_event(kind: str, size: int) -> None:
    """Counts calls, because their number is the same in every run."""

    def calls(count: int) -> int:
        if kind == "text_delta":
            opening = block_start(0, type="text", text="")
            pieces = [block_delta(0, type=kind, text="word ")] * count
        else:
            opening = block_start(0, type="tool_use", id="t", name="n", input={})
            texts = ['{"code": "', *["word "] * count, '"}']
            pieces = [block_delta(0, type=kind, partial_json=text) for text in texts]
        whole = body(message_start(), opening, *pieces, block_stop(0), *end())
        counted = 0

        def count_call(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        stream = MessageStream([whole[at : at + size] for at in range(0, len(whole), size)])
        sys.setprofile(count_call)
        try:
            for _ in stream:
                stream.current_message_snapshot  # noqa: B018
        finally:
            sys.setprofile(None)
        return counted

    calls(10)  # some caches are filled by the first stream
    assert calls(400) < 2.2 * calls(200)


# --- timing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_at", [(), (0,), (3, 4, 70), range(400)])
@pytest.mark.parametrize("blocks", [1, 12])
def test_the_timing_is_that_of_each_chunk_whenever_it_is_read(blocks: int, read_at: Any) -> None:
    """Chunks are timed later, in groups, with the same result."""
    deltas = [text_delta(0, "x")] * 80
    more = [event for index in range(1, blocks) for event in text_block(index, "x")]
    events = [message_start(), block_start(0, "text", text=""), *deltas, block_stop(0), *more]
    chunks = [body(event) for event in [*events, *end()]]
    seconds = iter(range(10_000))
    stream = MessageStream(chunks, clock=lambda: next(seconds) / 8)
    expected, state = Timing(), StreamState()
    for at, chunk in enumerate(chunks):
        stream._advance()
        after = drain(state, chunk)
        expected = expected.took(at / 8, state, after, len(chunk))
        state = after
        if at in read_at and at + 1 < len(chunks):
            assert stream.timing == expected
    assert stream.timing == expected.ended(len(chunks) / 8)


@pytest.mark.parametrize("late", [[], [{"type": "odd"}], [{"type": "odd"}, {"type": "ping"}]])
def test_the_timing_of_a_stream_in_one_chunk(late: list[Any]) -> None:
    """It is made when it is read, from the times at which the chunk and the end came."""
    chunk = body(message_start(), *text_block(0, "x"), *end(), *late)
    seconds = iter(range(10_000))
    stream = MessageStream([chunk], clock=lambda: next(seconds) / 8)
    stream.until_done()
    for _ in range(10):
        next(seconds)
    expected = Timing().took(0.0, StreamState(), drain(StreamState(), chunk), len(chunk))
    assert stream.timing == expected.ended(1 / 8)
    assert stream.timing is stream.timing
