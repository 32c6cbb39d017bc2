"""The transports for httpx2, on which the official SDK is built.

`RecordingTransport` and `ReplayTransport` do for httpx2 what those of `streamfold.transports` do
for httpx; `ObservingTransport` and `AsyncObservingTransport` do what those of
`streamfold.adapters.opentelemetry` do. The extra `httpx2` installs the library; the last two also
need the extra `opentelemetry`.

>>> import anthropic, httpx2
>>> transport = ReplayTransport("tests/recordings/text.sse")
>>> with anthropic.Anthropic(
...     api_key="none", http_client=httpx2.Client(transport=transport)
... ) as client, client.messages.stream(
...     model="claude-opus-4-6", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
... ) as stream:
...     stream.get_final_message().stop_reason
'end_turn'
"""

from __future__ import annotations

from typing import Any, ClassVar

from streamfold.transports.recording import Recorder, Replayer

from .telemetry import AsyncObserver, AsyncTap, Observer, Tap

try:
    import httpx2
except ImportError:
    raise ImportError(
        "streamfold.adapters.httpx2 needs httpx2, which is not installed: "
        "pip install 'streamfold[httpx2]'"
    ) from None

__all__ = [
    "AsyncObservingTransport",
    "ObservingTransport",
    "RecordingTransport",
    "ReplayTransport",
]


class RecordingTransport(Recorder, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """An httpx2 transport that records: see `streamfold.transports.RecordingTransport`."""

    _http: ClassVar[Any] = httpx2


class ReplayTransport(Replayer, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """An httpx2 transport that replays: see `streamfold.transports.ReplayTransport`."""

    _http: ClassVar[Any] = httpx2


class _Body(Tap, httpx2.SyncByteStream):
    """The body of a response, as httpx2 takes it."""


class _AsyncBody(AsyncTap, httpx2.AsyncByteStream):
    """The body of an async response, as httpx2 takes it."""


class ObservingTransport(Observer, httpx2.BaseTransport):
    """An httpx2 transport that records spans and metrics: see `adapters.opentelemetry`."""

    _http: ClassVar[Any] = httpx2
    _tap: ClassVar[type[Any]] = _Body


class AsyncObservingTransport(AsyncObserver, httpx2.AsyncBaseTransport):
    """An httpx2 transport that records spans and metrics, for asyncio and trio."""

    _http: ClassVar[Any] = httpx2
    _tap: ClassVar[type[Any]] = _AsyncBody
