"""`Recording`: a value, and the recordings that its methods make of it."""

from __future__ import annotations

import copy
import inspect
import itertools
import pickle
import re
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import SSEState, decode_sse, fold, parse_event
from streamfold.transports import RecordedChunk, RecordedError, RecordedResponse, Recording

from tests.support.events import body, error_event
from tests.support.recordings import chunk_sizes, data_of, recordings, times_of
from tests.support.shells import BODY, EVENTS

RECORDINGS = Path(__file__).parents[2] / "recordings"


@given(recordings())
def test_a_recording_is_a_value(recording):
    assert pickle.loads(pickle.dumps(recording)) == recording
    assert copy.deepcopy(recording) == recording
    assert hash(copy.copy(recording)) == hash(recording)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        recording.chunks = ()


def test_a_recording_of_a_body_and_of_its_chunks():
    assert data_of(Recording.of(b"ab")) == [b"ab"]
    assert Recording.of(b"") == Recording.of([]) == Recording.of([b"", b""]) == Recording(())
    recording = Recording.of(iter([b"a", RecordedChunk(b"b", 2), RecordedChunk(b"c", 2.5)]))
    assert (data_of(recording), times_of(recording)) == ([b"a", b"b", b"c"], [0.0, 2.0, 2.5])
    assert (recording.body, recording.duration, recording.ended) == (b"abc", 2.5, "complete")
    assert (recording.request, recording.response) == (None, RecordedResponse())
    assert dict(recording.response.headers) == {"content-type": "text/event-stream"}


