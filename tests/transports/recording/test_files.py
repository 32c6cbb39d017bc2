"""Recordings as values and as files: nothing is lost on the way, and no secret comes along."""

from __future__ import annotations

import base64
import copy
import itertools
import json
import math
import os
import pickle
import re
from pathlib import Path

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.reducer import SSEState, StreamfoldError, decode_sse, fold, parse_event
from streamfold.transports import (
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
    RecordingError,
    recording_files,
)

from tests.support.shells import BODY, EVENTS, body, error_event

RECORDINGS = Path(__file__).parents[2] / "recordings"

# --- any recording ------------------------------------------------------------------------------

seconds = st.floats(min_value=0, max_value=1e9)
texts = st.text(st.characters(exclude_categories=()), max_size=20)  # half surrogate pairs, too
datas = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.text(min_size=1, max_size=20).map(str.encode),
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc3", b"\xa9", b"\0"]
    ),
)
headers = st.lists(st.tuples(texts, texts), max_size=4)
jsons = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
urls = st.sampled_from(["https://example.com/v1/messages", "http://127.0.0.1:8/ü?a=b&c#d", ""])
requests = st.one_of(
    st.builds(RecordedRequest, st.just("POST"), urls, headers, body=jsons),
    st.builds(RecordedRequest, st.just("PUT"), urls, headers, content=st.binary(max_size=40)),
)


@st.composite
def recordings(draw):
    """A recording, whose times are in order."""
    pieces = draw(st.lists(datas, max_size=8))
    at, *times, end = sorted(draw(seconds) for _ in range(len(pieces) + 2))
    ended = draw(st.sampled_from(["complete", "cut", "error"]))
    return Recording(
        [RecordedChunk(piece, time) for piece, time in zip(pieces, times, strict=True)],
        request=draw(st.none() | requests),
        response=RecordedResponse(draw(st.integers(100, 599)), draw(headers), at),
        ended=ended,
        error=draw(st.builds(RecordedError, texts, texts)) if ended == "error" else None,
        duration=end,
    )


def datas_of(recording):
    return [chunk.data for chunk in recording.chunks]


def times_of(recording):
    return [chunk.at for chunk in recording.chunks]


# --- the value ----------------------------------------------------------------------------------


@given(recordings())
def test_it_is_a_value(recording):
    assert pickle.loads(pickle.dumps(recording)) == recording
    assert copy.deepcopy(recording) == recording
    assert hash(copy.copy(recording)) == hash(recording)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        recording.chunks = ()


def test_what_it_was_made_of_may_change():
    asked, sent = {"messages": [1]}, {"accept": "*/*"}
    request = RecordedRequest("POST", "https://example.com", sent, asked)
    asked["messages"].append(2)
    sent.clear()
    assert (request.body, request.headers) == ({"messages": [1]}, (("accept", "*/*"),))


def test_of():
    assert datas_of(Recording.of(b"ab")) == [b"ab"]
    assert Recording.of(b"") == Recording.of([]) == Recording.of([b"", b""]) == Recording(())
    recording = Recording.of(iter([b"a", RecordedChunk(b"b", 2), RecordedChunk(b"c", 2.5)]))
    assert (datas_of(recording), times_of(recording)) == ([b"a", b"b", b"c"], [0.0, 2.0, 2.5])
    assert (recording.body, recording.duration, recording.ended) == (b"abc", 2.5, "complete")
    assert (recording.request, recording.response) == (None, RecordedResponse())
    assert dict(recording.response.headers) == {"content-type": "text/event-stream"}


