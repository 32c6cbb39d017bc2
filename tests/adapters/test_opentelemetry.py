"""One span for each request for a message, the same for every reader and every way of reading.

The clock of these tests ticks at each reading, so times are exact: the first reading is the start,
then one for each chunk that brings an event, and one for the end.
"""

from __future__ import annotations

import gc
import json
import socket
import sys
from pathlib import Path

import anthropic
import anyio
import attrs
import httpx
import httpx2
import pytest
from streamfold.adapters import anthropic as ours
from streamfold.adapters import httpx2 as for_httpx2
from streamfold.adapters import opentelemetry as for_httpx
from streamfold.reducer import (
    Message,
    SSEState,
    decode_sse,
    encode_event_stream,
    encode_sse,
    expand,
)
from streamfold.transports import RecordedError, Recording, ReplayTransport

from tests.support.events import body, error_event
from tests.support.loopback import api_error, close, event_stream, hold, html_error, reset, response
from tests.support.shells import BODY, EVENTS, KEY, NO_TLS
from tests.support.telemetry import Exported

RECORDINGS = Path(__file__).parents[1] / "recordings"
REQUEST = {
    "model": "claude-opus-4-6",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}
WHOLE = Recording.load(RECORDINGS / "text.sse").rechunk(1000)
assert len(WHOLE.chunks) == 5


@pytest.fixture
def exported():
    return Exported()


def identity(host="example.com", port=443):
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-opus-4-6",
        "server.address": host,
        "server.port": port,
    }


# --- six ways to read ----------------------------------------------------------------------------


def iterate(client):
    with client.messages.stream(**REQUEST) as stream:
        return len(list(stream))


def read_texts(client):
    with client.messages.stream(**REQUEST) as stream:
        return len(list(stream.text_stream))


def final_message(client):
    with client.messages.stream(**REQUEST) as stream:
        return stream.get_final_message()


def final_text(client):
    with client.messages.stream(**REQUEST) as stream:
        return stream.get_final_text()


def until_done(client):
    with client.messages.stream(**REQUEST) as stream:
        stream.until_done()
    return True


def create_streamed(client):
    with client.messages.create(**REQUEST, stream=True) as stream:
        return len(list(stream))


async def iterate_async(client):
    async with client.messages.stream(**REQUEST) as stream:
        return len([event async for event in stream])


async def read_texts_async(client):
    async with client.messages.stream(**REQUEST) as stream:
        return len([text async for text in stream.text_stream])


async def final_message_async(client):
    async with client.messages.stream(**REQUEST) as stream:
        return await stream.get_final_message()


async def final_text_async(client):
    async with client.messages.stream(**REQUEST) as stream:
        return await stream.get_final_text()


async def until_done_async(client):
    async with client.messages.stream(**REQUEST) as stream:
        await stream.until_done()
    return True


async def create_streamed_async(client):
    async with await client.messages.create(**REQUEST, stream=True) as stream:
        return len([event async for event in stream])


SYNC_WAYS = (iterate, read_texts, final_message, final_text, until_done, create_streamed)
ASYNC_WAYS = (
    iterate_async,
    read_texts_async,
    final_message_async,
    final_text_async,
    until_done_async,
    create_streamed_async,
)
OUR_WAYS = SYNC_WAYS[:5]
OUR_ASYNC_WAYS = ASYNC_WAYS[:5]


def read(transport, way, base_url="https://example.com", package=anthropic, http=httpx2):
    """Read one message with a sync client, in one of the ways."""
    with (
        http.Client(transport=transport) as http_client,
        package.Anthropic(
            api_key=KEY, base_url=base_url, http_client=http_client, max_retries=0
        ) as client,
    ):
        assert way(client)


def read_async(backend, transport, way, base_url="https://example.com", package=anthropic):
    """Read one message with an async client, in one of the ways."""
    http = httpx2 if package is anthropic else httpx

    async def main():
        async with (
            http.AsyncClient(transport=transport) as http_client,
            package.AsyncAnthropic(
                api_key=KEY, base_url=base_url, http_client=http_client, max_retries=0
            ) as client,
        ):
            assert await way(client)

    anyio.run(main, backend=backend)


