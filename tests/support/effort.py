"""The number of examples a property test draws, in proportion to the Hypothesis profile.

A test names the number for the profile `thorough`, which is meant for 100 examples a test.
`default` has a tenth of that, and so has the test:

    @effort(400)  # 400 examples in `thorough`, 40 in `default`
    @given(raw_events())
    def test_every_stream_folds(events): ...

A test without `effort` draws the profile's own number. A test that searches for an example, and
must draw it, states its number with `settings(max_examples=…)` instead, in every profile.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings

FULL_EFFORT = 100
"""The examples of a test without `effort`, in the profile `thorough`."""

FEWEST = 5
"""The minimum number of examples, in any profile."""


def is_thorough() -> bool:
    """Whether the profile is `thorough`, for a test that does more than draw more examples."""
    return settings().max_examples >= FULL_EFFORT


def effort(examples: int, **options: Any) -> settings:
    """The settings of a test that draws `examples` in `thorough`, and fewer in a smaller profile.

    Args:
        examples: the number of examples in `thorough`.
        options: further arguments of `hypothesis.settings`.

    Returns:
        A decorator for a test, or the `settings` of a state machine.
    """
    share = settings().max_examples / FULL_EFFORT
    return settings(max_examples=max(FEWEST, round(examples * share)), **options)
