"""`sse` against the slow model in `sse_model`, for any bytes and any chunks."""

from __future__ import annotations

import copy
import json
import pickle
import re
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.reducer import (
    DEFAULT_LIMIT,
    ProtocolError,
    ServerSentEvent,
    SSEState,
    StreamfoldError,
    decode_sse,
)

from tests.support.effort import effort
from tests.support.sse_model import BOM, Frame, decode, decode_within

# --- what streams look like ---------------------------------------------------------------------

ODD_TEXT = [
    *["", " ", "  ", "a", "b c", ":", ": ", "{}", '{"type":"ping"}', "é", "€", "😀", "\0", "\t"],
    *[
        "\u2028",
        "\u2029",
        "\x85",
        "\v",
        "\f",
        "\x1c",
        "\x1e",
        "\ufeff",
        "\ufffd",
    ],  # these do not end a line
]
MALFORMED = [
    *[b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xf0\x9f", b"\xed\xa0\x80"],
    *[b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2(", BOM, BOM[:2], BOM[:1]],
]
RETRIES = [
    *[b"0", b"3000", b"007", b"1" * 18, b"9" * 18, b"1" * 19, b"1" * 20, b"", b"-1", b"+1", b"1.5"],
    *[b"1e3", b"1 ", b" 1", b"0x1", "٣".encode(), "²".encode(), b"1_000", b"\xff"],
]

pieces = st.sampled_from([text.encode() for text in ODD_TEXT] + MALFORMED)
values = st.lists(pieces, max_size=4).map(b"".join)
fields = st.sampled_from(
    [b"data", b"event", b"id", b"retry", b"", b"Data", b" data", b"dat", b"datax", b"x", b"\0", BOM]
)
colons = st.sampled_from([b"", b":", b": ", b":  "])
any_lines = st.one_of(
    st.builds(lambda *parts: b"".join(parts), fields, colons, values),
    st.builds(lambda colon, digits: b"retry" + colon + digits, colons, st.sampled_from(RETRIES)),
    st.sampled_from(
        [b"data", b"data:", b"data: ", b"id", b"id:", b"event", b"event: ", b"retry", b""]
    ),
    values,
)
blocks = st.one_of(
    st.builds(lambda event, data: b"event: %b\ndata: %b\n\n" % (event, data), values, values),
    st.builds(lambda data: b"data: %b\n\n" % data, values),
    st.lists(any_lines, max_size=4).map(lambda lines: b"".join(line + b"\n" for line in lines)),
    st.sampled_from([b"\n", b"\n\n", b": keep-alive\n\n", b"event: ping\ndata: {}\n\n"]),
    any_lines,
)
starts = st.sampled_from([b"", b"", BOM, BOM + BOM, BOM[:2], b"\n" + BOM])


@st.composite
def bodies(draw: st.DrawFn, max_blocks: int = 6) -> bytes:
    body = b"".join(draw(st.lists(blocks, max_size=max_blocks)))
    ends = draw(st.sampled_from([b"\n", b"\n", b"\r", b"\r\n", None]))
    if ends is None:
        choice = st.sampled_from([b"\n", b"\r", b"\r\n"])
        body = re.sub(b"\n", lambda _: draw(choice), body)
    else:
        body = body.replace(b"\n", ends)
    return draw(starts) + body


line_noise = st.lists(
    st.sampled_from([b"\r", b"\n", b":", b" ", b"data", b"id", b"\0", b"\xef", b"\xbb", b"\xbf"]),
    max_size=30,
).map(b"".join)
any_bodies = st.one_of(bodies(), line_noise, st.binary(max_size=60))


def cut(body: bytes, positions: Iterable[int]) -> list[bytes]:
    bounds = [0, *sorted(positions), len(body)]
    return [body[start:end] for start, end in pairwise(bounds)]


def each_byte(body: bytes) -> list[bytes]:
    return cut(body, range(1, len(body)))


@st.composite
def cut_bodies(draw: st.DrawFn, of: st.SearchStrategy[bytes] = any_bodies) -> list[bytes]:
    """A body in chunks, some of them empty."""
    body = draw(of)
    return cut(body, draw(st.lists(st.integers(0, len(body)), max_size=8)))


def frame(event: ServerSentEvent) -> Frame:
    return Frame(event.event, event.data, event.id, event.retry)


BEGINNING = SSEState()


def run(chunks: Iterable[bytes], state: SSEState = BEGINNING) -> tuple[SSEState, list[Frame]]:
    frames: list[Frame] = []
    for chunk in chunks:
        state, events = decode_sse(state, chunk)
        frames += map(frame, events)
    return state, frames


def run_to_fault(chunks: Iterable[bytes], limit: int) -> tuple[list[Frame], str | None]:
    """All events before the first fault, and the reason of the fault."""
    state = SSEState(limit=limit)
    frames: list[Frame] = []
    for chunk in chunks:
        try:
            state, events = decode_sse(state, chunk)
        except ProtocolError as fault:
            return frames + list(map(frame, fault.events)), fault.reason
        frames += map(frame, events)
    return frames, None


# --- the model, however the bytes are cut -------------------------------------------------------


@effort(400)
@given(any_bodies)
@example(b"data: a\n")
@example(BOM + b"data: a\n\n")
def test_one_chunk_gives_what_the_model_gives(body: bytes) -> None:
    assert run([body])[1] == decode(body)


@effort(300)
@given(any_bodies)
def test_single_bytes_give_what_the_model_gives(body: bytes) -> None:
    assert run(each_byte(body))[1] == decode(body)


@effort(400)
@given(cut_bodies())
def test_any_chunks_give_what_the_model_gives(chunks: list[bytes]) -> None:
    assert run(chunks)[1] == decode(b"".join(chunks))


@effort(80)
@given(bodies(max_blocks=3))
def test_every_single_cut_gives_the_same_events_and_the_same_state(body: bytes) -> None:
    whole, frames = run([body])
    for position in range(len(body) + 1):
        state, same = run([body[:position], body[position:]])
        assert same == frames, position
        assert state.to_dict() == whole.to_dict(), position


@effort(200)
@given(cut_bodies())
def test_empty_chunks_change_nothing(chunks: list[bytes]) -> None:
    between = [piece for chunk in chunks for piece in (b"", chunk, b"")]
    assert run(between) == run([chunk for chunk in chunks if chunk])


def test_an_empty_chunk_leaves_the_very_same_state() -> None:
    for body in (b"", b"data: a", b"data: a\r", BOM[:2]):
        state, _ = run([body])
        assert decode_sse(state, b"") == (state, ())


COMMON_LINES = """id: 7
id:8
id: \n\
id:  9
: c
:
event: e
event:f
event
data: {}
data:[1]
data:  x
data:
data
retry: 5

"""
common_lines = st.sampled_from(COMMON_LINES.splitlines(keepends=True))
common_bodies = st.lists(common_lines | st.just("event: e\ndata: {}\n\n"), max_size=20).map("".join)


@effort(1000)
@given(common_bodies, st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_fast_way_gives_what_the_line_by_line_way_gives(text: str, line_end: str) -> None:
    lines = [line.replace("\n", line_end).encode() for line in text.splitlines(keepends=True)]
    first = b"data: first" + 2 * line_end.encode()
    assert run([first, b"".join(lines)]) == run([first, *lines])


# --- stated examples of the standard ------------------------------------------------------------

EXAMPLES: dict[str, tuple[bytes, list[Frame]]] = {
    "one event": (b"event: ping\ndata: {}\n\n", [Frame("ping", "{}", "", None)]),
    "no type is message": (b"data: a\n\n", [Frame("message", "a", "", None)]),
    "an empty type is message": (b"event:\ndata: a\n\n", [Frame("message", "a", "", None)]),
    "an empty type is message, fast": (b"event: \ndata: a\n\n", [Frame("message", "a", "", None)]),
    "the last type counts": (b"event: a\nevent: b\ndata\n\n", [Frame("b", "", "", None)]),
    "the type lasts for one event": (
        b"event: a\ndata: 1\n\ndata: 2\n\n",
        [Frame("a", "1", "", None), Frame("message", "2", "", None)],
    ),
    "data joins by LF": (
        b"data: YHOO\ndata: +2\ndata: 10\n\n",
        [Frame("message", "YHOO\n+2\n10", "", None)],
    ),
    "two data lines after a type": (
        b"event: e\ndata: a\ndata: b\n\n",
        [Frame("e", "a\nb", "", None)],
    ),
    "data before the type": (b"data: a\nevent: e\n\n", [Frame("e", "a", "", None)]),
    "empty data lines are lines": (
        b"data\n\ndata\ndata\n\ndata:",
        [Frame("message", "", "", None), Frame("message", "\n", "", None)],
    ),
    "one space after the colon": (
        b"data:test\n\ndata: test\n\ndata:  test\n\n",
        [Frame("message", text, "", None) for text in ("test", "test", " test")],
    ),
    "one space only of the fast shape": (
        b"event:  e\ndata:  d\n\n",
        [Frame(" e", " d", "", None)],
    ),
    "comments and no data": (
        b": c\n\n:\n\nevent: a\n\ndata: b\n\n",
        [Frame("message", "b", "", None)],
    ),
    "the second colon is value": (b"data: a: b\n\n", [Frame("message", "a: b", "", None)]),
    "fields are exact": (b"Data: a\n data: b\ndata : c\ndata\0: d\n\n", []),
    "unknown fields": (b"foo: bar\ndata: a\nfoo\n\n", [Frame("message", "a", "", None)]),
    "no blank line at the end": (b"data: a\n\ndata: b\n", [Frame("message", "a", "", None)]),
    "ids last": (
        b"data: 0\n\nid: 1\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n",
        [Frame("message", str(n), id_, None) for n, id_ in enumerate(["", "1", "1", ""])],
    ),
    "an id without data counts": (b"id: 7\n\ndata: a\n\n", [Frame("message", "a", "7", None)]),
    "an id lasts through the fast way": (
        b"id: 7\ndata: a\n\nevent: e\ndata: b\n\n",
        [Frame("message", "a", "7", None), Frame("e", "b", "7", None)],
    ),
    "an id with NUL is ignored": (
        b"id: 1\nid: 2\0\ndata: a\n\n",
        [Frame("message", "a", "1", None)],
    ),
    "a reconnection time": (b"retry: 3000\ndata: a\n\n", [Frame("message", "a", "", 3000)]),
    "no time at all is a time": (b"retry: 0\ndata: a\n\n", [Frame("message", "a", "", 0)]),
    "a time lasts for one event": (
        b"retry: 1\ndata: a\n\ndata: b\n\nretry: 2\n\ndata: c\n\n",
        [Frame("message", "a", "", 1), *[Frame("message", x, "", None) for x in "bc"]],
    ),
    "the last good time counts": (
        b"retry: 12\nretry: 3x\nretry:\nretry: -4\ndata: a\n\n",
        [Frame("message", "a", "", 12)],
    ),
    "18 digits of time": (
        b"retry: " + b"9" * 18 + b"\ndata: a\n\n",
        [Frame("message", "a", "", 999999999999999999)],
    ),
    "19 digits are not a time": (
        b"retry: " + b"1" * 19 + b"\ndata: a\n\n",
        [Frame("message", "a", "", None)],
    ),
    "other digits are not digits": (
        "retry: ٣\ndata: a\n\n".encode(),
        [Frame("message", "a", "", None)],
    ),
    "CR, LF and CRLF end lines": (
        b"data: a\r\rdata: b\n\ndata: c\r\n\r\ndata: d\r\n\ndata: e\n\r\n",
        [Frame("message", x, "", None) for x in "abcde"],
    ),
    "LF CR is two ends": (b"data: a\n\rdata: b\n\r", [Frame("message", x, "", None) for x in "ab"]),
    "nothing else ends lines": (
        "data: a\u2028b\u2029c\x85d\ve\ff\x1cg\n\n".encode(),
        [Frame("message", "a\u2028b\u2029c\x85d\ve\ff\x1cg", "", None)],
    ),
    "one byte order mark is dropped": (BOM + b"data: a\n\n", [Frame("message", "a", "", None)]),
    "a second one is part of the name": (BOM + BOM + b"data: a\n\n", []),
    "one before a blank line": (BOM + b"\ndata: a\n\n", [Frame("message", "a", "", None)]),
    "a later one is part of the name": (
        b"data: a\n\n" + BOM + b"data: b\n\n",
        [Frame("message", "a", "", None)],
    ),
    "one in a value": ("data: \ufeffa\n\n".encode(), [Frame("message", "\ufeffa", "", None)]),
    "not UTF-8": (
        b"event: \xff\ndata: a\xe2\x82\nid: \xc0\n\n",
        [Frame("\ufffd", "a\ufffd", "\ufffd", None)],
    ),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str) -> None:
    body, frames = EXAMPLES[name]
    assert decode(body) == frames
    assert run([body])[1] == frames
    assert run(each_byte(body))[1] == frames
    for position in range(len(body) + 1):
        assert run([body[:position], body[position:]])[1] == frames


def test_a_crlf_may_be_cut() -> None:
    state, frames = run([b"data: a\r"])
    assert (state.after_cr, frames) == (True, [])
    state, frames = run([b"\n"], state)
    assert (state.after_cr, frames) == (False, [])
    state, frames = run([b"\r"], state)
    assert (state.after_cr, frames) == (True, [Frame("message", "a", "", None)])
    state, frames = run([b"\ndata: b\n\n"], state)
    assert (state.after_cr, frames) == (False, [Frame("message", "b", "", None)])


def test_an_lf_only_belongs_to_a_cr_right_before_it() -> None:
    assert run([b"data: a\r", b"", b"\n\n"])[1] == [Frame("message", "a", "", None)]
    assert run([b"data: a\r", b"id: 1\n", b"\n"])[1] == [Frame("message", "a", "1", None)]
    assert run([b"data: a\r", b"\n", b"\n"])[1] == [Frame("message", "a", "", None)]


def test_an_event_comes_with_the_byte_that_ends_its_blank_line() -> None:
    body = b"event: e\ndata: a\n\n"
    state, frames = run([body[:-1]])
    assert frames == []
    assert run([body[-1:]], state)[1] == [Frame("e", "a", "", None)]


def test_the_defaults_are_those_of_the_standard() -> None:
    assert ServerSentEvent() == ServerSentEvent(event="message", data="", id="", retry=None)
    assert repr(ServerSentEvent()) == "ServerSentEvent(event='message', data='', id='', retry=None)"
    assert DEFAULT_LIMIT == 16 * 1024 * 1024
    assert SSEState().limit == DEFAULT_LIMIT
    assert SSEState().to_dict() == {
        "limit": 16777216,
        "pending": "",
        "event": "",
        "data": [],
        "data_size": 0,
        "retry": None,
        "id": "",
        "started": False,
        "after_cr": False,
    }


# --- states are values --------------------------------------------------------------------------


@effort(200)
@given(cut_bodies(), cut_bodies())
def test_an_old_state_never_changes_and_can_be_fed_on_from_again(
    chunks: list[bytes], others: list[bytes]
) -> None:
    kept: list[tuple[SSEState, dict[str, Any], str, int]] = []
    state, count = SSEState(), 0
    for chunk in chunks:
        kept.append((state, copy.deepcopy(state.to_dict()), repr(state), count))
        state, events = decode_sse(state, chunk)
        count += len(events)
    last, frames = run(chunks)
    assert last == state
    for position, (old, content, shown, seen) in enumerate(kept):
        branch = b"".join([*chunks[:position], *others])
        assert run(others, old)[1] == decode(branch)[seen:]  # another continuation
        assert run(chunks[position:], old) == (last, frames[seen:])  # the same chunk again
        assert old.to_dict() == content
        assert repr(old) == shown


@effort(200)
@given(cut_bodies())
def test_a_state_goes_to_json_and_back_anywhere(chunks: list[bytes]) -> None:
    last, frames = run(chunks)
    for position in range(len(chunks) + 1):
        state, before = run(chunks[:position])
        restored = SSEState.from_dict(json.loads(json.dumps(state.to_dict())))
        assert restored.to_dict() == state.to_dict()
        assert restored == state
        assert hash(restored) == hash(state)
        again, after = run(chunks[position:], restored)
        assert before + after == frames
        assert again.to_dict() == last.to_dict()


@pytest.mark.parametrize(
    "body",
    [
        BOM + b"id: 7\r\nretry: 5\r\nevent: e\r\ndata: \xc3\xa9\r\ndata: b\r\n\r\ndata: c\r\n\r\n",
        b"event: e\ndata: {}\n\n" * 2,
    ],
)
def test_a_stream_stopped_at_any_byte_goes_on_from_json_and_from_a_pickle(body: bytes) -> None:
    for position in range(len(body) + 1):
        state, before = run([body[:position]])
        for restored in (
            SSEState.from_dict(json.loads(json.dumps(state.to_dict()))),
            pickle.loads(pickle.dumps(state)),
            copy.deepcopy(state),
            copy.copy(state),
        ):
            assert restored == state
            assert before + run([body[position:]], restored)[1] == decode(body)


def test_a_state_between_events_is_the_same_for_all_of_them() -> None:
    between, _ = run([b"id: 7\ndata: a\n\n"])
    assert decode_sse(between, b"event: e\ndata: {}\n\n")[0] is between
    for chunk in (b"data: a\n\n: c\n\n\n", b"\n", b"id: 7\n\n"):
        assert decode_sse(between, chunk)[0] == between
    assert decode_sse(between, b"id: 8\n\n")[0] == attrs.evolve(between, id="8")
    for chunk in (b"x", b"data: a\n", b"event: e\n", b"retry: 0\n", b"\r", b"data: a\r\r"):
        inside, _ = decode_sse(between, chunk)
        assert inside != between
        assert decode_sse(inside, b"\n\n")[0] == between


def test_all_attributes_of_a_state_are_saved() -> None:
    state, _ = run([b"id: 7\nretry: 5\nevent: e\ndata: \xc3\xa9\ndata: b\ndat\xff"])
    assert state.to_dict() == {
        "limit": DEFAULT_LIMIT,
        "pending": "dat\xff",
        "event": "e",
        "data": ["é", "b"],
        "data_size": 5,
        "retry": 5,
        "id": "7",
        "started": True,
        "after_cr": False,
    }
    assert run([BOM[:2]])[0].to_dict()["pending"] == "\xef\xbb"
    assert SSEState.from_dict({**SSEState().to_dict(), "limit": 7}) == SSEState(limit=7)


def test_a_state_is_made_by_the_names_of_its_fields() -> None:
    with pytest.raises(TypeError, match="positional"):
        SSEState(100)  # type: ignore[misc]


def test_neither_state_nor_event_can_be_written() -> None:
    state, (event,) = decode_sse(SSEState(), b"data: a\n\n")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        state.id = "1"  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.data = "b"  # type: ignore[misc]
    assert hash(event) == hash(ServerSentEvent(data="a"))
    assert pickle.loads(pickle.dumps(event)) == event


def test_a_stream_leaves_no_trace_in_the_next() -> None:
    """`SSEState()` is one shared value, so it must not hold the bytes of any stream."""
    decode_sse(SSEState(), b"data: secret one\nsecret two")
    decode_sse(SSEState(), b"secret three")
    assert b"secret" not in pickle.dumps(SSEState())


# --- limits -------------------------------------------------------------------------------------


@effort(500)
@given(cut_bodies(), st.integers(1, 60))
@example([b"data: " + b"\xff" * 10 + b"\n\n"], 20)  # a malformed byte counts as one byte
@example([b"data: " + b"\xff" * 10 + b"\n"], 20)
@example([BOM + b"data", b": a\n\n"], 7)
@example([b"data:aaaaa\ndata:bbbb\n\n"], 10)
@example([b"data:aaaaa\ndata:bbbbb\n\n"], 10)
@example([b"data: a\n\ndata: 1\ndata: 2\ndata: 3\ndata: 4\ndata: 5\n\n"], 8)
@example(
    [b"data:aaaaa\ndata:bbbbb\nxxxxxxxxxxxxxxxxxxxx"], 10
)  # the first fault is the one reported
@example([b"data\ndata\ndata\ndata\ndata\ndata\n\n"], 4)
def test_the_limit_cuts_at_the_same_place_for_all_chunks(chunks: list[bytes], limit: int) -> None:
    body = b"".join(chunks)
    expected = decode_within(body, limit)
    assert run_to_fault([body], limit) == expected
    assert run_to_fault(chunks, limit) == expected
    assert run_to_fault(each_byte(body), limit) == expected


@effort(300)
@given(any_bodies, st.integers(0, 3))
def test_a_limit_that_is_just_enough_changes_nothing(body: bytes, more: int) -> None:
    lines = re.split(rb"\r\n|\r|\n", body)
    limit = max(len(line) for line in lines)
    limit = max([limit, *(len(frame.data.encode()) for frame in decode(body))]) + more
    frames, reason = run_to_fault([body], limit)
    if reason is None:
        assert frames == decode(body)
    else:  # data without a blank line after it
        assert decode_within(body, limit) == (frames, reason)
        assert reason.startswith("the data")


def each_way(body: bytes) -> dict[str, list[bytes]]:
    middle = len(body) // 2
    return {"whole": [body], "bytes": each_byte(body), "halves": [body[:middle], body[middle:]]}


@pytest.mark.parametrize("way", ["whole", "bytes", "halves"])
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("start", [b"", BOM, b"\n", b"event: e\n"])
def test_a_line_of_exactly_the_limit_passes_and_one_more_byte_does_not(
    way: str, end: bytes, start: bytes
) -> None:
    limit = 10
    exact = start + b"data: 1234" + end + end
    frames, reason = run_to_fault(each_way(exact)[way], limit)
    assert ([frame.data for frame in frames], reason) == (["1234"], None)
    over = start + b"data: 1" + end + end + b"data: 12345" + end + end
    frames, reason = run_to_fault(each_way(over)[way], limit)
    assert [frame.data for frame in frames] == ["1"]
    assert reason == "a line is longer than the limit of 10 bytes"


@pytest.mark.parametrize("way", ["whole", "bytes", "halves"])
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_data_of_exactly_the_limit_passes_and_one_more_byte_does_not(way: str, end: bytes) -> None:
    exact = b"data:12345" + end + b"data:1234" + end + end
    frames, reason = run_to_fault(each_way(exact)[way], 10)
    assert ([frame.data for frame in frames], reason) == (["12345\n1234"], None)
    over = b"data: 1" + end + end + b"data:12345" + end + b"data:12345" + end + end
    frames, reason = run_to_fault(each_way(over)[way], 10)
    assert [frame.data for frame in frames] == ["1"]
    assert reason == "the data of an event is longer than the limit of 10 bytes"


def test_many_events_may_be_longer_than_the_limit_together() -> None:
    body = b"event: e\ndata: 12\n\n" * 50
    assert run_to_fault([body], 8) == ([Frame("e", "12", "", None)] * 50, None)
    assert run_to_fault([body + b"data: 123\n\n"], 8)[0] == [Frame("e", "12", "", None)] * 50


def test_the_fault_is_a_protocol_error_with_the_events_before_it() -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_sse(SSEState(limit=1234), b"data: 1\n\ndata: 2\n\n" + b"x" * 1235 + b"\ndata: 3\n\n")
    fault = caught.value
    assert isinstance(fault, StreamfoldError)
    assert str(fault) == "a line is longer than the limit of 1,234 bytes"
    assert fault.events == (ServerSentEvent(data="1"), ServerSentEvent(data="2"))
    assert (fault.event, fault.index, fault.data, fault.snapshot) == (None, None, None, None)
    with pytest.raises(ProtocolError) as caught:
        decode_sse(SSEState(limit=1234), b"x" * 1238)
    assert caught.value.events == ()


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"", 1003),  # the first three bytes may still be a byte order mark
        (BOM, 1000),
        (b"\n", 1000),
        (b"data: a\r", 1000),
        (b"data: a\ndata: b", 993),
    ],
)
def test_a_line_that_never_ends_is_given_up_at_the_limit(start: bytes, more: int) -> None:
    state, _ = run([start], SSEState(limit=1000))
    one_by_one = state
    for _ in range(more):
        one_by_one, _ = decode_sse(one_by_one, b"x")
    at_once, _ = decode_sse(state, b"x" * more)
    assert at_once == one_by_one
    for full, chunk in ((one_by_one, b"x"), (at_once, b"x"), (state, b"x" * (more + 1))):
        with pytest.raises(
            ProtocolError, match=r"^a line is longer than the limit of 1,000 bytes$"
        ):
            decode_sse(full, chunk)


def test_the_limit_holds_for_the_default_state() -> None:
    state, _ = decode_sse(SSEState(), b"\n" + b"x" * DEFAULT_LIMIT)
    with pytest.raises(ProtocolError, match="a line is longer than the limit of 16,777,216 bytes"):
        decode_sse(state, b"x")


@pytest.mark.parametrize(
    "line", [b": keep-alive\n", b"event: e\n", b"id: 1\n", b"x\r\n", b"retry: 1\n"]
)
def test_lines_without_end_do_not_fill_the_memory(line: bytes) -> None:
    once, _ = run([line])
    often, _ = run([line] * 5000)
    assert often == once


def test_empty_data_lines_without_end_are_given_up_at_the_limit() -> None:
    state = SSEState(limit=100)
    for _ in range(101):  # with 100 LF between them
        state, _ = decode_sse(state, b"data\n")
    with pytest.raises(ProtocolError, match="the data of an event is longer"):
        decode_sse(state, b"data\n")


# --- what it costs ------------------------------------------------------------------------------


def calls_of(run_it: Callable[[], object]) -> Counter[str]:
    """The number of calls of each function of `sse.py` and each C function while `run_it` runs."""
    counts: Counter[str] = Counter()

    def profile(frame: Any, kind: str, argument: Any) -> None:
        if kind == "c_call":
            counts[argument.__name__] += 1
        elif kind == "call" and frame.f_code.co_filename.endswith("sse.py"):
            counts[frame.f_code.co_name] += 1

    sys.setprofile(profile)
    try:
        run_it()
    finally:
        sys.setprofile(None)
    return counts


def feed_bytes(size: int) -> SSEState:
    state = SSEState()
    for _ in range(size):
        state, _ = decode_sse(state, b"x")
    return state


def test_a_long_line_one_byte_at_a_time_takes_work_in_proportion() -> None:
    """Pending bytes must not be read or joined again with each chunk."""
    decode_sse(SSEState(), b"x")
    short, long = calls_of(lambda: feed_bytes(2_000)), calls_of(lambda: feed_bytes(4_000))
    assert long.total() < 2.1 * short.total()
    assert long["join"] <= 1
    state = feed_bytes(200_000)
    assert state.pending_size == 200_000
    counts = calls_of(lambda: decode_sse(state, b"\n"))
    assert counts["join"] == 1
    assert counts.total() < 60


def test_the_states_of_a_long_line_share_its_bytes() -> None:
    tracemalloc.start()
    try:
        states = [SSEState()]
        for _ in range(10_000):
            states.append(decode_sse(states[-1], b"data: xxxxxxxxxx")[0])
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert states[-1].pending_size == 160_000
    assert used < 1_000 * len(states)  # one copy for each state would take 80 KB a state


def test_ordinary_events_are_cut_without_a_call_for_each() -> None:
    body = b"event: content_block_delta\ndata: {}\n\n" * 1000
    counts = calls_of(lambda: decode_sse(SSEState(), body))
    assert counts["findall"] == 1
    assert counts["partition"] < 10
    assert sum(counts[name] for name in ("decode_sse", "scan", "_by_events", "_by_lines")) < 10
    assert counts["splitlines"] < 5


def test_an_event_with_a_line_between_its_name_and_its_data() -> None:
    # the fast way accepts events of two lines only; a third must not become part of the name
    _, events = decode_sse(SSEState(), b"event: a\nid: 5\ndata: x\n\nevent: b\ndata: y\n\n")
    assert events == (
        ServerSentEvent(event="a", data="x", id="5"),
        ServerSentEvent(event="b", data="y", id="5"),
    )


# --- an event that is cut behind its first line --------------------------------------------------

DELTA_LINE = b"event: content_block_delta\n"


@effort(300)
@given(st.lists(st.one_of(st.just(b"data: {}\n\n"), blocks), min_size=1, max_size=4), st.data())
def test_an_event_of_a_delta_is_decoded_alike_wherever_it_is_cut(
    after: list[bytes], data: st.DataObject
) -> None:
    body = DELTA_LINE + b"data: 1\n\n" + b"".join(DELTA_LINE + block for block in after)
    cut = data.draw(st.sampled_from([m.end() for m in re.finditer(DELTA_LINE, body)]))
    state, first = decode_sse(SSEState(), body[:cut])
    state, rest = decode_sse(state, body[cut:])
    found = [Frame(*attrs.astuple(event)) for event in (*first, *rest)]
    assert found == decode(body)
    assert state == decode_sse(SSEState(), body)[0]


def test_the_first_line_of_a_delta_has_a_limit_as_well() -> None:
    state, _ = decode_sse(SSEState(limit=20), b"data: 1\n\n")
    for begun in (SSEState(limit=20), state):
        with pytest.raises(ProtocolError, match="a line is longer than the limit of 20 bytes"):
            decode_sse(begun, DELTA_LINE)
