"""The clients under attack: the bodies of errors, waits, and secrets that a server repeats."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import pytest
from streamfold.adapters.anthropic import APIResponseValidationError, OverloadedError

from tests.support.bombs import ENCODINGS, MEGABYTE, comments, compress
from tests.support.loopback import chunk, head

pytestmark = pytest.mark.anyio

MOST_MEMORY = 30 * MEGABYTE


@pytest.fixture
def peak() -> Any:
    """The most memory since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


# --- the bodies of errors -----------------------------------------------------------------------


def endless(piece: bytes) -> Any:
    """A step that sends chunks until the client leaves."""

    def step(connection: Any) -> None:
        try:
            for _ in itertools.repeat(None):
                connection.socket.sendall(chunk(piece))
        except OSError:
            connection.left.set()

    return step


CHUNKED = {"transfer-encoding": "chunked", "content-type": "text/plain"}


@pytest.mark.parametrize(
    ("status", "error", "shown"),
    [(529, OverloadedError, 65536), (200, APIResponseValidationError, 200)],
)
async def test_an_endless_body_that_is_not_a_stream_is_read_to_its_bound(
    calling, server, peak, status: int, error: Any, shown: int
) -> None:
    server.answer([head(status, CHUNKED), endless(b"x" * 50_000)])
    with pytest.raises(error) as caught:
        await calling(max_retries=0).message()
    assert caught.value.body == "x" * shown
    assert server.connections[0].left.wait(10)
    assert peak() < MOST_MEMORY


@pytest.mark.parametrize("encoding", [*ENCODINGS, "gzip, gzip"])
async def test_a_bomb_in_the_body_of_an_error(calling, server, peak, encoding: str) -> None:
    wire = compress(encoding.split(", "), comments(100))
    headers = {**CHUNKED, "content-encoding": encoding}
    server.answer([head(529, headers), chunk(wire), chunk(b"")])
    with pytest.raises(OverloadedError) as caught:
        await calling(max_retries=0).message()
    assert caught.value.body.startswith(":aaa")
    assert len(caught.value.body) == 65536
    assert peak() < MOST_MEMORY


async def test_an_encoding_that_python_lacks(calling, server) -> None:
    server.answer(
        [
            head(529, {**CHUNKED, "content-type": "text/plain; charset=klingon"}),
            chunk(b"busy \xff"),
            chunk(b""),
        ]
    )
    with pytest.raises(OverloadedError, match="529: busy \ufffd"):
        await calling(max_retries=0).message()