MESSAGE = json.loads((RECORDINGS / "text.json").read_text())
SPAN = {
    "name": "chat claude-opus-4-6",
    "kind": "CLIENT",
    "status": "UNSET",
    "description": None,
    "events": 0,
    **identity(),
    "gen_ai.request.stream": True,
    "gen_ai.request.max_tokens": 100,
    "http.response.status_code": 200,
    "gen_ai.response.id": MESSAGE["id"],
    "gen_ai.response.model": MESSAGE["model"],
    "gen_ai.response.finish_reasons": (MESSAGE["stop_reason"],),
    "gen_ai.usage.input_tokens": MESSAGE["usage"]["input_tokens"],
    "gen_ai.usage.cache_read.input_tokens": MESSAGE["usage"]["cache_read_input_tokens"],
    "gen_ai.usage.cache_creation.input_tokens": MESSAGE["usage"]["cache_creation_input_tokens"],
    "gen_ai.usage.output_tokens": MESSAGE["usage"]["output_tokens"],
    "gen_ai.response.time_to_first_chunk": 1.0,
    "streamfold.outcome": "complete",
}
OF_MODEL = {**identity(), "gen_ai.response.model": MESSAGE["model"]}
TOKENS = {
    kind: {
        **OF_MODEL,
        "gen_ai.token.type": kind,
        "count": 1,
        "sum": MESSAGE["usage"][f"{kind}_tokens"],
    }
    for kind in ("input", "output")
}
METRICS = {
    "operation.duration": [{**OF_MODEL, "count": 1, "sum": 6.0}],
    "operation.time_to_first_chunk": [{**OF_MODEL, "count": 1, "sum": 1.0}],
    "operation.time_per_output_chunk": [{**OF_MODEL, "count": 4, "sum": 4.0}],
    "token.usage": [TOKENS["input"], TOKENS["output"]],
}


@pytest.mark.parametrize("way", SYNC_WAYS)
def test_the_official_client_whatever_the_way_of_reading(exported, way):
    inner = for_httpx2.ReplayTransport(WHOLE)
    read(for_httpx2.ObservingTransport(inner, **exported.options), way)
    assert exported.spans == [SPAN]
    assert exported.metrics == METRICS


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("way", ASYNC_WAYS)
def test_the_official_async_client_whatever_the_way_of_reading(exported, way, backend):
    inner = for_httpx2.ReplayTransport(WHOLE)
    read_async(backend, for_httpx2.AsyncObservingTransport(inner, **exported.options), way)
    assert exported.spans == [SPAN]
    assert exported.metrics == METRICS


@pytest.mark.parametrize("way", OUR_WAYS)
def test_our_client(exported, way):
    transport = for_httpx.ObservingTransport(ReplayTransport(WHOLE), **exported.options)
    read(transport, way, package=ours, http=httpx)
    assert exported.spans == [SPAN]
    assert exported.metrics == METRICS


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("way", OUR_ASYNC_WAYS)
def test_our_async_client(exported, way, backend):
    transport = for_httpx.AsyncObservingTransport(ReplayTransport(WHOLE), **exported.options)
    read_async(backend, transport, way, package=ours)
    assert exported.spans == [SPAN]
    assert exported.metrics == METRICS


TIMES = {"gen_ai.response.time_to_first_chunk"}


def timeless(span):
    return {name: value for name, value in span.items() if name not in TIMES}


def test_from_a_server_the_same_for_all(server, exported):
    """Over sockets a test does not choose the chunks, so it compares only what they cannot
    change."""
    server.answer(event_stream(WHOLE.body, chunks=700))
    for way in SYNC_WAYS:
        inner = httpx2.HTTPTransport(verify=NO_TLS)
        transport = for_httpx2.ObservingTransport(inner, **exported.options)
        read(transport, way, server.url)
    for way in ASYNC_WAYS:
        async_inner = httpx2.AsyncHTTPTransport(verify=NO_TLS)
        async_transport = for_httpx2.AsyncObservingTransport(async_inner, **exported.options)
        read_async("asyncio", async_transport, way, server.url)
    host, port = server.url.removeprefix("http://").split(":")
    expected = timeless({**SPAN, **identity(host, int(port))})
    assert [timeless(span) for span in exported.spans] == [expected] * 12
    assert [point["count"] for point in exported.metrics["token.usage"]] == [12, 12]
    server.wait_closed()


# --- streams that do not come to their end -------------------------------------------------------


