"""The events in the part of a body that came before its connection was cut."""

from __future__ import annotations

import json

from streamfold.reducer import IncompleteStreamError, StreamState, feed, fold
from streamfold.transports import APIConnectionError, APITimeoutError


def events_in(received):
    """The complete events in the first bytes of a body."""
    return [json.loads(lines.split(b"data: ")[1]) for lines in received.split(b"\n\n")[:-1]]


def data_in(frames):
    """The part of the body in the first bytes of its chunked encoding."""
    data = b""
    while frames:
        size, line_end, frames = frames.partition(b"\r\n")
        if not line_end:
            break
        length = int(size, 16)
        data += frames[:length]
        frames = frames[length + 2 :]
    return data


async def read(stream):
    """The events of `stream`, and the error that ended it, if one did."""
    events = []
    try:
        while True:
            events.append(await stream.__anext__())
    except (IncompleteStreamError, APIConnectionError) as error:
        return events, error
    except StopAsyncIteration:
        return events, None


def check(received, events, error, stream):
    """Check that the reader got the whole message, or an error with exactly the received events."""
    expected = fold(events_in(received))
    if error is None:
        assert expected.is_complete
        assert stream.current_message_snapshot == expected.message
        assert expected.message.stop_reason == "end_turn"
    else:
        assert not expected.is_over
        assert not isinstance(error, APITimeoutError)
        assert error.snapshot == expected
    assert events == list(feed(StreamState(), received)[1])
