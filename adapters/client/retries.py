"""Retries: the decisions, as pure functions, and `retrying`, which leaves the waiting to stamina.

A request is sent again only while nothing of its answer was handed out, and only if another
attempt may succeed: the API could not be reached, was busy or overloaded, or failed. The API's own
headers (`x-should-retry`, `retry-after`, `retry-after-ms`) override the rule for its status.

Source: API reference, "Errors"; RFC 9110, section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Literal

from streamfold.reducer import StreamfoldError
from streamfold.transports import APIConnectionError, APIStatusError

__all__ = ["is_retryable", "retry_after", "retry_wait", "retrying"]

_RETRYABLE_STATUSES = frozenset({408, 409, 429})
"""The statuses below 500 after which another attempt may succeed."""

_RETRYABLE_ERRORS = frozenset(
    {"overloaded_error", "rate_limit_error", "api_error", "timeout_error"}
)
"""The types of `error` events, in a response with status 200, that are retried."""

_SILENT = logging.NullHandler()
"""The handler of stamina's logger: without any, Python prints its records to standard error."""

_LONGEST_WAIT = 60.0
"""Seconds. A server that asks for a longer wait is ignored, as the official client does."""


def is_retryable(error: BaseException) -> bool:
    """Whether another attempt may succeed after a request failed with `error`.

    Args:
        error: the failure, raised before anything of the answer was handed out.

    >>> is_retryable(APIConnectionError("the connection was refused")), is_retryable(ValueError())
    (True, False)
    """
    if isinstance(error, APIConnectionError):
        return True
    if not isinstance(error, APIStatusError) or error.response is None:
        return False
    override: str | None = error.response.headers.get("x-should-retry")
    if override in ("true", "false"):
        return override == "true"
    if error.response.is_success:
        return error.type in _RETRYABLE_ERRORS
    return error.status_code in _RETRYABLE_STATUSES or error.status_code >= 500


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that the API asks us to wait; `None` if it does not, or for more than 60.

    Args:
        headers: the headers of the response, with names in lower case (httpx's take any case).
        now: the time, in seconds since the epoch.

    >>> retry_after({"retry-after": "2"}, now=0), retry_after({"retry-after-ms": "50"}, now=0)
    (2.0, 0.05)
    >>> retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:30 GMT"}, now=10)
    20.0
    """
    for name, seconds_of in _WAIT_HEADERS:
        try:
            wait = seconds_of(headers[name], now)
        except (KeyError, ValueError, OverflowError):
            continue
        if math.isfinite(wait):
            return wait if 0 < wait <= _LONGEST_WAIT else None
    return None


_WAIT_HEADERS: tuple[tuple[str, Callable[[str, float], float]], ...] = (
    ("retry-after-ms", lambda value, now: float(value) / 1000),
    ("retry-after", lambda value, now: float(value)),
    ("retry-after", lambda value, now: parsedate_to_datetime(value).timestamp() - now),
)
"""The headers that ask for a wait, the more exact first, each with its value in seconds."""


def retry_wait(error: BaseException, now: float) -> bool | float:
    """The wait after `error`.

    Args:
        error: the failure of an attempt.
        now: the time, in seconds since the epoch.

    Returns:
        `False` to give up, the seconds that the API asks for, or `True` for a wait of our own
        choosing.

    >>> retry_wait(APIConnectionError("refused"), now=0), retry_wait(ValueError(), now=0)
    (True, False)
    """
    if not is_retryable(error):
        return False
    response = getattr(error, "response", None)
    wait = None if response is None else retry_after(response.headers, now)
    return True if wait is None else wait


def retrying(
    max_retries: int, caller: Literal["RetryingCaller", "AsyncRetryingCaller"]
) -> Callable[..., Any]:
    """A function `call(function, *args)` that calls `function`, and retries it as `retry_wait`
    decides.

    Unless the API asks for another wait, the waits are 0.5, 1, 2, … up to 8 seconds, each with up
    to half a second of jitter, so that many clients do not return at the same moment.

    Args:
        max_retries: the number of attempts after the first.
        caller: the class of stamina that makes the calls, sync or async.

    Raises:
        ImportError: `max_retries` is above 0 and stamina is not installed.
        ValueError: `max_retries` is negative.

    >>> retrying(0, "RetryingCaller")(max, 1, 2)
    2
    """
    if max_retries < 0:
        raise ValueError(f"max_retries must be at least 0 (0 = one attempt), got {max_retries}")
    if max_retries == 0:
        return _call
    try:
        import stamina
    except ImportError:
        raise ImportError(
            f"max_retries={max_retries} needs stamina, which is not installed: "
            "pip install 'streamfold[client]', or pass max_retries=0"
        ) from None
    logging.getLogger("stamina").addHandler(_SILENT)  # once: a logger keeps a handler only once
    call = getattr(stamina, caller)(
        attempts=max_retries + 1, timeout=None, wait_initial=0.5, wait_max=8.0, wait_jitter=0.5
    )
    first = _first_attempt if caller == "RetryingCaller" else _first_attempt_async
    return partial(first, call.on(_retry_wait_now))


def _call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def _first_attempt(retry: Callable[..., Any], function: Callable[..., Any], *args: Any) -> Any:
    """Call `function`, and leave it to `retry` only if that fails.

    The call of a retrying function of stamina costs 35 µs, a tenth of a short stream. Its frames
    are left out of the traceback of an error, because they hide the caller's.
    """
    failures: list[Exception] = []
    try:
        return function(*args)
    except Exception as error:
        failures.append(error)

    def again(*args: Any) -> Any:
        if failures:
            raise failures.pop()  # the first attempt, as `retry` counts
        return function(*args)

    try:
        return retry(again, *args)
    except StreamfoldError as error:
        raise error.with_traceback(None) from error.__cause__


async def _first_attempt_async(
    retry: Callable[..., Any], function: Callable[..., Any], *args: Any
) -> Any:
    """Await `function`: see `_first_attempt`."""
    failures: list[Exception] = []
    try:
        return await function(*args)
    except Exception as error:
        failures.append(error)

    async def again(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return await function(*args)

    try:
        return await retry(again, *args)
    except StreamfoldError as error:
        raise error.with_traceback(None) from error.__cause__


def _retry_wait_now(error: Exception) -> bool | float:
    return retry_wait(error, time.time())
