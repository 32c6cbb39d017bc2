"""`Observation`: one request for a message, from being sent to its end, as a span and metrics.

It sees the bytes of the answer before their reader does, and folds them with `drain`; so the span
depends neither on the client nor on the way it reads the stream. It ends with the first of:

    complete     the message is whole, whether its reader reads on or not
    left         the reader closed the stream, dropped it, or was cancelled: not an error
    incomplete   the body ended before the message did
    error        the API said so (an `error` event, or its status), or the connection failed
    fault        the stream breaks the protocol, or a success is neither a stream nor a message

That is the attribute `streamfold.outcome`; the last three have an `error.type`. An error is
recorded by its type, never by its message, because messages repeat what was sent.

A chunk costs `drain` and 1 µs. Time per output chunk is a record of its own, which costs 8 µs in
OpenTelemetry's SDK, so chunks that come within a millisecond of each other count as one. At most
`DEFAULT_LIMIT` bytes are kept of an answer that is not a stream.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from streamfold.reducer import (
    DEFAULT_LIMIT,
    Message,
    ProtocolError,
    Snapshot,
    StreamState,
    drain,
    is_object,
)
from streamfold.transports import AWS_EVENT_STREAM, EVENT_STREAM, decoder_of, media_type
from streamfold.transports.recording import Redaction, is_harmless_header

from .conventions import (
    Attributes,
    Operation,
    input_content,
    output_content,
    response_attributes,
    token_counts,
)
from .instruments import Telemetry

__all__ = ["Observation"]

Outcome = Literal["complete", "left", "incomplete", "error", "fault"]

Body = Literal["stream", "whole", "unknown"]
"""The treatment of a body: folded as it comes, kept until it is whole, or not read."""

_SHORTEST = 0.001
"""Seconds; chunks that are closer together count as one."""

_PIECE = 64 * 1024
"""Bytes that are decompressed at a time."""


class Observation:
    """One request for a message."""

    def __init__(self, telemetry: Telemetry, operation: Operation, headers: Any) -> None:
        """Begin the span of a request that is sent now.

        Args:
            telemetry: the instruments.
            operation: the request.
            headers: the request's headers; the secrets in them are left out of its content.
        """
        self._telemetry = telemetry
        self._operation = operation
        self._headers = headers
        self._identity = operation.identity
        self._status = 0
        self._body: Body = "unknown"
        self._decompression: _Decompression | None = None
        self._kept = bytearray()
        self._state = StreamState()
        self._snapshot = self._state.snapshot
        self._message: Message | None = None
        self._first_chunk: float | None = None
        self._last_chunk = -math.inf
        self._over = False
        self._span = telemetry.tracer.start_span(
            operation.name,
            kind=telemetry.client,
            attributes={**self._identity, **operation.parameters},
        )
        self._clock = telemetry.clock
        self._start = self._clock()

    # --- what happens -----------------------------------------------------------------------------

    def answered(self, response: Any) -> None:
        """The head of the answer came."""
        headers = response.headers
        self._status = response.status_code
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("gzip", "deflate"):
            self._decompression = _Decompression()
        elif encoding != "identity":
            return
        content_type = headers.get("content-type", "")
        is_stream = media_type(content_type) in (EVENT_STREAM, AWS_EVENT_STREAM)
        self._body = "stream" if is_stream else "whole"
        self._state = StreamState(sse=decoder_of(content_type))

    def took(self, chunk: bytes) -> None:
        """The next bytes of the body came, and go to the reader now."""
        if self._over:
            return
        if self._body == "stream" and self._decompression is None:
            self._fold(chunk)
        else:
            self._see(chunk)

    def ended(self) -> None:
        """The body ended."""
        if self._over:
            return
        if self._body == "stream":
            self._end("incomplete", "incomplete_stream")
        elif self._status >= 400:
            self._end("error", self._error_type())
        elif self._body == "whole":
            self._end_with_message()
        else:
            self._end("complete")

    def failed(self, error: BaseException) -> None:
        """Sending the request, or reading the body, ended with `error`."""
        if isinstance(error, Exception):
            kind = type(error)
            self._end("error", f"{kind.__module__}.{kind.__qualname__}")
        else:
            self._end("left")  # a cancellation: those of asyncio and trio are not `Exception`s

    def left(self) -> None:
        """The reader closed the stream, or dropped it."""
        self._end("left")

    # --- the body ---------------------------------------------------------------------------------

    def _see(self, chunk: bytes) -> None:
        """The next bytes of a body that is not the usual one: compressed, or no stream."""
        if self._body == "unknown":
            return
        pieces = (chunk,) if self._decompression is None else self._decompression.pieces(chunk)
        try:
            for piece in pieces:
                if self._body == "stream":
                    self._fold(piece)
                elif len(self._kept) + len(piece) > DEFAULT_LIMIT:
                    self._kept, self._body = bytearray(), "unknown"
                else:
                    self._kept += piece
        except zlib.error:
            self._body = "unknown"

    def _fold(self, chunk: bytes) -> None:
        before, fault = self._snapshot, False
        try:
            self._state = drain(self._state, chunk)
            snapshot = self._state.snapshot
        except ProtocolError as error:
            fault, snapshot = True, error.snapshot or before
        if snapshot is not before:  # it is the same after pings and after part of an event
            self._snapshot = snapshot
            now = self._clock()
            if now - self._last_chunk >= _SHORTEST:
                self._note_chunk(now)
        if snapshot.is_over or fault:
            self._end_of_stream(snapshot)

    def _note_chunk(self, now: float) -> None:
        """A chunk of the output came."""
        if self._message is None:
            self._message = self._snapshot.message
        if self._first_chunk is None:
            self._first_chunk = now
        else:
            gap = now - self._last_chunk
            self._telemetry.output_chunk.record(gap, self._of_model())
        self._last_chunk = now

    def _end_of_stream(self, snapshot: Snapshot) -> None:
        """The end of a stream that is over, or broke the protocol."""
        if snapshot.error is not None:
            self._end("error", str(snapshot.error.error.get("type")))
        elif snapshot.is_over:
            self._end("complete")
        else:
            self._end("fault", "protocol_error")

    def _error_type(self) -> str:
        """The type of the error in the body, or the status without one."""
        error = self._json().get("error")
        kind = error.get("type") if is_object(error) else None
        return kind if isinstance(kind, str) else str(self._status)

    def _end_with_message(self) -> None:
        """The end of a success that was not a stream: it should be a message."""
        try:
            self._message = Message.from_dict(self._json())
        except ValueError:
            if self._status < 300:
                self._end("fault", "unexpected_response")
                return
        self._end("complete")

    def _json(self) -> Mapping[str, Any]:
        """The JSON object that the body is; an empty one if it is anything else."""
        try:
            value = json.loads(self._kept)
        except (ValueError, RecursionError):
            return {}
        return value if is_object(value) else {}

    # --- the end ----------------------------------------------------------------------------------

    def _of_model(self) -> Attributes:
        """The attributes of a metric: with the model that answers, once that is known."""
        if self._message is None:
            return self._identity
        return {**self._identity, "gen_ai.response.model": self._message.model}

    def _end(self, outcome: Outcome, error_type: str | None = None) -> None:
        """End the span, the first time."""
        if self._over:
            return
        self._over = True
        telemetry, span = self._telemetry, self._span
        duration = self._clock() - self._start
        message = self._message = self._snapshot.message or self._message
        identity = self._of_model()
        attributes: Attributes = {"streamfold.outcome": outcome}
        if self._status:
            attributes["http.response.status_code"] = self._status
        if message is not None:
            attributes.update(response_attributes(message))
            for kind, count in token_counts(message).items():
                telemetry.tokens.record(count, {**identity, "gen_ai.token.type": kind})
        if self._first_chunk is not None:
            first = self._first_chunk - self._start
            attributes["gen_ai.response.time_to_first_chunk"] = first
            telemetry.first_chunk.record(first, identity)
        if error_type is not None:
            attributes["error.type"] = error_type
            identity = {**identity, "error.type": error_type}
            span.set_status(telemetry.failed)
        if telemetry.capture_content:
            attributes.update(self._content())
        telemetry.duration.record(duration, identity)
        span.set_attributes(attributes)
        span.end()

    def _content(self) -> dict[str, str]:
        content = input_content(self._operation.body)
        if self._message is not None:
            content.update(output_content(self._message))
        headers = self._headers.multi_items()
        redaction = Redaction([name for name, _ in headers if not is_harmless_header(name)])
        redaction.headers(headers)
        return {
            name: json.dumps(redaction.texts(redaction.json(value)), ensure_ascii=False)
            for name, value in content.items()
        }


class _Decompression:
    """The pieces that the chunks of a compressed body decompress to, each of a bounded size."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip and zlib, by the header

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces of the next chunk."""
        while chunk:
            yield self._zlib.decompress(chunk, _PIECE)
            chunk = self._zlib.unconsumed_tail
