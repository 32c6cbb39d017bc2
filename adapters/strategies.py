"""Hypothesis strategies for message streams: what the Messages API sends, and what goes wrong.

    messages        a message, as the API returns it unstreamed
    raw_events      the events of a stream of it, told in every legal way
    wire            their bytes, written in every way the standard allows
    chunked         bytes, cut in every way
    broken          a stream with one fault, which has a name
    json_documents  JSON texts in every spelling
    json_prefixes   how they begin

All draw plain JSON (dicts, lists, strings), as `json.loads` gives it, so that whatever reads
streams can be tested with them. Nothing that is drawn shares a part with anything else: a reader
that changes what it was given spoils only its own example.

Each takes one collection of names that narrows what it draws (`blocks`, `ways`, `forms`, `faults`),
which stand in `BLOCKS`, `WAYS`, `FORMS` and `FAULTS`. Everything shrinks to the least of its
kind: an empty message, a text block, one delta, one chunk, LF.

A stream is drawn block by block, each block with its own deltas, so that a failure shrinks to the
blocks and deltas that matter; how the blocks interleave comes last. A stream takes about a
millisecond to draw.

Needs hypothesis: `streamfold[testing]`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, get_args

import attrs

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError(
        "streamfold.adapters.strategies needs hypothesis: pip install 'streamfold[testing]'"
    ) from None

__all__ = [
    "BLOCKS",
    "FAULTS",
    "FORMS",
    "WAYS",
    "BrokenStream",
    "Fault",
    "Form",
    "Outcome",
    "Way",
    "broken",
    "chunked",
    "json_documents",
    "json_prefixes",
    "messages",
    "raw_events",
    "wire",
]

JSON = Any
Event = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Strategy = st.SearchStrategy[Any]

# --- text and open JSON -------------------------------------------------------------------------


def _joined(string: str) -> str:
    """`string` with each two halves of a surrogate pair as the one character they are."""
    return string.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _copied(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


_CAREFUL = 'a "\\{}[]:,/\n\r\t\0\x7f\x85é€\u2028\ufeff\ufffd😀'
"""What JSON, SSE or UTF-8 have to treat with care."""

_ODD_NAMES = ["x", "mood", "_rest", "rest", "items", "from_", "snapshot", "input_json", "replace"]
"""Names of fields that the API does not have, some of them names that an implementation may use."""

_ODD_TYPES = ["hologram", "tex", "", "message", "a\nb", "\r", " x", "é:"]
"""Types that no version knows."""

_counts = st.integers(0, 5000)
_positions = st.integers(0, 30)
_floats = st.floats(allow_nan=False, allow_infinity=False)

# --- messages -----------------------------------------------------------------------------------

_CLIENT_TOOLS = ("tool_use", "server_tool_use", "mcp_tool_use")

_WEIGHTS = {
    "text": 5,
    "tool_use": 5,
    "thinking": 3,
    "server_tool_use": 2,
    "mcp_tool_use": 1,
    "redacted_thinking": 1,
    "web_search_tool_result": 1,
    "web_fetch_tool_result": 1,
    "code_execution_tool_result": 1,
    "bash_code_execution_tool_result": 1,
    "text_editor_code_execution_tool_result": 1,
    "tool_search_tool_result": 1,
    "advisor_tool_result": 1,
    "mcp_tool_result": 1,
    "mcp_tool_listing": 1,
    "container_upload": 1,
    "compaction": 1,
    "fallback": 1,
}
"""How often each kind of block is drawn."""

BLOCKS: tuple[str, ...] = tuple(_WEIGHTS)
"""The kinds of content blocks that the API has."""

_UNKNOWN = "unknown"


class _Grammar:
    """The parts of a message, as strategies.

    Args:
        unknown: also what the API does not say, or does not say yet.
    """

    def __init__(self, unknown: bool) -> None:
        self.unknown = unknown
        halves = "\ud83d\ude00" if unknown else ""
        characters = st.characters() if unknown else st.characters(codec="utf-8")
        careful = st.sampled_from(_CAREFUL + halves)
        mixed = st.text(careful | characters, max_size=12).map(_joined)
        self.text: Strategy = st.sampled_from(["", "a", "Hello", "é😀"]) | mixed
        self.name: Strategy = st.sampled_from(["a", "b", "city"]) | self.text
        scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | _floats | self.text
        self.value: Strategy = st.recursive(
            scalars,
            lambda items: (
                st.lists(items, max_size=3) | st.dictionaries(self.name, items, max_size=3)
            ),
            max_leaves=4,
        )
        self.object: Strategy = st.dictionaries(self.name, self.value, max_size=3)
        self.odd_type: Strategy = st.sampled_from([*_ODD_TYPES, "\ud83d"])
        self.citation: Strategy = st.one_of(self._citations())
        self.blocks: dict[str, Strategy] = self._blocks()
        self.head: Strategy = self._head()

    def fields(self, required: dict[str, Strategy], **optional: Strategy) -> Strategy:
        """Objects with these fields, and with fields that nobody knows if those are wanted."""
        names = sorted(optional)
        if self.unknown:
            optional.update(dict.fromkeys(_ODD_NAMES, self.value))
        elif not names:
            return st.fixed_dictionaries(required)
        some = st.sampled_from(names * 3 + (_ODD_NAMES if self.unknown else []))
        return _with_fields(required, optional, st.lists(some, max_size=3, unique=True))

    def tagged(self, kind: str, **fields: Strategy) -> Strategy:
        """Objects of this `type`. A field whose name ends in `__` need not be there."""
        required = {key: value for key, value in fields.items() if not key.endswith("__")}
        optional = {key[:-2]: value for key, value in fields.items() if key.endswith("__")}
        return self.fields({"type": st.just(kind), **required}, **optional)

    def _citations(self) -> list[Strategy]:
        text, maybe = self.text, st.none() | self.text
        document = {
            "cited_text": text,
            "document_index": _counts,
            "document_title__": maybe,
            "file_id__": maybe,
        }
        blocks = {"start_block_index": _counts, "end_block_index": _counts}
        known = [
            self.tagged(
                "char_location", **document, start_char_index=_counts, end_char_index=_counts
            ),
            self.tagged(
                "page_location", **document, start_page_number=_counts, end_page_number=_counts
            ),
            self.tagged("content_block_location", **document, **blocks),
            self.tagged(
                "search_result_location",
                **blocks,
                cited_text=text,
                source=text,
                search_result_index=_counts,
                title__=maybe,
            ),
            self.tagged(
                "web_search_result_location",
                cited_text=text,
                url=text,
                encrypted_index=text,
                title__=maybe,
            ),
        ]
        return [*known, self.tagged("hologram_location", frame=self.value)][: 5 + self.unknown]

    def _blocks(self) -> dict[str, Strategy]:
        """A finished block of each kind."""
        text, maybe, tagged = self.text, st.none() | self.text, self.tagged
        ids = st.sampled_from(["toolu_1", "toolu_2"])
        caller = st.none() | tagged("direct") | tagged("code_execution", tool_id=ids)
        inputs: Strategy = st.just({}) | self.object
        if self.unknown:
            inputs |= self.value
        tool = {"id": ids, "name": text, "input": inputs}
        failed = tagged("tool_result_error", error_code=text)
        result = {"tool_use_id": ids, "content": failed | self.object}
        parts = st.lists(tagged("text", text=text), max_size=2)
        found = st.lists(tagged("web_search_result", url=text, title=text), max_size=2)
        model = self.fields({"model": _models})
        if self.unknown:
            model |= self.fields({}) | self.fields({"model": st.none() | _counts})
        blocks = {
            "text": tagged(
                "text",
                text=text,
                citations__=st.none() | st.lists(self.citation, max_size=2),
            ),
            "thinking": tagged("thinking", thinking=text, signature=text)
            if not self.unknown
            else tagged("thinking", thinking=text, signature__=maybe),
            "redacted_thinking": tagged("redacted_thinking", data=text),
            "tool_use": tagged("tool_use", **tool, caller__=caller, toolset_name__=maybe),
            "server_tool_use": tagged("server_tool_use", **tool, caller__=caller),
            "mcp_tool_use": tagged("mcp_tool_use", **tool, server_name=text),
            "web_search_tool_result": tagged(
                "web_search_tool_result",
                tool_use_id=ids,
                content=found | failed,
                caller__=caller,
            ),
            "web_fetch_tool_result": tagged("web_fetch_tool_result", **result, caller__=caller),
            "mcp_tool_result": tagged(
                "mcp_tool_result", tool_use_id=ids, content=text | parts, is_error=st.booleans()
            ),
            "mcp_tool_listing": tagged("mcp_tool_listing", mcp_server_name=text, tools=parts),
            "container_upload": tagged("container_upload", file_id=text),
            "compaction": tagged(
                "compaction",
                content__=maybe,
                encrypted_content__=maybe,
                signature__=maybe,
                tool_changes__=st.none() | st.lists(self.object, max_size=2),
            ),
            "fallback": tagged(
                "fallback", **{"from": model, "to": model}, trigger__=st.none() | self.object
            ),
            _UNKNOWN: self.fields({"type": self.odd_type}, text=text, content=self.value),
        }
        results = [kind for kind in BLOCKS if kind not in blocks]
        return {**blocks, **{kind: tagged(kind, **result) for kind in results}}

    def _head(self) -> Strategy:
        """All of a message but its content."""
        maybe_text, maybe_object = st.none() | self.text, st.none() | self.object
        maybe_count = st.none() | _counts
        some_objects = st.none() | st.lists(self.object, max_size=2)
        tokens = dict.fromkeys(["cache_creation_input_tokens", "cache_read_input_tokens"], _counts)
        creation = st.none() | self.fields(
            {}, ephemeral_5m_input_tokens=_counts, ephemeral_1h_input_tokens=_counts
        )
        iteration = self.fields(
            {},
            type=st.sampled_from(["message", "compaction", "advisor_message"]),
            input_tokens=_counts,
            output_tokens=_counts,
            **tokens,
            cache_creation=creation,
            model=_models,
        )
        counted = {
            "input_tokens": _counts if not self.unknown else maybe_count,
            "output_tokens": _counts if not self.unknown else maybe_count,
        }
        usage = {
            **{key: st.none() | values for key, values in tokens.items()},
            "cache_creation": creation,
            "server_tool_use": st.none()
            | self.fields({}, web_search_requests=_counts, web_fetch_requests=_counts),
            "output_tokens_details": st.none() | self.fields({}, thinking_tokens=_counts),
            "iterations": st.none() | st.lists(iteration, max_size=2),
            "fallback_credit": maybe_object,
            "service_tier": maybe_text,
            "inference_geo": maybe_text,
            "speed": maybe_text,
        }
        if self.unknown:
            usages = self.fields({}, **counted, **usage, energy_wh=st.none() | _floats)
        else:
            usages = self.fields(counted, **usage)
        always = {"stop_sequence": maybe_text, "usage": usages}
        reasons = _STOP_REASONS + ("weariness",) * self.unknown
        details = self.tagged("refusal", category__=maybe_text, explanation__=maybe_text)
        return self.tagged(
            "message",
            id=st.sampled_from(["msg_1", "msg_2"]),
            role=st.just("assistant"),
            model=_models,
            stop_reason=st.sampled_from(reasons),
            **({f"{key}__": value for key, value in always.items()} if self.unknown else always),
            stop_details__=st.none() | details,
            container__=st.none()
            | self.fields({"id": self.text}, expires_at=maybe_text, skills=some_objects),
            context_management__=maybe_object,
            input_transformations__=some_objects,
            diagnostics__=maybe_object,
        )


_models = st.sampled_from(["claude-opus-4-6", "claude-haiku-4-5", "claude-next"])
_STOP_REASONS = (
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "pause_turn",
    "compaction",
    "refusal",
    "model_context_window_exceeded",
)


@st.composite
def _with_fields(
    draw: Draw, required: dict[str, Strategy], others: dict[str, Strategy], names: Strategy
) -> dict[str, JSON]:
    made = {name: draw(values) for name, values in required.items()}
    return {**made, **{name: draw(others[name]) for name in draw(names)}}


_grammar = cache(_Grammar)


class _Kinds(NamedTuple):
    """What the content of a message is made of."""

    blocks: tuple[str, ...]
    unknown: bool

    @classmethod
    def of(cls, blocks: Collection[str], unknown: bool) -> _Kinds:
        return cls(_chosen("blocks", blocks, BLOCKS), unknown)


def _chosen(option: str, names: Collection[str], known: tuple[str, ...]) -> tuple[str, ...]:
    """The names, in the order in which they are known."""
    if isinstance(names, str) or not set(names) <= set(known):
        raise ValueError(f"{option} must be some of {', '.join(known)}; not {names!r}")
    return tuple(name for name in known if name in names)


@cache
def _block(kinds: _Kinds) -> Strategy:
    """A finished block of one of these kinds."""
    grammar = _grammar(kinds.unknown)
    weighted = [kind for kind in kinds.blocks for _ in range(_WEIGHTS[kind])]
    weighted += [_UNKNOWN] * 2 * kinds.unknown
    return st.sampled_from(weighted).flatmap(grammar.blocks.__getitem__)


def _message(head: dict[str, JSON], content: list[JSON]) -> dict[str, JSON]:
    """The message of this head and content. Its model is the one that answered last."""
    message = {**head, "content": content}
    for block in content:
        model = _model_after(block)
        if model is not None:
            message["model"] = model
    return message


def _model_after(block: Mapping[str, JSON]) -> str | None:
    """The model that takes over in this block, if one does."""
    named = block["to"].get("model") if block["type"] == "fallback" else None
    return named if isinstance(named, str) else None


@cache
def _messages(kinds: _Kinds) -> Strategy:
    content = st.lists(_block(kinds), max_size=3) if kinds.blocks or kinds.unknown else st.just([])
    return st.builds(_message, _grammar(kinds.unknown).head, content).map(_copied)


def messages(
    *, blocks: Collection[str] = BLOCKS, unknown: bool = False
) -> st.SearchStrategy[dict[str, JSON]]:
    """A message, as the API returns it unstreamed.

    Args:
        blocks: the kinds of content blocks it may have: some of `BLOCKS`. None at all: an empty
            message.
        unknown: also what the API does not say, or does not say yet: blocks, citations, stop
            reasons and fields that nobody knows, missing fields, tool inputs that are no objects,
            and lone halves of surrogate pairs.

    Raises:
        ValueError: there is no such kind of block.

    >>> from hypothesis import find
    >>> message = find(messages(blocks=["text"]), lambda message: len(message["content"]) == 2)
    >>> message["content"]
    [{'type': 'text', 'text': ''}, {'type': 'text', 'text': ''}]
    """
    return _messages(_Kinds.of(blocks, unknown))


# --- how one block is told ----------------------------------------------------------------------

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
    usage        the last `message_delta` leaves out what has not changed, or says `null`
"""


