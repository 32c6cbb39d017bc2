"""Requests and messages as attributes: exactly as in the conventions, for any request."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import json_documents, messages
from streamfold.adapters.telemetry.conventions import (
    input_content,
    operation_of,
    output_content,
    response_attributes,
    route_of,
    token_counts,
)
from streamfold.reducer import Message

BODY = {
    "model": "claude-opus-4-6",
    "max_tokens": 100,
    "temperature": 0,
    "top_k": 5,
    "top_p": 0.5,
    "stop_sequences": ["END", 3],
    "stream": True,
    "output_config": {"format": {"type": "json_schema"}},
}


def operation(url: str, body: Any = BODY) -> Any:
    target = httpx.URL(url)
    route = route_of("POST", target.path)
    assert route is not None
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return operation_of(route, target, content)


def test_the_parameters_of_a_request() -> None:
    made = operation("https://api.anthropic.com/v1/messages?beta=true")
    assert made.name == "chat claude-opus-4-6"
    assert made.identity == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-opus-4-6",
        "server.address": "api.anthropic.com",
        "server.port": 443,
    }
    assert made.parameters == {
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_k": 5.0,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.output.type": "json",
    }
    assert isinstance(made.parameters["gen_ai.request.temperature"], float)


@pytest.mark.parametrize("value", [10**400, float("inf"), float("nan")])
def test_a_number_that_a_parameter_cannot_be_stops_no_request(value: float) -> None:
    made = operation("https://api.anthropic.com/v1/messages", {"max_tokens": value, "top_k": 5})
    assert made.parameters["gen_ai.request.top_k"] == 5.0


@pytest.mark.parametrize(
    ("url", "provider", "model", "streamed", "port"),
    [
        ("http://localhost:8080/v1/messages", "anthropic", "claude-opus-4-6", True, 8080),
        ("http://localhost/v1/messages", "anthropic", "claude-opus-4-6", True, 80),
        (
            "https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.anthropic.claude%3A0/invoke",
            "aws.bedrock",
            "eu.anthropic.claude:0",
            False,
            443,
        ),
        (
            "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/invoke-with-response-stream",
            "aws.bedrock",
            "m",
            True,
            443,
        ),
        (
            "https://eu-aiplatform.googleapis.com/v1/projects/p/locations/eu/publishers/anthropic"
            "/models/claude@1:streamRawPredict",
            "gcp.vertex_ai",
            "claude@1",
            True,
            443,
        ),
        ("https://x.googleapis.com/v1/models/c:rawPredict", "gcp.vertex_ai", "c", False, 443),
    ],
)
def test_the_providers(url: str, provider: str, model: str, streamed: bool, port: int) -> None:
    made = operation(url)
    assert (made.provider, made.model, made.streamed) == (provider, model, streamed)
    assert made.server["server.port"] == port


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/files"),
        ("POST", "/v1/complete"),
    ],
)
def test_other_requests_are_not_for_a_message(method: str, path: str) -> None:
    assert route_of(method, path) is None


@pytest.mark.parametrize("body", [b"", b"[1]", b"\xff", b'{"model": 3}', b"[" * 100_000])
def test_a_body_that_says_nothing(body: bytes) -> None:
    made = operation("https://api.anthropic.com/v1/messages", body)
    assert (made.name, made.model) == ("chat", None)
    assert "gen_ai.request.model" not in made.identity
    assert made.parameters == {"gen_ai.request.stream": False}


def message(**fields: Any) -> Message:
    return Message.from_dict(
        {"id": "msg_1", "role": "assistant", "model": "m", "content": [], **fields}
    )


def test_input_tokens_count_the_cached_ones_too() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 7,
        "cache_read_input_tokens": 200,
        "cache_creation_input_tokens": 3000,
        "output_tokens_details": {"thinking_tokens": 5},
    }
    made = message(stop_reason="end_turn", usage=usage)
    assert response_attributes(made) == {
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.usage.input_tokens": 3210,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 200,
        "gen_ai.usage.cache_creation.input_tokens": 3000,
        "gen_ai.usage.reasoning.output_tokens": 5,
    }


def test_output_tokens_are_not_known_before_the_end() -> None:
    usage = {"input_tokens": 10, "output_tokens": 1, "output_tokens_details": None}
    assert response_attributes(message(usage=usage)) == {
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "m",
        "gen_ai.usage.input_tokens": 10,
    }


def test_a_count_that_is_null_is_left_out() -> None:
    made = message(usage={"input_tokens": None, "output_tokens": 1}, stop_reason="end_turn")
    assert token_counts(made) == {"output": 1}


@given(messages(unknown=True))
def test_any_message_has_attributes(fields: dict[str, Any]) -> None:
    made = Message.from_dict(fields)
    for value in response_attributes(made).values():
        assert isinstance(value, (str, int)) or [type(item) for item in value] == [str]
    assert all(type(tokens) is int for tokens in token_counts(made).values())
    (answer,) = output_content(made)["gen_ai.output.messages"]
    assert len(answer["parts"]) == len(made.content)
    assert all(isinstance(part["type"], str) for part in answer["parts"])


def test_content_as_the_conventions_have_it() -> None:
    body = {
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "x"}},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}],
            },
        ],
    }
    assert input_content(body) == {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": [
            {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "Hm"},
                    {"type": "text", "content": "I look."},
                    {
                        "type": "tool_call",
                        "id": "toolu_1",
                        "name": "look",
                        "arguments": {"at": "x"},
                    },
                ],
            },
            {
                "role": "user",
                "parts": [{"type": "tool_call_response", "id": "toolu_1", "response": "rain"}],
            },
        ],
    }
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    made = message(content=[search, result], stop_reason="pause_turn")
    details = {"type": "web_search", "input": {"query": "q"}}
    call = {"type": "server_tool_call", "id": "s", "name": "web_search"}
    assert output_content(made) == {
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [{**call, "server_tool_call": details}, result],
                "finish_reason": "pause_turn",
            }
        ]
    }
    (unfinished,) = output_content(message())["gen_ai.output.messages"]
    assert "finish_reason" not in unfinished


@given(st.dictionaries(st.sampled_from(["system", "messages"]), json_documents().map(json.loads)))
def test_any_request_has_content_that_is_json(body: dict[str, Any]) -> None:
    json.dumps(input_content(body))
