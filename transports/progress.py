"""The state that the sync and the async stream share: everything but waiting for bytes.

A `Progress` folds the chunks of one stream, keeps the events that were not handed out yet, and
knows how the stream ended. It is the only mutable object of a stream, and does no I/O.

The events of a chunk are made together and handed out one by one. The snapshot is always that of
the events handed out, so that a reader sees the same values however the bytes were cut. Reading it
costs one lookup in the folded chunk; no event is folded again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic

import attrs
import httpx
from streamfold.reducer import (
    FoldedChunk,
    IncompleteStreamError,
    Message,
    MessageStopEvent,
    PartialMode,
    ProtocolError,
    RawErrorEvent,
    Snapshot,
    SSEState,
    StreamfoldError,
    StreamState,
    drain,
    finish,
    fold_chunk,
)

from .errors import APIConnectionError, APITimeoutError, request_of, stream_error
from .parsed import STOP_EVENTS, ParsedMessage, ResponseFormatT, parsed_event, parsed_message

__all__ = ["CONNECTION_ERRORS", "Progress", "partial_mode_of", "text_of"]

_FINE_GRAINED = "fine-grained-tool-streaming-2025-05-14"

CONNECTION_ERRORS = (httpx.HTTPError, httpx.StreamError, ConnectionError, TimeoutError)
"""The exceptions of a source of chunks whose connection fails."""

_LAST_EVENTS = frozenset[type]({MessageStopEvent, RawErrorEvent})
"""The events after which nothing changes the message."""

_TIMEOUTS = (httpx.TimeoutException, TimeoutError)


def partial_mode_of(response: httpx.Response | None) -> PartialMode:
    """The partial mode that the `anthropic-beta` header of the request asks for."""
    request = request_of(response)
    betas = request.headers.get("anthropic-beta", "") if request is not None else ""
    return "trailing-strings" if _FINE_GRAINED in betas else "on"


class Progress(Generic[ResponseFormatT]):
    """The position of one stream.

    Attributes:
        response: the response that is read; `None` if the chunks come from elsewhere.
        state: the state of the fold after the chunks taken so far.
        pending: the events that were not handed out yet. It is always the same queue, from which
            readers take events with `popleft()`.
        ended: whether no more chunks are taken.
    """

    def __init__(
        self,
        response: httpx.Response | None,
        *,
        partial_mode: PartialMode,
        limit: int,
        allow_incomplete: bool,
        parse: Callable[[str], ResponseFormatT] | None,
    ) -> None:
        self.response = response
        self.state = StreamState(
            snapshot=Snapshot(partial_mode=partial_mode), sse=SSEState(limit=limit)
        )
        self.pending: deque[Any] = deque()
        self.ended = False
        self._allow_incomplete = allow_incomplete
        self._parse = parse
        self._fault: StreamfoldError | None = None
        self._folded: FoldedChunk
        self._dropped = 0

    # --- input ---

    def take(self, chunk: bytes) -> None:
        """Fold the next chunk. Its events become pending; a fault is raised after those."""
        self._folded = folded = fold_chunk(self.state, chunk)
        self.state = folded.state
        events: Any = folded.events
        if folded.fault is not None:
            self._break_off(folded.fault)
        if not folded.is_growth_only:
            if self.state.snapshot.is_over:
                events = self._until_end(folded)
            events = [
                parsed_event(event, self._parse) if event.__class__ in STOP_EVENTS else event
                for event in events
            ]
        self.pending.extend(events)

    def skim(self, chunk: bytes) -> None:
        """Fold the next chunk without making its events, which costs about half."""
        before = self.state
        try:
            self.state = drain(before, chunk)
        except ProtocolError as fault:
            self._break_off(fault)
        after = self.state.snapshot
        if after.is_over:
            # an error needs the snapshot at its event, and so does a message that more follows
            if after.error is not None or len(after.unfolded) > len(before.snapshot.unfolded):
                self.state = before
                self.take(chunk)
            self.end()
        self.pending.clear()

    def _break_off(self, fault: ProtocolError) -> None:
        """End the stream at a protocol violation; one after the end of the message is ignored."""
        assert fault.snapshot is not None
        self.state = attrs.evolve(self.state, snapshot=fault.snapshot)
        if fault.snapshot.is_over:
            self.end()
        else:
            self._fail(fault)

    def _until_end(self, folded: FoldedChunk) -> tuple[Any, ...]:
        """The events up to `message_stop`, or before the `error` event, which is raised instead.

        The stream has ended, and the rest of the chunk is dropped.
        """
        events: tuple[Any, ...] = folded.events
        position = next(at for at, event in enumerate(events) if event.__class__ in _LAST_EVENTS)
        snapshot = folded.snapshot_after(position + 1)
        self.state = attrs.evolve(folded.state, snapshot=snapshot)
        if snapshot.error is None:
            position += 1
            self.end()
        else:
            self._fail(stream_error(events[position], snapshot, self.response))
        self._dropped = len(events) - position
        return events[:position]

    def lose_connection(self, error: Exception) -> None:
        """End the stream because reading it failed with `error`.

        The error is ignored if the message is over, or the stream was closed.
        """
        if self.ended or self.state.snapshot.is_over:
            self.end()
            return
        cls = APITimeoutError if isinstance(error, _TIMEOUTS) else APIConnectionError
        failure = "the connection was lost"
        if isinstance(error, httpx.DecodingError):
            failure = "the body cannot be decompressed"
        fault = cls(
            f"{failure}: {str(error) or type(error).__name__}",
            response=self.response,
            snapshot=self.state.snapshot,
        )
        fault.__cause__ = error
        self._fail(fault)

    def end(self) -> None:
        """End the stream; an incomplete message is a fault unless the caller allows it."""
        if self.ended:
            return
        self.ended = True
        if not self._allow_incomplete:
            try:
                finish(self.state)
            except IncompleteStreamError as fault:
                self._fail(fault)

    @property
    def has_stopped(self) -> bool:
        """Whether `message_stop` came, so that only the end of the body can follow."""
        snapshot = self.state.snapshot
        return snapshot.is_over and snapshot.error is None

    def _fail(self, fault: StreamfoldError) -> None:
        self.ended = True
        self._fault = fault

    def raise_fault(self) -> None:
        """Raise the fault that ended the stream, if there is one.

        Raises:
            StreamfoldError: the fault.
        """
        if self._fault is not None:
            raise self._fault

    # --- output ---

    def known_response(self) -> httpx.Response:
        """The response that is read.

        Raises:
            RuntimeError: the stream reads chunks without a response.
        """
        if self.response is None:
            raise RuntimeError(
                "this stream reads chunks, not a response: open it over an httpx.Response, or use "
                "replay(), to have one"
            )
        return self.response

    def header(self, name: str) -> str | None:
        """The value of a header of the response; `None` if it has no such header.

        Raises:
            RuntimeError: the stream reads chunks without a response.
        """
        value: str | None = self.known_response().headers.get(name)
        return value

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot after the events handed out so far."""
        if not self.pending:
            return self.state.snapshot
        folded = self._folded
        handed_out = len(folded.events) - self._dropped - len(self.pending)
        return folded.snapshot_after(handed_out)

    def message(self) -> ParsedMessage[ResponseFormatT]:
        """The message after the events handed out so far.

        Raises:
            RuntimeError: `message_start` has not been handed out yet.
        """
        message = self.snapshot.message
        if message is None:
            raise RuntimeError(
                "there is no message yet: read the stream up to its message_start event first"
            )
        return parsed_message(message, self._parse)

    def final_message(self) -> ParsedMessage[ResponseFormatT]:
        """The message of a stream that has ended.

        Raises:
            IncompleteStreamError: the message is not complete, and the caller does not allow that.
            RuntimeError: the caller allows it, and there is no message at all.
        """
        if not self._allow_incomplete:
            finish(self.state)
        return self.message()


def text_of(message: Message) -> str:
    """The text of all text blocks, joined.

    Raises:
        RuntimeError: the message has no text block.
    """
    texts = [block.text for block in message.content if block.type == "text"]
    if not texts:
        kinds = ", ".join(block.type for block in message.content) or "no blocks at all"
        raise RuntimeError(
            f"the message has no text block, but: {kinds}; read get_final_message() instead"
        )
    return "".join(texts)
