"""Hypothesis strategies for message streams: what the Messages API sends, and streams with faults.

    messages        a message, as the API returns it unstreamed
    raw_events      the events of a stream of a message
    wire            their bytes, in every form that the standard allows
    chunked         bytes, cut into chunks
    broken          a stream with one named fault
    event_streams   the bytes of any server-sent events
    openai_chunks   the chunks of a Chat Completions stream, to drive translators
    json_documents  JSON texts with any escapes and white space
    json_prefixes   prefixes of JSON texts

All draw plain JSON (dicts, lists, strings), as `json.loads` returns it. No two drawn values share a
part, so a reader that changes its argument spoils its own example only.

By default only streams that the API sends are drawn (`grammar` has the sources). Arguments narrow
or widen that (`blocks`, `ways`, `unusual`, `unknown`, `forms`, `faults`, `quirks`); the possible
names are in `BLOCKS`, `WAYS`, `UNUSUAL`, `FORMS`, `FAULTS` and `QUIRKS`. Everything shrinks to the
smallest of its kind: an empty message, a text block, one delta, one chunk, LF.

    @given(raw_events(blocks=["text", "tool_use"]))
    def test_my_accumulator(events):
        assert my_accumulator(events) == fold(events).message.to_dict()

A stream is drawn block by block, each block with its own deltas, so a failure shrinks to the blocks
and deltas that matter. A stream makes about 70 choices, which take Hypothesis some milliseconds.

Needs hypothesis: `streamfold[testing]`.
"""

try:
    __import__("hypothesis")
except ImportError:
    raise ImportError(
        "streamfold.adapters.strategies needs hypothesis: pip install 'streamfold[testing]'"
    ) from None

from .block_deltas import USUAL_WAYS, WAYS, Way
from .chat_chunks import CHAT_QUIRKS, ChatQuirk, openai_chunks
from .constants import without_local_constants
from .faults import FAULTS, BrokenStream, Fault, Outcome, broken
from .grammar import BLOCKS, UNUSUAL, Unusual
from .json_texts import json_documents, json_prefixes
from .messages import messages
from .sse_bodies import QUIRKS, event_streams
from .streams import raw_events
from .wire import FORMS, Form, chunked, wire

__all__ = [
    "BLOCKS",
    "CHAT_QUIRKS",
    "FAULTS",
    "FORMS",
    "QUIRKS",
    "UNUSUAL",
    "USUAL_WAYS",
    "WAYS",
    "BrokenStream",
    "ChatQuirk",
    "Fault",
    "Form",
    "Outcome",
    "Unusual",
    "Way",
    "broken",
    "chunked",
    "event_streams",
    "json_documents",
    "json_prefixes",
    "messages",
    "openai_chunks",
    "raw_events",
    "wire",
    "without_local_constants",
]
