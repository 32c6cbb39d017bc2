"""Results of any class, and the differences between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given
from pydantic import BaseModel, Field
from streamfold.adapters.conformance.comparison import as_json, comparable, difference
from streamfold.adapters.strategies import messages
from streamfold.reducer import Message


@dataclass
class Block:
    text: str


@attrs.frozen
class Usage:
    output_tokens: int


class Fallback(BaseModel):
    from_: str = Field(alias="from")
    to: Any = None


class Dated(BaseModel):
    expires_at: datetime


class Container:
    def to_dict(self) -> dict[str, Any]:
        return {"id": "container_1"}


def test_a_result_may_be_made_of_anything() -> None:
    made = MappingProxyType(
        {
            "content": (Block("Hi"), Fallback(**{"from": "a"})),
            "usage": Usage(1),
            "container": Container(),
            "dated": Dated(expires_at=datetime(2026, 11, 22, 10, tzinfo=timezone.utc)),
            "id": None,
        }
    )
    assert as_json(made) == {
        "content": [{"text": "Hi"}, {"from": "a", "to": None}],
        "usage": {"output_tokens": 1},
        "container": {"id": "container_1"},
        "dated": {"expires_at": "2026-11-22T10:00:00Z"},
        "id": None,
    }


@given(messages(unknown=True))
def test_a_message_of_the_reference_is_what_it_was_made_of(message: dict[str, Any]) -> None:
    assert as_json(Message.from_dict(message)) == message
    text = comparable(message, strict_nulls=True)
    assert comparable(dict(reversed(message.items())), strict_nulls=True) == text
    assert difference(text, text) == ""


@pytest.mark.parametrize("value", [object(), {1, 2}, [b"bytes"], {"a": lambda: None}])
def test_what_is_no_json_cannot_be_read(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot read a"):
        as_json(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1.0}, {"a": 1}),
        ({"a": None}, {}),
        ({"content": [{"a": {"b": None}}]}, {"content": [{"a": {}}]}),
    ],
)
def test_no_difference(one: Any, other: Any) -> None:
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 0}, {}),
        ({"a": []}, {}),
        ([None], []),
        ({"content": [{"input": {"a": None}}]}, {"content": [{"input": {}}]}),
        ({"content": [{"input": [{"a": None}]}]}, {"content": [{"input": [{}]}]}),
        ({"a": 2**53 + 1}, {"a": float(2**53)}),
        ({"a": "\ud83d\ude00"}, {"a": "😀"}),
        ({"a": "\ud83d"}, {"a": "\\ud83d"}),
    ],
)
def test_a_difference(one: Any, other: Any) -> None:
    assert comparable(one) != comparable(other)
    assert difference(comparable(one), comparable(other)) != ""


def test_nulls_differ_from_nothing_when_told() -> None:
    assert comparable({"a": None}, strict_nulls=True) != comparable({}, strict_nulls=True)


@pytest.mark.parametrize("path", ["usage", "usage.iterations", "content.citations.title"])
def test_a_path_leaves_out_a_field_and_no_other(path: str) -> None:
    def message(value: int) -> Any:
        if path == "usage":
            return {"id": 1, "usage": value}
        usage = {"iterations": value if path == "usage.iterations" else 0, "speed": 1}
        citation = {"title": value if path.endswith("title") else 0, "url": 1}
        return {"id": 1, "usage": usage, "content": [{"citations": [citation, citation]}]}

    assert comparable(message(1)) != comparable(message(2))
    assert comparable(message(1), ignore=[path]) == comparable(message(2), ignore=[path])
    assert '"id": 1' in comparable(message(1), ignore=[path])
