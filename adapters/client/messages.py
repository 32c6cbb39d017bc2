"""`client.messages` and `client.beta.messages`, sync and async: the calls of the Messages API.

Each class checks and encodes the request at the call, and sends it on entering the `with` block.
The four classes differ in their parameters (GA or beta) and in their stream (sync or async).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import attrs
from streamfold.transports import AsyncMessageStreamManager, MessageStreamManager

from .parameters import BetaMessageRequest, MessageRequest, NotGiven
from .requests import Call, Settings, prepare

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["AsyncBetaMessages", "AsyncMessages", "Beta", "BetaMessages", "Messages"]

T = TypeVar("T")
MessagesT = TypeVar("MessagesT")


@attrs.frozen
class Beta(Generic[MessagesT]):
    """`client.beta`."""

    messages: MessagesT


class _Messages:
    """The part that the four kinds of `messages` share.

    Args:
        settings: the client's.
        open_stream: sends a call and returns the open stream of its answer, or a coroutine of it.
    """

    def __init__(self, settings: Settings, open_stream: Callable[[Call[Any]], Any]) -> None:
        self._settings = settings
        self._open_stream = open_stream

    def _opener(self, **request: Any) -> Callable[[], Any]:
        """A function that sends `request` at each call, and opens the stream of the answer."""
        return partial(self._open_stream, prepare(self._settings, **request))


# --- sync ---------------------------------------------------------------------------------------


class Messages(_Messages):
    """`client.messages`."""

    @overload
    def stream(
        self, *, output_format: NotGiven | None = None, **request: Unpack[MessageRequest]
    ) -> MessageStreamManager[None]: ...
    @overload
    def stream(
        self, *, output_format: type[T], **request: Unpack[MessageRequest]
    ) -> MessageStreamManager[T]: ...
    @overload
    def stream(
        self, *, output_format: Any, **request: Unpack[MessageRequest]
    ) -> MessageStreamManager[Any]: ...
    def stream(self, *, output_format: Any = None, **request: Any) -> MessageStreamManager[Any]:
        """Request a message and stream it. The request is sent on entering the `with` block.

        Args:
            output_format: the type of the answer, any that pydantic's `TypeAdapter` takes. The
                value is `parsed_output` of the message and of its text block.
            request: the fields of the request's body: `max_tokens`, `messages`, `model` and any
                other. See `MessageRequest`.

        Returns:
            A context manager; its value is the open `MessageStream`.

        Raises:
            StreamfoldError: there is no key.
            TypeError: a required field is missing, a field does not stand for JSON, or
                `output_format` is not a type.
            ValueError: the answer's format is given twice, or a header cannot be sent.

        Entering the block waits for the first event. It raises the error of the last attempt:
        `APIStatusError`, `APIConnectionError`, `APITimeoutError`, `APIResponseValidationError`,
        `IncompleteStreamError` or `ProtocolError`.
        """
        return MessageStreamManager(
            self._opener(beta=False, output_format=output_format, **request)
        )


class BetaMessages(_Messages):
    """`client.beta.messages`."""

    @overload
    def stream(
        self, *, output_format: NotGiven | None = None, **request: Unpack[BetaMessageRequest]
    ) -> MessageStreamManager[None]: ...
    @overload
    def stream(
        self, *, output_format: type[T], **request: Unpack[BetaMessageRequest]
    ) -> MessageStreamManager[T]: ...
    @overload
    def stream(
        self, *, output_format: Any, **request: Unpack[BetaMessageRequest]
    ) -> MessageStreamManager[Any]: ...
    def stream(self, *, output_format: Any = None, **request: Any) -> MessageStreamManager[Any]:
        """Request a message and stream it: see `Messages.stream`.

        `betas` are added to the `anthropic-beta` header.
        """
        return MessageStreamManager(self._opener(beta=True, output_format=output_format, **request))


# --- async --------------------------------------------------------------------------------------


class AsyncMessages(_Messages):
    """`client.messages`, for asyncio and trio."""

    @overload
    def stream(
        self, *, output_format: NotGiven | None = None, **request: Unpack[MessageRequest]
    ) -> AsyncMessageStreamManager[None]: ...
    @overload
    def stream(
        self, *, output_format: type[T], **request: Unpack[MessageRequest]
    ) -> AsyncMessageStreamManager[T]: ...
    @overload
    def stream(
        self, *, output_format: Any, **request: Unpack[MessageRequest]
    ) -> AsyncMessageStreamManager[Any]: ...
    def stream(
        self, *, output_format: Any = None, **request: Any
    ) -> AsyncMessageStreamManager[Any]:
        """Request a message and stream it: see `Messages.stream`."""
        return AsyncMessageStreamManager(
            self._opener(beta=False, output_format=output_format, **request)
        )


class AsyncBetaMessages(_Messages):
    """`client.beta.messages`, for asyncio and trio."""

    @overload
    def stream(
        self, *, output_format: NotGiven | None = None, **request: Unpack[BetaMessageRequest]
    ) -> AsyncMessageStreamManager[None]: ...
    @overload
    def stream(
        self, *, output_format: type[T], **request: Unpack[BetaMessageRequest]
    ) -> AsyncMessageStreamManager[T]: ...
    @overload
    def stream(
        self, *, output_format: Any, **request: Unpack[BetaMessageRequest]
    ) -> AsyncMessageStreamManager[Any]: ...
    def stream(
        self, *, output_format: Any = None, **request: Any
    ) -> AsyncMessageStreamManager[Any]:
        """Request a message and stream it: see `BetaMessages.stream`."""
        return AsyncMessageStreamManager(
            self._opener(beta=True, output_format=output_format, **request)
        )
