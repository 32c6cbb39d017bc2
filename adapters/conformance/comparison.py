"""Results of any make as JSON that can be compared: what a stranger's message says, and how two
differ.

What is no difference: the order of keys, a tuple for a list, `1.0` for `1`, and (unless told) a
`null` where another has no such field, which is how most classes say absent. In the input of a
tool, which is the model's own JSON, a `null` is a value like any other.

Imports no optional library: a pydantic model is known by its `model_dump`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["as_json", "comparable", "difference"]

JSON = Any


def as_json(value: Any) -> JSON:
    """`value` as plain JSON.

    Args:
        value: JSON, or a pydantic model, an attrs class or a dataclass, or whatever has `to_dict`,
            and all of them nested.

    Raises:
        TypeError: it is something else, or holds it.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Block:
    ...     text: str
    >>> as_json({"content": (Block("Hi"),)})
    {'content': [{'text': 'Hi'}]}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    kind: Any = type(value)
    if hasattr(kind, "model_dump"):
        return as_json(value.model_dump(mode="json", by_alias=True, warnings=False))
    if hasattr(kind, "to_dict"):
        return as_json(value.to_dict())
    if hasattr(kind, "__attrs_attrs__"):
        return {field.name: as_json(getattr(value, field.name)) for field in kind.__attrs_attrs__}
    if hasattr(kind, "__dataclass_fields__"):
        return {name: as_json(getattr(value, name)) for name in kind.__dataclass_fields__}
    raise TypeError(
        f"cannot read a {kind.__name__} as a message: give a dict, a dataclass, "
        "an attrs class or a pydantic model"
    )


_VERBATIM = ("content", "input")
"""Where a message holds the model's own JSON."""


def comparable(value: JSON, *, ignore: Collection[str] = (), strict_nulls: bool = False) -> str:
    """`value` as a text that is the same for all that say the same.

    Args:
        value: JSON.
        ignore: the fields to leave out, by their path: "usage", "usage.iterations",
            "content.citations". A path goes through arrays without an index.
        strict_nulls: whether a `null` differs from no field at all.

    >>> comparable({"b": 1.0, "a": None}) == comparable({"b": 1})
    True
    """
    normal = _normal(value, (), set(ignore), strict_nulls)
    text = json.dumps(normal, indent=2, sort_keys=True, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()  # half a character as its escape


def _normal(value: JSON, path: tuple[str, ...], ignore: set[str], strict: bool) -> JSON:
    if isinstance(value, dict):
        kept = {
            key: _normal(item, (*path, key), ignore, strict)
            for key, item in value.items()
            if ".".join((*path, key)) not in ignore
        }
        if strict or path[:2] == _VERBATIM:
            return kept
        return {key: item for key, item in kept.items() if item is not None}
    if isinstance(value, list):
        return [_normal(item, path, ignore, strict) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def difference(expected: str, got: str) -> str:
    """How two such texts differ, line by line; nothing for the same.

    >>> print(difference(comparable({"id": 1}), comparable({"id": 2})))
    --- expected
    +++ got
    @@ -1,3 +1,3 @@
     {
    -  "id": 1
    +  "id": 2
     }
    """
    lines = difflib.unified_diff(
        expected.splitlines(), got.splitlines(), "expected", "got", lineterm=""
    )
    return "\n".join(lines)
