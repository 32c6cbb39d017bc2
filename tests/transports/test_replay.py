"""`replay` and `areplay`: a recording, or a raw body, is a stream like any other."""

from __future__ import annotations

import inspect
import json
import time
from pathlib import Path

import attrs
import httpx
import pytest
from streamfold.reducer import IncompleteStreamError, StreamState, feed, fold
from streamfold.transports import (
    APIConnectionError,
    APITimeoutError,
    AsyncMessageStream,
    MessageStream,
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
    RecordingError,
    areplay,
    replay,
)

from tests.support.events import body, message_start, tool_block
from tests.support.shells import BODY, EVENTS, HALF, MESSAGE

pytestmark = pytest.mark.anyio

RECORDINGS = Path(__file__).parents[1] / "recordings"
TEXT = RECORDINGS / "text.sse"
LONG = RECORDINGS / "tool-code-50k.sse"


def expected(path):
    return json.loads(path.with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize("path", [TEXT, str(TEXT), LONG])
async def test_the_path_of_a_raw_body(shell, path):
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


async def test_recordings(shell, tmp_path):
    path = tmp_path / "text.jsonl"
    recording = attrs.evolve(
        Recording.load(TEXT).rechunk(7),
        request=RecordedRequest("POST", "https://x.example/v1", {"accept": "*/*"}),
        response=RecordedResponse(200, {"request-id": "req_1"}),
    )
    recording.save(path)
    for source in (recording, path, str(path)):
        async with shell.replay(source) as stream:
            assert (await stream.get_final_message()).to_dict() == expected(TEXT)
            assert stream.request_id == "req_1"
            assert stream.response.request.url == "https://x.example/v1"
            assert stream.response.request.headers["accept"] == "*/*"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordingError, match="cut off"):
        shell.replay(path)


async def test_the_recorded_request_selects_the_partial_mode(shell):
    """An unfinished string in a tool's input is kept with the beta for fine-grained streaming."""
    events = [message_start(), *tool_block(0, '{"city": "Kö')[:-1]]
    betas = {"anthropic-beta": "fine-grained-tool-streaming-2025-05-14"}
    plain = Recording.of(body(*events))
    fine = attrs.evolve(plain, request=RecordedRequest("POST", "https://x.example", betas))
    inputs = []
    for recording in (plain, fine):
        stream = shell.replay(recording, allow_incomplete=True)
        inputs.append((await stream.get_final_message()).content[0].input)
    assert inputs == [{}, {"city": "Kö"}]


@pytest.mark.parametrize("function", [replay, areplay])
def test_without_a_speed_there_is_no_delay(function):
    assert inspect.signature(function).parameters["speed"].default == 0


async def test_the_speed_of_a_replay(shell):
    recording = Recording.of([RecordedChunk(HALF, 0.1), RecordedChunk(BODY[len(HALF) :], 0.2)])
    for speed, least in ((0, 0.0), (1, 0.2), (4, 0.05)):
        began = time.monotonic()
        assert await shell.replay(recording, speed=speed).get_final_message() == MESSAGE
        assert time.monotonic() - began >= least - 0.005
    assert await shell.replay(BODY, speed=1).get_final_message() == MESSAGE
    with pytest.raises(
        ValueError, match=r"speed must be finite and at least 0 \(0 = no delay\), got -1"
    ):
        shell.replay(BODY, speed=-1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ReadTimeout", APITimeoutError), ("RemoteProtocolError", APIConnectionError)],
)
async def test_a_recorded_error_is_raised_again(shell, name, kind):
    recording = Recording.of([HALF])
    failed = attrs.evolve(recording, ended="error", error=RecordedError(name, "why"))
    with pytest.raises(kind, match="the connection was lost: why") as caught:
        await shell.replay(failed).until_done()
    assert type(caught.value.__cause__) is getattr(httpx, name)
    assert caught.value.snapshot == fold(EVENTS[:4])


async def test_a_replay_has_a_response(shell):
    stream = shell.replay(BODY)
    assert stream.response.status_code == 200
    assert stream.response.headers["content-type"] == "text/event-stream"
    assert stream.response.request.method == "POST"
    assert stream.request_id is None
    await stream.until_done()
    assert stream.response.is_closed


async def test_the_options_of_a_stream(shell):
    stream = shell.replay(HALF, allow_incomplete=True, parse=str.upper)
    assert await stream.get_final_message() == fold(EVENTS[:4]).message
    assert stream.current_message_snapshot.parsed_output == "GRÜSS DICH"
    with pytest.raises(IncompleteStreamError):
        await shell.replay(HALF).get_final_message()


async def test_a_missing_file(shell):
    with pytest.raises(FileNotFoundError):
        shell.replay("nowhere.sse")


async def test_a_generator_is_closed_with_the_stream(shell):
    closed = []

    def chunks():
        try:
            yield HALF
            closed.append("the generator went on")
        finally:
            closed.append(True)

    async with shell.replay(chunks()) as stream:
        await stream.__anext__()
        assert closed == []
    assert closed == [True]


async def test_a_list_of_chunks_needs_no_closing(shell):
    async with shell.replay([HALF, BODY[len(HALF) :]]) as stream:
        await stream.__anext__()


async def test_a_source_that_was_not_read_can_be_closed(shell):
    async with shell.replay(LONG):
        pass
    await shell.replay(iter([BODY])).close()


def test_types():
    assert type(replay(BODY)) is MessageStream
    assert type(areplay(BODY)) is AsyncMessageStream
