"""Recordings of Bedrock, whose bodies are in Amazon's event stream, and of the other hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.cli.display import show_body
from streamfold.adapters.corpus import check_all
from streamfold.adapters.httpx2 import ObservingTransport, RecordingTransport, ReplayTransport
from streamfold.adapters.sdk import stream
from streamfold.reducer import encode_event_stream, encode_sse
from streamfold.transports import (
    AWS_EVENT_STREAM,
    EVENT_STREAM,
    APIConnectionError,
    OverloadedError,
    Recording,
    areplay,
    content_type_of,
    decoder_of,
    media_type,
    replay,
)

from tests.support.command_line import running
from tests.support.loopback import Server
from tests.support.official_clients import EVENTS, MESSAGE, OFFICIAL, PARAMETERS, Official
from tests.support.telemetry import Exported

__all__ = ["running"]

pytestmark = pytest.mark.anyio

FRAMED = encode_event_stream(EVENTS)
official_clients = pytest.mark.parametrize(
    "official", OFFICIAL, ids=[official.name for official in OFFICIAL]
)


@official_clients
def test_a_recording_replays_in_the_official_client(
    official: Official, server: Server, tmp_path: Path
) -> None:
    server.answer(official.answer(EVENTS, chunks=64))
    path = tmp_path / "turn.jsonl"
    recorder = httpx2.Client(
        transport=RecordingTransport(httpx2.HTTPTransport(), path), trust_env=False
    )
    client = official.sync(server.url, http_client=recorder)
    with client, client.messages.stream(**PARAMETERS) as theirs:
        expected = theirs.get_final_message()
    assert official.framed == ("amazon" in path.read_text())
    assert [report.outcome for report in check_all([path])] == ["complete"]
    assert replay(path).get_final_message() == MESSAGE
    replayer = httpx2.Client(transport=ReplayTransport(path))
    with official.sync(server.url, http_client=replayer) as client:
        with client.messages.stream(**PARAMETERS) as theirs:
            assert theirs.get_final_message() == expected
        with stream(client.messages, **PARAMETERS) as ours:
            assert ours.get_final_message() == MESSAGE
    assert len(server.requests) == 1


async def test_a_raw_body_of_frames_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "body.bin"
    path.write_bytes(FRAMED)
    for source in (FRAMED, path, Recording.load(path), Recording.of([FRAMED[:5], FRAMED[5:]])):
        assert replay(source).get_final_message() == MESSAGE
        assert await areplay(source).get_final_message() == MESSAGE
    assert [report.outcome for report in check_all([path])] == ["complete"]


def test_frames_survive_the_file(tmp_path: Path) -> None:
    recording = Recording.of(FRAMED).rechunk(100)
    recording.save(tmp_path / "turn.jsonl")
    assert Recording.load(tmp_path / "turn.jsonl") == recording


def test_a_recording_that_was_cut_ends_so() -> None:
    recording = Recording.of(FRAMED).rechunk(50).cut(len(FRAMED) // 2)
    with pytest.raises(APIConnectionError):
        replay(recording).get_final_message()


@given(st.integers(0, len(EVENTS)))
def test_an_error_can_follow_any_frame(count: int) -> None:
    recording = Recording.of(FRAMED).rechunk(100).with_error("overloaded_error", count)
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "overloaded_error"}}
    assert recording.body == encode_event_stream([*EVENTS[:count], error])
    if count < len(EVENTS):
        with pytest.raises(OverloadedError):
            replay(recording).get_final_message()
        with official_replay(recording) as client, pytest.raises(anthropic.APIStatusError):
            client.messages.stream(**PARAMETERS).__enter__().until_done()


def official_replay(recording: Recording) -> Any:
    (bedrock,) = [official for official in OFFICIAL if official.framed]
    transport = ReplayTransport(recording)
    return bedrock.sync("http://127.0.0.1:1", http_client=httpx2.Client(transport=transport))


@pytest.mark.parametrize("count", [-1, len(EVENTS) + 1])
def test_an_error_cannot_follow_a_frame_that_is_not_there(count: int) -> None:
    with pytest.raises(ValueError, match=f"from 0 to {len(EVENTS)}, the number of events"):
        Recording.of(FRAMED).with_error("api_error", count)


def test_a_frame_that_is_cut_is_not_an_event() -> None:
    with pytest.raises(ValueError, match=f"from 0 to {len(EVENTS) - 1}, the number of events"):
        Recording.of(FRAMED[:-1]).with_error("api_error", len(EVENTS))


# --- content types ------------------------------------------------------------------------------


@given(st.binary(max_size=20) | st.sampled_from([FRAMED, FRAMED[:12], encode_sse(EVENTS), b""]))
def test_only_a_body_that_begins_with_a_prelude_is_framed(body: bytes) -> None:
    begins = len(body) >= 12 and body[:12] == FRAMED[:12]
    assert content_type_of(body) == (AWS_EVENT_STREAM if begins else EVENT_STREAM)


@pytest.mark.parametrize(
    ("content_type", "framed"),
    [
        (None, False),
        ("", False),
        (EVENT_STREAM, False),
        (f"{EVENT_STREAM};charset=utf-8", False),
        (AWS_EVENT_STREAM, True),
        (f" {AWS_EVENT_STREAM.upper()} ; x=y", True),
    ],
)
def test_the_content_type_selects_the_decoder(content_type: str | None, framed: bool) -> None:
    state = decoder_of(content_type, limit=7)
    assert type(state).__name__ == ("EventStreamState" if framed else "SSEState")
    assert state.limit == 7
    assert media_type(content_type or "") in ("", EVENT_STREAM, AWS_EVENT_STREAM)


# --- the commands -------------------------------------------------------------------------------


def test_a_body_of_frames_is_shown_like_one_of_server_sent_events() -> None:
    class Shown:
        def __init__(self, out: Any) -> None:
            self.events: list[Any] = []

        def show(self, events: Any, snapshot: Any) -> None:
            self.events += events

        def close(self, snapshot: Any) -> None:
            self.message = snapshot.message

    seen = []
    for body in (FRAMED, encode_sse(EVENTS)):
        for chunks in ([body], [body[at : at + 5] for at in range(0, len(body), 5)]):
            shown = Shown(None)
            assert show_body(chunks, shown) is None
            seen.append((shown.events, shown.message))
    assert seen == [seen[0]] * 4
    assert seen[0][1] == MESSAGE
    assert show_body([], Shown(None)) is not None


@pytest.mark.parametrize("framed", [False, True])
def test_serve_answers_every_official_client(framed: bool, tmp_path: Path, running: Any) -> None:
    Recording.of(FRAMED if framed else encode_sse(EVENTS)).save(tmp_path / "turn.jsonl")
    process = running("serve", str(tmp_path / "turn.jsonl"), "--port", "0")
    url = process.stdout.readline().decode().strip()
    for official in OFFICIAL:
        if official.framed == framed:
            with official.sync(url) as client, client.messages.stream(**PARAMETERS) as theirs:
                assert theirs.get_final_message().stop_reason == MESSAGE.stop_reason
            with official.sync(url) as client, stream(client.messages, **PARAMETERS) as ours:
                assert ours.get_final_message() == MESSAGE


def test_a_stream_of_frames_is_observed(server: Server) -> None:
    (bedrock,) = [official for official in OFFICIAL if official.framed]
    server.answer(bedrock.answer(EVENTS, chunks=64))
    exported = Exported()
    observed = httpx2.Client(
        transport=ObservingTransport(httpx2.HTTPTransport(), **exported.options)
    )
    with bedrock.sync(server.url, http_client=observed) as client:
        client.messages.create(stream=True, **PARAMETERS).response.read()
        with client.messages.stream(**PARAMETERS) as stream:
            stream.until_done()
    assert len(exported.spans) == 2
    for span in exported.spans:
        assert span["gen_ai.provider.name"] == "aws.bedrock"
        assert span["gen_ai.usage.output_tokens"] == 9
        assert span["gen_ai.response.id"] == MESSAGE.id
