"""Streamfold under attack: the growth and the memory of reading hostile streams.

    python -m benchmarks.attack            # the whole table, saved as benchmarks/ATTACK.md
    python -m benchmarks.attack --quick    # short streams, printed only

Each growth row folds one family of hostile streams at n, 2n, 4n and 8n events, and shows the time
at n and the ratios to it; linear work gives 2, 4 and 8. Each memory row reads an attack in a
process of its own, and shows the peak of its memory above the start. The official client reads the
same attack in the same way. A side that takes longer than a quarter of a minute is stopped. The
other attacks have an outcome instead of a figure: see `attack_outcomes`. The column "before" has
the figures and outcomes from before the defences were made.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import resource
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from .attack_events import (
    Event,
    block_delta,
    block_start,
    body_of,
    chunks_of,
    message_delta,
    message_start,
    message_stop,
)
from .attack_outcomes import OUTCOMES, outcome

PAGE = Path(__file__).with_name("ATTACK.md")
PATIENCE = 15.0
"""Seconds after which a side of a row is stopped."""

# --- hostile streams ----------------------------------------------------------------------------

LARGE = {f"key {number}": [number] for number in range(2000)}


def usage_keys(count: int) -> Iterator[Event]:
    yield message_start()
    for number in range(count):
        yield message_delta(**{f"tokens_{number}": number})


def open_blocks(count: int) -> Iterator[Event]:
    yield message_start()
    for index in range(count):
        yield block_start(index, type="text", text="")


def large_head(count: int) -> Iterator[Event]:
    yield message_start(unknown=LARGE)
    for number in range(count):
        yield message_delta(output_tokens=number)


def large_block(count: int) -> Iterator[Event]:
    yield message_start()
    yield block_start(0, type="thinking", thinking="", signature="", unknown=LARGE)
    for number in range(count):
        yield block_delta(type="signature_delta", signature=str(number))


def halves(count: int) -> Iterator[Event]:
    yield message_start()
    yield block_start(0, type="text", text="")
    for number in range(count):
        yield block_delta(type="text_delta", text=("\ud83d", "\ude00", "\ud83d", "x")[number % 4])


def input_keys(count: int) -> Iterator[Event]:
    yield message_start()
    yield block_start(0, type="tool_use", id="t", name="look", input={})
    for number in range(count):
        piece = f'{"," if number else "{"}"key {number}":1'
        yield block_delta(type="input_json_delta", partial_json=piece)


def citations(count: int) -> Iterator[Event]:
    yield message_start()
    yield block_start(0, type="text", text="", citations=[])
    place = {"document_index": 0, "start_char_index": 0, "end_char_index": 1}
    for _ in range(count):
        citation = {"type": "char_location", "cited_text": "x", "document_title": None, **place}
        yield block_delta(type="citations_delta", citation=citation)


GROWTH: tuple[tuple[str, Callable[[int], Iterator[Event]], int, bool, str], ...] = (
    ("a new usage key in each message_delta", usage_keys, 1000, False, "4,000 events 15 s"),
    ("blocks that start and never stop", open_blocks, 5000, False, "40,000 blocks 16 s"),
    ("a large field in the head, then small deltas", large_head, 250, False, "60 ms an event"),
    ("a large field in a block, then small deltas", large_block, 250, False, "60 ms an event"),
    ("surrogate halves, each snapshot read", halves, 1000, True, "17 s"),
    ("an input with many keys, each snapshot read", input_keys, 500, True, "21 s"),
    ("many citations, each snapshot read", citations, 500, True, "4,000 citations 6 s"),
)
"""Name, events, n, whether each snapshot is read (which is quadratic in n, because the snapshots
are), and the figure before."""


# --- the sides ----------------------------------------------------------------------------------


def ours(chunks: list[bytes], reads: bool) -> None:
    from streamfold.reducer import StreamState, feed

    state = StreamState()
    for chunk in chunks:
        state, _ = feed(state, chunk)
        if reads:
            message = state.snapshot.message
            for block in message.content if message else ():
                _ = block.to_dict if block.type == "text" else block.input


def official(chunks: list[bytes], reads: bool) -> None:
    import anthropic

    def answer(_: Any) -> Any:
        headers = {"content-type": "text/event-stream"}
        return library.Response(200, headers=headers, content=b"".join(chunks))

    import httpx2 as library

    http = library.Client(transport=library.MockTransport(answer))
    client = anthropic.Anthropic(api_key="none", http_client=http, max_retries=0)
    asked = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
    with client.messages.stream(**asked) as stream:  # type: ignore[arg-type]
        for _ in stream:
            pass


SIDES = {"streamfold": ours, "anthropic": official}


def seconds(side: str, events: Callable[[int], Iterator[Event]], count: int, reads: bool) -> float:
    chunks = chunks_of(events(count))
    start = time.perf_counter()
    with suppress(Exception):  # an attack may end with an error; its cost counts all the same
        SIDES[side](chunks, reads)
    return time.perf_counter() - start


# --- memory -------------------------------------------------------------------------------------

MEGABYTE = 1024 * 1024


def bomb(encodings: str, megabytes: int) -> bytes:
    """One endless line, compressed; the innermost encoding is made without holding it."""
    pieces: Iterator[bytes] = (b"a" * MEGABYTE for _ in range(megabytes))
    wire = b""
    for number, encoding in enumerate(encodings.split(", ")):
        wire = COMPRESSORS[encoding](chain([b"event: x\ndata: "], pieces) if not number else [wire])
    return wire


def compressed_by_zlib(window_bits: int, pieces: Iterable[bytes]) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


def compressed_by_brotli(pieces: Iterable[bytes]) -> bytes:
    import brotli

    compressor = brotli.Compressor(quality=5)
    return b"".join([*map(compressor.process, pieces), compressor.finish()])


def compressed_by_zstd(pieces: Iterable[bytes]) -> bytes:
    import zstandard

    compressor = zstandard.ZstdCompressor().compressobj()
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


COMPRESSORS: dict[str, Callable[[Iterable[bytes]], bytes]] = {
    "gzip": partial(compressed_by_zlib, zlib.MAX_WBITS | 16),
    "deflate": partial(compressed_by_zlib, zlib.MAX_WBITS),
    "br": compressed_by_brotli,
    "zstd": compressed_by_zstd,
}


def endless(line: bytes) -> bytes:
    """A megabyte of events or comments of a stream, or of the body of an error."""
    return line * (MEGABYTE // len(line))


EMPTY = body_of([message_start(), message_delta("end_turn"), message_stop()])
"""A whole stream without content."""

PLAIN: dict[str, tuple[bytes, bytes]] = {
    "letters": (b"", b"x"),
    "unknown events": (b"", b'event: new\ndata: {"type":"new"}\n\n'),
    "comments after the end": (EMPTY, b": comment\n\n"),
    "events after the end": (EMPTY, b'event: new\ndata: {"type":"new"}\n\n'),
}
"""The bodies without an end: their beginning, and the line that they repeat."""

MEMORY: tuple[tuple[str, int, str, str], ...] = (
    ("a stream, gzip", 200, "gzip", "2,043 MB"),
    ("a stream, gzip twice", 200, "gzip, gzip", "2,043 MB"),
    ("a stream, deflate", 200, "deflate", "2,043 MB"),
    ("a stream, br", 200, "br", "2,043 MB"),
    ("a stream, zstd", 200, "zstd", "2,043 MB"),
    ("an error's body, gzip twice", 529, "gzip, gzip", "3,044 MB"),
    ("an endless body of an error", 529, "letters", "1,542 MB"),
    ("unknown events without end", 200, "unknown events", "all are kept"),
    ("comments after `message_stop`", 200, "comments after the end", "read as long as they come"),
    ("events after `message_stop`", 200, "events after the end", "read as long as they come"),
)
"""Name, status, encodings or plain body, and the figure before."""


def read_attack(side: str, row: int, megabytes: int, out: Any) -> None:
    """Read an attack in this process, and send the peak of the memory above the start."""
    _, status, kind, _ = MEMORY[row]
    is_plain = kind in PLAIN
    beginning, line = PLAIN[kind] if is_plain else (bomb(kind, megabytes), b"x")
    piece = endless(line)

    if side == "streamfold":
        import httpx as library
        from streamfold.adapters.client import Anthropic as Client
    else:
        import httpx2 as library  # type: ignore[no-redef]
        from anthropic import Anthropic as Client  # type: ignore[assignment]

    class Wire(library.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield beginning
            yield from (piece for _ in range(megabytes if is_plain else 0))

    def answer(_: Any) -> Any:
        encoding = "identity" if is_plain else kind
        headers = {"content-type": "text/event-stream", "content-encoding": encoding}
        return library.Response(status, headers=headers, stream=Wire())

    http = library.Client(transport=library.MockTransport(answer))
    client: Any = Client(api_key="none", http_client=http, max_retries=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failure = "none"
    try:
        with client.messages.stream(
            model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]
        ) as stream:
            for _ in stream:
                pass
    except Exception as error:
        failure = type(error).__name__
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    out.put((peak / 1024, failure))


COMMANDS = ("check", "replay", "serve")


def read_recording(command: str, megabytes: int, out: Any) -> None:
    """Read a recording with a bomb in this process, and send the peak of the memory above the
    start."""
    from starlette.testclient import TestClient
    from streamfold.adapters import cli
    from streamfold.adapters.cli.serve_application import TARGET, application
    from streamfold.transports import RecordedResponse, Recording
    from streamfold.transports.recording import RecordingStore

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        path = Path(folder, "bomb.jsonl")
        headers = {"content-type": "text/event-stream", "content-encoding": "gzip, gzip"}
        chunks = Recording.of(bomb("gzip, gzip", megabytes)).chunks
        Recording(chunks, response=RecordedResponse(200, headers)).save(path)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if command == "serve":
            store = RecordingStore(path, target=TARGET)
            served = application(store, answers_all=True, speed=0, log=lambda _: None)
            with TestClient(served).stream("POST", "/v1/messages", json={}) as answer:
                sum(map(len, answer.iter_raw()))  # the client must not decompress it
        else:
            cli.main([command, str(path)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    out.put((peak / 1024, "bounded"))


def isolated(work: Callable[..., None], *arguments: Any) -> Any:
    """The result that `work` sends from a process of its own; `None` after `PATIENCE` seconds."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=work, args=(*arguments, results), daemon=True)
    process.start()
    try:
        return results.get(timeout=PATIENCE)
    except Exception:
        return None
    finally:
        process.kill()
        process.join()


