"""The names of functions in findings."""

from __future__ import annotations

from functools import lru_cache, partial, wraps
from typing import Any

import pytest
from streamfold.adapters.conformance.names import expression, module_of, name_of


def plain(events: Any) -> Any:
    return events


@wraps(plain)
def wrapped(events: Any) -> Any:
    return plain(events)


class Reader:
    def read(self, events: Any) -> Any:
        return events

    def __call__(self, events: Any) -> Any:
        return events


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (plain, f"{__name__}.plain"),
        (wrapped, f"{__name__}.plain"),
        (partial(plain), f"{__name__}.plain (partial)"),
        (partial(partial(plain)), f"{__name__}.plain (partial)"),
        (lru_cache(plain), f"{__name__}.plain"),
        (Reader().read, f"{__name__}.Reader.read"),
        (Reader(), f"{__name__}.Reader"),
        ([].append, "builtins.list.append"),
    ],
)
def test_a_function_has_a_name(function: Any, name: str) -> None:
    assert name_of(function) == name


def test_only_a_function_that_can_be_imported_has_an_expression() -> None:
    assert expression(plain) == "plain"
    assert module_of(plain) == __name__
    assert expression(partial(plain)) == "function"
    assert expression(Reader().read) == "function"
