"""`RecordingTransport` and `ReplayTransport` for httpx2, on which the official SDK is built.

They do for httpx2 what those of `streamfold.transports` do for httpx. The extra `httpx2` installs
the library.

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

try:
    import httpx2
except ImportError:
    raise ImportError(
        "streamfold.adapters.httpx2 needs httpx2, which is not installed: "
        "pip install 'streamfold[httpx2]'"
    ) from None

__all__ = ["RecordingTransport", "ReplayTransport"]


class RecordingTransport(Recorder, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """An httpx2 transport that records: see `streamfold.transports.RecordingTransport`."""

    _http: ClassVar[Any] = httpx2


class ReplayTransport(Replayer, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """An httpx2 transport that replays: see `streamfold.transports.ReplayTransport`."""

    _http: ClassVar[Any] = httpx2
