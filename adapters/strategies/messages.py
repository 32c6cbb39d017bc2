"""Messages as the API returns them unstreamed.

The content is drawn block by block, then arranged as the API sends it: each result of a server tool
after the call that it answers, client tools last. The stop reason is drawn last, among those that
fit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple, TypeVar, get_args

from hypothesis import strategies as st
from streamfold.reducer import StopReason

from .grammar import (
    BLOCKS,
    JSON,
    TOOLS,
    UNUSUAL,
    WEIGHTS,
    Draw,
    Grammar,
    Strategy,
    Unusual,
    copied,
    grammar_of,
    nothing,
)

__all__ = [
    "Ending",
    "Kinds",
    "any_block",
    "arrangement",
    "chosen_from",
    "message_of",
    "messages",
    "model_after",
]

Name = TypeVar("Name", bound=str)


def chosen_from(known: tuple[Name, ...], option: str, names: Collection[Name]) -> tuple[Name, ...]:
    """The names, in the order of `known`.

    Raises:
        ValueError: a name is not in `known`.
    """
    if isinstance(names, str) or not set(names) <= set(known):
        given: Collection[str] = [names] if isinstance(names, str) else names
        wrong = [name for name in given if name not in known]
        nearest = [
            near for name in wrong for near in get_close_matches(name, [*map(str, known)], 2)
        ]
        hint = f": did you mean {' or '.join(nearest)}?" if nearest else ""
        got = repr(names) if isinstance(names, str) else ", ".join(map(repr, wrong))
        raise ValueError(f"{option} must be some of {', '.join(known)}; got {got}{hint}")
    return tuple(name for name in known if name in names)


class Kinds(NamedTuple):
    """The content that a message may have."""

    blocks: tuple[str, ...]
    unknown: bool
    unusual: tuple[Unusual, ...] = ()

    @classmethod
    def of(cls, blocks: Collection[str], unknown: bool, unusual: Collection[Unusual] = ()) -> Kinds:
        """The kinds that the user chose. Unknown content includes the unusual.

        Raises:
            ValueError: `blocks` or `unusual` has an unknown name.
        """
        chosen = chosen_from(UNUSUAL, "unusual", unusual)
        return cls(chosen_from(BLOCKS, "blocks", blocks), unknown, UNUSUAL if unknown else chosen)

    @property
    def grammar(self) -> Grammar:
        """The grammar of this content."""
        return grammar_of(self.unknown, self.unusual)


@cache
def any_block(kinds: Kinds) -> Strategy:
    """A finished block of one of these kinds; an empty strategy without kinds."""
    names = [*kinds.blocks, *["unknown"] * kinds.unknown]
    weighted = [kind for kind in names for _ in range(WEIGHTS[kind])]
    if not weighted:
        return nothing
    return st.sampled_from(weighted).flatmap(kinds.grammar.blocks.__getitem__)


_ID_PREFIXES = {"tool_use": "toolu", "server_tool_use": "srvtoolu", "mcp_tool_use": "mcptoolu"}


def arrangement(kinds: Kinds, blocks: Sequence[JSON]) -> list[tuple[int, dict[str, JSON]]]:
    """The order in which the API sends these blocks, with the fields that depend on the order.

    Tools get an id that no other block has. A result gets the id of the call that it answers, or
    of a call of an earlier turn, which the API paused.

    Returns:
        For each place in the content, the number of the block and the fields to set in it.
    """
    fields: list[dict[str, JSON]] = [
        {"id": f"{_ID_PREFIXES[block['type']]}_{number}"} if block["type"] in TOOLS else {}
        for number, block in enumerate(blocks)
    ]
    order = list(range(len(blocks)))
    if kinds.unknown:
        return [(number, fields[number]) for number in order]
    answers: dict[int, list[int]] = {}
    answered: set[int] = set()
    for number, block in enumerate(blocks):
        if not block["type"].endswith("_tool_result"):
            continue
        call = next(
            (at for at, call in enumerate(blocks) if at not in answered and _answers(block, call)),
            None,
        )
        if call is None:
            fields[number]["tool_use_id"] = f"srvtoolu_earlier_{number}"
        else:
            answered.add(call)
            answers.setdefault(call, []).append(number)
            fields[number]["tool_use_id"] = fields[call]["id"]
    results = {number for numbers in answers.values() for number in numbers}
    client = [number for number in order if blocks[number]["type"] == "tool_use"]
    first = [number for number in order if number not in results and number not in client]
    placed = [each for number in [*first, *client] for each in (number, *answers.get(number, ()))]
    return [(number, fields[number]) for number in placed]


def _answers(result: Mapping[str, JSON], call: Mapping[str, JSON]) -> bool:
    """Whether the result is one of this kind of call."""
    if call["type"] == "mcp_tool_use":
        return bool(result["type"] == "mcp_tool_result")
    tool = result["type"].removesuffix("_tool_result")  # of "tool_search_tool_regex", "tool_search"
    return bool(call["type"] == "server_tool_use" and call["name"].startswith(tool))


class Ending(NamedTuple):
    """Choices for the end of a message, drawn before its content.

    Hypothesis draws the first choices of a long example at random and often the smallest value for
    the last ones. The end of a message would then hardly vary.
    """

    reason: int
    sequence: str
    details: JSON

    @classmethod
    def drawn(cls, draw: Draw, kinds: Kinds) -> Ending:
        """The choices for a message of these kinds."""
        return cls(draw(_numbers), draw(_sequences), draw(kinds.grammar.stop_details))


_numbers = st.integers(0, 29)
_sequences = st.sampled_from(["END", "</answer>", "\n\nHuman:", "é"])


def message_of(
    ending: Ending, kinds: Kinds, head: dict[str, JSON], content: list[JSON]
) -> dict[str, JSON]:
    """The message of this head and content. Its model is that of the last fallback."""
    message = {**head, "content": content}
    for block in content:
        message["model"] = model_after(block) or message["model"]
    if not kinds.unknown:
        message.update(_stop(ending, kinds, content))
    return message


_ENDS = ["end_turn"] * 3 + ["max_tokens"] * 2 + ["stop_sequence"] * 3
_ENDS += ["refusal", "model_context_window_exceeded"]


def _stop(ending: Ending, kinds: Kinds, content: list[JSON]) -> dict[str, JSON]:
    """The fields of a stop reason that fits the content; of any, if that was chosen."""
    names = [block["type"] for block in content]
    calls_server = any(name in ("server_tool_use", "mcp_tool_use") for name in names)
    if "any_stop_reason" in kinds.unusual:
        reasons = list(get_args(StopReason))
    elif "tool_use" in names:
        reasons = ["tool_use"] * 5 + ["max_tokens"]
    elif names[-1:] == ["compaction"]:
        reasons = ["compaction"]
    elif names[-1:] in (["server_tool_use"], ["mcp_tool_use"]):
        reasons = ["pause_turn"]
    else:
        reasons = [*_ENDS, *["pause_turn"] * calls_server]
    reason = reasons[ending.reason % len(reasons)]
    stop: dict[str, JSON] = {"stop_reason": reason, "stop_sequence": None}
    if reason == "stop_sequence":
        stop["stop_sequence"] = ending.sequence
    if reason == "refusal":
        stop["stop_details"] = ending.details
    elif ending.details is None:
        stop["stop_details"] = None
    return stop


def model_after(block: Mapping[str, JSON]) -> str | None:
    """The model that a fallback block changes to; None for other blocks."""
    model = block["to"].get("model") if block["type"] == "fallback" else None
    return model if isinstance(model, str) else None


@st.composite
def _messages(draw: Draw, kinds: Kinds) -> dict[str, JSON]:
    ending = Ending.drawn(draw, kinds)
    blocks = draw(_some_blocks(kinds))
    content = [{**blocks[number], **fields} for number, fields in arrangement(kinds, blocks)]
    message: dict[str, JSON] = copied(message_of(ending, kinds, draw(kinds.grammar.head), content))
    return message


@cache
def _some_blocks(kinds: Kinds) -> Strategy:
    block = any_block(kinds)
    return st.just([]) if block.is_empty else st.lists(block, max_size=3)


_cached = cache(_messages)


def messages(
    *,
    blocks: Collection[str] = BLOCKS,
    unknown: bool = False,
    unusual: Collection[Unusual] = (),
) -> st.SearchStrategy[dict[str, JSON]]:
    """A message, as the API returns it unstreamed.

    Args:
        blocks: the kinds of content blocks it may have, some of `BLOCKS`. An empty collection gives
            messages without content.
        unknown: draw also things that the API does not have: unknown blocks, citations, stop
            reasons and fields, missing fields, tool inputs that are not objects, and lone
            surrogates. Includes everything unusual.
        unusual: content that the schema allows and the API does not send, some of `UNUSUAL`.

    Raises:
        ValueError: `blocks` or `unusual` has an unknown name.

    >>> from hypothesis import find
    >>> find(messages(blocks=[]), lambda message: True)["content"]
    []
    """
    return _cached(Kinds.of(blocks, unknown, unusual))
