"""Messages whose text is JSON of a type that the caller gave: `parsed_output`.

Text is parsed when `parsed_output` is read, and not before, so that text that does not validate
never breaks a stream. The type is known here only as a function from text to value, so that
pydantic is not needed.

The `Parsed…` classes differ from the plain ones of the reducer in this attribute alone, and equal
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, Union

from streamfold.reducer import (
    STOP_REASONS_OF_A_CUT,
    ContentBlock,
    ContentBlockStopEvent,
    DerivedEvent,
    Message,
    MessageStopEvent,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    TextBlock,
    evolve,
)

__all__ = [
    "STOP_EVENTS",
    "ParsedContentBlock",
    "ParsedContentBlockStopEvent",
    "ParsedMessage",
    "ParsedMessageStopEvent",
    "ParsedMessageStreamEvent",
    "ParsedTextBlock",
    "ResponseFormatT",
    "parsed_event",
    "parsed_message",
]

ResponseFormatT = TypeVar("ResponseFormatT")


class _EqualsPlain:
    """Equality and hash of the `Parsed…` values: those of the plain value with the same content."""

    __slots__ = ()
    _plain: ClassVar[type[Any]]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, self._plain):
            return False
        return bool(evolve(self, self._plain) == evolve(other, self._plain))

    def __hash__(self) -> int:
        return hash(evolve(self, self._plain))


class ParsedTextBlock(_EqualsPlain, TextBlock, Generic[ResponseFormatT]):
    """A text block with its text as a value of the caller's type."""

    __slots__ = ("_parse",)
    _plain: ClassVar[type[Any]] = TextBlock
    _parse: Callable[[str], ResponseFormatT] | None

    @property
    def parsed_output(self) -> ResponseFormatT | None:
        """The text as a value of the caller's type.

        `None` if there is no type, the answer was cut off, or the block is a copy made by pickle.

        Raises:
            ValueError: the text does not validate (pydantic's `ValidationError` is one).
        """
        parse = getattr(self, "_parse", None)  # pickle does not copy the function
        return None if parse is None else parse(self.text)


ParsedContentBlock = Union[ParsedTextBlock[ResponseFormatT], ContentBlock]
"""Any block; text blocks have `parsed_output`."""


class ParsedMessage(_EqualsPlain, Message, Generic[ResponseFormatT]):
    """A message with its text as a value of the caller's type."""

    __slots__ = ()
    _plain: ClassVar[type[Any]] = Message

    @property
    def parsed_output(self) -> ResponseFormatT | None:
        """The `parsed_output` of the first text block; `None` if the message has no text block.

        Raises:
            ValueError: the text does not validate (pydantic's `ValidationError` is one).
        """
        found: Any = [block for block in self.content if isinstance(block, ParsedTextBlock)]
        blocks: list[ParsedTextBlock[ResponseFormatT]] = found
        return blocks[0].parsed_output if blocks else None


class ParsedMessageStopEvent(_EqualsPlain, MessageStopEvent, Generic[ResponseFormatT]):
    """The end of the message: the event has the whole message, with `parsed_output`."""

    __slots__ = ()
    _plain: ClassVar[type[Any]] = MessageStopEvent
    if TYPE_CHECKING:
        message: ParsedMessage[ResponseFormatT]


class ParsedContentBlockStopEvent(_EqualsPlain, ContentBlockStopEvent, Generic[ResponseFormatT]):
    """The end of the block at `index`: the event has the whole block.

    A text block has `parsed_output`.
    """

    __slots__ = ()
    _plain: ClassVar[type[Any]] = ContentBlockStopEvent
    if TYPE_CHECKING:
        content_block: ParsedContentBlock[ResponseFormatT]


ParsedMessageStreamEvent = Union[
    RawMessageStartEvent,
    RawMessageDeltaEvent,
    ParsedMessageStopEvent[ResponseFormatT],
    RawContentBlockStartEvent,
    RawContentBlockDeltaEvent,
    ParsedContentBlockStopEvent[ResponseFormatT],
    DerivedEvent,
]
"""The events of a stream. Events that the protocol does not know come as `RawUnknownEvent`."""

STOP_EVENTS = frozenset[type[Any]]({ContentBlockStopEvent, MessageStopEvent})
"""The classes of events that `parsed_event` changes."""


def _parsed_block(block: Any, parse: Callable[[str], Any] | None) -> Any:
    if not isinstance(block, TextBlock):
        return block
    parsed = evolve(block, ParsedTextBlock)
    object.__setattr__(parsed, "_parse", parse)
    return parsed


def parsed_message(
    message: Message, parse: Callable[[str], ResponseFormatT] | None
) -> ParsedMessage[ResponseFormatT]:
    """`message` with `parsed_output`.

    Args:
        message: a message, complete or not.
        parse: the function from text to value; `None` for no output.
    """
    if message.stop_reason in STOP_REASONS_OF_A_CUT:
        parse = None
    blocks = tuple(_parsed_block(block, parse) for block in message.content)
    parsed: ParsedMessage[ResponseFormatT] = evolve(message, ParsedMessage, content=blocks)
    return parsed


def parsed_event(event: Any, parse: Callable[[str], Any] | None) -> Any:
    """`event` with `parsed_output` on its message or block; other events as they are."""
    if isinstance(event, MessageStopEvent):
        return evolve(event, ParsedMessageStopEvent, message=parsed_message(event.message, parse))
    if isinstance(event, ContentBlockStopEvent):
        block = _parsed_block(event.content_block, parse)
        return evolve(event, ParsedContentBlockStopEvent, content_block=block)
    return event
