"""Spans and metrics of message streams, by OpenTelemetry's conventions for generative AI.

`ObservingTransport` and `AsyncObservingTransport` wrap an httpx transport, so they see the requests
of every client above it: this package's, a framework's, one's own. `streamfold.adapters.httpx2` has
both for httpx2, on which the official client is built. Needs the extra `opentelemetry`.

Each request for a message gives one span, from the moment it is sent to the end of the message,
with the attributes of the conventions: operation, provider, models, parameters, id, finish reasons,
tokens (also those read from and written to the cache), `error.type`, server. `streamfold.outcome`
is `complete`, `left` (the reader closed or dropped the stream, or was cancelled), `incomplete`,
`error` or `fault`. The span does not depend on how the stream is read. Retries of a client are
requests of their own, so each has its span.

The metrics are `gen_ai.client.operation.duration`, `gen_ai.client.token.usage`,
`gen_ai.client.operation.time_to_first_chunk` and `gen_ai.client.operation.time_per_output_chunk`.
The first chunk is the first that brings an event other than a ping; chunks that come within a
millisecond of each other count as one.

The content of requests and messages is recorded only with `capture_content=True`. No header, no
query and no message of an error is ever recorded.

Source: OpenTelemetry semantic conventions 1.41.1, "Generative AI". It is the last release that has
them; they are still in development.
"""

from __future__ import annotations

from typing import Any, ClassVar

import httpx

from .telemetry import AsyncObserver, AsyncTap, Observer, Tap

__all__ = ["AsyncObservingTransport", "ObservingTransport"]


class _Body(Tap, httpx.SyncByteStream):
    """The body of a response, as httpx takes it."""


class _AsyncBody(AsyncTap, httpx.AsyncByteStream):
    """The body of an async response, as httpx takes it."""


class ObservingTransport(Observer, httpx.BaseTransport):
    """An httpx transport that records spans and metrics, for sync clients.

    >>> from opentelemetry.sdk.trace import TracerProvider
    >>> from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    >>> from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    >>> from streamfold.adapters.anthropic import Anthropic
    >>> from streamfold.transports import ReplayTransport
    >>> exporter, provider = InMemorySpanExporter(), TracerProvider()
    >>> provider.add_span_processor(SimpleSpanProcessor(exporter))
    >>> transport = ObservingTransport(
    ...     ReplayTransport("tests/recordings/text.sse"), tracer_provider=provider)
    >>> with Anthropic(
    ...     api_key="none", max_retries=0, http_client=httpx.Client(transport=transport)
    ... ) as client, client.messages.stream(
    ...     model="claude-opus-4-6", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
    ... ) as stream:
    ...     message = stream.get_final_message()
    >>> (span,) = exporter.get_finished_spans()
    >>> span.name, span.attributes["gen_ai.response.finish_reasons"]
    ('chat claude-opus-4-6', ('end_turn',))
    >>> span.attributes["streamfold.outcome"]
    'complete'
    """

    _http: ClassVar[Any] = httpx
    _tap: ClassVar[type[Any]] = _Body


class AsyncObservingTransport(AsyncObserver, httpx.AsyncBaseTransport):
    """An httpx transport that records spans and metrics, for asyncio and trio."""

    _http: ClassVar[Any] = httpx
    _tap: ClassVar[type[Any]] = _AsyncBody
