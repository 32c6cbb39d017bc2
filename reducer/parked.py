"""Open blocks that wait: an immutable mapping from indexes to blocks, for streams that open many.

One block is open at a time in practice, and a snapshot keeps the open blocks in a short tuple. A
server may start blocks without end and stop none. Then a tuple would be copied at every event, so
the blocks beyond the first few are kept here: in a tree of tuples with 32 branches, of which a
change copies one path.

Cost: a lookup or a change takes about a microsecond for up to 2**30 blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__: list[str] = []

_BITS = 5
_WIDTH = 1 << _BITS
_LEVELS = 6

Parked = Any
"""A tree: `None` without blocks, or a tuple of 32 trees; at the lowest level, of 32 blocks."""


def parked_at(tree: Parked, index: int) -> Any:
    """Return the block at `index`, or `None`."""
    if not 0 <= index < _WIDTH**_LEVELS:
        return None
    for level in reversed(range(_LEVELS)):
        if tree is None:
            return None
        tree = tree[index >> level * _BITS & _WIDTH - 1]
    return tree


def with_parked(tree: Parked, index: int, block: Any, _level: int = _LEVELS - 1) -> Parked:
    """Return the tree with `block` at `index`; without a block there if it is `None`."""
    branches = [None] * _WIDTH if tree is None else list(tree)
    at = index >> _level * _BITS & _WIDTH - 1
    branches[at] = with_parked(branches[at], index, block, _level - 1) if _level else block
    return tuple(branches) if any(branch is not None for branch in branches) else None


def parked_blocks(tree: Parked, _level: int = _LEVELS - 1) -> Iterator[Any]:
    """Yield the blocks in the order of their indexes."""
    for branch in tree or ():
        if branch is not None and _level:
            yield from parked_blocks(branch, _level - 1)
        elif branch is not None:
            yield branch
