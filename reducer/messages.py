"""Messages, their content blocks, citations and usage: the API's shapes of today as values.

Each class is a declaration; `objects` says what a declaration means. An unknown kind of block or
citation is kept whole (`UnknownBlock`, `UnknownCitation`) and reads like any other. Fields whose
content is open JSON (tool results, sources, callers) are `JSONObject`s and `JSONArray`s:
`block.content[0].url`.

Source: Messages API reference, GA and beta headers, as of November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, Union

import attrs

from .objects import (
    EMPTY,
    APIObject,
    FieldError,
    JSONArray,
    JSONObject,
    declared,
    described,
    evolve,
    freeze,
    is_array,
    is_object,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
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

Parsed = TypeVar("Parsed", bound=APIObject)


def object_or_raw(cls: type[Parsed]) -> Callable[[Any], Any]:
    """A parser for an optional object: what is not one (`null`, say) is kept as it is."""

    def parse(raw: Any) -> Any:
        if is_object(raw):
            try:
                return cls.from_dict(raw)
            except FieldError:
                pass
        return freeze(raw, 1)

    return parse


def object_of(cls: type[Parsed], *, nullable: bool = False) -> Callable[[Any], Any]:
    """A parser for an object that must be one; or `null`, if `nullable`."""

    def parse(raw: Any) -> Any:
        if is_object(raw):
            return cls.from_dict(raw)
        if nullable and raw is None:
            return None
        raise FieldError("", f"must be an object, not {described(raw)}")

    return parse


def list_of(parse_item: Callable[[Any], Any], *, optional: bool) -> Callable[[Any], Any]:
    """A parser for an array, which becomes a tuple. What is no array is kept if `optional`, else
    an error.
    """

    def parse(raw: Any) -> Any:
        if not is_array(raw):
            if optional:
                return freeze(raw, 1)
            raise FieldError("", f"must be an array, not {described(raw)}")
        items: list[Any] = []
        for position, item in enumerate(raw):
            try:
                items.append(parse_item(item))
            except FieldError as fault:
                raise fault.below(f"[{position}]") from None
        return tuple(items)

    return parse


def by_type(kinds: Mapping[str, type[APIObject]], unknown: type[APIObject]) -> Callable[[Any], Any]:
    """A parser for a union that `type` tells apart; a type not in `kinds` becomes `unknown`."""

    def parse(raw: Any) -> Any:
        if isinstance(raw, APIObject):
            return raw
        if not is_object(raw):
            raise FieldError("", f"must be an object, not {described(raw)}")
        if "type" not in raw:
            raise FieldError("type", "is missing")
        kind = raw["type"]
        if not isinstance(kind, str):
            raise FieldError("type", f"must be a string, not {described(kind)}")
        return kinds.get(kind, unknown).from_dict(raw)

    return parse


# --- citations ----------------------------------------------------------------------------------


@declared()
class CharLocationCitation(APIObject):
    """A passage of a plain text document, by its characters."""

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
    """A passage of a PDF document, by its pages."""

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
    """A passage of a document given as content blocks, by its blocks."""

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
    """A passage of a search result that the request brought along."""

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
    """A kind of citation that this version does not know, kept as it came."""

    type: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


TextCitation = Union[
    CharLocationCitation,
    PageLocationCitation,
    ContentBlockLocationCitation,
    SearchResultLocationCitation,
    WebSearchResultLocationCitation,
]

CITATIONS: dict[str, type[APIObject]] = {cls.type: cls for cls in TextCitation.__args__}  # type: ignore[attr-defined]
parse_citation = by_type(CITATIONS, UnknownCitation)


# --- content blocks -----------------------------------------------------------------------------


@declared(citations=list_of(parse_citation, optional=True))
class TextBlock(APIObject):
    """Text of the answer, with the citations that back it."""

    type: ClassVar[Literal["text"]] = "text"
    text: str
    citations: tuple[TextCitation, ...] | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ThinkingBlock(APIObject):
    """The model's thinking, and the signature to send it back with."""

    type: ClassVar[Literal["thinking"]] = "thinking"
    thinking: str
    signature: str = ""
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RedactedThinkingBlock(APIObject):
    """Thinking that is only to be sent back, not to be read."""

    type: ClassVar[Literal["redacted_thinking"]] = "redacted_thinking"
    data: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


ToolInput = JSONObject
"""A tool's input: an object, by the API's rules. But a model may write other JSON, which is
kept."""


class _ToolUse(APIObject):
    """What the blocks with a tool's input share: the text which that input was streamed as."""

    __slots__ = ()
    input: ToolInput
    _input_json: str | None

    @property
    def input_json(self) -> str:
        """The input as JSON text: exactly as it was streamed, if it was; else `input` written
        compactly.
        """
        if self._input_json is not None:
            return self._input_json
        return json.dumps(self.input, ensure_ascii=False, separators=(",", ":"))

    def replace(self, **fields: Any) -> Self:
        """The block with these JSON fields set; its text stays unless its input is replaced."""
        replaced = super().replace(**fields)
        return replaced if "input" in fields else evolve(replaced, input_json=self._input_json)


