"""The table of deltas: one row for each kind, with everything this package knows about it.

A row names the class of the delta, the blocks it may occur in, the field of the block it changes,
and the event that the fold derives from it. The class of the row fixes the rest: how the field
starts, grows and reads, how a checkpoint saves it, and how `expand` writes it as deltas.

    TextGrowth      appends a string to a string      text_delta, thinking_delta
    InputGrowth     appends to the JSON of an input   input_json_delta
    ListGrowth      appends an item to a list         citations_delta
    Replacement     replaces fields                   signature_delta, compaction_delta

`snapshot`, `reduce`, `runs` and `expand` read the table, so a new kind of delta needs its classes
(in `events`, and in `messages` for a new block) and one row here.

Rules:

- `growths_of` gives the rows that grow a kind of block, in the order of the table. An open block
  has one growing value for each of them, in the same order. The row of a string comes first.
- The rows only compute values. They do not know the snapshot.

Cost: constant for each delta. Reading a block puts its growing values together.
"""

from __future__ import annotations

# The modules of this package share their private attributes.
# pyright: reportPrivateUsage=false
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, get_args

import attrs

from .declared import APIObject, FieldError, Value, evolve, made
from .drafts import draft_of
from .events import (
    CitationEvent,
    CitationsDelta,
    CompactionDelta,
    CompactionEvent,
    InputJSONDelta,
    InputJsonEvent,
    SignatureDelta,
    SignatureEvent,
    TextDelta,
    TextEvent,
    ThinkingDelta,
    ThinkingEvent,
)
from .frozen_json import EMPTY, described, is_array, is_object
from .growing import Growing, Text
from .messages import (
    CompactionBlock,
    MCPToolUseBlock,
    ServerToolUseBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
)
from .partial_json import PartialJSON, PartialMode, parse_json_text

__all__ = [
    "DELTAS",
    "FALLIBLE",
    "DeltaKind",
    "Expansion",
    "Growth",
    "InputGrowth",
    "Replacement",
    "growths_of",
    "rows_of",
]

_NO_TEXT = Text()
_NO_ITEMS: Growing[Any] = Growing()
_NO_INPUT: dict[PartialMode, PartialJSON] = {
    mode: PartialJSON(mode=mode) for mode in get_args(PartialMode)
}
"""The inputs of most tools as they start."""


class Expansion(NamedTuple):
    """The way to write the fields of a row: as fields of the block's start, and as deltas.

    Attributes:
        start: the fields of the block as it starts.
        deltas: the deltas that lead from there to the block.
        is_whole: whether the block can stop after them.
    """

    start: Mapping[str, Any] = EMPTY
    deltas: tuple[Mapping[str, Any], ...] = ()
    is_whole: bool = True


_NO_EXPANSION = Expansion()

# --- the kinds of row ---------------------------------------------------------------------------


@attrs.frozen(eq=False, kw_only=True)
class DeltaKind(ABC):
    """A row of the table.

    Attributes:
        delta: the class of the delta.
        blocks: the classes of block it may occur in.
        event: the class of the event derived from it.
    """

    delta: type[APIObject]
    blocks: tuple[type[APIObject], ...]
    event: type[Value]

    @abstractmethod
    def expand(self, block: Any) -> Expansion:
        """Return the fields of the block's start and the deltas that lead to `block`."""


@attrs.frozen(eq=False, kw_only=True)
class Replacement(DeltaKind):
    """A delta that replaces fields of the block.

    Attributes:
        replaces: the fields, which have the same names in the delta, the block and the event.
        before: their value when the block starts.
    """

    replaces: tuple[str, ...]
    before: str | None

    def replace(self, block: Any, delta: Any) -> tuple[Any, Value]:
        """Return the block after the delta, and the derived event."""
        block = block.replace(**{name: delta[name] for name in self.replaces if name in delta})
        return block, made(self.event, **{name: getattr(block, name) for name in self.replaces})

    def expand(self, block: Any) -> Expansion:
        """See `DeltaKind.expand`."""
        fields: dict[str, Any] = {name: block[name] for name in self.replaces if name in block}
        if fields.get(self.replaces[0]) in (None, self.before):
            return _NO_EXPANSION
        try:
            for name, value in fields.items():
                self.delta._fields[name].read(value)
        except FieldError:  # the block's field is optional, so it may hold any JSON
            return _NO_EXPANSION
        start = dict.fromkeys(fields, self.before)
        return Expansion(start, ({"type": self.delta._tag, **fields},))


