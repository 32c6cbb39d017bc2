"""Server-sent events: from bytes to values, incrementally, by the whole grammar of the WHATWG
standard.

Rules:

- CR, LF and CRLF end a line, and nothing else does. The bytes after the last line end wait in
  `SSEState.pending`, so a chunk may end inside a character or a CRLF.
- Whole lines are decoded together. That gives the same text as decoding the whole stream, because a
  malformed UTF-8 sequence never crosses a line end.
- A blank line completes an event. The lines after the last blank line wait in
  `SSEState.unfinished`.
- The chunks can be cut anywhere; the result is the same, faults included.

Bound: a line, or the data of an event, that is longer than `SSEState.limit` bytes is a fault.
Otherwise a server that never ends a line could fill the memory.

Costs: each byte is read a constant number of times. Pending bytes are a growing value, joined once
when their line ends. A fast path (`_by_events`) cuts the events of most streams with two regular
expressions: one for events of one `event:` line and one `data:` line, as the API writes them
(0.25 µs an event), and one for the other common forms (0.45 µs). The rest of a chunk, from the
first event in neither form, goes line by line (`_by_lines`, 1.5 µs an event). That function has the
whole grammar, and it is the slow twin of the fast path in the tests. Without the fast path,
decoding takes 3.4 times as long.

Source: HTML Living Standard, section 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Union

import attrs

from .drafts import draft_of
from .errors import ProtocolError
from .growing import Bytes, Growing
from .sealed import sealed

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DEFAULT_LIMIT", "SSEState", "ServerSentEvent", "decode_sse"]

DEFAULT_LIMIT = 16 * 1024 * 1024
"""The maximum size of one line, or of the data of one event: 16 MiB."""


@sealed
@attrs.frozen(weakref_slot=False)
class ServerSentEvent:
    """One server-sent event.

    Attributes:
        event: its type; "message" if the stream does not name one.
        data: its data lines, joined by LF.
        id: the last event ID of the stream so far; empty if there was none.
        retry: the reconnection time in milliseconds; `None` if this event does not set one.
    """

    event: str = "message"
    data: str = ""
    id: str = ""
    retry: int | None = None


@sealed
@attrs.frozen
class UnfinishedEvent:
    """An event whose blank line has not come yet.

    Attributes:
        event: its type; empty if no line named one yet.
        data: its data lines.
        data_size: the bytes of the data lines, with one LF for each.
        retry: the reconnection time in milliseconds, or `None`.
    """

    event: str = ""
    data: Growing[str] = Growing()
    data_size: int = 0
    retry: int | None = None

    @property
    def line(self) -> bytes | None:
        """The first line of the event, if it is all of it and names its type."""
        if self is _DELTA_BEGUN:
            return _DELTA_LINE
        is_line = self.event and not self.data_size and self.retry is None
        return f"event: {self.event}\n".encode() if is_line else None


_NO_EVENT = UnfinishedEvent()
_NO_BYTES = Bytes()


@sealed
@attrs.frozen(kw_only=True, weakref_slot=False)
class SSEState:
    """The position of a decoder in a byte stream. `SSEState()` is the beginning.

    Attributes:
        limit: the maximum size of one line, or of the data of one event, in bytes.
        pending: the bytes after the last line end.
        pending_size: the number of these bytes.
        unfinished: the event that the lines since the last blank line belong to.
        id: the last event ID.
        started: whether the first line was read; a byte order mark is allowed only before it.
        after_cr: whether the last byte was a CR; an LF after it belongs to the same line end.
    """

    limit: int = DEFAULT_LIMIT
    pending: Bytes = _NO_BYTES
    pending_size: int = 0
    unfinished: UnfinishedEvent = _NO_EVENT
    id: str = ""
    started: bool = False
    after_cr: bool = False

    @property
    def is_between_events(self) -> bool:
        """Whether the next byte begins an event, as on a live connection nearly always."""
        return (
            self.started
            and not self.pending_size
            and self.unfinished is _NO_EVENT
            and not self.after_cr
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON; `from_dict` makes an equal one from it."""
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
        """Return the state that `to_dict` wrote."""
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
"""The fields of a `ServerSentEvent` (event, data, id, retry); each is empty if no line set it."""

_BOM = b"\xef\xbb\xbf"
_LONGEST_RETRY = 18
"""The most digits of a reconnection time; a longer one is ignored."""


