"""A function over many files: in order on any executor, even if workers are lost."""

from __future__ import annotations

import threading
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context

import pytest
from streamfold.adapters.corpus import spreading
from streamfold.adapters.corpus.spreading import BATCH, BATCHES, spread

from tests.support.corpora import die_of_poison, die_once, fail, length


def lost(name, error):
    return f"lost {name}: {type(error).__name__}"


def processes(count=2):
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


NAMES = [f"{'x' * (number % 7)}-{number}" for number in range(3 * BATCH + 1)]


def test_the_calling_thread_is_the_default():
    assert list(spread(length, NAMES, None, lost)) == list(map(length, NAMES))


def test_results_come_in_the_order_of_the_files():
    for executor in (ThreadPoolExecutor(3), processes()):
        with executor:
            assert list(spread(length, iter(NAMES), executor, lost)) == list(map(length, NAMES))
            assert list(spread(length, [], executor, lost)) == []


def test_an_error_of_the_function_is_raised():
    with ThreadPoolExecutor(1) as executor, pytest.raises(ZeroDivisionError):
        list(spread(fail, NAMES, executor, lost))


def test_a_bounded_number_of_files_is_in_flight():
    taken = 0

    def names():
        nonlocal taken
        while True:
            taken += 1
            yield "name"

    with ThreadPoolExecutor(2) as executor:
        results = spread(length, names(), executor, lost)
        for _ in range(5 * BATCH):
            next(results)
        assert taken <= (BATCHES + 6) * BATCH
        results.close()


def test_closing_cancels_what_has_not_begun():
    permits = threading.Semaphore(BATCH)

    def allowed(name):
        assert permits.acquire(timeout=10)
        return name

    begun = []

    class Watched(ThreadPoolExecutor):
        def submit(self, *args):
            begun.append(super().submit(*args))
            return begun[-1]

    with Watched(1) as executor:
        results = spread(allowed, (str(number) for number in range(100 * BATCH)), executor, lost)
        assert next(results) == "0"
        results.close()
        permits.release(BATCHES * BATCH)
    assert [future.cancelled() for future in begun[:1]] == [False]
    assert sum(future.cancelled() for future in begun) >= BATCHES - 2


# --- lost workers ---------------------------------------------------------------------------------


def test_a_worker_that_is_lost_once_costs_nothing(tmp_path):
    once = tmp_path / "once"
    once.touch()
    names = [*NAMES, str(once), *NAMES]
    with processes() as executor:
        assert list(spread(die_once, names, executor, lost)) == names
    assert not once.exists()


def test_a_file_that_kills_each_worker_costs_only_itself():
    names = [*NAMES, "poison", *NAMES]
    with processes() as executor:
        results = list(spread(die_of_poison, names, executor, lost))
    assert results == [*NAMES, "lost poison: BrokenProcessPool", *NAMES]


class KilledWorker(Exception):  # noqa: N818
    """The error of Dask, which is known by its name."""


class Cluster(Executor):
    """An executor that loses each task a number of times, as Dask does, and goes on."""

    def __init__(self, losses, error):
        self.losses = losses
        self.error = error
        self.seen = {}

    def submit(self, function, *args):
        future = Future()
        self.seen[args] = self.seen.get(args, 0) + 1
        if self.seen[args] <= self.losses:
            if self.error is None:
                future.cancel()
            else:
                future.set_exception(self.error)
        else:
            future.set_result(function(*args))
        return future


@pytest.mark.parametrize("error", [KilledWorker("too often"), None])
def test_an_executor_that_goes_on_after_a_loss(error):
    assert list(spread(length, NAMES, Cluster(1, error), lost)) == list(map(length, NAMES))
    names = ["a", "b"]
    all_lost = list(spread(length, names, Cluster(9, error), lost))
    kind = "CancelledError" if error is None else "KilledWorker"
    assert all_lost == [f"lost {name}: {kind}" for name in names]


def test_an_error_of_a_file_alone_is_raised():
    class Odd(Cluster):
        def submit(self, function, *args):
            self.error = KilledWorker() if len(args[1]) > 1 else OSError("disk")
            return super().submit(function, *args)

    with pytest.raises(OSError, match="disk"):
        list(spread(length, ["a", "b"], Odd(9, None), lost))


def test_an_executor_that_was_started_here_is_closed_here(monkeypatch):
    class Broken(Cluster):
        _max_workers = 1

        def submit(self, function, *args):
            raise BrokenExecutor

    started = []

    class Own(Cluster):
        closed = 0

        def __init__(self, size):
            super().__init__(0, None)
            started.append(self)

        def shutdown(self, wait=True, *, cancel_futures=False):
            self.closed += 1

    monkeypatch.setattr(spreading, "ProcessPoolExecutor", Own)
    assert list(spread(length, NAMES, Broken(0, None), lost)) == list(map(length, NAMES))
    assert [own.closed for own in started] == [1]