class Observed:
    """A plain client of the loopback server, observed, in one of the shells."""

    def __init__(self, shell, exported, **options):
        self.shell = shell
        if shell.is_sync:
            inner = httpx.HTTPTransport(verify=NO_TLS)
            self.http = httpx.Client(
                transport=for_httpx.ObservingTransport(inner, **exported.options, **options)
            )
        else:
            async_inner = httpx.AsyncHTTPTransport(verify=NO_TLS)
            self.http = httpx.AsyncClient(
                transport=for_httpx.AsyncObservingTransport(
                    async_inner, **exported.options, **options
                )
            )

    async def send(self, url, path="/v1/messages", stream=True, **fields):
        content = {**REQUEST, "stream": stream, **fields}
        request = self.http.build_request("POST", url + path, json=content, timeout=10)
        sent = self.http.send(request, stream=True)
        return sent if self.shell.is_sync else await sent

    async def read(self, answer):
        return answer.read() if self.shell.is_sync else await answer.aread()

    async def close(self, answer):
        if self.shell.is_sync:
            answer.close()
        else:
            await answer.aclose()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        if self.shell.is_sync:
            self.http.close()
        else:
            await self.http.aclose()


def run(shell, main):
    anyio.run(main, backend="asyncio" if shell.is_sync else shell.name)


def chunked_stream(*pieces):
    return event_stream(b"".join(pieces), chunks=pieces)


START, REST = body(EVENTS[0]), body(*EVENTS[1:4])


def test_a_stream_that_is_left_early_is_no_error(shell, server, exported):
    server.answer([*chunked_stream(START)[:2], hold])

    async def main():
        async with Observed(shell, exported) as client:
            stream = shell.over(await client.send(server.url))
            assert (await stream.__anext__()).type == "message_start"
            await stream.close()

    run(shell, main)
    span = exported.span
    assert (span["streamfold.outcome"], span["status"]) == ("left", "UNSET")
    assert span["gen_ai.response.id"] == "msg_1"
    assert "error.type" not in span
    assert "gen_ai.response.finish_reasons" not in span
    assert "gen_ai.usage.output_tokens" not in span
    tokens = [point["gen_ai.token.type"] for point in exported.metrics["token.usage"]]
    assert tokens == ["input"]
    server.wait_closed()


def test_a_stream_that_is_never_read(shell, server, exported):
    server.answer([event_stream(BODY)[0], hold])

    async def main():
        async with Observed(shell, exported) as client:
            await client.close(await client.send(server.url))

    run(shell, main)
    span = exported.span
    assert (span["streamfold.outcome"], span["http.response.status_code"]) == ("left", 200)
    assert "gen_ai.response.id" not in span
    assert set(exported.metrics) == {"operation.duration"}


def test_a_stream_that_is_dropped_before_it_is_read(exported):
    transport = for_httpx.ObservingTransport(ReplayTransport(WHOLE), **exported.options)
    transport.handle_request(httpx.Request("POST", "https://example.com/v1/messages"))
    gc.collect()
    assert exported.span["streamfold.outcome"] == "left"


def test_a_stream_that_is_dropped(exported):
    transport = for_httpx.ObservingTransport(ReplayTransport(WHOLE), **exported.options)
    request = httpx.Request("POST", "https://example.com/v1/messages", json=REQUEST)
    answer = transport.handle_request(request)
    chunks = iter(answer.stream)
    next(chunks)
    assert exported.spans == []
    del answer, chunks
    gc.collect()
    assert exported.span["streamfold.outcome"] == "left"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("answered", [True, False])
def test_a_reader_that_is_cancelled(server, exported, backend, answered):
    server.answer([*(chunked_stream(START)[:2] if answered else []), hold])

    async def main():
        transport = for_httpx.AsyncObservingTransport(
            httpx.AsyncHTTPTransport(verify=NO_TLS), **exported.options
        )
        async with httpx.AsyncClient(transport=transport) as http:
            options = {"json": {**REQUEST, "stream": True}, "timeout": 60}
            with anyio.move_on_after(None if answered else 0.3) as scope:
                async with http.stream("POST", f"{server.url}/v1/messages", **options) as response:
                    async for _ in response.aiter_raw():
                        scope.cancel()  # the read of the next chunk
            assert scope.cancelled_caught

    anyio.run(main, backend=backend)
    span = exported.span
    assert (span["streamfold.outcome"], span["status"]) == ("left", "UNSET")
    assert ("gen_ai.response.id" in span) is answered


def test_a_message_that_is_whole_is_complete_though_the_stream_is_left(shell, server, exported):
    server.answer([*chunked_stream(BODY)[:2], hold])

    async def main():
        async with Observed(shell, exported) as client:
            stream = shell.over(await client.send(server.url))
            await stream.__anext__()
            assert exported.span["streamfold.outcome"] == "complete"
            await stream.close()

    run(shell, main)
    assert exported.span["gen_ai.response.finish_reasons"] == ("tool_use",)


