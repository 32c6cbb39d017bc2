"""What a recording is made of: chunks, a request, a response, a failure.

Values, which neither change nor do anything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

import attrs
from streamfold.reducer import freeze, thaw

from .redaction import Headers

__all__ = [
    "RecordedChunk",
    "RecordedError",
    "RecordedRequest",
    "RecordedResponse",
    "check_seconds",
    "pairs",
]


def pairs(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Headers:
    """Headers as they are kept: names and values, in order."""
    if isinstance(headers, Mapping):
        headers = cast("Mapping[str, str]", headers).items()
    return tuple((name, value) for name, value in headers)


def _json(value: Any) -> Any:
    """`value`, which is JSON, so that it cannot change."""
    plain = thaw(freeze(value))
    json.dumps(plain, allow_nan=False)
    return freeze(plain)


def check_seconds(_: Any, attribute: attrs.Attribute[float], value: float) -> None:
    """The attrs validator of a time."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be seconds, 0 or more: {value!r}")


@attrs.frozen
class RecordedChunk:
    """Bytes that came together.

    Attributes:
        data: the bytes, as they came over the wire.
        at: when they came, in seconds since the request was sent.
    """

    data: bytes = attrs.field(validator=attrs.validators.instance_of(bytes))
    at: float = attrs.field(default=0.0, converter=float, validator=check_seconds)


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
    headers: Headers = attrs.field(default=(), converter=pairs)
    body: Any = attrs.field(default=None, converter=_json)  # pyright: ignore[reportUnknownVariableType]
    content: bytes = b""

    @classmethod
    def sent(cls, method: str, url: str, headers: Headers, content: bytes) -> RecordedRequest:
        """The request that was sent with these bytes, JSON or not."""
        try:
            return cls(method, url, headers, json.loads(content))
        except (ValueError, RecursionError):
            return cls(method, url, headers, content=content)


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
        default=(("content-type", "text/event-stream"),), converter=pairs
    )
    at: float = attrs.field(default=0.0, converter=float, validator=check_seconds)


@attrs.frozen
class RecordedError:
    """How reading failed.

    Attributes:
        type: the exception's name in httpx: `ReadTimeout`, `RemoteProtocolError`, …
        message: what it said.
    """

    type: str
    message: str = ""
