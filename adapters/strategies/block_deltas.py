"""One content block as the events of a stream: its start, its deltas, its stop."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, NamedTuple, get_args

from hypothesis import strategies as st

from .cuts import cuts
from .grammar import JSON, TOOLS, Draw, Grammar, Strategy, joined

__all__ = [
    "USUAL_WAYS",
    "WAYS",
    "BlockStreamer",
    "StreamedBlock",
    "Way",
    "json_separators",
    "positions",
    "seldom",
]

Event = dict[str, Any]
Delta = dict[str, Any]

Way = Literal[
    "cut",
    "first_empty",
    "pings",
    "deltas",
    "usage",
    "empty",
    "halves",
    "started",
    "interleaved",
    "open_tool",
    "signatures",
]
WAYS: tuple[Way, ...] = get_args(Way)
"""Ways to stream a message:

    cut          texts are split into several deltas: at any place, equally, or by character
    first_empty  the first delta of a tool's input is empty
    pings        pings stand between the events
    deltas       several `message_delta`s end the message
    usage        the last `message_delta` omits counts that have not changed, or has `null`
    empty        any deltas are empty
    halves       characters beyond U+FFFF are split in two, half in one delta and half in the next
    started      blocks have some of their content when they start
    interleaved  a block starts before the one before it has stopped
    open_tool    `max_tokens` ends the message inside a tool's input, and the block never stops
    signatures   a thinking block receives a signature that a second one replaces
