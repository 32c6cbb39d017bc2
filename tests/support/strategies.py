"""Streams for the tests of the engine: those of the shipped strategies, and worse ones.

The streams of `streamfold.adapters.strategies` are valid, as users need them. These add the rest
that the engine must accept: events before the message and after it, content in `message_start`, an
early end, and any fault; `tests.support.model` has the outcome of each.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from hypothesis import strategies as st
from streamfold.adapters.strategies import messages, raw_events

JSON = Any
Event = dict[str, Any]

# --- events and streams -------------------------------------------------------------------------

_ERRORS: list[Event] = [
    {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    {"type": "error", "error": {"message": "é", "mood": [1]}, "request_id": "req_1"},
    {"type": "error", "error": {}},
]
_errors = st.sampled_from(_ERRORS).map(copy.deepcopy)


@cache
def any_event() -> st.SearchStrategy[Event]:
    """One event of any kind with valid fields; it need not fit the events before it."""
    return st.one_of(
        raw_events(unknown=True).flatmap(st.sampled_from),
        messages(unknown=True).map(lambda message: {"type": "message_start", "message": message}),
        _errors,
    )


@st.composite
def any_message(draw: st.DrawFn) -> dict[str, JSON]:
    """A message of any kind, finished or without a stop reason."""
    message: dict[str, JSON] = draw(messages(unknown=True))
    if draw(st.booleans()):
        message["stop_reason"] = None
    if draw(st.booleans()):
        del message["stop_reason"]
    return message


_early = any_event().filter(lambda event: event["type"] not in ("message_start", "error"))
_some_early = st.just([]) | st.lists(_early, max_size=2)
_some_late = st.just([]) | st.lists(any_event(), max_size=2)
_endings = st.sampled_from(["whole", "cut", "error"])


@st.composite
def streams(draw: st.DrawFn, *, complete: bool = False) -> list[Event]:
    """The events of a valid stream of any kind.

    Args:
        complete: draw complete streams only; otherwise some are cut, and some have an error.
    """
    events = draw(raw_events(unknown=True))
    if draw(st.booleans()):
        events = _with_content_at_the_start(events, draw(messages(unknown=True))["content"])
    before, after = draw(_some_early), draw(_some_late)
    events = [*before, *events]
    ending = "whole" if complete else draw(_endings)
    if ending == "whole":
        return events + after
    events = events[: draw(st.integers(0, len(events)))]
    return events if ending == "cut" else [*events, draw(_errors), *after]


def _with_content_at_the_start(events: list[Event], content: list[JSON]) -> list[Event]:
    """The same stream, after this content."""
    events[0]["message"]["content"] = content
    for event in events:
        if isinstance(event.get("type"), str) and event["type"].startswith("content_block_"):
            event["index"] += len(content)
    return events


# --- what breaks the protocol -------------------------------------------------------------------


def _places(value: JSON, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every part of `value`."""
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return []
    return [place for key, item in items for place in ((*path, key), *_places(item, (*path, key)))]


_other_values = st.sampled_from(
    [None, 0, True, "", "5", "[1", -1, 1.5, [], {}, [0], ["a"], {"type": "text"}]
).map(copy.deepcopy)


@st.composite
def spoilt(draw: st.DrawFn, event: Event) -> Event:
    """`event` without one of its fields, or with another value in its place."""
    event = copy.deepcopy(event)
    path = draw(st.sampled_from(_places(event)))
    holder = event
    for key in path[:-1]:
        holder = holder[key]
    if draw(st.booleans()):
        del holder[path[-1]]
    else:
        holder[path[-1]] = draw(_other_values)
    return event


@st.composite
def faulty_streams(draw: st.DrawFn) -> list[Event]:
    """A stream with a missing, repeated, moved or changed part."""
    events = list(draw(streams(complete=True)))
    for _ in range(draw(st.integers(1, 2))):
        position = draw(st.integers(0, len(events) - 1))
        change = draw(st.sampled_from(["spoil", "drop", "repeat", "swap", "insert", "move"]))
        if change == "spoil" and events[position]:
            events[position] = draw(spoilt(events[position]))
        elif change == "drop" and len(events) > 1:
            del events[position]
        elif change == "repeat":
            events.insert(position, events[position])
        elif change == "swap":
            other = draw(st.integers(0, len(events) - 1))
            events[position], events[other] = events[other], events[position]
        elif change == "insert":
            events.insert(position, draw(any_event()))
        elif "index" in events[position]:
            events[position] = {**events[position], "index": draw(st.integers(-1, 4))}
    return events


# --- bytes --------------------------------------------------------------------------------------


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """`data` with some bytes flipped, dropped, repeated or moved."""
    damage = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        if not damage:
            break
        start = draw(st.integers(0, len(damage) - 1))
        end = min(len(damage), start + draw(st.integers(1, 40)))
        way = draw(st.sampled_from(["flip", "drop", "repeat", "move", "write"]))
        piece = damage[start:end]
        if way == "flip":
            damage[start] ^= 1 << draw(st.integers(0, 7))
        elif way == "drop":
            del damage[start:end]
        elif way == "repeat":
            damage[start:start] = piece
        elif way == "move":
            del damage[start:end]
            target = draw(st.integers(0, len(damage)))
            damage[target:target] = piece
        else:
            damage[start:end] = draw(
                st.binary(max_size=4) | st.sampled_from([b"\n\n", b"\r", b'"'])
            )
    return bytes(damage)
