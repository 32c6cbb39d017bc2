"""`compare_all`: an accumulator compared with the reference on recorded traffic.

The accumulator is any function from the decoded events of a stream to its message, named as
`module:function` so that other processes can import it. Its result and the reference's are compared
as in `streamfold.adapters.conformance`. A difference has a kind, which is the same for all
recordings with the same difference:

    raises ValueError        the reference has the message
    accepts incomplete       the reference has no whole message, and the function has one
    differs: content.input   the path in the message, without the positions in arrays
    missing: content.text    the field, or the item of an array, is not in the result
    extra: usage.seconds     the field, or the item of an array, is not in the reference

A recording of an error response, and one that cannot be read, is not compared.
"""

from __future__ import annotations

# Recordings and results are JSON of any shape.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from importlib import import_module
from pathlib import Path as LocalPath
from typing import Any

import attrs
import httpx
from streamfold.adapters.conformance import as_json, comparable
from streamfold.reducer import (
    DEFAULT_LIMIT,
    EventStreamState,
    ProtocolError,
    decode_event_stream,
    decode_sse,
    fold,
    parse_event,
)
from streamfold.transports import Recording, decoder_of, replay
from streamfold.transports.recording import decompressed

from .files import Path, expand_paths, load
from .spreading import spread

__all__ = ["Difference", "compare", "compare_all", "function_named", "save_smallest"]

Accumulate = Callable[[list[dict[str, Any]]], Any]

_SHOWN = 80
"""The number of characters of a value that a difference shows."""


@attrs.frozen
class Difference:
    """The comparison of one recording.

    Attributes:
        file: the name of the file.
        size: the bytes of its body.
        kinds: the kinds of differences, each once; none if the results are equal.
        details: for each kind, the first place where it shows.
        skipped: the reason why the recording was not compared; `None` if it was.
    """

    file: str
    size: int = 0
    kinds: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    skipped: str | None = None


