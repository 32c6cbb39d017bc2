"""The errors of the engine, with everything that was folded before them.

Every error has `.snapshot`, so that nothing received is lost. A fault in the middle of a chunk also
has `.events`: the events of the chunk before the fault, so that a caller can process them first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .frozen_json import shorten
from .snapshot import Snapshot

__all__ = ["IncompleteStreamError", "InvalidToolInputError", "ProtocolError", "StreamfoldError"]


class StreamfoldError(Exception):
    """The base of all errors of streamfold.

    Attributes:
        message: the text of the error.
        snapshot: the snapshot of what was folded before; `None` if nothing was.
    """

    def __init__(self, message: str, *, snapshot: Snapshot | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.snapshot = snapshot

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ProtocolError(StreamfoldError):
    """The stream breaks the protocol, so the fold cannot go on.

    Attributes:
        reason: the fault, without the name of the event.
        event: the type of the event, or `None` if the bytes are not an event.
        index: the index of the content block, or `None` if the fault is not in one.
        data: the offending event or text as it came.
        snapshot: the snapshot before the event.
        events: the events of the chunk before the fault, if `feed`, `fold_chunk` or `decode_sse`
            read one.
    """

    def __init__(
        self,
        reason: str,
        *,
        event: str | None = None,
        index: int | None = None,
        data: Mapping[str, Any] | str | None = None,
        snapshot: Snapshot | None = None,
        events: tuple[Any, ...] = (),
    ) -> None:
        where = event or ""
        if index is not None:
            where += f" (index {index})"
        super().__init__(f"{where}: {reason}" if where else reason, snapshot=snapshot)
        self.reason = reason
        self.event = event
        self.index = index
        self.data = data
        self.events = events


class InvalidToolInputError(ProtocolError, ValueError):
    """A tool block stopped, and the text of its input is not JSON.

    The block in `snapshot.message` has the part of the input that can be read. The text of the
    error begins as that of the official client does.

    Attributes:
        input_json: the whole text of the input.
    """

    def __init__(self, reason: str, *, input_json: str = "", **place: Any) -> None:
        super().__init__(reason, **place)
        self.input_json = input_json
        shown = (
            "Unable to parse tool parameter JSON from model. Please retry your request or adjust "
            f"your prompt. Error: {self.message}. JSON: {_unquoted(input_json)}"
        )
        self.args = (shown,)


def _unquoted(text: str) -> str:
    """`text` on one line: cut as `shorten` cuts it, control characters escaped, without quotes."""
    shown = shorten(text)
    end = shown.rindex(shown[0])
    return shown[1:end] + shown[end + 1 :]


class IncompleteStreamError(StreamfoldError):
    """The input ended before the message was complete; `snapshot.message` is the part received."""
