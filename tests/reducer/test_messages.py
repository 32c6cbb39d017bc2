"""Messages from dicts and back: every kind of block, with fields unknown, null and absent."""

from __future__ import annotations

import copy
import json
import keyword
import pickle
from collections.abc import Mapping
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold import reducer
from streamfold.reducer import (
    APIObject,
    CacheCreation,
    Container,
    ContentBlock,
    FieldError,
    IterationUsage,
    JSONArray,
    JSONObject,
    Message,
    MessageDeltaUsage,
    OutputTokensDetails,
    RawMessageDeltaEvent,
    RefusalStopDetails,
    ServerToolUsage,
    TextBlock,
    TextCitation,
    ToolUseBlock,
    UnknownBlock,
    UnknownCitation,
    Usage,
)

from tests.support.effort import effort

# --- the API's shapes, written down once more ---------------------------------------------------

anything = st.recursive(
    st.one_of(
        *[st.none(), st.booleans(), st.integers(), st.text(max_size=4)],
        st.floats(allow_nan=False),
    ),
    lambda items: st.one_of(
        st.lists(items, max_size=3), st.dictionaries(st.text(max_size=3), items, max_size=3)
    ),
    max_leaves=4,
)
string = st.text(max_size=5)
integer = st.integers()
array = st.lists(anything, max_size=2)
object_ = st.dictionaries(st.text(max_size=3), anything, max_size=2)

Shape = tuple[dict[str, Any], list[str]]
"""The required fields, and the names of the optional fields, which may hold any JSON."""

CITATIONS: dict[str, Shape] = {
    "char_location": (
        {
            "cited_text": string,
            **dict.fromkeys(["document_index", "start_char_index", "end_char_index"], integer),
        },
        ["document_title", "file_id"],
    ),
    "page_location": (
        {
            "cited_text": string,
            **dict.fromkeys(["document_index", "start_page_number", "end_page_number"], integer),
        },
        ["document_title", "file_id"],
    ),
    "content_block_location": (
        {
            "cited_text": string,
            **dict.fromkeys(["document_index", "start_block_index", "end_block_index"], integer),
        },
        ["document_title", "file_id"],
    ),
    "search_result_location": (
        {
            "cited_text": string,
            "source": string,
            **dict.fromkeys(
                ["search_result_index", "start_block_index", "end_block_index"], integer
            ),
        },
        ["title"],
    ),
    "web_search_result_location": (
        {"cited_text": string, "url": string, "encrypted_index": string},
        ["title"],
    ),
}

RESULT = {"tool_use_id": string, "content": object_}
BLOCKS: dict[str, Shape] = {
    "text": ({"text": string}, []),
    "thinking": ({"thinking": string}, ["signature"]),
    "redacted_thinking": ({"data": string}, []),
    "tool_use": (
        {"id": string, "name": string, "input": object_},
        ["caller", "toolset_name"],
    ),
    "server_tool_use": ({"id": string, "name": string, "input": object_}, ["caller"]),
    "mcp_tool_use": (
        {"id": string, "name": string, "input": object_, "server_name": string},
        [],
    ),
    "web_search_tool_result": (
        {"tool_use_id": string, "content": st.one_of(array, object_)},
        ["caller"],
    ),
    "web_fetch_tool_result": (RESULT, ["caller"]),
    "code_execution_tool_result": (RESULT, []),
    "bash_code_execution_tool_result": (RESULT, []),
    "text_editor_code_execution_tool_result": (RESULT, []),
    "tool_search_tool_result": (RESULT, []),
    "advisor_tool_result": (RESULT, []),
    "mcp_tool_result": (
        {"tool_use_id": string, "content": st.one_of(string, array), "is_error": st.booleans()},
        [],
    ),
    "mcp_tool_listing": ({"mcp_server_name": string, "tools": array}, []),
    "container_upload": ({"file_id": string}, []),
    "compaction": ({}, ["content", "encrypted_content", "signature", "tool_changes"]),
    "fallback": ({"from": object_, "to": object_}, ["trigger"]),
}