@attrs.frozen(eq=False, kw_only=True)
class Growth(DeltaKind):
    """A delta that appends to a field of the block.

    Attributes:
        part: the field of the delta, and of the event, that holds the new part.
        grows: the field of the block.
        is_string: whether the part is a string, so that `runs` can fold many deltas at once.
    """

    part: str
    grows: str
    is_string: ClassVar[bool] = True
    _event_draft: Any = attrs.field(init=False)

    @_event_draft.default
    def _draft_of_event(self) -> Any:
        return draft_of(self.event)

    @property
    def saved_as(self) -> str:
        """The key of the growing value in a checkpoint."""
        return "grown"

    @abstractmethod
    def start(self, block: Any, mode: PartialMode) -> Any:
        """Return the growing value of a block as it starts.

        Raises:
            FieldError: the block cannot start with this value.
        """

    def append(self, value: Any, delta: Any) -> tuple[Any, Value]:
        """Return the growing value after the delta, and the derived event."""
        part = getattr(delta, self.part)
        grown = value.append(part)
        event = self._event_draft()
        setattr(event, self.part, part)
        event._snapshot = grown
        event.__class__ = self.event
        return grown, event

    @abstractmethod
    def so_far(self, block: Any, value: Any) -> Any:
        """Return `block` with the growing value put into its field."""

    @abstractmethod
    def save(self, value: Any) -> Any:
        """Return the growing value as JSON, for a checkpoint."""

    @abstractmethod
    def restore(self, started: Any, saved: Any) -> Any:
        """Return the growing value that `save` wrote, made from that of the started block."""


@attrs.frozen(eq=False, kw_only=True)
class TextGrowth(Growth):
    """A delta that appends a string to a string."""

    def start(self, block: Any, mode: PartialMode) -> Text:
        """See `Growth.start`."""
        text = getattr(block, self.grows)
        return Text([text]) if text else _NO_TEXT

    def so_far(self, block: Any, value: Text) -> Any:
        """See `Growth.so_far`."""
        return evolve(block, **{self.grows: str(value)})

    def save(self, value: Text) -> str:
        """See `Growth.save`."""
        return str(value)

    def restore(self, started: Text, saved: str) -> Text:
        """See `Growth.restore`."""
        return Text([saved])

    def expand(self, block: Any) -> Expansion:
        """See `DeltaKind.expand`."""
        text = getattr(block, self.grows)
        deltas = ({"type": self.delta._tag, self.part: text},) if text else ()
        return Expansion({self.grows: ""}, deltas)


@attrs.frozen(eq=False, kw_only=True)
class InputGrowth(Growth):
    """A delta that appends to the JSON text of a tool's input. The block keeps the text as well."""

    def start(self, block: Any, mode: PartialMode) -> PartialJSON:
        """See `Growth.start`."""
        value = getattr(block, self.grows)
        if not is_object(value):
            reason = f"must be an object, not {described(value)}"
            raise FieldError(f"content_block.{self.grows}", reason)
        started = None if value else _NO_INPUT.get(mode)
        return started or PartialJSON(_NO_TEXT, mode, value)

    def so_far(self, block: Any, value: PartialJSON) -> Any:
        """See `Growth.so_far`."""
        text = str(value.text)
        return self.with_input(block, value.value, text) if text else block

    def is_cut(self, value: PartialJSON) -> bool:
        """Return whether further deltas could have completed the value."""
        return value.is_beginning

    def with_input(self, block: Any, value: Any, text: str) -> Any:
        """Return `block` with the value and the text of its input."""
        return evolve(block, **{self.grows: value, "input_json": text})

    def save(self, value: PartialJSON) -> str:
        """See `Growth.save`."""
        return str(value.text)

    def restore(self, started: PartialJSON, saved: str) -> PartialJSON:
        """See `Growth.restore`."""
        return started.append(saved)

    def expand(self, block: Any) -> Expansion:
        """See `DeltaKind.expand`."""
        value, text = getattr(block, self.grows), block.input_json
        if value == {} and not block._input_json:
            return _NO_EXPANSION
        try:
            parse_json_text(text)
            is_whole = True
        except ValueError:
            is_whole = False
        before: Any = value if is_object(value) and not is_whole else {}
        deltas = ({"type": self.delta._tag, self.part: text},)
        return Expansion({self.grows: before}, deltas, is_whole)


