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
        description="Measure streamfold beside its peers, in one run, taking turns.",
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        help="only the workloads with NAME in their name (again for more)",
    )
    parser.add_argument("--list", action="store_true", help="only tell the names")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures to FILE")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--quick", action="store_true", help="everything once and tiny: does it run at all?"
    )
    how.add_argument(
        "--save", action="store_true", help="write RESULTS.md and its plots, beside this file"
    )
    return parser


def main() -> int:
    """Run what the command line says; its exit status."""
    parser = _parser()
    options = parser.parse_args()
    if options.save and options.only:
        parser.error("--save writes the whole table: it goes without --only")
    try:
        from . import report, workloads
        from .measure import Patience, compare
    except ModuleNotFoundError as error:
        parser.error(f"{error}: the peers come with the extra: pip install 'streamfold[bench]'")

    scale = workloads.Scale(divisor=50, shortest=0.0) if options.quick else workloads.Scale()
    patience = Patience(rounds=(1, 1)) if options.quick else Patience()
    measured = []
    for comparison in workloads.comparisons(scale):
        if options.only and not any(name in comparison.name for name in options.only):
            continue
        if options.list:
            print(comparison.name)
            continue
        comparison.check()
        one = compare(comparison, patience)
        measured.append(one)
        told = f"{len(one.rounds)} rounds: {report.ratio(one)} {comparison.peer.name}"
        print(f"{comparison.name}: {told}", file=sys.stderr, flush=True)
    if options.list:
        return 0
    print(report.table(measured))
    if not options.quick:
        print(report.verdict(measured))

    curves: dict[str, list[report.Point]] = {}
    machine = report.Machine.this()
    if options.save:
        for name, curve in (("cost", workloads.cost_curves), ("memory", workloads.memory_curves)):
            print(f"curves of {name}", file=sys.stderr, flush=True)
            curves[name] = list(curve(scale))
        report.save_plots(FOLDER, curves["cost"], curves["memory"])
        text = report.results(measured, machine)
        (FOLDER / "RESULTS.md").write_text(text, encoding="utf-8")
    if options.json:
        figures = report.raw_figures(measured, machine, curves)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
