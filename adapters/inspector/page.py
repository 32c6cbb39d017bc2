"""The page: one HTML file that holds its recordings, compressed, and shows them.

Each recording is one `deflate` stream, in base64: four bytes with the length of a JSON text, that
text, and the body. The JSON is in columns, and offsets are kept as differences, because those
compress well. Every value of the recording is inside the base64, so that nothing in a recording can
end the script element that holds it.

The policy allows the page's one script and one style sheet, by their hashes, and nothing else: no
request, no frame, no form, no other code.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, cast

import attrs
from streamfold.reducer import ContentBlockStopEvent

from .changes import Path
from .trace import Trace

__all__ = ["packed", "page"]

_SCRIPTS = (
    "widgets.js",
    "text.js",
    "stream.js",
    "timeline.js",
    "message.js",
    "wire.js",
    "events.js",
    "copy.js",
    "compare.js",
    "inspector.js",
    "main.js",
)

_PACKAGE = __name__.rpartition(".")[0]

_TIMES = (
    "first_event",
    "first_content",
    "longest_gap",
    "output_tokens",
    "output_tokens_per_second",
    "pings",
)
"""The parts of `Recording.timing` that the page shows."""

_STOP = ContentBlockStopEvent.type
_EXACT = 2**53
"""JavaScript's numbers hold integers up to this one exactly."""


@cache
def _asset(name: str) -> str:
    return files(_PACKAGE).joinpath("assets").joinpath(name).read_text("utf-8")


def page(recordings: Iterable[bytes], title: str) -> str:
    """The page that shows these recordings, each as `packed` made it."""
    script = '"use strict";\n' + "".join(map(_asset, _SCRIPTS))
    style = _asset("page.css")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    data = "\n".join(
        f'<script type="text/plain" data-recording>{base64.b64encode(recording).decode()}</script>'
        for recording in recordings
    )
    made = _asset("page.html")
    for name, text in (
        ("policy", policy),
        ("style", style),
        ("script", script),
        ("data", data),
        ("title", html.escape(title.encode("utf-8", "replace").decode())),
    ):
        before, _, behind = made.partition(f"{{{{{name}}}}}")
        made = before + text + behind
    return made


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


# --- one recording ------------------------------------------------------------------------------


def packed(trace: Trace, name: str, parting: dict[str, Any] | None = None) -> bytes:
    """A recording as the page reads it.

    Args:
        trace: the recording, folded.
        name: its file, which the code to copy names.
        parting: how it differs from the next one, for a page of two.
    """
    about = {**_about(trace, name), "parting": parting}
    text = json.dumps(about, separators=(",", ":")).encode("ascii")
    return zlib.compress(len(text).to_bytes(4, "big") + text + trace.body.data)


def _about(trace: Trace, name: str) -> dict[str, Any]:
    recording, body = trace.recording, trace.body
    request, response, timing = recording.request, recording.response, recording.timing
    return {
        "name": name,
        "request": request
        and {
            "method": request.method,
            "url": request.url,
            "headers": request.headers,
            "body": request.body,
        },
        "response": {"status": response.status, "headers": response.headers},
        "encoding": body.encoding,
        "framed": body.is_framed,
        "duration": recording.duration,
        "received": len(recording.body),
        "timing": {name: getattr(timing, name) for name in _TIMES},
        "partial": trace.partial,
        "faults": [attrs.asdict(fault) for fault in trace.faults],
        "chunks": {
            "size": [len(chunk.data) for chunk in body.chunks],
            "at": [round(chunk.at, 6) for chunk in body.chunks],
            "cut": body.cuts if body.encoding else None,
        },
        **_events(trace),
        **_changes(trace),
    }


