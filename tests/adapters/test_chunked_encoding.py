"""The chunked encoding, beside the decoder of h11, which httpx uses."""

from __future__ import annotations

from collections.abc import Iterator

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.chunked_encoding import dechunked

CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=8)
EXTENSIONS = st.sampled_from([b"", b";a=b", b';a="b c"', b" "])
TRAILERS = st.sampled_from([b"", b"a: b\r\n", b"a: b\r\nc: d\r\n"])


@st.composite
def encoded(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A body, and the same in chunks."""
    pieces = draw(CHUNKS)
    lines = [
        draw(st.sampled_from([b"%x", b"%X", b"0%x"])) % len(piece) + draw(EXTENSIONS)
        for piece in pieces
    ]
    chunks = [b"%b\r\n%b\r\n" % pair for pair in zip(lines, pieces, strict=True)]
    last = b"0%b\r\n%b\r\n" % (draw(EXTENSIONS), draw(TRAILERS))
    return b"".join(pieces), b"".join(chunks) + last


def in_pieces(wire: bytes, size: int) -> Iterator[bytes]:
    """The decoded pieces of bytes that arrive in pieces of one size; then the connection ends."""
    arriving = iter([wire[at : at + size] for at in range(0, len(wire), size)])
    return dechunked(lambda _: next(arriving, b""))


def decoded(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """The joined pieces, and whether the end came."""
    body = bytearray()
    try:
        for piece in pieces:
            assert piece
            body += piece
    except httpx.RemoteProtocolError:
        return bytes(body), False
    return bytes(body), True


def by_h11(wire: bytes) -> Iterator[bytes]:
    """The same with h11."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + wire)
    connection.receive_data(b"")
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error


@given(encoded(), st.integers(1, 100))
def test_legal_bodies(body_and_wire: tuple[bytes, bytes], size: int) -> None:
    body, wire = body_and_wire
    assert decoded(in_pieces(wire, size)) == decoded(by_h11(wire)) == (body, True)


@given(encoded(), st.integers(1, 100), st.data())
def test_a_cut_is_not_an_end(
    body_and_wire: tuple[bytes, bytes], size: int, data: st.DataObject
) -> None:
    body, wire = body_and_wire
    cut = wire[: data.draw(st.integers(0, len(wire) - 1))]
    received, is_whole = decoded(in_pieces(cut, size))
    assert body.startswith(received)
    assert (received, is_whole) == (decoded(by_h11(cut))[0], False)


@given(encoded(), st.integers(1, 100), st.data())
def test_damaged_bodies(body_and_wire: tuple[bytes, bytes], size: int, data: st.DataObject) -> None:
    """A body that h11 refuses, or reads in another way, is refused."""
    wire = bytearray(body_and_wire[1])
    end_of_chunks = wire.rindex(b"\r\n0") + 3 if wire.count(b"\r\n0") else 1
    position = data.draw(st.integers(0, end_of_chunks - 1))
    wire[position] = data.draw(st.sampled_from(b"0123456789abcdefABCDEFx+-_;, \r\n\0\xff"))
    received, is_whole = decoded(in_pieces(bytes(wire), size))
    if is_whole:
        assert (received, True) == decoded(by_h11(bytes(wire)))


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"-5\r\n", "the size of a chunk"),
        (b"0x3\r\nabc\r\n", "the size of a chunk"),
        (b"+3\r\nabc\r\n", "the size of a chunk"),
        (b"3\nabc\r\n", "the size of a chunk"),
        (b"\r\n", "the size of a chunk"),
        (b"1" * 17 + b"\r\n", "the size of a chunk"),
        (b"3\r\nabcde", "the end of a chunk"),
        (b"3;" + b"x" * 1100, "a size line without an end"),
        (b"0\r\nabc\r\n\r\n", "the trailer: b'abc"),
        (b"0\r\n" + b"a: b\r\n" * 3000, "a trailer without an end"),
        (b"3\r\nab", "the connection was closed before the end of the body"),
    ],
)
@pytest.mark.parametrize("size", [7, 100_000])
def test_refusals(wire: bytes, reason: str, size: int) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match=reason):
        list(in_pieces(wire, size))


def test_a_piece_is_handed_out_when_it_comes() -> None:
    arriving = [b"a\r\n012", b"345", b"6789\r\n0\r\n\r\n"]
    pieces = dechunked(lambda _: arriving.pop(0))
    assert (next(pieces), len(arriving)) == (b"012", 2)
    assert (next(pieces), len(arriving)) == (b"345", 1)
    assert list(pieces) == [b"6789"]
