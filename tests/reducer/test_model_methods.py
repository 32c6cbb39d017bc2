"""Our objects answer like the official client's, and work as fields of pydantic models."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, Optional

import anthropic
import pydantic
import pytest
from anthropic.types.beta import BetaMessage
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import messages, raw_events
from streamfold.reducer import (
    APIObject,
    ContentBlock,
    ContentBlockStopEvent,
    FieldError,
    Message,
    MessageStopEvent,
    RawContentBlockStopEvent,
    RawMessageStopEvent,
    Snapshot,
    TextBlock,
    TextEvent,
    ToolUseBlock,
    Usage,
    WebSearchToolResultBlock,
    fold,
    reduce,
)

from tests.support.deep_stack import outcomes_near_the_limit

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [
        {"type": "text", "text": "Hi", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": None, "b": [1]}},
    ],
    "stop_reason": None,
    "usage": {"input_tokens": 1, "output_tokens": 2, "service_tier": None},
    "new": {"a": None},
}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


# --- dumps --------------------------------------------------------------------------------------


def test_a_dump_of_deep_json_needs_few_frames_of_the_stack() -> None:
    deep: Any = None
    for _ in range(90):
        deep = {"a": [deep], "left out": None}
    block = TextBlock.from_dict({"text": "", "new": deep})
    dumps = outcomes_near_the_limit(lambda: block.to_dict(exclude_none=True))
    assert dumps == [without_nulls(block.to_dict())] * len(dumps)
    dumps = outcomes_near_the_limit(lambda: block.model_dump(exclude={"new": {"a"}}))
    assert dumps == [{"type": "text", "text": "", "citations": None, "new": {"left out": None}}] * (
        len(dumps)
    )


@given(messages(unknown=True))
def test_what_was_sent_is_dumped(fields: dict[str, Any]) -> None:
    message = Message.from_dict(fields)
    expected = message.to_dict()
    for mode in ("json", "python"):
        assert message.model_dump(mode=mode, exclude_unset=True) == expected
    assert message.to_dict(mode="python", use_api_names=False, warnings=False) == expected
    assert json.loads(message.model_dump_json(exclude_unset=True)) == expected
    assert message.to_dict(exclude_none=True) == without_nulls(expected)
    assert json.loads(message.to_json(exclude_none=True, indent=2)) == without_nulls(expected)
    assert Message.model_validate(message.model_dump()).to_dict() == message.model_dump()
    assert message.model_dump(exclude_none=True) == without_nulls(message.model_dump())


def test_a_dump_has_the_declared_fields_that_were_not_sent() -> None:
    message = Message.from_dict(MESSAGE)
    dumped = message.model_dump()
    assert {**dumped, **MESSAGE} == {**dumped, "content": MESSAGE["content"]} | {
        "usage": MESSAGE["usage"]
    }
    assert (dumped["container"], dumped["stop_sequence"]) == (None, None)
    official = BetaMessage.model_validate(MESSAGE).model_dump()
    assert set(dumped) <= set(official)
    assert message.to_dict(exclude_unset=False) == dumped
    assert "stop_reason" not in message.model_dump(exclude_defaults=True)
    assert message.model_dump(exclude_defaults=True)["content"][0] == {"type": "text", "text": "Hi"}
    assert message.to_dict(exclude_defaults=True) == message.model_dump(exclude_defaults=True)


def test_a_dump_takes_part_of_the_fields() -> None:
    message = Message.from_dict(MESSAGE)
    assert message.model_dump(include={"id", "model"}) == {"id": "msg_1", "model": "m"}
    assert set(message.model_dump(exclude={"id"})) == set(message.model_dump()) - {"id"}
    assert message.model_dump(include={"usage": {"input_tokens"}, "id": True}) == {
        "id": "msg_1",
        "usage": {"input_tokens": 1},
    }
    trimmed = message.model_dump(exclude={"usage": {"input_tokens": True}}, exclude_unset=True)
    assert trimmed == {**MESSAGE, "usage": {"output_tokens": 2, "service_tier": None}}
    assert json.loads(message.model_dump_json(include={"id"}, indent=2)) == {"id": "msg_1"}


@pytest.mark.parametrize("indent", [None, 2])
def test_json_may_be_written_in_ascii_alone(indent: int | None) -> None:
    block = TextBlock(text="Grüße")
    text = block.model_dump_json(ensure_ascii=True, indent=indent, context={}, fallback=str)
    assert text.isascii()
    assert json.loads(text) == block.model_dump()
    assert (" " in text) is (indent is not None)
    assert block.model_dump_json() == '{"type":"text","text":"Grüße","citations":null}'


def test_a_message_is_a_turn_of_the_next_request() -> None:
    official = anthropic.types.Message.model_validate({**MESSAGE, "stop_sequence": None})
    param = Message.from_dict(MESSAGE).to_param()
    assert param["role"] == official.to_param()["role"]
    assert [block.type for block in param["content"]] == ["text", "tool_use"]
    assert isinstance(param["content"], list)


def test_the_fields_that_were_sent_and_those_that_are_new() -> None:
    message = Message.from_dict(MESSAGE)
    official = BetaMessage.model_validate(MESSAGE)
    assert message.model_fields_set == official.model_fields_set == set(MESSAGE)
    assert message.model_extra == official.model_extra == {"new": {"a": None}}
    assert TextEvent(text="a", snapshot="ab").model_extra == {}


def test_a_copy_with_changes() -> None:
    message = Message.from_dict(MESSAGE)
    assert message.model_copy() is message.model_copy(deep=True) is message
    changed = message.model_copy(update={"model": "other", "newer": 1})
    assert changed.to_dict() == {**MESSAGE, "model": "other", "newer": 1}
    with pytest.raises(FieldError, match="`model` must be a string"):
        message.model_copy(update={"model": 1})
    event = TextEvent(text="a", snapshot="ab")
    assert event.model_copy(update={"text": "b"}) == TextEvent(text="b", snapshot="ab")


def test_validation_takes_objects_mappings_and_json() -> None:
    block = TextBlock(text="Hi")
    assert TextBlock.model_validate(block) is block
    assert TextBlock.model_validate({"type": "text", "text": "Hi"}) == block
    assert Usage.model_validate({}) == Usage()
    with pytest.raises(ValueError, match="`type` must be 'text', but it is missing"):
        TextBlock.model_validate({"text": "Hi"})
    assert TextBlock.model_validate_json('{"type":"text","text":"Hi"}') == block
    event = TextEvent.model_validate({"type": "text", "text": "a", "snapshot": "ab"})
    assert event.snapshot == "ab"
    for wrong in ("Hi", None, [block], ToolUseBlock(id="t", name="n", input={})):
        with pytest.raises(ValueError, match="must be"):
            TextBlock.model_validate(wrong)


# --- constructors -------------------------------------------------------------------------------


def test_constructors_accept_their_type_and_no_other() -> None:
    tool: Any = ToolUseBlock
    assert tool(type="tool_use", id="t", name="n", input={}) == tool(id="t", name="n", input={})
    for cls, fields in ((TextBlock, {"text": ""}), (TextEvent, {"text": "", "snapshot": ""})):
        make: Any = cls
        assert make(type="text", **fields) == make(**fields)
        with pytest.raises(FieldError, match="`type` must be 'text', not 'thinking'"):
            make(type="thinking", **fields)
        with pytest.raises(TypeError, match="unexpected keyword argument 'txt'"):
            make(txt="", **fields)


# --- pydantic -----------------------------------------------------------------------------------


class Turn(pydantic.BaseModel):
    message: Message
    block: ContentBlock
    usage: Optional[Usage] = None  # noqa: UP045
    event: Optional[TextEvent] = None  # noqa: UP045


@given(messages().filter(lambda message: json.dumps(message, ensure_ascii=False).isprintable()))
def test_a_message_is_a_field_of_a_model(fields: dict[str, Any]) -> None:
    message = Message.from_dict(fields)
    turn = Turn(message=fields, block={"type": "text", "text": "Hi"})  # type: ignore[arg-type]
    assert turn.message == message
    assert Turn(message=message, block=TextBlock(text="Hi")) == turn
    assert turn.model_dump()["message"] == message.to_dict()
    assert json.loads(turn.model_dump_json())["message"] == message.to_dict()
    assert Turn.model_validate_json(turn.model_dump_json()) == turn
    assert pickle.loads(pickle.dumps(turn)) == copy.deepcopy(turn) == turn


def test_a_block_gets_the_class_of_its_type() -> None:
    blocks = pydantic.TypeAdapter[Any](ContentBlock)

    def parsed(block: Any) -> Any:
        return blocks.validate_python(block)

    assert type(parsed({"type": "tool_use", "id": "t", "name": "n", "input": {}})) is ToolUseBlock
    for wrong in ({"type": "text"}, {"type": "text", "text": 1}, {}, "text"):
        with pytest.raises(pydantic.ValidationError):
            parsed(wrong)


def test_a_field_that_does_not_validate_is_named() -> None:
    with pytest.raises(pydantic.ValidationError, match=r"`content\[0\].text` must be a string"):
        Turn(
            message={**MESSAGE, "content": [{"type": "text", "text": 1}]},  # type: ignore[arg-type]
            block=TextBlock(text=""),
        )


def test_the_json_schema_has_the_declared_fields() -> None:
    schema = Turn.model_json_schema()["properties"]["message"]
    assert schema["title"] == "Message"
    assert schema["required"] == ["type", "id", "role", "model", "content"]
    assert schema["additionalProperties"] is True
    assert schema["properties"]["type"] == {"const": "message", "type": "string"}
    assert schema["properties"]["role"] == {"const": "assistant", "type": "string"}
    assert schema["properties"]["content"] == {"type": "array", "items": {"type": "object"}}
    assert schema["properties"]["usage"] == {"type": "object"}
    assert schema["properties"]["stop_sequence"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}]
    }
    assert pydantic.TypeAdapter(TextEvent).json_schema()["required"] == ["type", "text", "snapshot"]
    assert "required" not in pydantic.TypeAdapter(Usage).json_schema()
    described = pydantic.TypeAdapter(WebSearchToolResultBlock).json_schema()["properties"]
    pages = {"type": "array", "items": {"type": "object"}}
    assert described["content"] == {"anyOf": [pages, {"type": "object"}]}
    assert pydantic.TypeAdapter(TextEvent).json_schema()["properties"]["snapshot"] == {
        "type": "string"
    }


def test_every_class_has_a_schema_that_its_objects_fulfil() -> None:
    for cls in APIObject.__subclasses__():
        schema = pydantic.TypeAdapter(cls).json_schema()
        assert schema["type"] == "object", cls
        assert set(schema.get("required", ())) <= set(schema["properties"])


# --- events -------------------------------------------------------------------------------------


def test_stop_events_are_instances_of_the_raw_classes() -> None:
    stop = ContentBlockStopEvent(index=0, content_block=TextBlock(text="Hi"))
    assert isinstance(stop, RawContentBlockStopEvent)
    assert stop.to_dict() == {
        "type": "content_block_stop",
        "index": 0,
        "content_block": {"type": "text", "text": "Hi"},
    }
    end = MessageStopEvent(message=Message.from_dict(MESSAGE))
    assert isinstance(end, RawMessageStopEvent)
    assert stop != RawContentBlockStopEvent(index=0)
    assert end != RawMessageStopEvent()


@given(raw_events())
def test_the_events_that_a_stream_hands_out_can_be_folded_again(
    events: list[dict[str, Any]],
) -> None:
    snapshot, handed_out = Snapshot(), []
    for event in events:
        snapshot, derived = reduce(snapshot, event)
        handed_out.append(derived[0]) if derived else None
    assert fold(handed_out) == snapshot


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # of the official models
@given(raw_events())
def test_the_events_of_the_official_client_are_folded(events: list[dict[str, Any]]) -> None:
    adapter = pydantic.TypeAdapter[Any](anthropic.types.beta.BetaRawMessageStreamEvent)
    known = [event for event in events if event["type"] != "ping"]
    theirs = [anthropic._models.construct_type(type_=adapter._type, value=event) for event in known]
    assert fold(theirs) == fold(known)
    assert reduce(Snapshot(), theirs[0])[1][0].type == "message_start"


@given(st.sampled_from(["message_start", 1, None, ["message_start"]]))
def test_anything_else_is_not_an_event(event: Any) -> None:
    with pytest.raises(TypeError, match="a mapping or an event of the official client, not"):
        reduce(Snapshot(), event)
