"""`parsed_output`: the text as a value of the caller's type, parsed when it is read."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from streamfold.reducer import (
    ContentBlockStopEvent,
    Message,
    MessageStopEvent,
    StreamState,
    TextBlock,
    feed,
)
from streamfold.transports import (
    ParsedContentBlockStopEvent,
    ParsedMessage,
    ParsedMessageStopEvent,
    ParsedTextBlock,
)
from streamfold.transports.parsed import parsed_event, parsed_message

from tests.support.events import body, end, message_start, text_block, tool_block
from tests.support.shells import BODY, MESSAGE

pytestmark = pytest.mark.anyio

ANSWER = body(message_start(), *text_block(0, '{"city": "Kö', 'ln"}'), *end())
CUT_OFF = ["refusal", "max_tokens", "model_context_window_exceeded"]


class Parse:
    """`json.loads`, with the number of its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, text):
        self.calls += 1
        return json.loads(text)


async def test_the_text_is_parsed_when_the_output_is_read_and_not_before(shell):
    parse = Parse()
    async with shell.stream([ANSWER], parse=parse) as stream:
        events = [event async for event in stream]
        message = await stream.get_final_message()
        assert stream.current_message_snapshot == message
        assert parse.calls == 0
        assert message.parsed_output == {"city": "Köln"}
        assert parse.calls == 1
        assert message.content[0].parsed_output == {"city": "Köln"}
        block_stop, message_stop = (
            e for e in events if e.type in ("content_block_stop", "message_stop")
        )
        assert block_stop.content_block.parsed_output == {"city": "Köln"}
        assert message_stop.message.parsed_output == {"city": "Köln"}
        assert message_stop.message.content[0].parsed_output == {"city": "Köln"}


async def test_without_a_type_there_is_no_output(shell):
    message = await shell.stream([ANSWER]).get_final_message()
    assert message.parsed_output is None
    assert message.content[0].parsed_output is None


@pytest.mark.parametrize("stop_reason", CUT_OFF)
async def test_an_answer_that_was_cut_off_has_no_output(shell, stop_reason):
    parse = Parse()
    cut = body(message_start(), *text_block(0, '{"city": "Kö'), *end(stop_reason))
    async with shell.stream([cut], parse=parse) as stream:
        events = [event async for event in stream]
        for message in (await stream.get_final_message(), events[-1].message):
            assert message.stop_reason == stop_reason
            assert message.parsed_output is None
            assert message.content[0].parsed_output is None
    assert parse.calls == 0


async def test_text_that_does_not_validate_raises_when_the_output_is_read(shell):
    wrong = body(message_start(), *text_block(0, "Köln, of course."), *end())
    async with shell.stream([wrong], parse=Parse()) as stream:
        events = [event async for event in stream]
        message = await stream.get_final_message()
        assert await stream.get_final_text() == "Köln, of course."
        for parsed in (message, message.content[0], events[-1].message, events[-3].content_block):
            with pytest.raises(ValueError, match="Expecting value"):
                parsed.parsed_output  # noqa: B018


async def test_the_output_of_a_message_is_that_of_its_first_text_block(shell):
    blocks = [*tool_block(0, "{}"), *text_block(1, "1"), *text_block(2, "2")]
    message = await shell.stream(
        [body(message_start(), *blocks, *end())], parse=Parse()
    ).get_final_message()
    assert message.parsed_output == 1
    assert [getattr(block, "parsed_output", None) for block in message.content] == [None, 1, 2]
    no_text = body(message_start(), *tool_block(0, "{}"), *end("tool_use"))
    assert (await shell.stream([no_text], parse=Parse()).get_final_message()).parsed_output is None


async def test_the_events_of_a_stream_are_parsed_however_it_was_cut(shell):
    for size in (1, 80, len(BODY)):
        chunks = [BODY[at : at + size] for at in range(0, len(BODY), size)]
        kinds = {type(event) async for event in shell.stream(chunks)}
        assert {ParsedMessageStopEvent, ParsedContentBlockStopEvent} < kinds
        assert kinds.isdisjoint({MessageStopEvent, ContentBlockStopEvent})


