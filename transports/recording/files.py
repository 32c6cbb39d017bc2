r"""Recordings: one request and the stream that answered it, every chunk and when it came, as a
value and as a file.

A recording never changes. What makes another of it (`rechunk`, `cut`, `with_error`, `slow`, `+`)
gives a new one. No secret is ever written: see `redaction`.

See `recording_format` for the file. Any file that is not called `*.jsonl` is taken for the raw body
of an event stream (`*.sse`): one chunk, no request.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from io import BytesIO
from itertools import accumulate, chain, repeat
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Literal, Union

import attrs
from streamfold.reducer import SSEState, decode_sse, encode_sse

from .format import decode, encode, reading
from .redaction import Redaction, decoded, encoded
from .value import (
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    check_seconds,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Recording",
    "check_name",
    "is_recording",
    "numbered",
    "recording_files",
    "redacted_request",
]

SUFFIX = ".jsonl"

Ended = Literal["complete", "cut", "error"]
Name = Union[str, "os.PathLike[str]"]


def _tuple(chunks: Iterable[RecordedChunk]) -> tuple[RecordedChunk, ...]:
    return tuple(chunks)


def _shown(chunks: tuple[RecordedChunk, ...]) -> str:
    return f"<{len(chunks)} of {sum(len(chunk.data) for chunk in chunks)} bytes>"


def _last(recording: Recording) -> float:
    """When the last of what came had come."""
    return recording.chunks[-1].at if recording.chunks else recording.response.at


@attrs.frozen
class Recording:
    """A request, and the stream that answered it.

    Attributes:
        chunks: what the body was, in the pieces it came in.
        request: what was asked, where that is known.
        response: what came before the body.
        ended: how the body ended: `complete`; `cut` (it should have gone on, or nobody read on);
            `error` (reading it failed).
        error: how reading failed, when it did.
        duration: seconds from the request to the end. The time of the last chunk unless told.

    >>> recording = Recording.of([b"event: ping\\n", RecordedChunk(b"data: {}\\n\\n", at=0.5)])
    >>> recording.body, recording.duration
    (b'event: ping\\ndata: {}\\n\\n', 0.5)
    >>> recording.rechunk(20).slow(2).chunks
    (RecordedChunk(data=b'event: ping\\ndata: {}', at=1.0), RecordedChunk(data=b'\\n\\n', at=1.0))
    >>> Recording.from_bytes(recording.to_bytes()) == recording
    True
    """

    chunks: tuple[RecordedChunk, ...] = attrs.field(converter=_tuple, repr=_shown)
    request: RecordedRequest | None = attrs.field(default=None, kw_only=True)
    response: RecordedResponse = attrs.field(default=RecordedResponse(), kw_only=True)
    ended: Ended = attrs.field(default="complete", kw_only=True)
    error: RecordedError | None = attrs.field(default=None, kw_only=True)
    duration: float = attrs.field(
        default=attrs.Factory(_last, takes_self=True),
        kw_only=True,
        converter=float,
        validator=check_seconds,
    )

    def __attrs_post_init__(self) -> None:
        if self.ended not in ("complete", "cut", "error"):
            raise ValueError(f"ended is 'complete', 'cut' or 'error', not {self.ended!r}")
        if (self.error is not None) != (self.ended == "error"):
            raise ValueError("a recording has an error when it ended with one, and only then")
        last = self.response.at
        for at in (*(chunk.at for chunk in self.chunks), self.duration):
            if at < last:
                raise ValueError(f"what came later cannot have come earlier: {at} s after {last} s")
            last = at

    @classmethod
    def of(cls, source: bytes | Iterable[bytes | RecordedChunk]) -> Self:
        """A recording of a body: in one piece, or in the pieces given.

        Args:
            source: the body, or its chunks. Bytes came at once; for when others came, give a
                `RecordedChunk`.
        """
        pieces = [source] if isinstance(source, bytes) else source
        chunks = [p if isinstance(p, RecordedChunk) else RecordedChunk(p) for p in pieces]
        return cls(chunk for chunk in chunks if chunk.data)

    @property
    def body(self) -> bytes:
        """All chunks joined: what came over the wire, compressed if it was."""
        return b"".join(chunk.data for chunk in self.chunks)

    # --- files ---

    @classmethod
    def load(cls, path: Name) -> Self:
        """Read a file: a recording if it is called `*.jsonl`, else the raw body of a stream.

        Raises:
            OSError: it cannot be read.
            RecordingError: it is called `*.jsonl`, but is no recording, or not a whole one.
        """
        data = Path(path).read_bytes()
        return cls._read(data, os.fspath(path)) if is_recording(path) else cls.of(data)

    def save(self, path: Name, *, secrets: Iterable[str] = ()) -> None:
        """Write it to a file, without secrets.

        The file is there whole or not at all, whatever happens meanwhile; one that was there is
        replaced. Folders that are not there are made.

        Args:
            path: the file's name, which must end with `.jsonl`.
            secrets: see `redacted`.

        Raises:
            OSError: it cannot be written.
            ValueError: the name does not end with `.jsonl`.
        """
        _write(check_name(path), self.to_bytes(secrets=secrets))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` made.

        Raises:
            RecordingError: it is no recording, or not a whole one.
        """
        return cls._read(data, "recording")

    @classmethod
    def _read(cls, data: bytes, name: str) -> Self:
        attributes = decode(data, name)
        with reading(name, 1):
            return cls(**attributes)

    def to_bytes(self, *, secrets: Iterable[str] = ()) -> bytes:
        """What a file of it holds, without secrets: see `redacted`."""
        return encode(self.redacted(secrets))

    def redacted(self, secrets: Iterable[str] = ()) -> Self:
        """The same without secrets. `save` and `to_bytes` do this anyway.

        Args:
            secrets: names, beside the usual ones, of headers, parameters of the URL, and keys in
                the JSON of the request, whose values are secret.
        """
        redaction = Redaction(secrets)
        request, response, error = self.request, self.response, self.error
        if request is not None:
            request = redacted_request(request, redaction)
        headers = redaction.headers(response.headers)
        response = attrs.evolve(response, headers=redaction.texts(headers))
        if error is not None:
            error = attrs.evolve(error, message=redaction.text(error.message))
        rest = BytesIO(redaction.blot(self.body))
        chunks = [RecordedChunk(rest.read(len(chunk.data)), chunk.at) for chunk in self.chunks]
        return attrs.evolve(self, chunks=chunks, request=request, response=response, error=error)

    # --- what makes another of it ---

    def rechunk(self, sizes: int | Iterable[int]) -> Self:
        """The same bytes in other pieces. Each comes when its last byte had come.

        Args:
            sizes: how many bytes a piece has, or each in turn; what those leave is one more piece.

        Raises:
            ValueError: a size is less than 1.
        """
        body = self.body
        ends = list(accumulate(len(chunk.data) for chunk in self.chunks))
        wanted = repeat(sizes) if isinstance(sizes, int) else chain(sizes, [len(body)])
        chunks: list[RecordedChunk] = []
        start = source = 0
        for size in wanted:
            if start == len(body):
                break
            if size < 1:
                raise ValueError(f"a chunk has at least one byte: {size}")
            end = min(start + size, len(body))
            while ends[source] < end:
                source += 1
            chunks.append(RecordedChunk(body[start:end], self.chunks[source].at))
            start = end
        return attrs.evolve(self, chunks=chunks)

    def cut(self, at_byte: int) -> Self:
        """The same as far as this byte, where the connection is lost.

        Raises:
            ValueError: `at_byte` is negative.
        """
        chunks = self._until(at_byte)
        cut = attrs.evolve(self, chunks=chunks, ended="cut", error=None)
        return attrs.evolve(cut, duration=_last(cut))

    def _until(self, at_byte: int) -> tuple[RecordedChunk, ...]:
        if at_byte < 0:
            raise ValueError(f"a body has no byte {at_byte}")
        chunks: list[RecordedChunk] = []
        for chunk in self.chunks:
            if at_byte < len(chunk.data):
                if at_byte:
                    chunks.append(attrs.evolve(chunk, data=chunk.data[:at_byte]))
                break
            chunks.append(chunk)
            at_byte -= len(chunk.data)
        return tuple(chunks)

    def with_error(
        self,
        type: str,  # noqa: A002
        after_event: int,
        message: str | None = None,
    ) -> Self:
        """The same as far as an event, and then an `error` event of the API, and the end.

        Args:
            type: the API's word for it: `overloaded_error`, …
            after_event: how many server-sent events, pings among them, come before.
            message: what the error says; its type unless told.

        Raises:
            ValueError: there are not so many events, or the body is compressed.

        >>> recording = Recording.load("tests/recordings/text.sse").with_error("api_error", 3)
        >>> recording.chunks[-1].data[:46]
        b'event: error\\ndata: {"type":"error","error":{"t'
        """
        if any(name.lower() == "content-encoding" for name, _ in self.response.headers):
            raise ValueError("the body is compressed: its events cannot be told apart")
        before = self._until(_end_of_event(self.body, after_event))
        at = before[-1].at if before else self.response.at
        event = {"type": "error", "error": {"type": type, "message": message or type}}
        chunks = (*before, RecordedChunk(encode_sse([event]), at))
        return attrs.evolve(self, chunks=chunks, ended="complete", error=None, duration=at)

    def slow(self, factor: float) -> Self:
        """The same, `factor` times as slow: 0.5 is twice as fast, 0 at once.

        Raises:
            ValueError: `factor` is negative, or so large that the time has no end.
        """
        return attrs.evolve(
            self,
            chunks=[RecordedChunk(chunk.data, chunk.at * factor) for chunk in self.chunks],
            response=attrs.evolve(self.response, at=self.response.at * factor),
            duration=self.duration * factor,
        )

    def __add__(self, other: Recording) -> Self:
        """One body, and when it has ended the other, whose request and response are lost."""
        later = [RecordedChunk(chunk.data, self.duration + chunk.at) for chunk in other.chunks]
        return attrs.evolve(
            self,
            chunks=(*self.chunks, *later),
            ended=other.ended,
            error=other.error,
            duration=self.duration + other.duration,
        )


