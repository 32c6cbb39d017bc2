"""Every planted bug is found and shrunk, and nothing is found where there is no bug."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.planted import accumulators, decoders


@pytest.fixture(scope="module")
def findings() -> dict[str, Any]:
    """The finding in each planted bug, from two processes that coverage does not slow down."""
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; "
        "from tests.support.planted import all; all.main(%d, 2)"
    )
    halves = [
        subprocess.Popen([sys.executable, "-c", code % half], stdout=subprocess.PIPE)
        for half in (0, 1)
    ]
    lines = [line for half in halves for line in half.communicate()[0].splitlines()]
    assert [half.returncode for half in halves] == [0, 0]
    return {finding["name"]: finding for finding in map(json.loads, lines)}


@pytest.mark.parametrize("planted", accumulators.PLANTED, ids=lambda bug: bug.accumulator.__name__)
def test_a_planted_bug_is_found_and_shrunk(
    planted: accumulators.Planted, findings: dict[str, Any]
) -> None:
    finding = findings[
        f"tests.support.planted.accumulators.{planted.accumulator.__name__}.accumulate"
    ]
    assert finding["kind"] in planted.kinds
    assert finding["size"] <= 12


@pytest.mark.parametrize("planted", decoders.PLANTED, ids=lambda bug: bug.decoder.__name__)
def test_a_planted_bug_of_a_decoder_is_found_and_shrunk(
    planted: decoders.Planted, findings: dict[str, Any]
) -> None:
    finding = findings[f"tests.support.planted.decoders.{planted.decoder.__name__}.decode"]
    assert finding["kind"] in planted.kinds
    assert finding["size"] <= 40


def test_nothing_is_found_where_there_is_nothing(findings: dict[str, Any]) -> None:
    passed = {name: found for name, found in findings.items() if found["kind"] is None}
    assert {name: found["size"] for name, found in passed.items()} == {
        "tests.support.planted.accumulators.Right.accumulate": 600,
        "tests.support.planted.decoders.Right.decode": 300,
    }
