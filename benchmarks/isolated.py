"""Measurements in a process of their own: `python -m benchmarks.isolated LIBRARY DELTAS`.

Prints the bytes that all events of a text take when they are kept: the growth that `tracemalloc`
counts from before the stream is opened until it is read to its end.
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


def kept_events(library: str, deltas: int) -> float:
    """Megabytes that all events of a text take in "streamfold" or "anthropic"."""
    return float(_run("-m", "benchmarks.isolated", library, str(deltas))) / 1e6


def import_time(module: str) -> float:
    """Milliseconds of CPU time that importing `module` takes."""
    program = (
        "import time; start = time.process_time()\n"
        f"import {module}\n"
        "print(time.process_time() - start)"
    )
    return float(_run("-c", program)) * 1e3


def _run(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # installed packages are compiled
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def _main(library: str, deltas: int) -> None:
    from . import peers, streams

    chunks = streams.chunks(streams.text(deltas), 4096)
    open_stream = {"streamfold": peers.open_streamfold, "anthropic": peers.open_sdk}[library]
    peers.all_events(open_stream(chunks))  # the first reading fills caches
    gc.collect()
    tracemalloc.start()
    kept = list(open_stream(chunks))
    gc.collect()
    print(tracemalloc.get_traced_memory()[0])
    del kept


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
