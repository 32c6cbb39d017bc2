"""The message and its parts as values: content blocks, citations, usage.

Each class declares the fields of one object of the API; `declared` explains the declarations. A
block or a citation of an unknown type is kept whole as an `UnknownBlock` or `UnknownCitation`.
Fields with open JSON (tool results, sources, callers) are `JSONObject` and `JSONArray`, so
`block.content[0].url` works on them.

To add a kind of block, add its class and put the class into the union `ContentBlock`; the parser
reads the union. If deltas grow it, add their rows to `deltas` too.

Source: Messages API reference, GA and beta headers, as of November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union

import attrs

from .declared import APIObject, by_type, declared, evolve, list_of, object_of, object_or_raw
from .frozen_json import EMPTY, JSONArray, JSONObject, freeze, is_object

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
    "Container",
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
"""The stop reasons of a message that ends before the model's own end of it."""

# --- citations ----------------------------------------------------------------------------------


@declared()
class CharLocationCitation(APIObject):
    """A passage of a plain text document, located by characters."""

    type: ClassVar[Literal["char_location"]] = "char_location"
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

    type: ClassVar[Literal["page_location"]] = "page_location"
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

    type: ClassVar[Literal["content_block_location"]] = "content_block_location"
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

    type: ClassVar[Literal["search_result_location"]] = "search_result_location"
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

    type: ClassVar[Literal["web_search_result_location"]] = "web_search_result_location"
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

    type: ClassVar[Literal["text"]] = "text"
    text: str
    citations: tuple[TextCitation, ...] | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ThinkingBlock(APIObject):
    """The thinking of the model, and the signature that the API checks when it is sent back."""

    type: ClassVar[Literal["thinking"]] = "thinking"
    thinking: str
    signature: str = ""
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RedactedThinkingBlock(APIObject):
    """Encrypted thinking. It cannot be read, but can be sent back."""

    type: ClassVar[Literal["redacted_thinking"]] = "redacted_thinking"
    data: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


ToolInput = JSONObject
"""The input of a tool: an object by the rules of the API. A model may still write other JSON, and
that is kept."""


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


@declared()
class ToolUseBlock(_ToolUse):
    """A call of one of the tools in the request."""

    type: ClassVar[Literal["tool_use"]] = "tool_use"
    id: str
    name: str
    input: ToolInput
    caller: JSONObject | None = None
    toolset_name: str | None = None
    _input_json: str | None = attrs.field(default=None, eq=False, alias="input_json")
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ServerToolUseBlock(_ToolUse):
    """A call of a tool that the API runs itself, such as web search or code execution."""

    type: ClassVar[Literal["server_tool_use"]] = "server_tool_use"
    id: str
    name: str
    input: ToolInput
    caller: JSONObject | None = None
    _input_json: str | None = attrs.field(default=None, eq=False, alias="input_json")
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class MCPToolUseBlock(_ToolUse):
    """A call of a tool on an MCP server."""

    type: ClassVar[Literal["mcp_tool_use"]] = "mcp_tool_use"
    id: str
    name: str
    input: ToolInput
    server_name: str
    _input_json: str | None = attrs.field(default=None, eq=False, alias="input_json")
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


class _ToolResult(APIObject):
    """The base of the results of tools that the API ran: `content` is the result or an error."""

    __slots__ = ()


