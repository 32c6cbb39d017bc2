"""JSON as immutable values, and what all objects with declared fields share."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamfold.reducer import (
    MAX_DEPTH,
    CacheCreation,
    CharLocationCitation,
    Container,
    FallbackBlock,
    FieldError,
    InputJsonEvent,
    IterationUsage,
    JSONArray,
    JSONObject,
    PartialJSON,
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
    to_json,
)
from streamfold.reducer.frozen_json import EMPTY

from tests.support.json_strategies import same, values

containers = values.filter(lambda value: isinstance(value, (dict, list)))


def frozen_parts(value: Any) -> list[Any]:
    """All the objects and arrays in `value`, itself included."""
    if isinstance(value, dict):
        return [value, *(part for item in value.values() for part in frozen_parts(item))]
    if isinstance(value, list):
        return [value, *(part for item in value for part in frozen_parts(item))]
    return []


# --- frozen JSON --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(containers)
def test_frozen_json_reads_compares_and_serialises_like_plain_json(plain: Any) -> None:
    frozen = freeze(plain)
    assert same(frozen, plain)
    assert all(type(part) in (JSONObject, JSONArray) for part in frozen_parts(frozen))
    assert json.dumps(frozen) == json.dumps(plain)
    assert json.dumps(frozen, indent=1) == json.dumps(plain, indent=1)
    assert repr(frozen) == repr(plain)
    assert freeze(frozen) is frozen
    for part in frozen_parts(frozen):
        if isinstance(part, JSONObject):
            for key, item in part.items():
                assert part[key] is item
                if key.isidentifier() and not hasattr(dict, key):
                    assert getattr(part, key) is item


@settings(deadline=None, max_examples=200)
@given(containers.filter(lambda value: "NaN" not in json.dumps(value)))
def test_frozen_json_hashes_pickles_and_copies(plain: Any) -> None:
    frozen = freeze(plain)
    again = freeze(json.loads(json.dumps(plain)))
    assert frozen == plain == again
    assert hash(frozen) == hash(again)
    pickled = pickle.loads(pickle.dumps(frozen))
    assert pickled == plain
    assert [type(part) for part in frozen_parts(pickled)] == [
        type(part) for part in frozen_parts(frozen)
    ]
    assert copy.copy(frozen) is frozen
    assert copy.deepcopy(frozen) is frozen


@settings(deadline=None, max_examples=100)
@given(containers)
def test_a_plain_copy_is_independent_and_can_be_changed(plain: Any) -> None:
    frozen = freeze(plain)
    before = repr(frozen)
    changed = frozen.to_dict()
    assert same(changed, plain)
    assert same(thaw(frozen), plain)
    for part in frozen_parts(changed):
        assert type(part) in (dict, list)
        part.clear()
    assert repr(frozen) == before
    for part in frozen_parts(plain):  # and so is the source
        part.clear()
    assert repr(frozen) == before


OBJECT_CHANGES: dict[str, Callable[[Any], object]] = {
    "__setitem__": lambda o: o.__setitem__("a", 2),
    "__delitem__": lambda o: o.__delitem__("a"),
    "__ior__": lambda o: o.__ior__({"a": 2}),
    "clear": lambda o: o.clear(),
    "pop": lambda o: o.pop("a"),
    "pop with default": lambda o: o.pop("b", None),
    "popitem": lambda o: o.popitem(),
    "setdefault": lambda o: o.setdefault("b", 2),
    "update": lambda o: o.update(a=2),
    "setattr": lambda o: setattr(o, "a", 2),
    "setattr, new": lambda o: setattr(o, "b", 2),
    "delattr": lambda o: delattr(o, "a"),
}
ARRAY_CHANGES: dict[str, Callable[[Any], object]] = {
    "__setitem__": lambda a: a.__setitem__(0, 2),
    "slice": lambda a: a.__setitem__(slice(None), []),
    "__delitem__": lambda a: a.__delitem__(0),
    "__iadd__": lambda a: a.__iadd__([2]),
    "__imul__": lambda a: a.__imul__(2),
    "append": lambda a: a.append(2),
    "clear": lambda a: a.clear(),
    "extend": lambda a: a.extend([2]),
    "insert": lambda a: a.insert(0, 2),
    "pop": lambda a: a.pop(),
    "remove": lambda a: a.remove(1),
    "reverse": lambda a: a.reverse(),
    "sort": lambda a: a.sort(reverse=True),
}


@pytest.mark.parametrize("change", OBJECT_CHANGES)
def test_an_object_refuses_to_be_changed(change: str) -> None:
    frozen = freeze({"a": 1})
    with pytest.raises(TypeError) as caught:
        OBJECT_CHANGES[change](frozen)
    assert str(caught.value) == "JSONObject is immutable; to_dict() makes a copy you can change"
    assert frozen == {"a": 1}


@pytest.mark.parametrize("change", ARRAY_CHANGES)
def test_an_array_refuses_to_be_changed(change: str) -> None:
    frozen = freeze([1, 2])
    with pytest.raises(TypeError) as caught:
        ARRAY_CHANGES[change](frozen)
    assert str(caught.value) == "JSONArray is immutable; to_dict() makes a copy you can change"
    assert frozen == [1, 2]


def test_every_method_that_changes_a_dict_or_a_list_is_refused() -> None:
    reading = {"copy", "count", "fromkeys", "get", "index", "items", "keys", "values"}
    for frozen, plain in ((JSONObject, dict), (JSONArray, list)):
        for name in vars(plain):
            if not name.startswith("_") and name not in reading:
                assert vars(frozen)[name] is vars(JSONObject)["clear"], name


def test_an_array_takes_no_attributes() -> None:
    with pytest.raises(AttributeError):
        freeze([]).a = 1


def test_an_object_reads_by_attribute() -> None:
    frozen = freeze({"city": {"name": "Paris"}, "items": 1, "_odd": 2, "a b": 3})
    assert frozen.city.name == "Paris"
    assert frozen["items"] == 1
    assert list(frozen.items())[1] == ("items", 1)  # the method of dict
    assert frozen._odd == 2
    assert {"city", "a b", "items", "to_dict", "keys"} <= set(dir(frozen))
    with pytest.raises(AttributeError, match=r"^this JSON object has no field 'town'$"):
        frozen.town  # noqa: B018
    with pytest.raises(KeyError):
        frozen["town"]


def test_operators_make_plain_copies() -> None:
    frozen_object, frozen_array = freeze({"a": 1}), freeze([1])
    assert frozen_object | {"b": 2} == {"a": 1, "b": 2}
    assert frozen_array + [2] == [1, 2]  # noqa: RUF005
    assert frozen_object.copy() == {"a": 1}
    assert (frozen_object, frozen_array) == ({"a": 1}, [1])


def test_what_can_be_frozen() -> None:
    assert freeze((1, (2,))) == [1, [2]]
    assert type(freeze((1,))) is JSONArray
    frozen = freeze(MappingProxyType({"a": OrderedDict(b=[])}))
    assert frozen == {"a": {"b": []}}
    assert (type(frozen), type(frozen.a), type(frozen.a.b)) == (JSONObject, JSONObject, JSONArray)
    for scalar in ("a", 1, 1.5, True, None):
        assert freeze(scalar) is scalar
    block = TextBlock(text="a")
    assert freeze(block) is block
    assert freeze([block])[0] is block
    assert freeze([freeze([1])]) == [[1]]
    assert (EMPTY, type(EMPTY)) == ({}, JSONObject)


class Name(str):
    pass


def test_scalars_of_other_classes_are_kept() -> None:
    name = Name("a")
    assert freeze([name])[0] is name


@pytest.mark.parametrize(("value", "kind"), [({1}, "set"), (b"a", "bytes"), (object(), "object")])
def test_what_is_not_json_cannot_be_frozen(value: Any, kind: str) -> None:
    for outer in (value, [value], {"a": value}):
        with pytest.raises(TypeError, match=f"^{kind} is not JSON$"):
            freeze(outer)


@pytest.mark.parametrize("key", [1, None, True, 1.5, ("a",)])
def test_keys_are_strings(key: Any) -> None:
    for value in ({key: 1}, {"a": 1, key: 2}, [{key: 1}]):
        with pytest.raises(ValueError, match=r"^a JSON object has a key that is not a string$"):
            freeze(value)
    with pytest.raises(ValueError, match=r"^a JSON object has a key that is not a string$"):
        TextBlock.from_dict({"type": "text", "text": "", key: 1})


def nested(levels: int, kind: type = list) -> Any:
    value: Any = kind()
    for _ in range(levels - 1):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize("kind", [list, dict])
def test_the_deepest_json_there_can_be_can_be_walked(kind: type) -> None:
    assert MAX_DEPTH == 200
    frozen = freeze(nested(200, kind))
    assert frozen == nested(200, kind)
    assert hash(frozen) == hash(freeze(nested(200, kind)))
    assert pickle.loads(pickle.dumps(frozen)) == frozen
    assert frozen.to_dict() == nested(200, kind)
    assert json.loads(to_json(frozen, indent=1)) == frozen
    assert repr(frozen) == repr(nested(200, kind))
    assert freeze(frozen) is frozen


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("levels", [201, 100_000])
def test_json_nested_too_deep_is_a_value_error(kind: type, levels: int) -> None:
    with pytest.raises(ValueError, match=r"^JSON is nested deeper than 200 levels$"):
        freeze(nested(levels, kind))
    with pytest.raises(ValueError, match=r"^JSON is nested deeper than 200 levels$"):
        TextBlock.from_dict({"type": "text", "text": "", "x": nested(levels - 1, kind)})
    with pytest.raises(ValueError, match=r"^JSON is nested deeper than 200 levels$"):
        ToolUseBlock.from_dict({"id": "", "name": "", "input": nested(levels, kind)})
    looped: list[Any] = []
    looped.append(looped)
    with pytest.raises(ValueError, match=r"^JSON is nested deeper than 200 levels$"):
        freeze(looped)


def test_depth_counts_what_is_frozen_already() -> None:
    value = freeze([])
    for _ in range(199):
        value = freeze([value])
    with pytest.raises(ValueError, match=r"^JSON is nested deeper than 200 levels$"):
        freeze([value])
    with pytest.raises(ValueError, match=r"^JSON is nested deeper than 200 levels$"):
        TextBlock(text="").replace(x=value)
    block = TextBlock(text="").replace(x=value[0])
    assert block.x == nested(199)


def test_json_text() -> None:
    value = freeze({"é": [1, 2.5, None, True, "\u2028"], "b": {}})
    assert to_json(value) == '{"é":[1,2.5,null,true,"\u2028"],"b":{}}'
    assert value.to_json() == to_json(value)
    assert value.to_json(indent=2) == json.dumps(value, ensure_ascii=False, indent=2)
    assert value.to_json(2) != value.to_json(4)
    assert value.to_json(0) == json.dumps(value, ensure_ascii=False, indent=0)


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


def test_a_default_that_was_said_is_told_again() -> None:
    assert CacheCreation.from_dict({}).to_dict() == {}
    said = CacheCreation.from_dict({"ephemeral_5m_input_tokens": 0})
    assert said.to_dict() == {"ephemeral_5m_input_tokens": 0}
    assert said.ephemeral_1h_input_tokens == 0
    assert said != CacheCreation.from_dict({})
    for zero in (0, 0.0, False):
        told = CacheCreation.from_dict({"ephemeral_5m_input_tokens": zero}).to_dict()
        assert type(told["ephemeral_5m_input_tokens"]) is type(zero)


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
        told = repr(kind) if isinstance(kind, str) else described(kind)
        assert str(caught.value) == f"`type` must be 'text', not {told}"


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
    assert block.replace() == block
    with pytest.raises(FieldError, match=r"^`text` must be a string, not null$"):
        block.replace(text=None)
    with pytest.raises(FieldError, match=r"^`type` must be 'text', not 'image'$"):
        block.replace(type="image")
    assert UnknownBlock.from_dict({"type": "a"}).replace(type="b").type == "b"


def test_evolving_attributes() -> None:
    block = ToolUseBlock.from_dict({"id": "1", "name": "f", "input": {}})
    evolved = evolve(block, input_json="{ }")
    assert (evolved.input_json, block.input_json) == ("{ }", "{}")
    assert evolved == block  # how the input was spelled is no part of the content
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
WRONG: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "a boolean"),
    (False, "a boolean"),
    (1, "an integer"),
    (1.5, "a number"),
    ("a", "a string"),
    ({}, "an object"),
    ([], "an array"),
    ((), "an array"),
]


@pytest.mark.parametrize(("value", "words"), [*WRONG, (b"a", "bytes")])
def test_what_kind_of_json_it_is(value: Any, words: str) -> None:
    assert described(value) == words


@pytest.mark.parametrize(("value", "words"), WRONG)
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


@pytest.mark.parametrize(("value", "_words"), WRONG)
def test_optional_fields_are_kept_whatever_they_hold(value: Any, _words: str) -> None:
    data = {**CITATION, "document_title": value}
    assert CharLocationCitation.from_dict(data).to_dict() == {
        **data,
        "document_title": [] if value == () else value,
    }


def test_a_field_error_says_where() -> None:
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


@settings(deadline=None, max_examples=100)
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
