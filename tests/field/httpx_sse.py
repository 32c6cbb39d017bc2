"""httpx-sse: `pip install httpx-sse`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import httpx
from httpx_sse import EventSource


class _Body(httpx.SyncByteStream):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)


def decode(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The events of `EventSource(response).iter_sse()`."""
    headers = {"content-type": "text/event-stream"}
    return EventSource(httpx.Response(200, headers=headers, stream=_Body(chunks))).iter_sse()