class _Telling(NamedTuple):
    """A block: as it starts, and the deltas of what it has not got then."""

    block: dict[str, JSON]
    start: dict[str, JSON]
    deltas: list[dict[str, JSON]]


class _Teller:
    """Tells finished blocks as deltas.

    Attributes:
        draw: what draws from strategies.
        grammar: the parts of what it draws.
        ways: the `WAYS` it may tell them in.
    """

    def __init__(self, draw: Draw, grammar: _Grammar, ways: tuple[str, ...]) -> None:
        self.draw = draw
        self.grammar = grammar
        self.ways = ways

    def telling(self, block: dict[str, JSON]) -> _Telling:
        """How this block comes in deltas."""
        start = dict(block)
        tell = _TELLERS.get(block["type"])
        deltas = tell(self, block, start) if tell is not None else []
        if self.grammar.unknown:
            for position, delta in self.draw(_unknown_deltas(self.grammar)):
                deltas.insert(position % (len(deltas) + 1), delta)
        return _Telling(block, start, deltas)

    def pieces(self, text: str) -> list[str]:
        """The text, cut."""
        how = self.draw(_how_to_cut) if "cut" in self.ways else "whole"
        if how == "whole":
            return [text] if text else []
        units = _code_units(text) if "halves" in self.ways else list(text)
        if how == "each":
            return units
        ends = sorted(self.draw(st.lists(st.integers(0, len(units)), max_size=4)))
        pieces = [
            _joined("".join(units[begin:end]))
            for begin, end in zip([0, *ends], [*ends, len(units)], strict=True)
        ]
        return pieces if "empty" in self.ways else [piece for piece in pieces if piece]

    def started(self) -> bool:
        """Whether a block has some of its content when it starts."""
        return "started" in self.ways and self.draw(_seldom)

    def grown(self, field: str, block: dict[str, JSON], start: dict[str, JSON]) -> list[str]:
        """The pieces of a text, of which the block may have one when it starts."""
        pieces = self.pieces(block[field])
        start[field] = pieces.pop(0) if pieces and self.started() else ""
        return pieces

    def text(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[dict[str, JSON]]:
        """Text, with the citations before, between and after its pieces."""
        pieces = self.grown("text", block, start)
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
        citations = list(block.get("citations") or []) if _is_list(block.get("citations")) else []
        if citations:
            start["citations"] = [citations.pop(0)] if self.started() else []
            if not start["citations"] and self.draw(st.booleans()):
                del start["citations"]
        after = 0
        for citation in citations:
            after = self.draw(st.integers(after, len(deltas)))
            deltas.insert(after, {"type": "citations_delta", "citation": citation})
            after += 1
        return deltas

    def thinking(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[dict[str, JSON]]:
        """Thinking, and its signature at the end."""
        pieces = self.grown("thinking", block, start)
        deltas: list[dict[str, JSON]] = [
            {"type": "thinking_delta", "thinking": piece} for piece in pieces
        ]
        signature = block.get("signature")
        if isinstance(signature, str) and not self.started():
            start["signature"] = ""
            if signature:
                deltas.append({"type": "signature_delta", "signature": signature})
        return deltas

    def tool(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[dict[str, JSON]]:
        """A tool's input as JSON text; none, when there is none."""
        value = block["input"]
        if isinstance(value, dict) and (not value or self.started()) and self.draw(st.booleans()):
            return self.input_json("") if "empty" in self.ways else []
        start["input"] = {}
        return self.input_json(self.spelled(value))

    def open_tool(self, block: dict[str, JSON]) -> _Telling:
        """A tool's input whose text ends before its end: all that is finished is in `block`."""
        text = self.spelled(block["input"])
        closing = len(text) - len(text.rstrip("]}"))
        cut = len(text) - self.draw(st.integers(1, closing))
        unfinished = self.draw(_unfinished[text[cut]])
        comma = "," if text[cut - 1] not in "[{" else ""
        deltas = self.input_json(text[:cut] + comma + unfinished)
        return _Telling(block, {**block, "input": {}}, deltas)

    def input_json(self, text: str) -> list[dict[str, JSON]]:
        """The deltas of this text."""
        pieces = self.pieces(text)
        return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]

    def spelled(self, value: JSON) -> str:
        """The value as one or another serialiser writes it."""
        ascii_only, separators = self.draw(st.booleans()), self.draw(_separators)
        return json.dumps(value, ensure_ascii=ascii_only, separators=separators)

    def compaction(self, block: dict[str, JSON], start: dict[str, JSON]) -> list[dict[str, JSON]]:
        """The content of a compaction block, whole."""
        told: dict[str, JSON] = {
            key: block[key] for key in ("content", "encrypted_content") if key in block
        }
        if not told or self.started():
            return []
        start.update(dict.fromkeys(told))
        return [{"type": "compaction_delta", **told}]


_TELLERS: dict[str, Callable[[_Teller, dict[str, JSON], dict[str, JSON]], list[dict[str, JSON]]]]
_TELLERS = {
    "text": _Teller.text,
    "thinking": _Teller.thinking,
    "compaction": _Teller.compaction,
    **dict.fromkeys(_CLIENT_TOOLS, _Teller.tool),
}
"""How the kinds of blocks are told that have deltas. All others come whole."""

_seldom = st.sampled_from([False, False, False, True])
_how_to_cut = st.sampled_from(["whole", "cut", "cut", "each"])
_separators = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])
_unfinished = {
    "}": st.sampled_from(["", '"', '"ke', '"key"', '"key": ', '"key": tru', '"key": -']),
    "]": st.sampled_from(["", "nul", "-"]),
}
"""What may stand at the end of an unfinished object or array, and say nothing yet."""


