"""Amazon's event stream, bytes to values: the framing that Bedrock uses in place of server-sent
events. Pure and incremental, like `sse`.

Theory of operation. A body is a sequence of frames:

    total length (4) · header length (4) · CRC-32 of those (4) · headers · payload · CRC-32 (4)

The first 12 bytes, the prelude, give the frame's length, so the decoder searches for nothing.
`EventStreamState.pending` keeps the bytes of the unfinished frame; `needed` is the number of bytes
that the next step needs: 12, or the length of the frame. The second checksum covers the whole frame
before it. Only headers that are strings and whose names begin with a colon are used; the others are
skipped by their sizes.

A frame becomes the `ServerSentEvent` that the API itself would have sent, so that `parse_event`
and `reduce` serve both framings. A `chunk` has its JSON text as base64 in `{"bytes": …}`. An
exception becomes an `error` event with the API's type for it; the exception's own name stays in
`error.exception_type`.

Costs. Each byte is copied, checked and decoded a constant number of times, however the stream is
cut: pending pieces are kept as a growing value and joined once, when the frame is whole.

Bounds. No frame may be longer than `limit` bytes, and no headers longer than 128 KiB. Both stand
in the prelude, so a frame is refused before its bytes are kept, wherever the chunks were cut.

Sources: Smithy, "Amazon Event Stream Specification"; Amazon Bedrock Runtime API reference,
"InvokeModelWithResponseStream".
"""

from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from binascii import crc32
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

from .errors import ProtocolError
from .events import RawEvent
from .frozen_json import is_object, shorten, to_json
from .growing import Bytes
from .sealed import sealed
from .sse import DEFAULT_LIMIT, Frame, ServerSentEvent

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["EventStreamState", "decode_event_stream", "encode_event_stream"]

_PRELUDE = struct.Struct("!III")
_CHECKSUM = struct.Struct("!I")
_LENGTH = struct.Struct("!H")
_AROUND = _PRELUDE.size + _CHECKSUM.size
"""The number of bytes of a frame without headers and payload."""
_LONGEST_HEADERS = 128 * 1024
_NO_BYTES = Bytes()


@sealed
@attrs.frozen(kw_only=True, weakref_slot=False)
class EventStreamState:
    """The position of a decoder in an Amazon event stream. `EventStreamState()` is the beginning.

    Attributes:
        limit: the maximum size of a frame, in bytes.
        pending: the bytes of the unfinished frame.
        pending_size: the number of these bytes.
        needed: the number of bytes that the decoder waits for: the prelude, then the whole frame.
    """

    limit: int = DEFAULT_LIMIT
    pending: Bytes = _NO_BYTES
    pending_size: int = 0
    needed: int = _PRELUDE.size

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON; `from_dict` makes an equal one from it."""
        return {"limit": self.limit, "pending": bytes(self.pending).decode("latin-1")}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The state that `to_dict` wrote."""
        begun = cls(limit=state["limit"])
        return cast("Self", scan(begun, state["pending"].encode("latin-1"))[0])


def decode_event_stream(
    state: EventStreamState, chunk: bytes
) -> tuple[EventStreamState, tuple[ServerSentEvent, ...]]:
    """Decode the next bytes of an `application/vnd.amazon.eventstream` body.

    Args:
        state: the state before the chunk; `EventStreamState()` at the beginning.
        chunk: the next bytes, cut anywhere.

    Returns:
        The state after `chunk`, and one event for each frame that it completed, named by the `type`
        of its JSON.

    Raises:
        ProtocolError: a frame is longer than `state.limit`, a checksum is wrong, or a frame cannot
            be read; `events` holds those before it.

    >>> body = encode_event_stream([{"type": "ping"}])
    >>> state, events = decode_event_stream(EventStreamState(), body[:20])
    >>> events
    ()
    >>> decode_event_stream(state, body[20:])[1]
    (ServerSentEvent(event='ping', data='{"type":"ping"}', id='', retry=None),)
    """
    state, frames, fault = scan(state, chunk)
    events = tuple(ServerSentEvent(name or _type_of(data), data) for name, data, _, _ in frames)
    if fault is not None:
        fault.events = events
        raise fault
    return state, events


def _type_of(data: str) -> str:
    """The `type` of an event's JSON text; "message" where it has none."""
    kind = _object(data).get("type")
    return kind if isinstance(kind, str) else "message"


