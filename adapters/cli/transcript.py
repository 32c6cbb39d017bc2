"""The display for people: the text as it comes, and thinking, tool calls, results and notes around
it.

A `Transcript` turns each event into pieces of text (see `colours`) and prints those of a chunk
together. It keeps only the state of the layout: the section it is in, the line feeds at its end,
and the open blocks. The words for each kind of value are in `transcript_words`. The layout:

    text            the model's text, from the left edge; [1] refers to a source at the end
    │ thinking
    ▸ tool {input}  a tool call, with its input as the model writes it
    ◂ tool          the result of one of the API's own tools
    · note          anything else, one line each
    — end           the stop reason and the token counts

Rules:

- Texts, thinking and inputs are shown as they come, to their last character. A note that falls
  inside an open block waits for the block's end, so that it cuts no sentence in two.
- An event without a row in `_EVENTS` shows nothing. A block without a row in `_STOPS` becomes a
  note at its end. So a new kind of event, delta or block needs no change here.
- No control character is printed as it is: see `visible`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, TextIO

from streamfold.reducer import (
    APIObject,
    CompactionBlock,
    ContentBlockStopEvent,
    InputJsonEvent,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawMessageStartEvent,
    Snapshot,
    TextBlock,
    TextEvent,
    ThinkingBlock,
    ThinkingEvent,
    UnknownBlock,
)

from .colours import Piece, printer
from .transcript_words import (
    any_object,
    call_name,
    citation_lines,
    end_of_message,
    lines,
    note,
    result,
    stop_details,
    string,
)
from .visible import visible

__all__ = ["Transcript"]

_LINE_FEEDS = {
    ("text", "text"): 0,
    ("call", "call"): 1,
    ("call", "result"): 1,
    ("result", "result"): 1,
    ("note", "note"): 1,
    ("source", "source"): 1,
}
"""The number of line feeds between two sections; 2, a blank line, for pairs without a row."""


class _Layout(NamedTuple):
    """The layout of growing text: its section, the role of its pieces, the margin of its lines."""

    section: str
    role: str
    margin: str


_TEXT = _Layout("text", "", "")
_THINKING = _Layout("thinking", "thinking", "│ ")
_INPUT = _Layout("call", "input", "  ")


class Transcript:
    """The display of a stream for people.

    Args:
        out: the text stream to print on. It is flushed after each chunk.
    """

    def __init__(self, out: TextIO) -> None:
        self._print = printer(out)
        self._pieces: list[Piece] = []  # not yet printed
        self._section: str = ""
        self._begins = False  # the next piece begins a section, even one of the same name
        self._line_feeds = 2  # at the end of the output
        self._open: dict[int, APIObject] = {}  # the blocks that have not stopped, as they started
        self._index = -1  # the block of the last event
        self._growth: _Layout | None = None  # the layout in which that block grows
        self._grown: set[int] = set()  # the blocks that have shown text
        self._halves = codecs.getincrementaldecoder("utf-16-le")("surrogatepass")
        self._names: dict[str, str] = {}  # of tools, by the id of the call
        self._sources: dict[Any, int] = {}  # citations and their numbers
        self._notes: list[str] = []  # waiting for the open blocks to stop

    def show(self, events: Iterable[Any], snapshot: Snapshot) -> None:
        """Show the events of one chunk; `snapshot` is the state after them."""
        unfolded = {id(event) for event in snapshot.unfolded}
        for event in events:
            if id(event) in unfolded:
                self._notes.append(any_object(event))
            else:
                for cls in type(event).__mro__:  # a `MessageStream` hands out subclasses
                    if cls in self._EVENTS:
                        self._EVENTS[cls](self, event)
                        break
            if not self._open:
                self._say_notes()
        self._flush()

    def close(self, snapshot: Snapshot) -> None:
        """Show the blocks that never stopped, the sources, and the end of the message."""
        message = snapshot.message
        if message is not None:
            for index in tuple(self._open):
                self._stop(index, message.content[index])
            self._say_notes()
            self._say_sources()
            if message.stop_details is not None:
                self._note(stop_details(message.stop_details), "warning")
            self._say("end", f"— {end_of_message(message)}\n", "end")
        self._flush()

    # events

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
        self._grow(_TEXT, event.text)

    def _thinking(self, event: ThinkingEvent) -> None:
        self._grow(_THINKING, event.thinking)

    def _input(self, event: InputJsonEvent) -> None:
        self._grow(_INPUT, event.partial_json)

    # blocks

    def _start(self, index: int, block: APIObject) -> None:
        self._turn_to(index)
        self._open[index] = block
        if isinstance(block, TextBlock):
            self._grow(_TEXT, block.text)
        elif isinstance(block, ThinkingBlock):
            self._grow(_THINKING, block.thinking)
        elif _kind(block) == "call":
            self._say_call()

    def _turn_to(self, index: int) -> None:
        """Go to the block at `index`, to which the next text belongs."""
        if index != self._index:
            self._settle()
            self._index = index
            self._begins = True

    def _grow(self, layout: _Layout, text: str) -> None:
        """Show `text`, which the current block gained. Half a surrogate pair waits for the rest."""
        self._growth = layout
        self._say_growth(self._halves.decode(text.encode("utf-16-le", "surrogatepass")))

    def _settle(self) -> None:
        """Show the half of a surrogate pair that waits, because the current block stops growing."""
        self._say_growth(self._halves.decode(b"", final=True))

    def _say_growth(self, text: str) -> None:
        layout = self._growth
        if text and layout is not None:
            if self._begins and layout is _INPUT:
                self._say_call()
            self._grown.add(self._index)
            self._say(layout.section, text, layout.role, layout.margin)

    def _stop(self, index: int, block: APIObject) -> None:
        self._turn_to(index)
        self._settle()
        self._STOPS.get(_kind(block), Transcript._other_stops)(self, block)
        self._settle()
        del self._open[index]

    def _text_stops(self, block: TextBlock) -> None:
        citations = block.citations if isinstance(block.citations, tuple) else ()
        numbers = [self._sources.setdefault(each, len(self._sources) + 1) for each in citations]
        self._say("text", "".join(f"[{number}]" for number in dict.fromkeys(numbers)), "mark")

    def _thinking_stops(self, block: Any) -> None:
        if self._index not in self._grown:
            self._note("thinking, not shown")

    def _call_stops(self, block: Any) -> None:
        if self._index not in self._grown:
            self._grow(_INPUT, block.input_json)

    def _result_stops(self, block: Any) -> None:
        output = result(block)
        name = self._names.get(string(block, "tool_use_id")) or block.type.removesuffix(
            "_tool_result"
        )
        self._say("result", f"◂ {name}", "result")
        self._say("result", output.summary and f": {output.summary}", output.role)
        self._say("result", "\n")
        self._say("result", output.lines, "output", margin="  ")

    def _compaction_stops(self, block: CompactionBlock) -> None:
        summary = string(block, "content")
        self._note("compaction" if summary else "compaction, without a summary")
        self._say("note", lines(summary), "note", margin="  ")

    def _other_stops(self, block: APIObject) -> None:
        self._note(note(block))

    # output

    def _say_call(self) -> None:
        """Begin the line of a tool call with the tool's name."""
        block = self._open[self._index]
        name = self._names[string(block, "id")] = call_name(block)
        self._say("call", f"▸ {name} ", "call")

    def _say_notes(self) -> None:
        for text in self._notes:
            self._note(text)
        self._notes.clear()

    def _say_sources(self) -> None:
        for citation, number in self._sources.items():
            self._begins = True
            self._say("source", f"[{number}] ", "mark")
            self._say("source", citation_lines(citation), "note", margin="    ")

    def _note(self, text: str, role: str = "note") -> None:
        self._begins = True
        self._say("note", "· ", role)
        self._say("note", f"{text}\n", role, margin="  ")

    def _say(self, section: str, text: str, role: str = "", margin: str = "") -> None:
        """Add `text` to the output, in `section`, with `margin` in front of each of its lines."""
        if not text:
            return
        if self._begins or section != self._section:
            own = 0 if margin else len(text) - len(text.lstrip("\n"))
            self._break(_LINE_FEEDS.get((self._section, section), 2) - own)
            self._section, self._begins = section, False
        text = visible(text)
        if margin:
            first = margin if self._line_feeds else ""
            text = first + text[:-1].replace("\n", f"\n{margin}") + text[-1]
        line_feeds = len(text) - len(text.rstrip("\n"))
        self._line_feeds = line_feeds + (self._line_feeds if line_feeds == len(text) else 0)
        self._pieces.append((text, role))

    def _break(self, line_feeds: int) -> None:
        """Add line feeds until the output ends with this many."""
        missing = line_feeds - self._line_feeds
        if missing > 0:
            self._pieces.append(("\n" * missing, ""))
            self._line_feeds = line_feeds

    def _flush(self) -> None:
        if self._pieces:
            self._print(self._pieces)
            self._pieces = []

    # the tables

    _EVENTS: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        RawMessageStartEvent: _message_start,
        RawContentBlockStartEvent: _block_start,
        RawContentBlockDeltaEvent: _block_delta,
        ContentBlockStopEvent: _block_stop,
        TextEvent: _text,
        ThinkingEvent: _thinking,
        InputJsonEvent: _input,
    }
    """The action on an event, by its class."""

    _STOPS: ClassVar[dict[str, Callable[[Any, Any], None]]] = {
        "text": _text_stops,
        "thinking": _thinking_stops,
        "call": _call_stops,
        "result": _result_stops,
        "compaction": _compaction_stops,
    }
    """The action at the end of a block, by its kind: see `_kind`."""


def _kind(block: Any) -> str:
    """The row of a block in `_STOPS`: its type, or the group of types that share a layout."""
    kind: str = block.type
    if isinstance(block, UnknownBlock):  # its fields are unknown
        return ""
    if kind.endswith("tool_use"):
        return "call"
    if kind.endswith("tool_result"):
        return "result"
    return kind
