"""The estimator of the benchmarks, on made-up costs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measure import Comparison, CPUTime, Measured, Patience, Side, compare

COSTS = st.floats(0.001, 1e6)


def measuring(*costs: float) -> Callable[[], float]:
    """A measurement that returns these costs, one after the other."""
    return iter(costs).__next__


def comparison(ours: Callable[[], float], peer: Callable[[], float], **asked: float) -> Comparison:
    return Comparison("made up", Side("ours", ours), Side("peer", peer), **asked)


def measured(*rounds: tuple[float, float], **asked: float) -> Measured:
    return Measured(comparison(measuring(), measuring(), **asked), rounds)


@given(COSTS, COSTS, st.lists(st.floats(0.1, 10), min_size=1))
def test_what_slows_both_is_not_in_the_ratio(
    ours: float, peer: float, slowness: list[float]
) -> None:
    found = measured(*((ours * slow, peer * slow) for slow in slowness))
    assert found.factor == pytest.approx(peer / ours)
    assert found.share == pytest.approx(ours / peer)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_one_bad_round_is_not_in_the_ratio() -> None:
    assert measured((1, 10), (1, 10), (5, 10)).factor == 10


def test_the_error_is_that_of_the_median() -> None:
    chance = random.Random(0)
    found = [
        measured(*((1, 10 * chance.lognormvariate(0, 0.1)) for _ in range(25))) for _ in range(200)
    ]
    off = sorted(abs(one.factor / 10 - 1) / one.error for one in found)
    assert off[len(off) * 50 // 100] < 1 < off[len(off) * 85 // 100]  # 0.68 of a normal is within 1


@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ({}, None),
        ({"at_least": 10}, True),
        ({"at_least": 10.1}, False),
        ({"at_most": 0.1}, True),
        ({"at_most": 0.09}, False),
    ],
)
def test_a_target_is_reached_or_not(asked: dict[str, float], reached: bool | None) -> None:
    assert measured((1, 10), **asked).reached is reached


def test_sides_take_turns_and_change_who_is_first() -> None:
    order: list[str] = []

    def side(name: str) -> Callable[[], float]:
        def cost() -> float:
            order.append(name)
            return 1.0

        return cost

    compare(comparison(side("o"), side("p")), Patience(rounds=(4, 4)))
    assert "".join(order) == "op" + "op" + "po" + "op" + "po"  # the first two are a warm-up


def test_rounds_end_when_the_ratio_is_known() -> None:
    steady = comparison(lambda: 1.0, lambda: 7.0)
    assert len(compare(steady, Patience(rounds=(3, 50))).rounds) == 3

    chance = random.Random(1)
    noisy = comparison(lambda: 1.0, lambda: chance.uniform(6, 8))
    assert 3 < len(compare(noisy, Patience(rounds=(3, 1000), error=0.02)).rounds) < 1000
    assert len(compare(noisy, Patience(rounds=(3, 9), error=0)).rounds) == 9
    assert len(compare(noisy, Patience(rounds=(3, 9), error=0, seconds=0)).rounds) == 3


def test_one_round_is_one_measurement() -> None:
    once = comparison(measuring(1), measuring(2))
    assert compare(once, Patience(rounds=(1, 1))).rounds == ((1, 2),)


def test_sides_that_read_different_things_are_not_compared() -> None:
    same, other = Side("a", measuring(), lambda: [1]), Side("b", measuring(), lambda: [2])
    Comparison("same", same, same).check()
    with pytest.raises(
        AssertionError, match=r"other: a and b read different things: \[1\] .*\[2\]"
    ):
        Comparison("other", same, other).check()


def test_a_short_reading_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.process_time", lambda: clock[0])

    def readings() -> Iterator[Callable[[], object]]:
        while True:
            clock[0] += 5  # preparation, which is not measured

            def read() -> None:
                clock[0] += 0.004

            yield read

    cost = CPUTime(readings().__next__, events=1_000, shortest=0.05)
    assert cost() == pytest.approx(4.0)
    before = clock[0]
    assert cost() == pytest.approx(4.0)
    repeats = (clock[0] - before) / 5.004
    assert 13 <= repeats <= 16
