"""Message streams: the events of one response as they arrive, sync and async.

`MessageStream` and `AsyncMessageStream` are loops around `Progress`, and differ in `for` and
`async for`. A stream reads an open `httpx.Response`, or any (async) iterable of bytes, and closes
it when the stream is read to its end, its `with` block is left, an error ends it, it is closed, or
it is dropped.

A stream ends at `message_stop`. The events of that chunk are handed out; then the stream waits for
the end of the body for a quarter of a second at most, because httpx gives a connection back only
after a body that was read to its end. Bytes that come instead of the end are dropped.

Handing out one event costs one step of an iterator; waiting and folding cost once per chunk.
"""

from __future__ import annotations

import weakref
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from contextlib import suppress
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic

from streamfold.reducer import DEFAULT_LIMIT, PartialMode, Snapshot, StreamfoldError, Timing

from .closing import AsyncClosing, Closing
from .event_loops import Spawn, briefly, shielded, spawner
from .http_types import HoldsResponse, HTTPResponse
from .interruption import PATIENCE, interruption_of, read_end
from .parsed import ParsedMessage, ParsedMessageStreamEvent, ResponseFormatT
from .progress import Progress, partial_mode_of, text_of
from .sources import Source, aclose, async_source, sync_source
from .stalls import AsyncPatience, ReadStalledError, Watchdog, check_stall_timeout

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "AsyncMessageStream",
    "AsyncMessageStreamManager",
    "MessageStream",
    "MessageStreamManager",
]


