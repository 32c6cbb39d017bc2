"""Spans and metrics of message requests, by OpenTelemetry's conventions for generative AI.

Private: the transports that use it are in `streamfold.adapters.opentelemetry`, for httpx, and in
`streamfold.adapters.httpx2`.
"""

from .instruments import Telemetry
from .transports import AsyncObserver, AsyncTap, Observer, Tap

__all__ = ["AsyncObserver", "AsyncTap", "Observer", "Tap", "Telemetry"]
