"""Property tests of a user, read by the type checkers and never run."""

from typing import Any

from hypothesis import given
from streamfold.adapters.strategies import (
    BrokenStream,
    broken,
    chunked,
    json_prefixes,
    messages,
    raw_events,
    wire,
)


@given(raw_events(blocks=["text", "tool_use"], ways=["cut", "interleaved"]), json_prefixes())
def accumulates(events: list[dict[str, Any]], text: str) -> None:
    for event in events:
        kind: str = event["type"]
        print(kind, text)


@given(messages(unknown=True))
def streams_of(message: dict[str, Any]) -> None:
    body = wire(message, forms=["crlf", "comments"])
    chunks = body.flatmap(chunked)

    @given(raw_events(message), chunks, wire([{"type": "ping"}, "no JSON"]))
    def check(events: list[dict[str, Any]], chunks: list[bytes], body: bytes) -> None:
        print(len(events), b"".join(chunks), body)

    check()


@given(broken(faults=["cut", "error_event"]))
def fails(stream: BrokenStream) -> None:
    if stream.fault == "cut" and stream.outcome == "incomplete":
        at: int = stream.at
        print(at, wire(stream))
