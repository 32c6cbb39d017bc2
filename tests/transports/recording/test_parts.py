"""The parts of a recording: immutable values that refuse impossible content."""

from __future__ import annotations

import copy
import math
import pickle
import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.transports import (
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
)
from streamfold.transports.recording.parts import bytes_of, text_of

from tests.support.recordings import requests


@given(requests)
def test_a_request_is_a_value(request):
    assert pickle.loads(pickle.dumps(request)) == request
    assert copy.deepcopy(request) == request
    assert hash(copy.copy(request)) == hash(request)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        request.body = None


VALUES = [
    RecordedChunk(b"a", 1),
    RecordedRequest("POST", "https://example.com", body={"a": [1]}),
    RecordedResponse(529),
    RecordedError("ReadTimeout", "slow"),
    Recording.of(b"data: {}\n\n"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_calling_it_again_changes_no_value(value):
    before = pickle.dumps(value)
    others = attrs.asdict(value, recurse=False)
    name = type(value).__name__
    with pytest.raises(TypeError, match=f"^{name} is immutable$"):
        value.__init__(**others)
    with pytest.raises(TypeError, match=f"^{name} is immutable$"):
        value.__setstate__(dict.fromkeys(others))
    assert pickle.dumps(value) == before
    assert pickle.loads(before) == value == copy.deepcopy(value)


def test_changing_the_arguments_later_changes_no_request():
    body, headers = {"messages": [1]}, {"accept": "*/*"}
    request = RecordedRequest("POST", "https://example.com", headers, body)
    body["messages"].append(2)
    headers.clear()
    assert (request.body, request.headers) == ({"messages": [1]}, (("accept", "*/*"),))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: RecordedChunk(b"", -1), "at must be a finite number of seconds, at least 0, got"),
        (lambda: RecordedChunk(b"", -1), "got -1.0"),
        (lambda: RecordedChunk(b"", math.inf), "at must be a finite number of seconds"),
        (lambda: RecordedResponse(at=math.nan), "at must be a finite number of seconds"),
        (lambda: RecordedRequest("POST", "", body=math.nan), "not JSON compliant"),
    ],
)
def test_times_and_numbers_that_are_refused(make, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        make()


@pytest.mark.parametrize(
    "make", [lambda: RecordedChunk("text"), lambda: RecordedRequest("POST", "", body={1, 2})]
)
def test_types_that_are_refused(make):
    with pytest.raises(TypeError):
        make()


@pytest.mark.parametrize(
    ("content", "body", "kept"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}, b""),
        (b"", None, b""),
        (b"a=b", None, b"a=b"),
        (b"\xff", None, b"\xff"),
        (b"[" * 100_000, None, b"[" * 100_000),
    ],
)
def test_sent_bytes_are_the_body_if_they_are_json_and_the_content_if_not(content, body, kept):
    request = RecordedRequest.sent("POST", "https://example.com", (), content)
    assert (request.body, request.content) == (body, kept)


@given(st.binary())
def test_any_bytes_are_text_and_the_same_bytes_again(data):
    assert bytes_of(text_of(data)) == data
