"""Bodies of server-sent events: each quirk is drawn when it is chosen, and only then."""

from __future__ import annotations

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from streamfold.adapters.strategies import QUIRKS, event_streams
from streamfold.reducer import SSEState, decode_sse

from tests.support.effort import effort
from tests.support.sse_model import decode

SIGNS = {
    "comments": b"\n:",
    "multi_line": b"data: a\ndata: b",
    "unspaced": b"data:a",
    "bare": b"\ndata\n",
    "unknown": b"x: 1",
    "ids": b"id: 1",
    "null_ids": b"id: a\0b",
    "retry": b"retry: 10",
    "odd_retry": b"retry: -1",
    "separators": "\u2028".encode(),
    "odd_text": "😀".encode(),
    "bom": "\ufeff".encode(),
    "bad_utf8": b"\xff",
    "no_data": b"event: a\n\n",
    "crlf": b"\r\n",
    "cr": b"a\rd",
    "unfinished": b"",
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_each_quirk_is_drawn_when_it_is_chosen(quirk: str) -> None:
    def has_it(body: bytes) -> bool:
        if quirk == "unfinished":
            return body.endswith(b"a\n") and not body.endswith(b"\n\n")
        return SIGNS[quirk] in body

    limits = settings(max_examples=5000, database=None, phases=[Phase.generate])
    find(event_streams(quirks=[quirk]), has_it, settings=limits)


@given(event_streams(quirks=[]))
def test_without_quirks_there_are_plain_events_only(body: bytes) -> None:
    assert set(body.split(b"\n")) <= {b"", b"data: a", b"event: a"}
    assert all(b"data: a" in event for event in body.split(b"\n\n")[:-1])
    assert body == b"" or body.endswith(b"\n\n")


ALONE = sorted({*QUIRKS} - {"no_data", "bom", "cr", "crlf", "multi_line", "unfinished"})
"""The quirks whose sign no other quirk shows."""


@pytest.mark.parametrize("left_out", ALONE)
@effort(30)
@given(data=st.data())
def test_a_quirk_that_is_left_out_is_not_drawn(left_out: str, data: st.DataObject) -> None:
    body = data.draw(event_streams(quirks=[quirk for quirk in QUIRKS if quirk != left_out]))
    assert SIGNS[left_out] not in body


@given(event_streams())
def test_the_reference_reads_them_as_the_model_does(body: bytes) -> None:
    _, events = decode_sse(SSEState(), body)
    assert [(event.event, event.data, event.id, event.retry) for event in events] == decode(body)


@pytest.mark.parametrize("quirks", [["x"], "bom"])
def test_an_unknown_quirk_is_refused(quirks: object) -> None:
    with pytest.raises(ValueError, match="quirks must be some of comments, "):
        event_streams(quirks=quirks)  # type: ignore[arg-type]
