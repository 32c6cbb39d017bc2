"""The body of a request as bytes of JSON, from Python values of many kinds.

A caller's arguments hold dicts and lists, and also what an earlier answer gave: blocks and
messages, of streamfold or of the official client, generators, views of dicts; pydantic models; tool
objects such as `@beta_tool` functions, which have `to_dict()`. Each is written as the JSON that it
stands for. Anything else is refused with its path in the body, `messages[0].content[1].source`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, ValuesView
from typing import Any, TypeGuard

from streamfold.reducer import is_object, to_json

__all__ = ["encode_body"]


def encode_body(body: Mapping[str, Any]) -> bytes:
    r"""`body` as compact JSON in UTF-8.

    Half of a surrogate pair, which a model's own JSON can hold, is written as its escape.

    Raises:
        TypeError: a value does not stand for JSON.
        ValueError: a number is NaN or infinite.

    >>> encode_body({"stop_sequences": (word for word in ["one", "tw\ud83d"])})
    b'{"stop_sequences":["one","tw\\ud83d"]}'
    """
    return to_json(_plain(body, "")).encode()


def _plain(value: Any, path: str) -> Any:
    """`value`, found at `path` of the body, as dicts, lists, strings, numbers and `None`."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path}: {value} is not JSON: give a finite number")
    if value is None or isinstance(value, (str, int, float)):
        return value
    if is_object(value):
        prefix = f"{path}." if path else ""
        return {name: _plain(item, f"{prefix}{name}") for name, item in value.items()}
    if _is_array(value):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if hasattr(value, "model_dump"):  # a pydantic model: the fields that were set
        outside = getattr(value, "__api_exclude__", None)  # the official client's own fields
        fields = value.model_dump(
            mode="json",
            exclude_unset=True,
            exclude=outside,
            fallback=lambda inner: _plain(inner, path),  # blocks of ours
        )
        return _plain(fields, path)
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict(), path)
    raise TypeError(
        f"{path}: {type(value).__name__} is not JSON: give a dict, a list, a string, a number, "
        "a bool or None"
    )


def _is_array(value: Any) -> TypeGuard[Iterable[Any]]:
    """Whether the items of `value` are those of a JSON array.

    The test is narrower than "iterable", because bytes and pydantic models are iterable as well.
    """
    return isinstance(value, (Sequence, Iterator, ValuesView)) and not isinstance(value, bytes)
