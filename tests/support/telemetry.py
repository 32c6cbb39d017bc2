"""The telemetry that a program would export, kept in memory and as plain values."""

from __future__ import annotations

from itertools import count
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Exported:
    """The providers of one program, and all that they export.

    Attributes:
        options: the arguments of an observing transport: the providers, and a clock that ticks once
            a second and once a reading.
    """

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        tracer_provider = TracerProvider()
        tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        ticks = count()
        self.options: dict[str, Any] = {
            "tracer_provider": tracer_provider,
            "meter_provider": MeterProvider(metric_readers=[self._reader]),
            "clock": lambda: float(next(ticks)),
        }

    @property
    def spans(self) -> list[dict[str, Any]]:
        """The spans that ended: name, kind, status and attributes."""
        return [
            {
                "name": span.name,
                "kind": span.kind.name,
                "status": span.status.status_code.name,
                "description": span.status.description,
                "events": len(span.events),
                **dict(span.attributes or {}),
            }
            for span in self._exporter.get_finished_spans()
        ]

    @property
    def span(self) -> dict[str, Any]:
        """The one span that ended."""
        (span,) = self.spans
        return span

    @property
    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """By the metric's name: its points, with attributes, count and sum."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name.removeprefix("gen_ai.client."): [
                {**dict(point.attributes or {}), "count": point.count, "sum": point.sum}  # type: ignore[union-attr]
                for point in metric.data.data_points
            ]
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
