"""Drawing without the constants of the program's modules."""

from __future__ import annotations

import random
import sys
from types import ModuleType

import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis.internal.conjecture import providers
from streamfold.adapters.strategies import without_local_constants

UNLIKELY = 918273645546372


def is_drawn() -> bool:
    """Whether 3,000 integers contain the unlikely one."""
    draw = settings(max_examples=3000, database=None, phases=[Phase.generate])
    try:
        find(st.integers(), lambda n: n == UNLIKELY, settings=draw, random=random.Random(0))
    except NoSuchExample:
        return False
    return True


def test_constants_of_loaded_modules_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    constants = providers.Constants()
    constants.add(UNLIKELY)
    monkeypatch.setattr(providers, "_get_local_constants", lambda: constants)
    fresh = type(providers.CONSTANTS_CACHE)(1024)  # the real one may hold what earlier tests drew
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", fresh)
    assert is_drawn()
    with without_local_constants():
        assert not is_drawn()
    assert is_drawn()


def test_a_hypothesis_that_collects_no_constants_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = ModuleType("providers")
    monkeypatch.setattr(sys.modules["streamfold.adapters.strategies.constants"], "providers", older)
    with without_local_constants():
        assert vars(older).keys() == vars(ModuleType("providers")).keys()
