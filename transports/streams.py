"""Message streams: the events of one response as they come, sync and async.

Both are a loop around `Progress`, which see; they differ in `for` and `async for`. A stream takes
an open `httpx.Response`, or any (async) iterable of bytes, and closes it: when it is read to its
end, when the `with` block is left, when an error ends it, when it is closed, and when it is
dropped.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic

import httpx
from streamfold.reducer import DEFAULT_LIMIT, PartialMode, Snapshot

from .event_loops import Spawn, shielded, spawner
from .parsed import ParsedMessage, ParsedMessageStreamEvent, ResponseFormatT
from .progress import Progress, partial_mode_of, text_of
from .sources import Source, async_source, library_of, sync_source

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "AsyncMessageStream",
    "AsyncMessageStreamManager",
    "MessageStream",
    "MessageStreamManager",
]


class _Stream(Generic[ResponseFormatT]):
    """What both streams show without waiting."""

    def __init__(
        self,
        source: Source[Any],
        parse: Callable[[str], ResponseFormatT] | None,
        partial_mode: PartialMode | None,
        limit: int,
        allow_incomplete: bool,
    ) -> None:
        self._progress: Progress[ResponseFormatT] = Progress(
            source,
            partial_mode=partial_mode or partial_mode_of(source.response),
            limit=limit,
            allow_incomplete=allow_incomplete,
            parse=parse,
        )

    @property
    def response(self) -> httpx.Response:
        """The response that is read.

        Raises:
            RuntimeError: the stream reads chunks that came without one.
        """
        return self._progress.known_response()

    @property
    def request_id(self) -> str | None:
        """The API's name for the request."""
        return self._progress.header("request-id")

    @property
    def workspace_id(self) -> str | None:
        """The workspace that the request was counted for, where the API told it."""
        return self._progress.header("anthropic-workspace-id")

    @property
    def snapshot(self) -> Snapshot:
        """All that the events handed out so far have said."""
        return self._progress.snapshot

    @property
    def current_message_snapshot(self) -> ParsedMessage[ResponseFormatT]:
        """The message so far.

        Raises:
            RuntimeError: it has not started yet.
        """
        return self._progress.message()


