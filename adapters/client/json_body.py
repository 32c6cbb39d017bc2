"""The body of a request as bytes of JSON, from Python values of many kinds.

A caller's arguments hold dicts and lists, and much else: blocks and messages of an earlier answer,
from streamfold or the official client; generators, sets, views of dicts; times; pydantic models;
tool objects such as `@beta_tool` functions, which have `to_dict()`. Each is written as the JSON
that it stands for, as the official client writes it. Anything else is refused with its path in the
body, `messages[0].content[1].source`.

A base64 source may hold a path or an open file in place of its data. `encode_body` does not read
it: a body with files is an `UnreadBody`, which the client reads before it sends the request.
"""

from __future__ import annotations

import base64
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, MappingView, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from pathlib import Path
from typing import Any, TypeGuard

import attrs
from streamfold.reducer import is_object

from .parameters import is_omitted

__all__ = ["UnreadBody", "encode_body"]


@attrs.frozen
class UnreadBody:
    """The body of a request with files that have not been read yet.

    Attributes:
        fields: the body, without the data of the files.
        files: the base64 sources in it, each with its file.
    """

    fields: dict[str, Any]
    files: Sequence[tuple[dict[str, Any], Any]]

    def read(self) -> bytes:
        """Read the files, and return the body as JSON.

        Raises:
            OSError: a file cannot be read.
        """
        for source, file in self.files:
            source["data"] = base64.b64encode(_content(file)).decode()
        return _json(self.fields)


def _content(file: Any) -> bytes:
    """The content of a file, given as a path or as an open file."""
    if hasattr(file, "read"):
        content: str | bytes = file.read()
        return content.encode() if isinstance(content, str) else content
    return Path(file).read_bytes()


def encode_body(body: Mapping[str, Any]) -> bytes | UnreadBody:
    r"""`body` as compact JSON in UTF-8; if it has files, as an `UnreadBody`.

    Half of a surrogate pair, which a model's own JSON can hold, is written as its escape.

    Raises:
        TypeError: a value does not stand for JSON.
        ValueError: a number is NaN or infinite.

    >>> encode_body({"stop_sequences": (word for word in ["one", "tw\ud83d"])})
    b'{"stop_sequences":["one","tw\\ud83d"]}'
    """
    files: list[tuple[dict[str, Any], Any]] = []
    fields = _plain(body, "", files)
    return UnreadBody(fields, files) if files else _json(fields)


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _json(fields: Any) -> bytes:
    return _COMPACT.encode(fields).encode("utf-8", "backslashreplace")


def _plain(value: Any, path: str, files: list[tuple[dict[str, Any], Any]]) -> Any:
    """`value`, found at `path` of the body, as dicts, lists, strings, numbers and `None`.

    The files in it are added to `files`.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path}: {value} is not JSON: give a finite number")
    if value is None or isinstance(value, (str, int, float)):
        return value
    if is_object(value):
        prefix = f"{path}." if path else ""
        file = value.get("data") if value.get("type") == "base64" else None
        has_file = file is not None and _is_file(file)
        plain: dict[str, Any] = {}
        for name, item in value.items():
            if item.__class__ in _PLAIN:
                plain[name] = item
            elif not is_omitted(item) and not (has_file and name == "data"):
                plain[name] = _plain(item, f"{prefix}{name}", files)
        if has_file:
            files.append((plain, file))
        return plain
    if _is_array(value):
        return [_plain(item, f"{path}[{index}]", files) for index, item in enumerate(value)]
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "model_dump"):  # a pydantic model: the fields that were set
        outside = getattr(value, "__api_exclude__", None)  # the official client's own fields
        fields = value.model_dump(
            mode="json",
            exclude_unset=True,
            exclude=outside,
            fallback=lambda inner: _plain(inner, path, files),  # blocks of ours
        )
        return _plain(fields, path, files)
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict(), path, files)
    raise TypeError(
        f"{path}: {type(value).__name__} is not JSON: give a dict, a list, a string, a number, "
        "a bool or None"
    )


_PLAIN = frozenset({str, int, bool, type(None)})
"""The classes of values that are JSON as they are, and most of a body."""


def _is_file(value: Any) -> bool:
    return isinstance(value, (os.PathLike, io.IOBase))


def _is_array(value: Any) -> TypeGuard[Iterable[Any]]:
    """Whether the items of `value` are those of a JSON array.

    The test is narrower than "iterable", because bytes, files and pydantic models are iterable too.
    """
    return isinstance(
        value, (list, Sequence, AbstractSet, MappingView, Iterator)
    ) and not isinstance(value, (bytes, bytearray, memoryview, io.IOBase))
