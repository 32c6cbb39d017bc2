"""A stream as a person wants to see it: derived events in, text on the screen.

Theory of operation. A `Transcript` keeps what the layout depends on (which section it is in, how
the last line ended) and turns each event into *pieces*: a text and the role it plays. A `Printer`
puts pieces on a text stream, all those of a chunk at once: as plain text, or in the colours of
`STYLES` where the stream is a terminal and `rich` is there. The text is the same either way.

What stands where:

    text            as it is, from the left edge; [1] refers to a source listed below the message
    │ thinking
    ▸ tool {input}  a call, its input as the model writes it, and below it
    ◂ tool          what the API's own tools gave
    · note          anything else there is to know, a line each
    — end           why the message stopped, and what it cost

Rules:

- Texts, thinking and inputs are shown as they come and to their last character. A note waits until
  the block it came in the middle of is over, so that it cuts no sentence in two.
- The stream is not trusted. No control character is written as it is (but for line feed and tab): a
  text could otherwise move the cursor, recolour the screen or rename the window. It is shown: ␛.
- Results are open JSON: what has no shape that is known here is shown as JSON, and nothing raises.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeGuard

from streamfold.reducer import (
    AdvisorToolResultBlock,
    APIObject,
    BashCodeExecutionToolResultBlock,
    CharLocationCitation,
    CodeExecutionToolResultBlock,
    CompactionBlock,
    ContainerUploadBlock,
    ContentBlockLocationCitation,
    ContentBlockStopEvent,
    FallbackBlock,
    InputJsonEvent,
    MCPToolListingBlock,
    MCPToolResultBlock,
    MCPToolUseBlock,
    Message,
    PageLocationCitation,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawMessageStartEvent,
    RedactedThinkingBlock,
    RefusalStopDetails,
    SearchResultLocationCitation,
    ServerToolUseBlock,
    Snapshot,
    TextBlock,
    TextEditorCodeExecutionToolResultBlock,
    TextEvent,
    ThinkingBlock,
    ThinkingEvent,
    ToolSearchToolResultBlock,
    ToolUseBlock,
    WebFetchToolResultBlock,
    WebSearchResultLocationCitation,
    WebSearchToolResultBlock,
)

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Piece", "Printer", "Transcript", "printer", "rich_console", "visible"]

Piece = tuple[str, str]
"""A text, and the role it plays: a key of `STYLES`, or "" for the model's own words."""

Printer = Callable[[list[Piece]], None]

STYLES = {
    "": "",
    "thinking": "dim",
    "call": "bold cyan",
    "input": "cyan",
    "result": "green",
    "output": "dim",
    "failure": "red",
    "note": "dim",
    "warning": "yellow",
    "mark": "blue",
    "end": "dim",
}
"""How each role looks on a terminal, in rich's words."""

_SHOWN = 160
"""How many characters of the JSON of something unknown are shown."""

# --- onto the screen ----------------------------------------------------------------------------

_VISIBLE = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
_VISIBLE[0x7F] = "␡"
_VISIBLE.update((code, f"\\x{code:02x}") for code in range(0x80, 0xA0))


def visible(text: str) -> str:
    r"""`text` with its control characters made visible, but for line feed and tab.

    >>> visible("a\x1b[31mb\tc\n")
    'a␛[31mb\tc\n'
    """
    return text.translate(_VISIBLE)


def _sayable(text: str, out: TextIO) -> str:
    """`text` with what the encoding of `out` cannot say, lone surrogates at least, as escapes."""
    encoding = getattr(out, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def rich_console(out: TextIO) -> Console | None:
    """`out` as rich knows it; `None` where it is no terminal, without rich, and under NO_COLOR."""
    if not out.isatty() or os.environ.get("NO_COLOR"):
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=out)


def printer(out: TextIO) -> Printer:
    """What prints pieces on `out`: in colour on a terminal, given rich and no NO_COLOR."""

    def plain(pieces: list[Piece]) -> None:
        out.write(_sayable("".join(text for text, _ in pieces), out))
        out.flush()

    console = rich_console(out)
    if console is None:
        return plain
    from rich.segment import Segment, Segments
    from rich.style import Style

    styles = {role: Style.parse(words) for role, words in STYLES.items()}

    def coloured(pieces: list[Piece]) -> None:
        segments = [Segment(_sayable(text, out), styles[role]) for text, role in pieces]
        console.print(Segments(segments), end="", soft_wrap=True)

    return coloured


