"""Compare results: messages of any class as JSON text, and the difference between two.

Two messages are equal when they differ only in the order of keys, in a tuple for a list, in `1.0`
for `1`, or in a `null` for an absent field, because most classes write absent fields as `null`
(`strict_nulls` turns the last one off). Inside the input of a tool, which the model writes, a
`null` is a value.

Imports no optional library: a pydantic model is recognised by its `model_dump`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

__all__ = ["as_json", "comparable", "difference", "fields_that_differ"]

JSON = Any


def as_json(value: Any) -> JSON:
    """`value` as plain JSON.

    Args:
        value: JSON, a pydantic model, an attrs class, a dataclass or an object with `to_dict`;
            they may be nested.

    Raises:
        TypeError: `value` is or contains an object of another class.

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
"""The path to JSON that the model wrote."""


def comparable(value: JSON, *, ignore: Collection[str] = (), strict_nulls: bool = False) -> str:
    """`value` as text; equal messages give equal texts.

    Args:
        value: JSON.
        ignore: the fields to leave out, by their path: "usage", "usage.iterations",
            "content.citations". A path goes through arrays without an index.
        strict_nulls: whether a `null` differs from an absent field.

    >>> comparable({"b": 1.0, "a": None}) == comparable({"b": 1})
    True
    """
    normal = _normal(value, (), set(ignore), strict_nulls)
    text = json.dumps(normal, indent=2, sort_keys=True, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate becomes its escape


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
    """The difference between two texts, line by line; empty for equal texts.

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


def fields_that_differ(expected: JSON, got: JSON) -> tuple[str, ...]:
    """The fields in which two messages differ, each once, by their path.

    A block stands in the path with its type; the input of a tool is one field.

    >>> one = {"content": [{"type": "text", "text": "a"}], "usage": {"output_tokens": 1}}
    >>> other = {"content": [{"type": "text", "text": "b"}], "usage": {"output_tokens": 2}}
    >>> fields_that_differ(one, other)
    ('content[text].text', 'usage.output_tokens')
    """
    return tuple(dict.fromkeys(_differences(expected, got, "")))


def _differences(expected: JSON, got: JSON, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(got, dict) and not path.endswith(".input"):
        if expected.get("type") != got.get("type"):
            yield f"{path}.type".lstrip(".")
            return
        for key in {**expected, **got}:
            if expected.get(key, _ABSENT) != got.get(key, _ABSENT):
                inner = f"{path}.{key}".lstrip(".")
                yield from _differences(expected.get(key, _ABSENT), got.get(key, _ABSENT), inner)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for one, other in zip(expected, got, strict=True):
            if one != other:
                kind = one.get("type") if isinstance(one, dict) else None
                yield from _differences(one, other, f"{path}[{kind}]" if kind else path)
    else:
        yield path


_ABSENT = object()
"""The value of a field that is not there."""