def timed(side: str, row: int, count: int, out: Any) -> None:
    """Time a growth row in this process, and send the seconds."""
    _, events, _, reads, _ = GROWTH[row]
    seconds(side, events, 10, reads)  # imports and caches
    out.put(seconds(side, events, count, reads))


# --- the page -----------------------------------------------------------------------------------


def growth_cells(side: str, row: int, base: int) -> str:
    times = []
    for factor in (1, 2, 4, 8):
        taken = isolated(timed, side, row, base * factor)
        if taken is None:
            break
        times.append(taken)
    if not times:
        return f"more than {PATIENCE:.0f} s"
    ratios = [f"{taken / times[0]:.1f}" for taken in times[1:]]
    ratios += ["stopped"] * (len(times) < 4)
    return f"{times[0] * 1e3:,.0f} ms; {', '.join(ratios)}"


def page(quick: bool) -> str:
    lines = [
        "# Under attack",
        "",
        "`python -m benchmarks.attack` wrote this page. "
        "Only ratios mean anything on another machine.",
        "",
        "## Growth",
        "",
        "The time for n events; then its multiples for 2n, 4n and 8n; linear work gives 2, 4, 8. "
        "The rows that read each snapshot return n² values in all; constant work for each value "
        "gives up to 4, 16 and 64.",
        "",
        "| attack | n | before | streamfold | official client |",
        "|---|---|---|---|---|",
    ]
    for row, (name, _, base, _, before) in enumerate(GROWTH):
        count = base // 10 if quick else base
        cells = [growth_cells(side, row, count) for side in SIDES]
        lines.append(f"| {name} | {count:,} | {before} | {cells[0]} | {cells[1]} |")
    megabytes = 50 if quick else 300
    lines += [
        "",
        "## Memory",
        "",
        f"The peak above the start, for {megabytes:,} MB from a few kilobytes on the wire, or "
        "without an end.",
        "",
        "| attack | before | streamfold | official client |",
        "|---|---|---|---|",
    ]
    for row, (name, _, _, before) in enumerate(MEMORY):
        cells = []
        for side in SIDES:
            found = isolated(read_attack, side, row, megabytes)
            cells.append("stopped" if found is None else f"{found[0]:,.0f} MB, {found[1]}")
        lines.append(f"| {name} | {before} | {cells[0]} | {cells[1]} |")
    for command in COMMANDS:
        found = isolated(read_recording, command, megabytes)
        cell = "stopped" if found is None else f"{found[0]:,.0f} MB"
        lines.append(f"| `{command}` of a recording, gzip twice | 2,034 MB | {cell} | |")
    lines += ["", "## Outcomes", "", "| attack | before | streamfold |", "|---|---|---|"]
    lines += [f"| {name} | {before} | {outcome(attack)} |" for name, before, attack in OUTCOMES]
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short streams; save nothing")
    options = parser.parse_args()
    text = page(options.quick)
    print(text)
    if not options.quick:
        PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