def _is_list(value: JSON) -> bool:
    return isinstance(value, list)


def _code_units(text: str) -> list[str]:
    """The characters of the text, those beyond U+FFFF as two halves."""
    coded = text.encode("utf-16-le", "surrogatepass")
    return [
        coded[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(coded), 2)
    ]


@cache
def _unknown_deltas(grammar: _Grammar) -> Strategy:
    kinds = st.sampled_from(["sparkle_delta", "", "text"])
    return st.lists(st.tuples(_positions, grammar.fields({"type": kinds})), max_size=1)


@st.composite
def _tellings(draw: Draw, kinds: _Kinds, ways: tuple[str, ...]) -> _Telling:
    """Any block, in deltas."""
    return _Teller(draw, _grammar(kinds.unknown), ways).telling(draw(_block(kinds)))


# --- how a message is told ----------------------------------------------------------------------

_LATE = {"container": True, "context_management": False, "input_transformations": False}
"""The fields that a `message_delta` may tell, and whether its `delta` does."""

_usage_ways = st.sampled_from(["both", "grows", "start", "then null", "end"])
_late_places = st.sampled_from(["start", "end", "null at the start"])
_empty_usages = st.sampled_from(["absent", "null", "empty"])


def _tell_head(
    draw: Draw, message: Mapping[str, JSON], model: str, ways: tuple[str, ...]
) -> tuple[Event, list[Event]]:
    """The `message_start` and the `message_delta`s of a message that has stopped."""
    start = {**message, "content": [], "model": model}
    delta: dict[str, JSON] = {}
    last: Event = {"type": "message_delta", "delta": delta}
    for key in ("stop_reason", "stop_sequence", "stop_details"):
        if key in message:
            start[key] = None
            if message[key] is not None or draw(st.booleans()):
                delta[key] = message[key]
    for key, in_delta in _LATE.items():
        if message.get(key) is not None:
            place = draw(_late_places)
            if place != "start":
                (delta if in_delta else last)[key] = message[key]
                start[key] = None
                if place == "end":
                    del start[key]
    between: list[Event] = []
    if "usage" in message:
        start["usage"], told = _tell_usage(draw, message["usage"], ways)
        counted = {key: 1 for key, value in told.items() if isinstance(value, int)}
        if "deltas" in ways and draw(_seldom):
            between.append({"type": "message_delta", "delta": {}, "usage": counted})
        empty = draw(_empty_usages) if not told and "usage" in ways else "empty"
        if empty != "absent":
            last["usage"] = told if empty == "empty" else None
    if "deltas" in ways and draw(_seldom):
        between.append({"type": "message_delta", "delta": {"stop_reason": None}})
    return {"type": "message_start", "message": start}, [*between, last]


