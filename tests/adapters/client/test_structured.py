"""Structured outputs: the request for a type, and the value made from the answer."""

from __future__ import annotations

import copy
import enum
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

import pytest
from anthropic import transform_schema as official_schema
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, ValidationError
from streamfold.adapters.anthropic import NOT_GIVEN, Anthropic
from streamfold.adapters.client.structured import (
    FormatGivenTwiceError,
    SchemaError,
    response_format,
    transform_schema,
)
from streamfold.reducer import StreamfoldError
from typing_extensions import TypedDict

from tests.support.events import block_start, block_stop, body, end, message_start, text_delta
from tests.support.loopback import event_stream
from tests.support.shells import KEY

ASK = {"model": "claude-opus-4-6", "max_tokens": 100, "messages": []}


class Unit(str, enum.Enum):
    GRAM = "g"
    LITRE = "l"


class Ingredient(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(description="As on the packet", max_length=40)
    amount: int = Field(gt=0)
    unit: Unit | None = None


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]
    owner: Ingredient = Field(description="Who feeds it")


class Node(BaseModel):
    value: int
    children: list[Node] = []


@dataclass
class Point:
    x: int
    y: int = 0


class Movie(TypedDict):
    title: str


Pet = Annotated[Union[Cat, Dog], Field(discriminator="kind")]
Pets = RootModel[list[Pet]]

TYPES: list[tuple[Any, str, Any]] = [
    (Ingredient, '{"name":"salt","amount":1}', Ingredient(name="salt", amount=1)),
    (Point, '{"x":1}', Point(1)),
    (Movie, '{"title":"Heat"}', {"title": "Heat"}),
    (list[int], "[1,2]", [1, 2]),
    (Union[int, Cat], '{"kind":"cat"}', Cat(kind="cat")),
    (Pet, '{"kind":"cat"}', Cat(kind="cat")),
    (Pets, '[{"kind":"cat"}]', Pets([Cat(kind="cat")])),
    (Node, '{"value":1,"children":[{"value":2}]}', Node(value=1, children=[Node(value=2)])),
    (tuple[int, str], '[1,"a"]', (1, "a")),
    (dict[str, int], '{"a":1}', {"a": 1}),
    (Unit, '"g"', Unit.GRAM),
    (Literal["a", "b"], '"b"', "b"),
    (str, '"x"', "x"),
    (bool, "true", True),
    (type(None), "null", None),
    (Annotated[int, Field(ge=1)], "3", 3),
]


# --- what is asked ------------------------------------------------------------------------------


def test_a_model() -> None:
    asked, _ = response_format(Ingredient)
    assert asked == {
        "type": "json_schema",
        "schema": {
            "title": "Ingredient",
            "type": "object",
            "properties": {
                "name": {
                    "title": "Name",
                    "type": "string",
                    "description": "As on the packet\n\n{maxLength: 40}",
                },
                "amount": {
                    "title": "Amount",
                    "type": "integer",
                    "description": "{exclusiveMinimum: 0}",
                },
                "unit": {
                    "anyOf": [{"$ref": "#/$defs/Unit"}, {"type": "null"}],
                    "description": "{default: None}",
                },
            },
            "required": ["name", "amount"],
            "additionalProperties": False,
            "$defs": {"Unit": {"title": "Unit", "enum": ["g", "l"]}},
        },
    }


def test_a_union_that_a_field_tells_apart() -> None:
    schema = response_format(Pet)[0]["schema"]
    assert schema["anyOf"] == [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]
    assert set(schema) == {"anyOf", "$defs", "description"}
    assert schema["description"].startswith("{discriminator: {'mapping': {'cat':")
    assert schema["$defs"]["Cat"]["properties"]["kind"] == {"const": "cat", "title": "Kind"}
    assert schema["$defs"]["Dog"]["properties"]["owner"] == {"$ref": "#/$defs/Ingredient"}


def test_a_root_that_is_a_reference() -> None:
    schema = response_format(Node)[0]["schema"]
    assert schema["$ref"] == "#/$defs/Node"
    assert schema["$defs"]["Node"]["additionalProperties"] is False


def test_a_tuple() -> None:
    assert response_format(tuple[int, str])[0]["schema"] == {
        "type": "array",
        "description": (
            "{maxItems: 2, prefixItems: [{'type': 'integer'}, {'type': 'string'}], minItems: 2}"
        ),
    }


