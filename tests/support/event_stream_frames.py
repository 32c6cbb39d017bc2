"""Frames of Amazon's event stream, written from the sentences of the specification, with headers
of all ten types; and their contents as botocore, Amazon's own library, reads them.

Nothing here shares code with `streamfold.reducer.event_stream`.
"""

from __future__ import annotations

import base64
import json
import struct
import uuid
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.eventstream import EventStreamBuffer, ParserError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import EventStreamJSONParser
from hypothesis import strategies as st


class Header(NamedTuple):
    """A header: its type as the specification numbers them, and its value."""

    kind: int
    value: Any = None


_NUMBERS = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}


def header_bytes(name: str, header: Header) -> bytes:
    encoded = name.encode()
    start = bytes([len(encoded)]) + encoded + bytes([header.kind])
    if header.kind in (0, 1):
        return start
    if header.kind in _NUMBERS:
        return start + struct.pack(_NUMBERS[header.kind], header.value)
    if header.kind == 9:
        return start + header.value.bytes  # type: ignore[no-any-return]
    value = header.value.encode() if header.kind == 7 else header.value
    return start + struct.pack(">H", len(value)) + value  # type: ignore[no-any-return]


def frame_of(headers: bytes, payload: bytes) -> bytes:
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    prelude = lengths + struct.pack(">I", zlib.crc32(lengths))
    message = prelude + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def frame(headers: Mapping[str, Header | str], payload: bytes | str = b"") -> bytes:
    """A frame; a header that is text has the type of text."""
    encoded = b"".join(
        header_bytes(name, Header(7, value) if isinstance(value, str) else value)
        for name, value in headers.items()
    )
    return frame_of(encoded, payload.encode() if isinstance(payload, str) else payload)


EVENT = {
    ":event-type": "chunk",
    ":content-type": "application/json",
    ":message-type": "event",
}


def chunk_frame(data: str, **more: Any) -> bytes:
    """The frame in which Bedrock sends the JSON text `data`, with `more` fields (its padding)."""
    return frame(EVENT, json.dumps({"bytes": base64.b64encode(data.encode()).decode(), **more}))


def exception_frame(name: str, payload: bytes | str) -> bytes:
    headers = {":exception-type": name, ":content-type": "application/json"}
    return frame({**headers, ":message-type": "exception"}, payload)


# --- any frames ---------------------------------------------------------------------------------


def _integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


_texts = st.text(st.characters(codec="utf-8"), max_size=12)

headers = st.one_of(
    st.sampled_from([Header(0), Header(1)]),
    _integers(8).map(lambda value: Header(2, value)),
    _integers(16).map(lambda value: Header(3, value)),
    _integers(32).map(lambda value: Header(4, value)),
    _integers(64).map(lambda value: Header(5, value)),
    st.binary(max_size=20).map(lambda value: Header(6, value)),
    _texts.map(lambda value: Header(7, value)),
    _integers(64).map(lambda value: Header(8, value)),
    st.uuids(allow_nil=True).map(lambda value: Header(9, value)),
)
"""A header of any of the ten types."""

_other_headers = st.dictionaries(_texts.filter(lambda name: not name.startswith(":")), headers)

EXCEPTIONS = [
    "internalServerException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
]
"""Those that the service's model has."""


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame as Bedrock may send it, among headers of any type."""
    kind = draw(st.sampled_from(["chunk", "chunk", "chunk", "exception", "error"]))
    payload: dict[str, Any] = {}
    if kind == "chunk":
        text = draw(_texts | st.sampled_from(['{"type":"ping"}', '{"type": 1}', "{}", "[]", "é"]))
        headers: dict[str, Any] = dict(EVENT)
        payload = {"bytes": base64.b64encode(text.encode()).decode(), "p": draw(_texts)}
    elif kind == "exception":
        headers = {":exception-type": draw(st.sampled_from(EXCEPTIONS)), ":message-type": kind}
        payload = {"message": draw(_texts)}
    else:
        headers = {
            ":error-code": draw(_texts),
            ":error-message": draw(_texts),
            ":message-type": kind,
        }
    named = list({**draw(_other_headers), **headers}.items())
    return frame(dict(draw(st.permutations(named))), json.dumps(payload))


bodies = st.lists(frames(), max_size=5).map(b"".join)


# --- the oracle ---------------------------------------------------------------------------------

_MODEL = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
_SHAPE = _MODEL.shape_for("ResponseStream")


class FrameContent(NamedTuple):
    """The text of a chunk, or the name and the message of an error."""

    text: str = ""
    error: str | None = None


def botocore_reads(body: bytes) -> tuple[list[FrameContent], bool]:
    """The frames that botocore reads in `body`, and whether it refused the rest."""
    buffer, parser, read = EventStreamBuffer(), EventStreamJSONParser(), []
    buffer.add_data(body)
    try:
        for message in buffer:
            response = message.to_response_dict()
            parsed = parser.parse(response, _SHAPE)
            if response["status_code"] == 200:
                read.append(FrameContent(parsed["chunk"]["bytes"].decode()))
            else:
                read.append(FrameContent(parsed["Error"]["Message"], parsed["Error"]["Code"]))
    except ParserError:
        return read, True
    return read, False


UUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
ALL_TYPES = {
    "true": Header(0),
    "false": Header(1),
    "byte": Header(2, -128),
    "short": Header(3, -32768),
    "integer": Header(4, -(2**31)),
    "long": Header(5, -(2**63)),
    "bytes": Header(6, b"\x00\xff" * 300),
    "text": Header(7, "é" * 300),
    "timestamp": Header(8, 1_700_000_000_000),
    "uuid": Header(9, UUID),
}
"""One header of each type."""
