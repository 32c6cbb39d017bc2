"""The events of a stream: a message, told in every legal way.

First each block for itself (`_Teller`), then what is around them: the `message_start` and the
`message_delta`s, and between them the blocks, one after another or interleaved. Pings, and what
nobody knows, come last, so that a failure which does not need them shrinks to a stream without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from itertools import zip_longest
from typing import Any, Literal, NamedTuple, get_args

from hypothesis import strategies as st

from .cuts import cuts
from .messages import (
    BLOCKS,
    JSON,
    MODELS,
    ODD_NAMES,
    ODD_TYPES,
    TOOLS,
    Draw,
    Grammar,
    Kinds,
    Strategy,
    any_block,
    chosen_from,
    copied,
    grammar_of,
    joined,
    message_of,
    model_after,
    nothing,
    numbered,
)

__all__ = ["WAYS", "Way", "raw_events"]

Event = dict[str, Any]
Delta = dict[str, Any]

Way = Literal[
    "cut", "empty", "halves", "started", "interleaved", "pings", "open_tool", "deltas", "usage"
]
WAYS: tuple[Way, ...] = get_args(Way)
"""Ways to tell a message:

    cut          texts come in several deltas, cut anywhere, or one character each
    empty        some deltas are empty
    halves       characters beyond U+FFFF are cut in two, half in one delta and half in the next
    started      blocks have some of their content when they start
    interleaved  a block starts before the one before it has stopped
    pings        there are pings between the events
    open_tool    `max_tokens` ends the message inside a tool's input, which is never closed
    deltas       the end of the message is told in several `message_delta`s
    usage        the last `message_delta` leaves out counts that have not changed, or says `null`
"""

seldom = st.sampled_from([False, False, True])
json_separators = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])
_positions = st.integers(0, 30)

# --- how one block is told ----------------------------------------------------------------------


class _Telling(NamedTuple):
    """How one block is told.

    Attributes:
        block: the block as it will be.
        start: the block as it starts.
        deltas: what comes then.
        pauses: behind how many of its events it pauses, for other blocks to go on; before the first
            of them, too.
        stops: whether it comes to its end.
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


