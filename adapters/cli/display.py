"""Displays: the output formats of a stream, and the loops that feed a stream to one.

A display has two methods: `show(events, snapshot)` for the events that came together, and
`close(snapshot)` at the end of the input. There are three: `Transcript` for people, `EventLines`
and `FinalMessage` for programs. `show_body`, `show_stream` and `show_events` drive one and return
the fault of the stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from streamfold.reducer import (
    ProtocolError,
    Snapshot,
    StreamfoldError,
    StreamState,
    feed,
    finish,
    reduce,
)

if TYPE_CHECKING:
    from streamfold.transports import MessageStream

__all__ = ["Display", "ReadError", "show_body", "show_events", "show_stream"]


_BEGINNING = 12
"""The number of bytes at the beginning of a body that identify its framing."""


class Display(Protocol):
    """An output format of a stream."""

    def __init__(self, out: TextIO) -> None: ...

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Show the events that came together; `snapshot` is the state after them."""

    def close(self, snapshot: Snapshot) -> None:
        """Show the rest at the end of the input."""


class ReadError(Exception):
    """The input could not be read to its end."""


def show_body(chunks: Iterable[bytes], display: Display) -> Exception | None:
    """Show the body that comes in these chunks, as far as it can be folded.

    Args:
        chunks: the bytes of the body. The iterator may raise `ReadError`.
        display: the output format.

    Returns:
        The fault of the stream; `None` if the message is complete.
    """
    from streamfold.transports import content_type_of, decoder_of

    state = StreamState()
    fault: Exception | None = None
    try:
        source, beginning = iter(chunks), b""
        while len(beginning) < _BEGINNING and (chunk := next(source, b"")):
            beginning += chunk
        state = StreamState(sse=decoder_of(content_type_of(beginning)))
        for chunk in chain([beginning], source):
            state, events = feed(state, chunk)
            display.show(events, state.snapshot)
        finish(state)
    except (StreamfoldError, ReadError) as error:
        fault = error
    snapshot = state.snapshot
    if isinstance(fault, ProtocolError):
        snapshot = fault.snapshot or snapshot
        display.show(fault.events, snapshot)
    display.close(snapshot)
    return fault


def show_stream(stream: MessageStream[Any], display: Display) -> Exception | None:
    """Show an open stream, as far as it can be folded; return its fault as `show_body` does."""
    fault: Exception | None = None
    try:
        for event in stream:
            display.show((event,), stream.snapshot)
    except StreamfoldError as error:
        fault = error
    display.close(stream.snapshot)
    return fault


def show_events(
    raw_events: Iterable[Mapping[str, Any]], display: Display, snapshot: Snapshot
) -> Exception | None:
    """Show raw events, as far as they can be folded; return their fault as `show_body` does.

    Args:
        raw_events: the events as JSON. The iterator may raise the error of a stream.
        display: the output format.
        snapshot: the snapshot before the events.
    """
    fault: Exception | None = None
    try:
        for raw_event in raw_events:
            snapshot, events = reduce(snapshot, raw_event)
            display.show(events, snapshot)
    except StreamfoldError as error:
        fault = error
    display.close(snapshot)
    return fault
