"""The package: the properties that all strategies share, and the error without Hypothesis."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import (
    BLOCKS,
    FAULTS,
    FORMS,
    UNUSUAL,
    USUAL_WAYS,
    WAYS,
    BrokenStream,
    broken,
    chunked,
    json_documents,
    json_prefixes,
    messages,
    raw_events,
    wire,
)
from streamfold.reducer import ContentBlock

from tests.support.effort import effort
from tests.support.stream_queries import least, spoil


@effort(60)
@given(data=st.data(), strategy=st.sampled_from([raw_events(unknown=True), broken(), messages()]))
def test_drawn_values_share_no_parts(data: st.DataObject, strategy: st.SearchStrategy[Any]) -> None:
    first = data.draw(strategy)
    events = first.events if isinstance(first, BrokenStream) else first
    parts = Counter(id(part) for part in containers(events))
    assert max(parts.values()) == 1
    for event in events.values() if isinstance(events, dict) else events:
        if isinstance(event, (dict, list)):
            spoil(event)


def containers(value: Any) -> list[Any]:
    """Every dict and list in `value`, and `value` itself."""
    if not isinstance(value, (dict, list)):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(each for item in inner for each in containers(item))]


def test_the_names_that_can_be_chosen() -> None:
    assert set(BLOCKS) == {block.type for block in get_args(ContentBlock)}
    assert len(WAYS) == 11
    assert set(USUAL_WAYS) < set(WAYS)
    assert len(UNUSUAL) == 3
    assert len(FAULTS) == 13
    assert len(FORMS) == 9


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: messages(blocks=["txt"]), "blocks must be some of text, tool_use, "),
        (lambda: messages(blocks="text"), "got 'text'"),
        (lambda: messages(unusual=["odd"]), "unusual must be some of empty_blocks, "),  # type: ignore[list-item]
        (lambda: raw_events(ways=["slowly"]), "ways must be some of cut, "),  # type: ignore[list-item]
        (lambda: wire(forms=["lf"]), "forms must be some of crlf, "),  # type: ignore[list-item]
        (lambda: broken(faults=["none"]), "faults must be some of cut, "),  # type: ignore[list-item]
        (lambda: broken(blocks=[]), "faults must be possible in streams of blocks"),
        (
            lambda: broken(faults=["bad_input"], blocks=["text"]),
            "faults must be possible in streams of blocks",
        ),
    ],
)
def test_an_unknown_name_is_refused(call: Callable[[], Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        call()


def test_the_simplest_are_simple() -> None:
    message = least(messages(unknown=True), lambda message: True)
    assert message["content"] == []
    assert [event["type"] for event in least(raw_events(), lambda events: True)] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    assert least(chunked(b"ab"), lambda chunks: True) == [b"ab"]
    assert least(json_documents(), lambda text: True) in ("null", "[]")
    assert least(json_prefixes(), lambda text: True) == ""


def test_without_hypothesis_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "streamfold.adapters.strategies")
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError) as caught:
        importlib.import_module("streamfold.adapters.strategies")
    assert str(caught.value) == (
        "streamfold.adapters.strategies needs hypothesis: pip install 'streamfold[testing]'"
    )
