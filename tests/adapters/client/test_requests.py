"""What is asked of the API, what is asked of the stream, and what an error may show of either."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from streamfold.adapters.anthropic import Anthropic, IncompleteStreamError, NotFoundError
from streamfold.reducer import ProtocolError, encode_sse

from tests.support.loopback import Server, event_stream
from tests.support.model import block_delta, block_start, message_start

ASK: Any = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "?"}]}
CUT = encode_sse(
    [message_start(), block_start(0, "text", text=""), block_delta(0, "text_delta", text="so far")]
)


def test_how_the_answer_is_read_is_no_field_of_the_body(server: Server) -> None:
    with Anthropic(api_key="k", base_url=server.url, max_retries=0) as client:
        server.answer(event_stream(CUT), event_stream(CUT), event_stream(CUT))
        with client.messages.stream(**ASK, allow_incomplete=True) as stream:
            assert stream.get_final_text() == "so far"
        with client.messages.stream(**ASK, partial_mode="trailing-strings") as stream:
            assert stream.snapshot.partial_mode == "trailing-strings"
            with pytest.raises(IncompleteStreamError):
                stream.get_final_message()
        with pytest.raises(ProtocolError, match="limit of 10 bytes"):
            client.messages.stream(**ASK, limit=10).__enter__()
    for request in server.requests:
        assert set(json.loads(request.body)) == {"model", "max_tokens", "messages", "stream"}


def test_an_error_shows_no_header_that_may_be_secret_and_no_password(server: Server) -> None:
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
            **ASK,
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
