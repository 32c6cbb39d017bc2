"""The files of recordings: their names, their order in a folder, and writing them whole.

A file called `*.jsonl` is a recording; any other file is the raw body of an event stream (`*.sse`).
Nothing here knows the content of a file: see `format` for that.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from secrets import token_hex
from typing import Union

__all__ = [
    "PathLike",
    "check_name",
    "check_regular",
    "is_recording",
    "numbered",
    "recording_files",
    "write_whole",
]

PathLike = Union[str, "os.PathLike[str]"]

SUFFIX = ".jsonl"
_RAW_BODY = ".sse"


def is_recording(path: PathLike) -> bool:
    """Whether a file of this name is a recording; if not, it is a raw body.

    >>> is_recording("turn.jsonl"), is_recording("turn.sse")
    (True, False)
    """
    return Path(path).suffix == SUFFIX


def check_name(path: PathLike) -> Path:
    """`path`, if a recording can be saved there.

    Raises:
        ValueError: the name does not end with `.jsonl`.
    """
    if not is_recording(path):
        raise ValueError(
            f"the file name of a recording must match *{SUFFIX}, got {os.fspath(path)!r}"
        )
    return Path(path)


def numbered(path: Path, number: int) -> Path:
    """The path of a transport's recording with this number, counted from 1.

    >>> numbered(Path("turn.jsonl"), 1).name, numbered(Path("turn.jsonl"), 2).name
    ('turn.jsonl', 'turn-2.jsonl')
    """
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it always has either all of `data` or its old content.

    Missing parent folders are made. The data goes to a file beside it first, which then takes its
    name. Only its owner may read the file (mode 0600).

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{token_hex(8)}.unfinished")
    try:
        with open(unfinished, "xb", opener=_for_the_owner) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def check_regular(path: PathLike) -> None:
    """Refuse a file that is not a regular one: reading a pipe or a device might never end.

    Raises:
        OSError: the file does not exist, or is not a regular one.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


def recording_files(folder: PathLike) -> list[Path]:
    """The recordings and raw bodies (`*.jsonl`, `*.sse`) in a folder and all folders below it.

    Numbers in names are compared as numbers: `turn`, `turn-2`, `turn-10`.

    Raises:
        OSError: `folder` is not a folder, or cannot be read.

    >>> [path.name for path in recording_files("tests/recordings")][:3]
    ['advisor.sse', 'agent-turn.sse', 'citations.sse']
    """
    found: list[Path] = []
    for parent, _, names in os.walk(folder, onerror=_raise):
        found.extend(Path(parent, name) for name in names if name.endswith((SUFFIX, _RAW_BODY)))
    return sorted(found, key=_natural_order)


def _raise(error: OSError) -> None:
    raise error


def _natural_order(path: Path) -> list[list[tuple[int, str]]]:
    """The sort key of a path: its names cut into numbers and the text between them."""
    parts = path.with_suffix("").parts
    return [
        [
            (int(piece), "") if piece.isdecimal() else (-1, piece)
            for piece in re.split(r"(\d+)", part)
        ]
        for part in parts
    ]
