"""The speed and memory of `check_all` on many recordings: 1 process, 2 processes, a Dask cluster.

    python benchmarks/corpus.py [--files 100000] [--folder DIR]

The recordings are drawn with the project's own strategies: `DRAWN` different streams, each written
many times with other times, models, cuts and errors. Each way of checking runs in a process of its
own, once on 1 % of the files and once on all, to show whether its peak memory grows with their
number. On the Dask cluster one of two workers is killed half-way. All ways must give the same
reports.

Needs the extras `testing` and `dask`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import attrs
from streamfold.adapters.corpus import check_all
from streamfold.reducer import encode_sse
from streamfold.transports import RecordedChunk, RecordedResponse, Recording

DRAWN = 1000
MODELS = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-6")
WAYS = ("calling thread", "1 process", "2 processes", "Dask, 2 workers, one killed")

# --- the recordings ------------------------------------------------------------------------------


def drawn_streams(count: int) -> list[list[dict[str, Any]]]:
    """The events of this many streams, drawn with the project's strategies."""
    from hypothesis import HealthCheck, Phase, given, settings
    from streamfold.adapters.strategies import raw_events

    streams: list[list[dict[str, Any]]] = []

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(raw_events())
    def draw(events: list[dict[str, Any]]) -> None:
        streams.append(events)

    draw()
    return streams


def recording_of(events: list[dict[str, Any]], seed: int) -> Recording:
    """A recording of a stream, with times and perhaps a fault that depend on the seed."""
    draws = random.Random(seed)
    model = draws.choice(MODELS)
    slowness = 1 + MODELS.index(model)
    at = head = draws.lognormvariate(-1.5, 0.4) * slowness
    chunks = []
    for event in events:
        if event["type"] == "message_start":
            event = {**event, "message": {**event["message"], "model": model}}
            at += draws.lognormvariate(-0.7, 0.6) * slowness
        at += draws.lognormvariate(-3.5, 0.8) * slowness + 20 * (draws.random() < 0.002)
        chunks.append(RecordedChunk(encode_sse([event]), round(at, 6)))
    made = Recording(chunks, response=RecordedResponse(at=round(head, 6)))
    fate = draws.random()
    if fate < 0.03:
        return made.cut(draws.randrange(1, len(made.body) + 1))
    if fate < 0.05:
        return made.with_error("overloaded_error", draws.randrange(len(events)))
    if fate < 0.06:
        broken = RecordedChunk(b"event: x\ndata: {\n\n", made.chunks[-1].at)
        return attrs.evolve(made, chunks=[*made.chunks[: len(events) // 2], broken])
    return made


def write(folder: Path, count: int) -> None:
    """Write this many recordings."""
    streams = drawn_streams(min(DRAWN, count))
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        made = recording_of(streams[number % len(streams)], number)
        (folder / f"turn-{number}.jsonl").write_bytes(made.to_bytes())


# --- one way of checking, in a process of its own -------------------------------------------------


def check(way: str, folder: Path, count: int) -> dict[str, Any]:
    """Check the first recordings of a folder in one way."""
    names = (str(folder / f"turn-{number}.jsonl") for number in range(count))
    outcomes: Counter[str] = Counter()
    digest = hashlib.sha256()
    begun = time.perf_counter()

    def run(executor: Any, half_way: Any = None) -> None:
        for done, report in enumerate(check_all(names, executor=executor), 1):
            outcomes[report.outcome] += 1
            digest.update(report.to_json().encode())
            if done == count // 2 and half_way is not None:
                half_way()

    if way == "calling thread":
        run(None)
    elif way.endswith(("process", "processes")):
        with ProcessPoolExecutor(int(way.split()[0])) as pool:
            run(pool)
    else:
        from distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            workers = client.run(os.getpid)
            begun = time.perf_counter()
            run(client.get_executor(), lambda: os.kill(min(workers.values()), signal.SIGKILL))
    return {
        "seconds": time.perf_counter() - begun,
        "reports": digest.hexdigest(),
        "outcomes": dict(sorted(outcomes.items())),
        "peak": peak_of_this_process(),
        "worker peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def peak_of_this_process() -> float:
    """The peak of resident memory, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # the figure of getrusage begins with that of the parent process
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(way: str, folder: Path, count: int) -> dict[str, Any]:
    """`check` in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder)]
    command += ["--files", str(count)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- all -----------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way is not None:
        warnings.simplefilter("ignore")
        print(json.dumps(check(options.way, options.folder, options.files)))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        if not (folder / f"turn-{options.files - 1}.jsonl").exists():
            begun = time.perf_counter()
            write(folder, options.files)
            print(f"{options.files:,} recordings written in {time.perf_counter() - begun:.0f} s")
        reports = set()
        print(f"{'':30}{'files/s':>9}{'peak of 1 %':>17}{'peak of all':>13}{'worker':>9}")
        for way in WAYS:
            few, whole = (measured(way, folder, n) for n in (options.files // 100, options.files))
            reports.add(whole["reports"])
            rate = options.files / whole["seconds"]
            worker = f"{whole['worker peak']:.0f} MB" if way != WAYS[0] else ""
            peaks = f"{few['peak']:>14.0f} MB{whole['peak']:>10.0f} MB{worker:>9}"
            print(f"{way:30}{rate:>9,.0f}{peaks}")
        print("outcomes:", ", ".join(f"{n:,} {name}" for name, n in whole["outcomes"].items()))
        print("the reports are equal" if len(reports) == 1 else "THE REPORTS DIFFER")
        sys.exit(len(reports) != 1)


if __name__ == "__main__":
    main()
