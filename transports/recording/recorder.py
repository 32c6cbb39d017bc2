"""`RecordingTransport`: an HTTP transport that writes each answer to a file as it passes.

Every chunk is passed on when it comes, and kept with its time. The file is written when the stream
ends, complete or not. The chunks are those of the wire, before decompression. Because a compressor
forms its own chunks, and a compressed file cannot be read, requests ask for the encoding
`identity`. An answer that is compressed all the same is recorded as it came.

The time of a chunk is the time when the reader received it, so that a slow reader records a slow
stream. Writing a file blocks the event loop for as long as the disk takes.

`Recorder` is the part that httpx and httpx2 share: see `http_library`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import Any, ClassVar

import httpx

from .files import PathLike, check_name, numbered
from .http_library import byte_stream, headers_of, recorded_request
from .parts import Ended, RecordedChunk, RecordedError, RecordedRequest, RecordedResponse
from .redaction import Redaction
from .value import Recording

__all__ = ["Recorder", "RecordingTransport"]


class _RecordedBody:
    """A body that keeps each chunk it passes on, and calls `finish` when it ends."""

    def __init__(self, body: Any, clock: Callable[[], float], finish: Callable[..., None]) -> None:
        self._body = body
        self._clock = clock
        self._finish = finish
        self._kept: list[RecordedChunk] = []
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        self._chunks = iter(self._body)
        return self

    def __next__(self) -> bytes:
        try:
            chunk: bytes = next(self._chunks)
        except BaseException as error:
            self._end_with(error)
            raise
        return self._keep(chunk)

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._async_chunks = self._body.__aiter__()
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk: bytes = await self._async_chunks.__anext__()
        except BaseException as error:
            self._end_with(error)
            raise
        return self._keep(chunk)

    def _keep(self, chunk: bytes) -> bytes:
        if chunk:
            self._kept.append(RecordedChunk(chunk, self._clock()))
        return chunk

    def _end_with(self, error: BaseException) -> None:
        """End the recording with the exception that ended reading."""
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self.end("complete")
        elif isinstance(error, Exception):
            self.end("error", RecordedError(type(error).__name__, str(error)))
        else:  # a cancellation or Ctrl-C: the reader stopped
            self.end("cut")

    def end(self, ended: Ended, error: RecordedError | None = None) -> None:
        """End the recording. Only the first call counts, because closing follows the last chunk."""
        if not self._ended:
            self._ended = True
            self._finish(self, self._kept, ended=ended, error=error, duration=self._clock())

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
    """A transport that sends requests with another one, and records the answers.

    The first recording is written to `path`, the others beside it: `turn.jsonl`, `turn-2.jsonl`,
    `turn-3.jsonl`, numbered in the order in which their answers begin. Existing files of these
    names are replaced. A request without an answer leaves no file. Closing the transport writes the
    streams that are still open, as far as they came.
    """

    _http: ClassVar[Any]

    def __init__(self, inner: Any, path: PathLike, *, secrets: Iterable[str] = ()) -> None:
        """Record the answers that `inner` receives.

        Args:
            inner: the transport that sends the requests. It is closed with this one.
            path: the file of the first answer, which must end with `.jsonl`; the others are beside
                it, with `-2`, `-3`, … in their names.
            secrets: further names of secrets: see `Recording.redacted`.

        Raises:
            TypeError: `secrets` is one string.
            ValueError: `path` does not end with `.jsonl`.
        """
        self._inner = inner
        self._path = check_name(path)
        self._secrets = Redaction(secrets).names
        self._numbers = count(1)
        self._open: set[_RecordedBody] = set()

    def handle_request(self, request: Any) -> Any:
        """Send a request. Its answer is recorded while it is read."""
        request.read()
        record = self._start(request)
        return record(self._inner.handle_request(request))

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request. Its answer is recorded while it is read."""
        await request.aread()
        record = self._start(request)
        return record(await self._inner.handle_async_request(request))

    def _start(self, request: Any) -> Callable[[Any], Any]:
        """Start the clock of a request; the result records the answer to it."""
        request.headers["accept-encoding"] = "identity"
        recorded = recorded_request(request)
        start = time.monotonic()

        def clock() -> float:
            return round(time.monotonic() - start, 6)

        return partial(self._record, recorded, clock)

    def _record(self, request: RecordedRequest, clock: Callable[[], float], answer: Any) -> Any:
        """The response `answer` with a body that is recorded."""
        path = numbered(self._path, next(self._numbers))
        response = RecordedResponse(answer.status_code, headers_of(answer), clock())

        def finish(body: _RecordedBody, chunks: list[RecordedChunk], **end: Any) -> None:
            self._open.discard(body)
            recording = Recording(chunks, request=request, response=response, **end)
            recording.save(path, secrets=self._secrets)

        body = byte_stream(self._http, _RecordedBody)(answer.stream, clock, finish)
        self._open.add(body)
        return self._http.Response(
            answer.status_code,
            headers=answer.headers.raw,
            stream=body,
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Write the open streams, and close the transport that sends."""
        try:
            self._end_all()
        finally:
            self._inner.close()

    async def aclose(self) -> None:
        """Write the open streams, and close the transport that sends."""
        try:
            self._end_all()
        finally:
            await self._inner.aclose()

    def _end_all(self) -> None:
        for body in list(self._open):
            body.end("cut")


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
