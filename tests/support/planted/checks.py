"""Check every planted bug, and print a line of JSON for each: the finding, the size of its stream.

Run as `python -m tests.support.planted.checks [SEED …]`.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from streamfold.adapters.conformance import (
    Mismatch,
    check_accumulator,
    check_decoder,
    check_emitter,
    check_translator,
    cost,
)
from streamfold.adapters.conformance import accumulators as _accumulators
from streamfold.adapters.conformance import decoders as _decoders
from streamfold.adapters.conformance import emitters as _emitters
from streamfold.adapters.conformance.names import name_of
from streamfold.adapters.conformance.search import Search

from . import accumulators, decoders, emitters

FAULTS = ("cut", "error_event", "missing_stop", "late", "early")

Check = tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]


def right(examples: int) -> list[Check]:
    """The functions without a bug. Half of an accumulator's streams are broken ones."""
    half = examples // 2
    broken = {"unknown": True, "faults": FAULTS}
    return [
        (check_decoder, decoders.Right.decode, {"max_examples": examples, "growth": False}),
        (
            check_accumulator,
            accumulators.Right.accumulate,
            {"max_examples": half, "growth": False, **broken},
        ),
        (check_emitter, emitters.Right.emit, {"max_examples": half}),
        (check_translator, emitters.Translator.translate, {"max_examples": half}),
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
    """The length of the input that shows a finding: bytes of a body, events of a stream."""
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


class SearchAmongDrawn(Search):
    """A search that draws no stream twice: it tries those that earlier searches drew first.

    Drawing takes longer than reading. The same options and the same seed draw the same streams.
    """

    drawn: ClassVar[dict[Any, list[Any]]] = {}

    def _find(
        self, streams: Any, condition: Callable[[Any], bool], max_examples: int, *, shrink: bool
    ) -> None:
        known = self.drawn.setdefault((repr(streams), self.seed, max_examples), [])
        if any(map(condition, known)):
            return
        before, count = len(known), itertools.count()

        def is_new_and_holds(given: Any) -> bool:
            if next(count) < before:
                return False
            known.append(given)
            return condition(given)

        super()._find(streams, is_new_and_holds, max_examples, shrink=shrink)


def main(
    first: int = 0, step: int = 1, seeds: Iterable[int] = (0,), is_thorough: bool = False
) -> None:
    """Check every `step`-th function from number `first` on, with each seed."""
    examples = 300
    if not is_thorough:
        examples = 100
        Search.shrinking_tries = 0
        cost._COUNTED, cost._TIMED = [16, 32, 64, 128, 256, 512], [64, 256, 1024, 2048]
        cost._ENOUGH_LINES, cost._ENOUGH_SECONDS = 50_000, 0.03
        for module in (_accumulators, _decoders, _emitters):
            module.Search = SearchAmongDrawn  # type: ignore[attr-defined]
    for seed in seeds:
        for finding in found_in([*right(examples), *PLANTED][first::step], seed):
            print(json.dumps({"seed": seed, **finding}), flush=True)


if __name__ == "__main__":
    main(seeds=list(map(int, sys.argv[1:] or ["0"])))
