"""Streams of the official `anthropic` client, read by streamfold.

The official client authenticates, signs, retries and sends; its middleware and its telemetry stay
in effect. streamfold takes over when the response is open, and reads it: server-sent events and
Bedrock's frames alike.

    import anthropic
    from streamfold.adapters.sdk import stream

    client = anthropic.AnthropicBedrock()
    with stream(
        client.messages,
        model="anthropic.claude-opus-4-6",
        max_tokens=1024,
        messages=[{"role": "user", "content": "Hello"}],
    ) as answer:
        for text in answer.text_stream:
            print(text, end="")

Two kinds of errors follow from that division. Up to the open response, the official client raises
its own, `anthropic.RateLimitError` for example; after that, the stream raises those of
`streamfold.transports`, with `.snapshot`.

Needs the package `anthropic`, which is not imported here: the caller passes its objects.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict, overload

from streamfold.reducer import DEFAULT_LIMIT, PartialMode
from streamfold.transports import (
    AsyncMessageStream,
    AsyncMessageStreamManager,
    MessageStream,
    MessageStreamManager,
)

from .client import response_format, with_format

if TYPE_CHECKING:
    import httpx2
    from anthropic import NotGiven, Omit
    from anthropic.lib.bedrock._beta_messages import (
        AsyncMessages as AsyncBedrockBetaMessages,
    )
    from anthropic.lib.bedrock._beta_messages import (
        Messages as BedrockBetaMessages,
    )
    from anthropic.lib.vertex._beta_messages import (
        AsyncMessages as AsyncVertexBetaMessages,
    )
    from anthropic.lib.vertex._beta_messages import (
        Messages as VertexBetaMessages,
    )
    from anthropic.resources.beta.messages import (
        AsyncMessages as AsyncBetaMessages,
    )
    from anthropic.resources.beta.messages import (
        Messages as BetaMessages,
    )
    from anthropic.resources.messages import AsyncMessages, Messages
    from anthropic.types.beta.message_create_params import (
        MessageCreateParamsBase as BetaMessageParams,
    )
    from anthropic.types.message_create_params import (
        MessageCreateParamsBase as MessageParams,
    )
    from typing_extensions import TypeVar, Unpack

    T = TypeVar("T", default=None)
    _Beta = BetaMessages | BedrockBetaMessages | VertexBetaMessages
    _AsyncBeta = AsyncBetaMessages | AsyncBedrockBetaMessages | AsyncVertexBetaMessages

    class _Options(TypedDict, total=False):
        extra_headers: Mapping[str, str | Omit] | None
        extra_query: Mapping[str, object] | None
        extra_body: object | None
        timeout: float | httpx2.Timeout | NotGiven | None
        partial_mode: PartialMode | None
        limit: int
        allow_incomplete: bool

    class _Request(MessageParams, _Options, total=False):
        pass

    class _BetaRequest(BetaMessageParams, _Options, total=False):
        pass


__all__ = ["stream"]


@overload
def stream(
    messages: Messages,
    /,
    *,
    output_format: type[T] | Omit | NotGiven | None = None,
    **request: Unpack[_Request],
) -> MessageStreamManager[T]: ...
@overload
def stream(
    messages: _Beta,
    /,
    *,
    output_format: type[T] | Omit | NotGiven | None = None,
    **request: Unpack[_BetaRequest],
) -> MessageStreamManager[T]: ...
@overload
def stream(
    messages: AsyncMessages,
    /,
    *,
    output_format: type[T] | Omit | NotGiven | None = None,
    **request: Unpack[_Request],
) -> AsyncMessageStreamManager[T]: ...
@overload
def stream(
    messages: _AsyncBeta,
    /,
    *,
    output_format: type[T] | Omit | NotGiven | None = None,
    **request: Unpack[_BetaRequest],
) -> AsyncMessageStreamManager[T]: ...
def stream(
    messages: Any,
    /,
    *,
    output_format: Any = None,
    partial_mode: PartialMode | None = None,
    limit: int = DEFAULT_LIMIT,
    allow_incomplete: bool = False,
    **request: Any,
) -> Any:
    """Ask for a message with the official client, and stream it: the request is sent on entering
    the `with` block, or the `async with` block for an async client.

    Args:
        messages: `client.messages` or `client.beta.messages` of any client of the package, and
            also of `client.with_options(…)`.
        output_format: the type of the answer, any that pydantic's `TypeAdapter` takes. The value is
            `parsed_output` of the message and of its text block.
        partial_mode: the treatment of an unfinished string in a tool's input; by default the
            `anthropic-beta` header of the request decides.
        limit: the maximum size of one line, one frame, or the data of one event, in bytes.
        allow_incomplete: treat the end of the input as the end of the message, complete or not.
        request: the arguments of `messages.create`, without `stream`.

    Returns:
        A `MessageStreamManager`; for the messages of an async client, an
        `AsyncMessageStreamManager`.

    Raises:
        TypeError: `messages` is something else, or `output_format` is not a type.
        ValueError: the answer's format is given twice.

    Entering the block raises the errors of `messages.create`, in the official client's own classes.
    """
    create: Any = getattr(messages, "create", None)
    if not callable(create):
        raise TypeError(
            "stream() takes the messages of an official client, client.messages or "
            f"client.beta.messages, got {type(messages).__name__}"
        )
    if "stream" in request:
        raise TypeError("stream() always streams: leave out stream=, or use messages.create")
    reading: dict[str, Any] = {
        "partial_mode": partial_mode,
        "limit": limit,
        "allow_incomplete": allow_incomplete,
    }
    if output_format:  # the package's `omit` and `not_given` are false
        asked, reading["parse"] = response_format(output_format)
        request["output_config"] = with_format(request.get("output_config"), asked)
    # The package wraps `create`, so the coroutine function is the one inside its wrappers.
    if inspect.iscoroutinefunction(inspect.unwrap(create)):

        async def aopen() -> AsyncMessageStream[Any]:
            return AsyncMessageStream(_response(await create(stream=True, **request)), **reading)

        return AsyncMessageStreamManager(aopen)

    def open_stream() -> MessageStream[Any]:
        return MessageStream(_response(create(stream=True, **request)), **reading)

    return MessageStreamManager(open_stream)


def _response(answer: Any) -> Any:
    """The open response of the `Stream` that the official client gives."""
    response = getattr(answer, "response", None)
    if response is None:
        raise TypeError(
            "messages.create(stream=True) must give a Stream with an open response, "
            f"got {type(answer).__name__}: a middleware or a test may have replaced it"
        )
    return response
