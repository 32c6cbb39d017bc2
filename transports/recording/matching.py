"""Which recording a request is answered with, and what to say when there is none.

Two requests are the same when their method, their URL and their body are; of a JSON body neither
the order of its keys nor its spacing counts. Headers do not: they name versions and attempts. Both
sides are compared without their secrets, so that the key of a test fits the one that was recorded.

Pure functions of requests whose secrets are gone: see `redaction`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher, unified_diff
from typing import Protocol, TypeVar

from streamfold.reducer import thaw

from .value import RecordedRequest

__all__ = ["UnmatchedRequestError", "difference", "fitting", "next_of", "same_request"]

_LINES, _WIDTH = 40, 160
"""What is shown of a difference at most."""


class UnmatchedRequestError(BaseException):
    """No recording fits a request: the message says which comes nearest, and how it differs.

    It is no `Exception`, as the failures of pytest are none: clients take every `Exception` in a
    transport for a lost connection, try again, and raise their own, and the code under test may
    well catch that.
    """


def same_request(one: RecordedRequest, other: RecordedRequest) -> bool:
    """Whether a recording of the one answers the other.

    >>> one = RecordedRequest("POST", "https://example.com/", body={"a": 1, "b": 2})
    >>> other = RecordedRequest("POST", "https://example.com/", body={"b": 2, "a": 1})
    >>> same_request(one, other)
    True
    """
    return _target(one) == _target(other) and _body(one) == _body(other)


class Playable(Protocol):
    """What knows the request that it answers, if that is known, and how often it was played."""

    @property
    def request(self) -> RecordedRequest | None: ...

    plays: int


P = TypeVar("P", bound=Playable)


def fitting(entries: Sequence[P], asked: RecordedRequest, name: Callable[[P], str]) -> list[P]:
    """Those of `entries` that answer a request; else those that do not know what they answer.

    Args:
        entries: the recordings there are.
        asked: the request.
        name: what an entry is called in the error.

    Raises:
        UnmatchedRequestError: there is none of either.
    """
    known = [(entry, entry.request) for entry in entries if entry.request is not None]
    found = [entry for entry, request in known if same_request(request, asked)]
    found = found or [entry for entry in entries if entry.request is None]
    if not found:
        named = [(name(entry), request) for entry, request in known]
        raise UnmatchedRequestError(difference(asked, named))
    return found


def next_of(found: Sequence[P]) -> P:
    """The first that was not played yet, or the last."""
    return next((entry for entry in found if not entry.plays), found[-1])


def difference(request: RecordedRequest, recorded: Sequence[tuple[str, RecordedRequest]]) -> str:
    """How the recording that comes nearest to `request` differs from it.

    Args:
        request: what was asked for.
        recorded: the names of the recordings, and what they answer.
    """
    asked = f"no recording fits {_target(request)}"
    if not recorded:
        return f"{asked}: there are none"
    lines = _body(request).splitlines()
    name, nearest = max(recorded, key=lambda named: _nearness(request, lines, named[1]))
    told = [f"{asked}; the nearest of {len(recorded)} is {name}"]
    if _target(nearest) != _target(request):
        told.append(f"it answers {_target(nearest)}")
    diff = unified_diff(
        _body(nearest).splitlines(), lines, "recorded", "requested", lineterm="", n=2
    )
    shown = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in diff]
    if len(shown) > _LINES:
        shown[_LINES:] = [f"… and {len(shown) - _LINES} more lines"]
    return "\n".join(told + (shown or ["the bodies are the same"]))


def _target(request: RecordedRequest) -> str:
    return f"{request.method} {request.url}"


def _body(request: RecordedRequest) -> str:
    """The body as a text that is the same for the same JSON, and can be compared by lines."""
    if request.content:
        return request.content.decode("utf-8", "backslashreplace")
    return json.dumps(thaw(request.body), ensure_ascii=False, sort_keys=True, indent=2)


def _nearness(
    request: RecordedRequest, lines: list[str], recorded: RecordedRequest
) -> tuple[int, float]:
    same = (request.method == recorded.method) + (request.url == recorded.url)
    return same, SequenceMatcher(None, _body(recorded).splitlines(), lines).ratio()
