"""How each event changed the message, as few assignments as possible.

The page keeps one document, `{"message": …, "inputs": …}`, and applies these changes to it; it
knows nothing of the protocol. `message` is the message as JSON, `null` before it starts; `inputs`
has the text of each tool's input so far, by the index of its block.

The changes come from what the fold hands out, never from a second reading of the raw events: the
derived event of a delta has the piece that was added and the value that it led to. What else can
change is compared with what the page has: the block that stops, and the message's other fields.
So an event costs its own size and not that of the message; a tool's input costs the comparison of
its open objects, and of its arrays where a new one begins.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import is_
from typing import Any, TypeGuard, Union, cast

import attrs
from streamfold.reducer import (
    CitationEvent,
    CompactionEvent,
    ContentBlockStopEvent,
    FallbackBlock,
    InputJsonEvent,
    RawContentBlockStartEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    SignatureEvent,
    Snapshot,
    TextEvent,
    ThinkingEvent,
    is_object,
    thaw,
)

__all__ = ["Change", "Changes", "Path", "difference"]

Path = tuple[Union[str, int], ...]


@attrs.frozen
class Change:
    """A value of the page's document that an event set.

    Attributes:
        path: the keys and positions that lead to it. The position behind the last item of a list
            adds an item.
        value: the new value, as plain JSON; or the text that was added to its end.
        appends: whether `value` was added to the text there.
    """

    path: Path
    value: Any
    appends: bool = False


def difference(path: Path, old: Any, new: Any, *, grown: bool = False) -> Iterator[Change]:
    """The changes that make `new` of `old`, both JSON, at `path`.

    Keys keep their order: where one is gone, or stands elsewhere, the whole object is set.

    Args:
        path: where both stand.
        old: the value before.
        new: the value after.
        grown: whether each array in `new` also stands in `old`, perhaps with fewer items, as where
            text was added that begins no array. Then only the last of the items in `old` can have
            changed, and the others are not compared.

    >>> list(difference((), {"a": 1, "b": [1]}, {"a": 1, "b": [1, 2]}))
    [Change(path=('b', 1), value=2, appends=False)]
    """
    if old is new:
        return
    if is_object(old) and is_object(new):
        keys, old_keys = list(new), list(old)
        if keys[: len(old_keys)] == old_keys:
            yield from _members(path, keys, list(old.values()), list(new.values()), grown=grown)
            return
    elif _is_array(old) and _is_array(new) and len(old) <= len(new):
        start = max(0, len(old) - 1) if grown else 0
        yield from _members(path, range(len(new)), old, new, start, grown=grown)
        return
    elif isinstance(old, bool) == isinstance(new, bool) and old == new:
        return
    yield Change(path, thaw(new))


def _members(
    path: Path,
    keys: Sequence[Any],
    old: Sequence[Any],
    new: Sequence[Any],
    start: int = 0,
    *,
    grown: bool,
) -> Iterator[Change]:
    """The changes of the members from `start` on."""
    same = [*map(is_, old[start:], new[start:]), False]
    position = same.index(False)  # as a rule only the last member has changed
    while start + position < len(old):
        at = start + position
        yield from difference((*path, keys[at]), old[at], new[at], grown=grown)
        position = same.index(False, position + 1)
    for position in range(len(old), len(new)):
        yield Change((*path, keys[position]), thaw(new[position]))


def _is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


class Changes:
    """Follows one stream, and gives the changes of each of its events.

    Attributes:
        head: the fields of the message but its content, as the page has them; empty before it
            starts.
        open: the blocks that have started and not stopped: each of their fields as the page has
            it, or the last event that has it.

    >>> from streamfold.reducer import reduce
    >>> event = {"type": "message_start", "message": {
    ...     "id": "msg_1", "role": "assistant", "model": "claude-opus-4-6", "content": []}}
    >>> snapshot, events = reduce(Snapshot(), event)
    >>> [change.path for change in Changes().take(Snapshot(), snapshot, events)]
    [('message',)]
    """

    def __init__(self) -> None:
        self.head: dict[str, Any] = {}
        self.open: dict[int, dict[str, Any]] = {}

    def take(self, before: Snapshot, after: Snapshot, events: Iterable[Any]) -> Iterator[Change]:
        """The changes of one event: between these snapshots, with these derived events."""
        if before.is_over:
            return
        index = -1
        for event in events:
            index = event.get("index", index)
            kind = cast(Hashable, type(event))
            if kind in _CHANGES and (self.head or kind is RawMessageStartEvent):
                yield from _CHANGES[kind](self, index, event, after)


# --- the message --------------------------------------------------------------------------------


def _start_message(page: Changes, _: int, __: Any, after: Snapshot) -> Iterator[Change]:
    page.head = _head(after)
    yield Change(("message",), cast(Any, after.message).to_dict())


def _change_head(page: Changes, _: int, __: Any, after: Snapshot) -> Iterator[Change]:
    before, page.head = page.head, _head(after)
    yield from _fields(("message",), before, page.head)


def _head(snapshot: Snapshot) -> dict[str, Any]:
    """The fields of the message but its content, as plain JSON."""
    message: Mapping[str, Any] = cast(Any, snapshot.message)
    return {key: thaw(value) for key, value in message.items() if key != "content"}


# --- blocks -------------------------------------------------------------------------------------


def _start_block(page: Changes, index: int, event: Any, after: Snapshot) -> Iterator[Change]:
    block = event.content_block
    page.open[index] = dict(block)
    yield Change(_block(index), block.to_dict())
    if isinstance(block, FallbackBlock):  # it names the model that goes on
        yield from _change_head(page, index, event, after)


def _stop_block(page: Changes, index: int, event: Any, _: Snapshot) -> Iterator[Change]:
    shown = {
        key: value.snapshot if isinstance(value, (TextEvent, ThinkingEvent)) else value
        for key, value in page.open.pop(index).items()
    }
    yield from _fields(_block(index), shown, event.content_block)


def _grow_text(page: Changes, index: int, event: TextEvent, _: Snapshot) -> Iterator[Change]:
    page.open[index]["text"] = event
    yield Change(_block(index, "text"), event.text, appends=True)


def _grow_thinking(
    page: Changes, index: int, event: ThinkingEvent, _: Snapshot
) -> Iterator[Change]:
    page.open[index]["thinking"] = event
    yield Change(_block(index, "thinking"), event.thinking, appends=True)


def _grow_input(page: Changes, index: int, event: InputJsonEvent, _: Snapshot) -> Iterator[Change]:
    yield Change(("inputs", str(index)), event.partial_json, appends=True)
    grown = "[" not in event.partial_json  # 12,000 deltas of one array then take half the time
    yield from _set_fields(page, index, {"input": event.snapshot}, grown=grown)


def _add_citation(page: Changes, index: int, event: CitationEvent, _: Snapshot) -> Iterator[Change]:
    return _set_fields(page, index, {"citations": event.snapshot})


def _set_signature(
    page: Changes, index: int, event: SignatureEvent, _: Snapshot
) -> Iterator[Change]:
    return _set_fields(page, index, {"signature": event.signature})


def _set_compaction(page: Changes, index: int, _: Any, after: Snapshot) -> Iterator[Change]:
    return _set_fields(page, index, cast(Any, after.message).content[index])


def _set_fields(
    page: Changes, index: int, fields: Mapping[str, Any], *, grown: bool = False
) -> Iterator[Change]:
    block = page.open[index]
    page.open[index] = {**block, **fields}
    yield from _fields(_block(index), block, fields, grown=grown)


def _block(index: int, *field: str) -> Path:
    return ("message", "content", index, *field)


def _fields(
    path: Path, old: Mapping[str, Any], new: Mapping[str, Any], *, grown: bool = False
) -> Iterator[Change]:
    """The changes that give an object at `path` the fields of `new`, and leave its others."""
    for field, value in new.items():
        if field in old:
            yield from difference((*path, field), old[field], value, grown=grown)
        else:
            yield Change((*path, field), thaw(value))


_CHANGES: dict[Hashable, Callable[[Changes, int, Any, Snapshot], Iterator[Change]]] = {
    RawMessageStartEvent: _start_message,
    RawMessageDeltaEvent: _change_head,
    RawContentBlockStartEvent: _start_block,
    ContentBlockStopEvent: _stop_block,
    TextEvent: _grow_text,
    ThinkingEvent: _grow_thinking,
    InputJsonEvent: _grow_input,
    CitationEvent: _add_citation,
    SignatureEvent: _set_signature,
    CompactionEvent: _set_compaction,
}
"""By event: the changes that it stands for. An event that is not here changes nothing."""
