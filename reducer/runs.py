"""The fast path for runs: deltas of one string that follow each other in a chunk.

Nearly all events of a stream are such deltas, and the API writes all those of a block in the same
way: the same lines up to the string, the string, two closing braces and a blank line. So a run in
this form is read from the text of the events: their beginning is compared, and only the string is
decoded. The general way decodes the whole JSON, and checks and builds the event. The first delta in
another spelling (spaces, another order of keys, added fields) is decoded as JSON, and only checked
for its shape. The JSON around its string is the `_Spelling` by which those after it are recognised.
Then the whole run is folded as one step.

A delta gives two events, and most programs read only one of them. So the delta of the raw event and
the growing value of the derived one are made when they are read (see `events`).

On a live connection nearly every chunk is one such event. `fold_one` recognises it by its bytes,
the line `event:` included, and scans its string. `pipeline.LiveRun` does so without a snapshot.

Rules:

- The first event that is not a string delta of the open block ends the run and goes the general way
  (`decoding`, `reduce`). So does every delta with a fault.
- Both ways give the same result. The general way is the slow twin in the tests.
- A run needs exactly one open block, because then its prefix is known.
- The table in `deltas` has everything that this module needs to know about a kind of delta.

Cost: 1.5 µs an event with its derived event, and 1.1 µs without events. Another spelling costs
0.4 µs more, or 3 µs if its added fields differ from event to event. The general way costs 8.5 µs.
Without this module `feed` takes 6 times as long for text in chunks of 4 KiB, and 3 times for one
event per chunk.
"""

from __future__ import annotations

# The modules of this package share their private attributes.
# pyright: reportPrivateUsage=false
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .deltas import DELTAS, Growth, growths_of
from .drafts import draft_of
from .events import RawContentBlockDeltaEvent
from .frozen_json import EMPTY, SCALARS, JSONObject, freeze, frozen_object, scan_once
from .partial_json import scan_string
from .snapshot import OpenBlock, Snapshot, open_block, snapshot_of
from .sse import Frame

__all__ = [
    "LONGEST_ONE",
    "fold_one",
    "fold_run",
    "fold_text",
    "grown",
    "inside_run",
    "may_grow",
    "run_at",
]

_PREFIXES = 64
"""The number of blocks whose prefixes are written in advance; that saves 6 % of `feed`."""

LONGEST_ONE = 1024
"""Bytes; a longer chunk is rarely one event, and is not decoded twice to find out."""

_ON_THE_WIRE = "event: content_block_delta\ndata: "
_INDEX_ON_THE_WIRE = _ON_THE_WIRE + '{"type":"content_block_delta","index":'
_BEGINNING = _ON_THE_WIRE.encode() + b'{"type":"content_block_delta",'

_END = re.compile(r"\} *\} *\n\n")
"""The end of an event after the string of its delta; the API pads it with spaces."""

_RawDraft = draft_of(RawContentBlockDeltaEvent)

_Rests = tuple[JSONObject, JSONObject]
"""The fields of a delta and of its event that the protocol does not know."""

_NO_RESTS: _Rests = (EMPTY, EMPTY)


def _frozen(fields: dict[str, Any]) -> JSONObject:
    """Return `freeze(fields)`, in half the time if all values are scalars.

    Raises:
        ValueError: a field is nested too deep.
    """
    for value in fields.values():
        if value.__class__ not in SCALARS:
            return freeze(fields)  # type: ignore[no-any-return]
    return frozen_object(fields)


class _Spelling(NamedTuple):
    """The JSON around the string of a delta, which most deltas of a run have in common.

    Attributes:
        prefix: the JSON up to the string, with its opening quote.
        suffix: the JSON after its closing quote.
        rests: the unknown fields in the two.
    """

    prefix: str
    suffix: str
    rests: _Rests


def _with_part(cls: type[Any], part: str) -> Any:
    """Return the draft class of `cls` with the further name `part` for its attribute `part`.

    The name of the part differs between the rows, and `setattr` with it costs as much as a call.
    """
    draft = draft_of(cls)
    draft.part = draft.__dict__[part]
    return draft


