"""Messages whose text is JSON of a type that the caller gave: `parsed_output`.

Text is parsed when `parsed_output` is read, and not before, so that text that does not validate
never breaks a stream. The type is known here only as a function from text to value, so that
pydantic is not needed.

The `Parsed…` classes differ from the plain ones of the reducer in this attribute alone, and equal
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union

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
    block_stop,
    evolve,
    message_stop,
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

T = TypeVar("T")
ResponseFormatT = TypeVar("ResponseFormatT")


def _equals(plain: type[Any]) -> Callable[[type[T]], type[T]]:
    """A decorator for a `Parsed…` class, whose values equal those of `plain` with equal content."""

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        if not isinstance(other, plain):
            return False
        return bool(evolve(self, plain) == evolve(other, plain))

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(evolve(self, plain))

    def decorate(cls: Any) -> Any:
        cls.__eq__, cls.__hash__ = __eq__, __hash__
        return cls

    return decorate


@_equals(TextBlock)
class ParsedTextBlock(TextBlock, Generic[ResponseFormatT]):
    """A text block with its text as a value of the caller's type."""

    __slots__ = ("_parse",)
    _parse: Callable[[str], ResponseFormatT] | None

    @property
    def parsed_output(self) -> ResponseFormatT | None:
        """The text as a value of the caller's type.

        `None` if no type was given, the answer was cut off, or the block is a copy made by pickle.

        Raises:
            ValueError: the text does not validate (pydantic's `ValidationError` is one).
        """
        parse = getattr(self, "_parse", None)  # pickle does not copy the function
        return None if parse is None else parse(self.text)


ParsedContentBlock = Union[ParsedTextBlock[ResponseFormatT], ContentBlock]
"""Any block; text blocks have `parsed_output`."""


@_equals(Message)
class ParsedMessage(Message, Generic[ResponseFormatT]):
    """A message with its text as a value of the caller's type."""

    __slots__ = ()

    @property
    def parsed_output(self) -> ResponseFormatT | None:
        """The `parsed_output` of the first text block; `None` if the message has no text block.

        Raises:
            ValueError: the text does not validate (pydantic's `ValidationError` is one).
        """
        found: Any = [block for block in self.content if isinstance(block, ParsedTextBlock)]
        blocks: list[ParsedTextBlock[ResponseFormatT]] = found
        return blocks[0].parsed_output if blocks else None


@_equals(MessageStopEvent)
class ParsedMessageStopEvent(MessageStopEvent, Generic[ResponseFormatT]):
    """The end of the message: the event has the whole message, with `parsed_output`."""

    __slots__ = ()
    if TYPE_CHECKING:
        message: ParsedMessage[ResponseFormatT]


@_equals(ContentBlockStopEvent)
class ParsedContentBlockStopEvent(ContentBlockStopEvent, Generic[ResponseFormatT]):
    """The end of the block at `index`: the event has the whole block.

    A text block has `parsed_output`.
    """

    __slots__ = ()
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


class _ParsedLater:
    """A block or message with `parsed_output`, for a stop event that makes it when it is read.

    Args:
        event: the plain event.
        parse: the function from text to value; `None` for no output.
    """

    __slots__ = ("_event", "_parse")

    def __init__(self, event: Any, parse: Callable[[str], Any] | None) -> None:
        self._event = event
        self._parse = parse


class _LaterBlock(_ParsedLater):
    __slots__ = ()

    @property
    def block(self) -> Any:
        """A block of the same type, which is not made for it."""
        return self._event._like_block

    def finished(self) -> Any:
        """Return the block."""
        return _parsed_block(self._event.content_block, self._parse)


class _LaterMessage(_ParsedLater):
    __slots__ = ()

    def finished(self) -> Any:
        """Return the message."""
        return parsed_message(self._event.message, self._parse)


def parsed_event(event: Any, parse: Callable[[str], Any] | None) -> Any:
    """`event` with `parsed_output` on its message or block; other events as they are."""
    if isinstance(event, ContentBlockStopEvent):
        block = _LaterBlock(event, parse)
        return block_stop(block, event.index, event._rest, ParsedContentBlockStopEvent)
    if isinstance(event, MessageStopEvent):
        return message_stop(_LaterMessage(event, parse), event._rest, ParsedMessageStopEvent)
    return event
