r"""The format of a recording's file: `encode` writes it, `decode` reads it.

A file called `*.jsonl` is JSON Lines in UTF-8. A line ends with LF and with nothing else, and
non-ASCII characters are written as they are. The first line is the head, each other line is one
chunk, in order:

    {"format": "streamfold-recording", "version": 1, "chunks": 2, "ended": "complete", …}
    {"at": 0.412, "text": "event: message_start\ndata: {…}\n\n"}
    {"at": 0.497, "base64": "8J+Y"}

The fields of the head:

- `format`, `version`: the constants `FORMAT` and `VERSION`. A newer version is refused.
- `chunks`: the number of lines that follow. A file with fewer lines was cut off, and is refused.
- `ended`: `complete` if the body came to its end; `cut` if it did not, or the reader stopped before
  the end; `error` if reading it failed. Then `error` has the `type` of the exception, by its name
  in httpx, and its `message`.
- `duration`: seconds from the request to the end.
- `request`: `method`, `url`, `headers` (pairs of name and value) and `body`, which is JSON. A body
  that is not JSON is `text` or `base64`. `null` if the request is unknown.
- `response`: `status`, `headers`, and `at`, the time when they came.

A chunk has `at`, in seconds since the request, and its bytes: as `text` if they are UTF-8, and
otherwise, because a character was cut in two or the body is compressed, as `base64`.

Any other file is read as the raw body of an event stream (`*.sse`): one chunk, no request.

Encoding and decoding need memory for about two copies of the body.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypedDict, TypeVar, cast

import attrs
import httpx
from streamfold.reducer import FieldError, StreamfoldError, described, to_json

from .parts import (
    Ended,
    Headers,
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    bytes_of,
    header_pairs,
)

__all__ = ["Content", "RecordingError", "decode", "encode", "located"]

FORMAT = "streamfold-recording"
VERSION = 1

T = TypeVar("T")
Fields = dict[str, Any]


class RecordingError(StreamfoldError, ValueError):
    """A file that is not a complete recording. The message names the file, the line and the
    reason.
    """


class Content(TypedDict):
    """The content of a file: the arguments of `Recording`."""

    chunks: Sequence[RecordedChunk]
    request: RecordedRequest | None
    response: RecordedResponse
    ended: Ended
    error: RecordedError | None
    duration: float


# --- writing --------------------------------------------------------------------------------------


def encode(content: Content) -> bytes:
    """The bytes of a file with this content.

    >>> content = Content(chunks=[], request=None, response=RecordedResponse(),
    ...                   ended="complete", error=None, duration=0.0)
    >>> decode(encode(content), "turn.jsonl") == content
    True
    """
    request, error = content["request"], content["error"]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "chunks": len(content["chunks"]),
        "ended": content["ended"],
        **({} if error is None else {"error": attrs.asdict(error)}),
        "duration": content["duration"],
        "request": None if request is None else _request_fields(request),
        "response": attrs.asdict(content["response"]),
    }
    chunks = ({"at": chunk.at, **_bytes_fields(chunk.data)} for chunk in content["chunks"])
    return b"".join([_line(head), *map(_line, chunks)])


def _line(fields: Fields) -> bytes:
    return to_json(fields, separators=(", ", ": ")).encode() + b"\n"


def _request_fields(request: RecordedRequest) -> Fields:
    content = _bytes_fields(request.content) if request.content else {"body": request.body}
    return {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        **content,
    }


def _bytes_fields(data: bytes) -> dict[str, str]:
    """The field of a JSON object for bytes: `text` or `base64`."""
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


# --- reading --------------------------------------------------------------------------------------


def decode(data: bytes, name: str) -> Content:
    """The content of a file.

    Args:
        data: the bytes of the file.
        name: the name of the file for error messages.

    Raises:
        RecordingError: the bytes are not a complete recording.
    """
    first, *lines = data.removesuffix(b"\n").split(b"\n")
    with located(name, 1):
        announced, content = _head(_object(first))
    chunks: list[RecordedChunk] = []
    for number, line in enumerate(lines, 2):
        with located(name, number):
            chunks.append(_chunk(_object(line)))
            if number > 2 and chunks[-1].at < chunks[-2].at:
                raise FieldError(
                    "at", f"must not be earlier than in the line before, {chunks[-2].at} s"
                )
    if len(chunks) != announced:
        with located(name, 1):
            raise ValueError(
                f"`chunks` announces {announced} lines, but {len(chunks)} follow: the file was cut "
                "off or edited; record it again"
            )
    content["chunks"] = chunks
    return content


@contextmanager
def located(name: str, line: int) -> Generator[None, None, None]:
    """Turn an error in the block into a `RecordingError` that names the file and the line."""
    try:
        yield
    except (ValueError, OverflowError, RecursionError) as error:
        raise RecordingError(f"{name}, line {line}: {error}") from None


def _object(line: bytes) -> Fields:
    """The JSON object in a line."""
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8, got {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"expected a JSON object, got other text, or one that was cut off: {error}"
        ) from None
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {described(value)}")
    return cast("Fields", value)


def _head(fields: Fields) -> tuple[int, Content]:
    """The number of chunks that the head announces, and the content without them."""
    if _take(fields, "format", str) != FORMAT:
        raise ValueError(f"`format` must be {FORMAT!r}: this file is not a recording")
    version = _take(fields, "version", int)
    if version != VERSION:
        raise ValueError(
            f"`version` must be {VERSION}, got {version}: a newer streamfold wrote this file; "
            "upgrade to read it"
        )
    request, error = _take(fields, "request", dict, None), _take(fields, "error", dict, None)
    announced: int = _take(fields, "chunks", int)
    content = Content(
        chunks=(),
        ended=_take(fields, "ended", str),
        duration=_take(fields, "duration", float),
        request=None if request is None else _below("request", request, _request),
        response=_below("response", _take(fields, "response", dict), _response),
        error=None if error is None else _below("error", error, _error),
    )
    _refuse_unknown(fields)
    return announced, content


def _chunk(fields: Fields) -> RecordedChunk:
    at = _take(fields, "at", float)
    chunk = RecordedChunk(_bytes(fields), at)
    _refuse_unknown(fields)
    return chunk


def _request(fields: Fields) -> RecordedRequest:
    method, url = _take(fields, "method", str), _take(fields, "url", str)
    _check_line("method", method)
    try:
        httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise FieldError("url", f"must be a URL: {error}") from None
    return RecordedRequest(
        method=method,
        url=url,
        headers=_headers(fields),
        **({"body": fields.pop("body")} if "body" in fields else {"content": _bytes(fields)}),
    )


def _response(fields: Fields) -> RecordedResponse:
    status: int = _take(fields, "status", int)
    if not 100 <= status <= 999:
        raise FieldError("status", f"must be an HTTP status from 100 to 999, not {status}")
    return RecordedResponse(
        status=status,
        headers=_headers(fields),
        at=_take(fields, "at", float),
    )


def _error(fields: Fields) -> RecordedError:
    return RecordedError(_take(fields, "type", str), _take(fields, "message", str))


def _headers(fields: Fields) -> Headers:
    headers: list[Any] = _take(fields, "headers", list)
    for index, pair in enumerate(headers):
        match pair:
            case [str(name), str(value)]:
                _check_line(f"headers[{index}]", name + value)
            case _:
                raise FieldError(f"headers[{index}]", "must be a name and a value, two strings")
    return header_pairs(headers)


def _check_line(path: str, text: str) -> None:
    """Refuse a text that the head of an HTTP message cannot carry, as one with a line break."""
    if any(character in text for character in "\r\n\0"):
        raise FieldError(path, f"must not have a line break or a NUL, got {text!r}")
    try:
        bytes_of(text)
    except UnicodeEncodeError:
        raise FieldError(path, f"must not have half of a surrogate pair, got {text!r}") from None


def _bytes(fields: Fields) -> bytes:
    """The bytes that `_bytes_fields` wrote."""
    if "base64" not in fields:
        text: str = _take(fields, "text", str)
        return text.encode("utf-8")
    try:
        return base64.b64decode(_take(fields, "base64", str), validate=True)
    except binascii.Error as error:
        raise FieldError("base64", f"must be base64: {error}") from None


def _below(name: str, fields: Fields, read: Callable[[Fields], T]) -> T:
    """The result of `read` for the object in the field `name`; errors name both fields."""
    try:
        value = read(fields)
        _refuse_unknown(fields)
    except FieldError as error:
        raise error.below(name) from None
    return value


def _take(fields: Fields, name: str, kind: type[Any], *default: Any) -> Any:
    """Remove a field and return its value, which must be of this kind.

    Raises:
        FieldError: the field is missing and has no default, or its value has another kind.
    """
    value = fields.pop(name, *default or (_MISSING,))
    if value is _MISSING:
        raise FieldError(name, "is missing")
    kinds = (int, float) if kind is float else (kind,)
    if type(value) not in kinds and value not in default:
        raise FieldError(name, f"must be {described(kind())}, not {described(value)}")
    return value


_MISSING = object()


def _refuse_unknown(fields: Fields) -> None:
    for name in fields:
        raise FieldError(name, f"is not a field of version {VERSION} of the format")
