"""The store of recordings: the files it loads, and the recording it plays for a request."""

from __future__ import annotations

import threading
from collections import Counter

import attrs
import pytest
from streamfold.transports import (
    RecordedRequest,
    Recording,
    RecordingError,
    UnmatchedRequestError,
)
from streamfold.transports.recording import RecordingStore

from tests.support.recordings import REQUEST, recorded

OTHER = attrs.evolve(REQUEST, url="https://other.example")


@pytest.fixture
def folder(tmp_path):
    """A folder with recordings and a raw body."""
    for name, body in (("a-2", b"two"), ("a", b"one"), ("b/c", b"four"), ("a-10", b"three")):
        recorded(body).save(tmp_path / f"{name}.jsonl")
    (tmp_path / "raw.sse").write_bytes(b"raw")
    return tmp_path


def bodies(store):
    return [stored.recording.body for stored in store.recordings]


# --- loading --------------------------------------------------------------------------------------


def test_folders_files_and_values_are_loaded_in_order(folder):
    sources = [folder, folder / "raw.sse", str(folder / "a.jsonl"), [recorded(b"last")]]
    store = RecordingStore(sources)
    assert bodies(store) == [b"one", b"two", b"three", b"four", b"raw", b"raw", b"one", b"last"]
    assert store.unused == (
        *(folder / name for name in ("a.jsonl", "a-2.jsonl", "a-10.jsonl", "b/c.jsonl")),
        *(folder / "raw.sse",) * 2,
        folder / "a.jsonl",
        recorded(b"last"),
    )


def test_names_are_paths_or_relative_to_a_folder_or_numbers(folder):
    whole = RecordingStore([folder / "b", recorded(b"")])
    assert [stored.name for stored in whole.recordings] == [f"{folder}/b/c.jsonl", "recording 2"]
    relative = RecordingStore(folder, folder=folder)
    names = ["a.jsonl", "a-2.jsonl", "a-10.jsonl", "b/c.jsonl", "raw.sse"]
    assert [stored.name for stored in relative.recordings] == names


def test_one_recording_is_a_source():
    assert bodies(RecordingStore(recorded(b"one"))) == [b"one"]
    assert bodies(RecordingStore([])) == []


def test_sources_that_cannot_be_loaded(tmp_path):
    with pytest.raises(FileNotFoundError):
        RecordingStore(tmp_path / "nowhere.jsonl")
    (tmp_path / "bad.jsonl").write_text("{}")
    with pytest.raises(RecordingError, match=r"bad\.jsonl, line 1"):
        RecordingStore(tmp_path)
    with pytest.raises(TypeError, match="got one string: 'token'"):
        RecordingStore([], secrets="token")


def test_requests_have_no_secrets():
    sent = attrs.evolve(REQUEST, headers={"x-api-key": "sk-ant-1"}, url="https://e.com/?token=1")
    (stored,) = RecordingStore(recorded(b"", request=sent), secrets=["token"]).recordings
    assert stored.request.headers == (("x-api-key", "[secret]"),)
    assert stored.request.url == "https://e.com/?token=[secret]"
    assert stored.recording.request == sent


# --- playing --------------------------------------------------------------------------------------


def test_recordings_of_the_same_request_in_order_and_then_the_last_one_again():
    store = RecordingStore([recorded(b"one"), recorded(b"two"), recorded(b"three")])
    played = [store.play_for(REQUEST).recording.body for _ in range(5)]
    assert played == [b"one", b"two", b"three", b"three", b"three"]
    assert [stored.plays for stored in store.recordings] == [1, 1, 3]
    assert store.unused == ()


def test_a_recording_without_a_request_answers_what_no_other_does():
    store = RecordingStore([Recording.of(b"any"), recorded(b"this")])
    assert store.play_for(REQUEST).recording.body == b"this"
    assert store.play_for(REQUEST).recording.body == b"this"
    assert store.play_for(OTHER).recording.body == b"any"


def test_recordings_without_a_request_can_start_over_after_the_last():
    known = recorded(b"this")
    store = RecordingStore([known, Recording.of(b"one"), Recording.of(b"two")])
    starts = [True, False, False, True, True, True, False]
    played = [store.play_for(OTHER, starts_over=start).recording.body for start in starts]
    assert played == [b"one", b"two", b"two", b"one", b"two", b"one", b"two"]
    assert store.play_for(OTHER).recording.body == b"two"  # by default it is played again
    assert [store.play_for(REQUEST, starts_over=True).recording for _ in range(2)] == [known] * 2
    assert store.unused == ()


def test_the_secrets_of_requests_are_not_compared():
    recording = recorded(b"this", request=attrs.evolve(REQUEST, body={"user_id": "one"}))
    store = RecordingStore(recording, secrets=["user_id"])
    asked = attrs.evolve(REQUEST, body={"user_id": "two"})
    assert store.play_for(asked).recording is recording
    with pytest.raises(UnmatchedRequestError):
        RecordingStore(recording).play_for(asked)


def test_a_common_target_is_compared_in_place_of_the_recorded_one():
    store = RecordingStore([recorded(b"this", request=OTHER)], target=("POST", "/v1/messages"))
    asked = RecordedRequest("POST", "/anywhere", body=OTHER.body)
    assert store.play_for(asked).recording.body == b"this"
    with pytest.raises(UnmatchedRequestError, match="no recording fits POST /v1/messages; the"):
        store.play_for(attrs.evolve(asked, body={}))


def test_the_choice_can_be_limited_to_some_recordings(folder):
    store = RecordingStore(folder, folder=folder)
    below = [stored for stored in store.recordings if stored.name.startswith("b/")]
    assert store.play_for(REQUEST, below).name == "b/c.jsonl"
    assert store.play_one_of(store.recordings).name == "a.jsonl"
    with pytest.raises(UnmatchedRequestError, match=r"the nearest of 1 is b/c\.jsonl"):
        store.play_for(OTHER, below)


def test_in_order_whatever_the_request():
    store = RecordingStore([recorded(b"one"), Recording.of(b"two")])
    assert store.play_next().recording.body == b"one"
    assert store.unused == (Recording.of(b"two"),)
    assert store.play_next().recording.body == b"two"
    with pytest.raises(
        UnmatchedRequestError, match=r"more requests than recordings \(2\).*max_retries=0"
    ):
        store.play_next()


@pytest.mark.parametrize("play", [RecordingStore.play_next, lambda s: s.play_for(REQUEST)])
def test_several_threads_get_each_recording_once(play):
    store = RecordingStore([recorded(b"%d" % number) for number in range(40)])
    played = Counter()

    def ask():
        played.update(play(store).recording.body for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert played == Counter(b"%d" % number for number in range(40))