def _object(text: str) -> Mapping[str, Any]:
    """The JSON object in `text`; an empty one for any other text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def scan(
    state: EventStreamState, chunk: bytes
) -> tuple[EventStreamState, list[Frame], ProtocolError | None]:
    """`decode_event_stream` without the objects: the events of `chunk` as frames of `sse`, and the
    fault that ended them, if any. A frame without a name has its `type` in its data.
    """
    frames: list[Frame] = []
    if not chunk:
        return state, frames, None
    size = state.pending_size + len(chunk)
    if size < state.needed:
        pending = state.pending.append(chunk)
        return attrs.evolve(state, pending=pending, pending_size=size), frames, None
    data = bytes(state.pending) + chunk if state.pending_size else chunk
    start, needed, fault = 0, _PRELUDE.size, None
    try:
        while size - start >= _PRELUDE.size:
            length, headers_size = _prelude(data, start, state.limit)
            if size - start < length:
                needed = length
                break
            frames.append(_event(*_frame(data[start : start + length], headers_size)))
            start += length
    except ProtocolError as error:
        fault = error
    rest = data[start:]
    pending = Bytes([rest]) if rest else _NO_BYTES
    state = EventStreamState(
        limit=state.limit, pending=pending, pending_size=len(rest), needed=needed
    )
    return state, frames, fault


# --- frames -------------------------------------------------------------------------------------


def _prelude(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """The length of the frame that begins at `start`, and of its headers."""
    length, headers_size, checksum = _PRELUDE.unpack_from(data, start)
    found = crc32(data[start : start + 8])
    if checksum != found:
        raise ProtocolError(
            f"the prelude of a frame has the checksum 0x{checksum:08x}, its bytes have "
            f"0x{found:08x}: they are damaged, or are not application/vnd.amazon.eventstream"
        )
    if length > limit:
        raise ProtocolError(f"a frame of {length:,} bytes is longer than the limit of {limit:,}")
    if headers_size > _LONGEST_HEADERS:
        raise ProtocolError(
            f"the {headers_size:,} bytes of a frame's headers are more than the format's "
            f"{_LONGEST_HEADERS:,}"
        )
    if length < headers_size + _AROUND:
        raise ProtocolError(
            f"a frame of {length} bytes cannot hold its {headers_size} bytes of headers and "
            f"{_AROUND} bytes of lengths and checksums"
        )
    return length, headers_size


def _frame(frame: bytes, headers_size: int) -> tuple[dict[str, str], bytes]:
    """The headers of a whole frame that are strings, and its payload."""
    (checksum,) = _CHECKSUM.unpack_from(frame, len(frame) - _CHECKSUM.size)
    found = crc32(frame[: -_CHECKSUM.size])
    if checksum != found:
        raise ProtocolError(
            f"a frame has the checksum 0x{checksum:08x}, its bytes have 0x{found:08x}: they are "
            "damaged"
        )
    payload_start = _PRELUDE.size + headers_size
    headers = _headers(frame[_PRELUDE.size : payload_start])
    return headers, frame[payload_start : -_CHECKSUM.size]


_STRING = 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type: true, false, byte, short, integer, long, timestamp, UUID.
The other two, byte array (6) and string (7), begin with their length."""


def _headers(block: bytes) -> dict[str, str]:
    """The headers in `block` that are strings; the others are only skipped."""
    names: set[bytes] = set()
    strings: dict[str, str] = {}
    start = 0
    try:
        while start < len(block):
            name_end = start + 1 + block[start]
            name = block[start + 1 : name_end]
            kind = block[name_end]
            start = name_end + 1
            if kind in _SIZES:
                size = _SIZES[kind]
            elif kind in (6, _STRING):
                (size,) = _LENGTH.unpack_from(block, start)
                start += _LENGTH.size
            else:
                raise ValueError(f"type {kind}; the types are 0 to 9")
            if name in names:
                raise ValueError("the name a second time")
            names.add(name)
            if kind == _STRING:
                text = block[start : start + size].decode("utf-8", "replace")
                strings[name.decode("utf-8", "replace")] = text
            start += size
    except ValueError as fault:
        raise ProtocolError(f"the header {name!r} of a frame has {fault}") from None
    except (IndexError, struct.error):
        start = len(block) + 1
    if start > len(block):
        raise ProtocolError(
            f"the last header of a frame extends beyond the {len(block)} bytes of its headers"
        )
    return strings