class MessageStream(_Stream[ResponseFormatT]):
    """The events of a response, as they come.

    >>> from streamfold.reducer import encode_sse, expand, Message
    >>> body = encode_sse(expand(Message.from_dict({
    ...     "id": "msg_1", "role": "assistant", "model": "claude-opus-4-6",
    ...     "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"})))
    >>> with MessageStream([body]) as stream:
    ...     for text in stream.text_stream:
    ...         print(text)
    Hello
    >>> stream.get_final_message().stop_reason
    'end_turn'
    """

    def __init__(
        self,
        source: httpx.Response | Iterable[bytes],
        *,
        parse: Callable[[str], ResponseFormatT] | None = None,
        partial_mode: PartialMode | None = None,
        limit: int = DEFAULT_LIMIT,
        allow_incomplete: bool = False,
    ) -> None:
        """Read a stream from `source`.

        Args:
            source: an open response, or the chunks of a body.
            parse: what makes `parsed_output` of a text.
            partial_mode: what becomes of an unfinished string in a tool's input; by default what
                the request's `anthropic-beta` header asks for.
            limit: how many bytes one line, or the data of one event, may have.
            allow_incomplete: take the end of the input for the end of the message, complete or not.
        """
        found = sync_source(source)
        super().__init__(found, parse, partial_mode, limit, allow_incomplete)
        self._chunks = found.chunks
        self._close = weakref.finalize(self, _close, found.opened)
        self._close.atexit = False

    def __iter__(self) -> Iterator[ParsedMessageStreamEvent[ResponseFormatT]]:
        progress = self._progress
        while True:
            events = progress.events
            yield from events
            # another reader may have gone on to the next chunk meanwhile
            if events is progress.events and not self._advance(progress.take):
                return

    def __next__(self) -> ParsedMessageStreamEvent[ResponseFormatT]:
        while True:
            for event in self._progress.events:
                return event  # type: ignore[no-any-return]
            if not self._advance(self._progress.take):
                raise StopIteration

    def _advance(self, take: Callable[[bytes], None]) -> bool:
        """Wait for the next chunk and `take` it; whether there may be more.

        Raises:
            StreamfoldError: what the stream ended with, if it was an error.
        """
        progress = self._progress
        if progress.ended:
            progress.raise_fault()
            return False
        try:
            chunk = next(self._chunks)
        except StopIteration:
            progress.end()
        except progress.losses as error:
            progress.lost(error)
        else:
            take(chunk)
        if progress.ended:
            self.close()
        return True

    def await_first_event(self) -> None:
        """Wait until an event waits to be handed out.

        Raises:
            StreamfoldError: what the stream ended with before that; it is closed then.
        """
        progress = self._progress
        while not progress.has_events() and self._advance(progress.take):
            pass

    @property
    def text_stream(self) -> Iterator[str]:
        """The pieces of text alone, as they come."""
        for event in self:
            if event.type == "text":
                yield event.text

    def until_done(self) -> None:
        """Read the stream to its end, without making the events."""
        self._progress.events = iter(())
        while self._advance(self._progress.skim):
            pass

    def get_final_message(self) -> ParsedMessage[ResponseFormatT]:
        """Read the stream to its end; the message.

        Raises:
            IncompleteStreamError: it was cut off. `.snapshot` has what came.
            APIError, ProtocolError: what else ended it.
        """
        self.until_done()
        return self._progress.final_message()

    def get_final_text(self) -> str:
        """Read the stream to its end; the text of all its text blocks.

        Raises:
            RuntimeError: the message has no text block.
        """
        return text_of(self.get_final_message())

    def close(self) -> None:
        """Close the response; its connection goes back or is closed. Done at the end by itself.

        Who reads on gets the events that have come already, and then, if the message is not
        complete, `IncompleteStreamError`.
        """
        self._progress.end()
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _close(source: Any) -> None:
    close = getattr(source, "close", None)
    if close is not None:
        close()


class AsyncMessageStream(_Stream[ResponseFormatT]):
    """The events of a response, as they come: `MessageStream` for asyncio and trio."""

    def __init__(
        self,
        source: httpx.Response | AsyncIterable[bytes],
        *,
        parse: Callable[[str], ResponseFormatT] | None = None,
        partial_mode: PartialMode | None = None,
        limit: int = DEFAULT_LIMIT,
        allow_incomplete: bool = False,
    ) -> None:
        """Read a stream from `source`: see `MessageStream`."""
        found = async_source(source)
        super().__init__(found, parse, partial_mode, limit, allow_incomplete)
        self._chunks = found.chunks
        self._source = found.opened
        self._abandon = weakref.finalize(self, _abandon, found.opened, self._chunks, spawner())
        self._abandon.atexit = False

    def __aiter__(self) -> AsyncIterator[ParsedMessageStreamEvent[ResponseFormatT]]:
        return self

    async def __anext__(self) -> ParsedMessageStreamEvent[ResponseFormatT]:
        while True:
            for event in self._progress.events:
                return event  # type: ignore[no-any-return]
            if not await self._advance(self._progress.take):
                raise StopAsyncIteration

    async def _advance(self, take: Callable[[bytes], None]) -> bool:
        """Wait for the next chunk and `take` it; whether there may be more: see `MessageStream`."""
        progress = self._progress
        if progress.ended:
            await self.close()  # if it was a cancellation that ended it, it is open still
            progress.raise_fault()
            return False
        try:
            chunk = await self._next_chunk()
        except StopAsyncIteration:
            progress.end()
        except progress.losses as error:
            progress.lost(error)
        else:
            take(chunk)
        if progress.ended:
            await self.close()
        return True

    async def await_first_event(self) -> None:
        """Wait until an event waits to be handed out: see `MessageStream`."""
        progress = self._progress
        while not progress.has_events() and await self._advance(progress.take):
            pass

    async def _next_chunk(self) -> bytes:
        """The next chunk. Behind the last one httpx gives the connection back, which must not be
        interrupted; and whoever is, in waiting for the end of a message that is over, has it all.
        """
        next_chunk = self._chunks.__anext__
        if not self._progress.state.snapshot.is_over:
            return await next_chunk()
        try:
            return await shielded(next_chunk)
        except BaseException:
            self._progress.end()
            raise

    @property
    def text_stream(self) -> AsyncIterator[str]:
        """The pieces of text alone, as they come."""
        return _AsyncTexts(self)

    async def until_done(self) -> None:
        """Read the stream to its end, without making the events."""
        self._progress.events = iter(())
        while await self._advance(self._progress.skim):
            pass

    async def get_final_message(self) -> ParsedMessage[ResponseFormatT]:
        """Read the stream to its end; the message: see `MessageStream`."""
        await self.until_done()
        return self._progress.final_message()

    async def get_final_text(self) -> str:
        """Read the stream to its end; the text of all its text blocks: see `MessageStream`."""
        return text_of(await self.get_final_message())

    async def close(self) -> None:
        """Close the response; its connection goes back or is closed: see `MessageStream`."""
        self._progress.end()
        if self._abandon.detach() is not None:
            await shielded(lambda: _aclose(self._source, self._chunks))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class _AsyncTexts:
    """`text_stream`: not an async generator, which would have to be closed when it is left
    early.
    """

    def __init__(self, stream: AsyncMessageStream[Any]) -> None:
        self._stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while True:
            event = await self._stream.__anext__()
            if event.type == "text":
                return event.text