class _StringDeltas:
    """The deltas of one row of the table, as `fold_run` needs them.

    Attributes:
        row: the row.
        tag: the `type` of the deltas.
        prefixes: the prefix of the JSON for the first block, the second, and so on.
        wire_prefixes: the same with the lines before it.
    """

    __slots__ = (
        "_delta_class",
        "_delta_draft",
        "_event_draft",
        "_key",
        "_optional",
        "_others",
        "_part",
        "_prefix_end",
        "prefixes",
        "row",
        "tag",
        "wire_prefixes",
    )

    def __init__(self, row: Growth) -> None:
        self.row = row
        self.tag, self._part = row.delta._tag, row.part
        self._key = re.compile(rf'"{row.part}"[ \t\n\r]*:[ \t\n\r]*"')
        self._prefix_end = f',"delta":{{"type":"{self.tag}","{self._part}":"'
        self.prefixes = [self.prefix(index) for index in range(_PREFIXES)]
        self.wire_prefixes = [_ON_THE_WIRE + prefix for prefix in self.prefixes]
        self._delta_class = row.delta
        self._delta_draft = _with_part(row.delta, row.part)
        self._event_draft = _with_part(row.event, row.part)
        self._others = [
            (field.name, field.default)
            for field in row.delta._attributes
            if field.name not in (row.part, "rest")
        ]
        self._optional = frozenset(row.delta._fields) - {row.part}

    def prefix(self, index: int) -> str:
        """Return the JSON of a delta of the block at `index`, up to the string."""
        return f'{{"type":"content_block_delta","index":{index}{self._prefix_end}'

    def read_text(self, index: int, text: str, at: int) -> tuple[list[str], int]:
        """Read whole events from `at`, while they are deltas of the block at `index`.

        Args:
            index: the index of the block.
            text: the events.
            at: the position of the first one to read.

        Returns:
            The strings of the deltas, and the position after them. A delta that is not written as
            the API writes it ends the run.
        """
        prefix = (
            self.wire_prefixes[index]
            if index < _PREFIXES
            else f"{_INDEX_ON_THE_WIRE}{index}{self._prefix_end}"
        )
        following, size, match_end = "}}\n\n" + prefix, len(prefix), _END.match
        strings: list[str] = []
        is_delta = text.startswith(prefix, at)
        while is_delta:
            try:
                string, end = scan_string(text, at + size)
            except ValueError:
                break
            if text.startswith(following, end):  # both ends at once, which saves 4 %
                at = end + len("}}\n\n")
            else:
                found = match_end(text, end)
                if found is None:
                    break
                at = found.end()
                is_delta = text.startswith(prefix, at)
            strings.append(string)
        return strings, at

    def read(self, frames: list[Frame], at: int, index: int) -> tuple[list[str], dict[int, _Rests]]:
        """Read the run of deltas of the block at `index` that begins at `at`.

        Returns:
            The strings of the deltas; and by their position in the run, the unknown fields of those
            that have any.
        """
        prefix = self.prefixes[index] if index < _PREFIXES else self.prefix(index)
        suffix, known, is_learned = "}}", _NO_RESTS, False
        strings: list[str] = []
        rests: dict[int, _Rests] = {}
        for position in range(at, len(frames)):
            data = frames[position][1]
            if data.startswith(prefix):
                try:
                    string, end = scan_string(data, len(prefix))
                except ValueError:
                    break
                tail = data[end:]
                if tail == suffix or (suffix == "}}" and tail.replace(" ", "") == "}}"):
                    if known is not _NO_RESTS:
                        rests[len(strings)] = known
                    strings.append(string)
                    continue
            decoded = self._decode(data, index) if self.tag in data else None
            if decoded is None:
                break
            string, unknown = decoded
            if unknown is not _NO_RESTS:
                rests[len(strings)] = unknown
            strings.append(string)
            if not is_learned and position + 1 < len(frames):
                is_learned = True
                spelling = self._spelling(data, index, decoded)
                if spelling is not None:
                    prefix, suffix, known = spelling
        return strings, rests

    def _spelling(self, data: str, index: int, decoded: tuple[str, _Rests]) -> _Spelling | None:
        """Return the spelling of a delta, from its JSON and the result of `_decode`.

        `None` if the place of its string is not certain: a longer string there must give the same
        delta with that string.
        """
        string, rests = decoded
        found = self._key.search(data)
        if found is None:
            return None
        start = found.end()
        _, end = scan_string(data, start)
        longer = f"{data[: end - 1]}~{data[end - 1 :]}"
        if self._decode(longer, index) != (f"{string}~", rests):
            return None
        return _Spelling(data[:start], data[end:], rests)

    def _decode(self, data: str, index: int) -> tuple[str, _Rests] | None:
        """Return the string and the unknown fields of a delta in any spelling.

        `None` if the data is anything but a faultless delta of this row for the block at `index`.
        """
        try:
            event, end = scan_once(data, 0)
        except (StopIteration, ValueError, RecursionError):
            return None
        if end != len(data) or event.__class__ is not dict:
            return None
        try:
            found, delta = event["index"], event["delta"]
            if event["type"] != "content_block_delta" or delta["type"] != self.tag:
                return None
            string = delta[self._part]
        except (KeyError, TypeError, IndexError):
            return None
        if found != index or found.__class__ is not int or string.__class__ is not str:
            return None
        if len(delta) == 2 and len(event) == 3:
            return string, _NO_RESTS
        delta_rest = event_rest = EMPTY
        try:
            if len(delta) > 2:
                del delta["type"], delta[self._part]
                if self._optional and not self._optional.isdisjoint(delta):
                    return None
                delta_rest = _frozen(delta)
            if len(event) > 3:
                del event["type"], event["index"], event["delta"]
                event_rest = _frozen(event)
        except ValueError:
            return None
        return string, (delta_rest, event_rest)

    def add_events(
        self,
        events: list[Any],
        index: int,
        strings: Sequence[str],
        rests: Mapping[int, _Rests],
        value: Any,
    ) -> None:
        """Add the raw and the derived event of each delta in a run to `events`.

        Args:
            events: the list to add to.
            index: the index of the block.
            strings: the strings of the deltas.
            rests: their unknown fields, as `read` gives them.
            value: the growing value after the run.
        """
        start = len(events)
        event_draft, event_class, make_delta = self._event_draft, self.row.event, self.make_delta
        missing = len(strings)
        for string in strings:
            missing -= 1
            raw = _RawDraft()
            raw.index = index
            raw._make_delta = make_delta
            raw._string = string
            raw._rest = EMPTY
            raw.__class__ = RawContentBlockDeltaEvent
            events.append(raw)

            derived = event_draft()
            derived.part = string
            derived._snapshot = value
            derived._missing = missing
            derived.__class__ = event_class
            events.append(derived)
        for position, (delta_rest, event_rest) in rests.items():
            raw = events[start + 2 * position]  # no other code has seen it yet
            object.__setattr__(raw, "_rest", event_rest)
            if delta_rest:
                object.__setattr__(raw, "delta", make_delta(strings[position], delta_rest))

    def make_delta(self, string: str, rest: JSONObject = EMPTY) -> Any:
        """Return the delta of a string."""
        delta = self._delta_draft()
        delta.part = string
        delta._rest = rest
        for name, default in self._others:
            setattr(delta, name, default)
        delta.__class__ = self._delta_class
        return delta

    def fold_one(self, index: int, value: Any, chunk: bytes, events: Any) -> Any:
        """Fold a chunk that is one delta of the block at `index`, written as the API writes it.

        Args:
            index: the index of the block.
            value: the growing value of the block before.
            chunk: bytes that begin with the beginning of a server-sent event.
            events: a list or deque, to which the two events of the delta are added; `None` to make
                no events.

        Returns:
            The growing value after; `None` for any other chunk, of which nothing was folded.
        """
        prefix = self.wire_prefixes[index]
        if len(chunk) > LONGEST_ONE:
            return None
        try:
            text = chunk.decode()
            if not text.startswith(prefix):
                return None
            string, end = scan_string(text, len(prefix))
        except ValueError:
            return None
        if text[end:] != "}}\n\n" and _END.fullmatch(text, end) is None:
            return None
        value = value.append(string)
        if events is not None:  # `add_events` without its loop, which takes 13 % longer
            raw = _RawDraft()
            raw.index = index
            raw._make_delta = self.make_delta
            raw._string = string
            raw._rest = EMPTY
            raw.__class__ = RawContentBlockDeltaEvent

            derived = self._event_draft()
            derived.part = string
            derived._snapshot = value
            derived._missing = 0
            derived.__class__ = self.row.event
            events += raw, derived
        return value


