"""One interface to the sync and the async stream: a test is written once and runs three times.

A `Shell` is the sync stream, the async one on asyncio, or the async one on trio. Its streams have
the async interface. The sync stream blocks the event loop that calls it. That does no harm, because
the loopback server has threads of its own.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
from streamfold.reducer import StreamState, feed, finish
from streamfold.transports import AsyncMessageStream, MessageStream, areplay, replay

from tests.support.events import body, end, message_start, text_block, tool_block
from tests.support.loopback import Server

KEY = "sk-ant-api03-do-not-tell"
"""The API key of every request. No error may show it."""

TIMEOUT = httpx.Timeout(60.0)
"""Longer than the patience of the server, so that the server reports a failure first."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Shared by all clients, which speak plain HTTP: a context for each would take most of the time."""


# --- a short stream -----------------------------------------------------------------------------

EVENTS = [
    message_start(),
    *text_block(0, "Grüß", " dich", " 😀"),
    *tool_block(1, '{"city": "Kö', 'ln"}'),
    *end("tool_use"),
]
"""A short message with text, a tool and characters of one to four bytes."""

BODY = body(*EVENTS)
MESSAGE = finish(feed(StreamState(), BODY)[0])
HALF = body(*EVENTS[:4])
"""The body up to the second piece of text."""


# --- shells -------------------------------------------------------------------------------------


class Awaited:
    """A sync stream, or one of its iterators, behind the async interface."""

    def __init__(self, sync: Any) -> None:
        self.sync = sync

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.sync, name)
        if isinstance(value, Iterator):  # text_stream
            return Awaited(value)
        return _awaited(value) if callable(value) else value

    def __aiter__(self) -> Awaited:
        return Awaited(iter(self.sync))

    async def __anext__(self) -> Any:
        try:
            return next(self.sync)
        except StopIteration:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Awaited:
        return Awaited(self.sync.__enter__())

    async def __aexit__(self, *error: Any) -> Any:
        return self.sync.__exit__(*error)


def _awaited(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any) -> Any:
        return function(*args)

    return call


class Chunks:
    """An async iterator that is not a generator and records whether it was closed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.closed = False

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


@attrs.frozen
class Shell:
    """The sync stream, or the async one on one of its event loops."""

    name: str

    @property
    def is_sync(self) -> bool:
        return self.name == "sync"

    def stream(self, chunks: Iterable[bytes], **options: Any) -> Any:
        """A stream over chunks."""
        if self.is_sync:
            return Awaited(MessageStream(chunks, **options))
        return AsyncMessageStream(Chunks(chunks), **options)

    def over(self, response: httpx.Response, **options: Any) -> Any:
        """A stream over an open response."""
        if self.is_sync:
            return Awaited(MessageStream(response, **options))
        return AsyncMessageStream(response, **options)

    def replay(self, source: Any, **options: Any) -> Any:
        """A stream over a recorded body."""
        if self.is_sync:
            return Awaited(replay(source, **options))
        return areplay(source, **options)

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        """A client of the loopback server."""
        options = {"timeout": TIMEOUT, "trust_env": False, "verify": NO_TLS, **options}
        if self.is_sync:
            with httpx.Client(**options) as sync_client:
                yield Client(self, sync_client)
        else:
            async with httpx.AsyncClient(**options) as async_client:
                yield Client(self, async_client)


@attrs.frozen
class Client:
    """An httpx client, and the shell that reads its responses."""

    shell: Shell
    http: Any

    async def send(self, server: Server, headers: dict[str, str] | None = None) -> httpx.Response:
        """Send a request and return its response with the body unread."""
        request = self.http.build_request(
            "POST",
            f"{server.url}/v1/messages",
            json={"stream": True},
            headers={"x-api-key": KEY, "authorization": f"Bearer {KEY}", **(headers or {})},
        )
        sent = self.http.send(request, stream=True)
        response: httpx.Response = sent if self.shell.is_sync else await sent
        return response

    async def open(
        self, server: Server, headers: dict[str, str] | None = None, **options: Any
    ) -> Any:
        """Send a request and return the stream over its response."""
        return self.shell.over(await self.send(server, headers), **options)
