"""The request as a value and on the wire: headers, fields, options, and concealed secrets."""

from __future__ import annotations

import json
import pickle
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from streamfold.adapters.anthropic import (
    NOT_GIVEN,
    Anthropic,
    IncompleteStreamError,
    NotFoundError,
    ProtocolError,
)
from streamfold.adapters.client import requests
from streamfold.transports import REDACTION

from tests.support.clients import ANSWER, ASK
from tests.support.events import block_start, body, message_start, text_delta
from tests.support.loopback import (
    Server,
    event_stream,
)
from tests.support.shells import KEY

pytestmark = pytest.mark.anyio

QUESTION: Any = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "?"}]}
CUT = body(message_start(), block_start(0, type="text", text=""), text_delta(0, "so far"))


async def test_the_request_as_sent(calling, server) -> None:
    server.answer(ANSWER)
    await calling().message(
        system="Be brief.", temperature=0.5, top_k=None, tools=NOT_GIVEN, timeout=None
    )
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.body == (
        b'{"max_tokens":100,"messages":[{"role":"user","content":"Say hello"}],'
        b'"model":"claude-opus-4-6","system":"Be brief.","temperature":0.5,'
        b'"top_k":null,"stream":true}'
    )
    headers = {name: request.headers[name] for name in request.headers if name != "user-agent"}
    assert headers == {
        "host": server.url.removeprefix("http://"),
        "accept": "application/json",
        "accept-encoding": headers["accept-encoding"],
        "connection": "keep-alive",
        "anthropic-version": "2026-10-21",
        "content-type": "application/json",
        "content-length": str(len(request.body)),
        "authorization": f"Bearer {KEY}",
    }
    assert request.headers["user-agent"].startswith("streamfold")


async def test_the_beta_as_sent(calling, server) -> None:
    server.answer(ANSWER)
    caller = calling(default_headers={"anthropic-beta": "one", "x-mine": "a", "x-other": "b"})
    await caller.message(
        beta=True,
        betas=["two", "three"],
        mcp_servers=[{"type": "url", "url": "https://example.com", "name": "m"}],
        user_profile_id="profile_1",
        workspace_id="wrkspc_1",
        extra_headers={"Anthropic-Beta": "three, four", "X-Mine": "c", "x-other": None},
        extra_query={"trace": "1"},
        extra_body={"model": "another", "container": None, "stream": False},
    )
    (request,) = server.requests
    assert request.path == "/v1/messages?trace=1"
    assert request.headers["anthropic-beta"] == "one,two,three,four"
    assert request.headers["anthropic-user-profile-id"] == "profile_1"
    assert request.headers["anthropic-workspace-id"] == "wrkspc_1"
    assert request.headers["x-mine"] == "c"
    assert "x-other" not in request.headers
    sent = request.json()
    assert sent["mcp_servers"] == [{"type": "url", "url": "https://example.com", "name": "m"}]
    assert (sent["model"], sent["container"], sent["stream"]) == ("another", None, True)
    assert not {"betas", "user_profile_id", "workspace_id", "output_format"} & set(sent)


def test_the_user_agent_has_the_version(monkeypatch) -> None:
    requests.user_agent.cache_clear()
    found = [SimpleNamespace(version="9.9")]
    monkeypatch.setattr(requests.Distribution, "discover", lambda name: iter(found))
    assert requests.user_agent() == "streamfold/9.9"
    requests.user_agent.cache_clear()
    found.clear()
    assert requests.user_agent() == "streamfold"
    requests.user_agent.cache_clear()


def test_the_repr_of_a_call_has_no_key() -> None:
    settings = requests.Settings(
        base_url=httpx.URL(f"https://user:{KEY}@example.com"),
        credentials={"x-api-key": KEY},
        headers={"x-secret": KEY},
        query={"key": KEY},
        timeout=None,
    )
    call = requests.prepare(settings, method="stream", beta=False, stream=True, **ASK)
    assert call.url.params["key"] == KEY
    assert KEY not in repr(call) + repr(settings)
    assert call.headers["x-api-key"] == call.headers["x-secret"] == KEY


def test_options_of_the_stream_are_not_fields_of_the_body(server: Server) -> None:
    with Anthropic(api_key="k", base_url=server.url, max_retries=0) as client:
        server.answer(event_stream(CUT), event_stream(CUT), event_stream(CUT))
        with client.messages.stream(**QUESTION, allow_incomplete=True) as stream:
            assert stream.get_final_text() == "so far"
        with client.messages.stream(**QUESTION, partial_mode="trailing-strings") as stream:
            assert stream.snapshot.partial_mode == "trailing-strings"
            with pytest.raises(IncompleteStreamError):
                stream.get_final_message()
        with pytest.raises(ProtocolError, match="limit of 10 bytes"):
            client.messages.stream(**QUESTION, limit=10).__enter__()
    for request in server.requests:
        assert set(json.loads(request.body)) == {"model", "max_tokens", "messages", "stream"}


def test_an_error_shows_no_secret_header_and_no_password(server: Server) -> None:
    url = server.url.replace("http://", "http://user:HIDDEN1@")
    headers = {"cf-access-client-secret": "HIDDEN2", "anthropic-beta": "shown"}
    server.answer([b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"])
    with (
        Anthropic(
            api_key="HIDDEN3", base_url=url, max_retries=0, default_headers=headers
        ) as client,
        pytest.raises(NotFoundError) as caught,
    ):
        client.messages.stream(
            **QUESTION,
            extra_headers={"proxy-authorization": "HIDDEN4"},
            extra_query={"x-api-key": "HIDDEN5", "page": "2"},
        ).__enter__()
    assert server.requests[0].headers["cf-access-client-secret"] == "HIDDEN2"
    error = caught.value
    assert error.request is not None
    assert error.request.url.params["page"] == "2"
    shown = [repr(error), repr(vars(error)), repr(error.request), repr(pickle.dumps(error))]
    assert "HIDDEN" not in "".join([*shown, repr(list(error.request.headers.items()))])
    assert error.request.headers["anthropic-beta"] == "shown"


def test_every_value_of_a_secret_header_is_concealed() -> None:
    secrets = ["HIDDEN-value-one", "HIDDEN-value-two", "HIDDEN-value-three"]
    names = ["X-Api-Key", "x-api-key", "x-clé-token"]
    pairs = [(name.encode(), secret.encode()) for name, secret in zip(names, secrets, strict=True)]
    request = httpx.Request("POST", "https://example.com", headers=[*pairs, (b"accept", b"a")])
    requests.conceal(request)
    concealed = {"x-api-key": "[secure]", "x-clé-token": "[secure]", "accept": "a"}
    assert {name: request.headers[name] for name in concealed} == concealed
    assert "HIDDEN" not in repr(request.headers.raw)
    shown = request.extensions[REDACTION].text(" ".join(secrets))
    assert shown == "[secret] [secret] [secret]"
