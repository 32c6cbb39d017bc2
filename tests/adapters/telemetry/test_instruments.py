"""The instruments: the bounds of their histograms."""

from __future__ import annotations

from streamfold.adapters.telemetry.instruments import _SECONDS, _TOKENS


def test_the_bounds_are_those_of_the_conventions() -> None:
    """OpenTelemetry, "Semantic conventions for generative AI metrics"."""
    assert _SECONDS == (
        0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    )  # fmt: skip
    assert _TOKENS == (
        1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
    )  # fmt: skip
