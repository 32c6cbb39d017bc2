"""Positions at which to cut a text into deltas, or bytes into chunks.

A failure that needs one cut among many must shrink to that one. Therefore a run of single
characters has a length that shrinks to 0, and a start that can move while the run is shortened.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from .grammar import Draw

__all__ = ["cuts"]

_ways = st.sampled_from(["whole", "places", "tender", "tender", "run", "equal"])


def cuts(draw: Draw, length: int, tender: Sequence[int]) -> list[int]:
    """Positions at which to cut, in order. Positions may repeat.

    Args:
        draw: draws from a strategy.
        length: the length of the whole.
        tender: positions at which a cut is likely to reveal a defect; they are chosen more often.
    """
    way = draw(_ways)
    if way == "whole":
        return []
    if way == "places":
        return sorted(draw(st.lists(st.integers(0, length), max_size=6)))
    if way == "equal":  # pieces of one size, as a tokenizer makes them
        return list(range(0, length, draw(st.integers(1, 9))))[1:]
    if way == "tender" and tender:
        return sorted(draw(st.lists(st.sampled_from(tender), max_size=4)))
    count = draw(st.integers(0, min(2 * length, 200)))
    begin = draw(st.integers(0, 2 * length))
    begin = begin if begin <= length else 0
    return list(range(begin, min(begin + count, length) + 1))