class _Stream(Generic[ResponseFormatT]):
    """The part of both streams that does not wait."""

    def __init__(
        self,
        source: Source[Any],
        parse: Callable[[str], ResponseFormatT] | None,
        partial_mode: PartialMode | None,
        limit: int,
        allow_incomplete: bool,
        stall_timeout: float | None,
        clock: Callable[[], float] | None,
    ) -> None:
        self._progress: Progress[ResponseFormatT] = Progress(
            source,
            partial_mode=partial_mode or partial_mode_of(source.response),
            limit=limit,
            allow_incomplete=allow_incomplete,
            parse=parse,
            stall_timeout=check_stall_timeout(stall_timeout),
            clock=clock,
        )
        self._is_response = source.response is not None

    @property
    def response(self) -> HTTPResponse:
        """The response that is read.

        Raises:
            RuntimeError: the stream reads chunks without a response.
        """
        return self._progress.known_response()

    @property
    def request_id(self) -> str | None:
        """The API's identifier of the request, from the header `request-id`.

        Raises:
            RuntimeError: the stream reads chunks without a response.
        """
        return self._progress.header("request-id")

    @property
    def workspace_id(self) -> str | None:
        """The workspace of the request, from the header `anthropic-workspace-id`.

        Raises:
            RuntimeError: the stream reads chunks without a response.
        """
        return self._progress.header("anthropic-workspace-id")

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot after the events handed out so far."""
        return self._progress.snapshot

    @property
    def timing(self) -> Timing:
        """The times of the events in the bytes received so far; see `clock`."""
        return self._progress.timing

    @property
    def current_message_snapshot(self) -> ParsedMessage[ResponseFormatT]:
        """The message after the events handed out so far. Each reading assembles it once.

        Raises:
            RuntimeError: `message_start` has not been handed out yet.
        """
        return self._progress.message()


class MessageStream(_Stream[ResponseFormatT], Closing):
    """The events of a response, as they arrive.

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
        source: HTTPResponse | HoldsResponse | Iterable[bytes],
        *,
        parse: Callable[[str], ResponseFormatT] | None = None,
        partial_mode: PartialMode | None = None,
        limit: int = DEFAULT_LIMIT,
        allow_incomplete: bool = False,
        stall_timeout: float | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Read a stream.

        Args:
            source: an open response of httpx or httpx2, the response object that the official
                client's `with_streaming_response` gives, or the chunks of a body. Its content type
                selects the framing: server-sent events, or Amazon's event stream.
            parse: the function that makes `parsed_output` of a text.
            partial_mode: "on" drops an unfinished string of a tool's input with its key,
                "trailing-strings" keeps it as far as it goes. By default the `anthropic-beta`
                header of the request decides.
            limit: the maximum size of one line, or of the data of one event, in bytes.
            allow_incomplete: treat the end of the input as the end of the message, even if the
                message is not complete.
            stall_timeout: the longest time to wait for progress, in seconds; `None` for no limit.
                Pings do not count. A blocked read is interrupted if `source` is a response over
                HTTP/1.1; with any other source a stall is noticed only when the next bytes arrive.
            clock: gives the seconds since the request was sent, for `timing`; by default the
                seconds since the stream was made.

        Raises:
            TypeError: `source` cannot be read; the error names the object to pass instead.
            ValueError: `source` is a response that was read or closed before.
        """
        found = sync_source(source, limit)
        super().__init__(found, parse, partial_mode, limit, allow_incomplete, stall_timeout, clock)
        self._chunks: Iterator[bytes] | Watchdog = found.chunks
        self._raw_chunks = found.chunks
        self._interrupt = interruption_of(found.opened)
        self._reading = False
        watchdog = None
        self._timer = timer = self._progress.stall_timer
        if timer is not None and self._interrupt is not None:
            self._chunks = watchdog = Watchdog(found.chunks, timer, self._interrupt)
        self._close = weakref.finalize(self, _close, found.opened, watchdog)
        self._close.atexit = False

    def __iter__(self) -> Iterator[ParsedMessageStreamEvent[ResponseFormatT]]:
        # `chain` is written in C; with a generator of events, reading takes 4 % longer
        return chain.from_iterable(self._events_by_chunk())

    def _events_by_chunk(self) -> Iterator[Iterator[ParsedMessageStreamEvent[ResponseFormatT]]]:
        """Give the pending events of each chunk, and read the next chunk after them."""
        progress = self._progress
        pending: Iterator[Any]
        while True:
            pending = progress.pending
            yield pending
            # another reader may have read on meanwhile, and left events
            if pending is progress.pending and not self._advance():
                return

    def __next__(self) -> ParsedMessageStreamEvent[ResponseFormatT]:
        progress = self._progress
        while True:
            for event in progress.pending:
                return event  # type: ignore[no-any-return]
            if not self._advance():
                raise StopIteration

    def _advance(self) -> bool:
        """Wait for the next chunk, and fold it.

        Returns:
            Whether there may be more chunks, or events of this one.

        Raises:
            StreamfoldError: the fault that ended the stream.
        """
        progress = self._progress
        if progress.ended:
            if self._close.alive and self._is_response and progress.has_stopped:
                read_end(self._raw_chunks.__next__, self._interrupt)
            self.close()
            progress.raise_fault()
            return False
        if self._timer is not None:
            self._timer.begin()
        self._reading = True
        try:
            chunk = next(self._chunks)
        except StopIteration:
            progress.end()
        except ReadStalledError as error:
            progress.stall(error)
        except progress.connection_errors as error:
            progress.lose_connection(error)
        except StreamfoldError as fault:  # the response is an error, or not a stream
            progress.fail(fault)
        else:
            progress.fold(chunk)
        finally:
            self._reading = False
        if progress.ended and not progress.has_stopped:
            self.close()
        return True

    def await_first_event(self) -> None:
        """Read chunks until an event can be handed out, without taking it.

        Raises:
            StreamfoldError: the stream ended before that, and is closed.
        """
        while not self._progress.left and self._advance():
            pass

    @property
    def text_stream(self) -> Generator[str]:
        """The pieces of text, as they arrive. Other events are skipped.

        Closing the iterator ends it; the stream stays open.
        """
        for event in self:
            if event.type == "text":
                yield event.text

    def until_done(self) -> None:
        """Read the stream to its end, without making the events.

        Raises:
            StreamfoldError: the fault that ended the stream.
        """
        with self._progress.without_events():
            while self._advance():
                pass

    def get_final_message(self) -> ParsedMessage[ResponseFormatT]:
        """Read the stream to its end.

        Returns:
            The message.

        Raises:
            IncompleteStreamError: the stream ended before the message was complete; `.snapshot` has
                the part that came.
            APIError, ProtocolError: another fault ended the stream.
        """
        self.until_done()
        return self._progress.final_message()

    def get_final_text(self) -> str:
        """Read the stream to its end.

        Returns:
            The text of all text blocks, joined.

        Raises:
            RuntimeError: the message has no text block.
            StreamfoldError: as for `get_final_message`.
        """
        return text_of(self.get_final_message())

    def close(self) -> None:
        """Close the response, which gives its connection back or closes it.

        A stream that is read to its end is closed already. Reading on after `close` gives the
        events of the chunks that came, and then raises `IncompleteStreamError` if the message is
        not complete. A thread that waits for a chunk over HTTP/1.1 wakes at once.
        """
        self._progress.end()
        if self._reading and self._interrupt is not None:
            self._interrupt()
        self._close()


def _close(source: Any, watchdog: Watchdog | None) -> None:
    """Close a source of chunks, if it can be closed."""
    if watchdog is not None:
        watchdog.close()
    close = getattr(source, "close", None)
    if close is not None:
        close()


class AsyncMessageStream(_Stream[ResponseFormatT], AsyncClosing):
    """The events of a response, as they arrive: `MessageStream` for asyncio and trio."""

    def __init__(
        self,
        source: HTTPResponse | HoldsResponse | AsyncIterable[bytes],
        *,
        parse: Callable[[str], ResponseFormatT] | None = None,
        partial_mode: PartialMode | None = None,
        limit: int = DEFAULT_LIMIT,
        allow_incomplete: bool = False,
        stall_timeout: float | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Read a stream: see `MessageStream`."""
        found = async_source(source, limit)
        super().__init__(found, parse, partial_mode, limit, allow_incomplete, stall_timeout, clock)
        chunks = found.chunks
        timer = self._progress.stall_timer
        self._chunks = chunks if timer is None else AsyncPatience(chunks, timer)
        self._raw_chunks = chunks
        self._source = found.opened
        self._abandon = weakref.finalize(self, _abandon, found.opened, chunks, spawner())
        self._abandon.atexit = False

    def __aiter__(self) -> AsyncIterator[ParsedMessageStreamEvent[ResponseFormatT]]:
        return self

    async def __anext__(self) -> ParsedMessageStreamEvent[ResponseFormatT]:
        # All reading is in this method, because another coroutine takes longer than a call.
        progress = self._progress
        while True:
            for event in progress.pending:
                return event  # type: ignore[no-any-return]
            if progress.ended:
                if self._abandon.alive and self._is_response and progress.has_stopped:
                    await briefly(PATIENCE, self._read_end)
                await self.close()
                progress.raise_fault()
                raise StopAsyncIteration
            try:
                chunk = await self._chunks.__anext__()
            except StopAsyncIteration:
                progress.end()
            except ReadStalledError as error:
                progress.stall(error)
            except progress.connection_errors as error:
                progress.lose_connection(error)
            except StreamfoldError as fault:  # the response is an error, or not a stream
                progress.fail(fault)
            else:
                progress.fold(chunk)
                del chunk  # a fault that is raised below shows the local variables
            if progress.ended and not progress.has_stopped:
                await self.close()

    async def _read_end(self) -> None:
        """Read once more. A response that is read to its end has closed itself."""
        try:
            await self._raw_chunks.__anext__()
        except StopAsyncIteration:
            if self._source.is_closed:
                self._abandon.detach()

    async def await_first_event(self) -> None:
        """Read chunks until an event can be handed out: see `MessageStream`."""
        with suppress(StopAsyncIteration):
            self._progress.put_back(await self.__anext__())

    @property
    def text_stream(self) -> _AsyncTexts:
        """The pieces of text, as they arrive. Other events are skipped.

        `aclose` ends the iterator; the stream stays open.
        """
        return _AsyncTexts(self)

    async def until_done(self) -> None:
        """Read the stream to its end, without making the events: see `MessageStream`."""
        with self._progress.without_events(), suppress(StopAsyncIteration):
            await self.__anext__()

    async def get_final_message(self) -> ParsedMessage[ResponseFormatT]:
        """Read the stream to its end, and return the message: see `MessageStream`."""
        await self.until_done()
        return self._progress.final_message()

    async def get_final_text(self) -> str:
        """Read the stream to its end, and return all text: see `MessageStream`."""
        return text_of(await self.get_final_message())

    async def close(self) -> None:
        """Close the response, which gives its connection back or closes it: see `MessageStream`."""
        self._progress.end()
        if self._abandon.detach() is not None:
            await shielded(lambda: aclose(self._source, self._raw_chunks))


