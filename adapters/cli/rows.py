"""`--rows FILE`: one row per measurement, as CSV or Parquet, written as they come.

Parquet is written in groups of `GROUP` rows, so that memory does not grow with their number. The
file appears under its name when it is whole, or when the work was interrupted.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from streamfold.adapters.corpus import Measurement

from .exit_status import FAILED, CommandError

__all__ = ["rows_file"]

GROUP = 10_000
"""Rows of a Parquet file that are written together."""

Write = Callable[[Measurement], None]

_NAMES = tuple(Measurement("", "complete").row())
_TEXTS = ("file", "outcome", "reason", "model", "stop_reason")
_COUNTS = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
    "unfolded",
    "events",
    "pings",
    "bytes",
)


@contextmanager
def rows_file(path: str | None) -> Generator[Write, None, None]:
    """A function that writes one row.

    Args:
        path: the file, `*.csv` or `*.parquet`; without one, nothing is written.

    Raises:
        CommandError: the name does not end with .csv or .parquet, pyarrow is not installed, or the
            file cannot be written.
    """
    if path is None:
        yield _ignore
        return
    _, ending = os.path.splitext(path)
    kinds = {".csv": _csv_rows, ".parquet": _parquet_rows}
    if ending not in kinds:
        raise CommandError(f"--rows must name a .csv or a .parquet file, got {path!r}")
    unfinished = f"{path}.unfinished"
    try:
        with kinds[ending](unfinished) as write:
            yield write
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}", FAILED) from error
    finally:
        if os.path.exists(unfinished):
            os.replace(unfinished, path)


def _ignore(measurement: Measurement) -> None:
    """Write nothing."""


@contextmanager
def _csv_rows(path: str) -> Generator[Write, None, None]:
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        rows = csv.DictWriter(file, _NAMES)
        rows.writeheader()
        yield lambda measurement: rows.writerow(measurement.row())


@contextmanager
def _parquet_rows(path: str) -> Generator[Write, None, None]:
    try:
        pyarrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise CommandError(
            "a .parquet file needs pyarrow, which is not installed: "
            "pip install 'streamfold[parquet]', or name a .csv file"
        ) from None
    kinds: dict[str, Any] = {
        name: pyarrow.string()
        if name in _TEXTS
        else pyarrow.int64()
        if name in _COUNTS
        else pyarrow.float64()
        for name in _NAMES
    }
    schema = pyarrow.schema(list(kinds.items()))
    waiting: list[dict[str, Any]] = []
    with parquet.ParquetWriter(path, schema) as file:

        def flush() -> None:
            file.write_table(pyarrow.Table.from_pylist(waiting, schema))
            waiting.clear()

        def write(measurement: Measurement) -> None:
            waiting.append(measurement.row())
            if len(waiting) == GROUP:
                flush()

        try:
            yield write
        finally:
            flush()