async def _aclose(source: Any, chunks: AsyncIterator[bytes]) -> None:
    """Close `source` and the iterator it is read with.

    A generator that is dropped half-way must be closed by the event loop, which trio warns of.
    Those that httpx reads a response with stand one in another, and closing the outer one only
    drops the inner ones; but once its connection is closed, they end by themselves at the next
    step. What was made up without a connection may go on for ever, and is not waited for.
    """
    if library_of(source) is not None and "network_stream" in source.extensions:
        await source.aclose()
        with suppress(Exception):
            while True:
                await chunks.__anext__()
        return
    for closable in (source, chunks):
        aclose = getattr(closable, "aclose", None)
        if aclose is not None:
            await aclose()


def _abandon(source: Any, chunks: AsyncIterator[bytes], spawn: Spawn | None) -> None:
    """Close a stream that was dropped, from wherever the garbage collector found it."""

    async def close() -> None:
        with suppress(Exception):
            await _aclose(source, chunks)

    spawn = spawn or spawner()
    if spawn is not None:
        spawn(close)


class MessageStreamManager(Generic[ResponseFormatT]):
    """A stream whose request is sent on entering the `with` block, and which is closed on leaving
    it.
    """

    def __init__(self, open_stream: Callable[[], MessageStream[ResponseFormatT]]) -> None:
        """Wrap `open_stream`, which sends the request."""
        self._open_stream = open_stream
        self._stream: MessageStream[ResponseFormatT] | None = None

    def __enter__(self) -> MessageStream[ResponseFormatT]:
        self._stream = self._open_stream()
        return self._stream

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()


class AsyncMessageStreamManager(Generic[ResponseFormatT]):
    """A stream whose request is sent on entering the `async with` block: see
    `MessageStreamManager`.
    """

    def __init__(
        self, open_stream: Callable[[], Awaitable[AsyncMessageStream[ResponseFormatT]]]
    ) -> None:
        """Wrap `open_stream`, which sends the request."""
        self._open_stream = open_stream
        self._stream: AsyncMessageStream[ResponseFormatT] | None = None

    async def __aenter__(self) -> AsyncMessageStream[ResponseFormatT]:
        self._stream = await self._open_stream()
        return self._stream

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            await self._stream.close()