def _tell_usage(
    draw: Draw, usage: Mapping[str, JSON], ways: tuple[str, ...]
) -> tuple[dict[str, JSON], dict[str, JSON]]:
    """What the first and the last event say of these counts."""
    first: dict[str, JSON] = {}
    last: dict[str, JSON] = {}
    for key, total in usage.items():
        how = draw(_usage_ways) if "usage" in ways else "both"
        if how != "end" or total is None:
            first[key] = 1 if how == "grows" and isinstance(total, int) else total
        if how in ("both", "grows", "end"):
            last[key] = total
        elif how == "then null":
            last[key] = None
    return first, last


@cache
def _some_tellings(kinds: _Kinds, ways: tuple[str, ...], least: int) -> Strategy:
    if not kinds.blocks and not kinds.unknown:
        return st.just([])
    return st.lists(_tellings(kinds, ways), min_size=least, max_size=4)


@cache
def _noise(kinds: _Kinds, ways: tuple[str, ...]) -> Strategy:
    grammar = _grammar(kinds.unknown)
    noise = grammar.tagged("ping") if "pings" in ways else st.nothing()
    if kinds.unknown:
        noise |= grammar.fields(
            {"type": grammar.odd_type}, index=grammar.value, message=grammar.value
        )
    some = st.lists(st.tuples(_positions, noise), max_size=2)
    return st.just([]) if noise.is_empty else some


@cache
def _odd_fields(grammar: _Grammar) -> Strategy:
    odd = st.tuples(_positions, st.booleans(), st.sampled_from(_ODD_NAMES), grammar.value)
    return st.lists(odd, max_size=2)


