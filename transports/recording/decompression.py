"""Decompression in bounded steps, for bodies with a `content-encoding`.

httpx decompresses a whole chunk of the wire at once, so that two kilobytes can become gigabytes.
The functions here read the raw chunks of a response and decompress them in pieces of about 64 KiB,
each of which is folded before the next one is made. The encodings are undone from the last to the
first in the header (RFC 9110). An unknown one is passed on as it is, as httpx does.

Bounds, beside that of one piece:

- A body may have `MOST_ENCODINGS` encodings.
- The decompressed body may have `limit` bytes and, beyond that, `MOST_EXPANSION` times the bytes
  received. `gzip` alone cannot exceed this factor, and no stream of the API comes near it.
- zstd may ask for a window of 8 MiB, as RFC 9659 demands.

Cost: that of the decompressor, and 1 µs a piece.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

__all__ = [
    "MOST_ENCODINGS",
    "MOST_EXPANSION",
    "AsyncDecompressed",
    "Decompression",
    "decompressed",
]

MOST_ENCODINGS = 4
"""The maximum number of encodings of one body."""

MOST_EXPANSION = 1_100
"""The maximum expansion of one byte of a body, in bytes, on average, beyond the limit."""

_PIECE = 64 * 1024
"""The maximum size of a decompressed piece; brotli may exceed it by one step of its buffer."""

_ZSTD_WINDOW_LOG = 23
_ZSTD_STEP = 256
"""The number of bytes given to `zstandard` at once. It cannot limit its output, and a block of four
bytes can become 128 KiB."""


class _Decoder(Protocol):
    """The decompression of one encoding."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """The pieces that the next bytes complete. All are taken before the next call."""
        ...


class _Zlib:
    """gzip and deflate. Bytes after the end of the compressed data are ignored."""

    def __init__(self, window_bits: int) -> None:
        self._inflate = zlib.decompressobj(window_bits)

    def decode(self, data: bytes) -> Iterator[bytes]:
        while not self._inflate.eof:
            piece = self._inflate.decompress(data, _PIECE)
            data = self._inflate.unconsumed_tail
            if piece:
                yield piece
            if not data and len(piece) < _PIECE:
                return


class _Deflate:
    """deflate, with the header of zlib as the standard says, or without as some servers do."""

    def __init__(self) -> None:
        self._head = b""
        self._zlib: _Zlib | None = None

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._zlib is None:
            self._head = data = self._head + data
            if len(data) < 2:
                return
            has_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._zlib = _Zlib(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
        yield from self._zlib.decode(data)


class _Brotli:
    def __init__(self) -> None:
        library = _library("br", "brotli", "brotlicffi")
        self._error: type[Exception] = library.error
        self._brotli = library.Decompressor()

    def decode(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece: bytes = self._brotli.process(data, output_buffer_limit=_PIECE)
            except TypeError:
                raise ValueError("brotli 1.2 or newer is needed for a br body") from None
            except self._error as error:
                raise ValueError(str(error)) from None
            data = b""
            if piece:
                yield piece
            if not piece or self._brotli.is_finished():
                return


class _Zstandard:
    """zstd with the package `zstandard`, which httpx uses."""

    def __init__(self, library: Any) -> None:
        self._error: type[Exception] = library.ZstdError
        self._zstd = library.ZstdDecompressor(max_window_size=1 << _ZSTD_WINDOW_LOG).decompressobj(
            read_across_frames=True
        )

    def decode(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_STEP):
            try:
                piece: bytes = self._zstd.decompress(data[start : start + _ZSTD_STEP])
            except self._error as error:
                raise ValueError(str(error)) from None
            for at in range(0, len(piece), _PIECE):
                yield piece[at : at + _PIECE]


class _Zstd:
    """zstd with Python's own `compression.zstd`, or the package `backports.zstd`."""

    def __init__(self, library: Any) -> None:
        self._error: type[Exception] = library.ZstdError
        window = library.DecompressionParameter.window_log_max
        self._new: Callable[[], Any] = lambda: library.ZstdDecompressor(
            options={window: _ZSTD_WINDOW_LOG}
        )
        self._zstd = self._new()

    def decode(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._zstd.eof:
                data = self._zstd.unused_data or data
                if not data:
                    return
                self._zstd = self._new()
            try:
                piece: bytes = self._zstd.decompress(data, _PIECE)
            except self._error as error:
                raise ValueError(str(error)) from None
            data = b""
            if piece:
                yield piece
            elif self._zstd.needs_input:
                return


def _zstd() -> _Decoder:
    library = _library("zstd", "compression.zstd", "backports.zstd", "zstandard")
    return _Zstandard(library) if library.__name__ == "zstandard" else _Zstd(library)


def _library(encoding: str, *names: str) -> Any:
    """The first of these modules that is installed.

    Raises:
        ValueError: none is installed.
    """
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ValueError(f"a body is encoded with {encoding}, which needs {names[-1]}: install it")


_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _zstd,
}


