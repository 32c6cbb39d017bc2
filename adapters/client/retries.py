"""Whether to try again, and when: decisions as pure functions, and stamina, which acts on them.

A request is sent again when nothing of its answer was handed out and another attempt may go
better: the API was not reached, was busy or overloaded, or failed. What the API says itself
(`x-should-retry`, `retry-after`, `retry-after-ms`) goes before what its status suggests.

Source: API reference, "Errors"; RFC 9110, section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from streamfold.transports import APIConnectionError, APIStatusError

__all__ = ["is_retryable", "retry_after", "retry_wait", "retrying"]

_STATUSES = frozenset({408, 409, 429})
"""The statuses below 500 that are worth another attempt."""

_ERROR_EVENTS = frozenset({"overloaded_error", "rate_limit_error", "api_error", "timeout_error"})
"""The types of an `error` event, in a response that began well, that are worth another attempt."""

_LONGEST_WAIT = 86_400.0
"""Seconds. `time.sleep` refuses what is much longer."""


def is_retryable(error: BaseException) -> bool:
    """Whether a request that failed with `error`, before anything of its answer was handed out,
    is worth another attempt.

    >>> is_retryable(APIConnectionError("the connection was refused")), is_retryable(ValueError())
    (True, False)
    """
    if isinstance(error, APIConnectionError):
        return True
    if not isinstance(error, APIStatusError) or error.response is None:
        return False
    told: str | None = error.response.headers.get("x-should-retry")
    if told in ("true", "false"):
        return told == "true"
    if error.response.is_success:
        return error.type in _ERROR_EVENTS
    return error.status_code in _STATUSES or error.status_code >= 500


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """How many seconds the API wants us to wait; `None` if it does not say, or no time at all.

    Args:
        headers: those of the response, by their names in lower case (httpx's take any).
        now: the time, in seconds since the epoch.

    >>> retry_after({"retry-after": "2"}, now=0), retry_after({"retry-after-ms": "50"}, now=0)
    (2.0, 0.05)
    >>> retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:30 GMT"}, now=10)
    20.0
    """
    for header, read in _WAITS:
        try:
            wait = read(headers[header], now)
        except (KeyError, ValueError, OverflowError):
            continue
        if math.isfinite(wait):
            return min(wait, _LONGEST_WAIT) if wait > 0 else None
    return None


_WAITS: tuple[tuple[str, Callable[[str, float], float]], ...] = (
    ("retry-after-ms", lambda told, now: float(told) / 1000),
    ("retry-after", lambda told, now: float(told)),
    ("retry-after", lambda told, now: parsedate_to_datetime(told).timestamp() - now),
)
"""The ways to say it; the more exact ones first."""


def retry_wait(error: BaseException, now: float) -> bool | float:
    """What to do after `error`: give up (`False`), try again after so many seconds, or try again
    after a wait of one's own choosing (`True`).
    """
    if not is_retryable(error):
        return False
    response = getattr(error, "response", None)
    wait = None if response is None else retry_after(response.headers, now)
    return True if wait is None else wait


def retrying(
    max_retries: int, caller: Literal["RetryingCaller", "AsyncRetryingCaller"]
) -> Callable[..., Any]:
    """What calls a function, and calls it again when that is called for: `call(function, *args)`.

    Without another wish of the API the waits are 0.5, 1, 2, … seconds, up to 8, and up to half a
    second more by chance, so that many clients do not come back all at once.

    Args:
        max_retries: how often to try again at most.
        caller: which of stamina's callers does it.

    Raises:
        ImportError: there are to be retries, and stamina is not installed.
        ValueError: `max_retries` is negative.
    """
    if max_retries < 0:
        raise ValueError(f"max_retries must not be negative: {max_retries}")
    if max_retries == 0:
        return _call
    try:
        import stamina
    except ImportError:
        raise ImportError(
            "retries need stamina: pip install 'streamfold[client]', or give max_retries=0"
        ) from None
    call = getattr(stamina, caller)(
        attempts=max_retries + 1, timeout=None, wait_initial=0.5, wait_max=8.0, wait_jitter=0.5
    )
    bound: Callable[..., Any] = call.on(_retry_wait_now)
    return bound


def _call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def _retry_wait_now(error: Exception) -> bool | float:
    return retry_wait(error, time.time())
