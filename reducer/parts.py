"""The parts of a message below its blocks: results of tools, callers, diagnostics, containers.

Each class declares the fields of one object of the API, as `messages` does for the message and its
blocks. An object of another type, or without a field that its class requires, is kept as the JSON
that came.

Source: Messages API reference, GA and beta headers, as of November 2026.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal, Union

import attrs

from .declared import APIObject, an_object, declared, list_of, object_or_raw, one_of
from .frozen_json import EMPTY, JSONArray, JSONObject

__all__ = [
    "AdvisorRedactedResultBlock",
    "AdvisorResultBlock",
    "AdvisorToolResultErrorObject",
    "AppliedEdit",
    "Base64PDFSource",
    "BashCodeExecutionOutputBlock",
    "BashCodeExecutionResultBlock",
    "BashCodeExecutionToolResultErrorObject",
    "CacheMissMessagesChanged",
    "CacheMissModelChanged",
    "CacheMissPreviousMessageNotFound",
    "CacheMissReason",
    "CacheMissSystemChanged",
    "CacheMissToolsChanged",
    "CacheMissUnavailable",
    "Caller",
    "CitationsConfig",
    "ClearThinking20251015EditResponse",
    "ClearToolUses20250919EditResponse",
    "CodeExecutionOutputBlock",
    "CodeExecutionResultBlock",
    "CodeExecutionToolResultErrorObject",
    "Container",
    "ContainerSkill",
    "ContextManagementResponse",
    "Diagnostics",
    "DirectCaller",
    "DocumentBlock",
    "EncryptedCodeExecutionResultBlock",
    "FallbackCreditNotApplied",
    "FallbackCreditRedeemed",
    "FallbackCreditUsage",
    "FallbackInfo",
    "FallbackRefusalTrigger",
    "InputTransformation",
    "MCPTool",
    "PlainTextSource",
    "ResponseToolAdditionBlock",
    "ResponseToolChangeMCPToolReference",
    "ResponseToolChangeMCPToolsetReference",
    "ResponseToolChangeToolReference",
    "ResponseToolRemovalBlock",
    "ServerToolCaller",
    "ServerToolCaller20260120",
    "TextEditorCodeExecutionCreateResultBlock",
    "TextEditorCodeExecutionStrReplaceResultBlock",
    "TextEditorCodeExecutionToolResultErrorObject",
    "TextEditorCodeExecutionViewResultBlock",
    "ThinkingDroppedInputTransformation",
    "ThinkingMismatchAllowedInputTransformation",
    "ToolChangeToolDefinition",
    "ToolReference",
    "ToolReferenceBlock",
    "ToolSearchToolResultErrorObject",
    "ToolSearchToolSearchResultBlock",
    "WebFetchBlock",
    "WebFetchToolResultErrorBlock",
    "WebSearchResultBlock",
    "WebSearchToolResultErrorObject",
]

# --- errors of tools ------------------------------------------------------------------------------


@declared()
class _Failure(APIObject):
    """The base of the errors of tools that the API runs."""

    error_code: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class WebSearchToolResultErrorObject(_Failure):
    """A web search failed."""

    type: Literal["web_search_tool_result_error"] = "web_search_tool_result_error"


@declared()
class WebFetchToolResultErrorBlock(_Failure):
    """A page was not fetched."""

    type: Literal["web_fetch_tool_result_error"] = "web_fetch_tool_result_error"


@declared()
class CodeExecutionToolResultErrorObject(_Failure):
    """Code was not run."""

    type: Literal["code_execution_tool_result_error"] = "code_execution_tool_result_error"


@declared()
class BashCodeExecutionToolResultErrorObject(_Failure):
    """A shell command was not run."""

    type: Literal["bash_code_execution_tool_result_error"] = "bash_code_execution_tool_result_error"


@declared()
class AdvisorToolResultErrorObject(_Failure):
    """The advisor model gave no answer."""

    type: Literal["advisor_tool_result_error"] = "advisor_tool_result_error"


@declared()
class _ExplainedFailure(_Failure):
    """The base of the errors that may have a message."""

    error_message: str | None = None


@declared()
class TextEditorCodeExecutionToolResultErrorObject(_ExplainedFailure):
    """A file was not edited."""

    type: Literal["text_editor_code_execution_tool_result_error"] = (
        "text_editor_code_execution_tool_result_error"
    )


@declared()
class ToolSearchToolResultErrorObject(_ExplainedFailure):
    """A tool search failed."""

    type: Literal["tool_search_tool_result_error"] = "tool_search_tool_result_error"


# --- web search and web fetch ---------------------------------------------------------------------


@declared()
class WebSearchResultBlock(APIObject):
    """A page that a web search found."""

    type: Literal["web_search_result"] = "web_search_result"
    title: str
    url: str
    encrypted_content: str
    page_age: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class Base64PDFSource(APIObject):
    """A PDF document."""

    type: Literal["base64"] = "base64"
    data: str
    media_type: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class PlainTextSource(APIObject):
    """A plain text document."""

    type: Literal["text"] = "text"
    data: str
    media_type: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CitationsConfig(APIObject):
    """Whether a document can be cited."""

    enabled: bool
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(
    source=an_object(one_of(Base64PDFSource, PlainTextSource)),
    citations=object_or_raw(CitationsConfig),
)
class DocumentBlock(APIObject):
    """A document that a web fetch loaded."""

    type: Literal["document"] = "document"
    source: Base64PDFSource | PlainTextSource
    title: str | None = None
    citations: CitationsConfig | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(content=an_object(one_of(DocumentBlock)))
class WebFetchBlock(APIObject):
    """A page that a web fetch loaded."""

    type: Literal["web_fetch_result"] = "web_fetch_result"
    url: str
    content: DocumentBlock
    retrieved_at: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- code execution -------------------------------------------------------------------------------


@declared()
class _File(APIObject):
    """The base of the references to files that code made."""

    file_id: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CodeExecutionOutputBlock(_File):
    """A file that code made."""

    type: Literal["code_execution_output"] = "code_execution_output"


@declared()
class BashCodeExecutionOutputBlock(_File):
    """A file that a shell command made."""

    type: Literal["bash_code_execution_output"] = "bash_code_execution_output"


@declared(content=list_of(one_of(CodeExecutionOutputBlock), optional=False))
class CodeExecutionResultBlock(APIObject):
    """The output of a run of code."""

    type: Literal["code_execution_result"] = "code_execution_result"
    content: tuple[CodeExecutionOutputBlock, ...]
    return_code: int
    stderr: str
    stdout: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(content=list_of(one_of(CodeExecutionOutputBlock), optional=False))
class EncryptedCodeExecutionResultBlock(APIObject):
    """The output of a run of code, with its text encrypted."""

    type: Literal["encrypted_code_execution_result"] = "encrypted_code_execution_result"
    content: tuple[CodeExecutionOutputBlock, ...]
    return_code: int
    stderr: str
    encrypted_stdout: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(content=list_of(one_of(BashCodeExecutionOutputBlock), optional=False))
class BashCodeExecutionResultBlock(APIObject):
    """The output of a shell command."""

    type: Literal["bash_code_execution_result"] = "bash_code_execution_result"
    content: tuple[BashCodeExecutionOutputBlock, ...]
    return_code: int
    stderr: str
    stdout: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class TextEditorCodeExecutionViewResultBlock(APIObject):
    """A part of a file."""

    type: Literal["text_editor_code_execution_view_result"] = (
        "text_editor_code_execution_view_result"
    )
    content: str
    file_type: str
    num_lines: int | None = None
    start_line: int | None = None
    total_lines: int | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class TextEditorCodeExecutionCreateResultBlock(APIObject):
    """A file was written."""

    type: Literal["text_editor_code_execution_create_result"] = (
        "text_editor_code_execution_create_result"
    )
    is_file_update: bool
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class TextEditorCodeExecutionStrReplaceResultBlock(APIObject):
    """A part of a file was replaced."""

    type: Literal["text_editor_code_execution_str_replace_result"] = (
        "text_editor_code_execution_str_replace_result"
    )
    lines: JSONArray | None = None
    new_lines: int | None = None
    new_start: int | None = None
    old_lines: int | None = None
    old_start: int | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- other tools ----------------------------------------------------------------------------------


@declared()
class ToolReferenceBlock(APIObject):
    """A tool that a tool search found."""

    type: Literal["tool_reference"] = "tool_reference"
    tool_name: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(tool_references=list_of(one_of(ToolReferenceBlock), optional=False))
class ToolSearchToolSearchResultBlock(APIObject):
    """The tools that a tool search found."""

    type: Literal["tool_search_tool_search_result"] = "tool_search_tool_search_result"
    tool_references: tuple[ToolReferenceBlock, ...]
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class AdvisorResultBlock(APIObject):
    """The answer of the advisor model."""

    type: Literal["advisor_result"] = "advisor_result"
    text: str
    stop_reason: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class AdvisorRedactedResultBlock(APIObject):
    """The answer of the advisor model, encrypted."""

    type: Literal["advisor_redacted_result"] = "advisor_redacted_result"
    encrypted_content: str
    stop_reason: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class MCPTool(APIObject):
    """A tool of an MCP server."""

    name: str
    input_schema: JSONObject
    description: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- callers of tools -----------------------------------------------------------------------------


@declared()
class DirectCaller(APIObject):
    """The model called the tool."""

    type: Literal["direct"] = "direct"
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class _CodeCaller(APIObject):
    """The base of the callers that run code."""

    tool_id: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ServerToolCaller(_CodeCaller):
    """Code that the code execution tool ran called the tool."""

    type: Literal["code_execution_20250825"] = "code_execution_20250825"


@declared()
class ServerToolCaller20260120(_CodeCaller):
    """Code that the code execution tool of 2026 ran called the tool."""

    type: Literal["code_execution_20260120"] = "code_execution_20260120"


Caller = Union[DirectCaller, ServerToolCaller, ServerToolCaller20260120]
"""The callers of a tool."""

parse_caller = one_of(Caller)

# --- changes of tools -----------------------------------------------------------------------------


@declared()
class ResponseToolChangeToolReference(APIObject):
    """A tool by its name."""

    type: Literal["tool_reference"] = "tool_reference"
    name: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ResponseToolChangeMCPToolReference(APIObject):
    """A tool of an MCP server by its name."""

    type: Literal["mcp_tool_reference"] = "mcp_tool_reference"
    name: str
    server_name: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ResponseToolChangeMCPToolsetReference(APIObject):
    """All tools of an MCP server."""

    type: Literal["mcp_toolset_reference"] = "mcp_toolset_reference"
    server_name: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ToolChangeToolDefinition(APIObject):
    """A tool by its definition, as a request has it."""

    type: Literal["tool_definition"] = "tool_definition"
    definition: JSONObject
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


ToolReference = Union[
    ResponseToolChangeToolReference,
    ResponseToolChangeMCPToolReference,
    ResponseToolChangeMCPToolsetReference,
]
"""A tool that was added or removed, by its name."""

_parse_reference = one_of(ToolReference, ToolChangeToolDefinition)


@declared(tool=an_object(_parse_reference))
class ResponseToolAdditionBlock(APIObject):
    """A tool was added to the conversation."""

    type: Literal["tool_addition"] = "tool_addition"
    tool: ToolReference | ToolChangeToolDefinition
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(tool=an_object(_parse_reference))
class ResponseToolRemovalBlock(APIObject):
    """A tool was removed from the conversation."""

    type: Literal["tool_removal"] = "tool_removal"
    tool: ToolReference
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- context management ---------------------------------------------------------------------------


@declared()
class ClearToolUses20250919EditResponse(APIObject):
    """Old uses of tools were left out."""

    type: Literal["clear_tool_uses_20250919"] = "clear_tool_uses_20250919"
    cleared_input_tokens: int
    cleared_tool_uses: int
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ClearThinking20251015EditResponse(APIObject):
    """Old thinking was left out."""

    type: Literal["clear_thinking_20251015"] = "clear_thinking_20251015"
    cleared_input_tokens: int
    cleared_thinking_turns: int
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


AppliedEdit = Union[ClearToolUses20250919EditResponse, ClearThinking20251015EditResponse]
"""A part of the conversation that was left out."""


@declared(applied_edits=list_of(one_of(AppliedEdit), optional=False))
class ContextManagementResponse(APIObject):
    """The parts of the conversation that were left out."""

    applied_edits: tuple[AppliedEdit, ...]
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class _ThinkingTransformation(APIObject):
    """The base of the changes to earlier thinking."""

    path: str
    reason: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class ThinkingDroppedInputTransformation(_ThinkingTransformation):
    """Thinking of the request was left out."""

    type: Literal["thinking_dropped"] = "thinking_dropped"


@declared()
class ThinkingMismatchAllowedInputTransformation(_ThinkingTransformation):
    """Thinking of the request was kept, though it does not match."""

    type: Literal["thinking_mismatch_allowed"] = "thinking_mismatch_allowed"


InputTransformation = Union[
    ThinkingDroppedInputTransformation, ThinkingMismatchAllowedInputTransformation
]
"""A change of the request's input before the model read it."""

