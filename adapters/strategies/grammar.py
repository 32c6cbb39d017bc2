"""The parts of a message, each as a strategy.

A grammar draws the parts that the API sends. Two options add others: `unknown` parts that the API
does not have, and `unusual` ones that its schema allows but it does not send (`UNUSUAL`). Each
grammar is made once.

Decisions, with their sources (Messages API reference, guides, GA and beta headers, November 2026):

    texts        never empty: "text content blocks must be non-empty" is the API's own request
                 error, and a stopped block has received at least one delta (guide "Streaming
                 Messages"). Half repeat a phrase, as prose and tables do; many exceed a line
    thinking     never empty, always signed (guide "Extended thinking")
    tool names   of the alphabet that a tool definition allows: ^[a-zA-Z0-9_-]{1,128}$ (reference)
    tool inputs  any JSON object, because the model writes it: integers beyond 2^53, nested up to 20
                 levels, empty (guide "Tool use")
    results      follow the server tool that they answer (guides of the server tools)
    stop reason  fits the content (guide "Handling stop reasons"): `tool_use` after a client tool,
                 `pause_turn` with a server tool, `compaction` after a compaction block,
                 `stop_sequence` with its text, `refusal` with details
    counts       nested ones too; every total is at least what it was at the start (guide
                 "Streaming Messages": "cumulative")
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, cast, get_args

from hypothesis import strategies as st
from streamfold.reducer import StopReason

from .tool_results import tool_results

__all__ = ["BLOCKS", "UNUSUAL", "Grammar", "Unusual", "grammar_of"]

JSON = Any
Draw = Callable[[st.SearchStrategy[Any]], Any]
Strategy = st.SearchStrategy[Any]

TOOLS = ("tool_use", "server_tool_use", "mcp_tool_use")
"""The blocks whose input comes as JSON text."""

SERVER_TOOLS = (
    "web_search",
    "web_fetch",
    "code_execution",
    "bash_code_execution",
    "text_editor_code_execution",
    "tool_search_tool_regex",
    "advisor",
)

WEIGHTS = {
    "text": 12,
    "tool_use": 24,
    "thinking": 9,
    "server_tool_use": 3,
    "mcp_tool_use": 2,
    "redacted_thinking": 2,
    "web_search_tool_result": 2,
    "web_fetch_tool_result": 2,
    "code_execution_tool_result": 2,
    "bash_code_execution_tool_result": 2,
    "text_editor_code_execution_tool_result": 2,
    "tool_search_tool_result": 2,
    "advisor_tool_result": 2,
    "mcp_tool_result": 2,
    "mcp_tool_listing": 2,
    "container_upload": 2,
    "compaction": 2,
    "fallback": 2,
    "unknown": 2,
}
"""The relative frequency of each kind of block."""

BLOCKS: tuple[str, ...] = tuple(kind for kind in WEIGHTS if kind != "unknown")
"""The kinds of content blocks of the API."""

Unusual = Literal["empty_blocks", "nameless_tools", "any_stop_reason"]
UNUSUAL: tuple[Unusual, ...] = get_args(Unusual)
"""Content that the schema allows and the API does not send:

    empty_blocks     text and thinking blocks without text, thinking without a signature
    nameless_tools   tools with an empty name, or with a name that no tool definition allows
    any_stop_reason  a stop reason that does not fit the content
