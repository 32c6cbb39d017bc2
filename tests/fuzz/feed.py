"""A coverage-guided fuzzer of `feed`, to be run by hand:

    pip install atheris                   # CPython on Linux and macOS; no extra of this project
    cp -r tests/fuzz/corpus found        # new inputs are written to the first directory
    python tests/fuzz/feed.py -max_total_time=600 -max_len=2000 -dict=tests/fuzz/feed.dict found

The first byte of an input selects the options and the size of the chunks (`read`); the rest is the
body. `check` demands events and a snapshot, or a documented error, and the same ones for every
chunking. `test_corpus.py` runs `check` on every input of `corpus/`, without atheris.

`-merge=1` copies the inputs that reach code which no other input reaches:

    mkdir kept && python tests/fuzz/feed.py -merge=1 kept found
"""

from __future__ import annotations

import json
import sys
from typing import Any

from streamfold.reducer import (
    IncompleteStreamError,
    ProtocolError,
    Snapshot,
    SSEState,
    StreamState,
    drain,
    feed,
    finish,
)

MODES: tuple[Any, Any] = ("on", "trailing-strings")
LIMIT = 600  # bytes: small enough for an input to reach


def read(data: bytes) -> tuple[StreamState, bytes, int]:
    """The first state, the body, and the size of its chunks in bytes."""
    first_byte, body = data[:1] or b"\0", data[1:]
    number = first_byte[0]
    sse = SSEState(limit=LIMIT) if number & 2 else SSEState()
    first = StreamState(snapshot=Snapshot(partial_mode=MODES[number & 1]), sse=sse)
    return first, body, 1 + (number >> 2)


def outcome(first: StreamState, chunks: list[bytes]) -> tuple[Any, ...]:
    """The result of the chunks, or the documented error; any other exception is raised."""
    state, events = first, ()
    try:
        for chunk in chunks:
            state, more = feed(state, chunk)
            events += more
        finish(state)
    except ProtocolError as error:
        return "protocol", events + error.events, error.snapshot, str(error)
    except IncompleteStreamError as error:
        return "incomplete", events, error.snapshot, str(error)
    return "message", events, state.snapshot, None


def check(data: bytes) -> str:
    """Check one input; returns the kind of its ending.

    Raises:
        AssertionError: the chunking changed the result, or the result cannot be read or stored.
    """
    first, body, size = read(data)
    whole = outcome(first, [body])
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert outcome(first, chunks) == whole
    ending, events, snapshot, _ = whole
    for event in events:
        repr(event)
        event.to_dict()
    assert Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict()))) == snapshot
    if ending != "protocol":
        assert drain(first, body).snapshot == snapshot
    return str(ending)


def main() -> None:
    """Run atheris with the arguments of libFuzzer."""
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, lambda data: check(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
