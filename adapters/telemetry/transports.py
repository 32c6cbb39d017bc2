"""Transports that observe the requests they pass on, sync and async, for httpx and for httpx2.

`Observer` and `AsyncObserver` have all that a transport needs but the library's own base classes,
which a subclass adds with `_http`, the module, and `_tap`, the class of its response bodies. Only
requests for a message are observed; all others are passed on untouched.

A request is sent as it is, with one exception: an observed request asks for no compression but gzip
and deflate, because no other can be read here.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from .conventions import Route, operation_of, route_of
from .instruments import Telemetry
from .observation import Observation

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

__all__ = ["AsyncObserver", "AsyncTap", "Observer", "Tap"]

_READABLE = frozenset({"gzip", "deflate", "identity"})


def _is_readable(coding: str) -> bool:
    """Whether a coding of `accept-encoding`, with its weight, can be read here."""
    return coding.partition(";")[0].strip().lower() in _READABLE


class _Tap:
    """The body of a response, passed on and observed until it ends."""

    def __init__(self, body: Any, observation: Observation) -> None:
        self._body = body
        self._observation = observation

    def __del__(self) -> None:
        self._observation.left()


class Tap(_Tap):
    """The body of a sync response."""

    def __iter__(self) -> Iterator[bytes]:
        took = self._observation.took
        try:
            for chunk in self._body:
                took(chunk)
                yield chunk
        except BaseException as error:
            self._observation.failed(error)
            raise
        self._observation.ended()

    def close(self) -> None:
        """Close the body."""
        self._observation.left()
        self._body.close()


class AsyncTap(_Tap):
    """The body of an async response.

    An iterator, where the sync one is a generator, because an async generator that is dropped
    half-way has to be closed by the event loop.
    """

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._chunks = self._body.__aiter__()
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk: bytes = await self._chunks.__anext__()
        except StopAsyncIteration:
            self._observation.ended()
            raise
        except BaseException as error:
            self._observation.failed(error)
            raise
        self._observation.took(chunk)
        return chunk

    async def aclose(self) -> None:
        """Close the body."""
        self._observation.left()
        await self._body.aclose()


class _Observer:
    """The part that both transports share: everything except waiting."""

    _http: ClassVar[Any]
    _tap: ClassVar[type[Any]]

    def __init__(
        self,
        inner: Any,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        capture_content: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Observe what `inner` sends and receives.

        Args:
            inner: the transport to send with. It is closed with this one.
            tracer_provider: receives the spans; OpenTelemetry's global provider by default.
            meter_provider: receives the metrics; OpenTelemetry's global provider by default.
            capture_content: record the content of requests and messages in the span. Off by
                default, because they may hold personal data.
            clock: gives seconds, counted from any point, for the metrics.

        Raises:
            ImportError: OpenTelemetry is not installed.
        """
        self._inner = inner
        self._telemetry = Telemetry(
            tracer_provider, meter_provider, capture_content=capture_content, clock=clock
        )

    def _begin(self, route: Route, request: Any) -> Observation:
        """Begin to observe a request for a message, whose body has been read."""
        operation = operation_of(route, request.url, request.content)
        accepted = request.headers.get("accept-encoding", "").split(",")
        readable = [coding.strip() for coding in accepted if _is_readable(coding)]
        request.headers["accept-encoding"] = ", ".join(readable) or "identity"
        return Observation(self._telemetry, operation, request.headers)

    def _observed(self, answer: Any, observation: Observation) -> Any:
        observation.answered(answer)
        return self._http.Response(
            answer.status_code,
            headers=answer.headers.raw,
            stream=self._tap(answer.stream, observation),
            extensions=answer.extensions,
        )


class Observer(_Observer):
    """A sync transport that observes."""

    def handle_request(self, request: Any) -> Any:
        """Send a request; its answer is observed while it is read."""
        route = route_of(request.method, request.url.path)
        if route is None:
            return self._inner.handle_request(request)
        request.read()
        observation = self._begin(route, request)
        try:
            answer = self._inner.handle_request(request)
        except BaseException as error:
            observation.failed(error)
            raise
        return self._observed(answer, observation)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


class AsyncObserver(_Observer):
    """An async transport that observes."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request; its answer is observed while it is read."""
        route = route_of(request.method, request.url.path)
        if route is None:
            return await self._inner.handle_async_request(request)
        await request.aread()
        observation = self._begin(route, request)
        try:
            answer = await self._inner.handle_async_request(request)
        except BaseException as error:
            observation.failed(error)
            raise
        return self._observed(answer, observation)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()