def _merged(draw: Draw, scripts: list[list[Event]]) -> list[Event]:
    """These lists as one, in any way that keeps the order of each, and of their beginnings."""
    waiting = scripts[::-1]
    playing: list[list[Event]] = []
    events: list[Event] = []
    while waiting or playing:
        last = len(playing) - (not waiting)
        chosen = draw(st.integers(0, last)) if last else 0
        if chosen == len(playing):
            playing.append(waiting.pop()[::-1])
        events.append(playing[chosen].pop())
        if not playing[chosen]:
            del playing[chosen]
    return events


@st.composite
def _streams(
    draw: Draw,
    message: Mapping[str, JSON] | None,
    kinds: _Kinds,
    ways: tuple[str, ...],
    least: int = 0,
) -> list[Event]:
    """The events of a stream of this message, or of any."""
    teller = _Teller(draw, _grammar(kinds.unknown), ways)
    if message is None:
        tellings = draw(_some_tellings(kinds, ways, least))
        message = _message(draw(teller.grammar.head), [telling.block for telling in tellings])
    else:
        tellings = [teller.telling(block) for block in message["content"]]
    model = message["model"]
    if any(map(_model_after, message["content"])):
        model = draw(_models)
    ends_open = False
    if message.get("stop_reason") == "max_tokens" and tellings and "open_tool" in ways:
        block = tellings[-1].block
        if block["type"] in _CLIENT_TOOLS and isinstance(block["input"], dict):
            ends_open = draw(st.booleans())
            if ends_open:
                tellings[-1] = teller.open_tool(block)
    scripts = [
        _script(index, telling, stops=not ends_open or index < len(tellings) - 1)
        for index, telling in enumerate(tellings)
    ]
    if len(scripts) > 1 and "interleaved" in ways and draw(st.booleans()):
        content = _merged(draw, scripts)
    else:
        content = [event for script in scripts for event in script]
    if message.get("stop_reason") is None:
        events = [{"type": "message_start", "message": {**message, "content": [], "model": model}}]
        events += content
    else:
        start, deltas = _tell_head(draw, message, model, ways)
        events = [start, *content, *deltas, {"type": "message_stop"}]
    for position, event in draw(_noise(kinds, ways)):
        events.insert(1 + position % max(len(events) - 1, 1), event)
    if kinds.unknown:
        for position, inside, name, value in draw(_odd_fields(teller.grammar)):
            event = events[position % len(events)]
            holder = event["delta"] if inside and "delta" in event else event
            if holder.get("type") not in _ODD_TYPES:
                holder.setdefault(name, value)
    copied: list[Event] = _copied(events)
    return copied


def _script(index: int, telling: _Telling, *, stops: bool) -> list[Event]:
    """The events of one block."""
    start = {"type": "content_block_start", "index": index, "content_block": telling.start}
    deltas = [
        {"type": "content_block_delta", "index": index, "delta": delta} for delta in telling.deltas
    ]
    return [start, *deltas, *([{"type": "content_block_stop", "index": index}] * stops)]


_cached_streams = cache(_streams)


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
    kinds, chosen = _Kinds.of(blocks, unknown), _chosen("ways", ways, WAYS)
    if message is None:
        return _cached_streams(None, kinds, chosen)
    return _streams(_copied(dict(message)), kinds, chosen)


# --- streams with a fault -----------------------------------------------------------------------

Fault = Literal[
    "cut",
    "missing_stop",
    "repeated",
    "reordered",
    "wrong_index",
    "wrong_delta",
    "wrong_type",
    "missing_field",
    "bad_json",
    "bad_input",
    "error_event",
    "early",
    "late",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
"""What may be wrong with a stream, and what it must lead to (`BrokenStream.outcome`):

    cut            the stream ends before the message is complete: "incomplete"
    missing_stop   a block, or the message, does not stop: "message", for why it ended is told
    repeated       the message or a block starts twice, or a block stops twice: "protocol_error"
    reordered      a block starts behind its first delta, or its stop: "protocol_error"
    wrong_index    an event names a block that is not open, or not the next: "protocol_error"
    wrong_delta    a delta belongs to another kind of block: "protocol_error"
    wrong_type     a required field is not of its type: "protocol_error"
    missing_field  a required field is missing: "protocol_error"
    bad_json       the data of an event is not JSON, or no object: "protocol_error"
    bad_input      a tool's input is not JSON when its block stops: "protocol_error"
    error_event    the API gives up, with an `error` event: "error"
    early          an event comes before the message starts: "unfolded"
    late           an event comes after the message stopped: "unfolded"
"""

Outcome = Literal["message", "unfolded", "incomplete", "error", "protocol_error"]


@attrs.frozen
class BrokenStream:
    """A stream with one fault.

    Attributes:
        fault: which it is: one of `FAULTS`.
        events: the events. Only `bad_json` has one that is no object: the text that stands in its
            place, as `wire` writes it.
        at: the position in `events` where the fault shows: of the event that breaks the protocol,
            or cannot be folded, or is the error; of the event that is missing, or the number of
            events if they end too soon.
        outcome: what a reader must make of it. "protocol_error": the event at `at` breaks the
            protocol. "incomplete": the stream ended too soon. "error": the API said so. "unfolded":
            the message is as if the event at `at` had not come. "message": the message is whole.
    """

    fault: Fault
    events: list[Any]
    at: int
    outcome: Outcome


def _places(events: list[Event], *kinds: str) -> list[int]:
    """The positions of the events of these kinds."""
    return [at for at, event in enumerate(events) if event["type"] in kinds]


_BLOCK_EVENTS = ("content_block_start", "content_block_delta", "content_block_stop")


def _cut(draw: Draw, events: list[Event]) -> int:
    whole = next(
        at
        for at, event in enumerate(events)
        if event["type"] == "message_delta" and event["delta"].get("stop_reason") is not None
    )
    del events[draw(st.integers(0, whole)) :]
    return len(events)


def _missing_stop(draw: Draw, events: list[Event]) -> int:
    at: int = draw(st.sampled_from(_places(events, "content_block_stop", "message_stop")[::-1]))
    del events[at]
    return at


def _repeated(draw: Draw, events: list[Event]) -> int:
    kinds = ("message_start", "content_block_start", "content_block_stop")
    first = draw(st.sampled_from(_places(events, *kinds)))
    again: int = draw(st.integers(first + 1, len(events) - 1))
    events.insert(again, _copied(events[first]))
    return again


def _reordered(draw: Draw, events: list[Event]) -> int:
    start = draw(st.sampled_from(_places(events, "content_block_start")))
    index = events[start]["index"]
    places = _places(events[start + 1 :], *_BLOCK_EVENTS)
    own = next(at for at in places if events[start + 1 + at]["index"] == index)
    other = next(at for at in places if at == own or _starts(events[start + 1 + at]))
    events.insert(start + 1 + own, events.pop(start))
    return int(start) + other


def _starts(event: Event) -> bool:
    return bool(event["type"] == "content_block_start")


def _wrong_index(draw: Draw, events: list[Event]) -> int:
    at: int = draw(st.sampled_from(_places(events, *_BLOCK_EVENTS)))
    open_at, started = _open_blocks(events[:at])
    wrong = [index for index in range(-1, started + 3) if index not in open_at]
    if events[at]["type"] == "content_block_start":
        wrong = [index for index in range(-1, started + 3) if index != started]
    events[at]["index"] = draw(st.sampled_from(wrong))
    return at


def _open_blocks(events: list[Event]) -> tuple[set[int], int]:
    """The blocks that are open behind these events, and how many have started."""
    starts = {events[at]["index"] for at in _places(events, "content_block_start")}
    stops = {events[at]["index"] for at in _places(events, "content_block_stop")}
    return starts - stops, len(starts)


_CITATION = {"type": "web_search_result_location", "cited_text": "", "url": ""}
_DELTAS: dict[str, dict[str, JSON]] = {
    "text_delta": {"text": "a"},
    "citations_delta": {"citation": {**_CITATION, "encrypted_index": ""}},
    "input_json_delta": {"partial_json": "{}"},
    "thinking_delta": {"thinking": "a"},
    "signature_delta": {"signature": "a"},
    "compaction_delta": {"content": "a"},
}
"""A delta of each kind."""

_DELTAS_OF = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "compaction": {"compaction_delta"},
    **{kind: {"input_json_delta"} for kind in _CLIENT_TOOLS},
}
"""The deltas of each kind of block that has some."""