def function_named(name: str) -> Accumulate:
    """The function named `module:function`.

    Args:
        name: its name. The current directory is searched for the module, too.

    Raises:
        ValueError: the name has another form, or names something that is not a function.
        ImportError: the module cannot be imported.

    >>> function_named("json:dumps")({})
    '{}'
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise ValueError(f"expected MODULE:FUNCTION, got {name!r}")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module_name)
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ImportError(f"cannot import {module_name}: {reason}") from error
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise ValueError(f"expected a function called {path} in {module_name}, got {found!r}")
    function: Accumulate = found
    return function


def compare_all(
    paths: Iterable[Path], against: str, *, executor: Executor | None = None
) -> Iterator[Difference]:
    """Compare a function with the reference on every recording that paths stand for.

    Args:
        paths: files, directories, `.zip` archives, and URLs of any of these.
        against: the function, as `module:function`. It takes the decoded events of a stream as a
            list of dicts, pings included, and returns the message as a dict or as an object of any
            of the usual libraries. For an incomplete stream it returns `None`, or raises.
        executor: runs the comparisons; its processes must be able to import the module.

    Returns:
        An iterator over the comparisons, in the order of the files.

    >>> paths = ["tests/recordings/text.sse"]
    >>> [difference.kinds for difference in compare_all(paths, "builtins:len")]
    [('differs: message',)]
    """
    return spread(partial(compare, against=against), expand_paths(paths), executor, _lost)


def _lost(file: str, error: BaseException) -> Difference:
    return Difference(file, skipped=f"the worker that read it was lost ({type(error).__name__})")


def compare(file: Path, against: str) -> Difference:
    """Compare a function with the reference on one recording: see `compare_all`."""
    name = os.fspath(file)
    accumulate = function_named(against)
    try:
        recording = load(name)
    except Exception as error:
        return Difference(name, skipped=f"{type(error).__name__}: {error}")
    if recording.response.status >= 300:
        return Difference(name, skipped=f"status {recording.response.status}")
    size = len(recording.body)
    events = _events_of(recording)
    found = dict(_differences(_reference(events), accumulate, events))
    return Difference(name, size, tuple(found), tuple(found.values()))


def _events_of(recording: Recording) -> list[dict[str, Any]]:
    """The decoded events of a recording, up to its end or to data that is not an event."""
    events: list[dict[str, Any]] = []
    with replay(recording) as stream:
        state: Any = decoder_of(stream.response.headers.get("content-type"))
        decode: Any = decode_event_stream if isinstance(state, EventStreamState) else decode_sse
        try:
            for chunk in decompressed(stream.response, httpx, DEFAULT_LIMIT):
                state, decoded = decode(state, chunk)
                events.extend(parse_event(event).to_dict() for event in decoded)
        except (httpx.HTTPError, ProtocolError):
            pass
    return events


def _reference(events: list[dict[str, Any]]) -> Any:
    """The message of whole events as JSON; `None` if they are not whole."""
    try:
        snapshot = fold(events)
    except ProtocolError:
        return None
    if snapshot.message is None or not snapshot.is_complete or snapshot.error is not None:
        return None
    return _normal(snapshot.message)


def _normal(message: Any) -> Any:
    """A message as the JSON that is compared."""
    return json.loads(comparable(as_json(message)))


def _differences(
    expected: Any, accumulate: Accumulate, events: list[dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    """The kinds of differences, each with the place where it shows; a kind may come twice."""
    try:
        result = accumulate(events)
        got = None if result is None else _normal(result)
    except Exception as error:
        if expected is not None:
            yield f"raises {type(error).__name__}", _shown(str(error))
        return
    if expected is None:
        if got is not None:
            yield "accepts incomplete", _shown(got)
    elif got is None:
        yield "returns None", ""
    else:
        yield from _below(expected, got, "", "")


def _below(expected: Any, got: Any, path: str, place: str) -> Iterator[tuple[str, str]]:
    """The differences of two values at a path; `place` is the path with positions."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in {**expected, **got}:
            yield from _at(expected, got, key, f"{path}.{key}".lstrip("."), f"{place}.{key}")
    elif isinstance(expected, list) and isinstance(got, list):
        pairs = dict(enumerate(expected)), dict(enumerate(got))
        for position in range(max(len(expected), len(got))):
            yield from _at(*pairs, position, path, f"{place}[{position}]")
    elif expected != got:
        detail = f"{place.lstrip('.') or 'message'}: expected {_shown(expected)}, got {_shown(got)}"
        yield f"differs: {path or 'message'}", detail


def _at(expected: Any, got: Any, key: Any, path: str, place: str) -> Iterator[tuple[str, str]]:
    """The differences of two members, either of which may be missing."""
    if key not in got:
        yield f"missing: {path}", f"{place.lstrip('.')}: expected {_shown(expected[key])}"
    elif key not in expected:
        yield f"extra: {path}", f"{place.lstrip('.')}: got {_shown(got[key])}"
    else:
        yield from _below(expected[key], got[key], path, place)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


# --- examples -------------------------------------------------------------------------------------


def save_smallest(smallest: dict[str, Difference], folder: Path) -> dict[str, LocalPath]:
    """Save one recording for each kind of difference.

    Args:
        smallest: by kind, the comparison whose recording is saved.
        folder: the folder to save to; it is made if it does not exist.

    Returns:
        The files, by kind.

    Raises:
        OSError: a file cannot be written.
    """
    os.makedirs(folder, exist_ok=True)
    saved: dict[str, LocalPath] = {}
    for kind, difference in smallest.items():
        path = LocalPath(folder, f"{_file_name(kind)}.jsonl")
        load(difference.file).save(path)
        saved[kind] = path
    return saved


def _file_name(kind: str) -> str:
    """A file name for a kind of difference: `differs-content.input`."""
    return re.sub(r"[^\w.]+", "-", kind).strip("-.")