CACHE_CREATION = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"]
COUNTS = [
    *["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
]
MESSAGE_OPTIONAL = [
    *["stop_reason", "stop_sequence", "context_management", "input_transformations", "diagnostics"]
]

ODD_NAMES = [
    "x",
    "rest",
    "_rest",
    "_input_json",
    "input_json",
    "from_",
    "class",
    "keys",
    "to_dict",
    "",
    "é",
]
unknown_names = st.one_of(st.sampled_from(ODD_NAMES), st.text(max_size=4))


@st.composite
def shaped(
    draw: st.DrawFn, required: Mapping[str, Any], optional: Mapping[str, Any] | list[str]
) -> dict[str, Any]:
    """An object of this shape: optional fields absent, null or set, and unknown fields."""
    if not isinstance(optional, Mapping):
        optional = dict.fromkeys(optional, anything)
    maybe_null = {key: st.one_of(st.none(), value) for key, value in optional.items()}
    known = draw(st.fixed_dictionaries(required, optional=maybe_null))
    unknown = draw(st.dictionaries(unknown_names, anything, max_size=2))
    taken = {*required, *optional, "type"}
    whole = {**known, **{key: value for key, value in unknown.items() if key not in taken}}
    order = draw(st.permutations(list(whole)))
    return {key: whole[key] for key in order}


def tagged(shapes: Mapping[str, Shape]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        *[
            shaped({"type": st.just(kind), **required}, optional)
            for kind, (required, optional) in shapes.items()
        ]
    )


unknown_kinds = shaped({"type": st.sampled_from(["tomorrow", "", "Text", "image"])}, [])
citations = st.one_of(tagged(CITATIONS), unknown_kinds)
text_blocks = shaped(
    {"type": st.just("text"), "text": string},
    {"citations": st.one_of(st.lists(citations, max_size=2), string, object_)},
)
blocks = st.one_of(
    text_blocks,
    tagged({kind: shape for kind, shape in BLOCKS.items() if kind != "text"}),
    unknown_kinds,
)
cache_creations = st.one_of(shaped({}, CACHE_CREATION), array)
iterations = st.one_of(
    shaped(
        {"type": string},
        {**dict.fromkeys([*COUNTS, "model"], anything), "cache_creation": cache_creations},
    ),
    anything,
)
usages = shaped(
    {},
    {
        **dict.fromkeys(
            [*COUNTS, "service_tier", "inference_geo", "speed", "fallback_credit"], anything
        ),
        "cache_creation": cache_creations,
        "server_tool_use": st.one_of(
            shaped({}, ["web_search_requests", "web_fetch_requests"]), anything
        ),
        "output_tokens_details": st.one_of(shaped({}, ["thinking_tokens"]), anything),
        "iterations": st.one_of(st.lists(iterations, max_size=2), string, object_),
    },
)
stop_details = st.one_of(
    shaped({"type": st.just("refusal")}, ["category", "explanation"]), shaped({}, []), anything
)
api_messages = shaped(
    {
        **dict.fromkeys(["id", "role", "model"], string),
        "type": st.just("message"),
        "content": st.lists(blocks, max_size=4),
    },
    {
        **dict.fromkeys(MESSAGE_OPTIONAL, anything),
        "stop_details": stop_details,
        "container": st.one_of(shaped({"id": string}, ["expires_at", "skills"]), anything),
    },
).flatmap(
    lambda message: st.one_of(
        st.just(message), usages.map(lambda usage: {**message, "usage": usage})
    )
)


def strictly_equal(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


# --- there and back -----------------------------------------------------------------------------


@effort(400)
@given(api_messages)
def test_a_message_gives_back_its_json(data: dict[str, Any]) -> None:
    before = copy.deepcopy(data)
    message = Message.from_dict(data)
    assert message.to_dict() == data
    assert strictly_equal(message.to_dict(), data)  # `==` takes 1 for True
    assert strictly_equal(json.loads(message.to_json()), data)
    assert strictly_equal(json.loads(message.to_json(indent=2)), data)
    assert data == before
    for again in (
        Message.from_dict(json.loads(json.dumps(data))),
        Message.from_dict(json.loads(message.to_json())),
        Message.from_dict(message),
        pickle.loads(pickle.dumps(message)),
        copy.deepcopy(message),
        message.replace(),
    ):
        assert again == message
        assert hash(again) == hash(message)
        assert strictly_equal(again.to_dict(), data)


@effort(200)
@given(api_messages)
def test_attributes_and_keys_give_the_same(data: dict[str, Any]) -> None:
    agree(Message.from_dict(data), data)


def agree(value: Any, data: Any) -> None:
    """`value` has the fields of `data`, by key and by attribute, at every level, and no others."""
    if isinstance(value, APIObject):
        assert set(value) == set(data)
        assert len(value) == len(data)
        optional = [key for key in fields_of(type(value)) if key not in data]
        for key in optional:
            assert key not in value
            assert not value.get(key)
            getattr(value, key)  # it reads as its default
    if isinstance(value, (APIObject, JSONObject)):
        for key in data:
            assert key in value
            is_declared = isinstance(value, APIObject) and key in fields_of(type(value))
            name = key + "_" if keyword.iskeyword(key) and is_declared else key
            declared = is_declared or key == "type"
            if declared or not (name.startswith("_") or hasattr(type(value), name)):
                assert getattr(value, name) is value[key]
            agree(value[key], data[key])
    elif isinstance(value, (tuple, JSONArray)):
        assert len(value) == len(data)
        for item, datum in zip(value, data, strict=True):
            agree(item, datum)
    else:
        assert type(value) is type(data)
        assert value == data


@effort(100)
@given(api_messages)
def test_a_message_does_not_change_with_the_dict_it_was_made_of(data: dict[str, Any]) -> None:
    message = Message.from_dict(data)
    before = message.to_json()
    written = message.to_dict()
    for plain in (data, written):
        spoil(plain)
    assert message.to_json() == before
    assert message == Message.from_dict(json.loads(before))


def spoil(value: Any) -> None:
    """Empty every dict and list in `value`."""
    if isinstance(value, (dict, list)):
        for item in list(value.values() if isinstance(value, dict) else value):
            spoil(item)
        value.clear()


@effort(100)
@given(api_messages)
def test_all_of_a_message_is_immutable_and_can_be_shown(data: dict[str, Any]) -> None:
    message = Message.from_dict(data)
    shown = repr(message)
    assert shown.startswith("Message(")
    assert f"model={data['model']!r}" in shown
    for block in data["content"]:
        if block["type"] not in BLOCKS:
            assert f"UnknownBlock(type={block['type']!r}" in shown
    assert immutable(message)


def immutable(value: Any) -> bool:
    if isinstance(value, APIObject):
        return all(immutable(item) for item in value.values())
    if isinstance(value, tuple) or type(value) is JSONArray:
        return all(immutable(item) for item in value)
    if type(value) is JSONObject:
        return all(immutable(item) for item in value.values())
    return type(value) in (str, int, float, bool, type(None))


# --- each kind ----------------------------------------------------------------------------------

EXAMPLES = {
    "string": "a",
    "integer": 7,
    "boolean": True,
    "object": {"a": [1]},
    "array": [{"a": 1}],
    "null": None,
    "number": 1.5,
}
TAKES = {
    string: {"string"},
    integer: {"integer"},
    object_: {"object"},
    array: {"array"},
}


TAKES_OTHERWISE = {
    ("web_search_tool_result", "content"): {"array", "object"},
    ("mcp_tool_result", "content"): {"string", "array"},
    ("mcp_tool_result", "is_error"): {"boolean"},
    # a model may write any JSON as the input of a tool
    **{(kind, "input"): set(EXAMPLES) for kind in ("tool_use", "server_tool_use", "mcp_tool_use")},
}


def takes(kind: str, key: str, strategy: Any) -> set[str]:
    """The kinds of JSON that a required field takes."""
    return TAKES_OTHERWISE.get((kind, key)) or TAKES[strategy]


def smallest(kind: str, shape: Shape) -> dict[str, Any]:
    """An object with the required fields only."""
    wanted = {key: min(takes(kind, key, strategy)) for key, strategy in shape[0].items()}
    return {"type": kind, **{key: EXAMPLES[name] for key, name in wanted.items()}}


def with_block(block: Any) -> Message:
    return Message.from_dict({**MESSAGE, "content": [block]})


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


BLOCK_CLASSES = {cls.type: cls for cls in get_args(ContentBlock)}
CITATION_CLASSES = {cls.type: cls for cls in get_args(TextCitation)}


def fields_of(cls: Any) -> set[str]:
    """The declared JSON fields of a class."""
    names = {field.name for field in attrs.fields(cls)} - {"_rest", "_input_json"}
    return {name.rstrip("_") for name in names}


def test_every_kind_of_block_and_citation_has_a_class() -> None:
    assert set(BLOCK_CLASSES) == set(BLOCKS)
    assert set(CITATION_CLASSES) == set(CITATIONS)
    for name, classes in (("Block", BLOCK_CLASSES), ("Citation", CITATION_CLASSES)):
        for kind, cls in classes.items():
            plain = cls.__name__.removesuffix(name).lower()
            assert plain == kind.replace("_", "")
            assert cls.type == kind
            assert getattr(reducer, cls.__name__) is cls


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_block_of_its_kind(kind: str) -> None:
    data = smallest(kind, BLOCKS[kind])
    block = with_block(data).content[0]
    assert type(block) is BLOCK_CLASSES[kind]
    assert block.type == kind
    assert block.to_dict() == data
    for key in BLOCKS[kind][1]:
        assert getattr(block, key) == ("" if key == "signature" and kind == "thinking" else None)
        assert key not in block
    assert fields_of(type(block)) == {*BLOCKS[kind][0], *BLOCKS[kind][1]} | (
        {"citations"} if kind == "text" else set()
    )


@pytest.mark.parametrize("kind", CITATIONS)
def test_a_citation_of_its_kind(kind: str) -> None:
    data = smallest(kind, CITATIONS[kind])
    citation = with_block({"type": "text", "text": "", "citations": [data]}).content[0].citations[0]
    assert type(citation) is CITATION_CLASSES[kind]
    assert citation.to_dict() == data
    for key in CITATIONS[kind][1]:
        assert getattr(citation, key) is None
    assert fields_of(type(citation)) == {*CITATIONS[kind][0], *CITATIONS[kind][1]}


WHERE = {
    **{(kind, f"content[0].{key}"): ("block", key) for kind in BLOCKS for key in BLOCKS[kind][0]},
    **{
        (kind, f"content[0].citations[1].{key}"): ("citation", key)
        for kind in CITATIONS
        for key in CITATIONS[kind][0]
    },
}


@pytest.mark.parametrize(("kind", "path"), WHERE)
def test_the_path_names_a_required_field_that_is_missing_or_wrong(kind: str, path: str) -> None:
    place, key = WHERE[kind, path]
    shapes = BLOCKS if place == "block" else CITATIONS
    data = smallest(kind, shapes[kind])

    def message_with(part: dict[str, Any]) -> Message:
        if place == "block":
            return with_block(part)
        good = smallest("page_location", CITATIONS["page_location"])
        return with_block({"type": "text", "text": "", "citations": [good, part]})

    with pytest.raises(FieldError) as caught:
        message_with({name: value for name, value in data.items() if name != key})
    assert str(caught.value) == f"`{path}` is missing"
    right = takes(kind, key, shapes[kind][0][key])
    for name, example in EXAMPLES.items():
        if name in right:
            assert message_with({**data, key: example}).content[0]
            continue
        with pytest.raises(FieldError) as caught:
            message_with({**data, key: example})
        assert caught.value.path == path
        article = "" if name == "null" else "an " if name[0] in "aio" else "a "
        assert caught.value.reason.endswith(f", not {article}{name}")
        assert all(word in caught.value.reason for word in right)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"id": None}, "`id` must be a string, not null"),
        ({"role": 1}, "`role` must be a string, not an integer"),
        ({"model": ["a"]}, "`model` must be a string, not an array"),
        ({"type": "error"}, "`type` must be 'message', not 'error'"),
        ({"content": None}, "`content` must be an array, not null"),
        ({"content": "a"}, "`content` must be an array, not a string"),
        ({"content": {}}, "`content` must be an array, not an object"),
        ({"content": ["a"]}, "`content[0]` must be an object, not a string"),
        ({"content": [{"type": "x"}, None]}, "`content[1]` must be an object, not null"),
        ({"content": [{}]}, "`content[0].type` is missing"),
        ({"content": [{"type": 1}]}, "`content[0].type` must be a string, not an integer"),
        ({"content": [{"type": None}]}, "`content[0].type` must be a string, not null"),
        (
            {"content": [{"type": "text", "text": "", "citations": [{"type": "x"}, {}]}]},
            "`content[0].citations[1].type` is missing",
        ),
        (
            {"content": [{"type": "text", "text": "", "citations": [1]}]},
            "`content[0].citations[0]` must be an object, not an integer",
        ),
        ({"usage": None}, "`usage` must be an object, not null"),
        ({"usage": []}, "`usage` must be an object, not an array"),
    ],
)
def test_a_message_that_is_none(change: dict[str, Any], error: str) -> None:
    with pytest.raises(FieldError) as caught:
        Message.from_dict({**MESSAGE, **change})
    assert str(caught.value) == error


