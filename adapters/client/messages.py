"""`client.messages` and `client.beta.messages`, sync and async: the calls of the Messages API.

`stream` checks and encodes the request at the call, and sends it on entering the `with` block;
`create` sends it at once. The four classes differ in their parameters (GA or beta) and in their
stream (sync or async).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

import attrs
from streamfold.reducer import Message, RawEvent
from streamfold.transports import (
    AsyncMessageStreamManager,
    MessageStreamManager,
    ParsedMessage,
    parsed_message,
)

from .deprecations import warn_of_deprecations
from .parameters import BetaMessageRequest, MessageRequest, NotGiven
from .raw_streams import AsyncStream, Stream
from .requests import Call, Settings, prepare
from .unsupported import PointsToOfficialClient

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["AsyncBetaMessages", "AsyncMessages", "Beta", "BetaMessages", "Messages"]

T = TypeVar("T")
MessagesT = TypeVar("MessagesT")


@attrs.frozen
class Beta(PointsToOfficialClient, Generic[MessagesT]):
    """The beta of the API: `client.beta`.

    Attributes:
        messages: the calls of the Messages API, with the parameters of its beta.
    """

    messages: MessagesT


class _Messages(PointsToOfficialClient):
    """The part that the four kinds of `messages` share.

    Args:
        settings: the client's.
        open_stream: sends a call and returns the open stream of its answer, or a coroutine of it.
        fetch: sends a call and returns the message of its answer, or a coroutine of it.
    """

    def __init__(
        self,
        settings: Settings,
        open_stream: Callable[[Call[Any]], Any],
        fetch: Callable[[Call[Any]], Any],
    ) -> None:
        self._settings = settings
        self._open_stream = open_stream
        self._fetch = fetch

    def _opener(self, beta: bool, **request: Any) -> Callable[[], Any]:
        """A function that sends `request` at each call, and opens the stream of the answer."""
        return partial(self._open_stream, self._call(beta, True, method="stream", **request))

    def _call(
        self, beta: bool, stream: bool, *, method: str = "create", **request: Any
    ) -> Call[Any]:
        """The call for `request`. A warning names the line of the user's own call."""
        call = prepare(self._settings, method=method, beta=beta, stream=stream, **request)
        warn_of_deprecations(
            request["model"], request.get("thinking"), stacklevel=4 if method == "stream" else 3
        )
        return call


# --- sync ---------------------------------------------------------------------------------------


class Messages(_Messages):
    """The calls of the Messages API: `client.messages` of an `Anthropic`."""

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
    def stream(
        self, *, output_format: Any = None, **request: Unpack[MessageRequest]
    ) -> MessageStreamManager[Any]:
        """Request a message and stream it. The request is sent on entering the `with` block.

        Args:
            output_format: the type of the answer, any that pydantic's `TypeAdapter` takes. The
                value is `parsed_output` of the message and of its text block.
            request: the fields of the request's body, of which `max_tokens`, `messages` and `model`
                are required, and options such as `timeout`, `allow_incomplete` and `partial_mode`.
                `MessageRequest` has them all.

        Returns:
            A context manager; its value is the open `MessageStream`.

        Raises:
            StreamfoldError: no key was given or found in the environment.
            TypeError: a required field is missing, a field does not stand for JSON, or
                `output_format` is not a type.
            ValueError: the answer's format is given twice, or a header cannot be sent.

        Entering the block waits for the first event. It raises the error of the last attempt:
        `APIStatusError`, `APIConnectionError`, `APITimeoutError`, `APIResponseValidationError`,
        `IncompleteStreamError` or `ProtocolError`.
        """
        return MessageStreamManager(self._opener(False, output_format=output_format, **request))

    @overload
    def create(
        self, *, stream: Literal[False] | NotGiven = ..., **request: Unpack[MessageRequest]
    ) -> Message: ...
    @overload
    def create(
        self, *, stream: Literal[True], **request: Unpack[MessageRequest]
    ) -> Stream[RawEvent]: ...
    @overload
    def create(
        self, *, stream: bool, **request: Unpack[MessageRequest]
    ) -> Message | Stream[RawEvent]: ...
    def create(self, *, stream: Any = False, **request: Unpack[MessageRequest]) -> Any:
        """Request a message, in one piece or as its raw events.

        Args:
            stream: whether to stream it.
            request: the fields of the request's body: see `stream`.

        Returns:
            The message; if `stream`, a `Stream` of raw events, whose first has arrived.

        Raises:
            StreamfoldError, TypeError, ValueError: as `stream` raises them, at the call and on
                entering its block.
        """
        call = self._call(False, bool(stream), **request)
        return Stream[RawEvent](self._open_stream(call)) if stream else self._fetch(call)

    def parse(
        self,
        *,
        output_format: type[T] | NotGiven | None = None,
        **request: Unpack[MessageRequest],
    ) -> ParsedMessage[T]:
        """Request a message in one piece, whose text has the type `output_format`.

        Args:
            output_format: the type of the answer: see `stream`.
            request: the fields of the request's body: see `stream`.

        Returns:
            The message, with `parsed_output`.

        Raises:
            StreamfoldError, TypeError, ValueError: as `create` raises them.
        """
        call = self._call(False, False, method="parse", output_format=output_format, **request)
        return parsed_message(self._fetch(call), call.parse)