def test_it_shows_how_much_it_is_and_not_all_of_it():
    assert "chunks=<2 of 5 bytes>" in repr(Recording.of([b"abc", b"de"]))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: RecordedChunk(b"", -1), "at must be seconds, 0 or more: -1.0"),
        (lambda: RecordedChunk(b"", math.inf), "at must be seconds"),
        (lambda: RecordedResponse(at=math.nan), "at must be seconds"),
        (lambda: Recording((), duration=-1), "duration must be seconds"),
        (lambda: Recording((), ended="over"), "ended is 'complete', 'cut' or 'error', not 'over'"),
        (lambda: Recording((), ended="error"), "an error when it ended with one"),
        (lambda: Recording((), error=RecordedError("ReadError")), "and only then"),
        (lambda: Recording.of([RecordedChunk(b"a", 2), b"b"]), "0.0 s after 2.0 s"),
        (lambda: Recording.of([RecordedChunk(b"a", 2)]).slow(-1), "at must be seconds"),
        (lambda: Recording.of([RecordedChunk(b"a", 2)]).slow(1e308), "at must be seconds"),
        (lambda: Recording((RecordedChunk(b"a", 2),), duration=1), "1.0 s after 2.0 s"),
        (lambda: Recording.of([b"a"], ).rechunk(0), "at least one byte: 0"),
        (lambda: Recording.of([b"ab"]).rechunk([1, -1]), "at least one byte: -1"),
        (lambda: Recording.of([b"a"]).cut(-1), "no byte -1"),
        (lambda: Recording.of(BODY).with_error("api_error", -1), "there is no event -1"),
        (lambda: Recording.of(BODY).with_error("api_error", 99), f"99: the body has {len(EVENTS)}"),
        (lambda: RecordedRequest("POST", "", body=math.nan), "not JSON compliant"),
    ],
)  # fmt: skip
def test_what_cannot_be(make, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: RecordedChunk("text"),
        lambda: RecordedRequest("POST", "", body={1, 2}),
        lambda: Recording.of(b"").to_bytes(secrets="user_token"),
    ],
)
def test_what_is_no_value_of_this_kind(make):
    with pytest.raises(TypeError):
        make()


# --- the file -----------------------------------------------------------------------------------


@given(recordings())
def test_it_is_the_same_when_it_was_written_and_read(recording):
    data = recording.to_bytes()
    assert Recording.from_bytes(data) == recording.redacted()
    assert Recording.from_bytes(data).to_bytes() == data


@given(st.lists(st.builds(RecordedChunk, datas, st.just(0.25)), max_size=8))
def test_every_byte_and_every_cut_is_kept(chunks):
    recording = Recording(chunks, response=RecordedResponse(at=0.125), duration=0.5)
    again = Recording.from_bytes(recording.to_bytes())
    assert again == recording
    assert datas_of(again) == [chunk.data for chunk in chunks]


def test_how_it_is_written():
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


def test_a_body_that_is_no_json():
    for content, told in ((b"a=b", '"text": "a=b"'), (b"\xff\x00", '"base64": "/wA="')):
        recording = Recording((), request=RecordedRequest("POST", "", content=content))
        assert told in recording.to_bytes().decode()
        assert Recording.from_bytes(recording.to_bytes()) == recording


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.sse")), ids=lambda path: path.stem)
def test_a_raw_body(path, tmp_path):
    recording = Recording.load(path)
    assert recording == Recording.of(path.read_bytes())
    pieces = recording.rechunk(itertools.cycle([1, 7, 300]))
    pieces.save(tmp_path / "pieces.jsonl")
    assert Recording.load(str(tmp_path / "pieces.jsonl")) == pieces


GOOD = Recording(
    [RecordedChunk(b"a", 1), RecordedChunk(b"\xff", 2)],
    request=RecordedRequest("POST", "https://example.com", {"a": "b"}),
).to_bytes()


def changed(**fields):
    """A file whose head says something else; a field that is `...` is left out."""
    head, _, chunks = GOOD.partition(b"\n")
    told = {**json.loads(head), **fields}
    return json.dumps({k: v for k, v in told.items() if v is not ...}).encode() + b"\n" + chunks


