"""The words of a transcript: results, citations, notes and the end of a message as lines of text.

Pure functions from the values of a message to text. Results are open JSON, and the API adds kinds
of blocks, citations and results: a value of unknown shape becomes one line of JSON, cut short, and
no shape raises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from streamfold.reducer import (
    APIObject,
    CharLocationCitation,
    ContainerUploadBlock,
    ContentBlockLocationCitation,
    FallbackBlock,
    MCPToolListingBlock,
    MCPToolResultBlock,
    Message,
    PageLocationCitation,
    RedactedThinkingBlock,
    RefusalStopDetails,
    SearchResultLocationCitation,
    WebSearchResultLocationCitation,
    thaw,
)

__all__ = [
    "Result",
    "any_object",
    "call_name",
    "citation_lines",
    "end_of_message",
    "lines",
    "note",
    "result",
    "stop_details",
    "string",
]

_SHOWN = 160
"""The number of characters shown of the JSON of a value of unknown shape."""


# --- open JSON ----------------------------------------------------------------------------------


def _is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def string(value: Any, key: str) -> str:
    """The member `key` of the JSON object `value` as a string; empty if it is missing."""
    member = value.get(key) if _is_object(value) else None
    return "" if member is None else member if isinstance(member, str) else _json(member)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a JSON array; none if `value` is something else."""
    return [item for item in value if _is_object(item)] if _is_array(value) else []


def _json(value: Any) -> str:
    """`value` as one line of JSON, cut short."""
    text = json.dumps(thaw(value), ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"


def any_object(value: APIObject) -> str:
    """An object of any kind in one line: its type, and its other fields as JSON."""
    fields = value.to_dict()
    return f"{fields.pop('type')} {_json(fields)}"


def lines(*texts: str) -> str:
    """The texts that are not empty, each with a line feed at its end."""
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in texts if text)


# --- results of the API's own tools -------------------------------------------------------------


class Result(NamedTuple):
    """The text of a tool's result.

    Attributes:
        summary: the words after the tool's name.
        lines: the output below.
        role: the role of the summary: see `colours`.
    """

    summary: str = ""
    lines: str = ""
    role: str = "result"


def _execution(content: Mapping[str, Any]) -> Result:
    stdout = "(encrypted)" if "encrypted_stdout" in content else string(content, "stdout")
    stderr = string(content, "stderr")
    files = [f"file {string(output, 'file_id')}" for output in _objects(content.get("content"))]
    role = "result" if content.get("return_code") == 0 else "failure"
    output = lines(stdout, stderr and f"stderr:\n{stderr}", *files)
    return Result(f"return code {string(content, 'return_code')}", output, role)


def _creation(content: Mapping[str, Any]) -> Result:
    return Result("updated" if content.get("is_file_update") else "created")


def _view(content: Mapping[str, Any]) -> Result:
    kind = string(content, "file_type")
    return Result(lines=lines(string(content, "content"))) if kind == "text" else Result(kind)


def _replacement(content: Mapping[str, Any]) -> Result:
    changed = content.get("lines")
    return Result("replaced", lines(*map(str, changed)) if _is_array(changed) else "")


def _fetch(content: Mapping[str, Any]) -> Result:
    return Result(string(content.get("content"), "title"), lines(string(content, "url")))


def _tool_search(content: Mapping[str, Any]) -> Result:
    names = [string(tool, "tool_name") for tool in _objects(content.get("tool_references"))]
    return Result(_counted(len(names), "tool"), lines(", ".join(names)))


def _advice(content: Mapping[str, Any]) -> Result:
    return Result(lines=lines(string(content, "text") or "(encrypted)"))


_RESULTS: dict[str, Callable[[Mapping[str, Any]], Result]] = {
    "code_execution_result": _execution,
    "encrypted_code_execution_result": _execution,
    "bash_code_execution_result": _execution,
    "text_editor_code_execution_create_result": _creation,
    "text_editor_code_execution_view_result": _view,
    "text_editor_code_execution_str_replace_result": _replacement,
    "web_fetch_result": _fetch,
    "tool_search_tool_search_result": _tool_search,
    "advisor_result": _advice,
    "advisor_redacted_result": _advice,
}
"""The text of a result, by the type of the block's content."""


def result(block: Any) -> Result:
    """The text of the result in `block`, a `…_tool_result` block of any kind."""
    if isinstance(block, MCPToolResultBlock):
        return _mcp_result(block)
    content: Any = getattr(block, "content", None)
    kind = string(content, "type")
    if kind.endswith("_error"):
        code, message = string(content, "error_code"), string(content, "error_message")
        return Result(f"error {code}", lines(message), "failure")
    if kind in _RESULTS:
        return _RESULTS[kind](content)
    if _is_array(content):
        pages = _objects(content)
        return Result(_counted(len(pages), "result"), lines(*map(_page, pages)))
    return Result(lines=lines(_json(content)))


