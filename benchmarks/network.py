"""Streams over real sockets, as users have them.

A server in a process of its own sends one event per packet, with a pause between two events, as the
API does. The cost is the CPU time of this process, which is the client: that of the whole call,
divided by the events. Between two events the caches of the processor grow cold, so an event costs
more here than in memory.

The floor of a library is the cost of the raw bytes: the request, the headers, and each chunk of the
body, which is not examined.
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
import urllib3
from streamfold.adapters.anthropic import Anthropic, AsyncAnthropic, DefaultAioHttpClient
from streamfold.adapters.urllib3 import DefaultUrllib3Client

from . import peers, streams
from .measure import Comparison, Side
from .server import paced_server

__all__ = ["READERS", "SECTION", "comparisons", "cost"]

SECTION = "On a network"

AsyncReader = Callable[[str], AbstractAsyncContextManager[Callable[[], Awaitable[Any]]]]
"""Opens a client for a URL, and gives the function that reads one stream with it."""

Reader = Callable[[str], AbstractContextManager[Callable[[], Any]]]
"""The same, sync."""


# --- reading, async -----------------------------------------------------------------------------


def _async_client(client_class: Any, http_client: Callable[[], Any] | None = None) -> AsyncReader:
    """Our client or the official one, with an HTTP client of the caller or without."""

    @asynccontextmanager
    async def reader(url: str) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
        async with AsyncExitStack() as stack:
            options = {"api_key": "none", "base_url": url, "max_retries": 0}
            if http_client is not None:
                options["http_client"] = await stack.enter_async_context(http_client())
            client = await stack.enter_async_context(client_class(**options))
            yield partial(peers.events_and_message_async, client)

    return reader


def _async_bytes(library: Any) -> AsyncReader:
    """httpx or httpx2 alone."""

    async def read(client: Any, url: str) -> None:
        async with client.stream("POST", f"{url}/v1/messages", json=peers.REQUEST) as response:
            async for _ in response.aiter_raw():
                pass

    @asynccontextmanager
    async def reader(url: str) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
        limits = library.Limits(max_connections=1000)
        async with library.AsyncClient(limits=limits, timeout=60) as client:
            yield partial(read, client, url)

    return reader


@asynccontextmanager
async def _aiohttp_bytes(url: str) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """aiohttp alone."""
    async with aiohttp.ClientSession() as session:

        async def read() -> None:
            async with session.post(f"{url}/v1/messages", json=peers.REQUEST) as response:
                async for _ in response.content.iter_any():
                    pass

        yield read


# --- reading, sync ------------------------------------------------------------------------------


def _client(client_class: Any, http_client: Callable[[], Any] | None = None) -> Reader:
    """Our client or the official one, with an HTTP client of the caller or without."""

    @contextmanager
    def reader(url: str) -> Iterator[Callable[[], Any]]:
        with ExitStack() as stack:
            options = {"api_key": "none", "base_url": url, "max_retries": 0}
            if http_client is not None:
                options["http_client"] = stack.enter_context(http_client())
            client = stack.enter_context(client_class(**options))
            yield partial(peers.events_and_message, client)

    return reader


def _bytes(library: Any) -> Reader:
    """httpx or httpx2 alone."""

    def read(client: Any, url: str) -> None:
        with client.stream("POST", f"{url}/v1/messages", json=peers.REQUEST) as response:
            for _ in response.iter_raw():
                pass

    @contextmanager
    def reader(url: str) -> Iterator[Callable[[], Any]]:
        with library.Client(timeout=60) as client:
            yield partial(read, client, url)

    return reader


@contextmanager
def _urllib3_bytes(url: str) -> Iterator[Callable[[], Any]]:
    """urllib3 alone."""
    with urllib3.PoolManager(timeout=60) as pool:

        def read() -> None:
            response = pool.request(
                "POST", f"{url}/v1/messages", json=peers.REQUEST, preload_content=False
            )
            while response.read1(decode_content=False):
                pass

        yield read


READERS: dict[str, AsyncReader] = {
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

SYNC_READERS: dict[str, Reader] = {
    "streamfold": _client(Anthropic),
    "streamfold on urllib3": _client(Anthropic, DefaultUrllib3Client),
    "streamfold on httpx2": _client(Anthropic, partial(httpx2.Client, timeout=60)),
    "anthropic": _client(anthropic.Anthropic),
    "httpx alone": _bytes(httpx),
    "httpx2 alone": _bytes(httpx2),
    "urllib3 alone": _urllib3_bytes,
}
"""The ways to read a sync stream."""


# --- the rows -----------------------------------------------------------------------------------

ROWS: tuple[tuple[str, str, float | None], ...] = (
    ("streamfold", "anthropic", 2.2),
    ("streamfold on aiohttp", "anthropic", 4.5),
    ("streamfold on aiohttp", "anthropic on aiohttp", None),
    ("streamfold on httpx2", "anthropic", None),
    ("streamfold", "httpx alone", None),
    ("streamfold on httpx2", "httpx2 alone", None),
    ("streamfold on aiohttp", "aiohttp alone", None),
)
"""The async rows: our way, the peer's, and the minimum ratio."""

