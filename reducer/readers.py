"""Readers: functions that check decoded JSON and build an object of a declared class in one pass.

`APIObject.from_dict` goes through the fields of any mapping one by one, and reports every fault
with its path. For the dicts that `json` makes, that takes several times as long as the JSON itself.
So this module writes, for each class, the code that a person would write for that class alone:

    def read(data):
        if data.get("type") != "content_block_stop":
            return None
        try:
            value_index = data["index"]
        ...

Rules:

- A reader returns `None` if anything is not plainly right: a missing field, a wrong type, or no
  `type`. Then `from_dict` goes the slow way, which describes the fault.
- Both ways give equal objects. The slow way is the twin in the tests.
- The code is written when a class is first read, so that importing this package stays cheap.

Cost: 0.4 µs for an object of two fields, where the slow way takes 1.3 µs; 0.3 ms once a class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import attrs

from .drafts import draft_of
from .frozen_json import EMPTY, JSONObject, freeze

__all__ = ["reader_of"]

Reader = Callable[[dict[str, Any]], Any]

_TAG = """
        if data["type"] != tag:
            return None"""

_REQUIRED = """
        value_{name} = data[{key!r}]
        if value_{name}.__class__ not in as_is_{name}:
            value_{name} = read_{name}(value_{name})"""

_OPTIONAL = """
        value_{name} = data.get({key!r}, missing)
        if value_{name} is missing:
            value_{name} = default_{name}
        else:
            known += 1
            if value_{name}.__class__ not in as_is_{name}:
                value_{name} = read_{name}(value_{name})
            if value_{name} == default_{name}:
                rest[{key!r}] = value_{name}"""

_READER = """
def read(data):
    rest = {{}}
    known = {known}
    try:{fields}
        if known != len(data):
            for key in data:
                if key not in keys:
                    if key.__class__ is not str:
                        return None
                    rest[key] = freeze(data[key], 1)
    except (KeyError, ValueError):
        return None
    new = draft()
    {assignments}
    new._rest = JSONObject(rest) if rest else EMPTY
    new.__class__ = cls
    return new
"""


@cache
def reader_of(cls: Any) -> Reader:
    """Return the reader of a declared class.

    Args:
        cls: the class; it has the slots of its declaration and no others.
    """
    tags = ["type"] if cls._tag else []
    names: dict[str, Any] = {
        "EMPTY": EMPTY,
        "JSONObject": JSONObject,
        "cls": cls,
        "draft": draft_of(cls),
        "freeze": freeze,
        "keys": frozenset([*tags, *cls._fields]),
        "missing": attrs.NOTHING,
        "tag": cls._tag,
    }
    fields = _TAG if tags else ""
    assignments: list[str] = []
    known = len(tags)
    for field in cls._attributes:
        name = field.name
        names[f"default_{name}"] = field.default
        if field.key:
            names[f"as_is_{name}"], names[f"read_{name}"] = field.as_is, field.read
            fields += (_REQUIRED if field.required else _OPTIONAL).format(name=name, key=field.key)
            assignments.append(f"new.{name} = value_{name}")
            known += field.required
        elif name != "rest":
            assignments.append(f"new._{name} = default_{name}")
    source = _READER.format(known=known, fields=fields, assignments="\n    ".join(assignments))
    exec(source, names)
    reader: Reader = names["read"]
    return reader
