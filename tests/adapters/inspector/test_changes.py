"""The changes of each event lead from one state of the document to the next."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.inspector.changes import Change, difference
from streamfold.adapters.inspector.trace import trace
from streamfold.reducer import encode_sse
from streamfold.transports import Recording

from tests.adapters.inspector.reference import (
    RECORDINGS,
    answer,
    folded,
    message_start,
    recording_of,
)
from tests.support.effort import effort
from tests.support.strategies import streams


def applied(change: Change, document: Any) -> Any:
    """The document with a change, as the page makes it."""
    if not change.path:
        return change.value
    *way, key = change.path
    parent = document
    for step in way:
        parent = parent[step]
    value = copy.deepcopy(change.value)
    if change.appends:
        both = (parent.get(key, "") + value).encode("utf-16-le", "surrogatepass")
        parent[key] = both.decode("utf-16-le", "surrogatepass")  # as UTF-16 joins two halves
    elif isinstance(parent, list) and key == len(parent):
        parent.append(value)
    else:
        parent[key] = value
    return document


def states(recording: Recording) -> list[Any]:
    """The message after each event, by the changes alone."""
    document: dict[str, Any] = {"message": None, "inputs": {}}
    found = [None]
    for event in trace(recording).events:
        for change in event.changes:
            document = applied(change, document)
        found.append(copy.deepcopy(document["message"]))
    return found


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_each_recording(path: Any) -> None:
    recording = Recording.load(path)
    assert states(recording) == folded(recording.body).messages


@effort(400)
@given(streams())
def test_every_stream(events: list[Any]) -> None:
    recording = Recording.of(encode_sse(events))
    assert same(states(recording), folded(recording.body).messages)


_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


@given(_plain, _plain)
def test_a_difference_makes_one_value_of_another(old: Any, new: Any) -> None:
    made = copy.deepcopy(old)
    for change in difference((), old, new):
        made = applied(change, made)
    assert same(made, new)


def test_a_difference_is_small() -> None:
    old = {"a": [1, {"b": "x"}], "c": True}
    new = {"a": [1, {"b": "y"}, 2], "c": 1, "d": None}
    assert list(difference((), old, new)) == [
        Change(("a", 1, "b"), "y"),
        Change(("a", 2), 2),
        Change(("c",), 1),
        Change(("d",), None),
    ]
    assert list(difference((), new, new)) == []


def test_of_a_list_that_has_grown_the_end_is_compared() -> None:
    old, new = {"a": [1, {"b": [2]}]}, {"a": [9, {"b": [2, 3]}, 4], "c": 5}
    assert list(difference((), old, new, grown=True)) == [
        Change(("a", 1, "b", 1), 3),
        Change(("a", 2), 4),
        Change(("c",), 5),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 30, 99])
def test_an_input_whose_key_comes_again(size: int) -> None:
    text = (
        '{"a": [1, 2, {"b": [3]}], "a": [4, 5, {"b": [6, 7], "b": [8, 9, 0]}], "a": "[", "a": [1]}'
    )
    block = {"type": "tool_use", "id": "t", "name": "n", "input": {"a": [0, 2, 3]}}
    recording = recording_of(
        [
            message_start(),
            {"type": "content_block_start", "index": 0, "content_block": block},
            *(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "input_json_delta", "partial_json": text[at : at + size]},
                }
                for at in range(0, len(text), size)
            ),
            {"type": "content_block_stop", "index": 0},
        ]
    )
    assert states(recording) == folded(recording.body).messages


def test_an_event_changes_as_much_as_it_brings() -> None:
    traced = trace(recording_of(answer(*["word"] * 50)))
    assert [len(event.changes) for event in traced.events[2:52]] == [1] * 50
    assert traced.events[10].changes == (
        Change(("message", "content", 0, "text"), "word", appends=True),
    )


def test_the_fields_of_a_message_may_come_in_any_order() -> None:
    start = message_start(usage={"output_tokens": 1})
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"x": 2}}
    recording = recording_of([start, end])
    assert states(recording) == folded(recording.body).messages
    assert [change.path for change in trace(recording).events[1].changes] == [
        ("message", "stop_reason"),
        ("message", "usage", "x"),
    ]


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal, `true` and 1 apart. NaN equals itself.

    JavaScript writes a float without a fraction as an integer, of the digits that identify it.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) != isinstance(b, float) and isinstance(a, (int, float)):
        a, b = float(a), float(b)
    return isinstance(a, bool) == isinstance(b, bool) and (a == b or (a != a and b != b))
