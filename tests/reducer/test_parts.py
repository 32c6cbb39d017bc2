"""The classes below blocks, compared with every type that the official client has for them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, get_args, get_origin

import pytest
from anthropic.types import Message as OfficialMessage
from anthropic.types import RawMessageStreamEvent
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from streamfold.adapters import anthropic as ours
from streamfold.reducer import (
    Container,
    Message,
    ServerSentEvent,
    WebSearchToolResultBlock,
    freeze,
    parse_event,
)

DEFINITION = {"type": "custom", "name": "x", "input_schema": {"type": "object"}}
"""The definition of a tool, which stays JSON: it is what a request sent."""


def models(annotation: Any, found: set[Any]) -> set[Any]:
    """The official classes that a value of this type can contain."""
    is_new = annotation not in found
    if is_new and inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        found.add(annotation)
        for name, field in annotation.model_fields.items():
            if name != "definition":
                models(field.annotation, found)
    for inner in get_args(annotation):
        models(inner, found)
    return found


GA = models(RawMessageStreamEvent, models(OfficialMessage, set()))
BETA = models(BetaRawMessageStreamEvent, models(BetaMessage, set()))
OFFICIAL = sorted(
    (model for model in GA | BETA if model.__name__ != "Delta"), key=lambda model: model.__module__
)


@pytest.mark.parametrize("model", OFFICIAL, ids=lambda model: model.__name__)
def test_every_official_class_is_here_with_its_fields(model: Any) -> None:
    mine = getattr(ours, model.__name__)
    assert model.__name__ in ours.__all__
    fields = {field.alias or name for name, field in model.model_fields.items()} - {"type"}
    assert fields <= set(mine._fields)
    tag = model.model_fields.get("type")
    if tag is not None and len(get_args(tag.annotation)) == 1 and mine._tag:
        assert get_args(tag.annotation) == (mine._tag,)


def examples(annotation: Any) -> Iterator[Any]:
    """Values of a type that differ in the classes they contain."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield from of_model(annotation)
    elif annotation is datetime:
        yield "2026-11-27T09:00:00Z"
    elif get_origin(annotation) is list:
        yield list(examples(get_args(annotation)[0]))
    elif str(annotation).startswith("typing.Literal"):
        yield get_args(annotation)[0]
    elif get_origin(annotation) is dict:
        yield {"a": 1}
    elif get_args(annotation):  # a union, perhaps annotated
        for inner in get_args(annotation):
            yield from examples(inner)
    elif annotation in (str, int, bool, object):
        yield {str: "x", int: 1, bool: True, object: {"a": 1}}[annotation]


def of_model(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    values = {
        field.alias or name: [DEFINITION] if name == "definition" else [*examples(field.annotation)]
        for name, field in model.model_fields.items()
    }
    for number in range(max(map(len, values.values()), default=1)):
        yield {name: found[min(number, len(found) - 1)] for name, found in values.items()}


def pairs(theirs: Any, mine: Any) -> Iterator[tuple[BaseModel, Any]]:
    """The objects at the same places of two messages."""
    if isinstance(theirs, list):
        for one, other in zip(theirs, mine, strict=True):
            yield from pairs(one, other)
    elif isinstance(theirs, BaseModel):
        yield theirs, mine
        for name in type(theirs).model_fields:
            if name != "definition":
                yield from pairs(getattr(theirs, name), getattr(mine, name))
    elif not isinstance(theirs, dict):
        assert mine == theirs


@pytest.mark.parametrize("model", [OfficialMessage, BetaMessage])
def test_every_object_of_a_message_has_its_class(model: Any) -> None:
    seen = set()
    for fields in of_model(model):
        mine = Message.from_dict(fields)
        assert mine.to_dict() == fields
        assert json.loads(mine.to_json()) == fields
        for theirs, part in pairs(model.model_validate(fields), mine):
            assert isinstance(part, getattr(ours, type(theirs).__name__))
            assert hash(part) is not None
            seen.add(type(theirs))
    assert len(seen) > 40


def test_the_events_have_them_too() -> None:
    for fields in of_model(get_args(get_args(BetaRawMessageStreamEvent)[0])[1]):
        event: Any = parse_event(ServerSentEvent(event=fields["type"], data=json.dumps(fields)))
        assert isinstance(event.context_management, ours.BetaContextManagementResponse)
        assert event.to_dict() == fields


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "new"}, 1, None],
        {"type": "new"},
        {"type": ["a"]},
        {},
        [{"type": "web_search_result"}],
    ],
)
def test_other_json_is_kept_as_it_came(content: Any) -> None:
    fields = {"type": "web_search_tool_result", "tool_use_id": "t", "content": content}
    block = WebSearchToolResultBlock.from_dict(fields)
    assert block.to_dict() == fields
    assert freeze(block) is block


# --- times --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-27T09:00:00Z", datetime(2026, 11, 27, 9, tzinfo=timezone.utc)),
        ("2026-11-27t09:00:00z", datetime(2026, 11, 27, 9, tzinfo=timezone.utc)),
        (
            "2026-11-27T09:00:00.123456789+02:00",
            datetime(2026, 11, 27, 9, 0, 0, 123456, timezone(timedelta(hours=2))),
        ),
        ("2026-11-27 09:00:00.5", datetime(2026, 11, 27, 9, 0, 0, 500_000)),
    ],
)
def test_a_time_is_read_and_written_as_it_came(text: str, time: datetime) -> None:
    container = Container.from_dict({"id": "c", "expires_at": text})
    assert container.expires_at == time
    assert container["expires_at"] == text
    assert container.to_dict() == {"id": "c", "expires_at": text}
    assert container.model_dump()["expires_at"] == text
    assert container.replace(id="d").to_dict() == {"id": "d", "expires_at": text}


@pytest.mark.parametrize("text", ["soon", "2026-02-31T09:00:00Z", "", None, 5])
def test_what_is_not_a_time_is_kept(text: Any) -> None:
    container = Container.from_dict({"id": "c", "expires_at": text})
    assert container.expires_at == text
    assert container.to_dict() == {"id": "c", "expires_at": text}


@given(st.datetimes(timezones=st.none() | st.just(timezone.utc)))
def test_a_container_is_made_of_a_time(time: datetime) -> None:
    container = Container(id="c", expires_at=time)
    assert container.expires_at == time
    assert Container.from_dict(container.to_dict()) == container