@pytest.mark.parametrize("key", ["id", "role", "model", "content"])
def test_the_required_fields_of_a_message(key: str) -> None:
    with pytest.raises(FieldError) as caught:
        Message.from_dict({name: value for name, value in MESSAGE.items() if name != key})
    assert str(caught.value) == f"`{key}` is missing"


def test_the_optional_fields_of_a_message() -> None:
    data = {key: MESSAGE[key] for key in ("type", "id", "role", "model", "content")}
    message = Message.from_dict(data)
    assert message.to_dict() == data
    assert message.usage == Usage()
    assert (message.content, message.type) == ((), "message")
    for key in ("stop_reason", "stop_sequence", "stop_details", "container", "context_management"):
        assert getattr(message, key) is None
    assert (message.input_transformations, message.diagnostics) == (None, None)
    assert fields_of(Message) == {
        *["id", "role", "model", "content", "stop_details", "usage", "container"],
        *MESSAGE_OPTIONAL,
    }
    empty = Message.from_dict({**data, "usage": {}})
    assert empty.to_dict() == {**data, "usage": {}}
    assert empty != message


def test_unknown_kinds_are_kept_and_read_like_any_other() -> None:
    citation = {"type": "tomorrow", "at": {"line": 1}}
    block = {"type": "hologram", "of": [{"a": 1}], "input_json": "{"}
    message = Message.from_dict(
        {**MESSAGE, "content": [{"type": "text", "text": "", "citations": [citation]}, block]}
    )
    text, hologram = message.content
    assert type(text.citations[0]) is UnknownCitation
    assert (text.citations[0].type, text.citations[0].at.line) == ("tomorrow", 1)
    assert type(hologram) is UnknownBlock
    assert (hologram.type, hologram.of[0].a, hologram["input_json"]) == ("hologram", 1, "{")
    assert hologram.to_dict() == block


