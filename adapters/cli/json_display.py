r"""The displays for programs: each derived event as a line of JSON, or the final message as JSON.

The text comes from the reducer's `to_json`. Characters that the output's encoding lacks are written
as `\u` escapes, and so are characters that control a terminal or end a line for some programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TextIO

from streamfold.reducer import Snapshot

from .visible import BIDIRECTIONAL

__all__ = ["EventLines", "FinalMessage", "write_json", "write_line"]


class EventLines:
    """Each derived event as a line of JSON."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Write the events, one per line."""
        for event in events:
            write_line(event.to_json(), self._out)
        self._out.flush()

    def close(self, snapshot: Snapshot) -> None:
        """Write nothing: all events are written."""


class FinalMessage:
    """The message at the end, as the API would have returned it without streaming."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Write nothing yet."""

    def close(self, snapshot: Snapshot) -> None:
        """Write the message, if one has started."""
        if snapshot.message is not None:
            text = snapshot.message.to_json(indent=2)
            write_json(_INVISIBLE.sub(_escape, text) if self._out.isatty() else text, self._out)
            self._out.flush()


_INVISIBLE = re.compile(f"[\x7f-\x9f\u2028\u2029{BIDIRECTIONAL}]")
"""The characters that JSON allows unescaped, but that control a terminal or end a line."""
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def write_line(text: str, out: TextIO) -> None:
    """Write a JSON text on one line, with the characters that control a terminal as escapes."""
    write_json(_INVISIBLE.sub(_escape, text), out)


def write_json(text: str, out: TextIO) -> None:
    """Write a JSON text and a line feed, in ASCII if the encoding of `out` lacks a character."""
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        text = _NOT_ASCII.sub(_escape, text)
    out.write(f"{text}\n")


def _escape(character: re.Match[str]) -> str:
    units = character[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
