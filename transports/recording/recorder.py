"""`RecordingTransport`: what a client receives, on its way, into files.

Every chunk is passed on as it comes, and noted down with its time; a file is written when the
stream ends, however it ends. What is noted are the bytes of the wire, before they are decompressed;
so that there is nothing to decompress, the request asks for `accept-encoding: identity`: a
compressor makes chunks of its own, and a file that nobody can read. An answer that is compressed
all the same is recorded, and replays, as it came.

A chunk's time is when the reader got it: who reads slowly records a slow stream. Writing a file
blocks for as long as the disk takes, in an event loop, too.

httpx and httpx2 share all of this: see `http_library`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import Any, ClassVar

import httpx

from .files import Ended, Name, Recording, check_name, numbered
from .http_library import byte_stream, headers_of, request_as_recorded
from .redaction import Redaction
from .value import RecordedChunk, RecordedError, RecordedRequest, RecordedResponse

__all__ = ["Recorder", "RecordingTransport"]


class _Tap:
    """The body of a response, passed on and noted down until it ends; then `finish` is told."""

    def __init__(self, body: Any, clock: Callable[[], float], finish: Callable[..., None]) -> None:
        self._body = body
        self._clock = clock
        self._finish = finish
        self._noted: list[RecordedChunk] = []
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        self._chunks = iter(self._body)
        return self

    def __next__(self) -> bytes:
        try:
            chunk: bytes = next(self._chunks)
        except BaseException as error:
            self._stopped(error)
            raise
        return self._note(chunk)

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._async_chunks = self._body.__aiter__()
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk: bytes = await self._async_chunks.__anext__()
        except BaseException as error:
            self._stopped(error)
            raise
        return self._note(chunk)

    def _note(self, chunk: bytes) -> bytes:
        if chunk:
            self._noted.append(RecordedChunk(chunk, self._clock()))
        return chunk

    def _stopped(self, error: BaseException) -> None:
        """What reading ended with: the end, a failure, or (a cancellation, say) neither."""
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self.end("complete")
        elif isinstance(error, Exception):
            self.end("error", RecordedError(type(error).__name__, str(error)))
        else:
            self.end("cut")

    def end(self, ended: Ended, error: RecordedError | None = None) -> None:
        """The first end is the one that counts: what is closed after it has been read already."""
        if not self._ended:
            self._ended = True
            self._finish(self, self._noted, ended=ended, error=error, duration=self._clock())

    def close(self) -> None:
        try:
            self.end("cut")
        finally:
            self._body.close()

    async def aclose(self) -> None:
        try:
            self.end("cut")
        finally:
            await self._body.aclose()


class Recorder:
    """A transport that sends with another one, and writes down what comes.

    The first recording is written to `path`, the next ones beside it: `turn.jsonl`, `turn-2.jsonl`,
    `turn-3.jsonl`, numbered as their answers begin. Files of those names are replaced. A request
    that brought no answer at all leaves none. A stream that is open when the transport is closed is
    written as it stands.
    """

    _http: ClassVar[Any]

    def __init__(self, inner: Any, path: Name, *, secrets: Iterable[str] = ()) -> None:
        """Record what `inner` receives.

        Args:
            inner: the transport to send with. It is closed with this one.
            path: the file to write, which must end with `.jsonl`; see above for more than one.
            secrets: names of what is secret beside the usual: see `Recording.redacted`.

        Raises:
            ValueError: `path` does not end with `.jsonl`.
        """
        self._inner = inner
        self._path = check_name(path)
        self._secrets = Redaction(secrets).names
        self._numbers = count(1)
        self._open: set[_Tap] = set()

    def handle_request(self, request: Any) -> Any:
        """Send a request; its answer is recorded while it is read."""
        request.read()
        record = self._recording_of(request)
        return record(self._inner.handle_request(request))

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request; its answer is recorded while it is read."""
        await request.aread()
        record = self._recording_of(request)
        return record(await self._inner.handle_async_request(request))

    def _recording_of(self, request: Any) -> Callable[[Any], Any]:
        """Start the clock; what makes of the answer one that is recorded."""
        request.headers["accept-encoding"] = "identity"
        recorded = request_as_recorded(request)
        start = time.monotonic()

        def clock() -> float:
            return round(time.monotonic() - start, 6)

        return partial(self._answered, recorded, clock)

    def _answered(self, request: RecordedRequest, clock: Callable[[], float], answer: Any) -> Any:
        path = numbered(self._path, next(self._numbers))
        response = RecordedResponse(answer.status_code, headers_of(answer), clock())

        def finish(tap: _Tap, chunks: list[RecordedChunk], **end: Any) -> None:
            self._open.discard(tap)
            recording = Recording(chunks, request=request, response=response, **end)
            recording.save(path, secrets=self._secrets)

        tap = byte_stream(self._http, _Tap)(answer.stream, clock, finish)
        self._open.add(tap)
        return self._http.Response(
            answer.status_code,
            headers=answer.headers.raw,
            stream=tap,
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close the transport that is sent with."""
        try:
            self._end_all()
        finally:
            self._inner.close()

    async def aclose(self) -> None:
        """Close the transport that is sent with."""
        try:
            self._end_all()
        finally:
            await self._inner.aclose()

    def _end_all(self) -> None:
        for tap in list(self._open):
            tap.end("cut")


class RecordingTransport(Recorder, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport that records, for sync clients and for async ones on asyncio or trio.

    >>> import tempfile
    >>> def answer(request):
    ...     return httpx.Response(200, stream=httpx.ByteStream(b"data: {}\\n\\n"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     transport = RecordingTransport(httpx.MockTransport(answer), f"{folder}/turn.jsonl")
    ...     with httpx.Client(transport=transport) as client:
    ...         response = client.post("https://example.com/", headers={"x-api-key": "sk-ant-1"})
    ...     recording = Recording.load(f"{folder}/turn.jsonl")
    >>> recording.body, recording.ended, dict(recording.request.headers)["x-api-key"]
    (b'data: {}\\n\\n', 'complete', '[secret]')
    """

    _http: ClassVar[Any] = httpx
