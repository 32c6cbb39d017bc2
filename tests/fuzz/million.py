"""A million generated chunks through `feed`: only results and documented errors. By hand:

    python -m tests.fuzz.million [chunks] [seed]

The streams are those of the tests (valid, broken, and damaged in their bytes) in any chunking. Any
other exception ends the run, and Hypothesis prints the example. A million chunks take some
minutes, nearly all of them spent in Hypothesis.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from streamfold.adapters.strategies import broken, chunked, wire
from streamfold.reducer import (
    IncompleteStreamError,
    InvalidToolInputError,
    ProtocolError,
    StreamState,
    feed,
    finish,
)

from tests.support.strategies import damaged, faulty_streams, streams

bodies = st.one_of(
    wire(),
    streams().flatmap(wire),
    broken(unknown=True).flatmap(wire),
    faulty_streams().flatmap(wire),
    wire().flatmap(damaged),
)


def run(wanted: int, first_seed: int = 0) -> Counter[str]:
    """Feed at least this many chunks, and count the results by kind."""
    counted: Counter[str] = Counter()
    number = first_seed

    def feed_all(chunks: list[bytes]) -> None:
        state = StreamState()
        counted["streams"] += 1
        counted["bytes"] += sum(map(len, chunks))
        try:
            for chunk in chunks:
                counted["chunks"] += 1
                state, events = feed(state, chunk)
                counted["events"] += len(events)
            finish(state)
        except InvalidToolInputError:
            counted["InvalidToolInputError"] += 1
        except ProtocolError:
            counted["ProtocolError"] += 1
        except IncompleteStreamError as error:
            failed = error.snapshot is not None and error.snapshot.error is not None
            counted["IncompleteStreamError" + (" (an error event)" if failed else "")] += 1
        else:
            counted["messages"] += 1

    while counted["chunks"] < wanted:
        drawn = given(bodies.flatmap(chunked))(feed_all)
        limits = settings(
            max_examples=min(500, wanted),
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        seed(number)(limits(drawn))()
        number += 1
    return counted


def main() -> None:
    """Run, and print the counts."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    first_seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    begun = time.perf_counter()
    counted = run(wanted, first_seed)
    for kind, count in sorted(counted.items()):
        print(f"{kind:40}{count:>12,}")
    print(f"{'seconds':40}{time.perf_counter() - begun:>12,.0f}")


if __name__ == "__main__":
    main()
