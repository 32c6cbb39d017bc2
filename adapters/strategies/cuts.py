"""Where to cut: a text into deltas, or bytes into chunks.

What fails because of one cut among many must shrink to that one. So a cut into ones goes along a
run, of a length that shrinks to nothing, and from a place that Hypothesis can move as it shortens
the run.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from .messages import Draw

__all__ = ["cuts"]

_hows = st.sampled_from(["whole", "places", "tender", "run"])


def cuts(draw: Draw, length: int, tender: Sequence[int]) -> list[int]:
    """The positions at which to cut something of this length, in order. Some may be the same.

    Args:
        draw: what draws from strategies.
        length: that of the whole.
        tender: positions at which a cut is likely to do harm, and therefore likely.
    """
    how = draw(_hows)
    if how == "whole":
        return []
    if how == "places":
        return sorted(draw(st.lists(st.integers(0, length), max_size=6)))
    if how == "tender" and tender:
        return sorted(draw(st.lists(st.sampled_from(tender), max_size=4)))
    count = draw(st.integers(0, 2 * length))
    begin = draw(st.integers(0, 2 * length))
    begin = begin if begin <= length else 0
    return list(range(begin, min(begin + count, length) + 1))