class Decompression:
    """The decompression of one body, for sync and async readers."""

    def __init__(self, encodings: str, limit: int) -> None:
        """Begin.

        Args:
            encodings: the value of `content-encoding`.
            limit: the size, in bytes, to which any body may expand, however small it came.
        """
        self._encodings = encodings
        self._limit = limit
        self._received = self._made = 0
        self._decoders: list[_Decoder] | None = None

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """The decompressed pieces of the next chunk of the wire.

        Raises:
            ValueError: the chunk is not compressed as the header says, or expands too far.
        """
        try:
            if self._decoders is None:
                self._decoders = self._made_decoders()
            self._received += len(chunk)
            for piece in self._through(chunk, len(self._decoders)):
                self._made += len(piece)
                if self._made > self._limit + MOST_EXPANSION * self._received:
                    raise ValueError(
                        f"{self._received:,} bytes expand to more than {self._made:,}; a body may "
                        f"expand {MOST_EXPANSION:,} times beyond the limit of {self._limit:,} bytes"
                    )
                yield piece
        except zlib.error as error:
            raise ValueError(str(error)) from None

    def _made_decoders(self) -> list[_Decoder]:
        names = [name.strip().lower() for name in self._encodings.split(",")]
        if len(names) > MOST_ENCODINGS:
            raise ValueError(
                f"a body may have {MOST_ENCODINGS} encodings, but content-encoding names "
                f"{len(names)}"
            )
        return [_DECODERS[name]() for name in names if name in _DECODERS]

    def _through(self, data: bytes, count: int) -> Iterator[bytes]:
        """The pieces of `data`, decompressed by the last `count` decoders that are left."""
        if not count:
            yield data
            return
        assert self._decoders is not None
        for piece in self._decoders[count - 1].decode(data):
            yield from self._through(piece, count - 1)


def decompressed(response: Any, http: Any, limit: int) -> Iterator[bytes]:
    """The body of a response, decompressed in bounded pieces.

    Args:
        response: a response of the library `http` that is open, or whose body was read to its end.
        http: the module httpx or httpx2.
        limit: the size, in bytes, to which any body may expand, however small it came.

    Raises:
        http.DecodingError: the body is not compressed as its header says, expands too far, or needs
            a package that is not installed.
    """
    if response.is_stream_consumed:
        yield from response.iter_bytes()  # from memory
        return
    decompression = Decompression(response.headers.get("content-encoding", ""), limit)
    for chunk in response.iter_raw():
        try:
            yield from decompression.pieces(chunk)
        except ValueError as error:
            raise http.DecodingError(str(error)) from error


class AsyncDecompressed:
    """`decompressed` for the response of an async client.

    It is not an async generator, because one that is left early would have to be closed.
    """

    def __init__(self, response: Any, http: Any, limit: int) -> None:
        is_read = response.is_stream_consumed
        self._chunks: AsyncIterator[bytes] = (
            response.aiter_bytes() if is_read else response.aiter_raw()
        )
        self._response = response
        self._http = http
        encodings = "" if is_read else response.headers.get("content-encoding", "")
        self._decompression = Decompression(encodings, limit)
        self._pieces: Iterator[bytes] = iter(())

    def __aiter__(self) -> AsyncDecompressed:
        return self

    async def __anext__(self) -> bytes:
        while True:
            try:
                for piece in self._pieces:
                    return piece
            except ValueError as error:
                await self.aclose()
                raise self._http.DecodingError(str(error)) from error
            self._pieces = self._decompression.pieces(await self._chunks.__anext__())

    async def aclose(self) -> None:
        """Close the response, and the iterator of its raw body.

        Over a connection, that iterator is read on to its end, which comes at once: trio warns of a
        generator that is left half-way.
        """
        await self._response.aclose()
        if "network_stream" in self._response.extensions:
            with suppress(Exception):
                while True:
                    await self._chunks.__anext__()
        close: Any = getattr(self._chunks, "aclose")  # noqa: B009 (an iterator need not have it)
        await close()