@pytest.mark.parametrize(
    ("steps", "outcome", "error_type"),
    [
        ([reset], "error", "httpx.ReadError"),
        ([close], "error", "httpx.RemoteProtocolError"),
        ([b"0\r\n\r\n"], "incomplete", "incomplete_stream"),
    ],
)
def test_a_stream_that_is_cut(shell, server, exported, steps, outcome, error_type):
    pause = [lambda connection: connection.stopping.wait(0.1)]  # or the reset overtakes the bytes
    server.answer([*chunked_stream(START, REST)[:3], *pause, *steps])

    async def main():
        async with Observed(shell, exported) as client:
            answer = await client.send(server.url)
            if error_type.startswith("httpx."):
                with pytest.raises(httpx.HTTPError):
                    await client.read(answer)
            else:
                await client.read(answer)

    run(shell, main)
    span = exported.span
    assert (span["streamfold.outcome"], span["error.type"]) == (outcome, error_type)
    assert (span["status"], span["description"], span["events"]) == ("ERROR", None, 0)
    assert span["gen_ai.response.id"] == "msg_1"
    assert "gen_ai.response.finish_reasons" not in span
    (duration,) = exported.metrics["operation.duration"]
    assert duration["error.type"] == error_type
    assert duration["gen_ai.response.model"] == EVENTS[0]["message"]["model"]


def test_a_server_that_cannot_be_reached(shell, exported):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def main():
        async with Observed(shell, exported) as client:
            with pytest.raises(httpx.ConnectError):
                await client.send(f"http://127.0.0.1:{port}")

    run(shell, main)
    span = exported.span
    assert (span["streamfold.outcome"], span["error.type"]) == ("error", "httpx.ConnectError")
    assert "http.response.status_code" not in span


def seen(shell, server, exported, answer, **fields):
    """The span of a response that is read to its end."""
    server.answer(answer)

    async def main():
        async with Observed(shell, exported) as client:
            got = await client.send(server.url, **fields)
            await client.read(got)

    run(shell, main)
    return exported.span


def test_an_error_event(shell, server, exported):
    answer = event_stream(START + body(error_event("overloaded_error")))
    span = seen(shell, server, exported, answer)
    assert (span["streamfold.outcome"], span["error.type"]) == ("error", "overloaded_error")
    assert span["http.response.status_code"] == 200
    assert span["gen_ai.response.id"] == "msg_1"


@pytest.mark.parametrize(
    ("answer", "error_type"),
    [
        (api_error(529, "overloaded_error", f"wrong key: {KEY}"), "overloaded_error"),
        (html_error(502), "502"),
        (response(400, b'{"error": "no"}', "application/json"), "400"),
        (response(400, b'{"error": {"type": 3}}', "application/json"), "400"),
        (response(500, b"\xff", "application/json", {"content-encoding": "br"}), "500"),
    ],
)
def test_an_error_of_the_api_or_of_a_proxy(server, exported, answer, error_type):
    server.answer(answer)
    transport = for_httpx.ObservingTransport(
        httpx.HTTPTransport(verify=NO_TLS), **exported.options, capture_content=True
    )
    with httpx.Client(transport=transport) as client:
        sent = client.build_request("POST", f"{server.url}/v1/messages", json=REQUEST)
        got = client.send(sent, stream=True)
        list(got.iter_raw())
    span = exported.span
    assert (span["streamfold.outcome"], span["error.type"]) == ("error", error_type)
    assert span["http.response.status_code"] == got.status_code
    assert KEY not in str(span)


def test_a_stream_that_breaks_the_protocol(shell, server, exported):
    answer = event_stream(START + body(EVENTS[-1]) + b"event: x\ndata: {\n\n")
    span = seen(shell, server, exported, answer)
    assert span["streamfold.outcome"] == "complete"  # the message is over before the fault
    exported = Exported()
    answer = event_stream(START + b"event: x\ndata: {\n\n")
    span = seen(shell, server, exported, answer)
    assert (span["streamfold.outcome"], span["error.type"]) == ("fault", "protocol_error")
    assert span["gen_ai.response.id"] == "msg_1"


