"""The message and its parts as values: content blocks, citations, usage.

Each class declares the fields of one object of the API; `declared` explains the declarations. A
block or a citation of an unknown type is kept whole as an `UnknownBlock` or `UnknownCitation`.
`parts` has the classes of the objects inside blocks, such as the results of tools. Fields with
open JSON (the input of a tool, a schema) are `JSONObject` and `JSONArray`.

To add a kind of block, add its class and put the class into the union `ContentBlock`; the parser
reads the union. If deltas grow it, add their rows to `deltas` too.

Source: Messages API reference, GA and beta headers, as of November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Union

import attrs

from .declared import (
    APIObject,
    an_object,
    array_or,
    by_type,
    checked,
    declared,
    evolve,
    list_of,
    object_of,
    object_or_raw,
    one_of,
    raw,
)
from .frozen_json import EMPTY, JSONObject, freeze, is_object
from .parts import (
    AdvisorRedactedResultBlock,
    AdvisorResultBlock,
    AdvisorToolResultErrorObject,
    BashCodeExecutionResultBlock,
    BashCodeExecutionToolResultErrorObject,
    Caller,
    CodeExecutionResultBlock,
    CodeExecutionToolResultErrorObject,
    Container,
    ContextManagementResponse,
    Diagnostics,
    EncryptedCodeExecutionResultBlock,
    FallbackCreditUsage,
    FallbackInfo,
    FallbackRefusalTrigger,
    InputTransformation,
    MCPTool,
    ResponseToolAdditionBlock,
    ResponseToolRemovalBlock,
    TextEditorCodeExecutionCreateResultBlock,
    TextEditorCodeExecutionStrReplaceResultBlock,
    TextEditorCodeExecutionToolResultErrorObject,
    TextEditorCodeExecutionViewResultBlock,
    ToolSearchToolResultErrorObject,
    ToolSearchToolSearchResultBlock,
    WebFetchBlock,
    WebFetchToolResultErrorBlock,
    WebSearchResultBlock,
    WebSearchToolResultErrorObject,
    parse_caller,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "STOP_REASONS_OF_A_CUT",
    "AdvisorToolResultBlock",
    "BashCodeExecutionToolResultBlock",
    "CacheCreation",
    "CharLocationCitation",
    "CodeExecutionToolResultBlock",
    "CompactionBlock",
    "ContainerUploadBlock",
    "ContentBlock",
    "ContentBlockLocationCitation",
    "FallbackBlock",
    "IterationUsage",
    "MCPToolListingBlock",
    "MCPToolResultBlock",
    "MCPToolUseBlock",
    "Message",
    "MessageDeltaUsage",
    "OutputTokensDetails",
    "PageLocationCitation",
    "RedactedThinkingBlock",
    "RefusalStopDetails",
    "SearchResultLocationCitation",
    "ServerToolUsage",
    "ServerToolUseBlock",
    "StopReason",
    "TextBlock",
    "TextCitation",
    "TextEditorCodeExecutionToolResultBlock",
    "ThinkingBlock",
    "ToolSearchToolResultBlock",
    "ToolUseBlock",
    "UnknownBlock",
    "UnknownCitation",
    "Usage",
    "WebFetchToolResultBlock",
    "WebSearchResultLocationCitation",
    "WebSearchToolResultBlock",
]

StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "compaction",
    "refusal",
    "model_context_window_exceeded",
]

STOP_REASONS_OF_A_CUT = frozenset({"max_tokens", "model_context_window_exceeded", "refusal"})
"""The stop reasons of a message that was cut before the model had ended it."""

# --- citations ----------------------------------------------------------------------------------


@declared()
class CharLocationCitation(APIObject):
    """A passage of a plain text document, located by characters."""

    type: Literal["char_location"] = "char_location"
    cited_text: str
    document_index: int
    start_char_index: int
    end_char_index: int
    document_title: str | None = None
    file_id: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class PageLocationCitation(APIObject):
    """A passage of a PDF document, located by pages."""

    type: Literal["page_location"] = "page_location"
    cited_text: str
    document_index: int
    start_page_number: int
    end_page_number: int
    document_title: str | None = None
    file_id: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ContentBlockLocationCitation(APIObject):
    """A passage of a document that was sent as content blocks, located by blocks."""

    type: Literal["content_block_location"] = "content_block_location"
    cited_text: str
    document_index: int
    start_block_index: int
    end_block_index: int
    document_title: str | None = None
    file_id: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class SearchResultLocationCitation(APIObject):
    """A passage of a search result that the request contained."""

    type: Literal["search_result_location"] = "search_result_location"
    cited_text: str
    source: str
    search_result_index: int
    start_block_index: int
    end_block_index: int
    title: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class WebSearchResultLocationCitation(APIObject):
    """A passage of a page that the web search tool found."""

    type: Literal["web_search_result_location"] = "web_search_result_location"
    cited_text: str
    url: str
    encrypted_index: str
    title: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class UnknownCitation(APIObject):
    """A citation of a type that this version does not know, kept as it came."""

    type: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


TextCitation = Union[
    CharLocationCitation,
    PageLocationCitation,
    ContentBlockLocationCitation,
    SearchResultLocationCitation,
    WebSearchResultLocationCitation,
]

"""The known kinds of citation."""

parse_citation = by_type(TextCitation, UnknownCitation)


# --- content blocks -----------------------------------------------------------------------------


@declared(citations=list_of(parse_citation, optional=True))
class TextBlock(APIObject):
    """Text of the answer, and the citations that support it."""

    type: Literal["text"] = "text"
    text: str
    citations: tuple[TextCitation, ...] | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ThinkingBlock(APIObject):
    """The thinking of the model, and the signature that the API checks when it is sent back."""

    type: Literal["thinking"] = "thinking"
    thinking: str
    signature: str = ""
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RedactedThinkingBlock(APIObject):
    """Encrypted thinking. It cannot be read, but can be sent back."""

    type: Literal["redacted_thinking"] = "redacted_thinking"
    data: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


ToolInput = JSONObject
"""The input of a tool: an object by the rules of the API. Other JSON that a model writes is
kept."""


class _ToolUse(APIObject):
    """The base of the blocks with a tool's input; it keeps the JSON text of the input."""

    __slots__ = ()
    input: ToolInput
    _input_json: str | None

    @property
    def input_json(self) -> str:
        """The input as JSON text: the exact text of the stream, or else `input` as compact JSON."""
        if self._input_json is not None:
            return self._input_json
        return json.dumps(self.input, ensure_ascii=False, separators=(",", ":"))

    def replace(self, **fields: Any) -> Self:
        """Return the block with these JSON fields set; a new input drops the old text."""
        replaced = super().replace(**fields)
        return evolve(replaced, input_json=None) if "input" in fields else replaced