# --- fallbacks ------------------------------------------------------------------------------------


@declared()
class FallbackInfo(APIObject):
    """A model before or after a fallback."""

    model: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class FallbackRefusalTrigger(APIObject):
    """A refusal caused a fallback."""

    type: Literal["refusal"] = "refusal"
    category: str | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class FallbackCreditRedeemed(APIObject):
    """A fallback credit was used."""

    type: Literal["redeemed"] = "redeemed"
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class FallbackCreditNotApplied(APIObject):
    """A fallback credit was not used."""

    type: Literal["not_applied"] = "not_applied"
    reason: str
    remove_to_redeem: JSONArray | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared(status=an_object(one_of(FallbackCreditRedeemed, FallbackCreditNotApplied)))
class FallbackCreditUsage(APIObject):
    """Whether a fallback credit was used."""

    status: FallbackCreditRedeemed | FallbackCreditNotApplied
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- diagnostics ----------------------------------------------------------------------------------


@declared()
class _CacheMiss(APIObject):
    """The base of the cache misses that lost tokens."""

    cache_missed_input_tokens: int
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CacheMissModelChanged(_CacheMiss):
    """The model changed."""

    type: Literal["model_changed"] = "model_changed"


@declared()
class CacheMissSystemChanged(_CacheMiss):
    """The system prompt changed."""

    type: Literal["system_changed"] = "system_changed"


