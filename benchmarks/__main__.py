"""`python -m benchmarks`: measure, print the table, and save it if asked."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure streamfold and its peers in one run, in turns.",
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        help="measure only workloads with NAME in their name (can be repeated)",
    )
    parser.add_argument("--list", action="store_true", help="print the names of the workloads")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures to FILE")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument(
        "--quick",
        action="store_true",
        help="measure tiny streams once, as a smoke test",
    )
    modes.add_argument(
        "--save",
        action="store_true",
        help="write RESULTS.md and its plots into benchmarks/",
    )
    return parser


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    options = parser.parse_args()
    if options.save and options.only:
        parser.error("--save writes the whole table: leave out --only")
    try:
        from . import curves, report, workloads
        from .measure import Patience, Point, compare
    except ModuleNotFoundError as error:
        parser.error(f"{error}: install the peers with: pip install 'streamfold[bench]'")

    scale = (
        workloads.Scale(divisor=50, shortest=0.0, pause=0.002)
        if options.quick
        else workloads.Scale()
    )
    patience = Patience(rounds=(1, 1)) if options.quick else Patience()
    measured = []
    for comparison in workloads.comparisons(scale):
        if options.only and not any(name in comparison.name for name in options.only):
            continue
        if options.list:
            print(comparison.name)
            continue
        comparison.check()
        measured.append(compare(comparison, patience))
        _tell(f"{comparison.name}: {report.ratio(measured[-1])}")
    if options.list:
        return 0
    print(report.sections(measured, judged=not options.quick))
    if not options.quick:
        print(report.verdict(measured))

    machine = report.Machine.this()
    points: dict[str, list[Point]] = {}
    if options.save:
        _tell("the curves")
        points["cost"] = [*curves.cost(scale), *curves.network_cost(scale)]
        points["memory"] = list(curves.memory(scale))
        report.save_plots(FOLDER, points["cost"], points["memory"])
        text = report.results(measured, machine)
        (FOLDER / "RESULTS.md").write_text(text, encoding="utf-8")
    if options.json:
        figures = report.raw_figures(measured, machine, points)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
