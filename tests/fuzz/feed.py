"""A coverage-guided run of any bytes through `feed`, by hand:

    pip install atheris                   # CPython on Linux and macOS; no extra of this project
    cp -r tests/fuzz/corpus found        # it writes what it finds into the first directory
    python tests/fuzz/feed.py -max_total_time=600 -max_len=2000 -dict=tests/fuzz/feed.dict found

The first byte of an input says how the rest is cut and read (`read`); the rest is the body. What a
body may do is `check`: give events and a snapshot, or one of the documented errors, the same
however it was cut. `test_corpus.py` holds every input of `corpus/` to it, without atheris.

What is worth keeping (`-merge=1` copies the inputs that reach something of their own):

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
    """The state to begin with, the body, and the size of its chunks."""
    how, body = data[:1] or b"\0", data[1:]
    number = how[0]
    sse = SSEState(limit=LIMIT) if number & 2 else SSEState()
    first = StreamState(snapshot=Snapshot(partial_mode=MODES[number & 1]), sse=sse)
    return first, body, 1 + (number >> 2)


def outcome(first: StreamState, chunks: list[bytes]) -> tuple[Any, ...]:
    """What comes of the chunks. What is no documented error is raised."""
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
    """Hold one input to what every body must keep, and say how it ended.

    Raises:
        AssertionError: how it was cut made a difference, or it cannot be read or stored.
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
