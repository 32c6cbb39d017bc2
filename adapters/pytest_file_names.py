"""The file of a test's recording: `recordings/<module>/<test>.jsonl`, or the name in its marker.

Reports show paths relative to the folder in which pytest was started, so that a printed command
runs there.

pytest loads this module with the plugin, so it imports nothing but pytest and a few small modules
of the standard library.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

__all__ = [
    "FOLDER",
    "SUFFIX",
    "Marker",
    "file_name",
    "first_of_turns",
    "recording_command",
    "recording_marker",
    "recording_path",
    "shown_path",
]

FOLDER = "recordings"
SUFFIX = ".jsonl"


class Marker(NamedTuple):
    """The arguments of `@pytest.mark.recording`.

    Attributes:
        name: the recording's path below the folder, without suffix; `None` for the test's own.
        match: the rule by which a request finds its recording: see `ReplayTransport`.
        speed: a factor on the recorded speed; 0 for no delay.
    """

    name: str | None
    match: Any
    speed: float


def recording_marker(item: pytest.Item) -> Marker:
    """The marker of a test; without one, the defaults.

    Raises:
        TypeError: the marker has unknown or surplus arguments.
        ValueError: its name cannot be a path.
    """
    marker = item.get_closest_marker("recording")
    if marker is None:
        return recording()
    try:
        return recording(*marker.args, **marker.kwargs)
    except TypeError as error:
        raise TypeError(f"{error}; it takes a name, match= and speed=") from None


def recording(name: str | None = None, *, match: str = "request", speed: float = 0) -> Marker:
    """The marker with these arguments. An error of Python about them shows the function's name."""
    if name is not None and not re.fullmatch(r"[\w-]+(/[\w-]+)*", name):
        raise ValueError(
            "expected a recording's name of letters, digits, _ and -, with / after a folder, "
            f"got {name!r}"
        )
    return Marker(name, match, speed)


def recording_path(item: pytest.Item) -> Path:
    """The file of a test's first request. Those of later requests end with `-2`, `-3`, …

    Raises:
        TypeError, ValueError: as `recording_marker` does.
    """
    name = recording_marker(item).name
    if name is None:
        classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
        name = f"{item.path.stem}/{file_name('.'.join([*classes, item.name]))}"
    return item.path.parent / FOLDER / f"{name}{SUFFIX}"


def first_of_turns(path: Path) -> Path:
    """The file of the first request of the test that recorded `path`.

    >>> first_of_turns(Path("recordings/test_chat/test_it-2.jsonl")).name
    'test_it.jsonl'
    """
    return path.with_name(re.sub(r"-\d+$", "", path.stem) + path.suffix)


def shown_path(path: str | os.PathLike[str], config: pytest.Config) -> str:
    """A path for people, relative to the folder in which pytest was started."""
    return os.path.relpath(path, config.invocation_params.dir)


def recording_command(mode: str, item: pytest.Item) -> str:
    """The command that records a test, for the folder in which pytest was started."""
    module, _, test = item.nodeid.partition("::")
    path = shown_path(item.config.rootpath / module, item.config)
    return f"pytest --record-streams={mode} {shlex.quote(f'{path}::{test}')}"


_SAFE = re.compile(r"([A-Z_a-z][\w]*\.)*[a-z_][a-z0-9_]*(\[[a-z0-9_.-]+\])?", re.ASCII)
_SAFE_LENGTH = 120


def file_name(test: str) -> str:
    """The name of a test as a file name that every system accepts.

    Two tests never have the same file name. A hash replaces the characters that file names cannot
    have, and distinguishes names that differ in upper and lower case only.

    >>> file_name("test_words[one]"), file_name("test_words[TWO]")
    ('test_words[one]', 'test_words-TWO~e431233f32eb')
    """
    if _SAFE.fullmatch(test) and len(test) <= _SAFE_LENGTH:
        return test
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", test)[: _SAFE_LENGTH // 2].strip("-.")
    return f"{readable}~{hashlib.sha256(test.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