class BetaMessages(_Messages):
    """The calls of the beta: `client.beta.messages` of an `Anthropic`."""

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
    def stream(
        self, *, output_format: Any = None, **request: Unpack[BetaMessageRequest]
    ) -> MessageStreamManager[Any]:
        """Request a message and stream it: see `Messages.stream`.

        `betas` are added to the `anthropic-beta` header.
        """
        return MessageStreamManager(self._opener(True, output_format=output_format, **request))

    @overload
    def create(
        self, *, stream: Literal[False] | NotGiven = ..., **request: Unpack[BetaMessageRequest]
    ) -> Message: ...
    @overload
    def create(
        self, *, stream: Literal[True], **request: Unpack[BetaMessageRequest]
    ) -> Stream[RawEvent]: ...
    @overload
    def create(
        self, *, stream: bool, **request: Unpack[BetaMessageRequest]
    ) -> Message | Stream[RawEvent]: ...
    def create(self, *, stream: Any = False, **request: Unpack[BetaMessageRequest]) -> Any:
        """Request a message, in one piece or as its raw events: see `Messages.create`."""
        call = self._call(True, bool(stream), **request)
        return Stream[RawEvent](self._open_stream(call)) if stream else self._fetch(call)

    def parse(
        self,
        *,
        output_format: type[T] | NotGiven | None = None,
        **request: Unpack[BetaMessageRequest],
    ) -> ParsedMessage[T]:
        """Request a message whose text has a type: see `Messages.parse`."""
        call = self._call(True, False, method="parse", output_format=output_format, **request)
        return parsed_message(self._fetch(call), call.parse)


# --- async --------------------------------------------------------------------------------------


class AsyncMessages(_Messages):
    """The calls of the Messages API: `client.messages` of an `AsyncAnthropic`."""

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
        self, *, output_format: Any = None, **request: Unpack[MessageRequest]
    ) -> AsyncMessageStreamManager[Any]:
        """Request a message and stream it: see `Messages.stream`."""
        return AsyncMessageStreamManager(
            self._opener(False, output_format=output_format, **request)
        )

    @overload
    async def create(
        self, *, stream: Literal[False] | NotGiven = ..., **request: Unpack[MessageRequest]
    ) -> Message: ...
    @overload
    async def create(
        self, *, stream: Literal[True], **request: Unpack[MessageRequest]
    ) -> AsyncStream[RawEvent]: ...
    @overload
    async def create(
        self, *, stream: bool, **request: Unpack[MessageRequest]
    ) -> Message | AsyncStream[RawEvent]: ...
    async def create(self, *, stream: Any = False, **request: Unpack[MessageRequest]) -> Any:
        """Request a message, in one piece or as its raw events: see `Messages.create`."""
        call = self._call(False, bool(stream), **request)
        return (
            AsyncStream[RawEvent](await self._open_stream(call))
            if stream
            else await self._fetch(call)
        )

    async def parse(
        self,
        *,
        output_format: type[T] | NotGiven | None = None,
        **request: Unpack[MessageRequest],
    ) -> ParsedMessage[T]:
        """Request a message whose text has a type: see `Messages.parse`."""
        call = self._call(False, False, method="parse", output_format=output_format, **request)
        return parsed_message(await self._fetch(call), call.parse)


class AsyncBetaMessages(_Messages):
    """The calls of the beta: `client.beta.messages` of an `AsyncAnthropic`."""

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
        self, *, output_format: Any = None, **request: Unpack[BetaMessageRequest]
    ) -> AsyncMessageStreamManager[Any]:
        """Request a message and stream it: see `BetaMessages.stream`."""
        return AsyncMessageStreamManager(self._opener(True, output_format=output_format, **request))

    @overload
    async def create(
        self, *, stream: Literal[False] | NotGiven = ..., **request: Unpack[BetaMessageRequest]
    ) -> Message: ...
    @overload
    async def create(
        self, *, stream: Literal[True], **request: Unpack[BetaMessageRequest]
    ) -> AsyncStream[RawEvent]: ...
    @overload
    async def create(
        self, *, stream: bool, **request: Unpack[BetaMessageRequest]
    ) -> Message | AsyncStream[RawEvent]: ...
    async def create(self, *, stream: Any = False, **request: Unpack[BetaMessageRequest]) -> Any:
        """Request a message, in one piece or as its raw events: see `Messages.create`."""
        call = self._call(True, bool(stream), **request)
        return (
            AsyncStream[RawEvent](await self._open_stream(call))
            if stream
            else await self._fetch(call)
        )

    async def parse(
        self,
        *,
        output_format: type[T] | NotGiven | None = None,
        **request: Unpack[BetaMessageRequest],
    ) -> ParsedMessage[T]:
        """Request a message whose text has a type: see `Messages.parse`."""
        call = self._call(True, False, method="parse", output_format=output_format, **request)
        return parsed_message(await self._fetch(call), call.parse)
