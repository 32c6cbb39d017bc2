"""The parts of a recording: chunks, request, response and error, as immutable values.

All times are seconds since the request was sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

import attrs
from streamfold.reducer import freeze, sealed, thaw

__all__ = [
    "Ended",
    "Headers",
    "RecordedChunk",
    "RecordedError",
    "RecordedRequest",
    "RecordedResponse",
    "bytes_of",
    "check_seconds",
    "header_pairs",
    "text_of",
]

Headers = tuple[tuple[str, str], ...]
"""Names and values, in the order of the wire; a name may occur more than once."""

Ended = Literal["complete", "cut", "error"]
"""The ways a body ends: see `Recording`."""


def text_of(data: bytes) -> str:
    """Any bytes as text, from which `bytes_of` makes the same bytes again.

    >>> bytes_of(text_of(b"caf\\xe9"))
    b'caf\\xe9'
    """
    return data.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes that `text_of` made `text` of."""
    return text.encode("utf-8", "surrogateescape")


def header_pairs(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Headers:
    """Headers as a tuple of names and values.

    >>> header_pairs({"accept": "*/*"})
    (('accept', '*/*'),)
    """
    if isinstance(headers, Mapping):
        headers = cast("Mapping[str, str]", headers).items()
    return tuple((name, value) for name, value in headers)


def _frozen_json(value: Any) -> Any:
    """An immutable copy of the JSON `value`; fails for a value that JSON cannot express."""
    plain = thaw(freeze(value))
    json.dumps(plain, allow_nan=False)
    return freeze(plain)


def check_seconds(_: Any, attribute: attrs.Attribute[float], value: float) -> None:
    """Refuse a time that is negative or not finite; an attrs validator."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(
            f"{attribute.name} must be a finite number of seconds, at least 0, got {value!r}"
        )


@sealed
@attrs.frozen
class RecordedChunk:
    """Bytes of a body that arrived together.

    Attributes:
        data: the bytes, as they came over the wire.
        at: the time of arrival, in seconds since the request was sent.

    Raises:
        TypeError: `data` is not `bytes`.
        ValueError: `at` is negative or not finite.

    >>> RecordedChunk(b"data: {}", at=0.5).at
    0.5
    """

    data: bytes = attrs.field(validator=attrs.validators.instance_of(bytes))
    at: float = attrs.field(default=0.0, converter=float, validator=check_seconds)


@sealed
@attrs.frozen
class RecordedRequest:
    """A request as it was sent.

    Attributes:
        method: the HTTP method.
        url: the URL, with its query.
        headers: pairs of name and value, in order; a mapping is converted.
        body: the JSON that was sent; `None` if the body was not JSON.
        content: the bytes that were sent, if the body was not JSON.

    Raises:
        TypeError: `body` holds a value that is not JSON.
        ValueError: `body` holds a number that JSON cannot express.

    >>> RecordedRequest("POST", "https://example.com/", {"accept": "*/*"}, {"stream": True}).body
    {'stream': True}
    """

    method: str
    url: str
    headers: Headers = attrs.field(default=(), converter=header_pairs)
    body: Any = attrs.field(default=None, converter=_frozen_json)  # pyright: ignore[reportUnknownVariableType]
    content: bytes = b""

    @classmethod
    def sent(cls, method: str, url: str, headers: Headers, content: bytes) -> RecordedRequest:
        """The request with these bytes as its body: as `body` if they are JSON, else as `content`.

        >>> RecordedRequest.sent("POST", "https://example.com/", (), b'{"stream": true}').body
        {'stream': True}
        """
        try:
            return cls(method, url, headers, json.loads(content))
        except (ValueError, RecursionError):
            return cls(method, url, headers, content=content)


@sealed
@attrs.frozen
class RecordedResponse:
    """The head of a response: everything before its body.

    Attributes:
        status: the HTTP status.
        headers: pairs of name and value, in order; a mapping is converted.
        at: the time of arrival, in seconds since the request was sent.

    Raises:
        ValueError: `at` is negative or not finite.

    >>> RecordedResponse(529, {"retry-after": "7"}).headers
    (('retry-after', '7'),)
    """

    status: int = 200
    headers: Headers = attrs.field(
        default=(("content-type", "text/event-stream"),), converter=header_pairs
    )
    at: float = attrs.field(default=0.0, converter=float, validator=check_seconds)


@sealed
@attrs.frozen
class RecordedError:
    """The exception with which reading a body failed.

    Attributes:
        type: the name of the exception's class in httpx: `ReadTimeout`, `RemoteProtocolError`, …
        message: the text of the exception.

    >>> RecordedError("ReadTimeout", "timed out")
    RecordedError(type='ReadTimeout', message='timed out')
    """

    type: str
    message: str = ""
