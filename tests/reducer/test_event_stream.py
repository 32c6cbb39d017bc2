"""`event_stream` against botocore, for any frames and every way of cutting them."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import struct
import time
import zlib
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import raw_events
from streamfold.reducer import (
    DEFAULT_LIMIT,
    EventStreamState,
    ProtocolError,
    ServerSentEvent,
    SSEState,
    decode_event_stream,
    decode_sse,
    encode_event_stream,
    encode_sse,
    fold,
    parse_event,
)

from tests.support.event_stream_frames import (
    ALL_TYPES,
    EVENT,
    EXCEPTIONS,
    FrameContent,
    Header,
    bodies,
    botocore_reads,
    chunk_frame,
    exception_frame,
    frame,
    frame_of,
    header_bytes,
)

BEGINNING = EventStreamState()
PING = '{"type":"ping"}'


def cut(body: bytes, positions: Iterable[int]) -> list[bytes]:
    bounds = [0, *sorted(positions), len(body)]
    return [body[start:end] for start, end in pairwise(bounds)]


def each_byte(body: bytes) -> list[bytes]:
    return cut(body, range(1, len(body)))


@st.composite
def cut_bodies(draw: st.DrawFn) -> list[bytes]:
    """A body in chunks, some of them empty."""
    body = draw(bodies)
    return cut(body, draw(st.lists(st.integers(0, len(body)), max_size=8)))


def run(
    chunks: Iterable[bytes], state: EventStreamState = BEGINNING
) -> tuple[EventStreamState, list[ServerSentEvent]]:
    found: list[ServerSentEvent] = []
    for chunk in chunks:
        state, events = decode_event_stream(state, chunk)
        found += events
    return state, found


def run_to_fault(
    chunks: Iterable[bytes], limit: int = DEFAULT_LIMIT
) -> tuple[list[ServerSentEvent], str | None]:
    """All events up to the first fault, those that the fault carries included; and its reason."""
    state = EventStreamState(limit=limit)
    found: list[ServerSentEvent] = []
    for chunk in chunks:
        try:
            state, events = decode_event_stream(state, chunk)
        except ProtocolError as fault:
            return found + list(fault.events), fault.reason
        found += events
    return found, None


def content_of(event: ServerSentEvent) -> FrameContent:
    """An event as `botocore_reads` has it."""
    data = json.loads(event.data) if event.event == "error" else {}
    error = data["error"] if isinstance(data, dict) and "error" in data else {}
    if "exception_type" in error:
        return FrameContent(error["message"], error["exception_type"])
    return FrameContent(event.data)


def the_event(body: bytes) -> ServerSentEvent:
    (event,) = run([body])[1]
    return event


def the_error(body: bytes) -> dict[str, Any]:
    event = the_event(body)
    assert event.event == "error"
    fields = json.loads(event.data)
    assert fields.pop("type") == "error"
    (error,) = fields.values()
    assert isinstance(error, dict)
    return error


# --- botocore, however the bytes are cut --------------------------------------------------------


@given(cut_bodies())
def test_any_chunks_give_what_botocore_gives(chunks: list[bytes]) -> None:
    expected = botocore_reads(b"".join(chunks))
    assert (list(map(content_of, run(chunks)[1])), False) == expected


@given(bodies)
def test_single_bytes_give_the_same_events_and_the_same_state(body: bytes) -> None:
    assert run(each_byte(body)) == run([body])


@given(cut_bodies())
def test_empty_chunks_change_nothing(chunks: list[bytes]) -> None:
    between = [piece for chunk in chunks for piece in (b"", chunk, b"")]
    assert run(between) == run(chunks)


@given(bodies.filter(bool), st.data())
def test_a_body_that_is_cut_gives_what_its_whole_frames_give(
    body: bytes, data: st.DataObject
) -> None:
    end = data.draw(st.integers(0, len(body) - 1))
    state, events = run([body[:end]])
    assert events == run([body])[1][: len(events)]
    assert run([body[end:]], state) == (run([body])[0], run([body])[1][len(events) :])
    assert len(events) < len(run([body])[1])


@given(bodies.filter(bool), st.data())
def test_a_flipped_bit_is_refused_where_botocore_refuses_it(
    body: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(body)
    position = data.draw(st.integers(0, len(body) - 1))
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    expected, refused = botocore_reads(bytes(damaged))
    for chunks in ([bytes(damaged)], each_byte(bytes(damaged))):
        events, reason = run_to_fault(chunks)
        assert (list(map(content_of, events)), reason is not None) == (expected, refused)
    assert refused


@given(raw_events(), raw_events())
def test_the_events_are_those_of_server_sent_events(
    some: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    events = [*some, *more]
    framed = run([encode_event_stream(events)])[1]
    assert framed == list(decode_sse(SSEState(), encode_sse(events))[1])
    assert list(map(content_of, framed)) == botocore_reads(encode_event_stream(events))[0]
    assert fold(map(parse_event, framed[: len(some)])) == fold(some)


# --- headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_TYPES)
def test_a_header_of_each_type_is_skipped_by_its_size(name: str) -> None:
    headers: dict[str, Header | str] = {name: ALL_TYPES[name], **EVENT}
    assert the_event(frame(headers, '{"bytes":"e30="}')) == ServerSentEvent(data="{}")


def test_headers_of_all_types_may_stand_in_one_frame() -> None:
    body = frame({**ALL_TYPES, **EVENT}, '{"bytes":"e30="}')
    assert the_event(body).data == "{}"
    assert botocore_reads(body) == ([FrameContent("{}")], False)


def test_a_text_that_is_not_utf_8_is_replaced() -> None:
    headers = header_bytes(":message-type", Header(7, "error"))
    headers += b"\x0e:error-message\x07\x00\x02\xff!" + header_bytes(":error-code", Header(7, "x"))
    assert the_error(frame_of(headers, b""))["message"] == "\ufffd!"


MESSAGE_TYPE = header_bytes(":message-type", Header(7, "event"))
BROKEN_HEADERS = {
    "an unknown type": (b"\x01x\x0a", "the header b'x' of a frame has type 10; the types are"),
    "a name twice": (
        b"\x01x\x00\x01x\x01",
        "the header b'x' of a frame has the name a second time",
    ),
    "a name that is cut": (
        b"\x05x",
        "the last header of a frame extends beyond the 2 bytes of its",
    ),
    "no type": (b"\x01x", "the last header of a frame extends beyond the 2 bytes of its headers"),
    "a number that is cut": (
        b"\x01x\x04\x00\x00",
        "the last header of a frame extends beyond the 5",
    ),
    "a length that is cut": (b"\x01x\x07\x00", "the last header of a frame extends beyond the 4"),
    "a text that is cut": (
        b"\x01x\x07\x00\x02a",
        "the last header of a frame extends beyond the 6",
    ),
    "no value": (
        b"\x01x\x09",
        "the last header of a frame extends beyond the 3 bytes of its headers",
    ),
}


@pytest.mark.parametrize("name", BROKEN_HEADERS)
def test_broken_headers_are_refused(name: str) -> None:
    headers, reason = BROKEN_HEADERS[name]
    body = chunk_frame(PING) + frame_of(headers, b"{}") + chunk_frame(PING)
    for chunks in ([body], each_byte(body)):
        events, found = run_to_fault(chunks)
        assert [event.event for event in events] == ["ping"]
        assert found is not None
        assert found.startswith(reason)


@pytest.mark.parametrize(
    ("headers", "got"),
    [
        ({}, "none"),
        ({":message-type": Header(5, 1)}, "none"),
        ({":message-type": "Event"}, "'Event'"),
        ({":message-type": ""}, "''"),
    ],
)
def test_the_message_type_must_be_one_of_three(
    headers: Mapping[str, Header | str], got: str
) -> None:
    reason = f"the header `:message-type` of a frame must be event, exception or error, got {got}"
    assert run_to_fault([frame(headers, b"{}")]) == ([], reason)


# --- events -------------------------------------------------------------------------------------


def test_a_chunk_has_its_text_as_base64_beside_padding() -> None:
    assert the_event(chunk_frame(PING, p="abcdef")) == ServerSentEvent("ping", PING)
    assert the_event(chunk_frame('{"type":"é"}')) == ServerSentEvent("é", '{"type":"é"}')


@pytest.mark.parametrize("data", ["", "{}", "[]", "x", '{"type": null}', "[" * 100_000])
def test_a_text_without_a_type_is_a_message(data: str) -> None:
    assert the_event(chunk_frame(data)) == ServerSentEvent("message", data)


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    body = frame(EVENT, json.dumps({"bytes": base64.b64encode(b"\xff{}").decode()}))
    assert the_event(body).data == "\ufffd{}"


@pytest.mark.parametrize(
    "payload",
    ["", "x", "[]", "{}", '{"bytes":1}', '{"bytes":null}', '{"bytes":"e30"}', '{"bytes":"e3 0="}'],
)
def test_a_chunk_without_its_text_is_refused(payload: str) -> None:
    events, reason = run_to_fault([chunk_frame(PING) + frame(EVENT, payload)])
    assert [event.event for event in events] == ["ping"]
    assert reason == f'the payload of a chunk must be {{"bytes": base64}}, got {payload!r}'


def test_an_event_of_another_type_is_kept_as_it_came() -> None:
    headers = {":event-type": "initial-response", ":message-type": "event"}
    event = the_event(frame(headers, '{"a":1}'))
    assert event == ServerSentEvent("initial-response", '{"a":1}')
    assert parse_event(event).to_dict() == {"type": "initial-response", "a": 1}
    assert the_event(frame({":message-type": "event"}, PING)) == ServerSentEvent("ping", PING)


# --- errors -------------------------------------------------------------------------------------


API_TYPES = {
    "accessDeniedException": "permission_error",
    "internalServerException": "api_error",
    "modelErrorException": "api_error",
    "modelNotReadyException": "overloaded_error",
    "modelStreamErrorException": "api_error",
    "modelTimeoutException": "timeout_error",
    "resourceNotFoundException": "not_found_error",
    "serviceQuotaExceededException": "rate_limit_error",
    "serviceUnavailableException": "overloaded_error",
    "throttlingException": "rate_limit_error",
    "validationException": "invalid_request_error",
}


def test_the_exceptions_of_the_services_model_are_all_known() -> None:
    assert set(EXCEPTIONS) <= set(API_TYPES)


@pytest.mark.parametrize("name", [*API_TYPES, "surpriseException", ""])
def test_an_exception_is_an_error_event_of_the_apis_type(name: str) -> None:
    expected = {
        "type": API_TYPES.get(name, "api_error"),
        "message": "no such luck",
        "exception_type": name,
    }
    assert the_error(exception_frame(name, '{"message":"no such luck"}')) == expected
    for other in {name, name[:1].upper() + name[1:]}:
        headers = {":message-type": "error", ":error-code": other, ":error-message": "no such luck"}
        assert the_error(frame(headers)) == {**expected, "exception_type": other}


def test_what_else_an_exception_says_is_kept() -> None:
    payload = {
        "message": "m",
        "originalStatusCode": 529,
        "originalMessage": "o",
        "type": "x",
        "exception_type": "y",
        "deep": [],
    }
    assert the_error(exception_frame("modelStreamErrorException", json.dumps(payload))) == {
        "type": "api_error",
        "message": "m",
        "exception_type": "modelStreamErrorException",
        "originalStatusCode": 529,
        "originalMessage": "o",
    }


@pytest.mark.parametrize("payload", ["", "no such luck", "[1]", "{}", '{"message":["m"]}', "1e999"])
def test_an_exception_without_a_message_has_its_payload_for_one(payload: str) -> None:
    assert the_error(exception_frame("throttlingException", payload))["message"] == payload


def test_the_message_may_have_a_capital_as_other_services_write_it() -> None:
    assert the_error(exception_frame("throttlingException", '{"Message":"m"}'))["message"] == "m"


def test_an_error_frame_without_its_headers_is_an_error_all_the_same() -> None:
    expected = {"type": "api_error", "message": "", "exception_type": ""}
    assert the_error(frame({":message-type": "error"})) == expected


@pytest.mark.parametrize("name", [*API_TYPES, "surpriseException"])
def test_an_exception_is_written_as_an_exception_again(name: str) -> None:
    body = exception_frame(name, '{"message":"m","originalStatusCode":529}')
    event = parse_event(the_event(body))
    assert the_event(encode_event_stream([event])) == the_event(body)
    assert botocore_reads(encode_event_stream([event]))[0][0].text == (
        "m" if name in EXCEPTIONS else ""
    )


# --- states are values --------------------------------------------------------------------------


@given(cut_bodies(), cut_bodies())
def test_an_old_state_never_changes_and_can_be_fed_on_from_again(
    chunks: list[bytes], others: list[bytes]
) -> None:
    last, events = run(chunks)
    for position in range(len(chunks) + 1):
        state, before = run(chunks[:position])
        content = state.to_dict()
        branch = b"".join([*chunks[:position], *others])
        expected = run_to_fault([branch])
        found, reason = [], None
        try:
            found = run(others, state)[1]
        except ProtocolError as fault:
            reason = fault.reason
        if reason is None:
            assert (before + found, reason) == expected
        assert (expected[1] is None) == (reason is None)
        assert run(chunks[position:], state) == (last, events[len(before) :])
        assert state.to_dict() == content


@given(cut_bodies())
def test_a_state_goes_to_json_and_back_anywhere(chunks: list[bytes]) -> None:
    last, events = run(chunks)
    for position in range(len(chunks) + 1):
        state, before = run(chunks[:position])
        for restored in (
            EventStreamState.from_dict(json.loads(json.dumps(state.to_dict()))),
            pickle.loads(pickle.dumps(state)),
            copy.deepcopy(state),
        ):
            assert restored == state
            assert hash(restored) == hash(state)
            again, after = run(chunks[position:], restored)
            assert (again, before + after) == (last, events)


def test_the_beginning_is_empty() -> None:
    assert EventStreamState().to_dict() == {"limit": 16777216, "pending": ""}
    assert EventStreamState.from_dict({"limit": 7, "pending": ""}) == EventStreamState(limit=7)
    assert decode_event_stream(BEGINNING, b"") == (BEGINNING, ())
    assert run([chunk_frame(PING)])[0] == BEGINNING


def test_a_state_cannot_be_written() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        BEGINNING.limit = 1  # type: ignore[misc]
    with pytest.raises(TypeError, match="positional"):
        EventStreamState(100)  # type: ignore[call-arg]


# --- bounds -------------------------------------------------------------------------------------


def prelude(length: int, headers: int) -> bytes:
    lengths = struct.pack(">II", length, headers)
    return lengths + struct.pack(">I", zlib.crc32(lengths))


PRELUDES = {
    "a frame above the limit": (
        prelude(1001, 0),
        "a frame of 1,001 bytes is longer than the limit of 1,000",
    ),
    "a frame shorter than its headers": (
        prelude(20, 5),
        "a frame of 20 bytes cannot hold its 5 bytes of headers and 16 bytes of lengths and "
        "checksums",
    ),
    "a frame shorter than nothing": (
        prelude(0, 0),
        "a frame of 0 bytes cannot hold its 0 bytes of headers and 16 bytes of lengths and "
        "checksums",
    ),
    "a server-sent event": (
        b"event: ping\ndata: {}\n\n",
        "the prelude of a frame has the checksum 0x696e670a, its bytes have 0x048ac171: they are "
        "damaged, or are not application/vnd.amazon.eventstream",
    ),
}


@pytest.mark.parametrize("name", PRELUDES)
def test_a_prelude_is_refused_before_its_frame_comes(name: str) -> None:
    start, reason = PRELUDES[name]
    for chunks in ([start], each_byte(start), [start[:11], start[11:]]):
        assert run_to_fault(chunks, 1000) == ([], reason)
    assert run_to_fault([start[:11]], 1000) == ([], None)


def test_headers_may_have_as_much_as_the_format_allows() -> None:
    header = header_bytes("x", Header(6, b"\0" * 0xFFFF))
    other = header_bytes("y", Header(6, b"\0" * (128 * 1024 - len(header) - 5 - len(MESSAGE_TYPE))))
    headers = header + other + MESSAGE_TYPE
    assert len(headers) == 128 * 1024
    assert the_event(frame_of(headers, PING.encode())).event == "ping"
    longer = b"\x00\x00" + headers
    assert run_to_fault([frame_of(longer, b"")]) == (
        [],
        "the 131,074 bytes of a frame's headers are more than the format's 131,072",
    )


def test_a_frame_of_exactly_the_limit_passes_and_one_more_byte_does_not() -> None:
    body = chunk_frame(PING)
    for chunks in ([body], each_byte(body)):
        assert run_to_fault(chunks, len(body)) == ([ServerSentEvent("ping", PING)], None)
        events, reason = run_to_fault(chunks, len(body) - 1)
        assert (events, reason is None) == ([], False)


def test_many_frames_may_be_longer_than_the_limit_together() -> None:
    body = chunk_frame(PING)
    assert len(run_to_fault([body * 50], len(body))[0]) == 50


def test_the_time_grows_with_the_bytes_not_with_the_number_of_chunks_squared() -> None:
    def seconds(size: int) -> float:
        body = chunk_frame('{"type":"x","text":"' + "a" * size + '"}')
        chunks = cut(body, range(0, len(body), 64))
        start = time.process_time()
        run(chunks)
        return time.process_time() - start

    seconds(10_000)
    small = min(seconds(200_000) for _ in range(3))
    large = min(seconds(1_600_000) for _ in range(3))
    assert large < 24 * small  # 8 times the bytes; joining at every chunk would take 64 times
