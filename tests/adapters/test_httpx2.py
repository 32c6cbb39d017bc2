"""Recording and replaying in httpx2, and so in the official SDK, as in our own client."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import anthropic
import anyio
import attrs
import httpx
import httpx2
import pytest
from streamfold.adapters import anthropic as streamfold_anthropic
from streamfold.adapters import httpx2 as adapter
from streamfold.transports import (
    RecordedError,
    Recording,
    ReplayTransport,
    UnmatchedRequestError,
    recording_files,
)

from tests.support.loopback import api_error, event_stream
from tests.support.shells import KEY, NO_TLS

RECORDINGS = Path(__file__).parents[1] / "recordings"
REQUEST = {
    "model": "claude-opus-4-6",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Grüß mich"}],
}
BODY = (RECORDINGS / "tool.sse").read_bytes()
HALF = BODY[: BODY.index(b"event: content_block_stop")]
PIECES = [BODY[at : at + 37] for at in range(0, len(BODY), 37)]


def ask(transport, base_url="https://example.com", **options):
    """The final message of the official SDK."""
    with (
        httpx2.Client(transport=transport) as http,
        anthropic.Anthropic(api_key=KEY, base_url=base_url, http_client=http, **options) as client,
        client.messages.stream(**REQUEST) as stream,
    ):
        return stream.get_final_message().to_dict()


async def ask_async(transport, base_url="https://example.com", **options):
    async with (
        httpx2.AsyncClient(transport=transport) as http,
        anthropic.AsyncAnthropic(
            api_key=KEY, base_url=base_url, http_client=http, **options
        ) as client,
        client.messages.stream(**REQUEST) as stream,
    ):
        return (await stream.get_final_message()).to_dict()


def ask_in(shell, transport, *args, **options):
    if shell.name == "sync":
        return ask(transport, *args, **options)

    async def main():
        return await ask_async(transport, *args, **options)

    return anyio.run(main, backend=shell.name)


def ask_ours(transport, base_url="https://example.com"):
    """The final message of our client."""
    with (
        httpx.Client(transport=transport) as http,
        streamfold_anthropic.Anthropic(
            api_key=KEY, base_url=base_url, http_client=http, max_retries=0
        ) as client,
        client.messages.stream(**REQUEST) as stream,
    ):
        return stream.get_final_message().to_dict()


@pytest.fixture(params=["text", "tool", "thinking", "web-search", "citations", "unicode"])
def name(request):
    return request.param


def test_one_recording_and_the_same_message_in_both(shell, name, server, tmp_path):
    """Recorded with the SDK from a server, it replays in the SDK and in our client."""
    path = tmp_path / "turn.jsonl"
    body = (RECORDINGS / f"{name}.sse").read_bytes()
    server.answer(event_stream(body, chunks=61))
    inner = httpx2.HTTPTransport if shell.is_sync else httpx2.AsyncHTTPTransport
    recorder = adapter.RecordingTransport(inner(verify=NO_TLS), path)
    first = ask_in(shell, recorder, server.url)
    made = Recording.load(path)
    assert (made.body, made.ended) == (body, "complete")
    assert made.request.body == {**REQUEST, "stream": True}
    assert KEY.encode() not in path.read_bytes()
    server.answer(api_error(500, "api_error"))  # which no replay may reach
    replayed = ask_in(shell, adapter.ReplayTransport(path), server.url)
    assert replayed == first
    ours = ask_ours(ReplayTransport(path), server.url)
    # the SDK gives every message a `stop_details`; the stream has none
    assert {"stop_details": None, **ours} == replayed
    assert len(server.requests) == 1


def test_cut_for_cut(shell):
    transport = adapter.ReplayTransport(Recording.of(PIECES))

    async def main():
        async with (
            httpx2.AsyncClient(transport=transport) as client,
            client.stream("POST", "https://example.com") as response,
        ):
            return [piece async for piece in response.aiter_raw()]

    if shell.is_sync:
        with (
            httpx2.Client(transport=transport) as client,
            client.stream("POST", "https://example.com") as response,
        ):
            assert list(response.iter_raw()) == PIECES
    else:
        assert anyio.run(main, backend=shell.name) == PIECES


@pytest.mark.parametrize("error", ["ReadTimeout", "RemoteProtocolError"])
def test_it_fails_as_it_failed(shell, error):
    made = attrs.evolve(Recording.of(HALF), ended="error", error=RecordedError(error, "why"))
    with pytest.raises(getattr(httpx2, error), match="why"):
        ask_in(shell, adapter.ReplayTransport(made))
    with pytest.raises(httpx2.RemoteProtocolError, match="cut off here"):
        ask_in(shell, adapter.ReplayTransport(made.cut(len(HALF))))


def test_a_retry_is_a_recording_of_its_own(shell, server, tmp_path):
    server.answer(
        api_error(529, "overloaded_error", headers={"retry-after-ms": "1"}), event_stream(BODY)
    )
    inner = httpx2.HTTPTransport if shell.is_sync else httpx2.AsyncHTTPTransport
    path = tmp_path / "turn.jsonl"
    first = ask_in(shell, adapter.RecordingTransport(inner(verify=NO_TLS), path), server.url)
    found = [Recording.load(path).response.status for path in recording_files(tmp_path)]
    assert found == [529, 200]
    transport = adapter.ReplayTransport(tmp_path)
    assert ask_in(shell, transport, server.url) == first
    assert transport.unused == ()


def test_no_recording_is_no_lost_connection(shell):
    """The SDK would try an `Exception` again, and raise its own in its place."""
    made = Recording.of(BODY)
    transport = adapter.ReplayTransport([made], match="order")
    ask_in(shell, transport)
    with pytest.raises(UnmatchedRequestError, match=r"more requests than recordings \(1\)"):
        ask_in(shell, transport, max_retries=5)


def test_without_httpx2_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, adapter.__name__)
    with pytest.raises(
        ImportError,
        match=r"needs httpx2, which is not installed: pip install 'streamfold\[httpx2\]'",
    ):
        importlib.import_module(adapter.__name__)
