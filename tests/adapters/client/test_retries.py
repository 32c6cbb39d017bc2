"""Retries: the failures that are retried, the number of attempts, and the waits."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from types import SimpleNamespace

import httpx
import pytest
from streamfold.adapters.anthropic import (
    Anthropic,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    OverloadedError,
)
from streamfold.adapters.client import retries

from tests.support.clients import ANSWER, ASK, PING
from tests.support.events import body, error_event, message_start
from tests.support.loopback import (
    api_error,
    close,
    event_stream,
    html_error,
    reset,
)
from tests.support.shells import KEY, MESSAGE

pytestmark = pytest.mark.anyio

# --- over a socket --------------------------------------------------------------------------------


BUSY = {
    "408": html_error(408),
    "409": api_error(409, "invalid_request_error"),
    "429": api_error(429, "rate_limit_error"),
    "500": api_error(500, "api_error"),
    "502": html_error(502),
    "503": html_error(503),
    "504": api_error(504, "timeout_error"),
    "529": api_error(529, "overloaded_error"),
    "x-should-retry": api_error(400, "invalid_request_error", headers={"x-should-retry": "true"}),
    "reset": [reset],
    "closed": [close],
    "reset after the head": [ANSWER[0], reset],
    "reset after a ping": [*event_stream(PING)[:2], reset],
    "overloaded": event_stream(body(error_event("overloaded_error"))),
    "limited": event_stream(body(error_event("rate_limit_error"))),
    "failed": event_stream(body(error_event("api_error"))),
    "timed out": event_stream(body(error_event("timeout_error"))),
    "ping, then overloaded": event_stream(PING * 3 + body(error_event("overloaded_error"))),
    "ping, then overloaded, in pieces": event_stream(
        PING + body(error_event("overloaded_error")), chunks=1
    ),
}


@pytest.mark.parametrize("failure", BUSY)
async def test_failures_that_are_retried(calling, server, failure) -> None:
    server.answer(BUSY[failure], BUSY[failure], ANSWER)
    assert await calling().message() == MESSAGE
    assert len(server.requests) == 3
    assert len({request.body for request in server.requests}) == 1
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}


FINAL = {
    "400": api_error(400, "invalid_request_error"),
    "401": api_error(401, "authentication_error"),
    "403": api_error(403, "permission_error"),
    "404": api_error(404, "not_found_error"),
    "413": api_error(413, "request_too_large"),
    "422": html_error(422),
    "x-should-retry is false": api_error(
        529, "overloaded_error", headers={"x-should-retry": "false"}
    ),
    "the request is wrong": event_stream(body(error_event("invalid_request_error"))),
    "x-should-retry is false, in a stream": event_stream(
        body(error_event("overloaded_error")), headers={"x-should-retry": "false"}
    ),
    "unknown": event_stream(body(error_event("some_new_error"))),
}


@pytest.mark.parametrize("failure", FINAL)
async def test_failures_that_are_not_retried(calling, server, failure) -> None:
    server.answer(FINAL[failure], ANSWER)
    with pytest.raises(APIStatusError):
        await calling().message()
    assert len(server.requests) == 1


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (1, 2), (2, 3), (4, 5)])
async def test_the_number_of_attempts(calling, server, retries, requests) -> None:
    server.answer(api_error(529, "overloaded_error"))
    with pytest.raises(OverloadedError):
        await calling(max_retries=retries).message()
    assert len(server.requests) == requests


@pytest.mark.parametrize("pieces", [None, 1])
async def test_no_retry_after_an_event_was_handed_out(calling, server, pieces) -> None:
    failing = body(message_start(), error_event("overloaded_error"))
    server.answer(event_stream(failing, chunks=pieces), ANSWER)
    async with calling().stream() as stream:
        seen = [await stream.__anext__()]
        with pytest.raises(OverloadedError) as caught:
            await stream.__anext__()
    assert [event.type for event in seen] == ["message_start"]
    assert caught.value.snapshot.message.id == "msg_1"
    assert caught.value.status_code == 529
    assert len(server.requests) == 1


async def test_the_wait_of_the_api_is_kept(calling, server, waits) -> None:
    server.answer(api_error(429, "rate_limit_error", headers={"retry-after-ms": "50"}), ANSWER)
    began = time.monotonic()
    assert await calling().message() == MESSAGE
    assert time.monotonic() - began >= 0.05
    assert waits == [pytest.approx(0.05)]


# --- decisions ------------------------------------------------------------------------------------


def test_the_waits_grow(waits, monkeypatch) -> None:
    def fail() -> None:
        raise APIConnectionError("refused")

    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda seconds: None))
    with pytest.raises(APIConnectionError):
        retries.retrying(6, "RetryingCaller")(fail)
    assert len(waits) == 6
    for wait, least in zip(waits, [0.5, 1, 2, 4, 8, 8], strict=True):
        assert least - 1e-9 <= wait <= min(least + 0.5, 8) + 1e-9


def test_attempts_that_take_long_are_retried_all_the_same(waits, monkeypatch) -> None:
    """stamina gives up after 45 seconds in all, unless it is given another limit."""
    clock = SimpleNamespace(now=0.0)

    def fail() -> None:
        clock.now += 600
        raise APIConnectionError("refused")

    frozen = SimpleNamespace(monotonic=lambda: clock.now, time=lambda: clock.now)
    monkeypatch.setattr("tenacity.time", frozen)
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda seconds: None))
    with pytest.raises(APIConnectionError):
        retries.retrying(3, "RetryingCaller")(fail)
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "999999"}, None),
        ({"retry-after": "60"}, 60.0),
        ({"retry-after": "60.1"}, None),
        ({"retry-after-ms": "60001"}, None),
        ({"retry-after": "Sat, 01 Jan 2000 00:01:01 GMT"}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"retry-after": "Sat, 01 Jan 2000 00:00:10 GMT"}, 10.0),
        ({"retry-after": "Sat, 01 Jan 2000 02:00:10 +0200"}, 10.0),
        ({"retry-after": "Sat, 01 Jan 99999 00:00:10 GMT"}, None),
    ],
)
def test_retry_after(headers, wait) -> None:
    new_year_2000 = 946_684_800.0
    assert retries.retry_after(httpx.Headers(headers), new_year_2000) == wait


def test_the_wait_after_each_kind_of_error() -> None:
    def error(status: int, headers: dict[str, str] | None = None) -> APIStatusError:
        response = httpx.Response(
            status, headers=headers, request=httpx.Request("POST", "http://x")
        )
        return APIStatusError("x", status_code=status, response=response)

    assert retries.retry_wait(error(529), 0) is True
    assert retries.retry_wait(error(529, {"retry-after": "2"}), 0) == 2.0
    assert retries.retry_wait(error(400, {"retry-after": "2"}), 0) is False
    assert retries.retry_wait(error(503, {"x-should-retry": "maybe"}), 0) is True
    assert retries.retry_wait(APITimeoutError("x"), 0) is True
    assert retries.retry_wait(KeyboardInterrupt(), 0) is False
    assert retries.retry_wait(APIStatusError("x", status_code=529), 0) is False


# --- without retries ------------------------------------------------------------------------------


def test_retries_need_stamina(monkeypatch, server) -> None:
    monkeypatch.setitem(sys.modules, "stamina", None)
    with pytest.raises(ImportError, match=r"pip install 'streamfold\[client\]'"):
        Anthropic(api_key=KEY)
    server.answer(ANSWER)
    client = Anthropic(api_key=KEY, base_url=server.url, max_retries=0)
    with client, client.messages.stream(**ASK) as stream:
        assert stream.get_final_message() == MESSAGE


def test_negative_max_retries() -> None:
    with pytest.raises(
        ValueError, match=r"max_retries must be at least 0 \(0 = one attempt\), got -1"
    ):
        Anthropic(api_key=KEY, max_retries=-1)


# --- errors and output ----------------------------------------------------------------------------


@pytest.mark.parametrize("failure", ["overloaded", "reset"])
async def test_the_traceback_has_no_frames_of_the_library_that_retries(
    calling, server, failure
) -> None:
    server.answer(*[BUSY[failure]] * 2)
    with pytest.raises((OverloadedError, APIConnectionError)) as caught:
        await calling(max_retries=1).message()
    paths = [str(entry.path) for entry in caught.traceback]
    assert not [path for path in paths if "stamina" in path or "tenacity" in path]
    assert (caught.value.__cause__ is not None) is (failure == "reset")


def test_a_retry_prints_nothing(server) -> None:
    busy = api_error(529, "overloaded_error", headers={"retry-after-ms": "1"})
    server.answer(busy, ANSWER)
    code = """
import subprocess
import sys
from streamfold.adapters.anthropic import Anthropic
client = Anthropic(api_key="k", base_url=sys.argv[1])
answer = client.messages.create(model="m", max_tokens=1, messages=[], stream=True)
print(len(list(answer)))
"""
    command = [sys.executable, "-c", code, server.url]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert done.stderr == ""
    assert int(done.stdout) > 0
    assert len(server.requests) == 2


def test_many_clients_leave_one_handler_in_the_logger_of_stamina() -> None:
    Anthropic(api_key=KEY)
    before = list(logging.getLogger("stamina").handlers)
    for _ in range(3):
        Anthropic(api_key=KEY).with_options(max_retries=5)
    assert logging.getLogger("stamina").handlers == before
