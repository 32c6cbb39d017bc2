"""The comparisons and their targets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import attrs

from . import isolated, network, peers, streams
from .measure import Comparison, CPUTime, Side

__all__ = ["OURS", "SDK", "Scale", "beside_the_sdk", "comparisons"]

OURS = "streamfold"
SDK = "anthropic"
CHUNK = 4096
"""Bytes in a chunk of most workloads."""

Chunks = Sequence[bytes]


@attrs.frozen
class Scale:
    """The size of the workloads.

    Attributes:
        divisor: the sizes of a full run are divided by this.
        shortest: the minimum time of one measurement, in seconds.
        pause: the seconds between two events on a network.
    """

    divisor: int = 1
    shortest: float = 0.05
    pause: float = 0.02

    def __call__(self, full: int) -> int:
        """The size in this run of a workload of the size `full`."""
        return max(full // self.divisor, 8)


def comparisons(scale: Scale) -> Iterator[Comparison]:
    """All rows of the tables. Each is made on demand, because they are large."""
    yield from network.comparisons(scale(50), scale(150), scale.pause)
    yield from _short_streams(scale)
    yield from _against_the_sdk(scale)
    yield from _async_against_the_sdk(scale)
    yield from _against_parts(scale)
    yield from _against_itself(scale)
    yield from _spellings(scale)
    yield from _in_fresh_processes(scale)


# --- the table ----------------------------------------------------------------------------------


def _against_the_sdk(scale: Scale) -> Iterator[Comparison]:
    row = partial(beside_the_sdk, scale)
    one_event = "each event comes in a chunk of its own, as on an idle network"

    for full in (1_000, 4_000, 16_000, 64_000):
        target = 12.0 if full == 4_000 else None
        text = streams.text(scale(full))
        yield row(f"text {_count(text)}, all events", text, peers.all_events, at_least=target)

    text = streams.text(scale(4_000))
    name = f"text {_count(text)}"
    yield row(f"{name}, `text_stream`", text, peers.text_stream)
    yield row(
        f"{name}, all events, every `event.delta.text`",
        text,
        peers.texts_of_deltas,
        note="streamfold makes the delta of a raw event when it is read, as here",
    )
    yield row(f"{name}, `get_final_message()` only", text, peers.final_message, at_least=25)
    yield row(
        f"{name}, all events, one event a chunk",
        text,
        peers.all_events,
        chunks=text,
        at_least=12,
        note=one_event,
    )
    yield row(f"{name}, all events, one chunk", text, peers.all_events, chunks=[b"".join(text)])

    thinking = streams.thinking_then_text(scale(4_000))
    yield row(f"thinking, then text {_count(thinking)}, all events", thinking, peers.all_events)

    tool = streams.tool(scale(4_000))
    yield row(f"tool {_count(tool)}, all events, input unread", tool, peers.all_events, at_least=12)
    tool = streams.tool(scale(12_000))
    name = f"tool {_count(tool)}, all events"
    yield row(f"{name}, input unread", tool, peers.all_events, at_least=25)
    yield row(f"{name}, every snapshot read", tool, peers.every_snapshot, at_least=10)
    edits = streams.tool_edits(scale(12_000))
    name = f"tool {_count(edits)} of many strings, all events"
    many = "an input of many finished strings, all of which every snapshot has to show"
    yield row(f"{name}, input unread", edits, peers.all_events, note=many)
    yield row(f"{name}, every snapshot read", edits, peers.every_snapshot, note=many)

    blocks = streams.many_blocks(scale(200))
    yield row(f"{scale(200)} small blocks, all events", blocks, peers.all_events, at_least=10)
    citations = streams.citations(scale(200))
    name = f"citations {_count(citations)}, all events"
    yield row(name, citations, peers.all_events, at_least=10)
    turn = streams.agent_turn(scale(4_000))
    yield row(f"agent turn {_count(turn)}, all events", turn, peers.all_events)
    yield row(f"agent turn {_count(turn)}, `get_final_message()` only", turn, peers.final_message)


def _async_against_the_sdk(scale: Scale) -> Iterator[Comparison]:
    row = partial(_beside_the_async_sdk, scale)
    text = streams.text(scale(4_000))
    yield row(f"text {_count(text)}, all events, async", text, 1)
    text = streams.text(scale(200))
    many = scale(200)
    name = f"{many} concurrent async streams of {_count(text)}"
    yield row(f"{name}, all events", text, many, at_least=10)
    yield row(f"{name}, all events, one event a chunk", text, many, chunks=text, at_least=10)


def _against_parts(scale: Scale) -> Iterator[Comparison]:
    text = streams.text(scale(4_000))
    cut = streams.chunks(text, CHUNK)
    data = streams.data_of(text)
    cost = partial(_cost, scale)
    yield Comparison(
        f"text {_count(text)}, all events, against the floor",
        Side(OURS, cost(_reading(peers.open_streamfold, peers.all_events, cut), events=len(text))),
        Side("json.loads", cost(partial(partial, peers.json_alone, data), events=len(text))),
        at_most=0.6,
        note="the floor parses each event's data, cut out beforehand, and does nothing else; "
        "streamfold makes the delta of a raw event and the snapshot of a derived one when a "
        "program reads them, and this one reads neither",
    )
    yield Comparison(
        f"SSE decoding alone, text {_count(text)}",
        Side(
            OURS,
            cost(partial(partial, peers.decode_streamfold, cut), events=len(text)),
            lambda: [(sse.event, sse.data) for sse in peers.decode_streamfold(cut)],
        ),
        Side(
            "httpx-sse",
            cost(partial(partial, peers.decode_httpx_sse, cut), events=len(text)),
            lambda: [(sse.event, sse.data) for sse in peers.decode_httpx_sse(cut)],
        ),
        at_least=2.5,
        note="httpx-sse reads an `httpx.Response`, as it must: 0.25 µs of its time per event",
    )
    yield _against_a_parser(scale, 12_000, "jiter", peers.snapshots_jiter)
    quadratic = peers.snapshots_partial_json_parser
    yield _against_a_parser(scale, 1_000, "partial-json-parser", quadratic)


def _against_a_parser(
    scale: Scale, deltas: int, peer: str, parse_pieces: Callable[[Sequence[str]], Any]
) -> Comparison:
    tool = streams.tool(scale(deltas))
    chunks, pieces = streams.chunks(tool, CHUNK), streams.input_pieces(tool)

    def ours() -> Callable[[], object]:
        return partial(peers.every_snapshot, peers.open_streamfold(chunks))

    def theirs() -> Callable[[], object]:
        return partial(parse_pieces, pieces)

    return Comparison(
        f"tool {_count(tool)}, every snapshot read, against the parser alone",
        Side(OURS, _cost(scale, ours, events=len(tool)), lambda: ours()()),
        Side(peer, _cost(scale, theirs, events=len(tool)), lambda: theirs()()),
        note="the peer parses pieces of input cut out beforehand; streamfold reads the stream",
    )


def _against_itself(scale: Scale) -> Iterator[Comparison]:
    def ours(name: str, stream: Chunks) -> Side:
        reading = _reading(peers.open_streamfold, peers.all_events, streams.chunks(stream, CHUNK))
        return Side(name, _cost(scale, reading, events=len(stream)))

    long, short = streams.text(scale(64_000)), streams.text(scale(1_000))
    yield Comparison(
        f"cost per event, text {_count(long)} against {_count(short)}",
        ours(f"{OURS}, {_count(long)}", long),
        ours(f"{OURS}, {_count(short)}", short),
        at_most=1.15,
    )
    deltas, blocks = scale(4_000), scale(200)
    text, parts = streams.text(deltas), streams.text_in_blocks(deltas, blocks)
    yield Comparison(
        f"cost per event, text {_count(text)} in {blocks} blocks against in one",
        ours(f"{OURS}, {blocks} blocks", parts),
        ours(f"{OURS}, one block", text),
        at_most=1.3,
        note="the same deltas, shared equally among the blocks",
    )
    small = streams.many_blocks(blocks)
    one = streams.text(len(small) - len(streams.text(0)))
    yield Comparison(
        f"cost per event, {blocks} small blocks against one block of as many events",
        ours(f"{OURS}, {blocks} blocks", small),
        ours(f"{OURS}, one block", one),
        note="the small blocks alternate text and tool input, of one to three deltas each: two of "
        "five events start or stop a block, and these must be parsed, checked and built",
    )


def _spellings(scale: Scale) -> Iterator[Comparison]:
    """Each spelling against the compact one, folded by ours from the same number of chunks."""
    text = streams.text(scale(4_000))
    usual = streams.chunks(text, CHUNK)

    def ours(name: str, chunks: Chunks) -> Side:
        reading = _reading(peers.open_streamfold, peers.all_events, chunks)
        return Side(name, _cost(scale, reading, events=len(text)))

    for spelling in streams.SPELLINGS:
        body = streams.respelled(text, spelling)
        yield Comparison(
            f"text {_count(text)}, {spelling}",
            ours(OURS, streams.chunks(body, CHUNK)),
            ours(f"{OURS}, compact", usual),
            at_most=2.0 if spelling in streams.IN_JSON else 1.7,
            note="the same events in the compact spelling of the API",
            section="Other spellings",
        )


def _short_streams(scale: Scale) -> Iterator[Comparison]:
    """A short answer: the whole call, from the arguments to the message."""
    stream = streams.five_events()
    chunks = [b"".join(stream)]

    def side(name: str, call: Callable[[Chunks], Any], outcome: Callable[[], object]) -> Side:
        return Side(name, CPUTime(lambda: partial(call, chunks), 1, scale.shortest), outcome)

    def message(call: Callable[[Chunks], tuple[int, Any]]) -> object:
        events, message = call(chunks)
        return events, peers.message_of(message)

    name = f"a stream of {len(stream)} events"
    row = partial(Comparison, unit="µs/call", section="Short streams")
    yield row(
        f"{name}, against httpx alone",
        side(OURS, peers.call_streamfold, lambda: None),
        side("httpx", peers.call_httpx, lambda: None),
        at_most=2.5,
        note="the whole call on a transport in memory; httpx sends the same and reads the bytes",
    )
    yield row(
        f"{name}, all events and the message",
        side(OURS, peers.call_streamfold, partial(message, peers.call_streamfold)),
        side(SDK, peers.call_sdk, partial(message, peers.call_sdk)),
        note="the whole call on a transport in memory",
    )


def _in_fresh_processes(scale: Scale) -> Iterator[Comparison]:
    deltas = scale(8_000)
    yield Comparison(
        f"all events of text {_thousands(deltas)} kept",
        Side(OURS, partial(isolated.kept_events, OURS, deltas)),
        Side(SDK, partial(isolated.kept_events, SDK, deltas)),
        unit="MB",
        at_most=1 / 40,
        note="bytes counted by `tracemalloc` in a process of its own",
    )
    yield Comparison(
        "`import streamfold.reducer` against `import anthropic`",
        Side(OURS, partial(isolated.import_time, "streamfold.reducer")),
        Side(SDK, partial(isolated.import_time, "anthropic")),
        unit="ms",
        at_most=1 / 15,
        note="CPU time in a process of its own",
    )


# --- how a row is made --------------------------------------------------------------------------


def beside_the_sdk(
    scale: Scale,
    name: str,
    stream: Chunks,
    read: Callable[[Any], Any],
    *,
    chunks: Chunks | None = None,
    at_least: float | None = None,
    note: str = "",
) -> Comparison:
    """`read` by streamfold and by the official SDK."""
    cut = chunks or streams.chunks(stream, CHUNK)
    return Comparison(
        name,
        _side(scale, OURS, peers.open_streamfold, read, cut, len(stream)),
        _side(scale, SDK, peers.open_sdk, read, cut, len(stream)),
        at_least=at_least,
        note=note,
    )


def _beside_the_async_sdk(
    scale: Scale,
    name: str,
    stream: Chunks,
    many: int,
    *,
    chunks: Chunks | None = None,
    at_least: float | None = None,
) -> Comparison:
    """All events of `many` streams at once, by streamfold and by the official SDK, async."""
    cut = chunks or streams.chunks(stream, CHUNK)

    async def open_all(open_stream: Callable[[Chunks], Any]) -> list[Any]:
        return [await open_stream(cut) for _ in range(many)]

    async def read_all(opened: list[Any]) -> list[int]:
        return await asyncio.gather(*map(peers.all_events_async, opened))

    async def messages(opened: list[Any]) -> list[object]:
        return [peers.message_of(await stream.get_final_message()) for stream in opened]

    def side(library: str, open_stream: Callable[[Chunks], Any]) -> Side:
        def prepare() -> Callable[[], object]:
            opened = peers.wait_for(open_all(open_stream))
            return lambda: peers.wait_for(read_all(opened))

        def outcome() -> object:
            opened = peers.wait_for(open_all(open_stream))
            return peers.wait_for(read_all(opened)), peers.wait_for(messages(opened))

        return Side(library, _cost(scale, prepare, events=many * len(stream)), outcome)

    return Comparison(
        name, side(OURS, peers.aopen_streamfold), side(SDK, peers.aopen_sdk), at_least=at_least
    )


def _side(
    scale: Scale,
    library: str,
    open_stream: Callable[[Chunks], Any],
    read: Callable[[Any], Any],
    chunks: Chunks,
    events: int,
) -> Side:
    def outcome() -> object:
        stream = open_stream(chunks)
        return read(stream), peers.message_of(stream.get_final_message())

    return Side(library, _cost(scale, _reading(open_stream, read, chunks), events=events), outcome)


def _reading(
    open_stream: Callable[[Chunks], Any], read: Callable[[Any], Any], chunks: Chunks
) -> Callable[[], Callable[[], object]]:
    return lambda: partial(read, open_stream(chunks))


def _cost(scale: Scale, prepare: Callable[[], Callable[[], object]], *, events: int) -> CPUTime:
    return CPUTime(prepare, events, scale.shortest)


def _count(stream: Sequence[bytes]) -> str:
    """The number of deltas of a stream, as written in the name of a row."""
    return _thousands(sum(event.startswith(b"event: content_block_delta") for event in stream))


def _thousands(count: int) -> str:
    return f"{count / 1000:.3g}k" if count >= 1000 else str(count)
