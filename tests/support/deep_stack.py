"""Calls of a function with every small number of frames that the stack has left."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

FEWEST = 40
"""The frames that any call may need; with fewer, Python's own `RecursionError` is allowed."""

_MOST = 450
_STEP = 7


def outcomes_near_the_limit(function: Callable[[], Any]) -> list[Any]:
    """The results, or exceptions, of `function` at depths with `FEWEST` to `_MOST` frames left."""
    outcomes: list[Any] = []

    def deeper(left: int) -> None:
        if left > FEWEST:
            if left % _STEP == 0:
                try:
                    outcomes.append(function())
                except Exception as error:
                    outcomes.append(error)
            deeper(left - 1)

    def descend(frames: int) -> None:
        if frames:
            descend(frames - 1)
        else:
            deeper(_MOST)

    descend(sys.getrecursionlimit() - len(inspect.stack(0)) - _MOST)
    return outcomes
