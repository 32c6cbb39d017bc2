"""The client, in the shape of the official SDK's: `client.messages.stream(…)`, sync and async."""

from .clients import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, Anthropic, AsyncAnthropic
from .parameters import NOT_GIVEN, NotGiven
from .structured import transform_schema

__all__ = [
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "NOT_GIVEN",
    "Anthropic",
    "AsyncAnthropic",
    "NotGiven",
    "transform_schema",
]
