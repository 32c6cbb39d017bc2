"""Bytes: every form decodes to the same events, and chunks join to the bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import FORMS, broken, chunked, messages, raw_events, wire
from streamfold.reducer import SSEState, decode_sse, fold, parse_event

from tests.support.effort import effort
from tests.support.stream_queries import Event, least


def decoded(body: bytes) -> list[Event]:
    return [parse_event(sse).to_dict() for sse in decode_sse(SSEState(), body)[1]]


@effort(150)
@given(raw_events(unknown=True), st.data())
def test_every_form_decodes_to_the_same_events(events: list[Event], data: st.DataObject) -> None:
    assert decoded(data.draw(wire(events))) == events


@effort(40)
@given(st.data())
def test_messages_and_broken_streams_can_be_written(data: st.DataObject) -> None:
    message = data.draw(messages())
    assert fold(decoded(data.draw(wire(message)))).message.to_dict() == message
    stream = data.draw(broken(faults=["bad_json", "wrong_type", "late"]))
    _, sses = decode_sse(SSEState(), data.draw(wire(stream)))
    assert len(sses) == len(stream.events)
    for sse, event in zip(sses, stream.events, strict=True):
        assert sse.data == event if isinstance(event, str) else json.loads(sse.data) == event


FORM_SEEN: dict[str, Callable[[bytes], Any]] = {
    "crlf": lambda body: b"\r\n" in body,
    "cr": lambda body: re.search(rb"\r[^\n]", body),
    "bom": lambda body: body.startswith("\ufeff".encode()),
    "comments": lambda body: re.search(rb"(?m)^:", body),
    "fields": lambda body: re.search(rb"(?m)^(id|retry|unknown|y)", body),
    "nameless": lambda body: re.search(rb"(?m)^event", body) is None and b"data" in body,
    "multi_line": lambda body: b'data: {\ndata: "' in body,
    "spelled": lambda body: b'" :' in body or b'": ' in body or b'"\t:' in body,
    "unspaced": lambda body: re.search(rb"(?m)^data:(  |\t)?\{| \t", body),
}
PLAIN = {"type": "hello", "message": {"id": "é"}}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_written_only_when_it_is_chosen(form: Any) -> None:
    seen = least(wire([PLAIN], forms=[form]), lambda body: bool(FORM_SEEN[form](body)))
    assert decoded(seen) == [PLAIN]

    @effort(40)
    @given(wire([PLAIN], forms=[other for other in FORMS if other != form]))
    def check(body: bytes) -> None:
        assert decoded(body) == [PLAIN]
        assert form == "nameless" or not FORM_SEEN[form](body)

    check()


@effort(20)
@given(wire(["{}", PLAIN], forms=()))
def test_without_forms_it_is_written_as_the_api_does(body: bytes) -> None:
    assert (
        body
        == (
            "event: content_block_delta\ndata: {}\n\n"
            'event: hello\ndata: {"type":"hello","message":{"id":"é"}}\n\n'
        ).encode()
    )


@effort(150)
@given(st.data(), st.binary(max_size=20) | wire())
def test_chunks_join_to_the_data(data: st.DataObject, body: bytes) -> None:
    assert b"".join(data.draw(chunked(body))) == body


CHUNKS: dict[str, Callable[[list[bytes]], bool]] = {
    "whole": lambda chunks: len(chunks) == 1,
    "an empty one": lambda chunks: b"" in chunks,
    "one byte each": lambda chunks: len(chunks) > 3 and max(map(len, chunks)) == 1,
    "in a line end": lambda chunks: any(chunk.endswith(b"\r") for chunk in chunks),
    "in a character": lambda chunks: any(chunk.endswith(b"\xf0\x9f") for chunk in chunks),
}


@pytest.mark.parametrize("way", CHUNKS)
def test_chunks_are_cut_in_every_way(way: str) -> None:
    least(chunked("data: 😀\r\n\r\n".encode()), CHUNKS[way])