def test_an_open_object_is_closed() -> None:
    assert response_format(dict[str, int])[0]["schema"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


@pytest.mark.parametrize("kind", ["uri", "path", ""])
def test_a_format_that_the_api_does_not_know_is_described(kind: str) -> None:
    schema = {"type": "string", "format": kind, "pattern": "a"}
    assert transform_schema(schema) == official_schema(schema)


@pytest.mark.parametrize(
    "kind",
    ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"],
)
def test_a_format_that_the_api_knows_is_kept(kind: str) -> None:
    schema = {"type": "string", "format": kind}
    assert transform_schema(schema) == official_schema(schema) == schema


def test_a_model_may_be_given_itself() -> None:
    assert transform_schema(Ingredient) == response_format(Ingredient)[0]["schema"]


NUMBER = {"type": "number"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array", "items": True}, {"type": "array", "items": True}),
        (
            {"type": ["object", "null"]},
            {"type": ["object", "null"], "properties": {}, "additionalProperties": False},
        ),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        (
            {"prefixItems": [NUMBER], "items": False, "type": "array"},
            {
                "type": "array",
                "items": False,
                "description": "{prefixItems: [{'type': 'number'}]}",
            },
        ),
    ],
)
def test_schemas_that_the_official_client_refuses_are_left_as_they_are(schema, expected) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError, AssertionError)):
        official_schema(schema)
    before = json.dumps(schema)
    assert transform_schema(schema) == expected
    assert json.dumps(schema) == before


KNOWN = """
    type title description required $ref $defs properties items anyOf allOf enum const format
    minItems additionalProperties
"""


def every_schema(schema: Any, check: Callable[[dict[str, Any]], None]) -> None:
    if isinstance(schema, dict):
        check(schema)
        for keyword in ("$defs", "properties"):
            for inner in schema.get(keyword, {}).values():
                every_schema(inner, check)
        for keyword in ("anyOf", "allOf"):
            for inner in schema.get(keyword, []):
                every_schema(inner, check)
        every_schema(schema.get("items"), check)


def accepted(schema: dict[str, Any]) -> None:
    """Raise unless the API accepts `schema`, as far as its documentation says."""
    assert set(schema) <= set(KNOWN.split())
    if schema.get("type") == "object":
        assert schema["additionalProperties"] is False
    assert schema.get("minItems", 0) in (0, 1)
    assert "$ref" not in schema or set(schema) <= {"$ref", "$defs", "title"}


leaves = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "integer", "number", "boolean", "null"])},
    optional={
        "minimum": st.integers(),
        "format": st.sampled_from(["date", "uuid", "path"]),
        "description": st.text(max_size=5),
        "enum": st.lists(st.one_of(st.integers(), st.lists(st.text()))),
        "const": st.none() | st.text(max_size=2) | st.lists(st.integers(), max_size=1),
        "default": st.none() | st.text(),
        "title": st.text(max_size=5),
        "examples": st.lists(st.sampled_from([1, Unit])),
        "$ref": st.just("#/$defs/A"),
        "$defs": st.fixed_dictionaries({"A": st.just({"type": "string", "pattern": "ü+"})}),
    },
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={
                "properties": st.dictionaries(st.text(max_size=3), inner, max_size=3),
                "additionalProperties": st.booleans() | inner,
                "patternProperties": st.dictionaries(st.text(), inner, max_size=1),
                "required": st.lists(st.text(max_size=3)),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={"items": inner, "minItems": st.integers(0, 3), "uniqueItems": st.booleans()},
        ),
        st.dictionaries(
            st.sampled_from(["oneOf", "anyOf", "allOf"]),
            st.lists(inner, max_size=3),
            min_size=1,
        ),
    ),
    max_leaves=10,
)


@given(schemas)
def test_any_schema_becomes_that_of_the_official_client(schema) -> None:
    before = copy.deepcopy(schema)
    transformed = transform_schema(schema)
    assert transformed == official_schema(schema)
    assert schema == before
    every_schema(transformed, accepted)
    assert json.loads(json.dumps(transformed)) == transformed


@pytest.mark.parametrize("case", TYPES, ids=lambda case: str(case[0])[:30])
def test_any_type(case) -> None:
    output_format, text, value = case
    asked, parse = response_format(output_format)
    every_schema(asked["schema"], accepted)
    assert asked["schema"] == official_schema(TypeAdapter(output_format).json_schema())
    assert parse(text) == value


# --- what is refused ----------------------------------------------------------------------------


class Loose(BaseModel):
    value: Any


@pytest.mark.parametrize(
    "schema",
    [{}, {"title": "a"}, {"enum": [["a"]]}, {"const": {"a": 1}}, {"type": "array", "items": {}}],
)
def test_a_schema_without_a_type_is_refused(schema) -> None:
    with pytest.raises(ValueError, match="Schema must have a 'type'"):
        official_schema(schema)
    with pytest.raises(SchemaError, match=r"must have a type, alternatives .* other than Any$"):
        transform_schema(schema)


@pytest.mark.parametrize("schema", [{"type": "wish"}, {"type": ["string", "wish"]}])
def test_a_type_that_json_does_not_have_is_refused(schema) -> None:
    with pytest.raises(AssertionError):
        official_schema(schema)
    with pytest.raises(AssertionError, match=r"must be one of \('object', .*\), got 'wish'$"):
        transform_schema(schema)


