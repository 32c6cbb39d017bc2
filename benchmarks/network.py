"""Streams over real sockets, as users have them.

A server in a process of its own sends one event per packet, with a pause between two events, as the
API does. The cost is the CPU time of this process, which is the client: that of the whole call,
divided by the events. Between two events the caches of the processor grow cold, so an event costs
more here than in memory.

The floor of a library is the cost of the raw bytes: the request, the headers, and each chunk of the
body, which is not looked at.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
from streamfold.adapters.anthropic import Anthropic, AsyncAnthropic, DefaultAioHttpClient

from . import peers, streams
from .measure import Comparison, Side
from .server import paced_server

__all__ = ["LIBRARIES", "SECTION", "comparisons", "cost"]

SECTION = "On a network"

AsyncReader = Callable[[str], AbstractAsyncContextManager[Callable[[], Awaitable[object]]]]
"""Opens a client of a URL, and gives the function that reads one stream with it."""

Reader = Callable[[str], AbstractContextManager[Callable[[], object]]]
"""The same, sync."""


# --- reading, async -----------------------------------------------------------------------------


def _async_client(client_class: Any, http_client: Callable[[], Any] | None = None) -> AsyncReader:
    """Our client or the official one, with an HTTP client of the caller or without."""

    async def read(client: Any) -> object:
        async with client.messages.stream(**peers.REQUEST) as stream:
            events = await peers.all_events_async(stream)
            return events, peers.message_of(await stream.get_final_message())

    @asynccontextmanager
    async def reader(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        async with AsyncExitStack() as stack:
            options = {"api_key": "none", "base_url": url, "max_retries": 0}
            if http_client is not None:
                options["http_client"] = await stack.enter_async_context(http_client())
            yield partial(read, await stack.enter_async_context(client_class(**options)))

    return reader


def _async_bytes(library: Any) -> AsyncReader:
    """httpx or httpx2 alone."""

    async def read(client: Any, url: str) -> object:
        async with client.stream("POST", f"{url}/v1/messages", json=peers.REQUEST) as response:
            async for _ in response.aiter_raw():
                pass

    @asynccontextmanager
    async def reader(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        limits = library.Limits(max_connections=1000)
        async with library.AsyncClient(limits=limits, timeout=60) as client:
            yield partial(read, client, url)

    return reader


@asynccontextmanager
async def _aiohttp_bytes(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """aiohttp alone."""
    async with aiohttp.ClientSession() as session:

        async def read() -> object:
            async with session.post(f"{url}/v1/messages", json=peers.REQUEST) as response:
                async for _ in response.content.iter_any():
                    pass

        yield read


# --- reading, sync ------------------------------------------------------------------------------


def _client(client_class: Any, http_client: Callable[[], Any] | None = None) -> Reader:
    """Our client or the official one, with an HTTP client of the caller or without."""

    def read(client: Any) -> object:
        with client.messages.stream(**peers.REQUEST) as stream:
            return peers.all_events(stream), peers.message_of(stream.get_final_message())

    @contextmanager
    def reader(url: str) -> Iterator[Callable[[], object]]:
        with ExitStack() as stack:
            options = {"api_key": "none", "base_url": url, "max_retries": 0}
            if http_client is not None:
                options["http_client"] = stack.enter_context(http_client())
            yield partial(read, stack.enter_context(client_class(**options)))

    return reader


def _bytes(library: Any) -> Reader:
    """httpx or httpx2 alone."""

    def read(client: Any, url: str) -> object:
        with client.stream("POST", f"{url}/v1/messages", json=peers.REQUEST) as response:
            for _ in response.iter_raw():
                pass

    @contextmanager
    def reader(url: str) -> Iterator[Callable[[], object]]:
        with library.Client(timeout=60) as client:
            yield partial(read, client, url)

    return reader


LIBRARIES: dict[str, AsyncReader] = {
    "streamfold": _async_client(AsyncAnthropic),
    "streamfold on aiohttp": _async_client(AsyncAnthropic, DefaultAioHttpClient),
    "streamfold on httpx2": _async_client(AsyncAnthropic, partial(httpx2.AsyncClient, timeout=60)),
    "anthropic": _async_client(anthropic.AsyncAnthropic),
    "anthropic on aiohttp": _async_client(anthropic.AsyncAnthropic, anthropic.DefaultAioHttpClient),
    "httpx alone": _async_bytes(httpx),
    "httpx2 alone": _async_bytes(httpx2),
    "aiohttp alone": _aiohttp_bytes,
}
"""The ways to read an async stream."""

SYNC_LIBRARIES: dict[str, Reader] = {
    "streamfold": _client(Anthropic),
    "streamfold on httpx2": _client(Anthropic, partial(httpx2.Client, timeout=60)),
    "anthropic": _client(anthropic.Anthropic),
    "httpx alone": _bytes(httpx),
    "httpx2 alone": _bytes(httpx2),
}
"""The ways to read a sync stream."""


# --- the rows -----------------------------------------------------------------------------------

ASYNC_ROWS: tuple[tuple[str, str, float | None], ...] = (
    ("streamfold", "anthropic", 2.2),
    ("streamfold on aiohttp", "anthropic", 4.5),
    ("streamfold on aiohttp", "anthropic on aiohttp", None),
    ("streamfold on httpx2", "anthropic", None),
    ("streamfold", "httpx alone", None),
    ("streamfold on httpx2", "httpx2 alone", None),
    ("streamfold on aiohttp", "aiohttp alone", None),
)
"""Our way, the peer's, and the least ratio that is asked."""

