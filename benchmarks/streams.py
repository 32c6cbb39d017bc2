"""The measured streams, written as the API writes them and the same in every run.

A stream is the list of its events as bytes on the wire: compact JSON, some of it padded with spaces
before the last brace, as the API pads it. `chunks` cuts a stream as a network does.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

__all__ = [
    "SPELLINGS",
    "agent_turn",
    "chunks",
    "citations",
    "data_of",
    "five_events",
    "input_pieces",
    "many_blocks",
    "respelled",
    "text",
    "thinking_then_text",
    "tool",
    "tool_edits",
]

Event = Mapping[str, Any]

PROSE = """A stream is a fold: bytes arrive, a pure function turns them into values, and everything
else is I/O. The café in Zürich ("open until late", they say) sells crème brûlée and naïve art;
nobody remembers, however, why the block behind Ærøskøbing came back between two network faults.

It is the delta that says what is new, and the snapshot what is known at last: together they are
all one has to have, which is not much, but at least as much as anyone asked for before."""
"""Latin-1, which CPython stores in one byte a character: one emoji would make each copy of the
text four times as large, to the disadvantage of the official SDK, which keeps copies.
"""

CODE = '''def read(path: Path, *, limit: int = 1 << 20) -> dict[str, list[str]]:
    """Read "key\\tvalue" lines; a `\\\\` at the end of a line continues it."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text().split("\\n"), start=1):
        key, tab, value = line.partition("\\t")
        if not tab and key:
            raise ValueError(f"{path}:{number}: no tab in «{line!r}»")
        found.setdefault(key, []).append(value.rstrip("\\r") or "<none>")
    return {key: values for key, values in found.items() if len(values) <= limit}