SYNC_ROWS: tuple[tuple[str, str, float | None], ...] = (
    ("streamfold", "anthropic", None),
    ("streamfold on urllib3", "anthropic", 3.0),
    ("streamfold on httpx2", "anthropic", None),
    ("streamfold", "httpx alone", None),
    ("streamfold on httpx2", "httpx2 alone", None),
    ("streamfold on urllib3", "urllib3 alone", None),
)
"""The sync rows."""


def comparisons(many: int, deltas: int, pause: float) -> Iterator[Comparison]:
    """The rows, for streams that the server sends as long as this generator runs.

    Args:
        many: the number of async streams at once.
        deltas: the deltas of a stream.
        pause: the seconds between two events of a stream.
    """
    note = (
        f"{len(streams.text(deltas))} events a stream, one per packet, {pause * 1000:g} ms between "
        "two; CPU time of the client process for the whole call"
    )
    row = partial(Comparison, note=note, section=SECTION)
    with paced_server(pause) as server:

        def side(name: str, peer: str, cost: Any, outcome: Any, readers: Any) -> Side:
            if "alone" in peer:  # bytes have no message
                outcome = _nothing
            reader = readers[name]
            return Side(
                name,
                partial(cost, reader, f"{server}/{deltas}", many, len(streams.text(deltas))),
                partial(outcome, reader, f"{server}/1"),
            )

        for ours, peer, at_least in ROWS:
            pair = (side(name, peer, cost, _outcome, READERS) for name in (ours, peer))
            yield row(f"{many} async streams, {ours} against {peer}", *pair, at_least=at_least)
        many = 1
        for ours, peer, at_least in SYNC_ROWS:
            pair = (
                side(name, peer, _sync_cost, _sync_outcome, SYNC_READERS) for name in (ours, peer)
            )
            yield row(f"one sync stream, {ours} against {peer}", *pair, at_least=at_least)


def cost(reader: AsyncReader, url: str, many: int, events: int) -> float:
    """Microseconds of CPU time per event, for `many` async streams at once."""

    async def measure() -> float:
        async with reader(url) as read:
            gc.collect()
            start = time.process_time()
            await asyncio.gather(*(read() for _ in range(many)))
            return time.process_time() - start

    seconds: float = peers.wait_for(measure())
    return seconds / (many * events) * 1e6


def _sync_cost(reader: Reader, url: str, many: int, events: int) -> float:
    with reader(url) as read:
        gc.collect()
        start = time.process_time()
        for _ in range(many):
            read()
        return (time.process_time() - start) / (many * events) * 1e6


def _outcome(reader: AsyncReader, url: str) -> object:
    async def read() -> Any:
        async with reader(url) as read:
            return await read()

    events, message = peers.wait_for(read())
    return events, peers.message_of(message)


def _sync_outcome(reader: Reader, url: str) -> object:
    with reader(url) as read:
        events, message = read()
    return events, peers.message_of(message)


def _nothing(_reader: object, _url: str) -> None:
    pass