def test_usage_in_all_its_parts() -> None:
    data = {
        **dict.fromkeys(COUNTS, 1),
        "cache_creation": {"ephemeral_5m_input_tokens": 2},
        "server_tool_use": {"web_search_requests": 3},
        "output_tokens_details": {"thinking_tokens": 4},
        "iterations": [{"type": "message", "output_tokens": 5, "cache_creation": {}}, "odd", None],
        "fallback_credit": {"tokens": 6},
    }
    usage = Usage.from_dict(data)
    assert type(usage.cache_creation) is CacheCreation
    assert usage.cache_creation.ephemeral_1h_input_tokens == 0
    assert type(usage.server_tool_use) is ServerToolUsage
    assert (
        usage.server_tool_use.web_search_requests,
        usage.server_tool_use.web_fetch_requests,
    ) == (3, 0)
    assert type(usage.output_tokens_details) is OutputTokensDetails
    assert usage.output_tokens_details.thinking_tokens == 4
    assert isinstance(usage.iterations, tuple)
    iteration = usage.iterations[0]
    assert type(iteration) is IterationUsage
    assert type(iteration.cache_creation) is CacheCreation
    assert (iteration.output_tokens, iteration.input_tokens, iteration.model) == (5, 0, None)
    assert (iteration.cache_creation_input_tokens, iteration.cache_read_input_tokens) == (0, 0)
    assert usage.iterations[1:] == ("odd", None)
    assert usage.fallback_credit.tokens == 6
    assert usage.to_dict() == data