@declared()
class WebSearchToolResultBlock(_ToolResult):
    """The results of a web search as an array, or an error object."""

    type: ClassVar[Literal["web_search_tool_result"]] = "web_search_tool_result"
    tool_use_id: str
    content: JSONArray | JSONObject
    caller: JSONObject | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class WebFetchToolResultBlock(_ToolResult):
    """The document that a web fetch loaded, or an error object."""

    type: ClassVar[Literal["web_fetch_tool_result"]] = "web_fetch_tool_result"
    tool_use_id: str
    content: JSONObject
    caller: JSONObject | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CodeExecutionToolResultBlock(_ToolResult):
    """The output of a run of code, or an error object."""

    type: ClassVar[Literal["code_execution_tool_result"]] = "code_execution_tool_result"
    tool_use_id: str
    content: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class BashCodeExecutionToolResultBlock(_ToolResult):
    """The output of a shell command, or an error object."""

    type: ClassVar[Literal["bash_code_execution_tool_result"]] = "bash_code_execution_tool_result"
    tool_use_id: str
    content: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class TextEditorCodeExecutionToolResultBlock(_ToolResult):
    """The result of editing a file in the container, or an error object."""

    type: ClassVar[Literal["text_editor_code_execution_tool_result"]] = (
        "text_editor_code_execution_tool_result"
    )
    tool_use_id: str
    content: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ToolSearchToolResultBlock(_ToolResult):
    """The tools that a tool search found, or an error object."""

    type: ClassVar[Literal["tool_search_tool_result"]] = "tool_search_tool_result"
    tool_use_id: str
    content: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class AdvisorToolResultBlock(_ToolResult):
    """The answer of the advisor model, or an error object."""

    type: ClassVar[Literal["advisor_tool_result"]] = "advisor_tool_result"
    tool_use_id: str
    content: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class MCPToolResultBlock(_ToolResult):
    """The result of a tool on an MCP server: a string or an array of text blocks."""

    type: ClassVar[Literal["mcp_tool_result"]] = "mcp_tool_result"
    tool_use_id: str
    content: str | JSONArray
    is_error: bool
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class MCPToolListingBlock(APIObject):
    """The tools that an MCP server listed. Send it back unchanged."""

    type: ClassVar[Literal["mcp_tool_listing"]] = "mcp_tool_listing"
    mcp_server_name: str
    tools: JSONArray
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ContainerUploadBlock(APIObject):
    """A file that was uploaded to the container."""

    type: ClassVar[Literal["container_upload"]] = "container_upload"
    file_id: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CompactionBlock(APIObject):
    """The summary that replaces the earlier conversation; `content` may be `None`."""

    type: ClassVar[Literal["compaction"]] = "compaction"
    content: str | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    tool_changes: JSONArray | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class FallbackBlock(APIObject):
    """The point in the content where another model takes over; `from_` is `from` in the JSON."""

    type: ClassVar[Literal["fallback"]] = "fallback"
    from_: JSONObject
    to: JSONObject
    trigger: JSONObject | None = None
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
    fallback_credit: JSONObject | None = None
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
    fallback_credit: JSONObject | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- the message --------------------------------------------------------------------------------


@declared()
class Container(APIObject):
    """The container in which the code execution tool ran."""

    id: str
    expires_at: str | None = None
    skills: JSONArray | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RefusalStopDetails(APIObject):
    """The reason why the model declined."""

    type: ClassVar[Literal["refusal"]] = "refusal"
    category: str | None = None
    explanation: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


def parse_stop_details(raw: Any) -> Any:
    """Return refusal details as an object of their class, and any other JSON as it is."""
    if is_object(raw) and raw.get("type") == RefusalStopDetails.type:
        return RefusalStopDetails.from_dict(raw)
    return freeze(raw, 1)


parse_container = object_or_raw(Container)

NO_USAGE = Usage()
"""The value of `message.usage` when the stream has none; some gateways send none."""


@declared(
    content=list_of(parse_block, optional=False),
    usage=object_of(Usage),
    container=parse_container,
    stop_details=parse_stop_details,
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

    type: ClassVar[Literal["message"]] = "message"
    id: str
    role: Literal["assistant"]
    model: str
    content: tuple[ContentBlock, ...]
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    stop_details: RefusalStopDetails | None = None
    usage: Usage = NO_USAGE
    container: Container | None = None
    context_management: JSONObject | None = None
    input_transformations: JSONArray | None = None
    diagnostics: JSONObject | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")

    def to_param(self) -> dict[str, Any]:
        """Return the message as a turn for `messages` of the next request.

        >>> Message(id="msg_1", role="assistant", model="m", content=()).to_param()
        {'role': 'assistant', 'content': []}
        """
        return {"role": self.role, "content": list(self.content)}
