"""What the sync and the async stream share: everything but the waiting.

A `Progress` takes the chunks of one stream through `feed`, keeps the events that were not handed
out yet, and knows how the stream ended. It is the one thing in a shell that changes. It does no
I/O, so the two shells are a loop around it.

The events of a chunk are made at once but handed out one by one; `snapshot` is that of the events
handed out, so that what a reader sees does not depend on how the bytes were cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import length_hint
from typing import Any, Generic

import attrs
import httpx
from streamfold.reducer import (
    CitationEvent,
    CompactionEvent,
    ContentBlockStopEvent,
    IncompleteStreamError,
    InputJsonEvent,
    Message,
    MessageStopEvent,
    PartialMode,
    ProtocolError,
    RawErrorEvent,
    SignatureEvent,
    Snapshot,
    StreamfoldError,
    StreamState,
    TextEvent,
    ThinkingEvent,
    drain,
    feed,
    finish,
    fold,
)

from .content_types import EVENT_STREAM, decoder_of
from .errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    request_of,
    stream_error,
)
from .parsed import ParsedMessage, ResponseFormatT, parsed_event, parsed_message
from .sources import Source

__all__ = ["Progress", "partial_mode_of", "refuse_other_content"]

_FINE_GRAINED = "fine-grained-tool-streaming-2025-05-14"


def partial_mode_of(response: httpx.Response | None) -> PartialMode:
    """The partial mode that the request asked for, by its `anthropic-beta` header."""
    request = request_of(response)
    betas = request.headers.get("anthropic-beta", "") if request is not None else ""
    return "trailing-strings" if _FINE_GRAINED in betas else "on"


def refuse_other_content(response: httpx.Response, beginning: str) -> APIResponseValidationError:
    """The error of a success that is no event stream: it shows the beginning of what came."""
    kind = response.headers.get("content-type", "no content type")
    return APIResponseValidationError(
        f"expected {EVENT_STREAM}, got {kind}: {beginning[:200]!r}",
        response=response,
        body=beginning,
    )


_FAILURES = (ConnectionError, TimeoutError)
"""The exceptions with which a failing connection ends a source, beside those of httpx or httpx2."""


_STOPS = (ContentBlockStopEvent, MessageStopEvent)
"""The events that bring a block or a message which may have a `parsed_output`."""


class Progress(Generic[ResponseFormatT]):
    """How far one stream has come."""

    def __init__(
        self,
        source: Source[Any],
        *,
        partial_mode: PartialMode,
        limit: int,
        allow_incomplete: bool,
        parse: Callable[[str], ResponseFormatT] | None,
    ) -> None:
        self.response = source.response
        self.losses = (source.http.HTTPError, source.http.StreamError, *_FAILURES)
        self._timeouts = (source.http.TimeoutException, TimeoutError)
        self.allow_incomplete = allow_incomplete
        self.parse = parse
        content_type = None if self.response is None else self.response.headers.get("content-type")
        self.state = StreamState(
            snapshot=Snapshot(partial_mode=partial_mode), sse=decoder_of(content_type, limit)
        )
        self.events: Iterator[Any] = iter(())
        self.ended = False
        self._fault: StreamfoldError | None = None
        self._seen = (0, self.state.snapshot)
        self._chunk: tuple[Any, ...] = ()

    # --- what comes in ---

    def take(self, chunk: bytes) -> None:
        """Fold the next chunk; its events wait in `events`, a fault in it for when those are
        gone.
        """
        before = self.state.snapshot
        try:
            self.state, events = feed(self.state, chunk)
        except ProtocolError as fault:
            events = fault.events
            self._break_off(fault)
        after = self.state.snapshot
        if after._settled is not before._settled:  # else nothing has stopped
            if after.error is not None:
                events = self._until_error(before, events)
            events = tuple(
                [
                    parsed_event(event, self.parse) if event.__class__ in _STOPS else event
                    for event in events
                ]
            )
        self._seen, self._chunk = (0, before), events
        self.events = iter(events)

    def skim(self, chunk: bytes) -> None:
        """Fold the next chunk without its events."""
        before = self.state
        try:
            self.state = drain(self.state, chunk)
        except ProtocolError as fault:
            self._break_off(fault)
        if self.state.snapshot.error is not None:
            self.state = before
            self.take(chunk)
        self._seen, self._chunk, self.events = (0, self.state.snapshot), (), iter(())

    def _break_off(self, fault: ProtocolError) -> None:
        """The chunk breaks the protocol: nothing to a stream that is over, the end of any other."""
        assert fault.snapshot is not None
        self.state = attrs.evolve(self.state, snapshot=fault.snapshot)
        if fault.snapshot.is_over:
            self.end()
        else:
            self._fail(fault)

    def _until_error(self, before: Snapshot, events: tuple[Any, ...]) -> tuple[Any, ...]:
        """The events before the `error` event. With that the stream ends, as the error of its type;
        what the chunk said after it has not been seen.
        """
        kinds: list[type[Any]] = [event.__class__ for event in events]
        position = kinds.index(RawErrorEvent)
        after = _folded(events[: position + 1], before)
        self.state = attrs.evolve(self.state, snapshot=after)
        self._fail(stream_error(events[position], after, self.response))
        return events[:position]

    def lost(self, error: Exception) -> None:
        """The connection failed: nothing to a message that is over, or a stream that was closed."""
        if self.ended or self.state.snapshot.is_over:
            self.end()
            return
        cls = APITimeoutError if isinstance(error, self._timeouts) else APIConnectionError
        fault = cls(
            f"the connection was lost: {str(error) or type(error).__name__}",
            response=self.response,
            snapshot=self.state.snapshot,
        )
        fault.__cause__ = error
        self._fail(fault)

    def end(self) -> None:
        """The input is over: an incomplete message is an error, unless that is allowed."""
        if self.ended:
            return
        self.ended = True
        if not self.allow_incomplete:
            try:
                finish(self.state)
            except IncompleteStreamError as fault:
                self._fail(fault)

    def _fail(self, fault: StreamfoldError) -> None:
        self.ended = True
        self._fault = fault

    def raise_fault(self) -> None:
        """Raise what ended the stream, if anything but its end did."""
        if self._fault is not None:
            raise self._fault

    # --- what is seen ---

    def has_events(self) -> bool:
        """Whether an event waits to be handed out."""
        return length_hint(self.events) > 0

    def header(self, name: str) -> str | None:
        """What the response's header `name` says, if it has one."""
        told: str | None = self.known_response().headers.get(name)
        return told

    def known_response(self) -> httpx.Response:
        """The response that is read.

        Raises:
            RuntimeError: the stream reads chunks that came without one.
        """
        if self.response is None:
            raise RuntimeError("this stream reads chunks, not a response")
        return self.response

    @property
    def snapshot(self) -> Snapshot:
        """All that the events handed out so far have said."""
        left = length_hint(self.events)
        if not left:
            return self.state.snapshot
        start, seen = self._seen
        handed_out = len(self._chunk) - left
        seen = _folded(self._chunk[start:handed_out], seen)
        self._seen = (handed_out, seen)
        return seen

    def final_message(self) -> ParsedMessage[ResponseFormatT]:
        """The message, now that the stream has ended.

        Raises:
            IncompleteStreamError: it is not complete, and that is not allowed.
        """
        if not self.allow_incomplete:
            finish(self.state)
        return self.message()

    def message(self) -> ParsedMessage[ResponseFormatT]:
        """The message so far, as far as its events were handed out.

        Raises:
            RuntimeError: `message_start` has not been handed out yet.
        """
        message: Message | None = self.snapshot.message
        if message is None:
            raise RuntimeError("there is no message yet: message_start has not come")
        return parsed_message(message, self.parse)


_DERIVED = (
    TextEvent,
    ThinkingEvent,
    SignatureEvent,
    CitationEvent,
    InputJsonEvent,
    CompactionEvent,
)
"""The events that the others, which are folded, led to."""


def _folded(events: tuple[Any, ...], snapshot: Snapshot) -> Snapshot:
    """What `events`, as they are handed out, say."""
    return fold((event for event in events if not isinstance(event, _DERIVED)), snapshot)


def text_of(message: Message) -> str:
    """All text blocks of `message`, joined.

    Raises:
        RuntimeError: it has none.
    """
    texts = [block.text for block in message.content if block.type == "text"]
    if not texts:
        kinds = ", ".join(block.type for block in message.content) or "no blocks at all"
        raise RuntimeError(f"the message has no text block, but: {kinds}")
    return "".join(texts)
