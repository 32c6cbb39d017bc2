"""Thin shells that move bytes, sync and async: streams over open responses, and recordings of
them.
"""

from .errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ContentTooLargeError,
    GatewayTimeoutError,
    InternalServerError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ServiceUnavailableError,
    UnprocessableEntityError,
)
from .matching import UnmatchedRequestError
from .parsed import (
    ParsedContentBlock,
    ParsedContentBlockStopEvent,
    ParsedMessage,
    ParsedMessageStopEvent,
    ParsedMessageStreamEvent,
    ParsedTextBlock,
)
from .record_transport import RecordingTransport
from .recorded import RecordedChunk, RecordedError, RecordedRequest, RecordedResponse
from .recording_format import RecordingError
from .recordings import Recording, recording_files
from .replay import areplay, replay
from .replay_transport import ReplayTransport
from .streams import (
    AsyncMessageStream,
    AsyncMessageStreamManager,
    MessageStream,
    MessageStreamManager,
)

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncMessageStream",
    "AsyncMessageStreamManager",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "ContentTooLargeError",
    "GatewayTimeoutError",
    "InternalServerError",
    "MessageStream",
    "MessageStreamManager",
    "NotFoundError",
    "OverloadedError",
    "ParsedContentBlock",
    "ParsedContentBlockStopEvent",
    "ParsedMessage",
    "ParsedMessageStopEvent",
    "ParsedMessageStreamEvent",
    "ParsedTextBlock",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimitError",
    "RecordedChunk",
    "RecordedError",
    "RecordedRequest",
    "RecordedResponse",
    "Recording",
    "RecordingError",
    "RecordingTransport",
    "ReplayTransport",
    "RequestTimeoutError",
    "ServiceUnavailableError",
    "UnmatchedRequestError",
    "UnprocessableEntityError",
    "areplay",
    "recording_files",
    "replay",
]
