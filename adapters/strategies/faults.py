"""Streams with one named fault, its position, and the outcome that a reader must reach.

Each fault is a function that puts it into the events of a valid stream and returns its position.
The result is never valid by accident.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import cache
from typing import Any, Literal, get_args

import attrs
from hypothesis import strategies as st

from .block_deltas import Way
from .grammar import BLOCKS, JSON, TOOLS, Draw, Strategy, Unusual, copied
from .messages import Kinds, chosen_from
from .streams import streams, ways_of

__all__ = ["FAULTS", "BrokenStream", "Fault", "Outcome", "broken"]

Event = dict[str, Any]

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
"""The faults, and the outcome of each (`BrokenStream.outcome`):

    cut            the stream ends before the message is complete: "incomplete"
    missing_stop   the message does not stop, but its stop reason came: "message"
    repeated       the message or a block starts twice, or a block stops twice: "protocol_error"
    reordered      a block starts after its first delta, or after its stop: "protocol_error"
    wrong_index    the index is not that of an open block, or not the next: "protocol_error"
    wrong_delta    a delta belongs to another kind of block: "protocol_error"
    wrong_type     a required field has another type: "protocol_error"
    missing_field  a required field is missing: "protocol_error"
    bad_json       the data of an event is not JSON, or not an object: "protocol_error"
    bad_input      a tool's input is not JSON, nor the beginning of it: "protocol_error"
    error_event    an `error` event ends the stream: "error"
    early          an event comes before the message starts: "unfolded"
    late           an event comes after the message stopped: "unfolded"