def _mcp_result(block: MCPToolResultBlock) -> Result:
    parts = [block.content] if isinstance(block.content, str) else block.content
    output = lines(*map(_part, parts))
    return Result("error", output, "failure") if block.is_error else Result(lines=output)


def _part(part: Any) -> str:
    return part if isinstance(part, str) else string(part, "text") or _json(part)


def _page(page: Mapping[str, Any]) -> str:
    age = string(page, "page_age")
    return f"{string(page, 'title')}{age and f' ({age})'}\n  {string(page, 'url')}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


# --- calls --------------------------------------------------------------------------------------


def call_name(block: Any) -> str:
    """The name of the tool that `block` calls, after the name of its server, if any."""
    server = string(block, "server_name")
    return f"{server and f'{server}/'}{string(block, 'name') or block.type}"


# --- citations ----------------------------------------------------------------------------------


def _document(citation: Any) -> str:
    return string(citation, "document_title") or f"document {citation.document_index}"


def _span(noun: str, first: int, last: int) -> str:
    return f"{noun} {first}" if first == last else f"{noun}s {first}–{last}"


def _characters(citation: CharLocationCitation) -> str:
    first, end = citation.start_char_index, citation.end_char_index
    return f"{_document(citation)}, {_span('character', first, end - 1)}"


def _pages(citation: PageLocationCitation) -> str:
    first, end = citation.start_page_number, citation.end_page_number
    return f"{_document(citation)}, {_span('page', first, end - 1)}"


def _blocks(citation: ContentBlockLocationCitation) -> str:
    first, end = citation.start_block_index, citation.end_block_index
    return f"{_document(citation)}, {_span('block', first, end - 1)}"


def _search_result(citation: SearchResultLocationCitation) -> str:
    return ", ".join(filter(None, (string(citation, "title"), citation.source)))


def _web_page(citation: WebSearchResultLocationCitation) -> str:
    return ", ".join(filter(None, (string(citation, "title"), citation.url)))


_LOCATIONS: dict[type, Callable[[Any], str]] = {
    CharLocationCitation: _characters,
    PageLocationCitation: _pages,
    ContentBlockLocationCitation: _blocks,
    SearchResultLocationCitation: _search_result,
    WebSearchResultLocationCitation: _web_page,
}
"""The place of the cited passage, by class of citation. The API's ranges exclude their end; the
text includes it.
"""


def citation_lines(citation: APIObject) -> str:
    """A citation: its place on one line, and the cited passage on the next."""
    location = _LOCATIONS.get(type(citation))
    if location is None:
        return lines(any_object(citation))
    return lines(location(citation), f"“{citation['cited_text']}”")


# --- notes --------------------------------------------------------------------------------------


def _fallback(block: FallbackBlock) -> str:
    parts = string(block.trigger, "type"), string(block.trigger, "category")
    trigger = ": ".join(filter(None, parts))
    models = f"{string(block.from_, 'model')} → {string(block.to, 'model')}"
    return f"fallback {models}{trigger and f' ({trigger})'}"


def _listing(block: MCPToolListingBlock) -> str:
    names = ", ".join(string(tool, "name") for tool in _objects(block.tools))
    return f"tools of {block.mcp_server_name}: {names or 'none'}"


_NOTES: dict[type, Callable[[Any], str]] = {
    RedactedThinkingBlock: lambda block: f"redacted thinking ({len(block.data):,} characters)",
    ContainerUploadBlock: lambda block: f"container upload {block.file_id}",
    FallbackBlock: _fallback,
    MCPToolListingBlock: _listing,
}
"""The note on a block, by its class."""


def note(block: APIObject) -> str:
    """The note on a block of any kind, in one line."""
    return _NOTES.get(type(block), any_object)(block)


# --- the end of the message ---------------------------------------------------------------------

_COUNTS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_creation_input_tokens": "cache write",
    "cache_read_input_tokens": "cache read",
}


def end_of_message(message: Message) -> str:
    """The stop reason and the token counts that the stream gave."""
    reason: str = message.stop_reason or "unfinished"
    if message.stop_sequence is not None:
        reason += f" {_json(message.stop_sequence)}"
    usage = message.usage
    counts = [
        f"{usage[key]:,} {name}" for key, name in _COUNTS.items() if isinstance(usage.get(key), int)
    ]
    return f"{reason} · tokens: {', '.join(counts)}" if counts else reason


def stop_details(details: Any) -> str:
    """The details of the stop besides its reason, in one line."""
    if not isinstance(details, RefusalStopDetails):
        return f"stop details {_json(details)}"
    category, explanation = string(details, "category"), string(details, "explanation")
    return f"refused{category and f' ({category})'}{explanation and f': {explanation}'}"
