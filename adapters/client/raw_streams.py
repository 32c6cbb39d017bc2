"""`messages.create(stream=True)`: the raw events of an answer, sync and async.

They are those of a `MessageStream` without the events derived from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from streamfold.reducer import DerivedEvent
from streamfold.transports import (
    AsyncClosing,
    AsyncMessageStream,
    Closing,
    HTTPResponse,
    MessageStream,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncStream", "Stream"]

EventT = TypeVar("EventT")

_DERIVED = frozenset(get_args(DerivedEvent))


class Stream(Generic[EventT], Closing):
    """The raw events of an answer as they come. It is closed at its end, and with its block."""

    def __init__(self, stream: MessageStream[Any]) -> None:
        """Read the raw events of `stream`."""
        self._stream = stream

    @property
    def response(self) -> HTTPResponse:
        """The response that is read."""
        return self._stream.response

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EventT:
        while True:
            event: Any = next(self._stream)
            if event.__class__ not in _DERIVED:
                return event  # type: ignore[no-any-return]
            del event  # the traceback of an error would show it

    def close(self) -> None:
        """Close the response, and give its connection back or close it."""
        self._stream.close()


class AsyncStream(Generic[EventT], AsyncClosing):
    """The raw events of an answer, for asyncio and trio: see `Stream`."""

    def __init__(self, stream: AsyncMessageStream[Any]) -> None:
        """Read the raw events of `stream`."""
        self._stream = stream

    @property
    def response(self) -> HTTPResponse:
        """The response that is read."""
        return self._stream.response

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        while True:
            event: Any = await self._stream.__anext__()
            if event.__class__ not in _DERIVED:
                return event  # type: ignore[no-any-return]
            del event  # the traceback of an error would show it

    async def close(self) -> None:
        """Close the response, and give its connection back or close it."""
        await self._stream.close()
