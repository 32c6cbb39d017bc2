"""A property of your own, on streams that Hypothesis draws: `pytest custom_property.py`.

`word_count` counts the words of an answer while it arrives. The property compares it with the count
for the finished message, for any message, in any chunks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import chunked, raw_events
from streamfold.reducer import StreamState, encode_sse, feed


def word_count(chunks: Iterable[bytes]) -> int:
    """The number of words in the text of a stream."""
    words, state = 0, StreamState()
    inside = False  # the text so far ends inside a word
    for chunk in chunks:
        state, events = feed(state, chunk)
        for event in events:
            if event.type == "text":
                for character in event.text:
                    words += not character.isspace() and not inside
                    inside = not character.isspace()
            elif event.type == "content_block_stop":
                inside = False
    return words


def as_body(events: list[Any]) -> bytes:
    """The bytes of a stream."""
    return encode_sse(events)


bodies = raw_events(blocks=["text"], ways=["cut", "pings"]).map(as_body)


@given(bodies.flatmap(lambda body: st.tuples(st.just(body), chunked(body))))
def test_words_are_counted(drawn: tuple[bytes, list[bytes]]) -> None:
    """The count does not depend on how the text is cut."""
    body, chunks = drawn
    state, _ = feed(StreamState(), body)
    assert state.snapshot.message is not None
    texts = [block.text for block in state.snapshot.message.content if block.type == "text"]
    assert word_count(chunks) == sum(len(text.split()) for text in texts)
