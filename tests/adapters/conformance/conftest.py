"""Shorter searches in the default profile: the tests of these checks run many of them."""

from __future__ import annotations

from typing import Any

import pytest
from streamfold.adapters.conformance import cost
from streamfold.adapters.conformance.search import Search

from tests.support.effort import is_thorough


@pytest.fixture(autouse=True)
def shorter_shrinking(monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_thorough():
        monkeypatch.setattr(Search, "shrinking_tries", 60)


@pytest.fixture
def shorter_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the cost with short streams and without a clock: a line counts as a microsecond."""

    def counted(read: Any, given: list[Any]) -> float:
        lines, _ = cost._count(read, given)
        return lines * 1e-6

    monkeypatch.setattr(cost, "_COUNTED", [16, 32, 64, 128])
    monkeypatch.setattr(cost, "_ENOUGH_LINES", 50_000)
    monkeypatch.setattr(cost, "_TIMED", [16, 32, 64])
    monkeypatch.setattr(cost, "_time", counted)
