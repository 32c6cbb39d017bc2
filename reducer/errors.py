"""What can go wrong on the pure side, and what each error carries.

Every error has `.snapshot`: all that was folded before it, so that nothing received is lost. A
fault in the middle of a chunk also has `.events`: what the earlier part of the chunk gave, for
whoever must hand it on before raising.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .reduce import Snapshot

__all__ = ["IncompleteStreamError", "InvalidToolInputError", "ProtocolError", "StreamfoldError"]

_SHOWN = 120
"""How many characters of an offending text an error message shows."""


def shorten(text: str, length: int = _SHOWN) -> str:
    """`text` in quotes, cut to `length` characters, with how long it really is."""
    if len(text) <= length:
        return repr(text)
    return f"{text[:length]!r}… ({len(text):,} characters)"


class StreamfoldError(Exception):
    """Whatever streamfold raises. `snapshot` is what was folded before, or `None` before any
    folding.
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
    """The stream breaks the protocol: it cannot be folded further.

    Attributes:
        reason: what is wrong, without the event's name.
        event: the event's type, or `None` where the bytes gave no event.
        index: the index of the content block it is about, or `None`.
        data: the offending event or text as it came.
        snapshot: what was folded before it.
        events: from `feed` and `decode_sse` only: what the chunk gave before the fault.
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

    `input_json` is that text, whole; `snapshot.message` has the block with its input as far as it
    is JSON.
    """

    input_json: str = ""


class IncompleteStreamError(StreamfoldError):
    """The input ended before the message was complete; `snapshot.message` is what there is of
    it.
    """
