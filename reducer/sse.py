"""Server-sent events, bytes to values: the WHATWG grammar to the letter, pure and incremental.

Theory of operation. A line is over when its end has been seen: CR, LF or CRLF, and only those.
What comes after the last line end waits in `SSEState.pending` as bytes, so that neither a
character nor a CRLF minds where the chunks were cut; whole lines are decoded together (a malformed
sequence never crosses a line end, so the result is that of decoding the stream at once). A blank
line hands the event on; what stands behind the last blank line waits as `event`, `data`, `retry`.

Costs. Each byte is looked at a constant number of times, however the stream is cut: pending bytes
are kept as a growing value and joined once, when their line end comes. There are two ways through
a chunk. Most streams have only events of one `event:` and one `data:` line, LF line ends and no
size near the limit: those are cut by one regular expression, 0.25 µs an event. Whatever else there
is in a chunk sends all of it line by line (`_by_lines`, 1.5 µs an event), which is also the whole
grammar in one place.

Bounds. No line and no event's data may be longer than `SSEState.limit` bytes: else a peer that
never ends its line could fill the memory. The fault is the same wherever the chunks were cut.

Source: HTML Living Standard, section 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Union

import attrs

from .drafts import draft_of
from .errors import ProtocolError
from .growing import Bytes, Growing

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DEFAULT_LIMIT", "SSEState", "ServerSentEvent", "decode_sse"]

DEFAULT_LIMIT = 16 * 1024 * 1024
"""Bytes that one line, or the data of one event, may have."""


@attrs.frozen(weakref_slot=False)
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


@attrs.frozen
class UnfinishedEvent:
    """The event whose blank line has not come yet: its type, data lines and their size,
    reconnection time.
    """

    event: str = ""
    data: Growing[str] = Growing()
    data_size: int = 0
    retry: int | None = None


_NO_EVENT = UnfinishedEvent()
_NO_BYTES = Bytes()


@attrs.frozen(kw_only=True)
class SSEState:
    """Where in a byte stream a decoder stands. `SSEState()` is its beginning.

    Attributes:
        limit: how many bytes one line, or the data of one event, may have.
        pending: the bytes behind the last line end.
        pending_size: how many those are.
        unfinished: what the lines since the last blank one said.
        id: the last event ID.
        started: whether the first line has been seen (a byte order mark may only begin that).
        after_cr: whether the last byte was a CR that ended a line, to which an LF may still belong.
    """

    limit: int = DEFAULT_LIMIT
    pending: Bytes = _NO_BYTES
    pending_size: int = 0
    unfinished: UnfinishedEvent = _NO_EVENT
    id: str = ""
    started: bool = False
    after_cr: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON: `from_dict` makes an equal one of it."""
        return {
            "limit": self.limit,
            "pending": bytes(self.pending).decode("latin-1"),
            "event": self.unfinished.event,
            "data": list(self.unfinished.data.items()),
            "data_size": self.unfinished.data_size,
            "retry": self.unfinished.retry,
            "id": self.id,
            "started": self.started,
            "after_cr": self.after_cr,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The state that `to_dict` wrote."""
        pending = state["pending"].encode("latin-1")
        return cls(
            limit=state["limit"],
            pending=Bytes([pending]) if pending else _NO_BYTES,
            pending_size=len(pending),
            unfinished=UnfinishedEvent(
                state["event"], Growing(state["data"]), state["data_size"], state["retry"]
            ),
            id=state["id"],
            started=state["started"],
            after_cr=state["after_cr"],
        )


Frame = tuple[str, str, str, Union[int, Literal[""]]]
"""What a `ServerSentEvent` holds, as its lines told it: event, data, id, retry; empty where they
told none."""

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
        ProtocolError: a line or an event is longer than `state.limit`; `events` holds those before
            it.

    >>> state, events = decode_sse(SSEState(), b"event: ping\\ndata: {}\\n\\nda")
    >>> events
    (ServerSentEvent(event='ping', data='{}', id='', retry=None),)
    >>> decode_sse(state, b"ta: 1\\n\\n")[1][0].data
    '1'
    """
    state, frames, fault = scan(state, chunk)
    events = tuple(_events_of(frames))
    if fault is not None:
        fault.events = events
        raise fault
    return state, events


_EventDraft = draft_of(ServerSentEvent)


def _events_of(frames: list[Frame]) -> list[ServerSentEvent]:
    """The events that `frames` are, made in half the time that `ServerSentEvent(…)` takes."""
    events: list[ServerSentEvent] = []
    for event, data, last_id, retry in frames:
        draft = _EventDraft()
        draft.event = event or "message"
        draft.data = data
        draft.id = last_id
        draft.retry = None if retry == "" else retry
        draft.__class__ = ServerSentEvent
        events.append(draft)
    return events


def scan(state: SSEState, chunk: bytes) -> tuple[SSEState, list[Frame], ProtocolError | None]:
    """`decode_sse` without the objects: the frames of `chunk`, and the fault that ended them, if
    any.
    """
    unfinished, size, started = state.unfinished, state.pending_size, state.started
    if started and not size and unfinished is _NO_EVENT and not state.after_cr:
        # between two events: as on a live network, where each chunk has whole ones
        found = _by_events(chunk, state.id, state.limit)
        if found is not None:
            return state, found, None
    frames: list[Frame] = []
    if not chunk:
        return state, frames, None
    rest = chunk[1:] if state.after_cr and chunk.startswith(b"\n") else chunk
    end = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1
    pending, last_id, limit = state.pending, state.id, state.limit
    fault = None
    if end:
        lines = rest[:end]
        if size:
            lines = bytes(pending) + lines
            pending, size = _NO_BYTES, 0
        if not started:
            started = True
            lines = lines.removeprefix(_BOM)
        if unfinished is not _NO_EVENT:
            first, blank, lines = lines.partition(b"\n\n")
            unfinished, last_id, fault = _by_lines(
                unfinished, last_id, first + blank, frames, limit
            )
        if fault is None:
            events, blank, behind = lines.rpartition(b"\n\n")
            found = _by_events(events + blank, last_id, limit)
            if found is not None:
                frames += found
                lines = behind
            unfinished, last_id, fault = _by_lines(unfinished, last_id, lines, frames, limit)
    if end < len(rest) and fault is None:
        pending = pending.append(rest[end:])
        size += len(rest) - end
        if size > limit + (0 if started else len(_BOM)):
            fault = _too_long("a line", limit)
    state = SSEState(
        limit=limit,
        pending=pending,
        pending_size=size,
        unfinished=unfinished,
        id=last_id,
        started=started,
        after_cr=rest.endswith(b"\r"),
    )
    return state, frames, fault


_CR = ord("\r")
_EVENT = re.compile(r"event: (.*)\ndata: (.*)\n\n()|(?s:(.+))")
"""A plain event, as a `Frame`; or, from the first that is none on, all the rest."""


def _by_events(lines: bytes, last_id: str, limit: int) -> list[Frame] | None:
    """The frames of `lines` if those are plain events, whole, and no others; else `None`."""
    if not lines.endswith(b"\n\n") or len(lines) > limit or _CR in lines:
        return None
    found: list[Frame] = _EVENT.findall(lines.decode("utf-8", "replace"))
    if found[-1][3]:
        return None
    if last_id:
        return [(event, data, last_id, "") for event, data, _, _ in found]
    return found


def _by_lines(
    unfinished: UnfinishedEvent,
    last_id: str,
    lines: bytes,
    frames: list[Frame],
    limit: float,
) -> tuple[UnfinishedEvent, str, ProtocolError | None]:
    """The whole grammar, line by line. Adds to `frames`; stops at the first fault.

    Returns the event that is unfinished behind `lines`, the last event ID, and the fault.
    """
    event, data = unfinished.event, unfinished.data
    data_size, retry = unfinished.data_size, unfinished.retry
    fault = None
    for line in lines.splitlines():  # of bytes: at CR, LF and CRLF, and nowhere else
        if len(line) > limit:
            fault = _too_long("a line", limit)
            break
        if not line:
            if data_size:
                told: int | Literal[""] = "" if retry is None else retry
                frames.append((event, "\n".join(data.items()), last_id, told))
            event, data, data_size, retry = "", _NO_EVENT.data, 0, None
            continue
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            data_size += len(value) + 1  # its LF, of which the last one is dropped
            if data_size > limit + 1:
                fault = _too_long("the data of an event", limit)
                break
            data = data.append(value.decode("utf-8", "replace"))
        elif field == b"event":
            event = value.decode("utf-8", "replace")
        elif field == b"id":
            if b"\0" not in value:
                last_id = value.decode("utf-8", "replace")
        elif field == b"retry" and value.isdigit() and len(value) <= _LONGEST_RETRY:
            retry = int(value)
    if event or data_size or retry is not None:
        return UnfinishedEvent(event, data, data_size, retry), last_id, fault
    return _NO_EVENT, last_id, fault


def _too_long(what: str, limit: float) -> ProtocolError:
    return ProtocolError(f"{what} is longer than the limit of {limit:,} bytes")
