"""Bodies that are small on the wire and large once they are decompressed.

`compress(encodings, pieces)` compresses a body piece by piece, so that a test needs no more memory
than the reader it attacks. The encodings stand in the order of the header `content-encoding`.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterable, Iterator

import brotli
import zstandard

MEGABYTE = 1024 * 1024
ENCODINGS = ("gzip", "deflate", "br", "zstd")
Pieces = Iterable[bytes]


def _gzip(pieces: Pieces) -> Iterator[bytes]:
    yield from _zlib(pieces, zlib.MAX_WBITS | 16)


def _zlib(pieces: Pieces, window_bits: int = zlib.MAX_WBITS) -> Iterator[bytes]:
    compressor = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _brotli(pieces: Pieces) -> Iterator[bytes]:
    compressor = brotli.Compressor(quality=5)
    for piece in pieces:
        yield compressor.process(piece)
    yield compressor.finish()


def _zstd(pieces: Pieces) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


_COMPRESSORS: dict[str, Callable[[Pieces], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _zlib,
    "br": _brotli,
    "zstd": _zstd,
}


def compress(encodings: Iterable[str], pieces: Pieces) -> bytes:
    """The body of these pieces under these encodings, in the order of the header."""
    for encoding in encodings:
        pieces = _COMPRESSORS[encoding](pieces)
    return b"".join(pieces)


@functools.cache  # because compressing takes longer than the attack
def bomb(encodings: tuple[str, ...], pieces: Callable[[int], Pieces], megabytes: int) -> bytes:
    """The bytes on the wire of this many megabytes: `bomb(("gzip",), comments, 100)`."""
    return compress(encodings, pieces(megabytes))


def raw_deflate(data: bytes) -> bytes:
    """`data` deflated without the header of zlib, as some servers send it."""
    return b"".join(_zlib([data], -zlib.MAX_WBITS))


def long_line(megabytes: int) -> Iterator[bytes]:
    """One event whose line does not end for this many megabytes."""
    yield b"event: x\ndata: "
    for _ in range(megabytes):
        yield b"a" * MEGABYTE


def comments(megabytes: int) -> Iterator[bytes]:
    """Comments, which a stream skips, of this many megabytes."""
    for _ in range(megabytes):
        yield b":" + b"a" * (MEGABYTE - 2) + b"\n"


__all__ = ["ENCODINGS", "MEGABYTE", "bomb", "comments", "compress", "long_line", "raw_deflate"]