SYNC_ROWS: tuple[tuple[str, str, float | None], ...] = (
    ("streamfold", "anthropic", None),
    ("streamfold on httpx2", "anthropic", 3.0),
    ("streamfold", "httpx alone", None),
    ("streamfold on httpx2", "httpx2 alone", None),
)


def comparisons(many: int, deltas: int, pause: float) -> Iterator[Comparison]:
    """The rows, for streams that the server sends as long as this generator runs.

    Args:
        many: the number of async streams at once.
        deltas: the deltas of a stream.
        pause: the seconds between two events of a stream.
    """
    note = (
        f"streams of {len(streams.text(deltas))} events over sockets, one event per packet, "
        f"{pause * 1000:g} ms between two; CPU time of the client process for the whole call"
    )
    with paced_server(pause) as server:

        def side(name: str, cost: Callable[..., float], reader: Any) -> Side:
            return Side(name, partial(cost, reader, server, deltas, many))

        for ours, peer, at_least in ASYNC_ROWS:
            yield Comparison(
                f"{many} async streams, {ours}",
                side(ours, cost, LIBRARIES[ours]),
                side(peer, cost, LIBRARIES[peer]),
                at_least=at_least,
                note=note,
                section=SECTION,
            )
        many = 1
        for ours, peer, at_least in SYNC_ROWS:
            yield Comparison(
                f"one sync stream, {ours}",
                side(ours, _sync_cost, SYNC_LIBRARIES[ours]),
                side(peer, _sync_cost, SYNC_LIBRARIES[peer]),
                at_least=at_least,
                note=note,
                section=SECTION,
            )


def cost(reader: AsyncReader, server: str, deltas: int, many: int) -> float:
    """Microseconds of CPU time per event, for `many` async streams at once."""

    async def measure() -> float:
        async with reader(f"{server}/{deltas}") as read:
            gc.collect()
            start = time.process_time()
            await asyncio.gather(*(read() for _ in range(many)))
            return time.process_time() - start

    return peers.wait_for(measure()) / (many * len(streams.text(deltas))) * 1e6


def _sync_cost(reader: Reader, server: str, deltas: int, many: int) -> float:
    with reader(f"{server}/{deltas}") as read:
        gc.collect()
        start = time.process_time()
        for _ in range(many):
            read()
        seconds = time.process_time() - start
    return seconds / (many * len(streams.text(deltas))) * 1e6
