"""Hypothesis strategies for message streams: what the Messages API sends, and what goes wrong.

    messages        a message, as the API returns it unstreamed
    raw_events      the events of a stream of it, told in every legal way
    wire            their bytes, written in every way the standard allows
    chunked         bytes, cut in every way
    broken          a stream with one fault, which has a name
    json_documents  JSON texts in every spelling
    json_prefixes   how they begin

All draw plain JSON (dicts, lists, strings), as `json.loads` gives it, so that whatever reads
streams can be tested with them. Nothing that is drawn shares a part with anything else: a reader
that changes what it was given spoils only its own example.

Most take one collection of names that narrows what they draw (`blocks`, `ways`, `forms`,
`faults`); all there are stand in `BLOCKS`, `WAYS`, `FORMS` and `FAULTS`. Everything shrinks to the
least of its kind: an empty message, a text block, one delta, one chunk, LF.

    @given(raw_events(blocks=["text", "tool_use"]))
    def test_my_accumulator(events):
        assert my_accumulator(events) == fold(events).message.to_dict()

A stream is drawn block by block, each block with its own deltas, so that a failure shrinks to the
blocks and deltas that matter. It costs some milliseconds, which are Hypothesis's: about 70 choices.

Needs hypothesis: `streamfold[testing]`.
"""

try:
    import hypothesis as _hypothesis  # noqa: F401
except ImportError:
    raise ImportError(
        "streamfold.adapters.strategies needs hypothesis: pip install 'streamfold[testing]'"
    ) from None

from .faults import FAULTS, BrokenStream, Fault, Outcome, broken
from .json_texts import json_documents, json_prefixes
from .messages import BLOCKS, messages
from .streams import WAYS, Way, raw_events
from .wire import FORMS, Form, chunked, wire

__all__ = [
    "BLOCKS",
    "FAULTS",
    "FORMS",
    "WAYS",
    "BrokenStream",
    "Fault",
    "Form",
    "Outcome",
    "Way",
    "broken",
    "chunked",
    "json_documents",
    "json_prefixes",
    "messages",
    "raw_events",
    "wire",
]