_STRING_DELTAS: dict[type, _StringDeltas] = {
    block: _StringDeltas(row)
    for row in DELTAS.values()
    if isinstance(row, Growth) and row.is_string
    for block in row.blocks
    if growths_of(block)[0] is row
}
"""By the class of a block: the string deltas that grow it. They grow its first growing value."""

_OpenBlockDraft = draft_of(OpenBlock)
_SnapshotDraft = draft_of(Snapshot)


_Growing = tuple[OpenBlock, _StringDeltas]


def _growing(snapshot: Snapshot) -> _Growing | None:
    """Return the one open block and the string deltas that grow it; `None` without both."""
    still_open = snapshot._open
    if len(still_open) != 1 or snapshot._settled.is_over:
        return None
    (opened,) = still_open
    deltas = _STRING_DELTAS.get(opened.block.__class__)
    return None if deltas is None else (opened, deltas)


def fold_text(
    snapshot: Snapshot, text: str, at: int, events: list[Any] | None
) -> tuple[int, Snapshot, int]:
    """Fold the run of deltas that begins at `at` in the text of whole events, as one step.

    Without it, `feed` takes 1.15 times as long for text in chunks of 4 KiB.

    Args:
        snapshot: the snapshot before.
        text: the events.
        at: the position of the next one to fold.
        events: a list to add the events of the run to; `None` to make no events.

    Returns:
        The position after the run, the snapshot there, and the number of its deltas; `at` and
        `snapshot` without a run.
    """
    found = _growing(snapshot)
    if found is None:
        return at, snapshot, 0
    opened, deltas = found
    strings, at = deltas.read_text(opened.index, text, at)
    if not strings:
        return at, snapshot, 0
    return at, _fold(snapshot, found, strings, {}, events), len(strings)