def test_the_repr_shows_the_size_of_the_body_and_not_its_bytes():
    assert "chunks=<2 of 5 bytes>" in repr(Recording.of([b"abc", b"de"]))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Recording((), duration=-1), "duration must be a finite number of seconds"),
        (lambda: Recording((), ended="over"), "'complete', 'cut' or 'error', got 'over'"),
        (lambda: Recording((), ended="error"), "got ended='error' and error=None"),
        (lambda: Recording((), error=RecordedError("ReadError")), "an error if ended is 'error'"),
        (lambda: Recording.of([RecordedChunk(b"a", 2), b"b"]),
         "times must not decrease: chunk 2 came at 0.0 s, after chunk 1 at 2.0 s"),
        (lambda: Recording((RecordedChunk(b"a", 2),), duration=1),
         "times must not decrease: the end came at 1.0 s, after chunk 1 at 2.0 s"),
        (lambda: Recording((RecordedChunk(b"a", 1),), response=RecordedResponse(at=2), duration=3),
         "times must not decrease: chunk 1 came at 1.0 s, after the response at 2.0 s"),
        (lambda: Recording.of([RecordedChunk(b"a", 2)]).slow(-1), "at must be a finite number"),
        (lambda: Recording.of([RecordedChunk(b"a", 2)]).slow(1e308), "at must be a finite number"),
        (lambda: Recording.of([b"a"]).rechunk(0), "a chunk size must be at least 1 byte, got 0"),
        (lambda: Recording.of([b"ab"]).rechunk([1, -1]), "at least 1 byte, got -1"),
        (lambda: Recording.of([b"a"]).cut(-1), "at_byte must be at least 0, got -1"),
        (lambda: Recording.of(BODY).with_error("api_error", -1),
         f"after_event must be from 0 to {len(EVENTS)}, the number of events in the body, got -1"),
        (lambda: Recording.of(BODY).with_error("api_error", 99), "the body, got 99"),
        (lambda: Recording.of(BODY).with_error("api_error", len(EVENTS) + 1),
         f"got {len(EVENTS) + 1}"),
    ],
)  # fmt: skip
def test_values_that_are_refused(make, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        make()


# --- changed recordings ---------------------------------------------------------------------------


@given(recordings(), chunk_sizes)
def test_rechunking_keeps_the_bytes_and_the_arrival_of_each(recording, sizes):
    again = recording.rechunk(sizes)
    assert again.body == recording.body
    assert attrs.evolve(again, chunks=recording.chunks) == recording
    wanted = itertools.repeat(sizes) if isinstance(sizes, int) else sizes
    for chunk, size in zip(again.chunks[:-1], wanted):  # noqa: B905
        assert len(chunk.data) == size
    ends = itertools.accumulate(map(len, data_of(again)))
    for chunk, end in zip(again.chunks, ends, strict=True):
        assert chunk.at == recording.cut(end).duration  # the time of its last byte


def test_rechunking_by_one_size_and_by_several():
    recording = Recording.of([RecordedChunk(b"abc", 1), RecordedChunk(b"defg", 2)])
    assert recording.rechunk(2).chunks == (
        RecordedChunk(b"ab", 1),
        RecordedChunk(b"cd", 2),
        RecordedChunk(b"ef", 2),
        RecordedChunk(b"g", 2),
    )
    assert data_of(recording.rechunk([1, 2])) == [b"a", b"bc", b"defg"]
    assert data_of(recording.rechunk(itertools.cycle([3, 1]))) == [b"abc", b"d", b"efg"]
    assert data_of(recording.rechunk([])) == [b"abcdefg"]


@given(recordings(), st.integers(0, 400))
def test_a_cut_recording_has_the_bytes_before_the_cut(recording, at_byte):
    cut = recording.cut(at_byte)
    assert cut.body == recording.body[:at_byte]
    assert (cut.ended, cut.error, cut.request) == ("cut", None, recording.request)
    assert cut.duration == (times_of(cut) or [recording.response.at])[-1]
    whole = data_of(cut)[:-1]
    assert whole == data_of(recording)[: len(whole)]
    assert all(data_of(cut))


@given(recordings(), st.floats(0, 100))
def test_a_slow_recording_has_all_times_multiplied(recording, factor):
    slow = recording.slow(factor)
    assert data_of(slow) == data_of(recording)
    assert times_of(slow) == [at * factor for at in times_of(recording)]
    assert (slow.duration, slow.response.at) == (
        recording.duration * factor,
        recording.response.at * factor,
    )
    assert recording.slow(1) == recording


@given(recordings(), recordings(), recordings())
def test_a_sum_of_recordings_is_one_after_the_other(one, two, three):
    both = one + two
    assert both.body == one.body + two.body
    assert (both.request, both.response) == (one.request, one.response)
    assert (both.ended, both.error) == (two.ended, two.error)
    assert times_of(both)[len(one.chunks) :] == [one.duration + at for at in times_of(two)]
    assert data_of(both + three) == data_of(one + (two + three))


BODIES = {
    "LF": BODY,
    "CRLF": BODY.replace(b"\n", b"\r\n"),
    "CR": BODY.replace(b"\n", b"\r"),
    "BOM and comment": b"\xef\xbb\xbf: hello\n\n" + BODY,
    "unfinished": BODY + b"event: ping\ndata: {}\n",
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("after", range(len(EVENTS) + 1))
def test_an_error_comes_after_the_given_number_of_events(name, after):
    recording = Recording.of(BODIES[name]).rechunk(11).with_error("overloaded_error", after)
    _, events = decode_sse(SSEState(), recording.body)
    raw = [parse_event(event) for event in events]
    assert [event.to_dict() for event in raw[:-1]] == EVENTS[:after]
    error = {"type": "overloaded_error", "message": "overloaded_error"}
    assert raw[-1].to_dict() == {"type": "error", "error": error}
    assert recording.ended == "complete"
    assert fold(raw).error is not None or after == len(EVENTS)


def test_an_error_has_the_given_message_and_the_time_of_the_event_before_it():
    recording = Recording.of([RecordedChunk(BODY, 3)])
    failed = recording.with_error("api_error", 0, "no such luck")
    assert failed.body == body(error_event("api_error", "no such luck"))
    assert failed.duration == 0.0
    assert recording.with_error("api_error", 1).duration == 3.0


def test_an_error_in_a_compressed_body_is_refused():
    response = RecordedResponse(headers={"Content-Encoding": "gzip"})
    with pytest.raises(ValueError, match=r"compressed \(gzip\)"):
        Recording((), response=response).with_error("api_error", 0)


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.sse")), ids=lambda path: path.stem)
def test_a_raw_body_is_loaded_as_one_chunk_and_saved_as_a_recording(path, tmp_path):
    recording = Recording.load(path)
    assert recording == Recording.of(path.read_bytes())
    pieces = recording.rechunk(itertools.cycle([1, 7, 300]))
    pieces.save(tmp_path / "pieces.jsonl")
    assert Recording.load(str(tmp_path / "pieces.jsonl")) == pieces


@given(recordings())
def test_a_recording_written_and_read_is_the_same_without_secrets(recording):
    data = recording.to_bytes()
    assert Recording.from_bytes(data) == recording.redacted()
    assert Recording.from_bytes(data).to_bytes() == data


def test_saving_refuses_a_name_without_the_suffix_and_a_path_that_is_taken(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        Recording.of(b"").save(tmp_path / "file" / "turn.jsonl")
    with pytest.raises(FileNotFoundError):
        Recording.load(tmp_path / "nowhere.jsonl")
    for name in ("turn.sse", "turn", ".jsonl"):
        with pytest.raises(ValueError, match=r"must match \*\.jsonl, got "):
            Recording.of(b"").save(tmp_path / name)
    with pytest.raises(TypeError, match="got one string: 'user_token'"):
        Recording.of(b"").to_bytes(secrets="user_token")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_only_the_chunks_are_positional() -> None:
    chunks, *others = inspect.signature(Recording).parameters.values()
    assert chunks.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert {parameter.kind for parameter in others} == {inspect.Parameter.KEYWORD_ONLY}
