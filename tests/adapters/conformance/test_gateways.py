"""Live gateways: the requests that are sent, and the reports of their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamfold.adapters.conformance import REQUESTS, GatewayReport, Violation, conform, gateways
from streamfold.reducer import encode_sse

from tests.support.loopback import Server, close, event_stream, response
from tests.support.planted.emitters import Right

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 3},
}
EVENTS = Right.emit(MESSAGE)
LEGAL = encode_sse(EVENTS)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/messages"])
def test_every_request_is_sent_and_its_answer_checked(server: Server, path: str) -> None:
    server.answer(event_stream(LEGAL))
    reports = list(conform(server.url + path, model="m", api_key="k", headers={"x-a": "b"}))
    assert [report.request for report in reports] == list(REQUESTS)
    assert all(report.is_legal for report in reports)
    assert str(reports[0]) == f"text: {len(EVENTS)} events, legal"
    sent = server.requests
    assert {request.path for request in sent} == {"/v1/messages"}
    assert {request.headers["x-api-key"] for request in sent} == {"k"}
    assert {request.headers["x-a"] for request in sent} == {"b"}
    for request, expected in zip(sent, REQUESTS.values(), strict=True):
        body = request.json()
        assert body["model"] == "m"
        assert body["stream"] is True
        assert body["max_tokens"] == expected.get("max_tokens", 256)
        assert body["messages"] == expected["messages"]


def test_a_broken_rule_is_reported(server: Server) -> None:
    server.answer(event_stream(encode_sse(EVENTS[:-1])))
    report = next(conform(server.url))
    assert report.violations == (
        Violation("message-stop", len(EVENTS) - 1, "the stream ended before message_stop"),
    )
    assert not report.is_legal
    assert str(report).splitlines()[1] == f"  {report.violations[0]}"
    assert report.to_dict()["violations"][0]["rule"] == "message-stop"


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (lambda: response(500, b"{}", "application/json"), "status 500: "),
        (lambda: response(200, b"{}", "application/json"), "content type 'application/json': "),
        (lambda: [close], "RemoteProtocolError: "),
    ],
)
def test_an_answer_that_is_not_a_stream(
    server: Server, answer: Callable[[], Any], failure: str
) -> None:
    server.answer(answer())
    report = next(conform(server.url))
    assert report.failure is not None
    assert report.failure.startswith(failure)
    assert str(report).startswith(f"text: {failure}")
    assert not report.is_legal


def test_an_endless_answer_is_not_read_to_its_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "_LIMIT", 10)
    server.answer(event_stream(LEGAL))
    assert next(conform(server.url)) == GatewayReport("text", failure="the answer exceeds 10 bytes")


def test_a_url_needs_a_scheme() -> None:
    with pytest.raises(ValueError, match="must begin with http:// or https://, got"):
        next(conform("localhost"))
