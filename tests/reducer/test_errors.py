"""The errors: their attributes, copies and base classes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from streamfold.reducer import (
    IncompleteStreamError,
    InvalidToolInputError,
    ProtocolError,
    RawPingEvent,
    StreamfoldError,
    encode_sse,
    feed,
    finish,
    fold,
)

from tests.support.events import block_delta, block_stop, message_start, tool_start
from tests.support.model import START, WHOLE, reduced


def errors() -> list[StreamfoldError]:
    """One error of each kind, with all its attributes."""
    made: list[StreamfoldError] = []
    bodies_of_errors = [
        encode_sse([*WHOLE[:3], block_stop(5)]),
        encode_sse(
            [
                message_start(),
                tool_start(0),
                block_delta(0, "input_json_delta", partial_json="{]"),
                block_stop(0),
            ]
        ),
        b"data: nonsense\n\n",
        b"data: [1]\n\n",
        encode_sse(WHOLE[:3]) + b"data: {\n\n",
    ]
    for body in bodies_of_errors:
        with pytest.raises(ProtocolError) as caught:
            feed(START, body)
        made.append(caught.value)
    with pytest.raises(IncompleteStreamError) as incomplete:
        finish(feed(START, encode_sse(WHOLE[:3]))[0])
    return [*made, incomplete.value, StreamfoldError("plain"), ProtocolError("bare")]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, "pickle"])
@pytest.mark.parametrize("number", range(8))
def test_errors_copy_with_all_their_attributes(copied: Any, number: int) -> None:
    error = errors()[number]
    other = pickle.loads(pickle.dumps(error)) if copied == "pickle" else copied(error)
    assert type(other) is type(error)
    assert other.args == error.args
    assert vars(other) == vars(error)
    assert str(other) == str(error)
    assert repr(other) == repr(error)


def test_the_attributes_of_errors() -> None:
    protocol, tool, no_json, no_object, late, incomplete, plain, bare = errors()
    assert isinstance(protocol, ProtocolError)
    assert vars(protocol).keys() >= {"reason", "event", "index", "data", "snapshot", "events"}
    assert isinstance(tool, InvalidToolInputError)
    assert tool.input_json == "{]"
    assert no_json.data == "nonsense"
    assert no_object.data == "[1]"
    assert late.events == reduced(WHOLE[:3]).events
    assert incomplete.snapshot == fold(WHOLE[:3])
    assert (plain.message, plain.snapshot) == ("plain", None)
    assert (bare.reason, bare.event, bare.index, bare.data) == ("bare", None, None, None)
    assert (bare.snapshot, bare.events, bare.message) == (None, (), "bare")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, "why"),
        ({"event": "ping"}, "ping: why"),
        ({"event": "ping", "index": 0}, "ping (index 0): why"),
        ({"event": "ping", "index": 3}, "ping (index 3): why"),
        ({"index": 3}, " (index 3): why"),
    ],
)
def test_a_protocol_error_names_event_index_and_reason(where: Any, expected: str) -> None:
    error = ProtocolError("why", **where)
    assert str(error) == expected
    assert error.reason == "why"


def test_the_errors_are_one_family() -> None:
    assert InvalidToolInputError.__mro__[1:4] == (ProtocolError, StreamfoldError, ValueError)
    assert issubclass(IncompleteStreamError, StreamfoldError)
    assert not issubclass(IncompleteStreamError, ValueError)
    assert not issubclass(ProtocolError, ValueError)
    with pytest.raises(TypeError):
        ProtocolError("why", "ping")  # the attributes are passed by name only
    assert feed(START, encode_sse([RawPingEvent()]))[1] == ()
