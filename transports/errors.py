"""The errors of the API and of the connection, with the names of the official client's errors.

An error that ends a stream carries `snapshot`: everything that was folded before it. An `error`
event inside a stream raises the class, and has the `status_code`, of its own type, not of the
response's status.

No message and no `body` repeats a secret of the request: see `recording.Redaction`. The request
itself, as `request`, has its headers.

Source: API reference, "Errors".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from traceback import clear_frames
from typing import Any, cast

from streamfold.reducer import ProtocolError, RawErrorEvent, Snapshot, StreamfoldError, Timing

from .http_types import HTTPRequest, HTTPResponse
from .recording import AWS_EVENT_STREAM, EVENT_STREAM, Redaction, media_type

__all__ = [
    "REDACTION",
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "ContentTooLargeError",
    "GatewayTimeoutError",
    "InternalServerError",
    "NotFoundError",
    "OverloadedError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestTimeoutError",
    "ServiceUnavailableError",
    "StalledStreamError",
    "UnprocessableEntityError",
    "beginning_needed",
    "hide_causes",
    "hide_secrets",
    "refuse_other_content",
    "refuse_other_message",
    "request_of",
    "response_error",
    "stalled_error",
    "status_error",
    "stream_error",
]


REDACTION = "streamfold.redaction"
"""The extension of a request with the `Redaction` that knows the secrets it was sent with."""

_MOST_OF_AN_ERROR = 64 * 1024
"""The maximum number of bytes of an error's body that are read. The rest is dropped."""

_SHOWN = 200
"""The number of characters of an unexpected body that a message shows."""


def request_of(response: HTTPResponse | None) -> HTTPRequest | None:
    """The request of a response; `None` without a response, or for one made without a request.

    >>> import httpx
    >>> request_of(httpx.Response(200)) is None
    True
    """
    try:
        return response.request if response is not None else None
    except RuntimeError:
        return None


def _redaction_for(request: HTTPRequest | None) -> Redaction:
    """The redaction that knows the secrets of a request.

    A client that removes them from a request that was sent leaves it in the request's extensions.
    """
    if request is None:
        return Redaction()
    known: Redaction | None = getattr(request, "extensions", {}).get(REDACTION)
    if known is None:
        known = Redaction()
        known.headers(request.headers.items())
        known.url(str(request.url))
    with suppress(RuntimeError):  # a body that was streamed
        known.body(request.content)
    return known


def hide_secrets(fault: StreamfoldError, response: HTTPResponse | None) -> None:
    """Remove the secrets of the request from the text of an error of the engine.

    The engine knows no secrets, and quotes the beginning of a stream's data. The attributes of the
    error keep the data as it came.

    Args:
        fault: the error, which is changed.
        response: the response that was read.
    """
    request = request_of(response)
    if request is None:
        return
    redaction = _redaction_for(request)
    fault.message = redaction.text(fault.message)
    if isinstance(fault, ProtocolError):
        fault.reason = redaction.text(fault.reason)
    _hide_causes(fault, redaction)


def hide_causes(error: BaseException, request: HTTPRequest | None) -> None:
    """Remove the secrets of the request from an error and from its causes.

    A traceback shows their messages, in which HTTP libraries quote the bytes of the answer. The
    local variables of their frames hold those bytes, too, and are cleared.

    Args:
        error: the error, which is changed.
        request: the request that failed.
    """
    _hide_causes(error, _redaction_for(request))


def _hide_causes(error: BaseException, redaction: Redaction) -> None:
    cause: BaseException | None = error
    while cause is not None:
        cause.args = tuple(
            redaction.text(text) if isinstance(text, str) else text for text in cause.args
        )
        clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__


