"""Two recordings: where their messages part, and how they differ at the end.

Messages are compared as they are at the end, and each difference is traced back to the event that
brought it, in either recording. So it does not matter how a stream was cut into deltas. Two
recordings part at the first block that differs; ids and usage differ between any two answers, and
are only listed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, cast

from .changes import Path
from .trace import Trace

__all__ = ["parting"]

_SHOWN = 160
_LISTED = 200


def parting(a: Trace, b: Trace) -> dict[str, Any]:
    """Where two recordings part, as the page shows it.

    Returns:
        `same`: whether their messages are equal. `differences`: for each, its `path`, the two
        `values` as text (`None` where there is none) and the numbers of the two `events` that
        brought them (0 where none did). `first`: the one at which the contents part, with the
        `offset` of the first character that differs, for texts; `None` if the contents are equal.
    """
    messages = [trace.snapshot.message for trace in (a, b)]
    plain = [message and message.to_dict() for message in messages]
    found = list(_differences((), *plain))
    differences: list[dict[str, Any]] = []
    first: dict[str, Any] | None = None
    for path, values in found:
        offset = _common(*values) if all(isinstance(value, str) for value in values) else None
        events = [
            0 if value is _ABSENT else _source(trace, ("message", *path), offset, _ABSENT in values)
            for trace, value in zip((a, b), values)  # noqa: B905
        ]
        difference = {
            "path": ("message", *path),
            "values": [_text(value, offset or 0) for value in values],
            "events": events,
            "offset": offset,
        }
        differences.append(difference)
        is_content = path[:1] in ((), ("content",), ("stop_reason",)) and path[-1:] != ("id",)
        if is_content and (first is None or _came(difference) < _came(first)):
            first = difference
    return {"same": not found, "differences": differences[:_LISTED], "first": first}


def _came(difference: dict[str, Any]) -> tuple[float, int]:
    """A sort key: blocks come one after the other, and `stop_reason` after them."""
    _, *place = difference["path"]
    block = place[1] if place[:1] == ["content"] else math.inf
    return block, max(difference["events"])


_ABSENT = object()


def _differences(path: Path, a: Any, b: Any) -> Iterator[tuple[Path, tuple[Any, Any]]]:
    """The paths at which two JSON values differ, and what is there."""
    if isinstance(a, dict) and isinstance(b, dict):
        a, b = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
        for key in dict.fromkeys([*a, *b]):
            yield from _differences((*path, key), a.get(key, _ABSENT), b.get(key, _ABSENT))
    elif isinstance(a, list) and isinstance(b, list):
        both = cast("list[list[Any]]", [a, b])
        for position in range(max(map(len, both))):
            pair = [items[position] if position < len(items) else _ABSENT for items in both]
            yield from _differences((*path, position), *pair)
    elif isinstance(a, bool) != isinstance(b, bool) or a != b:
        yield path, (a, b)


def _common(a: str, b: str) -> int:
    """How many characters two texts begin with in common."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _text(value: Any, offset: int) -> str | None:
    """The beginning of a value as text; of a string, what is around the offset."""
    if value is _ABSENT:
        return None
    if isinstance(value, str):
        start = max(0, offset - _SHOWN // 4)
        value = ("… " if start else "") + value[start : start + _SHOWN + 1]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN + 20 else f"{text[:_SHOWN]} …"


def _source(trace: Trace, path: Path, offset: int | None, begins: bool) -> int:
    """The event that brought the value at `path`, or the character of it at `offset`.

    Args:
        trace: the recording.
        path: the path in the page's document.
        offset: the position of the character, for texts.
        begins: whether to take the first event that set the value, and not the last.
    """
    length, found = 0, [0]
    for number, event in enumerate(trace.events, 1):
        for change in event.changes:
            if any(ours != theirs for ours, theirs in zip(path, change.path)):  # noqa: B905
                continue
            if not _has(change.value, path[len(change.path) :]):
                continue
            found.append(number)
            if change.path != path:
                continue
            if begins:
                return number
            length = length + len(change.value) if change.appends else 0
            if offset is not None and length > offset:
                return number
    return found[1] if begins else found[-1]


def _has(value: Any, path: Path) -> bool:
    """Whether there is something at `path` in a JSON value."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True
