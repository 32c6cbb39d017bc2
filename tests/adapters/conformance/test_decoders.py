"""Checks of decoders: one body, and events of any class."""

from __future__ import annotations

from typing import Any, NamedTuple

import attrs
import pytest
from streamfold.adapters.conformance import check_chunks


class Event(NamedTuple):
    event: str
    data: str


@pytest.mark.parametrize(
    "event",
    [
        {"event": None, "data": "a"},
        ("", "a"),
        ("message", "a", None, None),
        Event("message", "a"),
        attrs.make_class("Sse", ["data"])("a"),
    ],
)
def test_events_of_a_decoder_may_be_of_any_class(event: Any) -> None:
    check_chunks(lambda chunks: [event] * b"".join(chunks).count(b"\n\n"), [b"data: a", b"\n\n"])
