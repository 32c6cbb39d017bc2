"""Make the stream, or the message, of a finding smaller, part by part.

Hypothesis shrinks the choices that it drew, in a limited number of tries. Parts that the defect
does not need may remain: a ping, an optional field, a block between two others. `smaller` removes
one part at a time as long as the same finding comes back. It removes no field that the API always
sends, and no part that a rule of `lint` demands, so the stream stays one that the API sends.

The cost is that of examining the function once for each part that is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import attrs
from streamfold.reducer import ContentBlock

from .examination import Subject, examine
from .findings import Finding
from .lint import lint

__all__ = ["simpler_messages", "simpler_streams", "smaller"]

Event = dict[str, Any]
Message = dict[str, Any]
Path = tuple[str, ...]

MOST_TRIES = 400
"""The number of smaller inputs that are tried for one finding."""


def smaller(
    subject: Subject,
    finding: Finding,
    accepts: Callable[[list[Any]], object] = lambda given: True,
    tries: int = MOST_TRIES,
    examined: Callable[[list[Any]], list[Finding]] | None = None,
) -> Finding:
    """The same finding, with the smallest input reached by removing one part at a time.

    Args:
        subject: the function under test.
        finding: the finding.
        accepts: a condition that every input must meet.
        tries: the number of inputs to try.
        examined: the defects that an input shows; None examines the function with it.
    """
    must_refuse = subject.reference(finding.given) is None
    parts = subject.simpler(finding.given)
    for _ in range(tries):
        given = next(parts, None)
        if given is None:
            break
        if not accepts(given) or (subject.reference(given) is None) != must_refuse:
            continue
        findings = examined(given) if examined else examine(subject, given)
        same = [found for found in findings if found.key == finding.key]
        if same:
            finding = same[0]
            parts = subject.simpler(given)
    return finding


# --- events -------------------------------------------------------------------------------------


def simpler_streams(events: list[Event]) -> Iterator[list[Event]]:
    """The stream without one of its parts: a block, all pings, a delta, an optional field."""
    violations = len(lint(events))
    for simpler in _with_one_part_fewer(events):
        if len(lint(simpler)) <= violations:
            yield simpler


def _with_one_part_fewer(events: list[Event]) -> Iterator[list[Event]]:
    for index in dict.fromkeys(event["index"] for event in events if _has_index(event)):
        yield _without_block(events, index)
    fields = [(at, path) for at, event in enumerate(events) for path in _optional(event)]
    pings = {at for at, event in enumerate(events) if _type_of(event) == "ping"}
    if fields or pings:
        yield [_without(event, _optional(event)) for event in _all_but(events, pings)]
    for at in pings:
        yield _all_but(events, {at})
    for at in _spare_deltas(events):
        yield _all_but(events, {at})
    for at, path in fields:
        yield [*events[:at], _without(events[at], [path]), *events[at + 1 :]]


def _has_index(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("index"), int)


def _type_of(event: Any) -> Any:
    return event.get("type") if isinstance(event, dict) else None


def _all_but(events: list[Event], positions: set[int]) -> list[Event]:
    return [event for at, event in enumerate(events) if at not in positions]


def _without_block(events: list[Event], removed: int) -> list[Event]:
    """The stream without this block; without a client tool the turn ends."""
    kept = [
        {**event, "index": event["index"] - (event["index"] > removed)}
        if _has_index(event)
        else event
        for event in events
        if not _has_index(event) or event["index"] != removed
    ]
    calls = any(_is_call(event.get("content_block")) for event in kept if isinstance(event, dict))
    return kept if calls else list(map(_without_call, kept))


def _is_call(block: Any) -> bool:
    return bool(_type_of(block) == "tool_use")


def _without_call(event: Any) -> Any:
    delta = event.get("delta") if _type_of(event) == "message_delta" else None
    if not isinstance(delta, dict) or delta.get("stop_reason") != "tool_use":
        return event
    return {**event, "delta": {**delta, "stop_reason": "end_turn"}}


def _spare_deltas(events: list[Event]) -> Iterator[int]:
    """The positions of deltas that are not the only one of their type in the block or message."""
    kinds = [_kind_of_delta(event) for event in events]
    for at, kind in enumerate(kinds):
        if kind is not None and kinds.count(kind) > 1:
            yield at


def _kind_of_delta(event: Any) -> tuple[Any, ...] | None:
    if _type_of(event) == "content_block_delta" and _has_index(event):
        return event["index"], _type_of(event.get("delta"))
    return ("message",) if _type_of(event) == "message_delta" else None


# --- messages -----------------------------------------------------------------------------------


def simpler_messages(message: Message) -> Iterator[Message]:
    """The message without one of its parts: a block, or an optional field."""
    content = message["content"]
    for at in range(len(content)):
        kept = [*content[:at], *content[at + 1 :]]
        ends = message.get("stop_reason") == "tool_use" and not any(map(_is_call, kept))
        yield {**message, "content": kept, **({"stop_reason": "end_turn"} if ends else {})}
    paths = list(_optional_of_message(message))
    if len(paths) > 1:
        yield _without(message, paths)
    for path in paths:
        yield _without(message, [path])
    for at, block in enumerate(content):
        for path in _optional_of_block(block):
            yield {
                **message,
                "content": [*content[:at], _without(block, [path]), *content[at + 1 :]],
            }


# --- optional fields ----------------------------------------------------------------------------

_STOP = ("stop_reason", "stop_sequence")
_REQUIRED_OF_MESSAGE = ("id", "type", "role", "model", "content", "usage", *_STOP)
_REQUIRED_OF_USAGE = ("input_tokens", "output_tokens")
_REQUIRED_OF_EVENTS: dict[str, tuple[str, ...]] = {
    "message_start": ("message",),
    "content_block_start": ("index", "content_block"),
    "content_block_delta": ("index", "delta"),
    "content_block_stop": ("index",),
    "message_delta": ("delta", "usage"),
    "message_stop": (),
    "error": ("error", "request_id"),
}
_NULLABLE = {"thinking": ("signature",), "compaction": ("content",), "fallback": ("trigger",)}
"""Fields that have a default in this library, and that the API sends in every block of the kind."""

_REQUIRED_OF_BLOCKS: dict[str, tuple[str, ...]] = {
    kind.type: (
        "type",
        *_NULLABLE.get(kind.type, ()),
        *(field.name.rstrip("_") for field in attrs.fields(kind) if field.default is attrs.NOTHING),
    )
    for kind in get_args(ContentBlock)
}
"""The fields that the API always sends. Source: the reference, `Message` and "Streaming"."""


def _optional(event: Any) -> list[Path]:
    """The paths of the fields of an event that the API sends sometimes."""
    kind = _type_of(event)
    if kind not in _REQUIRED_OF_EVENTS:
        return []
    paths = list(_others(event, ("type", *_REQUIRED_OF_EVENTS[kind])))
    if kind == "message_start":
        inner = _optional_of_message(event.get("message"))
        paths += [("message", *path) for path in inner]
    elif kind == "content_block_start":
        inner = _optional_of_block(event.get("content_block"))
        paths += [("content_block", *path) for path in inner]
    elif kind == "message_delta":
        paths += [("delta", *path) for path in _others(event.get("delta"), _STOP)]
        paths += [("usage", *path) for path in _others(event.get("usage"), ("output_tokens",))]
    return paths


def _optional_of_message(message: Any) -> Iterator[Path]:
    yield from _others(message, _REQUIRED_OF_MESSAGE)
    if isinstance(message, Mapping):
        for path in _others(message.get("usage"), _REQUIRED_OF_USAGE):
            yield ("usage", *path)


def _optional_of_block(block: Any) -> Iterator[Path]:
    if _type_of(block) in _REQUIRED_OF_BLOCKS:
        yield from _others(block, _REQUIRED_OF_BLOCKS[block["type"]])


def _others(value: Any, required: tuple[str, ...]) -> Iterator[Path]:
    if isinstance(value, Mapping):
        yield from ((str(key),) for key in value if key not in required)


def _without(value: Any, paths: list[Path]) -> Any:
    """The value without the fields at these paths."""
    if not paths:
        return value
    gone = {path[0] for path in paths if len(path) == 1}
    return {
        key: _without(item, [path[1:] for path in paths if path[0] == key and len(path) > 1])
        for key, item in value.items()
        if key not in gone
    }
