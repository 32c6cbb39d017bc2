"""No value changes because its `__init__` or `__setstate__` is called again."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    EventStreamState,
    InputJsonEvent,
    JSONArray,
    JSONObject,
    PartialJSON,
    RawContentBlockDeltaEvent,
    Snapshot,
    SSEState,
    StreamState,
    TextDelta,
    TextEvent,
    ThinkingEvent,
    Timing,
    decode_sse,
    encode_sse,
    feed,
    fold_chunk,
    freeze,
    reduce,
)
from streamfold.reducer.frozen_json import EMPTY
from streamfold.reducer.growing import Growing

from tests.support.effort import effort
from tests.support.model import START, TOOL, WHOLE

BODY = encode_sse(WHOLE)
STATE, EVENTS = feed(START, BODY)
MESSAGE = STATE.snapshot.message
VALUES: list[Any] = [
    STATE,
    STATE.snapshot,
    STATE.sse,
    decode_sse(SSEState(), BODY[:90])[0].unfinished,
    SSEState(),
    EventStreamState(),
    Timing(),
    PartialJSON(),
    *EVENTS,
    MESSAGE,
    *(MESSAGE.content if MESSAGE else ()),
    feed(START, encode_sse(TOOL))[0].snapshot,
    decode_sse(STATE.sse, BODY)[1][0],
    fold_chunk(StreamState(), BODY),
    Growing(["a"]),
    freeze({"a": [1, {"b": None}]}),
    freeze([1, 2]),
    EMPTY,
    JSONObject(),
    JSONArray(),
    Snapshot(),
]


@effort(300)
@given(
    st.sampled_from(VALUES),
    st.lists(st.sampled_from([{"x": 1}, [("x", 1)], "xy", 7, STATE.snapshot, None]), max_size=2),
    st.dictionaries(
        st.sampled_from(["text", "index", "id", "snapshot", "partial_mode"]), st.none()
    ),
)
def test_calling_it_again_changes_nothing(
    value: Any, positional: list[Any], named: dict[str, Any]
) -> None:
    before, content = pickle.dumps(value), copy.deepcopy(repr(value))
    with suppress(TypeError, ValueError):
        value.__init__(*positional, **named)
    state = value.__reduce_ex__(4)[2:3]
    for given_state in [*state, *positional]:
        if hasattr(value, "__setstate__"):
            with suppress(TypeError):
                value.__setstate__(given_state)
    assert repr(value) == content
    assert pickle.loads(before) == value
    assert EMPTY == {}


@pytest.mark.parametrize("value", VALUES[:-6], ids=lambda value: type(value).__name__)
def test_the_error_names_the_class(value: Any) -> None:
    with pytest.raises(TypeError, match=f"^{type(value).__name__} is immutable$"):
        value.__init__()


def _reduced(raw_events: Iterable[Any]) -> Iterator[Any]:
    """The events that `reduce` makes, one by one."""
    snapshot = Snapshot()
    for raw_event in raw_events:
        snapshot, events = reduce(snapshot, raw_event)
        yield from events


@pytest.mark.parametrize(
    "value",
    [
        RawContentBlockDeltaEvent(index=0, delta=TextDelta(text="lo")),
        TextEvent(text="lo", snapshot="Hello"),
        ThinkingEvent(thinking="lo", snapshot="Hello"),
        InputJsonEvent(partial_json="1}", snapshot={"a": 1}),
        *_reduced(WHOLE),
        *pickle.loads(pickle.dumps(EVENTS)),
        *copy.deepcopy(EVENTS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_events_are_immutable_however_they_were_made(value: Any) -> None:
    content = repr(value)
    attributes = {field.name: field.get(value) for field in value._attributes}
    state = dict.fromkeys(value.__getstate__())
    for change in (lambda: value.__init__(**attributes), lambda: value.__setstate__(state)):
        with pytest.raises(TypeError, match=f"^{type(value).__name__} is immutable$"):
            change()
    assert repr(value) == content


def test_values_are_still_made_in_every_way() -> None:
    assert JSONObject({"a": 1}) == JSONObject([("a", 1)]) == JSONObject(a=1) == {"a": 1}
    assert JSONArray(iter([1])) == JSONArray([1]) == [1]
    for value in VALUES:
        assert pickle.loads(pickle.dumps(value)) == value
