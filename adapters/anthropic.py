"""The names of the official SDK's streaming interface: code moves over by changing an import.

    from streamfold.adapters.anthropic import Anthropic, MessageStream, TextEvent

The clients are defined in `streamfold.adapters.client`, the streams in `streamfold.transports`, the
events and blocks in `streamfold.reducer`. This module collects them under the interface's names,
aliases included. One engine serves the API and its beta, so a name with `Beta` is the same object
as the name without it. The unions of blocks are annotated, as in the interface: their members are
`get_args(get_args(ContentBlock)[0])`. NAMES.md lists all names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from httpx import Timeout
from streamfold.reducer import (
    AdvisorRedactedResultBlock,
    AdvisorResultBlock,
    AdvisorToolResultBlock,
    AdvisorToolResultErrorObject,
    Base64PDFSource,
    BashCodeExecutionOutputBlock,
    BashCodeExecutionResultBlock,
    BashCodeExecutionToolResultBlock,
    BashCodeExecutionToolResultErrorObject,
    CacheCreation,
    CacheMissMessagesChanged,
    CacheMissModelChanged,
    CacheMissPreviousMessageNotFound,
    CacheMissSystemChanged,
    CacheMissToolsChanged,
    CacheMissUnavailable,
    CharLocationCitation,
    CitationEvent,
    CitationsConfig,
    CitationsDelta,
    ClearThinking20251015EditResponse,
    ClearToolUses20250919EditResponse,
    CodeExecutionOutputBlock,
    CodeExecutionResultBlock,
    CodeExecutionToolResultBlock,
    CodeExecutionToolResultErrorObject,
    CompactionBlock,
    CompactionDelta,
    CompactionEvent,
    Container,
    ContainerSkill,
    ContainerUploadBlock,
    ContentBlockDelta,
    ContentBlockLocationCitation,
    ContentBlockStopEvent,
    ContextManagementResponse,
    Diagnostics,
    DirectCaller,
    DocumentBlock,
    EncryptedCodeExecutionResultBlock,
    FallbackBlock,
    FallbackCreditNotApplied,
    FallbackCreditRedeemed,
    FallbackCreditUsage,
    FallbackInfo,
    FallbackRefusalTrigger,
    IncompleteStreamError,
    InputJSONDelta,
    InputJsonEvent,
    InvalidToolInputError,
    IterationUsage,
    MCPTool,
    MCPToolListingBlock,
    MCPToolResultBlock,
    MCPToolUseBlock,
    Message,
    MessageDeltaUsage,
    MessageStopEvent,
    MessageStreamEvent,
    OutputTokensDetails,
    PageLocationCitation,
    PlainTextSource,
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
    ResponseToolAdditionBlock,
    ResponseToolChangeMCPToolReference,
    ResponseToolChangeMCPToolsetReference,
    ResponseToolChangeToolReference,
    ResponseToolRemovalBlock,
    SearchResultLocationCitation,
    ServerToolCaller,
    ServerToolCaller20260120,
    ServerToolUsage,
    ServerToolUseBlock,
    SignatureDelta,
    SignatureEvent,
    StopReason,
    StreamfoldError,
    TextBlock,
    TextCitation,
    TextDelta,
    TextEditorCodeExecutionCreateResultBlock,
    TextEditorCodeExecutionStrReplaceResultBlock,
    TextEditorCodeExecutionToolResultBlock,
    TextEditorCodeExecutionToolResultErrorObject,
    TextEditorCodeExecutionViewResultBlock,
    TextEvent,
    ThinkingBlock,
    ThinkingDelta,
    ThinkingDroppedInputTransformation,
    ThinkingEvent,
    ThinkingMismatchAllowedInputTransformation,
    ToolChangeToolDefinition,
    ToolReferenceBlock,
    ToolSearchToolResultBlock,
    ToolSearchToolResultErrorObject,
    ToolSearchToolSearchResultBlock,
    ToolUseBlock,
    UnknownBlock,
    Usage,
    WebFetchBlock,
    WebFetchToolResultBlock,
    WebFetchToolResultErrorBlock,
    WebSearchResultBlock,
    WebSearchResultLocationCitation,
    WebSearchToolResultBlock,
    WebSearchToolResultErrorObject,
)
from streamfold.reducer import ContentBlock as _ContentBlock
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
from streamfold.transports import ParsedContentBlock as _ParsedContentBlock

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
    "AdvisorRedactedResultBlock",
    "AdvisorResultBlock",
    "AdvisorToolResultBlock",
    "AdvisorToolResultErrorObject",
    "Anthropic",
    "AnthropicError",
    "AsyncAnthropic",
    "AsyncClient",
    "AsyncMessageStream",
    "AsyncMessageStreamManager",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "Base64PDFSource",
    "BashCodeExecutionOutputBlock",
    "BashCodeExecutionResultBlock",
    "BashCodeExecutionToolResultBlock",
    "BashCodeExecutionToolResultErrorObject",
    "BetaAdvisorMessageIterationUsage",
    "BetaAdvisorRedactedResultBlock",
    "BetaAdvisorResultBlock",
    "BetaAdvisorToolResultBlock",
    "BetaAdvisorToolResultErrorObject",
    "BetaAsyncMessageStream",
    "BetaAsyncMessageStreamManager",
    "BetaBase64PDFSource",
    "BetaBashCodeExecutionOutputBlock",
    "BetaBashCodeExecutionResultBlock",
    "BetaBashCodeExecutionToolResultBlock",
    "BetaBashCodeExecutionToolResultErrorObject",
    "BetaCacheCreation",
    "BetaCacheMissMessagesChanged",
    "BetaCacheMissModelChanged",
    "BetaCacheMissPreviousMessageNotFound",
    "BetaCacheMissSystemChanged",
    "BetaCacheMissToolsChanged",
    "BetaCacheMissUnavailable",
    "BetaCitationCharLocation",
    "BetaCitationConfig",
    "BetaCitationContentBlockLocation",
    "BetaCitationEvent",
    "BetaCitationPageLocation",
    "BetaCitationSearchResultLocation",
    "BetaCitationsDelta",
    "BetaCitationsWebSearchResultLocation",
    "BetaClearThinking20251015EditResponse",
    "BetaClearToolUses20250919EditResponse",
    "BetaCodeExecutionOutputBlock",
    "BetaCodeExecutionResultBlock",
    "BetaCodeExecutionToolResultBlock",
    "BetaCodeExecutionToolResultErrorObject",
    "BetaCompactionBlock",
    "BetaCompactionContentBlockDelta",
    "BetaCompactionEvent",
    "BetaCompactionIterationUsage",
    "BetaContainer",
    "BetaContainerSkill",
    "BetaContainerUploadBlock",
    "BetaContentBlock",
    "BetaContentBlockStopEvent",
    "BetaContextManagementResponse",
    "BetaDiagnostics",
    "BetaDirectCaller",
    "BetaDocumentBlock",
    "BetaEncryptedCodeExecutionResultBlock",
    "BetaFallbackBlock",
    "BetaFallbackCreditNotApplied",
    "BetaFallbackCreditRedeemed",
    "BetaFallbackCreditUsage",
    "BetaFallbackInfo",
    "BetaFallbackMessageIterationUsage",
    "BetaFallbackRefusalTrigger",
    "BetaInputJSONDelta",
    "BetaInputJsonEvent",
    "BetaMCPTool",
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
    "BetaPlainTextSource",
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
    "BetaResponseToolAdditionBlock",
    "BetaResponseToolChangeMCPToolReference",
    "BetaResponseToolChangeMCPToolsetReference",
    "BetaResponseToolChangeToolReference",
    "BetaResponseToolRemovalBlock",
    "BetaServerToolCaller",
    "BetaServerToolCaller20260120",
    "BetaServerToolUsage",
    "BetaServerToolUseBlock",
    "BetaSignatureDelta",
    "BetaSignatureEvent",
    "BetaStopReason",
    "BetaTextBlock",
    "BetaTextCitation",
    "BetaTextDelta",
    "BetaTextEditorCodeExecutionCreateResultBlock",
    "BetaTextEditorCodeExecutionStrReplaceResultBlock",
    "BetaTextEditorCodeExecutionToolResultBlock",
    "BetaTextEditorCodeExecutionToolResultErrorObject",
    "BetaTextEditorCodeExecutionViewResultBlock",
    "BetaTextEvent",
    "BetaThinkingBlock",
    "BetaThinkingDelta",
    "BetaThinkingDroppedInputTransformation",
    "BetaThinkingEvent",
    "BetaThinkingMismatchAllowedInputTransformation",
    "BetaToolChangeToolDefinition",
    "BetaToolReferenceBlock",
    "BetaToolSearchToolResultBlock",
    "BetaToolSearchToolResultErrorObject",
    "BetaToolSearchToolSearchResultBlock",
    "BetaToolUseBlock",
    "BetaUsage",
    "BetaWebFetchBlock",
    "BetaWebFetchToolResultBlock",
    "BetaWebFetchToolResultErrorBlock",
    "BetaWebSearchResultBlock",
    "BetaWebSearchToolResultBlock",
    "BetaWebSearchToolResultErrorObject",
    "CacheCreation",
    "CacheMissMessagesChanged",
    "CacheMissModelChanged",
    "CacheMissPreviousMessageNotFound",
    "CacheMissSystemChanged",
    "CacheMissToolsChanged",
    "CacheMissUnavailable",
    "CharLocationCitation",
    "Citation",
    "CitationCharLocation",
    "CitationContentBlockLocation",
    "CitationEvent",
    "CitationPageLocation",
    "CitationsConfig",
    "CitationsDelta",
    "CitationsSearchResultLocation",
    "CitationsWebSearchResultLocation",
    "ClearThinking20251015EditResponse",
    "ClearToolUses20250919EditResponse",
    "Client",
    "CodeExecutionOutputBlock",
    "CodeExecutionResultBlock",
    "CodeExecutionToolResultBlock",
    "CodeExecutionToolResultErrorObject",
    "CompactionBlock",
    "CompactionDelta",
    "CompactionEvent",
    "ConflictError",
    "Container",
    "ContainerSkill",
    "ContainerUploadBlock",
    "ContentBlock",
    "ContentBlockDelta",
    "ContentBlockDeltaEvent",
    "ContentBlockLocationCitation",
    "ContentBlockStartEvent",
    "ContentBlockStopEvent",
    "ContentTooLargeError",
    "ContextManagementResponse",
    "DeadlineExceededError",
    "Diagnostics",
    "DirectCaller",
    "DocumentBlock",
    "EncryptedCodeExecutionResultBlock",
    "FallbackBlock",
    "FallbackCreditNotApplied",
    "FallbackCreditRedeemed",
    "FallbackCreditUsage",
    "FallbackInfo",
    "FallbackRefusalTrigger",
    "GatewayTimeoutError",
    "IncompleteStreamError",
    "InputJSONDelta",
    "InputJsonEvent",
    "InternalServerError",
    "InvalidToolInputError",
    "IterationUsage",
    "MCPTool",
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
    "PlainTextSource",
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
    "ResponseToolAdditionBlock",
    "ResponseToolChangeMCPToolReference",
    "ResponseToolChangeMCPToolsetReference",
    "ResponseToolChangeToolReference",
    "ResponseToolRemovalBlock",
    "SearchResultLocationCitation",
    "ServerToolCaller",
    "ServerToolCaller20260120",
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
    "TextEditorCodeExecutionCreateResultBlock",
    "TextEditorCodeExecutionStrReplaceResultBlock",
    "TextEditorCodeExecutionToolResultBlock",
    "TextEditorCodeExecutionToolResultErrorObject",
    "TextEditorCodeExecutionViewResultBlock",
    "TextEvent",
    "ThinkingBlock",
    "ThinkingDelta",
    "ThinkingDroppedInputTransformation",
    "ThinkingEvent",
    "ThinkingMismatchAllowedInputTransformation",
    "Timeout",
    "ToolChangeToolDefinition",
    "ToolReferenceBlock",
    "ToolSearchToolResultBlock",
    "ToolSearchToolResultErrorObject",
    "ToolSearchToolSearchResultBlock",
    "ToolUseBlock",
    "UnknownBlock",
    "UnprocessableEntityError",
    "Usage",
    "WebFetchBlock",
    "WebFetchToolResultBlock",
    "WebFetchToolResultErrorBlock",
    "WebSearchResultBlock",
    "WebSearchResultLocationCitation",
    "WebSearchToolResultBlock",
    "WebSearchToolResultErrorObject",
    "not_given",
    "omit",
    "transform_schema",
]

# --- the clients, their arguments, the errors ---------------------------------------------------

Client = Anthropic
AsyncClient = AsyncAnthropic
Omit = NotGiven
omit = NOT_GIVEN
not_given = omit
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

BetaTextEvent = TextEvent
ParsedBetaTextEvent = BetaTextEvent
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

RawContentBlockDelta = ContentBlockDelta
BetaRawContentBlockDelta = RawContentBlockDelta
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
BetaMessageIterationUsage = IterationUsage
BetaCompactionIterationUsage = BetaMessageIterationUsage
BetaAdvisorMessageIterationUsage = IterationUsage
BetaFallbackMessageIterationUsage = BetaAdvisorMessageIterationUsage

ContentBlock = Annotated[_ContentBlock, "by type"]
BetaContentBlock = ContentBlock
ParsedContentBlock = Annotated[_ParsedContentBlock[ResponseFormatT], "by type"]
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

BetaAdvisorRedactedResultBlock = AdvisorRedactedResultBlock
BetaAdvisorResultBlock = AdvisorResultBlock
BetaAdvisorToolResultErrorObject = AdvisorToolResultErrorObject
BetaBase64PDFSource = Base64PDFSource
BetaBashCodeExecutionOutputBlock = BashCodeExecutionOutputBlock
BetaBashCodeExecutionResultBlock = BashCodeExecutionResultBlock
BetaBashCodeExecutionToolResultErrorObject = BashCodeExecutionToolResultErrorObject
BetaCacheMissMessagesChanged = CacheMissMessagesChanged
BetaCacheMissModelChanged = CacheMissModelChanged
BetaCacheMissPreviousMessageNotFound = CacheMissPreviousMessageNotFound
BetaCacheMissSystemChanged = CacheMissSystemChanged
BetaCacheMissToolsChanged = CacheMissToolsChanged
BetaCacheMissUnavailable = CacheMissUnavailable
BetaCitationConfig = CitationsConfig
BetaClearThinking20251015EditResponse = ClearThinking20251015EditResponse
BetaClearToolUses20250919EditResponse = ClearToolUses20250919EditResponse
BetaCodeExecutionOutputBlock = CodeExecutionOutputBlock
BetaCodeExecutionResultBlock = CodeExecutionResultBlock
BetaCodeExecutionToolResultErrorObject = CodeExecutionToolResultErrorObject
BetaContainerSkill = ContainerSkill
BetaContextManagementResponse = ContextManagementResponse
BetaDiagnostics = Diagnostics
BetaDirectCaller = DirectCaller
BetaDocumentBlock = DocumentBlock
BetaEncryptedCodeExecutionResultBlock = EncryptedCodeExecutionResultBlock
BetaFallbackCreditNotApplied = FallbackCreditNotApplied
BetaFallbackCreditRedeemed = FallbackCreditRedeemed
BetaFallbackCreditUsage = FallbackCreditUsage
BetaFallbackInfo = FallbackInfo
BetaFallbackRefusalTrigger = FallbackRefusalTrigger
BetaMCPTool = MCPTool
BetaPlainTextSource = PlainTextSource
BetaResponseToolAdditionBlock = ResponseToolAdditionBlock
BetaResponseToolChangeMCPToolReference = ResponseToolChangeMCPToolReference
BetaResponseToolChangeMCPToolsetReference = ResponseToolChangeMCPToolsetReference
BetaResponseToolChangeToolReference = ResponseToolChangeToolReference
BetaResponseToolRemovalBlock = ResponseToolRemovalBlock
BetaServerToolCaller = ServerToolCaller
BetaServerToolCaller20260120 = ServerToolCaller20260120
BetaTextEditorCodeExecutionCreateResultBlock = TextEditorCodeExecutionCreateResultBlock
BetaTextEditorCodeExecutionStrReplaceResultBlock = TextEditorCodeExecutionStrReplaceResultBlock
BetaTextEditorCodeExecutionToolResultErrorObject = TextEditorCodeExecutionToolResultErrorObject
BetaTextEditorCodeExecutionViewResultBlock = TextEditorCodeExecutionViewResultBlock
BetaThinkingDroppedInputTransformation = ThinkingDroppedInputTransformation
BetaThinkingMismatchAllowedInputTransformation = ThinkingMismatchAllowedInputTransformation
BetaToolChangeToolDefinition = ToolChangeToolDefinition
BetaToolReferenceBlock = ToolReferenceBlock
BetaToolSearchToolResultErrorObject = ToolSearchToolResultErrorObject
BetaToolSearchToolSearchResultBlock = ToolSearchToolSearchResultBlock
BetaWebFetchBlock = WebFetchBlock
BetaWebFetchToolResultErrorBlock = WebFetchToolResultErrorBlock
BetaWebSearchResultBlock = WebSearchResultBlock
BetaWebSearchToolResultErrorObject = WebSearchToolResultErrorObject

Citation = TextCitation
BetaTextCitation = Citation
CitationCharLocation = CharLocationCitation
BetaCitationCharLocation = CitationCharLocation
CitationPageLocation = PageLocationCitation
BetaCitationPageLocation = CitationPageLocation
CitationContentBlockLocation = ContentBlockLocationCitation
BetaCitationContentBlockLocation = ContentBlockLocationCitation
CitationsSearchResultLocation = SearchResultLocationCitation
BetaCitationSearchResultLocation = SearchResultLocationCitation
CitationsWebSearchResultLocation = WebSearchResultLocationCitation
BetaCitationsWebSearchResultLocation = WebSearchResultLocationCitation


def __getattr__(name: str) -> Any:
    """`DefaultAioHttpClient`, which needs an extra: it is imported on first access.

    It is not in `__all__`, so that `from … import *` works without the extra.
    """
    if name == "DefaultAioHttpClient":
        from .aiohttp import DefaultAioHttpClient

        return DefaultAioHttpClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
