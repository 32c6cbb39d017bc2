r"""`Recording`: one request and the stream that answered it, every chunk with its time.

A recording is an immutable value. The methods that change something (`rechunk`, `cut`,
`with_error`, `slow`, `+`) return another recording. No secret is ever written to a file: see
`redaction`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from io import BytesIO
from itertools import accumulate, chain, pairwise, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from streamfold.reducer import (
    DEFAULT_LIMIT,
    EventStreamState,
    SSEState,
    Timing,
    decode_event_stream,
    decode_sse,
    encode_event_stream,
    encode_sse,
    sealed,
)

from .arrivals import timing_of
from .content_types import AWS_EVENT_STREAM, content_type_of, media_type
from .decompression import Decompression
from .files import PathLike, check_name, is_recording, write_whole
from .format import Content, decode, encode, located
from .parts import (
    Ended,
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    check_seconds,
)
from .redaction import Redaction

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Recording"]


def _tuple(chunks: Iterable[RecordedChunk]) -> tuple[RecordedChunk, ...]:
    return tuple(chunks)


def _size_shown(chunks: tuple[RecordedChunk, ...]) -> str:
    return f"<{len(chunks)} of {sum(len(chunk.data) for chunk in chunks)} bytes>"


def _last_arrival(recording: Recording) -> float:
    """The time of the last chunk; without chunks, that of the response."""
    return recording.chunks[-1].at if recording.chunks else recording.response.at


@sealed
@attrs.frozen
class Recording:
    """A request, and the stream that answered it.

    Attributes:
        chunks: the body, in the pieces in which it arrived.
        request: the request; `None` if it is unknown.
        response: the head of the response.
        ended: the way the body ended: `complete`; `cut` (the connection was lost, or the reader
            stopped before the end); `error` (reading it failed).
        error: the exception with which reading failed, if `ended` is `error`.
        duration: seconds from the request to the end; by default the time of the last chunk.

    Raises:
        ValueError: times decrease, `ended` has another value, or `error` does not fit it.

    >>> recording = Recording.of([b"event: ping\\n", RecordedChunk(b"data: {}\\n\\n", at=0.5)])
    >>> recording.body, recording.duration
    (b'event: ping\\ndata: {}\\n\\n', 0.5)
    >>> recording.rechunk(20).slow(2).chunks
    (RecordedChunk(data=b'event: ping\\ndata: {}', at=1.0), RecordedChunk(data=b'\\n\\n', at=1.0))
    >>> Recording.from_bytes(recording.to_bytes()) == recording
    True
    """

    chunks: tuple[RecordedChunk, ...] = attrs.field(converter=_tuple, repr=_size_shown)
    request: RecordedRequest | None = attrs.field(default=None, kw_only=True)
    response: RecordedResponse = attrs.field(default=RecordedResponse(), kw_only=True)
    ended: Ended = attrs.field(default="complete", kw_only=True)
    error: RecordedError | None = attrs.field(default=None, kw_only=True)
    duration: float = attrs.field(
        default=attrs.Factory(_last_arrival, takes_self=True),
        kw_only=True,
        converter=float,
        validator=check_seconds,
    )

    def __attrs_post_init__(self) -> None:
        if self.ended not in ("complete", "cut", "error"):
            raise ValueError(f"ended must be 'complete', 'cut' or 'error', got {self.ended!r}")
        if (self.error is not None) != (self.ended == "error"):
            raise ValueError(
                "a recording has an error if ended is 'error', and only then: "
                f"got ended={self.ended!r} and error={self.error!r}"
            )
        times = [self.response.at, *(chunk.at for chunk in self.chunks), self.duration]
        for position, (earlier, later) in enumerate(pairwise(times)):
            if later < earlier:
                names = ["the response", *(f"chunk {n + 1}" for n in range(len(self.chunks)))]
                after, before = [*names, "the end"][position + 1], names[position]
                raise ValueError(
                    f"times must not decrease: {after} came at {later} s, after {before} at "
                    f"{earlier} s"
                )

    @classmethod
    def of(cls, source: bytes | Iterable[bytes | RecordedChunk]) -> Self:
        """A recording of a body.

        The content type of the response is that of the body: of server-sent events, or of Amazon's
        event stream.

        Args:
            source: the body in one piece, or its chunks. Empty chunks are dropped. A chunk of plain
                bytes arrives at 0 s; for another time, give a `RecordedChunk`.

        >>> len(Recording.of([b"data: {}", b"", b"\\n\\n"]).chunks)
        2
        """
        pieces = [source] if isinstance(source, bytes) else source
        chunks = [
            piece if isinstance(piece, RecordedChunk) else RecordedChunk(piece) for piece in pieces
        ]
        beginning = b"".join(chunk.data[:12] for chunk in chunks[:12])
        response = RecordedResponse(headers=(("content-type", content_type_of(beginning)),))
        return cls((chunk for chunk in chunks if chunk.data), response=response)

    @property
    def body(self) -> bytes:
        """The bytes of all chunks, as they came over the wire; compressed if the wire was.

        A file holds them decompressed: see `redacted`.
        """
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def timing(self) -> Timing:
        """The times of the events. Each read folds the whole stream.

        >>> Recording.load("tests/recordings/text.sse").slow(2).timing.events
        32
        """
        return timing_of(self.response, self.chunks, self.duration)

    # --- files ---

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read a file: a recording if it is called `*.jsonl`, else the raw body of a stream.

        Args:
            path: the path of the file.

        Raises:
            OSError: the file cannot be read.
            RecordingError: the file is called `*.jsonl`, but is not a complete recording.

        >>> Recording.load("tests/recordings/text.sse").ended
        'complete'
        """
        data = Path(path).read_bytes()
        return cls._decoded(data, os.fspath(path)) if is_recording(path) else cls.of(data)

    def save(self, path: PathLike, *, secrets: Iterable[str] = ()) -> None:
        """Write the recording to a file, without secrets.

        The file is written whole or not at all. An existing file is replaced, and missing folders
        are made.

        Args:
            path: the path of the file, which must end with `.jsonl`.
            secrets: further secret names: see `redacted`.

        Raises:
            OSError: the file cannot be written.
            ValueError: the path does not end with `.jsonl`.
        """
        write_whole(check_name(path), self.to_bytes(secrets=secrets))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The recording that `to_bytes` wrote.

        Raises:
            RecordingError: the bytes are not a complete recording.
        """
        return cls._decoded(data, "recording")

    @classmethod
    def _decoded(cls, data: bytes, name: str) -> Self:
        content = decode(data, name)
        with located(name, 1):
            return cls(**content)

    def to_bytes(self, *, secrets: Iterable[str] = ()) -> bytes:
        """The content of the recording's file, without secrets.

        Args:
            secrets: further secret names: see `redacted`.
        """
        made = self.redacted(secrets)
        return encode(
            Content(
                chunks=made.chunks,
                request=made.request,
                response=made.response,
                ended=made.ended,
                error=made.error,
                duration=made.duration,
            )
        )

    def redacted(self, secrets: Iterable[str] = ()) -> Self:
        """The same recording without secrets. `save` and `to_bytes` do this in any case.

        Args:
            secrets: names of secrets beside the usual ones: of headers, of parameters of the URL,
                and of keys in the JSON of the request. Case does not matter.

        Raises:
            TypeError: `secrets` is one string.

        >>> request = RecordedRequest("POST", "https://example.com/", {"x-api-key": "sk-ant-1"})
        >>> Recording((), request=request).redacted().request.headers
        (('x-api-key', '[secret]'),)
        """
        redaction = Redaction(secrets)
        redaction.headers(self.response.headers)  # the answer may repeat its own cookie
        request, error = self.request, self.error
        if request is not None:
            request = redaction.request(request)
        if error is not None:
            error = attrs.evolve(error, message=redaction.text(error.message))
        plain = self._decompressed(hides=bool(redaction.found))
        response = redaction.response(plain.response)
        if error is None:
            error = plain.error
        rest = BytesIO(redaction.blot(plain.body))
        chunks = [RecordedChunk(rest.read(len(chunk.data)), chunk.at) for chunk in plain.chunks]
        return attrs.evolve(plain, chunks=chunks, request=request, response=response, error=error)

    def _decompressed(self, *, hides: bool) -> Self:
        """The recording with its body decompressed, so that it can be searched for secrets.

        Args:
            hides: whether to leave out a body that cannot be decompressed.
        """
        encodings = [
            value for name, value in self.response.headers if name.lower() == "content-encoding"
        ]
        if not encodings:
            return self
        decompression = Decompression(", ".join(encodings), DEFAULT_LIMIT)
        try:
            chunks = [
                RecordedChunk(b"".join(decompression.pieces(chunk.data)), chunk.at)
                for chunk in self.chunks
            ]
        except ValueError as error:
            if not hides:
                return self
            reason = f"the body was left out, because it cannot be searched for secrets: {error}"
            lost = RecordedError("DecodingError", reason)
            return attrs.evolve(self, chunks=(), ended="error", error=lost)
        headers = [
            (name, value)
            for name, value in self.response.headers
            if name.lower() not in ("content-encoding", "content-length")
        ]
        response = attrs.evolve(self.response, headers=headers)
        return attrs.evolve(self, chunks=[c for c in chunks if c.data], response=response)

    # --- changed recordings ---

    def rechunk(self, sizes: int | Iterable[int]) -> Self:
        """The same bytes in other chunks. Each arrives with its last byte.

        Args:
            sizes: the size of every chunk in bytes, or of each in turn; bytes left over make one
                more chunk.

        Raises:
            ValueError: a size is less than 1.

        >>> [chunk.data for chunk in Recording.of(b"abcde").rechunk(2).chunks]
        [b'ab', b'cd', b'e']
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
                raise ValueError(f"a chunk size must be at least 1 byte, got {size}")
            end = min(start + size, len(body))
            while ends[source] < end:
                source += 1
            chunks.append(RecordedChunk(body[start:end], self.chunks[source].at))
            start = end
        return attrs.evolve(self, chunks=chunks)

    def cut(self, at_byte: int) -> Self:
        """The recording up to a byte of the body, where the connection is lost.

        Args:
            at_byte: the number of bytes that arrive.

        Raises:
            ValueError: `at_byte` is negative.

        >>> Recording.of(b"data: {}").cut(4).body
        b'data'
        """
        cut = attrs.evolve(self, chunks=self._until(at_byte), ended="cut", error=None)
        return attrs.evolve(cut, duration=_last_arrival(cut))

    def _until(self, at_byte: int) -> tuple[RecordedChunk, ...]:
        if at_byte < 0:
            raise ValueError(f"at_byte must be at least 0, got {at_byte}")
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
        """The recording up to an event, followed by an `error` event and the end of the body.

        Args:
            type: the API's name of the error: `overloaded_error`, …
            after_event: the number of server-sent events before the error, pings included.
            message: the message of the error; by default its type.

        Raises:
            ValueError: the body has fewer events, or is compressed.

        >>> recording = Recording.load("tests/recordings/text.sse").with_error("api_error", 3)
        >>> recording.chunks[-1].data[:46]
        b'event: error\\ndata: {"type":"error","error":{"t'
        """
        for name, value in self.response.headers:
            if name.lower() == "content-encoding":
                raise ValueError(
                    f"the events of a body must be readable, but this one is compressed ({value}): "
                    "record it with `accept-encoding: identity`"
                )
        framed = self._is_framed()
        before = self._until(_end_of_event(self.body, after_event, framed))
        at = before[-1].at if before else self.response.at
        event = {"type": "error", "error": {"type": type, "message": message or type}}
        encode_event = encode_event_stream if framed else encode_sse
        chunks = (*before, RecordedChunk(encode_event([event]), at))
        return attrs.evolve(self, chunks=chunks, ended="complete", error=None, duration=at)

    def _is_framed(self) -> bool:
        """Whether the body is in Amazon's event stream."""
        kinds = (value for name, value in self.response.headers if name.lower() == "content-type")
        return media_type(next(kinds, "")) == AWS_EVENT_STREAM

    def slow(self, factor: float) -> Self:
        """The recording with all times multiplied.

        Args:
            factor: 2 takes twice as long, 0.5 half as long, 0 no time.

        Raises:
            ValueError: `factor` is negative, or a time would not be finite.

        >>> Recording.of([RecordedChunk(b"data: {}", at=0.5)]).slow(3).duration
        1.5
        """
        return attrs.evolve(
            self,
            chunks=[RecordedChunk(chunk.data, chunk.at * factor) for chunk in self.chunks],
            response=attrs.evolve(self.response, at=self.response.at * factor),
            duration=self.duration * factor,
        )

    def _repr_html_(self) -> str:
        """The page of the inspector, for notebooks: see `streamfold.adapters.inspector`."""
        page: str = import_module("streamfold.adapters.inspector").notebook(self)
        return page

    def __add__(self, other: Recording) -> Self:
        """Both bodies as one, `other` after the end of this one.

        Request and response are those of this recording.
        """
        later = [RecordedChunk(chunk.data, self.duration + chunk.at) for chunk in other.chunks]
        return attrs.evolve(
            self,
            chunks=(*self.chunks, *later),
            ended=other.ended,
            error=other.error,
            duration=self.duration + other.duration,
        )


_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)")


def _end_of_event(body: bytes, count: int, framed: bool) -> int:
    """The position in `body` after this many events."""
    ends = [0, *(_ends_of_frames(body) if framed else _ends_of_server_sent_events(body))]
    if not 0 <= count < len(ends):
        raise ValueError(
            f"after_event must be from 0 to {len(ends) - 1}, the number of events in the body, "
            f"got {count}"
        )
    return ends[count]


def _ends_of_server_sent_events(body: bytes) -> Iterator[int]:
    state = SSEState()
    for line in _LINE.finditer(body):
        state, events = decode_sse(state, line[0])
        yield from [line.end()] * len(events)


def _ends_of_frames(body: bytes) -> Iterator[int]:
    start = 0
    while True:
        end = start + int.from_bytes(body[start : start + 4], "big")
        if not decode_event_stream(EventStreamState(), body[start:end])[1]:
            return
        yield end
        start = end
