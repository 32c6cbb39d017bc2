"""How commands show a stream: as people want it, as a line of JSON an event, or as its message.

A display has two methods: `show(events, snapshot)` as events come, `close(snapshot)` at the end.
`show_body` and `show_stream` drive one, and give what went wrong.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from streamfold.reducer import (
    ProtocolError,
    Snapshot,
    StreamfoldError,
    StreamState,
    feed,
    finish,
)

from .terminal import Transcript

if TYPE_CHECKING:
    from streamfold.transports import MessageStream

__all__ = [
    "Display",
    "EventLines",
    "FinalMessage",
    "ReadError",
    "add_display_flags",
    "refuse_failure",
    "show_body",
    "show_stream",
    "write_json",
]


class Display(Protocol):
    """What shows a stream."""

    def __init__(self, out: TextIO) -> None: ...

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Show events that came together; `snapshot` is what they led to."""

    def close(self, snapshot: Snapshot) -> None:
        """Show what is left at the end of the input."""


class EventLines:
    """Each derived event as a line of JSON."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Write the events, one a line."""
        for event in events:
            write_json(_UNSEEN.sub(_escape, event.to_json()), self._out)
        self._out.flush()

    def close(self, snapshot: Snapshot) -> None:
        """Nothing is left."""


class FinalMessage:
    """The message at the end, as the API would have returned it unstreamed."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Wait for the end."""

    def close(self, snapshot: Snapshot) -> None:
        """Write the message, if there is one."""
        if snapshot.message is not None:
            text = snapshot.message.to_json(indent=2)
            write_json(_UNSEEN.sub(_escape, text) if self._out.isatty() else text, self._out)
            self._out.flush()


_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON lets stand, but some terminals obey and some programs take for the end of a line."""
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def write_json(text: str, out: TextIO) -> None:
    """Write a JSON text and a line feed; what the encoding cannot say, as escapes."""
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        text = _NOT_ASCII.sub(_escape, text)
    out.write(f"{text}\n")


def _escape(character: re.Match[str]) -> str:
    units = character[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def add_display_flags(parser: argparse.ArgumentParser) -> None:
    """Let the user choose the class of the display: `options.display`."""
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument(
        "--events",
        dest="display",
        action="store_const",
        const=EventLines,
        default=Transcript,
        help="print each derived event as a line of JSON",
    )
    formats.add_argument(
        "--json",
        dest="display",
        action="store_const",
        const=FinalMessage,
        help="print the final message as JSON, as the API returns it unstreamed",
    )


# --- what drives one ----------------------------------------------------------------------------


class ReadError(Exception):
    """The input could not be read to its end."""


def show_body(chunks: Iterable[bytes], display: Display) -> Exception | None:
    """Show the body that comes in these chunks, as far as it goes; what was wrong with it.

    The chunks may raise `ReadError`.
    """
    state = StreamState()
    fault: Exception | None = None
    try:
        for chunk in chunks:
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
    """Show an open stream, as far as it goes; what was wrong with it."""
    fault: Exception | None = None
    try:
        refuse_failure(stream)
        for event in stream:
            display.show((event,), stream.snapshot)
    except StreamfoldError as error:
        fault = error
    display.close(stream.snapshot)
    return fault


def refuse_failure(stream: MessageStream[Any]) -> None:
    """See to it that the response of a stream is one: not every recording is of a success.

    Raises:
        APIStatusError: its status says that it is an error.
    """
    from streamfold.transports import status_error

    response = stream.response
    if not response.is_success:
        response.read()
        raise status_error(response)
