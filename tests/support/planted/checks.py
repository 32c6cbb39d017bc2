"""Check every planted bug, and print a line of JSON for each: the finding, the size of its stream.

Run as `python -m tests.support.planted.checks [SEED …]`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from streamfold.adapters.conformance import (
    Mismatch,
    check_accumulator,
    check_decoder,
    check_emitter,
    check_translator,
)
from streamfold.adapters.conformance.names import name_of
from streamfold.adapters.conformance.search import Search

from . import accumulators, decoders, emitters

FAULTS = ("cut", "error_event", "missing_stop", "late", "early")

Check = tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]

RIGHT: list[Check] = [
    (check_decoder, decoders.Right.decode, {"max_examples": 300, "growth": False}),
    (
        check_accumulator,
        accumulators.Right.accumulate,
        {"max_examples": 150, "unknown": True, "faults": FAULTS, "growth": False},
    ),
    (check_emitter, emitters.Right.emit, {"max_examples": 150}),
    (check_translator, emitters.Translator.translate, {"max_examples": 150}),
]

PLANTED: list[Check] = [
    *(
        (check_accumulator, bug.accumulator.accumulate, {"growth": False, **bug.options})
        for bug in accumulators.PLANTED
    ),
    *(
        (check_decoder, bug.decoder.decode, {"growth": False, **bug.options})
        for bug in decoders.PLANTED
    ),
    *((check_emitter, bug.emit, dict(bug.options)) for bug in emitters.PLANTED),
    *((check_translator, bug.emit, dict(bug.options)) for bug in emitters.PLANTED_TRANSLATORS),
]


def size_of(given: list[Any]) -> int:
    """The length of what shows a finding: bytes of a body, events of a stream."""
    if given and isinstance(given[0], bytes):
        return len(b"".join(given))
    return len(given)


def found_in(checks: Iterable[Check], seed: int) -> Iterable[dict[str, Any]]:
    """The first finding of each check."""
    for check, function, options in checks:
        start = time.monotonic()
        kind, rule, size = None, "", 0
        try:
            size = check(function, seed=seed, first=True, **options).examples
        except Mismatch as mismatch:
            finding = mismatch.finding
            kind, rule, size = finding.kind, finding.rule, size_of(finding.given)
        seconds = round(time.monotonic() - start, 2)
        name = name_of(function)
        yield {"name": name, "kind": kind, "rule": rule, "size": size, "seconds": seconds}


def main(first: int = 0, step: int = 1, seeds: Iterable[int] = (0,), shrinks: bool = False) -> None:
    """Check every `step`-th function from number `first` on, with each seed."""
    if not shrinks:
        Search.shrinking_tries = 0
    for seed in seeds:
        for finding in found_in([*RIGHT, *PLANTED][first::step], seed):
            print(json.dumps({"seed": seed, **finding}), flush=True)


if __name__ == "__main__":
    main(seeds=list(map(int, sys.argv[1:] or ["0"])))