'''

USAGE = {
    "input_tokens": 597,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 1,
    "service_tier": "standard",
}


# --- whole streams ------------------------------------------------------------------------------


def text(deltas: int) -> list[bytes]:
    """One text block with this number of deltas, about nine bytes each."""
    return _stream(_block(0, {"type": "text", "text": ""}, _text_deltas(deltas)))


def text_in_blocks(deltas: int, blocks: int) -> list[bytes]:
    """The text of `text`, spread over this number of blocks."""
    pieces = list(_text_deltas(deltas))
    size = -(-deltas // blocks)
    stream: list[Event] = []
    for index, start in enumerate(range(0, deltas, size)):
        stream += _block(index, {"type": "text", "text": ""}, pieces[start : start + size])
    return _stream(stream)


def five_events() -> list[bytes]:
    """The shortest answer with text: one block, whose text is in its start."""
    start, opened, _ping, stopped, *ends = _stream(_block(0, {"type": "text", "text": "Yes."}, []))
    return [start, opened, stopped, *ends]


def thinking_then_text(deltas: int) -> list[bytes]:
    """A thinking block with a signature and a text block, with half of the deltas each."""
    half = deltas // 2
    return _stream(
        [
            *_block(0, _THINKING, _thinking_deltas(half)),
            *_block(1, {"type": "text", "text": ""}, _text_deltas(deltas - half)),
        ]
    )


def tool(deltas: int) -> list[bytes]:
    """A tool that writes a file of code: its input is one long string with many escapes."""
    content = CODE * (deltas * _PIECE // len(CODE) + 1)
    return _tool_stream({"path": "src/tables.py", "content": content}, deltas)


def tool_edits(deltas: int) -> list[bytes]:
    """A tool that edits code in many places: its input has many strings, and every snapshot must
    show those that are finished.
    """
    edit = {"old": CODE[:300], "new": CODE[100:600], "all": False}
    edits = [edit] * (deltas * _PIECE // len(json.dumps(edit)) + 1)
    return _tool_stream({"path": "src/tables.py", "edits": edits}, deltas)


def many_blocks(blocks: int) -> list[bytes]:
    """Small blocks, text and tool in turn, of one to three deltas each."""
    events: list[Event] = []
    for index in range(blocks):
        count = 1 + index % 3
        if index % 2:
            deltas = _input_deltas({"city": "Zürich", "days": index}, count)
            events += _block(index, _tool_use(index), deltas)
        else:
            events += _block(index, {"type": "text", "text": ""}, _text_deltas(count, index))
    return _stream(events)


def citations(blocks: int) -> list[bytes]:
    """Text blocks of eight deltas, every other one with two citations."""
    events: list[Event] = []
    for index in range(blocks):
        if index % 2:
            cited = _citation_deltas(2, index)
            block = {"type": "text", "text": "", "citations": []}
            events += _block(index, block, [*cited, *_text_deltas(8, index)])
        else:
            events += _block(index, {"type": "text", "text": ""}, _text_deltas(8, index))
    return _stream(events)


def agent_turn(deltas: int) -> list[bytes]:
    """One turn with all kinds of block: thinking, a search, a cited answer, two tools."""
    part = max(deltas // 5, 1)
    return _stream(
        [
            *_block(0, _THINKING, _thinking_deltas(part)),
            *_block(1, {"type": "text", "text": ""}, _text_deltas(part)),
            *_block(2, _SEARCH, _input_deltas({"query": "price of flour, November 2026"}, 6)),
            *_block(3, _FOUND, []),
            *_block(
                4,
                {"type": "text", "text": "", "citations": []},
                [*_citation_deltas(3), *_text_deltas(part, 4)],
            ),
            *_block(5, _tool_use(5), _input_deltas({"code": CODE * (part // 150 + 1)}, part)),
            *_block(6, {"type": "text", "text": ""}, _text_deltas(part, 6)),
            *_block(7, _tool_use(7), _input_deltas({"city": "Lisboa", "days": 3}, 5)),
        ]
    )


# --- spellings ----------------------------------------------------------------------------------


def respelled(stream: Iterable[bytes], spelling: str) -> list[bytes]:
    """The same events in another legal spelling, one of `SPELLINGS`."""
    return [SPELLINGS[spelling](event) for event in stream]


def _rewritten(write: Callable[[Any], str]) -> Callable[[bytes], bytes]:
    """Writes the JSON of an event in another way."""

    def respell(event: bytes) -> bytes:
        name, _, data = event.partition(b"\ndata: ")
        return b"%b\ndata: %b\n\n" % (name, write(json.loads(data)).encode())

    return respell


def _compact(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), **options)


SPELLINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "default spacing of `json.dumps`": _rewritten(lambda e: json.dumps(e, ensure_ascii=False)),
    "sorted keys": _rewritten(lambda event: _compact(event, sort_keys=True)),
    "reversed keys": _rewritten(lambda event: _compact(dict(reversed(event.items())))),
    "an added field": _rewritten(lambda event: _compact({**event, "trace": "4bf92f3577b34da6"})),
    "CRLF": lambda event: event.replace(b"\n", b"\r\n"),
    "no `event:` line": lambda event: event.partition(b"\n")[2],
    "no space after `data:`": lambda event: event.replace(b"data: ", b"data:", 1),
    "an `id:`": lambda event: b"id: 12\n" + event,
    "a comment": lambda event: b": keep-alive\n" + event,
}
"""Spellings that gateways and other servers use, as functions of one compact event."""

IN_JSON = tuple(SPELLINGS)[:4]
"""The spellings of the JSON; the others are those of the server-sent event around it."""


# --- chunks and data ----------------------------------------------------------------------------


def chunks(stream: Sequence[bytes], size: int) -> list[bytes]:
    """The stream in chunks of `size` bytes, as a busy network delivers it."""
    body = b"".join(stream)
    return [body[start : start + size] for start in range(0, len(body), size)]


def data_of(stream: Iterable[bytes]) -> list[bytes]:
    """The data of each event, which every reader must parse."""
    return [event.partition(b"\ndata: ")[2].rstrip(b"\n") for event in stream]


def input_pieces(stream: Iterable[bytes]) -> list[str]:
    """The pieces of a tool's input."""
    deltas = [json.loads(data).get("delta", {}) for data in data_of(stream)]
    return [piece for delta in deltas if (piece := delta.get("partial_json"))]


# --- parts of a stream --------------------------------------------------------------------------

_PIECE = 8
"""Characters of a tool's input in one delta."""

_THINKING = {"type": "thinking", "thinking": "", "signature": ""}

_SEARCH = {"type": "server_tool_use", "id": "srvtoolu_01jCeJ", "name": "web_search", "input": {}}

_FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_01jCeJ",
    "content": [
        {
            "type": "web_search_result",
            "title": f"Flour prices, week {week}",
            "url": f"https://grain.example/prices/2026-{week}",
            "encrypted_content": "EsgCTOUwkKMk81otlH8wXFam9dQSB1paqgeKfJbS3YZvP8FnlYeyR" * 4,
            "page_age": "5 days ago",
        }
        for week in range(40, 47)
    ],
}


def _tool_use(index: int) -> Event:
    return {"type": "tool_use", "id": f"toolu_{index:024}", "name": "write_file", "input": {}}


def _text_deltas(count: int, seed: int = 0) -> Iterator[Event]:
    words = _words(count, seed)
    return ({"type": "text_delta", "text": word} for word in words)


def _thinking_deltas(count: int) -> list[Event]:
    thinking = [{"type": "thinking_delta", "thinking": word} for word in _words(count, 1)]
    return [*thinking, {"type": "signature_delta", "signature": "EqQBCkYIBxgCKkDpEIt9g+p465" * 8}]


def _citation_deltas(count: int, seed: int = 0) -> list[Event]:
    return [
        {
            "type": "citations_delta",
            "citation": {
                "type": "char_location",
                "cited_text": "".join(_words(12, seed + number)),
                "document_index": number,
                "document_title": "Allotment rules",
                "start_char_index": 100 * number,
                "end_char_index": 100 * number + 70,
            },
        }
        for number in range(count)
    ]


def _input_deltas(value: Any, count: int) -> list[Event]:
    """`value` as JSON text in `count` pieces; an empty one comes first, as from the API."""
    written = json.dumps(value, ensure_ascii=False)
    cuts = [len(written) * piece // count for piece in range(count + 1)]
    pieces = ["", *(written[start:end] for start, end in pairwise(cuts))]
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _words(count: int, seed: int) -> list[str]:
    """`count` pieces of text of one or two words: nine bytes on average."""
    words, choice = PROSE.split(" "), random.Random(seed)
    return [
        " " + " ".join(choice.choices(words, k=choice.choice((1, 1, 2, 2, 2))))
        for _ in range(count)
    ]


def _block(index: int, block: Event, deltas: Iterable[Event]) -> list[Event]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _tool_stream(value: Any, deltas: int) -> list[bytes]:
    return _stream(_block(0, _tool_use(0), _input_deltas(value, deltas)))


def _stream(events: Sequence[Event]) -> list[bytes]:
    """A whole message of these events, with a ping after the first."""
    message: Event = {
        "model": "claude-haiku-4-5-20251001",
        "id": "msg_01Y2zPhTtvDNiByimbPajW6B",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": USAGE,
    }
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    usage = {"input_tokens": 597, "output_tokens": len(events)}
    padding = random.Random(len(events))
    return [
        _encode({"type": "message_start", "message": message}),
        *(_encode(event, padding.choice((0, 0, 0, 3, 7, 12))) for event in events[:1]),
        b'event: ping\ndata: {"type": "ping"}\n\n',
        *(_encode(event, padding.choice((0, 0, 0, 3, 7, 12))) for event in events[1:]),
        _encode({"type": "message_delta", "delta": ended, "usage": usage}),
        _encode({"type": "message_stop"}, 7),
    ]


def _encode(event: Event, spaces: int = 0) -> bytes:
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data[:-1]}{' ' * spaces}}}\n\n".encode()
