"""A recorded body, wherever it lies, is a stream like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shells import BODY, EVENTS, HALF, MESSAGE
from streamfold.reducer import IncompleteStreamError, StreamState, feed, fold
from streamfold.transports import AsyncMessageStream, MessageStream, areplay, replay

pytestmark = pytest.mark.anyio

RECORDINGS = Path(__file__).parents[1] / "recordings"
TEXT = RECORDINGS / "text.sse"
LONG = RECORDINGS / "tool-code-50k.sse"


def expected(path):
    return json.loads(path.with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize("path", [TEXT, str(TEXT), LONG])
async def test_a_path(shell, path):
    async with shell.replay(path) as stream:
        events = [event async for event in stream]
        assert events == list(feed(StreamState(), Path(path).read_bytes())[1])
        assert (await stream.get_final_message()).to_dict() == expected(Path(path))


@pytest.mark.parametrize(
    "make",
    [
        lambda: BODY,
        lambda: [BODY],
        lambda: (BODY[at : at + 1] for at in range(len(BODY))),
        lambda: iter([b"", HALF, b"", BODY[len(HALF) :]]),
    ],
)
async def test_bytes_and_chunks(shell, make):
    assert await shell.replay(make()).get_final_message() == MESSAGE
    async with shell.replay(make()) as stream:
        events = [event async for event in stream]
        assert events == list(feed(StreamState(), BODY)[1])
        assert stream.current_message_snapshot == MESSAGE


async def test_it_has_a_response(shell):
    stream = shell.replay(BODY)
    assert stream.response.status_code == 200
    assert stream.response.headers["content-type"] == "text/event-stream"
    assert stream.response.request.method == "POST"
    assert stream.request_id is None
    await stream.until_done()
    assert stream.response.is_closed


async def test_options(shell):
    stream = shell.replay(HALF, allow_incomplete=True, parse=str.upper)
    assert await stream.get_final_message() == fold(EVENTS[:4]).message
    assert stream.current_message_snapshot.parsed_output == "GRÜSS DICH"
    with pytest.raises(IncompleteStreamError):
        await shell.replay(HALF).get_final_message()


async def test_a_path_that_is_not_there(shell):
    with pytest.raises(FileNotFoundError):
        shell.replay("nowhere.sse")


async def test_the_source_is_let_go_with_the_stream(shell):
    closed = []

    def chunks():
        try:
            yield HALF
            closed.append("it was read on")
        finally:
            closed.append(True)

    async with shell.replay(chunks()) as stream:
        await stream.__anext__()
        assert closed == []
    assert closed == [True]


async def test_a_source_that_was_never_read(shell):
    async with shell.replay(LONG):
        pass
    await shell.replay(iter([BODY])).close()


def test_types():
    assert type(replay(BODY)) is MessageStream
    assert type(areplay(BODY)) is AsyncMessageStream