@declared()
class ToolUseBlock(_ToolUse):
    """A call of one of the caller's tools."""

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
    """A call of a tool that the API itself runs (web search, code execution, …)."""

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
    """What the results of the API's own tools share. `content` is the result or an error object."""

    __slots__ = ()


@declared()
class WebSearchToolResultBlock(_ToolResult):
    """What a web search found: an array of results, or an error object."""

    type: ClassVar[Literal["web_search_tool_result"]] = "web_search_tool_result"
    tool_use_id: str
    content: JSONArray | JSONObject
    caller: JSONObject | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class WebFetchToolResultBlock(_ToolResult):
    """The document that a web fetch brought, or an error object."""

    type: ClassVar[Literal["web_fetch_tool_result"]] = "web_fetch_tool_result"
    tool_use_id: str
    content: JSONObject
    caller: JSONObject | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CodeExecutionToolResultBlock(_ToolResult):
    """What a run of code printed and returned, or an error object."""

    type: ClassVar[Literal["code_execution_tool_result"]] = "code_execution_tool_result"
    tool_use_id: str
    content: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class BashCodeExecutionToolResultBlock(_ToolResult):
    """What a shell command printed and returned, or an error object."""

    type: ClassVar[Literal["bash_code_execution_tool_result"]] = "bash_code_execution_tool_result"
    tool_use_id: str
    content: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class TextEditorCodeExecutionToolResultBlock(_ToolResult):
    """What an edit of a file in the container gave, or an error object."""

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
    """What the advisor model said, or an error object."""

    type: ClassVar[Literal["advisor_tool_result"]] = "advisor_tool_result"
    tool_use_id: str
    content: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class MCPToolResultBlock(_ToolResult):
    """What a tool on an MCP server gave: a string or an array of text blocks."""

    type: ClassVar[Literal["mcp_tool_result"]] = "mcp_tool_result"
    tool_use_id: str
    content: str | JSONArray
    is_error: bool
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class MCPToolListingBlock(APIObject):
    """The tools that an MCP server listed, to be sent back unchanged."""

    type: ClassVar[Literal["mcp_tool_listing"]] = "mcp_tool_listing"
    mcp_server_name: str
    tools: JSONArray
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ContainerUploadBlock(APIObject):
    """A file that was put into the container."""

    type: ClassVar[Literal["container_upload"]] = "container_upload"
    file_id: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CompactionBlock(APIObject):
    """The summary that stands for the earlier conversation; `content` is null when there is
    none.
    """

    type: ClassVar[Literal["compaction"]] = "compaction"
    content: str | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    tool_changes: JSONArray | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class FallbackBlock(APIObject):
    """The place where one model's output ends and another's begins. `from_` is the JSON's
    `from`.
    """

    type: ClassVar[Literal["fallback"]] = "fallback"
    from_: JSONObject
    to: JSONObject
    trigger: JSONObject | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class UnknownBlock(APIObject):
    """A kind of block that this version does not know, kept as it came."""

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
"""The kinds of block that are known. A block of any other type is an `UnknownBlock`, which is left
out of the union so that `block.type == "text"` narrows it."""

BLOCKS: dict[str, type[APIObject]] = {cls.type: cls for cls in ContentBlock.__args__}  # type: ignore[attr-defined]
parse_block = by_type(BLOCKS, UnknownBlock)


# --- usage --------------------------------------------------------------------------------------


@declared()
class CacheCreation(APIObject):
    """Tokens written to the cache, by how long they live."""

    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ServerToolUsage(APIObject):
    """How often the API's own tools were used."""

    web_search_requests: int = 0
    web_fetch_requests: int = 0
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class OutputTokensDetails(APIObject):
    """What the output tokens were spent on."""

    thinking_tokens: int = 0
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(cache_creation=object_or_raw(CacheCreation))
class IterationUsage(APIObject):
    """The usage of one of several model calls behind an answer (`message`, `compaction`, …)."""

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
    """What a message cost, in tokens."""

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
    """The counts so far, as a `message_delta` event tells them: totals, each of them optional."""

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
    """The container that the code execution tool ran in."""

    id: str
    expires_at: str | None = None
    skills: JSONArray | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class RefusalStopDetails(APIObject):
    """Why the model declined."""

    type: ClassVar[Literal["refusal"]] = "refusal"
    category: str | None = None
    explanation: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


def parse_stop_details(raw: Any) -> Any:
    """Refusal details by their type; anything else, `null` included, as it is."""
    if is_object(raw) and raw.get("type") == RefusalStopDetails.type:
        return RefusalStopDetails.from_dict(raw)
    return freeze(raw, 1)


parse_container = object_or_raw(Container)

NO_USAGE = Usage()
"""What `message.usage` reads as where the stream told none, as some gateways' do not."""


@declared(
    content=list_of(parse_block, optional=False),
    usage=object_of(Usage),
    container=parse_container,
    stop_details=parse_stop_details,
)
class Message(APIObject):
    """A message of the assistant, whole or as far as its stream has come.

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