def _wrong_delta(draw: Draw, events: list[Event]) -> int:
    start: int = draw(st.sampled_from(_places(events, "content_block_start")))
    own = _DELTAS_OF.get(events[start]["content_block"]["type"], set())
    kind = draw(st.sampled_from([kind for kind in _DELTAS if kind not in own]))
    delta = _copied({"type": kind, **_DELTAS[kind]})
    index = events[start]["index"]
    events.insert(start + 1, {"type": "content_block_delta", "index": index, "delta": delta})
    return start + 1


_REQUIRED: dict[str, tuple[str, ...]] = {
    "message_start": ("message",),
    "content_block_start": ("index", "content_block"),
    "content_block_delta": ("index", "delta"),
    "content_block_stop": ("index",),
    "message_delta": ("delta",),
    "message": ("id", "role", "model", "content"),
    "text": ("text",),
    "thinking": ("thinking",),
    "redacted_thinking": ("data",),
    "container_upload": ("file_id",),
    **dict.fromkeys(_CLIENT_TOOLS, ("id", "name", "input")),
    **{kind: ("tool_use_id", "content") for kind in BLOCKS if kind.endswith("_result")},
    **{kind: tuple(fields) for kind, fields in _DELTAS.items() if kind != "compaction_delta"},
}
"""By the `type` of an event, a message, a block or a delta: fields that it must have."""

_of_other_types: dict[str, Strategy] = {
    "str": st.sampled_from([None, True, 0, 1.5, [], {}]),
    "int": st.sampled_from([None, True, 1.5, "", "0", [], {}]),
    "dict": st.sampled_from([None, False, 0, 1.5, ""]),
    "list": st.sampled_from([None, False, 0, 1.5]),
}
"""What is not of this type, and of no other that the same field may have."""


def _a_required_field(draw: Draw, events: list[Event]) -> tuple[int, dict[str, JSON], str]:
    """The position of an event, the object in it that has the field, and its name."""
    at: int = draw(st.sampled_from([at for at in range(len(events)) if _holders(events[at])]))
    holder = draw(st.sampled_from(_holders(events[at])))
    known = [*_REQUIRED.get(holder["type"], ())]
    known += ["type"] if holder is not events[at] and holder["type"] != "message" else []
    return at, holder, draw(st.sampled_from(known))


def _holders(event: Event) -> list[dict[str, JSON]]:
    """The event and what it holds, as far as they must have fields."""
    if event["type"] not in _REQUIRED:
        return []
    held = [event.get(field) for field in ("message", "content_block")]
    held += [event["delta"]] if event["type"] == "content_block_delta" else []
    return [event, *(value for value in held if value is not None)]


def _wrong_type(draw: Draw, events: list[Event]) -> int:
    at, holder, field = _a_required_field(draw, events)
    holder[field] = _copied(draw(_of_other_types[type(holder[field]).__name__]))
    return at


def _missing_field(draw: Draw, events: list[Event]) -> int:
    at, holder, field = _a_required_field(draw, events)
    del holder[field]
    return at


def _bad_json(draw: Draw, events: list[Any]) -> int:
    at: int = draw(st.integers(0, len(events) - 1))
    whole = json.dumps(events[at])
    bad = st.sampled_from(["{", "nope", "null", "5", "[]", f"[{whole}]", f"{whole}}}"])
    events[at] = draw(bad | st.integers(1, len(whole) - 1).map(lambda end: whole[:end]))
    return at


def _bad_input(draw: Draw, events: list[Event]) -> int:
    stop: int = draw(st.sampled_from(_places(events, "content_block_stop")))
    junk = {"type": "input_json_delta", "partial_json": draw(st.sampled_from('{}"x,'))}
    delta = {"type": "content_block_delta", "index": events[stop]["index"], "delta": junk}
    events.insert(stop, delta)
    return stop + 1


def _error_event(draw: Draw, events: list[Event]) -> int:
    at: int = draw(st.integers(0, len(events) - 1))
    events[at:] = [draw(_errors)]
    return at


_errors = st.builds(
    lambda kind: {"type": "error", "error": {"type": kind, "message": kind}},
    st.sampled_from(["overloaded_error", "api_error", "rate_limit_error"]),
)


def _early(draw: Draw, events: list[Event]) -> int:
    events.insert(0, _copied(draw(st.sampled_from(events[1:]).filter(_is_no_ping))))
    return 0


def _late(draw: Draw, events: list[Event]) -> int:
    events.append(_copied(draw(st.sampled_from(events).filter(_is_no_ping))))
    return len(events) - 1


