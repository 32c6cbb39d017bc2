"""`timing_of`: the timing of a recorded stream, by the times of its chunks.

It folds the recording once, at the cost of reading it. A compressed body is decompressed in bounded
pieces; the events of a chunk have come when its last byte has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx
from streamfold.reducer import DEFAULT_LIMIT, StreamState, Timing, fold_chunk

from .content_types import decoder_of
from .decompression import decompressed
from .http_library import raw_headers
from .parts import RecordedChunk, RecordedResponse

__all__ = ["timing_of"]


def timing_of(
    response: RecordedResponse, chunks: Sequence[RecordedChunk], duration: float
) -> Timing:
    """The timing of a stream.

    Events after a violation of the protocol, and bytes that cannot be decompressed, are not
    counted.

    Args:
        response: the head of the response.
        chunks: the body.
        duration: the time of the end, in seconds since the request.

    >>> timing_of(RecordedResponse(at=0.2), [RecordedChunk(b"data: {", at=0.5)], 0.7).headers
    0.2
    """
    at = response.at

    def body() -> Iterator[bytes]:
        nonlocal at
        for chunk in chunks:
            at = chunk.at
            yield chunk.data

    content_type = {name.lower(): value for name, value in response.headers}
    state = StreamState(sse=decoder_of(content_type.get("content-type")))
    timing = Timing().answered(at)
    read = httpx.Response(response.status, headers=raw_headers(response.headers), content=body())
    try:
        for data in decompressed(read, httpx, DEFAULT_LIMIT):
            folded = fold_chunk(state, data)
            timing = timing.took(at, state, folded.state, len(data))
            state = folded.state
            if folded.fault is not None:
                break
    except httpx.DecodingError:
        pass
    return timing.ended(duration)
