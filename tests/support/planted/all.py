"""Check every planted bug, and print a line of JSON for each: the finding, the size of its stream.

Run as `python -m tests.support.planted.all`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from streamfold.adapters.conformance import Mismatch, check_accumulator, check_decoder
from streamfold.adapters.conformance.findings import name_of

from . import accumulators, decoders

FAULTS = ("cut", "error_event", "missing_stop", "late", "early")

CHECKS: list[tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = [
    (check_decoder, decoders.Right.decode, {"max_examples": 300}),
    (
        check_accumulator,
        accumulators.Right.accumulate,
        {"max_examples": 300, "unknown": True, "faults": FAULTS, "growth": False},
    ),
    *(
        (check_accumulator, planted.accumulator.accumulate, {"growth": False, **planted.options})
        for planted in accumulators.PLANTED
    ),
    *(
        (check_decoder, planted.decoder.decode, {"growth": False, **planted.options})
        for planted in decoders.PLANTED
    ),
]


def main(first: int = 0, step: int = 1) -> None:
    """Check every `step`-th bug from number `first` on."""
    for check, function, options in CHECKS[first::step]:
        try:
            kind, size = None, check(function, seed=0, **options).examples
        except Mismatch as mismatch:
            given = mismatch.finding.given
            kind, size = mismatch.kind, len(b"".join(given) if check is check_decoder else given)
        print(json.dumps({"name": name_of(function), "kind": kind, "size": size}), flush=True)


if __name__ == "__main__":
    main()
