"""`ReplayTransport`: clients get the recorded chunks, head and end of the same request."""

from __future__ import annotations

import threading
from collections import Counter

import attrs
import httpx
import pytest
from streamfold.transports import (
    RecordedResponse,
    Recording,
    RecordingTransport,
    ReplayTransport,
    UnmatchedRequestError,
)

from tests.support.loopback import event_stream
from tests.support.recordings import EXAMPLE, REQUEST, Address, recorded
from tests.support.responses import read, sent
from tests.support.shells import BODY, KEY, MESSAGE

pytestmark = pytest.mark.anyio

PIECES = [BODY[at : at + 37] for at in range(0, len(BODY), 37)]  # characters are cut, too


async def bodies(shell, transport, count, server=EXAMPLE):
    """The answers to this many requests."""
    async with shell.client(transport=transport) as client:
        return [b"".join(await read(shell, await client.send(server))) for _ in range(count)]


async def test_the_same_chunks_with_the_same_head(shell):
    headers = (("request-id", "req_1"), ("X-Name", "Grüß"), ("x-twice", "1"), ("x-twice", "2"))
    recording = recorded(PIECES, response=RecordedResponse(202, headers))
    async with shell.client(transport=ReplayTransport(recording)) as client:
        response = await client.send(EXAMPLE)
        assert response.status_code == 202
        assert response.headers.raw == [(k.encode(), v.encode()) for k, v in headers]
        assert await read(shell, response) == PIECES
        assert response.is_closed
        stream = await client.open(EXAMPLE)
        assert (stream.request_id, stream.response.status_code) == ("req_1", 202)
        assert await stream.get_final_message() == MESSAGE


async def test_recordings_of_the_same_request_in_order_and_then_the_last_one_again(shell):
    transport = ReplayTransport([recorded(b"one"), recorded(b"two"), recorded(b"three")])
    assert await bodies(shell, transport, 5) == [b"one", b"two", b"three", b"three", b"three"]


async def test_a_request_is_the_same_by_method_url_and_json(shell):
    asked = {"b": [1, {"x": None, "y": "ü"}], "a": 1.0}
    recordings = {
        "method": recorded(b"", request=attrs.evolve(REQUEST, method="PUT", body=asked)),
        "url": recorded(
            b"", request=attrs.evolve(REQUEST, url="https://example.com/v2", body=asked)
        ),
        "value": recorded(b"", request=attrs.evolve(REQUEST, body={**asked, "a": True})),
        "order": recorded(
            b"", request=attrs.evolve(REQUEST, body={**asked, "b": asked["b"][::-1]})
        ),
        "same": recorded(b"this", request=attrs.evolve(REQUEST, headers={"x-a": "b"}, body=asked)),
    }
    transport = ReplayTransport(recordings.values())
    text = '{ "a":1.0, "b":[1, {"y":"\\u00fc", "x":null}]}'
    async with shell.client(transport=transport) as client:
        response = await sent(
            shell, client.http.post(REQUEST.url, content=text, headers={"x-a": "c"})
        )
        assert response.content == b"this"
    assert transport.unused == tuple(recordings.values())[:-1]


async def test_a_body_other_than_json_is_compared_by_its_bytes(shell):
    for content, other in ((b"a=b", b"a=c"), (b"\xff", b"\xfe"), (b"", b"null?")):
        recording = recorded(b"this", request=attrs.evolve(REQUEST, body=None, content=content))
        async with shell.client(transport=ReplayTransport(recording)) as client:
            response = await sent(shell, client.http.post(REQUEST.url, content=content))
            assert response.content == b"this"
            with pytest.raises(UnmatchedRequestError):
                await sent(shell, client.http.post(REQUEST.url, content=other))


async def test_a_recording_without_a_request_answers_what_no_other_does(shell):
    transport = ReplayTransport([Recording.of(b"any"), recorded(b"this")])
    assert await bodies(shell, transport, 2) == [b"this", b"this"]
    assert await bodies(shell, transport, 1, Address("https://other.example")) == [b"any"]


async def test_in_order_whatever_the_request(shell):
    transport = ReplayTransport([recorded(b"one"), Recording.of(b"two")], match="order")
    assert await bodies(shell, transport, 1, Address("https://other.example")) == [b"one"]
    assert transport.unused == (Recording.of(b"two"),)
    assert await bodies(shell, transport, 1) == [b"two"]
    with pytest.raises(UnmatchedRequestError, match=r"more requests than recordings \(2\)"):
        await bodies(shell, transport, 1)
    assert transport.unused == ()