"""

Outcome = Literal["message", "unfolded", "incomplete", "error", "protocol_error"]


@attrs.frozen
class BrokenStream:
    """A stream with one fault.

    Attributes:
        fault: one of `FAULTS`.
        events: the events. `bad_json` has a text in place of one event; `wire` writes it as data.
        at: the position in `events` of the event that breaks the protocol, cannot be folded, or is
            the error; of the missing event; or the number of events of a stream that is cut.
        outcome: "protocol_error": the event at `at` breaks the protocol. "incomplete": the stream
            ends before its message is complete. "error": the stream has an `error` event.
            "unfolded": the message is as if the event at `at` had not come. "message": the message
            is whole.
    """

    fault: Fault
    events: list[Any]
    at: int
    outcome: Outcome


# --- the order of events ------------------------------------------------------------------------

_BLOCK_EVENTS = ("content_block_start", "content_block_delta", "content_block_stop")


def _places(events: list[Event], *kinds: str) -> list[int]:
    """The positions of the events of these kinds."""
    return [at for at, event in enumerate(events) if event["type"] in kinds]


def _cut(draw: Draw, events: list[Event]) -> int:
    last: int = _places(events, "message_delta")[-1]
    del events[draw(st.integers(0, last)) :]
    return len(events)


def _missing_stop(draw: Draw, events: list[Event]) -> int:
    (at,) = _places(events, "message_stop")
    del events[at]
    return at


def _repeated(draw: Draw, events: list[Event]) -> int:
    once = _places(events, "message_start", "content_block_start", "content_block_stop")
    first: int = draw(st.sampled_from(once))
    again: int = draw(st.integers(first + 1, len(events) - 1))
    events.insert(again, copied(events[first]))
    return again


def _reordered(draw: Draw, events: list[Event]) -> int:
    start: int = draw(st.sampled_from(_places(events, "content_block_start")))
    places = [at for at in _places(events, *_BLOCK_EVENTS) if at > start]
    own = next(at for at in places if events[at]["index"] == events[start]["index"])
    wrong = next(at for at in places if at == own or at in _places(events, "content_block_start"))
    events.insert(own, events.pop(start))
    return wrong - 1


def _wrong_index(draw: Draw, events: list[Event]) -> int:
    at: int = draw(st.sampled_from(_places(events, *_BLOCK_EVENTS)))
    starts = {events[each]["index"] for each in _places(events[:at], "content_block_start")}
    stops = {events[each]["index"] for each in _places(events[:at], "content_block_stop")}
    is_start = events[at]["type"] == "content_block_start"
    right = {len(starts)} if is_start else starts - stops
    wrong = [index for index in range(-1, len(starts) + 3) if index not in right]
    events[at]["index"] = draw(st.sampled_from(wrong))
    return at


def _error_event(draw: Draw, events: list[Event]) -> int:
    at: int = draw(st.integers(0, len(events) - 1))
    kind = draw(st.sampled_from(["overloaded_error", "api_error", "rate_limit_error"]))
    events[at:] = [{"type": "error", "error": {"type": kind, "message": "Try again"}}]
    return at


def _early(draw: Draw, events: list[Event]) -> int:
    events.insert(0, _copy_of_one(draw, events[1:]))
    return 0


def _late(draw: Draw, events: list[Event]) -> int:
    events.append(_copy_of_one(draw, events))
    return len(events) - 1


def _copy_of_one(draw: Draw, events: list[Event]) -> Event:
    """A copy of one of these events; not of a ping, which may come at any time."""
    event: Event = copied(draw(st.sampled_from([e for e in events if e["type"] != "ping"])))
    return event


# --- the fields of events -----------------------------------------------------------------------

_CITATION = {"type": "web_search_result_location", "cited_text": "", "url": ""}

_DELTAS: dict[str, dict[str, JSON]] = {
    "text_delta": {"text": "a"},
    "citations_delta": {"citation": {**_CITATION, "encrypted_index": ""}},
    "input_json_delta": {"partial_json": "{}"},
    "thinking_delta": {"thinking": "a"},
    "signature_delta": {"signature": "a"},
    "compaction_delta": {"content": "a"},
}
"""The fields of a delta of each kind."""

_DELTAS_OF = {
    "text": ["text_delta", "citations_delta"],
    "thinking": ["thinking_delta", "signature_delta"],
    "compaction": ["compaction_delta"],
    **{kind: ["input_json_delta"] for kind in TOOLS},
}
"""The deltas of each kind of block that has some."""

_OF_EVENTS = {
    "message_start": ("message",),
    "content_block_start": ("index", "content_block"),
    "content_block_delta": ("index", "delta"),
    "content_block_stop": ("index",),
    "message_delta": ("delta",),
}
_OF_A_MESSAGE = ("id", "role", "model", "content")
_OF_BLOCKS: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "thinking": ("thinking",),
    "redacted_thinking": ("data",),
    "container_upload": ("file_id",),
    **dict.fromkeys(TOOLS, ("id", "name", "input")),
    **{kind: ("tool_use_id", "content") for kind in BLOCKS if kind.endswith("_result")},
}
_OF_DELTAS = {kind: tuple(fields) for kind, fields in _DELTAS.items() if kind != "compaction_delta"}
"""Required fields, by `type`."""

_of_other_types: dict[type, Strategy] = {
    str: st.sampled_from([None, True, 0, 1.5]),
    int: st.sampled_from([None, True, 1.5, "", "0"]),
    dict: st.sampled_from([None, False, 0, 1.5]),
    list: st.sampled_from([None, False, 0, 1.5]),
}
"""Values of other types, which no field that has the type may have."""


def _wrong_delta(draw: Draw, events: list[Event]) -> int:
    start: int = draw(st.sampled_from(_places(events, "content_block_start")))
    own = _DELTAS_OF.get(events[start]["content_block"]["type"], [])
    kind = draw(st.sampled_from([kind for kind in _DELTAS if kind not in own]))
    delta = copied({"type": kind, **_DELTAS[kind]})
    index = events[start]["index"]
    events.insert(start + 1, {"type": "content_block_delta", "index": index, "delta": delta})
    return start + 1


def _required_field(draw: Draw, events: list[Event]) -> tuple[int, dict[str, JSON], str]:
    """The position of an event, the object in it that has the field, and the field's name."""
    at: int = draw(st.sampled_from(_places(events, *_OF_EVENTS)))
    event = events[at]
    fields = [(event, field) for field in _OF_EVENTS[event["type"]]]
    if event["type"] == "message_start":
        fields += [(event["message"], field) for field in _OF_A_MESSAGE]
    elif event["type"] == "content_block_start":
        block = event["content_block"]
        fields += [(block, field) for field in ("type", *_OF_BLOCKS.get(block["type"], ()))]
    elif event["type"] == "content_block_delta":
        delta = event["delta"]
        fields += [(delta, field) for field in ("type", *_OF_DELTAS.get(delta["type"], ()))]
    return (at, *draw(st.sampled_from(fields)))


