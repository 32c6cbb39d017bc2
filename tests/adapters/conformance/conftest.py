"""Shorter searches in the default profile: the tests of these checks run many of them."""

from __future__ import annotations

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
    """Measure the cost with streams of at most 256 parts, for tests that need no exact cost."""
    monkeypatch.setattr(cost, "_COUNTED", [16, 32, 64, 128])
    monkeypatch.setattr(cost, "_ENOUGH_LINES", 50_000)
    monkeypatch.setattr(cost, "_TIMED", [64, 128, 256])
