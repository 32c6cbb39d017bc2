"""Counts and percentiles by model and outcome: exact for a few, right to 1 % for many."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.corpus import Distribution, Measurement, summarize
from streamfold.adapters.corpus.summaries import EXACT
from streamfold.reducer import Timing

seconds = st.floats(0, 1e6)


def filled(values):
    distribution = Distribution()
    for value in values:
        distribution.add(value)
    return distribution


@given(st.lists(seconds, min_size=1), st.integers(0, 100))
def test_percentiles_are_exact(values, percent):
    wanted = filled(values).percentile(percent)
    assert sum(value <= wanted for value in values) >= len(values) * percent / 100
    smaller = [value for value in values if value < wanted]
    assert not smaller or len(smaller) < len(values) * percent / 100


def test_there_is_no_percentile_of_nothing():
    assert Distribution().percentile(50) is None


def test_many_values_take_a_bounded_place_and_are_right_to_one_per_cent():
    draws = random.Random(1)
    values = [draws.lognormvariate(0, 3) for _ in range(3 * EXACT)] + [0.0] * 10
    many = filled(values)
    assert len(many.items()) < 3000
    assert sum(count for _, count in many.items()) == many.count == len(values)
    values.sort()
    for percent in (1, 50, 95, 99):
        exact = values[math.ceil(len(values) * percent / 100) - 1]
        assert many.percentile(percent) == pytest.approx(exact, rel=0.0101)
    assert many.percentile(0) == 0.0
    assert filled(reversed(values)).items() == many.items()


def test_groups_by_model_and_outcome():
    timing = Timing(first_content=0.5, last_event=2.5, longest_gap=12.0, output_tokens=40)
    rows = [
        Measurement("a", "complete", None, "m", "end_turn", 10, 5, None, 40, 0, timing),
        Measurement("b", "complete", None, "m", "end_turn", None, None, 7, None, 2, Timing()),
        Measurement("c", "fault", "bad", "m", timing=Timing(duration=30.0, last_event=1.0)),
        Measurement("d", "unreadable", "no"),
        Measurement("e", "incomplete", "cut", "n"),
    ]
    groups = summarize(rows)
    keys = [(group.model, group.outcome, group.count) for group in groups]
    assert keys == [
        (None, "unreadable", 1),
        ("m", "complete", 2),
        ("m", "fault", 1),
        ("n", "incomplete", 1),
    ]
    plain = groups[1].to_dict()
    assert plain == {
        "model": "m",
        "outcome": "complete",
        "count": 2,
        "input_tokens": 22,
        "output_tokens": 40,
        "stalls": 1,
        "faults": 1,
        "first_content": {"p50": 0.5, "p95": 0.5, "p99": 0.5},
        "tokens_per_second": {"p50": 20.0, "p95": 20.0, "p99": 20.0},
        "silence": {"p50": 12.0, "p95": 12.0, "p99": 12.0},
    }
    assert (groups[2].stalls, groups[2].faults) == (1, 1)
    assert summarize(rows, stall=13.0)[1].stalls == 0
    assert groups == summarize(reversed(rows)) or [g.to_dict() for g in groups] == [
        g.to_dict() for g in summarize(reversed(rows))
    ]