def decode_sse(state: SSEState, chunk: bytes) -> tuple[SSEState, tuple[ServerSentEvent, ...]]:
    """Decode the next bytes of an event stream.

    Args:
        state: the state before the chunk; `SSEState()` at the beginning.
        chunk: the next bytes, cut anywhere.

    Returns:
        The state after the chunk, and the events that it completed.

    Raises:
        ProtocolError: a line or the data of an event is longer than `state.limit` bytes; `.events`
            has the events before it.

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
_StateDraft = draft_of(SSEState)


def _events_of(frames: list[Frame]) -> list[ServerSentEvent]:
    """Return the events of these frames. With `ServerSentEvent(…)`, `decode_sse` takes 1.5 times
    as long.
    """
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


ReadText = Callable[[str], int]
"""A function that reads the first events of a text, without their frames.

It takes the text of whole events, with LF at the end of each line, and returns the position of the
first event that it did not read. The events before that position are not read again.
"""


def scan(
    state: SSEState, chunk: bytes, read_text: ReadText | None = None
) -> tuple[SSEState, list[Frame], ProtocolError | None]:
    """Decode the next bytes without making `ServerSentEvent` objects.

    Args:
        state: the state before the chunk.
        chunk: the next bytes, cut anywhere.
        read_text: reads the first events that the chunk completes. It is called at most once. With
            it, the frames may have wrong IDs and no `retry`.

    Returns:
        The state after the chunk, the frames of the events that `read_text` did not read, and the
        fault that ended them or `None`.
    """
    frames: list[Frame]
    unfinished, size, started = state.unfinished, state.pending_size, state.started
    if state.is_between_events:
        # The chunk begins with an event, as most do on a live connection. Without this branch,
        # decoding one event per chunk takes 2.4 times as long.
        lines = chunk if _CR not in chunk or chunk.endswith(b"\r") else _with_lf(chunk)
        if lines.endswith(b"\n\n") and len(lines) <= state.limit:
            frames, last_id = _by_events(lines, state.id, read_text, [])
            if last_id != state.id:
                state = attrs.evolve(state, id=last_id)
            return state, frames, None
    frames = []
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
        if _CR in lines:
            lines = _with_lf(lines)
        begun = b"" if unfinished is _NO_EVENT else unfinished.line
        if begun is None:
            first, blank, lines = lines.partition(b"\n\n")
            unfinished, last_id, fault = _by_lines(
                unfinished, last_id, first + blank, frames, limit
            )
        if fault is None:
            whole = lines.rfind(b"\n\n") + 2
            events = begun + lines[:whole] if begun else lines[:whole]
            if whole > 1 and len(events) <= limit:
                frames, last_id = _by_events(events, last_id, read_text, frames)
                lines, unfinished = lines[whole:], _NO_EVENT
            if lines == _DELTA_LINE and unfinished is _NO_EVENT and len(lines) <= limit:
                unfinished = _DELTA_BEGUN
            elif lines:
                unfinished, last_id, fault = _by_lines(unfinished, last_id, lines, frames, limit)
    if end < len(rest) and fault is None:
        pending = pending.append(rest[end:])
        size += len(rest) - end
        if size > limit + (0 if started else len(_BOM)):
            fault = _too_long("a line", limit)
    draft = _StateDraft()
    draft.limit = limit
    draft.pending = pending
    draft.pending_size = size
    draft.unfinished = unfinished
    draft.id = last_id
    draft.started = started
    draft.after_cr = rest.endswith(b"\r")
    draft.__class__ = SSEState
    return draft, frames, fault


_CR = ord("\r")
_DELTA_LINE = b"event: content_block_delta\n"
_DELTA_BEGUN = UnfinishedEvent("content_block_delta")
"""The first line of most events, and the event after it.

A network cuts most events behind this line. Such an event is read with the events after it, and not
by its lines, as is any other event of one line; without that, decoding chunks of 4 KiB takes 1.25
times as long.
"""


def _with_lf(lines: bytes) -> bytes:
    """Return whole lines with LF at the end of each, instead of CR or CRLF."""
    return lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


PLAIN_EVENT = re.compile(r"event: (.*)\ndata: (.*)\n\n")
"""An event as the API writes it: its type and its data."""

_EVENT = re.compile(r"event: (.*)\ndata: (.*)\n\n()|(?s:(.+))")
"""A plain event, as a `Frame`; or all the rest, from the first event that is not plain."""

_ASIDES = r"(?:(?::.*)?\n)*"
_ID = r"(?:id:(?: |(?! ))([^\0\n]+)\n)?"
_COMMON_EVENT = re.compile(
    rf"{_ASIDES}{_ID}(?:event: ?(.*)\n)?{_ID}data: ?(.*)\n{_ID}\n{_ASIDES}|(?s:(.+))"
)
"""An event with one `data` line in any common form: with or without an `event` line, with an `id`
line anywhere, without the spaces, between comments and blank lines. Or all the rest, as in
`_EVENT`.

