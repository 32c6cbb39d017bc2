"""Short streams for the displays of the command line, and their transcripts."""

from __future__ import annotations

import io
from typing import Any

from streamfold.adapters.cli.transcript import Transcript
from streamfold.reducer import StreamState, feed

from tests.support.events import (
    MESSAGE_STOP,
    Event,
    block_start,
    block_stop,
    body,
    message_start,
    text_block,
)

HELLO = body(message_start(), *text_block(0, "Hello")[:-1])
"""The beginning of a message, in the middle of its first block."""


def whole(*blocks: dict[str, Any]) -> list[Event]:
    """The events of blocks that come without deltas."""
    return [
        event
        for index, block in enumerate(blocks)
        for event in (block_start(index, **block), block_stop(index))
    ]


def message_end(reason: str = "end_turn", usage: Any = None, **fields: Any) -> list[Event]:
    """The end of a message, with its usage; `fields` are further fields of the delta."""
    change = {"stop_reason": reason, "stop_sequence": None, **fields}
    return [{"type": "message_delta", "delta": change, "usage": usage}, MESSAGE_STOP]


def text_of(*pieces: str) -> list[Event]:
    """A message of one text block that comes in these pieces."""
    return [message_start(), *text_block(0, *pieces), *message_end()]


def transcript(*events: Event) -> str:
    """The transcript of a stream of these events, which come in one chunk."""
    out = io.StringIO()
    display = Transcript(out)
    state, derived = feed(StreamState(), body(*events))
    display.show(derived, state.snapshot)
    display.close(state.snapshot)
    return out.getvalue()