def may_grow(snapshot: Snapshot, data: str) -> bool:
    """Return whether the data of an event may be a delta that `fold_run` takes.

    Args:
        snapshot: the snapshot before.
        data: the data.
    """
    found = _growing(snapshot)
    return found is not None and found[1].tag in data


def fold_run(
    snapshot: Snapshot, frames: list[Frame], at: int, events: list[Any] | None
) -> tuple[int, Snapshot]:
    """Fold the run of deltas that begins at `at` as one step.

    Args:
        snapshot: the snapshot before.
        frames: the server-sent events of a chunk.
        at: the position of the next one to fold.
        events: a list to add the events of the run to; `None` to make no events.

    Returns:
        The position after the run and the snapshot there; `at` and `snapshot` without a run.
    """
    found = _growing(snapshot)
    if found is None:
        return at, snapshot
    opened, deltas = found
    strings, rests = deltas.read(frames, at, opened.index)
    if not strings:
        return at, snapshot
    return at + len(strings), _fold(snapshot, found, strings, rests, events)


def _fold(
    snapshot: Snapshot,
    growing: _Growing,
    strings: list[str],
    rests: Mapping[int, _Rests],
    events: list[Any] | None,
) -> Snapshot:
    """Return the snapshot after a run of deltas of the open block, and add their events."""
    opened, deltas = growing
    value = opened.grown[0].extend(strings)
    if events is not None:
        deltas.add_events(events, opened.index, strings, rests, value)
    return grown(snapshot, opened, value)


def run_at(snapshot: Snapshot, chunk: bytes) -> _Growing | None:
    """Return the open block and its deltas, if a chunk begins with one of them.

    Args:
        snapshot: the snapshot before the chunk.
        chunk: bytes that begin with the beginning of a server-sent event.

    Returns:
        The two; `None` for any other chunk.
    """
    if len(chunk) > LONGEST_ONE or not chunk.startswith(_BEGINNING):
        return None
    found = _growing(snapshot)
    if found is None:
        return None
    opened, deltas = found
    index = opened.index
    if index >= _PREFIXES or not chunk.startswith(deltas.wire_prefixes[index].encode()):
        return None
    return found


def fold_one(snapshot: Snapshot, chunk: bytes, events: list[Any] | None) -> Snapshot | None:
    """Fold a chunk that is one delta of the open block, written as the API writes it.

    On a live connection, most chunks are of this form. Without this function, `feed` takes 1.6
    times as long for one event per chunk.

    Args:
        snapshot: the snapshot before.
        chunk: bytes that begin with the beginning of a server-sent event.
        events: a list to add the two events of the delta to; `None` to make no events.

    Returns:
        The snapshot after; `None` for any other chunk, of which nothing was folded.
    """
    found = run_at(snapshot, chunk)
    if found is None:
        return None
    opened, deltas = found
    value = deltas.fold_one(opened.index, opened.grown[0], chunk, events)
    return None if value is None else grown(snapshot, opened, value)


def grown(snapshot: Snapshot, opened: OpenBlock, value: Any) -> Snapshot:
    """Return the snapshot in which the first growing value of its one open block is `value`."""
    # The drafts are written out: calls of `open_block` and `snapshot_of` take 5 % of `feed`.
    draft = _OpenBlockDraft()
    draft.index = opened.index
    draft.block = opened.block
    draft.grown = (value,) + opened.grown[1:]  # noqa: RUF005 (a third faster)
    draft.__class__ = OpenBlock
    after = _SnapshotDraft()
    after._settled = snapshot._settled
    after._open = (draft,)
    after.__class__ = Snapshot
    snapshot_after: Snapshot = after
    return snapshot_after


def inside_run(snapshot: Snapshot, derived: Any) -> Snapshot:
    """Return the snapshot after one delta of a run.

    Args:
        snapshot: the snapshot after the whole run. A run changes one growing value only.
        derived: the event derived from the delta; it carries that value after the delta.
    """
    (opened,) = snapshot._open
    grown = (derived._snapshot, *opened.grown[1:])
    return snapshot_of(snapshot._settled, (open_block(opened.index, opened.block, grown),))