@declared(caller=parse_caller)
class ToolUseBlock(_ToolUse):
    """A call of one of the tools in the request."""

    type: Literal["tool_use"] = "tool_use"
    id: str
    name: str
    input: ToolInput
    caller: Caller | None = None
    toolset_name: str | None = None
    _input_json: str | None = attrs.field(default=None, eq=False, alias="input_json")
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(caller=parse_caller)
class ServerToolUseBlock(_ToolUse):
    """A call of a tool that the API runs itself, such as web search or code execution."""

    type: Literal["server_tool_use"] = "server_tool_use"
    id: str
    name: str
    input: ToolInput
    caller: Caller | None = None
    _input_json: str | None = attrs.field(default=None, eq=False, alias="input_json")
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class MCPToolUseBlock(_ToolUse):
    """A call of a tool on an MCP server."""

    type: Literal["mcp_tool_use"] = "mcp_tool_use"
    id: str
    name: str
    input: ToolInput
    server_name: str
    _input_json: str | None = attrs.field(default=None, eq=False, alias="input_json")
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


class _ToolResult(APIObject):
    """The base of the results of tools that the API ran: `content` is the result or an error."""

    __slots__ = ()


@declared(
    content=checked(
        "JSONArray | JSONObject",
        array_or(one_of(WebSearchResultBlock), one_of(WebSearchToolResultErrorObject)),
    ),
    caller=parse_caller,
)
class WebSearchToolResultBlock(_ToolResult):
    """The results of a web search as an array, or an error object."""

    type: Literal["web_search_tool_result"] = "web_search_tool_result"
    tool_use_id: str
    content: tuple[WebSearchResultBlock, ...] | WebSearchToolResultErrorObject
    caller: Caller | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    content=an_object(one_of(WebFetchBlock, WebFetchToolResultErrorBlock)), caller=parse_caller
)
class WebFetchToolResultBlock(_ToolResult):
    """The document that a web fetch loaded, or an error object."""

    type: Literal["web_fetch_tool_result"] = "web_fetch_tool_result"
    tool_use_id: str
    content: WebFetchBlock | WebFetchToolResultErrorBlock
    caller: Caller | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    content=an_object(
        one_of(
            CodeExecutionResultBlock,
            EncryptedCodeExecutionResultBlock,
            CodeExecutionToolResultErrorObject,
        )
    )
)
class CodeExecutionToolResultBlock(_ToolResult):
    """The output of a run of code, or an error object."""

    type: Literal["code_execution_tool_result"] = "code_execution_tool_result"
    tool_use_id: str
    content: (
        CodeExecutionResultBlock
        | EncryptedCodeExecutionResultBlock
        | CodeExecutionToolResultErrorObject
    )
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    content=an_object(one_of(BashCodeExecutionResultBlock, BashCodeExecutionToolResultErrorObject))
)
class BashCodeExecutionToolResultBlock(_ToolResult):
    """The output of a shell command, or an error object."""

    type: Literal["bash_code_execution_tool_result"] = "bash_code_execution_tool_result"
    tool_use_id: str
    content: BashCodeExecutionResultBlock | BashCodeExecutionToolResultErrorObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    content=an_object(
        one_of(
            TextEditorCodeExecutionViewResultBlock,
            TextEditorCodeExecutionCreateResultBlock,
            TextEditorCodeExecutionStrReplaceResultBlock,
            TextEditorCodeExecutionToolResultErrorObject,
        )
    )
)
class TextEditorCodeExecutionToolResultBlock(_ToolResult):
    """The result of editing a file in the container, or an error object."""

    type: Literal["text_editor_code_execution_tool_result"] = (
        "text_editor_code_execution_tool_result"
    )
    tool_use_id: str
    content: (
        TextEditorCodeExecutionViewResultBlock
        | TextEditorCodeExecutionCreateResultBlock
        | TextEditorCodeExecutionStrReplaceResultBlock
        | TextEditorCodeExecutionToolResultErrorObject
    )
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    content=an_object(one_of(ToolSearchToolSearchResultBlock, ToolSearchToolResultErrorObject))
)
class ToolSearchToolResultBlock(_ToolResult):
    """The tools that a tool search found, or an error object."""

    type: Literal["tool_search_tool_result"] = "tool_search_tool_result"
    tool_use_id: str
    content: ToolSearchToolSearchResultBlock | ToolSearchToolResultErrorObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    content=an_object(
        one_of(AdvisorResultBlock, AdvisorRedactedResultBlock, AdvisorToolResultErrorObject)
    )
)
class AdvisorToolResultBlock(_ToolResult):
    """The answer of the advisor model, or an error object."""

    type: Literal["advisor_tool_result"] = "advisor_tool_result"
    tool_use_id: str
    content: AdvisorResultBlock | AdvisorRedactedResultBlock | AdvisorToolResultErrorObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(content=checked("str | JSONArray", array_or(one_of(TextBlock), raw)))
