"""The files of a corpus: paths of directories, archives and buckets become names of recordings.

A name is a local path or a URL of fsspec (`s3://bucket/turn.jsonl`, `zip://turn.jsonl::all.zip`).
It is plain text, so that a task on another machine can open the file. fsspec is imported for URLs
and archives only.

Listing a directory keeps the names in it, 0.1 kB each, because they are sorted as a person expects
(`turn`, `turn-2`, `turn-10`); nothing else grows with the number of files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Union

from streamfold.transports.recording import Recording, check_regular, is_recording

__all__ = ["Path", "expand_paths", "is_listed", "load"]

Path = Union[str, "os.PathLike[str]"]

_SUFFIXES = (".jsonl", ".sse")


def expand_paths(
    paths: Iterable[Path], *, unlisted: Callable[[OSError], None] | None = None
) -> Iterator[str]:
    """The names of the recordings that paths stand for.

    A path that cannot be listed is kept as a name, so that reading it raises the error.

    Args:
        paths: files, directories, `.zip` archives and URLs of any of these. A file may have any
            name; in a directory or an archive, only `*.jsonl` and `*.sse` count.
        unlisted: called with the error of each local directory that cannot be listed.

    Raises:
        ImportError: a path is a URL or an archive, and fsspec is not installed.

    >>> list(expand_paths(["tests/recordings/text.sse"]))
    ['tests/recordings/text.sse']
    """
    for path in (os.fspath(path) for path in paths):
        if "://" in path or (path.endswith(".zip") and not os.path.isdir(path)):
            yield from _expand_url(path)
        elif os.path.isdir(path):
            yield from _walk(path, unlisted)
        else:
            yield path


def _expand_url(url: str) -> Iterator[str]:
    if url.endswith(".zip") and "::" not in url:
        archive = f"zip://::{url}"
        names = list(_expand_url(archive))
        yield from [url] if names == [archive] else names
        return
    try:
        files, inside = _filesystem(url)
        found: list[str] | None = files.find(inside) if files.isdir(inside) else None
    except ImportError:
        raise
    except Exception:  # from any of the libraries that fsspec uses
        files, found = None, None
    if found is None:
        yield url
        return
    for name in sorted(filter(is_listed, found), key=_natural):
        yield _url(url, files, name)


def _walk(folder: str, unlisted: Callable[[OSError], None] | None) -> Iterator[str]:
    """The recordings in a local folder and below it, those of each folder before the next."""
    failed: list[str] = []

    def onerror(error: OSError) -> None:
        if unlisted is not None:
            unlisted(error)
        failed.append(error.filename)

    for parent, folders, files in os.walk(folder, onerror=onerror):
        folders.sort(key=_natural)
        for name in sorted(filter(is_listed, files), key=_natural):
            yield os.path.join(parent, name).removeprefix(os.path.join(os.curdir, ""))
        yield from failed
        failed.clear()
    yield from failed


def is_listed(name: str) -> bool:
    """Whether a file of this name, in a directory or an archive, is one of its recordings."""
    return name.endswith(_SUFFIXES)


_DIGITS = re.compile(r"\d+")


def _natural(name: str) -> str:
    """A key that sorts numbers in names by their value, up to 20 digits."""
    stem, _ = os.path.splitext(name)
    return _DIGITS.sub(lambda digits: digits[0].zfill(20), stem)


# --- fsspec ---------------------------------------------------------------------------------------


def _fsspec() -> Any:
    try:
        import fsspec  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise ImportError(
            "URLs and .zip archives need fsspec, which is not installed: "
            "pip install 'streamfold[fsspec]'"
        ) from None
    return fsspec


def _filesystem(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. An archive is opened once per process."""
    first, mark, rest = url.partition("::")
    if not mark:
        found: tuple[Any, str] = _fsspec().core.url_to_fs(url)
        return found
    protocol, _, inside = first.partition("://")
    return _archive(f"{protocol}://::{rest}"), inside


@lru_cache(maxsize=8)
def _archive(url: str) -> Any:
    files, _ = _fsspec().core.url_to_fs(url)
    return files


def _url(parent: str, files: Any, name: str) -> str:
    """The URL of a file that was found below `parent`."""
    first, mark, rest = parent.partition("::")
    if mark:
        return f"{first.partition('://')[0]}://{name}::{rest}"
    url: str = files.unstrip_protocol(name)
    return url


# --- reading --------------------------------------------------------------------------------------


def load(name: str) -> Recording:
    """Read the recording, or the raw body, of a name that `expand_paths` gave.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
        RecordingError: the file is called `*.jsonl`, but is not a complete recording.
    """
    if "://" not in name:
        check_regular(name)
        return Recording.load(name)
    files, inside = _filesystem(name)
    with files.open(inside, "rb") as file:
        data = file.read()
    return Recording.from_bytes(data) if is_recording(inside) else Recording.of(data)
