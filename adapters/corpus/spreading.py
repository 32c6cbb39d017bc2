"""`spread`: a function over many files, on any executor, with results in the order of the files.

Rules:

- A bounded number of files is in flight (`BATCHES` × `BATCH`), so the memory does not grow with
  the number of files, and results come while others are still worked on.
- A task takes `BATCH` files, because handing a task to a process costs more than reading a small
  file.
- A task whose worker was lost runs again, once. If it is lost again, its files run one by one, and
  the result of a file that is lost once more is `lost(file, error)`. A process pool is unusable
  once a worker was lost, so a new one takes its place.
- When the generator is closed, or interrupted by Ctrl-C, tasks that have not begun are cancelled.

An error that the function raises is raised here: `function` decides which errors are results.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
)
from itertools import islice
from typing import Generic, TypeVar

__all__ = ["BATCH", "BATCHES", "spread"]

R = TypeVar("R")

BATCH = 32
"""Files in a task."""
BATCHES = 64
"""Tasks in flight."""

_LOST_NAMES = frozenset({"KilledWorker", "CommClosedError"})
"""The errors of Dask for a task whose worker was lost. They are known by name, because Dask is not
imported here."""


def spread(
    function: Callable[[str], R],
    files: Iterable[str],
    executor: Executor | None,
    lost: Callable[[str, BaseException], R],
) -> Iterator[R]:
    """The results of a function for each file, in order.

    Args:
        function: the function; on processes and clusters it is pickled.
        files: the names of the files.
        executor: runs the function; `None` for the calling thread. It stays open.
        lost: the result for a file whose worker was lost three times.
    """
    if executor is None:
        yield from map(function, files)
        return
    pool = _Pool(executor, function, lost)
    names = iter(files)
    pending: deque[_Task[R]] = deque()
    try:
        while True:
            while len(pending) < BATCHES and (batch := tuple(islice(names, BATCH))):
                pending.append(_Task(batch, pool.begin(batch)))
            if not pending:
                return
            results = pool.results(pending[0])
            pending.popleft()
            pool.restart_lost(pending)
            yield from results
    finally:
        for task in pending:
            task.future.cancel()
        pool.close()


def _each(function: Callable[[str], R], batch: tuple[str, ...]) -> list[R]:
    """The results of one task."""
    return [function(name) for name in batch]


def _is_lost(error: BaseException) -> bool:
    kinds = (BrokenExecutor, CancelledError)
    return isinstance(error, kinds) or type(error).__name__ in _LOST_NAMES


class _Task(Generic[R]):
    """Files that are worked on together.

    Attributes:
        batch: the names of the files.
        future: their results.
        runs: the number of times the work was begun.
    """

    def __init__(self, batch: tuple[str, ...], future: Future[list[R]]) -> None:
        self.batch = batch
        self.future = future
        self.runs = 1

    @property
    def is_lost(self) -> bool:
        """Whether the work ended with the loss of its worker."""
        future = self.future
        if not future.done():
            return False
        error = None if future.cancelled() else future.exception()
        return future.cancelled() or (error is not None and _is_lost(error))


class _Pool(Generic[R]):
    """An executor, or the one that took its place after it broke."""

    def __init__(
        self,
        executor: Executor,
        function: Callable[[str], R],
        lost: Callable[[str, BaseException], R],
    ) -> None:
        self._executor = executor
        self._own: Executor | None = None
        self._size: int | None = getattr(executor, "_max_workers", None)
        self._function = function
        self._lost = lost

    def begin(self, batch: tuple[str, ...]) -> Future[list[R]]:
        """Begin to work on a batch."""
        try:
            return self._executor.submit(_each, self._function, batch)
        except BrokenExecutor:
            self.close()
            self._own = self._executor = ProcessPoolExecutor(self._size)
            return self._executor.submit(_each, self._function, batch)

    def restart_lost(self, tasks: Iterable[_Task[R]]) -> None:
        """Begin again those tasks whose worker was lost the first time."""
        for task in tasks:
            if task.runs == 1 and task.is_lost:
                task.runs, task.future = 2, self.begin(task.batch)

    def results(self, task: _Task[R]) -> list[R]:
        """Wait for the results of a task."""
        while True:
            try:
                return task.future.result()
            except BaseException as error:
                if not _is_lost(error):
                    raise
            if task.runs > 1:
                return [self._result(name) for name in task.batch]
            self.restart_lost([task])

    def _result(self, name: str) -> R:
        """The result of one file, alone."""
        try:
            return self.begin((name,)).result()[0]
        except BaseException as error:
            if not _is_lost(error):
                raise
            return self._lost(name, error)

    def close(self) -> None:
        """End the processes that were started here, without waiting for their tasks."""
        if self._own is not None:
            self._own.shutdown(wait=False, cancel_futures=True)
            self._own = None
