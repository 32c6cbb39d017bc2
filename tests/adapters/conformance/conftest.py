"""Shorter shrinking in the default profile: the tests of these checks run many of them."""

from __future__ import annotations

import pytest
from hypothesis import settings
from streamfold.adapters.conformance.search import Search


@pytest.fixture(autouse=True)
def shorter_shrinking(monkeypatch: pytest.MonkeyPatch) -> None:
    if settings.get_current_profile_name() != "thorough":
        monkeypatch.setattr(Search, "shrinking_tries", 200)
