"""Warnings about models that the API will retire, and about a kind of thinking that it phases out.

Source: API documentation, "Model deprecations" and "Adaptive thinking", as of November 2026.
"""

from __future__ import annotations

import warnings
from typing import Any

from streamfold.reducer import is_object

__all__ = ["RETIREMENTS", "warn_of_deprecations"]

RETIREMENTS = {
    "claude-mythos-preview": "2026-06-30",
    "claude-opus-4-5": "2027-01-22",
    "claude-opus-4-5-20251101": "2027-01-22",
    "claude-sonnet-4-5": "2026-11-30",
    "claude-sonnet-4-5-20250929": "2026-11-30",
}
"""By model, the day on which the API retires it."""

_ADAPTIVE_ONLY = frozenset({"claude-mythos-preview", "claude-opus-4-6"})
"""The models that answer better with adaptive thinking than with enabled thinking."""


def warn_of_deprecations(model: Any, thinking: Any, *, stacklevel: int) -> None:
    """Warn about a model or a kind of thinking that a request should no longer use.

    Args:
        model: the model of the request.
        thinking: its parameter `thinking`, if it has one.
        stacklevel: the frames between this function and the caller's line, as in `warnings.warn`.
    """
    if not isinstance(model, str):
        return
    if model in RETIREMENTS:
        warnings.warn(
            f"The model '{model}' is deprecated: the API retires it on {RETIREMENTS[model]}. "
            "Use a newer model.",
            DeprecationWarning,
            stacklevel=stacklevel + 1,
        )
    if model in _ADAPTIVE_ONLY and is_object(thinking) and thinking.get("type") == "enabled":
        warnings.warn(
            f"thinking of the type 'enabled' is deprecated for {model}: use the type 'adaptive'",
            UserWarning,
            stacklevel=stacklevel + 1,
        )
