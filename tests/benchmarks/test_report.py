"""The report of made-up figures."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import report
from benchmarks.measure import Comparison, Measured, Point, Side

MACHINE = report.Machine(
    "A processor", 2, "Linux 6.1", "CPython 3.11.1", {"jiter": "1"}, "2026-11-22"
)


def measured(name: str, ours: float, peer: float, **options: object) -> Measured:
    sides = (Side("streamfold", lambda: 0.0), Side("anthropic", lambda: 0.0))
    return Measured(Comparison(name, *sides, **options), ((ours, peer),))  # type: ignore[arg-type]


FIGURES = [
    measured("text", 4.0, 52.0, at_least=12),
    measured("floor", 6.5, 4.0, at_most=1.6, note="the floor"),
    measured("kept", 5.0, 302.0, at_most=1 / 40, unit="MB"),
    measured("import", 80.0, 1360.0, at_most=1 / 15, unit="ms", note="the floor"),
    measured("shown", 10.0, 25.0),
    measured("slower", 30.0, 20.0),
]


def test_the_table() -> None:
    _head, _rule, *rows = report.table(FIGURES).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[:6]]
    assert cells == [
        [
            "text",
            "4 µs/event",
            "52 µs/event",
            "anthropic",
            "13.0 × faster",
            "0.0 %",
            "≥ 12 ×",
            "yes",
        ],
        [
            "floor [1]",
            "6.5 µs/event",
            "4 µs/event",
            "anthropic",
            "1.62 ×",
            "0.0 %",
            "≤ 1.60 ×",
            "**no**",
        ],
        ["kept", "5 MB", "302 MB", "anthropic", "1/60.4", "0.0 %", "≤ 1/40.0", "yes"],
        ["import [1]", "80 ms", "1,360 ms", "anthropic", "1/17.0", "0.0 %", "≤ 1/15.0", "yes"],
        ["shown", "10 µs/event", "25 µs/event", "anthropic", "2.5 × faster", "0.0 %", "", ""],
        ["slower", "30 µs/event", "20 µs/event", "anthropic", "1.5 × slower", "0.0 %", "", ""],
    ]
    assert rows[6:] == ["", "1. the floor"]


def test_the_network_comes_first() -> None:
    figures = [*FIGURES, measured("sockets", 50.0, 200.0, section="On a network")]
    text = report.results(figures, MACHINE)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## On a network", "## The fold alone"]
    assert report.table(figures[-1:]) in text
    assert "(ATTACK.md)" in text


def test_a_section_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in list"):
        report.sections([measured("lost", 1.0, 1.0, section="Lost")])


def test_a_smoke_run_is_not_judged() -> None:
    assert "asked" not in report.table(FIGURES, judged=False)


def test_the_verdict_names_what_was_not_reached() -> None:
    assert report.verdict(FIGURES) == (
        "3 of 4 targets reached.\n- not reached: floor: 1.62 ×, asked ≤ 1.60 ×"
    )


def test_the_results_say_where_and_with_what() -> None:
    text = report.results(FIGURES, MACHINE)
    assert "A processor, 2 cores, Linux 6.1, CPython 3.11.1; jiter 1; 2026-11-22" in text
    assert report.table(FIGURES) in text
    assert report.verdict(FIGURES) in text
    assert max(map(len, text.partition("| workload")[0].splitlines())) <= 200


def test_the_plots_are_the_same_each_time_and_name_their_curves(tmp_path: Path) -> None:
    cost = [
        Point("streamfold, text", 1_000, 4.0),
        Point("anthropic, tool input", 1_000, 52.0),
        Point("streamfold on aiohttp, text over sockets", 1_000, 50.0),
    ]
    memory = [Point("streamfold", 1_000, 0.3), Point("anthropic", 2_000, 19.0)]
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        report.save_plots(folder, cost, memory)
    for name, curves in (("cost.svg", cost), ("memory.svg", memory)):
        words = {element.text for element in ElementTree.parse(first / name).iter()}
        assert words >= {point.curve for point in curves}
        assert (first / name).read_bytes() == (second / name).read_bytes()