# --- values ---------------------------------------------------------------------------------------

PARSED = parsed_message(MESSAGE, str.upper)
STOP = MessageStopEvent(message=MESSAGE)
BLOCK_STOP = ContentBlockStopEvent(index=0, content_block=MESSAGE.content[0])
PAIRS = [
    (MESSAGE, PARSED, ParsedMessage),
    (MESSAGE.content[0], PARSED.content[0], ParsedTextBlock),
    (STOP, parsed_event(STOP, str.upper), ParsedMessageStopEvent),
    (BLOCK_STOP, parsed_event(BLOCK_STOP, str.upper), ParsedContentBlockStopEvent),
]


@pytest.mark.parametrize(("plain", "parsed", "parsed_class"), PAIRS)
def test_a_parsed_value_equals_the_plain_one(plain, parsed, parsed_class):
    assert type(parsed) is parsed_class
    assert isinstance(parsed, type(plain))
    assert parsed == plain
    assert plain == parsed
    assert not parsed != plain  # noqa: SIM202
    assert hash(parsed) == hash(plain)
    assert {plain: 1}[parsed] == 1
    assert parsed.to_dict() == plain.to_dict()
    assert parsed.to_json() == plain.to_json()
    assert type(parsed).from_dict(plain.to_dict()) == plain
    assert parsed != plain.to_dict()
    assert parsed != TextBlock(text="another")
    assert parsed != Message.from_dict({**MESSAGE.to_dict(), "id": "msg_2"})
    assert parsed_class[dict]  # the class is generic


@pytest.mark.parametrize(("plain", "parsed", "parsed_class"), PAIRS)
def test_a_copy_by_pickle_has_no_output(plain, parsed, parsed_class):
    made = pickle.loads(pickle.dumps(parsed))
    assert type(made) is parsed_class
    assert made == parsed == plain
    assert copy.copy(parsed) is parsed
    assert copy.deepcopy(parsed) is parsed
    if hasattr(parsed, "parsed_output"):
        assert parsed.parsed_output == "GRÜSS DICH 😀"
        assert made.parsed_output is None


def test_the_blocks_of_a_parsed_message_can_be_sent_back():
    turn = {"role": PARSED.role, "content": [block.to_dict() for block in PARSED.content]}
    assert turn["content"] == MESSAGE.to_dict()["content"]


def test_values_without_text_stay_as_they_are():
    tool = MESSAGE.content[1]
    assert parsed_message(MESSAGE, str.upper).content[1] is tool
    event = ContentBlockStopEvent(index=1, content_block=tool)
    assert parsed_event(event, str.upper).content_block is tool
    assert parsed_event(tool, str.upper) is tool


async def test_blocks_and_messages_that_are_not_read_yet_equal_the_plain_ones(shell):
    state, plain = feed(StreamState(), ANSWER)
    for read in (hash, repr, pickle.dumps, lambda event: event.to_json()):
        async with shell.stream([ANSWER], parse=str.upper) as stream:
            events = [event async for event in stream]
        for event, expected in zip(events, plain, strict=True):
            read(event)
            assert event == expected
            assert event.to_dict() == expected.to_dict()
    stops = [event for event in events if event.type in ("content_block_stop", "message_stop")]
    block, message = stops[0].content_block, stops[1].message
    assert (type(block), type(message)) == (ParsedTextBlock, ParsedMessage)
    assert block.parsed_output == message.parsed_output == '{"CITY": "KÖLN"}'
    assert stops[0].content_block is block
    assert stops[1].message is message
    assert state.snapshot.message == message


@pytest.mark.parametrize("is_read", [False, True])
def test_a_stop_event_gives_a_block_of_its_type_before_the_block_is_made(is_read):
    """A timing reads it."""
    for plain in feed(StreamState(), BODY)[1]:
        if plain.type == "content_block_stop":
            event = parsed_event(plain, None)
            if is_read:
                assert event.content_block == plain.content_block
            assert event._like_block.type == plain.content_block.type
