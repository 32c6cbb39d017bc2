r"""Recordings: one request and the stream that answered it, every chunk and when it came, as a
value and as a file.

A recording never changes. What makes another of it (`rechunk`, `cut`, `with_error`, `slow`, `+`)
gives a new one. No secret is ever written: see `redaction`.

# The file

A file called `*.jsonl` is JSON Lines in UTF-8: a line ends with LF and with nothing else, and what
is not ASCII stands as it is. The first line is the head, each other line is one chunk, in order:

    {"format": "streamfold-recording", "version": 1, "chunks": 2, "ended": "complete", …}
    {"at": 0.412, "text": "event: message_start\ndata: {…}\n\n"}
    {"at": 0.497, "base64": "8J+Y"}

The head says:

- `format`, `version`: what this is. A newer version is refused, never guessed at.
- `chunks`: how many lines follow, so that a file that was cut off is refused.
- `ended`: `complete` when the body ended as it should; `cut` when it did not, or nobody read it to
  its end; `error` when reading it failed, and then `error` has the `type` of the exception, by its
  name in httpx, and its `message`.
- `duration`: seconds from the request to the end.
- `request`: `method`, `url`, `headers` (pairs of name and value) and `body`, which is JSON; a body
  that is not JSON is `text` or `base64`. `null` when nobody knows it.
- `response`: `status`, `headers`, and `at`, when they came.

A chunk has `at`, seconds from the request, and its bytes: as `text` where they are UTF-8, and
where they are not, because a character was cut in two or the body is compressed, as `base64`.

Any other file is taken for the raw body of an event stream (`*.sse`): one chunk, no request.

It costs memory in proportion to the body, twice over while a file is read or written.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import accumulate, chain, repeat
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, cast

import attrs
from streamfold.reducer import FieldError, SSEState, decode_sse, encode_sse
from streamfold.reducer.objects import described, freeze, thaw

from .redaction import Headers, Redaction

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "RecordedChunk",
    "RecordedError",
    "RecordedRequest",
    "RecordedResponse",
    "Recording",
    "RecordingError",
    "recording_files",
]

FORMAT = "streamfold-recording"
VERSION = 1
SUFFIX = ".jsonl"

T = TypeVar("T")
Ended = Literal["complete", "cut", "error"]
Name = Union[str, "os.PathLike[str]"]


class RecordingError(ValueError):
    """A file that is no recording, or not a whole one: the message names file, line and reason."""


# --- values -------------------------------------------------------------------------------------


def _pairs(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Headers:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((name, value) for name, value in pairs)


def _json(value: Any) -> Any:
    """`value`, which is JSON, so that it cannot change."""
    plain = thaw(value)
    json.dumps(plain, allow_nan=False)
    return freeze(plain)


def _check_seconds(_: Any, attribute: attrs.Attribute[float], value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be seconds, 0 or more: {value!r}")


@attrs.frozen
class RecordedChunk:
    """Bytes that came together.

    Attributes:
        data: the bytes, as they came over the wire.
        at: when they came, in seconds since the request was sent.
    """

    data: bytes
    at: float = attrs.field(default=0.0, converter=float, validator=_check_seconds)


@attrs.frozen
class RecordedRequest:
    """A request that was sent.

    Attributes:
        method: `POST`, mostly.
        url: where to.
        headers: names and values, in order; a mapping will do, too.
        body: the JSON that was sent; `None` if it was none.
        content: the bytes that were sent, where they were no JSON.
    """

    method: str
    url: str
    headers: Headers = attrs.field(default=(), converter=_pairs)
    body: Any = attrs.field(default=None, converter=_json)
    content: bytes = b""


@attrs.frozen
class RecordedResponse:
    """What came before the body.

    Attributes:
        status: the status.
        headers: names and values, in order; a mapping will do, too.
        at: when it came, in seconds since the request was sent.
    """

    status: int = 200
    headers: Headers = attrs.field(
        default=(("content-type", "text/event-stream"),), converter=_pairs
    )
    at: float = attrs.field(default=0.0, converter=float, validator=_check_seconds)


@attrs.frozen
class RecordedError:
    """How reading failed.

    Attributes:
        type: the exception's name in httpx: `ReadTimeout`, `RemoteProtocolError`, …
        message: what it said.
    """

    type: str
    message: str = ""


def _shown(chunks: tuple[RecordedChunk, ...]) -> str:
    return f"<{len(chunks)} of {sum(len(chunk.data) for chunk in chunks)} bytes>"


def _tuple(chunks: Iterable[RecordedChunk]) -> tuple[RecordedChunk, ...]:
    return tuple(chunks)


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
    ended: Ended = attrs.field(
        default="complete",
        kw_only=True,
        validator=attrs.validators.in_(("complete", "cut", "error")),
    )
    error: RecordedError | None = attrs.field(default=None, kw_only=True)
    duration: float = attrs.field(kw_only=True, converter=float, validator=_check_seconds)

    @duration.default
    def _last(self) -> float:
        return self.chunks[-1].at if self.chunks else self.response.at

    def __attrs_post_init__(self) -> None:
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
        return _decode(cls, data, os.fspath(path)) if _is_recording(path) else cls.of(data)

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
        return _decode(cls, data, "recording")

    def to_bytes(self, *, secrets: Iterable[str] = ()) -> bytes:
        """What a file of it holds, without secrets: see `redacted`."""
        return _encode(self.redacted(secrets))

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
        at = chunks[-1].at if chunks else self.response.at
        return attrs.evolve(self, chunks=chunks, ended="cut", error=None, duration=at)

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
        b'event: error\\ndata: {"type":"error","error":{"ty'
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
    content = redaction.query(_decoded(request.content))
    return RecordedRequest(
        method=request.method,
        url=redaction.text(url),
        headers=redaction.texts(headers),
        body=redaction.texts(body),
        content=_encoded(redaction.text(content)),
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


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


# --- the format ---------------------------------------------------------------------------------


def _encode(recording: Recording) -> bytes:
    request, response, error = recording.request, recording.response, recording.error
    head = {
        "format": FORMAT,
        "version": VERSION,
        "chunks": len(recording.chunks),
        "ended": recording.ended,
        **({} if error is None else {"error": attrs.asdict(error)}),
        "duration": recording.duration,
        "request": None if request is None else _request_fields(request),
        "response": attrs.asdict(response),
    }
    chunks = ({"at": chunk.at, **_bytes_fields(chunk.data)} for chunk in recording.chunks)
    return b"".join([_line(head), *map(_line, chunks)])


def _line(fields: dict[str, Any]) -> bytes:
    """A line of the file. Half a surrogate pair has no UTF-8, and can only stand in a string, where
    `backslashreplace` writes just what JSON would.
    """
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _request_fields(request: RecordedRequest) -> dict[str, Any]:
    content = _bytes_fields(request.content) if request.content else {"body": request.body}
    return {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        **content,
    }


def _bytes_fields(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _decode(cls: type[RecordingT], data: bytes, name: str) -> RecordingT:
    """The recording in `data`; errors call it `name`."""
    first, *lines = data.removesuffix(b"\n").split(b"\n")
    with _reading(name, 1):
        head = _head(_object(first))
    chunks: list[RecordedChunk] = []
    for number, line in enumerate(lines, 2):
        with _reading(name, number):
            chunks.append(_chunk(_object(line)))
    with _reading(name, 1):
        announced = head.pop("chunks")
        if len(chunks) != announced:
            raise ValueError(
                f"`chunks` is {announced}, but {len(chunks)} follow: the file was cut off, or "
                "changed by hand"
            )
        return cls(chunks, **head)


@contextmanager
def _reading(name: str, number: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise RecordingError(f"{name}, line {number}: {error}") from None


RecordingT = TypeVar("RecordingT", bound=Recording)
Fields = dict[str, Any]


def _object(line: bytes) -> Fields:
    """The JSON object in a line."""
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON, or cut off: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {described(value)}")
    return cast("Fields", value)


def _head(fields: Fields) -> dict[str, Any]:
    """What the head says of a recording; of its chunks, how many there are."""
    if _take(fields, "format", str) != FORMAT:
        raise ValueError(f"`format` is not {FORMAT!r}: this is no recording")
    version = _take(fields, "version", int)
    if version != VERSION:
        raise ValueError(
            f"`version` is {version}, and this streamfold reads {VERSION}: a newer one is needed"
        )
    request, error = _take(fields, "request", dict, None), _take(fields, "error", dict, None)
    head = {
        "chunks": _take(fields, "chunks", int),
        "ended": _take(fields, "ended", str),
        "duration": _take(fields, "duration", float),
        "request": None if request is None else _below("request", request, _request),
        "response": _below("response", _take(fields, "response", dict), _response),
        "error": None if error is None else _below("error", error, _error),
    }
    _nothing_left(fields)
    return head


def _chunk(fields: Fields) -> RecordedChunk:
    at = _take(fields, "at", float)
    chunk = RecordedChunk(_bytes(fields), at)
    _nothing_left(fields)
    return chunk


def _request(fields: Fields) -> RecordedRequest:
    return RecordedRequest(
        method=_take(fields, "method", str),
        url=_take(fields, "url", str),
        headers=_headers(fields),
        **({"body": fields.pop("body")} if "body" in fields else {"content": _bytes(fields)}),
    )


def _response(fields: Fields) -> RecordedResponse:
    return RecordedResponse(
        status=_take(fields, "status", int),
        headers=_headers(fields),
        at=_take(fields, "at", float),
    )


def _error(fields: Fields) -> RecordedError:
    return RecordedError(_take(fields, "type", str), _take(fields, "message", str))


def _headers(fields: Fields) -> Headers:
    headers: list[Any] = _take(fields, "headers", list)
    for index, pair in enumerate(headers):
        if not isinstance(pair, list) or list(map(type, pair)) != [str, str]:
            raise FieldError(f"headers[{index}]", "is not a name and a value")
    return _pairs(headers)


def _bytes(fields: Fields) -> bytes:
    """The bytes that `_bytes_fields` told of."""
    if "base64" not in fields:
        text: str = _take(fields, "text", str)
        return text.encode("utf-8")
    try:
        return base64.b64decode(_take(fields, "base64", str), validate=True)
    except binascii.Error as error:
        raise FieldError("base64", f"is not base64: {error}") from None


def _below(name: str, fields: Fields, read: Callable[[Fields], T]) -> T:
    """What `read` makes of the object at `name`."""
    try:
        value = read(fields)
        _nothing_left(fields)
    except FieldError as error:
        raise error.below(name) from None
    return value


def _take(fields: Fields, name: str, kind: type[Any], *default: Any) -> Any:
    """Take a field out of `fields`. Unless there is a default it must be there, and of this
    kind.
    """
    value = fields.pop(name, *default or (MISSING,))
    if value is MISSING:
        raise FieldError(name, "is missing")
    kinds = (int, float) if kind is float else (kind,)
    if type(value) not in kinds and value not in default:
        raise FieldError(name, f"is {described(value)}, not {described(kind())}")
    return value


MISSING = object()


def _nothing_left(fields: Fields) -> None:
    for name in fields:
        raise FieldError(name, "is unknown")


# --- files --------------------------------------------------------------------------------------


def _is_recording(path: Name) -> bool:
    return Path(path).suffix == SUFFIX


def check_name(path: Name) -> Path:
    """`path`, which a recording can be saved as.

    Raises:
        ValueError: it does not end with `.jsonl`.
    """
    if not _is_recording(path):
        raise ValueError(f"a recording's file is called *{SUFFIX}, not {os.fspath(path)!r}")
    return Path(path)


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