Its groups are the `id` before, the event, the `id` in the middle, the data, the `id` at the end,
and the rest.
"""

_ASIDE = re.compile(r"\n(?:id(?::.*)?|:.*)(?=\n)")
"""A line that is neither the type nor the data of an event (an `id` or a comment), with the LF
before it."""

_LAST_ID = re.compile(r"(?s:.*)\nid(?:: ?([^\0\n]*))?\n")
"""The last `id` line and all before it; the group is the ID."""


def _by_events(
    lines: bytes, last_id: str, read_text: ReadText | None, before: list[Frame]
) -> tuple[list[Frame], str]:
    """Read whole events, which together are not longer than the limit.

    Each way reads the events up to the first that is not in its form, and leaves the rest to the
    next slower way: `read_text`, `_EVENT`, `_COMMON_EVENT`, `_by_lines`.

    Args:
        lines: the lines of the events.
        last_id: the last event ID before them.
        read_text: reads the first events. With it, the frames may have wrong IDs and no `retry`,
            which its caller does not use.
        before: the frames of the events before them.

    Returns:
        The frames of the events that `read_text` did not read, those of `before` included, and the
        last event ID after the lines.
    """
    text = lines.decode("utf-8", "replace")
    if read_text is not None:
        # Take out `id` lines and comments, so that `read_text` recognises the events. Without
        # this, such events take 1.35 times as long.
        if b"\nid" in lines or b"\n:" in lines:
            text = f"\n{text}"
            found_id = _LAST_ID.match(text)
            if found_id is not None:
                last_id = found_id[1] or ""
            text = _ASIDE.sub("", text)[1:]
        if before:
            text = "".join(map(_text_of, before)) + text
            before = []
        text = text[read_text(text) :].lstrip("\n")
        if not text:
            return [], last_id
    plain: list[Any] = _EVENT.findall(text)
    rest: str = plain[-1][3]
    if rest:
        plain.pop()
    if last_id:
        plain = [(event, data, last_id, "") for event, data, _, _ in plain]
    frames = before + plain
    if rest:
        common: list[tuple[str, str, str, str, str, str]] = _COMMON_EVENT.findall(rest)
        for first, event, second, data, third, rest in common:
            if rest:
                # The events together are within the limit, so no line can be too long.
                _, last_id, _ = _by_lines(_NO_EVENT, last_id, rest.encode(), frames, math.inf)
                break
            last_id = third or second or first or last_id
            frames.append((event, data, last_id, ""))
    return frames, last_id


def _text_of(frame: Frame) -> str:
    """Return the event of a frame as the API would write it."""
    lines = frame[1].replace("\n", "\ndata: ")
    return f"event: {frame[0]}\ndata: {lines}\n\n"


def _by_lines(
    unfinished: UnfinishedEvent,
    last_id: str,
    lines: bytes,
    frames: list[Frame],
    limit: float,
) -> tuple[UnfinishedEvent, str, ProtocolError | None]:
    """Decode whole lines by the whole grammar, up to the first fault, and add to `frames`.

    Returns:
        The unfinished event after the lines, the last event ID, and the fault or `None`.
    """
    event, data = unfinished.event, unfinished.data
    data_size, retry = unfinished.data_size, unfinished.retry
    fault = None
    for line in lines.splitlines():  # of bytes, so only at the ends of lines
        if len(line) > limit:
            fault = _too_long("a line", limit)
            break
        if not line:
            if data_size:
                time: int | Literal[""] = "" if retry is None else retry
                frames.append((event, "\n".join(data.items()), last_id, time))
            event, data, data_size, retry = "", _NO_EVENT.data, 0, None
            continue
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            data_size += len(value) + 1  # with its LF; the LF of the last line is dropped
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


def _too_long(part: str, limit: float) -> ProtocolError:
    return ProtocolError(f"{part} is longer than the limit of {limit:,} bytes")
