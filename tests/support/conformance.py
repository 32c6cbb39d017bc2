"""A short stream, and the finding of a bug, for the tests of the conformance checks."""

from __future__ import annotations

from typing import Any

import pytest
from streamfold.adapters.conformance import AccumulatorMismatch, check_accumulator

from .events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
)
from .planted.accumulators import Right

STREAM = [
    message_start(stop_reason=None, usage={"input_tokens": 1, "output_tokens": 1}),
    block_start(0, "text", text=""),
    block_delta(0, "text_delta", text="Hi"),
    block_stop(0),
    message_delta(usage={"output_tokens": 2}),
    MESSAGE_STOP,
]
"""The stream of the text "Hi"."""


def mismatch_of(bug: type[Right], **options: Any) -> AccumulatorMismatch:
    """The first finding of a check of this accumulator, without the cost of long streams."""
    with pytest.raises(AccumulatorMismatch) as found:
        check_accumulator(bug.accumulate, **{"growth": False, "first": True, **options})
    return found.value