def _is_no_ping(event: Event) -> bool:
    return bool(event["type"] != "ping")


_BREAKS: dict[Fault, tuple[Outcome, Callable[[Draw, list[Any]], int]]] = {
    "cut": ("incomplete", _cut),
    "missing_stop": ("message", _missing_stop),
    "repeated": ("protocol_error", _repeated),
    "reordered": ("protocol_error", _reordered),
    "wrong_index": ("protocol_error", _wrong_index),
    "wrong_delta": ("protocol_error", _wrong_delta),
    "wrong_type": ("protocol_error", _wrong_type),
    "missing_field": ("protocol_error", _missing_field),
    "bad_json": ("protocol_error", _bad_json),
    "bad_input": ("protocol_error", _bad_input),
    "error_event": ("error", _error_event),
    "early": ("unfolded", _early),
    "late": ("unfolded", _late),
}
"""By fault: what it leads to, and what puts it into a stream and says where."""


@st.composite
def _broken(
    draw: Draw, faults: tuple[Fault, ...], kinds: _Kinds, ways: tuple[str, ...]
) -> BrokenStream:
    fault: Fault = draw(st.sampled_from(faults))
    if fault == "wrong_delta":
        kinds = kinds._replace(unknown=False)
    if fault == "bad_input":
        kinds = _Kinds(tuple(kind for kind in kinds.blocks if kind in _CLIENT_TOOLS), False)
        ways = tuple(way for way in ways if way != "open_tool")
    events = draw(_cached_streams(None, kinds, ways, 1))
    outcome, breaks = _BREAKS[fault]
    at = breaks(draw, events)
    return BrokenStream(fault, events, at, outcome)


_cached_broken = cache(_broken)


def broken(
    *,
    faults: Collection[Fault] = FAULTS,
    blocks: Collection[str] = BLOCKS,
    unknown: bool = False,
    ways: Collection[Way] = WAYS,
) -> st.SearchStrategy[BrokenStream]:
    """A stream with one fault, and what a reader must make of it.

    Args:
        faults: those it may have: some of `FAULTS`. A `bad_input` needs a tool among the blocks.
        blocks: as in `raw_events`; one at least.
        unknown: as in `raw_events`.
        ways: as in `raw_events`.

    Raises:
        ValueError: there is no such fault, block or way, or none that can be.

    >>> from hypothesis import find
    >>> stream = find(broken(faults=["error_event"]), lambda stream: stream.at > 0)
    >>> stream.fault, stream.outcome, stream.events[stream.at]["error"]["type"]
    ('error_event', 'error', 'overloaded_error')
    """
    kinds, chosen = _Kinds.of(blocks, unknown), _chosen("ways", ways, WAYS)
    possible = _chosen("faults", faults, FAULTS)
    if not set(kinds.blocks) & set(_CLIENT_TOOLS):
        possible = tuple(fault for fault in possible if fault != "bad_input")
    if not possible or not kinds.blocks:
        raise ValueError(f"there is no stream of {blocks!r} with one of {faults!r}")
    return _cached_broken(possible, kinds, chosen)


# --- bytes --------------------------------------------------------------------------------------

Form = Literal[
    "crlf", "cr", "bom", "comments", "fields", "nameless", "multi_line", "spelled", "unspaced"
]
FORMS: tuple[Form, ...] = get_args(Form)
"""Ways to write events as bytes, each of them a server-sent event of the same JSON:

    crlf        lines end with CRLF
    cr          lines end with CR
    bom         the body begins with a byte order mark
    comments    there are comments between the events
    fields      events have `id`, `retry` or unknown fields
    nameless    events have no `event` field
    multi_line  the JSON stands in many `data` lines
    spelled     the JSON is written with other escapes, white space, and order of keys
    unspaced    no space stands between a field's colon and its value, or a tab
"""

_LINE_ENDS = {"crlf": "\r\n", "cr": "\r"}
_extra_fields = st.sampled_from(["id: 1", "retry: 9", "unknown: x", "y", "id"])
_comments = st.sampled_from([":", ": comment", ":data: {}"])
_gaps = st.sampled_from(["", "\t", "  "])


def _write(draw: Draw, event: Mapping[str, JSON] | str, forms: Collection[str]) -> list[str]:
    """The lines of one event."""
    if isinstance(event, str):
        name, lines = "content_block_delta", [event]
    else:
        name = event["type"]
        lines = _json_lines(draw, event, forms)
    gap = draw(_gaps) if "unspaced" in forms else " "
    written = [draw(_comments)] if "comments" in forms else []
    if isinstance(name, str) and name.isidentifier() and "nameless" not in forms:
        written.append(f"event:{gap if gap != '  ' else ' '}{name}")
    if "fields" in forms:
        written.append(draw(_extra_fields))
    return [*written, *(f"data:{gap}{line}" for line in lines), ""]


def _json_lines(draw: Draw, event: Mapping[str, JSON], forms: Collection[str]) -> list[str]:
    ascii_only, separators = False, (",", ":")
    if "spelled" in forms:
        event = dict(reversed(list(event.items()))) if draw(st.booleans()) else event
        ascii_only, separators = draw(st.booleans()), draw(_separators)
    indent = draw(st.integers(0, 2)) if "multi_line" in forms else None
    text = json.dumps(event, ensure_ascii=ascii_only, separators=separators, indent=indent)
    if not ascii_only and any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(event, separators=separators, indent=indent)
    return text.split("\n") if "multi_line" in forms else [text.replace("\n", " ")]


@cache
def _some_forms(forms: tuple[str, ...]) -> Strategy:
    return st.lists(st.sampled_from(forms), max_size=2, unique=True) if forms else st.just([])


@st.composite
def _wire(draw: Draw, events: list[Any], forms: tuple[str, ...]) -> bytes:
    ends = [_LINE_ENDS[form] for form in forms if form in _LINE_ENDS]
    line_ends = st.sampled_from(["\n", *ends])
    line_end = draw(line_ends)
    mixed = bool(ends) and draw(_seldom)
    mark = "\ufeff" if "bom" in forms and draw(_seldom) else ""
    some_forms = _some_forms(
        tuple(form for form in forms if form not in _LINE_ENDS and form != "bom")
    )
    parts = [mark]
    for event in events:
        if mixed:
            line_end = draw(line_ends)
        parts += [line + line_end for line in _write(draw, event, draw(some_forms))]
    return "".join(parts).encode()


