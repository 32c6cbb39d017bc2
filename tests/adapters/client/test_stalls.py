"""`stall_timeout` of the clients: of all requests, of one, before the headers, and retried."""

from __future__ import annotations

import httpx
import pytest
from streamfold.adapters.anthropic import APITimeoutError, StalledStreamError
from streamfold.reducer import Timing

from tests.support.clients import ANSWER, PING
from tests.support.events import body
from tests.support.loopback import chunk, event_stream, hold, wait
from tests.support.shells import BODY, EVENTS, KEY, MESSAGE

pytestmark = pytest.mark.anyio

STALL = 0.3
HEAD = event_stream(BODY)[0]
PINGS = [step for _ in range(100) for step in (chunk(PING), wait(0.05))]
SILENT = [HEAD, *PINGS, hold]
BEGUN = [HEAD, *(chunk(body(event)) for event in EVENTS[:4]), *PINGS, hold]


async def test_a_stall_after_the_first_event_is_not_retried(calling, server):
    server.answer(BEGUN, ANSWER)
    with pytest.raises(StalledStreamError, match="4 events came") as raised:
        await calling(stall_timeout=STALL, max_retries=2).message()
    assert len(server.requests) == 1
    assert raised.value.snapshot.message.id == MESSAGE.id
    assert raised.value.timing.events == 4
    assert raised.value.request.url.path == "/v1/messages"
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("answer", [SILENT, [hold]])
async def test_a_stall_before_the_first_event_is_retried(calling, server, answer):
    """A response of pings stalls, and so does a server that never answers."""
    server.answer(answer, ANSWER)
    assert await calling(stall_timeout=STALL, max_retries=1).message() == MESSAGE
    assert len(server.requests) == 2


async def test_a_server_that_does_not_answer(calling, server):
    server.answer([hold])
    with pytest.raises(StalledStreamError, match=r"within 0.3 s .* but no event came:") as raised:
        await calling(stall_timeout=STALL, max_retries=0).message()
    assert raised.value.timing is None
    assert raised.value.request.url.path == "/v1/messages"


async def test_the_stall_timeout_of_a_request(calling, server):
    server.answer(BEGUN, ANSWER)
    calls = calling(stall_timeout=60, max_retries=0)
    with pytest.raises(StalledStreamError):
        await calls.message(stall_timeout=STALL)
    assert await calls.message() == MESSAGE


@pytest.mark.parametrize("timeout", [0.2, httpx.Timeout(10, read=0.2)])
async def test_a_shorter_timeout_of_httpx_is_no_stall(calling, server, timeout):
    server.answer([hold])
    with pytest.raises(APITimeoutError) as raised:
        await calling(stall_timeout=5, timeout=timeout, max_retries=0).message()
    assert not isinstance(raised.value, StalledStreamError)


async def test_without_a_limit_of_httpx_a_stall_still_ends_the_wait(calling, server):
    server.answer([hold])
    with pytest.raises(StalledStreamError):
        await calling(stall_timeout=STALL, timeout=None, max_retries=0).message()


async def test_times_count_from_the_request(calling, server):
    server.answer([wait(0.2), *ANSWER])
    async with calling(max_retries=0).stream() as stream:
        assert stream.timing.headers >= 0.2
        await stream.until_done()
        timing = stream.timing
    assert timing.headers <= timing.first_event <= timing.last_event <= timing.duration
    assert timing.events == len(EVENTS)
    assert isinstance(timing, Timing)


async def test_a_timeout_that_cannot_be(calling):
    with pytest.raises(ValueError, match="stall_timeout must be seconds"):
        calling(stall_timeout=0)
    with pytest.raises(ValueError, match="stall_timeout must be seconds"):
        await calling(max_retries=0).message(stall_timeout=-1)
