"""Objects made through drafts equal those made by their class."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from streamfold.reducer import (
    InputJsonEvent,
    RawContentBlockDeltaEvent,
    ServerSentEvent,
    Snapshot,
    SSEState,
    StreamState,
    TextDelta,
    TextEvent,
    ThinkingDelta,
    ThinkingEvent,
    fold_chunk,
)
from streamfold.reducer.drafts import draft_of

text_event = TextEvent(text="a", snapshot="a")


DRAFTED = [
    ServerSentEvent("e", "d", "1", 2),
    TextDelta(text="a"),
    ThinkingDelta(thinking="a"),
    RawContentBlockDeltaEvent(index=0, delta=TextDelta(text="a")),
    text_event,
    ThinkingEvent(thinking="a", snapshot="a"),
    InputJsonEvent(partial_json="1", snapshot={}),
    fold_chunk(StreamState(), b"data: {}\n\n"),
    Snapshot(partial_mode="trailing-strings"),
    StreamState(sse=SSEState(limit=5)),
]


@pytest.mark.parametrize("value", DRAFTED, ids=lambda value: type(value).__name__)
def test_a_sealed_draft_is_the_value(value: Any) -> None:
    cls = type(value)
    draft = draft_of(cls)()
    for name in draft.__slots__:
        setattr(draft, name, getattr(value, name))
    draft.__class__ = cls
    assert draft == value
    assert repr(draft) == repr(value)
    assert pickle.loads(pickle.dumps(draft)) == value == copy.deepcopy(draft)
    with pytest.raises(AttributeError):
        setattr(draft, draft.__slots__[0], None)