# --- open JSON, read with care ------------------------------------------------------------------


def _is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_array(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _word(value: Any, key: str) -> str:
    """What the JSON object `value` says at `key`, as a string; empty if it says nothing there."""
    said = value.get(key) if _is_object(value) else None
    return "" if said is None else said if isinstance(said, str) else _json(said)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a JSON array; none if it is something else."""
    return [item for item in value if _is_object(item)] if _is_array(value) else []


def _json(value: Any) -> str:
    """`value` as one line of JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"


def _unknown(value: APIObject) -> str:
    """An object of a kind unknown here, in one line."""
    fields = value.to_dict()
    return f"{fields.pop('type')} {_json(fields)}"


def _lines(*texts: str) -> str:
    """The texts that are not empty, each ended by a line feed."""
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in texts if text)


# --- what the API's own tools gave --------------------------------------------------------------


class Told(NamedTuple):
    """How a result is told: words behind the tool's name, their role, and lines below."""

    words: str = ""
    lines: str = ""
    role: str = "result"


def _run(content: Mapping[str, Any]) -> Told:
    stdout = "(encrypted)" if "encrypted_stdout" in content else _word(content, "stdout")
    stderr = _word(content, "stderr")
    files = [f"file {_word(output, 'file_id')}" for output in _objects(content.get("content"))]
    lines = _lines(stdout, stderr and f"stderr:\n{stderr}", *files)
    role = "result" if content.get("return_code") == 0 else "failure"
    return Told(f"return code {_word(content, 'return_code')}", lines, role)


def _created(content: Mapping[str, Any]) -> Told:
    return Told("updated" if content.get("is_file_update") else "created")


def _viewed(content: Mapping[str, Any]) -> Told:
    kind = _word(content, "file_type")
    return Told(lines=_lines(_word(content, "content"))) if kind == "text" else Told(kind)


def _replaced(content: Mapping[str, Any]) -> Told:
    lines = content.get("lines")
    return Told("replaced", _lines(*map(str, lines)) if _is_array(lines) else "")


def _fetched(content: Mapping[str, Any]) -> Told:
    return Told(_word(content.get("content"), "title"), _lines(_word(content, "url")))


def _tools_found(content: Mapping[str, Any]) -> Told:
    names = [_word(tool, "tool_name") for tool in _objects(content.get("tool_references"))]
    return Told(_counted(len(names), "tool"), _lines(", ".join(names)))


def _advised(content: Mapping[str, Any]) -> Told:
    return Told(lines=_lines(_word(content, "text") or "(encrypted)"))


def _page(page: Mapping[str, Any]) -> str:
    age = _word(page, "page_age")
    return f"{_word(page, 'title')}{age and f' ({age})'}\n  {_word(page, 'url')}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


_RESULTS: dict[str, Callable[[Mapping[str, Any]], Told]] = {
    "code_execution_result": _run,
    "encrypted_code_execution_result": _run,
    "bash_code_execution_result": _run,
    "text_editor_code_execution_create_result": _created,
    "text_editor_code_execution_view_result": _viewed,
    "text_editor_code_execution_str_replace_result": _replaced,
    "web_fetch_result": _fetched,
    "tool_search_tool_search_result": _tools_found,
    "advisor_result": _advised,
    "advisor_redacted_result": _advised,
}
"""By the type of a result block's content: how it is told."""


def _result(block: Any) -> Told:
    """How the result of a server tool is told."""
    content = block.content
    if isinstance(block, MCPToolResultBlock):
        return _mcp_result(block)
    kind = _word(content, "type")
    if kind.endswith("_error"):
        code, message = _word(content, "error_code"), _word(content, "error_message")
        return Told(f"error {code}", _lines(message), "failure")
    if kind in _RESULTS:
        return _RESULTS[kind](content)
    if isinstance(content, list):
        pages = _objects(content)
        return Told(_counted(len(pages), "result"), _lines(*map(_page, pages)))
    return Told(lines=_lines(_json(content)))


def _part(part: Any) -> str:
    return part if isinstance(part, str) else _word(part, "text") or _json(part)


def _mcp_result(block: MCPToolResultBlock) -> Told:
    """How the result of an MCP server's tool is told."""
    content = [block.content] if isinstance(block.content, str) else block.content
    lines = _lines(*map(_part, content))
    return Told("error", lines, "failure") if block.is_error else Told(lines=lines)


