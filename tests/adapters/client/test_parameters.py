"""The parameters of the calls."""

from __future__ import annotations

from streamfold.adapters import anthropic
from streamfold.adapters.anthropic import (
    NOT_GIVEN,
)


def test_not_given_has_a_repr_and_is_false() -> None:
    assert repr(NOT_GIVEN) == "NOT_GIVEN"
    assert not NOT_GIVEN
    assert anthropic.omit is anthropic.not_given is NOT_GIVEN
