"""Every planted bug is found, and correct functions give no finding.

The `default` profile finds each with one seed and shrinks a sample. The `thorough` profile uses
seeds 0 to 4 and shrinks each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from streamfold.adapters.conformance import Mismatch
from streamfold.adapters.conformance.names import name_of
from streamfold.adapters.conformance.search import Search

from tests.support.effort import is_thorough
from tests.support.planted import accumulators, checks, decoders, emitters

THOROUGH = is_thorough()
SEEDS = range(5) if THOROUGH else range(1)


def expected_of(found: str | tuple[str, ...]) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else found


EXPECTED: dict[str, tuple[str, ...]] = {
    **{name_of(bug.accumulator.accumulate): expected_of(bug.kinds) for bug in accumulators.PLANTED},
    **{name_of(bug.decoder.decode): expected_of(bug.kinds) for bug in decoders.PLANTED},
    **{name_of(bug.emit): expected_of(bug.found) for bug in emitters.PLANTED},
    **{name_of(bug.emit): expected_of(bug.found) for bug in emitters.PLANTED_TRANSLATORS},
}
LARGE = {"SortsIndexesAsTexts": 60, "KeepsFourTools": 20}
"""The bugs whose smallest stream has more than 12 events, because they need many blocks."""

SAMPLE = [
    accumulators.DropsTheLastDelta.accumulate,
    accumulators.SwapsInterleavedBlocks.accumulate,
    accumulators.TakesNullForACount.accumulate,
    decoders.CutsCharacters.decode,
    emitters.CountsFromOne.emit,
    emitters.MergesParallelCalls.translate,
]
"""The bugs that the default profile shrinks, at least one of each kind of check."""


@cache
def findings() -> dict[tuple[int, str], Any]:
    """The finding in each bug by seed, from two processes that coverage does not slow down."""
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; "
        f"from tests.support.planted import checks; checks.main(%d, 2, {[*SEEDS]}, {THOROUGH})"
    )
    untraced = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    halves = [
        subprocess.Popen([sys.executable, "-c", code % half], stdout=subprocess.PIPE, env=untraced)
        for half in (0, 1)
    ]
    lines = [line for half in halves for line in half.communicate()[0].splitlines()]
    assert [half.returncode for half in halves] == [0, 0]
    return {(each["seed"], each["name"]): each for each in map(json.loads, lines)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", EXPECTED, ids=lambda name: name.split(".")[-2])
def test_a_planted_bug_is_found(name: str, seed: int) -> None:
    finding = findings()[seed, name]
    assert finding["kind"] in EXPECTED[name] or finding["rule"] in EXPECTED[name], finding
    if THOROUGH and "decoders" not in name:
        assert finding["size"] <= LARGE.get(name.split(".")[-2], 12)
    elif THOROUGH:
        assert finding["size"] <= 40


@pytest.mark.thorough
@pytest.mark.parametrize("function", SAMPLE, ids=name_of)
def test_a_finding_is_shrunk(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not THOROUGH and "decoders" in name_of(function):  # bodies need more tries
        monkeypatch.setattr(Search, "shrinking_tries", 200)
    ((check, _, options),) = [
        each for each in checks.PLANTED if name_of(each[1]) == name_of(function)
    ]
    with pytest.raises(Mismatch) as found:
        check(function, seed=0, first=True, **options)
    assert checks.size_of(found.value.finding.given) <= (
        40 if "decoders" in name_of(function) else 12
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_where_there_is_nothing(seed: int) -> None:
    def right() -> Iterator[tuple[str, int]]:
        for (each, name), finding in findings().items():
            if each == seed and finding["kind"] is None:
                yield name, finding["size"]

    examples = 300 if THOROUGH else 100
    assert dict(right()) == {
        "tests.support.planted.accumulators.Right.accumulate": examples,
        "tests.support.planted.decoders.Right.decode": examples,
        "tests.support.planted.emitters.Right.emit": examples // 2,
        "tests.support.planted.emitters.Translator.translate": examples // 2,
    }
