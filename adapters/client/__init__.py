"""The client, in the shape of the official SDK's: `client.messages.stream(…)`, sync and async."""

from .clients import (
    DEFAULT_CONNECTION_LIMITS,
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    Anthropic,
    AsyncAnthropic,
)
from .messages import AsyncBetaMessages, AsyncMessages, Beta, BetaMessages, Messages
from .parameters import NOT_GIVEN, BetaMessageRequest, MessageRequest, NotGiven
from .raw_streams import AsyncStream, Stream
from .structured import response_format, transform_schema, with_format

__all__ = [
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "NOT_GIVEN",
    "Anthropic",
    "AsyncAnthropic",
    "AsyncBetaMessages",
    "AsyncMessages",
    "AsyncStream",
    "Beta",
    "BetaMessageRequest",
    "BetaMessages",
    "MessageRequest",
    "Messages",
    "NotGiven",
    "Stream",
    "response_format",
    "transform_schema",
    "with_format",
]
