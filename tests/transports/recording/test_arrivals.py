"""The timing of a recording, and of the stream that replays it: recorded times at any speed."""

from __future__ import annotations

import gzip

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import StreamState, Timing, encode_event_stream, feed
from streamfold.transports import RecordedChunk, RecordedResponse, Recording, replay

from tests.support.events import body
from tests.support.shells import BODY, EVENTS

pytestmark = pytest.mark.anyio

HEAD = RecordedResponse(at=0.25)
CHUNKS = [RecordedChunk(body(event), at=1.0 + n / 4) for n, event in enumerate(EVENTS)]
RECORDING = Recording(CHUNKS, response=HEAD, duration=9.0)


def test_every_time_is_that_of_a_chunk():
    assert RECORDING.timing == Timing(
        headers=0.25,
        first_event=1.0,
        first_content=1.5,
        first_text=1.5,
        last_event=CHUNKS[-1].at,
        duration=9.0,
        longest_gap=0.25,
        gaps=[0] * 8 + [len(EVENTS) - 1] + [0] * 7,
        events=len(EVENTS),
        bytes=len(BODY),
    )


@given(st.lists(st.integers(1, 60), max_size=30), st.lists(st.floats(0, 5), max_size=30))
def test_it_is_the_fold_of_its_chunks(sizes, waits):
    chunks, at = [], 0.5
    for number, chunk in enumerate(Recording.of(BODY).rechunk(sizes).chunks):
        at += waits[number] if number < len(waits) else 0.125
        chunks.append(RecordedChunk(chunk.data, at))
    recording = Recording(chunks, response=HEAD)
    timing, state = Timing().answered(0.25), StreamState()
    for chunk in chunks:
        state, events = feed(state, chunk.data)
        timing = timing.saw(chunk.at, events, bytes=len(chunk.data))
    assert recording.timing == timing.ended(at)


async def test_a_replay_has_the_recorded_times(shell):
    for speed in (0, 1000):
        stream = shell.replay(RECORDING, speed=speed)
        assert stream.timing == Timing(headers=0.25)
        await stream.until_done()
        assert attrs.evolve(stream.timing, duration=9.0) == RECORDING.timing


async def test_the_clock_of_a_stream_is_a_parameter(shell):
    ticks = iter(range(100))
    stream = shell.stream([body(*EVENTS[:3]), body(*EVENTS[3:])], clock=lambda: next(ticks))
    assert stream.timing == Timing()
    await stream.get_final_message()
    assert (stream.timing.first_event, stream.timing.last_event) == (0, 1)
    assert stream.timing.longest_gap == 1
    assert stream.timing.duration == 2


async def test_the_clock_of_a_stream_begins_with_it(shell):
    stream = shell.stream([BODY])
    await stream.get_final_message()
    assert 0 <= stream.timing.first_event <= stream.timing.duration < 10
    assert stream.timing.headers is None


@pytest.mark.parametrize("read", ["until_done", "__anext__"])
async def test_reading_events_or_not_is_timed_alike(shell, read):
    faulty = Recording.of([body(*EVENTS[:3]), body(*EVENTS[3:5]) + b"data: {\n\n"])
    for recording in (RECORDING, faulty, faulty.with_error("overloaded_error", 4)):
        stream = shell.replay(recording)
        try:
            while True:
                await getattr(stream, read)()
                if read == "until_done":
                    break
        except Exception:
            pass
        timing = recording.timing
        assert attrs.evolve(stream.timing, duration=timing.duration) == timing


def test_a_compressed_recording():
    packed = gzip.compress(BODY)
    chunks = [RecordedChunk(packed[:50], 1.0), RecordedChunk(packed[50:], 2.0)]
    head = attrs.evolve(HEAD, headers=(("content-encoding", "gzip"),))
    timing = Recording(chunks, response=head).timing
    assert (timing.events, timing.bytes, timing.last_event) == (len(EVENTS), len(BODY), 2.0)
    broken = Recording([RecordedChunk(b"not gzip", 1.0)], response=head).timing
    assert broken == Timing(headers=0.25).ended(1.0)


def test_a_cut_recording_ends_when_it_was_cut():
    timing = RECORDING.cut(200).timing
    assert (timing.events, timing.duration) == (1, 1.25)
    with replay(RECORDING.cut(200), allow_incomplete=True) as stream:
        assert stream.timing.headers == 0.25


def test_a_recording_of_bedrock():
    chunks = [
        RecordedChunk(encode_event_stream([event]), at=1.0 + n / 4)
        for n, event in enumerate(EVENTS)
    ]
    headers = (("Content-Type", "application/vnd.amazon.eventstream"),)
    head = attrs.evolve(HEAD, headers=headers)
    framed = Recording(chunks, response=head, duration=9.0).timing
    assert attrs.evolve(framed, bytes=len(BODY)) == RECORDING.timing