class _Teller:
    """Tells finished blocks in deltas.

    Args:
        draw: what draws from strategies.
        grammar: the parts of what it draws.
        ways: the `WAYS` it may tell them in.
    """

    def __init__(self, draw: Draw, grammar: Grammar, ways: tuple[Way, ...]) -> None:
        self.draw = draw
        self.grammar = grammar
        self.ways = ways

    def tell(self, block: dict[str, JSON]) -> _Telling:
        """How this block comes in deltas."""
        start = dict(block)
        tell = _TELLERS.get(block["type"])
        deltas = tell(self, block, start) if tell is not None else []
        if self.grammar.unknown:
            for position, delta in self.draw(_odd_deltas(self.grammar)):
                deltas.insert(position % (len(deltas) + 1), delta)
        pauses = []
        if "interleaved" in self.ways and self.draw(st.booleans()):
            pauses = self.draw(st.lists(st.integers(0, len(deltas) + 1), max_size=4))
        return _Telling(block, start, deltas, pauses)

    def pieces(self, text: str) -> list[str]:
        """The text, cut."""
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
        """Whether a block has some of its content when it starts."""
        return "started" in self.ways and self.draw(seldom)

    def grown(self, field: str, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """The deltas of a text, of which the block may have some when it starts."""
        pieces = self.pieces(block[field])
        start[field] = pieces.pop(0) if pieces and self.starts_with_some() else ""
        return [{"type": f"{field}_delta", field: piece} for piece in pieces]

    def text(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """Text, with its citations before, between and after its pieces."""
        deltas = self.grown("text", block, start)
        citations = list(block.get("citations") or [])
        if citations:
            start["citations"] = [citations.pop(0)] if self.starts_with_some() else []
            if not start["citations"] and self.draw(st.booleans()):
                del start["citations"]
        position = 0
        for citation in citations:
            position = self.draw(st.integers(position, len(deltas)))
            deltas.insert(position, {"type": "citations_delta", "citation": citation})
            position += 1
        return deltas

    def thinking(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """Thinking, and its signature at the end."""
        deltas = self.grown("thinking", block, start)
        signature = block.get("signature")
        if signature and not self.starts_with_some():
            start["signature"] = ""
            deltas.append({"type": "signature_delta", "signature": signature})
        return deltas

    def tool(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """A tool's input as JSON text; no text, when there is no input, or when it came before."""
        value = block["input"]
        if isinstance(value, dict) and (not value or self.starts_with_some()):
            deltas = self.input_json("") if "empty" in self.ways else []
            if deltas or value or self.draw(st.booleans()):
                return deltas
        start["input"] = {}
        return self.input_json(self.spelled(value))

    def open_tool(self, told: _Telling) -> _Telling:
        """A tool whose input is cut, for good: all that is finished of it is in its block."""
        block = told.block
        text = self.spelled(block["input"])
        closing = len(text) - len(text.rstrip("]}"))
        end = len(text) - self.draw(st.integers(1, closing))
        comma = "," if text[end - 1] not in "[{" else ""
        unfinished = self.draw(_unfinished[text[end]])
        deltas = self.input_json(text[:end] + comma + unfinished)
        start: dict[str, JSON] = {**block, "input": {}}
        return told._replace(start=start, deltas=deltas, stops=False)

    def input_json(self, text: str) -> list[Delta]:
        """The deltas of this text."""
        return [{"type": "input_json_delta", "partial_json": cut} for cut in self.pieces(text)]

    def spelled(self, value: JSON) -> str:
        """The value as one or another serialiser writes it."""
        ascii_only, separators = not self.draw(seldom), self.draw(json_separators)
        return json.dumps(value, ensure_ascii=ascii_only, separators=separators)

    def compaction(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[Delta]:
        """The content of a compaction block, whole."""
        told = [key for key in ("content", "encrypted_content") if key in block]
        if not told or self.starts_with_some():
            return []
        start.update(dict.fromkeys(told))
        return [{"type": "compaction_delta", **{key: block[key] for key in told}}]


_TELLERS: dict[str, Callable[[_Teller, dict[str, JSON], dict[str, JSON]], list[Delta]]] = {
    "text": _Teller.text,
    "thinking": _Teller.thinking,
    "compaction": _Teller.compaction,
    **dict.fromkeys(TOOLS, _Teller.tool),
}
"""How the kinds of blocks are told that have deltas. All others come whole."""

_unfinished = {
    "}": st.sampled_from(["", '"', '"ke', '"key"', '"key": ', '"key": tru', '"key": -']),
    "]": st.sampled_from(["", "nul", "-"]),
}
"""What may stand at the end of an unfinished object or array, and say nothing yet."""


_PARTS = re.compile(
    r"[\ud800-\udbff][\udc00-\udfff]|(?:\\u[0-9a-f]{4})+|\\.", re.DOTALL | re.IGNORECASE
)
"""What it takes care to put together again: two halves of a character, escapes of JSON."""


def _halved(text: str) -> str:
    """The text with two halves in place of each character beyond U+FFFF."""
    coded = text.encode("utf-16-le", "surrogatepass")
    pairs = [coded[at : at + 2] for at in range(0, len(coded), 2)]
    return "".join(pair.decode("utf-16-le", "surrogatepass") for pair in pairs)


@cache
def _odd_deltas(grammar: Grammar) -> Strategy:
    kinds = st.sampled_from(["sparkle_delta", "", "text"])
    return st.lists(st.tuples(_positions, grammar.object_with({"type": kinds})), max_size=1)


@st.composite
def _told_block(draw: Draw, kinds: Kinds, ways: tuple[Way, ...]) -> tuple[bool, _Telling]:
    """Any block, and whether it is wanted.

    The shrinker cannot take many choices at once out of a list, which a block is, but it can set
    one choice to its least: that drops the block, and what is left of it matters no more.
    """
    is_wanted = draw(_mostly)
    return is_wanted, _Teller(draw, grammar_of(kinds.unknown), ways).tell(draw(any_block(kinds)))


_mostly = st.sampled_from([False, *[True] * 9])


@cache
def _told_blocks(kinds: Kinds, ways: tuple[Way, ...], least: int) -> Strategy:
    if any_block(kinds).is_empty:
        return st.just([])
    some = st.lists(_told_block(kinds, ways), min_size=3, max_size=6)
    return some.map(
        lambda some: [told for wanted, told in some if wanted] or [told for _, told in some][:least]
    )


# --- how the message around them is told --------------------------------------------------------

_LATE = {"container": True, "context_management": False, "input_transformations": False}
"""The fields that a `message_delta` may tell, and whether its `delta` does."""

_how_usage_comes = st.sampled_from([*["told"] * 5, "absent", "null"])
_how_a_count_comes = st.sampled_from(["both", "grows", "start", "then null", "end"])
_how_a_sure_one_comes = {
    "input_tokens": st.sampled_from(["both", "grows", "start", "then null"]),
    "output_tokens": st.sampled_from(["both", "grows"]),
}
"""The counts that the API always sends: both at the start, one of them at the end, too."""

_AT_THE_START = ("cache_creation", "service_tier", "inference_geo", "speed")
"""What of the usage the API does not send again at the end."""

_where_it_comes = st.sampled_from(["start", "end", "null at the start"])


def _told_head(
    draw: Draw, message: Mapping[str, JSON], ways: tuple[Way, ...], unknown: bool
) -> tuple[dict[str, JSON], list[Event]]:
    """The message as it starts, and its `message_delta`s. It has stopped."""
    start = dict(message)
    delta: dict[str, JSON] = {}
    last: Event = {"type": "message_delta", "delta": delta}
    stop = [key for key in ("stop_reason", "stop_sequence", "stop_details") if key in message]
    for key in stop:
        start[key] = None
        is_sure = message[key] is not None or (key != "stop_details" and not unknown)
        if is_sure or draw(st.booleans()):
            delta[key] = message[key]
    for key, in_delta in _LATE.items():
        where = "start" if message.get(key) is None else draw(_where_it_comes)
        if where != "start":
            (delta if in_delta else last)[key] = message[key]
            start[key] = None
        if where == "end":
            del start[key]
    before: list[Event] = []
    if "deltas" in ways and draw(seldom):
        before.append({"type": "message_delta", "delta": dict.fromkeys(stop[:2])})
    if "usage" in message:
        start["usage"], told = _told_usage(draw, message["usage"], ways, unknown)
        last.update(told)
        if before:
            totals: dict[str, JSON] = told.get("usage") or {}
            begun = start["usage"]
            before[0]["usage"] = {
                key: begun.get(key) or 0 for key, count in totals.items() if isinstance(count, int)
            }
    return start, [*before, last]


def _told_usage(
    draw: Draw, usage: Mapping[str, JSON], ways: tuple[Way, ...], unknown: bool
) -> tuple[dict[str, JSON], Event]:
    """The usage as it starts, and what the last event has of it."""
    whole = draw(_how_usage_comes) if "usage" in ways and unknown else "told"
    if whole == "absent":
        return dict(usage), {}
    if whole == "null":
        return dict(usage), {"usage": None}
    sure, at_the_start = ({}, ()) if unknown else (_how_a_sure_one_comes, _AT_THE_START)
    first: dict[str, JSON] = {}
    last: dict[str, JSON] = {}
    for key, total in usage.items():
        how = "start" if key in at_the_start else "both"
        if how == "both" and "usage" in ways:
            how = draw(sure.get(key, _how_a_count_comes))
        if how != "end" or total is None:
            first[key] = min(1, total) if how == "grows" and isinstance(total, int) else total
        if how != "start":
            last[key] = total if how != "then null" else None
    return first, {"usage": last}


def _interleaved(told: list[_Telling]) -> list[Event]:
    """The events of these blocks. They take turns: whenever one pauses, the next goes on."""
    turns: list[list[list[Event]]] = []
    late = 0  # of how many rounds the block keeps out, and so all behind it
    for index, telling in enumerate(told):
        events = telling.events(index)
        late += telling.pauses.count(0)
        ends = sorted(end for end in telling.pauses if end > 0)
        parts = zip([0, *ends], [*ends, len(events)], strict=True)
        turns.append([*[[]] * late, *(events[begin:end] for begin, end in parts)])
    rounds = zip_longest(*turns, fillvalue=())
    return [event for turns_of_all in rounds for turn in turns_of_all for event in turn]


# --- the stream ---------------------------------------------------------------------------------


@cache
def _between(kinds: Kinds, ways: tuple[Way, ...]) -> Strategy:
    """What may come between any two events, with the position where it does."""
    grammar = grammar_of(kinds.unknown)
    events = grammar.tagged("ping", {}) if "pings" in ways else nothing
    if kinds.unknown:
        events |= grammar.object_with(
            {"type": st.sampled_from(ODD_TYPES)}, index=grammar.value, message=grammar.value
        )
    if events.is_empty:
        return st.just([])
    return st.lists(st.tuples(_positions, events), max_size=2)


@cache
def _odd_fields(grammar: Grammar) -> Strategy:
    odd = st.tuples(_positions, st.booleans(), st.sampled_from(ODD_NAMES), grammar.value)
    return st.lists(odd, max_size=2)


@st.composite
def _streams(
    draw: Draw,
    message: Mapping[str, JSON] | None,
    kinds: Kinds,
    ways: tuple[Way, ...],
    least: int = 0,
) -> list[Event]:
    """The events of a stream of this message; or of any, with `least` blocks."""
    grammar = grammar_of(kinds.unknown)
    teller = _Teller(draw, grammar, ways)
    is_free = message is None
    if message is None:
        told = [
            telling._replace(
                block=numbered(telling.block, number), start=numbered(telling.start, number)
            )
            for number, telling in enumerate(draw(_told_blocks(kinds, ways, least)))
        ]
        message = message_of(draw(grammar.head), [telling.block for telling in told])
    else:
        told = [teller.tell(block) for block in message["content"]]
    if "open_tool" in ways and told and _may_end_open(message, is_free) and draw(seldom):
        told[-1] = teller.open_tool(told[-1])
        message = {**message, "stop_reason": "max_tokens"}

    start: dict[str, JSON] = {**message, "content": []}
    if any(map(model_after, message["content"])):
        start["model"] = draw(st.sampled_from([m for m in MODELS if m != message["model"]]))
    ending: list[Event] = []
    if message.get("stop_reason") is not None:
        start, deltas = _told_head(draw, start, ways, kinds.unknown)
        ending = [*deltas, {"type": "message_stop"}]
    events: list[Event] = [
        {"type": "message_start", "message": start},
        *_interleaved(told),
        *ending,
    ]

    for position, event in draw(_between(kinds, ways)):
        events.insert(1 + position % max(len(events) - 1, 1), event)
    if kinds.unknown:
        _add_fields(events, draw(_odd_fields(grammar)))
    fresh: list[Event] = copied(events)
    return fresh


def _add_fields(events: list[Event], odd: Iterable[tuple[int, bool, str, JSON]]) -> None:
    """Add fields that nobody knows to events, or to their deltas."""
    for position, in_delta, name, value in odd:
        event = events[position % len(events)]
        holder = event["delta"] if in_delta and "delta" in event else event
        holder.setdefault(name, value)


def _may_end_open(message: Mapping[str, JSON], is_free: bool) -> bool:
    """Whether the message may end inside its last block, a tool's: if it did, or is made to."""
    last = message["content"][-1]
    ends = is_free or message.get("stop_reason") == "max_tokens"
    return ends and last["type"] in TOOLS and isinstance(last["input"], dict)


streams = cache(_streams)


def raw_events(
    message: Mapping[str, JSON] | None = None,
    *,
    blocks: Collection[str] = BLOCKS,
    unknown: bool = False,
    ways: Collection[Way] = WAYS,
) -> st.SearchStrategy[list[Event]]:
    """The events of a stream that keeps the protocol: they fold to `message`.

    Args:
        message: the message they tell, as the API would return it unstreamed; any, if it is None.
            One without a `stop_reason` gives a stream that is not complete.
        blocks: the kinds of content blocks that any message may have: some of `BLOCKS`.
        unknown: also events, deltas, fields and blocks that nobody knows, as in `messages`.
        ways: the ways to tell it: some of `WAYS`.

    Raises:
        ValueError: there is no such kind of block, or no such way.

    >>> from hypothesis import find
    >>> for event in find(raw_events(blocks=["text"]), lambda events: len(events) == 6):
    ...     print(event["type"])
    message_start
    content_block_start
    content_block_delta
    content_block_stop
    message_delta
    message_stop
    """
    kinds, chosen = Kinds.of(blocks, unknown), chosen_from(WAYS, "ways", ways)
    if message is None:
        return streams(None, kinds, chosen)
    return _streams(copied(dict(message)), kinds, chosen)
