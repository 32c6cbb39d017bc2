"""The body of a request: iterables, values that are not JSON, and lone surrogates."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from streamfold.adapters.anthropic import Anthropic

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
        ({"extra_body": {"x": {1, 2}}}, TypeError, "^x: set is not JSON"),
    ],
)
def test_values_that_are_not_json(server, field, error, words) -> None:
    client = Anthropic(api_key=KEY, base_url=server.url)
    with pytest.raises(error, match=words):
        client.messages.stream(**{**ASK, **field})
    assert server.connections == []


def test_half_a_surrogate_pair_can_be_sent(server) -> None:
    server.answer(ANSWER)
    text = 'half \ud83d, \\ud83d, "ü", 😀'
    client = Anthropic(api_key=KEY, base_url=server.url, timeout=10)
    with client, client.messages.stream(**ASK, system=text):
        pass
    assert server.requests[0].json()["system"] == text