def test_the_defaults_of_usage() -> None:
    usage = Usage()
    assert (usage.input_tokens, usage.output_tokens) == (0, 0)
    others = [key for key in fields_of(Usage) if key not in ("input_tokens", "output_tokens")]
    assert len(others) == 10
    assert [getattr(usage, key) for key in others] == [None] * 10
    assert [getattr(MessageDeltaUsage(), key) for key in fields_of(MessageDeltaUsage)] == [None] * 8
    delta = MessageDeltaUsage.from_dict({"server_tool_use": {}, "iterations": [{"type": "a"}]})
    assert (delta.input_tokens, delta.output_tokens) == (None, None)
    assert type(delta.server_tool_use) is ServerToolUsage
    assert type(delta.iterations[0]) is IterationUsage
    assert OutputTokensDetails().thinking_tokens == 0


def test_json_of_an_unknown_shape_is_kept_as_it_is() -> None:
    for key, value in (
        ("container", "c"),
        ("container", {"name": "no id"}),
        ("container", {"id": 7}),
        ("stop_details", {"type": "new", "why": []}),
        ("stop_details", "text"),
        ("stop_details", {}),
    ):
        message = Message.from_dict({**MESSAGE, key: value})
        assert message[key] == value
        assert not isinstance(message[key], APIObject)
        assert message.to_dict()[key] == value
    usage = Usage.from_dict({"cache_creation": 1, "iterations": {"a": 1}, "server_tool_use": []})
    assert usage.to_dict() == {"cache_creation": 1, "iterations": {"a": 1}, "server_tool_use": []}
    assert usage.iterations.a == 1
    assert IterationUsage.from_dict({"type": "a", "cache_creation": None}).cache_creation is None
    iteration = Usage.from_dict({"iterations": [{"no": "type"}]}).iterations[0]
    assert (type(iteration), iteration) == (JSONObject, {"no": "type"})


