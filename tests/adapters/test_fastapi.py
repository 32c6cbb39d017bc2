"""Messages of streamfold in the models of a FastAPI app: schema, validation, answers."""

from __future__ import annotations

from typing import Any, Optional

import anyio
import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from streamfold.reducer import ContentBlock, Message, ToolUseBlock, Usage

pytestmark = pytest.mark.anyio

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [
        {"type": "text", "text": "Grüße", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": [1, None]}},
        {"type": "block_of_tomorrow", "new": True},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 1, "output_tokens": 2, "tokens_of_tomorrow": 3},
    "field_of_tomorrow": {"a": None},
}


class Turn(BaseModel):
    message: Message
    call: Optional[ToolUseBlock] = None  # noqa: UP045


class Answer(BaseModel):
    message: Message
    calls: list[ContentBlock]
    usage: Usage


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.post("/turns")
    async def turns(turn: Turn) -> Answer:
        message = turn.message
        calls = [block for block in message.content if isinstance(block, ToolUseBlock)]
        return Answer(message=message, calls=calls, usage=message.usage)

    @app.post("/messages")
    async def messages(message: Message) -> Message:
        return message

    return app


async def post(app: FastAPI, path: str, body: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        with anyio.fail_after(30):
            return await client.post(path, json=body)


async def test_messages_are_bodies_of_requests_and_responses(app: FastAPI) -> None:
    answer = await post(app, "/messages", MESSAGE)
    assert (answer.status_code, answer.json()) == (200, MESSAGE)


async def test_messages_are_fields_of_models(app: FastAPI) -> None:
    answer = await post(app, "/turns", {"message": MESSAGE})
    assert answer.status_code == 200
    assert answer.json() == {
        "message": MESSAGE,
        "calls": [MESSAGE["content"][1]],
        "usage": MESSAGE["usage"],
    }


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({**MESSAGE, "model": 1}, "`model` must be a string"),
        ({**MESSAGE, "type": "error"}, "`type` must be 'message'"),
        ({**MESSAGE, "content": [{"type": "text"}]}, "`content[0].text` is missing"),
        ("Hello", "Message must be an object, not a string"),
    ],
)
async def test_a_message_that_is_not_one_is_refused(app: FastAPI, message: Any, words: str) -> None:
    answer = await post(app, "/turns", {"message": message})
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert detail["loc"] == ["body", "message"]
    assert words in detail["msg"]


async def test_the_schema_of_the_app_describes_them(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    message = schemas["Turn"]["properties"]["message"]
    assert message["title"] == "Message"
    assert message["required"] == ["type", "id", "role", "model", "content"]
    assert message["properties"]["usage"] == {"type": "object"}
    assert message["properties"]["content"] == {"type": "array", "items": {"type": "object"}}
    assert message["properties"]["stop_reason"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    call = schemas["Turn"]["properties"]["call"]["anyOf"][0]
    assert call["properties"]["name"] == {"type": "string"}
    titles = [one["title"] for one in schemas["Answer"]["properties"]["calls"]["items"]["anyOf"]]
    assert {"TextBlock", "ToolUseBlock", "ThinkingBlock"} <= set(titles)
    sent = app.openapi()["paths"]["/messages"]["post"]["requestBody"]["content"]
    assert sent["application/json"]["schema"]["title"] == "Message"
