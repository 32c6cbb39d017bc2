"""Recordings of every shape, as Hypothesis strategies, and a request that they answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from hypothesis import strategies as st
from streamfold.transports import (
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
)

REQUEST = RecordedRequest("POST", "https://example.com/v1/messages", body={"stream": True})
"""The request that `Client.send` sends to `EXAMPLE`."""


class Address:
    """A server that is only an address, for requests that never leave the process."""

    def __init__(self, url: str = "https://example.com") -> None:
        self.url = url


EXAMPLE = Address()


def recorded(body: bytes | Iterable[bytes], **parts: Any) -> Recording:
    """A recording of this body that answers `REQUEST`."""
    return attrs.evolve(Recording.of(body), **{"request": REQUEST, **parts})


def data_of(recording: Recording) -> list[bytes]:
    """The bytes of each chunk."""
    return [chunk.data for chunk in recording.chunks]


def times_of(recording: Recording) -> list[float]:
    """The time of each chunk."""
    return [chunk.at for chunk in recording.chunks]


# --- strategies -----------------------------------------------------------------------------------

seconds = st.floats(min_value=0, max_value=1e9)
texts = st.text(st.characters(exclude_categories=()), max_size=20)
"""Any text, with lone halves of surrogate pairs."""

chunk_data = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.text(min_size=1, max_size=20).map(str.encode),
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc3", b"\xa9", b"\0"]
    ),
)
header_texts = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0"), max_size=20
)
headers = st.lists(st.tuples(header_texts, header_texts), max_size=4)
json_values = st.recursive(
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
    st.builds(RecordedRequest, st.just("POST"), urls, headers, body=json_values),
    st.builds(RecordedRequest, st.just("PUT"), urls, headers, content=st.binary(max_size=40)),
)
chunk_sizes = st.integers(1, 50) | st.lists(st.integers(1, 20), max_size=8)
"""Arguments of `Recording.rechunk`."""


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    """A recording whose times do not decrease."""
    pieces = draw(st.lists(chunk_data, max_size=8))
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
