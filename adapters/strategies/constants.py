"""Draw without the constants of the program's own modules.

Hypothesis collects the numbers and texts in the modules of the program, and sometimes draws them. A
seed would then draw other streams after an edit of the tested module, or when other modules are
loaded. `without_local_constants` turns this off for a block of code.

Hypothesis has no public setting for it. This replaces the private function that collects the
constants (`_get_local_constants`, Hypothesis 6.131 and later); a version without it collects none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis.internal.conjecture import providers

__all__ = ["without_local_constants"]


@contextmanager
def without_local_constants() -> Iterator[None]:
    """Draw, inside this block, only values that do not depend on the loaded modules.

    >>> from hypothesis import find, strategies as st
    >>> with without_local_constants():
    ...     find(st.integers(), lambda number: True)
    0
    """
    module: Any = providers
    collect = getattr(module, "_get_local_constants", None)
    if collect is None:
        yield
        return
    none, cache = module.Constants(), module.CONSTANTS_CACHE
    module._get_local_constants = lambda: none
    module.CONSTANTS_CACHE = type(cache)(1024)  # it may hold constants of modules
    try:
        yield
    finally:
        module._get_local_constants = collect
        module.CONSTANTS_CACHE = cache
