"""The format of a recording's file: exact bytes, and an error for every other content."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.reducer import StreamfoldError
from streamfold.transports import (
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
    RecordingError,
)

from tests.support.recordings import chunk_data, data_of, recordings


@given(st.lists(st.builds(RecordedChunk, chunk_data, st.just(0.25)), max_size=8))
def test_every_byte_and_every_cut_is_kept(chunks):
    recording = Recording(chunks, response=RecordedResponse(at=0.125), duration=0.5)
    again = Recording.from_bytes(recording.to_bytes())
    assert again == recording
    assert data_of(again) == [chunk.data for chunk in chunks]


def test_the_bytes_of_a_file():
    recording = Recording(
        [RecordedChunk("Grüß\u2028\r\n".encode(), 0.5), RecordedChunk(b"\xf0\x9f", 0.75)],
        request=RecordedRequest(
            "POST", "https://x.example/", {"accept": "*/*"}, {"b": "ü", "a": 1}
        ),
        response=RecordedResponse(200, {"request-id": "req_1"}, 0.25),
        ended="error",
        error=RecordedError("ReadTimeout", "too slow"),
        duration=9.5,
    )
    data = recording.to_bytes()
    assert data.decode() == (
        '{"format": "streamfold-recording", "version": 1, "chunks": 2, "ended": "error", '
        '"error": {"type": "ReadTimeout", "message": "too slow"}, "duration": 9.5, '
        '"request": {"method": "POST", "url": "https://x.example/", '
        '"headers": [["accept", "*/*"]], "body": {"b": "ü", "a": 1}}, '
        '"response": {"status": 200, "headers": [["request-id", "req_1"]], "at": 0.25}}\n'
        '{"at": 0.5, "text": "Grüß\u2028\\r\\n"}\n'
        '{"at": 0.75, "base64": "8J8="}\n'
    )
    assert Recording.from_bytes(data) == recording
    assert Recording.from_bytes(data.replace(b"\n", b"\r\n")[:-2]) == recording  # git may do that


def test_half_a_surrogate_pair_is_written_as_an_escape():
    recording = Recording((), request=RecordedRequest("POST", "", body=["\ud83d", "😀"]))
    assert b'"body": ["\\ud83d", "\xf0\x9f\x98\x80"]' in recording.to_bytes()
    assert Recording.from_bytes(recording.to_bytes()) == recording


@pytest.mark.parametrize(
    ("content", "field"), [(b"a=b", '"text": "a=b"'), (b"\xff\x00", '"base64": "/wA="')]
)
def test_a_request_body_other_than_json_is_text_or_base64(content, field):
    recording = Recording((), request=RecordedRequest("POST", "", content=content))
    assert field in recording.to_bytes().decode()
    assert Recording.from_bytes(recording.to_bytes()) == recording


GOOD = Recording(
    [RecordedChunk(b"a", 1), RecordedChunk(b"\xff", 2)],
    request=RecordedRequest("POST", "https://example.com", {"a": "b"}),
).to_bytes()


def with_head(**fields):
    """The file with other fields in its head; a field that is `...` is left out."""
    head, _, chunks = GOOD.partition(b"\n")
    changed = {**json.loads(head), **fields}
    left = {name: value for name, value in changed.items() if value is not ...}
    return json.dumps(left).encode() + b"\n" + chunks


def with_chunk(line):
    """The file with another second chunk."""
    return b"\n".join([GOOD.split(b"\n")[0], GOOD.split(b"\n")[1], line, b""])


REQUEST = {"method": "POST", "url": "", "headers": [], "body": None}
RESPONSE = {"status": 200, "headers": [], "at": 0}
NO_OBJECT = "expected a JSON object, got other text, or one that was cut off: "
NO_PAIR = "must be a name and a value, two strings"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", f"line 1: {NO_OBJECT}"),
        (b"\n", f"line 1: {NO_OBJECT}"),
        (b"event: ping\ndata: {}\n\n", f"line 1: {NO_OBJECT}"),
        (b"\xff", "line 1: expected UTF-8, got invalid start byte at byte 0"),
        (b"[1]", "line 1: expected a JSON object, got an array"),
        (b"[" * 100_000, "line 1: "),
        (with_head(format=...), "line 1: `format` is missing"),
        (with_head(format="har"), "line 1: `format` must be 'streamfold-recording': this file"),
        (with_head(version=2), "line 1: `version` must be 1, got 2: a newer streamfold wrote"),
        (with_head(version=True), "line 1: `version` must be an integer, not a boolean"),
        (with_head(version="1"), "line 1: `version` must be an integer, not a string"),
        (with_head(chunks=3), "line 1: `chunks` announces 3 lines, but 2 follow: the file was cut"),
        (with_head(chunks=1), "line 1: `chunks` announces 1 lines, but 2 follow"),
        (with_head(ended="over"), "line 1: ended must be 'complete', 'cut' or 'error', got 'over'"),
        (with_head(ended=...), "line 1: `ended` is missing"),
        (with_head(duration=1), "line 1: times must not decrease: the end came at 1.0 s"),
        (with_head(duration=10**400), "line 1: int too large"),
        (with_head(error={"type": "ReadError"}), "line 1: `error.message` is missing"),
        (with_head(error="ReadError"), "line 1: `error` must be an object, not a string"),
        (with_head(error={"type": "ReadError", "message": ""}), "line 1: a recording has an error"),
        (with_head(request=[]), "line 1: `request` must be an object, not an array"),
        (with_head(request={**REQUEST, "headers": [["a"]]}),
         f"line 1: `request.headers[0]` {NO_PAIR}"),
        (with_head(request={**REQUEST, "headers": ["ab"]}),
         f"line 1: `request.headers[0]` {NO_PAIR}"),
        (with_head(request={**REQUEST, "boody": 1}), "line 1: `request.boody` is not a field of"),
        (with_head(request={**REQUEST, "body": [[]] * 3 + [1e999]}), "line 1: Out of range float"),
        (with_head(response={**RESPONSE, "status": "200"}),
         "line 1: `response.status` must be an integer, not a string"),
        (with_head(response={**RESPONSE, "at": -1}), "line 1: at must be a finite number of"),
        (with_head(response=...), "line 1: `response` is missing"),
        (with_head(colour="red"), "line 1: `colour` is not a field of version 1 of the format"),
        (with_chunk(b'{"at": 2, "text": "b'), f"line 3: {NO_OBJECT}"),
        (with_chunk(b'{"text": "b"}'), "line 3: `at` is missing"),
        (with_chunk(b'{"at": "2", "text": "b"}'), "line 3: `at` must be a number, not a string"),
        (with_chunk(b'{"at": 0.5, "text": "b"}'),
         "line 3: `at` must not be earlier than in the line before, 1.0 s"),
        (with_chunk(b'{"at": NaN, "text": "b"}'), "line 3: at must be a finite number of seconds"),
        (with_chunk(b'{"at": 2}'), "line 3: `text` is missing"),
        (with_chunk(b'{"at": 2, "text": "\\ud800"}'), "line 3: 'utf-8' codec can't encode"),
        (with_chunk(b'{"at": 2, "base64": "Y!Q="}'), "line 3: `base64` must be base64: "),
        (with_chunk(b'{"at": 2, "base64": "YQ==", "text": "a"}'), "line 3: `text` is not a field"),
        (with_chunk(b""), f"line 3: {NO_OBJECT}"),
    ],
)  # fmt: skip
def test_a_file_with_other_content_is_refused(data, reason, tmp_path):
    path = tmp_path / "turn.jsonl"
    path.write_bytes(data)
    with pytest.raises(RecordingError) as caught:
        Recording.load(path)
    assert str(caught.value).startswith(f"{path}, {reason}")
    assert isinstance(caught.value, (ValueError, StreamfoldError))
    with pytest.raises(RecordingError, match="recording, line "):
        Recording.from_bytes(data)


@given(recordings(), st.data())
def test_a_file_that_was_cut_off_is_refused(recording, data):
    whole = recording.to_bytes()
    length = data.draw(st.integers(0, len(whole) - 2))  # the last line end may be missing
    with pytest.raises(RecordingError):
        Recording.from_bytes(whole[:length])


@given(st.binary(max_size=60))
@example(b"{}")
def test_random_bytes_are_refused(data):
    with pytest.raises(RecordingError):
        Recording.from_bytes(data)
