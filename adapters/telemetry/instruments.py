"""The tracer and the histograms of one transport, and what is common to all its requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .conventions import SCHEMA_URL

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

__all__ = ["Telemetry"]

_NAME = "streamfold"

_SECONDS = tuple(0.01 * 2**step for step in range(14))
_TOKENS = tuple(4**step for step in range(14))
"""The bounds of the histograms, as the conventions demand them."""


class Telemetry:
    """The instruments that the requests of one transport are observed with."""

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        *,
        capture_content: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Make the instruments.

        Args:
            tracer_provider: makes the tracer; the global one by default.
            meter_provider: makes the histograms; the global one by default.
            capture_content: record the content of requests and messages in their span.
            clock: gives seconds, counted from any point.

        Raises:
            ImportError: OpenTelemetry is not installed.
        """
        try:
            from opentelemetry import metrics, trace
        except ImportError:
            raise ImportError(
                "observing transports need OpenTelemetry: pip install 'streamfold[opentelemetry]'"
            ) from None
        self.capture_content = capture_content
        self.clock = clock
        self.tracer = trace.get_tracer(
            _NAME, tracer_provider=tracer_provider, schema_url=SCHEMA_URL
        )
        self.client = trace.SpanKind.CLIENT
        self.failed = trace.Status(trace.StatusCode.ERROR)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider, schema_url=SCHEMA_URL)

        def histogram(name: str, unit: str, description: str) -> metrics.Histogram:
            return meter.create_histogram(
                f"gen_ai.client.{name}",
                unit=unit,
                description=description,
                explicit_bucket_boundaries_advisory=_SECONDS if unit == "s" else _TOKENS,
            )

        self.duration = histogram("operation.duration", "s", "GenAI operation duration.")
        self.tokens = histogram("token.usage", "{token}", "Number of input and output tokens used.")
        self.first_chunk = histogram(
            "operation.time_to_first_chunk", "s", "Time to receive the first chunk."
        )
        self.output_chunk = histogram(
            "operation.time_per_output_chunk",
            "s",
            "Time per output chunk, from the end of the previous one.",
        )
