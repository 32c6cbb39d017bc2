"""What can only be measured in a process of its own: `python -m benchmarks.isolated WHO DELTAS`.

Prints how many bytes all events of a text of so many deltas take, once they are kept: what
`tracemalloc` counts from before the stream is opened to when it has been read to its end.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

__all__ = ["import_time", "kept_events"]

ROOT = Path(__file__).parent.parent


def kept_events(who: str, deltas: int) -> float:
    """Megabytes that all events of a text take; `who` is "streamfold" or "anthropic"."""
    return float(_run("-m", "benchmarks.isolated", who, str(deltas))) / 1e6


def import_time(module: str) -> float:
    """Milliseconds of CPU time that importing `module` takes."""
    program = (
        "import time; start = time.process_time()\n"
        f"import {module}\n"
        "print(time.process_time() - start)"
    )
    return float(_run("-c", program)) * 1e3


def _run(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # what is installed is compiled
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def _main(who: str, deltas: int) -> None:
    from . import peers, streams

    chunks = streams.chunks(streams.text(deltas), 4096)
    open_stream = {"streamfold": peers.open_streamfold, "anthropic": peers.open_sdk}[who]
    peers.all_events(open_stream(chunks))  # what is made once, is made
    gc.collect()
    tracemalloc.start()
    kept = list(open_stream(chunks))
    gc.collect()
    print(tracemalloc.get_traced_memory()[0])
    del kept


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
