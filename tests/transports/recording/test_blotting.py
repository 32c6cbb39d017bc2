"""Secrets in bodies become asterisks: any cut, any interleaving of blocks, both framings."""

from __future__ import annotations

import base64
import json
import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    EventStreamState,
    SSEState,
    decode_event_stream,
    decode_sse,
    encode_event_stream,
    encode_sse,
)
from streamfold.transports import RecordedRequest, Recording
from streamfold.transports.recording import Redaction

from tests.support.echoes import Echo, echoed, joined
from tests.support.effort import effort
from tests.support.event_stream_frames import frame
from tests.support.events import text_delta
from tests.support.recordings import chunk_sizes, data_of

KEY = "sk-ant-api03-do-not-tell/0+1"


def redaction_of(secret: str) -> Redaction:
    redaction = Redaction()
    redaction.headers([("x-api-key", secret)])
    return redaction


@effort(600)
@given(echoed(), st.booleans(), chunk_sizes)
def test_a_secret_in_pieces_is_hidden(echo: Echo, framed: bool, sizes: list[int]) -> None:
    body = (encode_event_stream if framed else encode_sse)(echo.events)
    asked = RecordedRequest("POST", "https://example.com", {"x-api-key": echo.secret})
    recording = attrs.evolve(Recording.of(body).rechunk(sizes), request=asked)
    hidden = recording.redacted()
    assert list(map(len, data_of(hidden))) == list(map(len, data_of(recording)))
    if framed:
        sse = decode_event_stream(EventStreamState(), hidden.body)[1]
    else:
        sse = decode_sse(SSEState(), hidden.body)[1]
    events = [json.loads(event.data) for event in sse]
    text = joined(events, echo.index, echo.field)
    assert re.fullmatch(rf"{re.escape(echo.before)}\**{re.escape(echo.after)}", text)
    for field in ("text", "thinking"):
        other = 1 - echo.index, field
        assert joined(events, *other) == joined(echo.events, *other)
    assert len(events) == len(echo.events)
    assert hidden.redacted() == hidden


@given(echoed(), st.data())
def test_a_body_without_the_secret_is_kept(echo: Echo, data: st.DataObject) -> None:
    body = data.draw(st.sampled_from([encode_sse, encode_event_stream]))(echo.events)
    assert redaction_of("another-secret-altogether").blot(body) == body
    assert Redaction().blot(body) == body


HEADERS = {":message-type": "event", ":event-type": "chunk"}


@given(st.integers(0, 3), st.sampled_from(["?", "???", "ÿÿ>"]))
def test_base64_with_escaped_slashes(shift: int, slashes: str) -> None:
    """Some encoders of JSON escape each slash; the payload still has its length and its JSON."""
    event = json.dumps({"text": " " * shift + slashes + KEY + slashes}, ensure_ascii=False)
    text = base64.b64encode(event.encode()).replace(b"/", b"\\/")
    body = frame(HEADERS, b'{"bytes":"%b","p":"abc"}' % text)
    blotted = redaction_of(KEY).blot(body)
    (decoded,) = decode_event_stream(EventStreamState(), blotted)[1]
    assert decoded.data == event.replace(KEY, "*" * len(KEY))
    assert len(blotted) == len(body)


def test_checksums_that_were_wrong_stay_wrong() -> None:
    body = bytearray(encode_event_stream([text_delta(0, KEY), text_delta(0, KEY)]))
    half = len(body) // 2
    body[half - 1] ^= 1
    blotted = redaction_of(KEY).blot(bytes(body))
    assert blotted[half - 4 : half] == body[half - 4 : half]
    (event,) = decode_event_stream(EventStreamState(), blotted[half:])[1]
    assert json.loads(event.data)["delta"]["text"] == "*" * len(KEY)


@pytest.mark.parametrize(
    "body",
    [
        b'{"bytes": "not base64=="} ' + KEY.encode(),
        b'{"bytes": "A' + KEY.encode(),
        b'data: {"delta":{"text":"\\' + b"\n\n" + KEY.encode(),
        frame(HEADERS, b"")[:11] + KEY.encode(),
        (8).to_bytes(4, "big") + KEY.encode(),
    ],
)
def test_bodies_that_only_look_like_a_payload(body: bytes) -> None:
    assert redaction_of(KEY).blot(body) == body.replace(KEY.encode(), b"*" * len(KEY))


@given(st.integers(0, 60))
def test_a_body_that_is_cut_inside_of_a_secret(cut: int) -> None:
    events = [text_delta(0, f"It is {KEY[:9]}"), text_delta(0, f"{KEY[9:]} then")]
    for encode in (encode_sse, encode_event_stream):
        body = encode(events)[: -cut or None]
        blotted = redaction_of(KEY).blot(body)
        assert len(blotted) == len(body)
        parts = [blotted, *map(decoded, re.findall(rb'"bytes":"([^"]*)', blotted))]
        for part in parts:
            assert KEY[:16].encode() not in part
            assert KEY[9:].encode() not in part


KEYS = {
    "escaped": lambda name: f'"{name[0]}\\u{ord(name[1]):04x}{name[2:]}":'.encode(),
    "all escaped": lambda name: b'"%b" :' % "".join(f"\\u{ord(c):04X}" for c in name).encode(),
    "a line of its own": lambda name: f'"{name}"\ndata::\r\ndata:  '.encode(),
}


@pytest.mark.parametrize("form", KEYS)
@pytest.mark.parametrize("name", ["text", "thinking", "partial_json"])
def test_a_key_of_a_delta_may_be_written_in_any_way(form: str, name: str) -> None:
    key = KEYS[form]
    event = b'data: {%b%d,"delta":{%b"%b"}}\n\n'
    pieces = [(0, KEY[:9]), (1, "other"), (0, KEY[9:])]
    body = b"".join(
        event % (key("index"), index, key(name), piece.encode()) for index, piece in pieces
    )
    blotted = redaction_of(KEY).blot(body)
    hidden = b"".join(
        event % (key("index"), index, key(name), piece)
        for index, piece in [(0, b"*" * 9), (1, b"other"), (0, b"*" * len(KEY[9:]))]
    )
    assert blotted == hidden


def test_a_payload_under_an_escaped_key() -> None:
    payload = base64.b64encode(KEY.encode())
    body = b'{"b\\u0079tes":"%b"}'
    assert redaction_of(KEY).blot(body % payload) == body % base64.b64encode(b"*" * len(KEY))


def decoded(text: bytes) -> bytes:
    return base64.b64decode(text[: len(text) // 4 * 4])
