"""Decompression in bounded steps: the same bytes as httpx, and no more memory than the limit.

`compressed` draws a body, its encodings and the chunks of the wire. Bombs are bodies that expand a
thousand times; `tracemalloc` watches the memory that reading them takes.
"""

from __future__ import annotations

import sys
import tracemalloc
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.reducer import DEFAULT_LIMIT, ProtocolError
from streamfold.transports import (
    APIConnectionError,
    MessageStream,
    RecordedResponse,
    Recording,
    replay,
)
from streamfold.transports.recording import AsyncDecompressed, decompressed
from streamfold.transports.recording.decompression import (
    MOST_ENCODINGS,
    MOST_EXPANSION,
    Decompression,
)

from tests.support.bombs import (
    ENCODINGS,
    MEGABYTE,
    bomb,
    comments,
    compress,
    long_line,
    raw_deflate,
)
from tests.support.effort import effort
from tests.support.loopback import Server, chunk, head
from tests.support.shells import BODY, MESSAGE, Shell

pytestmark = pytest.mark.anyio

LARGEST_PIECE = 256 * 1024
"""64 KiB, and one step of the buffer of brotli."""


class Wire(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in these chunks, sync and async."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Any:
        return iter(self.chunks)

    async def __aiter__(self) -> Any:
        for piece in self.chunks:
            yield piece


def response(encoding: str, chunks: list[bytes], status: int = 200) -> httpx.Response:
    headers = {"content-encoding": encoding, "content-type": "text/event-stream"}
    return httpx.Response(status, headers=headers, stream=Wire(chunks))


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    chunks, at = [], 0
    for size in sizes:
        chunks.append(data[at : at + size])
        at += size
    return [*chunks, data[at:]]


bodies = st.binary(max_size=400) | st.binary(min_size=1, max_size=8).map(lambda one: one * 30_000)
encodings = st.lists(st.sampled_from([*ENCODINGS, "x-gzip", "identity"]), max_size=MOST_ENCODINGS)
sizes = st.lists(st.integers(0, 40), max_size=20)


@effort(200)
@given(bodies, encodings, sizes)
@example(b"x" * 300_000, ["gzip", "gzip"], [1] * 20)
def test_any_encodings_in_any_chunks_give_the_body(
    body: bytes, names: list[str], where: list[int]
) -> None:
    wire = compress((name for name in names if name != "identity"), [body])
    header = ", ".join(names)
    pieces = list(decompressed(response(header, cut(wire, where)), httpx, DEFAULT_LIMIT))
    assert b"".join(pieces) == body
    assert all(len(piece) <= LARGEST_PIECE for piece in pieces)


@effort(50)
@given(st.binary(max_size=400), sizes)
def test_deflate_without_the_header_of_zlib(body: bytes, where: list[int]) -> None:
    chunks = cut(raw_deflate(body), where)
    assert b"".join(decompressed(response("deflate", chunks), httpx, DEFAULT_LIMIT)) == body


@effort(100)
@given(st.sampled_from(ENCODINGS), st.binary(max_size=100), sizes)
def test_bytes_that_are_not_compressed_raise_or_give_bounded_pieces(
    encoding: str, wire: bytes, where: list[int]
) -> None:
    try:
        pieces = list(decompressed(response(encoding, cut(wire, where)), httpx, DEFAULT_LIMIT))
    except httpx.DecodingError:
        return
    assert all(len(piece) <= LARGEST_PIECE for piece in pieces)


@pytest.mark.parametrize("body", [b"", BODY], ids=["empty", "whole"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_body_that_comes_byte_by_byte(encoding: str, body: bytes) -> None:
    wire = compress([encoding], [body])
    for chunks in ([wire], cut(wire, [1] * len(wire))):
        assert b"".join(decompressed(response(encoding, chunks), httpx, DEFAULT_LIMIT)) == body


def test_bytes_after_the_end_of_a_member_are_ignored() -> None:
    wire = compress(["gzip"], [b"one"]) + b"garbage"
    assert b"".join(decompressed(response("gzip", [wire, b"more"]), httpx, 100)) == b"one"


def test_two_frames_of_zstd_follow_each_other(zstd_library: str) -> None:
    wire = compress(["zstd"], [b"one"]) + compress(["zstd"], [b"two"])
    for chunks in ([wire], cut(wire, [1] * len(wire))):
        assert b"".join(decompressed(response("zstd", chunks), httpx, 100)) == b"onetwo"
    empty = compress(["zstd"], [b""])
    assert b"".join(decompressed(response("zstd", [empty + wire]), httpx, 100)) == b"onetwo"


@pytest.fixture(params=["zstandard", "backports.zstd"])
def zstd_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each package for zstd alone."""
    other = {"zstandard": "backports.zstd", "backports.zstd": "zstandard"}[request.param]
    pytest.importorskip(request.param)
    for name in ("compression.zstd", other):
        monkeypatch.setitem(sys.modules, name, None)
    return str(request.param)


def test_both_packages_for_zstd_are_bounded(zstd_library: str) -> None:
    wire = compress(["zstd"], comments(64))
    total = 0
    for piece in decompressed(response("zstd", [wire]), httpx, 64 * MEGABYTE):
        assert len(piece) <= LARGEST_PIECE
        total += len(piece)
    assert total == 64 * MEGABYTE
    with pytest.raises(httpx.DecodingError):
        list(decompressed(response("zstd", [b"not zstd"]), httpx, DEFAULT_LIMIT))


def test_a_body_may_expand_1100_times_beyond_the_limit() -> None:
    wire = compress(["gzip"], [b"x" * 30_000])
    assert MOST_EXPANSION == 1100
    for rest in (0, 1):
        limit = 30_000 - 1100 * len(wire) - rest
        pieces = Decompression("gzip", limit).pieces(wire)
        if rest:
            with pytest.raises(ValueError, match=r"expand to more than 30,000"):
                list(pieces)
        else:
            assert b"".join(pieces) == b"x" * 30_000


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("brotli", "brotlicffi"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(httpx.DecodingError, match="encoded with br, which needs brotlicffi"):
        list(decompressed(response("br", [b"x"]), httpx, DEFAULT_LIMIT))


def test_an_old_brotli_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        error = ValueError

        class Decompressor:
            def process(self, data: bytes) -> bytes:
                raise NotImplementedError

    monkeypatch.setitem(sys.modules, "brotli", Old)
    with pytest.raises(httpx.DecodingError, match=r"brotli 1\.2 or newer"):
        list(decompressed(response("br", [b"x"]), httpx, DEFAULT_LIMIT))


def test_more_encodings_than_the_bound() -> None:
    header = ", ".join(["gzip"] * (MOST_ENCODINGS + 1))
    with pytest.raises(httpx.DecodingError, match=r"may have 4 encodings, .* names 5"):
        list(decompressed(response(header, [b"x"]), httpx, DEFAULT_LIMIT))


async def test_an_async_body_that_is_left_early_is_closed() -> None:
    body = AsyncDecompressed(response("gzip", [compress(["gzip"], [b"one"])]), httpx, 100)
    assert [piece async for piece in body] == [b"one"]
    await body.aclose()


class Counted(Wire):
    """A body that counts the chunks it gave, and whether it was closed."""

    given = closed = 0

    async def __aiter__(self) -> Any:
        for piece in self.chunks:
            self.given += 1
            yield piece

    async def aclose(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_body_that_is_left_is_closed_and_read_on_over_a_connection(
    is_connected: bool,
) -> None:
    wire = Counted(cut(BODY, [1] * 9))
    extensions = {"network_stream": None} if is_connected else {}
    answer = httpx.Response(200, stream=wire, extensions=extensions)
    body = AsyncDecompressed(answer, httpx, 100)
    assert await body.__anext__() == BODY[:1]
    await body.aclose()
    assert answer.is_closed
    assert wire.closed == 1
    assert wire.given == (10 if is_connected else 1)


def test_a_response_of_httpx2() -> None:
    class Wire2(httpx2.SyncByteStream):
        def __iter__(self) -> Any:
            yield compress(["gzip"], [BODY])

    answer = httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=Wire2())
    assert b"".join(decompressed(answer, httpx2, DEFAULT_LIMIT)) == BODY
    answer = httpx2.Response(200, headers={"content-encoding": "gzip, gzip"}, stream=Wire2())
    with pytest.raises(httpx2.DecodingError):
        list(decompressed(answer, httpx2, DEFAULT_LIMIT))


# --- bombs --------------------------------------------------------------------------------------

CODINGS = [*((name,) for name in ENCODINGS), ("gzip", "gzip"), ("br", "gzip"), ("gzip", "zstd")]
BOMB = 200  # megabytes
MOST_MEMORY = 60 * MEGABYTE
"""A line of the limit, its text, and pieces; far less than a bomb."""


@pytest.fixture
def peak() -> Any:
    """The most memory since the test asked first."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize("coding", CODINGS, ids=",".join)
def test_a_bomb_in_a_stream_ends_at_the_limit(coding: tuple[str, ...], peak: Any) -> None:
    wire = bomb(coding, long_line, BOMB)
    stream = MessageStream(response(", ".join(coding), [wire]))
    with pytest.raises((ProtocolError, APIConnectionError), match="limit"):
        stream.until_done()
    assert peak() < MOST_MEMORY


@pytest.mark.parametrize("coding", [("gzip", "gzip"), ("zstd",), ("br",)], ids=",".join)
def test_a_bomb_of_comments_ends_too(coding: tuple[str, ...], peak: Any) -> None:
    wire = bomb(coding, comments, BOMB)
    stream = MessageStream(response(", ".join(coding), [wire]))
    with pytest.raises(APIConnectionError, match=r"cannot be decompressed: .* bytes expand to"):
        stream.until_done()
    assert peak() < MOST_MEMORY


@pytest.mark.parametrize("coding", CODINGS, ids=",".join)
def test_a_bomb_in_a_recording(coding: tuple[str, ...], peak: Any) -> None:
    wire = bomb(coding, long_line, BOMB)
    headers = {"content-encoding": ", ".join(coding), "content-type": "text/event-stream"}
    recording = Recording([], response=RecordedResponse(200, headers)) + Recording.of(wire)
    with pytest.raises((ProtocolError, APIConnectionError)):
        replay(recording).until_done()
    assert peak() < MOST_MEMORY


def test_a_limit_of_the_stream_holds_for_its_decompression() -> None:
    wire = compress(["gzip", "gzip"], [b":\n" * 5_000_000])
    options = {"content-encoding": "gzip, gzip"}
    answer = httpx.Response(200, headers=options, stream=Wire([wire]))
    with pytest.raises(APIConnectionError, match="beyond the limit of 1,000 bytes"):
        MessageStream(answer, limit=1000).until_done()


async def test_an_honest_compressed_stream_over_http(server: Server, shell: Shell) -> None:
    for name in ENCODINGS:
        wire = compress([name], [BODY])
        headers = {"content-encoding": name, "transfer-encoding": "chunked"}
        pieces = [chunk(wire[at : at + 50]) for at in range(0, len(wire), 50)]
        server.answer([head(200, headers), *pieces, chunk(b"")])
        async with shell.client() as client:
            stream = await client.open(server)
            assert await stream.get_final_message() == MESSAGE


def test_a_bomb_over_httpx2_ends_at_the_limit(peak: Any) -> None:
    wire = bomb(("gzip", "gzip"), comments, BOMB)

    class Wire2(httpx2.SyncByteStream):
        def __iter__(self) -> Any:
            yield wire

    headers = {"content-encoding": "gzip, gzip", "content-type": "text/event-stream"}
    stream = MessageStream(httpx2.Response(200, headers=headers, stream=Wire2()))
    with pytest.raises(APIConnectionError, match=r"cannot be decompressed: .* bytes expand to"):
        stream.until_done()
    assert peak() < MOST_MEMORY


async def test_a_body_that_was_read_before_is_given_from_memory() -> None:
    answer = response("gzip", [compress(["gzip"], [BODY])])
    answer.read()
    assert b"".join(decompressed(answer, httpx, DEFAULT_LIMIT)) == BODY
    pieces = [piece async for piece in AsyncDecompressed(answer, httpx, DEFAULT_LIMIT)]
    assert b"".join(pieces) == BODY


def test_the_error_of_a_response_that_was_read_before() -> None:
    answer = httpx.Response(200, content=BODY)
    assert MessageStream(answer).get_final_message() == MESSAGE


def test_a_body_that_expands_as_far_as_gzip_can_is_no_bomb():
    body = bytes(1_000_000)
    wire = compress(["gzip"], [body])
    assert len(wire) * 900 < len(body)
    decompression = Decompression("gzip", 1000)
    pieces = [piece for at in range(len(wire)) for piece in decompression.pieces(wire[at : at + 1])]
    assert b"".join(pieces) == body