def test_containers_and_refusals() -> None:
    message = Message.from_dict(
        {
            **MESSAGE,
            "container": {"id": "c", "skills": [{"skill_id": "pdf"}]},
            "stop_details": {"type": "refusal", "category": "bio"},
        }
    )
    assert type(message.container) is Container
    assert message.container.id == "c"
    assert message.container.skills[0].skill_id == "pdf"
    assert message.container.expires_at is None
    assert type(message.stop_details) is RefusalStopDetails
    assert (message.stop_details.category, message.stop_details.explanation) == ("bio", None)
    assert message.stop_details.type == "refusal"


def test_the_text_of_an_input() -> None:
    data = {"type": "tool_use", "id": "1", "name": "f", "input": {"é": [1, {"b": None}]}}
    block = with_block(data).content[0]
    assert block.input_json == '{"é":[1,{"b":null}]}'
    assert "input_json" not in block
    streamed = ToolUseBlock(id="1", name="f", input=block.input, input_json='{ "é": …')
    assert streamed.input_json == '{ "é": …'
    assert ToolUseBlock(id="1", name="f", input=JSONObject(), input_json="").input_json == ""
    assert streamed == block
    assert streamed.to_dict() == data
    assert pickle.loads(pickle.dumps(streamed)).input_json == streamed.input_json
    assert copy.deepcopy(streamed).input_json == streamed.input_json


def test_parts_that_are_objects_already_are_taken_as_they_are() -> None:
    message = with_block({"type": "text", "text": "a"})
    block = TextBlock.from_dict({"type": "text", "text": "b"})
    more = message.replace(content=[*message.content, block], stop_reason="end_turn")
    assert more.content[0] is message.content[0]
    assert more.content[1] is block
    assert more.stop_reason == "end_turn"
    assert message.stop_reason is None
    assert more.usage == message.usage


def test_depth_is_limited_in_every_open_field() -> None:
    def deep(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    def each_field(levels: int) -> list[dict[str, Any]]:
        block = smallest("tool_use", BLOCKS["tool_use"])
        return [
            {**MESSAGE, "diagnostics": deep(levels - 1)},
            {**MESSAGE, "new": deep(levels - 1)},
            {**MESSAGE, "container": deep(levels - 1)},
            {**MESSAGE, "stop_details": deep(levels - 1)},
            {**MESSAGE, "usage": {"iterations": {"a": deep(levels - 2)}}},
            {**MESSAGE, "content": [{**block, "input": deep(levels)}]},
            {**MESSAGE, "content": [{"type": "new", "x": deep(levels - 1)}]},
        ]

    for data in each_field(200):
        message = Message.from_dict(data)
        assert message.to_dict() == data
        assert pickle.loads(pickle.dumps(message)) == message
        assert hash(message) == hash(Message.from_dict(data))
        assert json.loads(message.to_json(indent=1)) == data
        assert repr(message).startswith("Message(")
    for data in (*each_field(201), *each_field(50_000)):
        with pytest.raises(ValueError, match=r"^JSON is nested deeper than 200 levels$"):
            Message.from_dict(data)


def test_a_message_reads_well() -> None:
    message = with_block({"type": "text", "text": "Hello", "new": [1]})
    content = "(TextBlock(text='Hello', new=[1]),)"
    usage = "Usage(input_tokens=1, output_tokens=2)"
    assert repr(message) == (
        f"Message(id='msg_1', role='assistant', model='claude', content={content},"
        f" stop_reason=None, stop_sequence=None, usage={usage})"
    )


def test_an_object_that_may_be_null() -> None:
    event = {"type": "message_delta", "delta": {}, "usage": None}
    parsed = RawMessageDeltaEvent.from_dict(event)
    assert parsed.usage is None
    assert parsed.to_dict() == event
    with pytest.raises(FieldError, match=r"^`usage` must be an object, not a string$"):
        RawMessageDeltaEvent.from_dict({**event, "usage": "a"})
