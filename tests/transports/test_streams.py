"""The streams: the events of `feed`, their message, and the response, for every source."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import httpx
import pytest
from streamfold.reducer import (
    IncompleteStreamError,
    InputJsonEvent,
    InvalidToolInputError,
    ProtocolError,
    Snapshot,
    StreamState,
    TextEvent,
    feed,
    fold,
)
from streamfold.transports import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncMessageStream,
    AsyncMessageStreamManager,
    MessageStream,
    MessageStreamManager,
    OverloadedError,
    ParsedMessage,
    RateLimitError,
)
from streamfold.transports.progress import Progress

from tests.support.events import body, end, message_start, text_block, tool_block
from tests.support.loopback import REQUEST_ID, event_stream
from tests.support.shells import BODY, EVENTS, HALF, MESSAGE, Chunks

pytestmark = pytest.mark.anyio

RECORDINGS = Path(__file__).parents[1] / "recordings"
INDEX = json.loads((RECORDINGS / "index.json").read_text("utf-8"))

ENDS = {
    "complete": None,
    "incomplete": IncompleteStreamError,
    "invalid_tool_input": InvalidToolInputError,
    "overloaded_error": OverloadedError,
    "rate_limit_error": RateLimitError,
    "api_error": APIStatusError,
}


def events_of(recorded):
    """The events of a body by `feed`, up to `message_stop`, its `error` event or its fault."""
    try:
        events = feed(StreamState(), recorded)[1]
    except ProtocolError as fault:
        events = fault.events
    kinds = [event.type for event in events]
    if "message_stop" in kinds:
        return list(events[: kinds.index("message_stop") + 1])
    return list(events[: kinds.index("error")] if "error" in kinds else events)


async def read(stream, events):
    """Read `stream` to its end into `events`, and return the error that ended it, if one did."""
    try:
        async for event in stream:
            events.append(event)
    except Exception as error:
        return error
    return None


# --- recordings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INDEX)
async def test_a_recording_over_http_gives_the_events_of_feed_and_its_message(shell, server, name):
    recorded = (RECORDINGS / f"{name}.sse").read_bytes()
    expected = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    server.answer(event_stream(recorded, chunks=1024))
    events = []
    async with shell.client() as client, await client.open(server) as stream:
        error = await read(stream, events)
        assert events == events_of(recorded)
        kind = ENDS[INDEX[name]["ends"]]
        assert (error is None) if kind is None else isinstance(error, kind)
        for snapshot in [stream.snapshot, *([error.snapshot] if error else [])]:
            assert (snapshot.message and snapshot.message.to_dict()) == expected


@pytest.mark.parametrize("name", INDEX)
async def test_a_recording_over_http_gives_its_final_message_without_events(shell, server, name):
    recorded = (RECORDINGS / f"{name}.sse").read_bytes()
    expected = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    server.answer(event_stream(recorded, chunks=1000))
    async with shell.client() as client, await client.open(server) as stream:
        kind = ENDS[INDEX[name]["ends"]]
        if kind is None:
            assert (await stream.get_final_message()).to_dict() == expected
            return
        with pytest.raises(kind) as caught:
            await stream.get_final_message()
        message = caught.value.snapshot.message
        assert (message and message.to_dict()) == expected


# --- readers --------------------------------------------------------------------------------------


async def test_text_stream_gives_the_text_alone(shell):
    async with shell.stream([BODY]) as stream:
        assert [text async for text in stream.text_stream] == ["Grüß", " dich", " 😀"]
        assert (await stream.get_final_message()) == MESSAGE


@pytest.mark.parametrize("size", [1, 60, 150, 333, len(BODY)])
async def test_readers_that_take_turns_share_the_events(shell, size):
    chunks = [BODY[at : at + size] for at in range(0, len(BODY), size)]
    async with shell.stream(chunks) as stream:
        one, other, texts = aiter(stream), aiter(stream), stream.text_stream
        turns = [one, stream, other, one, one, stream, stream, other]
        events = [await turn.__anext__() for turn in turns]
        texts_left = [text async for text in texts]
        assert [event async for event in one] == []
    assert events == events_of(BODY)[: len(turns)]
    assert texts_left == [e.text for e in events_of(BODY)[len(turns) :] if e.type == "text"]


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
async def test_a_second_reader_at_the_same_time_is_refused_and_the_first_goes_on(shell, server):
    go_on = anyio.Event()

    async def chunks():
        yield HALF
        await go_on.wait()
        yield BODY[len(HALF) :]

    stream = AsyncMessageStream(chunks())
    for _ in events_of(HALF):
        await stream.__anext__()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.until_done)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(RuntimeError, match="already running"):
            await stream.__anext__()
        go_on.set()
    assert await stream.get_final_message() == MESSAGE


@pytest.mark.parametrize("size", [len(BODY), 300, 1])
async def test_readers_go_on_without_the_events_that_were_dropped(shell, size):
    async with shell.stream([BODY[at : at + size] for at in range(0, len(BODY), size)]) as stream:
        events, texts = aiter(stream), stream.text_stream
        assert (await anext(events)).type == "message_start"
        assert await anext(texts) == "Grüß"
        await stream.until_done()
        assert [event async for event in events] == []
        assert [text async for text in texts] == []
        assert [event async for event in stream] == []


async def test_until_done_leaves_no_events(shell):
    async with shell.stream([BODY[:400], BODY[400:]]) as stream:
        await stream.__anext__()
        await stream.until_done()
        assert [event async for event in stream] == []
        assert stream.current_message_snapshot == MESSAGE
        await stream.until_done()
        assert await stream.get_final_message() == MESSAGE


@pytest.mark.parametrize("read_before", [0, 1, 5, len(events_of(BODY))])
@pytest.mark.parametrize("size", [50, len(BODY)])
async def test_the_final_message_is_whole_however_many_events_were_read(shell, read_before, size):
    chunks = [BODY[at : at + size] for at in range(0, len(BODY), size)]
    async with shell.stream(chunks) as stream:
        for _ in range(read_before):
            await stream.__anext__()
        message = await stream.get_final_message()
        assert type(message) is ParsedMessage
        assert message == MESSAGE == stream.current_message_snapshot
        assert await stream.get_final_text() == "Grüß dich 😀"


async def test_final_text_without_a_text_block_names_the_blocks_there_are(shell):
    blocks = [*tool_block(0, "{}"), *tool_block(1, "{}")]
    async with shell.stream([body(message_start(), *blocks, *end())]) as stream:
        with pytest.raises(RuntimeError, match="no text block, but: tool_use, tool_use"):
            await stream.get_final_text()
    async with shell.stream([body(message_start(), *end())]) as stream:
        with pytest.raises(RuntimeError, match="no blocks at all"):
            await stream.get_final_text()


async def test_final_text_joins_the_text_blocks(shell):
    blocks = [*text_block(0, "a", "b"), *tool_block(1, "{}"), *text_block(2, "c")]
    async with shell.stream([body(message_start(), *blocks, *end())]) as stream:
        assert await stream.get_final_text() == "abc"


# --- the first event ------------------------------------------------------------------------------


async def test_the_first_event_can_be_awaited_without_taking_it(shell):
    async with shell.stream([BODY[:10], BODY[10:400], BODY[400:]]) as stream:
        for _ in range(2):
            await stream.await_first_event()
            assert stream.snapshot == Snapshot()
        assert [event async for event in stream] == events_of(BODY)
        await stream.await_first_event()  # at the end it returns


async def test_awaiting_the_first_event_raises_the_fault_that_came_instead(shell):
    async with shell.stream([b": no event"]) as stream:
        for _ in range(2):
            with pytest.raises(IncompleteStreamError):
                await stream.await_first_event()


# --- the response ---------------------------------------------------------------------------------


async def test_response_and_request_id(shell, server):
    server.answer(event_stream(BODY))
    async with shell.client() as client:
        response = await client.send(server)
        async with shell.over(response) as stream:
            assert stream.response is response
            assert stream.request_id == REQUEST_ID
            assert stream.workspace_id is None
    headers = {"content-type": "text/event-stream", "anthropic-workspace-id": "wrkspc_1"}
    stream = shell.over(httpx.Response(200, content=BODY, headers=headers))
    assert stream.workspace_id == "wrkspc_1"
    await read(stream, [])
    async with shell.stream([BODY]) as stream:
        for name in ("response", "request_id", "workspace_id"):
            with pytest.raises(RuntimeError, match="chunks, not a response"):
                getattr(stream, name)


async def test_a_response_without_a_request(shell):
    for content, ending in [(BODY, None), (HALF, IncompleteStreamError)]:
        stream = shell.over(httpx.Response(200, content=content))
        assert type(await read(stream, [])) is (ending or type(None))
        assert stream.request_id is None


async def test_a_response_whose_body_was_read_already(shell, server):
    server.answer(event_stream(BODY))
    async with shell.client() as client:
        response = await client.send(server)
        response.read() if shell.is_sync else await response.aread()
        assert await shell.over(response).get_final_message() == MESSAGE


INPUT = body(message_start(), *tool_block(0, '{"city": "Kö')[:2])


@pytest.mark.parametrize(
    ("headers", "options", "city"),
    [
        ({}, {}, {}),
        ({"anthropic-beta": "other-2025-01-01"}, {}, {}),
        ({"anthropic-beta": "a, fine-grained-tool-streaming-2025-05-14"}, {}, {"city": "Kö"}),
        ({"anthropic-beta": "fine-grained-tool-streaming-2025-05-14"}, {"partial_mode": "on"}, {}),
        ({}, {"partial_mode": "trailing-strings"}, {"city": "Kö"}),
    ],
)
async def test_the_request_selects_the_partial_mode(shell, server, headers, options, city):
    server.answer(event_stream(INPUT))
    async with shell.client() as client:
        stream = await client.open(server, headers, allow_incomplete=True, **options)
        events = [event async for event in stream]
        assert type(events[-1]) is InputJsonEvent
        assert events[-1].snapshot == city
        assert stream.current_message_snapshot.content[0].input == city


async def test_a_limit(shell):
    long = body(message_start(), *text_block(0, "x" * 3000), *end())
    assert (await shell.stream([long]).get_final_text()) == "x" * 3000
    with pytest.raises(ProtocolError):
        await shell.stream([long], limit=2000).get_final_text()


# --- incomplete -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(len(EVENTS) - 1))
async def test_a_stream_that_ends_early_is_an_error_again_and_again(shell, count):
    part = body(*EVENTS[:count])
    stream, events = shell.stream([part]), []
    error = await read(stream, events)
    is_complete = fold(EVENTS[:count]).is_complete
    assert events == events_of(part)
    assert (error is None) == is_complete
    if error is None:
        return
    assert type(error) is IncompleteStreamError
    assert error.snapshot == fold(EVENTS[:count])
    for again in (stream.__anext__, stream.until_done, stream.get_final_message):
        with pytest.raises(IncompleteStreamError) as caught:
            await again()
        assert caught.value is error
    assert await read(stream, []) is error


async def test_an_incomplete_stream_can_be_allowed(shell):
    stream = shell.stream([HALF], allow_incomplete=True)
    assert [event async for event in stream] == events_of(HALF)
    assert (await stream.get_final_message()) == fold(EVENTS[:4]).message
    assert await stream.get_final_text() == "Grüß dich"
    empty = shell.stream([], allow_incomplete=True)
    assert [event async for event in empty] == []
    with pytest.raises(RuntimeError, match="no message yet"):
        await empty.get_final_message()


async def test_an_error_event_is_an_error_though_incomplete_is_allowed(shell):
    failed = (RECORDINGS / "error-overloaded.sse").read_bytes()
    with pytest.raises(OverloadedError):
        await shell.stream([failed], allow_incomplete=True).get_final_message()


@pytest.mark.parametrize("size", [1, 60, 999])
@pytest.mark.parametrize("whole", [False, True])
async def test_reading_on_after_close_gives_the_events_that_came_then_the_fault(shell, size, whole):
    source = BODY if whole else HALF
    chunks = [source[at : at + size] for at in range(0, len(source), size)]
    stream = shell.stream(chunks)
    first = await stream.__anext__()
    await stream.close()
    events = [first]
    error = await read(stream, events)
    came_whole = whole and size >= len(BODY)
    assert events == events_of(source)[: len(events)]
    assert (error is None) == came_whole
    if came_whole:
        assert events == events_of(BODY)
        assert await stream.get_final_message() == MESSAGE
    else:
        with pytest.raises(IncompleteStreamError):
            await stream.get_final_message()


async def test_the_final_message_after_close_is_the_whole_message(shell):
    stream = shell.stream([BODY])
    await stream.__anext__()
    await stream.close()
    assert await stream.get_final_message() == MESSAGE


# --- sources --------------------------------------------------------------------------------------


def test_any_iterable_of_bytes_is_a_source():
    for source in ([BODY], (BODY,), iter([HALF, BODY[len(HALF) :]]), {BODY: 1}):
        assert MessageStream(source).get_final_message() == MESSAGE
    assert list(MessageStream([BODY])) == events_of(BODY)


class Reiterable:
    """An async iterable without `aclose`, whose iterator is a generator and has it."""

    def __init__(self):
        self.closed = False

    async def __aiter__(self):
        try:
            yield HALF
            yield BODY[len(HALF) :]
        finally:
            self.closed = True


class Body(httpx.AsyncByteStream):
    """An async iterable with `aclose`, whose iterator has none."""

    def __init__(self):
        self.closed = False

    def __aiter__(self):
        return httpx.ByteStream(BODY).__aiter__()

    async def aclose(self):
        self.closed = True


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
async def test_any_async_iterable_of_bytes_is_a_source(shell):
    async def generator():
        yield BODY

    for source in (generator(), Chunks([BODY]), Reiterable(), Body()):
        assert await AsyncMessageStream(source).get_final_message() == MESSAGE


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
async def test_an_async_source_is_closed_with_the_stream(shell):
    sources, closed = [Reiterable(), Chunks([BODY]), Body()], []

    async def generator():
        try:
            yield BODY
        finally:
            closed.append(True)

    for source in (*sources, generator()):
        async with AsyncMessageStream(source) as stream:
            await stream.__anext__()
    assert [source.closed for source in sources] == [True, True, True]
    assert closed == [True]


def test_a_generator_is_closed_with_the_stream():
    closed = []

    def generator():
        try:
            yield BODY
        finally:
            closed.append(True)

    with MessageStream(generator()) as stream:
        next(stream)
        assert closed == []
    assert closed == [True]


async def test_an_exception_of_the_source_is_raised(shell):
    def chunks():
        yield HALF
        raise ZeroDivisionError

    async with shell.stream(chunks()) as stream:
        events = []
        assert type(await read(stream, events)) is ZeroDivisionError
        assert events == events_of(HALF)
        with pytest.raises(IncompleteStreamError):
            await stream.get_final_message()


@pytest.mark.parametrize(
    ("error", "kind"),
    [(ConnectionResetError(), APIConnectionError), (TimeoutError(), APITimeoutError)],
)
def test_a_source_whose_connection_fails(error, kind):
    def source():
        yield HALF
        raise error

    with pytest.raises(kind, match=type(error).__name__) as caught:
        MessageStream(source()).get_final_message()
    assert type(caught.value) is kind
    assert caught.value.snapshot.message == fold(EVENTS[:4]).message


@pytest.mark.parametrize("source", [b"data: x\n\n", "data: x\n\n"])
def test_a_whole_body_is_refused_as_a_source(source):
    with pytest.raises(TypeError, match=f"got {type(source).__name__}; use replay"):
        MessageStream(source)


# --- managers -------------------------------------------------------------------------------------


def test_a_manager_opens_on_entering_and_closes_on_leaving():
    opened, closed = [], []

    class Source:
        def __iter__(self):
            return iter([BODY])

        def close(self):
            closed.append(self)

    def open_stream():
        opened.append(MessageStream(Source()))
        return opened[0]

    manager = MessageStreamManager(open_stream)
    assert opened == []
    with manager as stream:
        assert [stream] == opened
        assert next(stream).type == "message_start"
        assert closed == []
    assert len(closed) == 1


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
async def test_an_async_manager_opens_on_entering_and_closes_on_leaving(shell):
    chunks = Chunks([BODY])

    async def open_stream():
        return AsyncMessageStream(chunks)

    async with AsyncMessageStreamManager(open_stream) as stream:
        assert (await stream.__anext__()).type == "message_start"
        assert not chunks.closed
    assert chunks.closed


def test_a_manager_whose_request_fails_closes_nothing():
    def open_stream():
        raise ZeroDivisionError

    manager = MessageStreamManager(open_stream)
    with pytest.raises(ZeroDivisionError), manager:
        raise AssertionError
    manager.__exit__(None, None, None)


async def test_an_async_manager_that_was_not_entered_closes_nothing():
    async def open_stream():
        raise AssertionError

    await AsyncMessageStreamManager(open_stream).__aexit__(None, None, None)


# --- costs ----------------------------------------------------------------------------------------


def test_the_final_message_is_made_without_events(monkeypatch):
    monkeypatch.setattr(Progress, "take", None)
    assert MessageStream([BODY]).get_final_message() == MESSAGE


def test_derived_events_have_their_own_types():
    kinds = {type(event) for event in MessageStream([BODY])}
    assert {TextEvent, InputJsonEvent} < kinds
