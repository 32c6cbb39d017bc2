"""JSON as immutable values: reading, refusing changes, freezing, thawing and writing."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from streamfold.reducer import (
    MAX_DEPTH,
    JSONArray,
    JSONObject,
    Snapshot,
    TextBlock,
    ToolUseBlock,
    described,
    fold,
    freeze,
    thaw,
    to_json,
)
from streamfold.reducer.frozen_json import EMPTY

from tests.support.deep_stack import outcomes_near_the_limit
from tests.support.effort import effort
from tests.support.json_strategies import JSON_KINDS, same, values

containers = values.filter(lambda value: isinstance(value, (dict, list)))


def frozen_parts(value: Any) -> list[Any]:
    """All objects and arrays in `value`, and `value` itself."""
    if isinstance(value, dict):
        return [value, *(part for item in value.values() for part in frozen_parts(item))]
    if isinstance(value, list):
        return [value, *(part for item in value for part in frozen_parts(item))]
    return []


@effort(200)
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


@effort(200)
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


@effort(100)
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
    for part in frozen_parts(plain):  # the source does not change either
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
    assert list(frozen.items())[1] == ("items", 1)  # the method of dict, not the field
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


def test_values_that_can_be_frozen() -> None:
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
def test_values_that_are_not_json_cannot_be_frozen(value: Any, kind: str) -> None:
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


@pytest.mark.parametrize("kind", [list, dict])
def test_the_stack_of_the_caller_changes_no_result(kind: type) -> None:
    plain = nested(190, kind)
    frozen = freeze(plain)
    block = TextBlock(text="").replace(x=frozen)
    saved = fold([{"type": "odd", "x": plain}]).to_dict()
    cases: list[Callable[[], bool]] = [
        lambda: thaw(frozen) is not plain,
        lambda: freeze(plain).__class__ is frozen.__class__,
        lambda: block.to_dict()["type"] == "text",
        lambda: len(Snapshot.from_dict(saved).to_dict()["unfolded"]) == 1,
    ]
    for case in cases:
        assert set(outcomes_near_the_limit(case)) == {True}


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


@pytest.mark.parametrize(("value", "words"), [*JSON_KINDS, (b"a", "bytes")])
def test_the_kind_of_json_in_words(value: Any, words: str) -> None:
    assert described(value) == words