"""

ODD_TYPES = ["hologram", "tex", "", "message", "a\nb", "\r", "\ud83d", " x", "é:"]
"""Types that no version of the API has."""

ODD_NAMES = ["x", "mood", "_rest", "rest", "items", "from_", "snapshot", "input_json", "replace"]
"""Names of fields that the API does not have. Some are names that implementations use."""

_CAREFUL = 'a "\\{}[]:,/\n\r\t\0\x7f\x85é€\u2028\ufeff\ufffd😀'
"""Characters that JSON, SSE or UTF-8 treat specially."""
_CUT = '"\\é😀'
"""Those of them whose encoding can be cut in two."""

nothing: Strategy = st.nothing()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
MODELS = ["claude-opus-4-6", "claude-haiku-4-5", "claude-next"]
models = st.sampled_from(MODELS)
floats = st.floats(allow_nan=False, allow_infinity=False)
_counts = st.integers(0, 5000)
_NESTED_COUNTS = ("server_tool_use", "output_tokens_details")
_categories = st.sampled_from([None, "cyber", "bio"])
_VERSIONS = ("20250825", "20260120")
_ids = st.sampled_from(["toolu_1", "toolu_2"])
_EXACT = [2**53 + 1, -(2**53) - 1, 2**63, 12345678901234567891]
"""Integers that a float cannot hold."""
_PHRASES = [
    "word ",
    "ab",
    "Lorem ipsum dolor sit amet. ",
    "é€",
    "- item\n",
    "| a | b |\n",
    "y: {1}\n",
]
_COUNTS = [2, 3, 5, 8, 13, 21, 34]
_SIGNATURES = [f"EqoB{number:02}+/=" for number in range(20)]
_tool_names = st.sampled_from(["get_weather", "search", "write-file"]) | st.text(
    "abcXYZ019_-", min_size=1, max_size=12
)


def _itself(strategy: Strategy) -> Strategy:
    """For `flatmap`, because `one_of` would choose among the parts of its parts."""
    return strategy


def _nested(value: JSON, depth: int) -> JSON:
    """The value inside this many objects and arrays."""
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return {"value": value}


def _some(alphabet: str | st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
    """Non-empty texts of these characters."""
    return st.text(alphabet, min_size=1, max_size=most)


def joined(string: str) -> str:
    """`string` with each surrogate pair joined to one character."""
    return string.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def copied(value: JSON) -> JSON:
    """A deep copy of the JSON value."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in cast("dict[str, JSON]", value).items()}
    if isinstance(value, list):
        return [copied(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value


class Grammar:
    """The parts of a message, as strategies.

    Args:
        unknown: draw also parts that the API does not have.
        unusual: the unusual content to draw, some of `UNUSUAL`.
    """

    def __init__(self, unknown: bool, unusual: tuple[Unusual, ...]) -> None:
        self.unknown = unknown
        self.unusual = unusual
        plain = st.sampled_from(["", "a", "aa", "aaaa", "Hello", "A 😀"])
        any_character = st.characters(codec="utf-8")
        texts = plain | _some(_CUT, 6) | _some(_CAREFUL, 12) | _some(any_character, 8)
        if unknown:
            texts |= _some(st.sampled_from("a\ud83d\ude00"), 4).map(joined)
        self.text: Strategy = texts
        self.words: Strategy = self.known_or_odd(texts.filter(bool), texts)
        phrases = st.builds(
            operator.mul,
            st.sampled_from(_PHRASES),
            st.sampled_from(_COUNTS),
        )
        prose = [*[st.just("")] * ("empty_blocks" in unusual), self.words, phrases]
        self.prose: Strategy = texts if unknown else st.sampled_from(prose).flatmap(_itself)
        self.tool_name: Strategy = _tool_names
        if "nameless_tools" in unusual:
            self.tool_name = texts if unknown else texts | _tool_names
        self.maybe_text: Strategy = st.none() | self.words
        names = st.sampled_from(["a", "b", "😀"]) | st.text(_CUT, max_size=4)
        self.name: Strategy = self.known_or_odd(names, self.text)
        integers = st.integers(-(2**70), 2**70) | st.sampled_from(_EXACT)
        scalars = st.none() | st.booleans() | integers | floats | self.text
        self.value: Strategy = st.recursive(
            scalars,
            lambda items: (
                st.lists(items, max_size=3) | st.dictionaries(self.name, items, max_size=3)
            ),
            max_leaves=4,
        )
        self.object: Strategy = st.dictionaries(self.name, self.value, max_size=3)
        self.maybe_object: Strategy = st.none() | self.object
        self.stop_details: Strategy = st.none() | self.tagged(
            "refusal",
            {},
            category=self.known_or_odd(_categories, self.text),
            explanation=self.maybe_text,
        )
        self.blocks = self._blocks()
        self.head = self._head()

    def object_with(self, required: dict[str, Strategy], **optional: Strategy) -> Strategy:
        """Objects with these fields; with unknown fields too, in the grammar that has them."""
        most = 4 if optional else 1
        names = sorted(optional) * 3
        if self.unknown:
            names += ODD_NAMES
            optional.update(dict.fromkeys(ODD_NAMES, self.value))
        elif not names:
            return st.fixed_dictionaries(required)
        return _with_fields(
            required, optional, st.lists(st.sampled_from(names), max_size=most, unique=True)
        )

    def tagged(self, kind: str, required: dict[str, Strategy], **optional: Strategy) -> Strategy:
        """Objects of this `type`."""
        return self.object_with({"type": st.just(kind), **required}, **optional)

    def known_or_odd(self, known: Strategy, odd: Strategy) -> Strategy:
        """The known values; with the odd ones, in the grammar of unknown things."""
        return known | odd if self.unknown else known

    def _citation(self) -> Strategy:
        text, maybe = self.text, self.maybe_text
        of_document = {"document_title": maybe, "file_id": maybe}
        document = {"cited_text": text, "document_index": _counts}
        blocks = {"start_block_index": _counts, "end_block_index": _counts}
        places = {
            "char_location": {"start_char_index": _counts, "end_char_index": _counts},
            "page_location": {"start_page_number": _counts, "end_page_number": _counts},
            "content_block_location": blocks,
        }
        found = {"cited_text": text, "source": text, "search_result_index": _counts, **blocks}
        web = {"cited_text": text, "url": text, "encrypted_index": text}
        known = st.one_of(
            *[
                self.tagged(kind, {**document, **place}, **of_document)
                for kind, place in places.items()
            ],
            self.tagged("search_result_location", found, title=maybe),
            self.tagged("web_search_result_location", web, title=maybe),
        )
        return self.known_or_odd(known, self.tagged("hologram_location", {"frame": self.value}))

    def _blocks(self) -> dict[str, Strategy]:
        """A finished block of each kind."""
        text, maybe, tagged = self.words, self.maybe_text, self.tagged
        prose = self.prose
        either = self.known_or_odd
        callers = [tagged(f"code_execution_{date}", {"tool_id": _ids}) for date in _VERSIONS]
        caller = st.one_of(st.none(), tagged("direct", {}), *callers)
        reference = tagged("tool_reference", {"name": text})
        changed = tagged("tool_addition", {"tool": reference})
        changes = either(
            st.none() | st.lists(changed, max_size=2), st.lists(self.object, max_size=2)
        )
        known_inputs = st.one_of(
            self.object,
            st.dictionaries(self.name, maybe, max_size=2),
            self.prose.map(lambda text: {"text": text}),
            st.sampled_from(_EXACT).map(lambda number: {"number": number}),
            st.builds(_nested, self.value, st.integers(0, 20)),
        )
        inputs = self.object | self.value if self.unknown else known_inputs
        tool = {"id": _ids, "name": self.tool_name, "input": inputs}
        server_tool = {**tool, "name": either(st.sampled_from(SERVER_TOOLS), text)}
        parts = st.lists(tagged("text", {"text": text}), max_size=2)
        listed = self.object_with({"name": text, "input_schema": self.object}, description=maybe)
        refused = tagged("refusal", {}, category=either(_categories, text))
        model = self.known_or_odd(
            self.object_with({"model": models}), st.fixed_dictionaries({"model": st.none()})
        )
        signatures = st.sampled_from(["", *_SIGNATURES] if self.unusual else _SIGNATURES)
        signed = {"signature": either(signatures, text)}
        some_citations = st.lists(self._citation(), min_size=1, max_size=3)
        blocks = {
            "text": st.one_of(
                tagged("text", {"text": prose}),
                tagged("text", {"text": prose, "citations": st.none() | st.just([])}),
                tagged("text", {"text": prose, "citations": some_citations}),
            ),
            "thinking": tagged("thinking", {"thinking": prose, **signed}),
            "redacted_thinking": tagged("redacted_thinking", {"data": text}),
            "tool_use": tagged("tool_use", tool, caller=caller, toolset_name=maybe),
            "server_tool_use": tagged("server_tool_use", server_tool, caller=caller),
            "mcp_tool_use": tagged("mcp_tool_use", {**tool, "server_name": text}),
            "mcp_tool_result": tagged(
                "mcp_tool_result",
                {"tool_use_id": _ids, "content": text | parts, "is_error": st.booleans()},
            ),
            "mcp_tool_listing": tagged(
                "mcp_tool_listing",
                {"mcp_server_name": text, "tools": st.lists(listed, max_size=2)},
            ),
            "container_upload": tagged("container_upload", {"file_id": text}),
            "compaction": tagged(
                "compaction",
                {"content": maybe},
                encrypted_content=maybe,
                signature=maybe,
                tool_changes=changes,
            ),
            "fallback": tagged(
                "fallback",
                {"from": model, "to": model, "trigger": either(refused, self.maybe_object)},
            ),
            "unknown": self.object_with(
                {"type": st.sampled_from(ODD_TYPES)}, text=text, content=self.value
            ),
        }
        if self.unknown:
            blocks["thinking"] |= tagged("thinking", {"thinking": text}, signature=maybe)
            blocks["compaction"] |= tagged("compaction", {}, encrypted_content=maybe)
        for kind, content in tool_results(self.text, maybe, _counts, tagged).items():
            called = {"caller": caller} if kind.startswith("web_") else {}
            result = {"tool_use_id": _ids, "content": either(content, self.object)}
            blocks[kind] = tagged(kind, result, **called)
        return blocks

    def _usage(self) -> Strategy:
        either, maybe = self.known_or_odd, self.maybe_text
        counted = dict.fromkeys(["input_tokens", "output_tokens"], _counts)
        cached = ["cache_creation_input_tokens", "cache_read_input_tokens"]
        created = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"]
        requests = ["web_search_requests", "web_fetch_requests"]

        def counts_of(*names: str) -> Strategy:
            known = self.object_with(dict.fromkeys(names, _counts))
            return st.none() | either(known, self.object_with({}, **dict.fromkeys(names, _counts)))

        iteration = self.tagged(
            "message",
            {**counted, **dict.fromkeys(cached, _counts)},
            cache_creation=counts_of(*created),
            model=models,
        )
        redeemed = self.tagged("redeemed", {})
        credit = redeemed | self.tagged("not_applied", {"reason": st.just("expired")})
        optional = {
            **dict.fromkeys(cached, st.none() | _counts),
            "cache_creation": counts_of(*created),
            "server_tool_use": counts_of(*requests),
            "output_tokens_details": counts_of("thinking_tokens"),
            "iterations": st.none() | st.lists(iteration, max_size=2),
            "fallback_credit": st.none()
            | either(self.object_with({"status": credit}), self.maybe_object),
            "service_tier": either(st.sampled_from([None, "standard", "priority"]), maybe),
            "inference_geo": maybe,
            "speed": either(st.sampled_from([None, "standard", "fast"]), maybe),
        }
        counted_tools = st.fixed_dictionaries(dict.fromkeys(requests, _counts))
        known = self.object_with(
            {
                **counted,
                "server_tool_use": st.none() | counted_tools,
                "output_tokens_details": st.none()
                | st.fixed_dictionaries({"thinking_tokens": _counts}),
            },
            **{key: value for key, value in optional.items() if key not in _NESTED_COUNTS},
        )
        if not self.unknown:
            return known
        odd = self.object_with({}, **optional, input_tokens=st.none(), energy_wh=st.none() | floats)
        return self.object_with(counted, **optional) | odd

    def _head(self) -> Strategy:
        """A message without its content; in the known grammar also without its stop reason."""
        text, maybe, either = self.words, self.maybe_text, self.known_or_odd
        objects = st.lists(self.object, max_size=2)
        skill = self.tagged("custom", {"skill_id": text, "version": text})
        cleared = self.tagged(
            "clear_tool_uses_20250919",
            {"cleared_input_tokens": _counts, "cleared_tool_uses": _counts},
        )
        dropped = self.tagged(
            "thinking_dropped", {"path": text, "reason": st.just("model_binding_mismatch")}
        )
        always = {
            "id": st.sampled_from(["msg_1", "msg_2"]),
            "role": st.just("assistant"),
            "model": models,
        }
        usual = {"usage": self._usage()}
        stop = {
            "stop_reason": st.sampled_from(get_args(StopReason)) | st.just("weariness"),
        }
        optional = {
            "container": st.none()
            | self.object_with(
                {"id": text, "expires_at": either(st.just("2026-11-22T10:00:00Z"), maybe)},
                skills=st.none() | either(st.lists(skill, max_size=2), objects),
            ),
            "context_management": st.none()
            | either(
                self.object_with({"applied_edits": st.lists(cleared, max_size=2)}), self.object
            ),
            "input_transformations": st.none() | either(st.lists(dropped, max_size=2), objects),
            "diagnostics": st.none()
            | either(
                self.object_with({"cache_miss_reason": self.tagged("unavailable", {}) | st.none()}),
                self.object,
            ),
        }
        known = self.tagged("message", {**always, **usual}, **optional)
        if not self.unknown:
            return known
        always.update(stop)
        usual["stop_sequence"] = maybe
        ends = {"stop_details": self.stop_details}
        whole = self.tagged("message", {**always, **usual}, **optional, **ends)
        return whole | self.tagged("message", always, **usual, **optional, **ends)


@st.composite
def _with_fields(
    draw: Draw, required: dict[str, Strategy], others: dict[str, Strategy], names: Strategy
) -> dict[str, JSON]:
    made = {name: draw(values) for name, values in required.items()}
    return {**made, **{name: draw(others[name]) for name in draw(names)}}


grammar_of = cache(Grammar)