def test_pings_are_no_chunks(exported):
    ping = b'event: ping\ndata: {"type":"ping"}\n\n'
    made = Recording.of([ping, b"event: mess", WHOLE.body[10:], ping])
    made = attrs.evolve(made, chunks=[*made.chunks[:1], *Recording.of([WHOLE.body]).chunks])
    transport = for_httpx2.ObservingTransport(for_httpx2.ReplayTransport(made), **exported.options)
    read(transport, final_message)
    assert exported.span["gen_ai.response.time_to_first_chunk"] == 1.0
    assert "operation.time_per_output_chunk" not in exported.metrics


def test_what_comes_behind_the_message_changes_nothing(exported):
    transport = for_httpx.ObservingTransport(
        ReplayTransport(Recording.of([WHOLE.body, WHOLE.body])), **exported.options
    )
    with httpx.Client(transport=transport) as client:
        client.post("https://example.com/v1/messages", json={**REQUEST, "stream": True})
    assert exported.span == SPAN
    assert exported.metrics["operation.duration"] == [{**OF_MODEL, "count": 1, "sum": 2.0}]


def test_chunks_of_one_moment_count_as_one(exported):
    times = iter([0.0, 1.0, 1.0005, 1.0009, 1.25, 1.2505, 2.0])
    options = {**exported.options, "clock": lambda: next(times)}
    read(for_httpx2.ObservingTransport(for_httpx2.ReplayTransport(WHOLE), **options), iterate)
    (gaps,) = exported.metrics["operation.time_per_output_chunk"]
    assert (gaps["count"], gaps["sum"]) == (1, 0.25)


def test_events_before_the_message_are_a_chunk_of_no_model(exported):
    early = b'event: x\ndata: {"type":"x"}\n\n'
    made = Recording.of([early, early, WHOLE.body])
    transport = for_httpx2.ObservingTransport(for_httpx2.ReplayTransport(made), **exported.options)
    read(transport, create_streamed)
    first, second = exported.metrics["operation.time_per_output_chunk"]
    assert "gen_ai.response.model" not in first
    assert second["gen_ai.response.model"] == MESSAGE["model"]


# --- responses that are not streams --------------------------------------------------------------


def test_a_message_that_comes_whole(shell, server, exported):
    answer = response(200, json.dumps(MESSAGE).encode(), "application/json")
    span = seen(shell, server, exported, answer, stream=False)
    host, port = server.url.removeprefix("http://").split(":")
    expected = {**SPAN, **identity(host, int(port)), "gen_ai.request.stream": False}
    assert span == timeless(expected)
    assert set(exported.metrics) == {"operation.duration", "token.usage"}


@pytest.mark.parametrize(
    ("answer", "outcome", "error_type"),
    [
        (response(200, b"<html></html>", "text/html"), "fault", "unexpected_response"),
        (response(200, b"[1]", "application/json"), "fault", "unexpected_response"),
        (response(307, b"", "text/plain", {"location": "/elsewhere"}), "complete", None),
    ],
)
def test_a_response_that_is_something_else(server, exported, answer, outcome, error_type, shell):
    span = seen(shell, server, exported, answer)
    assert (span["streamfold.outcome"], span.get("error.type")) == (outcome, error_type)


def test_a_response_above_the_limit_is_passed_on_and_not_kept(server, exported, shell, monkeypatch):
    monkeypatch.setattr("streamfold.adapters.telemetry.observation.DEFAULT_LIMIT", 100)
    answer = response(200, json.dumps(MESSAGE).encode(), "application/json")
    span = seen(shell, server, exported, answer, stream=False)
    assert span["streamfold.outcome"] == "complete"
    assert "gen_ai.response.id" not in span


def test_other_requests_are_passed_on_untouched(shell, server, exported):
    server.answer(response(200, b'{"input_tokens": 3}', "application/json"))

    async def main():
        async with Observed(shell, exported) as client:
            got = await client.send(server.url, "/v1/messages/count_tokens")
            assert await client.read(got) == b'{"input_tokens": 3}'

    run(shell, main)
    assert exported.spans == []
    assert (
        "br" in server.requests[0].headers["accept-encoding"]
        or "gzip" in (server.requests[0].headers["accept-encoding"])
    )


# --- compression ---------------------------------------------------------------------------------


def test_a_compressed_stream_is_read_by_both(shell, server, exported):
    server.answer(event_stream(WHOLE.body, compress=True))

    async def main():
        async with Observed(shell, exported) as client:
            got = await client.send(server.url)
            assert await client.read(got) == WHOLE.body

    run(shell, main)
    assert exported.span["streamfold.outcome"] == "complete"
    assert exported.span["gen_ai.response.id"] == MESSAGE["id"]


