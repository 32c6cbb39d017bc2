"""The events of a live stream without secrets, for programs that show them as they come.

A secret may come in pieces, in several deltas of a block. So a delta waits for the next one of its
block if its text ends with the beginning of a secret, and the events after it wait as well. All
other events pass at once.

Rules:

- A secret becomes `PLACEHOLDER`, in the delta in which it begins.
- A delta waits no longer than its block, and for a bounded number of bytes and events, because a
  server may send a beginning that never ends.

Cost: one search for each secret in the text of a delta and of those that wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import attrs
from streamfold.reducer import (
    ContentBlockStopEvent,
    DerivedEvent,
    MessageStopEvent,
    MessageStreamEvent,
)

from .redaction import PLACEHOLDER, Redaction
from .secret_search import Place, Plain, cut_character, encoded, united

__all__ = ["redacted_events"]

_DERIVED: tuple[type, ...] = get_args(DerivedEvent)
_ADDED: dict[type, str] = {ContentBlockStopEvent: "content_block", MessageStopEvent: "message"}
_MOST_WAITING = 1000
"""The maximum number of events that wait."""
_LONGEST_WRITING = 16
"""The expected maximum number of bytes in which one byte of a secret is written."""

_TEXTS = ("text", "thinking", "partial_json")
"""The fields of deltas in which a block grows."""

Block = tuple[Any, str]
"""The index of a block, and the field of its deltas."""


@attrs.define(eq=False)
class _Waiting:
    """An event that was not handed out yet.

    Attributes:
        fields: its JSON.
        field: the field of its delta with `text`; empty for other events.
        text: a piece of a text that may hold a secret, in UTF-8.
        is_held: whether it waits for the rest of that text.
    """

    fields: dict[str, Any]
    field: str = ""
    text: bytearray = attrs.field(factory=bytearray)
    is_held: bool = False

    def redacted(self) -> dict[str, Any]:
        if self.field:
            self.fields["delta"][self.field] = self.text.decode("utf-8", "surrogatepass")
        return self.fields


def redacted_events(
    events: Iterable[MessageStreamEvent], redaction: Redaction
) -> Iterator[dict[str, Any]]:
    """The raw events of a stream without the secrets that `redaction` has found.

    Args:
        events: the events of a stream as they come; the derived ones are left out. An exception of
            the iterator comes after the events before it.
        redaction: the redaction that knows the secrets.

    Yields:
        The JSON of each event, which `reduce` takes.

    >>> from streamfold.reducer import TextDelta, RawContentBlockDeltaEvent
    >>> deltas = [
    ...     RawContentBlockDeltaEvent(index=0, delta=TextDelta(text=piece))
    ...     for piece in ("my key: sk-ant-", "example.")
    ... ]
    >>> redaction = Redaction()
    >>> _ = redaction.headers([("x-api-key", "sk-ant-example")])
    >>> [event["delta"]["text"] for event in redacted_events(deltas, redaction)]
    ['my key: [secret]', '.']
    """
    secrets = redaction.searched_for()
    waiting: deque[_Waiting] = deque()
    held: dict[Block, list[_Waiting]] = {}
    try:
        for event in events:
            if isinstance(event, _DERIVED):
                continue
            fields = _raw_fields(event)
            waiting.append(_take(fields, held, secrets, redaction))
            if fields["type"] == "content_block_stop":
                for block in [block for block in held if block[0] == fields["index"]]:
                    _end(held.pop(block), secrets)
            if len(waiting) > _MOST_WAITING:
                _end_all(held, secrets)
            while waiting and not waiting[0].is_held:
                yield waiting.popleft().redacted()
    except Exception:
        yield from _rest(waiting, held, secrets)
        raise
    yield from _rest(waiting, held, secrets)


def _raw_fields(event: Any) -> dict[str, Any]:
    """The JSON of an event, without the value that the fold added to it."""
    fields: dict[str, Any] = event.to_dict()
    for cls, added in _ADDED.items():
        if isinstance(event, cls):
            del fields[added]
    return fields


def _take(
    fields: dict[str, Any],
    held: dict[Block, list[_Waiting]],
    secrets: frozenset[bytes],
    redaction: Redaction,
) -> _Waiting:
    """The event with these fields, its text joined with those that wait for it."""
    delta: Any = fields.get("delta")
    is_delta = fields["type"] == "content_block_delta"
    names = [name for name in _TEXTS if is_delta and isinstance(delta.get(name), str)]
    if not names:
        return _Waiting(redaction.texts(fields))
    field = names[0]
    text = bytearray(encoded(delta[field]))
    fields = redaction.texts({**fields, "delta": {**delta, field: ""}})
    event = _Waiting(fields, field, text)
    block = fields["index"], field
    held[block] = _joined([*held.pop(block, ()), event], secrets)
    return event


def _joined(events: list[_Waiting], secrets: frozenset[bytes]) -> list[_Waiting]:
    """Remove the secrets from the joined texts; return the events that still wait."""
    text = _text_of(events)
    known = len(text) - _unknown(text, secrets)
    plain = Plain(text)
    whole = (place for secret in secrets for place in plain.places(secret, len(secret)))
    _replace(events, (place for place in whole if place[0] < known))
    text = _text_of(events)
    unknown = _unknown(text, secrets)
    _replace(events, Plain(text[: len(text) - unknown]).places_of(secrets))
    waiting: list[_Waiting] = []
    for event in reversed(events):
        event.is_held = unknown > 0
        if event.is_held:
            waiting.insert(0, event)
        unknown -= len(event.text)
    return waiting


def _unknown(text: bytes, secrets: frozenset[bytes]) -> int:
    """The number of bytes at the end of `text` with which a secret may begin."""
    unknown = len(text) - Plain(text[: cut_character(text)]).unfinished(secrets)
    return unknown if unknown <= _LONGEST_WRITING * max(map(len, secrets), default=0) else 0


def _end(events: list[_Waiting], secrets: frozenset[bytes]) -> None:
    """End the wait of events, because no more text of their block comes."""
    _replace(events, Plain(_text_of(events)).places_of(secrets))
    for event in events:
        event.is_held = False


def _end_all(held: dict[Block, list[_Waiting]], secrets: frozenset[bytes]) -> None:
    for events in held.values():
        _end(events, secrets)
    held.clear()


def _rest(
    waiting: deque[_Waiting], held: dict[Block, list[_Waiting]], secrets: frozenset[bytes]
) -> Iterator[dict[str, Any]]:
    """The events that wait at the end of the stream."""
    _end_all(held, secrets)
    for event in waiting:
        yield event.redacted()


def _text_of(events: list[_Waiting]) -> bytes:
    return b"".join([event.text for event in events])


def _replace(events: list[_Waiting], places: Iterable[Place]) -> None:
    """Replace these places of the joined texts; the placeholder stands where a place begins."""
    for start, end in reversed(united(places)):
        before = 0
        for event in events:
            size = len(event.text)
            first, last = max(start - before, 0), min(end - before, size)
            if first < last:
                event.text[first:last] = PLACEHOLDER.encode() if first == start - before else b""
            before += size
