"""Long-running work on many recordings: its files and its progress bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from .colours import rich_console
from .exit_status import CommandError

__all__ = ["recordings_in", "with_progress"]

T = TypeVar("T")

MANY = 100
"""The smallest number of recordings for which a progress bar is shown."""


def recordings_in(names: Sequence[str]) -> Iterator[str]:
    """The recordings that files, directories, archives and URLs stand for, each name once.

    Raises:
        CommandError: a name does not exist, or a directory has no recordings or cannot be read.
    """
    from streamfold.adapters.corpus import expand_paths

    for name in names:
        if "://" not in name and not os.path.exists(name):
            raise CommandError(f"{name}: no such file or directory")
    for name in _outermost(names):
        try:
            found = expand_paths([name], unlisted=_refuse)
            first = next(found, None)
        except ImportError as error:
            raise CommandError(error) from error
        if first is None:
            raise CommandError(f"{name}: expected recordings (*.jsonl, *.sse) in it, found none")
        yield from chain([first], found)


def _outermost(names: Sequence[str]) -> Iterator[str]:
    """The names, each once, without files that a directory among the names includes."""
    from streamfold.adapters.corpus import is_listed

    folders = {os.path.join(os.path.abspath(name), "") for name in names if os.path.isdir(name)}
    seen: set[str] = set()
    for name in names:
        path = name if "://" in name else os.path.abspath(name)
        is_inside = any(path.startswith(folder) for folder in folders)
        if path not in seen and not (is_inside and (os.path.isdir(name) or is_listed(name))):
            seen.add(path)
            yield name


def _refuse(error: OSError) -> None:
    raise CommandError(f"{error.filename}: {error.strerror}") from error


def with_progress(results: Iterable[T], verb: str) -> Iterator[T]:
    """The results, one by one. Many get a progress bar, if standard error is a terminal.

    Args:
        results: the results.
        verb: the word before the bar: `Checking`.
    """
    console = rich_console(sys.stderr)
    if console is None:
        yield from results
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task(verb, total=None, rate="")
    try:
        for count, result in enumerate(results, 1):
            if count == MANY:
                progress.start()
            yield result
            seconds = progress.tasks[0].elapsed or 0.0
            rate = f"{count / seconds:,.0f} a second" if seconds else ""
            progress.update(task, completed=count, rate=rate)
    finally:
        progress.stop()