# --- frames as events ---------------------------------------------------------------------------


def _event(headers: Mapping[str, str], payload: bytes) -> Frame:
    """The content of a frame, as a frame of `sse`."""
    message_type = headers.get(":message-type")
    text = payload.decode("utf-8", "replace")
    if message_type == "exception":
        return _error(headers.get(":exception-type", ""), _object(text), text)
    if message_type == "error":
        return _error(headers.get(":error-code", ""), {}, headers.get(":error-message", ""))
    if message_type != "event":
        raise ProtocolError(
            "the header `:message-type` of a frame must be event, exception or error, got "
            f"{'none' if message_type is None else shorten(message_type)}"
        )
    event_type = headers.get(":event-type", "")
    return ("", _chunk(text), "", "") if event_type == "chunk" else (event_type, text, "", "")


def _chunk(text: str) -> str:
    """The JSON text inside a chunk's payload."""
    try:
        return b64decode(_object(text)["bytes"], validate=True).decode("utf-8", "replace")
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(
            f'the payload of a chunk must be {{"bytes": base64}}, got {shorten(text)}', data=text
        ) from None


_ERROR_TYPES = {
    "accessDeniedException": "permission_error",
    "modelNotReadyException": "overloaded_error",
    "modelTimeoutException": "timeout_error",
    "resourceNotFoundException": "not_found_error",
    "serviceQuotaExceededException": "rate_limit_error",
    "serviceUnavailableException": "overloaded_error",
    "throttlingException": "rate_limit_error",
    "validationException": "invalid_request_error",
}
"""Bedrock's exceptions by their names, and the API's types of error. All others are `api_error`:
`internalServerException`, `modelErrorException`, `modelStreamErrorException`."""


def _error(name: str, details: Mapping[str, Any], text: str) -> Frame:
    """The `error` event of the exception `name`, with those of its `details` that are text or
    numbers; `text` is its message if they have none.
    """
    scalars = {key: value for key, value in details.items() if isinstance(value, (str, int))}
    error = {
        **scalars,
        "type": _ERROR_TYPES.get(name[:1].lower() + name[1:], "api_error"),
        "message": scalars.get("message", scalars.get("Message", text)),
        "exception_type": name,
    }
    return "error", json.dumps({"type": "error", "error": error}, separators=(",", ":")), "", ""


# --- the way back -------------------------------------------------------------------------------


def encode_event_stream(raw_events: Iterable[RawEvent | Mapping[str, Any]]) -> bytes:
    """The body of a Bedrock response that streams these events: `encode_sse` in Amazon's frames.

    An `error` event with an `exception_type`, such as `decode_event_stream` makes, becomes an
    exception frame again.

    >>> len(encode_event_stream([{"type": "ping"}]))
    123
    """
    return b"".join(map(_encode, raw_events))


def _encode(event: RawEvent | Mapping[str, Any]) -> bytes:
    error = event.get("error")
    if event["type"] == "error" and is_object(error) and "exception_type" in error:
        payload = {key: value for key, value in error.items() if key not in _OF_THE_HEADER}
        return _encode_frame("exception", error["exception_type"], to_json(payload).encode())
    text = b64encode(to_json(event).encode())
    return _encode_frame("event", "chunk", b'{"bytes":"%b"}' % text)


_OF_THE_HEADER = ("type", "exception_type")
"""The fields of an error that the header `:exception-type` brings."""


def _encode_frame(message_type: str, name: str, payload: bytes) -> bytes:
    texts = {
        f":{message_type}-type": name,
        ":content-type": "application/json",
        ":message-type": message_type,
    }
    headers = b"".join(
        bytes([len(key)]) + key + bytes([_STRING]) + _LENGTH.pack(len(value)) + value
        for key, value in ((key.encode(), value.encode()) for key, value in texts.items())
    )
    length = len(headers) + len(payload) + _AROUND
    lengths = _PRELUDE.pack(length, len(headers), 0)[:8]
    frame = lengths + _CHECKSUM.pack(crc32(lengths)) + headers + payload
    return frame + _CHECKSUM.pack(crc32(frame))