def _wrong_type(draw: Draw, events: list[Event]) -> int:
    at, holder, field = _required_field(draw, events)
    holder[field] = draw(_of_other_types[type(holder[field])])
    return at


def _missing_field(draw: Draw, events: list[Event]) -> int:
    at, holder, field = _required_field(draw, events)
    del holder[field]
    return at


def _bad_json(draw: Draw, events: list[Any]) -> int:
    at: int = draw(st.integers(0, len(events) - 1))
    whole = json.dumps(events[at])
    cut = st.integers(1, len(whole) - 1).map(lambda end: whole[:end])
    events[at] = draw(st.sampled_from(["{", "null", "nope", "5", f"[{whole}]", f"{whole}}}"]) | cut)
    return at


def _bad_input(draw: Draw, events: list[Event]) -> int:
    stop: int = draw(st.sampled_from(_places(events, "content_block_stop")))
    delta = {"type": "input_json_delta", "partial_json": draw(st.sampled_from("}x,"))}
    index = events[stop]["index"]
    events.insert(stop, {"type": "content_block_delta", "index": index, "delta": delta})
    return stop + 1


# --- the stream ---------------------------------------------------------------------------------

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
"""By fault: its outcome, and the function that puts it into a stream and returns its position."""


@st.composite
def _broken(
    draw: Draw, faults: tuple[Fault, ...], kinds: Kinds, ways: tuple[Way, ...]
) -> BrokenStream:
    fault: Fault = draw(st.sampled_from(faults))
    if fault == "wrong_delta":  # an unknown block has no wrong deltas
        kinds = Kinds.of(kinds.blocks, unknown=False)
    elif fault == "bad_input":  # needs a tool that stops
        kinds = Kinds(tuple(kind for kind in kinds.blocks if kind in TOOLS), unknown=False)
        ways = tuple(way for way in ways if way != "open_tool")
    events = draw(streams(None, kinds, ways, 1))
    outcome, put_into = _BREAKS[fault]
    return BrokenStream(fault, events, put_into(draw, events), outcome)


_cached = cache(_broken)


def broken(
    *,
    faults: Collection[Fault] = FAULTS,
    blocks: Collection[str] = BLOCKS,
    unknown: bool = False,
    unusual: Collection[Unusual] = (),
    ways: Collection[Way] | None = None,
) -> st.SearchStrategy[BrokenStream]:
    """A stream with one fault, and the outcome that a reader must reach.

    Args:
        faults: the faults to draw, some of `FAULTS`. `bad_input` is left out if `blocks` has no
            tool.
        blocks: as in `raw_events`; at least one.
        unknown: as in `raw_events`.
        unusual: as in `raw_events`.
        ways: as in `raw_events`.

    Raises:
        ValueError: an option names an unknown fault, block or way; or no fault is possible.

    >>> from hypothesis import find
    >>> stream = find(broken(faults=["error_event"]), lambda stream: stream.at > 0)
    >>> stream.fault, stream.outcome, stream.events[stream.at]["type"]
    ('error_event', 'error', 'error')
    """
    kinds, chosen = Kinds.of(blocks, unknown, unusual), ways_of(ways, unknown)
    possible = chosen_from(FAULTS, "faults", faults)
    if not set(kinds.blocks) & set(TOOLS):
        possible = tuple(fault for fault in possible if fault != "bad_input")
    if not possible or not kinds.blocks:
        raise ValueError(
            f"faults must be possible in streams of blocks={blocks!r}; got faults={faults!r}"
        )
    return _cached(possible, kinds, chosen)