async def test_files_and_folders(shell, tmp_path):
    for name, body in (("a-2", b"two"), ("a", b"one"), ("b/c", b"four"), ("a-10", b"three")):
        recorded(body).save(tmp_path / f"{name}.jsonl")
    (tmp_path / "raw.sse").write_bytes(b"raw")
    more = [tmp_path / "raw.sse", str(tmp_path / "a.jsonl"), [recorded(b"last")]]
    transport = ReplayTransport([tmp_path, *more], match="order")
    assert transport.unused[:5] == tuple(
        tmp_path / name for name in ("a.jsonl", "a-2.jsonl", "a-10.jsonl", "b/c.jsonl", "raw.sse")
    )
    expected = [b"one", b"two", b"three", b"four", b"raw", b"raw", b"one", b"last"]
    assert await bodies(shell, transport, 8) == expected


def test_arguments_that_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        ReplayTransport(tmp_path / "nowhere.jsonl")
    for options in ({"match": "any"}, {"speed": -1}, {"speed": float("inf")}):
        with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
            ReplayTransport([], **options)


async def test_values_of_secret_names_are_not_compared(shell, server, tmp_path):
    server.answer(event_stream(BODY))
    url, secrets = f"{server.url}/v1?token=", ["token", "user_id"]
    kind = httpx.HTTPTransport if shell.is_sync else httpx.AsyncHTTPTransport
    path = tmp_path / "turn.jsonl"
    recorder = RecordingTransport(kind(verify=False), path, secrets=secrets)
    async with shell.client(transport=recorder) as client:
        await sent(shell, client.http.post(f"{url}one", json={"metadata": {"user_id": "u1"}}))
    async with shell.client(transport=ReplayTransport(path, secrets=secrets)) as client:
        asked = client.http.post(f"{url}two", json={"metadata": {"user_id": "u2"}})
        assert (await sent(shell, asked)).content == BODY


async def test_a_request_without_a_recording_is_compared_with_the_nearest(shell):
    def turn(*texts):
        return {"messages": [{"role": "user", "content": text} for text in texts]}

    recordings = [
        recorded(b"", request=attrs.evolve(REQUEST, body=turn("Hello"))),
        recorded(b"", request=attrs.evolve(REQUEST, body=turn("Hello", "Again"))),
    ]
    async with shell.client(transport=ReplayTransport(recordings)) as client:
        with pytest.raises(UnmatchedRequestError) as caught:
            await sent(shell, client.http.post(REQUEST.url, json=turn("Hello", "Anew")))
    message = str(caught.value)
    assert message.startswith(f"no recording fits POST {REQUEST.url}; the nearest of 2 is recordi")
    assert '-      "content": "Again",\n+      "content": "Anew",' in message


async def test_a_difference_is_short_and_has_no_secrets(shell):
    recording = recorded(b"", request=attrs.evolve(REQUEST, body={"messages": list(range(100))}))
    asked = {"messages": [*range(900, 1000), KEY, "x" * 1000], "authorization_token": KEY}
    async with shell.client(transport=ReplayTransport(recording)) as client:
        with pytest.raises(UnmatchedRequestError) as caught:
            await sent(shell, client.http.post(REQUEST.url, json=asked, headers={"x-api-key": KEY}))
    lines = str(caught.value).splitlines()
    assert (len(lines), max(map(len, lines))) == (42, max(map(len, lines[:1])))
    assert lines[-1].startswith("… and ")
    assert KEY not in str(caught.value)


async def test_a_folder_without_recordings(shell, tmp_path):
    async with shell.client(transport=ReplayTransport(tmp_path)) as client:
        with pytest.raises(UnmatchedRequestError, match="no recording has a request"):
            await client.send(EXAMPLE)


def test_several_threads_get_each_recording_once():
    transport = ReplayTransport([recorded(b"%d" % number) for number in range(40)])
    got = Counter()

    def ask():
        with httpx.Client(transport=transport) as client:
            got.update(client.post(REQUEST.url, json=REQUEST.body).text for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == Counter(map(str, range(40)))
