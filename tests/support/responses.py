"""Reading and closing the raw responses of either client, sync or async."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.support.shells import Shell


async def read_each(shell: Shell, response: httpx.Response) -> AsyncIterator[bytes]:
    """The chunks of a response, each when it comes."""
    if shell.is_sync:
        for piece in response.iter_raw():
            yield piece
    else:
        async for piece in response.aiter_raw():
            yield piece


async def read(shell: Shell, response: httpx.Response) -> list[bytes]:
    """All chunks of a response."""
    return [piece async for piece in read_each(shell, response)]


async def close(shell: Shell, response: httpx.Response) -> None:
    """Close a response."""
    response.close() if shell.is_sync else await response.aclose()


async def sent(shell: Shell, request: Any) -> httpx.Response:
    """The response to a request of either client: `sent(shell, client.http.post(…))`."""
    response: httpx.Response = request if shell.is_sync else await request
    return response