# --- sources ------------------------------------------------------------------------------------


def _document(citation: Any) -> str:
    return _word(citation, "document_title") or f"document {citation.document_index}"


def _span(noun: str, first: int, last: int) -> str:
    return f"{noun} {first}" if first == last else f"{noun}s {first}–{last}"


def _source_of_characters(citation: CharLocationCitation) -> str:
    first, behind = citation.start_char_index, citation.end_char_index
    return f"{_document(citation)}, {_span('character', first, behind - 1)}"


def _source_of_pages(citation: PageLocationCitation) -> str:
    first, behind = citation.start_page_number, citation.end_page_number
    return f"{_document(citation)}, {_span('page', first, behind - 1)}"


def _source_of_blocks(citation: ContentBlockLocationCitation) -> str:
    first, behind = citation.start_block_index, citation.end_block_index
    return f"{_document(citation)}, {_span('block', first, behind - 1)}"


def _source_of_search_result(citation: SearchResultLocationCitation) -> str:
    return ", ".join(filter(None, (_word(citation, "title"), citation.source)))


def _source_of_web_page(citation: WebSearchResultLocationCitation) -> str:
    return ", ".join(filter(None, (_word(citation, "title"), citation.url)))


_SOURCES: dict[type, Callable[[Any], str]] = {
    CharLocationCitation: _source_of_characters,
    PageLocationCitation: _source_of_pages,
    ContentBlockLocationCitation: _source_of_blocks,
    SearchResultLocationCitation: _source_of_search_result,
    WebSearchResultLocationCitation: _source_of_web_page,
}
"""By citation: where the passage stands. The API's ranges are half-open; those shown are closed."""


def _source(citation: APIObject) -> str:
    """A citation in one line, and the cited passage in the next."""
    tell = _SOURCES.get(type(citation))
    return f"{tell(citation)}\n“{citation.cited_text}”" if tell else _unknown(citation)


# --- notes --------------------------------------------------------------------------------------


def _fallback(block: FallbackBlock) -> str:
    why = ": ".join(filter(None, (_word(block.trigger, "type"), _word(block.trigger, "category"))))
    models = f"{_word(block.from_, 'model')} → {_word(block.to, 'model')}"
    return f"fallback {models}{why and f' ({why})'}"


def _listing(block: MCPToolListingBlock) -> str:
    names = ", ".join(_word(tool, "name") for tool in _objects(block.tools))
    return f"tools of {block.mcp_server_name}: {names or 'none'}"


_NOTES: dict[type, Callable[[Any], str]] = {
    RedactedThinkingBlock: lambda block: f"redacted thinking ({len(block.data):,} characters)",
    ContainerUploadBlock: lambda block: f"container upload {block.file_id}",
    FallbackBlock: _fallback,
    MCPToolListingBlock: _listing,
}
"""By block: what is noted of it."""

_COUNTS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_creation_input_tokens": "cache write",
    "cache_read_input_tokens": "cache read",
}


def _end(message: Message) -> str:
    """Why the message stopped, and what it cost as far as the stream has told."""
    reason: str = message.stop_reason or "unfinished"
    if message.stop_sequence is not None:
        reason += f" {_json(message.stop_sequence)}"
    usage = message.usage
    counts = [
        f"{usage[key]:,} {words}"
        for key, words in _COUNTS.items()
        if isinstance(usage.get(key), int)
    ]
    return f"{reason} · tokens: {', '.join(counts)}" if counts else reason


def _details(details: Any) -> str:
    """What a message says of its stop besides the reason."""
    if not isinstance(details, RefusalStopDetails):
        return f"stop details {_json(details)}"
    category, explanation = _word(details, "category"), _word(details, "explanation")
    return f"refused{category and f' ({category})'}{explanation and f': {explanation}'}"


# --- the transcript -----------------------------------------------------------------------------

_GAPS = {
    ("text", "text"): 0,
    ("call", "call"): 1,
    ("call", "result"): 1,
    ("result", "result"): 1,
    ("note", "note"): 1,
    ("source", "source"): 1,
}
"""Line feeds between two sections; 2, which makes a blank line, where nothing is said here."""

_CALLS = (ToolUseBlock, ServerToolUseBlock, MCPToolUseBlock)

_STREAMS: dict[type, tuple[str, str, str]] = {
    TextBlock: ("text", "", ""),
    ThinkingBlock: ("thinking", "thinking", "│ "),
    **dict.fromkeys(_CALLS, ("call", "input", "  ")),
}
"""By block: the section, the role and the margin of what it grows by."""