@attrs.frozen(eq=False, kw_only=True)
class ListGrowth(Growth):
    """A delta that appends an item to a list."""

    is_string: ClassVar[bool] = False

    @property
    def saved_as(self) -> str:
        """The key of the growing value in a checkpoint."""
        return self.grows

    def start(self, block: Any, mode: PartialMode) -> Growing[Any]:
        """See `Growth.start`."""
        items: Any = getattr(block, self.grows)
        return Growing(items) if type(items) is tuple else _NO_ITEMS

    def so_far(self, block: Any, value: Growing[Any]) -> Any:
        """See `Growth.so_far`."""
        if not value._count:
            return block
        if self.grows in block._rest:  # it started as `null`
            block = block.replace(**{self.grows: ()})
        return evolve(block, **{self.grows: value.items()})

    def save(self, value: Growing[Any]) -> list[Any]:
        """See `Growth.save`."""
        return [item.to_dict() for item in value.items()]

    def restore(self, started: Growing[Any], saved: list[Any]) -> Growing[Any]:
        """See `Growth.restore`."""
        return Growing(map(self.delta._fields[self.part].read, saved))

    def expand(self, block: Any) -> Expansion:
        """See `DeltaKind.expand`."""
        items: Any = getattr(block, self.grows)
        if not items or not is_array(items):
            return _NO_EXPANSION
        deltas = tuple({"type": self.delta._tag, self.part: item} for item in items)
        return Expansion({self.grows: []}, deltas)


# --- the table ----------------------------------------------------------------------------------

_ROWS: tuple[DeltaKind, ...] = (
    TextGrowth(delta=TextDelta, part="text", event=TextEvent, blocks=(TextBlock,), grows="text"),
    ListGrowth(
        delta=CitationsDelta,
        part="citation",
        event=CitationEvent,
        blocks=(TextBlock,),
        grows="citations",
    ),
    TextGrowth(
        delta=ThinkingDelta,
        part="thinking",
        event=ThinkingEvent,
        blocks=(ThinkingBlock,),
        grows="thinking",
    ),
    Replacement(
        delta=SignatureDelta,
        event=SignatureEvent,
        blocks=(ThinkingBlock,),
        replaces=("signature",),
        before="",
    ),
    InputGrowth(
        delta=InputJSONDelta,
        part="partial_json",
        event=InputJsonEvent,
        blocks=(ToolUseBlock, ServerToolUseBlock, MCPToolUseBlock),
        grows="input",
    ),
    Replacement(
        delta=CompactionDelta,
        event=CompactionEvent,
        blocks=(CompactionBlock,),
        replaces=("content", "encrypted_content"),
        before=None,
    ),
)

DELTAS: dict[type, DeltaKind] = {row.delta: row for row in _ROWS}
"""The rows, by the class of the delta."""

_BY_BLOCK: dict[type, tuple[DeltaKind, ...]] = {
    block: tuple(row for row in _ROWS if block in row.blocks)
    for block in {block for row in _ROWS for block in row.blocks}
}
_GROWTHS: dict[type, tuple[Growth, ...]] = {
    block: tuple(row for row in rows if isinstance(row, Growth))
    for block, rows in _BY_BLOCK.items()
}

FALLIBLE = frozenset(
    block for block, rows in _GROWTHS.items() if any(isinstance(row, InputGrowth) for row in rows)
)
"""The classes of block whose stop may be a fault: the text of an input may not be JSON."""


def growths_of(block: type[APIObject]) -> tuple[Growth, ...]:
    """Return the rows that grow blocks of this class; none if the blocks come whole."""
    return _GROWTHS.get(block, ())


def rows_of(block: type[APIObject]) -> tuple[DeltaKind, ...]:
    """Return all rows of deltas that may occur in blocks of this class."""
    return _BY_BLOCK.get(block, ())