@declared()
class CacheMissToolsChanged(_CacheMiss):
    """The tools changed."""

    type: Literal["tools_changed"] = "tools_changed"


@declared()
class CacheMissMessagesChanged(_CacheMiss):
    """Earlier messages changed."""

    type: Literal["messages_changed"] = "messages_changed"


@declared()
class CacheMissPreviousMessageNotFound(APIObject):
    """The previous message is not known."""

    type: Literal["previous_message_not_found"] = "previous_message_not_found"
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


@declared()
class CacheMissUnavailable(APIObject):
    """The reason is not known."""

    type: Literal["unavailable"] = "unavailable"
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


CacheMissReason = Union[
    CacheMissModelChanged,
    CacheMissSystemChanged,
    CacheMissToolsChanged,
    CacheMissMessagesChanged,
    CacheMissPreviousMessageNotFound,
    CacheMissUnavailable,
]
"""The reason why the cache was not used."""


@declared(cache_miss_reason=one_of(CacheMissReason))
class Diagnostics(APIObject):
    """The use of the cache, explained."""

    cache_miss_reason: CacheMissReason | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


# --- containers -----------------------------------------------------------------------------------


@declared()
class ContainerSkill(APIObject):
    """A skill that a container has."""

    skill_id: str
    type: str
    version: str
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?")


def _time_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@declared(skills=list_of(object_or_raw(ContainerSkill), optional=True))
class Container(APIObject):
    """The container in which the code execution tool ran.

    `expires_at` is a `datetime`; by key it is the text of the JSON.

    >>> container = Container.from_dict({"id": "c", "expires_at": "2026-11-27T09:00:00Z"})
    >>> container.expires_at.hour, container["expires_at"]
    (9, '2026-11-27T09:00:00Z')
    """

    id: str
    _expires_at: datetime | str | None = attrs.field(
        default=None, alias="expires_at", converter=_time_text
    )
    skills: tuple[ContainerSkill, ...] | None = None
    _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")

    @property
    def expires_at(self) -> datetime | None:
        """The time at which the container expires. Text that is not a time is returned as it is."""
        text: Any = self._expires_at
        parts = _TIME.fullmatch(text) if isinstance(text, str) else None
        if parts is None:
            return text  # type: ignore[no-any-return]
        day, clock, fraction, zone = parts.groups(default="")
        zone = "+00:00" if zone in ("Z", "z") else zone
        try:
            return datetime.fromisoformat(f"{day}T{clock}.{fraction[:6]:0<6}{zone}")
        except ValueError:  # the 31st of February
            return text  # type: ignore[no-any-return]