@pytest.mark.parametrize("output_format", [Any, Loose, list[Any]])
def test_a_type_of_any_value_is_refused(output_format) -> None:
    with pytest.raises(ValueError, match="give each field a type other than Any"):
        response_format(output_format)


class Opaque:
    pass


@pytest.mark.parametrize("output_format", [Opaque, Callable[[int], int]])
def test_a_type_that_pydantic_cannot_describe(output_format) -> None:
    with pytest.raises(
        TypeError, match="must be a type of which pydantic can make a JSON schema, got "
    ):
        response_format(output_format)


def test_a_schema_in_place_of_a_type() -> None:
    with pytest.raises(
        TypeError, match="output_format must be a type, got a mapping: pass a schema as"
    ):
        response_format({"type": "object"})  # type: ignore[arg-type]


def test_pydantic_is_needed(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(ImportError, match=r"pip install 'streamfold\[pydantic\]'"):
        response_format(int)


# --- in a request -------------------------------------------------------------------------------


def streamed(text: str, stop_reason: str = "end_turn") -> Any:
    cut = len(text) // 2
    return event_stream(
        body(
            message_start(),
            block_start(0, type="text", text=""),
            text_delta(0, text[:cut]),
            text_delta(0, text[cut:]),
            block_stop(0),
            *end(stop_reason),
        )
    )


@pytest.fixture
def client(server) -> Any:
    with Anthropic(api_key=KEY, base_url=server.url, timeout=10, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("beta", [False, True])
def test_the_format_joins_the_output_config(client, server, beta) -> None:
    server.answer(streamed("[1, 2]"))
    messages = client.beta.messages if beta else client.messages
    config = {"effort": "low", "format": None}
    with messages.stream(**ASK, output_format=list[int], output_config=config) as stream:
        assert stream.get_final_message().parsed_output == [1, 2]
    assert config == {"effort": "low", "format": None}
    assert server.requests[0].json()["output_config"] == {
        "effort": "low",
        "format": response_format(list[int])[0],
    }


def test_a_format_of_the_output_config_alone(client, server) -> None:
    server.answer(streamed("[1]"))
    asked = response_format(list[int])[0]
    for nothing in (None, NOT_GIVEN):
        request = {**ASK, "output_config": {"format": asked}, "output_format": nothing}
        with client.messages.stream(**request) as stream:
            assert stream.get_final_message().parsed_output is None
    assert server.requests[1].json()["output_config"] == {"format": asked}


def test_the_format_twice(client, server) -> None:
    config = {"format": {"type": "json_schema", "schema": {}}}
    words = r"^Both .* output_format or output_config\['format'\], not both"
    with pytest.raises(ValueError, match=words) as caught:
        client.messages.stream(**ASK, output_format=int, output_config=config)
    assert isinstance(caught.value, FormatGivenTwiceError)
    assert isinstance(caught.value, StreamfoldError)
    assert server.connections == []


def test_each_event_has_what_its_moment_knows(client, server) -> None:
    server.answer(streamed('{"name": "salt", "amount": 1}'))
    with client.messages.stream(**ASK, output_format=Ingredient) as stream:
        events = {event.type: event for event in stream}
        message = stream.get_final_message()
    salt = Ingredient(name="salt", amount=1)
    assert events["text"].parsed_snapshot() == {"name": "salt", "amount": 1}
    assert events["content_block_stop"].content_block.parsed_output == salt
    assert events["message_stop"].message.parsed_output == salt
    assert message.parsed_output == message.content[0].parsed_output == salt


@pytest.mark.parametrize("reason", ["refusal", "max_tokens"])
def test_an_answer_that_was_cut_off(client, server, reason) -> None:
    server.answer(streamed('{"name": "salt", "am', reason))
    with client.messages.stream(**ASK, output_format=Ingredient) as stream:
        message = stream.get_final_message()
    assert message.parsed_output is message.content[0].parsed_output is None


def test_an_answer_that_does_not_validate(client, server) -> None:
    server.answer(streamed('{"name": "salt", "amount": -1}'))
    with client.messages.stream(**ASK, output_format=Ingredient) as stream:
        message = stream.get_final_message()
    with pytest.raises(ValidationError, match="greater than 0"):
        _ = message.parsed_output


def test_what_was_parsed_goes_back_as_text(client, server) -> None:
    server.answer(streamed("[1, 2]"))
    with client.messages.stream(**ASK, output_format=list[int]) as stream:
        message = stream.get_final_message()
    turns = [{"role": "assistant", "content": message.content}]
    with client.messages.stream(**{**ASK, "messages": turns}):
        pass
    (turn,) = server.requests[1].json()["messages"]
    assert turn == {"role": "assistant", "content": [{"type": "text", "text": "[1, 2]"}]}
