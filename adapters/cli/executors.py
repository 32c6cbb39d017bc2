"""The executors of `check` and `stats`: `--jobs N` processes, or a Dask cluster with `--dask`."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .exit_status import CommandError

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["add_executor_flags", "executor_of"]


def add_executor_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--jobs` and `--dask`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        metavar="N",
        type=_jobs,
        default=1,
        help="the number of processes; 0 for one per core (default: 1)",
    )
    where.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="the scheduler of a Dask cluster, as tcp://host:8786; its workers must see the files",
    )


def _jobs(text: str) -> int:
    """The value of `--jobs`.

    Raises:
        argparse.ArgumentTypeError: it is not a whole number of at least 0.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(
            f"expected a whole number of at least 0 (0 = one per core), got {text!r}"
        )
    return int(text) or os.cpu_count() or 1


@contextmanager
def executor_of(options: argparse.Namespace) -> Generator[Executor | None, None, None]:
    """The executor that the options ask for; `None` for this process alone.

    Leaving the block by an exception, Ctrl-C for instance, ends the processes at once.

    Raises:
        CommandError: Dask is not installed, or the cluster cannot be reached.
    """
    if options.dask is not None:
        with _dask_client(options.dask) as client:
            yield client.get_executor()
    elif options.jobs == 1:
        yield None
    else:
        from concurrent.futures import ProcessPoolExecutor

        # Ctrl-C reaches each process of the terminal; only this one answers.
        pool = ProcessPoolExecutor(
            options.jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
        )
        try:
            yield pool
        except BaseException:
            for process in list(getattr(pool, "_processes", None) or {}):
                os.kill(process, signal.SIGTERM)
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _dask_client(address: str) -> Any:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise CommandError(
            "--dask needs Dask, which is not installed: pip install 'streamfold[dask]'"
        ) from None
    try:
        return distributed.Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise CommandError(f"{address}: cannot reach the scheduler: {error}") from error
