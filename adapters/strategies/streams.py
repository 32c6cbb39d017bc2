"""The events of a stream of a message.

Each block is split on its own (`block_deltas`). Then `message_start` and `message_delta` are put
around the blocks, one after another or interleaved. Pings and unknown things are added last, so
that a failure that does not need them shrinks to a stream without them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from itertools import zip_longest
from typing import Any

from hypothesis import strategies as st

from .block_deltas import USUAL_WAYS, WAYS, BlockStreamer, StreamedBlock, Way, positions, seldom
from .grammar import (
    BLOCKS,
    JSON,
    MODELS,
    ODD_NAMES,
    ODD_TYPES,
    TOOLS,
    Draw,
    Grammar,
    Strategy,
    Unusual,
    copied,
    nothing,
)
from .messages import Ending, Kinds, any_block, arrangement, chosen_from, message_of, model_after

__all__ = ["raw_events", "streams", "ways_of"]

Event = dict[str, Any]

# --- blocks -------------------------------------------------------------------------------------


@st.composite
def _streamed_block(draw: Draw, kinds: Kinds, ways: tuple[Way, ...]) -> tuple[bool, StreamedBlock]:
    """Any block, and whether it is kept.

    The shrinker cannot remove the many choices of a block from a list at once, but it can set one
    choice to its minimum. That drops the block.
    """
    is_kept = draw(_mostly)
    streamer = BlockStreamer(draw, kinds.grammar, ways)
    return is_kept, streamer.stream(draw(any_block(kinds)))


_mostly = st.sampled_from([False, *[True] * 9])


@cache
def _streamed_blocks(kinds: Kinds, ways: tuple[Way, ...], least: int) -> Strategy:
    if any_block(kinds).is_empty:
        return st.just([])
    some = st.lists(_streamed_block(kinds, ways), min_size=3, max_size=6)
    return some.map(
        lambda some: [block for kept, block in some if kept] or [block for _, block in some][:least]
    )


_extra = st.sampled_from([*[0] * 19, 12])
"""The number of further blocks, so that some streams have two-digit indexes."""


def _many(kinds: Kinds, count: int) -> list[StreamedBlock]:
    """The given number of small blocks, without choices of their own."""
    if "tool_use" in kinds.blocks:
        name = "get_weather"
        blocks = [
            (
                {"type": "tool_use", "id": "", "name": name, "input": {"n": number}},
                {"type": "input_json_delta", "partial_json": f'{{"n":{number}}}'},
                {"type": "tool_use", "id": "", "name": name, "input": {}},
            )
            for number in range(count)
        ]
    elif "text" in kinds.blocks:
        blocks = [
            (
                {"type": "text", "text": f"{number}"},
                {"type": "text_delta", "text": f"{number}"},
                {"type": "text", "text": ""},
            )
            for number in range(count)
        ]
    else:
        blocks = []
    return [StreamedBlock(block, start, [delta], []) for block, delta, start in blocks]


# --- the message around them ---------------------------------------------------------------------

_LATE = {"container": True, "context_management": False, "input_transformations": False}
"""Fields that a `message_delta` may have, and whether they stand in its `delta`."""

_usage_at_the_end = st.sampled_from([*["whole"] * 5, "absent", "null"])
_count_is_in = st.sampled_from(["both", "grows", "start", "then null", "end"])
_required_count_is_in = {
    "input_tokens": st.sampled_from(["both", "grows", "start", "then null"]),
    "output_tokens": st.sampled_from(["both", "grows"]),
}
"""Counts that the API always sends: both in the start, `output_tokens` at the end too."""

_AT_THE_END = ("iterations", "fallback_credit")
"""Fields of the usage that the API knows at the end only."""

_AT_THE_START = ("cache_creation", "service_tier", "inference_geo", "speed")
"""Fields of the usage that the API sends in the start only."""

_late_field_is_in = st.sampled_from(["start", "end", "null at the start"])


def _start_and_end(
    draw: Draw, message: Mapping[str, JSON], ways: tuple[Way, ...], unknown: bool
) -> tuple[dict[str, JSON], list[Event]]:
    """The message of the `message_start`, and the `message_delta`s of a finished message."""
    start = dict(message)
    delta: dict[str, JSON] = {}
    last: Event = {"type": "message_delta", "delta": delta}
    stop = [key for key in ("stop_reason", "stop_sequence", "stop_details") if key in message]
    for key in stop:
        start[key] = None
        is_required = message[key] is not None or (key != "stop_details" and not unknown)
        if is_required or draw(st.booleans()):
            delta[key] = message[key]
    for key, in_delta in _LATE.items():
        where = "start" if message.get(key) is None else draw(_late_field_is_in)
        if where != "start":
            (delta if in_delta else last)[key] = message[key]
            start[key] = None
        if where == "end":
            del start[key]
    before: list[Event] = []
    if "deltas" in ways and draw(seldom):
        before.append({"type": "message_delta", "delta": dict.fromkeys(stop[:2])})
    if "usage" in message:
        start["usage"], at_the_end = _split_usage(draw, message["usage"], ways, unknown)
        last.update(at_the_end)
        if before:
            totals: dict[str, JSON] = at_the_end.get("usage") or {}
            begun = start["usage"]
            before[0]["usage"] = {
                key: begun.get(key) or 0 for key, count in totals.items() if isinstance(count, int)
            }
    return start, [*before, last]


def _split_usage(
    draw: Draw, usage: Mapping[str, JSON], ways: tuple[Way, ...], unknown: bool
) -> tuple[dict[str, JSON], Event]:
    """The usage of the `message_start`, and the fields of the last `message_delta`."""
    whole = draw(_usage_at_the_end) if "usage" in ways and unknown else "whole"
    if whole == "absent":
        return dict(usage), {}
    if whole == "null":
        return dict(usage), {"usage": None}
    required, at_the_start = ({}, ()) if unknown else (_required_count_is_in, _AT_THE_START)
    first: dict[str, JSON] = {}
    last: dict[str, JSON] = {}
    for key, total in usage.items():
        place = "start" if key in at_the_start else "both"
        if key in _AT_THE_END and not unknown and "usage" in ways:
            place = "end"
        elif place == "both" and "usage" in ways:
            place = draw(required.get(key, _count_is_in))
        if place != "end" or total is None:
            first[key] = _smaller(total) if place == "grows" else total
        if place != "start":
            last[key] = total if place != "then null" else None
    return first, {"usage": last}


def _smaller(total: JSON) -> JSON:
    """The count as it was at the start; nested counts too."""
    if isinstance(total, dict):
        return {key: _smaller(count) for key, count in total.items()}
    return min(1, total) if isinstance(total, int) and not isinstance(total, bool) else total


def _interleaved(blocks: list[StreamedBlock]) -> list[Event]:
    """The events of these blocks. When one pauses, the next continues."""
    turns: list[list[list[Event]]] = []
    late = 0  # the round in which the block starts; later blocks start no earlier
    for index, block in enumerate(blocks):
        events = block.events(index)
        late += block.pauses.count(0)
        ends = sorted(end for end in block.pauses if end > 0)
        parts = zip([0, *ends], [*ends, len(events)], strict=True)
        turns.append([*[[]] * late, *(events[begin:end] for begin, end in parts)])
    rounds = zip_longest(*turns, fillvalue=())
    return [event for turns_of_all in rounds for turn in turns_of_all for event in turn]


# --- the stream ---------------------------------------------------------------------------------


@cache
def _between(kinds: Kinds, ways: tuple[Way, ...]) -> Strategy:
    """Events that may come between any two others, with their positions."""
    grammar = kinds.grammar
    events = grammar.tagged("ping", {}) if "pings" in ways else nothing
    if kinds.unknown:
        events |= grammar.object_with(
            {"type": st.sampled_from(ODD_TYPES)}, index=grammar.value, message=grammar.value
        )
    if events.is_empty:
        return st.just([])
    return st.lists(st.tuples(positions, events), max_size=2)


@cache
def _odd_fields(grammar: Grammar) -> Strategy:
    odd = st.tuples(positions, st.booleans(), st.sampled_from(ODD_NAMES), grammar.value)
    return st.lists(odd, max_size=2)


@st.composite
def _streams(
    draw: Draw,
    message: Mapping[str, JSON] | None,
    kinds: Kinds,
    ways: tuple[Way, ...],
    least: int = 0,
) -> list[Event]:
    """The events of a stream of this message, or of any with at least `least` blocks."""
    grammar = kinds.grammar
    streamer = BlockStreamer(draw, grammar, ways)
    is_free = message is None
    if message is None:
        extra, choices = draw(_extra), Ending.drawn(draw, kinds)
        drawn = [
            *draw(_streamed_blocks(kinds, ways, least)),
            *_many(kinds, 0 if kinds.unknown else extra),
        ]
        places = arrangement(kinds, [streamed.block for streamed in drawn])
        content = [
            drawn[number]._replace(
                block={**drawn[number].block, **fields}, start={**drawn[number].start, **fields}
            )
            for number, fields in places
        ]
        blocks = [streamed.block for streamed in content]
        message = message_of(choices, kinds, draw(grammar.head), blocks)
    else:
        content = [streamer.stream(block) for block in message["content"]]
    if "open_tool" in ways and content and _may_end_open(message, is_free) and draw(seldom):
        content[-1] = streamer.open_tool(content[-1])
        message = {**message, "stop_reason": "max_tokens"}
        if not kinds.unknown:
            message.update(stop_sequence=None)
            message.pop("stop_details", None)

    start: dict[str, JSON] = {**message, "content": []}
    if any(map(model_after, message["content"])):
        start["model"] = draw(st.sampled_from([m for m in MODELS if m != message["model"]]))
    ending: list[Event] = []
    if message.get("stop_reason") is not None:
        start, deltas = _start_and_end(draw, start, ways, kinds.unknown)
        ending = [*deltas, {"type": "message_stop"}]
    events: list[Event] = [
        {"type": "message_start", "message": start},
        *_interleaved(content),
        *ending,
    ]

    for position, event in draw(_between(kinds, ways)):
        events.insert(1 + position % max(len(events) - 1, 1), event)
    if kinds.unknown:
        _add_fields(events, draw(_odd_fields(grammar)))
    fresh: list[Event] = copied(events)
    return fresh


def _add_fields(events: list[Event], odd: Iterable[tuple[int, bool, str, JSON]]) -> None:
    """Add unknown fields to events, or to their deltas."""
    for position, in_delta, name, value in odd:
        event = events[position % len(events)]
        holder = event["delta"] if in_delta and "delta" in event else event
        holder.setdefault(name, value)


def _may_end_open(message: Mapping[str, JSON], is_free: bool) -> bool:
    """Whether the message may end inside its last block, a tool: any message, or a cut one."""
    last = message["content"][-1]
    ends = is_free or message.get("stop_reason") == "max_tokens"
    return ends and last["type"] in TOOLS and isinstance(last["input"], dict)


streams = cache(_streams)


def ways_of(ways: Collection[Way] | None, unknown: bool) -> tuple[Way, ...]:
    """The ways that the user chose, or the default."""
    if ways is None:
        return WAYS if unknown else USUAL_WAYS
    return chosen_from(WAYS, "ways", ways)


def raw_events(
    message: Mapping[str, JSON] | None = None,
    *,
    blocks: Collection[str] = BLOCKS,
    unknown: bool = False,
    unusual: Collection[Unusual] = (),
    ways: Collection[Way] | None = None,
) -> st.SearchStrategy[list[Event]]:
    """The events of a valid stream: they fold to `message`.

    Args:
        message: the message to stream, as the API returns it unstreamed. None draws one. Without a
            `stop_reason` the stream is incomplete.
        blocks: the kinds of content blocks of a drawn message, some of `BLOCKS`.
        unknown: draw also unknown events, deltas, fields and blocks; see `messages`.
        unusual: unusual content to draw; see `messages`.
        ways: the ways to stream it, some of `WAYS`. None uses `USUAL_WAYS`, or all with `unknown`.

    Raises:
        ValueError: an option names an unknown kind of block or an unknown way.

    >>> from hypothesis import find
    >>> text = {"type": "text", "text": "Hi"}
    >>> message = {
    ...     "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
    ...     "content": [text], "stop_reason": "end_turn", "stop_sequence": None,
    ... }
    >>> for event in find(raw_events(message, ways=[]), lambda events: True):
    ...     print(event["type"])
    message_start
    content_block_start
    content_block_delta
    content_block_stop
    message_delta
    message_stop
    """
    kinds = Kinds.of(blocks, unknown, unusual)
    chosen = ways_of(ways, unknown)
    if message is None:
        return streams(None, kinds, chosen)
    return _streams(copied(dict(message)), kinds, chosen)
