"""Messages whose text is the JSON of a type that the caller gave: `parsed_output`, on the block
and on the message.

Nothing is parsed before `parsed_output` is read, so text that does not validate never breaks a
stream. The type itself is only known as a function from text to value: pydantic stays outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union

from streamfold.reducer import (
    CitationEvent,
    CompactionEvent,
    ContentBlock,
    ContentBlockStopEvent,
    InputJsonEvent,
    Message,
    MessageStopEvent,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    SignatureEvent,
    TextBlock,
    TextEvent,
    ThinkingEvent,
    evolve,
)

__all__ = [
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

_CUT_OFF = frozenset({"refusal", "max_tokens", "model_context_window_exceeded"})
"""The stop reasons after which the text is not the whole JSON."""


class ParsedTextBlock(TextBlock, Generic[ResponseFormatT]):
    """A text block, and what its text says as the type that was asked for."""

    __slots__ = ("_parse",)
    _parse: Callable[[str], ResponseFormatT] | None

    @property
    def parsed_output(self) -> ResponseFormatT | None:
        """The text as the type that was asked for; `None` if none was, or the answer was cut off.

        Raises:
            ValueError: the text does not validate (pydantic's `ValidationError` is one).
        """
        parse = getattr(self, "_parse", None)  # a copy that pickle made knows no type
        return None if parse is None else parse(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextBlock) and self._content(self) == self._content(other)

    def __hash__(self) -> int:
        return hash((TextBlock, self._content(self)))


ParsedContentBlock = Union[ParsedTextBlock[ResponseFormatT], ContentBlock]
"""Any block; those of text with `parsed_output`."""


class ParsedMessage(Message, Generic[ResponseFormatT]):
    """A message, and what its text says as the type that was asked for."""

    __slots__ = ()

    @property
    def parsed_output(self) -> ResponseFormatT | None:
        """The `parsed_output` of the first text block that has one; `None` if none has.

        Raises:
            ValueError: the text does not validate (pydantic's `ValidationError` is one).
        """
        found: Any = [block for block in self.content if isinstance(block, ParsedTextBlock)]
        blocks: list[ParsedTextBlock[ResponseFormatT]] = found
        return blocks[0].parsed_output if blocks else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._content(self) == self._content(other)

    def __hash__(self) -> int:
        return hash((Message, self._content(self)))


def _parsed_block(block: Any, parse: Callable[[str], Any] | None) -> Any:
    if not isinstance(block, TextBlock):
        return block
    parsed = evolve(block, ParsedTextBlock)
    object.__setattr__(parsed, "_parse", parse)
    return parsed


def parsed_message(
    message: Message, parse: Callable[[str], ResponseFormatT] | None
) -> ParsedMessage[ResponseFormatT]:
    """`message`, with `parsed_output`."""
    if message.stop_reason in _CUT_OFF:
        parse = None
    blocks = tuple(_parsed_block(block, parse) for block in message.content)
    made: ParsedMessage[ResponseFormatT] = evolve(message, ParsedMessage, content=blocks)
    return made


class ParsedMessageStopEvent(MessageStopEvent, Generic[ResponseFormatT]):
    """The message is over: here it is, with `parsed_output`."""

    __slots__ = ()
    if TYPE_CHECKING:
        message: ParsedMessage[ResponseFormatT]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MessageStopEvent) and self._content(self) == self._content(other)

    def __hash__(self) -> int:
        return hash((MessageStopEvent, self._content(self)))


class ParsedContentBlockStopEvent(ContentBlockStopEvent, Generic[ResponseFormatT]):
    """The content block at `index` is over: here it is, one of text with `parsed_output`."""

    __slots__ = ()
    if TYPE_CHECKING:
        content_block: ParsedContentBlock[ResponseFormatT]

    def __eq__(self, other: object) -> bool:
        same_kind = isinstance(other, ContentBlockStopEvent)
        return same_kind and self._content(self) == self._content(other)

    def __hash__(self) -> int:
        return hash((ContentBlockStopEvent, self._content(self)))


ParsedMessageStreamEvent = Union[
    RawMessageStartEvent,
    RawMessageDeltaEvent,
    ParsedMessageStopEvent[ResponseFormatT],
    RawContentBlockStartEvent,
    RawContentBlockDeltaEvent,
    ParsedContentBlockStopEvent[ResponseFormatT],
    TextEvent,
    CitationEvent,
    ThinkingEvent,
    SignatureEvent,
    InputJsonEvent,
    CompactionEvent,
]
"""What a stream hands out. What the protocol does not know comes as a `RawUnknownEvent`."""


def parsed_event(event: Any, parse: Callable[[str], Any] | None) -> Any:
    """`event`, with `parsed_output` on the message or the block that it brings."""
    if isinstance(event, MessageStopEvent):
        return evolve(event, ParsedMessageStopEvent, message=parsed_message(event.message, parse))
    if isinstance(event, ContentBlockStopEvent):
        block = _parsed_block(event.content_block, parse)
        return evolve(event, ParsedContentBlockStopEvent, content_block=block)
    return event