def wire(
    told: BrokenStream | Mapping[str, JSON] | Iterable[Mapping[str, JSON] | str] | None = None,
    *,
    forms: Collection[Form] = FORMS,
) -> st.SearchStrategy[bytes]:
    """The body of a response: events as bytes, written in any way the standard allows.

    Args:
        told: the events, of which a text is data that is written as it is; or a `BrokenStream`; or
            a message, which `raw_events` tells. Any stream, if it is None.
        forms: the ways to write them: some of `FORMS`. None at all: as the API does.

    Raises:
        ValueError: there is no such form.

    >>> from hypothesis import find
    >>> find(wire([{"type": "ping"}]), lambda body: True)
    b'event: ping\\ndata: {"type":"ping"}\\n\\n'
    >>> find(wire([{"type": "ping"}], forms=["crlf"]), lambda body: b"\\r" in body)
    b'event: ping\\r\\ndata: {"type":"ping"}\\r\\n\\r\\n'
    """
    chosen = _chosen("forms", forms, FORMS)
    if isinstance(told, BrokenStream):
        told = told.events
    if told is None or isinstance(told, Mapping):
        return raw_events(told).flatmap(lambda events: _wire(events, chosen))
    return _wire(list(told), chosen)


@st.composite
def _chunked(draw: Draw, data: bytes) -> list[bytes]:
    how = draw(_how_to_chunk)
    if how == "each":
        return [data[at : at + 1] for at in range(len(data))]
    places = st.integers(0, len(data))
    tender = [at for at in range(1, len(data)) if _is_tender(data, at)] if how == "tender" else []
    if tender:
        places |= st.sampled_from(tender)
    ends = sorted(draw(st.lists(places, max_size=8))) if how != "whole" else []
    return [data[begin:end] for begin, end in zip([0, *ends], [*ends, len(data)], strict=True)]


_how_to_chunk = st.sampled_from(["whole", "cut", "tender", "each"])


def _is_tender(data: bytes, at: int) -> bool:
    """Whether a cut there is in a character, or beside the end of a line."""
    return data[at] & 0xC0 == 0x80 or data[at] in b"\r\n" or data[at - 1] in b"\r\n"


def chunked(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """`data` in chunks: in one, cut anywhere, cut in characters and line ends, or byte by byte.

    Some of them may be empty.

    >>> from hypothesis import find
    >>> find(chunked(b"data: x"), lambda chunks: len(chunks) == 2)
    [b'', b'data: x']
    """
    return _chunked(data)


# --- JSON texts ---------------------------------------------------------------------------------

_STRING_PARTS = [
    *['\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\u00e9", "\\u00E9"],
    *["\\u20ac", "\\uD83D\\uDE00", "\\ud83d\\ude00", "\\uDBFF\\udfff", "\\uD800\\uDC00"],
    *["\\ud7ff", "\\uE000", "\\u0041", "\\uFFFF"],
    *["a", "true", "1", " ", "  ", "{", "}", "[", "]", ":", ",", "'", "/", "nul"],
    *["é", "€", "😀", "\x7f", "\u2028", "\ufeff", "\x85", "\U0010ffff"],
]
"""Pieces of a JSON string: escapes of each kind, text of every width, what looks like syntax."""

_INTEGERS = ["0", "-0", "1", "10", "-7", "9223372036854775807", "9223372036854775808"]


def _numbers() -> Strategy:
    integers = st.sampled_from(_INTEGERS) | st.integers(-(10**30), 10**30).map(str)
    digits = st.text("0123456789", min_size=1, max_size=22)
    exponents = st.builds(
        "{}{}{}".format,
        st.sampled_from("eE"),
        st.sampled_from(["", "+", "-"]),
        st.text("0123456789", min_size=1, max_size=2),
    )
    return st.one_of(
        integers,
        st.builds("{}.{}".format, integers, digits),
        st.builds("{}{}".format, integers, exponents),
        st.builds("{}.{}{}".format, integers, digits, exponents),
        _floats.map(json.dumps),
    )


def _strings() -> Strategy:
    plain = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters='"\\')
    parts = st.lists(st.sampled_from(_STRING_PARTS) | st.text(plain, max_size=5), max_size=5)
    return parts.map(lambda parts: f'"{"".join(parts)}"') | st.text(max_size=6).map(json.dumps)


@cache
def _documents(nan: bool) -> Strategy:
    keywords = ["null", "true", "false", *(["NaN", "Infinity", "-Infinity"] * nan)]
    strings = _strings()
    keys = st.sampled_from(['"a"', '"b"']) | strings
    gaps = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n", "  \n "])

    def containers(items: Strategy) -> Strategy:
        padded = st.builds("{}{}{}".format, gaps, items, gaps)
        members = st.builds("{}{}{}:{}".format, gaps, keys, gaps, padded)
        return st.one_of(
            gaps.map("[{}]".format),
            gaps.map("{{{}}}".format),
            st.lists(padded, max_size=4).map(lambda parts: f"[{','.join(parts)}]"),
            st.lists(members, max_size=4).map(lambda parts: f"{{{','.join(parts)}}}"),
        )

    scalars = st.sampled_from(keywords) | _numbers() | strings
    values = st.recursive(scalars, containers, max_leaves=8)
    return st.builds("{}{}{}".format, gaps, values, gaps)


def json_documents(*, nan: bool = False) -> st.SearchStrategy[str]:
    """The text of a JSON document, in any spelling.

    Args:
        nan: also `NaN` and `Infinity`, which are no JSON, but which Python reads and writes.

    >>> from hypothesis import find
    >>> find(json_documents(), lambda text: isinstance(json.loads(text), list))
    '[]'
    """
    return _documents(nan)


@st.composite
def _json_prefixes(draw: Draw, document: str | None) -> str:
    whole = draw(_documents(False)) if document is None else document
    return str(whole[: draw(st.integers(0, len(whole)))])


def json_prefixes(document: str | None = None) -> st.SearchStrategy[str]:
    """The beginning of a JSON text: of `document`, or of any; from nothing to all of it.

    >>> from hypothesis import find
    >>> find(json_prefixes('{"city": "Lisboa"}'), lambda text: "L" in text)
    '{"city": "L'
    """
    return _json_prefixes(document)