def test_only_compression_that_can_be_read_is_asked_for(server, exported):
    server.answer(event_stream(BODY))
    transport = for_httpx.ObservingTransport(httpx.HTTPTransport(verify=NO_TLS), **exported.options)
    with httpx.Client(transport=transport) as client:
        for accepted in ("br, GZIP;q=0.5, zstd, deflate", "br", ""):
            headers = {"accept-encoding": accepted}
            client.post(f"{server.url}/v1/messages", json=REQUEST, headers=headers)
    codings = [request.headers["accept-encoding"] for request in server.requests]
    assert codings == ["GZIP;q=0.5, deflate", "identity", "identity"]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_body_that_cannot_be_decompressed_has_a_span_without_a_message(
    server, exported, encoding
):
    server.answer(event_stream(BODY, headers={"content-encoding": encoding}))
    transport = for_httpx.ObservingTransport(httpx.HTTPTransport(verify=NO_TLS), **exported.options)
    with httpx.Client(transport=transport) as client:
        request = client.build_request("POST", f"{server.url}/v1/messages", json=REQUEST)
        answer = client.send(request, stream=True)
        assert b"".join(answer.iter_raw()) == BODY
    assert exported.span["streamfold.outcome"] == "complete"
    assert "gen_ai.response.id" not in exported.span


# --- content and secrets -------------------------------------------------------------------------


def content_of(span):
    return {
        name.removeprefix("gen_ai."): json.loads(value)
        for name, value in span.items()
        if name.endswith(("messages", "instructions"))
    }


def test_content_only_on_request_and_never_a_secret(server):
    message = Message.from_dict(
        {
            "id": "msg_1",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": f"Your key is {KEY}"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 2},
        }
    )
    server.answer(event_stream(encode_sse(expand(message))))
    spans = []
    for options in ({}, {"capture_content": True}):
        exported = Exported()
        inner = httpx2.HTTPTransport(verify=NO_TLS)
        transport = for_httpx2.ObservingTransport(inner, **exported.options, **options)
        read(transport, final_text, server.url)
        spans.append(exported.span)
        assert KEY not in str(exported.span) + str(exported.metrics)
    assert content_of(spans[0]) == {}
    assert content_of(spans[1]) == {
        "input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}],
        "output.messages": [
            {
                "role": "assistant",
                "parts": [{"type": "text", "content": "Your key is [secret]"}],
                "finish_reason": "end_turn",
            }
        ],
    }


def test_content_of_a_request_that_was_not_answered(exported):
    failed = attrs.evolve(
        Recording.of([]), ended="error", error=RecordedError("ReadTimeout", f"for {KEY}")
    )
    transport = for_httpx2.ObservingTransport(
        for_httpx2.ReplayTransport(failed), **exported.options, capture_content=True
    )
    with pytest.raises(httpx2.ReadTimeout):
        read(transport, create_streamed)
    span = exported.span
    assert span["error.type"] == "httpx2.ReadTimeout"
    assert set(content_of(span)) == {"input.messages"}
    assert KEY not in str(span)


# --- OpenTelemetry -------------------------------------------------------------------------------


def test_the_global_providers_are_the_default():
    """Without an SDK they record nothing, and the stream is read as usual."""
    read(for_httpx2.ObservingTransport(for_httpx2.ReplayTransport(WHOLE)), iterate)


def test_without_opentelemetry_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"pip install 'streamfold\[opentelemetry\]'"):
        for_httpx.ObservingTransport(ReplayTransport(WHOLE))


# --- Bedrock --------------------------------------------------------------------------------------


def test_a_stream_of_bedrock(server, exported):
    events = [json.loads(event.data) for event in decode_sse(SSEState(), WHOLE.body)[1]]
    framed = encode_event_stream(events)
    headers = {"content-type": "application/vnd.amazon.eventstream"}
    server.answer(event_stream(framed, chunks=500, headers=headers))
    transport = for_httpx.ObservingTransport(httpx.HTTPTransport(verify=NO_TLS), **exported.options)
    with httpx.Client(transport=transport) as client:
        path = "/model/claude-opus-4-6/invoke-with-response-stream"
        assert client.post(server.url + path, json={"max_tokens": 100}).content == framed
    host, port = server.url.removeprefix("http://").split(":")
    expected = {**SPAN, **identity(host, int(port)), "gen_ai.provider.name": "aws.bedrock"}
    assert timeless(exported.span) == timeless(expected)