def with_chunk(line):
    return b"\n".join([GOOD.split(b"\n")[0], GOOD.split(b"\n")[1], line, b""])


REQUEST = {"method": "POST", "url": "", "headers": [], "body": None}
RESPONSE = {"status": 200, "headers": [], "at": 0}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "line 1: not JSON, or cut off"),
        (b"\n", "line 1: not JSON, or cut off"),
        (b"event: ping\ndata: {}\n\n", "line 1: not JSON, or cut off"),
        (b"\xff", "line 1: not UTF-8: invalid start byte at byte 0"),
        (b"[1]", "line 1: expected a JSON object, got an array"),
        (b"[" * 100_000, "line 1: "),
        (changed(format=...), "line 1: `format` is missing"),
        (changed(format="har"), "line 1: `format` is not 'streamfold-recording'"),
        (changed(version=2), "line 1: `version` is 2, and this streamfold reads 1: a newer one"),
        (changed(version=True), "line 1: `version` is a boolean, not an integer"),
        (changed(version="1"), "line 1: `version` is a string, not an integer"),
        (changed(chunks=3), "line 1: `chunks` is 3, but 2 follow: the file was cut off"),
        (changed(chunks=1), "line 1: `chunks` is 1, but 2 follow"),
        (changed(ended="over"), "line 1: ended is 'complete', 'cut' or 'error', not 'over'"),
        (changed(ended=...), "line 1: `ended` is missing"),
        (changed(duration=1), "line 1: what came later cannot have come earlier"),
        (changed(duration=10**400), "line 1: int too large"),
        (changed(error={"type": "ReadError"}), "line 1: `error.message` is missing"),
        (changed(error="ReadError"), "line 1: `error` is a string, not an object"),
        (changed(error={"type": "ReadError", "message": ""}), "line 1: a recording has an error"),
        (changed(request=[]), "line 1: `request` is an array, not an object"),
        (changed(request={**REQUEST, "headers": [["a"]]}), "line 1: `request.headers[0]` is not a"),
        (changed(request={**REQUEST, "headers": ["ab"]}), "line 1: `request.headers[0]` is not a"),
        (changed(request={**REQUEST, "boody": 1}), "line 1: `request.boody` is unknown"),
        (changed(request={**REQUEST, "body": [[]] * 3 + [1e999]}), "line 1: Out of range float"),
        (changed(response={**RESPONSE, "status": "200"}), "line 1: `response.status` is a string"),
        (changed(response={**RESPONSE, "at": -1}), "line 1: at must be seconds, 0 or more"),
        (changed(response=...), "line 1: `response` is missing"),
        (changed(colour="red"), "line 1: `colour` is unknown"),
        (with_chunk(b'{"at": 2, "text": "b'), "line 3: not JSON, or cut off"),
        (with_chunk(b'{"text": "b"}'), "line 3: `at` is missing"),
        (with_chunk(b'{"at": "2", "text": "b"}'), "line 3: `at` is a string, not a number"),
        (with_chunk(b'{"at": 0.5, "text": "b"}'), "line 3: `at` is earlier than in the line"),
        (with_chunk(b'{"at": NaN, "text": "b"}'), "line 3: at must be seconds"),
        (with_chunk(b'{"at": 2}'), "line 3: `text` is missing"),
        (with_chunk(b'{"at": 2, "text": "\\ud800"}'), "line 3: 'utf-8' codec can't encode"),
        (with_chunk(b'{"at": 2, "base64": "Y!Q="}'), "line 3: `base64` is not base64"),
        (with_chunk(b'{"at": 2, "base64": "YQ==", "text": "a"}'), "line 3: `text` is unknown"),
        (with_chunk(b""), "line 3: not JSON, or cut off"),
    ],
)  # fmt: skip
def test_what_is_no_recording(data, reason, tmp_path):
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
    length = data.draw(st.integers(0, len(whole) - 2))  # without the last line end it is whole
    with pytest.raises(RecordingError):
        Recording.from_bytes(whole[:length])


