"""The names of the official SDK's streaming interface: code moves over by changing an import.

    from streamfold.adapters.anthropic import Anthropic, MessageStream, TextEvent

The clients are defined in `streamfold.adapters.client`, the streams in `streamfold.transports`, the
events and blocks in `streamfold.reducer`. This module collects them under the interface's names,
aliases included. One engine serves the API and its beta, so a name with `Beta` is the same object
as the name without it. NAMES.md lists all names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from httpx import Timeout
from streamfold.reducer import (
    AdvisorToolResultBlock,
    BashCodeExecutionToolResultBlock,
    CacheCreation,
    CharLocationCitation,
    CitationEvent,
    CitationsDelta,
    CodeExecutionToolResultBlock,
    CompactionBlock,
    CompactionDelta,
    CompactionEvent,
    Container,
    ContainerUploadBlock,
    ContentBlock,
    ContentBlockDelta,
    ContentBlockLocationCitation,
    ContentBlockStopEvent,
    FallbackBlock,
    IncompleteStreamError,
    InputJSONDelta,
    InputJsonEvent,
    InvalidToolInputError,
    IterationUsage,
    MCPToolListingBlock,
    MCPToolResultBlock,
    MCPToolUseBlock,
    Message,
    MessageDeltaUsage,
    MessageStopEvent,
    MessageStreamEvent,
    OutputTokensDetails,
    PageLocationCitation,
    ProtocolError,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawErrorEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
    RawPingEvent,
    RawUnknownEvent,
    RedactedThinkingBlock,
    RefusalStopDetails,
    SearchResultLocationCitation,
    ServerToolUsage,
    ServerToolUseBlock,
    SignatureDelta,
    SignatureEvent,
    StopReason,
    StreamfoldError,
    TextBlock,
    TextCitation,
    TextDelta,
    TextEditorCodeExecutionToolResultBlock,
    TextEvent,
    ThinkingBlock,
    ThinkingDelta,
    ThinkingEvent,
    ToolSearchToolResultBlock,
    ToolUseBlock,
    UnknownBlock,
    Usage,
    WebFetchToolResultBlock,
    WebSearchResultLocationCitation,
    WebSearchToolResultBlock,
)
from streamfold.transports import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AsyncMessageStream,
    AsyncMessageStreamManager,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ContentTooLargeError,
    GatewayTimeoutError,
    InternalServerError,
    MessageStream,
    MessageStreamManager,
    NotFoundError,
    OverloadedError,
    ParsedContentBlock,
    ParsedContentBlockStopEvent,
    ParsedMessage,
    ParsedMessageStopEvent,
    ParsedMessageStreamEvent,
    ParsedTextBlock,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ResponseFormatT,
    ServiceUnavailableError,
    StalledStreamError,
    UnprocessableEntityError,
)

from .client import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    NOT_GIVEN,
    Anthropic,
    AsyncAnthropic,
    AsyncStream,
    NotGiven,
    Stream,
    transform_schema,
)

if TYPE_CHECKING:
    from .aiohttp import DefaultAioHttpClient as DefaultAioHttpClient

__all__ = [
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "NOT_GIVEN",
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AdvisorToolResultBlock",
    "Anthropic",
    "AnthropicError",
    "AsyncAnthropic",
    "AsyncClient",
    "AsyncMessageStream",
    "AsyncMessageStreamManager",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "BashCodeExecutionToolResultBlock",
    "BetaAdvisorMessageIterationUsage",
    "BetaAdvisorToolResultBlock",
    "BetaAsyncMessageStream",
    "BetaAsyncMessageStreamManager",
    "BetaBashCodeExecutionToolResultBlock",
    "BetaCacheCreation",
    "BetaCitationCharLocation",
    "BetaCitationContentBlockLocation",
    "BetaCitationEvent",
    "BetaCitationPageLocation",
    "BetaCitationSearchResultLocation",
    "BetaCitationsDelta",
    "BetaCitationsWebSearchResultLocation",
    "BetaCodeExecutionToolResultBlock",
    "BetaCompactionBlock",
    "BetaCompactionContentBlockDelta",
    "BetaCompactionEvent",
    "BetaCompactionIterationUsage",
    "BetaContainer",
    "BetaContainerUploadBlock",
    "BetaContentBlock",
    "BetaContentBlockStopEvent",
    "BetaFallbackBlock",
    "BetaFallbackMessageIterationUsage",
    "BetaInputJSONDelta",
    "BetaInputJsonEvent",
    "BetaMCPToolListingBlock",
    "BetaMCPToolResultBlock",
    "BetaMCPToolUseBlock",
    "BetaMessage",
    "BetaMessageDeltaUsage",
    "BetaMessageIterationUsage",
    "BetaMessageStopEvent",
    "BetaMessageStream",
    "BetaMessageStreamEvent",
    "BetaMessageStreamManager",
    "BetaOutputTokensDetails",
    "BetaRawContentBlockDelta",
    "BetaRawContentBlockDeltaEvent",
    "BetaRawContentBlockStartEvent",
    "BetaRawContentBlockStopEvent",
    "BetaRawMessageDeltaEvent",
    "BetaRawMessageStartEvent",
    "BetaRawMessageStopEvent",
    "BetaRawMessageStreamEvent",
    "BetaRedactedThinkingBlock",
    "BetaRefusalStopDetails",
    "BetaServerToolUsage",
    "BetaServerToolUseBlock",
    "BetaSignatureDelta",
    "BetaSignatureEvent",
    "BetaStopReason",
    "BetaTextBlock",
    "BetaTextCitation",
    "BetaTextDelta",
    "BetaTextEditorCodeExecutionToolResultBlock",
    "BetaTextEvent",
    "BetaThinkingBlock",
    "BetaThinkingDelta",
    "BetaThinkingEvent",
    "BetaToolSearchToolResultBlock",
    "BetaToolUseBlock",
    "BetaUsage",
    "BetaWebFetchToolResultBlock",
    "BetaWebSearchToolResultBlock",
    "CacheCreation",
    "CharLocationCitation",
    "Citation",
    "CitationCharLocation",
    "CitationContentBlockLocation",
    "CitationEvent",
    "CitationPageLocation",
    "CitationsDelta",
    "CitationsSearchResultLocation",
    "CitationsWebSearchResultLocation",
    "Client",
    "CodeExecutionToolResultBlock",
    "CompactionBlock",
    "CompactionDelta",
    "CompactionEvent",
    "ConflictError",
    "Container",
    "ContainerUploadBlock",
    "ContentBlock",
    "ContentBlockDelta",
    "ContentBlockDeltaEvent",
    "ContentBlockLocationCitation",
    "ContentBlockStartEvent",
    "ContentBlockStopEvent",
    "ContentTooLargeError",
    "DeadlineExceededError",
    "FallbackBlock",
    "GatewayTimeoutError",
    "IncompleteStreamError",
    "InputJSONDelta",
    "InputJsonEvent",
    "InternalServerError",
    "InvalidToolInputError",
    "IterationUsage",
    "MCPToolListingBlock",
    "MCPToolResultBlock",
    "MCPToolUseBlock",
    "Message",
    "MessageDeltaEvent",
    "MessageDeltaUsage",
    "MessageStartEvent",
    "MessageStopEvent",
    "MessageStream",
    "MessageStreamEvent",
    "MessageStreamManager",
    "NotFoundError",
    "NotGiven",
    "Omit",
    "OutputTokensDetails",
    "OverloadedError",
    "PageLocationCitation",
    "ParsedBetaContentBlock",
    "ParsedBetaContentBlockStopEvent",
    "ParsedBetaMessage",
    "ParsedBetaMessageStopEvent",
    "ParsedBetaMessageStreamEvent",
    "ParsedBetaTextBlock",
    "ParsedBetaTextEvent",
    "ParsedContentBlock",
    "ParsedContentBlockStopEvent",
    "ParsedMessage",
    "ParsedMessageStopEvent",
    "ParsedMessageStreamEvent",
    "ParsedTextBlock",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "ProtocolError",
    "RateLimitError",
    "RawContentBlockDelta",
    "RawContentBlockDeltaEvent",
    "RawContentBlockStartEvent",
    "RawContentBlockStopEvent",
    "RawErrorEvent",
    "RawMessageDeltaEvent",
    "RawMessageStartEvent",
    "RawMessageStopEvent",
    "RawMessageStreamEvent",
    "RawPingEvent",
    "RawUnknownEvent",
    "RedactedThinkingBlock",
    "RefusalStopDetails",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "SearchResultLocationCitation",
    "ServerToolUsage",
    "ServerToolUseBlock",
    "ServiceUnavailableError",
    "SignatureDelta",
    "SignatureEvent",
    "StalledStreamError",
    "StopReason",
    "Stream",
    "StreamfoldError",
    "TextBlock",
    "TextCitation",
    "TextDelta",
    "TextEditorCodeExecutionToolResultBlock",
    "TextEvent",
    "ThinkingBlock",
    "ThinkingDelta",
    "ThinkingEvent",
    "Timeout",
    "ToolSearchToolResultBlock",
    "ToolUseBlock",
    "UnknownBlock",
    "UnprocessableEntityError",
    "Usage",
    "WebFetchToolResultBlock",
    "WebSearchResultLocationCitation",
    "WebSearchToolResultBlock",
    "not_given",
    "omit",
    "transform_schema",
]

# --- the clients, their arguments, the errors ---------------------------------------------------

Client = Anthropic
AsyncClient = AsyncAnthropic
Omit = NotGiven
omit = not_given = NOT_GIVEN
AnthropicError = StreamfoldError
RequestTooLargeError = ContentTooLargeError
DeadlineExceededError = GatewayTimeoutError

# --- streams ------------------------------------------------------------------------------------

BetaMessageStream = MessageStream
BetaAsyncMessageStream = AsyncMessageStream
BetaMessageStreamManager = MessageStreamManager
BetaAsyncMessageStreamManager = AsyncMessageStreamManager

# --- events -------------------------------------------------------------------------------------

RawMessageStreamEvent = Union[
    RawMessageStartEvent,
    RawMessageDeltaEvent,
    RawMessageStopEvent,
    RawContentBlockStartEvent,
    RawContentBlockDeltaEvent,
    RawContentBlockStopEvent,
]
MessageStartEvent = RawMessageStartEvent
MessageDeltaEvent = RawMessageDeltaEvent
ContentBlockStartEvent = RawContentBlockStartEvent
ContentBlockDeltaEvent = RawContentBlockDeltaEvent

BetaTextEvent = ParsedBetaTextEvent = TextEvent
BetaCitationEvent = CitationEvent
BetaThinkingEvent = ThinkingEvent
BetaSignatureEvent = SignatureEvent
BetaInputJsonEvent = InputJsonEvent
BetaCompactionEvent = CompactionEvent
ParsedBetaMessageStopEvent = ParsedMessageStopEvent
BetaMessageStopEvent = ParsedMessageStopEvent[object]
ParsedBetaContentBlockStopEvent = ParsedContentBlockStopEvent
BetaContentBlockStopEvent = ParsedContentBlockStopEvent[object]
ParsedBetaMessageStreamEvent = ParsedMessageStreamEvent[ResponseFormatT]
BetaMessageStreamEvent = ParsedMessageStreamEvent[ResponseFormatT]

BetaRawMessageStreamEvent = RawMessageStreamEvent
BetaRawMessageStartEvent = RawMessageStartEvent
BetaRawMessageDeltaEvent = RawMessageDeltaEvent
BetaRawMessageStopEvent = RawMessageStopEvent
BetaRawContentBlockStartEvent = RawContentBlockStartEvent
BetaRawContentBlockDeltaEvent = RawContentBlockDeltaEvent
BetaRawContentBlockStopEvent = RawContentBlockStopEvent

RawContentBlockDelta = BetaRawContentBlockDelta = ContentBlockDelta
BetaTextDelta = TextDelta
BetaInputJSONDelta = InputJSONDelta
BetaCitationsDelta = CitationsDelta
BetaThinkingDelta = ThinkingDelta
BetaSignatureDelta = SignatureDelta
BetaCompactionContentBlockDelta = CompactionDelta

# --- messages -----------------------------------------------------------------------------------

BetaMessage = Message
ParsedBetaMessage = ParsedMessage
BetaContainer = Container
BetaRefusalStopDetails = RefusalStopDetails
BetaStopReason = StopReason
BetaUsage = Usage
BetaMessageDeltaUsage = MessageDeltaUsage
BetaCacheCreation = CacheCreation
BetaServerToolUsage = ServerToolUsage
BetaOutputTokensDetails = OutputTokensDetails
BetaMessageIterationUsage = BetaCompactionIterationUsage = IterationUsage
BetaAdvisorMessageIterationUsage = BetaFallbackMessageIterationUsage = IterationUsage

BetaContentBlock = ContentBlock
ParsedBetaContentBlock = ParsedContentBlock[ResponseFormatT]
ParsedBetaTextBlock = ParsedTextBlock
BetaTextBlock = TextBlock
BetaThinkingBlock = ThinkingBlock
BetaRedactedThinkingBlock = RedactedThinkingBlock
BetaToolUseBlock = ToolUseBlock
BetaServerToolUseBlock = ServerToolUseBlock
BetaWebSearchToolResultBlock = WebSearchToolResultBlock
BetaWebFetchToolResultBlock = WebFetchToolResultBlock
BetaCodeExecutionToolResultBlock = CodeExecutionToolResultBlock
BetaBashCodeExecutionToolResultBlock = BashCodeExecutionToolResultBlock
BetaTextEditorCodeExecutionToolResultBlock = TextEditorCodeExecutionToolResultBlock
BetaToolSearchToolResultBlock = ToolSearchToolResultBlock
BetaAdvisorToolResultBlock = AdvisorToolResultBlock
BetaMCPToolUseBlock = MCPToolUseBlock
BetaMCPToolResultBlock = MCPToolResultBlock
BetaMCPToolListingBlock = MCPToolListingBlock
BetaContainerUploadBlock = ContainerUploadBlock
BetaCompactionBlock = CompactionBlock
BetaFallbackBlock = FallbackBlock

Citation = BetaTextCitation = TextCitation
CitationCharLocation = BetaCitationCharLocation = CharLocationCitation
CitationPageLocation = BetaCitationPageLocation = PageLocationCitation
CitationContentBlockLocation = ContentBlockLocationCitation
BetaCitationContentBlockLocation = ContentBlockLocationCitation
CitationsSearchResultLocation = SearchResultLocationCitation
BetaCitationSearchResultLocation = SearchResultLocationCitation
CitationsWebSearchResultLocation = WebSearchResultLocationCitation
BetaCitationsWebSearchResultLocation = WebSearchResultLocationCitation


def __getattr__(name: str) -> Any:
    """`DefaultAioHttpClient`, which needs an extra: it is imported when it is asked for.

    It is not in `__all__`, so that `from … import *` works without the extra.
    """
    if name == "DefaultAioHttpClient":
        from .aiohttp import DefaultAioHttpClient

        return DefaultAioHttpClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
