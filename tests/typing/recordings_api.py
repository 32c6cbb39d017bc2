"""User code of recordings, read by the type checkers and never run."""

from __future__ import annotations

from pathlib import Path

import httpx
import httpx2
from streamfold.adapters import httpx2 as adapter
from streamfold.transports import (
    AsyncMessageStream,
    MessageStream,
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
    RecordingTransport,
    ReplayTransport,
    UnmatchedRequestError,
    areplay,
    recording_files,
    replay,
)
from typing_extensions import assert_type

recording = Recording([RecordedChunk(b"a", at=0.5), RecordedChunk(b"b", 1)])
assert_type(recording.duration, float)
assert_type(recording.chunks, tuple[RecordedChunk, ...])
assert_type(recording.request, "RecordedRequest | None")
assert_type(recording.error, "RecordedError | None")
assert_type(Recording.of(b"a"), Recording)
assert_type(Recording.of([b"a", RecordedChunk(b"b", 1)]), Recording)
assert_type(Recording.load("turn.jsonl"), Recording)
assert_type(recording.rechunk(7).rechunk([1, 2]).cut(3).slow(2) + recording, Recording)
assert_type(recording.with_error("api_error", after_event=1), Recording)
recording.save(Path("turn.jsonl"), secrets=["user_id"])

request = RecordedRequest("POST", "https://example.com", {"accept": "*/*"}, {"messages": []})
response = RecordedResponse(200, [("request-id", "req_1")])
failed = RecordedError("ReadTimeout", "too slow")
whole = Recording((), request=request, response=response, ended="error", error=failed, duration=2)

sync_stream: MessageStream[None] = replay(whole, speed=1)
async_stream: AsyncMessageStream[None] = areplay("turn.jsonl")

transport = ReplayTransport(["turn.jsonl", Path("folder"), recording], match="order", speed=2)
assert_type(transport.unused, "tuple[Path | Recording, ...]")
ReplayTransport(recording_files("folder"))
httpx.Client(transport=transport)
httpx.AsyncClient(transport=transport)
httpx.Client(transport=RecordingTransport(httpx.HTTPTransport(), "turn.jsonl"))
httpx2.Client(transport=adapter.ReplayTransport("turn.jsonl", secrets=("user_id",)))
httpx2.AsyncClient(
    transport=adapter.RecordingTransport(httpx2.AsyncHTTPTransport(), Path("turn.jsonl"))
)

try:
    httpx.Client(transport=transport).get("https://example.com")
except UnmatchedRequestError as error:
    print(error)
