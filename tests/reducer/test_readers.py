"""Readers against their slow twin: `from_dict` of a mapping that is not a dict."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import Message, RawContentBlockStopEvent, RawUnknownEvent, TextBlock
from streamfold.reducer.events import RAW_EVENTS

from tests.support.effort import effort
from tests.support.strategies import any_event, any_message, spoilt


def slow(value: Any) -> Any:
    """The same JSON, in which no object is a dict."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: slow(item) for key, item in value.items()})
    return [slow(item) for item in value] if isinstance(value, list) else value


def read(cls: Any, fields: Any) -> tuple[Any, str]:
    """The object and its JSON text, or the class and the text of the error."""
    try:
        value = cls.from_dict(fields)
    except ValueError as fault:
        return type(fault), str(fault)
    return value, value.to_json()


@effort(400)
@given(st.one_of(any_event(), any_event().flatmap(spoilt)))
def test_events_are_read_alike(event: dict[str, Any]) -> None:
    kind = event.get("type")
    cls = RAW_EVENTS.get(kind, RawUnknownEvent) if isinstance(kind, str) else RawUnknownEvent
    assert read(cls, event) == read(cls, slow(event))


@effort(200)
@given(st.one_of(any_message(), any_message().flatmap(spoilt)))
def test_messages_are_read_alike(message: dict[str, Any]) -> None:
    assert read(Message, message) == read(Message, slow(message))


@pytest.mark.parametrize(
    "fields",
    [
        {"index": 0},
        {"type": "content_block_stop", "index": 0, "added": [1, {"a": None}]},
        {"type": "content_block_stop", "index": True},
        {"type": "content_block_stop", "index": 0, 5: 1},
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_stop", "index": 0, "added": object()},
    ],
)
def test_one_object_is_read_alike(fields: dict[Any, Any]) -> None:
    def outcome(data: Any) -> Any:
        try:
            return RawContentBlockStopEvent.from_dict(data).to_dict()
        except (TypeError, ValueError) as fault:
            return type(fault), str(fault)

    assert outcome(fields) == outcome(MappingProxyType(fields))


def test_a_default_that_was_sent_is_kept_apart_from_one_that_was_not() -> None:
    for fields in ({"type": "text", "text": ""}, {"type": "text", "text": "", "citations": None}):
        assert TextBlock.from_dict(fields).to_dict() == fields
