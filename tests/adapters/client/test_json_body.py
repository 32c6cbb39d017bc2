"""The body of a request: iterables, files, values that are not JSON, and lone surrogates."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import anthropic as official
import pytest
from anthropic import omit
from pydantic import BaseModel
from streamfold.adapters.anthropic import Anthropic, APIResponseValidationError, AsyncAnthropic
from streamfold.adapters.client.json_body import encode_body

from tests.support.clients import ANSWER, ASK
from tests.support.shells import KEY

pytestmark = pytest.mark.anyio


class Ingredient(BaseModel):
    name: str


async def test_iterables_are_sent_as_arrays(calling, server) -> None:
    server.answer(ANSWER)
    tools = {"a": {"name": "a"}, "b": {"name": "b"}}
    await calling().message(
        messages=(message for message in ASK["messages"]),
        tools=tools.values(),
        stop_sequences=("\n",),
    )
    sent = server.requests[0].json()
    assert sent["messages"] == ASK["messages"]
    assert (sent["tools"], sent["stop_sequences"]) == ([{"name": "a"}, {"name": "b"}], ["\n"])


@pytest.mark.parametrize(
    ("field", "error", "words"),
    [
        ({"system": [{"type": "text", "text": b"x"}]}, TypeError, r"^system\[0\].text: bytes is"),
        ({"metadata": {"user": object()}}, TypeError, "metadata.user: object is"),
        ({"temperature": float("nan")}, ValueError, "^temperature: nan is not JSON"),
        ({"extra_body": {"x": {1: 1 + 2j}}}, TypeError, "^x.1: complex is not JSON"),
        ({"extra_body": {"x": Path("a")}}, TypeError, "^x: .*Path is not JSON"),
        ({"system": [{"type": "url", "data": BytesIO()}]}, TypeError, "data: BytesIO is not JSON"),
    ],
)
def test_values_that_are_not_json(server, field, error, words) -> None:
    client = Anthropic(api_key=KEY, base_url=server.url)
    with pytest.raises(error, match=words):
        client.messages.stream(**{**ASK, **field})
    assert server.connections == []


def test_sets_and_times_are_sent_as_the_official_client_sends_them(server) -> None:
    server.answer(ANSWER)
    at = datetime(2026, 11, 27, 9, tzinfo=timezone.utc)
    given = {"set": {1}, "keys": {"a": 1}.keys(), "at": at, "day": at.date(), "unsent": omit}
    with Anthropic(api_key=KEY, base_url=server.url) as client:
        client.messages.stream(**ASK, extra_body={"x": given}).__enter__().close()
    expected = {"set": [1], "keys": ["a"], "at": "2026-11-27T09:00:00+00:00", "day": "2026-11-27"}
    assert server.requests[0].json()["x"] == expected


def test_a_pydantic_model_is_sent_in_its_form_of_json() -> None:
    class Order(BaseModel):
        number: UUID
        note: str = ""

    number = UUID(int=1)
    assert json.loads(encode_body({"order": Order(number=number)})) == {
        "order": {"number": str(number)}
    }


def image(data: Any) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return {"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}


async def test_a_file_is_read_when_the_request_is_sent(calling, server, tmp_path) -> None:
    server.answer(ANSWER)
    path = tmp_path / "image.png"
    path.write_bytes(b"\xff image")
    given = [path, BytesIO(b"\xff image"), StringIO("text"), "YQ=="]
    for data in given:
        await calling().message(**image(data))
    with official.Anthropic(api_key=KEY, base_url=server.url) as client:
        for data in [path, BytesIO(b"\xff image"), StringIO("text"), "YQ=="]:
            client.messages.stream(**{**ASK, **image(data)}).__enter__().close()
    sent = [request.json()["messages"] for request in server.requests]
    assert sent[:4] == sent[4:]
    assert sent[0][0]["content"][0]["source"]["data"] == "/yBpbWFnZQ=="


@pytest.mark.parametrize("method", ["stream", "create"])
async def test_a_file_is_not_read_in_the_event_loop(method, server, tmp_path) -> None:
    server.answer(ANSWER)
    threads = []

    class Image(BytesIO):
        def read(self, *size: Any) -> bytes:
            threads.append(threading.current_thread())
            return super().read(*size)

    async with AsyncAnthropic(api_key=KEY, base_url=server.url, max_retries=0) as client:
        asked = {**ASK, **image(Image(b"a"))}
        if method == "stream":
            manager = client.messages.stream(**asked)
            assert threads == []
            async with manager:
                pass
        else:
            with pytest.raises(APIResponseValidationError):  # the answer is a stream
                await client.messages.create(**asked)
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()
    with pytest.raises(FileNotFoundError):
        async with client.messages.stream(**{**ASK, **image(tmp_path / "none")}):
            pass


def test_half_a_surrogate_pair_can_be_sent(server) -> None:
    server.answer(ANSWER)
    text = 'half \ud83d, \\ud83d, "ü", 😀'
    client = Anthropic(api_key=KEY, base_url=server.url, timeout=10)
    with client, client.messages.stream(**ASK, system=text):
        pass
    assert server.requests[0].json()["system"] == text