class Transcript:
    """A stream for people, on `out`. `show` it the events of each chunk, and `close` it at the end.

    Args:
        out: where the pieces are printed, and flushed once a chunk.
    """

    def __init__(self, out: TextIO) -> None:
        self._print = printer(out)
        self._pieces: list[Piece] = []  # not printed yet
        self._section: str = ""
        self._begins = False  # whether what is said next begins a section, though of the same name
        self._line_feeds = 2  # at the end of what was said
        self._open: dict[int, APIObject] = {}  # the blocks that have not stopped, as they started
        self._index = -1  # the block that was last heard of
        self._heard: set[int] = set()  # the blocks that have grown
        self._halves = codecs.getincrementaldecoder("utf-16-le")("surrogatepass")
        self._names: dict[str, str] = {}  # of tools, by the id of the call
        self._sources: dict[Any, int] = {}  # citations and their numbers
        self._notes: list[str] = []  # waiting for the open blocks to stop

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Show the events of one chunk; `snapshot` is what they led to."""
        aside = {id(event) for event in snapshot.unfolded}
        for event in events:
            if id(event) in aside:
                self._notes.append(_unknown(event))
            elif tell := _known(_EVENTS, event):
                tell(self, event)
            if not self._open:
                self._say_notes()
        self._flush()

    def close(self, snapshot: Snapshot) -> None:
        """Show what is left: blocks that never stopped, sources, and how it ended."""
        message = snapshot.message
        if message is not None:
            for index in tuple(self._open):
                self._stop(index, message.content[index])
            self._say_notes()
            self._say_sources()
            if message.stop_details is not None:
                self._note(_details(message.stop_details), "warning")
            self._say("end", f"— {_end(message)}\n", "end")
        self._flush()

    # what events do

    def _message_start(self, event: RawMessageStartEvent) -> None:
        for index, block in enumerate(event.message.content):
            self._start(index, block)
            self._stop(index, block)

    def _block_start(self, event: RawContentBlockStartEvent) -> None:
        self._start(event.index, event.content_block)

    def _block_delta(self, event: RawContentBlockDeltaEvent) -> None:
        self._turn_to(event.index)

    def _block_stop(self, event: ContentBlockStopEvent) -> None:
        self._stop(event.index, event.content_block)

    def _text(self, event: TextEvent) -> None:
        self._grow(event.text)

    def _thinking(self, event: ThinkingEvent) -> None:
        self._grow(event.thinking)

    def _input(self, event: InputJsonEvent) -> None:
        self._grow(event.partial_json)

    # what blocks do

    def _start(self, index: int, block: APIObject) -> None:
        self._turn_to(index)
        self._open[index] = block
        if isinstance(block, TextBlock):
            self._grow(block.text)
        elif isinstance(block, ThinkingBlock):
            self._grow(block.thinking)
        elif isinstance(block, _CALLS):
            server = f"{block.server_name}/" if isinstance(block, MCPToolUseBlock) else ""
            self._names[block.id] = f"{server}{block.name}"
            self._say_call(block)

    def _turn_to(self, index: int) -> None:
        """What comes next is about the block at `index`."""
        if index != self._index:
            self._settle()
            self._index = index
            self._begins = True

    def _grow(self, text: str, *, final: bool = False) -> None:
        """The block last heard of goes on. Half a character waits for the rest, if not `final`."""
        block = self._open[self._index]
        text = self._halves.decode(text.encode("utf-16-le", "surrogatepass"), final)
        if text:
            if self._begins and isinstance(block, _CALLS):
                self._say_call(block)
            self._heard.add(self._index)
            section, role, margin = _STREAMS[type(block)]
            self._say(section, text, role, margin)

    def _settle(self) -> None:
        """No more is coming of the block last heard of, for now."""
        if type(self._open.get(self._index)) in _STREAMS:
            self._grow("", final=True)

    def _stop(self, index: int, block: APIObject) -> None:
        self._turn_to(index)
        self._settle()
        (_known(_STOPS, block) or Transcript._other_stops)(self, block)
        del self._open[index]

    def _text_stops(self, block: TextBlock) -> None:
        citations = block.citations if isinstance(block.citations, tuple) else ()
        numbers = [self._sources.setdefault(each, len(self._sources) + 1) for each in citations]
        self._say("text", "".join(f"[{number}]" for number in dict.fromkeys(numbers)), "mark")

    def _thinking_stops(self, block: ThinkingBlock) -> None:
        if self._index not in self._heard:
            self._note("thinking, not shown")

    def _call_stops(self, block: Any) -> None:
        if self._index not in self._heard:
            self._grow(block.input_json)

    def _result_stops(self, block: Any) -> None:
        told = _result(block)
        name = self._names.get(block.tool_use_id) or block.type.removesuffix("_tool_result")
        self._say("result", f"◂ {name}", "result")
        self._say("result", told.words and f": {told.words}", told.role)
        self._say("result", "\n")
        self._say("result", told.lines, "output", margin="  ")

    def _compaction_stops(self, block: CompactionBlock) -> None:
        summary = _word(block, "content")
        self._note("compaction" if summary else "compaction, without a summary")
        self._say("note", _lines(summary), "note", margin="  ")

    def _other_stops(self, block: APIObject) -> None:
        self._note(_NOTES.get(type(block), _unknown)(block))

    # how it is said

    def _say_call(self, block: Any) -> None:
        self._say("call", f"▸ {self._names[block.id]} ", "call")

    def _say_notes(self) -> None:
        for note in self._notes:
            self._note(note)
        self._notes.clear()

    def _say_sources(self) -> None:
        for citation, number in self._sources.items():
            self._begins = True
            self._say("source", f"[{number}] ", "mark")
            self._say("source", _lines(_source(citation)), "note", margin="    ")

    def _note(self, text: str, role: str = "note") -> None:
        self._begins = True
        self._say("note", "· ", role)
        self._say("note", f"{text}\n", role, margin="  ")

    def _say(self, section: str, text: str, role: str = "", margin: str = "") -> None:
        """Say `text` in `section`, each of its lines behind `margin`."""
        if not text:
            return
        if self._begins or section != self._section:
            own = 0 if margin else len(text) - len(text.lstrip("\n"))
            self._break(_GAPS.get((self._section, section), 2) - own)
            self._section, self._begins = section, False
        text = visible(text)
        if margin:
            first = margin if self._line_feeds else ""
            text = first + text[:-1].replace("\n", f"\n{margin}") + text[-1]
        line_feeds = len(text) - len(text.rstrip("\n"))
        self._line_feeds = line_feeds + (self._line_feeds if line_feeds == len(text) else 0)
        self._pieces.append((text, role))

    def _break(self, line_feeds: int) -> None:
        """See to it that what was said ends with so many line feeds."""
        missing = line_feeds - self._line_feeds
        if missing > 0:
            self._pieces.append(("\n" * missing, ""))
            self._line_feeds = line_feeds

    def _flush(self) -> None:
        if self._pieces:
            self._print(self._pieces)
            self._pieces = []


def _known(
    table: Mapping[type, Callable[[Transcript, Any], None]], value: Any
) -> Callable[[Transcript, Any], None] | None:
    """What `table` has for the class of `value`: those of a `MessageStream` are subclasses."""
    return next((table[cls] for cls in type(value).__mro__ if cls in table), None)


_EVENTS: dict[type, Callable[[Transcript, Any], None]] = {
    RawMessageStartEvent: Transcript._message_start,
    RawContentBlockStartEvent: Transcript._block_start,
    RawContentBlockDeltaEvent: Transcript._block_delta,
    ContentBlockStopEvent: Transcript._block_stop,
    TextEvent: Transcript._text,
    ThinkingEvent: Transcript._thinking,
    InputJsonEvent: Transcript._input,
}
"""By event: what it shows. The others show nothing, or only at the end."""

_STOPS: dict[type, Callable[[Transcript, Any], None]] = {
    TextBlock: Transcript._text_stops,
    ThinkingBlock: Transcript._thinking_stops,
    CompactionBlock: Transcript._compaction_stops,
    **dict.fromkeys(_CALLS, Transcript._call_stops),
    **dict.fromkeys(
        (
            AdvisorToolResultBlock,
            BashCodeExecutionToolResultBlock,
            CodeExecutionToolResultBlock,
            MCPToolResultBlock,
            TextEditorCodeExecutionToolResultBlock,
            ToolSearchToolResultBlock,
            WebFetchToolResultBlock,
            WebSearchToolResultBlock,
        ),
        Transcript._result_stops,
    ),
}
"""By block: what it shows when it stops."""
