r"""The file of a recording: how it is written and read.

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

It costs memory in proportion to the body, twice over.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
from streamfold.reducer import FieldError, StreamfoldError, described

from .redaction import Headers
from .value import RecordedChunk, RecordedError, RecordedRequest, RecordedResponse, pairs

if TYPE_CHECKING:
    from .files import Recording

__all__ = ["RecordingError", "decode", "encode", "reading"]

FORMAT = "streamfold-recording"
VERSION = 1

T = TypeVar("T")
Fields = dict[str, Any]


class RecordingError(StreamfoldError, ValueError):
    """A file that is no recording, or not a whole one: the message names file, line and reason."""


def encode(recording: Recording) -> bytes:
    """What a file of `recording` holds."""
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


def decode(data: bytes, name: str) -> dict[str, Any]:
    """The attributes of the recording in `data`; errors call it `name`.

    Raises:
        RecordingError: it is no recording, or not a whole one.
    """
    first, *lines = data.removesuffix(b"\n").split(b"\n")
    with reading(name, 1):
        head = _head(_object(first))
    chunks: list[RecordedChunk] = []
    for number, line in enumerate(lines, 2):
        with reading(name, number):
            chunks.append(_chunk(_object(line)))
            if number > 2 and chunks[-1].at < chunks[-2].at:
                raise FieldError("at", "is earlier than in the line before")
    announced = head.pop("chunks")
    if len(chunks) != announced:
        with reading(name, 1):
            raise ValueError(
                f"`chunks` is {announced}, but {len(chunks)} follow: the file was cut off, or "
                "changed by hand"
            )
    return {"chunks": chunks, **head}


@contextmanager
def reading(name: str, number: int) -> Generator[None, None, None]:
    """While a line is read: what is wrong is an error that says where."""
    try:
        yield
    except (ValueError, OverflowError, RecursionError) as error:
        raise RecordingError(f"{name}, line {number}: {error}") from None


def _object(line: bytes) -> Fields:
    """The JSON object in a line."""
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
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
        match pair:
            case [str(), str()]:
                pass
            case _:
                raise FieldError(f"headers[{index}]", "is not a name and a value")
    return pairs(headers)


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