class APIError(StreamfoldError):
    """The API, or the connection to it, failed.

    Args:
        message: the description of the failure; secrets of the request are removed from it.
        request: the request; by default that of `response`.
        response: the response, if there was one.
        body: the decoded body of the API's answer.
        snapshot: everything folded before the failure.

    Attributes:
        message: the description of the failure.
        type: the API's name of the error (`overloaded_error`, …); `None` if the body has none.
        body: the body of the API's answer: a JSON value, text, or `None`.
        request: the request, if it is known.
        response: the response, if there was one.
        request_id: the API's identifier of the request, from a header or the body.
        snapshot: everything folded before the failure; `None` if the stream had not begun.
    """

    def __init__(
        self,
        message: str,
        *,
        request: HTTPRequest | None = None,
        response: HTTPResponse | None = None,
        body: Any = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        request = request or request_of(response)
        super().__init__(_redaction_for(request).text(message), snapshot=snapshot)
        self.request = request
        self.response = response
        self.body = body
        self.type: str | None = _error_object(body).get("type")
        header = response.headers.get("request-id") if response is not None else None
        self.request_id: str | None = header or _object(body).get("request_id")


class APIConnectionError(APIError):
    """The connection could not be made, or was lost."""


class APITimeoutError(APIConnectionError):
    """The API sent nothing for longer than the timeout."""


class StalledStreamError(APITimeoutError):
    """The stream made no progress for longer than its `stall_timeout`; pings do not count.

    Args:
        message: the description of the failure.
        timing: the timing of the events before.
        details: the further arguments of `APIError`.

    Attributes:
        timing: the timing of the events before; `None` if no answer came at all.
    """

    def __init__(self, message: str, *, timing: Timing | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.timing = timing


class APIResponseValidationError(APIError):
    """A successful response with other content than expected, such as HTML for an event stream."""


class APIStatusError(APIError):
    """The API refused the request, or failed.

    Args:
        message: the description of the failure.
        status_code: the HTTP status.
        details: the other arguments of `APIError`.

    Attributes:
        status_code: the HTTP status; for an `error` event, the status of its type.
    """

    def __init__(self, message: str, *, status_code: int, **details: Any) -> None:
        super().__init__(message, **details)
        self.status_code = status_code


class BadRequestError(APIStatusError):
    """400, `invalid_request_error`."""


class AuthenticationError(APIStatusError):
    """401, `authentication_error`."""


class PaymentRequiredError(APIStatusError):
    """402, `billing_error`."""


class PermissionDeniedError(APIStatusError):
    """403, `permission_error`."""


class NotFoundError(APIStatusError):
    """404, `not_found_error`."""


class RequestTimeoutError(APIStatusError):
    """408."""


class ConflictError(APIStatusError):
    """409."""


class ContentTooLargeError(APIStatusError):
    """413, `request_too_large`."""


class UnprocessableEntityError(APIStatusError):
    """422."""


class RateLimitError(APIStatusError):
    """429, `rate_limit_error`."""


class InternalServerError(APIStatusError):
    """500 and above, `api_error`."""


class ServiceUnavailableError(InternalServerError):
    """503."""


class GatewayTimeoutError(InternalServerError):
    """504, `timeout_error`."""


class OverloadedError(InternalServerError):
    """529, `overloaded_error`."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: RequestTimeoutError,
    409: ConflictError,
    413: ContentTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    503: ServiceUnavailableError,
    504: GatewayTimeoutError,
    529: OverloadedError,
}

_STATUS_OF_TYPE: dict[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def _object(body: Any) -> Mapping[str, Any]:
    """`body` if it is a JSON object, else an empty one."""
    return cast("Mapping[str, Any]", body) if isinstance(body, Mapping) else {}


def _error_object(body: Any) -> Mapping[str, Any]:
    """The `error` object in the body of an error; an empty one if the body has none."""
    return _object(_object(body).get("error"))


def _class_of(status: int) -> type[APIStatusError]:
    fallback = InternalServerError if status >= 500 else APIStatusError
    return _BY_STATUS.get(status, fallback)


def stalled_error(
    timeout: float,
    timing: Timing | None,
    request: HTTPRequest | None = None,
    response: HTTPResponse | None = None,
    snapshot: Snapshot | None = None,
) -> StalledStreamError:
    """The error of a stream that made no progress for its `stall_timeout`.

    Args:
        timeout: the `stall_timeout`, in seconds.
        timing: the timing of the events; `None` if no answer came.
        request: the request; by default that of `response`.
        response: the response, if there was one.
        snapshot: everything folded before.
    """
    if timing is None or timing.last_event is None:
        came = "no event came"
    else:
        came = f"{timing.events:,} events came, the last at {timing.last_event:.1f} s"
    pings = f", and {timing.pings:,} pings" if timing is not None and timing.pings else ""
    return StalledStreamError(
        f"expected progress within {timeout:g} s (stall_timeout), but {came}{pings}: send the "
        "request again, or give a longer stall_timeout",
        timing=timing,
        request=request,
        response=response,
        snapshot=snapshot,
    )


def status_error(response: HTTPResponse, text: str | None = None) -> APIStatusError:
    """The error of a response with an error status.

    Args:
        response: the response.
        text: its body, or the beginning of it; by default the body, which has been read.

    Returns:
        An error of the class of the status, with the message of the body, or its first 200
        characters, or the reason phrase.

    >>> import httpx
    >>> status_error(httpx.Response(529, text="busy"))
    OverloadedError('529: busy')
    """
    text = _redaction_for(request_of(response)).text(response.text if text is None else text)
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        body = text
    beginning = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    message = _error_object(body).get("message") or beginning or response.reason_phrase
    return _class_of(response.status_code)(
        f"{response.status_code}: {message}",
        status_code=response.status_code,
        response=response,
        body=body,
    )


def stream_error(
    event: RawErrorEvent, snapshot: Snapshot, response: HTTPResponse | None
) -> APIStatusError:
    """The error of an `error` event, of the class of its type.

    Args:
        event: the event.
        snapshot: the snapshot after the event.
        response: the response that is read, if there is one.
    """
    body = _redaction_for(request_of(response)).texts(event.to_dict())
    kind = str(event.error.get("type"))
    status = _STATUS_OF_TYPE.get(kind, 500)
    return _class_of(status)(
        f"{kind}: {event.error.get('message')}",
        status_code=status,
        response=response,
        body=body,
        snapshot=snapshot,
    )


def beginning_needed(response: HTTPResponse) -> int:
    """The maximum number of bytes of the body that the error of a response needs; 0 for a stream.

    >>> import httpx
    >>> beginning_needed(httpx.Response(529)), beginning_needed(httpx.Response(200, html="<p>"))
    (65536, 200)
    >>> beginning_needed(httpx.Response(200))
    0
    """
    if not response.is_success:
        return _MOST_OF_AN_ERROR
    kind = media_type(response.headers.get("content-type", ""))
    return 0 if kind in ("", EVENT_STREAM, AWS_EVENT_STREAM) else _SHOWN


def response_error(response: HTTPResponse, beginning: bytes) -> APIError:
    """The error of a response that is not a stream: of its status, or of its content.

    Args:
        response: the response.
        beginning: the first bytes of its body: see `beginning_needed`.
    """
    charset = response.charset_encoding or "utf-8"
    if charset.lower() == "punycode":  # no encoding of bodies; some Pythons decode it to nothing
        charset = "utf-8"
    try:
        text = beginning.decode(charset, "replace")
    except (LookupError, UnicodeError):  # Python has no such encoding, or one of other errors
        text = beginning.decode("utf-8", "replace")
    if response.is_success:
        return refuse_other_content(response, text)
    return status_error(response, text)


def refuse_other_content(response: HTTPResponse, beginning: str) -> APIResponseValidationError:
    """The error of a successful response that is not an event stream.

    Args:
        response: the response.
        beginning: the first characters of its body.

    >>> import httpx
    >>> refuse_other_content(httpx.Response(200, html="<p>"), "<p>").message
    "expected text/event-stream, got text/html; charset=utf-8: '<p>'"
    """
    beginning = _redaction_for(request_of(response)).text(beginning)
    kind = response.headers.get("content-type", "no content type")
    return APIResponseValidationError(
        f"expected {EVENT_STREAM}, got {kind}: {beginning[:_SHOWN]!r}",
        response=response,
        body=beginning,
    )


def refuse_other_message(
    response: HTTPResponse, beginning: str, reason: str
) -> APIResponseValidationError:
    """The error of a successful unstreamed response that is not a message.

    Args:
        response: the response.
        beginning: the first characters of its body.
        reason: the reason why it is not a message.

    >>> import httpx
    >>> refuse_other_message(httpx.Response(200), "[]", "it is not an object").message
    "expected a message as JSON, got '[]' (it is not an object)"
    """
    beginning = _redaction_for(request_of(response)).text(beginning)
    return APIResponseValidationError(
        f"expected a message as JSON, got {beginning!r} ({reason})",
        response=response,
        body=beginning,
    )
