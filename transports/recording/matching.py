"""The comparison of requests, and the message for a request without a recording.

Two requests are the same if their method, URL and body are equal. In a JSON body the order of keys
and the spacing do not count. Headers are not compared, because they name versions and attempts.

Pure functions of requests without secrets (see `redaction`), so that a request with the key of a
test is the same as one with the key of production.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from difflib import unified_diff

from streamfold.reducer import thaw

from .parts import RecordedRequest

__all__ = ["UnmatchedRequestError", "same_request", "unmatched"]

_MOST_LINES, _WIDEST_LINE = 40, 160
"""The limits of a difference that is shown, in lines and in characters."""


_MOST_COMPARED = 800
"""The maximum number of lines that are compared in detail."""


class UnmatchedRequestError(BaseException):
    """No recording answers a request. The message names the most similar one and the difference.

    Like the failures of pytest, this is not an `Exception`. Clients treat each `Exception` in a
    transport as a lost connection, retry, and raise their own error, which the code under test may
    catch.

    Attributes:
        nearest: the name of the most similar recording; `None` if no recording has a request.
    """

    nearest: str | None = None


def same_request(one: RecordedRequest, other: RecordedRequest) -> bool:
    """Whether a recording of one request answers the other.

    >>> one = RecordedRequest("POST", "https://example.com/", body={"a": 1, "b": 2})
    >>> other = RecordedRequest("POST", "https://example.com/", body={"b": 2, "a": 1})
    >>> same_request(one, other)
    True
    """
    return _target(one) == _target(other) and _body(one) == _body(other)


def unmatched(
    request: RecordedRequest, recorded: Sequence[tuple[str, RecordedRequest]]
) -> UnmatchedRequestError:
    """The error for a request without a recording.

    Args:
        request: the request.
        recorded: the names of the recordings, and the requests that they answer.

    >>> print(unmatched(RecordedRequest("GET", "https://example.com/"), []))
    no recording fits GET https://example.com/: no recording has a request
    """
    reason = f"no recording fits {_target(request)}"
    if not recorded:
        return UnmatchedRequestError(f"{reason}: no recording has a request")
    lines = _body(request).splitlines()
    name, nearest = max(recorded, key=lambda named: _similarity(request, lines, named[1]))
    message = [f"{reason}; the nearest of {len(recorded)} is {name}"]
    if _target(nearest) != _target(request):
        message.append(f"it answers {_target(nearest)}")
    recorded_lines, requested_lines = _differing(_body(nearest).splitlines(), lines)
    diff = unified_diff(recorded_lines, requested_lines, "recorded", "requested", lineterm="", n=2)
    shown = [line if len(line) <= _WIDEST_LINE else f"{line[:_WIDEST_LINE]}…" for line in diff]
    if len(shown) > _MOST_LINES:
        shown[_MOST_LINES:] = [f"… and {len(shown) - _MOST_LINES} more lines"]
    if not shown:
        message += ["the bodies are the same", *_address_advice(request, nearest)]
    error = UnmatchedRequestError("\n".join(message + shown))
    error.nearest = name
    return error


_API_PATH = "/v1/"
"""The beginning of the API's paths, which follows the base URL of a client."""


def _address_advice(request: RecordedRequest, recorded: RecordedRequest) -> list[str]:
    """The way to the recording of a request that differs by its base URL only, as a line."""
    _, _, path = request.url.partition(_API_PATH)
    base, _, recorded_path = recorded.url.partition(_API_PATH)
    if request.method != recorded.method or not path or path != recorded_path:
        return []
    return [
        f"only the base URLs differ: set ANTHROPIC_BASE_URL or base_url= to {base}, "
        "or replay with match='order', which ignores requests"
    ]


def _target(request: RecordedRequest) -> str:
    return f"{request.method} {request.url}"


def _body(request: RecordedRequest) -> str:
    """The body as text, equal for equal JSON, in lines that can be compared."""
    if request.content:
        return request.content.decode("utf-8", "backslashreplace")
    return json.dumps(thaw(request.body), ensure_ascii=False, sort_keys=True, indent=2)


def _differing(recorded: list[str], requested: list[str]) -> tuple[list[str], list[str]]:
    """The lines to compare: of long bodies, those around the first difference.

    The comparison takes time in the square of its lines and more.
    """
    if len(recorded) + len(requested) <= _MOST_COMPARED:
        return recorded, requested
    pairs = enumerate(zip(recorded, requested, strict=False))
    shorter = min(len(recorded), len(requested))
    same = next((at for at, (one, other) in pairs if one != other), shorter)
    start, end = max(0, same - 2), same + _MOST_COMPARED // 2
    return recorded[start:end], requested[start:end]


def _similarity(
    request: RecordedRequest, lines: list[str], recorded: RecordedRequest
) -> tuple[int, float]:
    """A sort key: the number of equal parts of the target, then the share of equal lines.

    The order of the lines does not count, so that the cost is that of reading both bodies.
    """
    same = (request.method == recorded.method) + (request.url == recorded.url)
    ours, theirs = Counter(lines), Counter(_body(recorded).splitlines())
    return same, 2 * (ours & theirs).total() / ((ours + theirs).total() or 1)
