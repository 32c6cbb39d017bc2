"""The loops that feed a stream to a display: its cuts, its faults, and its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.events import block_delta, block_start, block_stop, body, message_start
from tests.support.transcripts import HELLO

RECORDINGS = Path(__file__).parents[2] / "recordings"
INDEX = json.loads((RECORDINGS / "index.json").read_text("utf-8"))
NAMES = tuple(INDEX)


def test_blocks_without_a_stop_are_shown_at_the_end(replay):
    for block, seen in (
        ({"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}, '▸ f {"a":1}\n'),
        ({"type": "compaction", "content": "So far"}, "· compaction\n  So far\n"),
        ({"type": "text", "text": "Hi"}, "Hi\n"),
    ):
        status, out, err = replay(body(message_start(), block_start(0, **block)))
        assert (status, out) == (1, f"{seen}\n— unfinished\n")
        assert err == "streamfold: the stream ended before the message was complete\n"


@pytest.mark.parametrize(
    ("flags", "seen"),
    [
        ((), "Hello, you\n\n— unfinished\n"),
        (("--json",), '"text": "Hello, you"'),
        (("--events",), '"snapshot":"Hello, you"'),
    ],
)
def test_the_events_before_a_fault_in_the_same_chunk_are_shown(replay, flags, seen):
    status, out, err = replay(
        HELLO + body(block_delta(0, type="text_delta", text=", you"), block_stop(7)), flags=flags
    )
    assert status == 1
    assert seen in out
    assert err == "streamfold: content_block_stop (index 7): no such block has started\n"


def test_a_reason_is_one_line_without_control_characters(replay):
    error = {"type": "api_error", "message": "one\ntwo\x1b[31m"}
    assert replay(body({"type": "error", "error": error})) == (
        1,
        "",
        "streamfold: the stream failed with api_error: one␊two␛[31m\n",
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_cuts_of_the_chunks_change_nothing(name, replay):
    stream = (RECORDINGS / f"{name}.sse").read_bytes()
    half = len(stream) // 2
    at_once = replay(stream[:half], stream[half:])
    for size in (97,) if len(stream) > 20_000 else (1, 97):
        assert replay(*(stream[at : at + size] for at in range(0, len(stream), size))) == at_once