class MCPToolResultBlock(_ToolResult):
    """The result of a tool on an MCP server: a string or an array of text blocks."""

    type: Literal["mcp_tool_result"] = "mcp_tool_result"
    tool_use_id: str
    content: str | tuple[TextBlock, ...]
    is_error: bool
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(tools=checked("JSONArray", list_of(object_or_raw(MCPTool), optional=False)))
class MCPToolListingBlock(APIObject):
    """The tools that an MCP server listed. Send it back unchanged."""

    type: Literal["mcp_tool_listing"] = "mcp_tool_listing"
    mcp_server_name: str
    tools: tuple[MCPTool, ...]
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ContainerUploadBlock(APIObject):
    """A file that was uploaded to the container."""

    type: Literal["container_upload"] = "container_upload"
    file_id: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    tool_changes=list_of(one_of(ResponseToolAdditionBlock, ResponseToolRemovalBlock), optional=True)
)
class CompactionBlock(APIObject):
    """The summary that replaces the earlier conversation; `content` may be `None`."""

    type: Literal["compaction"] = "compaction"
    content: str | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    tool_changes: tuple[ResponseToolAdditionBlock | ResponseToolRemovalBlock, ...] | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    from_=an_object(object_or_raw(FallbackInfo)),
    to=an_object(object_or_raw(FallbackInfo)),
    trigger=one_of(FallbackRefusalTrigger),
)
class FallbackBlock(APIObject):
    """The point in the content where another model takes over; `from_` is `from` in the JSON."""

    type: Literal["fallback"] = "fallback"
    from_: FallbackInfo
    to: FallbackInfo
    trigger: FallbackRefusalTrigger | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class UnknownBlock(APIObject):
    """A block of a type that this version does not know, kept as it came."""

    type: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


