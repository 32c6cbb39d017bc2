"""Server-sent events, bytes to values: the WHATWG grammar to the letter, pure and incremental.

Theory of operation. A line is over when its end has been seen: CR, LF or CRLF, and only those. What comes
after the last line end waits in `SSEState.pending` as bytes, so that neither a character nor a CRLF minds
where the chunks were cut; whole lines are decoded together (a malformed sequence never crosses a line end, so the
result is that of decoding the stream at once). A blank line hands the event on; what
stands behind the last blank line waits as `event`, `data`, `retry`.

Costs. Each byte is looked at a constant number of times, however the stream is cut: pending bytes are
kept as a growing value and joined once, when their line end comes. There are two ways through a chunk. Most streams have
only events of one `event:` and one `data:` line, LF line ends and no size near the limit: those are cut by
`str.split` and `str.partition`, 0.3 µs an event. Whatever else there is goes line by line
(`_by_lines`, 1.5 µs an event), which is also the whole grammar in one place.

Bounds. No line and no event's data may be longer than `SSEState.limit` bytes: else a peer that never ends its line
could fill the memory. The fault is the same wherever the chunks were cut.

Source: HTML Living Standard, section 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from .errors import ProtocolError
from .growing import Growing

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DEFAULT_LIMIT", "SSEState", "ServerSentEvent", "decode_sse"]

DEFAULT_LIMIT = 16 * 1024 * 1024
"""Bytes that one line, or the data of one event, may have."""


@attrs.frozen
class ServerSentEvent:
    """One server-sent event.

    Attributes:
        event: its type; "message" where the stream names none.
        data: its data lines, joined by LF.
        id: the last event ID the stream told up to here; empty where it told none.
        retry: the reconnection time in milliseconds, where this event's lines tell one.
    """

    event: str = "message"
    data: str = ""
    id: str = ""
    retry: int | None = None


_NO_BYTES: Growing[bytes] = Growing()
_NO_TEXT: Growing[str] = Growing()


@attrs.frozen(kw_only=True)
class SSEState:
    """Where in a byte stream a decoder stands. `SSEState()` is its beginning.

    Attributes:
        limit: how many bytes one line, or the data of one event, may have.
        pending: the bytes behind the last line end.
        pending_size: how many those are.
        event: the type of the unfinished event, empty if none was told.
        data: its data lines so far.
        data_size: how many bytes those have.
        retry: its reconnection time, if told.
        id: the last event ID.
        started: whether the first line has been seen (a byte order mark may only begin that).
        after_cr: whether the last byte was a CR that ended a line, which an LF may still belong to.
    """

    limit: int = DEFAULT_LIMIT
    pending: Growing[bytes] = _NO_BYTES
    pending_size: int = 0
    event: str = ""
    data: Growing[str] = _NO_TEXT
    data_size: int = 0
    retry: int | None = None
    id: str = ""
    started: bool = False
    after_cr: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON: `from_dict` makes an equal one of it."""
        return {
            "limit": self.limit,
            "pending": b"".join(self.pending.items()).decode("latin-1"),
            "event": self.event,
            "data": list(self.data.items()),
            "data_size": self.data_size,
            "retry": self.retry,
            "id": self.id,
            "started": self.started,
            "after_cr": self.after_cr,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The state that `to_dict` wrote."""
        pending = state["pending"].encode("latin-1")
        growing = {
            "pending": Growing([pending]) if pending else _NO_BYTES,
            "data": Growing(state["data"]),
        }
        return cls(**{**state, **growing}, pending_size=len(pending))


Frame = tuple[str, str, str, "int | None"]
"""What a `ServerSentEvent` holds: event, data, id, retry."""

_BOM = b"\xef\xbb\xbf"
_LONGEST_RETRY = 18
"""Digits of a reconnection time; one with more is no time at all."""


def decode_sse(state: SSEState, chunk: bytes) -> tuple[SSEState, tuple[ServerSentEvent, ...]]:
    """Decode the next bytes of an event stream.

    Args:
        state: where the stream stands; `SSEState()` at its beginning.
        chunk: the next bytes, cut anywhere.

    Returns:
        The state behind `chunk`, and the events that became whole in it.

    Raises:
        ProtocolError: a line or an event is longer than `state.limit`; `events` holds those before it.

    >>> state, events = decode_sse(SSEState(), b"event: ping\\ndata: {}\\n\\nda")
    >>> events
    (ServerSentEvent(event='ping', data='{}', id='', retry=None),)
    >>> decode_sse(state, b"ta: 1\\n\\n")[1][0].data
    '1'
    """
    state, frames, fault = scan(state, chunk)
    events = tuple([ServerSentEvent(*frame) for frame in frames])
    if fault is not None:
        fault.events = events
        raise fault
    return state, events


def scan(state: SSEState, chunk: bytes) -> tuple[SSEState, list[Frame], ProtocolError | None]:
    """`decode_sse` without the objects: the frames of `chunk`, and the fault that ended them, if any."""
    if state.after_cr and chunk:
        state = attrs.evolve(state, after_cr=False)
        if chunk.startswith(b"\n"):
            chunk = chunk[1:]
    end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
    frames: list[Frame] = []
    fault = None
    if end:
        lines = chunk[:end]
        if state.pending_size:
            lines = b"".join((*state.pending.items(), lines))
            state = attrs.evolve(state, pending=_NO_BYTES, pending_size=0)
        if not state.started:
            state = attrs.evolve(state, started=True)
            if lines.startswith(_BOM):
                lines = lines[len(_BOM) :]
        if (
            not state.event
            and not state.data_size
            and state.retry is None
            and len(lines) <= state.limit
            and b"\r" not in lines
        ):
            state, lines = _by_events(state, lines, frames)
        if lines:
            state, fault = _by_lines(state, lines, frames)
            if end == len(chunk) and chunk.endswith(b"\r"):
                state = attrs.evolve(state, after_cr=True)
    if end < len(chunk) and fault is None:
        pending = chunk[end:]
        size = state.pending_size + len(pending)
        state = attrs.evolve(state, pending=state.pending.append(pending), pending_size=size)
        if size > state.limit + (0 if state.started else len(_BOM)):
            fault = _too_long("a line", state.limit)
    return state, frames, fault


def _by_events(state: SSEState, lines: bytes, frames: list[Frame]) -> tuple[SSEState, bytes]:
    """The fast way, between events and far from the limit: whole events at a time.

    Adds to `frames` and returns the lines behind the last blank one.
    """
    events = lines.decode("utf-8", "replace").split("\n\n")
    rest = events.pop()
    last_id = state.id
    for event in events:
        head, found, data = event.partition("\ndata: ")
        if found and head.startswith("event: ") and "\n" not in data and "\n" not in head:
            frames.append((head[7:] or "message", data, last_id, None))
        else:
            state, _ = _by_lines(state, f"{event}\n\n".encode(), frames)
            last_id = state.id
    return state, lines[lines.rindex(b"\n\n") + 2 :] if rest and events else rest.encode()


def _by_lines(
    state: SSEState, lines: bytes, frames: list[Frame]
) -> tuple[SSEState, ProtocolError | None]:
    """The whole grammar, line by line. Adds to `frames`; stops at the first fault."""
    event, retry, last_id = state.event, state.retry, state.id
    data, data_size = state.data, state.data_size
    fault = None
    for line in lines.splitlines():  # of bytes: at CR, LF and CRLF, and nowhere else
        if len(line) > state.limit:
            fault = _too_long("a line", state.limit)
            break
        if not line:
            if data_size:
                frames.append((event or "message", "\n".join(data.items()), last_id, retry))
            event, retry = "", None
            data, data_size = _NO_TEXT, 0
            continue
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            data_size += len(value) + 1
            if data_size > state.limit:
                fault = _too_long("the data of an event", state.limit)
                break
            data = data.append(value.decode("utf-8", "replace"))
        elif field == b"event":
            event = value.decode("utf-8", "replace")
        elif field == b"id":
            if b"\0" not in value:
                last_id = value.decode("utf-8", "replace")
        elif field == b"retry" and value.isdigit() and len(value) <= _LONGEST_RETRY:
            retry = int(value)
    state = attrs.evolve(
        state, event=event, retry=retry, id=last_id, data=data, data_size=data_size
    )
    return state, fault


def _too_long(what: str, limit: int) -> ProtocolError:
    return ProtocolError(f"{what} is longer than the limit of {limit:,} bytes")
