"""Objects with declared fields: reading, checking, keeping unknown JSON, equality and copies."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    CacheCreation,
    CharLocationCitation,
    Container,
    FallbackBlock,
    FieldError,
    InputJsonEvent,
    IterationUsage,
    JSONObject,
    Message,
    PartialJSON,
    RawContentBlockStartEvent,
    RawMessageStopEvent,
    RawPingEvent,
    TextBlock,
    TextEvent,
    ToolUseBlock,
    UnknownBlock,
    UnknownCitation,
    Usage,
    described,
    evolve,
    freeze,
    thaw,
)

from tests.support.effort import effort
from tests.support.json_strategies import JSON_KINDS, same, values

# --- frozen JSON --------------------------------------------------------------------------------


# --- objects with declared fields ---------------------------------------------------------------

TEXT = {"type": "text", "text": "a"}


def test_an_absent_field_is_not_a_null_one() -> None:
    absent, null = TextBlock.from_dict(TEXT), TextBlock.from_dict({**TEXT, "citations": None})
    assert absent.citations is None
    assert null.citations is None
    assert ("citations" in absent, "citations" in null) == (False, True)
    assert absent.to_dict() == TEXT
    assert null.to_dict() == {**TEXT, "citations": None}
    assert absent != null
    assert hash(absent) != hash(null)
    assert (len(absent), len(null)) == (2, 3)
    assert null["citations"] is None
    with pytest.raises(KeyError, match="citations"):
        absent["citations"]
    assert (absent.get("citations", 1), null.get("citations", 1)) == (1, None)


def test_a_default_that_was_sent_is_kept() -> None:
    assert CacheCreation.from_dict({}).to_dict() == {}
    sent = CacheCreation.from_dict({"ephemeral_5m_input_tokens": 0})
    assert sent.to_dict() == {"ephemeral_5m_input_tokens": 0}
    assert sent.ephemeral_1h_input_tokens == 0
    assert sent != CacheCreation.from_dict({})
    for zero in (0, 0.0, False):
        fields = CacheCreation.from_dict({"ephemeral_5m_input_tokens": zero}).to_dict()
        assert type(fields["ephemeral_5m_input_tokens"]) is type(zero)


def test_reading_by_key_and_by_attribute() -> None:
    block = TextBlock.from_dict({**TEXT, "new": {"x": [1]}, "_odd": 2})
    assert (block.type, block["type"], block.text, block["text"]) == ("text", "text", "a", "a")
    assert block.new.x == block["new"]["x"] == [1]
    assert block["_odd"] == 2
    assert list(block) == ["type", "text", "new", "_odd"]
    assert dict(block) == {**TEXT, "new": {"x": [1]}, "_odd": 2}
    assert list(block.keys()) == list(block)
    with pytest.raises(AttributeError, match=r"^TextBlock has no field 'old'$"):
        block.old  # noqa: B018
    with pytest.raises(AttributeError, match=r"^TextBlock has no field '_odd'$"):
        block._odd  # noqa: B018
    with pytest.raises(KeyError, match="old"):
        block["old"]
    assert "old" not in block
    assert "rest" not in block
    assert not hasattr(block, "rest")


def test_an_object_is_a_mapping_of_a_plain_class() -> None:
    block = TextBlock(text="Hi")
    assert isinstance(block, Mapping)
    assert issubclass(TextBlock, Mapping)
    assert type(TextBlock) is type  # an abstract class would make `isinstance` slow
    assert (block.get("text"), block.get("unknown", 1)) == ("Hi", 1)
    assert "text" in block
    assert "unknown" not in block
    assert list(block.keys()) == ["type", "text"]
    assert list(block.values()) == ["text", "Hi"]
    assert list(block.items()) == [("type", "text"), ("text", "Hi")]
    match block:
        case {"type": "text", "text": text, **rest}:
            assert (text, rest) == ("Hi", {})
        case _:
            pytest.fail("an object matches patterns of mappings")
    with pytest.raises(TypeError, match="not reversible"):
        reversed(block)  # type: ignore[call-overload]


def test_a_python_word_as_field_name() -> None:
    data = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
    block = FallbackBlock.from_dict(data)
    assert block.from_.model == block["from"]["model"] == "a"
    assert block.to_dict() == data
    assert list(block) == ["type", "from", "to"]


def test_an_object_may_have_a_type_of_its_own_or_none() -> None:
    assert list(UnknownBlock.from_dict({"type": "new", "x": 1})) == ["type", "x"]
    assert UnknownBlock.from_dict({"type": "new"})["type"] == "new"
    usage = CacheCreation.from_dict({"type": "odd"})
    assert (usage["type"], usage.type, usage.to_dict()) == ("odd", "odd", {"type": "odd"})
    with pytest.raises(KeyError):
        CacheCreation()["type"]
    assert list(CacheCreation()) == []


def test_the_type_is_implied_or_right() -> None:
    assert TextBlock.from_dict({"text": "a"}).to_dict() == TEXT
    for kind in ("image", None, 1, ["text"]):
        with pytest.raises(FieldError) as caught:
            TextBlock.from_dict({"type": kind, "text": "a"})
        found = repr(kind) if isinstance(kind, str) else described(kind)
        assert str(caught.value) == f"`type` must be 'text', not {found}"


def test_equality_is_by_class_and_content() -> None:
    one = TextBlock.from_dict({**TEXT, "x": [1]})
    assert one == TextBlock.from_dict({**TEXT, "x": [1]})
    assert hash(one) == hash(TextBlock.from_dict({**TEXT, "x": [1]}))
    assert one != TextBlock.from_dict({**TEXT, "x": [2]})
    assert one != one.to_dict()
    assert UnknownBlock.from_dict({"type": "a"}) != UnknownCitation.from_dict({"type": "a"})
    assert Usage() != CacheCreation()
    assert len({one, TextBlock.from_dict({**TEXT, "x": [1]}), TextBlock.from_dict(TEXT)}) == 2


def test_nothing_can_be_set_or_deleted() -> None:
    block = TextBlock.from_dict({**TEXT, "new": 1})
    for name in ("text", "new", "_rest", "type"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(block, name, "b")
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(block, name)
    with pytest.raises(TypeError):
        block["text"] = "b"  # type: ignore[index]
    assert block.to_dict() == {**TEXT, "new": 1}


def test_a_repr_shows_what_there_is() -> None:
    assert repr(TextBlock.from_dict(TEXT)) == "TextBlock(text='a')"
    assert repr(TextBlock.from_dict({**TEXT, "citations": None, "new": {"x": 1}})) == (
        "TextBlock(text='a', citations=None, new={'x': 1})"
    )
    assert repr(UnknownBlock.from_dict({"type": "new", "x": 1})) == "UnknownBlock(type='new', x=1)"
    assert repr(IterationUsage.from_dict({"type": "message"})) == "IterationUsage(type='message')"
    assert repr(Usage()) == "Usage()"


def test_replacing_fields() -> None:
    block = TextBlock.from_dict({**TEXT, "new": 1})
    assert block.replace(text="b", newer=2).to_dict() == {**TEXT, "text": "b", "new": 1, "newer": 2}
    assert block.replace(citations=None).to_dict() == {**TEXT, "citations": None, "new": 1}
    assert block.to_dict() == {**TEXT, "new": 1}
    assert block.replace() == block.replace(type="text") == block
    with pytest.raises(FieldError, match=r"^`text` must be a string, not null$"):
        block.replace(text=None)
    with pytest.raises(FieldError, match=r"^`type` must be 'text', not 'image'$"):
        block.replace(type="image")
    assert UnknownBlock.from_dict({"type": "a"}).replace(type="b").type == "b"


def test_evolving_attributes() -> None:
    block = ToolUseBlock.from_dict({"id": "1", "name": "f", "input": {}})
    evolved = evolve(block, input_json="{ }")
    assert (evolved.input_json, block.input_json) == ("{ }", "{}")
    assert evolved == block  # the text of the input is not part of the content
    assert hash(evolved) == hash(block)


def test_replacing_keeps_the_exact_text_of_an_input_that_stays() -> None:
    block = evolve(
        ToolUseBlock.from_dict({"id": "1", "name": "f", "input": {"a": 1}}), input_json='{"a" : 1}'
    )
    assert block.replace(caller=None).input_json == '{"a" : 1}'
    assert block.replace(name="g", caller=None).to_dict() == {
        "type": "tool_use",
        "id": "1",
        "name": "g",
        "input": {"a": 1},
        "caller": None,
    }
    assert block.replace(input={"a": 2}).input_json == '{"a":2}'


def test_copies_are_the_object_itself_and_pickles_are_equal() -> None:
    block = TextBlock.from_dict({**TEXT, "new": {"x": [1]}})
    assert copy.copy(block) is block
    assert copy.deepcopy(block) is block
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(block, protocol))
        assert again == block
        assert again.to_dict() == block.to_dict()
        assert type(again.new) is JSONObject


def test_a_plain_copy_of_an_object_is_independent() -> None:
    data = {**TEXT, "new": {"x": [1]}}
    block = TextBlock.from_dict(data)
    data["new"]["x"].append(2)  # type: ignore[index]
    assert block.new.x == [1]
    plain = block.to_dict()
    assert (type(plain), type(plain["new"]), type(plain["new"]["x"])) == (dict, dict, list)
    plain["new"]["x"].append(3)
    assert block.new.x == [1]
    assert block.to_json() == '{"type":"text","text":"a","new":{"x":[1]}}'
    assert block.to_json(indent=1) == json.dumps(block.to_dict(), indent=1)


def test_objects_without_extras() -> None:
    """Derived events have declared fields only."""
    event = TextEvent(text="b", snapshot="ab")
    assert (event["type"], event["text"], event["snapshot"]) == ("text", "b", "ab")
    assert list(event) == ["type", "text", "snapshot"]
    assert len(event) == 3
    assert event.to_dict() == {"type": "text", "text": "b", "snapshot": "ab"}
    assert event.to_json() == '{"type":"text","text":"b","snapshot":"ab"}'
    assert event == TextEvent(text="b", snapshot="ab")
    assert hash(event) == hash(TextEvent(text="b", snapshot="ab"))
    assert event != TextEvent(text="b", snapshot="b")
    assert copy.deepcopy(event) is event
    with pytest.raises(KeyError, match="other"):
        event["other"]
    partial = InputJsonEvent(partial_json="1", snapshot=PartialJSON().append("[1"))
    assert thaw(partial) == {"type": "input_json", "partial_json": "1", "snapshot": [1]}
    assert RawPingEvent.from_dict({"type": "ping"}) != RawMessageStopEvent.from_dict(
        {"type": "message_stop"}
    )


# --- faults -------------------------------------------------------------------------------------

CITATION = {
    "type": "char_location",
    "cited_text": "a",
    "document_index": 0,
    "start_char_index": 0,
    "end_char_index": 1,
}


@pytest.mark.parametrize(("value", "words"), JSON_KINDS)
def test_required_fields_are_checked(value: Any, words: str) -> None:
    for cls, data, key, kind, right in (
        (CharLocationCitation, CITATION, "cited_text", "a string", str),
        (CharLocationCitation, CITATION, "document_index", "an integer", int),
        (Container, {"id": "1"}, "id", "a string", str),
        (FallbackBlock, {"from": {}, "to": {}}, "from", "an object", dict),
    ):
        if type(value) is right:
            assert cls.from_dict({**data, key: value})[key] == value
            continue
        with pytest.raises(FieldError) as caught:
            cls.from_dict({**data, key: value})
        assert (caught.value.path, caught.value.reason) == (key, f"must be {kind}, not {words}")


@pytest.mark.parametrize("key", [key for key in CITATION if key != "type"])
def test_required_fields_are_required(key: str) -> None:
    data = {name: value for name, value in CITATION.items() if name != key}
    with pytest.raises(FieldError) as caught:
        CharLocationCitation.from_dict(data)
    assert (caught.value.path, caught.value.reason) == (key, "is missing")


@pytest.mark.parametrize(("value", "_words"), JSON_KINDS)
def test_optional_fields_are_kept_whatever_they_hold(value: Any, _words: str) -> None:
    data = {**CITATION, "document_title": value}
    assert CharLocationCitation.from_dict(data).to_dict() == {
        **data,
        "document_title": [] if value == () else value,
    }


@pytest.mark.parametrize("as_mapping", [dict, freeze, TextBlock.from_dict])
def test_a_part_of_any_mapping_is_parsed_alike(as_mapping: Any) -> None:
    block = as_mapping({"type": "text", "text": "Hello", "citations": None})
    event = RawContentBlockStartEvent.from_dict({"index": 0, "content_block": block})
    assert type(event.content_block) is TextBlock
    assert event.content_block.to_dict() == {"type": "text", "text": "Hello", "citations": None}


def test_a_field_error_names_the_path() -> None:
    error = FieldError("text", "is missing")
    assert isinstance(error, ValueError)
    assert str(error) == "`text` is missing"
    assert str(error.below("[0]")) == "`[0].text` is missing"
    assert str(error.below("[0]").below("content")) == "`content[0].text` is missing"
    assert str(error.below("delta")) == "`delta.text` is missing"
    assert str(FieldError("", "is odd").below("usage")) == "`usage` is odd"
    again = pickle.loads(pickle.dumps(error.below("delta")))
    assert (again.path, again.reason, str(again)) == (
        "delta.text",
        "is missing",
        "`delta.text` is missing",
    )


@effort(100)
@given(st.dictionaries(st.text(), values, max_size=5))
def test_unknown_objects_are_kept_whole(fields: dict[str, Any]) -> None:
    data = {**fields, "type": "of tomorrow"}
    block = UnknownBlock.from_dict(data)
    assert same(block.to_dict(), {"type": "of tomorrow", **fields} | {"type": "of tomorrow"})
    assert set(block) == set(data)
    assert len(block) == len(data)
    for key in data:
        assert key in block
        assert same(freeze(data[key]), block[key])


BLOCKS = [
    TextBlock.from_dict({"type": "text", "text": "a", "citations": None, "x": [1]}),
    ToolUseBlock(id="toolu_1", name="f", input={}, input_json="{ }"),
    Message(id="msg_1", role="assistant", model="m", content=(TextBlock(text="a"),)),
]


@pytest.mark.parametrize("value", BLOCKS, ids=lambda value: type(value).__name__)
def test_evolve_is_that_of_attrs(value: Any) -> None:
    name, new = attrs.fields(type(value))[0].name, "b"
    changed = evolve(value, **{name: new})
    expected = attrs.evolve(value, **{name: new})
    assert changed == expected != value
    assert all(
        getattr(changed, f.name) == getattr(expected, f.name) for f in attrs.fields(type(value))
    )
    assert evolve(value) == value
