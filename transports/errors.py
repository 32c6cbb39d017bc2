"""What can go wrong between here and the API, by the names of its official SDK.

An error that ends a stream carries `snapshot`: all that was folded before it. An `error` event in
the middle of a stream has the class and the `status_code` of its own type, whatever status the
response began with.

Source: API reference, "Errors".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import httpx
from streamfold.reducer import RawErrorEvent, Snapshot, StreamfoldError

__all__ = [
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
    "UnprocessableEntityError",
    "request_of",
    "status_error",
    "stream_error",
]


def request_of(response: httpx.Response | None) -> httpx.Request | None:
    """The request that led to `response`; `None` for a response that was made without one."""
    try:
        return response.request if response is not None else None
    except RuntimeError:
        return None


class APIError(StreamfoldError):
    """The API, or the way to it, failed.

    Attributes:
        message: what went wrong.
        type: the API's own word for it (`overloaded_error`, …), where it told one.
        body: what the API said: a JSON object, or text, or `None`.
        request: the request, where it is known.
        response: the response, where there was one.
        request_id: the API's name for the request, where it told one.
        snapshot: what was folded before, if the stream had begun.
    """

    def __init__(
        self,
        message: str,
        *,
        request: httpx.Request | None = None,
        response: httpx.Response | None = None,
        body: Any = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        super().__init__(message, snapshot=snapshot)
        self.request = request or request_of(response)
        self.response = response
        self.body = body
        told = _told(body)
        self.type: str | None = told.get("type")
        header = response.headers.get("request-id") if response is not None else None
        self.request_id: str | None = header or _object(body).get("request_id")


class APIConnectionError(APIError):
    """The connection could not be made, or was lost."""


class APITimeoutError(APIConnectionError):
    """The API did not answer, or fell silent, for longer than the timeout."""


class APIResponseValidationError(APIError):
    """A response that is not what it should be: a 200 that is no event stream, say."""


class APIStatusError(APIError):
    """The API refused, or failed: see `status_code` and `type`."""

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


def _told(body: Any) -> Mapping[str, Any]:
    """The `error` object in what the API said; empty where there is none."""
    return _object(_object(body).get("error"))


def _class_of(status: int) -> type[APIStatusError]:
    fallback = InternalServerError if status >= 500 else APIStatusError
    return _BY_STATUS.get(status, fallback)


def status_error(response: httpx.Response) -> APIStatusError:
    """The error of a response with an error status, whose body has been read."""
    text = response.text
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        body = text
    told = _told(body).get("message")
    beginning = text if len(text) <= 200 else f"{text[:200]}…"
    return _class_of(response.status_code)(
        f"{response.status_code}: {told or beginning or response.reason_phrase}",
        status_code=response.status_code,
        response=response,
        body=body,
    )


def stream_error(
    event: RawErrorEvent, snapshot: Snapshot, response: httpx.Response | None
) -> APIStatusError:
    """The error of an `error` event: by its own type, not by the status the response began with."""
    body = event.to_dict()
    kind = str(event.error.get("type"))
    status = _STATUS_OF_TYPE.get(kind, 500)
    return _class_of(status)(
        f"{kind}: {event.error.get('message')}",
        status_code=status,
        response=response,
        body=body,
        snapshot=snapshot,
    )