"""

USUAL_WAYS: tuple[Way, ...] = ("cut", "first_empty", "pings", "deltas", "usage")
"""The ways that the API uses. Sources: the guide "Streaming Messages" for `cut`, `pings` ("any
number of ping events"), `deltas` ("one or more message_delta events") and `first_empty` (its
example of a tool); the reference for `usage` (every count but `output_tokens` may be absent or
null). The guide describes one block after another, each empty at its start, so the other ways are
opt-in.
"""

seldom = st.sampled_from([False, False, True])
json_separators = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])
positions = st.integers(0, 30)


class StreamedBlock(NamedTuple):
    """One content block of a stream.

    Attributes:
        block: the finished block.
        start: the block of its `content_block_start`.
        deltas: its deltas, in order.
        pauses: the numbers of its events after which other blocks continue; 0 is before the first.
        stops: whether it has a `content_block_stop`.
    """

    block: dict[str, JSON]
    start: dict[str, JSON]
    deltas: list[Delta]
    pauses: list[int]
    stops: bool = True

    def events(self, index: int) -> list[Event]:
        """The events of the block, at this index of the content."""
        at = {"index": index}
        return [
            {"type": "content_block_start", **at, "content_block": self.start},
            *({"type": "content_block_delta", **at, "delta": delta} for delta in self.deltas),
            *([{"type": "content_block_stop", **at}] if self.stops else []),
        ]


class BlockStreamer:
    """Splits finished blocks into deltas.

    Args:
        draw: draws from a strategy.
        grammar: the parts of messages.
        ways: the `WAYS` that may be used.
    """

    def __init__(self, draw: Draw, grammar: Grammar, ways: tuple[Way, ...]) -> None:
        self.draw = draw
        self.grammar = grammar
        self.ways = ways

    def stream(self, block: dict[str, JSON]) -> StreamedBlock:
        """Split the block into deltas."""
        start = dict(block)
        split = _DELTAS_OF.get(block["type"])
        deltas = split(self, block, start) if split is not None else []
        if self.grammar.unknown:
            for position, delta in self.draw(_odd_deltas(self.grammar)):
                deltas.insert(position % (len(deltas) + 1), delta)
        pauses = []
        if "interleaved" in self.ways and self.draw(st.booleans()):
            pauses = self.draw(st.lists(st.integers(0, len(deltas) + 1), max_size=4))
        return StreamedBlock(block, start, deltas, pauses)

    def pieces(self, text: str) -> list[str]:
        """The text, split."""
        units = _halved(text) if "halves" in self.ways else text
        inside = [at for part in _PARTS.finditer(units) for at in range(*part.span())[1:]]
        ends = cuts(self.draw, len(units), inside) if "cut" in self.ways else []
        if not text:
            return [""] * len(ends) if "empty" in self.ways else []
        parts = [
            units[begin:end] for begin, end in zip([0, *ends], [*ends, len(units)], strict=True)
        ]
        pieces = [joined(part) for part in parts]
        return pieces if "empty" in self.ways else [piece for piece in pieces if piece]

    def starts_with_some(self) -> bool:
        """Whether a block has some of its content in its start."""
        return "started" in self.ways and self.draw(seldom)

    def grown(self, field: str, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """The deltas of a text; the block's start may have its first piece."""
        pieces = self.pieces(block[field])
        start[field] = pieces.pop(0) if pieces and self.starts_with_some() else ""
        return [{"type": f"{field}_delta", field: piece} for piece in pieces]

    def text(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """The deltas of text, with its citations before, between and after them."""
        deltas = self.grown("text", block, start)
        citations = list(block.get("citations") or [])
        if citations:
            start["citations"] = [citations.pop(0)] if self.starts_with_some() else []
            if not start["citations"] and self.draw(st.booleans()):
                del start["citations"]
        position = 0
        for citation in citations:
            ends = st.sampled_from([position, len(deltas)])
            position = self.draw(ends | st.integers(position, len(deltas)))
            deltas.insert(position, {"type": "citations_delta", "citation": citation})
            position += 1
        return deltas

    def thinking(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """The deltas of thinking, and its signature after them."""
        deltas = self.grown("thinking", block, start)
        signature = block.get("signature")
        if signature and not self.starts_with_some():
            start["signature"] = ""
            if "signatures" in self.ways and self.draw(seldom):
                deltas.append({"type": "signature_delta", "signature": f"{signature}0"})
            deltas.append({"type": "signature_delta", "signature": signature})
        return deltas

    def tool(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """The deltas of a tool's input. An empty input, or one in the start, may have none."""
        value = block["input"]
        if isinstance(value, dict) and (not value or self.starts_with_some()):
            deltas = self.first_empty() or (self.input_json("") if "empty" in self.ways else [])
            if deltas or value or self.draw(st.booleans()):
                return deltas
        start["input"] = {}
        return [*self.first_empty(), *self.input_json(self.spelled(value))]

    def first_empty(self) -> list[Delta]:
        """The empty delta with which the API begins a tool's input, if it may come."""
        if "first_empty" not in self.ways or not self.draw(st.booleans()):
            return []
        return [{"type": "input_json_delta", "partial_json": ""}]

    def open_tool(self, streamed: StreamedBlock) -> StreamedBlock:
        """The same tool, with an input that ends early. The block has the finished part of it."""
        block = streamed.block
        text = self.spelled(block["input"])
        closing = len(text) - len(text.rstrip("]}"))
        end = len(text) - self.draw(st.integers(1, closing))
        comma = "," if text[end - 1] not in "[{" else ""
        unfinished = self.draw(_unfinished[text[end]])
        deltas = self.input_json(text[:end] + comma + unfinished)
        start: dict[str, JSON] = {**block, "input": {}}
        return streamed._replace(start=start, deltas=deltas, stops=False)

    def input_json(self, text: str) -> list[Delta]:
        """The deltas of this JSON text."""
        return [{"type": "input_json_delta", "partial_json": cut} for cut in self.pieces(text)]

    def spelled(self, value: JSON) -> str:
        """The value as JSON text, as one of several serialisers writes it."""
        ascii_only, separators = self.draw(st.booleans()), self.draw(json_separators)
        return json.dumps(value, ensure_ascii=ascii_only, separators=separators)

    def compaction(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """The one delta of a compaction block."""
        fields = [key for key in ("content", "encrypted_content") if key in block]
        if not fields or self.starts_with_some():
            return []
        start.update(dict.fromkeys(fields))
        return [{"type": "compaction_delta", **{key: block[key] for key in fields}}]


_DELTAS_OF: dict[str, Callable[[BlockStreamer, dict[str, JSON], dict[str, JSON]], list[Delta]]] = {
    "text": BlockStreamer.text,
    "thinking": BlockStreamer.thinking,
    "compaction": BlockStreamer.compaction,
    **dict.fromkeys(TOOLS, BlockStreamer.tool),
}
"""The kinds of blocks that have deltas. All others are whole in their start."""

_unfinished = {
    "}": st.sampled_from(["", '"', '"ke', '"key"', '"key": ', '"key": tru', '"key": -']),
    "]": st.sampled_from(["", "nul", "-"]),
}
"""Unfinished ends of an object or array that add no member or item to it."""


_PARTS = re.compile(
    r"[\ud800-\udbff][\udc00-\udfff]|(?:\\u[0-9a-f]{4})+|\\.", re.DOTALL | re.IGNORECASE
)
"""Parts of a text in which a cut may reveal a defect: characters beyond U+FFFF, escapes."""


def _halved(text: str) -> str:
    """The text with two surrogates in place of each character beyond U+FFFF."""
    coded = text.encode("utf-16-le", "surrogatepass")
    pairs = [coded[at : at + 2] for at in range(0, len(coded), 2)]
    return "".join(pair.decode("utf-16-le", "surrogatepass") for pair in pairs)


@cache
def _odd_deltas(grammar: Grammar) -> Strategy:
    kinds = st.sampled_from(["sparkle_delta", "", "text"])
    return st.lists(st.tuples(positions, grammar.object_with({"type": kinds})), max_size=1)