def redacted_request(request: RecordedRequest, redaction: Redaction) -> RecordedRequest:
    """`request` without secrets."""
    headers = redaction.headers(request.headers)
    url = redaction.url(request.url)
    body = redaction.json(request.body)
    content = redaction.query(decoded(request.content))
    return RecordedRequest(
        method=request.method,
        url=redaction.text(url),
        headers=redaction.texts(headers),
        body=redaction.texts(body),
        content=encoded(redaction.text(content)),
    )


_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)")


def _end_of_event(body: bytes, count: int) -> int:
    """Where in `body` so many server-sent events have ended."""
    state, ends = SSEState(), [0]
    for line in _LINE.finditer(body):
        state, events = decode_sse(state, line[0])
        ends.extend([line.end()] * len(events))
    if not 0 <= count < len(ends):
        raise ValueError(f"there is no event {count}: the body has {len(ends) - 1}")
    return ends[count]


# --- files --------------------------------------------------------------------------------------


def is_recording(path: Name) -> bool:
    """Whether a file of this name is a recording, and not a raw body."""
    return Path(path).suffix == SUFFIX


def check_name(path: Name) -> Path:
    """`path`, which a recording can be saved as.

    Raises:
        ValueError: it does not end with `.jsonl`.
    """
    if not is_recording(path):
        raise ValueError(f"a recording's file is called *{SUFFIX}, not {os.fspath(path)!r}")
    return Path(path)


def numbered(path: Path, number: int) -> Path:
    """Where the recording of this number goes, when the first one goes to `path`.

    >>> numbered(Path("turn.jsonl"), 1).name, numbered(Path("turn.jsonl"), 2).name
    ('turn.jsonl', 'turn-2.jsonl')
    """
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def _write(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{token_hex(8)}.unfinished")
    try:
        with open(unfinished, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def recording_files(folder: Name) -> list[Path]:
    """The recordings in a folder and those below it, raw bodies (`*.sse`) among them, in the order
    a person expects: `turn`, `turn-2`, `turn-10`.

    Raises:
        OSError: it is no folder.
    """
    found: list[Path] = []
    for parent, _, names in os.walk(folder, onerror=_raise):
        found.extend(Path(parent, name) for name in names if name.endswith((SUFFIX, ".sse")))
    return sorted(found, key=_natural)


def _raise(error: OSError) -> None:
    raise error


def _natural(path: Path) -> list[list[tuple[int, str]]]:
    parts = path.with_suffix("").parts
    return [
        [(int(t), "") if t.isdecimal() else (-1, t) for t in re.split(r"(\d+)", part)]
        for part in parts
    ]