def _events(trace: Trace) -> dict[str, Any]:
    labels, names, derived = _Table(), _Table(), _Table()
    body = trace.body.data
    data: list[int] = []
    length: list[int] = []
    text: dict[int, str] = {}
    for number, event in enumerate(trace.events, 1):
        wire = event.wire
        encoded = wire.sse.data.encode("utf-8")
        at = body.find(encoded, wire.start, wire.end)
        data.append(at - wire.start if at >= 0 else -1)
        length.append(len(encoded))
        if at < 0:  # of several lines, or with bytes that are not UTF-8, or in a frame
            text[number] = wire.sse.data
    ends = [0, *(event.wire.end for event in trace.events)]
    return {
        "events": {
            "gap": [event.wire.start - end for event, end in zip(trace.events, ends)],  # noqa: B905
            "size": [event.wire.end - event.wire.start for event in trace.events],
            "chunk": _differences(event.chunk for event in trace.events),
            "label": [labels.add(event.label) for event in trace.events],
            "name": [names.add(event.wire.sse.event) for event in trace.events],
            "block": [-1 if event.block is None else event.block for event in trace.events],
            "derived": [derived.add(event.derived) for event in trace.events],
            "data": data,
            "length": length,
            "text": text,
        },
        "labels": labels.items,
        "names": names.items,
        "derived": [[attrs.astuple(event) for event in events] for events in derived.items],
    }


def _changes(trace: Trace) -> dict[str, Any]:
    paths = _Table()
    columns: dict[str, list[Any]] = {"event": [], "path": [], "value": [], "odd": []}
    blocks: dict[int, dict[str, Any]] = {}
    for position, event in enumerate(trace.events):
        for change in event.changes:
            odd: list[tuple[Path, str]] = []
            value = _plain(change.value, (), odd)
            columns["odd"] += [(len(columns["value"]), *found) for found in odd]
            blocks.update(_blocks(change.path, value, position + 1))
            columns["event"].append(position)
            columns["path"].append(2 * paths.add(change.path) + change.appends)
            columns["value"].append(value)
        if event.block in blocks and any(made.type == _STOP for made in event.derived):
            blocks[event.block]["stop"] = position + 1
    columns["event"] = _differences(columns["event"])
    return {"changes": columns, "paths": paths.items, "blocks": blocks}


class _Table:
    """A list of different items, and the position of each."""

    def __init__(self) -> None:
        self._positions: dict[Any, int] = {}

    def add(self, item: Any) -> int:
        """The position of `item`."""
        return self._positions.setdefault(item, len(self._positions))

    @property
    def items(self) -> list[Any]:
        return list(self._positions)


def _differences(numbers: Iterable[int]) -> list[int]:
    """The first number, and what is to be added to each for the next."""
    column = [0, *numbers]
    return [number - before for before, number in pairwise(column)]


def _blocks(path: Path, value: Any, number: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The blocks that begin with this change, by index. Those of `message_start` are whole."""
    begun: list[tuple[int, Any]] = []
    if path == ("message",):
        begun = list(enumerate(cast("list[Any]", value.get("content", []))))
    elif len(path) == 3 and path[1] == "content":
        begun = [(cast(int, path[2]), value)]
    for index, block in begun:
        name = block.get("name")
        yield (
            index,
            {
                "type": str(block.get("type")),
                "name": name if isinstance(name, str) else "",
                "start": number,
                "stop": number if path == ("message",) else None,
            },
        )


# --- numbers that JSON, or JavaScript, cannot hold ----------------------------------------------


def _plain(value: Any, path: Path, odd: list[tuple[Path, str]]) -> Any:
    """`value` with 0 for such numbers, whose paths and texts join `odd`."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return {key: _plain(item, (*path, key), odd) for key, item in members}
    if isinstance(value, list):
        return [
            _plain(item, (*path, at), odd)
            for at, item in enumerate(cast("list[Any]", value))  # type: ignore[redundant-cast]
        ]
    if isinstance(value, int) and abs(value) > _EXACT:
        odd.append((path, str(value)))
        return 0
    if isinstance(value, float) and not math.isfinite(value):
        odd.append((path, {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")))
        return 0
    return value