ContentBlock = Union[
    TextBlock,
    ThinkingBlock,
    RedactedThinkingBlock,
    ToolUseBlock,
    ServerToolUseBlock,
    WebSearchToolResultBlock,
    WebFetchToolResultBlock,
    CodeExecutionToolResultBlock,
    BashCodeExecutionToolResultBlock,
    TextEditorCodeExecutionToolResultBlock,
    ToolSearchToolResultBlock,
    AdvisorToolResultBlock,
    MCPToolUseBlock,
    MCPToolResultBlock,
    MCPToolListingBlock,
    ContainerUploadBlock,
    CompactionBlock,
    FallbackBlock,
]
"""The known kinds of block.

A block of any other type is an `UnknownBlock`. That class is not in the union, so that
`block.type == "text"` narrows it.
"""

parse_block = by_type(ContentBlock, UnknownBlock)


# --- usage --------------------------------------------------------------------------------------


@declared()
class CacheCreation(APIObject):
    """Tokens written to the cache, by lifetime."""

    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ServerToolUsage(APIObject):
    """The number of requests of tools that the API runs itself."""

    web_search_requests: int = 0
    web_fetch_requests: int = 0
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class OutputTokensDetails(APIObject):
    """The output tokens by purpose."""

    thinking_tokens: int = 0
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(cache_creation=object_or_raw(CacheCreation))
class IterationUsage(APIObject):
    """The usage of one of the model calls behind an answer; `type` is `message`, `compaction`, …"""

    type: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation: CacheCreation | None = None
    model: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


_usage_parsers: dict[str, Callable[[Any], Any]] = {
    "server_tool_use": object_or_raw(ServerToolUsage),
    "output_tokens_details": object_or_raw(OutputTokensDetails),
    "iterations": list_of(object_or_raw(IterationUsage), optional=True),
    "fallback_credit": object_or_raw(FallbackCreditUsage),
}


@declared(cache_creation=object_or_raw(CacheCreation), **_usage_parsers)
class Usage(APIObject):
    """The cost of a message, in tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    server_tool_use: ServerToolUsage | None = None
    output_tokens_details: OutputTokensDetails | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    iterations: tuple[IterationUsage, ...] | None = None
    fallback_credit: FallbackCreditUsage | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(**_usage_parsers)
class MessageDeltaUsage(APIObject):
    """The usage in a `message_delta` event: totals so far, each of them optional."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    server_tool_use: ServerToolUsage | None = None
    output_tokens_details: OutputTokensDetails | None = None
    iterations: tuple[IterationUsage, ...] | None = None
    fallback_credit: FallbackCreditUsage | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- the message --------------------------------------------------------------------------------


@declared()
class RefusalStopDetails(APIObject):
    """The reason why the model declined."""

    type: Literal["refusal"] = "refusal"
    category: str | None = None
    explanation: str | None = None
    recommended_model: str | None = None
    fallback_credit_token: str | None = None
    fallback_has_prefill_claim: bool | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


def parse_stop_details(raw: Any) -> Any:
    """Return refusal details as an object of their class, and any other JSON as it is."""
    if is_object(raw) and raw.get("type") == RefusalStopDetails.type:
        return RefusalStopDetails.from_dict(raw)
    return freeze(raw, 1)


parse_container = object_or_raw(Container)
parse_context_management = object_or_raw(ContextManagementResponse)
parse_transformations = list_of(one_of(InputTransformation), optional=True)

NO_USAGE = Usage()
"""The value of `message.usage` when the stream has none; some gateways send none."""


@declared(
    content=list_of(parse_block, optional=False),
    usage=object_of(Usage),
    container=parse_container,
    stop_details=parse_stop_details,
    context_management=parse_context_management,
    input_transformations=parse_transformations,
    diagnostics=object_or_raw(Diagnostics),
)
class Message(APIObject):
    """A message of the assistant: the whole, or the part that has arrived.

    >>> message = Message.from_dict({
    ...     "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
    ...     "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
    ...     "usage": {"input_tokens": 3, "output_tokens": 1}})
    >>> message.content[0].text, message.usage.output_tokens, message.container
    ('Hello', 1, None)
    """

    type: Literal["message"] = "message"
    id: str
    role: Literal["assistant"]
    model: str
    content: tuple[ContentBlock, ...]
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    stop_details: RefusalStopDetails | None = None
    usage: Usage = NO_USAGE
    container: Container | None = None
    context_management: ContextManagementResponse | None = None
    input_transformations: tuple[InputTransformation, ...] | None = None
    diagnostics: Diagnostics | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")

    def to_param(self) -> dict[str, Any]:
        """Return the message as a turn for `messages` of the next request.

        >>> Message(id="msg_1", role="assistant", model="m", content=()).to_param()
        {'role': 'assistant', 'content': []}
        """
        return {"role": self.role, "content": list(self.content)}
