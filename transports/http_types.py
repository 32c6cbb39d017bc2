"""The responses and requests of httpx and httpx2, for type checkers.

httpx2 is optional. Without it, its classes are unknown to type checkers, and never seen at run
time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Union

import httpx

if TYPE_CHECKING:
    import httpx2

__all__ = ["HTTPRequest", "HTTPResponse", "HoldsResponse"]

HTTPRequest = Union[httpx.Request, "httpx2.Request"]
"""A request of httpx or httpx2."""

HTTPResponse = Union[httpx.Response, "httpx2.Response"]
"""A response of httpx or httpx2."""


class HoldsResponse(Protocol):
    """The object that the official client's `with_streaming_response` gives."""

    @property
    def http_response(self) -> HTTPResponse: ...  # noqa: D102