class _AsyncTexts:
    """The iterator of `text_stream`.

    It is not an async generator, because one that is left early would have to be closed.
    """

    def __init__(self, stream: AsyncMessageStream[Any]) -> None:
        self._stream = stream
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._closed:
            event = await self._stream.__anext__()
            if event.type == "text":
                return event.text
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End this iterator. The stream stays open, as with a generator."""
        self._closed = True


def _abandon(source: Any, chunks: AsyncIterator[bytes], spawn: Spawn | None) -> None:
    """Close the source of a stream that was dropped and garbage-collected, in any thread.

    Args:
        source: the source of the stream.
        chunks: the iterator that reads it.
        spawn: starts a task in the event loop in which the stream was made; `None` if none ran.
    """

    async def close() -> None:
        with suppress(Exception):
            await aclose(source, chunks)

    spawn = spawn or spawner()
    if spawn is not None:
        spawn(close)


class MessageStreamManager(Generic[ResponseFormatT]):
    """A context manager that sends a request and closes its stream.

    Entering the `with` block sends the request, and leaving it closes the stream.

    >>> with MessageStreamManager(lambda: MessageStream([], allow_incomplete=True)) as stream:
    ...     list(stream)
    []
    """

    def __init__(self, open_stream: Callable[[], MessageStream[ResponseFormatT]]) -> None:
        """Prepare a stream.

        Args:
            open_stream: the function that sends the request and returns the stream.
        """
        self._open_stream = open_stream
        self._stream: MessageStream[ResponseFormatT] | None = None

    def __enter__(self) -> MessageStream[ResponseFormatT]:
        self._stream = self._open_stream()
        return self._stream

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()


class AsyncMessageStreamManager(Generic[ResponseFormatT]):
    """An async context manager that sends a request and closes its stream.

    See `MessageStreamManager`.
    """

    def __init__(
        self, open_stream: Callable[[], Awaitable[AsyncMessageStream[ResponseFormatT]]]
    ) -> None:
        """Prepare a stream.

        Args:
            open_stream: the function that sends the request and returns the stream.
        """
        self._open_stream = open_stream
        self._stream: AsyncMessageStream[ResponseFormatT] | None = None

    async def __aenter__(self) -> AsyncMessageStream[ResponseFormatT]:
        self._stream = await self._open_stream()
        return self._stream

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            await self._stream.close()