@given(st.binary(max_size=60))
@example(b"{}")
def test_garbage_is_refused(data):
    with pytest.raises(RecordingError):
        Recording.from_bytes(data)


def test_saving_makes_folders_and_replaces_files(tmp_path):
    path = tmp_path / "a" / "b" / "turn.jsonl"
    Recording.of(b"first").save(path)
    Recording.of(b"second").save(str(path))
    assert Recording.load(path).body == b"second"
    assert os.listdir(path.parent) == ["turn.jsonl"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_what_was_there(failing, tmp_path, monkeypatch):
    path = tmp_path / "turn.jsonl"
    Recording.of(b"first").save(path)

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="no space left"):
        Recording.of(b"second").save(path)
    assert os.listdir(tmp_path) == ["turn.jsonl"]
    assert Recording.load(path).body == b"first"


def test_where_nothing_can_be_saved(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        Recording.of(b"").save(tmp_path / "file" / "turn.jsonl")
    with pytest.raises(FileNotFoundError):
        Recording.load(tmp_path / "nowhere.jsonl")
    for name in ("turn.sse", "turn", ".jsonl"):
        with pytest.raises(ValueError, match=r"called \*\.jsonl, not "):
            Recording.of(b"").save(tmp_path / name)
    assert os.listdir(tmp_path) == ["file"]


def test_the_files_of_a_folder(tmp_path):
    names = [
        "b/turn.jsonl",
        "b/turn-2.jsonl",
        "b/turn-10.jsonl",
        "b/turn-10b.sse",
        "a.sse",
        "c.jsonl",
    ]
    for name in [*names, "a.json", "notes.md"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in recording_files(tmp_path)]
    assert found == ["a.sse", *names[:4], "c.jsonl"]
    for nowhere in (tmp_path / "a.sse", tmp_path / "nowhere"):
        with pytest.raises(OSError, match=nowhere.name):
            recording_files(nowhere)


# --- what makes another of it -------------------------------------------------------------------

sizes = st.integers(1, 50) | st.lists(st.integers(1, 20), max_size=8)


@given(recordings(), sizes)
def test_rechunk(recording, sizes):
    again = recording.rechunk(sizes)
    assert again.body == recording.body
    assert attrs.evolve(again, chunks=recording.chunks) == recording
    wanted = itertools.repeat(sizes) if isinstance(sizes, int) else sizes
    for chunk, size in zip(again.chunks[:-1], wanted):  # noqa: B905
        assert len(chunk.data) == size
    for chunk, end in zip(
        again.chunks, itertools.accumulate(map(len, datas_of(again))), strict=True
    ):
        assert chunk.at == recording.cut(end).duration  # when its last byte came


def test_rechunk_by_hand():
    recording = Recording.of([RecordedChunk(b"abc", 1), RecordedChunk(b"defg", 2)])
    assert recording.rechunk(2).chunks == (
        RecordedChunk(b"ab", 1),
        RecordedChunk(b"cd", 2),
        RecordedChunk(b"ef", 2),
        RecordedChunk(b"g", 2),
    )
    assert datas_of(recording.rechunk([1, 2])) == [b"a", b"bc", b"defg"]
    assert datas_of(recording.rechunk(itertools.cycle([3, 1]))) == [b"abc", b"d", b"efg"]
    assert datas_of(recording.rechunk([])) == [b"abcdefg"]


@given(recordings(), st.integers(0, 400))
def test_cut(recording, at_byte):
    cut = recording.cut(at_byte)
    assert cut.body == recording.body[:at_byte]
    assert (cut.ended, cut.error, cut.request) == ("cut", None, recording.request)
    assert cut.duration == (times_of(cut) or [recording.response.at])[-1]
    whole = datas_of(cut)[:-1]
    assert whole == datas_of(recording)[: len(whole)]
    assert all(datas_of(cut))


@given(recordings(), st.floats(0, 100))
def test_slow(recording, factor):
    slow = recording.slow(factor)
    assert datas_of(slow) == datas_of(recording)
    assert times_of(slow) == [at * factor for at in times_of(recording)]
    assert (slow.duration, slow.response.at) == (
        recording.duration * factor,
        recording.response.at * factor,
    )
    assert recording.slow(1) == recording


@given(recordings(), recordings(), recordings())
def test_one_behind_the_other(one, two, three):
    both = one + two
    assert both.body == one.body + two.body
    assert (both.request, both.response) == (one.request, one.response)
    assert (both.ended, both.error) == (two.ended, two.error)
    assert times_of(both)[len(one.chunks) :] == [one.duration + at for at in times_of(two)]
    assert datas_of(both + three) == datas_of(one + (two + three))


SPELLED = {
    "LF": BODY,
    "CRLF": BODY.replace(b"\n", b"\r\n"),
    "CR": BODY.replace(b"\n", b"\r"),
    "BOM and comment": b"\xef\xbb\xbf: hello\n\n" + BODY,
    "unfinished": BODY + b"event: ping\ndata: {}\n",
}


@pytest.mark.parametrize("spelling", SPELLED)
@pytest.mark.parametrize("after", range(len(EVENTS) + 1))
def test_with_error(spelling, after):
    recording = Recording.of(SPELLED[spelling]).rechunk(11).with_error("overloaded_error", after)
    _, events = decode_sse(SSEState(), recording.body)
    raw = [parse_event(event) for event in events]
    assert [event.to_dict() for event in raw[:-1]] == EVENTS[:after]
    error = {"type": "overloaded_error", "message": "overloaded_error"}
    assert raw[-1].to_dict() == {"type": "error", "error": error}
    assert recording.ended == "complete"
    assert fold(raw).error is not None or after == len(EVENTS)


def test_with_error_says_what_it_is_told_to():
    recording = Recording.of([RecordedChunk(BODY, 3)])
    failed = recording.with_error("api_error", 0, "no such luck")
    assert failed.body == body(error_event("api_error", "no such luck"))
    assert failed.duration == 0.0
    assert recording.with_error("api_error", 1).duration == 3.0


def test_the_events_of_a_compressed_body_are_not_known():
    response = RecordedResponse(headers={"Content-Encoding": "gzip"})
    with pytest.raises(ValueError, match="compressed"):
        Recording((), response=response).with_error("api_error", 0)


# --- secrets ------------------------------------------------------------------------------------

SECRET = "sk-ant-api03-do-not-tell"


def everything_in(data):
    """All bytes of a file, and all that is base64 in it, chunks joined."""
    found = [data]
    lines = [json.loads(line) for line in data.decode().split("\n") if line]
    chunks = [
        base64.b64decode(line["base64"]) if "base64" in line else line["text"].encode()
        for line in lines[1:]
    ]
    content = lines[0]["request"].get("base64", "")
    return b"\n".join([*found, b"".join(chunks), base64.b64decode(content)])


def request(**parts):
    return RecordedRequest(**{"method": "POST", "url": "https://example.com/v1", **parts})


@pytest.mark.parametrize(
    "asked",
    [
        request(headers={"X-API-Key": SECRET}),
        request(headers={"Authorization": f"Bearer {SECRET}"}),
        request(headers={"proxy-authorization": f"Basic {SECRET}"}),
        request(headers={"Cookie": f"a=b; session={SECRET}"}),
        request(headers={"X-My-Token": SECRET}),
        request(url=f"https://me:{SECRET}@example.com/v1"),
        request(url=f"https://{SECRET}@example.com/v1"),
        request(url=f"https://example.com/v1?a=b&my%5Ftoken={SECRET}#top"),
        request(url=f"https://example.com/v1?My_Token={SECRET}&My_Token={SECRET}"),
        request(body={"mcp_servers": [{"authorization_token": SECRET}]}),
        request(body={"metadata": {"My_Token": {"deep": ["down", SECRET, 1]}}}),
        request(content=f"a=b&my_token={SECRET}".encode()),
        request(headers={"x-api-key": SECRET}, content=b"\xff" + SECRET.encode()),
        request(headers={"x-api-key": SECRET}, body=[f"my key is {SECRET}", {SECRET: 1}]),
        request(headers={"x-api-key": SECRET, "x-copy": SECRET}, url=f"https://e.com/{SECRET}"),
    ],
)
def test_no_secret_is_written_though_the_answer_says_it_back(asked):
    names = ["my_token", "x-my-token"]
    answer = f'data: {{"error": "invalid x-api-key: {SECRET}"}}\n\n'.encode() + b"\xff"
    recording = Recording(
        Recording.of(answer).rechunk(5).chunks,
        request=asked,
        response=RecordedResponse(
            401, {"set-cookie": "session=12345678", "location": f"/{SECRET}"}
        ),
        ended="error",
        error=RecordedError("ProxyError", f"{SECRET}: http://me:12345678@proxy says no"),
    )
    data = recording.to_bytes(secrets=names)
    written = everything_in(data)
    assert SECRET.encode() not in written
    assert b"12345678" not in written
    again = Recording.from_bytes(data)
    assert list(map(len, datas_of(again))) == list(map(len, datas_of(recording)))
    assert again.to_bytes(secrets=names) == data


def test_a_url_in_the_body_loses_its_password():
    asked = request(body={"source": f"https://me:{SECRET}@example.com/a.png", "at": "me@a.com"})
    redacted = Recording((), request=asked).redacted().request
    assert redacted.body == {"source": "https://example.com/a.png", "at": "me@a.com"}


@given(st.text("abcdef-_0123456789", min_size=12, max_size=16), st.binary(), sizes)
def test_a_secret_is_found_however_the_answer_was_cut(secret, rest, sizes):
    answer = Recording.of(rest + secret.encode() + secret[:5].encode() + rest).rechunk(sizes)
    asked = request(url=f"https://e.com/{secret}", headers={"x-api-key": secret}, body=[secret])
    data = attrs.evolve(answer, request=asked).to_bytes()
    assert secret.encode() not in everything_in(data)


def test_the_words_beside_a_secret_are_none():
    """What a cookie says of itself stands in the URL and in the text of the answer, too."""
    cookie = f"__cf_bm={SECRET}; path=/; domain=.anthropic.com; HttpOnly; SameSite=NoneWhatsoever"
    asked = request(
        url="https://api.anthropic.com/v1", headers={"authorization": f"Bearer {SECRET}"}
    )
    recording = attrs.evolve(
        Recording.of(b"data: HttpOnly .anthropic.com NoneWhatsoever Bearer\n\n"),
        request=asked,
        response=RecordedResponse(headers={"set-cookie": cookie}),
    )
    redacted = recording.redacted()
    assert (redacted.request.url, redacted.chunks) == (asked.url, recording.chunks)
    assert redacted.response.headers == (("set-cookie", "[secret]"),)


def test_everything_else_stays():
    recording = Recording(
        Recording.of(b"data: key1\n\n").chunks,
        request=RecordedRequest(
            "POST",
            "https://example.com/v1?beta=true&key",
            {"x-api-key": "key1", "anthropic-version": "2023-06-01"},
            {"user": "me@example.com", "key": "key1"},
        ),
        response=RecordedResponse(headers={"anthropic-organization-id": "org_1"}),
    )
    hidden = recording.redacted()
    headers = (("x-api-key", "[secret]"), ("anthropic-version", "2023-06-01"))
    assert hidden == attrs.evolve(
        recording, request=attrs.evolve(recording.request, headers=headers)
    )
